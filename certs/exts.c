/* exts.c: certificate extensions (RFC 5280 4.2): one row and one decoder each.  Requests carry the same ones. */
#include "certs/names.h"
#include "certs/x509.h"

const lg_str lg_eku_oids[2] = {
	LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x01"),	/* serverAuth */
	LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x02"),	/* clientAuth */
};

/* ---- decoders: each reads the content of extnValue and faults its cursor ------------------------- */

/* 4.2.1.9.  cA is FALSE by default, and DER leaves defaults out; pathLen only makes sense for a CA. */
static void
decode_basic_constraints(struct lg_der *d, struct lg_x509_exts *x)
{
	struct lg_der s = lg_der_enter(d, LG_DER_SEQUENCE);

	if (lg_der_peek(&s) == LG_DER_BOOLEAN) {
		x->ca = lg_der_boolean(&s);
		if (!x->ca)
			lg_der_fault(&s);
	}
	if (lg_der_more(&s)) {
		x->path_len = lg_der_int(&s);
		if (x->path_len < 0 || !x->ca)
			lg_der_fault(&s);
	}
	lg_der_leave(d, &s);
}

/* 4.2.1.3: at least one bit. */
static void
decode_key_usage(struct lg_der *d, struct lg_x509_exts *x)
{
	x->key_usage = lg_der_named_bits(d);
	if (x->key_usage == 0)
		lg_der_fault(d);
}

/* 4.2.1.12: a non-empty list. */
static void
decode_eku(struct lg_der *d, struct lg_x509_exts *x)
{
	const lg_str any = LG_STR("\x55\x1d\x25\x00");
	struct lg_der s = lg_der_enter(d, LG_DER_SEQUENCE);

	do {
		lg_str oid = lg_der_oid(&s);

		if (lg_str_eq(oid, lg_eku_oids[0]))
			x->eku |= LG_EKU_SERVER;
		else if (lg_str_eq(oid, lg_eku_oids[1]))
			x->eku |= LG_EKU_CLIENT;
		else if (lg_str_eq(oid, any))
			x->eku_any = true;
		else
			x->eku_other = true;
	} while (lg_der_more(&s));
	lg_der_leave(d, &s);
}

static void
add_name(struct lg_der *d, lg_str *v, size_t *n, lg_str name)
{
	if (*n == LG_CERT_NAMES)
		lg_der_fault(d);
	else
		v[(*n)++] = name;
}

