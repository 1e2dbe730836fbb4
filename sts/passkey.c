/*
 * passkey.c: the ceremonies of passkeys: what is asked, and whose answer is good, once.
 *
 * A challenge proves itself: it is random, says until when it is good, and carries an HMAC over both and the browser's cookie.  Nothing
 * is stored until it is answered; then it is remembered until its time is over.
 */
#include "sts/webauthn.h"

#include "base/text.h"

#define ASK_LIFE	600		/* seconds */
#define ANSWER_MAX	(48u << 10)
#define OPTIONS_MAX	(64u << 10)
#define HANDLE		20		/* octets: tenant and entryUUID */

/* ---- the relying party: the issuer's host, of all its tenants ------------------------------------------------------------ */

/* "https://host:8443" of "https://host:8443/t/name" */
static lg_str
origin_of(const struct sts_rq *rq)
{
	return lg_str_sub(rq->tenant.issuer, 0, rq->tenant.issuer.n - sts_base_path(rq).n);
}

static lg_str
rp_of(const struct sts_rq *rq)
{
	lg_str scheme, host, port;

	(void)lg_str_cut(origin_of(rq), ':', &scheme, &host);
	host = lg_str_sub(host, 2, host.n);
	(void)lg_str_cut(host, ':', &host, &port);
	return host;
}

/* ---- challenges ------------------------------------------------------------------------------------------------------------- */

static lg_err
challenge_mac(struct sts_rq *rq, lg_str cookie, lg_str front, lg_str *ret)
{
	return sts_csrf_make(rq, cookie, lg_cat(rq->cx->arena, LG_STR("passkey "), front), ret);
}

static lg_err
new_challenge(struct sts_rq *rq, lg_str cookie, lg_str *ret)
{
	lg_str front = lg_print(rq->cx->arena, "%.*s.%lld", LG_FMT(lg_token_new(rq->cx->arena)),
	    (long long)(rq->cx->now / LG_SECOND + ASK_LIFE)), mac;

	LG_TRY(challenge_mac(rq, cookie, front, &mac));
	*ret = lg_print(rq->cx->arena, "%.*s.%.*s", LG_FMT(front), LG_FMT(mac));
	return LG_OK;
}

/* Ours, of this browser, in time, and for the first time. */
static lg_err
use_challenge(struct sts_rq *rq, lg_str cookie, lg_str challenge)
{
	lg_str token, rest, until, mac, want;
	int64_t second;
	lg_err e;

	if (!lg_str_cut(challenge, '.', &token, &rest) || !lg_str_cut(rest, '.', &until, &mac) || !lg_int_parse(until, &second))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: not a challenge of ours");
	LG_TRY(challenge_mac(rq, cookie, lg_str_sub(challenge, 0, token.n + 1 + until.n), &want));
	/* What was answered before a start is not remembered, so nothing that was asked before it is good. */
	if (mac.n != want.n || !lg_equal_bytes(mac.p, want.p, want.n) || second * LG_SECOND <= rq->cx->now
	    || (second - ASK_LIFE + 1) * LG_SECOND < sts_replay_started(rq->sts->replay))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: the challenge is of another page, or too old");
	e = sts_replay_use(rq->cx, rq->sts->replay, rq->tenant_id, sts_share_stranger(rq), token, second * LG_SECOND);
	return e == LG_E_EXISTS ? lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: the challenge was answered before") : e;
}

/* ---- options ------------------------------------------------------------------------------------------------------------------ */

static void
base64url_of(struct sts_rq *rq, struct lg_jsonw *w, const char *name, lg_str octets)
{
	lg_jsonw_str_of(w, name, lg_base64url(rq->cx->arena, octets));
}

static void
write_keys(struct sts_rq *rq, struct lg_jsonw *w, const char *name, const struct sts_factor_set *set)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (size_t i = 0; set != NULL && i < set->n; i++) {
		if (set->v[i].kind != STS_FACTOR_PASSKEY)
			continue;
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "type", LG_STR("public-key"));
		base64url_of(rq, w, "id", set->v[i].passkey.credential);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
}

static lg_err
options_begin(struct sts_rq *rq, lg_str cookie, struct lg_jsonw *w)
{
	lg_str challenge;

	LG_TRY(new_challenge(rq, cookie, &challenge));
	lg_jsonw_object(w);
	base64url_of(rq, w, "challenge", challenge);
	return LG_OK;
}

