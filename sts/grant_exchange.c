/*
 * grant_exchange.c: token exchange (RFC 8693): a service that was called with a token gets one for whom it calls in turn.
 *
 * The new token is the subject's, never wider and never longer than the old one, and says in `act` who holds it, and who held
 * it before.  That leaves no impersonation: whoever acts for somebody can be told from them.
 */
#include "sts/sts.h"

#define ACCESS_TOKEN	"urn:ietf:params:oauth:token-type:access_token"
#define ACTORS		4	/* of one token, one within the other */

static lg_err
check_types(struct sts_rq *rq, const char *token, const char *type)
{
	lg_str t = lg_form_get(&rq->form, type);

	if (lg_form_get(&rq->form, token).n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is missing", token);
	if (!lg_str_eq(t, LG_STR(ACCESS_TOKEN)) && !lg_str_eq(t, LG_STR("urn:ietf:params:oauth:token-type:jwt")))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s must be " ACCESS_TOKEN, type);
	return LG_OK;
}

/* A live token of ours that this client may show: one given to it, or meant for it. */
static lg_err
read_token(struct sts_rq *rq, const char *name, struct lg_claims *c)
{
	if (sts_token_verify(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, lg_form_get(&rq->form, name), c) != LG_OK
	    || sts_token_revoked(rq->cx, rq->view, rq->tenant_id, c))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is not a good token of this issuer", name);
	if (!sts_token_meant_for(rq, c))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is neither for this client nor its own", name);
	/* What is bound to a key is taken only from who proves that key. */
	if ((c->cnf_jkt.n > 0 || c->cnf_x5t.n > 0)
	    && sts_sender_check(rq->cx, c, rq->ex->peer->cert, c->cnf_jkt.n > 0 ? rq->jkt : LG_NONE) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s belongs to a key that was not proved", name);
	return LG_OK;
}

/* The `act` of a token as its text, and how many actors are in it. */
static lg_str
actors_of(struct sts_rq *rq, lg_str payload, size_t *depth)
{
	lg_str name, act = LG_NONE, inner = payload;

	for (*depth = 0; inner.n > 0 && *depth <= ACTORS; ++*depth) {
		struct lg_json js;
		lg_str found = LG_NONE;

		lg_json_init(&js, rq->cx->arena, inner);
		lg_json_object(&js);
		while (lg_json_member(&js, &name)) {
			if (lg_str_eq(name, LG_STR("act")))
				found = lg_json_raw(&js);
			else
				lg_json_skip(&js);
		}
		act = *depth == 0 ? found : act;
		inner = found;
	}
	--*depth;
	return act;
}

static lg_err
write_actor(struct sts_rq *rq, const struct lg_claims *subject, lg_uuid actor, struct sts_issue *is)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	size_t depth;
	lg_str before = actors_of(rq, subject->payload, &depth);

	if (depth >= ACTORS)
		return sts_refuse(rq, STS_INVALID_REQUEST, "the token went through %d hands already", ACTORS);
	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "sub", actor);
	if (before.n > 0) {
		lg_jsonw_name(&w, LG_STR("act"));
		lg_jsonw_raw(&w, before);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(rq->cx, &b));
	is->act = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* Who acts: the client's own entry, or the one of a token that the client brings for it. */
static lg_err
read_actor(struct sts_rq *rq, const struct lg_claims *subject, struct sts_issue *is)
{
	lg_uuid actor = rq->client.entry;
	struct lg_claims c;

	if (lg_form_has(&rq->form, "actor_token")) {
		LG_TRY(check_types(rq, "actor_token", "actor_token_type"));
		LG_TRY(read_token(rq, "actor_token", &c));
		if (!lg_uuid_parse(c.subject, &actor))
			return sts_refuse(rq, STS_INVALID_REQUEST, "actor_token names nobody here");
	} else if (lg_form_has(&rq->form, "actor_token_type")) {
		return sts_refuse(rq, STS_INVALID_REQUEST, "actor_token is missing");
	}
	return write_actor(rq, subject, actor, is);
}

static lg_err
read_subject(struct sts_rq *rq, const struct lg_claims *c, struct sts_issue *is)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_uuid id;
	lg_err e;

	if (!lg_uuid_parse(c->subject, &id))
		return sts_refuse(rq, STS_INVALID_REQUEST, "subject_token names nobody here");
	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, false, &is->subject);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !is->subject.enabled))
		return sts_refuse(rq, STS_INVALID_REQUEST, "the subject is gone or disabled");
	LG_TRY(e);
	sts_subject_keep(rq->cx->arena, &is->subject);
	return LG_OK;
}

/* What the old token had, the client may have and was asked for. */
static lg_err
read_scope(struct sts_rq *rq, const struct lg_claims *c, struct sts_issue *is)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked) || !sts_scope_within(asked, c->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is wider than the subject token's");
	is->scope = c->scope.n == 0 ? LG_NONE : sts_scope_allowed(rq->cx->arena, &rq->client, asked.n > 0 ? asked : c->scope);
	if (!sts_scope_within(asked, is->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may not have this scope");
	return LG_OK;
}

static lg_err
read_audience(struct sts_rq *rq, struct sts_issue *is)
{
	lg_str audience = lg_form_get(&rq->form, "audience");

	if (audience.n > 0 && rq->nresources == LG_AUDIENCES - 1)
		return sts_refuse(rq, STS_INVALID_TARGET, "more than %d resources", LG_AUDIENCES - 1);
	if (audience.n > 0)
		rq->resource[rq->nresources++] = audience;
	if (rq->nresources == 0 && rq->client.naudiences == 0)
		return sts_refuse(rq, STS_INVALID_TARGET, "the client may call nobody in another's name");
	return sts_issue_audience(rq, true, is);
}

lg_err
sts_grant_exchange(struct sts_rq *rq)
{
	struct sts_issue *is = LG_NEW(rq->cx->arena, struct sts_issue);
	lg_str wanted = lg_form_get(&rq->form, "requested_token_type");
	struct lg_claims c;

	if (wanted.n > 0 && !lg_str_eq(wanted, LG_STR(ACCESS_TOKEN)))
		return sts_refuse(rq, STS_INVALID_REQUEST, "requested_token_type must be " ACCESS_TOKEN);
	LG_TRY(check_types(rq, "subject_token", "subject_token_type"));
	LG_TRY(read_token(rq, "subject_token", &c));
	LG_TRY(read_actor(rq, &c, is));
	LG_TRY(read_subject(rq, &c, is));
	LG_TRY(read_scope(rq, &c, is));
	LG_TRY(read_audience(rq, is));
	is->auth_time = c.auth_time;
	is->how = sts_signed_in_of(rq->cx->arena, &c);
	LG_TRY(sts_issue_decide(rq, is));
	is->sid = c.sid;
	is->issued_type = LG_STR(ACCESS_TOKEN);
	rq->not_after = c.expires;
	sts_issue_lifetime(rq, is);
	return sts_issue_sign(rq, is);
}
