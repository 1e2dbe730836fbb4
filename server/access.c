/* access.c: from names to a decided and recorded access. */
#include "server/access.h"

#include "base/clock.h"
#include "base/text.h"
#include "server/decision_body.h"
#include "server/entities.h"
#include "server/point.h"

void
lg_access_fact(struct lg_question *q, struct lg_fact f)
{
	if (q->ncontext < LG_FACTS)
		q->context[q->ncontext++] = f;
}

lg_err
lg_access_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str id, struct lg_entry *ret)
{
	lg_uuid uuid;

	if (!lg_uuid_parse(id, &uuid))
		return lg_entry_by_name(cx, v, tenant, type, id, ret);
	LG_TRY(lg_entry_by_uuid(cx, v, tenant, uuid, ret));
	return ret->type == type ? LG_OK : LG_E_NOT_FOUND;
}

static lg_err
find_named(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str id, struct lg_entry *ret)
{
	lg_err e = lg_access_entry(cx, v, tenant, type, id, ret);

	if (e == LG_E_NOT_FOUND) {
		lg_str t = lg_type_name(type);
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no %.*s \"%.*s\"", LG_FMT(t), LG_FMT(id));
	}
	return e;
}

/* ---- the resource ------------------------------------------------------------------------------------------------ */

static struct lg_fact
fact_entity(const char *name, const struct lg_entry *e)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_ENTITY, .s = lg_type_name(e->type), .id = e->uuid };
}

static struct lg_fact
claims_of(struct lg_ctx *cx, const struct lg_evaluation *ev)
{
	struct lg_fact *claim = LG_NEWS(cx->arena, struct lg_fact, 3);
	size_t n = 0;

	if (ev->image.n > 0)
		claim[n++] = lg_fact_str("image", ev->image);
	if (ev->host.n > 0)
		claim[n++] = lg_fact_str("host", ev->host);
	if (ev->nlabels > 0)
		claim[n++] = lg_fact_set("labels", ev->labels, ev->nlabels);
	return (struct lg_fact){ .name = "claimed", .type = LG_FACT_RECORD, .record = claim, .n = n };
}

/* A workload that does not exist yet is in the project that is named for it; the rest of what is said is a claim. */
static lg_err
claimed_workload(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *ev, struct lg_question *q)
{
	struct lg_entry project;
	lg_uuid gone;

	/* Policies may still name by its entryUUID what was deleted: nothing new takes its place. */
	if (lg_uuid_parse(ev->resource_id, &gone))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no Workload \"%.*s\"", LG_FMT(ev->resource_id));
	q->resource = (struct lg_entity_id){ LG_STR("Workload"), { { 0 } }, ev->resource_id };
	q->facts[q->nfacts++] = lg_fact_str("name", ev->resource_id);
	q->facts[q->nfacts++] = claims_of(cx, ev);
	if (ev->project.n == 0)
		return LG_OK;
	LG_TRY(find_named(cx, v, tenant, LG_TYPE_PROJECT, ev->project, &project));
	q->parent = lg_entry_entity(&project);
	q->facts[q->nfacts++] = fact_entity("project", &project);
	return LG_OK;
}

static lg_err
image_context(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_access *ret)
{
	struct lg_entry image;
	lg_err e = lg_access_entry(cx, v, tenant, LG_TYPE_IMAGE, name, &image);

	if (e == LG_E_NOT_FOUND) {
		lg_access_fact(&ret->question, lg_fact_str("image_name", name));
		return LG_OK;
	}
	LG_TRY(e);
	lg_access_fact(&ret->question, fact_entity("image", &image));
	lg_access_fact(&ret->question, lg_fact_str("image_name", image.name));
	(void)lg_entry_value(&image, LG_STR("lgDigest"), 0, &ret->digest);
	return LG_OK;
}

static lg_err
resource_context(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *ev, struct lg_access *ret)
{
	struct lg_question *q = &ret->question;
	lg_str image = ev->image.n > 0 ? ev->image : ev->image_context;

	if (image.n > 0)
		LG_TRY(image_context(cx, v, tenant, image, ret));
	if (ev->host.n > 0) {
		LG_TRY(find_named(cx, v, tenant, LG_TYPE_HOST, ev->host, &ret->host));
		ret->has_host = true;
		lg_access_fact(q, fact_entity("host", &ret->host));
	}
	if (ev->has_port)
		lg_access_fact(q, lg_fact_int("port", ev->port));
	if (ev->protocol.n > 0)
		lg_access_fact(q, lg_fact_str("protocol", ev->protocol));
	return LG_OK;
}

