/* op_txn.c: see txn.h. */
#include "directory/txn.h"

#include <stdlib.h>

#include "base/json.h"
#include "directory/directory.h"

struct lg_txn {
	struct lg_job job;		/* first: the store gives it back */
	struct lg_op *end;		/* the request that ends it */
	struct lg_op *first, **last;	/* updates in their order, out of the connection's list */
	size_t n, bytes;
	uint32_t tenant;
	char id[LG_TOKEN_TEXT + 1];
	struct lg_op *failed;
};

static lg_str
id_of(const struct lg_txn *t)
{
	return lg_str_of(t->id);
}

static void
drop(struct lg_txn **tp)
{
	struct lg_txn *t = *tp;

	while (t->first != NULL) {
		struct lg_op *op = t->first;
		t->first = op->next;
		op->held = false;
		lg_op_end(op);
	}
	free(t);
	*tp = NULL;
}

void
lg_txn_abort(struct lg_ldap_conn *c, bool notice, int code)
{
	struct lg_berw w = lg_berw_of(&c->out);

	if (c->txn == NULL)
		return;
	if (notice) {
		lg_berw_open(&w, LG_BER_SEQUENCE);
		lg_berw_int(&w, LG_BER_INTEGER, 0);
		lg_berw_open(&w, 0x78);
		lg_berw_int(&w, LG_BER_ENUMERATED, code);
		lg_berw_str(&w, LG_BER_OCTETS, LG_NONE);
		lg_berw_str(&w, LG_BER_OCTETS, LG_STR("the transaction is aborted"));
		lg_berw_str(&w, LG_BER_CONTEXT(10), LG_STR("1.3.6.1.1.21.4"));
		lg_berw_str(&w, LG_BER_CONTEXT(11), id_of(c->txn));
		lg_berw_close(&w);
		lg_berw_close(&w);
	}
	drop(&c->txn);
}

/* ---- start --------------------------------------------------------------------------------------------------------------- */

static void
write_id(struct lg_berw *w, void *arg)
{
	lg_berw_str(w, LG_BER_CONTEXT(11), id_of(arg));
}

void
lg_op_txn_start(struct lg_op *op, lg_str value)
{
	struct lg_txn *t;

	if (value.p != NULL) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "the start of a transaction has no value");
		return;
	}
	if (op->conn->txn != NULL) {
		lg_op_code(op, LG_LDAP_UNWILLING, "one transaction at a time");
		return;
	}
	t = calloc(1, sizeof *t);
	if (t == NULL)
		abort();
	t->last = &t->first;
	memcpy(t->id, lg_token_new(op->arena).p, LG_TOKEN_TEXT);
	op->conn->txn = t;
	lg_op_result_with(op, LG_LDAP_SUCCESS, LG_NONE, LG_NONE, write_id, t);
}

/* ---- updates -------------------------------------------------------------------------------------------------------------- */

static void
keep(struct lg_op *op, struct lg_txn *t)
{
	struct lg_op **at = &op->conn->ops;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	op->conn->nops--;
	op->next = NULL;
	*t->last = op;
	t->last = &op->next;
	t->n++;
	t->bytes += op->body.n;
	op->held = true;
	op->conn = NULL;		/* it may go while the store is at work */
}

/* Whether it can be done shows at the end: what comes before it is not done yet. */
void
lg_txn_take(struct lg_op *op, struct lg_write *w)
{
	struct lg_txn *t = op->conn->txn;

	if (t == NULL || !lg_str_eq(op->controls.txn, id_of(t))) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "there is no such transaction");
	} else if (op->controls.proxied || (t->n > 0 && t->tenant != w->job.tenant)) {
		lg_op_code(op, LG_LDAP_UNWILLING, "a transaction is of one tenant, and done by who begins it");
	} else if (t->n == LG_TXN_UPDATES || t->bytes + op->body.n > LG_TXN_BYTES) {
		lg_op_code(op, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "the transaction is too large");
		lg_txn_abort(op->conn, true, LG_LDAP_ADMIN_LIMIT_EXCEEDED);
	} else {
		t->tenant = w->job.tenant;
		lg_op_code(op, LG_LDAP_SUCCESS, "");
		lg_op_wake(op);
		keep(op, t);
	}
}

/* ---- end ------------------------------------------------------------------------------------------------------------------- */

static lg_str
audit_detail(struct lg_ctx *cx, const struct lg_txn *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(16384);
	struct lg_jsonw js = lg_jsonw_of(&out);

	lg_jsonw_object(&js);
	lg_jsonw_name(&js, LG_STR("operations"));
	lg_jsonw_array(&js);
	for (const struct lg_op *op = t->first; op != NULL; op = op->next) {
		const struct lg_write *w = op->state;
		lg_jsonw_object(&js);
		lg_jsonw_str_of(&js, "operation", lg_str_of(w->job.operation));
		lg_jsonw_str_of(&js, "target", w->dn);
		lg_jsonw_name(&js, LG_STR("detail"));
		lg_jsonw_raw(&js, w->attributes);
		lg_jsonw_object_end(&js);
	}
	lg_jsonw_array_end(&js);
	lg_jsonw_object_end(&js);
	return out.full ? lg_print(cx->arena, "{\"updates\":%zu}", t->n) : lg_dup(cx->arena, lg_buf_view(&out));
}

