/* op_write.c: from a request to a mutation and back. */
#include "directory/op_write.h"

#include "base/json.h"
#include "directory/find.h"
#include "directory/pwd.h"
#include "directory/secret.h"
#include "directory/txn.h"

/* ---- on the writer's thread ---------------------------------------------------------------------------------------- */

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct lg_write *w = (struct lg_write *)job;

	/* A mutation may be run again: it starts from nothing each time. */
	w->ed = lg_edit_of(w->op->ldap->o.dir, v, job->tenant);
	LG_TRY(w->edit(cx, &w->ed, w));
	lg_audit(v, w->dn, w->attributes);
	return LG_OK;
}

static void
show_path(struct lg_ctx *cx, struct lg_edit *ed, struct lg_access *ac, uint64_t id)
{
	struct lg_entry e;
	lg_str dn;

	for (; id != 0; id = e.parent) {
		if (lg_entry_by_id(cx, ed->v, ed->tenant, id, &e) != LG_OK || lg_entry_dn(cx, ed->v, &e, &dn) != LG_OK)
			return;
		if (lg_may(ac, LG_RIGHT_DISCLOSE, &e, dn, NULL)) {
			ed->matched = dn;
			return;
		}
	}
}

lg_err
lg_write_find(struct lg_ctx *cx, struct lg_edit *ed, lg_str text, struct lg_access *ac, struct lg_entry *ret, lg_str *ret_dn)
{
	struct lg_place place;
	struct lg_dn dn;

	if (!lg_dn_parse(cx->arena, text, &dn))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid DN");
	LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
	*ac = lg_access_of(ed->dir, cx, ed->v, ed->tenant, NULL);
	if (place.tenant != ed->tenant)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_OBJECT, "no such object");
	if (place.missing > 0) {
		show_path(cx, ed, ac, place.id);
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_OBJECT, "no such object");
	}
	LG_TRY(lg_entry_by_id(cx, ed->v, place.tenant, place.id, ret));
	return lg_entry_dn(cx, ed->v, ret, ret_dn);
}

lg_err
lg_write_may(struct lg_ctx *cx, struct lg_edit *ed, struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn,
    const struct lg_attr *at)
{
	if (lg_may(ac, right, e, dn, at))
		return LG_OK;
	if (right != LG_RIGHT_ADD && !lg_may(ac, LG_RIGHT_DISCLOSE, e, dn, NULL)) {
		show_path(cx, ed, ac, e->parent);
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_OBJECT, "no such object");
	}
	return lg_refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, "insufficient access rights");
}

static lg_err
show(struct lg_ctx *cx, struct lg_access *ac, const struct lg_entry *e, lg_str dn, const struct lg_selection *sel, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(LG_LDAP_PDU_BOUND);
	struct lg_shown sh = { .ac = ac, .e = e, .dn = dn };
	struct lg_berw w = lg_berw_of(&out);

	lg_shown_put(&sh, sel, &w);
	LG_TRY(lg_buf_status(cx, &out));
	*ret = lg_dup(cx->arena, lg_buf_view(&out));
	return LG_OK;
}

lg_err
lg_write_before(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w, struct lg_access *ac, const struct lg_entry *e, lg_str dn)
{
	const struct lg_controls *c = &w->op->controls;
	struct lg_shown sh = { .ac = ac, .e = e, .dn = dn };
	struct lg_filter_port port = lg_shown_port(&sh);

	if (w->assertion != NULL && lg_filter_match(w->assertion, &port) != LG_TRUE)
		return lg_refuse(cx, ed, LG_LDAP_ASSERTION_FAILED, "the assertion does not hold");
	return c->pre_read ? show(cx, ac, e, dn, &c->pre, &w->before) : LG_OK;
}

lg_err
lg_write_after(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w, const struct lg_entry *e)
{
	struct lg_access ac = lg_access_of(ed->dir, cx, ed->v, ed->tenant, NULL);
	lg_str dn;

	if (!w->op->controls.post_read)
		return LG_OK;
	LG_TRY(lg_entry_dn(cx, ed->v, e, &dn));
	return show(cx, &ac, e, dn, &w->op->controls.post, &w->after);
}

