/* tenants.c: what each tenant is to the outside, from the keeper's keys and the directory. */
#include "server/tenants.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "lightgate/certs.h"
#include "lightgate/store.h"

#define KEYS_MAX 64		/* of one purpose and tenant */

struct generation {
	struct generation *before;	/* what was handed out stays valid until the service stops */
	struct lg_arena *arena;
	size_t n;
	struct lg_tenant_view *tenant;
};

struct lg_tenants {
	_Atomic(struct generation *) now;
};

static lg_err
ask_keys(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	(void)arg;
	return lg_keeper_keys(k, done, done_arg);
}

/* Next, active and retired keys of one purpose: verifiers must know the next one before it signs. */
static lg_err
keyset(struct lg_ctx *cx, const struct lg_keeper_key *key, size_t n, uint32_t tenant, enum lg_purpose purpose,
    struct lg_keyset **ret)
{
	struct lg_keyset_key row[KEYS_MAX] = { { .alg = LG_ALG_NONE } };
	size_t rows = 0;
	lg_err e = LG_OK;

	for (size_t i = 0; i < n && rows < KEYS_MAX && e == LG_OK; i++) {
		if (key[i].tenant != tenant || key[i].purpose != purpose)
			continue;
		row[rows] = (struct lg_keyset_key){ key[i].kid, key[i].alg, NULL };
		e = lg_pubkey_from_spki(cx, key[i].spki, &row[rows].key);
		rows += e == LG_OK;
	}
	if (e == LG_OK)
		*ret = lg_keyset_new(row, rows);
	for (size_t i = 0; i < rows; i++)
		lg_pubkey_unref(&row[i].key);
	return e;
}

static lg_str
certificate(const struct lg_keeper_key *key, size_t n, uint32_t tenant, enum lg_purpose purpose)
{
	for (size_t i = 0; i < n; i++)
		if (key[i].tenant == tenant && key[i].purpose == purpose && key[i].state == LG_KEY_ACTIVE)
			return key[i].cert;
	return LG_NONE;
}

static bool
has_rs256(const struct lg_keeper_key *key, size_t n, uint32_t tenant)
{
	for (size_t i = 0; i < n; i++)
		if (key[i].tenant == tenant && key[i].purpose == LG_PURPOSE_TOKEN && key[i].alg == LG_ALG_RS256 &&
		    key[i].state == LG_KEY_ACTIVE)
			return true;
	return false;
}

/* The default tenant is exactly the host; the others live below /t/<name>. */
static void
name_outside(const struct lg_app *app, struct lg_arena *a, struct lg_tenant_view *t)
{
	const struct lg_endpoints *at = app->at;
	bool first = t->id == LG_DEFAULT_TENANT;

	t->sts.issuer = first ? lg_dup(a, at->issuer) : lg_print(a, "%.*s/t/%.*s", LG_FMT(at->issuer), LG_FMT(t->name));
	if (at->mtls.n > 0)
		t->sts.mtls = first ? lg_dup(a, at->mtls) : lg_print(a, "%.*s/t/%.*s", LG_FMT(at->mtls), LG_FMT(t->name));
	t->trust_domain = first ? lg_dup(a, app->settings->trust_domain)
				: lg_print(a, "%.*s.%.*s", LG_FMT(t->name), LG_FMT(app->settings->trust_domain));
	t->api_audience = lg_cat(a, t->sts.issuer, LG_STR("/v1"));
	t->access_audience = lg_cat(a, t->sts.issuer, LG_STR("/access/v1"));
}

static lg_err
fill(struct lg_ctx *cx, struct lg_app *app, struct lg_arena *a, const struct lg_tenant *from, const struct lg_keeper_key *key,
    size_t n, uint64_t revision, struct lg_tenant_view *t)
{
	t->id = from->id;
	t->uuid = from->uuid;
	t->name = lg_dup(a, from->name);
	t->suffix = lg_dup(a, from->suffix);
	name_outside(app, a, t);
	t->root = lg_dup(a, certificate(key, n, t->id, LG_PURPOSE_ROOT));
	t->issuing = lg_dup(a, certificate(key, n, t->id, LG_PURPOSE_ISSUER));
	if (t->root.n == 0 || t->issuing.n == 0)
		return lg_fail(cx, LG_E_CORRUPT, "the keeper has no certificates for tenant %.*s", LG_FMT(t->name));
	t->sts.keys_revision = revision;
	t->sts.rs256 = has_rs256(key, n, t->id);
	LG_TRY(keyset(cx, key, n, t->id, LG_PURPOSE_TOKEN, &t->sts.keys));
	return keyset(cx, key, n, t->id, LG_PURPOSE_TICKET, &t->tickets);
}

static void
generation_free(struct generation *g)
{
	for (size_t i = 0; i < g->n; i++) {
		lg_keyset_unref(&g->tenant[i].sts.keys);
		lg_keyset_unref(&g->tenant[i].tickets);
	}
	lg_arena_free(&g->arena);
	free(g);
}

