/* spki.c: SubjectPublicKeyInfo, read and written. */
#include "crypto/spki.h"

#include "base/der.h"
#include "crypto/oid.h"

struct form {
	enum lg_kind kind;
	lg_str algorithm, curve;
	size_t coordinate;
};

static const struct form forms[] = {
	{ LG_KIND_P256, LG_OID_EC_PUBLIC_KEY, LG_OID_P256, 32 },
	{ LG_KIND_P384, LG_OID_EC_PUBLIC_KEY, LG_OID_P384, 48 },
	{ LG_KIND_ED25519, LG_OID_ED25519, { NULL, 0 }, 32 },
	{ LG_KIND_RSA, LG_OID_RSA, { NULL, 0 }, 0 },
};

/* The parameters: a curve for EC, NULL for RSA (RFC 3279 2.3.1), nothing for Ed25519 (RFC 8410 3). */
static const struct form *
read_algorithm(struct lg_der *spki)
{
	struct lg_der alg = lg_der_enter(spki, LG_DER_SEQUENCE);
	lg_str oid = lg_der_oid(&alg), curve = LG_NONE;
	const struct form *found = NULL;

	if (lg_str_eq(oid, LG_OID_EC_PUBLIC_KEY))
		curve = lg_der_oid(&alg);
	else if (lg_str_eq(oid, LG_OID_RSA))
		lg_der_null(&alg);
	for (size_t i = 0; i < LG_COUNT(forms); i++)
		if (lg_str_eq(forms[i].algorithm, oid) && lg_str_eq(forms[i].curve, curve))
			found = &forms[i];
	if (found != NULL)
		lg_der_leave(spki, &alg);
	return found;
}

static bool
point(lg_str bits, const struct form *form, struct lg_pubkey_parts *p)
{
	size_t n = form->coordinate;

	if (form->kind == LG_KIND_ED25519) {
		p->x = bits;
		return bits.n == n;
	}
	if (bits.n != 1 + 2 * n || bits.p[0] != 4)	/* uncompressed */
		return false;
	p->x = lg_str_sub(bits, 1, n);
	p->y = lg_str_sub(bits, 1 + n, n);
	return true;
}

static unsigned
bit_length(lg_str n)
{
	return n.n == 0 ? 0 : (unsigned)(8 * n.n) - (unsigned)__builtin_clz((unsigned)(uint8_t)n.p[0] | 1) + 24;
}

static bool
numbers(lg_str bits, struct lg_pubkey_parts *p)
{
	struct lg_der d = lg_der_of(bits), seq = lg_der_enter(&d, LG_DER_SEQUENCE);

	p->n = lg_der_unsigned(&seq);
	p->e = lg_der_unsigned(&seq);
	lg_der_leave(&d, &seq);
	return !d.bad && d.p == d.end;
}

/* FIPS 186-5 5.1 for the modulus; an odd exponent of at most 32 bits keeps verifying cheap. */
static bool
rsa_sound(const struct lg_pubkey_parts *p)
{
	unsigned bits = bit_length(p->n);

	return bits >= LG_RSA_BITS_MIN && bits <= LG_RSA_BITS_MAX && (p->n.p[p->n.n - 1] & 1) != 0
	    && p->e.n <= 4 && (p->e.p[p->e.n - 1] & 1) != 0 && bit_length(p->e) >= 2;
}

lg_err
lg_spki_parse(struct lg_ctx *cx, lg_str der, struct lg_pubkey_parts *ret)
{
	struct lg_der d = lg_der_of(der), spki = lg_der_enter(&d, LG_DER_SEQUENCE);
	const struct form *form = read_algorithm(&spki);
	struct lg_pubkey_parts p = { .kind = LG_KIND_P256 };

	if (form == NULL)
		return lg_fail(cx, spki.bad ? LG_E_INVALID : LG_E_UNSUPPORTED, "a public key of a kind that is not known");
	p.kind = form->kind;
	lg_str bits = lg_der_bits(&spki);
	lg_der_leave(&d, &spki);
	LG_TRY(lg_der_end(cx, &d, "public key"));
	if (form->kind == LG_KIND_RSA ? !numbers(bits, &p) : !point(bits, form, &p))
		return lg_fail(cx, LG_E_INVALID, "malformed public key");
	if (form->kind == LG_KIND_RSA && !rsa_sound(&p))
		return lg_fail(cx, LG_E_UNSUPPORTED, "an RSA key must have %d to %d bits and an odd exponent below 2^32",
		    LG_RSA_BITS_MIN, LG_RSA_BITS_MAX);
	*ret = p;
	return LG_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static void
write_rsa(const struct lg_pubkey_parts *p, struct lg_buf *out)
{
	lg_buf_byte(out, 0);		/* no unused bits */
	size_t seq = lg_derw_begin(out, LG_DER_SEQUENCE);
	lg_derw_unsigned(out, p->n);
	lg_derw_unsigned(out, p->e);
	lg_derw_end(out, seq);
}

static void
write_point(const struct lg_pubkey_parts *p, struct lg_buf *out)
{
	lg_buf_byte(out, 0);
	if (p->kind != LG_KIND_ED25519)
		lg_buf_byte(out, 4);
	lg_buf_str(out, p->x);
	lg_buf_str(out, p->y);
}

void
lg_spki_write(const struct lg_pubkey_parts *p, struct lg_buf *out)
{
	const struct form *form = &forms[0];

	while (form->kind != p->kind)
		form++;
	size_t spki = lg_derw_begin(out, LG_DER_SEQUENCE);
	size_t alg = lg_derw_begin(out, LG_DER_SEQUENCE);
	lg_derw_oid(out, form->algorithm);
	if (form->curve.n > 0)
		lg_derw_oid(out, form->curve);
	if (form->kind == LG_KIND_RSA)
		lg_derw_null(out);
	lg_derw_end(out, alg);
	size_t bits = lg_derw_begin(out, LG_DER_BIT_STRING);
	if (form->kind == LG_KIND_RSA)
		write_rsa(p, out);
	else
		write_point(p, out);
	lg_derw_end(out, bits);
	lg_derw_end(out, spki);
}