static lg_err
options_done(struct sts_rq *rq, struct lg_buf *b, struct lg_jsonw *w, lg_str *ret)
{
	lg_jsonw_int_of(w, "timeout", ASK_LIFE * 1000);
	lg_jsonw_object_end(w);
	LG_TRY(lg_buf_status(rq->cx, b));
	*ret = lg_dup(rq->cx->arena, lg_buf_view(b));
	return LG_OK;
}

lg_err
sts_passkey_ask(struct sts_rq *rq, lg_str cookie, const struct sts_factor_set *set, lg_str *options)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(OPTIONS_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	LG_TRY(options_begin(rq, cookie, &w));
	lg_jsonw_str_of(&w, "rpId", rp_of(rq));
	/* Alone it has to be two factors; beside a password, somebody's presence is enough. */
	lg_jsonw_str_of(&w, "userVerification", set == NULL ? LG_STR("required") : LG_STR("preferred"));
	write_keys(rq, &w, "allowCredentials", set);
	return options_done(rq, &b, &w, options);
}

static lg_str
handle_of(const struct sts_rq *rq, lg_uuid subject)
{
	return sts_key(rq->cx->arena, rq->tenant_id, sts_uuid_str(&subject));
}

lg_err
sts_passkey_offer(struct sts_rq *rq, lg_str cookie, const struct lg_sts_subject *s, const struct sts_factor_set *set, lg_str *options)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(OPTIONS_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	LG_TRY(options_begin(rq, cookie, &w));
	lg_jsonw_name(&w, LG_STR("rp"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "id", rp_of(rq));
	lg_jsonw_str_of(&w, "name", rp_of(rq));
	lg_jsonw_object_end(&w);
	lg_jsonw_name(&w, LG_STR("user"));
	lg_jsonw_object(&w);
	base64url_of(rq, &w, "id", handle_of(rq, s->id));
	lg_jsonw_str_of(&w, "name", s->name);
	lg_jsonw_str_of(&w, "displayName", s->display.n > 0 ? s->display : s->name);
	lg_jsonw_object_end(&w);
	lg_jsonw_name(&w, LG_STR("pubKeyCredParams"));
	lg_jsonw_raw(&w, LG_STR("[{\"type\":\"public-key\",\"alg\":-7},{\"type\":\"public-key\",\"alg\":-8},{\"type\":\"public-key\",\"alg\":-257}]"));
	lg_jsonw_name(&w, LG_STR("authenticatorSelection"));
	lg_jsonw_raw(&w, LG_STR("{\"residentKey\":\"required\",\"requireResidentKey\":true,\"userVerification\":\"preferred\"}"));
	lg_jsonw_str_of(&w, "attestation", LG_STR("none"));
	write_keys(rq, &w, "excludeCredentials", set);
	return options_done(rq, &b, &w, options);
}

/* ---- answers -------------------------------------------------------------------------------------------------------------------- */

struct answer {
	lg_str id, client, authenticator, signature, user, attestation;
};

static lg_err
read_answer(struct lg_ctx *cx, lg_str json, struct answer *ret)
{
	const struct {
		lg_str name;
		lg_str *to;
	} members[] = {
		{ LG_STR("id"), &ret->id }, { LG_STR("client"), &ret->client }, { LG_STR("authenticator"), &ret->authenticator },
		{ LG_STR("signature"), &ret->signature }, { LG_STR("user"), &ret->user }, { LG_STR("attestation"), &ret->attestation },
	};
	struct lg_json js;
	lg_str name;

	if (json.n > ANSWER_MAX)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: an answer of over %u octets", ANSWER_MAX);
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str text = lg_json_str(&js);

		for (size_t i = 0; i < LG_COUNT(members); i++)
			if (lg_str_eq(name, members[i].name) && !lg_base64url_parse(cx->arena, text, members[i].to))
				lg_json_fault(&js, "not base64url");
	}
	if (lg_json_end(cx, &js) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "passkey: the answer");
	return LG_OK;
}

static lg_str
methods_of(const struct sts_passkey *k, bool verified)
{
	if (verified)
		return k->synced ? LG_STR("swk user mfa") : LG_STR("hwk user mfa");
	return k->synced ? LG_STR("swk user") : LG_STR("hwk user");
}