/* An entry speaks for itself; its project is named for the ticket. */
static lg_err
known_resource(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_question *q)
{
	struct lg_entry project;

	q->resource = lg_entry_entity(e);
	if (e->type != LG_TYPE_WORKLOAD)
		return LG_OK;
	lg_err err = lg_entry_reference(cx, v, e, LG_STR("lgProject"), 0, &project);
	if (err == LG_OK)
		q->parent = lg_entry_entity(&project);
	return err == LG_E_NOT_FOUND ? LG_OK : err;
}

lg_err
lg_access_resource(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *ev, struct lg_access *ret)
{
	struct lg_question *q = &ret->question;
	enum lg_entry_type type;
	struct lg_entry entry;

	q->tenant = tenant;
	q->action = lg_dup(cx->arena, ev->action).p;
	if (!lg_type_parse(ev->resource_type, &type) || type == LG_TYPE_CONTAINER)
		return lg_fail(cx, LG_E_INVALID, "%.*s is not a type of resource", LG_FMT(ev->resource_type));
	lg_err e = lg_access_entry(cx, v, tenant, type, ev->resource_id, &entry);
	if (e == LG_OK)
		LG_TRY(known_resource(cx, v, &entry, q));
	else if (e == LG_E_NOT_FOUND && type == LG_TYPE_WORKLOAD)
		LG_TRY(claimed_workload(cx, v, tenant, ev, q));
	else
		return e == LG_E_NOT_FOUND ? find_named(cx, v, tenant, type, ev->resource_id, &entry) : e;
	return resource_context(cx, v, tenant, ev, ret);
}

/* ---- the subject --------------------------------------------------------------------------------------------------- */

static lg_err
subject_by_token(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const struct lg_evaluation *ev,
    lg_str token, struct lg_access *ret)
{
	struct lg_sts_bearer bearer;
	struct lg_entity_id *p = &ret->question.principal;
	char id[LG_UUID_TEXT + 1];

	LG_TRY(lg_sts_token_check(cx, app->sts, v, who->tenant->id, token, who->entity.name, LG_NONE, &bearer));
	*p = (struct lg_entity_id){ bearer.subject.type, bearer.subject.id, bearer.subject.name };
	lg_uuid_text(p->id, id);
	bool same = ev->subject_id.n == 0 || lg_str_eq(ev->subject_id, p->name) || lg_str_eq_fold(ev->subject_id, lg_str_of(id));
	if (!lg_str_eq(ev->subject_type, p->type) || !same)
		return lg_fail(cx, LG_E_DENIED, "the subject is not the one that the subject token was issued to");
	ret->proof = "token";
	lg_caller_token_facts(cx, &bearer.claims, &ret->question);
	return LG_OK;
}

static lg_err
subject_by_name(struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const struct lg_evaluation *ev, struct lg_access *ret)
{
	enum lg_entry_type type;
	struct lg_entry e;

	if (!lg_type_parse(ev->subject_type, &type) || type == LG_TYPE_CONTAINER)
		return lg_fail(cx, LG_E_INVALID, "%.*s is not a type of subject", LG_FMT(ev->subject_type));
	if (ev->subject_id.n == 0)
		return lg_fail(cx, LG_E_INVALID, "subject.id is missing");
	LG_TRY(find_named(cx, v, who->tenant->id, type, ev->subject_id, &e));
	ret->question.principal = lg_entry_entity(&e);
	bool self = lg_uuid_eq(e.uuid, who->entity.id);
	ret->proof = self ? "self" : "asserted";
	if (self && who->has_token)
		lg_caller_token_facts(cx, &who->claims, &ret->question);
	return LG_OK;
}

/* ---- deciding --------------------------------------------------------------------------------------------------------- */