static lg_err
read_all(struct lg_ctx *cx, struct lg_app *app, struct generation *g, uint64_t revision)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_keeper_key *key = NULL;
	struct lg_tenant *tenant = NULL;
	size_t nkeys = 0, n = 0;
	lg_str reply;

	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_keys, NULL, &reply));
	LG_TRY(lg_keeper_keys_parse(cx, reply, &key, &nkeys));
	LG_TRY(lg_view_begin(cx, app->store, &v));
	LG_TRY(lg_tenant_list(cx, v, &tenant, &n));
	g->tenant = LG_NEWS(g->arena, struct lg_tenant_view, n);
	for (size_t i = 0; i < n; i++) {
		LG_TRY(fill(cx, app, g->arena, &tenant[i], key, nkeys, revision, &g->tenant[i]));
		g->n++;
	}
	return LG_OK;
}

lg_err
lg_tenants_reload(struct lg_ctx *cx, struct lg_app *app, struct lg_tenants *ts)
{
	struct generation *g = calloc(1, sizeof *g);

	if (g == NULL)
		abort();
	g->arena = lg_arena_new();
	g->before = atomic_load(&ts->now);
	lg_err e = read_all(cx, app, g, g->before == NULL ? 1 : g->before->tenant[0].sts.keys_revision + 1);
	if (e != LG_OK) {
		generation_free(g);
		return e;
	}
	atomic_store(&ts->now, g);
	return LG_OK;
}

lg_err
lg_tenants_load(struct lg_ctx *cx, struct lg_app *app, struct lg_tenants **ret)
{
	struct lg_tenants *ts = calloc(1, sizeof *ts);

	if (ts == NULL)
		abort();
	lg_err e = lg_tenants_reload(cx, app, ts);
	if (e != LG_OK)
		lg_tenants_free(&ts);
	else
		*ret = ts;
	return e;
}

void
lg_tenants_free(struct lg_tenants **ts)
{
	if (*ts == NULL)
		return;
	struct generation *g = atomic_load(&(*ts)->now);
	while (g != NULL) {
		struct generation *before = g->before;
		generation_free(g);
		g = before;
	}
	free(*ts);
	*ts = NULL;
}

const struct lg_tenant_view *
lg_tenants_get(const struct lg_tenants *ts, uint32_t id)
{
	const struct generation *g = atomic_load_explicit(&((struct lg_tenants *)(uintptr_t)ts)->now, memory_order_acquire);

	for (size_t i = 0; i < g->n; i++)
		if (g->tenant[i].id == id)
			return &g->tenant[i];
	return NULL;
}

const struct lg_tenant_view *
lg_tenants_by_path(const struct lg_tenants *ts, lg_str name)
{
	const struct generation *g = atomic_load_explicit(&((struct lg_tenants *)(uintptr_t)ts)->now, memory_order_acquire);

	if (name.n == 0)
		return lg_tenants_get(ts, LG_DEFAULT_TENANT);
	for (size_t i = 0; i < g->n; i++)
		if (g->tenant[i].id != LG_DEFAULT_TENANT && lg_str_eq(g->tenant[i].name, name))
			return &g->tenant[i];
	return NULL;
}

/* As in the keeper's ceiling (parent_keeper.c): our own name, then what the settings add. */
static const lg_str *
dns_suffixes(struct lg_ctx *cx, const struct lg_settings *s, size_t *n)
{
	lg_str *v = LG_NEWS(cx->arena, lg_str, s->dns_suffixes.n + 1);

	*n = 0;
	if (!s->dev)
		v[(*n)++] = s->host;
	for (size_t i = 0; i < s->dns_suffixes.n; i++)
		v[(*n)++] = s->dns_suffixes.v[i];
	return v;
}

lg_err
lg_tenants_trust(struct lg_ctx *cx, struct lg_app *app)
{
	const struct generation *g = atomic_load(&app->tenants->now);
	struct lg_authority *v = LG_NEWS(cx->arena, struct lg_authority, g->n);
	const struct lg_settings *s = app->settings;
	size_t nsuffixes;
	const lg_str *suffixes = dns_suffixes(cx, s, &nsuffixes);

	for (size_t i = 0; i < g->n; i++) {
		const struct lg_tenant_view *t = &g->tenant[i];
		v[i] = (struct lg_authority){
			.tenant = t->id, .issuer = t->sts.issuer, .trust_domain = t->trust_domain, .root = t->root,
			.issuers = { t->issuing }, .nissuers = 1, .http_url = app->at->http,
			.dns_suffixes = suffixes, .ndns_suffixes = nsuffixes,
			.loopback = s->dev, .leaf_life = s->leaf_life,
		};
		if (t->id != LG_DEFAULT_TENANT)
			v[i].http_url = lg_print(cx->arena, "%.*s/t/%.*s", LG_FMT(app->at->http), LG_FMT(t->name));
	}
	return lg_certs_trust(cx, app->certs, v, g->n);
}