/* An IA5String without control characters: an embedded NUL has fooled readers before (CVE-2009-2408). */
static bool
visible(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

/* GeneralName (4.2.1.6): dNSName [2], uniformResourceIdentifier [6], iPAddress [7]. */
static void
decode_general_name(struct lg_der *d, const struct lg_der_item *item, struct lg_x509_exts *x)
{
	struct lg_cert_names *names = &x->names;

	switch (item->tag) {
	case LG_DER_IMPLICIT(2):
		if (!visible(item->body))
			lg_der_fault(d);
		add_name(d, names->dns, &names->ndns, item->body);
		break;
	case LG_DER_IMPLICIT(6):
		if (!visible(item->body))
			lg_der_fault(d);
		add_name(d, names->uri, &names->nuri, item->body);
		break;
	case LG_DER_IMPLICIT(7):
		if (item->body.n != 4 && item->body.n != 16)
			lg_der_fault(d);
		add_name(d, names->ip, &names->nip, item->body);
		break;
	default:
		x->other_names = true;
	}
}

static void
decode_san(struct lg_der *d, struct lg_x509_exts *x)
{
	struct lg_der s = lg_der_enter(d, LG_DER_SEQUENCE);
	struct lg_der_item item;

	if (!lg_der_more(&s))
		lg_der_fault(&s);
	while (lg_der_next(&s, &item))
		decode_general_name(&s, &item, x);
	lg_der_leave(d, &s);
}

static void
decode_ski(struct lg_der *d, struct lg_x509_exts *x)
{
	x->ski = lg_der_octets(d);
	if (x->ski.n == 0)
		lg_der_fault(d);
}

/* 4.2.1.1: keyIdentifier [0]; issuer [1] and serial [2] come together and are not used by us. */
static void
decode_aki(struct lg_der *d, struct lg_x509_exts *x)
{
	struct lg_der s = lg_der_enter(d, LG_DER_SEQUENCE);
	lg_str skipped;
	bool issuer, serial;

	(void)lg_der_optional(&s, LG_DER_IMPLICIT(0), &x->aki);
	issuer = lg_der_optional(&s, LG_DER_EXPLICIT(1), &skipped);
	serial = lg_der_optional(&s, LG_DER_IMPLICIT(2), &skipped);
	if (issuer != serial)
		lg_der_fault(&s);
	lg_der_leave(d, &s);
}

/* Its shape is checked; what it says is looked at by nobody here. */
static void
decode_sequence(struct lg_der *d, struct lg_x509_exts *x)
{
	(void)x;
	if (!lg_der_valid(lg_der_whole(d, LG_DER_SEQUENCE)))
		lg_der_fault(d);
}

static void
decode_inhibit_any(struct lg_der *d, struct lg_x509_exts *x)
{
	(void)x;
	if (lg_der_int(d) < 0)
		lg_der_fault(d);
}

static const struct {
	lg_str oid;
	void (*decode)(struct lg_der *d, struct lg_x509_exts *x);
} table[LG_EXTS] = {
	[LG_EXT_BASIC_CONSTRAINTS]  = { LG_STR("\x55\x1d\x13"), decode_basic_constraints },
	[LG_EXT_KEY_USAGE]          = { LG_STR("\x55\x1d\x0f"), decode_key_usage },
	[LG_EXT_EKU]                = { LG_STR("\x55\x1d\x25"), decode_eku },
	[LG_EXT_SAN]                = { LG_STR("\x55\x1d\x11"), decode_san },
	[LG_EXT_SKI]                = { LG_STR("\x55\x1d\x0e"), decode_ski },
	[LG_EXT_AKI]                = { LG_STR("\x55\x1d\x23"), decode_aki },
	[LG_EXT_CRL_POINTS]         = { LG_STR("\x55\x1d\x1f"), decode_sequence },
	[LG_EXT_AIA]                = { LG_STR("\x2b\x06\x01\x05\x05\x07\x01\x01"), decode_sequence },
	[LG_EXT_NAME_CONSTRAINTS]   = { LG_STR("\x55\x1d\x1e"), decode_sequence },
	[LG_EXT_POLICIES]           = { LG_STR("\x55\x1d\x20"), decode_sequence },
	[LG_EXT_POLICY_MAPPINGS]    = { LG_STR("\x55\x1d\x21"), decode_sequence },
	[LG_EXT_POLICY_CONSTRAINTS] = { LG_STR("\x55\x1d\x24"), decode_sequence },
	[LG_EXT_INHIBIT_ANY]        = { LG_STR("\x55\x1d\x36"), decode_inhibit_any },
	[LG_EXT_FRESHEST_CRL]       = { LG_STR("\x55\x1d\x2e"), decode_sequence },
	[LG_EXT_IAN]                = { LG_STR("\x55\x1d\x12"), decode_sequence },
};

/* ---- the list ------------------------------------------------------------------------------------- */

static void
decode_value(struct lg_der *list, enum lg_ext e, lg_str value, bool critical, struct lg_x509_exts *x)
{
	struct lg_der v = lg_der_of(value);

	if (lg_x509_has(x, e))
		lg_der_fault(list);
	x->present |= 1u << e;
	x->critical |= critical ? 1u << e : 0;
	x->value[e] = value;
	table[e].decode(&v, x);
	if (v.bad || lg_der_more(&v))
		lg_der_fault(list);
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }.  Returns its OID. */
static lg_str
decode_extension(struct lg_der *list, struct lg_x509_exts *x)
{
	struct lg_der ext = lg_der_enter(list, LG_DER_SEQUENCE);
	lg_str oid = lg_der_oid(&ext), value;
	bool critical = false;

	if (lg_der_peek(&ext) == LG_DER_BOOLEAN) {
		critical = lg_der_boolean(&ext);
		if (!critical)		/* DER leaves a default out (X.690 11.5) */
			lg_der_fault(&ext);
	}
	value = lg_der_octets(&ext);
	lg_der_leave(list, &ext);
	if (list->bad)
		return oid;
	for (enum lg_ext e = 0; e < LG_EXTS; e++)
		if (lg_str_eq(oid, table[e].oid)) {
			decode_value(list, e, value, critical, x);
			return oid;
		}
	x->unknown_critical = x->unknown_critical || critical;
	return oid;
}

lg_err
lg_x509_exts_parse(struct lg_ctx *cx, lg_str whole, struct lg_x509_exts *ret)
{
	struct lg_x509_exts x = { .path_len = -1 };
	struct lg_der d = lg_der_of(whole), list = lg_der_enter(&d, LG_DER_SEQUENCE);
	lg_str seen[LG_X509_EXTENSIONS];
	size_t n = 0;

	do {
		if (n == LG_X509_EXTENSIONS)
			return lg_fail(cx, LG_E_LIMIT, "more than %d extensions", LG_X509_EXTENSIONS);
		seen[n] = decode_extension(&list, &x);
		for (size_t i = 0; i < n; i++)		/* unknown ones too */
			if (lg_str_eq(seen[i], seen[n]))
				lg_der_fault(&list);
		n++;
	} while (lg_der_more(&list));
	lg_der_leave(&d, &list);
	LG_TRY(lg_der_end(cx, &d, "certificate extensions"));
	*ret = x;
	return LG_OK;
}
