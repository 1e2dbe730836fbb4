/* cert.c: RFC 5280 4.1, strictly as far as it is read; TLS libraries check the rest when the certificate is used. */
#include "client/cert.h"

#include "base/der.h"
#include "base/text.h"

/* ---- extensions (RFC 5280 4.2) ------------------------------------------------------------------------------------ */

static void
read_constraints(struct lg_der *value, struct lg_cert *ret)
{
	struct lg_der seq = lg_der_enter(value, LG_DER_SEQUENCE);

	if (lg_der_peek(&seq) == LG_DER_BOOLEAN)
		ret->ca = lg_der_boolean(&seq);
	if (lg_der_more(&seq))
		(void)lg_der_int(&seq);		/* pathLenConstraint */
	lg_der_leave(value, &seq);
}

static void
read_purposes(struct lg_der *value, struct lg_cert *ret)
{
	static const lg_str client_auth = { "\x2b\x06\x01\x05\x05\x07\x03\x02", 8 };
	struct lg_der seq = lg_der_enter(value, LG_DER_SEQUENCE);

	while (lg_der_more(&seq))
		ret->client = lg_str_eq(lg_der_oid(&seq), client_auth) || ret->client;
	lg_der_leave(value, &seq);
}

static void
read_names(struct lg_der *value, struct lg_cert *ret)
{
	struct lg_der seq = lg_der_enter(value, LG_DER_SEQUENCE);
	struct lg_der_item name;

	while (lg_der_next(&seq, &name)) {
		if (name.tag != LG_DER_IMPLICIT(6))	/* uniformResourceIdentifier */
			continue;
		ret->uri = ret->nuri++ == 0 ? name.body : LG_NONE;
	}
	lg_der_leave(value, &seq);
}

/* What a key may sign is the issuer's matter: keyUsage of what it issues is not asked for here. */
static void
read_nothing(struct lg_der *value, struct lg_cert *ret)
{
	struct lg_der_item any;

	(void)ret;
	(void)lg_der_next(value, &any);
}

static const struct {
	lg_str oid;
	void (*read)(struct lg_der *value, struct lg_cert *ret);
} extensions[] = {
	{ LG_STR("\x55\x1d\x13"), read_constraints },
	{ LG_STR("\x55\x1d\x0f"), read_nothing },
	{ LG_STR("\x55\x1d\x25"), read_purposes },
	{ LG_STR("\x55\x1d\x11"), read_names },
};

static void
read_extension(struct lg_der *list, unsigned *seen, struct lg_cert *ret)
{
	struct lg_der ext = lg_der_enter(list, LG_DER_SEQUENCE);
	lg_str oid = lg_der_oid(&ext);
	bool critical = lg_der_peek(&ext) == LG_DER_BOOLEAN && lg_der_boolean(&ext);
	struct lg_der value = lg_der_of(lg_der_octets(&ext));
	size_t i = 0;

	while (i < LG_COUNT(extensions) && !lg_str_eq(extensions[i].oid, oid))
		i++;
	if (i == LG_COUNT(extensions)) {
		ret->strange = ret->strange || critical;
	} else if ((*seen & 1u << i) != 0) {
		lg_der_fault(list);
	} else {
		*seen |= 1u << i;
		extensions[i].read(&value, ret);
		lg_der_leave(&ext, &value);
	}
	lg_der_leave(list, &ext);
}

static void
read_extensions(struct lg_der *tbs, struct lg_cert *ret)
{
	struct lg_der outer, list;
	unsigned seen = 0;
	int n = 0;

	if (lg_der_peek(tbs) != LG_DER_EXPLICIT(3)) {
		ret->strange = ret->strange || lg_der_more(tbs);	/* unique ids, which nobody uses */
		return;
	}
	outer = lg_der_enter(tbs, LG_DER_EXPLICIT(3));
	list = lg_der_enter(&outer, LG_DER_SEQUENCE);
	while (lg_der_more(&list) && n++ < LG_CERT_EXTENSIONS)
		read_extension(&list, &seen, ret);
	lg_der_leave(&outer, &list);
	lg_der_leave(tbs, &outer);
}

/* ---- the certificate -------------------------------------------------------------------------------------------------- */

