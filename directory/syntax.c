/* syntax.c: which byte strings are values of a syntax (RFC 4517 3.3, RFC 4530, RFC 2307). */
#include "base/text.h"
#include "directory/dn.h"
#include "directory/schema.h"

static bool
all_of(lg_str v, bool (*is)(unsigned char c))
{
	for (size_t i = 0; i < v.n; i++)
		if (!is((unsigned char)v.p[i]))
			return false;
	return true;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_ia5(unsigned char c)
{
	return c < 0x80;
}

static bool
is_printable(unsigned char c)		/* RFC 4517 3.2 */
{
	return is_letter(c) || is_digit(c) || (c != '\0' && strchr("'()+,-.=/:? ", c) != NULL);
}

static bool
is_numeric(unsigned char c)
{
	return is_digit(c) || c == ' ';
}

static bool
is_key(unsigned char c)
{
	return is_letter(c) || is_digit(c) || c == '-';
}

static bool
check_string(struct lg_arena *a, lg_str v)
{
	(void)a;
	return v.n > 0 && lg_utf8_valid(v);
}

static bool
check_ia5(struct lg_arena *a, lg_str v)
{
	(void)a;
	return all_of(v, is_ia5);
}

static bool
check_printable(struct lg_arena *a, lg_str v)
{
	(void)a;
	return v.n > 0 && all_of(v, is_printable);
}

static bool
check_country(struct lg_arena *a, lg_str v)
{
	(void)a;
	return v.n == 2 && all_of(v, is_letter);
}

static bool
check_dn(struct lg_arena *a, lg_str v)
{
	struct lg_dn dn;

	return lg_dn_parse(a, v, &dn);
}

static bool
check_by_form(struct lg_arena *a, enum lg_form form, lg_str v)
{
	lg_str normal;

	return lg_normal(a, form, v, &normal);
}

static bool
check_name_uid(struct lg_arena *a, lg_str v)
{
	return check_by_form(a, LG_FORM_NAME_UID, v);
}

static bool
check_integer(struct lg_arena *a, lg_str v)
{
	return check_by_form(a, LG_FORM_INTEGER, v);
}

static bool
check_boolean(struct lg_arena *a, lg_str v)
{
	(void)a;
	return lg_str_eq(v, LG_STR("TRUE")) || lg_str_eq(v, LG_STR("FALSE"));
}

/* RFC 4512 1.4: descr or numericoid. */
static bool
check_oid(struct lg_arena *a, lg_str v)
{
	bool more = v.n > 0;
	lg_str arc;

	(void)a;
	if (more && is_letter((unsigned char)v.p[0]))
		return all_of(v, is_key);
	if (!more)
		return false;
	while (more) {
		more = lg_str_cut(v, '.', &arc, &v);
		if (arc.n == 0 || !all_of(arc, is_digit) || (arc.n > 1 && arc.p[0] == '0'))
			return false;
	}
	return true;
}

static bool
check_octets(struct lg_arena *a, lg_str v)
{
	(void)a, (void)v;
	return true;
}

static bool
check_time(struct lg_arena *a, lg_str v)
{
	int64_t us;

	(void)a;
	return lg_time_generalized_parse(v, &us);
}

static bool
check_numeric(struct lg_arena *a, lg_str v)
{
	(void)a;
	return v.n > 0 && all_of(v, is_numeric);
}

/* RFC 4517 3.3.28: lines between '$'; a literal '$' or '\' is written as \24 or \5c. */
static bool
check_postal(struct lg_arena *a, lg_str v)
{
	(void)a;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\\' && !lg_str_eq(lg_str_sub(v, i + 1, 2), LG_STR("24")) &&
		    !lg_str_eq_fold(lg_str_sub(v, i + 1, 2), LG_STR("5c")))
			return false;
	return v.n > 0 && lg_utf8_valid(v);
}

/* RFC 4517 3.3.2: '0101'B */
static bool
check_bits(struct lg_arena *a, lg_str v)
{
	(void)a;
	if (v.n < 3 || v.p[0] != '\'' || !lg_str_ends(v, LG_STR("'B")))
		return false;
	for (size_t i = 1; i + 2 < v.n; i++)
		if (v.p[i] != '0' && v.p[i] != '1')
			return false;
	return true;
}

static bool
check_der(struct lg_arena *a, lg_str v)
{
	(void)a;
	return v.n > 2 && (unsigned char)v.p[0] == 0x30;
}

static bool
check_uuid(struct lg_arena *a, lg_str v)
{
	lg_uuid u;

	(void)a;
	return lg_uuid_parse(v, &u);
}

const struct lg_syntax lg_syntaxes[LG_SYNTAXES] = {
#define SYNTAX(n) "1.3.6.1.4.1.1466.115.121.1." n
	[LG_SYN_DIRECTORY_STRING] = { SYNTAX("15"), "Directory String", check_string },
	[LG_SYN_IA5] = { SYNTAX("26"), "IA5 String", check_ia5 },
	[LG_SYN_PRINTABLE] = { SYNTAX("44"), "Printable String", check_printable },
	[LG_SYN_COUNTRY] = { SYNTAX("11"), "Country String", check_country },
	[LG_SYN_DN] = { SYNTAX("12"), "DN", check_dn },
	[LG_SYN_NAME_UID] = { SYNTAX("34"), "Name And Optional UID", check_name_uid },
	[LG_SYN_INTEGER] = { SYNTAX("27"), "INTEGER", check_integer },
	[LG_SYN_BOOLEAN] = { SYNTAX("7"), "Boolean", check_boolean },
	[LG_SYN_OID] = { SYNTAX("38"), "OID", check_oid },
	[LG_SYN_OCTETS] = { SYNTAX("40"), "Octet String", check_octets },
	[LG_SYN_TIME] = { SYNTAX("24"), "Generalized Time", check_time },
	[LG_SYN_TELEPHONE] = { SYNTAX("50"), "Telephone Number", check_printable },
	[LG_SYN_NUMERIC] = { SYNTAX("36"), "Numeric String", check_numeric },
	[LG_SYN_POSTAL] = { SYNTAX("41"), "Postal Address", check_postal },
	[LG_SYN_FAX] = { SYNTAX("22"), "Facsimile Telephone Number", check_printable },
	[LG_SYN_BITS] = { SYNTAX("6"), "Bit String", check_bits },
	[LG_SYN_CERTIFICATE] = { SYNTAX("8"), "Certificate", check_der },
	[LG_SYN_JPEG] = { SYNTAX("28"), "JPEG", check_octets },
	[LG_SYN_DELIVERY] = { SYNTAX("14"), "Delivery Method", check_printable },
	[LG_SYN_UUID] = { "1.3.6.1.1.16.1", "UUID", check_uuid },
	[LG_SYN_CSN] = { "1.3.6.1.4.1.4203.666.11.2.1", "CSN", check_ia5 },
	[LG_SYN_ATTRIBUTE_TYPE] = { SYNTAX("3"), "Attribute Type Description", check_string },
	[LG_SYN_OBJECT_CLASS] = { SYNTAX("37"), "Object Class Description", check_string },
	[LG_SYN_MATCHING_RULE] = { SYNTAX("30"), "Matching Rule Description", check_string },
	[LG_SYN_RULE_USE] = { SYNTAX("31"), "Matching Rule Use Description", check_string },
	[LG_SYN_SYNTAX] = { SYNTAX("54"), "LDAP Syntax Description", check_string },
	[LG_SYN_NIS_TRIPLE] = { "1.3.6.1.1.1.0.0", "NIS netgroup triple", check_ia5 },
#undef SYNTAX
};
