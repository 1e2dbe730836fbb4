/* census.c: see census.h. */
#include "certs/census.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "certs/ssh.h"
#include "certs/trust.h"

static const int days[LG_CENSUS_BOUNDS - 1] = { 1, 3, 7, 14, 30, 60, 90 };

struct counting {
	struct lg_certs *c;
	uint32_t tenant;
	struct lg_census_series series[LG_PROFILES * 2];	/* its own profiles, and those that are built in or gone by now */
	size_t nseries;
	struct lg_unrenewed *ret;
	struct holder *holders;		/* of this slice */
	struct lg_certs_key at;		/* the last key that was looked at */
	bool more;
};

/* ---- how many ------------------------------------------------------------------------------------------ */

static struct lg_census_series *
series_of(struct counting *co, lg_str profile)
{
	for (size_t i = 0; i < co->nseries; i++)
		if (lg_str_eq(profile, lg_str_of(co->series[i].profile)))
			return &co->series[i];
	if (co->nseries == LG_COUNT(co->series))
		return NULL;
	struct lg_census_series *s = &co->series[co->nseries++];
	*s = (struct lg_census_series){ .tenant = co->tenant };
	snprintf(s->profile, sizeof s->profile, "%.*s", LG_FMT(profile));
	return s;
}

static void
count(struct counting *co, lg_str profile, int64_t left, int by)
{
	struct lg_census_series *s = series_of(co, profile);

	for (size_t i = 0; s != NULL && i < LG_CENSUS_BOUNDS; i++)
		if (i == LG_COUNT(days) || left < days[i] * LG_DAY)
			s->within[i] += (uint64_t)by;
}

/* What was revoked is in the index by expiry all the same. */
static lg_err
take_off_revoked(struct lg_ctx *cx, struct counting *co)
{
	struct lg_certs_key prefix = lg_certs_key_of(co->tenant);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	LG_AUTO(lg_cursor_end) struct lg_cursor cur = { 0 };
	lg_str key, value;

	LG_TRY(lg_view_begin(cx, co->c->ports.store, &v));
	LG_TRY(lg_scan(cx, v, &lg_certs_revoked, lg_certs_key_str(&prefix), LG_NONE, &cur));
	while (lg_cursor_next(&cur, &key, &value)) {
		struct lg_revoked_row r;
		struct lg_cert_row row;
		lg_serial serial;

		memcpy(serial.b, key.p + key.n - sizeof serial.b, sizeof serial.b);
		LG_TRY(lg_revoked_row_decode(cx, &serial, value, &r));
		if (r.expires > cx->now && lg_cert_find(cx, v, co->tenant, &serial, &row) == LG_OK)
			count(co, row.profile, r.expires - cx->now, -1);
	}
	return LG_OK;
}

/* ---- renewed? --------------------------------------------------------------------------------------------- */

/* What a certificate is for: its profile, and of a server's its names; an identity has one certificate of a profile. */
struct held {
	uint64_t purpose;
	int64_t ends;
};

struct holder {
	struct holder *next;
	lg_uuid entry;
	struct held *held;
	size_t n, size;
};

struct gathering {
	struct lg_ctx *cx;
	struct holder *h;
};

static int
by_text(const void *a, const void *b)
{
	return lg_str_cmp(*(const lg_str *)a, *(const lg_str *)b);
}

static uint64_t
purpose_of(struct lg_ctx *cx, const struct lg_cert_row *row)
{
	lg_str all[2 * LG_CERT_NAMES], text = row->profile;
	bool ours = lg_uuid_is_nil(row->entry);	/* of a listener, whose URI is always the same */
	struct lg_x509 x;
	uint64_t number;
	size_t n = 0;

	if (!lg_ssh_serial(&row->serial, &number) && lg_x509_parse(cx, row->der, &x) == LG_OK && (x.exts.names.nuri == 0 || ours)) {
		for (size_t i = 0; i < x.exts.names.ndns; i++)
			all[n++] = x.exts.names.dns[i];
		for (size_t i = 0; i < x.exts.names.nip; i++)
			all[n++] = x.exts.names.ip[i];
	}
	qsort(all, n, sizeof *all, by_text);
	for (size_t i = 0; i < n; i++)
		text = lg_print(cx->arena, "%.*s %.*s", LG_FMT(text), LG_FMT(all[i]));
	lg_sha256 h = lg_sha256_of(text);
	memcpy(&number, h.b, sizeof number);
	return number;
}

