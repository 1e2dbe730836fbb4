/* decision_body.c: decisions as lines of the decision log. */
#include "server/decision_body.h"

#include "base/json.h"
#include "base/text.h"

#define BODY_MAX	(64u << 10)
#define PROOF		"subject_proof"
#define BODY_USUAL	1024
#define TEXT_MAX	1024		/* octets of a name or a reason; six times as much when all is escaped */
#define POLICIES_MAX	(8u << 10)	/* octets of the list of policies */

enum { DEPTH = 4 };			/* records within records */

/* ---- writing ------------------------------------------------------------------------------------------------- */

/* A record is whole or it is none: what is too long is cut, between two characters. */
static lg_str
cut(lg_str s)
{
	size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;

	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return lg_str_sub(s, 0, n);
}

static void
write_entity(struct lg_jsonw *w, const char *name, const struct lg_entity_id *e)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", e->type);
	if (!lg_uuid_is_nil(e->id))
		lg_jsonw_uuid_of(w, "id", e->id);
	lg_jsonw_str_of(w, "name", cut(e->name));
	lg_jsonw_object_end(w);
}

/* Process arguments carry passwords often enough. */
static bool
is_masked(const char *within, const char *name)
{
	return within != NULL && strcmp(within, "container") == 0 && strcmp(name, "args") == 0;
}

static void write_facts(struct lg_jsonw *w, const char *within, const struct lg_fact *f, size_t n, int depth, bool *masked);

static void
write_set(struct lg_jsonw *w, const struct lg_fact *f)
{
	lg_jsonw_array(w);
	for (size_t i = 0; i < f->n; i++)
		lg_jsonw_str(w, f->set[i]);
	lg_jsonw_array_end(w);
}

