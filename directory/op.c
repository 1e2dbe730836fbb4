/* op.c: the life of an operation: begun, answered, waiting, ended; and what several handlers need. */
#include "directory/conn.h"

#include <stdlib.h>

#include "directory/find.h"

struct lg_op *
lg_op_new(struct lg_ldap_conn *c, int32_t id, const struct lg_op_kind *kind, lg_str body)
{
	struct lg_ldap *l = c->ldap;
	struct lg_op *op = l->pool, **at;
	struct lg_arena *arena;

	if (op != NULL) {
		l->pool = op->next;
		l->npool--;
		arena = op->arena;
	} else {
		op = malloc(sizeof *op);
		if (op == NULL)
			abort();
		arena = lg_arena_new();
	}
	*op = (struct lg_op){ .ldap = l, .conn = c, .arena = arena, .actor = c->actor, .id = id, .kind = kind };
	lg_ctx_init(&op->cx, arena);
	op->cx.actor = &op->actor;
	op->body = lg_dup(arena, body);
	for (at = &c->ops; *at != NULL; at = &(*at)->next)
		;
	*at = op;
	c->nops++;
	return op;
}

static void
recycle(struct lg_op *op)
{
	struct lg_ldap *l = op->ldap;

	if (l->npool == LG_POOLED_OPERATIONS) {
		lg_arena_free(&op->arena);
		free(op);
		return;
	}
	lg_arena_reset(op->arena);
	op->next = l->pool;
	l->pool = op;
	l->npool++;
}

void
lg_op_end(struct lg_op *op)
{
	struct lg_ldap_conn *c = op->conn;

	if (op->ended != NULL)
		op->ended(op);
	for (struct lg_op **at = c == NULL ? NULL : &c->ops; at != NULL && *at != NULL; at = &(*at)->next)
		if (*at == op) {
			*at = op->next;
			c->nops--;
			break;
		}
	recycle(op);
}

void
lg_op_wait(struct lg_op *op)
{
	op->waiting = true;
	op->ldap->outstanding++;
}

void
lg_op_resume(struct lg_op *op)
{
	op->waiting = false;
	op->ldap->outstanding--;
}

void
lg_op_wake(struct lg_op *op)
{
	struct lg_ldap_conn *c = op->conn;

	if (c != NULL && !c->running && c->wake != NULL)
		c->wake(c->arg);
}

void
lg_op_own(struct lg_op *op)
{
	op->actor.type = lg_dup(op->arena, op->actor.type);
	op->actor.name = lg_dup(op->arena, op->actor.name);
	op->actor.address = lg_dup(op->arena, op->actor.address);
}

bool
lg_op_confidential(const struct lg_op *op)
{
	return op->conn->peer.tls || op->conn->peer.loopback;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

void
lg_op_reply(struct lg_op *op, const char *oid, lg_str value)
{
	if (op->nreply == LG_REPLY_CONTROLS)
		return;
	op->reply[op->nreply].oid = oid;
	op->reply[op->nreply++].value = lg_dup(op->arena, value);
}

static void
write_controls(const struct lg_op *op, struct lg_berw *w)
{
	if (op->nreply == 0)
		return;
	lg_berw_open(w, LG_BER_CONTEXT_SET(0));
	for (size_t i = 0; i < op->nreply; i++) {
		lg_berw_open(w, LG_BER_SEQUENCE);
		lg_berw_str(w, LG_BER_OCTETS, lg_str_of(op->reply[i].oid));
		lg_berw_str(w, LG_BER_OCTETS, op->reply[i].value);
		lg_berw_close(w);
	}
	lg_berw_close(w);
}

void
lg_op_result_with(struct lg_op *op, int code, lg_str matched, lg_str text, lg_result_tail *inner, void *arg)
{
	struct lg_ldap_conn *c = op->conn;

	op->done = true;
	if (c == NULL || op->abandoned || op->kind->response == 0)
		return;
	struct lg_berw w = lg_berw_of(&c->out);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, op->id);
	lg_berw_open(&w, op->kind->response);
	lg_berw_int(&w, LG_BER_ENUMERATED, code);
	lg_berw_str(&w, LG_BER_OCTETS, matched);
	lg_berw_str(&w, LG_BER_OCTETS, text);
	if (inner != NULL)
		inner(&w, arg);
	lg_berw_close(&w);
	write_controls(op, &w);
	lg_berw_close(&w);
	op->ldap->counts.refused += code != LG_LDAP_SUCCESS && code != LG_LDAP_COMPARE_TRUE && code != LG_LDAP_COMPARE_FALSE;
}