/* Whose key it says that it is; of this tenant. */
static lg_err
find_person(struct sts_rq *rq, lg_str handle, struct lg_sts_subject *ret)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_uuid id = { { 0 } };
	lg_err e;

	if (handle.n == HANDLE)
		memcpy(id.b, handle.p + 4, sizeof id.b);
	if (handle.n != HANDLE || !lg_str_eq(handle, handle_of(rq, id)))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: nobody of this tenant");
	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, false, ret);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !ret->enabled))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: nobody of this tenant");
	if (e == LG_OK)
		sts_subject_keep(rq->cx->arena, ret);
	return e;
}

static lg_err
find_key(struct sts_rq *rq, const struct answer *an, struct lg_sts_subject *subject, struct sts_factor *ret)
{
	struct sts_factor_set *set = LG_NEW(rq->cx->arena, struct sts_factor_set);

	if (lg_uuid_is_nil(subject->id))
		LG_TRY(find_person(rq, an->user, subject));
	LG_TRY(sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, subject->id, set));
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].kind == STS_FACTOR_PASSKEY && lg_str_eq(set->v[i].passkey.credential, an->id)) {
			*ret = set->v[i];
			return LG_OK;
		}
	return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: this one is not known here");
}

struct using {
	struct sts_rq *rq;
	lg_uuid subject;
	struct sts_factor factor;	/* as it was read */
	uint32_t count;
};

/* 7.2 step 21: one that does not rise is of a copy. */
static lg_err
use_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct using *u = arg;
	struct sts_factor f;

	LG_TRY(sts_factor_get(cx, v, u->rq->tenant_id, u->subject, STS_FACTOR_PASSKEY, u->factor.id, &f));
	if ((f.passkey.count > 0 || u->count > 0) && u->count <= f.passkey.count)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: its counter went back; it may have been copied");
	f.passkey.count = u->count;
	f.used = lg_view_time(v);
	sts_audit_person(cx, u->rq->sts, v, u->rq->tenant_id, u->subject, LG_STR("{\"factor\":\"passkey\"}"));
	return sts_factor_put(cx, v, u->rq->tenant_id, u->subject, &f);
}

lg_err
sts_passkey_answer(struct sts_rq *rq, lg_str cookie, lg_str text, struct lg_sts_subject *subject, lg_str *amr)
{
	bool alone = lg_uuid_is_nil(subject->id), verified;
	struct using u = { .rq = rq };
	struct answer an = { .id = LG_NONE };
	lg_str challenge;
	lg_err e;

	LG_TRY(read_answer(rq->cx, text, &an));
	LG_TRY(sts_client_data_read(rq->cx, an.client, "webauthn.get", origin_of(rq), &challenge));
	LG_TRY(use_challenge(rq, cookie, challenge));
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = find_key(rq, &an, subject, &u.factor);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	LG_TRY(e);
	LG_TRY(sts_webauthn_get(rq->cx, rp_of(rq), an.client, an.authenticator, an.signature, &u.factor.passkey, &u.count, &verified));
	if (alone && !verified)
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "passkey: it did not verify who used it");
	u.subject = subject->id;
	sts_act_as(rq->cx, rq->tenant_id, subject->id, subject->type, subject->name);
	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "factor.use", use_run, &u, NULL));
	*amr = methods_of(&u.factor.passkey, verified);
	return LG_OK;
}

lg_err
sts_passkey_made(struct sts_rq *rq, lg_str cookie, lg_str text, struct sts_factor *ret, lg_str *amr)
{
	struct sts_factor f = { .kind = STS_FACTOR_PASSKEY, .id = lg_uuid_new(), .created = rq->cx->now };
	struct answer an = { .id = LG_NONE };
	lg_str challenge;
	bool verified;

	LG_TRY(read_answer(rq->cx, text, &an));
	LG_TRY(sts_client_data_read(rq->cx, an.client, "webauthn.create", origin_of(rq), &challenge));
	LG_TRY(use_challenge(rq, cookie, challenge));
	LG_TRY(sts_webauthn_create(rq->cx, rp_of(rq), an.client, an.attestation, &f.passkey, &verified));
	*amr = methods_of(&f.passkey, verified);
	*ret = f;
	return LG_OK;
}
