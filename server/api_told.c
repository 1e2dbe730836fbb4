/*
 * api_told.c: POST /v1/agent/decisions: what a host decided from its bundle comes on our decision log, each once and in order.
 *
 * The decision log and the store have no transaction in common.  So the store says first which records are about to be written and from where on to
 * look for them, and afterwards that they are; whoever comes after a crash in between looks.  A record's id follows from host, journal and number.
 */
#include <pthread.h>

#include "base/text.h"
#include "server/admissions.h"
#include "server/app_own.h"
#include "server/caller.h"
#include "server/told.h"

/* One report at a time: they are rare, and two of one host would look like a crash to each other. */
static pthread_mutex_t reporting = PTHREAD_MUTEX_INITIALIZER;

struct deed {
	uint64_t seq;
	lg_sha256 prev, hash;
	lg_uuid id;
	lg_str container, action, policy, reason, facts;
	bool permit;
	uint64_t revision;
	struct lg_made made;
	struct lg_evaluation asked;	/* without a container: what was decided; nothing in it: by the host, of no one in particular */
};

struct report {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller host;
	lg_uuid journal;
	struct deed *deed;
	size_t n, known;		/* known: of them, from the front, on the record already */
	struct lg_told mark;
};

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static void
read_time(struct lg_json *js, int64_t *ret)
{
	if (!lg_time_parse(lg_json_str(js), ret) || *ret <= 0)
		lg_json_fault(js, "a time is wanted (RFC 3339)");
}

static void
read_entity(struct lg_json *js, lg_str *type, lg_str *id)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("type")))
			*type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("id")))
			*id = lg_json_str(js);
		else
			lg_json_fault(js, "unknown member");
	}
}

/* What was asked. */
static bool
read_asked(struct lg_json *js, lg_str name, struct lg_evaluation *ret)
{
	if (lg_str_eq(name, LG_STR("subject"))) {
		read_entity(js, &ret->subject_type, &ret->subject_id);
	} else if (lg_str_eq(name, LG_STR("resource"))) {
		read_entity(js, &ret->resource_type, &ret->resource_id);
	} else if (lg_str_eq(name, LG_STR("protocol"))) {
		ret->protocol = lg_json_str(js);
	} else if (lg_str_eq(name, LG_STR("port"))) {
		ret->has_port = true;
		ret->port = lg_json_int(js);
	} else {
		return false;
	}
	return true;
}

static void
read_member(struct report *r, struct lg_json *js, lg_str name, struct deed *d)
{
	lg_str prev;

	if (read_asked(js, name, &d->asked))
		return;
	if (lg_str_eq(name, LG_STR("seq"))) {
		d->seq = (uint64_t)lg_json_int(js);
	} else if (lg_str_eq(name, LG_STR("prev"))) {
		if (!lg_hex_parse(r->ex->cx->arena, lg_json_str(js), &prev) || prev.n != sizeof d->prev.b)
			lg_json_fault(js, "\"prev\" must be a SHA-256");
		else
			memcpy(d->prev.b, prev.p, prev.n);
	} else if (lg_str_eq(name, LG_STR("decision"))) {
		d->permit = lg_json_bool(js);
	} else if (lg_str_eq(name, LG_STR("revision"))) {
		d->revision = (uint64_t)lg_json_int(js);
	} else if (lg_str_eq(name, LG_STR("time"))) {
		read_time(js, &d->made.at);
	} else if (lg_str_eq(name, LG_STR("until"))) {
		read_time(js, &d->made.until);
	} else if (lg_str_eq(name, LG_STR("count"))) {
		d->made.count = (uint64_t)lg_json_int(js);
	} else if (lg_str_eq(name, LG_STR("container_facts"))) {
		d->facts = lg_json_raw(js);
	} else {
		lg_str *const text[] = { &d->container, &d->action, &d->policy, &d->reason };
		static const char *const names[] = { "container", "action", "policy", "reason" };
		for (size_t i = 0; i < LG_COUNT(names); i++)
			if (lg_str_eq(name, lg_str_of(names[i]))) {
				*text[i] = lg_json_str(js);
				return;
			}
		lg_json_unknown(js, name);
	}
}

