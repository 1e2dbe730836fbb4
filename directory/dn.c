/* dn.c: distinguished names (RFC 4514). */
#include "directory/dn.h"

#include <stdlib.h>

#include "base/text.h"

struct parser {
	struct lg_arena *a;
	const char *p, *end;
};

static void
skip_blanks(struct parser *ps)
{
	while (ps->p < ps->end && *ps->p == ' ')
		ps->p++;
}

static bool
parse_type(struct parser *ps, struct lg_ava *ava)
{
	const char *from;
	lg_str type;

	skip_blanks(ps);
	from = ps->p;
	while (ps->p < ps->end && *ps->p != '=' && *ps->p != ' ')
		ps->p++;
	type = (lg_str){ from, (size_t)(ps->p - from) };
	/* LDAPv2's prefix is still met in the field (RFC 2253 4). */
	if (type.n > 4 && lg_str_eq_fold(lg_str_sub(type, 0, 4), LG_STR("oid.")))
		type = lg_str_sub(type, 4, type.n);
	skip_blanks(ps);
	if (ps->p == ps->end || *ps->p++ != '=' || !lg_syntaxes[LG_SYN_OID].check(ps->a, type))
		return false;
	skip_blanks(ps);
	ava->type = type;
	ava->attr = lg_attr_find(type);
	return true;
}

/* '#' and the hexadecimal BER encoding (RFC 4514 2.4): the content of a definite, short or one-octet length is the value. */
static bool
parse_hex_value(struct parser *ps, struct lg_ava *ava)
{
	const char *from = ++ps->p;
	size_t head = 2, length;
	lg_str ber;

	while (ps->p < ps->end && lg_hex_digit(*ps->p) >= 0)
		ps->p++;
	if (!lg_hex_parse(ps->a, (lg_str){ from, (size_t)(ps->p - from) }, &ber) || ber.n < 2)
		return false;
	length = (unsigned char)ber.p[1];
	if (length == 0x81 && ber.n > 2) {
		length = (unsigned char)ber.p[2];
		head = 3;
	} else if (length >= 0x80) {
		return false;
	}
	ava->value = lg_str_sub(ber, head, length);
	skip_blanks(ps);
	return ber.n == head + length;
}

/* One character, unescaped; false when it may not stand there. */
static bool
parse_char(struct parser *ps, char *ret, bool *escaped)
{
	char c = *ps->p++;
	int high, low;

	*ret = c;
	*escaped = c == '\\';
	if (c != '\\')
		return c != '\0' && strchr("\"<>", c) == NULL;
	if (ps->p == ps->end)
		return false;
	high = lg_hex_digit(*ps->p);
	low = ps->p + 1 < ps->end ? lg_hex_digit(ps->p[1]) : -1;
	if (high >= 0 && low >= 0) {
		*ret = (char)(high << 4 | low);
		ps->p += 2;
		return true;
	}
	*ret = *ps->p++;
	return *ret != '\0' && strchr("\"+,;<> #=\\", *ret) != NULL;
}

static bool
parse_string_value(struct parser *ps, struct lg_ava *ava)
{
	char *out = lg_alloc(ps->a, (size_t)(ps->end - ps->p) + 1);
	size_t n = 0, significant = 0;

	while (ps->p < ps->end && *ps->p != ',' && *ps->p != ';' && *ps->p != '+') {
		bool escaped;
		if (!parse_char(ps, &out[n++], &escaped))
			return false;
		if (escaped || out[n - 1] != ' ')
			significant = n;
	}
	ava->value = (lg_str){ out, significant };
	return true;
}

static bool
normalise_ava(struct lg_arena *a, struct lg_ava *ava)
{
	enum lg_form form;

	if (ava->attr == NULL) {
		ava->normal = lg_print(a, "%.*s=%.*s", LG_FMT(ava->type), LG_FMT(ava->value));
		return true;
	}
	/* A DN within a DN would let the depth of parsing grow with the input. */
	form = lg_attr_form(ava->attr);
	if (form == LG_FORM_NONE || form == LG_FORM_DN || form == LG_FORM_NAME_UID)
		form = LG_FORM_OCTETS;
	return (form == LG_FORM_OCTETS || lg_syntaxes[ava->attr->syntax].check(a, ava->value)) &&
	    lg_normal(a, form, ava->value, &ava->normal);
}

static int
compare_avas(const void *x, const void *y)
{
	const struct lg_ava *a = x, *b = y;
	int ida = a->attr == NULL ? 0 : a->attr->id, idb = b->attr == NULL ? 0 : b->attr->id;

	return ida != idb ? ida - idb : lg_str_cmp(a->normal, b->normal);
}

static lg_str
rdn_normal(struct lg_arena *a, const struct lg_ava *ava, size_t n)
{
	struct lg_ava sorted[LG_RDN_AVAS];
	size_t size = 1, at = 0;
	char *p;

	memcpy(sorted, ava, n * sizeof *ava);
	qsort(sorted, n, sizeof *sorted, compare_avas);
	for (size_t i = 0; i < n; i++)
		size += 4 + sorted[i].normal.n;
	p = lg_alloc(a, size);
	p[at++] = (char)n;
	for (size_t i = 0; i < n; i++) {
		unsigned id = sorted[i].attr == NULL ? 0 : sorted[i].attr->id;
		p[at++] = (char)(id >> 8);
		p[at++] = (char)id;
		p[at++] = (char)(sorted[i].normal.n >> 8);
		p[at++] = (char)sorted[i].normal.n;
		memcpy(p + at, sorted[i].normal.p, sorted[i].normal.n);
		at += sorted[i].normal.n;
	}
	return (lg_str){ p, size };
}

