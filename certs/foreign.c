/* foreign.c: see foreign.h. */
#include "certs/foreign.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "certs/names.h"

#define ROW_VERSION	1
#define ROW_MAX		(LG_SVID_BUNDLE + LG_FOREIGN_CA + LG_WEB_URL + LG_SPIFFE_ID_MAX + 4096)

static const lg_str profiles[LG_FOREIGN_PROFILES] = { LG_STR("manual"), LG_STR("https_web"), LG_STR("https_spiffe") };

lg_str
lg_foreign_profile_name(enum lg_foreign_profile p)
{
	return profiles[p];
}

bool
lg_foreign_profile_parse(lg_str name, enum lg_foreign_profile *ret)
{
	for (size_t i = 0; i < LG_COUNT(profiles); i++)
		if (lg_str_eq(name, profiles[i])) {
			*ret = (enum lg_foreign_profile)i;
			return true;
		}
	return false;
}

/* ---- rows: (tenant, SHA-256 of the domain), because a domain may have 255 octets ---------------------------- */

const struct lg_table lg_certs_foreign = { .name = "certs.foreign", .id = 0x0340, .domain = LG_DOMAIN_TRUST };

static struct lg_certs_key
key_of(uint32_t tenant, lg_str domain)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);
	lg_sha256 h = lg_sha256_of(domain);

	lg_certs_key_add(&k, h.b, sizeof h.b);
	return k;
}

static lg_err
decode(struct lg_ctx *cx, lg_str value, struct lg_foreign *ret)
{
	struct lg_rd r = lg_rd_of(value);
	struct lg_foreign f = { .fetched = 0 };
	uint8_t version = lg_rd_u8(&r), profile = lg_rd_u8(&r);

	f.fetched = (int64_t)lg_rd_u64(&r);
	f.domain = lg_rd_str32(&r);
	f.url = lg_rd_str32(&r);
	f.endpoint_id = lg_rd_str32(&r);
	f.ca = lg_rd_str32(&r);
	f.error = lg_rd_str32(&r);
	f.bundle = lg_rd_str32(&r);
	if (version != ROW_VERSION || profile >= LG_FOREIGN_PROFILES || !lg_rd_done(&r))
		return lg_fail(cx, LG_E_CORRUPT, "a row of foreign trust domains does not decode");
	f.profile = (enum lg_foreign_profile)profile;
	*ret = f;
	return LG_OK;
}

lg_err
lg_foreign_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str domain, struct lg_foreign *ret)
{
	struct lg_certs_key k = key_of(tenant, domain);
	lg_str value;

	LG_TRY(lg_get(cx, v, &lg_certs_foreign, lg_certs_key_str(&k), &value));
	return decode(cx, value, ret);
}

lg_err
lg_foreign_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_foreign *f)
{
	struct lg_certs_key k = key_of(tenant, f->domain);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_byte(&b, (char)f->profile);
	lg_buf_u64(&b, (uint64_t)f->fetched);
	lg_buf_str32(&b, f->domain);
	lg_buf_str32(&b, f->url);
	lg_buf_str32(&b, f->endpoint_id);
	lg_buf_str32(&b, f->ca);
	lg_buf_str32(&b, f->error);
	lg_buf_str32(&b, f->bundle);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &lg_certs_foreign, lg_certs_key_str(&k), lg_buf_view(&b));
}

lg_err
lg_foreign_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str domain)
{
	struct lg_certs_key k = key_of(tenant, domain);

	return lg_del(cx, v, &lg_certs_foreign, lg_certs_key_str(&k));
}

static struct lg_foreign
kept(struct lg_arena *a, const struct lg_foreign *f)
{
	struct lg_foreign k = *f;

	k.domain = lg_dup(a, f->domain);
	k.url = lg_dup(a, f->url);
	k.endpoint_id = lg_dup(a, f->endpoint_id);
	k.ca = lg_dup(a, f->ca);
	k.error = lg_dup(a, f->error);
	k.bundle = lg_dup(a, f->bundle);
	return k;
}

