/* alg.c: the algorithms of RFC 7518 and 8037 that we know, and the two forms of an ECDSA signature. */
#include "crypto/key.h"

static const struct lg_alg_row rows[] = {
	{ LG_ALG_ES256, LG_STR("ES256"), LG_KIND_P256,    "SHA256", false, 32 },
	{ LG_ALG_EDDSA, LG_STR("EdDSA"), LG_KIND_ED25519, NULL,     false, 0 },
	{ LG_ALG_RS256, LG_STR("RS256"), LG_KIND_RSA,     "SHA256", false, 0 },
	{ LG_ALG_PS256, LG_STR("PS256"), LG_KIND_RSA,     "SHA256", true,  0 },
	{ LG_ALG_ES384, LG_STR("ES384"), LG_KIND_P384,    "SHA384", false, 48 },
	{ LG_ALG_RS384, LG_STR("RS384"), LG_KIND_RSA,     "SHA384", false, 0 },
	{ LG_ALG_RS512, LG_STR("RS512"), LG_KIND_RSA,     "SHA512", false, 0 },
	{ LG_ALG_PS384, LG_STR("PS384"), LG_KIND_RSA,     "SHA384", true,  0 },
	{ LG_ALG_PS512, LG_STR("PS512"), LG_KIND_RSA,     "SHA512", true,  0 },
};

const struct lg_alg_row *
lg_alg_row(enum lg_alg a)
{
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		if (rows[i].alg == a)
			return &rows[i];
	return NULL;
}

bool
lg_alg_slow(enum lg_alg a)
{
	const struct lg_alg_row *row = lg_alg_row(a);

	return row != NULL && (row->kind == LG_KIND_RSA || row->kind == LG_KIND_P384);
}

lg_str
lg_alg_name(enum lg_alg a)
{
	const struct lg_alg_row *row = lg_alg_row(a);

	return row == NULL ? LG_STR("none") : row->name;
}

enum lg_alg
lg_alg_parse(lg_str s)
{
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		if (lg_str_eq(rows[i].name, s))
			return rows[i].alg;
	return LG_ALG_NONE;
}

/* ---- r||s and SEQUENCE { INTEGER r, INTEGER s }: both short enough for one-octet lengths --------------- */

static size_t
put_integer(const uint8_t *p, size_t n, uint8_t *out)
{
	while (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	size_t pad = p[0] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t)(n + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, p, n);
	return 2 + pad + n;
}

size_t
lg_ecdsa_to_der(const uint8_t *raw, size_t half, uint8_t *der)
{
	size_t n = put_integer(raw, half, der + 2);

	n += put_integer(raw + half, half, der + 2 + n);
	der[0] = 0x30;
	der[1] = (uint8_t)n;
	return 2 + n;
}

static bool
get_integer(struct lg_rd *rd, size_t half, uint8_t *out)
{
	if (lg_rd_u8(rd) != 0x02)
		return false;
	lg_str v = lg_rd_bytes(rd, lg_rd_u8(rd));
	if (v.n == 0 || (v.p[0] & 0x80) != 0)
		return false;
	if (v.n > 1 && v.p[0] == 0) {
		if ((v.p[1] & 0x80) == 0)
			return false;
		v = lg_str_sub(v, 1, v.n);
	}
	if (v.n > half)
		return false;
	memset(out, 0, half - v.n);
	memcpy(out + half - v.n, v.p, v.n);
	return true;
}

bool
lg_ecdsa_from_der(const uint8_t *der, size_t n, size_t half, uint8_t *raw)
{
	struct lg_rd rd = lg_rd_of((lg_str){ (const char *)der, n });

	if (lg_rd_u8(&rd) != 0x30 || lg_rd_u8(&rd) != n - 2)
		return false;
	return get_integer(&rd, half, raw) && get_integer(&rd, half, raw + half) && lg_rd_done(&rd);
}
