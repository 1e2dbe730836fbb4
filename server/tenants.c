/* tenants.c: what each tenant is to the outside, from the keeper's keys and the directory. */
#include "server/tenants.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lightgate/certs.h"
#include "lightgate/store.h"
#include "server/rotation.h"
#include "server/watch.h"

#define KEYS_MAX 64		/* of one purpose and tenant */
#define AUDIT_HEIRS (LG_WATCH_LINE - 2048)	/* octets: state and heads stand in the same line */

struct generation {
	struct generation *before;	/* what was handed out stays valid until the service stops */
	struct lg_arena *arena;
	lg_str audit_heirs;
	int64_t until;			/* when the first retired key need not be told any more */
	size_t n;
	struct lg_tenant_view *tenant;
};

struct lg_tenants {
	_Atomic(struct generation *) now;
	pthread_mutex_t renewing;
};

/* What the keeper says. */
struct kept {
	struct lg_keeper_key *key;
	size_t nkeys;
	struct lg_keeper_tenant *tenant;
	size_t ntenants;
};

static lg_err
ask_keys(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	(void)arg;
	return lg_keeper_keys(k, done, done_arg);
}

static lg_err
ask_tenants(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	(void)arg;
	return lg_keeper_tenants(k, done, done_arg);
}

lg_err
lg_tenants_keys(struct lg_ctx *cx, struct lg_app *app, struct lg_keeper_key **ret, size_t *n)
{
	lg_str reply;

	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_keys, NULL, &reply));
	return lg_keeper_keys_parse(cx, reply, ret, n);
}

static lg_err
ask_keeper(struct lg_ctx *cx, struct lg_app *app, struct kept *ret)
{
	lg_str reply;

	LG_TRY(lg_tenants_keys(cx, app, &ret->key, &ret->nkeys));
	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_tenants, NULL, &reply));
	return lg_keeper_tenants_parse(cx, reply, &ret->tenant, &ret->ntenants);
}

/* ---- one tenant -------------------------------------------------------------------------------------------- */

/* Next, active and retired keys of one purpose: verifiers must know the next one before it signs, and a retired one as long as
 * what it signed may be valid. */
static lg_err
keyset(struct lg_ctx *cx, const struct kept *kept, const struct lg_keeper_tenant *t, enum lg_purpose purpose, struct lg_keyset **ret)
{
	struct lg_keyset_key row[KEYS_MAX] = { { .alg = LG_ALG_NONE } };
	size_t rows = 0;
	lg_err e = LG_OK;

	for (size_t i = 0; i < kept->nkeys && rows < KEYS_MAX && e == LG_OK; i++) {
		const struct lg_keeper_key *k = &kept->key[i];
		if (k->tenant != t->id || k->purpose != purpose || !lg_rotation_believed(k, &t->ceiling, cx->now))
			continue;
		row[rows] = (struct lg_keyset_key){ k->kid, k->alg, NULL };
		e = lg_pubkey_from_spki(cx, k->spki, &row[rows].key);
		rows += e == LG_OK;
	}
	if (e == LG_OK)
		*ret = lg_keyset_new(row, rows);
	for (size_t i = 0; i < rows; i++)
		lg_pubkey_unref(&row[i].key);
	return e;
}

static lg_str
root_certificate(const struct kept *kept, uint32_t tenant)
{
	for (size_t i = 0; i < kept->nkeys; i++)
		if (kept->key[i].tenant == tenant && kept->key[i].purpose == LG_PURPOSE_ROOT && kept->key[i].state == LG_KEY_ACTIVE)
			return kept->key[i].cert;
	return LG_NONE;
}

/* Those that came last: below the others no issuing CA is believed any more. */
static void
old_roots(const struct kept *kept, struct lg_arena *a, struct lg_tenant_view *t)
{
	for (size_t i = kept->nkeys; i > 0 && t->nold_roots < LG_ISSUERS; i--) {
		const struct lg_keeper_key *k = &kept->key[i - 1];
		if (k->tenant == t->id && k->purpose == LG_PURPOSE_ROOT && k->state == LG_KEY_RETIRED)
			t->old_roots[t->nold_roots++] = lg_dup(a, k->cert);
	}
}

/* Whoever signs, then those retired last. */
static bool
comes_first(const struct lg_keeper_key *a, const struct lg_keeper_key *b)
{
	return (a->state == LG_KEY_ACTIVE) != (b->state == LG_KEY_ACTIVE) ? a->state == LG_KEY_ACTIVE : a->since > b->since;
}