/* As in Cedar's JSON. */
static void
write_reference(struct lg_jsonw *w, const struct lg_fact *f)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("__entity"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", f->s);
	lg_jsonw_uuid_of(w, "id", f->id);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

static void
write_fact(struct lg_jsonw *w, const char *within, const struct lg_fact *f, int depth, bool *masked)
{
	struct lg_fact none = { .n = 0 };

	lg_jsonw_name(w, lg_str_of(f->name));
	switch (f->type) {
	case LG_FACT_STR:
		lg_jsonw_str(w, f->s);
		break;
	case LG_FACT_INT:
		lg_jsonw_int(w, f->i);
		break;
	case LG_FACT_BOOL:
		lg_jsonw_bool(w, f->i != 0);
		break;
	case LG_FACT_SET:
		*masked = *masked || (is_masked(within, f->name) && f->n > 0);
		write_set(w, is_masked(within, f->name) ? &none : f);
		break;
	case LG_FACT_ENTITY:
		write_reference(w, f);
		break;
	case LG_FACT_RECORD:
		write_facts(w, f->name, f->record, f->n, depth - 1, masked);
		break;
	}
}

static void
write_facts(struct lg_jsonw *w, const char *within, const struct lg_fact *f, size_t n, int depth, bool *masked)
{
	w->out->full = w->out->full || depth == 0;
	lg_jsonw_object(w);
	for (size_t i = 0; i < n && !w->out->full; i++)
		if (within != NULL || strcmp(f[i].name, PROOF) != 0)	/* that stands in the record by itself */
			write_fact(w, within, &f[i], depth, masked);
	lg_jsonw_object_end(w);
}

static void
write_question(struct lg_jsonw *w, const void *arg)
{
	const struct lg_question *q = arg;
	bool masked = false;

	lg_jsonw_name(w, LG_STR("question"));
	lg_jsonw_object(w);
	if (q->parent.type.n > 0 && lg_uuid_is_nil(q->resource.id))	/* an entry knows what it is in */
		write_entity(w, "parent", &q->parent);
	if (q->nfacts > 0) {
		lg_jsonw_name(w, LG_STR("facts"));
		write_facts(w, NULL, q->facts, q->nfacts, DEPTH, &masked);
	}
	lg_jsonw_name(w, LG_STR("context"));
	write_facts(w, NULL, q->context, q->ncontext, DEPTH, &masked);
	if (masked)
		lg_jsonw_bool_of(w, "masked", true);
	lg_jsonw_object_end(w);
}

static void
write_policies(struct lg_jsonw *w, const void *arg)
{
	const struct lg_verdict *v = arg;

	lg_jsonw_name(w, LG_STR("policies"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < v->npolicies; i++)
		lg_jsonw_str(w, v->policies[i]);
	lg_jsonw_array_end(w);
}

/* What is too long stays out whole: half a question would be another one. */
static void
write_within(struct lg_jsonw *w, size_t most, void (*write)(struct lg_jsonw *w, const void *arg), const void *arg)
{
	struct lg_jsonw before = *w;
	size_t n = w->out->n, max = w->out->max;

	if (n + most < max)
		w->out->max = n + most;
	write(w, arg);
	w->out->max = max;
	if (!w->out->full)
		return;
	w->out->n = n;
	w->out->full = false;
	*w = before;
}

static void
write_made(struct lg_jsonw *w, const struct lg_made *m)
{
	if (m->at == 0)
		return;
	lg_jsonw_time_of(w, "made_at", m->at);
	if (m->until != 0)
		lg_jsonw_time_of(w, "made_until", m->until);
	if (m->count != 0)
		lg_jsonw_int_of(w, "count", (int64_t)m->count);
}

lg_str
lg_decision_body(struct lg_ctx *cx, const struct lg_question *q, const struct lg_verdict *v, lg_str id, lg_str proof)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(BODY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_entity_id asker = { cx->actor->type, cx->actor->id, cx->actor->name };

	lg_buf_reserve(&b, BODY_USUAL);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "id", id);
	write_made(&w, &q->made);
	lg_jsonw_str_of(&w, "action", cut(lg_str_of(q->action)));
	write_entity(&w, "subject", &q->principal);
	write_entity(&w, "resource", &q->resource);
	if (q->container.n > 0)
		lg_jsonw_str_of(&w, "container", cut(q->container));
	write_entity(&w, "asker", &asker);
	lg_jsonw_str_of(&w, "address", cx->actor->address);
	lg_jsonw_str_of(&w, "proof", proof);
	lg_jsonw_bool_of(&w, "decision", v->permit);
	lg_jsonw_str_of(&w, "policy", cut(v->policy));
	lg_jsonw_str_of(&w, "reason", cut(v->reason));
	lg_jsonw_int_of(&w, "revision", (int64_t)v->revision);
	lg_jsonw_int_of(&w, "entities", (int64_t)v->seq);
	if (v->npolicies > 1)
		write_within(&w, POLICIES_MAX, write_policies, v);
	write_within(&w, LG_DECISION_QUESTION, write_question, q);
	lg_jsonw_object_end(&w);
	return lg_dup(cx->arena, lg_buf_view(&b));
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static struct lg_entity_id
read_entity(struct lg_ctx *cx, struct lg_json *js)
{
	struct lg_entity_id e = { .name = LG_NONE };
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		lg_str text = lg_json_str(js);
		if (lg_str_eq(name, LG_STR("type")))
			e.type = lg_dup(cx->arena, text);
		else if (lg_str_eq(name, LG_STR("name")))
			e.name = lg_dup(cx->arena, text);
		else if (lg_str_eq(name, LG_STR("id")) && !lg_uuid_parse(text, &e.id))
			lg_json_fault(js, "no entryUUID");
	}
	return e;
}

static void
read_set(struct lg_ctx *cx, struct lg_json *js, struct lg_fact *ret)
{
	lg_str text = lg_json_raw(js), *v;
	struct lg_json count, items;
	size_t n = 0;

	lg_json_init(&count, cx->arena, text);
	lg_json_array(&count);
	for (; lg_json_item(&count); n++)
		lg_json_skip(&count);
	v = LG_NEWS(cx->arena, lg_str, n);
	lg_json_init(&items, cx->arena, text);
	lg_json_array(&items);
	for (size_t i = 0; lg_json_item(&items); i++)
		v[i] = lg_dup(cx->arena, lg_json_str(&items));
	*ret = lg_fact_set(ret->name, v, n);
	if (items.fault != NULL)
		lg_json_fault(js, "no set of strings");
}

static bool
is_reference(const struct lg_fact *f)
{
	return strcmp(f->name, "__entity") == 0;
}

static void read_facts(struct lg_ctx *cx, struct lg_json *js, int depth, struct lg_fact *f, size_t *n);

static void
read_object(struct lg_ctx *cx, struct lg_json *js, int depth, struct lg_fact *ret)
{
	struct lg_fact *f = LG_NEWS(cx->arena, struct lg_fact, LG_FACTS);
	size_t n = 0;

	read_facts(cx, js, depth - 1, f, &n);
	if (n == 1 && is_reference(&f[0]))
		*ret = (struct lg_fact){ .name = ret->name, .type = LG_FACT_ENTITY, .s = f[0].s, .id = f[0].id };
	else
		*ret = (struct lg_fact){ .name = ret->name, .type = LG_FACT_RECORD, .record = f, .n = n };
}

static void
read_fact(struct lg_ctx *cx, struct lg_json *js, int depth, struct lg_fact *ret)
{
	if (is_reference(ret)) {
		struct lg_entity_id e = read_entity(cx, js);
		ret->type = LG_FACT_ENTITY;
		ret->s = e.type;
		ret->id = e.id;
		return;
	}
	switch (lg_json_peek(js)) {
	case LG_JSON_STRING:
		*ret = lg_fact_str(ret->name, lg_dup(cx->arena, lg_json_str(js)));
		break;
	case LG_JSON_NUMBER:
		*ret = lg_fact_int(ret->name, lg_json_int(js));
		break;
	case LG_JSON_BOOL:
		*ret = (struct lg_fact){ .name = ret->name, .type = LG_FACT_BOOL, .i = lg_json_bool(js) };
		break;
	case LG_JSON_ARRAY:
		read_set(cx, js, ret);
		break;
	case LG_JSON_OBJECT:
		read_object(cx, js, depth, ret);
		break;
	case LG_JSON_NULL:
	case LG_JSON_BAD:
		lg_json_fault(js, "no fact");
	}
}

static void
read_facts(struct lg_ctx *cx, struct lg_json *js, int depth, struct lg_fact *f, size_t *n)
{
	lg_str name;

	if (depth == 0)
		lg_json_fault(js, "records too deep within records");
	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (*n == LG_FACTS) {
			lg_json_fault(js, "too many facts");
			return;
		}
		f[*n].name = lg_dup(cx->arena, name).p;
		if (is_reference(&f[*n]) && depth > DEPTH)
			lg_json_fault(js, "a reference is no record of facts");
		read_fact(cx, js, depth, &f[(*n)++]);
		if (*n > 1 && (is_reference(&f[0]) || is_reference(&f[*n - 1])))
			lg_json_fault(js, "half a reference");
	}
}

