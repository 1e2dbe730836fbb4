/*
 * lockout.c: whatever is changed, policies or entries, somebody must be left who can change them again.
 *
 * Asked for those in the group of the first start before all others: in a large tenant everybody else comes too late.
 */
#include "lightgate/directory.h"
#include "server/entities.h"
#include "server/point_internal.h"

#define ADMINISTRATORS LG_STR("administrators")

struct search {
	struct lg_point *point;
	struct lg_view *view;
	const struct lg_policies *set;
	struct lg_tenant tenant;
};

static bool
allowed(struct lg_ctx *cx, const struct search *s, const struct lg_question *q)
{
	struct lg_verdict verdict;

	return lg_point_ask_under(s->point, cx, s->view, s->set, q, &verdict) == LG_OK && verdict.permit;
}

static bool
administers_by(struct lg_ctx *cx, const struct search *s, const struct lg_entry *user, const char *action)
{
	struct lg_question q = { .tenant = s->tenant.id, .principal = lg_entry_entity(user), .action = action,
		.resource = { LG_STR("Tenant"), s->tenant.uuid, LG_NONE }, .ncontext = 1,
		.context = { { .name = "subject_proof", .type = LG_FACT_STR, .s = LG_STR("token") } } };

	return allowed(cx, s, &q);
}

/* Rights that need a token are none for whom policy gives no token. */
static bool
signs_in(struct lg_ctx *cx, const struct search *s, const struct lg_entry *user)
{
	struct lg_question q;

	if (s->point->signin == NULL)
		return true;
	if (s->point->signin(s->point->signin_self, cx, s->tenant.id, &q) != LG_OK)
		return false;
	q.principal = lg_entry_entity(user);
	return allowed(cx, s, &q);
}

static bool
administers(struct lg_ctx *cx, const struct search *s, const struct lg_entry *user)
{
	static const char *const needed[] = { "policy:read", "policy:activate", "admin:read", "admin:write" };

	if (user->type != LG_TYPE_USER || !user->enabled || !lg_entry_has_verifier(user))
		return false;
	for (size_t i = 0; i < LG_COUNT(needed); i++)
		if (!administers_by(cx, s, user, needed[i]))
			return false;
	return signs_in(cx, s, user);
}

static bool
one_of(struct lg_ctx *cx, const struct search *s, const struct lg_entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (administers(cx, s, &list[i]))
			return true;
	return false;
}

static lg_err
look(struct lg_ctx *cx, const struct search *s, bool *found)
{
	struct lg_entry group, *list = NULL;
	size_t n = 0;
	bool more;

	lg_err e = lg_entry_by_name(cx, s->view, s->tenant.id, LG_TYPE_GROUP, ADMINISTRATORS, &group);
	if (e == LG_OK)
		e = lg_group_members(cx, s->view, &group, 0, LG_POLICY_ADMINS, &list, &n);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*found = one_of(cx, s, list, n);
	if (*found)
		return LG_OK;
	LG_TRY(lg_entry_list(cx, s->view, s->tenant.id, LG_TYPE_USER, LG_NONE, LG_NONE, LG_POLICY_ADMINS, &list, &n, &more));
	*found = one_of(cx, s, list, n);
	return LG_OK;
}

lg_err
lg_lockout_check(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant, const struct lg_policies *set)
{
	struct search s = { .point = p, .view = v, .set = set };
	bool found = false;

	LG_TRY(lg_tenant_get(cx, v, tenant, &s.tenant));
	LG_TRY(look(cx, &s, &found));
	return found ? LG_OK : lg_fail(cx, LG_E_CONFLICT, "after this nobody with a password could administer the tenant");
}

lg_err
lg_point_lockout(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *set = lg_point_in_force(p, tenant);

	return set == NULL ? LG_OK : lg_lockout_check(cx, p, v, tenant, set);
}
