/*
 * x509_names.c: what a certificate is called (RFC 8705 2.1.2): its subject, and each kind of alternative name (RFC 5280 4.2.1.6).  Nothing is
 * judged here: who asks has verified it.
 */
#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/der.h"
#include "base/text.h"
#include "crypto/oid.h"

#define RDNS	16			/* of a subject */

/* ---- RFC 4514 ---------------------------------------------------------------------------------------------------- */

/* 3: the attributes that have names; others go by their numbers. */
static const struct {
	lg_str name;
	const char *openssl;
} attributes[] = {
	{ LG_STR("CN"), "CN" }, { LG_STR("L"), "L" }, { LG_STR("ST"), "ST" }, { LG_STR("O"), "O" }, { LG_STR("OU"), "OU" }, { LG_STR("C"), "C" },
	{ LG_STR("STREET"), "street" }, { LG_STR("DC"), "DC" }, { LG_STR("UID"), "UID" },
};

static const char *
attribute_of(struct lg_arena *a, lg_str type)
{
	for (size_t i = 0; i < LG_COUNT(attributes); i++)
		if (lg_str_eq_fold(attributes[i].name, type))
			return attributes[i].openssl;
	return type.n > 0 && type.p[0] >= '0' && type.p[0] <= '2' ? lg_dup(a, type).p : NULL;
}

/* 2.4: a value up to the next comma, its escapes resolved.  False for what is none, "#hex" and values beside one another. */
static bool
read_value(struct lg_arena *a, lg_str *rest, lg_str *ret)
{
	char *out = lg_alloc(a, rest->n + 1);
	size_t n = 0, i = 0;

	for (; i < rest->n && rest->p[i] != ','; i++) {
		char c = rest->p[i];

		if (c == '\\') {
			int hi = i + 2 < rest->n ? lg_hex_digit(rest->p[i + 1]) : -1;
			int lo = hi >= 0 ? lg_hex_digit(rest->p[i + 2]) : -1;

			if (++i == rest->n)
				return false;
			c = rest->p[i];
			if (lo >= 0) {
				c = (char)(hi << 4 | lo);
				i++;
			} else if (memchr(" #=\"+,;<>\\", c, 10) == NULL) {
				return false;
			}
		} else if (memchr("+\";<>", c, 5) != NULL || c == '\0' || (c == '#' && n == 0)) {
			return false;
		}
		out[n++] = c;
	}
	*ret = (lg_str){ out, n };
	*rest = lg_str_sub(*rest, i < rest->n ? i + 1 : i, rest->n);
	return n > 0 && lg_utf8_valid(*ret);
}

/* The last RDN of the text is the first of the name (2.1). */
static bool
read_name(struct lg_arena *a, lg_str text, X509_NAME *name)
{
	lg_str type, value, rest = text;
	size_t n = 0;

	while (rest.n > 0) {
		const char *attribute;

		if (++n > RDNS || !lg_str_cut(rest, '=', &type, &rest) || !read_value(a, &rest, &value))
			return false;
		attribute = attribute_of(a, lg_str_trim(type));
		if (attribute == NULL || X509_NAME_add_entry_by_txt(name, attribute, MBSTRING_UTF8, (const unsigned char *)value.p, (int)value.n, 0, 0) != 1) {
			ERR_clear_error();
			return false;
		}
	}
	return n > 0 && text.p[text.n - 1] != ',';
}

/* RFC 5280 7.1: case and runs of blanks do not matter. */
static bool
is_subject(lg_str der, lg_str text)
{
	struct lg_arena *a = lg_arena_new();
	const unsigned char *p = (const unsigned char *)der.p;
	X509_NAME *own = d2i_X509_NAME(NULL, &p, (long)der.n), *wanted = X509_NAME_new();
	bool same = own != NULL && wanted != NULL && read_name(a, text, wanted) && X509_NAME_cmp(own, wanted) == 0;

	ERR_clear_error();
	X509_NAME_free(own);
	X509_NAME_free(wanted);
	lg_arena_free(&a);
	return same;
}

/* ---- alternative names ----------------------------------------------------------------------------------------------- */

static const struct {
	uint8_t tag;
	bool fold;
} kinds[] = {
	[LG_CERT_SUBJECT] = { 0, false },
	[LG_CERT_DNS] = { LG_DER_IMPLICIT(2), true },
	[LG_CERT_URI] = { LG_DER_IMPLICIT(6), false },
	[LG_CERT_IP] = { LG_DER_IMPLICIT(7), false },
	[LG_CERT_EMAIL] = { LG_DER_IMPLICIT(1), false },
};

/* Addresses are compared as octets. */
static bool
address_of(lg_str text, char *octets, size_t *n)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*n = memchr(copy, ':', text.n) != NULL ? 16 : 4;
	return inet_pton(*n == 16 ? AF_INET6 : AF_INET, copy, octets) == 1;
}

static bool
names(lg_str all, enum lg_cert_kind kind, lg_str wanted)
{
	struct lg_der d = lg_der_of(all), list = lg_der_enter(&d, LG_DER_SEQUENCE);
	struct lg_der_item name;

	while (lg_der_next(&list, &name))
		if (name.tag == kinds[kind].tag && (kinds[kind].fold ? lg_str_eq_fold(name.body, wanted) : lg_str_eq(name.body, wanted)))
			return true;
	return false;
}

/* The value of the extension; empty without. */
static lg_str
alternative_names(struct lg_der *tbs)
{
	struct lg_der outer = lg_der_enter(tbs, LG_DER_EXPLICIT(3)), exts = lg_der_enter(&outer, LG_DER_SEQUENCE);
	lg_str flag;

	while (lg_der_more(&exts)) {
		struct lg_der ext = lg_der_enter(&exts, LG_DER_SEQUENCE);
		lg_str oid = lg_der_oid(&ext);

		(void)lg_der_optional(&ext, LG_DER_BOOLEAN, &flag);
		if (lg_str_eq(oid, LG_OID_SAN))
			return lg_der_octets(&ext);
	}
	return LG_NONE;
}

bool
lg_cert_has_name(lg_str der, enum lg_cert_kind kind, lg_str name)
{
	struct lg_x509_parts parts;
	char octets[16];
	lg_str wanted = name;

	if (name.n == 0 || !lg_x509_enter(der, &parts))
		return false;
	if (kind == LG_CERT_SUBJECT)
		return is_subject(parts.subject, name);
	if (kind == LG_CERT_IP) {
		if (!address_of(name, octets, &wanted.n))
			return false;
		wanted.p = octets;
	}
	return names(alternative_names(&parts.rest), kind, wanted);
}

bool
lg_cert_name_valid(enum lg_cert_kind kind, lg_str name)
{
	struct lg_arena *a;
	X509_NAME *subject;
	char octets[16];
	size_t n;
	bool good;

	if (name.n == 0 || name.n > LG_CERT_NAME_MAX)
		return false;
	if (kind == LG_CERT_IP)
		return address_of(name, octets, &n);
	if (kind != LG_CERT_SUBJECT) {
		for (n = 0; n < name.n && name.p[n] > 0x20 && name.p[n] < 0x7f;)
			n++;
		return n == name.n && (kind == LG_CERT_DNS || memchr(name.p, kind == LG_CERT_URI ? ':' : '@', n) != NULL);
	}
	a = lg_arena_new();
	subject = X509_NAME_new();
	good = subject != NULL && read_name(a, name, subject);
	X509_NAME_free(subject);
	lg_arena_free(&a);
	return good;
}
