/* svid.c: see svid.h. */
#include "certs/svid.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "certs/chain.h"
#include "certs/constraints.h"
#include "certs/names.h"

/* ---- bundles ------------------------------------------------------------------------------------------- */

/* X509-SVID 4.3: the certificate of an authority may name its domain, and then none but its own. */
static lg_err
check_root(struct lg_ctx *cx, lg_str domain, lg_str der)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_x509 x;
	lg_str named;

	LG_TRY(lg_x509_parse(cx, der, &x));
	LG_TRY(lg_x509_is_ca(cx, &x, 0));
	for (size_t i = 0; i < x.exts.names.nuri; i++)
		if (!lg_spiffe_id_domain(x.exts.names.uri[i], &named) || !lg_str_eq(named, domain))
			return lg_fail(cx, LG_E_INVALID, "a certificate of the bundle belongs to another trust domain");
	return lg_pubkey_from_spki(cx, x.spki, &key);
}

/* The first certificate of an x5c; empty: there is none. */
static lg_err
read_x5c(struct lg_ctx *cx, lg_str json, lg_str *ret)
{
	struct lg_json js;
	size_t n = 0;

	*ret = LG_NONE;
	lg_json_init(&js, cx->arena, json);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str text = lg_json_str(&js);

		if (n++ == 0 && !lg_base64_parse(cx->arena, text, ret))
			lg_json_fault(&js, "x5c is a list of certificates in base64");
	}
	return lg_json_end(cx, &js);
}

/* X509-SVID 6.2: of a key of use x509-svid the first certificate counts; without one it is passed over, like keys of other uses. */
static lg_err
read_key(struct lg_ctx *cx, lg_str domain, lg_str json, struct lg_svid_bundle *b)
{
	lg_str name, use = LG_NONE, x5c = LG_NONE, der;
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("use")))
			use = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("x5c")))
			x5c = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(cx, &js));
	if (!lg_str_eq(use, LG_STR("x509-svid")) || x5c.n == 0)
		return LG_OK;
	LG_TRY(read_x5c(cx, x5c, &der));
	if (der.n == 0)
		return LG_OK;
	if (b->nroots == LG_SVID_ROOTS)
		return lg_fail(cx, LG_E_INVALID, "the bundle has more than %d certificates", LG_SVID_ROOTS);
	LG_TRY(check_root(cx, domain, der));
	b->root[b->nroots++] = der;
	return LG_OK;
}

static int64_t
within(int64_t v, int64_t least, int64_t most)
{
	return v < least ? least : v > most ? most : v;
}

lg_err
lg_svid_bundle_parse(struct lg_ctx *cx, lg_str domain, lg_str json, struct lg_svid_bundle *ret)
{
	struct lg_svid_bundle b = { .sequence = -1, .refresh = LG_SVID_REFRESH };
	struct lg_json js;
	bool keys = false;
	lg_str name;

	if (json.n > LG_SVID_BUNDLE)
		return lg_fail(cx, LG_E_INVALID, "a bundle of more than %u octets", LG_SVID_BUNDLE);
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("spiffe_sequence"))) {
			b.sequence = lg_json_int(&js);
		} else if (lg_str_eq(name, LG_STR("spiffe_refresh_hint"))) {
			b.refresh = within(lg_json_int(&js), LG_MINUTE / LG_SECOND, LG_DAY / LG_SECOND) * LG_SECOND;
		} else if (lg_str_eq(name, LG_STR("keys"))) {
			keys = true;
			lg_json_array(&js);
			while (lg_json_item(&js))
				LG_TRY(read_key(cx, domain, lg_json_raw(&js), &b));
		} else {
			lg_json_skip(&js);
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	if (!keys)
		return lg_fail(cx, LG_E_INVALID, "a bundle has \"keys\" (SPIFFE Trust Domain and Bundle 4.1)");
	*ret = b;
	return LG_OK;
}

/* ---- certificates ------------------------------------------------------------------------------------------ */

/* X509-SVID 4: what makes a certificate somebody's. */
static lg_err
check_leaf(struct lg_ctx *cx, const struct lg_x509 *x, unsigned eku)
{
	const struct lg_x509_exts *e = &x->exts;
	enum lg_key_type type;

	if (x->version != 2 || e->ca || e->unknown_critical || lg_x509_has(e, LG_EXT_NAME_CONSTRAINTS))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is no leaf certificate (X509-SVID 4.1)");
	if ((e->key_usage & LG_KU_DIGITAL_SIGNATURE) == 0 || (e->key_usage & (LG_KU_KEY_CERT_SIGN | LG_KU_CRL_SIGN)) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "its key usage is not a leaf's (X509-SVID 4.3)");
	if (lg_x509_has(e, LG_EXT_EKU) && (e->eku_any || (e->eku & eku) != eku))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "its extended key usage is another one (X509-SVID 4.4)");
	if (lg_spki_check(cx, x->spki, &type) != LG_OK)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "its key is weak or of an unknown kind");
	return LG_OK;
}

