/*
 * issue.c: from a granted request to the token endpoint's answer: policy, audience, the keeper's signatures, the JSON.
 * Runs on the loop; the keeper's answers come back to the same thread.
 */
#include "sts/sts.h"

#include "base/text.h"

#define EXTRA_MAX	(32u << 10)	/* of claims beside the registered ones: groups are most of it */

/* ---- may it be issued? ------------------------------------------------------------------------------ */

static bool
has_key(const struct sts_rq *rq, enum lg_alg alg)
{
	return alg == LG_ALG_NONE || (rq->tenant.algs & 1u << alg) != 0;
}

lg_err
sts_issue_ready(struct sts_rq *rq, lg_str scope)
{
	bool person = sts_scope_has(scope, LG_STR("openid"));
	enum lg_alg missing = LG_ALG_NONE;

	if (!has_key(rq, rq->client.access_alg))
		missing = rq->client.access_alg;
	else if (person && !has_key(rq, rq->client.id_token_alg))
		missing = rq->client.id_token_alg;
	else if (person && !has_key(rq, rq->client.userinfo_alg))
		missing = rq->client.userinfo_alg;
	if (missing == LG_ALG_NONE)
		return LG_OK;
	return sts_refuse(rq, STS_UNAVAILABLE, "the issuer's key for %.*s is published, but not in use yet: verifiers first have to see it",
	    LG_FMT(lg_alg_name(missing)));
}

/* By which grant the token is asked for; what is not one, like POST /v1/login, has none. */
static lg_str
grant_of(const struct sts_rq *rq)
{
	lg_str grant = lg_form_get(&rq->form, "grant_type");

	return grant.n == 0 && lg_form_has(&rq->form, "response_type") ? LG_STR("authorization_code") : grant;
}

void
sts_issue_question(struct sts_rq *rq, const struct sts_issue *is, struct lg_question *q)
{
	lg_str *scopes;
	size_t nscopes = sts_scope_split(rq->cx->arena, is->scope, &scopes);

	q->tenant = rq->tenant_id;
	q->principal = (struct lg_entity_id){ is->subject.type, is->subject.id, is->subject.name };
	q->action = "token:issue";
	q->resource = (struct lg_entity_id){ .type = LG_STR("Token"), .name = rq->client.id };
	q->facts[q->nfacts++] = lg_fact_set("audience", is->audience, is->naudience);
	q->facts[q->nfacts++] = lg_fact_set("scopes", scopes, nscopes);
	q->facts[q->nfacts++] = lg_fact_str("client", rq->client.id);
	q->context[q->ncontext++] = lg_fact_str("subject_proof", rq->source.n > 0 ? LG_STR("federated") : LG_STR("self"));
	if (rq->source.n > 0)
		q->context[q->ncontext++] = lg_fact_str("identity_source", rq->source);
	q->context[q->ncontext++] = lg_fact_str("client", rq->client.id);
	q->context[q->ncontext++] = lg_fact_set("scopes", scopes, nscopes);
	if (grant_of(rq).n > 0)
		q->context[q->ncontext++] = lg_fact_str("grant", grant_of(rq));
	sts_acr_facts(rq->cx, &is->how, is->auth_time, q);
	q->record = true;
}

lg_err
sts_issue_person(struct sts_rq *rq, lg_uuid id, struct sts_issue *is)
{
	/* Of all scopes `groups` alone is told in ID tokens; userinfo has the rest. */
	lg_str scope = sts_scope_has(is->scope, LG_STR("groups")) ? LG_STR("groups") : LG_NONE;
	struct sts_said said;
	lg_err e = sts_claims_read(rq, id, scope, is->wanted.id_token, &said);

	if (e == LG_E_NOT_FOUND || (e == LG_OK && !said.subject.enabled))
		return sts_refuse(rq, STS_INVALID_GRANT, "the subject is gone or disabled");
	LG_TRY(e);
	is->subject = said.subject;
	is->profile = said.profile;
	return LG_OK;
}

lg_err
sts_issue_permitted(struct sts_rq *rq, const struct sts_issue *is, bool *ret)
{
	struct lg_decider *d = &rq->sts->decider;
	struct lg_question *q = LG_NEW(rq->cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };

	sts_issue_question(rq, is, q);
	q->record = false;
	LG_TRY(d->ask(d->self, rq->cx, rq->view, q, &verdict));
	*ret = verdict.permit;
	return LG_OK;
}

