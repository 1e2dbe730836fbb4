/* api_audit.c: who did what: the change log and the decision log side by side. */
#include "base/text.h"
#include "server/api.h"

#include <stdlib.h>

#include "lightgate/store.h"

#define LOOK_BACK 20000			/* records of a log that one request looks at, from the newest */

struct row {
	int64_t time;
	bool decision;			/* of the decision log */
	uint64_t seq;
	lg_str actor, operation, target, detail;
	lg_str result, policy, asker, container;	/* of a decision; result: "permit" or "deny: why" */
	lg_str made_at, made_until;	/* of one that a host told later */
	int64_t count;			/* of several that it told as one; 0: one */
};

struct trail {
	struct lg_ctx *cx;
	uint32_t tenant;
	lg_str tenant_name;
	lg_str actor, operation, target, host;	/* filters, empty: any */
	char host_id[LG_UUID_TEXT + 1];	/* entryUUID of the host that is looked for; empty: no entry has its name any more */
	size_t limit;
	struct lg_ctx scratch;		/* of one row: only what is answered stays in cx's arena */
	size_t looked;
	uint64_t *newest;		/* a ring of the last `limit` decisions that are wanted */
	struct row *row;
	size_t n;
};

static void
keep(struct trail *t, struct row *r)
{
	lg_str *const text[] = { &r->actor, &r->operation, &r->target, &r->detail, &r->result, &r->policy, &r->asker, &r->container,
		&r->made_at, &r->made_until };

	for (size_t i = 0; i < LG_COUNT(text); i++)
		*text[i] = lg_dup(t->cx->arena, *text[i]);
	t->row[t->n++] = *r;
}

/* "User/alice" by all of it, or by the name alone. */
static bool
is_named(lg_str text, lg_str name)
{
	lg_str type, rest;

	return lg_str_eq(text, name) || (lg_str_cut(text, '/', &type, &rest) && lg_str_eq(rest, name));
}

/* Asked by the host, about it, or with it in the question. */
static bool
is_of_host(const struct trail *t, const struct row *r)
{
	const lg_str by[] = { r->asker, r->actor, r->target };
	lg_str type, rest;

	for (size_t i = 0; i < LG_COUNT(by); i++)
		if (lg_str_cut(by[i], '/', &type, &rest) && lg_str_eq(type, LG_STR("Host")) && lg_str_eq(rest, t->host))
			return true;
	return t->host_id[0] != '\0' && r->detail.n >= LG_UUID_TEXT && memmem(r->detail.p, r->detail.n, t->host_id, LG_UUID_TEXT) != NULL;
}

static bool
wanted(const struct trail *t, const struct row *r)
{
	return (t->operation.n == 0 || lg_str_starts(r->operation, t->operation)) && (t->actor.n == 0 || is_named(r->actor, t->actor)) &&
	    (t->target.n == 0 || is_named(r->target, t->target) || lg_str_eq(r->container, t->target)) && (t->host.n == 0 || is_of_host(t, r));
}

/* ---- changes: newest first ------------------------------------------------------------------------------------------ */

static lg_str
actor_text(struct lg_ctx *cx, const struct lg_change *c)
{
	switch (c->kind) {
	case LG_ACTOR_ENTRY:
		return lg_print(cx->arena, "%.*s/%.*s", LG_FMT(c->actor_type), LG_FMT(c->actor_name));
	case LG_ACTOR_SYSTEM:
		return LG_STR("system");
	case LG_ACTOR_RECOVER:
		return LG_STR("recover");
	case LG_ACTOR_ANONYMOUS:
		break;
	}
	return LG_STR("anonymous");
}

static bool
add_change(void *arg, const struct lg_change *c)
{
	struct trail *t = arg;

	lg_arena_reset(t->scratch.arena);
	struct row r = {
		.time = c->time, .seq = c->seq, .actor = actor_text(&t->scratch, c), .operation = c->operation, .target = c->target,
		.detail = c->detail,
	};
	if (wanted(t, &r))
		keep(t, &r);
	return t->n < t->limit && ++t->looked < LOOK_BACK;
}

/* ---- decisions: oldest first, so they are read twice: which are the newest, and what they say -------------------------------------------------------------------- */

/* A tenant without a name is the one whose trail this is: the default one has none on the wire. */
static lg_str
entity_text(struct trail *t, struct lg_json *js)
{
	lg_str name, type = LG_NONE, text = LG_NONE;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("type")))
			type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("name")))
			text = lg_json_str(js);
		else
			lg_json_skip(js);
	}
	if (text.n == 0 && lg_str_eq(type, LG_STR("Tenant")))
		text = t->tenant_name;
	return type.n == 0 ? LG_NONE : lg_print(t->scratch.arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(text));
}

static bool
read_made(struct lg_json *js, lg_str name, struct row *r)
{
	if (lg_str_eq(name, LG_STR("made_at")))
		r->made_at = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("made_until")))
		r->made_until = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("count")))
		r->count = lg_json_int(js);
	else
		return false;
	return true;
}

static void
read_decision(struct trail *t, struct row *r)
{
	struct lg_ctx *cx = &t->scratch;
	lg_str name, reason = LG_NONE;
	struct lg_json js;
	bool permit = false;

	lg_json_init(&js, cx->arena, r->detail);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("subject")))
			r->actor = entity_text(t, &js);
		else if (lg_str_eq(name, LG_STR("resource")))
			r->target = entity_text(t, &js);
		else if (lg_str_eq(name, LG_STR("asker")))
			r->asker = entity_text(t, &js);
		else if (lg_str_eq(name, LG_STR("container")))
			r->container = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("policy")))
			r->policy = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("action")))
			r->operation = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("decision")))
			permit = lg_json_bool(&js);
		else if (lg_str_eq(name, LG_STR("reason")))
			reason = lg_json_str(&js);
		else if (!read_made(&js, name, r))
			lg_json_skip(&js);
	}
	r->result = permit ? LG_STR("permit") : lg_cat(cx->arena, LG_STR("deny: "), reason);
	if (lg_json_end(cx, &js) == LG_OK)
		return;
	r->operation = LG_STR("(does not decode)");
	r->detail = LG_NONE;
}

