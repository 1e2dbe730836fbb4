/*
 * op_settle.c: the password policy in LDAP: its words in answers, the check of a new password before it is hashed, and what follows
 * from a verified one before the bind is answered.
 */
#include "directory/find.h"
#include "directory/op_write.h"
#include "directory/pwd.h"

/* ---- the response control (draft 6.2) ----------------------------------------------------------------------------------- */

static void
put_warning(struct lg_berw *w, const struct lg_pwd_verdict *v)
{
	if (v == NULL || (v->grace_left < 0 && v->expires_in < 0))
		return;
	lg_berw_open(w, LG_BER_CONTEXT_SET(0));
	lg_berw_int(w, v->grace_left >= 0 ? LG_BER_CONTEXT(1) : LG_BER_CONTEXT(0), v->grace_left >= 0 ? v->grace_left : v->expires_in);
	lg_berw_close(w);
}

void
lg_op_reply_password(struct lg_op *op, const struct lg_pwd_verdict *v, int error)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	struct lg_berw w = lg_berw_of(&value);

	if (!op->controls.password_policy)
		return;
	lg_berw_open(&w, LG_BER_SEQUENCE);
	put_warning(&w, v);
	if (error != LG_PWD_NO_ERROR)
		lg_berw_int(&w, LG_BER_CONTEXT(1), error - 1);
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_PASSWORD, lg_buf_view(&value));
}

/* ---- a new password -------------------------------------------------------------------------------------------------------- */

/* The name that must not stand in it: of an entry that is being added, its RDN's value. */
static lg_str
name_of(struct lg_op *op, const struct lg_entry *e, lg_str dn)
{
	struct lg_dn parsed;

	if (e != NULL)
		return e->name;
	return lg_dn_parse(op->arena, dn, &parsed) && parsed.n > 0 && parsed.rdn[0].n > 0 ? parsed.rdn[0].ava[0].value : LG_NONE;
}

static lg_err
check_and_list(struct lg_op *op, struct lg_edit *ed, const struct lg_write *w, lg_str used[LG_HASH_USED], size_t *n)
{
	bool add = op->kind->run == lg_op_add;
	struct lg_pwd_policy p;
	struct lg_entry e = { .tenant = ed->tenant };

	if (!add)
		LG_TRY(lg_entry_by_dn(&op->cx, ed->v, w->dn, &e));
	LG_TRY(lg_pwd_policy_get(&op->cx, ed->v, &e, &p));
	if (w->generated.n == 0)
		LG_TRY(lg_pwd_check_new(&op->cx, ed, &p, add ? NULL : &e, name_of(op, add ? NULL : &e, w->dn), *w->password, w->verified.n > 0));
	return add ? LG_OK : lg_pwd_used(&op->cx, ed->dir, ed->v, &p, &e, used, n);
}

lg_err
lg_write_check_password(struct lg_op *op, const struct lg_write *w, lg_str used[LG_HASH_USED], size_t *n)
{
	struct lg_edit ed = lg_edit_of(op->ldap->o.dir, NULL, w->job.tenant);
	lg_err e;

	*n = 0;
	LG_TRY(lg_view_begin(&op->cx, ed.dir->store, &ed.v));
	e = check_and_list(op, &ed, w, used, n);
	lg_view_end(&ed.v);
	if (ed.password_error != 0)
		lg_op_reply_password(op, NULL, ed.password_error);
	if (e != LG_OK)
		lg_op_error(op, e, &ed);
	return e;
}

/* ---- after a bind's password was verified ------------------------------------------------------------------------------------ */

struct settling {
	struct lg_job job;		/* first: the store gives it back */
	struct lg_op *op;
	struct lg_settle s;
	lg_str password;
	lg_settled *then;
};

static void
finish(struct settling *st)
{
	st->then(st->op, &st->s.verdict);
}

static lg_err
record(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct settling *st = (struct settling *)job;
	struct lg_edit ed = lg_edit_of(st->s.dir, v, st->s.tenant);

	return lg_settle_edit(cx, &ed, &st->s);
}

/* What must not be forgotten is refused when it cannot be written; the rest is done again at the next sign-in. */
static void
not_recorded(struct settling *st)
{
	if (st->s.verdict.grace_left >= 0)
		st->s.verdict.outcome = LG_PWD_IS_EXPIRED;
	finish(st);
}

static void
recorded(struct lg_note *note)
{
	struct settling *st = (struct settling *)(void *)note;

	lg_op_resume(st->op);
	if (st->job.result == LG_OK)
		finish(st);
	else
		not_recorded(st);
}

static void
submit(struct settling *st)
{
	st->job = (struct lg_job){ .note.run = recorded, .run = record, .reply = st->op->ldap->o.mailbox, .cx = &st->op->cx,
		.tenant = st->s.tenant, .operation = "password.settle" };
	lg_op_wait(st->op);
	if (lg_store_submit(st->s.dir->store, &st->job) == LG_OK)
		return;
	lg_op_resume(st->op);
	not_recorded(st);
}

static void
renewed(void *arg, lg_err e, lg_str stored)
{
	struct settling *st = arg;

	lg_op_resume(st->op);
	if (e == LG_OK)
		st->s.renewed = lg_dup(st->op->arena, stored);
	submit(st);
}

void
lg_op_settle(struct lg_op *op, const struct lg_entry *who, lg_str address, lg_str verifier, lg_str password, bool match, bool upgrade,
    lg_settled *then)
{
	const struct lg_hasher *hasher = op->ldap->o.dir->ports.hasher;
	struct settling *st = LG_NEW(op->arena, struct settling);
	struct lg_secret secret = { (uint8_t *)(uintptr_t)password.p, password.n };
	struct lg_view *v;
	lg_err e;

	st->op = op;
	st->password = password;
	st->then = then;
	st->s = (struct lg_settle){ .dir = op->ldap->o.dir, .tenant = who->tenant, .id = who->id, .address = address,
		.match = match, .upgrade = match && upgrade, .verifier = verifier };
	e = lg_view_begin(&op->cx, st->s.dir->store, &v);
	if (e == LG_OK) {
		e = lg_settle_look(&op->cx, v, &st->s);
		lg_view_end(&v);
	}
	if (e != LG_OK)
		st->s.verdict = (struct lg_pwd_verdict){ .outcome = LG_PWD_WRONG, .expires_in = -1, .grace_left = -1 };
	if (e != LG_OK || !st->s.write) {
		finish(st);
		return;
	}
	if (st->s.upgrade && st->s.verdict.outcome == LG_PWD_GOOD) {
		lg_op_wait(op);
		if (hasher->hash(hasher->self, &secret, renewed, st) == LG_OK)
			return;
		lg_op_resume(op);
	}
	submit(st);
}
