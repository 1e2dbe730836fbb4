/* rule.c: the rule above the engine that daemon and bundle holders share: two sets, and every doubt denies. */
#include "lightgate/policy.h"

static lg_str
annotation(const struct lg_policy_info *info, lg_str name)
{
	for (size_t i = 0; i < info->nannotations; i++)
		if (lg_str_eq(info->annotations[i].name, name))
			return info->annotations[i].value;
	return LG_NONE;
}

/* All that decided, with their @advice. */
static void
name_all(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_answer *a, struct lg_ruling *ret)
{
	size_t n = a->ndetermining < LG_RULED_NAMES ? a->ndetermining : LG_RULED_NAMES;
	lg_str *ids = LG_NEWS(cx->arena, lg_str, n), *advice = LG_NEWS(cx->arena, lg_str, n);
	struct lg_policy_info info;

	for (size_t i = 0; i < n; i++) {
		lg_policies_info(set, a->determining[i], &info);
		lg_str text = annotation(&info, LG_STR("advice"));
		ids[i] = lg_dup(cx->arena, info.id);
		if (text.n > 0)
			advice[ret->nadvice++] = lg_dup(cx->arena, text);
	}
	ret->policies = ids;
	ret->npolicies = n;
	ret->advice = advice;
}

/* Names the determining policies, and the first one's @reason where it has one. */
static void
name_policy(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_answer *a, lg_str did, struct lg_ruling *ret)
{
	struct lg_policy_info info;

	name_all(cx, set, a, ret);
	lg_policies_info(set, a->determining[0], &info);
	lg_str why = annotation(&info, LG_STR("reason"));
	ret->policy = ret->policies[0];
	ret->reason = lg_cat(cx->arena, did, ret->policy);
	if (why.n > 0)
		ret->reason = lg_cat(cx->arena, lg_cat(cx->arena, ret->reason, LG_STR(": ")), why);
}

static void
name_error(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_answer *a, struct lg_ruling *ret)
{
	struct lg_policy_info info;

	for (size_t i = 0; i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		if (info.effect != LG_FORBID)
			continue;
		lg_str *id = LG_NEW(cx->arena, lg_str);
		*id = ret->policy = lg_dup(cx->arena, info.id);
		ret->policies = id;
		ret->npolicies = 1;
		ret->reason = lg_print(cx->arena, "%.*s could not be evaluated: %.*s", LG_FMT(info.id), LG_FMT(a->errors[i].message));
		return;
	}
}

/* One of the two sets: true if it ends the matter with a deny. */
static bool
denied_by(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_answer *a, struct lg_ruling *ret)
{
	if (a->unknown) {
		ret->kind = LG_RULED_UNKNOWN;
		ret->reason = lg_print(cx->arena, "%.*s could not be read", LG_FMT(lg_euid_text(cx->arena, &a->unknown_uid)));
		return true;
	}
	if (!a->allow && a->ndetermining > 0) {
		ret->kind = LG_RULED_FORBIDDEN;
		name_policy(cx, set, a, LG_STR("forbidden by "), ret);
		return true;
	}
	if (a->forbid_erred) {
		ret->kind = LG_RULED_ERRED;
		name_error(cx, set, a, ret);
		return true;
	}
	return false;
}

void
lg_rule(struct lg_ctx *cx, const struct lg_policies *system, const struct lg_policies *tenant, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_ruling *ret)
{
	struct lg_answer ours, theirs;

	*ret = (struct lg_ruling){ .kind = LG_RULED_NOTHING };
	lg_authorize(cx, system, entities, rq, &ours);
	ret->system_reads = ours.reads;
	if (denied_by(cx, system, &ours, ret))
		return;
	lg_authorize(cx, tenant, entities, rq, &theirs);
	ret->tenant_reads = theirs.reads;
	if (denied_by(cx, tenant, &theirs, ret))
		return;
	if (!theirs.allow && !ours.allow) {
		ret->reason = LG_STR("no policy permits it");
		return;
	}
	ret->kind = LG_RULED_PERMIT;
	name_policy(cx, theirs.allow ? tenant : system, theirs.allow ? &theirs : &ours, LG_STR("permitted by "), ret);
}
