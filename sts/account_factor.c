/*
 * account_factor.c: second factors as a person sets them up: an authenticator application, passkeys, recovery codes.
 *
 * The key of an application travels through the page, sealed for this session, until a code shows that the application has it.
 */
#include "sts/account.h"
#include "sts/mail.h"

#include "base/text.h"

/* ---- a factor more ------------------------------------------------------------------------------------------------------ */

struct adding {
	struct sts_account *ac;
	struct sts_factor *factor;	/* NULL: recovery codes alone */
	lg_str secret, hashes;		/* hashes: of new recovery codes; empty: none are made */
	bool raise;			/* the session learns of it too */
};

static lg_err
put_codes(struct lg_ctx *cx, struct lg_view *v, const struct adding *ad)
{
	struct sts_rq *rq = ad->ac->rq;
	struct sts_factor codes = { .kind = STS_FACTOR_RECOVERY, .created = lg_view_time(v) }, old;
	lg_uuid subject = ad->ac->subject.id;

	if (sts_factor_get(cx, v, rq->tenant_id, subject, STS_FACTOR_RECOVERY, codes.id, &old) == LG_OK)
		LG_TRY(sts_factor_del(cx, v, rq->tenant_id, subject, &old));
	LG_TRY(sts_factor_seal(cx, rq->sts, v, rq->tenant_id, subject, "recovery", ad->hashes, &codes.blob));
	return sts_factor_put(cx, v, rq->tenant_id, subject, &codes);
}

static lg_err
put_factor(struct lg_ctx *cx, struct lg_view *v, const struct adding *ad)
{
	struct sts_rq *rq = ad->ac->rq;
	lg_uuid subject = ad->ac->subject.id;
	struct sts_factor_set *set = LG_NEW(cx->arena, struct sts_factor_set);
	struct sts_factor old;

	/* One application a person: the new one takes the old one's place. */
	if (sts_factor_get(cx, v, rq->tenant_id, subject, ad->factor->kind, ad->factor->id, &old) == LG_OK)
		LG_TRY(sts_factor_del(cx, v, rq->tenant_id, subject, &old));
	LG_TRY(sts_factor_set_of(cx, v, rq->tenant_id, subject, set));
	if (set->n >= STS_FACTORS - 1)
		return lg_fail(cx, LG_E_LIMIT, "nobody may have more than %d factors", STS_FACTORS);
	if (ad->secret.n > 0)
		LG_TRY(sts_factor_seal(cx, rq->sts, v, rq->tenant_id, subject, sts_factor_kind_name(ad->factor->kind), ad->secret,
		    &ad->factor->blob));
	return sts_factor_put(cx, v, rq->tenant_id, subject, ad->factor);
}

static lg_err
add_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct adding *ad = arg;
	const char *kind = sts_factor_kind_name(ad->factor == NULL ? STS_FACTOR_RECOVERY : ad->factor->kind);

	lg_audit(v, sts_subject_called(cx->arena, &ad->ac->subject), lg_print(cx->arena, "{\"factor\":\"%s\"}", kind));
	if (ad->factor != NULL)
		LG_TRY(put_factor(cx, v, ad));
	if (ad->hashes.n > 0)
		LG_TRY(put_codes(cx, v, ad));
	LG_TRY(sts_mail_notice(cx, v, ad->ac->rq->tenant_id, ad->ac->subject.id, lg_print(cx->arena, "%s-added", kind).p));
	return ad->raise ? sts_session_put(cx, v, ad->ac->rq->tenant_id, &ad->ac->session) : LG_OK;
}

static lg_err
codes_page(struct sts_account *ac, const lg_str text[STS_RECOVERY_CODES])
{
	struct sts_slot *slots = LG_NEWS(ac->rq->cx->arena, struct sts_slot, STS_RECOVERY_CODES);
	struct sts_rows rows = { slots, 1, STS_RECOVERY_CODES };

	for (size_t i = 0; i < STS_RECOVERY_CODES; i++)
		slots[i] = (struct sts_slot){ .name = "code", .value = text[i] };
	const struct sts_slot page[] = {
		{ .name = "codes", .rows = &rows }, { .name = "next", .value = sts_request_path(ac->rq, ac->then) },
	};
	return sts_page(ac->rq, 200, "codes", page, LG_COUNT(page), LG_NONE);
}

