/*
 * crl.c: CRLs (RFC 5280 5) of an issuing certificate, signed by the keeper and kept until trust changes.
 *
 * The full list names its delta (5.2.6); a leaf names its part of sixteen, which says so itself (5.2.5).  An entry stays on a list
 * for one list's life after the certificate has expired (5.3 and 3.3: it must be seen once more).
 */
#include "certs/crl.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/text.h"
#include "certs/rows.h"
#include "crypto/oid.h"
#include "crypto/x509.h"

#define CRL_MAX		LG_HTTP_RESPONSE_MAX
#define CRL_LIFE	LG_DAY

/* ---- the list ----------------------------------------------------------------------------------- */

static void
put_time(struct lg_buf *b, int64_t us)
{
	lg_derw_time(b, us - us % LG_SECOND);
}

/* 5.3.1: reason "unspecified" is said by leaving the extension out. */
static void
put_reason(struct lg_buf *b, enum lg_revocation why)
{
	const lg_str oid = LG_STR("\x55\x1d\x15");
	struct lg_x509_ext e;
	size_t exts;

	if (why == LG_REVOKED_UNSPECIFIED)
		return;
	exts = lg_derw_begin(b, LG_DER_SEQUENCE);
	e = lg_x509_ext_begin(b, oid, false);
	lg_derw_enumerated(b, why);
	lg_x509_ext_end(b, e);
	lg_derw_end(b, exts);
}

static void
put_entry(struct lg_buf *b, const struct lg_revoked_row *row)
{
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_unsigned(b, (lg_str){ (const char *)row->serial.b, sizeof row->serial.b });
	put_time(b, row->time);
	put_reason(b, row->why);
	lg_derw_end(b, seq);
}

/* What one list is made from: one snapshot. */
struct making {
	struct lg_view *v;
	uint32_t tenant;
	const struct lg_ca_cert *issuer;
	const struct lg_crl_name *name;
	uint64_t base;			/* of a delta: changes after this record are in it */
};

typedef lg_err each_row(struct lg_ctx *cx, struct making *m, const struct lg_revoked_row *row, struct lg_buf *b);

static lg_err
walk(struct lg_ctx *cx, struct making *m, each_row *each, struct lg_buf *b)
{
	struct lg_certs_key prefix = lg_certs_key_of(m->tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	LG_TRY(lg_scan(cx, m->v, &lg_certs_revoked, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		struct lg_revoked_row row;
		lg_serial serial;

		if (key.n != prefix.n + sizeof serial.b)
			return lg_fail(cx, LG_E_CORRUPT, "a key of revocations has the wrong length");
		memcpy(serial.b, key.p + prefix.n, sizeof serial.b);
		LG_TRY(lg_revoked_row_decode(cx, &serial, value, &row));
		if (memcmp(row.issuer.b, m->issuer->sha256.b, sizeof row.issuer.b) == 0 && row.expires + CRL_LIFE > cx->now)
			LG_TRY(each(cx, m, &row, b));
	}
	return LG_OK;
}

static unsigned
part_of(const lg_serial *serial)
{
	return serial->b[sizeof serial->b - 1] & (LG_CRL_PARTS - 1);
}

static lg_err
take(struct lg_ctx *cx, struct making *m, const struct lg_revoked_row *row, struct lg_buf *b)
{
	(void)cx;
	if ((m->name->kind == LG_CRL_PART && part_of(&row->serial) != m->name->part) ||
	    (m->name->kind == LG_CRL_DELTA && row->seq <= m->base))
		return LG_OK;
	put_entry(b, row);
	return LG_OK;
}

/* Full lists of a list's life ago are the oldest that somebody may combine with a delta; the last revocation before that begins it. */
static lg_err
find_base(struct lg_ctx *cx, struct making *m, const struct lg_revoked_row *row, struct lg_buf *b)
{
	(void)b;
	if (row->time < cx->now - CRL_LIFE - LG_CERT_BACKDATE && row->seq > m->base)
		m->base = row->seq;
	return LG_OK;
}

/* In order of serial numbers.  An empty list must not stand there (5.1.2.6). */
static lg_err
put_entries(struct lg_ctx *cx, struct making *m, struct lg_buf *b)
{
	LG_AUTO(lg_buf_free) struct lg_buf list = LG_BUF(CRL_MAX);

	if (m->name->kind == LG_CRL_DELTA)
		LG_TRY(walk(cx, m, find_base, NULL));
	LG_TRY(walk(cx, m, take, &list));
	LG_TRY(lg_buf_status(cx, &list));
	if (list.n > 0)
		lg_derw_element(b, LG_DER_SEQUENCE, lg_buf_view(&list));
	return LG_OK;
}

/* 5.2.3: rises with every list; the log's sequence number, and the time for lists of the same state. */
static void
put_number(struct lg_buf *b, lg_str oid, bool critical, uint64_t seq, int64_t now)
{
	uint64_t seconds = (uint64_t)(now / LG_SECOND);
	uint8_t number[12];
	struct lg_x509_ext e;

	for (size_t i = 0; i < 8; i++)
		number[i] = (uint8_t)(seq >> (56 - 8 * i));
	for (size_t i = 0; i < 4; i++)
		number[8 + i] = (uint8_t)(seconds >> (24 - 8 * i));
	e = lg_x509_ext_begin(b, oid, critical);
	lg_derw_unsigned(b, (lg_str){ (const char *)number, sizeof number });
	lg_x509_ext_end(b, e);
}

/* DistributionPointName: fullName [0] of one URI. */
static void
put_point_name(struct lg_buf *b, lg_str url)
{
	size_t name = lg_derw_begin(b, LG_DER_EXPLICIT(0)), full = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	lg_derw_element(b, LG_DER_IMPLICIT(6), url);
	lg_derw_end(b, full);
	lg_derw_end(b, name);
}

/* 5.2.5, critical: who takes a part for the whole would take what is revoked for good. */
static void
put_issuing_point(struct lg_buf *b, lg_str url)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x1c"), true);
	size_t point = lg_derw_begin(b, LG_DER_SEQUENCE);

	put_point_name(b, url);
	lg_derw_end(b, point);
	lg_x509_ext_end(b, e);
}

/* 5.2.6: where the full list says that its delta is. */
static void
put_freshest(struct lg_buf *b, lg_str url)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x2e"), false);
	size_t points = lg_derw_begin(b, LG_DER_SEQUENCE), point = lg_derw_begin(b, LG_DER_SEQUENCE);

	put_point_name(b, url);
	lg_derw_end(b, point);
	lg_derw_end(b, points);
	lg_x509_ext_end(b, e);
}

