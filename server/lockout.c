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
allowed(struct lg_ctx *cx, const struct search *s, const struct lg_entry *user, const char *action)
{
	struct lg_entity_source es;
	struct lg_entity_id who = lg_entry_entity(user), what = { LG_STR("Tenant"), s->tenant.uuid, LG_NONE };
	struct lg_request rq = {
		.principal = lg_entity_uid(cx->arena, &who),
		.action = lg_euid_of(LG_STR("Action"), lg_str_of(action)),
		.resource = lg_entity_uid(cx->arena, &what),
	};
	struct lg_question q = { .tenant = s->tenant.id, .ncontext = 1,
		.context = { { .name = "subject_proof", .type = LG_FACT_STR, .s = LG_STR("token") } } };
	struct lg_answer ours, theirs;

	if (lg_point_context(cx, s->view, &q, &rq.context) != LG_OK)
		return false;
	lg_entity_source_init(&es, cx, s->view, s->tenant.id);
	struct lg_entities port = lg_entity_source_port(&es);
	lg_authorize(cx, s->point->system, &port, &rq, &ours);
	lg_authorize(cx, s->set, &port, &rq, &theirs);
	bool forbidden = (!ours.allow && ours.ndetermining > 0) || ours.forbid_erred || theirs.forbid_erred;
	return theirs.allow && !theirs.unknown && !forbidden && !es.failed;
}

static bool
administers(struct lg_ctx *cx, const struct search *s, const struct lg_entry *user)
{
	static const char *const needed[] = { "policy:read", "policy:activate", "admin:read", "admin:write" };

	if (user->type != LG_TYPE_USER || !user->enabled || !lg_entry_has_verifier(user))
		return false;
	for (size_t i = 0; i < LG_COUNT(needed); i++)
		if (!allowed(cx, s, user, needed[i]))
			return false;
	return true;
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
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), tenant);
	lg_err e = t == NULL ? LG_OK : lg_lockout_check(cx, p, v, tenant, t->policies);

	lg_published_end(p->sets);
	return e;
}