static lg_uuid
id_of(struct report *r, uint64_t seq)
{
	char host[LG_UUID_TEXT + 1], journal[LG_UUID_TEXT + 1];
	lg_uuid id;

	lg_uuid_text(r->host.entity.id, host);
	lg_uuid_text(r->journal, journal);
	lg_sha256 h = lg_sha256_of(lg_print(r->ex->cx->arena, "%s %s %llu", host, journal, (unsigned long long)seq));
	memcpy(id.b, h.b, sizeof id.b);
	id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f));	/* RFC 9562 5.8: version 8, made as its maker likes */
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

/* A container's later start and exec; or what its doors and its gate ask the bundle. */
static lg_err
check_deed(struct lg_ctx *cx, struct deed *d)
{
	bool container = d->container.n > 0;

	if (d->made.at == 0)
		return lg_fail(cx, LG_E_INVALID, "a decision needs its time");
	if (lg_action_admits(d->action) || (container && !lg_str_eq(d->action, LG_STR("container:restart")) && !lg_str_eq(d->action, LG_STR("container:exec"))))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not what hosts decide by themselves", LG_FMT(d->action));
	if (container)
		return lg_container_id_check(cx, d->container);
	if (d->made.count == 0 || d->made.count > INT64_MAX || d->made.until < d->made.at)
		return lg_fail(cx, LG_E_INVALID, "what is counted needs \"count\" and \"until\"");
	d->asked.action = d->action;
	bool nobody = d->asked.subject_type.n == 0 && d->asked.resource_type.n == 0;
	return nobody && d->action.n <= LG_ASKED_TYPE && d->action.n > 0 ? LG_OK : lg_evaluation_check(cx, &d->asked);
}

