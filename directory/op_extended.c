/* op_extended.c: extended operations (RFC 4511 4.12): StartTLS (4.14), Who am I? (RFC 4532); a row each. */
#include "directory/conn.h"
#include "directory/txn.h"

/* What came behind the request in clear would be taken for the protected client's: such a request is refused. */
static void
start_tls(struct lg_op *op, lg_str value)
{
	struct lg_ldap_conn *c = op->conn;

	if (value.p != NULL)
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "StartTLS has no value");
	else if (c->peer.tls || c->nops > 1 || lg_conn_has_input(c))
		lg_op_code(op, LG_LDAP_OPERATIONS_ERROR, c->peer.tls ? "TLS already started" : "StartTLS with operations outstanding");
	else if (c->peer.uid >= 0)
		lg_op_code(op, LG_LDAP_UNWILLING, "a UNIX socket needs no TLS");
	else {
		lg_op_code(op, LG_LDAP_SUCCESS, "");
		c->start_tls = true;
	}
}

static void
write_authzid(struct lg_berw *w, void *arg)
{
	lg_berw_str(w, LG_BER_CONTEXT(11), *(const lg_str *)arg);
}

static void
who_am_i(struct lg_op *op, lg_str value)
{
	lg_str dn, authzid = LG_STR("");
	struct lg_view *v;
	struct lg_entry e;
	lg_err err = LG_OK;

	if (value.p != NULL) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "Who am I? has no value");
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	if (op->actor.kind == LG_ACTOR_ENTRY) {
		err = lg_entry_by_uuid(&op->cx, v, op->actor.tenant, op->actor.id, &e);
		if (err == LG_OK)
			err = lg_entry_dn(&op->cx, v, &e, &dn);
		if (err == LG_OK)
			authzid = lg_cat(op->arena, LG_STR("dn:"), dn);
	}
	lg_view_end(&v);
	if (err != LG_OK)
		lg_op_error(op, err, NULL);
	else
		lg_op_result_with(op, LG_LDAP_SUCCESS, LG_NONE, LG_NONE, write_authzid, &authzid);
}

static const struct {
	lg_str oid;
	void (*run)(struct lg_op *op, lg_str value);	/* value.p NULL: there is none */
	bool always;			/* with a password that must be changed first, too */
} operations[] = {
	{ LG_STR("1.3.6.1.4.1.1466.20037"), start_tls, true },
	{ LG_STR("1.3.6.1.4.1.4203.1.11.3"), who_am_i, false },
	{ LG_STR("1.3.6.1.4.1.4203.1.11.1"), lg_op_password, true },
	{ LG_STR("1.3.6.1.1.8"), lg_op_cancel, true },
	{ LG_STR("1.3.6.1.1.21.1"), lg_op_txn_start, false },
	{ LG_STR("1.3.6.1.1.21.3"), lg_op_txn_end, false },
};

bool
lg_extended_before_change(const struct lg_op *op)
{
	struct lg_ber body = lg_ber_of(op->body);
	lg_str oid = lg_ber_str(&body, LG_BER_CONTEXT(0));

	for (size_t i = 0; i < LG_COUNT(operations); i++)
		if (lg_str_eq(operations[i].oid, oid))
			return operations[i].always;
	return false;
}

bool
lg_extended_oid(size_t i, lg_str *ret)
{
	if (i < LG_COUNT(operations))
		*ret = operations[i].oid;
	return i < LG_COUNT(operations);
}

void
lg_op_extended(struct lg_op *op, struct lg_ber *body)
{
	lg_str oid = lg_ber_str(body, LG_BER_CONTEXT(0)), value = LG_NONE;

	if (lg_ber_peek(body) == LG_BER_CONTEXT(1))
		value = lg_ber_str(body, LG_BER_CONTEXT(1));
	if (body->bad) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed extended request");
		return;
	}
	for (size_t i = 0; i < LG_COUNT(operations); i++)
		if (lg_str_eq(operations[i].oid, oid)) {
			operations[i].run(op, value);
			return;
		}
	lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "unsupported extended operation");
}