static void
read_question(struct lg_ctx *cx, struct lg_json *js, struct lg_past *ret)
{
	struct lg_question *q = &ret->question;
	lg_str name;

	ret->whole = true;
	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("parent")))
			q->parent = read_entity(cx, js);
		else if (lg_str_eq(name, LG_STR("facts")))
			read_facts(cx, js, DEPTH + 1, q->facts, &q->nfacts);
		else if (lg_str_eq(name, LG_STR("context")))
			read_facts(cx, js, DEPTH + 1, q->context, &q->ncontext);
		else if (lg_str_eq(name, LG_STR("masked")))
			ret->masked = lg_json_bool(js);
		else
			lg_json_skip(js);
	}
}

static void
read_policies(struct lg_ctx *cx, struct lg_json *js, struct lg_verdict *ret)
{
	struct lg_fact list = { .name = "" };

	read_set(cx, js, &list);
	ret->policies = list.set;
	ret->npolicies = list.n;
}

static bool
read_verdict(struct lg_ctx *cx, struct lg_json *js, lg_str name, struct lg_verdict *ret)
{
	if (lg_str_eq(name, LG_STR("decision")))
		ret->permit = lg_json_bool(js);
	else if (lg_str_eq(name, LG_STR("policy")))
		ret->policy = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("policies")))
		read_policies(cx, js, ret);
	else if (lg_str_eq(name, LG_STR("reason")))
		ret->reason = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("revision")))
		ret->revision = (uint64_t)lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("entities")))
		ret->seq = (uint64_t)lg_json_int(js);
	else
		return false;
	return true;
}