/* One RDN; ps stands behind it, at a separator or the end. */
static bool
parse_rdn(struct parser *ps, struct lg_rdn *ret)
{
	struct lg_ava ava[LG_RDN_AVAS];
	size_t n = 0;
	bool more = true;

	while (more) {
		bool hex;
		if (n == LG_RDN_AVAS || !parse_type(ps, &ava[n]))
			return false;
		hex = ps->p < ps->end && *ps->p == '#';
		if (!(hex ? parse_hex_value : parse_string_value)(ps, &ava[n]) || !normalise_ava(ps->a, &ava[n]))
			return false;
		n++;
		more = ps->p < ps->end && *ps->p == '+';
		if (more)
			ps->p++;
	}
	ret->ava = memcpy(LG_NEWS(ps->a, struct lg_ava, n), ava, n * sizeof *ava);
	ret->n = n;
	ret->normal = rdn_normal(ps->a, ava, n);
	for (size_t i = 1; i < n; i++)		/* X.501 9.3: one value per type */
		for (size_t k = 0; k < i; k++)
			if (ava[i].attr == ava[k].attr && (ava[i].attr != NULL || lg_str_eq_fold(ava[i].type, ava[k].type)))
				return false;
	return true;
}

bool
lg_rdn_parse(struct lg_arena *a, lg_str text, struct lg_rdn *ret)
{
	struct parser ps;

	if (text.n == 0 || text.n > LG_DN_MAX)
		return false;
	ps = (struct parser){ a, text.p, text.p + text.n };
	return parse_rdn(&ps, ret) && ps.p == ps.end;
}

bool
lg_dn_parse(struct lg_arena *a, lg_str text, struct lg_dn *ret)
{
	struct lg_rdn rdn[LG_DN_RDNS];
	struct parser ps;
	size_t n = 0;

	*ret = (struct lg_dn){ NULL, 0 };
	if (text.n > LG_DN_MAX)
		return false;
	if (lg_str_trim(text).n == 0)
		return true;
	ps = (struct parser){ a, text.p, text.p + text.n };
	for (;;) {
		if (n == LG_DN_RDNS || !parse_rdn(&ps, &rdn[n++]))
			return false;
		if (ps.p == ps.end)
			break;
		ps.p++;
	}
	ret->rdn = memcpy(LG_NEWS(a, struct lg_rdn, n), rdn, n * sizeof *rdn);
	ret->n = n;
	return true;
}

lg_str
lg_dn_normal(struct lg_arena *a, const struct lg_dn *dn)
{
	size_t size = 0, at = 0;
	char *p;

	for (size_t i = 0; i < dn->n; i++)
		size += dn->rdn[i].normal.n;
	p = lg_alloc(a, size + 1);
	for (size_t i = dn->n; i-- > 0; at += dn->rdn[i].normal.n)
		memcpy(p + at, dn->rdn[i].normal.p, dn->rdn[i].normal.n);
	return (lg_str){ p, size };
}

bool
lg_rdn_known(const struct lg_rdn *rdn)
{
	for (size_t i = 0; i < rdn->n; i++)
		if (rdn->ava[i].attr == NULL)
			return false;
	return true;
}

bool
lg_dn_known(const struct lg_dn *dn)
{
	for (size_t i = 0; i < dn->n; i++)
		if (!lg_rdn_known(&dn->rdn[i]))
			return false;
	return true;
}

struct lg_dn
lg_dn_above(const struct lg_dn *dn, size_t n)
{
	return n >= dn->n ? (struct lg_dn){ NULL, 0 } : (struct lg_dn){ dn->rdn + n, dn->n - n };
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

lg_str
lg_dn_escaped(struct lg_arena *a, lg_str value)
{
	static const char digits[] = "0123456789abcdef";
	char *p = lg_alloc(a, value.n * 3 + 1);
	size_t n = 0;
	bool text = lg_utf8_valid(value);

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bool outer = (c == ' ' && (i == 0 || i == value.n - 1)) || (c == '#' && i == 0);
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !text)) {
			p[n++] = '\\';
			p[n++] = digits[c >> 4];
			p[n++] = digits[c & 15];
			continue;
		}
		if (outer || strchr("\"+,;<>\\", (char)c) != NULL)
			p[n++] = '\\';
		p[n++] = (char)c;
	}
	return (lg_str){ p, n };
}

lg_str
lg_rdn_text(struct lg_arena *a, const struct lg_rdn *rdn)
{
	lg_str text = LG_NONE;

	for (size_t i = 0; i < rdn->n; i++) {
		const struct lg_ava *ava = &rdn->ava[i];
		lg_str type = ava->attr == NULL ? ava->type : lg_attr_name(ava->attr);
		lg_str value = lg_dn_escaped(a, ava->value);
		text = lg_print(a, "%.*s%s%.*s=%.*s", LG_FMT(text), i > 0 ? "+" : "", LG_FMT(type), LG_FMT(value));
	}
	return text;
}

lg_str
lg_dn_text(struct lg_arena *a, const struct lg_dn *dn)
{
	lg_str text = LG_STR("");

	for (size_t i = 0; i < dn->n; i++) {
		lg_str rdn = lg_rdn_text(a, &dn->rdn[i]);
		text = lg_print(a, "%.*s%s%.*s", LG_FMT(text), i > 0 ? "," : "", LG_FMT(rdn));
	}
	return text;
}