lg_err
sts_issue_decide(struct sts_rq *rq, const struct sts_issue *is)
{
	struct lg_decider *d = &rq->sts->decider;
	struct lg_question *q = LG_NEW(rq->cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };

	LG_TRY(sts_issue_ready(rq, is->scope));
	sts_issue_question(rq, is, q);
	LG_TRY(d->ask(d->self, rq->cx, rq->view, q, &verdict));
	if (!verdict.permit) {
		rq->error = STS_ACCESS_DENIED;
		return lg_fail(rq->cx, LG_E_DENIED, "no token for this client: %.*s", LG_FMT(verdict.reason));
	}
	return LG_OK;
}

static bool
may_name(const struct sts_rq *rq, lg_str resource)
{
	for (size_t i = 0; i < rq->client.naudiences; i++)
		if (lg_str_eq(rq->client.audiences[i], resource))
			return true;
	return false;
}

lg_err
sts_issue_audience(struct sts_rq *rq, enum sts_reach reach, struct sts_issue *is)
{
	const bool own_apis = reach == STS_REACH_APIS;
	const struct lg_sts_client *c = &rq->client;
	lg_str own[2] = {
		lg_cat(rq->cx->arena, rq->tenant.issuer, LG_STR("/v1")),
		lg_cat(rq->cx->arena, rq->tenant.issuer, LG_STR("/access/v1")),
	};

	is->naudience = 0;
	for (size_t i = 0; i < rq->nresources; i++) {
		lg_str r = rq->resource[i];

		if (!may_name(rq, r) && !(own_apis && (lg_str_eq(r, own[0]) || lg_str_eq(r, own[1]))))
			return sts_refuse(rq, STS_INVALID_TARGET, "the client may not name this resource");
		is->audience[is->naudience++] = r;
	}
	if (rq->nresources == 0 && reach != STS_REACH_USERINFO && c->naudiences > 0) {
		memcpy(is->audience, c->audiences, c->naudiences * sizeof c->audiences[0]);
		is->naudience = c->naudiences;
	} else if (rq->nresources == 0 && own_apis) {
		memcpy(is->audience, own, sizeof own);
		is->naudience = LG_COUNT(own);
	}
	/* A person's token also opens userinfo. */
	if (reach == STS_REACH_USERINFO)
		is->audience[is->naudience++] = rq->tenant.issuer;
	return LG_OK;
}

void
sts_issue_time(struct sts_rq *rq, struct sts_issue *is)
{
	char sub[LG_UUID_TEXT + 1];
	struct lg_claims c = { .sid = is->sid, .issued = rq->cx->now / LG_SECOND * LG_SECOND };

	/* A token says whole seconds.  One of the second in which its subject was revoked would be refused although it is
	 * newer, so it is dated with the next; or the one after, when that was revoked too (lg_sts_revoke). */
	lg_uuid_text(is->subject.id, sub);
	c.subject = lg_str_of(sub);
	is->issued = rq->cx->now;
	for (int i = 0; i < STS_AHEAD && sts_token_revoked(rq->cx, rq->view, rq->tenant_id, &c); i++)
		is->issued = c.issued += LG_SECOND;
}

void
sts_issue_lifetime(struct sts_rq *rq, struct sts_issue *is)
{
	lg_str cert = sts_peer_cert(rq->ex->peer);
	int64_t seconds = rq->client.access_life != 0 ? rq->client.access_life : LG_STS_ACCESS_LIFE;

	is->life = seconds * LG_SECOND;
	sts_issue_time(rq, is);
	if (rq->not_after != 0 && is->issued + is->life > rq->not_after)
		is->life = rq->not_after - is->issued;
	/* RFC 8705 3: a client known by its certificate gets tokens that only its connection can use. */
	if (rq->by_certificate || rq->client.mtls_bound || (rq->client.fapi2 && rq->jkt.n == 0))
		is->cnf_x5t = cert.n > 0 ? sts_thumbprint(rq->cx->arena, cert) : LG_NONE;
	is->cnf_jkt = rq->jkt;
}

/* ---- the answer ----------------------------------------------------------------------------------------- */

/* Two things end it: its signatures and, where there is one, the mutation that is made durable meanwhile. */
struct signing {
	struct sts_rq *rq;
	struct sts_issue *is;
	lg_str access, id_token;
	unsigned waits;			/* for so many of them */
	lg_err e;			/* of the first that failed */
	sts_finish *finish;
};