/* ---- on the loop ---------------------------------------------------------------------------------------------------------- */

/* RFC 3062: PasswdModifyResponseValue with genPasswd. */
static void
write_generated(struct lg_berw *w, void *arg)
{
	const lg_str *password = arg;
	struct lg_buf value = LG_BUF(256);
	struct lg_berw inner = lg_berw_of(&value);

	lg_berw_open(&inner, LG_BER_SEQUENCE);
	lg_berw_str(&inner, LG_BER_CONTEXT(0), *password);
	lg_berw_close(&inner);
	lg_berw_str(w, LG_BER_CONTEXT(11), lg_buf_view(&value));
	lg_buf_wipe(&value);
}

/* Is the DN the caller's own?  Decided again, by identity, where the right to write is. */
static bool
is_own(struct lg_op *op, lg_str dn)
{
	struct lg_entry e;
	struct lg_view *v;
	bool own;

	if (op->actor.kind != LG_ACTOR_ENTRY || lg_view_begin(&op->cx, op->ldap->o.dir->store, &v) != LG_OK)
		return false;
	own = lg_entry_by_dn(&op->cx, v, dn, &e) == LG_OK && lg_uuid_eq(e.uuid, op->actor.id);
	lg_view_end(&v);
	return own;
}

void
lg_write_own_password(struct lg_ldap_conn *c, struct lg_op *op)
{
	const struct lg_write *w = op->state;

	if (w->password == NULL || !is_own(op, w->dn))
		return;
	lg_session_renew(c);
	c->must_change = false;
}

static void
answer(struct lg_note *note)
{
	struct lg_write *w = (struct lg_write *)note;
	struct lg_op *op = w->op;

	lg_op_resume(op);
	if (w->job.result == LG_OK && op->conn != NULL)
		lg_write_own_password(op->conn, op);
	if (w->job.result == LG_OK && w->before.n > 0)
		lg_op_reply(op, LG_CONTROL_PRE_READ, w->before);
	if (w->job.result == LG_OK && w->after.n > 0)
		lg_op_reply(op, LG_CONTROL_POST_READ, w->after);
	if (w->job.result != LG_OK)
		lg_op_error(op, w->job.result, &w->ed);
	else if (w->generated.n > 0)
		lg_op_result_with(op, LG_LDAP_SUCCESS, LG_NONE, LG_NONE, write_generated, &w->generated);
	else
		lg_op_code(op, LG_LDAP_SUCCESS, "");
	lg_op_wake(op);
	lg_op_end(op);
}

struct lg_write *
lg_write_new(struct lg_op *op, lg_str dn, lg_err (*edit)(struct lg_ctx *, struct lg_edit *, struct lg_write *))
{
	struct lg_write *w = LG_NEW(op->arena, struct lg_write);

	w->op = op;
	w->dn = dn;
	w->edit = edit;
	op->state = w;
	return w;
}

/* Names only: values may be personal, and the log is kept. */
static lg_str
attribute_names(struct lg_op *op, const struct lg_write *w)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(16384);
	struct lg_jsonw js = lg_jsonw_of(&out);

	lg_jsonw_object(&js);
	lg_jsonw_name(&js, LG_STR("attributes"));
	lg_jsonw_array(&js);
	for (size_t i = 0; i < w->n; i++) {
		const struct lg_attr *at = lg_attr_find(w->mods != NULL ? w->mods[i].values.attribute : w->values[i].attribute);
		if (at != NULL)
			lg_jsonw_str(&js, lg_attr_name(at));
	}
	lg_jsonw_array_end(&js);
	if (op->controls.proxied) {
		lg_jsonw_name(&js, LG_STR("asked_by"));
		lg_jsonw_str(&js, op->proxy.name);
	}
	lg_jsonw_object_end(&js);
	return out.full ? LG_STR("{}") : lg_dup(op->arena, lg_buf_view(&out));
}