static lg_err
read_deed(struct report *r, lg_str text, struct deed *d)
{
	struct lg_ctx *cx = r->ex->cx;
	struct lg_json js;
	lg_str name;

	*d = (struct deed){ .hash = lg_sha256_of(text) };
	lg_json_init(&js, cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(r, &js, name, d);
	LG_TRY(lg_json_end(cx, &js));
	LG_TRY(check_deed(cx, d));
	d->id = id_of(r, d->seq);
	return LG_OK;
}

static lg_err
add_deed(struct report *r, lg_str text)
{
	struct deed *d = &r->deed[r->n];

	if (r->n == LG_TOLD_MAX)
		return lg_fail(r->ex->cx, LG_E_LIMIT, "more than %d decisions at once", LG_TOLD_MAX);
	LG_TRY(read_deed(r, text, d));
	const struct deed *before = r->n > 0 ? d - 1 : NULL;
	if (d->seq == 0 || (before != NULL && (d->seq != before->seq + 1 || memcmp(&d->prev, &before->hash, sizeof d->prev) != 0)))
		return lg_fail(r->ex->cx, LG_E_INVALID, "decision %llu does not follow the one before it", (unsigned long long)d->seq);
	r->n++;
	return LG_OK;
}

static lg_err
read_report(struct report *r)
{
	struct lg_ctx *cx = r->ex->cx;
	lg_str name;
	struct lg_json js;

	r->deed = LG_NEWS(cx->arena, struct deed, LG_TOLD_MAX);
	lg_json_init(&js, cx->arena, r->ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("journal"))) {
			if (!lg_uuid_parse(lg_json_str(&js), &r->journal))
				lg_json_fault(&js, "\"journal\" must be a UUID");
		} else if (lg_str_eq(name, LG_STR("decisions"))) {
			lg_json_array(&js);
			while (lg_json_item(&js))
				LG_TRY(add_deed(r, lg_json_raw(&js)));
		} else {
			lg_json_unknown(&js, name);
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	if (r->n == 0 || lg_uuid_is_nil(r->journal))
		return lg_fail(cx, LG_E_INVALID, "a report needs \"journal\" and \"decisions\"");
	return LG_OK;
}

/* ---- how far we are -------------------------------------------------------------------------------------------------- */

/* Which of them are new.  What came before and was lost with a restored store stays lost; a journal that goes back, or another way on, is refused. */
static lg_err
compare(struct lg_ctx *cx, struct report *r)
{
	struct lg_told *m = &r->mark;

	if (!lg_uuid_eq(m->journal, r->journal))
		*m = (struct lg_told){ .journal = r->journal, .taken = r->deed[0].seq - 1, .hash = r->deed[0].prev };
	while (r->known < r->n && r->deed[r->known].seq <= m->taken)
		r->known++;
	const struct deed *seen = r->known > 0 ? &r->deed[r->known - 1] : NULL, *next = r->known < r->n ? &r->deed[r->known] : NULL;
	bool parted = (seen != NULL && seen->seq == m->taken && memcmp(&seen->hash, &m->hash, sizeof m->hash) != 0) ||
	    (next != NULL && next->seq == m->taken + 1 && memcmp(&next->prev, &m->hash, sizeof m->hash) != 0);
	if (parted || (next == NULL && seen->seq < m->taken))
		return lg_fail(cx, LG_E_CONFLICT, "this journal has gone on to record %llu in another way", (unsigned long long)m->taken);
	return LG_OK;
}

static lg_err
intend(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct report *r = arg;

	r->known = 0;
	LG_TRY(lg_told_get(cx, v, r->host.tenant->id, r->host.entity.id, &r->mark));
	LG_TRY(compare(cx, r));
	if (r->known == r->n || r->mark.from != 0)
		return LG_OK;		/* nothing new; or others were intended, of which it is not known yet how many came */
	r->mark.upto = r->deed[r->n - 1].seq;
	r->mark.from = lg_segments_head(r->app->segments).seq + 1;
	return lg_told_put(cx, v, r->host.tenant->id, r->host.entity.id, &r->mark);
}

static lg_err
settle(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct report *r = arg;
	const struct deed *last = &r->deed[r->n - 1];
	struct lg_told m = { .journal = r->journal, .taken = last->seq, .hash = last->hash };

	return lg_told_put(cx, v, r->host.tenant->id, r->host.entity.id, &m);
}

/* An id is a digest: where its text stands, nothing else does. */
static bool
look(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	struct report *r = arg;
	char id[LG_UUID_TEXT + 1];

	(void)seq, (void)time;
	lg_uuid_text(r->deed[r->known].id, id);
	if (tenant == r->host.tenant->id && memmem(body.p, body.n, id, LG_UUID_TEXT) != NULL)
		r->known++;
	return r->known < r->n;
}

/* After a crash: they were written in order, so those that are there are the first ones. */
static lg_err
look_for_known(struct report *r)
{
	uint64_t head = lg_segments_head(r->app->segments).seq;

	return r->mark.from == 0 || r->mark.from > head || r->known == r->n ? LG_OK :
	    lg_segments_read(r->ex->cx, r->app->folders->log, r->mark.from, look, r);
}

/* ---- on the record ------------------------------------------------------------------------------------------------------ */

/* By its entry, or as the host calls it. */
static struct lg_entity_id
entity_of(struct report *r, struct lg_view *v, lg_str type, lg_str id)
{
	struct lg_entity_id by_name = { type, { { 0 } }, id };
	enum lg_entry_type kind;
	struct lg_entry e;

	if (id.n == 0)
		return r->host.entity;
	if (!lg_type_parse(type, &kind) || lg_access_entry(r->ex->cx, v, r->host.tenant->id, kind, id, &e) != LG_OK)
		return by_name;
	return lg_entry_entity(&e);
}

static void
describe_asked(struct report *r, struct lg_view *v, const struct deed *d, struct lg_access *ac)
{
	struct lg_question *q = &ac->question;

	q->principal = entity_of(r, v, d->asked.subject_type, d->asked.subject_id);
	q->resource = entity_of(r, v, d->asked.resource_type, d->asked.resource_id);
	if (d->asked.has_port)
		lg_access_fact(q, lg_fact_int("port", d->asked.port));
	if (d->asked.protocol.n > 0)
		lg_access_fact(q, lg_fact_str("protocol", d->asked.protocol));
	ac->proof = "asserted";
}

/* As much as is known of it still: the record stands either way. */
static lg_err
describe_container(struct report *r, struct lg_view *v, const struct deed *d, struct lg_access *ac)
{
	struct lg_ctx *cx = r->ex->cx;
	uint32_t tenant = r->host.tenant->id;
	struct lg_admission ad;
	struct lg_fact facts;

	lg_err e = lg_admission_get(cx, v, tenant, r->host.entity.id, d->container, &ad);
	if (e == LG_OK) {
		struct lg_evaluation asked = { .resource_type = LG_STR("Workload"), .resource_id = ad.workload, .project = ad.project, .image = ad.image,
			.host = r->host.entity.name, .action = d->action };
		e = lg_admission_question(cx, v, tenant, &asked, ad.requester, lg_dup(cx->arena, d->action).p, ac);
		ac->proof = lg_uuid_eq(ad.requester, r->host.entity.id) ? "self" : "ticket";
	}
	if (e != LG_OK && e != LG_E_NOT_FOUND && e != LG_E_DENIED)
		return e;
	if (ac->question.resource.name.n == 0)
		ac->question.resource = (struct lg_entity_id){ LG_STR("Workload"), { { 0 } }, d->container };
	if (ac->question.principal.type.n == 0)
		ac->question.principal = r->host.entity;
	if (d->facts.n > 0) {
		LG_TRY(lg_container_facts(cx, d->facts, &facts));
		lg_access_fact(&ac->question, facts);
	}
	return LG_OK;
}

static const char *
circumstance(struct lg_ctx *cx, const struct deed *d)
{
	if (d->container.n > 0)
		return " while the service was away";
	if (!d->asked.has_port)
		return d->asked.protocol.n > 0 ? lg_print(cx->arena, " (%.*s)", LG_FMT(d->asked.protocol)).p : "";
	return lg_print(cx->arena, " (%d/%.*s)", (int)d->asked.port, LG_FMT(d->asked.protocol)).p;
}

static lg_err
write_one(struct report *r, const struct deed *d, bool last)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx *cx = r->ex->cx;
	struct lg_access ac = { .proof = "self" };

	LG_TRY(lg_view_begin(cx, r->app->store, &v));
	if (d->container.n > 0)
		LG_TRY(describe_container(r, v, d, &ac));
	else
		describe_asked(r, v, d, &ac);
	ac.question.tenant = r->host.tenant->id;
	ac.question.action = lg_dup(cx->arena, d->action).p;
	ac.question.made = d->made;
	lg_uuid_text(d->id, ac.id);
	ac.verdict = (struct lg_verdict){ .permit = d->permit, .policy = d->policy, .revision = d->revision,
		.reason = lg_print(cx->arena, "decided by the host%s: %.*s", circumstance(cx, d), LG_FMT(d->reason)) };
	struct lg_decision record = { .tenant = ac.question.tenant, .time = cx->now, .body = lg_access_record(cx, &ac) };
	if (last)
		return lg_segments_apply(cx, r->app->segments, record.tenant, record.body);
	lg_err e = lg_segments_append(r->app->segments, &record);
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "the decision log does not take the record: %s", lg_err_name(e));
}

