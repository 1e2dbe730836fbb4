/* point.c: the decision point. */
#include "server/point.h"

#include <stdlib.h>

#include "server/entities.h"
#include "server/memo.h"
#include "server/point_internal.h"

/* ---- what is in force ------------------------------------------------------------------------------------ */

static void
release_snapshot(void *value)
{
	struct snapshot *s = value;

	for (size_t i = 0; i < s->n; i++)
		lg_policies_unref(&s->set[i].policies);
	free(s);
}

const struct tenant_set *
lg_snapshot_find(const struct snapshot *s, uint32_t tenant)
{
	for (size_t i = 0; s != NULL && i < s->n; i++)
		if (s->set[i].tenant == tenant)
			return &s->set[i];
	return NULL;
}

/* Names in policies were resolved: the ids of groups are entryUUIDs. */
static void
find_alike(const struct lg_point *p, struct tenant_set *t)
{
	static const lg_str reads[] = { LG_STR("entry:disclose"), LG_STR("attribute:search"), LG_STR("attribute:compare"), LG_STR("attribute:read") };
	struct lg_euid above[LG_ALIKE];
	size_t n = 0;

	t->alike = lg_policies_alike(p->system, reads, LG_COUNT(reads), LG_STR("enabled"), above, LG_ALIKE, &n) &&
	    lg_policies_alike(t->policies, reads, LG_COUNT(reads), LG_STR("enabled"), above, LG_ALIKE, &n);
	for (size_t i = 0; i < n && t->alike; i++)
		t->alike = lg_uuid_parse(above[i].id, &t->above[i]);
	t->nabove = n;
}

/* A verdict that never looked at these holds as long as the data does. */
static uint64_t
reads_time(const struct lg_policies *set)
{
	return lg_policies_reads(set, LG_STR("now")) | lg_policies_reads(set, LG_STR("revision"));
}

void
lg_point_publish(struct lg_point *p, uint32_t tenant, uint64_t version, struct lg_policies *policies)
{
	pthread_mutex_lock(&p->publishing);
	const struct snapshot *old = lg_published_begin(p->sets);
	size_t n = old == NULL ? 0 : old->n;
	const struct tenant_set *was = lg_snapshot_find(old, tenant);
	if (was != NULL && was->version >= version) {
		lg_published_end(p->sets);
		pthread_mutex_unlock(&p->publishing);
		lg_policies_unref(&policies);
		return;
	}
	struct snapshot *s = calloc(1, sizeof *s + (n + 1) * sizeof s->set[0]);
	if (s == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (old->set[i].tenant == tenant)
			continue;
		s->set[s->n] = old->set[i];
		s->set[s->n++].policies = lg_policies_ref(old->set[i].policies);
	}
	s->set[s->n] = (struct tenant_set){ .tenant = tenant, .version = version, .policies = policies, .time = reads_time(policies) };
	find_alike(p, &s->set[s->n++]);
	lg_published_end(p->sets);
	lg_published_set(p->sets, s);
	pthread_mutex_unlock(&p->publishing);
}

lg_err
lg_point_new(struct lg_ctx *cx, struct lg_store *st, lg_str schema, lg_str system, struct lg_point **ret)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_point *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->store = st;
	pthread_mutex_init(&p->publishing, NULL);
	p->sets = lg_published_new(release_snapshot);
	p->tally = lg_tally_new();
	lg_err e = lg_schema_parse(cx, LG_STR("lightgate.cedarschema"), schema, &faults, &p->schema);
	if (e == LG_OK) {
		struct lg_policy_source source = { LG_STR("system"), system };
		struct lg_policy_options o = { .schema = p->schema, .ids_from_annotation = true };
		e = lg_policies_parse(cx, &source, 1, &o, &faults, &p->system);
	}
	if (e == LG_OK)
		e = lg_policies_validate(cx, p->system, p->schema, LG_STRICT, &faults);
	if (e != LG_OK) {
		lg_point_free(&p);
		return lg_fail_in(cx, e, "the system's policies");
	}
	p->system_time = reads_time(p->system);
	*ret = p;
	return LG_OK;
}

void
lg_point_free(struct lg_point **pp)
{
	struct lg_point *p = *pp;

	if (p == NULL)
		return;
	for (size_t i = 0; i < LG_LOOPS; i++)
		lg_answers_free(&p->memo[i]);
	lg_published_free(&p->sets);
	lg_tally_free(&p->tally);
	lg_policies_unref(&p->system);
	lg_schema_unref(&p->schema);
	pthread_mutex_destroy(&p->publishing);
	free(p);
	*pp = NULL;
}

struct lg_policies *
lg_point_in_force(struct lg_point *p, uint32_t tenant)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), tenant);
	struct lg_policies *set = t == NULL ? NULL : lg_policies_ref(t->policies);

	lg_published_end(p->sets);
	return set;
}

bool
lg_point_ready(struct lg_point *p, uint32_t tenant)
{
	bool is = lg_snapshot_find(lg_published_begin(p->sets), tenant) != NULL;

	lg_published_end(p->sets);
	return is;
}

