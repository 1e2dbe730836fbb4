/*
 * token.c: tokens written by the keeper: header and registered claims are its own words, the rest is checked.
 *
 * The reply is composed in place: header and payload go to the reply buffer as base64url, are signed there, and the
 * signature follows.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/keeper/process.h"

#define CLOCKS_APART	(5 * LG_MINUTE)	/* between the server's iat and our clock */
#define BASE64_RAW	((LG_ECDSA_RAW * 4 + 2) / 3)	/* octets of a signature as a token has it */

static lg_err
check_extra(struct lg_ctx *cx, lg_str members)
{
	/* What the keeper writes, and nbf, which it does not let anybody else say. */
	static const lg_str registered[] = {
		LG_STR("iss"), LG_STR("sub"), LG_STR("aud"), LG_STR("exp"), LG_STR("nbf"), LG_STR("iat"), LG_STR("jti"),
	};
	lg_str text = lg_cat(cx->arena, lg_cat(cx->arena, LG_STR("{"), members), LG_STR("}"));
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		for (size_t i = 0; i < LG_COUNT(registered); i++)
			if (lg_str_eq(name, registered[i]))
				return lg_fail(cx, LG_E_DENIED, "the claim %.*s is written by the keeper alone", LG_FMT(name));
		lg_json_skip(&js);
	}
	return lg_json_end(cx, &js);
}

/* RFC 9701 5: an answer of introspection names no subject and has no end, so that nobody takes it for an access token. */
static bool
is_answer(const struct lg_token_request *rq)
{
	return lg_str_eq(rq->typ, LG_STR("token-introspection+jwt"));
}

static lg_err
check_texts(struct lg_ctx *cx, const struct lg_token_request *rq)
{
	bool good = lg_utf8_valid(rq->subject) && lg_utf8_valid(rq->jti);

	for (size_t i = 0; i < rq->naudience; i++)
		good = good && rq->audience[i].n > 0 && lg_utf8_valid(rq->audience[i]);
	if (!good || (rq->subject.n == 0) != is_answer(rq))
		return lg_fail(cx, LG_E_INVALID, "a token needs a subject, an answer of introspection has none, and names are in UTF-8");
	return LG_OK;
}

static lg_err
check_life(struct lg_ctx *cx, int64_t issued, int64_t life, int64_t most)
{
	if (life < LG_SECOND || life > most)
		return lg_fail(cx, LG_E_DENIED, "a life of %lld s; the ceiling is %lld s",
		    (long long)(life / LG_SECOND), (long long)(most / LG_SECOND));
	if (issued < cx->now - CLOCKS_APART || issued > cx->now + CLOCKS_APART)
		return lg_fail(cx, LG_E_DENIED, "issued at a time that is not now");
	return LG_OK;
}

static lg_err
check_request(struct lg_ctx *cx, const struct lg_token_request *rq, const struct lg_tenant *t, int *typ)
{
	bool ticket = rq->purpose == LG_PURPOSE_TICKET;

	if (!ticket && rq->purpose != LG_PURPOSE_TOKEN)
		return lg_fail(cx, LG_E_DENIED, "keys of this purpose sign no tokens");
	*typ = lg_purpose_typ(rq->purpose, rq->typ);
	if (*typ < 0)
		return lg_fail(cx, LG_E_DENIED, "typ %.*s is not this key's", LG_FMT(rq->typ));
	LG_TRY(check_life(cx, rq->issued, rq->life, ticket ? t->ceiling.ticket_life : t->ceiling.token_life));
	LG_TRY(check_texts(cx, rq));
	return rq->extra.n == 0 ? LG_OK : check_extra(cx, rq->extra);
}

static void
put_audience(struct lg_jsonw *w, const struct lg_token_request *rq)
{
	if (rq->naudience == 0)
		return;
	lg_jsonw_name(w, LG_STR("aud"));
	if (rq->naudience == 1) {
		lg_jsonw_str(w, rq->audience[0]);
		return;
	}
	lg_jsonw_array(w);
	for (size_t i = 0; i < rq->naudience; i++)
		lg_jsonw_str(w, rq->audience[i]);
	lg_jsonw_array_end(w);
}

/* The system is asked for many at once: a call for each is a fiftieth of what a token costs. */
static lg_uuid
draw(void)
{
	static _Thread_local struct {
		lg_uuid v[32];
		size_t left;
	} drawn;

	if (drawn.left == 0) {
		lg_random(drawn.v, sizeof drawn.v);
		drawn.left = LG_COUNT(drawn.v);
	}
	return drawn.v[--drawn.left];
}

