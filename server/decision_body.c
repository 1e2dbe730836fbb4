/* decision_body.c: one decision as a line of the decision log. */
#include "base/json.h"
#include "server/point.h"

#define BODY_MAX (64u << 10)

static void
write_entity(struct lg_jsonw *w, const char *name, const struct lg_entity_id *e)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", e->type);
	if (!lg_uuid_is_nil(e->id))
		lg_jsonw_uuid_of(w, "id", e->id);
	lg_jsonw_str_of(w, "name", e->name);
	lg_jsonw_object_end(w);
}

lg_str
lg_decision_body(struct lg_ctx *cx, const struct lg_question *q, const struct lg_verdict *v, lg_str id, lg_str proof)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(BODY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_entity_id asker = { cx->actor->type, cx->actor->id, cx->actor->name };

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "id", id);
	lg_jsonw_str_of(&w, "action", lg_str_of(q->action));
	write_entity(&w, "subject", &q->principal);
	write_entity(&w, "resource", &q->resource);
	write_entity(&w, "asker", &asker);
	lg_jsonw_str_of(&w, "address", cx->actor->address);
	lg_jsonw_str_of(&w, "proof", proof);
	lg_jsonw_bool_of(&w, "decision", v->permit);
	lg_jsonw_str_of(&w, "policy", v->policy);
	lg_jsonw_str_of(&w, "reason", v->reason);
	lg_jsonw_int_of(&w, "revision", (int64_t)v->revision);
	lg_jsonw_object_end(&w);
	return lg_dup(cx->arena, lg_buf_view(&b));
}