/* On the writer's thread: one after the other in one change; the first that fails leaves nothing of the others. */
static lg_err
run(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct lg_txn *t = (struct lg_txn *)job;

	for (struct lg_op *op = t->first; op != NULL; op = op->next) {
		struct lg_write *w = op->state;
		w->ed = lg_edit_of(op->ldap->o.dir, v, job->tenant);
		t->failed = op;
		LG_TRY(w->edit(cx, &w->ed, w));
	}
	t->failed = NULL;
	lg_audit(v, ((struct lg_write *)t->first->state)->dn, audit_detail(cx, t));
	return LG_OK;
}

static void
write_control(struct lg_berw *w, const char *oid, lg_str value)
{
	if (value.n == 0)
		return;
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_str(w, LG_BER_OCTETS, lg_str_of(oid));
	lg_berw_str(w, LG_BER_OCTETS, value);
	lg_berw_close(w);
}

/* updatesControls (RFC 5805 2.2): what the updates' answers would have brought, had they been answers. */
static void
write_controls(struct lg_berw *w, const struct lg_txn *t)
{
	size_t shown = 0;

	for (const struct lg_op *op = t->first; op != NULL; op = op->next) {
		const struct lg_write *update = op->state;
		if (update->before.n == 0 && update->after.n == 0)
			continue;
		if (shown++ == 0)
			lg_berw_open(w, LG_BER_SEQUENCE);
		lg_berw_open(w, LG_BER_SEQUENCE);
		lg_berw_int(w, LG_BER_INTEGER, op->id);
		lg_berw_open(w, LG_BER_CONTEXT_SET(0));
		write_control(w, LG_CONTROL_PRE_READ, update->before);
		write_control(w, LG_CONTROL_POST_READ, update->after);
		lg_berw_close(w);
		lg_berw_close(w);
	}
	if (shown > 0)
		lg_berw_close(w);
}

static void
write_ended(struct lg_berw *out, void *arg)
{
	const struct lg_txn *t = arg;
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(LG_LDAP_PDU_BOUND * 4);
	struct lg_berw w = lg_berw_of(&value);
	size_t empty;

	lg_berw_open(&w, LG_BER_SEQUENCE);
	empty = value.n;
	if (t->failed != NULL)
		lg_berw_int(&w, LG_BER_INTEGER, t->failed->id);
	else
		write_controls(&w, t);
	if (value.full || value.n == empty)		/* what was read may be more than an answer holds */
		return;
	lg_berw_close(&w);
	lg_berw_str(out, LG_BER_CONTEXT(11), lg_buf_view(&value));
}

static void
answer(struct lg_note *note)
{
	struct lg_txn *t = (struct lg_txn *)(void *)note;
	struct lg_op *op = t->end;
	const struct lg_edit *ed = t->failed == NULL ? NULL : &((struct lg_write *)t->failed->state)->ed;
	lg_err e = t->job.result;
	int code = ed != NULL && ed->result != 0 ? ed->result : (int)lg_result_of(e);

	lg_op_resume(op);
	for (struct lg_op *update = t->first; e == LG_OK && update != NULL; update = update->next)
		if (op->conn != NULL)
			lg_write_own_password(op->conn, update);
	lg_op_result_with(op, e == LG_OK ? LG_LDAP_SUCCESS : code, e == LG_OK || ed == NULL ? LG_NONE : ed->matched,
	    e == LG_OK ? LG_NONE : lg_str_of(op->cx.error), write_ended, t);
	drop(&t);
	lg_op_wake(op);
	lg_op_end(op);
}

static void
commit(struct lg_op *op)
{
	struct lg_txn *t = op->conn->txn;
	lg_err e;

	op->conn->txn = NULL;
	if (t->n == 0) {
		drop(&t);
		lg_op_code(op, LG_LDAP_SUCCESS, "");
		return;
	}
	t->end = op;
	t->job = (struct lg_job){ .note.run = answer, .run = run, .reply = op->ldap->o.mailbox, .cx = &op->cx, .tenant = t->tenant,
		.operation = "entry.transaction" };
	lg_op_own(op);
	lg_op_wait(op);
	e = lg_store_submit(op->ldap->o.dir->store, &t->job);
	if (e == LG_OK)
		return;
	lg_op_resume(op);
	drop(&t);
	lg_op_error(op, e, NULL);
}

void
lg_op_txn_end(struct lg_op *op, lg_str value)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	bool wanted = lg_ber_peek(&b) != LG_BER_BOOLEAN || lg_ber_bool(&b, LG_BER_BOOLEAN);
	lg_str id = lg_ber_str(&b, LG_BER_OCTETS);

	if (b.bad || lg_ber_more(&b)) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed end of a transaction");
	} else if (op->conn->txn == NULL || !lg_str_eq(id, id_of(op->conn->txn))) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "there is no such transaction");
	} else if (wanted) {
		commit(op);
	} else {
		lg_txn_abort(op->conn, false, 0);
		lg_op_code(op, LG_LDAP_SUCCESS, "");
	}
}