/* Which tenant's the DN is: 0 when none's. */
static uint32_t
tenant_of(struct lg_op *op, lg_str text, bool *parses)
{
	struct lg_place place = { 0 };
	struct lg_view *v;
	struct lg_dn dn;

	*parses = lg_dn_parse(op->arena, text, &dn);
	if (!*parses || lg_view_begin(&op->cx, op->ldap->o.dir->store, &v) != LG_OK)
		return 0;
	lg_err e = lg_dn_resolve(&op->cx, v, &dn, &place);
	lg_view_end(&v);
	return e == LG_OK ? place.tenant : 0;
}

static void
submit(struct lg_op *op)
{
	struct lg_write *w = op->state;
	lg_err e;

	if (op->controls.txn.n > 0) {
		lg_op_resume(op);
		op->done = true;		/* whoever was to end it may have gone meanwhile */
		if (op->conn != NULL)
			lg_txn_take(op, w);
		return;
	}
	e = lg_store_submit(op->ldap->o.dir->store, &w->job);
	if (e == LG_OK)
		return;
	lg_op_resume(op);
	lg_op_error(op, e, NULL);
}

static void
hashed(void *arg, lg_err e, lg_str stored)
{
	struct lg_op *op = arg;
	struct lg_write *w = op->state;

	if (e == LG_OK) {
		*w->password = lg_dup(op->arena, stored);
		submit(op);
	} else if (e == LG_E_EXISTS) {
		lg_op_resume(op);
		lg_op_reply_password(op, NULL, LG_PWD_IN_HISTORY);
		lg_op_code(op, LG_LDAP_CONSTRAINT_VIOLATION, "the password was used before");
	} else {
		lg_op_resume(op);
		lg_op_error(op, e, NULL);
	}
	if (op->done) {
		lg_op_wake(op);
		if (!op->held)
			lg_op_end(op);
	}
}

/* Hashing is dear: who may not change the password anyway does not get so far.  The right is decided again inside the mutation. */
static bool
may_hash(struct lg_op *op, const struct lg_write *w)
{
	struct lg_access ac;
	struct lg_view *v;
	struct lg_entry e;
	lg_str dn;
	bool may;

	if (op->actor.kind == LG_ACTOR_ANONYMOUS) {
		lg_op_code(op, LG_LDAP_STRONGER_AUTH_REQUIRED, "only authenticated users may set passwords");
		return false;
	}
	if (op->kind->run == lg_op_add)
		return true;
	if (!lg_op_view(op, &v))
		return false;
	may = lg_op_find(op, v, w->dn, &ac, &e, &dn);
	if (may && !lg_may(&ac, LG_RIGHT_WRITE, &e, dn, lg_attr_of(LG_A_USER_PASSWORD))) {
		lg_op_code(op, LG_LDAP_INSUFFICIENT_ACCESS, "insufficient access rights");
		may = false;
	}
	lg_view_end(&v);
	return may;
}

static bool
values_fit(struct lg_op *op, const struct lg_write *w)
{
	struct lg_edit ed = { 0 };
	lg_err e = LG_OK;

	for (size_t i = 0; i < w->n && e == LG_OK; i++)
		e = w->mods != NULL ? lg_values_check(&op->cx, &ed, &w->mods[i].values, w->mods[i].kind)
		    : lg_values_check(&op->cx, &ed, &w->values[i], LG_MODIFY_ADD);
	if (e != LG_OK)
		lg_op_error(op, e, &ed);
	return e == LG_OK;
}

/* Values and rights are looked at, and the old password is verified. */
static void
go_on(struct lg_op *op)
{
	const struct lg_hasher *hasher = op->ldap->o.dir->ports.hasher;
	struct lg_write *w = op->state;
	lg_str used[LG_HASH_USED];
	size_t n = 0;

	if (w->password != NULL && lg_write_check_password(op, w, used, &n) != LG_OK)
		return;
	lg_op_wait(op);
	if (w->password == NULL) {
		submit(op);
		return;
	}
	struct lg_secret secret = { (uint8_t *)(uintptr_t)w->password->p, w->password->n };
	lg_err e = hasher->renew(hasher->self, used, n, &secret, hashed, op);
	if (e != LG_OK) {
		lg_op_resume(op);
		lg_op_error(op, e, NULL);
	}
}