static bool
gather(void *arg, const struct lg_cert_row *row)
{
	struct gathering *g = arg;
	struct holder *h = g->h;

	if (row->state != LG_CERT_ISSUED)
		return true;
	if (h->n == h->size) {
		struct held *more = LG_NEWS(g->cx->arena, struct held, 2 * h->size + 4);
		if (h->n > 0)
			memcpy(more, h->held, h->n * sizeof *more);
		h->held = more;
		h->size = 2 * h->size + 4;
	}
	h->held[h->n++] = (struct held){ purpose_of(g->cx, row), row->expires };
	return h->n < LG_CENSUS_HELD;
}

/* All that the entry holds and that is alive. */
static lg_err
holder_of(struct lg_ctx *cx, struct lg_view *v, struct counting *co, lg_uuid entry, const struct holder **ret)
{
	struct holder *h = co->holders;

	while (h != NULL && !lg_uuid_eq(h->entry, entry))
		h = h->next;
	if (h == NULL) {
		h = LG_NEW(cx->arena, struct holder);
		*h = (struct holder){ .next = co->holders, .entry = entry };
		LG_TRY(lg_cert_list_of(cx, v, co->tenant, entry, cx->now, NULL, gather, &(struct gathering){ cx, h }));
		co->holders = h;
	}
	*ret = h;
	return LG_OK;
}

/* People come back for a certificate when they need one, and a container's agent says itself what it cannot renew. */
static bool
comes_and_goes(const struct lg_cert_row *row)
{
	return lg_str_eq(row->type, LG_STR("User")) || lg_str_eq(row->type, LG_STR("Workload"));
}

static lg_err
look_at(struct lg_ctx *cx, struct lg_view *v, struct counting *co, const lg_serial *serial)
{
	struct lg_unrenewed *u = co->ret;
	const struct holder *h;
	struct lg_cert_row row;
	uint64_t purpose;

	LG_TRY(lg_cert_find(cx, v, co->tenant, serial, &row));
	if (row.state != LG_CERT_ISSUED || comes_and_goes(&row))
		return LG_OK;
	LG_TRY(holder_of(cx, v, co, row.entry, &h));
	purpose = purpose_of(cx, &row);
	if (h->n == LG_CENSUS_HELD)
		return LG_OK;
	for (size_t i = 0; i < h->n; i++)
		if (h->held[i].purpose == purpose && h->held[i].ends > row.expires)
			return LG_OK;
	if (u->count < LG_UNRENEWED)
		u->v[u->count] = (struct lg_unrenewed_one){ .serial = row.serial, .expires = row.expires, .type = lg_dup(u->arena, row.type),
			.name = lg_dup(u->arena, row.name), .profile = lg_dup(u->arena, row.profile) };
	u->count++;
	return LG_OK;
}

/* ---- one slice ----------------------------------------------------------------------------------------------- */

static lg_err
take(struct lg_ctx *cx, struct lg_view *v, struct counting *co, lg_str key, lg_str value)
{
	struct lg_rd k = lg_rd_of(lg_str_sub(key, 4, 8)), r = lg_rd_of(value);
	int64_t expires = (int64_t)lg_rd_u64(&k), begins = (int64_t)lg_rd_u64(&r), left = expires - cx->now;
	lg_serial serial;

	if (key.n != 12 + sizeof serial.b || value.n < 8)
		return lg_fail(cx, LG_E_CORRUPT, "an index row of certificates is too short");
	memcpy(serial.b, key.p + 12, sizeof serial.b);
	count(co, lg_str_sub(value, 8, value.n), left, 1);
	return left < (expires - begins - LG_CERT_BACKDATE) / LG_RENEWED_LATEST ? look_at(cx, v, co, &serial) : LG_OK;
}