static void
put_jti(struct lg_jsonw *w, lg_str given)
{

	lg_jsonw_name(w, LG_STR("jti"));
	if (given.n > 0) {
		lg_jsonw_str(w, given);
		return;
	}
	lg_uuid drawn = draw();
	lg_buf_byte(w->out, '"');
	lg_buf_base64url(w->out, (lg_str){ (char *)drawn.b, sizeof drawn.b });
	lg_buf_byte(w->out, '"');
	w->comma = true;
}

static void
put_claims(struct lg_buf *b, const struct lg_tenant *t, const struct lg_token_request *rq)
{
	struct lg_jsonw w = { b, true };	/* goes on after the issuer */

	lg_buf_clear(b);
	lg_buf_str(b, t->iss);
	if (!is_answer(rq))
		lg_jsonw_str_of(&w, "sub", rq->subject);
	put_audience(&w, rq);
	lg_jsonw_int_of(&w, "iat", rq->issued / LG_SECOND);
	if (!is_answer(rq))
		lg_jsonw_int_of(&w, "exp", (rq->issued + rq->life) / LG_SECOND);
	put_jti(&w, rq->jti);
	if (rq->extra.n > 0) {
		lg_buf_byte(b, ',');
		lg_buf_str(b, rq->extra);
	}
	lg_buf_byte(b, '}');
}

/* header "." payload at the end of c->out, which may hold other replies before it. */
static lg_err
put_unsigned(struct lg_call *c, const struct lg_loaded_key *k, int typ, lg_str claims)
{
	if (k->key == NULL)
		return lg_fail(c->cx, LG_E_INTERNAL, "an active key that is not loaded");
	lg_buf_str(c->out, k->header[typ]);
	lg_buf_base64url(c->out, claims);
	return lg_buf_status(c->cx, c->out);
}

static lg_err
fits(struct lg_ctx *cx, size_t n)
{
	return n > LG_TOKEN_MAX ? lg_fail(cx, LG_E_LIMIT, "a token of more than %u octets", LG_TOKEN_MAX) : LG_OK;
}

/* "." signature after these. */
static lg_err
put_token(struct lg_call *c, const struct lg_loaded_key *k, int typ, lg_str claims, lg_str *signature)
{
	uint8_t sig[LG_SIG_MAX];
	size_t from = c->out->n, n;

	LG_TRY(put_unsigned(c, k, typ, claims));
	LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, true, (lg_str){ c->out->p + from, c->out->n - from }, sig, &n));
	lg_buf_byte(c->out, '.');
	lg_buf_base64url(c->out, (lg_str){ (char *)sig, n });
	LG_TRY(lg_buf_status(c->cx, c->out));
	LG_TRY(fits(c->cx, c->out->n - from));
	*signature = lg_dup(c->cx->arena, (lg_str){ (char *)sig, n });
	return LG_OK;
}

/* ---- tokens that are signed together --------------------------------------------------------------------------------- */

static bool
can_wait(const struct lg_call *c, const struct lg_loaded_key *k)
{
	return c->later != NULL && k->key != NULL && k->key->ec != NULL;
}

static lg_err
put_later(struct lg_call *c, const struct lg_loaded_key *k, int typ, lg_str claims, uint32_t tenant)
{
	static const char room[BASE64_RAW] = { 0 };
	struct lg_unsigned *u = c->later;
	size_t from = c->out->n;

	LG_TRY(put_unsigned(c, k, typ, claims));
	lg_sha256 digest = lg_sha256_of((lg_str){ c->out->p + from, c->out->n - from });
	lg_buf_byte(c->out, '.');
	size_t at = c->out->n;
	lg_buf_bytes(c->out, room, sizeof room);
	LG_TRY(lg_buf_status(c->cx, c->out));
	LG_TRY(fits(c->cx, c->out->n - from));
	u->item[u->n] = (struct lg_ecdsa_item){ .key = k->key->ec, .digest = digest };
	u->place[u->n].at = at;
	u->place[u->n].tenant = tenant;
	u->place[u->n].purpose = k->pub.purpose;
	u->n++;
	return LG_OK;
}