/* May the asker ask this at all? */
static lg_err
may_ask(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, struct lg_access *ac)
{
	struct lg_question q = ac->question;
	struct lg_verdict verdict;

	q.principal = who->entity;
	q.action = "decision:ask";
	q.ncontext = 0;
	lg_access_fact(&q, lg_fact_str("asked_action", lg_str_of(ac->question.action)));
	lg_access_fact(&q, lg_fact_str("subject_proof", lg_str_of(ac->proof)));
	if (who->has_token)
		lg_caller_token_facts(cx, &who->claims, &q);
	LG_TRY(lg_point_ask(app->point, cx, v, &q, &verdict));
	if (!verdict.permit)
		return lg_fail(cx, LG_E_DENIED, "%.*s %.*s may not ask about this: %.*s", LG_FMT(who->entity.type), LG_FMT(who->entity.name),
		    LG_FMT(verdict.reason));
	ac->stable = verdict.stable;
	return LG_OK;
}

static bool
may_see_why(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who)
{
	return lg_caller_may(app, cx, v, who, "decision:explain", lg_tenant_entity(who->tenant)) == LG_OK;
}

/* Everything is resolved: may this be asked, and the answer. */
static lg_err
ask(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, struct lg_access *ac)
{
	LG_TRY(may_ask(app, cx, v, who, ac));
	lg_access_fact(&ac->question, lg_fact_str("subject_proof", lg_str_of(ac->proof)));
	LG_TRY(lg_point_ask(app->point, cx, v, &ac->question, &ac->verdict));
	ac->stable = ac->stable && ac->verdict.stable;
	return LG_OK;
}

static lg_err
ask_why(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, struct lg_access *ac)
{
	lg_uuid_text(lg_uuid_new(), ac->id);
	if (ac->verdict.permit || !may_see_why(app, cx, v, who))
		return LG_OK;
	ac->question.explain = true;
	return lg_point_ask(app->point, cx, v, &ac->question, &ac->verdict);
}

/* The directory's entry is the truth: where there is one, nothing that is claimed of it counts. */
static void
note_ignored(struct lg_ctx *cx, const struct lg_evaluation *ev, struct lg_access *ret)
{
	bool known = !lg_uuid_is_nil(ret->question.resource.id);
	struct lg_evaluation *all;

	ret->ignored = ev->ignored;
	ret->nignored = ev->nignored;
	if (!known || (ev->project.n == 0 && ev->nlabels == 0))
		return;
	all = LG_NEW(cx->arena, struct lg_evaluation);
	*all = *ev;
	if (ev->project.n > 0)
		lg_evaluation_ignore(cx, all, "resource.properties", LG_STR("project"));
	if (ev->nlabels > 0)
		lg_evaluation_ignore(cx, all, "resource.properties", LG_STR("labels"));
	ret->ignored = all->ignored;
	ret->nignored = all->nignored;
}

lg_err
lg_access_probe(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const struct lg_evaluation *ev,
    lg_str subject_token, struct lg_access *ret)
{
	*ret = (struct lg_access){ .has_host = false };
	LG_TRY(lg_evaluation_check(cx, ev));
	LG_TRY(lg_access_resource(cx, v, who->tenant->id, ev, ret));
	note_ignored(cx, ev, ret);
	LG_TRY(subject_token.n > 0 ? subject_by_token(app, cx, v, who, ev, subject_token, ret)
				   : subject_by_name(cx, v, who, ev, ret));
	return ask(app, cx, v, who, ret);
}

lg_err
lg_access_open(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const struct lg_evaluation *ev,
    lg_str subject_token, bool subjects, struct lg_access *ret)
{
	struct lg_question *q = &ret->question;

	*ret = (struct lg_access){ .proof = "asserted" };
	if (subjects) {
		LG_TRY(lg_access_resource(cx, v, who->tenant->id, ev, ret));
		q->principal.type = ev->subject_type;
	} else {
		q->tenant = who->tenant->id;
		q->action = lg_dup(cx->arena, ev->action).p;
		q->resource.type = ev->resource_type;
		LG_TRY(resource_context(cx, v, q->tenant, ev, ret));
		LG_TRY(subject_token.n > 0 ? subject_by_token(app, cx, v, who, ev, subject_token, ret)
					   : subject_by_name(cx, v, who, ev, ret));
	}
	lg_access_fact(q, lg_fact_str("subject_proof", lg_str_of(ret->proof)));
	return LG_OK;
}

