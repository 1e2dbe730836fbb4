/*
 * peer.c: whose certificate is this?  Asked at every listener, for every connection.
 *
 * Four questions in a row: is it a leaf as we make them; did the issuing CA of the tenant named by its URI sign it; do our own
 * records say the same (issued for this entry, not revoked); is the entry still there.  The third makes a stolen CA key
 * insufficient; it also ties the certificate to the entry rather than to a name that somebody else may carry later.
 */
#include "certs/chain.h"
#include "certs/lint.h"
#include "certs/names.h"
#include "certs/peer.h"
#include "certs/peer_cache.h"
#include "certs/rows.h"
#include "certs/trust.h"

/* ---- the certificate ---------------------------------------------------------------------------------- */

static const struct lg_ca_cert *
issuer_of(const struct lg_ca *ca, const struct lg_x509 *x)
{
	for (size_t i = 0; i < ca->nissuers; i++)
		if (lg_str_eq(ca->issuer[i].x509.exts.ski, x->exts.aki))
			return &ca->issuer[i];
	return NULL;
}

static lg_err
check_identity(struct lg_ctx *cx, const struct lg_x509 *x, struct lg_spiffe *ret)
{
	if ((x->exts.eku & LG_EKU_CLIENT) == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate is not for clients");
	if (x->exts.names.nuri != 1)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate must have exactly one URI");
	return lg_spiffe_parse(cx, x->exts.names.uri[0], ret);
}

lg_err
lg_peer_certificate(struct lg_ctx *cx, const struct lg_trust *t, lg_str der, int64_t now, struct lg_peer_found *ret)
{
	struct lg_peer_found f;

	if (der.n > LG_CERT_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %u octets", LG_CERT_MAX);
	LG_TRY(lg_x509_parse(cx, der, &f.x509));
	LG_TRY(lg_x509_lint(cx, &f.x509));
	LG_TRY(check_identity(cx, &f.x509, &f.id));
	f.ca = lg_trust_domain(t, f.id.domain);
	if (f.ca == NULL)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "trust domain %.*s is not ours", LG_FMT(f.id.domain));
	if (lg_cert_names_within(cx, &f.ca->au, &f.x509.exts.names) != LG_OK)
		return LG_E_UNAUTHENTICATED;
	f.issuer = issuer_of(f.ca, &f.x509);
	if (f.issuer == NULL)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "its issuer does not speak for trust domain %.*s", LG_FMT(f.id.domain));
	LG_TRY(lg_x509_link(cx, &f.issuer->x509, f.issuer->key, &f.x509, now));
	if (lg_ca_names_permitted(cx, f.issuer, f.x509.subject, &f.x509.exts.names) != LG_OK)
		return LG_E_UNAUTHENTICATED;
	*ret = f;
	return LG_OK;
}

static lg_err
check_path_time(struct lg_ctx *cx, const struct lg_peer_found *f, int64_t now)
{
	if (lg_x509_valid_at(cx, &f->issuer->x509, now) != LG_OK || lg_x509_valid_at(cx, &f->issuer->above->x509, now) != LG_OK)
		return lg_fail(cx, LG_E_EXPIRED, "a certificate of the authority is outside its time");
	return LG_OK;
}

/* ---- the records ----------------------------------------------------------------------------------------- */

