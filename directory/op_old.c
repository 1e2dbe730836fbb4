/*
 * op_old.c: the old password that comes with a change of one: verified by the hasher, and counted as a sign-in that failed when it is
 * wrong, so that a change is no cheaper way to guess.
 */
#include "directory/find.h"
#include "directory/op_write.h"
#include "directory/pwd.h"

struct old {
	struct lg_entry who;
	bool found;
	lg_str address, account, verifier;
	lg_old_verified *then;
	lg_str right;			/* what it was right for; empty: it was wrong */
};

static void
finish(struct lg_op *op, struct old *o)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;

	if (ports->attempt_done != NULL)
		ports->attempt_done(ports->self, &op->cx, o->found ? o->who.tenant : op->ldap->o.tenant, o->address, o->account, o->right.n > 0);
	if (op->conn == NULL) {
		op->done = true;
	} else if (o->right.n > 0) {
		o->then(op, o->right);
	} else {
		lg_op_reply_password(op, NULL, LG_PWD_MUST_SUPPLY_OLD);
		lg_op_code(op, LG_LDAP_UNWILLING, "unwilling to verify old password");
	}
	if (op->done) {
		lg_op_wake(op);
		if (!op->held)
			lg_op_end(op);
	}
}

/* A locked account's password is not told to be right; an expired one may be changed with. */
static void
settled(struct lg_op *op, const struct lg_pwd_verdict *v)
{
	struct old *o = op->old;

	if (v->outcome != LG_PWD_WRONG && v->outcome != LG_PWD_IS_LOCKED)
		o->right = o->verifier;
	finish(op, o);
}

static void
verified(void *arg, lg_err e, bool match, bool upgrade)
{
	struct lg_op *op = arg;
	struct old *o = op->old;

	(void)upgrade;
	lg_op_resume(op);
	if (e == LG_OK && o->found) {
		lg_op_settle(op, &o->who, o->address, o->verifier, LG_NONE, match, false, settled);
		return;
	}
	if (e == LG_E_BUSY) {
		lg_op_code(op, LG_LDAP_BUSY, "too many passwords wait to be checked");
		lg_op_wake(op);
		lg_op_end(op);
		return;
	}
	finish(op, o);
}

static bool
may_try(struct lg_op *op, struct old *o, lg_str name)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;
	char id[LG_UUID_TEXT + 1];

	o->account = name;
	if (o->found) {
		lg_uuid_text(o->who.uuid, id);
		o->account = lg_dup(op->arena, lg_str_of(id));
	}
	return ports->attempt_may == NULL ||
	    ports->attempt_may(ports->self, &op->cx, o->found ? o->who.tenant : op->ldap->o.tenant, o->address, o->account) == LG_OK;
}

/* Nobody of that name, or no password yet: it is checked against nothing, at the same cost. */
static void
find(struct lg_op *op, struct old *o, lg_str dn)
{
	struct lg_view *v;
	lg_str verifier;

	if (lg_view_begin(&op->cx, op->ldap->o.dir->store, &v) != LG_OK)
		return;
	if (lg_entry_by_dn(&op->cx, v, dn, &o->who) == LG_OK && lg_entry_verifier(&op->cx, op->ldap->o.dir, v, &o->who, &verifier) == LG_OK) {
		o->found = true;
		o->verifier = lg_dup(op->arena, verifier);
	}
	lg_view_end(&v);
}

void
lg_op_verify_old(struct lg_op *op, lg_str dn, lg_str old, lg_old_verified *then)
{
	const struct lg_hasher *hasher = op->ldap->o.dir->ports.hasher;
	struct lg_secret secret = { (uint8_t *)(uintptr_t)old.p, old.n };
	struct old *o = LG_NEW(op->arena, struct old);

	*o = (struct old){ .address = lg_dup(op->arena, lg_str_of(op->conn->peer.address)), .then = then };
	op->old = o;
	find(op, o, dn);
	if (!may_try(op, o, dn)) {
		lg_op_code(op, LG_LDAP_BUSY, "too many failed attempts; wait a minute");
		return;
	}
	lg_op_wait(op);
	if (hasher->verify(hasher->self, o->verifier, &secret, verified, op) == LG_OK)
		return;
	lg_op_resume(op);
	lg_op_code(op, LG_LDAP_BUSY, "too many passwords wait to be checked");
}

lg_err
lg_old_still(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_write *w, const struct lg_entry *e)
{
	lg_str present;

	if (w->verified.n == 0 || (lg_entry_verifier(cx, ed->dir, ed->v, e, &present) == LG_OK && lg_str_eq(present, w->verified)))
		return LG_OK;
	return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "userPassword: it was changed meanwhile");
}