static struct lg_der
read_tbs(struct lg_der *outer, struct lg_cert *ret)
{
	struct lg_der tbs = lg_der_enter(outer, LG_DER_SEQUENCE), validity;
	lg_str version;

	(void)lg_der_optional(&tbs, LG_DER_EXPLICIT(0), &version);
	ret->serial = lg_der_integer(&tbs);
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* signature algorithm: the key of the issuer has one */
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* issuer */
	validity = lg_der_enter(&tbs, LG_DER_SEQUENCE);
	ret->not_before = lg_der_time(&validity);
	ret->not_after = lg_der_time(&validity);
	lg_der_leave(&tbs, &validity);
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* subject */
	ret->spki = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	read_extensions(&tbs, ret);
	return tbs;
}

lg_err
lg_cert_parse(struct lg_ctx *cx, lg_str der, struct lg_cert *ret)
{
	struct lg_der d = lg_der_of(der), copy, cert, tbs;
	struct lg_cert found = { .der = der };

	copy = d;
	cert = lg_der_enter(&copy, LG_DER_SEQUENCE);
	found.tbs = lg_der_whole(&cert, LG_DER_SEQUENCE);
	(void)lg_der_take(&cert, LG_DER_SEQUENCE);
	found.signature = lg_der_bits(&cert);
	lg_der_leave(&copy, &cert);
	LG_TRY(lg_der_end(cx, &copy, "certificate"));
	struct lg_der inner = lg_der_of(found.tbs);
	tbs = read_tbs(&inner, &found);
	if (tbs.bad)
		return lg_fail(cx, LG_E_INVALID, "malformed certificate");
	*ret = found;
	return LG_OK;
}

bool
lg_cert_signed_by(struct lg_ctx *cx, const struct lg_cert *child, const struct lg_cert *parent)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;

	return lg_pubkey_from_spki(cx, parent->spki, &key) == LG_OK &&
	    lg_verify_der(key, lg_pubkey_default_alg(key), child->tbs, child->signature);
}

lg_err
lg_cert_check(struct lg_ctx *cx, lg_str pem, lg_str chain, lg_str root, const struct lg_pubkey *key, struct lg_cert *ret)
{
	struct lg_cert leaf, above, top;
	lg_str der;

	LG_TRY(lg_cert_parse(cx, root, &top));
	if (!lg_pem_parse(cx->arena, pem, LG_STR("CERTIFICATE"), &der, NULL))
		return lg_fail(cx, LG_E_INVALID, "the answer holds no certificate");
	LG_TRY(lg_cert_parse(cx, der, &leaf));
	if (!lg_str_eq(leaf.spki, lg_pubkey_spki(key)))
		return lg_fail(cx, LG_E_INVALID, "the certificate is for another key");
	struct lg_cert at = leaf;
	for (int i = 0; i < LG_CERT_CHAIN && lg_pem_parse(cx->arena, chain, LG_STR("CERTIFICATE"), &der, &chain); i++) {
		LG_TRY(lg_cert_parse(cx, der, &above));
		if (!lg_cert_signed_by(cx, &at, &above))
			return lg_fail(cx, LG_E_INVALID, "the certificate's chain does not hold");
		at = above;
	}
	if (!lg_cert_signed_by(cx, &at, &top))
		return lg_fail(cx, LG_E_INVALID, "the certificate does not lead to the root that this host trusts");
	*ret = leaf;
	return LG_OK;
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static bool
is_segment(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._-", c) != NULL))
			return false;
	}
	return s.n > 0;
}

bool
lg_cert_name_parse(lg_str uri, struct lg_cert_name *ret)
{
	static const struct {
		lg_str kind, type;
	} kinds[] = { { LG_STR("host"), LG_STR("Host") }, { LG_STR("service"), LG_STR("Service") }, { LG_STR("user"), LG_STR("User") } };
	lg_str scheme = LG_STR("spiffe://"), rest, kind, word;
	struct lg_cert_name n = { .project = LG_NONE };

	if (memchr(uri.p == NULL ? "" : uri.p, 0, uri.n) != NULL || !lg_str_starts(uri, scheme) ||
	    !lg_str_cut(lg_str_sub(uri, scheme.n, SIZE_MAX), '/', &n.domain, &rest) || !is_segment(n.domain) ||
	    !lg_str_cut(rest, '/', &kind, &n.name))
		return false;
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(kind, kinds[i].kind))
			n.type = kinds[i].type;
	if (lg_str_eq(kind, LG_STR("project"))) {
		n.type = LG_STR("Workload");
		if (!lg_str_cut(n.name, '/', &n.project, &rest) || !lg_str_cut(rest, '/', &word, &n.name) ||
		    !lg_str_eq(word, LG_STR("workload")) || !is_segment(n.project))
			return false;
	}
	if (n.type.n == 0 || !is_segment(n.name))
		return false;
	*ret = n;
	return true;
}
