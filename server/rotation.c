#include "server/rotation.h"

#include "base/clock.h"
#include "lightgate/certs.h"
#include "server/app_own.h"
#include "server/tenants.h"

/* ---- rules ------------------------------------------------------------------------------------------------ */

enum lg_rotation_step
lg_rotation_step(const struct lg_keeper_key *active, const struct lg_keeper_key *next, int64_t age, int64_t publish, int64_t now)
{
	if (next != NULL)		/* made by us or by the operator, it waits its time */
		return now - next->since >= publish ? LG_ROTATION_ACTIVATE : LG_ROTATION_WAIT;
	return now - active->since >= age - publish ? LG_ROTATION_SUCCESSOR : LG_ROTATION_WAIT;
}

static const struct {
	enum lg_purpose purpose;
	const char *name;
	size_t age;			/* in struct lg_settings */
	size_t life;			/* in struct lg_ceiling: of what it signs; 0: no ceiling says */
	int64_t longer;			/* and after that */
} kinds[] = {
	{ LG_PURPOSE_TOKEN, "token", offsetof(struct lg_settings, rotation_token), offsetof(struct lg_ceiling, token_life), 0 },
	{ LG_PURPOSE_TICKET, "ticket", offsetof(struct lg_settings, rotation_ticket), offsetof(struct lg_ceiling, ticket_life), 0 },
	{ LG_PURPOSE_BUNDLE, "bundle", offsetof(struct lg_settings, rotation_bundle), 0, LG_BUNDLE_LIFE },
	{ LG_PURPOSE_AUDIT, "audit", offsetof(struct lg_settings, rotation_audit), 0, 0 },
	{ LG_PURPOSE_SSH_USER, "ssh-user", offsetof(struct lg_settings, rotation_issuer), offsetof(struct lg_ceiling, leaf_life), 0 },
	{ LG_PURPOSE_SSH_HOST, "ssh-host", offsetof(struct lg_settings, rotation_issuer), offsetof(struct lg_ceiling, leaf_life), 0 },
	/* A host that overslept shows its expired certificate. */
	{ LG_PURPOSE_ISSUER, "issuer", offsetof(struct lg_settings, rotation_issuer), offsetof(struct lg_ceiling, leaf_life), LG_CERT_REJOIN },
};

static int64_t
number_at(const void *s, size_t offset)
{
	return *(const int64_t *)(const void *)((const char *)s + offset);
}

int64_t
lg_rotation_until(const struct lg_keeper_key *k, const struct lg_ceiling *c)
{
	for (size_t i = 0; k->state == LG_KEY_RETIRED && i < LG_COUNT(kinds); i++)
		if (kinds[i].purpose == k->purpose)
			return k->since + (kinds[i].life == 0 ? 0 : number_at(c, kinds[i].life)) + kinds[i].longer + LG_ROTATION_SKEW;
	return INT64_MAX;
}

/* ---- carrying them out --------------------------------------------------------------------------------------- */

struct wish {
	uint32_t tenant;
	enum lg_purpose purpose;
	enum lg_alg alg;
	lg_str kid;			/* of the key to activate; empty: a successor is wanted */
};

static lg_err
ask(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct wish *w = arg;

	return w->kid.n > 0 ? lg_keeper_activate(k, w->tenant, w->kid, done, done_arg)
			    : lg_keeper_successor(k, w->tenant, w->purpose, w->alg, done, done_arg);
}

static lg_err
carry_out(struct lg_ctx *cx, struct lg_app *app, struct wish *w, const char *name)
{
	bool activate = w->kid.n > 0;
	lg_str kid;

	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask, w, &kid));
	return lg_tenants_note(cx, app, w->tenant, activate ? "keeper.activate" : "keeper.successor",
	    lg_print(cx->arena, "{\"purpose\":\"%s\",\"kid\":\"%.*s\"}", name, LG_FMT(kid)));
}

struct keys {
	struct lg_keeper_key *v;
	size_t n;
};

static const struct lg_keeper_key *
next_of(const struct keys *keys, const struct lg_keeper_key *active)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct lg_keeper_key *k = &keys->v[i];
		if (k->state == LG_KEY_NEXT && k->tenant == active->tenant && k->purpose == active->purpose &&
		    (k->alg == active->alg || k->purpose != LG_PURPOSE_TOKEN))
			return k;
	}
	return NULL;
}

static lg_err
turn_key(struct lg_ctx *cx, struct lg_app *app, const struct keys *keys, const struct lg_keeper_key *active, bool *changed)
{
	const struct lg_keeper_key *next = next_of(keys, active);
	struct wish w = { .tenant = active->tenant, .purpose = active->purpose, .alg = active->alg };
	size_t i = 0;

	if (next != NULL && next->purpose == LG_PURPOSE_ISSUER && next->cert.n == 0)
		return LG_OK;			/* its certificate comes from elsewhere, in its own time */
	while (i < LG_COUNT(kinds) && kinds[i].purpose != active->purpose)
		i++;
	if (i == LG_COUNT(kinds))
		return LG_OK;
	enum lg_rotation_step step = lg_rotation_step(active, next, number_at(app->settings, kinds[i].age),
	    app->settings->rotation_publish, cx->now);
	if (step == LG_ROTATION_WAIT)
		return LG_OK;
	if (step == LG_ROTATION_ACTIVATE)
		w.kid = next->kid;
	*changed = true;
	return carry_out(cx, app, &w, kinds[i].name);
}