lg_err
lg_foreign_all(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_foreign **ret, size_t *n)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_foreign one;
	lg_str key, value;

	*ret = LG_NEWS(cx->arena, struct lg_foreign, LG_FOREIGN_DOMAINS);
	*n = 0;
	LG_TRY(lg_scan(cx, v, &lg_certs_foreign, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (*n < LG_FOREIGN_DOMAINS && lg_cursor_next(&c, &key, &value)) {
		LG_TRY(decode(cx, value, &one));
		(*ret)[(*n)++] = kept(cx->arena, &one);
	}
	return LG_OK;
}

lg_err
lg_certs_domains(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_certs_domain_each *each, void *arg)
{
	struct lg_foreign *all;
	size_t n;

	LG_TRY(lg_foreign_all(cx, v, tenant, &all, &n));
	for (size_t i = 0; i < n; i++)
		if (all[i].bundle.n > 0 && !each(arg, all[i].domain, all[i].bundle))
			break;
	return LG_OK;
}

lg_err
lg_foreign_check(struct lg_ctx *cx, const struct lg_foreign *f)
{
	struct lg_svid_bundle b;
	lg_str domain = LG_NONE;

	if (!lg_trust_domain_valid(f->domain))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a trust domain", LG_FMT(lg_str_sub(f->domain, 0, 100)));
	if ((f->profile == LG_FOREIGN_MANUAL) != (f->url.n == 0) || (f->url.n > 0 && !lg_str_starts(f->url, LG_STR("https://"))))
		return lg_fail(cx, LG_E_INVALID, "\"url\" is an https URL, and not there when the profile is manual");
	if ((f->profile == LG_FOREIGN_SPIFFE) != (f->endpoint_id.n > 0) ||
	    (f->endpoint_id.n > 0 && !lg_spiffe_id_domain(f->endpoint_id, &domain)))
		return lg_fail(cx, LG_E_INVALID, "\"endpoint_spiffe_id\" is a SPIFFE ID, for https_spiffe alone");
	if (f->ca.n > 0 && f->profile != LG_FOREIGN_WEB)
		return lg_fail(cx, LG_E_INVALID, "\"ca\" is for https_web alone");
	if (f->url.n > LG_WEB_URL || f->ca.n > LG_FOREIGN_CA)
		return lg_fail(cx, LG_E_INVALID, "\"url\" or \"ca\" is too long");
	if (f->bundle.n == 0 && (f->profile == LG_FOREIGN_MANUAL || lg_str_eq(domain, f->domain)))
		return lg_fail(cx, LG_E_INVALID, "the first bundle is set by hand when no endpoint is believed without it: \"bundle\"");
	return f->bundle.n == 0 ? LG_OK : lg_svid_bundle_parse(cx, f->domain, f->bundle, &b);
}

/* ---- fetching ------------------------------------------------------------------------------------------------ */

struct judging {
	lg_str id, domain;		/* of the endpoint */
	struct lg_svid_bundle bundle;	/* of its domain */
};

/* SPIFFE Federation 5.2.2.4: the endpoint's own certificate, by the bundle of its trust domain that is known so far. */
static lg_err
judge(void *arg, struct lg_ctx *cx, const lg_str *chain, size_t n)
{
	struct judging *j = arg;
	struct lg_svid svid;

	LG_TRY(lg_svid_verify(cx, j->domain, &j->bundle, chain, n, LG_EKU_SERVER, &svid));
	if (!lg_str_eq(svid.id, j->id))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the endpoint is %.*s", LG_FMT(svid.id));
	return LG_OK;
}

/* A self-serving endpoint is believed by the very bundle that it serves, any other by the one that is known of its domain (5.2.2.2). */
static lg_err
judging_begin(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_foreign *f, struct judging *j)
{
	struct lg_foreign other;
	lg_str bundle = f->bundle;

	j->id = f->endpoint_id;
	if (!lg_spiffe_id_domain(j->id, &j->domain))
		return lg_fail(cx, LG_E_INTERNAL, "an endpoint without a trust domain");
	if (!lg_str_eq(j->domain, f->domain)) {
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;

		LG_TRY(lg_view_begin(cx, c->ports.store, &v));
		if (lg_foreign_get(cx, v, tenant, j->domain, &other) != LG_OK || other.bundle.n == 0)
			return lg_fail(cx, LG_E_UNAUTHENTICATED, "the bundle of the endpoint's trust domain %.*s is not known", LG_FMT(j->domain));
		bundle = lg_dup(cx->arena, other.bundle);
	}
	lg_store_turn(c->ports.store);		/* no snapshot stays open over the network */
	return lg_svid_bundle_parse(cx, j->domain, bundle, &j->bundle);
}

static lg_err
ask(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_foreign *f, lg_str *ret)
{
	struct judging j = { .id = LG_NONE };
	struct lg_web_request rq = { .url = f->url, .ca = f->ca, .max = LG_SVID_BUNDLE };
	struct lg_web_reply reply;

	if (c->ports.web.ask == NULL)
		return lg_fail(cx, LG_E_UNAVAILABLE, "nothing outside is asked here");
	if (f->profile == LG_FOREIGN_SPIFFE) {
		LG_TRY(judging_begin(cx, c, tenant, f, &j));
		rq.judge = judge;
		rq.judge_arg = &j;
	}
	LG_TRY(c->ports.web.ask(c->ports.web.self, cx, &rq, &reply));
	if (reply.status != 200)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the bundle endpoint answers %d", reply.status);
	*ret = reply.body;
	return LG_OK;
}

/* A bundle that is older than ours is a replay or a stale copy (SPIFFE Trust Domain and Bundle 4.1.1). */
static lg_err
look(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_foreign *f, lg_str *ret)
{
	struct lg_svid_bundle had, has;

	LG_TRY(ask(cx, c, tenant, f, ret));
	LG_TRY(lg_svid_bundle_parse(cx, f->domain, *ret, &has));
	if (f->bundle.n > 0 && lg_svid_bundle_parse(cx, f->domain, f->bundle, &had) == LG_OK && has.sequence < had.sequence)
		return lg_fail(cx, LG_E_CONFLICT, "the bundle's sequence number goes back from %lld to %lld", (long long)had.sequence,
		    (long long)has.sequence);
	return LG_OK;
}

struct found {
	uint32_t tenant;
	const struct lg_foreign *asked;
	lg_str bundle, error;
	bool changed;
};

/* Only when something is new: a look that finds the same leaves no record. */
static lg_err
run_found(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct found *f = arg;
	struct lg_foreign now;

	f->changed = false;
	LG_TRY(lg_foreign_get(cx, v, f->tenant, f->asked->domain, &now));
	if (now.profile != f->asked->profile || !lg_str_eq(now.url, f->asked->url) || !lg_str_eq(now.bundle, f->asked->bundle))
		return LG_OK;			/* it is another one by now */
	if (f->bundle.n > 0 && !lg_str_eq(now.bundle, f->bundle)) {
		now.bundle = f->bundle;
		now.fetched = cx->now;
		f->changed = true;
	}
	now.error = f->error;
	lg_audit(v, now.domain, LG_NONE);
	return lg_foreign_put(cx, v, f->tenant, &now);
}

lg_err
lg_foreign_fetch(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_foreign *f)
{
	struct found found = { .tenant = tenant, .asked = f };
	char why[LG_ERROR_TEXT];
	lg_err e = look(cx, c, tenant, f, &found.bundle);

	memcpy(why, cx->error, sizeof why);
	if (e != LG_OK) {
		found.bundle = LG_NONE;
		found.error = lg_str_sub(lg_str_of(why), 0, LG_FOREIGN_ERROR);
	}
	if (!lg_str_eq(found.error, f->error) || (e == LG_OK && !lg_str_eq(found.bundle, f->bundle)))
		LG_TRY(lg_store_apply(cx, c->ports.store, tenant, "federation.refresh", run_found, &found, NULL));
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "%s", why);
}