void
lg_op_result(struct lg_op *op, int code, lg_str matched, lg_str text)
{
	lg_op_result_with(op, code, matched, text, NULL, NULL);
}

void
lg_op_error(struct lg_op *op, lg_err e, const struct lg_edit *ed)
{
	int code = ed != NULL && ed->result != 0 ? ed->result : (int)lg_result_of(e);
	/* What went wrong inside is for the operator, not for the client. */
	bool inner = e == LG_E_CORRUPT || e == LG_E_IO || e == LG_E_INTERNAL;

	lg_op_result(op, code, ed == NULL ? LG_NONE : ed->matched, inner ? LG_STR("internal error") : lg_str_of(op->cx.error));
}

/* ---- helpers ---------------------------------------------------------------------------------------------------------- */

bool
lg_op_view(struct lg_op *op, struct lg_view **ret)
{
	lg_err e = lg_view_begin(&op->cx, op->ldap->o.dir->store, ret);

	if (e != LG_OK)
		lg_op_error(op, e, NULL);
	return e == LG_OK;
}

/* An entry that may not be disclosed does not exist, and matchedDN names only what may be. */
static lg_err
visible_part(struct lg_op *op, struct lg_access *ac, uint64_t id, lg_str *ret)
{
	struct lg_entry e;
	lg_str dn;

	for (*ret = LG_NONE; id != 0; id = e.parent) {
		LG_TRY(lg_entry_by_id(&op->cx, ac->v, ac->tenant, id, &e));
		LG_TRY(lg_entry_dn(&op->cx, ac->v, &e, &dn));
		if (lg_may(ac, LG_RIGHT_DISCLOSE, &e, dn, NULL)) {
			*ret = dn;
			return LG_OK;
		}
	}
	return LG_OK;
}

/* RFC 4528 3: the operation goes on only if the filter is true of its entry. */
static bool
assertion_holds(struct lg_op *op, struct lg_access *ac, const struct lg_entry *e, lg_str dn)
{
	struct lg_shown sh = { .ac = ac, .e = e, .dn = dn };
	struct lg_filter_port port = lg_shown_port(&sh);
	struct lg_filter *f;

	if (op->controls.assertion.n == 0)
		return true;
	if (!lg_op_assertion(op, &f))
		return false;
	if (lg_filter_match(f, &port) == LG_TRUE)
		return true;
	lg_op_code(op, LG_LDAP_ASSERTION_FAILED, "");
	return false;
}

bool
lg_op_assertion(struct lg_op *op, struct lg_filter **ret)
{
	struct lg_ber b = lg_ber_of(op->controls.assertion);
	lg_err e = lg_filter_read(&op->cx, &b, ret);

	if (e != LG_OK)
		lg_op_code(op, e == LG_E_LIMIT ? LG_LDAP_ADMIN_LIMIT_EXCEEDED : LG_LDAP_PROTOCOL_ERROR, "the assertion is malformed or too complex");
	return e == LG_OK;
}

bool
lg_op_find(struct lg_op *op, struct lg_view *v, lg_str text, struct lg_access *ac, struct lg_entry *ret, lg_str *ret_dn)
{
	struct lg_place place;
	struct lg_dn dn;
	lg_str matched = LG_NONE;
	lg_err e;

	if (!lg_dn_parse(op->arena, text, &dn)) {
		lg_op_code(op, LG_LDAP_INVALID_DN, "invalid DN");
		return false;
	}
	e = lg_dn_resolve(&op->cx, v, &dn, &place);
	if (e == LG_OK && place.tenant != 0) {
		*ac = lg_access_of(op->ldap->o.dir, &op->cx, v, place.tenant, op->ldap->memo);
		e = lg_entry_by_id(&op->cx, v, place.tenant, place.id, ret);
		if (e == LG_OK && place.missing == 0)
			e = lg_entry_dn(&op->cx, v, ret, ret_dn);
		if (e == LG_OK && place.missing == 0 && lg_may(ac, LG_RIGHT_DISCLOSE, ret, *ret_dn, NULL))
			return assertion_holds(op, ac, ret, *ret_dn);
		if (e == LG_OK)
			e = visible_part(op, ac, place.missing == 0 ? ret->parent : place.id, &matched);
	}
	if (e != LG_OK)
		lg_op_error(op, e, NULL);
	else
		lg_op_result(op, LG_LDAP_NO_SUCH_OBJECT, matched, LG_NONE);
	return false;
}