static void
put_extensions(struct lg_ctx *cx, struct making *m, struct lg_buf *b)
{
	size_t tagged = lg_derw_begin(b, LG_DER_EXPLICIT(0)), list = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_str url = m->issuer->crl_url;

	lg_x509_put_aki(b, m->issuer->x509.exts.ski);
	put_number(b, LG_OID_CRL_NUMBER, false, lg_view_seq(m->v), cx->now);
	switch (m->name->kind) {
	case LG_CRL_FULL:
		put_freshest(b, lg_print(cx->arena, "%.*s.delta.crl", LG_FMT(url)));
		break;
	case LG_CRL_DELTA:		/* 5.2.4: of which full lists it is the rest */
		put_number(b, LG_STR("\x55\x1d\x1b"), true, m->base, 0);
		break;
	case LG_CRL_PART:
		put_issuing_point(b, lg_print(cx->arena, "%.*s/%x.crl", LG_FMT(url), m->name->part));
	}
	lg_derw_end(b, list);
	lg_derw_end(b, tagged);
}

/* TBSCertList (5.1.2). */
static lg_err
write_tbs(struct lg_ctx *cx, struct making *m, struct lg_buf *b)
{
	size_t tbs = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_int(b, 1);			/* v2 */
	lg_derw_raw(b, lg_x509_alg(m->issuer->alg));
	lg_derw_raw(b, m->issuer->x509.subject);
	put_time(b, cx->now - LG_CERT_BACKDATE);
	put_time(b, cx->now + CRL_LIFE);
	LG_TRY(put_entries(cx, m, b));
	put_extensions(cx, m, b);
	lg_derw_end(b, tbs);
	return lg_buf_status(cx, b);
}