/*
 * Stores a new factor, recovery codes beside a first one, and, in the session, how it was proved; then shows the codes or goes on.
 * secret: what is sealed of it; empty: nothing.
 */
static lg_err
account_add(struct sts_account *ac, struct sts_factor *f, lg_str secret, lg_str amr)
{
	struct adding ad = { .ac = ac, .factor = f, .secret = secret, .raise = true };
	lg_str text[STS_RECOVERY_CODES], cookie;
	struct sts_rq *rq = ac->rq;

	if (ac->set.codes == 0)
		sts_recovery_new(rq->cx->arena, text, &ad.hashes);
	ac->session.how.amr = sts_amr_join(rq->cx->arena, ac->session.how.amr, amr);
	ac->session.how.acr = sts_acr_of(ac->session.how.amr);
	cookie = sts_session_cookie(rq, &ac->session);
	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "factor.add", add_run, &ad, NULL));
	sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
	return ad.hashes.n > 0 ? codes_page(ac, text) : sts_account_go_on(ac);
}

/* ---- an authenticator application ------------------------------------------------------------------------------------------ */

static lg_str
bound(const struct sts_account *ac)
{
	lg_sha256 h = lg_sha256_of(ac->cookie);

	return lg_print(ac->rq->cx->arena, "enrol/%u/%.*s", ac->rq->tenant_id, LG_FMT(lg_hex(ac->rq->cx->arena, lg_sha256_str(&h))));
}

static lg_err
seal_key(struct sts_account *ac, lg_str octets, lg_str *ret)
{
	struct lg_signer *signer = &ac->rq->sts->signer;
	const struct lg_secret *key;
	lg_str sealed;

	LG_TRY(signer->data_key(signer->self, ac->rq->cx, ac->rq->tenant_id, &key));
	LG_TRY(lg_seal(ac->rq->cx, key, bound(ac), octets, &sealed));
	*ret = lg_base64url(ac->rq->cx->arena, sealed);
	return LG_OK;
}

static lg_err
open_key(struct sts_account *ac, lg_str text, struct lg_secret *ret)
{
	struct lg_signer *signer = &ac->rq->sts->signer;
	const struct lg_secret *key;
	lg_str sealed;

	if (!lg_base64url_parse(ac->rq->cx->arena, text, &sealed))
		return lg_fail(ac->rq->cx, LG_E_EXPIRED, "the page is of another session");
	LG_TRY(signer->data_key(signer->self, ac->rq->cx, ac->rq->tenant_id, &key));
	if (lg_unseal(ac->rq->cx, key, bound(ac), sealed, ret) != LG_OK || ret->n != LG_TOTP_KEY)
		return lg_fail(ac->rq->cx, LG_E_EXPIRED, "the page is of another session");
	return LG_OK;
}

/* Groups of four, as people copy them. */
static lg_str
grouped(struct lg_arena *a, lg_str text)
{
	lg_str out = LG_NONE;

	for (size_t i = 0; i < text.n; i += 4)
		out = lg_print(a, "%.*s%s%.*s", LG_FMT(out), i > 0 ? " " : "", LG_FMT(lg_str_sub(text, i, 4)));
	return out;
}

static lg_err
totp_page(struct sts_account *ac, lg_str octets, int status, const char *problem)
{
	struct lg_arena *a = ac->rq->cx->arena;
	lg_str uri = sts_otpauth(a, sts_service_name(ac->rq->tenant.issuer), ac->subject.name, octets), key, qr;

	LG_TRY(seal_key(ac, octets, &key));
	LG_TRY(sts_qr_svg(ac->rq->cx, uri, sts_text(ac->rq, "totp.qr"), &qr));
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = ac->csrf }, { .name = "then", .value = ac->then }, { .name = "key", .value = key },
		{ .name = "qr", .value = qr }, { .name = "uri", .value = uri }, { .name = "secret", .value = grouped(a, lg_base32(a, octets)) },
		{ .name = "problem", .value = sts_text(ac->rq, problem) },
		{ .name = "replaces", .value = ac->set.totp ? LG_STR("1") : LG_NONE },
		{ .name = "required", .value = ac->then.n > 0 ? LG_STR("1") : LG_NONE },
	};
	return sts_page(ac->rq, status, "totp", slots, LG_COUNT(slots), LG_NONE);
}