static bool
decision_wanted(struct trail *t, uint32_t tenant, lg_str body, struct row *r)
{
	if (tenant != t->tenant)
		return false;
	lg_arena_reset(t->scratch.arena);
	r->detail = body;
	read_decision(t, r);
	return wanted(t, r);
}

static bool
note_decision(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	struct row r = { .time = time };
	struct trail *t = arg;

	if (decision_wanted(t, tenant, body, &r))
		t->newest[t->looked++ % t->limit] = seq;
	return true;
}

static bool
add_decision(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	struct row r = { .time = time, .seq = seq, .decision = true };
	struct trail *t = arg;

	if (decision_wanted(t, tenant, body, &r))
		keep(t, &r);
	return t->n < t->limit;
}

static lg_err
add_decisions(struct lg_app *app, struct trail *t)
{
	struct lg_head head = lg_segments_head(app->segments);
	uint64_t from = head.seq > LOOK_BACK ? head.seq - LOOK_BACK : 1;

	t->newest = LG_NEWS(t->cx->arena, uint64_t, t->limit);
	LG_TRY(lg_segments_read(t->cx, app->folders->log, from, note_decision, t));
	if (t->looked == 0)
		return LG_OK;
	return lg_segments_read(t->cx, app->folders->log, t->newest[t->looked < t->limit ? 0 : t->looked % t->limit], add_decision, t);
}

/* ---- both together ------------------------------------------------------------------------------------------------------ */

static int
by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
write_row(struct lg_jsonw *w, const struct row *r)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "log", r->decision ? LG_STR("decisions") : LG_STR("changes"));
	lg_jsonw_int_of(w, "seq", (int64_t)r->seq);
	lg_jsonw_time_of(w, "time", r->time);
	lg_jsonw_str_of(w, "actor", r->actor);
	lg_jsonw_str_of(w, "operation", r->operation);
	lg_jsonw_str_of(w, "target", r->target);
	if (r->decision) {
		lg_jsonw_str_of(w, "result", r->result);
		lg_jsonw_str_of(w, "policy", r->policy);
		lg_jsonw_str_of(w, "asker", r->asker);
	}
	if (r->container.n > 0)
		lg_jsonw_str_of(w, "container", r->container);
	if (r->made_at.n > 0)
		lg_jsonw_str_of(w, "made_at", r->made_at);
	if (r->made_until.n > 0)
		lg_jsonw_str_of(w, "made_until", r->made_until);
	if (r->count > 0)
		lg_jsonw_int_of(w, "count", r->count);
	if (r->detail.n > 0) {
		lg_jsonw_name(w, LG_STR("detail"));
		lg_jsonw_raw(w, r->detail);
	}
	lg_jsonw_object_end(w);
}

static lg_err
add_changes(struct lg_app *app, struct lg_http *ex, struct trail *t)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_caller who;
	struct lg_entry host;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "audit:read", &who));
	t->tenant_name = who.tenant->name.n > 0 ? lg_dup(ex->cx->arena, who.tenant->name) : LG_STR("default");
	if (t->host.n > 0 && lg_entry_by_name(ex->cx, v, t->tenant, LG_TYPE_HOST, t->host, &host) == LG_OK)
		lg_uuid_text(host.uuid, t->host_id);
	return lg_changes(t->cx, v, t->tenant, 0, add_change, t);
}

static lg_err
gather(struct lg_app *app, struct lg_http *ex, struct trail *changes, struct trail *decisions)
{
	LG_TRY(add_changes(app, ex, changes));
	decisions->tenant_name = changes->tenant_name;
	memcpy(decisions->host_id, changes->host_id, sizeof changes->host_id);
	lg_store_turn(app->store);	/* no snapshot is held while files are read */
	return add_decisions(app, decisions);
}

static void
write_trail(struct lg_http *ex, const struct trail *changes, const struct trail *decisions)
{
	size_t n = changes->n + decisions->n, limit = changes->limit;
	struct row *all = LG_NEWS(ex->cx->arena, struct row, n);
	struct lg_jsonw w = lg_api_json(ex);

	memcpy(all, changes->row, changes->n * sizeof *all);
	memcpy(all + changes->n, decisions->row, decisions->n * sizeof *all);
	qsort(all, n, sizeof *all, by_time);
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = n > limit ? n - limit : 0; i < n; i++)
		write_row(&w, &all[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
}

lg_err
lg_api_audit(void *self, struct lg_http *ex)
{
	struct trail changes = { .cx = ex->cx, .tenant = ex->tenant }, decisions;
	struct lg_form query;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	LG_TRY(lg_api_limit(ex, &query, &changes.limit));
	changes.actor = lg_form_get(&query, "actor");
	changes.operation = lg_form_get(&query, "operation");
	changes.target = lg_form_get(&query, "target");
	changes.host = lg_form_get(&query, "host");
	lg_ctx_init(&changes.scratch, lg_arena_new());
	decisions = changes;
	changes.row = LG_NEWS(ex->cx->arena, struct row, changes.limit);
	decisions.row = LG_NEWS(ex->cx->arena, struct row, decisions.limit);
	lg_err e = gather(self, ex, &changes, &decisions);
	lg_arena_free(&changes.scratch.arena);
	LG_TRY(e);
	write_trail(ex, &changes, &decisions);
	return LG_OK;
}