static void
answer(struct signing *sg)
{
	struct lg_http *ex = sg->rq->ex;
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "access_token", sg->access);
	lg_jsonw_str_of(&w, "token_type", sg->is->cnf_jkt.n > 0 ? LG_STR("DPoP") : LG_STR("Bearer"));
	lg_jsonw_int_of(&w, "expires_in", sg->is->life / LG_SECOND);
	if (sg->is->issued_type.n > 0)
		lg_jsonw_str_of(&w, "issued_token_type", sg->is->issued_type);
	if (sg->is->scope.n > 0)
		lg_jsonw_str_of(&w, "scope", sg->is->scope);
	if (sg->is->refresh.n > 0)
		lg_jsonw_str_of(&w, "refresh_token", sg->is->refresh);
	if (sg->id_token.n > 0)
		lg_jsonw_str_of(&w, "id_token", sg->id_token);
	lg_jsonw_object_end(&w);
	sts_json(ex);
	sts_no_store(ex);
	sts_give_nonce(sg->rq);
}

/* One of them has ended.  Tokens that were signed beside a mutation that failed go nowhere. */
static void
end(struct signing *sg, lg_err e)
{
	if (sg->e == LG_OK)
		sg->e = e;
	if (--sg->waits > 0)
		return;
	if (sg->e == LG_OK)
		answer(sg);
	else
		(void)sts_answer_error(sg->rq, sg->e);
	lg_http_done(sg->rq->ex);
}

/* The sentence of the first failure stands. */
static lg_err
unsigned_token(struct signing *sg, lg_err e, const char *which, lg_str why)
{
	return sg->e != LG_OK ? sg->e : lg_fail(sg->rq->cx, e, "%s: %.*s", which, LG_FMT(why));
}

/* ---- ID token (OpenID Connect Core 2, 3.1.3.6) --------------------------------------------------------------- */

/* Core 3.1.3.6: the left half of the hash that the signature uses; Ed25519's is SHA-512. */
static lg_str
at_hash(const struct signing *sg)
{
	lg_sha256 half;

	if (sg->rq->client.id_token_alg == LG_ALG_EDDSA)
		half = lg_sha512_half(sg->access);
	else
		half = lg_sha256_of(sg->access);
	return lg_base64url(sg->rq->cx->arena,
	    (lg_str){ (const char *)half.b, sg->rq->client.id_token_alg == LG_ALG_EDDSA ? sizeof half.b : sizeof half.b / 2 });
}

static void
write_id_claims(struct lg_buf *b, const struct signing *sg)
{
	const struct sts_issue *is = sg->is;
	const struct sts_said said = { is->subject, is->profile };
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_jsonw_str_of(&w, "azp", sg->rq->client.id);
	lg_jsonw_int_of(&w, "auth_time", is->auth_time / LG_SECOND);
	sts_acr_write(&w, &is->how);
	lg_jsonw_str_of(&w, "at_hash", at_hash(sg));
	if (is->sid.n > 0)
		lg_jsonw_str_of(&w, "sid", is->sid);
	if (is->nonce.n > 0)
		lg_jsonw_str_of(&w, "nonce", is->nonce);
	sts_claims_write(&w, sts_scope_has(is->scope, LG_STR("groups")) ? LG_STR("groups") : LG_NONE, is->wanted.id_token, &said);
}

static void
id_token_done(void *arg, lg_err e, lg_str reply)
{
	struct signing *sg = arg;

	if (e == LG_OK)
		sg->id_token = lg_dup(sg->rq->cx->arena, reply);
	end(sg, e == LG_OK ? LG_OK : unsigned_token(sg, e, "id token", reply));
}

static lg_err
sign_id_token(struct signing *sg)
{
	LG_AUTO(lg_buf_free) struct lg_buf extra = LG_BUF(EXTRA_MAX);
	struct sts_rq *rq = sg->rq;
	char sub[LG_UUID_TEXT + 1];

	lg_uuid_text(sg->is->subject.id, sub);
	write_id_claims(&extra, sg);
	LG_TRY(lg_buf_status(rq->cx, &extra));
	struct lg_token_request tr = {
		.tenant = rq->tenant_id, .purpose = LG_PURPOSE_TOKEN, .alg = rq->client.id_token_alg,
		.typ = LG_STR("JWT"), .subject = lg_str_of(sub), .audience = { rq->client.id }, .naudience = 1,
		.issued = sg->is->issued, .life = sg->is->life, .extra = lg_buf_view(&extra),
	};
	return rq->sts->signer.token(rq->sts->signer.self, &tr, id_token_done, sg);
}