/* A retired issuer's list is signed by its own key, as long as the keeper still has it: what comes back is verified. */
static lg_err
sign(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_ca_cert *issuer, lg_str tbs, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(CRL_MAX);
	size_t whole;
	lg_str sig;

	LG_TRY(c->ports.signer.crl_wait(c->ports.signer.self, cx, tenant, tbs, &sig));
	if (!lg_verify_der(issuer->key, issuer->alg, tbs, sig))
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper does not sign for this issuer any more");
	whole = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_raw(&b, tbs);
	lg_derw_raw(&b, lg_x509_alg(issuer->alg));
	lg_derw_bits(&b, sig);
	lg_derw_end(&b, whole);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* The snapshot is given back before the keeper is asked. */
static lg_err
tbs_of(struct lg_ctx *cx, struct lg_certs *c, struct making *m, uint64_t *revision, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(CRL_MAX);
	struct lg_view *v;
	lg_err e;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	*revision = lg_revision(v, m->tenant, LG_DOMAIN_TRUST);
	m->v = v;
	e = write_tbs(cx, m, &b);
	lg_view_end(&v);
	lg_store_turn(c->ports.store);
	LG_TRY(e);
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* ---- kept lists --------------------------------------------------------------------------------------- */

void
lg_crl_der_unref(struct lg_crl_der **d)
{
	if (*d != NULL && atomic_fetch_sub_explicit(&(*d)->refs, 1, memory_order_acq_rel) == 1)
		free(*d);
	*d = NULL;
}

static bool
same(const struct lg_crl_kept *k, const struct lg_crl_kept *wanted)
{
	return k->der != NULL && k->tenant == wanted->tenant && k->kind == wanted->kind && k->part == wanted->part &&
	    memcmp(k->issuer.b, wanted->issuer.b, sizeof k->issuer.b) == 0;
}

/* A list that is current: of this revision, and in the first half of its life. */
static bool
find(struct lg_ctx *cx, struct lg_certs *c, const struct lg_crl_kept *wanted, lg_str *ret)
{
	LG_AUTO(lg_crl_der_unref) struct lg_crl_der *found = NULL;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < LG_CRLS && found == NULL; i++) {
		const struct lg_crl_kept *k = &c->crl[i];

		if (!same(k, wanted) || k->revision != wanted->revision || cx->now < k->made || cx->now > k->made + CRL_LIFE / 2)
			continue;
		found = k->der;
		atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&c->lock);
	if (found != NULL)
		*ret = lg_dup(cx->arena, (lg_str){ found->p, found->n });
	return found != NULL;
}

/* Takes the place of the issuer's last list, else of the oldest. */
static void
keep(struct lg_certs *c, const struct lg_crl_kept *fresh)
{
	LG_AUTO(lg_crl_der_unref) struct lg_crl_der *old = NULL;
	struct lg_crl_kept *at = &c->crl[0];

	pthread_mutex_lock(&c->lock);
	for (size_t i = 1; i < LG_CRLS; i++)
		if (c->crl[i].made < at->made)
			at = &c->crl[i];
	for (size_t i = 0; i < LG_CRLS; i++)
		if (same(&c->crl[i], fresh))
			at = &c->crl[i];
	old = at->der;
	*at = *fresh;
	pthread_mutex_unlock(&c->lock);
}

static lg_err
build(struct lg_ctx *cx, struct lg_certs *c, struct making *m, const struct lg_crl_kept *wanted, lg_str *ret)
{
	struct lg_crl_kept fresh = *wanted;
	lg_str tbs, crl;

	fresh.made = cx->now;
	LG_TRY(tbs_of(cx, c, m, &fresh.revision, &tbs));
	LG_TRY(sign(cx, c, m->tenant, m->issuer, tbs, &crl));
	fresh.der = malloc(sizeof *fresh.der + crl.n);
	if (fresh.der != NULL) {
		atomic_init(&fresh.der->refs, 1);
		fresh.der->n = crl.n;
		memcpy(fresh.der->p, crl.p, crl.n);
		keep(c, &fresh);
	}
	*ret = crl;
	return LG_OK;
}

static lg_err
current_revision(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, uint64_t *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	*ret = lg_revision(v, tenant, LG_DOMAIN_TRUST);
	return LG_OK;
}

lg_err
lg_crl_get(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_crl_name *name, lg_str *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct lg_crl_kept wanted = { .tenant = tenant, .kind = name->kind, .part = name->part };
	struct making m = { .tenant = tenant, .name = name };
	const struct lg_ca *ca;
	lg_err e;

	LG_TRY(lg_trust_tenant(cx, t, tenant, &ca));
	m.issuer = lg_ca_by_kid(ca, name->kid, false);
	if (m.issuer == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "no such issuer");
	wanted.issuer = m.issuer->sha256;
	LG_TRY(current_revision(cx, c, tenant, &wanted.revision));
	if (find(cx, c, &wanted, ret))
		return LG_OK;
	pthread_mutex_lock(&c->crl_build);	/* many readers who ask at once get one list */
	e = find(cx, c, &wanted, ret) ? LG_OK : build(cx, c, &m, &wanted, ret);
	pthread_mutex_unlock(&c->crl_build);
	return e;
}

lg_err
lg_certs_crl(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str kid, lg_str *ret)
{
	return lg_crl_get(cx, c, tenant, &(struct lg_crl_name){ LG_CRL_FULL, 0, kid }, ret);
}

/* ---- names ------------------------------------------------------------------------------------------- */

bool
lg_crl_name_parse(lg_str text, struct lg_crl_name *ret)
{
	const lg_str end = LG_STR(".crl"), delta = LG_STR(".delta.crl");
	lg_str part;

	*ret = (struct lg_crl_name){ .kind = LG_CRL_FULL };
	if (!lg_str_ends(text, end))
		return false;
	if (lg_str_ends(text, delta)) {
		ret->kind = LG_CRL_DELTA;
		ret->kid = lg_str_sub(text, 0, text.n - delta.n);
		return ret->kid.n > 0;
	}
	ret->kid = lg_str_sub(text, 0, text.n - end.n);
	if (lg_str_cut(ret->kid, '/', &ret->kid, &part)) {
		int digit = part.n == 1 ? lg_hex_digit(part.p[0]) : -1;

		ret->kind = LG_CRL_PART;
		ret->part = (unsigned)(digit & (LG_CRL_PARTS - 1));
		return digit >= 0 && ret->kid.n > 0;
	}
	return ret->kid.n > 0;
}

lg_str
lg_crl_part_url(struct lg_arena *a, const struct lg_ca_cert *issuer, const lg_serial *serial)
{
	return lg_print(a, "%.*s/%x.crl", LG_FMT(issuer->crl_url), part_of(serial));
}