lg_err
lg_peer_record(struct lg_ctx *cx, struct lg_view *v, const struct lg_peer_found *f, const lg_sha256 *sha256, struct lg_cert_row *ret)
{
	struct lg_cert_row row;
	lg_serial serial;
	lg_err e;

	if (f->x509.serial.n != sizeof serial.b)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it has no serial number of ours");
	memcpy(serial.b, f->x509.serial.p, sizeof serial.b);
	e = lg_cert_find(cx, v, f->ca->au.tenant, &serial, &row);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is not in the inventory");
	LG_TRY(e);
	if (row.state == LG_CERT_REVOKED)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is revoked");
	if (row.state != LG_CERT_ISSUED || memcmp(row.sha256.b, sha256->b, sizeof sha256->b) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is not what the inventory holds under its serial number");
	if (!lg_str_eq(row.type, f->id.type) || !lg_str_eq(row.name, f->id.name))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the inventory knows it under another name");
	*ret = row;
	return LG_OK;
}

lg_err
lg_peer_entry(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_uuid id, const struct lg_spiffe *name,
    struct lg_cert_subject *ret)
{
	const struct lg_cert_subjects *port = &c->ports.subjects;
	struct lg_cert_subject entry;
	lg_err e = port->by_id(port->self, cx, v, tenant, id, &entry);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the entry it was issued for is gone");
	LG_TRY(e);
	if (!lg_str_eq(entry.type, name->type) || !lg_str_eq(entry.name, name->name) || !lg_str_eq(entry.project, name->project))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the entry it was issued for has another name now");
	if (!entry.enabled)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the entry it was issued for is disabled");
	*ret = entry;
	return LG_OK;
}

/* ---- cold and warm ------------------------------------------------------------------------------------------ */

static void
keep_text(char *to, size_t size, lg_str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	memcpy(to, s.p == NULL ? "" : s.p, n);
	to[n] = 0;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static lg_err
verify(struct lg_ctx *cx, struct lg_certs *c, const struct lg_trust *t, struct lg_view *v, lg_str der, const lg_sha256 *sha256,
    struct lg_peer_kept *ret)
{
	struct lg_peer_kept kept = { .trust = t->number, .sha256 = *sha256 };
	struct lg_cert_subject entry;
	struct lg_peer_found f;
	struct lg_cert_row row;

	LG_TRY(lg_peer_certificate(cx, t, der, cx->now, &f));
	LG_TRY(check_path_time(cx, &f, cx->now));
	LG_TRY(lg_peer_record(cx, v, &f, sha256, &row));
	LG_TRY(lg_peer_entry(cx, c, v, f.ca->au.tenant, row.entry, &f.id, &entry));
	kept.tenant = f.ca->au.tenant;
	kept.trust_revision = lg_revision(v, kept.tenant, LG_DOMAIN_TRUST);
	kept.entry_revision = lg_revision(v, kept.tenant, LG_DOMAIN_ENTRY);
	kept.begins = f.x509.not_before;
	kept.expires = earlier(f.x509.not_after, earlier(f.issuer->x509.not_after, f.issuer->above->x509.not_after));
	kept.id = row.entry;
	kept.serial = row.serial;
	keep_text(kept.type, sizeof kept.type, f.id.type);
	keep_text(kept.name, sizeof kept.name, f.id.name);
	keep_text(kept.project, sizeof kept.project, f.id.project);
	*ret = kept;
	return LG_OK;
}

/* Is what was found earlier still so?  False: verify anew, which also finds the words for a refusal. */
static bool
still_true(struct lg_ctx *cx, struct lg_certs *c, const struct lg_trust *t, struct lg_view *v, struct lg_peer_kept *kept)
{
	struct lg_cert_subject entry;
	uint64_t revision;

	if (kept->trust != t->number || kept->trust_revision != lg_revision(v, kept->tenant, LG_DOMAIN_TRUST) ||
	    cx->now < kept->begins || cx->now > kept->expires)
		return false;
	revision = lg_revision(v, kept->tenant, LG_DOMAIN_ENTRY);
	if (kept->entry_revision != revision) {
		struct lg_spiffe name = { LG_NONE, lg_str_of(kept->type), lg_str_of(kept->project), lg_str_of(kept->name) };

		if (lg_peer_entry(cx, c, v, kept->tenant, kept->id, &name, &entry) != LG_OK)
			return false;
		kept->entry_revision = revision;
	}
	return true;
}

/* Whatever is wrong with the certificate means the same to a listener; a store that fails is another matter. */
lg_err
lg_peer_refusal(struct lg_ctx *cx, lg_err e)
{
	switch (e) {
	case LG_E_INVALID:
	case LG_E_LIMIT:
	case LG_E_UNSUPPORTED:
	case LG_E_NOT_FOUND:
	case LG_E_UNAUTHENTICATED:
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "client certificate");
	default:
		return lg_fail_in(cx, e, "client certificate");
	}
}

lg_err
lg_certs_peer(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, lg_str der, struct lg_certs_peer *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	lg_sha256 sha256 = lg_sha256_of(der);
	struct lg_peer_kept *kept = lg_peer_cache_find(&sha256), fresh;

	if (kept == NULL || !still_true(cx, c, t, v, kept)) {
		lg_err e = verify(cx, c, t, v, der, &sha256, &fresh);

		if (e != LG_OK)
			return lg_peer_refusal(cx, e);
		lg_peer_cache_put(&fresh);
		kept = &fresh;
	}
	*ret = (struct lg_certs_peer){ .tenant = kept->tenant, .id = kept->id, .sha256 = sha256, .serial = kept->serial,
		.expires = kept->expires, .type = lg_dup(cx->arena, lg_str_of(kept->type)),
		.name = lg_dup(cx->arena, lg_str_of(kept->name)), .project = lg_dup(cx->arena, lg_str_of(kept->project)) };
	return LG_OK;
}