lg_err
lg_access_decide(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who, const struct lg_evaluation *ev,
    lg_str subject_token, struct lg_access *ret)
{
	LG_TRY(lg_access_probe(app, ex->cx, v, who, ev, subject_token, ret));
	return ask_why(app, ex->cx, v, who, ret);
}

lg_err
lg_access_decide_for(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who, struct lg_evaluation *ev,
    const struct lg_recognised *by, struct lg_access *ret)
{
	struct lg_ctx *cx = ex->cx;

	*ret = (struct lg_access){ .proof = by->proof };
	ev->subject_type = by->subject.type;
	ev->subject_id = by->subject.name;
	LG_TRY(lg_evaluation_check(cx, ev));
	LG_TRY(lg_access_resource(cx, v, who->tenant->id, ev, ret));
	ret->question.principal = by->subject;
	if (by->claims != NULL)
		lg_caller_token_facts(cx, by->claims, &ret->question);
	if (by->fact != NULL)
		lg_access_fact(&ret->question, *by->fact);
	LG_TRY(ask(app, cx, v, who, ret));
	return ask_why(app, cx, v, who, ret);
}

/* ---- the record and the answer ------------------------------------------------------------------------------------------- */

static const struct {
	const char *prefix;
	bool waits;			/* a permit must be durable before it is told */
} doors[] = {
	{ "container:create", true }, { "container:start", true }, { "container:exec", true }, { "container:", false },
	{ "image:", false }, { "network:", false }, { "engine:", false }, { "volume:", false }, { "http:", false }, { "kubernetes:", false }, { "host:", true },
	{ "certificate:", true }, { "token:", false }, { "admin:", true },
};

static size_t
door(const struct lg_access *ac)
{
	lg_str action = lg_str_of(ac->question.action);

	for (size_t i = 0; i < LG_COUNT(doors); i++)
		if (lg_str_starts(action, lg_str_of(doors[i].prefix)))
			return i;
	return LG_COUNT(doors);
}

bool
lg_access_recorded(const struct lg_access *ac)
{
	return door(ac) < LG_COUNT(doors);
}

bool
lg_access_waits(const struct lg_access *ac)
{
	size_t i = door(ac);

	return i < LG_COUNT(doors) && ac->verdict.permit && doors[i].waits;
}

lg_str
lg_access_record(struct lg_ctx *cx, const struct lg_access *ac)
{
	return lg_decision_body(cx, &ac->question, &ac->verdict, lg_str_of(ac->id), lg_str_of(ac->proof));
}

lg_err
lg_access_log(struct lg_ctx *cx, struct lg_segments *sg, const struct lg_access *ac)
{
	struct lg_decision d = { .tenant = ac->question.tenant, .time = cx->now, .body = lg_access_record(cx, ac) };

	if (lg_access_waits(ac))
		return lg_segments_apply(cx, sg, d.tenant, d.body);
	lg_err e = lg_segments_append(sg, &d);
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "the decision log does not take the record: %s", lg_err_name(e));
}

static void
write_list(struct lg_jsonw *w, const char *name, const lg_str *v, size_t n)
{
	if (n == 0)
		return;
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, v[i]);
	lg_jsonw_array_end(w);
}

void
lg_access_write(struct lg_jsonw *w, const struct lg_access *ac, lg_str ticket)
{
	lg_jsonw_object(w);
	lg_jsonw_bool_of(w, "decision", ac->verdict.permit);
	lg_jsonw_name(w, LG_STR("context"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", lg_str_of(ac->id));
	if (ac->verdict.policy.n > 0)
		lg_jsonw_str_of(w, "policy", ac->verdict.policy);
	write_list(w, "policies", ac->verdict.policies, ac->verdict.npolicies);
	lg_jsonw_str_of(w, "reason", ac->verdict.reason);
	write_list(w, "advice", ac->verdict.advice, ac->verdict.nadvice);
	write_list(w, "ignored", ac->ignored, ac->nignored);
	if (ac->verdict.detail.n > 0)
		lg_jsonw_str_of(w, "detail", ac->verdict.detail);
	lg_jsonw_int_of(w, "revision", (int64_t)ac->verdict.revision);
	if (ticket.n > 0)
		lg_jsonw_str_of(w, "ticket", ticket);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}
