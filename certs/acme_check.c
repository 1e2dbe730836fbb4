/* acme_check.c: the three proofs that a name is under the account's control (RFC 8555 8.3, 8.4; RFC 8737; RFC 8738). */
#include <arpa/inet.h>

#include "base/text.h"
#include "certs/acme.h"
#include "certs/names.h"

/* token "." thumbprint (RFC 8555 8.1) */
static lg_str
key_authorization(struct lg_acme *q, const struct lg_acme_order *o, size_t i, enum lg_acme_kind kind)
{
	struct lg_arena *a = q->cx->arena;

	return lg_print(a, "%.*s.%.*s", LG_FMT(lg_acme_token(a, o, i, kind)), LG_FMT(lg_base64url(a, lg_sha256_str(&q->account.thumbprint))));
}

lg_err
lg_acme_wrong(struct lg_acme_name *n, const char *type, lg_str why)
{
	n->error_type = lg_str_of(type);
	n->error = why;
	return LG_E_DENIED;
}

/* What the net said, as ACME says it (RFC 8555 6.7): a place that is not looked at is one that cannot be reached. */
static lg_err
net_failed(struct lg_acme *q, struct lg_acme_name *n, lg_err e, const char *other)
{
	static const struct {
		lg_err e;
		const char *type;
	} types[] = {
		{ LG_E_UNAVAILABLE, "connection" }, { LG_E_DENIED, "connection" }, { LG_E_NOT_FOUND, "dns" }, { LG_E_IO, "dns" },
	};
	lg_str why = lg_dup(q->cx->arena, lg_str_of(q->cx->error));

	for (size_t i = 0; i < LG_COUNT(types); i++)
		if (types[i].e == e)
			return lg_acme_wrong(n, types[i].type, why);
	return lg_acme_wrong(n, other, why);
}

static lg_err
check_http(struct lg_acme *q, const struct lg_acme_order *o, size_t i, struct lg_acme_name *n)
{
	const struct lg_acme_net *net = &q->c->ports.net;
	lg_str token = lg_acme_token(q->cx->arena, o, i, LG_ACME_HTTP), body;
	lg_err e = net->http(net->self, q->cx, n->name, lg_cat(q->cx->arena, LG_STR("/.well-known/acme-challenge/"), token), &body);

	if (e != LG_OK)
		return net_failed(q, n, e, "unauthorized");
	if (!lg_str_eq(lg_str_trim(body), key_authorization(q, o, i, LG_ACME_HTTP)))
		return lg_acme_wrong(n, "unauthorized", LG_STR("the file holds something else"));
	return LG_OK;
}

static lg_err
check_dns(struct lg_acme *q, const struct lg_acme_order *o, size_t i, struct lg_acme_name *n)
{
	const struct lg_acme_net *net = &q->c->ports.net;
	lg_sha256 h = lg_sha256_of(key_authorization(q, o, i, LG_ACME_DNS));
	lg_str want = lg_base64url(q->cx->arena, lg_sha256_str(&h)), txt[LG_ACME_TXT];
	size_t count = 0;
	lg_err e = net->txt(net->self, q->cx, lg_cat(q->cx->arena, LG_STR("_acme-challenge."), lg_dns_base(n->name)), txt, &count);

	if (e != LG_OK)
		return net_failed(q, n, e, "dns");
	for (size_t k = 0; k < count; k++)
		if (lg_str_eq(txt[k], want))
			return LG_OK;
	return lg_acme_wrong(n, "unauthorized", LG_STR("no TXT record has the digest"));
}

/* ---- tls-alpn-01 ----------------------------------------------------------------------------------------------- */

/* RFC 8738 6: the SNI of an address is its reverse name. */
static lg_str
sni_of(struct lg_arena *a, const struct lg_acme_name *n, lg_str ip)
{
	const uint8_t *b = (const uint8_t *)ip.p;
	char text[73];

	if (!n->ip)
		return n->name;
	if (ip.n == 4)
		return lg_print(a, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
	for (size_t i = 0; i < 16; i++) {
		static const char hex[] = "0123456789abcdef";

		text[4 * i] = hex[b[15 - i] & 15];
		text[4 * i + 1] = '.';
		text[4 * i + 2] = hex[b[15 - i] >> 4];
		text[4 * i + 3] = '.';
	}
	return lg_print(a, "%.*sip6.arpa", 64, text);
}

/* critical acmeIdentifier 1.3.6.1.5.5.7.1.31 (RFC 8737 3) with this digest; the extensions' order is free. */
static bool
has_digest(const struct lg_x509 *x, const lg_sha256 *digest)
{
	static const char head[] = "\x30\x31\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x1f\x01\x01\xff\x04\x22\x04\x20";
	char want[sizeof head - 1 + 32];

	memcpy(want, head, sizeof head - 1);
	memcpy(want + sizeof head - 1, digest->b, sizeof digest->b);
	return memmem(x->tbs.p, x->tbs.n, want, sizeof want) != NULL;
}

/* Exactly the one name: a certificate of a server that was not asked has others. */
static bool
has_only(const struct lg_x509 *x, const struct lg_acme_name *n, lg_str ip)
{
	const struct lg_cert_names *names = &x->exts.names;

	if (x->exts.other_names || names->nuri + names->ndns + names->nip != 1)
		return false;
	return n->ip ? names->nip == 1 && lg_str_eq(names->ip[0], ip) : names->ndns == 1 && lg_str_eq_fold(names->dns[0], n->name);
}

static lg_err
check_alpn(struct lg_acme *q, const struct lg_acme_order *o, size_t i, struct lg_acme_name *n)
{
	const struct lg_acme_net *net = &q->c->ports.net;
	lg_sha256 digest = lg_sha256_of(key_authorization(q, o, i, LG_ACME_ALPN));
	lg_str der, ip = LG_NONE;
	struct lg_x509 x;
	lg_err e;

	if (n->ip)
		LG_TRY(lg_acme_address(n->name, &ip, q->cx->arena));
	e = net->alpn(net->self, q->cx, n->name, sni_of(q->cx->arena, n, ip), &der);
	if (e != LG_OK)
		return net_failed(q, n, e, "tls");
	if (lg_x509_parse(q->cx, der, &x) != LG_OK || !has_only(&x, n, ip))
		return lg_acme_wrong(n, "unauthorized", LG_STR("the certificate is not for this name alone"));
	if (!has_digest(&x, &digest))
		return lg_acme_wrong(n, "unauthorized", LG_STR("the certificate lacks the digest"));
	return LG_OK;
}

lg_err
lg_acme_check(struct lg_acme *q, const struct lg_acme_order *o, size_t i, enum lg_acme_kind kind, struct lg_acme_name *name)
{
	static lg_err (*const checks[])(struct lg_acme *, const struct lg_acme_order *, size_t, struct lg_acme_name *) = {
		[LG_ACME_HTTP] = check_http, [LG_ACME_DNS] = check_dns, [LG_ACME_ALPN] = check_alpn,
	};

	LG_TRY(checks[kind](q, o, i, name));
	return lg_acme_caa(q, name, kind);
}