static void
old_was_right(struct lg_op *op, lg_str verifier)
{
	struct lg_write *w = op->state;

	w->verified = verifier;
	go_on(op);
}

void
lg_write_submit(struct lg_op *op, struct lg_write *w, const char *operation, lg_str *password)
{
	bool parses, add = op->kind->run == lg_op_add;
	uint32_t tenant = tenant_of(op, w->dn, &parses);

	if (op->conn->must_change && !is_own(op, w->dn)) {
		lg_op_reply_password(op, NULL, LG_PWD_CHANGE_AFTER_RESET);
		lg_op_code(op, LG_LDAP_INSUFFICIENT_ACCESS, "the password must be changed first");
		return;
	}
	if (parses && !values_fit(op, w))
		return;
	if (!parses || tenant == 0) {
		lg_op_code(op, !parses ? LG_LDAP_INVALID_DN : add ? LG_LDAP_UNWILLING : LG_LDAP_NO_SUCH_OBJECT, !parses ? "invalid DN" : "");
		return;
	}
	if (op->controls.assertion.n > 0 && !lg_op_assertion(op, &w->assertion))
		return;
	if ((password != NULL || w->old.p != NULL) && !may_hash(op, w))
		return;
	lg_op_own(op);
	w->attributes = attribute_names(op, w);
	w->job = (struct lg_job){ .note.run = answer, .run = run, .reply = op->ldap->o.mailbox, .cx = &op->cx, .tenant = tenant, .operation = operation };
	w->password = password;
	if (w->old.p != NULL)
		lg_op_verify_old(op, w->dn, w->old, old_was_right);
	else
		go_on(op);
}

/* ---- reading requests --------------------------------------------------------------------------------------------------------- */

bool
lg_write_values(struct lg_op *op, struct lg_ber *attribute, struct lg_values *ret)
{
	struct lg_ber set;
	lg_str *v;
	size_t n;

	ret->attribute = lg_ber_str(attribute, LG_BER_OCTETS);
	set = lg_ber_enter(attribute, LG_BER_SET);
	n = lg_ber_count(&set);
	v = LG_NEWS(op->arena, lg_str, n);
	for (size_t i = 0; i < n; i++)
		v[i] = lg_ber_str(&set, LG_BER_OCTETS);
	ret->v = v;
	ret->n = n;
	return !attribute->bad && !set.bad;
}

bool
lg_write_old(struct lg_op *op, struct lg_write *w, struct lg_values *values)
{
	const struct lg_attr *at = lg_attr_find(values->attribute);

	if (at == NULL || (at->flags & LG_AF_SECRET) == 0 || values->n == 0)
		return true;
	if (!lg_op_confidential(op)) {
		lg_op_code(op, LG_LDAP_CONFIDENTIALITY_REQUIRED, "TLS confidentiality required");
		return false;
	}
	if (values->n > 1 || w->old.p != NULL || values->v[0].n > LG_PASSWORD_MAX) {
		lg_op_code(op, LG_LDAP_NO_SUCH_ATTRIBUTE, "userPassword: no such value");
		return false;
	}
	w->old = values->v[0];
	values->n = 0;
	return true;
}

bool
lg_write_password(struct lg_op *op, const struct lg_values *values, lg_str dn, lg_str **ret)
{
	const struct lg_attr *at = lg_attr_find(values->attribute);
	lg_str *v = (lg_str *)(uintptr_t)values->v;

	if (at == NULL || (at->flags & LG_AF_SECRET) == 0 || values->n == 0)
		return true;
	if (!lg_op_confidential(op)) {
		lg_op_code(op, LG_LDAP_CONFIDENTIALITY_REQUIRED, "TLS confidentiality required");
		return false;
	}
	/* Verifiers come with migrations.  Nobody gives himself one: it could be weaker than what we make. */
	if (lg_verifier_like(*v) && !is_own(op, dn))
		return true;
	if (values->n > 1 || *ret != NULL || v->n == 0 || v->n > LG_PASSWORD_MAX) {
		lg_op_code(op, LG_LDAP_CONSTRAINT_VIOLATION, "userPassword takes one value of at most 1024 octets");
		return false;
	}
	*ret = v;
	return true;
}