/* ---- algorithms that clients ask for ----------------------------------------------------------------------------- */

/* NULL: none in that state. */
static const struct lg_keeper_key *
token_key(const struct keys *keys, uint32_t tenant, enum lg_alg alg, enum lg_key_state state)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct lg_keeper_key *k = &keys->v[i];
		if (k->tenant == tenant && k->purpose == LG_PURPOSE_TOKEN && k->alg == alg && k->state == state)
			return k;
	}
	return NULL;
}

/* The first key of an algorithm is published before it signs, like every other: verifiers keep what they fetched. */
static lg_err
first_key(struct lg_ctx *cx, struct lg_app *app, const struct keys *keys, uint32_t tenant, enum lg_alg alg, bool *changed)
{
	const struct lg_keeper_key *next = token_key(keys, tenant, alg, LG_KEY_NEXT);
	struct wish w = { .tenant = tenant, .purpose = LG_PURPOSE_TOKEN, .alg = alg };

	if (token_key(keys, tenant, alg, LG_KEY_ACTIVE) != NULL)
		return LG_OK;
	if (next != NULL && cx->now - next->since < app->settings->rotation_publish)
		return LG_OK;
	if (next != NULL)
		w.kid = next->kid;
	*changed = true;
	return carry_out(cx, app, &w, "token");
}

static lg_err
wanted_algs(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, unsigned *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	return lg_sts_wanted_algs(cx, v, tenant, ret);
}

static lg_err
first_keys(struct lg_ctx *cx, struct lg_app *app, const struct keys *keys, bool *changed)
{
	for (const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0); t != NULL; t = lg_tenants_after(app->tenants, t->id)) {
		unsigned wanted;

		LG_TRY(wanted_algs(cx, app, t->id, &wanted));
		lg_store_turn(app->store);
		for (int alg = LG_ALG_ES256; wanted >> alg != 0; alg++)
			if ((wanted & 1u << alg) != 0)
				LG_TRY(first_key(cx, app, keys, t->id, (enum lg_alg)alg, changed));
	}
	return LG_OK;
}

/* ---- OCSP responders ----------------------------------------------------------------------------------------------- */

/* As the keeper sees it (crypto/keeper/responder.c), so that it is asked when there is something to do. */
static bool
responders_due(const struct keys *keys, const struct lg_tenant_view *t, int64_t now)
{
	size_t wanted = 0, there = 0;
	bool old = false;

	for (size_t i = 0; i < keys->n; i++) {
		const struct lg_keeper_key *k = &keys->v[i];
		if (k->tenant != t->id)
			continue;
		if (k->purpose == LG_PURPOSE_OCSP) {
			old |= k->state == LG_KEY_RETIRED || now - k->created > LG_KEEPER_RESPONDER / 3 * 2;
			there += k->state == LG_KEY_ACTIVE;
		}
		wanted += k->purpose == LG_PURPOSE_ISSUER && k->state != LG_KEY_DISTRUSTED && k->cert.n > 0 &&
		    (t->ocsp == LG_OCSP_DELEGATED || (t->ocsp == LG_OCSP_AUTO && lg_str_starts(k->place, LG_STR("pkcs11:"))));
	}
	return old || wanted != there;
}

static lg_err
ask_responders(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_responders(k, *(const uint32_t *)arg, done, done_arg);
}

/* Once a minute for those that are due: a token that is away is not asked all the time. */
static lg_err
renew_responders(struct lg_ctx *cx, struct lg_app *app, const struct keys *keys, bool *changed)
{
	const struct lg_tenant_view *t = NULL;
	lg_err e = LG_OK;

	while (e == LG_OK && (t = lg_tenants_after(app->tenants, t == NULL ? 0 : t->id)) != NULL) {
		uint32_t id = t->id;
		lg_str reply;
		if (!responders_due(keys, t, cx->now))
			continue;
		e = lg_keeper_link_wait(app->keeper, cx, ask_responders, &id, &reply);
		*changed |= e == LG_OK;
	}
	return e;
}

lg_err
lg_rotation_run(struct lg_ctx *cx, struct lg_app *app)
{
	struct keys keys;
	bool changed = false;
	lg_err e = LG_OK;

	LG_TRY(lg_tenants_keys(cx, app, &keys.v, &keys.n));
	for (size_t i = 0; i < keys.n && e == LG_OK; i++)
		if (keys.v[i].state == LG_KEY_ACTIVE && (keys.v[i].tenant == 0 || lg_tenants_get(app->tenants, keys.v[i].tenant) != NULL))
			e = turn_key(cx, app, &keys, &keys.v[i], &changed);
	if (e == LG_OK)
		e = first_keys(cx, app, &keys, &changed);
	if (e == LG_OK && cx->now >= lg_own(app)->responders) {
		lg_own(app)->responders = cx->now + LG_MINUTE;
		e = renew_responders(cx, app, &keys, &changed);
	}
	if (changed || lg_tenants_outdated(app->tenants, cx->now))
		LG_TRY(lg_tenants_renew(cx, app));
	return e;
}
