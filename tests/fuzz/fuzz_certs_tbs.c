/* The encoder: whatever names it is given, what comes out reads back with those names, and our lint or OpenSSL's reader agree
 * that it is a certificate's inside.  Input: flags, then length-prefixed names. */
#include <stdlib.h>

#include "base/clock.h"
#include "certs/lint.h"
#include "certs/tbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char spki[] =
    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
    "0123456789abcdef0123456789abcdef";		/* Ed25519 */
static const char issuer[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "A";

static lg_str
take(struct lg_rd *r)
{
	return lg_rd_bytes(r, lg_rd_u8(r) % 100u);
}

static void
read_names(struct lg_rd *r, struct lg_cert_names *names)
{
	while (r->p < r->end && !r->bad) {
		uint8_t kind = lg_rd_u8(r) % 3;
		lg_str s = take(r);

		if (kind == 0 && names->nuri < LG_CERT_NAMES)
			names->uri[names->nuri++] = s;
		else if (kind == 1 && names->ndns < LG_CERT_NAMES)
			names->dns[names->ndns++] = s;
		else if (kind == 2 && names->nip < LG_CERT_NAMES && s.n >= 4)
			names->ip[names->nip++] = lg_str_sub(s, 0, s.n >= 16 ? 16 : 4);
	}
}

static void
compare(const lg_str *a, size_t na, const lg_str *b, size_t nb)
{
	if (na != nb)
		abort();
	for (size_t i = 0; i < na; i++)
		if (!lg_str_eq(a[i], b[i]))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_rd r = lg_rd_of((lg_str){ (const char *)data, size });
	struct lg_cert_names names = { .nuri = 0 };
	struct lg_tbs t = { .serial.b = { 0x41, 1 }, .alg = LG_ALG_ES256, .issuer = { issuer, sizeof issuer - 1 },
		.issuer_key_id = LG_STR("01234567890123456789"), .spki = { spki, sizeof spki - 1 }, .names = &names,
		.crl_url = LG_STR("http://x/crl"), .ca_url = LG_STR("http://x/ca") };
	struct lg_x509 x;
	struct lg_ctx cx;
	lg_str tbs;

	lg_ctx_init(&cx, a);
	t.eku = 1 + lg_rd_u8(&r) % 3u;
	t.not_before = (int64_t)(lg_rd_u32(&r)) * LG_SECOND;
	t.not_after = t.not_before + (1 + (int64_t)lg_rd_u32(&r)) * LG_SECOND;
	t.common_name = take(&r);
	read_names(&r, &names);
	if (lg_tbs_write(&cx, &t, &tbs) != LG_OK || lg_x509_parse_tbs(&cx, tbs, &x) != LG_OK)
		return 0;		/* names that no reader may take: refused before anything is signed */
	compare(names.uri, names.nuri, x.exts.names.uri, x.exts.names.nuri);
	compare(names.dns, names.ndns, x.exts.names.dns, x.exts.names.ndns);
	compare(names.ip, names.nip, x.exts.names.ip, x.exts.names.nip);
	if (x.not_before != t.not_before || x.not_after != t.not_after || x.exts.eku != t.eku)
		abort();
	if (lg_x509_lint(&cx, &x) == LG_OK && names.nuri > 1)
		abort();
	return 0;
}
