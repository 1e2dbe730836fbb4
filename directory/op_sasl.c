/* op_sasl.c: SASL binds: EXTERNAL (RFC 4422 A), PLAIN (RFC 4616), SCRAM-SHA-256 and -PLUS (op_scram.c); a row each. */
#include "directory/directory.h"
#include "directory/dn.h"
#include "directory/sasl.h"

/* ---- EXTERNAL: who the transport has authenticated ----------------------------------------------------------------------- */

static lg_err
external_entry(struct lg_op *op, struct lg_view *v, struct lg_entry *ret)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;
	const struct lg_ldap_peer *peer = &op->conn->peer;

	if (peer->tls && peer->cert.n > 0 && ports->certificate_entry != NULL)
		return ports->certificate_entry(ports->self, &op->cx, v, peer->cert, ret);
	if (peer->uid >= 0)
		return lg_entry_by_uid_number(&op->cx, v, op->ldap->o.tenant, peer->uid, ret);
	return LG_E_NOT_FOUND;
}

/* An authorisation identity may be given if it is the one that was authenticated (RFC 4513 5.2.1.8). */
static bool
authzid_fits(struct lg_op *op, struct lg_view *v, lg_str authzid, const struct lg_entry *e)
{
	struct lg_entry other;

	return authzid.n == 0 ||
	    ((lg_str_starts(authzid, LG_STR("dn:")) || lg_str_starts(authzid, LG_STR("u:"))) &&
	    lg_authzid_entry(&op->cx, v, e->tenant, authzid, &other) == LG_OK && lg_uuid_eq(other.uuid, e->uuid));
}

static void
run_external(struct lg_op *op, const struct lg_mechanism *m, lg_str authzid, struct lg_sasl *sasl)
{
	struct lg_entry e;
	struct lg_view *v;

	(void)m, (void)sasl;
	if (!lg_op_view(op, &v))
		return;
	if (external_entry(op, v, &e) == LG_OK && e.enabled && authzid_fits(op, v, authzid, &e))
		lg_bind_as(op, &e);
	else
		lg_bind_refuse(op);
	lg_view_end(&v);
}

/* ---- PLAIN: a simple bind with a login instead of a DN ---------------------------------------------------------------------- */

lg_str
lg_sasl_dn(struct lg_op *op, struct lg_view *v, lg_str name)
{
	struct lg_entry e;
	lg_str dn;

	if (lg_entry_by_login(&op->cx, v, op->ldap->o.tenant, name, &e) == LG_OK && lg_entry_dn(&op->cx, v, &e, &dn) == LG_OK)
		return lg_dup(op->arena, dn);
	if (lg_entry_by_dn(&op->cx, v, name, &e) == LG_OK)
		return name;
	return lg_print(op->arena, "uid=%.*s", LG_FMT(lg_dn_escaped(op->arena, name)));	/* below no suffix: nobody's */
}

static void
run_plain(struct lg_op *op, const struct lg_mechanism *m, lg_str message, struct lg_sasl *sasl)
{
	lg_str authzid, name, password, dn;
	struct lg_view *v;
	bool whole;

	(void)m, (void)sasl;
	whole = lg_str_cut(message, '\0', &authzid, &message) && lg_str_cut(message, '\0', &name, &password);
	/* RFC 4616 2: neither may be empty; and nobody acts as somebody else here. */
	if (!whole || name.n == 0 || password.n == 0 || name.n > LG_DN_MAX || memchr(password.p, '\0', password.n) != NULL) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed PLAIN credentials");
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	dn = lg_sasl_dn(op, v, name);
	if (authzid.n > 0 && !lg_str_eq(authzid, lg_cat(op->arena, LG_STR("u:"), name)) && !lg_str_eq(authzid, lg_cat(op->arena, LG_STR("dn:"), dn)))
		lg_bind_refuse(op);
	lg_view_end(&v);
	if (!op->done)
		lg_bind_password(op, dn, password);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------------------- */

static const struct lg_mechanism mechanisms[] = {
	{ LG_STR("EXTERNAL"), run_external, false, false },
	{ LG_STR("PLAIN"), run_plain, false, false },
	{ LG_STR("SCRAM-SHA-256"), lg_sasl_scram, true, false },
	{ LG_STR("SCRAM-SHA-256-PLUS"), lg_sasl_scram, true, true },
};

bool
lg_sasl_name(size_t i, lg_str *name, bool *scram)
{
	if (i >= LG_COUNT(mechanisms))
		return false;
	*name = mechanisms[i].name;
	*scram = mechanisms[i].scram;
	return true;
}

void
lg_sasl_drop(struct lg_ldap_conn *c)
{
	struct lg_sasl *s = c->sasl;

	c->sasl = NULL;
	if (s == NULL)
		return;
	struct lg_arena *arena = s->arena;	/* s lies in it */
	lg_arena_free(&arena);
}

static void
write_credentials(struct lg_berw *w, void *arg)
{
	lg_berw_str(w, LG_BER_CONTEXT(7), *(const lg_str *)arg);
}

void
lg_sasl_continue(struct lg_op *op, lg_str credentials)
{
	lg_op_result_with(op, LG_LDAP_SASL_IN_PROGRESS, LG_NONE, LG_NONE, write_credentials, &credentials);
}

void
lg_sasl_bind(struct lg_op *op, struct lg_ber *body)
{
	lg_str name = lg_ber_str(body, LG_BER_OCTETS), credentials = LG_NONE;
	struct lg_sasl *sasl = op->conn->sasl;

	if (lg_ber_more(body))
		credentials = lg_ber_str(body, LG_BER_OCTETS);
	if (body->bad) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed SASL credentials");
		return;
	}
	for (size_t i = 0; i < LG_COUNT(mechanisms); i++)
		if (lg_str_eq(mechanisms[i].name, name)) {
			/* Another mechanism than before begins anew (RFC 4511 4.2.1). */
			bool goes_on = sasl != NULL && sasl->mechanism == &mechanisms[i];
			mechanisms[i].run(op, &mechanisms[i], credentials, goes_on ? sasl : NULL);
			return;
		}
	lg_op_code(op, LG_LDAP_AUTH_METHOD_NOT_SUPPORTED, "SASL mechanism not supported");
}
