/* bundle.c: see bundle.h. */
#include "agent/bundle.h"

#include <stdlib.h>

#include "agent/identity.h"
#include "base/clock.h"
#include "base/decide.h"
#include "base/json.h"
#include "base/log.h"
#include "client/pin.h"

struct listener {
	void (*changed)(void *arg, const struct lg_bundle *now);
	void *arg;
};

struct lg_bundles {
	const char *state;
	struct lg_follow *follow;
	struct listener listener[LG_BUNDLES_LISTENERS];
	size_t n;
};

/* ---- where to, and whom to believe ----------------------------------------------------------------------------------- */

static lg_err
where(void *self, struct lg_ctx *cx, struct lg_follow_at *ret)
{
	const struct lg_bundles *b = self;
	struct lg_identity id;
	struct lg_pin pin;

	LG_TRY(lg_identity_load(cx, b->state, &id));
	ret->bundles = (struct lg_endpoint){ .url = id.mtls, .ca = id.service_root, .key = id.key,
		.cert = lg_cat(cx->arena, id.certificate, id.chain) };
	LG_TRY(lg_pin_get(cx, b->state, &ret->bundles, &pin));
	if (!lg_str_eq(pin.bundle.host, id.host_id) || !lg_str_eq(pin.bundle.issuer, id.issuer))
		return lg_fail(cx, LG_E_CORRUPT, "%s/pin.json is of another host or tenant", b->state);
	ret->pin = pin.bundle;
	ret->audit = pin.audit;
	ret->stream = ret->bundles;
	ret->stream.url = pin.stream;
	return LG_OK;
}

static lg_err
pin_keys(void *self, struct lg_ctx *cx, enum lg_pinned which, lg_str keys)
{
	const struct lg_bundles *b = self;

	return lg_pin_keys(cx, b->state, which, keys);
}

static void
tell(void *self, const struct lg_bundle *now)
{
	const struct lg_bundles *b = self;
	struct lg_bundle_about a;

	lg_bundle_about(now, &a);
	lg_log(LG_INFO, "bundle (%u, %llu): policies %llu, %zu entities", a.mark.epoch, (unsigned long long)a.mark.version,
	    (unsigned long long)a.policy_version, a.entities);
	for (size_t i = 0; i < b->n; i++)
		b->listener[i].changed(b->listener[i].arg, now);
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

lg_err
lg_bundles_open(struct lg_ctx *cx, const char *state, int64_t (*clock)(void), struct lg_bundles **ret)
{
	struct lg_bundles *b = calloc(1, sizeof *b);
	struct lg_follow_settings s = { .self = b, .where = where, .pin = pin_keys, .changed = tell, .state = state, .clock = clock };

	if (b == NULL)
		abort();
	b->state = state;
	lg_err e = lg_follow_open(cx, &s, &b->follow);
	if (e != LG_OK)
		free(b);
	else
		*ret = b;
	return e;
}

void
lg_bundles_listen(struct lg_bundles *b, void (*changed)(void *arg, const struct lg_bundle *now), void *arg)
{
	struct lg_follow_now now;

	if (b->n == LG_BUNDLES_LISTENERS)
		abort();		/* our own mistake: the listeners are parts of this program */
	b->listener[b->n++] = (struct listener){ changed, arg };
	lg_follow_now(b->follow, &now);
	if (now.bundle != NULL)
		changed(arg, now.bundle);
	lg_bundle_unref(&now.bundle);
}

void
lg_bundles_start(struct lg_bundles *b)
{
	lg_follow_start(b->follow);
}

void
lg_bundles_close(struct lg_bundles **b)
{
	if (*b == NULL)
		return;
	lg_follow_close(&(*b)->follow);
	free(*b);
	*b = NULL;
}

void
lg_bundles_now(struct lg_bundles *b, struct lg_follow_now *ret)
{
	lg_follow_now(b->follow, ret);
}

bool
lg_bundles_fresh(struct lg_bundles *b)
{
	return lg_follow_fresh(b->follow);
}

lg_err
lg_bundles_fetch(struct lg_ctx *cx, struct lg_bundles *b)
{
	return lg_follow_fetch(cx, b->follow);
}

lg_str
lg_bundles_status(struct lg_ctx *cx, struct lg_bundles *b)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&out);
	struct lg_bundle_about a;
	struct lg_follow_now now;

	lg_follow_now(b->follow, &now);
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "fresh", now.fresh);
	if (now.age >= 0)
		lg_jsonw_int_of(&w, "age", now.age / LG_SECOND);
	if (now.bundle != NULL) {
		lg_bundle_about(now.bundle, &a);
		lg_jsonw_int_of(&w, "epoch", a.mark.epoch);
		lg_jsonw_int_of(&w, "version", (int64_t)a.mark.version);
		lg_jsonw_int_of(&w, "policies", (int64_t)a.policy_version);
		lg_jsonw_int_of(&w, "entities", (int64_t)a.entities);
		lg_jsonw_int_of(&w, "max_stale", a.max_stale / LG_SECOND);
	}
	lg_jsonw_str_of(&w, "trouble", lg_follow_trouble(cx, b->follow));
	lg_jsonw_object_end(&w);
	lg_bundle_unref(&now.bundle);
	return lg_dup(cx->arena, lg_buf_view(&out));
}

/* ---- decisions ---------------------------------------------------------------------------------------------------------------- */

static enum lg_local
judge(struct lg_ctx *cx, const struct lg_follow_now *now, const struct lg_bundle_question *q, struct lg_local_why *why)
{
	struct lg_bundle_about about;
	struct lg_ruling r;

	if (now->bundle == NULL) {
		why->reason = LG_STR("this host has no bundle to decide from");
		return LG_LOCAL_DENY;
	}
	if (!now->fresh) {
		why->reason = now->age < 0 ? LG_STR("this host has had no contact with the service since it was started")
					   : lg_print(cx->arena, "this host has been cut off from the service for %lld s", (long long)(now->age / LG_SECOND));
		return LG_LOCAL_DENY;
	}
	lg_bundle_decide(cx, now->bundle, q, &r);
	lg_bundle_about(now->bundle, &about);
	/* Not the bundle's words, which may go. */
	*why = (struct lg_local_why){ lg_dup(cx->arena, r.reason), lg_dup(cx->arena, r.policy), about.policy_version };
	return r.kind == LG_RULED_PERMIT ? LG_LOCAL_PERMIT : r.kind == LG_RULED_UNKNOWN ? LG_LOCAL_ASK : LG_LOCAL_DENY;
}

enum lg_local
lg_bundles_decide(struct lg_ctx *cx, struct lg_bundles *b, const struct lg_bundle_question *q, struct lg_local_why *why)
{
	struct lg_follow_now now;

	*why = (struct lg_local_why){ .policy = LG_NONE };
	if (lg_action_admits(q->action)) {
		why->reason = LG_STR("what is new is decided by the service");
		return LG_LOCAL_ASK;
	}
	lg_follow_now(b->follow, &now);
	if ((now.bundle == NULL || !now.fresh) && lg_str_eq(q->action, LG_STR("container:stop"))) {
		why->reason = LG_STR("a host that is cut off stops what it is told to");
		lg_bundle_unref(&now.bundle);
		return LG_LOCAL_PERMIT;
	}
	enum lg_local verdict = judge(cx, &now, q, why);
	lg_bundle_unref(&now.bundle);
	return verdict;
}
