/*
 * workload.c: a workload known by the token that another issuer gave it (RFC 7523 2.1, 2.2): a cluster's service account, a SPIFFE
 * identity, a CI job.  The source's rules say which entry it is; nobody registers it as a client.
 */
#include "sts/source.h"

#include "base/text.h"

#define SPIFFE	LG_STR("spiffe://")

lg_str
sts_token_kid(struct lg_arena *a, lg_str token)
{
	lg_str header, rest, json, name, kid = LG_NONE;
	struct lg_ctx cx;
	struct lg_json js;

	if (token.n > LG_TOKEN_MAX || !lg_str_cut(token, '.', &header, &rest) || !lg_base64url_parse(a, header, &json))
		return LG_NONE;
	lg_ctx_init(&cx, a);
	lg_json_init(&js, a, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("kid")))
			kid = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	return lg_json_end(&cx, &js) == LG_OK ? kid : LG_NONE;
}

lg_err
sts_source_vouches(struct sts_rq *rq, const struct sts_source *s, lg_str assertion, struct lg_keyset **ret)
{
	char sid[LG_UUID_TEXT + 1];
	lg_str kid = sts_token_kid(rq->cx->arena, assertion);
	lg_err e = sts_foreign_keys(rq->cx, rq->sts, s, kid, ret);

	if (e == LG_PENDING)
		return sts_foreign_wait(rq, s, kid);
	LG_TRY(e);
	lg_uuid_text(s->id, sid);
	rq->source = s->name;
	rq->source_sid = lg_dup(rq->cx->arena, lg_str_of(sid));
	return LG_OK;
}

/* "spiffe://domain" of a subject below it. */
static lg_str
domain_of(lg_str subject)
{
	size_t n = SPIFFE.n;

	if (!lg_str_starts(subject, SPIFFE))
		return LG_NONE;
	while (n < subject.n && subject.p[n] != '/')
		n++;
	return n < subject.n ? lg_str_sub(subject, 0, n) : LG_NONE;
}

static lg_err
find_source(struct sts_rq *rq, const struct lg_claims *c, struct sts_source *ret)
{
	lg_err e = sts_source_by_issuer(rq->cx, rq->view, rq->tenant_id, c->issuer, ret);

	if (e == LG_E_NOT_FOUND)
		e = sts_source_by_issuer(rq->cx, rq->view, rq->tenant_id, domain_of(c->subject), ret);
	return e == LG_OK && !ret->enabled ? LG_E_NOT_FOUND : e;
}

/* Whom the issuer may speak of, and for how long. */
static lg_err
check_claims(struct sts_rq *rq, const struct sts_source *s, const struct lg_claims *c)
{
	int64_t issued = c->issued != 0 ? c->issued : rq->cx->now;

	if (s->issuer.n > 0 && !lg_str_eq(c->issuer, s->issuer) && (c->issuer.n > 0 || s->trust_domain.n == 0))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion is of another issuer than source %.*s", LG_FMT(s->name));
	if (s->trust_domain.n > 0 && !lg_str_eq(domain_of(c->subject), lg_cat(rq->cx->arena, SPIFFE, s->trust_domain)))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion's subject is not of trust domain %.*s", LG_FMT(s->trust_domain));
	if (c->expires - issued > s->max_life * LG_SECOND)
		return sts_refuse(rq, STS_INVALID_CLIENT, "source %.*s takes no assertions of so long a life", LG_FMT(s->name));
	return LG_OK;
}

static lg_err
find_subject(struct sts_rq *rq, const struct sts_source *s, const struct lg_claims *c, struct lg_sts_subject *ret)
{
	static const lg_str types[] = { LG_STR("Service"), LG_STR("Host"), LG_STR("Workload") };
	struct lg_sts_ports *p = &rq->sts->ports;
	struct lg_pair rdn[STS_RDNS];
	size_t n, t = 0;
	lg_err e = sts_rules_apply(rq->cx, s, c->payload, rdn, &n);

	if (e == LG_OK)
		e = p->subject_at(p->self, rq->cx, rq->view, rq->tenant_id, rdn, n, ret);
	if (e == LG_E_NOT_FOUND || e == LG_E_INVALID)
		return sts_refuse(rq, STS_INVALID_CLIENT, "source %.*s knows no entry for this assertion", LG_FMT(s->name));
	LG_TRY(e);
	/* People are nobody's workload, whatever a rule says. */
	while (t < LG_COUNT(types) && !lg_str_eq(types[t], ret->type))
		t++;
	if (t == LG_COUNT(types) || !ret->enabled)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion's entry is no service, host or workload, or is disabled");
	sts_subject_keep(rq->cx->arena, ret);
	return LG_OK;
}

/* The entry's own registration, if there is one, as far as the source says nothing else. */
static lg_err
make_client(struct sts_rq *rq, const struct sts_source *s, const struct lg_sts_subject *who)
{
	struct lg_sts_client *c = &rq->client;
	lg_err e = sts_client_load(rq, who->name, c);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	if (e == LG_E_NOT_FOUND || !lg_uuid_eq(c->entry, who->id)) {
		lg_sts_client_defaults(c, LG_STR("service"));
		/* No client is called so: what is given to one cannot be taken for another's. */
		c->id = lg_print(rq->cx->arena, "%.*s/%.*s", LG_FMT(s->name), LG_FMT(who->name));
		c->entry = who->id;
		c->type = who->type;
	}
	if (!c->enabled)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client is disabled");
	c->auth = LG_CLIENT_FEDERATED;
	c->grants |= LG_GRANT_BEARER | LG_GRANT_CLIENT;
	if (s->audiences.n > 0) {
		memcpy(c->audiences, s->audiences.v, s->audiences.n * sizeof c->audiences[0]);
		c->naudiences = s->audiences.n;
	}
	if (s->scopes.n > 0) {
		memcpy(c->scopes, s->scopes.v, s->scopes.n * sizeof c->scopes[0]);
		c->nscopes = s->scopes.n;
	}
	return LG_OK;
}

lg_err
sts_workload_subject(struct sts_rq *rq, lg_str assertion, struct sts_source *s, struct lg_claims *c, struct lg_sts_subject *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;

	LG_TRY(sts_assertion_peek(rq, assertion, c));
	LG_TRY(find_source(rq, c, s));
	LG_TRY(sts_source_vouches(rq, s, assertion, &keys));
	struct sts_assertion want = { .what = "assertion", .audience = s->audience, .life = (s->max_life + 60) * LG_SECOND };
	LG_TRY(sts_assertion_verify(rq, assertion, keys, &want, c));
	LG_TRY(check_claims(rq, s, c));
	return find_subject(rq, s, c, ret);
}

lg_err
sts_workload_client(struct sts_rq *rq, lg_str assertion)
{
	struct sts_source *s = LG_NEW(rq->cx->arena, struct sts_source);
	struct lg_sts_subject who;
	struct lg_claims c;

	LG_TRY(sts_workload_subject(rq, assertion, s, &c, &who));
	rq->not_after = c.expires;
	return make_client(rq, s, &who);
}