/* Of one purpose; those that are not to be believed yet or any more are left out.  0 without one that is active. */
static size_t
signers(struct lg_ctx *cx, const struct kept *kept, const struct lg_keeper_tenant *t, enum lg_purpose purpose,
    const struct lg_keeper_key *row[LG_ISSUERS])
{
	size_t n = 0;

	for (size_t i = 0; i < kept->nkeys; i++) {
		const struct lg_keeper_key *k = &kept->key[i];
		size_t at = 0;
		if (k->tenant != t->id || k->purpose != purpose || k->state == LG_KEY_NEXT || k->state == LG_KEY_DISTRUSTED ||
		    !lg_rotation_believed(k, &t->ceiling, cx->now))
			continue;
		while (at < n && !comes_first(k, row[at]))
			at++;
		if (at == LG_ISSUERS)
			continue;
		n = n < LG_ISSUERS ? n + 1 : n;
		memmove(&row[at + 1], &row[at], (n - at - 1) * sizeof row[0]);
		row[at] = k;
	}
	return n == 0 || row[0]->state != LG_KEY_ACTIVE ? 0 : n;
}

static void
issuers(struct lg_ctx *cx, const struct kept *kept, const struct lg_keeper_tenant *t, struct lg_arena *a, struct lg_tenant_view *ret)
{
	const struct lg_keeper_key *row[LG_ISSUERS];

	ret->nissuers = signers(cx, kept, t, LG_PURPOSE_ISSUER, row);
	for (size_t i = 0; i < ret->nissuers; i++)
		ret->issuers[i] = lg_dup(a, row[i]->cert);
	for (size_t i = 0; i < kept->nkeys; i++)
		if (kept->key[i].tenant == t->id && kept->key[i].purpose == LG_PURPOSE_ISSUER && kept->key[i].state == LG_KEY_NEXT)
			ret->next_issuer = lg_dup(a, kept->key[i].cert);
	for (size_t i = 0; i < kept->nkeys && ret->nresponders < LG_RESPONDERS; i++)
		if (kept->key[i].tenant == t->id && kept->key[i].purpose == LG_PURPOSE_OCSP && kept->key[i].state == LG_KEY_ACTIVE)
			ret->responders[ret->nresponders++] = lg_dup(a, kept->key[i].cert);
	ret->ocsp = t->ocsp;
	ret->nssh_user = signers(cx, kept, t, LG_PURPOSE_SSH_USER, row);
	for (size_t i = 0; i < ret->nssh_user; i++)
		ret->ssh_user[i] = lg_dup(a, row[i]->spki);
	ret->nssh_host = signers(cx, kept, t, LG_PURPOSE_SSH_HOST, row);
	for (size_t i = 0; i < ret->nssh_host; i++)
		ret->ssh_host[i] = lg_dup(a, row[i]->spki);
}

static unsigned
token_algs(const struct kept *kept, uint32_t tenant)
{
	unsigned algs = 0;

	for (size_t i = 0; i < kept->nkeys; i++) {
		const struct lg_keeper_key *k = &kept->key[i];
		if (k->tenant == tenant && k->purpose == LG_PURPOSE_TOKEN && k->state == LG_KEY_ACTIVE)
			algs |= 1u << k->alg;
	}
	return algs;
}

static int64_t
trust_since(const struct kept *kept, uint32_t tenant)
{
	int64_t since = 0;

	for (size_t i = 0; i < kept->nkeys; i++) {
		const struct lg_keeper_key *k = &kept->key[i];
		bool told = k->purpose == LG_PURPOSE_TOKEN || k->purpose == LG_PURPOSE_ROOT;
		if (k->tenant == tenant && told && k->since > since)
			since = k->since;
	}
	return since;
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
	t->api_audience = lg_cat(a, t->sts.issuer, LG_STR("/v1"));
	t->access_audience = lg_cat(a, t->sts.issuer, LG_STR("/access/v1"));
}

static void
take_ceiling(struct lg_arena *a, const struct lg_ceiling *c, struct lg_tenant_view *t)
{
	lg_str *suffixes = LG_NEWS(a, lg_str, c->ndns), *nets = LG_NEWS(a, lg_str, c->nnets);

	for (size_t i = 0; i < c->ndns; i++)
		suffixes[i] = lg_dup(a, c->dns_suffixes[i]);
	for (size_t i = 0; i < c->nnets; i++)
		nets[i] = lg_dup(a, c->nets[i]);
	t->trust_domain = lg_dup(a, c->trust_domain);
	t->nets = nets;
	t->nnets = c->nnets;
	t->dns_suffixes = suffixes;
	t->ndns_suffixes = c->ndns;
	t->loopback = c->loopback;
	t->token_life = c->token_life;
	t->ticket_life = c->ticket_life;
	t->leaf_life = c->leaf_life;
}

static const struct lg_keeper_tenant *
kept_tenant(const struct kept *kept, uint32_t id)
{
	for (size_t i = 0; i < kept->ntenants; i++)
		if (kept->tenant[i].id == id)
			return &kept->tenant[i];
	return NULL;
}