lg_err
lg_svid_domain(struct lg_ctx *cx, lg_str leaf, lg_str *ret)
{
	const lg_str *uri;
	struct lg_x509 x;
	lg_str domain;

	if (leaf.n > LG_CERT_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a certificate of more than %u octets", LG_CERT_MAX);
	LG_TRY(lg_x509_parse(cx, leaf, &x));
	uri = &x.exts.names.uri[0];
	if (x.exts.names.nuri != 1 || !lg_spiffe_id_domain(*uri, &domain))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it must have exactly one URI, a SPIFFE ID (X509-SVID 2)");
	if (domain.p + domain.n == uri->p + uri->n)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it names a trust domain, and nobody in it (X509-SVID 5.2)");
	*ret = domain;
	return LG_OK;
}

/* Does `above` vouch for the last certificate of the path, and for the names of the leaf? */
static lg_err
link(struct lg_ctx *cx, const struct lg_x509 *above, const struct lg_x509 *below, const struct lg_x509 *leaf, int64_t depth)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;

	LG_TRY(lg_pubkey_from_spki(cx, above->spki, &key));
	LG_TRY(lg_x509_link(cx, above, key, below, cx->now));
	LG_TRY(lg_x509_is_ca(cx, above, depth));
	LG_TRY(lg_x509_valid_at(cx, above, cx->now));
	return lg_x509_names_permitted(cx, above, leaf->subject, &leaf->exts.names);
}

/* LG_OK: a root vouches for it; LG_E_NOT_FOUND: none has that name. */
static lg_err
reach_root(struct lg_ctx *cx, const struct lg_svid_bundle *b, const struct lg_x509 *below, const struct lg_x509 *leaf, int64_t depth)
{
	lg_err e = LG_E_NOT_FOUND;
	struct lg_x509 root;

	for (size_t i = 0; i < b->nroots && e != LG_OK; i++)
		if (lg_x509_parse(cx, b->root[i], &root) == LG_OK && lg_str_eq(root.subject, below->issuer))
			e = link(cx, &root, below, leaf, depth);
	return e;
}

/* Upwards from the leaf; each certificate that was shown serves once, so that the path ends. */
static lg_err
climb(struct lg_ctx *cx, const struct lg_svid_bundle *b, const struct lg_x509 *x, size_t n)
{
	const struct lg_x509 *below = &x[0];
	bool used[LG_SVID_CHAIN] = { true };

	for (int64_t depth = 0;; depth++) {
		size_t i = 1;
		lg_err e = reach_root(cx, b, below, &x[0], depth);

		if (e != LG_E_NOT_FOUND)
			return e;
		while (i < n && (used[i] || !lg_str_eq(x[i].subject, below->issuer) || link(cx, &x[i], below, &x[0], depth) != LG_OK))
			i++;
		if (i == n)
			return lg_fail(cx, LG_E_UNAUTHENTICATED, "it leads to no root of its trust domain");
		used[i] = true;
		below = &x[i];
	}
}

lg_err
lg_svid_verify(struct lg_ctx *cx, lg_str domain, const struct lg_svid_bundle *b, const lg_str *chain, size_t n, unsigned eku,
    struct lg_svid *ret)
{
	struct lg_x509 *x = LG_NEWS(cx->arena, struct lg_x509, LG_SVID_CHAIN);
	lg_str named;
	lg_err e;

	if (n == 0 || n > LG_SVID_CHAIN)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "a chain has 1 to %d certificates", LG_SVID_CHAIN);
	LG_TRY(lg_svid_domain(cx, chain[0], &named));
	if (!lg_str_eq(named, domain))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it belongs to trust domain %.*s", LG_FMT(named));
	for (size_t i = 0; i < n; i++)
		if (chain[i].n > LG_CERT_MAX || lg_x509_parse(cx, chain[i], &x[i]) != LG_OK)
			return lg_fail(cx, LG_E_UNAUTHENTICATED, "a certificate of its chain is malformed");
	LG_TRY(check_leaf(cx, &x[0], eku));
	LG_TRY(lg_x509_valid_at(cx, &x[0], cx->now));
	e = climb(cx, b, x, n);
	if (e != LG_OK)
		return e == LG_E_EXPIRED ? e : lg_fail_in(cx, LG_E_UNAUTHENTICATED, "X509-SVID");
	*ret = (struct lg_svid){ x[0].exts.names.uri[0], x[0].not_after };
	return LG_OK;
}
