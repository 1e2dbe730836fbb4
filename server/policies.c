/* policies.c: the life of a tenant's policy set: compile, resolve names, activate, roll back. */
#include "base/log.h"
#include "base/map.h"
#include "lightgate/directory.h"
#include "server/entities.h"
#include "server/point_internal.h"
#include "server/row_key.h"

/*
 * Two kinds of rows.  (tenant) -> u64 version in force.  (tenant, u64 version) -> u64 time, author, source, then pairs of a
 * literal as written and the id it was resolved to at activation: a name that is used again later is another entity.
 */
static const struct lg_table policy_table = { .name = "policy", .id = 0x0601, .domain = LG_DOMAIN_POLICY };

const struct lg_table *const lg_point_tables[] = { &policy_table };
const size_t lg_point_ntables = LG_COUNT(lg_point_tables);

struct resolved {
	struct resolved *next;
	lg_str type, name, id;
};

struct resolver {
	struct lg_view *view;		/* NULL: only what was resolved before */
	uint32_t tenant;
	struct resolved *first;
	size_t n;
	struct lg_map known;		/* by type and name: struct resolved */
};

/* ---- what is resolved ---------------------------------------------------------------------------------------- */

static struct resolver
resolver_of(struct lg_ctx *cx, struct lg_view *view, uint32_t tenant)
{
	struct resolver rs = { .view = view, .tenant = tenant };

	lg_map_init(&rs.known, cx->arena);
	return rs;
}

/* User"alice: no type has a quote. */
static lg_str
name_key(struct lg_ctx *cx, lg_str type, lg_str name)
{
	return lg_cat(cx->arena, lg_cat(cx->arena, type, LG_STR("\"")), name);
}

static void
keep_resolved(struct lg_ctx *cx, struct resolver *rs, struct resolved *one)
{
	one->next = rs->first;
	rs->first = one;
	rs->n++;
	*lg_map_at(&rs->known, name_key(cx, one->type, one->name)) = one;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

static lg_str
version_key(struct lg_arena *a, uint32_t tenant, uint64_t version)
{
	uint64_t n = __builtin_bswap64(version);

	return lg_row_key(a, tenant, (lg_str){ (const char *)&n, sizeof n }, LG_NONE);
}

static lg_err
active_version(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t *ret)
{
	lg_str row;

	LG_TRY(lg_get(cx, v, &policy_table, lg_row_key(cx->arena, tenant, LG_NONE, LG_NONE), &row));
	struct lg_rd r = lg_rd_of(row);
	*ret = lg_rd_u64(&r);
	return LG_OK;
}

static lg_err
version_decode(struct lg_ctx *cx, lg_str row, struct lg_policy_version *ret, struct resolver *names)
{
	struct lg_rd r = lg_rd_of(row);

	ret->time = (int64_t)lg_rd_u64(&r);
	ret->author = lg_rd_str32(&r);
	ret->source = lg_rd_str32(&r);
	for (uint32_t n = lg_rd_u32(&r); n > 0 && !r.bad; n--) {
		struct resolved *one = LG_NEW(cx->arena, struct resolved);
		one->type = lg_rd_str32(&r);
		one->name = lg_rd_str32(&r);
		one->id = lg_rd_str32(&r);
		if (names != NULL && !r.bad)
			keep_resolved(cx, names, one);
	}
	if (!lg_rd_done(&r))
		return lg_fail(cx, LG_E_CORRUPT, "a policy version does not decode");
	return LG_OK;
}

static lg_err
version_put(struct lg_ctx *cx, struct lg_view *v, const struct resolver *names, uint64_t version, lg_str source)
{
	LG_AUTO(lg_buf_free) struct lg_buf row = LG_BUF(LG_VALUE_MAX), active = LG_BUF(8);

	lg_buf_u64(&row, (uint64_t)lg_view_time(v));
	lg_buf_str32(&row, cx->actor->name);
	lg_buf_str32(&row, source);
	lg_buf_u32(&row, (uint32_t)names->n);
	for (const struct resolved *one = names->first; one != NULL; one = one->next) {
		lg_buf_str32(&row, one->type);
		lg_buf_str32(&row, one->name);
		lg_buf_str32(&row, one->id);
	}
	LG_TRY(lg_buf_status(cx, &row));
	LG_TRY(lg_put(cx, v, &policy_table, version_key(cx->arena, names->tenant, version), lg_buf_view(&row)));
	lg_buf_u64(&active, version);
	return lg_put(cx, v, &policy_table, lg_row_key(cx->arena, names->tenant, LG_NONE, LG_NONE), lg_buf_view(&active));
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static lg_err
look_up(struct lg_ctx *cx, struct resolver *rs, const struct lg_euid *uid, lg_uuid *ret)
{
	enum lg_entry_type type;
	struct lg_tenant tenant;
	struct lg_entry entry;

	if (!lg_type_parse(uid->type, &type) || type == LG_TYPE_CONTAINER)
		return lg_fail(cx, LG_E_NOT_FOUND, "%.*s is not a type of entity", LG_FMT(uid->type));
	if (type == LG_TYPE_TENANT) {
		LG_TRY(lg_tenant_get(cx, rs->view, rs->tenant, &tenant));
		*ret = tenant.uuid;
		return LG_OK;
	}
	lg_err e = lg_uuid_parse(uid->id, ret) ? lg_entry_by_uuid(cx, rs->view, rs->tenant, *ret, &entry)
					       : lg_entry_by_name(cx, rs->view, rs->tenant, type, uid->id, &entry);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && entry.type != type))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no %.*s \"%.*s\"", LG_FMT(uid->type), LG_FMT(uid->id));
	*ret = entry.uuid;
	return e;
}