bool
lg_kp_sign_later(struct lg_call *c)
{
	struct lg_unsigned *u = c->later;
	size_t n = u->n;

	u->n = 0;
	if (!lg_ecdsa_sign(u->item, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		lg_str signature = { (char *)u->item[i].sig, LG_ECDSA_RAW };
		lg_buf_clear(c->scratch);
		lg_buf_base64url(c->scratch, signature);
		memcpy(c->out->p + u->place[i].at, c->scratch->p, BASE64_RAW);
		lg_tally_token(c->kp->record, c->tally, u->place[i].tenant, u->place[i].purpose, signature);
	}
	return true;
}

lg_err
lg_kp_token(struct lg_call *c)
{
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	struct lg_token_request rq;
	lg_str signature;
	int typ = -1;

	if (!lg_get_token_request(&c->rd, &rq))
		return lg_fail(c->cx, LG_E_INVALID, "malformed token request");
	LG_TRY(lg_kp_active(c, rq.tenant, rq.purpose, rq.alg, &t, &k));
	LG_TRY(check_request(c->cx, &rq, t, &typ));
	put_claims(c->scratch, t, &rq);
	LG_TRY(lg_buf_status(c->cx, c->scratch));
	if (can_wait(c, k))
		return put_later(c, k, typ, lg_buf_view(c->scratch), t->id);
	LG_TRY(put_token(c, k, typ, lg_buf_view(c->scratch), &signature));
	lg_tally_token(c->kp->record, c->tally, t->id, rq.purpose, signature);
	return LG_OK;
}

/* ---- bundles: their version only rises -------------------------------------------------------------------------------- */

static struct lg_bundle_mark *
bundle_mark(struct lg_kproc *kp, uint32_t tenant)
{
	for (size_t i = 0; i < kp->nbundles; i++)
		if (kp->bundle[i].tenant == tenant)
			return &kp->bundle[i];
	if (kp->nbundles == LG_TENANTS)
		return NULL;
	struct lg_bundle_mark *m = &kp->bundle[kp->nbundles++];
	*m = (struct lg_bundle_mark){ .tenant = tenant };
	return m;
}

/* A version that rises is on disk before anything carries it. */
static lg_err
raise_mark(struct lg_call *c, const struct lg_bundle_request *rq)
{
	struct lg_bundle_mark *m = bundle_mark(c->kp, rq->tenant);

	if (m == NULL)
		return lg_fail(c->cx, LG_E_LIMIT, "too many tenants");
	if (rq->epoch < m->epoch || (rq->epoch == m->epoch && rq->version < m->version))
		return lg_fail(c->cx, LG_E_CONFLICT, "bundle (%u, %llu) is older than (%u, %llu)", rq->epoch,
		    (unsigned long long)rq->version, m->epoch, (unsigned long long)m->version);
	if (rq->epoch == m->epoch && rq->version == m->version)
		return LG_OK;
	struct lg_bundle_mark before = *m;
	m->epoch = rq->epoch;
	m->version = rq->version;
	lg_err e = lg_kp_marks_write(c->cx, c->kp);
	if (e != LG_OK)
		*m = before;
	return e;
}

static void
put_bundle_claims(struct lg_buf *b, const struct lg_tenant *t, const struct lg_bundle_request *rq)
{
	struct lg_jsonw w = { b, true };

	lg_buf_clear(b);
	lg_buf_str(b, t->iss);
	lg_jsonw_str_of(&w, "aud", rq->audience);
	lg_jsonw_int_of(&w, "iat", rq->issued / LG_SECOND);
	lg_jsonw_int_of(&w, "exp", (rq->issued + rq->life) / LG_SECOND);
	lg_jsonw_int_of(&w, "epoch", rq->epoch);
	lg_jsonw_int_of(&w, "version", (int64_t)rq->version);
	lg_buf_str(b, LG_STR(",\"sha256\":\""));
	lg_buf_base64url(b, lg_sha256_str(&rq->digest));
	lg_buf_str(b, LG_STR("\"}"));
}

lg_err
lg_kp_bundle(struct lg_call *c)
{
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	struct lg_bundle_request rq;
	lg_str signature;

	if (!lg_get_bundle_request(&c->rd, &rq) || rq.version > INT64_MAX || rq.audience.n == 0 || !lg_utf8_valid(rq.audience))
		return lg_fail(c->cx, LG_E_INVALID, "malformed bundle request");
	LG_TRY(lg_kp_active(c, rq.tenant, LG_PURPOSE_BUNDLE, LG_ALG_NONE, &t, &k));
	LG_TRY(check_life(c->cx, rq.issued, rq.life, LG_BUNDLE_LIFE));
	LG_TRY(raise_mark(c, &rq));
	put_bundle_claims(c->scratch, t, &rq);
	LG_TRY(lg_buf_status(c->cx, c->scratch));
	size_t from = c->out->n;
	LG_TRY(put_token(c, k, lg_purpose_typ(LG_PURPOSE_BUNDLE, LG_STR("lg-bundle+jwt")), lg_buf_view(c->scratch), &signature));
	lg_sha256 digest = lg_sha256_of((lg_str){ c->out->p + from, c->out->n - from });
	lg_signed_add(c->kp->record, LG_PURPOSE_BUNDLE, t->id, &digest);
	return LG_OK;
}