/* ---- access token (RFC 9068 2.2) -------------------------------------------------------------------------------- */

static void
access_token_done(void *arg, lg_err e, lg_str reply)
{
	struct signing *sg = arg;

	if (e != LG_OK) {
		end(sg, unsigned_token(sg, e, "access token", reply));
		return;
	}
	sg->access = lg_dup(sg->rq->cx->arena, reply);
	if (sg->is->id_token && sg->e == LG_OK)
		e = sign_id_token(sg);
	if (!sg->is->id_token || e != LG_OK || sg->e != LG_OK)
		end(sg, e);
}

static void
write_access_claims(struct lg_buf *b, const struct sts_rq *rq, const struct sts_issue *is)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_jsonw_str_of(&w, "client_id", rq->client.id);
	lg_jsonw_str_of(&w, "sub_type", is->subject.type);
	if (is->scope.n > 0)
		lg_jsonw_str_of(&w, "scope", is->scope);
	if (is->sid.n > 0)
		lg_jsonw_str_of(&w, "sid", is->sid);
	if (is->auth_time != 0)
		lg_jsonw_int_of(&w, "auth_time", is->auth_time / LG_SECOND);
	if (is->how.acr.n > 0)
		sts_acr_write(&w, &is->how);	/* RFC 9068 2.2.1 */
	sts_claims_carry(&w, is->wanted.userinfo);
	if (is->act.n > 0) {
		lg_jsonw_name(&w, LG_STR("act"));
		lg_jsonw_raw(&w, is->act);
	}
	if (is->cnf_x5t.n > 0 || is->cnf_jkt.n > 0) {
		lg_jsonw_name(&w, LG_STR("cnf"));
		lg_jsonw_object(&w);
		if (is->cnf_x5t.n > 0)
			lg_jsonw_str_of(&w, "x5t#S256", is->cnf_x5t);
		if (is->cnf_jkt.n > 0)
			lg_jsonw_str_of(&w, "jkt", is->cnf_jkt);
		lg_jsonw_object_end(&w);
	}
}

static lg_err
begin(struct sts_rq *rq, struct sts_issue *is, struct signing **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf extra = LG_BUF(EXTRA_MAX);
	struct signing *sg = LG_NEW(rq->cx->arena, struct signing);
	char sub[LG_UUID_TEXT + 1];

	if (is->life < LG_SECOND)
		return sts_refuse(rq, STS_INVALID_REQUEST, "what the token would come from has expired");
	*sg = (struct signing){ .rq = rq, .is = is, .waits = 1 };
	lg_uuid_text(is->subject.id, sub);
	write_access_claims(&extra, rq, is);
	LG_TRY(lg_buf_status(rq->cx, &extra));
	struct lg_token_request tr = {
		.tenant = rq->tenant_id, .purpose = LG_PURPOSE_TOKEN, .alg = rq->client.access_alg, .typ = LG_STR("at+jwt"),
		.subject = lg_str_of(sub), .naudience = is->naudience, .issued = is->issued, .life = is->life, .jti = is->jti,
		.extra = lg_buf_view(&extra),
	};
	memcpy(tr.audience, is->audience, is->naudience * sizeof is->audience[0]);
	LG_TRY(rq->sts->signer.token(rq->sts->signer.self, &tr, access_token_done, sg));
	*ret = sg;
	return LG_OK;
}

lg_err
sts_issue_sign(struct sts_rq *rq, struct sts_issue *is)
{
	struct signing *sg;

	LG_TRY(begin(rq, is, &sg));
	return LG_PENDING;
}

static void
stored(struct sts_rq *rq, void *arg, lg_err e)
{
	struct signing *sg = arg;

	end(sg, e == LG_OK ? sg->finish(rq, rq) : e);
}

lg_err
sts_issue_stored(struct sts_rq *rq, struct sts_issue *is, const char *operation, lg_mutation *run, sts_finish *finish)
{
	struct signing *sg;

	/* The keeper is asked first: while it is away nothing is used up. */
	LG_TRY(begin(rq, is, &sg));
	sg->finish = finish;
	lg_err e = sts_submit_beside(rq, operation, run, stored, sg);
	if (e == LG_PENDING)
		sg->waits++;
	else
		sg->e = lg_fail(rq->cx, e, "too many changes wait");	/* is told when the keeper has answered */
	return LG_PENDING;
}