/* Actions stay; everything else becomes the entry that has the name now. */
static lg_err
resolve(void *self, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret)
{
	struct resolver *rs = self;
	char text[LG_UUID_TEXT + 1];
	lg_uuid id;

	if (lg_str_eq(uid->type, LG_STR("Action")) || lg_str_eq(uid->type, LG_STR("Anonymous"))) {
		*ret = *uid;
		return LG_OK;
	}
	const struct resolved *was = lg_map_get(&rs->known, name_key(cx, uid->type, uid->id));
	if (was != NULL) {
		*ret = lg_euid_of(uid->type, was->id);
		return LG_OK;
	}
	if (rs->view == NULL)
		return lg_fail(cx, LG_E_CORRUPT, "%.*s was not resolved at activation", LG_FMT(uid->id));
	LG_TRY(look_up(cx, rs, uid, &id));
	lg_uuid_text(id, text);
	struct resolved *one = LG_NEW(cx->arena, struct resolved);
	*one = (struct resolved){ NULL, lg_dup(cx->arena, uid->type), lg_dup(cx->arena, uid->id),
		lg_dup(cx->arena, (lg_str){ text, LG_UUID_TEXT }) };
	keep_resolved(cx, rs, one);
	*ret = lg_euid_of(one->type, one->id);
	return LG_OK;
}

/* Policies that are in force word for word are not checked again. */
static lg_err
compile(struct lg_ctx *cx, struct lg_point *p, struct resolver *rs, lg_str source, struct lg_policy_faults *faults,
    struct lg_policies **ret)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *was = NULL;
	struct lg_policy_source text = { LG_STR("policies"), source };
	struct lg_policy_options o = {
		.schema = p->schema, .ids_from_annotation = true, .resolve = resolve, .self = rs,
	};

	if (source.n > LG_POLICY_TENANT_SOURCE)
		return lg_fail(cx, LG_E_LIMIT, "a policy set has at most %u octets", LG_POLICY_TENANT_SOURCE);
	LG_TRY(lg_policies_parse(cx, &text, 1, &o, faults, ret));
	was = lg_point_in_force(p, rs->tenant);
	lg_err e = lg_policies_validate_change(cx, *ret, was, p->schema, LG_STRICT, faults);
	if (e != LG_OK)
		lg_policies_unref(ret);
	return e;
}