size_t
lg_point_actions(const struct lg_point *p, lg_str principal_type, lg_str resource_type, struct lg_arena *a, const struct lg_euid **ret)
{
	return lg_schema_actions(p->schema, principal_type, resource_type, a, ret);
}

/* ---- one question ------------------------------------------------------------------------------------------ */

static lg_err
actor_record(struct lg_ctx *cx, struct lg_value *ret)
{
	char id[LG_UUID_TEXT + 1];
	struct lg_field f[3] = {
		{ lg_name_of(LG_STR("type")), lg_value_string(cx->actor->type) },
		{ lg_name_of(LG_STR("name")), lg_value_string(cx->actor->name) },
		{ lg_name_of(LG_STR("id")), lg_value_string(LG_NONE) },
	};

	lg_uuid_text(cx->actor->id, id);
	f[2].value = lg_value_string(lg_dup(cx->arena, (lg_str){ id, LG_UUID_TEXT }));
	struct lg_field *copy = LG_NEWS(cx->arena, struct lg_field, LG_COUNT(f));
	memcpy(copy, f, sizeof f);
	return lg_value_record(cx, copy, LG_COUNT(f), ret);
}

/* What we know and nobody may tell us. */
lg_err
lg_point_context(struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, const struct lg_record **ret)
{
	struct lg_field *f = LG_NEWS(cx->arena, struct lg_field, q->ncontext + 5);
	size_t n = 0;
	bool proof = false;

	for (size_t i = 0; i < q->ncontext; i++, n++) {
		f[n].name = lg_name_of(lg_str_of(q->context[i].name));
		LG_TRY(lg_fact_value(cx, &q->context[i], &f[n].value));
		proof = proof || lg_str_eq(f[n].name.text, LG_STR("subject_proof"));
	}
	f[n].name = lg_name_of(LG_STR("now"));
	f[n++].value = lg_value_datetime(cx->now / 1000);
	f[n].name = lg_name_of(LG_STR("revision"));
	f[n++].value = lg_value_long((int64_t)lg_view_seq(v));
	f[n].name = lg_name_of(LG_STR("asker"));
	LG_TRY(actor_record(cx, &f[n++].value));
	if (cx->actor->address.n > 0) {
		f[n].name = lg_name_of(LG_STR("address"));
		f[n++].value = lg_value_string(cx->actor->address);
	}
	if (!proof) {
		f[n].name = lg_name_of(LG_STR("subject_proof"));
		f[n++].value = lg_value_string(LG_STR("asserted"));
	}
	struct lg_value record;
	LG_TRY(lg_value_record(cx, f, n, &record));
	*ret = record.u.record;
	return LG_OK;
}

static void
deny(struct lg_verdict *ret, lg_str reason)
{
	ret->permit = false;
	ret->reason = reason;
}

static lg_err
explain(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *port, const struct lg_request *rq,
    struct lg_verdict *ret)
{
	return lg_policy_explain(cx, set, port, rq, &ret->detail);
}

static void
evaluate(struct lg_point *p, struct lg_ctx *cx, const struct tenant_set *t, struct lg_entity_source *es,
    const struct lg_request *rq, struct lg_verdict *ret)
{
	struct lg_entities port = lg_entity_source_port(es);
	struct lg_ruling r;

	lg_rule(cx, p->system, t->policies, &port, rq, &r);
	ret->stable = (r.system_reads & p->system_time) == 0 && (r.tenant_reads & t->time) == 0;
	ret->permit = r.kind == LG_RULED_PERMIT;
	ret->policy = r.policy;
	ret->reason = r.reason;
	ret->policies = r.policies;
	ret->npolicies = r.npolicies;
	ret->advice = r.advice;
	ret->nadvice = r.nadvice;
	if (es->failed && (r.kind == LG_RULED_PERMIT || r.kind == LG_RULED_NOTHING)) {
		ret->policy = LG_NONE;
		ret->npolicies = ret->nadvice = 0;
		deny(ret, LG_STR("an entity could not be read"));
	}
}

/* What a resource without an entry is in: the project that is named for it, or else the tenant. */
static lg_err
parent_of(struct lg_entity_source *es, const struct lg_question *q, struct lg_entity_id *ret)
{
	struct lg_tenant tenant;

	*ret = q->parent;
	if (q->parent.type.n > 0)
		return LG_OK;
	LG_TRY(lg_tenant_get(es->cx, es->view, q->tenant, &tenant));
	*ret = (struct lg_entity_id){ LG_STR("Tenant"), tenant.uuid, LG_NONE };
	return LG_OK;
}

lg_err
lg_point_synthetic(struct lg_entity_source *es, const struct lg_question *q, const struct lg_request *rq)
{
	struct lg_entity_id parent;

	if (q->principal.type.n == 0)
		LG_TRY(lg_entity_source_add(es, &rq->principal, NULL, 0, NULL));
	if (!lg_uuid_is_nil(q->resource.id))
		return LG_OK;
	LG_TRY(parent_of(es, q, &parent));
	return lg_entity_source_add(es, &rq->resource, q->facts, q->nfacts, &parent);
}