static lg_err
new_totp_page(struct sts_account *ac, int status, const char *problem)
{
	char octets[LG_TOTP_KEY];

	lg_random(octets, sizeof octets);
	return totp_page(ac, (lg_str){ octets, sizeof octets }, status, problem);
}

static lg_err
totp(struct sts_account *ac)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = { NULL, 0 };
	struct sts_factor f = { .kind = STS_FACTOR_TOTP, .created = ac->rq->cx->now };

	if (!lg_str_eq(ac->rq->ex->method, LG_STR("POST")))
		return new_totp_page(ac, 200, NULL);
	if (!sts_account_form_ok(ac) || open_key(ac, lg_form_get(&ac->rq->form, "key"), &key) != LG_OK)
		return new_totp_page(ac, 403, "problem.old-page");
	lg_str octets = { (const char *)key.p, key.n };
	if (!sts_totp_fits(&key, lg_form_get(&ac->rq->form, "code"), ac->rq->cx->now, 0, &f.step))
		return totp_page(ac, octets, 422, "problem.wrong-code");
	return account_add(ac, &f, octets, LG_STR("otp"));
}

lg_err
sts_http_account_totp(void *self, struct lg_http *ex)
{
	return sts_account_run(self, ex, "/account/totp", STS_ACCOUNT_PROVEN, totp);
}

/* ---- a passkey ---------------------------------------------------------------------------------------------------------------- */

static lg_err
passkey_page(struct sts_account *ac, int status, const char *problem)
{
	lg_str options;

	LG_TRY(sts_passkey_offer(ac->rq, ac->cookie, &ac->subject, &ac->set, &options));
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = ac->csrf }, { .name = "then", .value = ac->then }, { .name = "options", .value = options },
		{ .name = "problem", .value = sts_text(ac->rq, problem) }, { .name = "script", .value = LG_STR("1") },
		{ .name = "required", .value = ac->then.n > 0 ? LG_STR("1") : LG_NONE },
	};
	return sts_page(ac->rq, status, "passkey", slots, LG_COUNT(slots), LG_NONE);
}

static lg_err
passkey(struct sts_account *ac)
{
	struct lg_form *form = &ac->rq->form;
	struct sts_factor f;
	lg_str amr;

	if (!lg_str_eq(ac->rq->ex->method, LG_STR("POST")))
		return passkey_page(ac, 200, NULL);
	if (!sts_account_form_ok(ac))
		return passkey_page(ac, 403, "problem.old-page");
	if (sts_passkey_made(ac->rq, ac->cookie, lg_form_get(form, "passkey"), &f, &amr) != LG_OK)
		return passkey_page(ac, 422, "problem.new-passkey");
	f.name = lg_str_trim(lg_str_sub(lg_form_get(form, "name"), 0, STS_FACTOR_NAME));
	if (f.name.n == 0 || !lg_utf8_valid(f.name))
		f.name = LG_STR("Passkey");
	/* Made by it just now, so it is at hand: what an assertion would prove. */
	return account_add(ac, &f, LG_NONE, amr);
}

lg_err
sts_http_account_passkey(void *self, struct lg_http *ex)
{
	return sts_account_run(self, ex, "/account/passkey", STS_ACCOUNT_PROVEN, passkey);
}

/* ---- recovery codes -------------------------------------------------------------------------------------------------------------- */

/* New ones instead of what is left of the old ones, shown once. */
static lg_err
account_codes(struct sts_account *ac)
{
	struct adding ad = { .ac = ac };
	lg_str text[STS_RECOVERY_CODES];

	sts_recovery_new(ac->rq->cx->arena, text, &ad.hashes);
	LG_TRY(lg_store_apply(ac->rq->cx, ac->rq->sts->store, ac->rq->tenant_id, "factor.add", add_run, &ad, NULL));
	return codes_page(ac, text);
}

static lg_err
codes(struct sts_account *ac)
{
	if (!sts_account_form_ok(ac) || !sts_factor_set_second(&ac->set))
		return sts_account_go_on(ac);
	return account_codes(ac);
}

lg_err
sts_http_account_codes(void *self, struct lg_http *ex)
{
	return sts_account_run(self, ex, "/account", STS_ACCOUNT_PROVEN, codes);
}