/* ---- activation ------------------------------------------------------------------------------------------------------ */

lg_err
lg_policy_first(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant, lg_str source)
{
	struct resolver rs = resolver_of(cx, v, tenant);
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	LG_TRY(compile(cx, p, &rs, source, &faults, &set));
	lg_policies_unref(&set);
	return version_put(cx, v, &rs, 1, source);
}

struct activation {
	struct lg_point *point;
	struct resolver names;
	const struct lg_policies *set;
	lg_str source;
	struct lg_policy_terms terms;
	uint64_t was, version;
};

/* Nothing is compiled here: the set was, against version `was`, and counts only if that is still the one in force. */
static lg_err
activate(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct activation *ac = arg;
	uint64_t now = 0;

	if (ac->terms.may != NULL)
		LG_TRY(ac->terms.may(ac->terms.arg, cx, v));
	LG_TRY(active_version(cx, v, ac->names.tenant, &now));
	if (now != ac->was)
		return lg_fail(cx, LG_E_CONFLICT, "another version was activated meanwhile; look at it and try again");
	for (const struct resolved *one = ac->names.first; one != NULL; one = one->next) {
		struct lg_entry entry;
		lg_uuid id;
		if (!lg_uuid_parse(one->id, &id) || lg_entry_by_uuid(cx, v, ac->names.tenant, id, &entry) != LG_OK)
			return lg_fail(cx, LG_E_CONFLICT, "%.*s \"%.*s\" was deleted meanwhile", LG_FMT(one->type), LG_FMT(one->name));
	}
	LG_TRY(lg_lockout_check(cx, ac->point, v, ac->names.tenant, ac->set));
	ac->version = now + 1;
	LG_TRY(version_put(cx, v, &ac->names, ac->version, ac->source));
	lg_audit(v, lg_print(cx->arena, "policy version %llu", (unsigned long long)ac->version), LG_NONE);
	return LG_OK;
}

static lg_err
prepare(struct lg_ctx *cx, struct activation *ac, struct lg_policy_faults *faults, struct lg_policies **set)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint32_t tenant = ac->names.tenant;

	LG_TRY(lg_view_begin(cx, ac->point->store, &v));
	LG_TRY(active_version(cx, v, tenant, &ac->was));
	if (ac->terms.replaces != 0 && ac->terms.replaces != ac->was)
		return lg_fail(cx, LG_E_CONFLICT, "version %llu is in force, not %llu", (unsigned long long)ac->was,
		    (unsigned long long)ac->terms.replaces);
	ac->names.view = v;
	LG_TRY(compile(cx, ac->point, &ac->names, ac->source, faults, set));
	ac->names.view = NULL;
	lg_err e = lg_lockout_check(cx, ac->point, v, tenant, *set);
	if (e != LG_OK)
		lg_policies_unref(set);
	return e;
}

lg_err
lg_policy_candidate(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source, struct lg_policy_faults *faults,
    struct lg_policies **ret)
{
	struct activation ac = { .point = p, .names = resolver_of(cx, NULL, tenant), .source = source };

	return prepare(cx, &ac, faults, ret);
}

lg_err
lg_policy_activate(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source, const char *operation,
    struct lg_policy_faults *faults, uint64_t *version)
{
	return lg_policy_activate_if(cx, p, tenant, source, operation, &(struct lg_policy_terms){ .replaces = 0 }, faults, version);
}

lg_err
lg_policy_activate_if(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source, const char *operation,
    const struct lg_policy_terms *terms, struct lg_policy_faults *faults, uint64_t *version)
{
	struct activation ac = { .point = p, .names = resolver_of(cx, NULL, tenant), .source = source, .terms = *terms };
	struct lg_policies *set = NULL;

	LG_TRY(prepare(cx, &ac, faults, &set));
	ac.set = set;
	lg_err e = lg_store_apply(cx, p->store, tenant, operation, activate, &ac, NULL);
	if (e != LG_OK) {
		lg_policies_unref(&set);
		return e;
	}
	lg_point_publish(p, tenant, ac.version, set);
	*version = ac.version;
	return LG_OK;
}