/* ---- from time to time ------------------------------------------------------------------------------------------- */

/* When a domain was last asked: in memory, so that a start asks all of them. */
struct lg_foreign_asked {
	uint32_t tenant;
	lg_sha256 domain;
	int64_t at;
};

struct lg_foreign_times {
	struct lg_foreign_asked v[LG_FOREIGN_DOMAINS * 16];
	size_t n, next;
};

/* One thread at a time calls this: the one that keeps house. */
static struct lg_foreign_asked *
asked_at(struct lg_certs *c, uint32_t tenant, lg_str domain)
{
	struct lg_foreign_times *t = c->foreign_times;
	lg_sha256 h = lg_sha256_of(domain);
	struct lg_foreign_asked *a;

	if (t == NULL) {
		t = c->foreign_times = calloc(1, sizeof *t);
		if (t == NULL)
			abort();
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].tenant == tenant && memcmp(t->v[i].domain.b, h.b, sizeof h.b) == 0)
			return &t->v[i];
	a = &t->v[t->next];
	t->next = (t->next + 1) % LG_COUNT(t->v);
	t->n += t->n < LG_COUNT(t->v);
	*a = (struct lg_foreign_asked){ tenant, h, INT64_MIN / 2 };
	return a;
}

static int64_t
pause_of(struct lg_ctx *cx, const struct lg_foreign *f)
{
	struct lg_svid_bundle b;

	if (f->bundle.n == 0 || f->error.n > 0 || lg_svid_bundle_parse(cx, f->domain, f->bundle, &b) != LG_OK)
		return LG_MINUTE;
	return b.refresh;
}

lg_err
lg_certs_refresh_bundles(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant)
{
	struct lg_foreign *v;
	size_t n;

	{
		LG_AUTO(lg_view_end) struct lg_view *view = NULL;

		LG_TRY(lg_view_begin(cx, c->ports.store, &view));
		LG_TRY(lg_foreign_all(cx, view, tenant, &v, &n));
	}
	lg_store_turn(c->ports.store);
	for (size_t i = 0; i < n; i++) {
		struct lg_foreign_asked *a = asked_at(c, tenant, v[i].domain);

		if (v[i].profile == LG_FOREIGN_MANUAL || cx->now - a->at < pause_of(cx, &v[i]))
			continue;
		a->at = cx->now;
		if (lg_foreign_fetch(cx, c, tenant, &v[i]) != LG_OK)
			cx->error[0] = '\0';		/* the row says why */
	}
	return LG_OK;
}
