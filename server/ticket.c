/*
 * ticket.c: a ticket proves who asks for a container, never what is allowed: it goes with a permit of container:create to the host
 * that will run it, and that host's agent redeems it once.
 */
#include "base/clock.h"
#include "base/text.h"
#include "server/access.h"

static void
member(struct lg_jsonw *w, const char *name, lg_str value)
{
	if (value.n > 0)
		lg_jsonw_str_of(w, name, value);
}

static lg_str
context_str(const struct lg_question *q, const char *name)
{
	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, name) == 0 && q->context[i].type == LG_FACT_STR)
			return q->context[i].s;
	return LG_NONE;
}

/* The members' text without the braces: the keeper writes the registered claims around it. */
static lg_str
extra_claims(struct lg_ctx *cx, const struct lg_access *ac, const struct lg_caller *asker)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8192);
	struct lg_jsonw w = lg_jsonw_of(&b);
	char act[LG_UUID_TEXT + 1];

	lg_uuid_text(asker->entity.id, act);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "sub_type", ac->question.principal.type);
	lg_jsonw_name(&w, LG_STR("act"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "sub", lg_str_of(act));
	lg_jsonw_object_end(&w);
	lg_jsonw_str_of(&w, "wl", ac->question.resource.name);
	member(&w, "project", ac->question.parent.name);
	member(&w, "image", context_str(&ac->question, "image_name"));
	member(&w, "digest", ac->digest);
	lg_jsonw_object_end(&w);
	return lg_dup(cx->arena, lg_str_sub(lg_buf_view(&b), 1, b.n - 2));
}

static lg_str
uuid_text(struct lg_arena *a, lg_uuid id)
{
	char *p = lg_alloc(a, LG_UUID_TEXT + 1);

	lg_uuid_text(id, p);
	return (lg_str){ p, LG_UUID_TEXT };
}

bool
lg_ticket_request(struct lg_app *app, struct lg_ctx *cx, const struct lg_access *ac, const struct lg_caller *asker,
    struct lg_token_request *ret)
{
	bool proved = strcmp(ac->proof, "token") == 0 || strcmp(ac->proof, "self") == 0 || strcmp(ac->proof, "door") == 0;

	if (!ac->verdict.permit || !ac->has_host || !proved || strcmp(ac->question.action, "container:create") != 0)
		return false;
	int64_t ours = app->settings->ticket_life, most = asker->tenant->ticket_life;	/* the ceiling may have been narrowed */
	*ret = (struct lg_token_request){
		.tenant = ac->question.tenant, .purpose = LG_PURPOSE_TICKET, .typ = LG_STR(LG_TICKET_TYP),
		.subject = uuid_text(cx->arena, ac->question.principal.id),
		.audience = { uuid_text(cx->arena, ac->host.uuid) }, .naudience = 1,
		.issued = cx->now, .life = ours < most ? ours : most, .extra = extra_claims(cx, ac, asker),
	};
	return true;
}

static lg_err
read_members(struct lg_ctx *cx, struct lg_ticket *ret)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, ret->claims.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("sub_type")))
			ret->subject_type = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("wl")))
			ret->workload = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("project")))
			ret->project = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("image")))
			ret->image = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("digest")))
			ret->digest = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	return lg_json_end(cx, &js);
}

lg_err
lg_ticket_check(struct lg_ctx *cx, const struct lg_tenant_view *t, lg_str text, lg_uuid host, struct lg_ticket *ret)
{
	struct lg_jws jws;

	*ret = (struct lg_ticket){ .workload = LG_NONE };
	LG_TRY(lg_jws_verify(cx, text, t->tickets, LG_TICKET_TYP, &jws));
	LG_TRY(lg_claims_parse(cx, jws.payload, &ret->claims));
	if (!lg_str_eq(ret->claims.issuer, t->sts.issuer))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket was issued by somebody else");
	if (ret->claims.naudience != 1 || !lg_claims_for(&ret->claims, uuid_text(cx->arena, host)))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket is for another host");
	LG_TRY(lg_claims_check_time(cx, &ret->claims));
	if (!lg_uuid_parse(ret->claims.subject, &ret->subject) || ret->claims.jti.n == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket names nobody");
	return read_members(cx, ret);
}
