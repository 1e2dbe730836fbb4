/* decision_body.c: one decision as a line of the decision log. */
#include "base/json.h"
#include "server/point.h"

#define BODY_MAX	(64u << 10)
#define TEXT_MAX	1024		/* octets of a name or a reason; six times as much when all is escaped */

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

lg_str
lg_decision_body(struct lg_ctx *cx, const struct lg_question *q, const struct lg_verdict *v, lg_str id, lg_str proof)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(BODY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_entity_id asker = { cx->actor->type, cx->actor->id, cx->actor->name };

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "id", id);
	lg_jsonw_str_of(&w, "action", cut(lg_str_of(q->action)));
	write_entity(&w, "subject", &q->principal);
	write_entity(&w, "resource", &q->resource);
	write_entity(&w, "asker", &asker);
	lg_jsonw_str_of(&w, "address", cx->actor->address);
	lg_jsonw_str_of(&w, "proof", proof);
	lg_jsonw_bool_of(&w, "decision", v->permit);
	lg_jsonw_str_of(&w, "policy", cut(v->policy));
	lg_jsonw_str_of(&w, "reason", cut(v->reason));
	lg_jsonw_int_of(&w, "revision", (int64_t)v->revision);
	lg_jsonw_object_end(&w);
	return lg_dup(cx->arena, lg_buf_view(&b));
}