/* Who pinned a key of this purpose follows from it to those that came after. */
static const lg_str *
heirs_of(struct lg_arena *a, const struct kept *kept, uint32_t tenant, enum lg_purpose purpose, size_t *n)
{
	lg_str *heir = LG_NEWS(a, lg_str, KEYS_MAX);

	for (size_t i = 0; i < kept->nkeys && *n < KEYS_MAX; i++) {
		const struct lg_keeper_key *k = &kept->key[i];
		if (k->tenant == tenant && k->purpose == purpose && k->cert.n > 0)
			heir[(*n)++] = lg_dup(a, k->cert);
	}
	return heir;
}

static lg_err
audit_heirs(struct lg_ctx *cx, const struct kept *kept, struct lg_arena *a, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(AUDIT_HEIRS);
	struct lg_jsonw w = lg_jsonw_of(&b);
	size_t n = 0;
	const lg_str *heir = heirs_of(a, kept, 0, LG_PURPOSE_AUDIT, &n);

	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(&w, heir[i]);
	lg_jsonw_array_end(&w);
	*ret = lg_dup(a, lg_buf_view(&b));
	return lg_buf_status(cx, &b);
}

static lg_err
fill(struct lg_ctx *cx, struct lg_app *app, struct lg_arena *a, const struct lg_tenant *from, const struct kept *kept,
    uint64_t revision, struct lg_tenant_view *t)
{
	const struct lg_keeper_tenant *own = kept_tenant(kept, from->id);

	t->id = from->id;
	t->uuid = from->uuid;
	t->name = lg_dup(a, from->name);
	t->suffix = lg_dup(a, from->suffix);
	t->root = lg_dup(a, root_certificate(kept, t->id));
	t->trust_since = trust_since(kept, t->id);
	old_roots(kept, a, t);
	if (own != NULL) {
		take_ceiling(a, &own->ceiling, t);
		issuers(cx, kept, own, a, t);
	}
	if (t->root.n == 0 || t->nissuers == 0)
		return lg_fail(cx, LG_E_CORRUPT, "the keeper has no certificates for tenant %.*s", LG_FMT(t->name));
	name_outside(app, a, t);
	t->sts.keys_revision = revision;
	t->sts.algs = token_algs(kept, t->id);
	LG_TRY(keyset(cx, kept, own, LG_PURPOSE_TOKEN, &t->sts.keys));
	LG_TRY(keyset(cx, kept, own, LG_PURPOSE_TICKET, &t->tickets));
	t->bundle_heirs = heirs_of(a, kept, t->id, LG_PURPOSE_BUNDLE, &t->nbundle_heirs);
	return keyset(cx, kept, own, LG_PURPOSE_BUNDLE, &t->bundles);
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

static void
generation_free(struct generation *g)
{
	for (size_t i = 0; i < g->n; i++) {
		lg_keyset_unref(&g->tenant[i].sts.keys);
		lg_keyset_unref(&g->tenant[i].tickets);
		lg_keyset_unref(&g->tenant[i].bundles);
	}
	lg_arena_free(&g->arena);
	free(g);
}

/* When a key that is told now will not be believed any more: that of the smallest such time. */
static int64_t
first_end(const struct kept *kept, int64_t now)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < kept->nkeys; i++) {
		const struct lg_keeper_tenant *t = kept_tenant(kept, kept->key[i].tenant);
		int64_t end = t == NULL ? INT64_MAX : lg_rotation_until(&kept->key[i], &t->ceiling);
		if (end >= now && end < first)
			first = end;
	}
	return first;
}

static lg_err
read_all(struct lg_ctx *cx, struct lg_app *app, struct generation *g, uint64_t revision)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct kept kept = { .key = NULL };
	struct lg_tenant *tenant = NULL;
	size_t n = 0;

	LG_TRY(ask_keeper(cx, app, &kept));
	g->until = first_end(&kept, cx->now);
	LG_TRY(audit_heirs(cx, &kept, g->arena, &g->audit_heirs));
	LG_TRY(lg_view_begin(cx, app->store, &v));
	LG_TRY(lg_tenant_list(cx, v, &tenant, &n));
	g->tenant = LG_NEWS(g->arena, struct lg_tenant_view, n);
	for (size_t i = 0; i < n; i++) {
		lg_err e = fill(cx, app, g->arena, &tenant[i], &kept, revision, &g->tenant[i]);
		g->n++;			/* half filled it is freed all the same */
		LG_TRY(e);
	}
	return LG_OK;
}

