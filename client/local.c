/* local.c: decisions made here, from a host's bundle that a thread keeps fresh. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "client/handle.h"
#include "client/pin.h"

/* ---- following ------------------------------------------------------------------------------------------------------- */

/* The certificate is read at every connection: it is renewed under the same name. */
static lg_err
where(void *self, struct lg_ctx *cx, struct lg_follow_at *ret)
{
	const struct lightgate *lg = self;
	struct lg_pin pin;

	ret->bundles = lg->own.at[atomic_load(&((struct lightgate *)self)->own.first)];
	LG_TRY(lg_file_read(cx, lg->cert_file, LG_HANDLE_PEM, &ret->bundles.cert));
	LG_TRY(lg_file_read(cx, lg->key_file, LG_HANDLE_PEM, &ret->bundles.key));
	LG_TRY(lg_pin_get(cx, lg->state, &ret->bundles, &pin));
	ret->pin = pin.bundle;
	ret->audit = pin.audit;
	ret->stream = ret->bundles;
	ret->stream.url = pin.stream;
	return LG_OK;
}

static void
ask_another(void *self)
{
	struct lightgate *lg = self;

	lg_servers_skip(&lg->own);
}

static lg_err
pin_keys(void *self, struct lg_ctx *cx, enum lg_pinned which, lg_str keys)
{
	const struct lightgate *lg = self;

	return lg_pin_keys(cx, lg->state, which, keys);
}

lg_err
lg_handle_follow(struct lg_ctx *cx, struct lightgate *lg)
{
	const struct lg_follow_settings s = { .self = lg, .where = where, .pin = pin_keys, .in_vain = ask_another, .state = lg->state };

	LG_TRY(lg_dir_make(cx, lg->state, 0700));
	LG_TRY(lg_follow_open(cx, &s, &lg->follow));
	lg_follow_start(lg->follow);
	return LG_OK;
}

void
lightgate_bundle_look(lightgate *lg, struct lightgate_bundle *ret)
{
	struct lightgate_bundle own = LIGHTGATE_BUNDLE;
	struct lg_bundle_about a;
	struct lg_follow_now now = { .age = -1 };
	struct lg_ctx cx;
	if (ret == NULL)
		return;
	size_t size = ret->size < sizeof own ? ret->size : sizeof own;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_handle_check(&cx, lg) != LG_OK) {
		snprintf(own.trouble, sizeof own.trouble, "%.*s", LG_FMT(lg_str_of(cx.error)));
	} else if (lg->follow != NULL) {
		lg_follow_now(lg->follow, &now);
		snprintf(own.trouble, sizeof own.trouble, "%.*s", LG_FMT(lg_follow_trouble(&cx, lg->follow)));
	}
	own.fresh = now.fresh;
	own.age_ms = now.age < 0 ? -1 : now.age / 1000;
	own.held = now.bundle != NULL;
	if (own.held) {
		lg_bundle_about(now.bundle, &a);
		own.max_stale_ms = a.max_stale / 1000;
		own.epoch = a.mark.epoch;
		own.version = a.mark.version;
		own.policies = a.policy_version;
		own.entities = a.entities;
	}
	lg_bundle_unref(&now.bundle);
	lg_arena_free(&cx.arena);
	memcpy(ret, &own, size);
	ret->size = size;
}

/* ---- one decision ----------------------------------------------------------------------------------------------------- */

static lg_err
subject_of(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, const struct lg_bundle *b, struct lg_claims *claims,
    struct lg_bundle_question *ret)
{
	if (q->subject_token == NULL) {
		ret->subject_type = lg_str_of(q->subject_type != NULL ? q->subject_type : "User");
		ret->subject = lg_str_of(q->subject_id);
		ret->proof = "asserted";
		return LG_OK;
	}
	if (lg->audience.n == 0)
		return lg_fail(cx, LG_E_INVALID, "whom are people's tokens for? Set audience or LIGHTGATE_AUDIENCE");
	LG_TRY(lg_handle_claims(cx, lg, q->subject_token, lg->audience.p, claims));
	if (claims->cnf_jkt.n > 0 || claims->cnf_x5t.n > 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is bound to a key or certificate: verify it first, then name its subject");
	ret->subject = claims->subject;
	ret->subject_type = LG_STR("User");
	if (lg_bundle_find(b, ret->subject_type, ret->subject) == NULL)
		ret->subject_type = LG_STR("Service");
	ret->proof = "token";
	ret->claims = claims;
	return LG_OK;
}

static lg_err
ask_bundle(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, const struct lg_bundle *b, struct lightgate_decision *d)
{
	struct lg_bundle_question asked = {
		.action = lg_str_of(q->action), .resource_type = lg_str_of(q->resource_type), .resource = lg_str_of(q->resource_id),
		.image = lg_str_of(q->image), .host = lg_str_of(q->host), .protocol = lg_str_of(q->protocol), .port = q->port,
	};
	struct lg_claims claims;
	struct lg_ruling r;

	LG_TRY(subject_of(cx, lg, q, b, &claims, &asked));
	lg_bundle_decide(cx, b, &asked, &r);
	d->reason = lg_dup(d->arena, r.reason);
	d->policy = lg_dup(d->arena, r.policy);
	d->permit = r.kind == LG_RULED_PERMIT;
	d->decided = r.kind != LG_RULED_UNKNOWN;
	return LG_OK;
}

static lg_err
decide(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, struct lightgate_decision *d)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *b = NULL;
	struct lg_follow_now now;