static bool
read_made(struct lg_json *js, lg_str name, struct lg_made *ret)
{
	int64_t *time = lg_str_eq(name, LG_STR("made_at")) ? &ret->at : lg_str_eq(name, LG_STR("made_until")) ? &ret->until : NULL;

	if (time == NULL && !lg_str_eq(name, LG_STR("count")))
		return false;
	if (time == NULL)
		ret->count = (uint64_t)lg_json_int(js);
	else if (!lg_time_parse(lg_json_str(js), time))
		lg_json_fault(js, "no time");
	return true;
}

static void
read_member(struct lg_ctx *cx, struct lg_json *js, lg_str name, struct lg_past *ret)
{
	struct lg_entity_id asker;

	if (lg_str_eq(name, LG_STR("id"))) {
		ret->id = lg_json_str(js);
	} else if (lg_str_eq(name, LG_STR("action"))) {
		ret->question.action = lg_dup(cx->arena, lg_json_str(js)).p;
	} else if (lg_str_eq(name, LG_STR("subject"))) {
		ret->question.principal = read_entity(cx, js);
	} else if (lg_str_eq(name, LG_STR("resource"))) {
		ret->question.resource = read_entity(cx, js);
	} else if (lg_str_eq(name, LG_STR("container"))) {
		ret->question.container = lg_json_str(js);
	} else if (lg_str_eq(name, LG_STR("asker"))) {
		asker = read_entity(cx, js);
		ret->asker.type = asker.type;
		ret->asker.id = asker.id;
		ret->asker.name = asker.name;
	} else if (lg_str_eq(name, LG_STR("address"))) {
		ret->asker.address = lg_json_str(js);
	} else if (lg_str_eq(name, LG_STR("proof"))) {
		ret->proof = lg_json_str(js);
	} else if (lg_str_eq(name, LG_STR("question"))) {
		read_question(cx, js, ret);
	} else if (!read_made(js, name, &ret->question.made) && !read_verdict(cx, js, name, &ret->verdict)) {
		lg_json_skip(js);
	}
}

/* Once, whether or not context or facts name it too; a line that has it there alone is of somebody else's making. */
static void
add_proof(struct lg_past *ret)
{
	struct lg_question *q = &ret->question;
	size_t n = 0, facts = 0;

	for (size_t i = 0; i < q->nfacts; i++)
		if (strcmp(q->facts[i].name, PROOF) != 0)
			q->facts[facts++] = q->facts[i];
	q->nfacts = facts;

	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, PROOF) != 0)
			q->context[n++] = q->context[i];
		else if (ret->proof.n == 0 && q->context[i].type == LG_FACT_STR)
			ret->proof = q->context[i].s;
	if (ret->proof.n > 0 && n < LG_FACTS)
		q->context[n++] = lg_fact_str(PROOF, ret->proof);
	q->ncontext = n;
}

lg_err
lg_decision_parse(struct lg_ctx *cx, lg_str body, struct lg_past *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct lg_past){ .asker = { .kind = LG_ACTOR_ENTRY } };
	lg_json_init(&js, cx->arena, body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(cx, &js, name, ret);
	LG_TRY(lg_json_end(cx, &js));
	if (ret->question.action == NULL)
		return lg_fail(cx, LG_E_INVALID, "a decision without action");
	add_proof(ret);
	if (ret->verdict.npolicies == 0 && ret->verdict.policy.n > 0) {
		lg_str *one = LG_NEW(cx->arena, lg_str);
		*one = ret->verdict.policy;
		ret->verdict.policies = one;
		ret->verdict.npolicies = 1;
	}
	return LG_OK;
}