/* What was handed out stays valid. */
static lg_err
reload(struct lg_ctx *cx, struct lg_app *app, struct lg_tenants *ts)
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
	pthread_mutex_init(&ts->renewing, NULL);
	lg_err e = reload(cx, app, ts);
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
	pthread_mutex_destroy(&(*ts)->renewing);
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
lg_tenants_after(const struct lg_tenants *ts, uint32_t id)
{
	const struct generation *g = atomic_load_explicit(&((struct lg_tenants *)(uintptr_t)ts)->now, memory_order_acquire);
	const struct lg_tenant_view *first = NULL;

	for (size_t i = 0; i < g->n; i++)
		if (g->tenant[i].id > id && (first == NULL || g->tenant[i].id < first->id))
			first = &g->tenant[i];
	return first;
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

lg_str
lg_tenants_audit_heirs(const struct lg_tenants *ts)
{
	return atomic_load_explicit(&((struct lg_tenants *)(uintptr_t)ts)->now, memory_order_acquire)->audit_heirs;
}

bool
lg_tenants_outdated(const struct lg_tenants *ts, int64_t now)
{
	const struct generation *g = atomic_load_explicit(&((struct lg_tenants *)(uintptr_t)ts)->now, memory_order_acquire);

	return now > g->until;
}

/* The listeners show certificates of the default tenant: who comes from another one must know that root too. */
static void
below_path(struct lg_ctx *cx, const struct lg_app *app, const struct lg_tenant_view *t, struct lg_authority *au)
{
	const struct lg_tenant_view *service = lg_tenants_get(app->tenants, LG_DEFAULT_TENANT);
	lg_str https = LG_STR("https://");

	au->http_url = lg_print(cx->arena, "%.*s/t/%.*s", LG_FMT(app->at->http), LG_FMT(t->name));
	au->mtls_url = t->sts.mtls;
	au->join_address = lg_str_starts(t->sts.issuer, https) ? lg_str_sub(t->sts.issuer, https.n, SIZE_MAX) : t->sts.issuer;
	if (service != NULL)
		au->service_root = service->root;
}

static lg_str
keys_text(struct lg_ctx *cx, const struct lg_keyset *keys)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	lg_keyset_jwks(keys, &b);
	return b.full ? LG_NONE : lg_dup(cx->arena, lg_buf_view(&b));
}

lg_err
lg_tenants_trust(struct lg_ctx *cx, struct lg_app *app)
{
	const struct generation *g = atomic_load(&app->tenants->now);
	struct lg_authority *v = LG_NEWS(cx->arena, struct lg_authority, g->n);

	for (size_t i = 0; i < g->n; i++) {
		const struct lg_tenant_view *t = &g->tenant[i];
		v[i] = (struct lg_authority){
			.tenant = t->id, .id = t->uuid, .issuer = t->sts.issuer, .trust_domain = t->trust_domain, .root = t->root,
			.nissuers = t->nissuers, .next = t->next_issuer, .http_url = app->at->http, .dns_suffixes = t->dns_suffixes,
			.ndns_suffixes = t->ndns_suffixes, .nets = t->nets, .nnets = t->nnets, .loopback = t->loopback, .leaf_life = t->leaf_life,
		};
		memcpy(v[i].issuers, t->issuers, sizeof v[i].issuers);
		memcpy(v[i].old_roots, t->old_roots, sizeof v[i].old_roots);
		v[i].nold_roots = t->nold_roots;
		memcpy(v[i].ssh_user, t->ssh_user, sizeof v[i].ssh_user);
		memcpy(v[i].ssh_host, t->ssh_host, sizeof v[i].ssh_host);
		memcpy(v[i].responders, t->responders, sizeof v[i].responders);
		v[i].nresponders = t->nresponders;
		v[i].nssh_user = t->nssh_user;
		v[i].nssh_host = t->nssh_host;
		v[i].token_keys = keys_text(cx, t->sts.keys);
		v[i].trust_since = t->trust_since;
		if (t->id != LG_DEFAULT_TENANT)
			below_path(cx, app, t, &v[i]);
	}
	return lg_certs_trust(cx, app->certs, v, g->n);
}

lg_err
lg_tenants_renew(struct lg_ctx *cx, struct lg_app *app)
{
	pthread_mutex_lock(&app->tenants->renewing);
	lg_err e = reload(cx, app, app->tenants);
	if (e == LG_OK)
		e = lg_tenants_trust(cx, app);
	pthread_mutex_unlock(&app->tenants->renewing);
	return e;
}

struct note {
	lg_str target, detail;
};

static lg_err
write_note(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct note *n = arg;

	(void)cx;
	lg_audit(v, n->target, n->detail);
	return LG_OK;
}

lg_err
lg_tenants_note(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, const char *operation, lg_str detail)
{
	struct note n = { LG_STR("keeper"), detail };

	return lg_store_apply(cx, app->store, tenant == 0 ? LG_DEFAULT_TENANT : tenant, operation, write_note, &n, NULL);
}