struct lg_request
lg_point_uids(struct lg_ctx *cx, const struct lg_question *q)
{
	return (struct lg_request){
		.principal = lg_entity_uid(cx->arena, &q->principal),
		.action = lg_euid_of(LG_STR("Action"), lg_str_of(q->action)),
		.resource = lg_entity_uid(cx->arena, &q->resource),
	};
}

static lg_err
ask(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct tenant_set *t, const struct lg_question *q,
    struct lg_verdict *ret)
{
	struct lg_entity_source own, *es = q->source;
	struct lg_request rq = lg_point_uids(cx, q);

	LG_TRY(lg_point_context(cx, v, q, &rq.context));
	if (lg_request_validate(cx, p->schema, &rq) != LG_OK) {
		deny(ret, lg_print(cx->arena, "the request does not fit the schema: %s", cx->error));
		return LG_OK;
	}
	if (es == NULL) {
		es = &own;
		lg_entity_source_init(es, cx, v, q->tenant);
	}
	LG_TRY(lg_point_synthetic(es, q, &rq));
	evaluate(p, cx, t, es, &rq, ret);
	ret->general = !es->specific;
	if (q->explain) {
		struct lg_entities port = lg_entity_source_port(es);
		LG_TRY(explain(cx, t->policies, &port, &rq, ret));
	}
	return LG_OK;
}

/* NULL elsewhere than on a loop: workers are many, and mutations see what is not committed. */
static struct lg_answers *
own_memo(struct lg_point *p)
{
	struct lg_loop *l = lg_loop_self();

	if (l == NULL)
		return NULL;
	struct lg_answers **memo = &p->memo[lg_loop_index(l)];
	if (*memo == NULL)
		*memo = lg_answers_new();
	return *memo;
}

/* As ask, but a permit that was given before is given again while it holds. */
static lg_err
ask_or_remember(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct tenant_set *t, const struct lg_question *q,
    struct lg_verdict *ret)
{
	struct lg_answers *memo = q->explain ? NULL : own_memo(p);
	lg_str key = memo == NULL ? LG_NONE : lg_memo_key(cx, q);

	if (memo != NULL && lg_memo_get(cx, memo, v, q, t->version, key, ret))
		return LG_OK;
	LG_TRY(ask(p, cx, v, t, q, ret));
	if (memo != NULL)
		lg_memo_put(memo, v, q, t->version, key, ret);
	return LG_OK;
}

lg_err
lg_point_ask(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), q->tenant);
	lg_err e = LG_OK;

	*ret = (struct lg_verdict){ .permit = false };
	if (t == NULL) {
		deny(ret, LG_STR("no policy is in force"));
	} else {
		ret->revision = t->version;
		e = ask_or_remember(p, cx, v, t, q, ret);
	}
	lg_published_end(p->sets);
	ret->seq = lg_view_seq(v);
	if (e != LG_OK)
		deny(ret, LG_STR("the decision failed"));
	lg_tally_add(p->tally, lg_tally_group(q->action), ret->permit);
	return e;
}

lg_err
lg_point_ask_under(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_policies *set,
    const struct lg_question *q, struct lg_verdict *ret)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), q->tenant);
	struct tenant_set other = { .tenant = q->tenant };
	lg_err e = LG_OK;

	*ret = (struct lg_verdict){ .permit = false, .seq = lg_view_seq(v) };
	if (set != NULL) {
		other.policies = lg_policies_ref(set);
		other.time = reads_time(set);
		t = &other;
	}
	if (t == NULL)
		deny(ret, LG_STR("no policy is in force"));
	else
		e = ask(p, cx, v, t, q, ret);
	ret->revision = t == NULL ? 0 : t->version;
	lg_published_end(p->sets);
	lg_policies_unref(&other.policies);
	return e;
}

void
lg_point_signin(struct lg_point *p, lg_point_signin_question *question, void *self)
{
	p->signin = question;
	p->signin_self = self;
}

struct lg_tally *
lg_point_tally(struct lg_point *p)
{
	return p->tally;
}

uint64_t
lg_point_version(struct lg_point *p, uint32_t tenant)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), tenant);
	uint64_t version = t == NULL ? 0 : t->version;

	lg_published_end(p->sets);
	return version;
}

static bool
set_reads(const struct lg_policies *set, lg_str attribute)
{
	size_t n;
	const struct lg_name *name = lg_policies_names(set, &n);

	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(name[i].text, attribute))
			return true;
	return false;
}

bool
lg_point_may_read(struct lg_point *p, uint32_t tenant, uint64_t version, lg_str attribute)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), tenant);
	bool may = t == NULL || t->version != version || set_reads(t->policies, attribute) || set_reads(p->system, attribute);

	lg_published_end(p->sets);
	return may;
}