static lg_err
slice(struct lg_ctx *cx, struct counting *co)
{
	struct lg_certs_key prefix = lg_certs_key_of(co->tenant), from = co->at;
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	LG_AUTO(lg_cursor_end) struct lg_cursor cur = { 0 };
	lg_str key, value;
	size_t n = 0;

	co->more = false;
	co->holders = NULL;
	LG_TRY(lg_view_begin(cx, co->c->ports.store, &v));
	LG_TRY(lg_scan(cx, v, &lg_certs_by_expiry, lg_certs_key_str(&prefix), lg_certs_key_str(&from), &cur));
	while (!co->more && lg_cursor_next(&cur, &key, &value)) {
		if (lg_str_eq(key, lg_certs_key_str(&from)))
			continue;
		co->at.n = 0;
		lg_certs_key_add(&co->at, key.p, key.n);
		LG_TRY(take(cx, v, co, key, value));
		co->more = ++n == LG_CENSUS_SLICE;
	}
	return LG_OK;
}

static lg_err
count_all(struct lg_ctx *cx, struct counting *co)
{
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	struct lg_ctx own = *cx;
	lg_err e = LG_OK;

	own.arena = arena;
	co->at = lg_certs_key_of(co->tenant);
	lg_certs_key_u64(&co->at, (uint64_t)cx->now);
	do {
		e = slice(&own, co);
		lg_store_turn(co->c->ports.store);
		lg_arena_reset(arena);
	} while (e == LG_OK && co->more);
	if (e == LG_OK)
		e = take_off_revoked(&own, co);
	lg_store_turn(co->c->ports.store);
	memcpy(cx->error, own.error, sizeof cx->error);
	return e;
}

/* ---- what is told -------------------------------------------------------------------------------------------------- */

struct lg_census *
lg_census_new(void)
{
	struct lg_census *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	return t;
}

static void
publish(struct lg_certs *c, const struct counting *co)
{
	struct lg_census *t;
	size_t kept = 0, ends = 0;

	pthread_mutex_lock(&c->lock);
	t = c->census;
	for (size_t i = 0; i < t->nseries; i++)
		if (t->series[i].tenant != co->tenant)
			t->series[kept++] = t->series[i];
	for (size_t i = 0; i < co->nseries && kept < LG_CENSUS_SERIES; i++)
		t->series[kept++] = co->series[i];
	t->nseries = kept;
	while (ends < t->nends && t->ends[ends].tenant != co->tenant)
		ends++;
	if (ends < LG_COUNT(t->ends))
		t->ends[ends] = (struct lg_census_ends){ co->tenant, co->ret->count };
	t->nends += ends == t->nends && ends < LG_COUNT(t->ends);
	pthread_mutex_unlock(&c->lock);
}

lg_err
lg_certs_census(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, struct lg_unrenewed *ret)
{
	struct counting *co = LG_NEW(cx->arena, struct counting);

	*ret = (struct lg_unrenewed){ .arena = cx->arena };
	*co = (struct counting){ .c = c, .tenant = tenant, .ret = ret };
	LG_TRY(count_all(cx, co));
	publish(c, co);
	return LG_OK;
}

void
lg_census_put(const struct lg_census *t, struct lg_buf *out)
{
	lg_buf_str(out, LG_STR("# TYPE lightgate_certificates_live gauge\n"
	    "# HELP lightgate_certificates_live Certificates that have not ended and are not revoked, by how soon they end.\n"));
	for (size_t i = 0; i < t->nseries; i++)
		for (size_t b = 0; b < LG_CENSUS_BOUNDS; b++) {
			const struct lg_census_series *s = &t->series[i];
			lg_buf_printf(out, "lightgate_certificates_live{tenant=\"%u\",profile=\"%s\",within_days=\"", s->tenant, s->profile);
			if (b < LG_COUNT(days))
				lg_buf_printf(out, "%d", days[b]);
			else
				lg_buf_str(out, LG_STR("+Inf"));
			lg_buf_printf(out, "\"} %llu\n", (unsigned long long)s->within[b]);
		}
	lg_buf_str(out, LG_STR("# TYPE lightgate_certificates_unrenewed gauge\n"
	    "# HELP lightgate_certificates_unrenewed Certificates in the last sixth of their life that nobody has renewed.\n"));
	for (size_t i = 0; i < t->nends; i++)
		lg_buf_printf(out, "lightgate_certificates_unrenewed{tenant=\"%u\"} %llu\n", t->ends[i].tenant,
		    (unsigned long long)t->ends[i].unrenewed);
}