/* ---- reading back -------------------------------------------------------------------------------------------------------- */

lg_err
lg_policy_version_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t version, struct lg_policy_version *ret)
{
	uint64_t active = 0;
	lg_str row;

	LG_TRY(active_version(cx, v, tenant, &active));
	if (version == 0)
		version = active;
	LG_TRY(lg_get(cx, v, &policy_table, version_key(cx->arena, tenant, version), &row));
	LG_TRY(version_decode(cx, row, ret, NULL));
	ret->version = version;
	ret->active = version == active;
	return LG_OK;
}

lg_err
lg_policy_in_force(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_policy_version *ret,
    const struct lg_policy_name **names, size_t *n)
{
	struct resolver rs = resolver_of(cx, NULL, tenant);
	lg_str row;

	LG_TRY(active_version(cx, v, tenant, &ret->version));
	LG_TRY(lg_get(cx, v, &policy_table, version_key(cx->arena, tenant, ret->version), &row));
	LG_TRY(version_decode(cx, row, ret, &rs));
	ret->active = true;
	*n = rs.n;
	struct lg_policy_name *list = LG_NEWS(cx->arena, struct lg_policy_name, *n);
	*names = list;
	for (const struct resolved *one = rs.first; one != NULL; one = one->next)
		*list++ = (struct lg_policy_name){ one->type, one->name, one->id };
	return LG_OK;
}

lg_err
lg_policy_versions(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_policy_version_each *each, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_policy_version pv;
	uint64_t active = 0;
	lg_str key, row;

	LG_TRY(active_version(cx, v, tenant, &active));
	LG_TRY(lg_scan(cx, v, &policy_table, lg_row_key(cx->arena, tenant, LG_NONE, LG_NONE), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &row)) {
		struct lg_rd r = lg_rd_of(lg_str_sub(key, 4, 8));
		if (key.n != 12)
			continue;
		LG_TRY(version_decode(cx, row, &pv, NULL));
		pv.version = lg_rd_u64(&r);
		pv.active = pv.version == active;
		if (!each(arg, &pv))
			break;
	}
	return LG_OK;
}

static lg_err
load_tenant(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant)
{
	struct resolver names = resolver_of(cx, NULL, tenant);
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_version pv = { 0 };
	struct lg_policies *set = NULL;
	lg_str row;

	LG_TRY(active_version(cx, v, tenant, &pv.version));
	LG_TRY(lg_get(cx, v, &policy_table, version_key(cx->arena, tenant, pv.version), &row));
	LG_TRY(version_decode(cx, row, &pv, &names));
	LG_TRY(compile(cx, p, &names, pv.source, &faults, &set));
	lg_point_publish(p, tenant, pv.version, set);
	return LG_OK;
}

/* A set of before stays in force; without one everything is denied.  An older version is not taken instead: what was taken back
 * with the newer one would come back. */
static void
complain(struct lg_point *p, const struct lg_tenant *t, const char *why)
{
	uint64_t version = lg_point_version(p, t->id);

	if (version > 0)
		lg_log(LG_ERROR, "tenant %.*s: the newest policies cannot be put in force, version %llu stays: %s", LG_FMT(t->name),
		    (unsigned long long)version, why);
	else
		lg_log(LG_ERROR, "tenant %.*s: its policies cannot be put in force, so everything is denied until \"lightgate recover rollback\" "
		    "or another activation: %s", LG_FMT(t->name), why);
}

lg_err
lg_point_load(struct lg_ctx *cx, struct lg_point *p)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_tenant *tenant = NULL;
	size_t n = 0;

	LG_TRY(lg_view_begin(cx, p->store, &v));
	LG_TRY(lg_tenant_list(cx, v, &tenant, &n));
	for (size_t i = 0; i < n; i++)
		if (load_tenant(cx, p, v, tenant[i].id) != LG_OK)
			complain(p, &tenant[i], cx->error);
	return LG_OK;
}