	LG_TRY(lg_question_check(cx, q));
	if (lg->follow == NULL)
		return lg_fail(cx, LG_E_INVALID, "there is no bundle: set state or LIGHTGATE_STATE");
	lg_follow_now(lg->follow, &now);
	b = now.bundle;
	if (b == NULL)
		return lg_fail(cx, LG_E_UNAVAILABLE, "there is no bundle yet: %.*s", LG_FMT(lg_follow_trouble(cx, lg->follow)));
	if (now.fresh)
		return ask_bundle(cx, lg, q, b, d);
	d->decided = true;		/* a deny, and not for the service to lift: it could not be reached */
	return lg_fail(cx, LG_E_EXPIRED, "the bundle is stale: nobody has confirmed it for longer than max_stale");
}

lightgate_decision *
lightgate_decide_local(lightgate *lg, const struct lightgate_question *question)
{
	return lg_decision_by(lg, question, decide);
}

/* ---- certificates ---------------------------------------------------------------------------------------------------------- */

static bool
copy_text(char *to, size_t size, lg_str s)
{
	snprintf(to, size, "%.*s", LG_FMT(s));
	return s.n < size;
}

static lg_err
describe(struct lg_ctx *cx, const struct lg_cert *c, struct lightgate_peer *ret)
{
	lg_sha256 digest = lg_sha256_of(c->der);
	struct lg_cert_name name;

	if (!lg_cert_name_parse(c->uri, &name) || !copy_text(ret->type, sizeof ret->type, name.type) ||
	    !copy_text(ret->name, sizeof ret->name, name.name) || !copy_text(ret->project, sizeof ret->project, name.project) ||
	    !copy_text(ret->x5t, sizeof ret->x5t, lg_base64url(cx->arena, lg_sha256_str(&digest))))
		return lg_fail(cx, LG_E_LIMIT, "the certificate's names are longer than names are here");
	ret->expires = c->not_after / LG_SECOND;
	return LG_OK;
}

static lg_err
verify_certificate(struct lg_ctx *cx, struct lightgate *lg, const char *pem, struct lightgate_peer *ret)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *b = NULL;
	struct lg_follow_now now;
	struct lg_cert c;
	lg_str der;

	if (lg->follow == NULL)
		return lg_fail(cx, LG_E_INVALID, "there is no bundle to verify with: set state or LIGHTGATE_STATE");
	lg_follow_now(lg->follow, &now);
	b = now.bundle;
	if (b == NULL || !now.fresh)
		return lg_fail(cx, LG_E_UNAVAILABLE, "whether the certificate is revoked is not known: the bundle is not fresh");
	if (pem == NULL || !lg_pem_parse(cx->arena, lg_str_of(pem), LG_STR("CERTIFICATE"), &der, NULL))
		return lg_fail(cx, LG_E_INVALID, "this is no certificate");
	LG_TRY(lg_bundle_certificate(cx, b, der, &c));
	return describe(cx, &c, ret);
}

bool
lightgate_verify_certificate(lightgate *lg, const char *pem, struct lightgate_peer *ret, char *why, size_t size)
{
	struct lightgate_peer own = LIGHTGATE_PEER;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	bool good = lg_handle_check(&cx, lg) == LG_OK && verify_certificate(&cx, lg, pem, &own) == LG_OK;
	if (!good)
		lg_handle_tell(&cx, why, size);
	lg_arena_free(&cx.arena);
	if (good && ret != NULL) {
		size_t n = ret->size < sizeof own ? ret->size : sizeof own;
		memcpy(ret, &own, n);
		ret->size = n;
	}
	return good;
}