static lg_err
take(struct report *r)
{
	struct lg_ctx *cx = r->ex->cx;

	LG_TRY(lg_store_apply(cx, r->app->store, r->host.tenant->id, "host.decisions", intend, r, NULL));
	if (r->known == r->n && r->mark.from == 0)
		return LG_OK;
	LG_TRY(look_for_known(r));
	for (size_t i = r->known; i < r->n; i++)
		LG_TRY(write_one(r, &r->deed[i], i + 1 == r->n));
	return lg_store_apply(cx, r->app->store, r->host.tenant->id, "host.decisions", settle, r, NULL);
}

static lg_err
find_host(struct report *r)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(r->ex->cx, r->app->store, &v));
	return lg_caller_host(r->app, r->ex, v, &r->host);
}

static lg_err
tell(void *self, struct lg_http *ex)
{
	struct report *r = LG_NEW(ex->cx->arena, struct report);
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	*r = (struct report){ .app = self, .ex = ex };
	LG_TRY(find_host(r));
	LG_TRY(read_report(r));
	pthread_mutex_lock(&reporting);
	lg_err e = take(r);
	pthread_mutex_unlock(&reporting);
	LG_TRY(e);
	lg_http_type(ex, "application/json");
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "taken", (int64_t)r->deed[r->n - 1].seq);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

const struct lg_route lg_api_told_routes[] = {
	{ "POST", "/v1/agent/decisions", LG_SURFACE_MTLS, LG_ON_WORKER, 1u << 20, tell },
};
const size_t lg_api_told_nroutes = LG_COUNT(lg_api_told_routes);
