/*
 * op_proxy.c: proxied authorization (RFC 4370): one operation is done as somebody else.  Policy permits it (entry:act_as on the entry
 * that is assumed); what the operation itself may do is then decided for that entry alone, and the record names both.
 */
#include "directory/conn.h"

lg_err
lg_authzid_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str authzid, struct lg_entry *ret)
{
	if (lg_str_starts(authzid, LG_STR("u:")))
		return lg_entry_by_login(cx, v, tenant, lg_str_sub(authzid, 2, authzid.n), ret);
	if (lg_str_starts(authzid, LG_STR("dn:")))
		authzid = lg_str_sub(authzid, 3, authzid.n);
	return lg_entry_by_dn(cx, v, authzid, ret);
}

static void
assume(struct lg_op *op, const struct lg_entry *e)
{
	lg_str address = op->actor.address;

	op->proxy = op->actor;
	op->actor = lg_anonymous;
	op->actor.address = address;
	if (e == NULL)
		return;
	op->actor.kind = LG_ACTOR_ENTRY;
	op->actor.tenant = e->tenant;
	op->actor.id = e->uuid;
	op->actor.type = lg_type_name(e->type);
	op->actor.name = lg_dup(op->arena, e->name);
}

/* That there is no such entry is not told apart from that it may not be assumed. */
static bool
may_assume(struct lg_op *op, struct lg_view *v, struct lg_entry *ret)
{
	struct lg_access ac = lg_access_of(op->ldap->o.dir, &op->cx, v, op->actor.tenant, NULL);
	lg_str dn;

	return op->actor.kind == LG_ACTOR_ENTRY &&
	    lg_authzid_entry(&op->cx, v, op->actor.tenant, op->controls.authzid, ret) == LG_OK && ret->enabled &&
	    lg_entry_dn(&op->cx, v, ret, &dn) == LG_OK && lg_may(&ac, LG_RIGHT_ACT_AS, ret, dn, NULL);
}

bool
lg_op_proxied(struct lg_op *op)
{
	bool anonymous = lg_str_eq(op->controls.authzid, LG_STR("dn:")) || op->controls.authzid.n == 0, may;
	struct lg_entry e;
	struct lg_view *v;

	if (anonymous) {		/* that is less than anybody is */
		assume(op, NULL);
		return true;
	}
	if (!lg_op_view(op, &v))
		return false;
	may = may_assume(op, v, &e);
	if (may)
		assume(op, &e);
	else
		lg_op_code(op, LG_LDAP_AUTHORIZATION_DENIED, "proxied authorization is denied");
	lg_view_end(&v);
	return may;
}
