/*
 * match.c: matching rules (RFC 4517 4) as normal forms: two values match when their forms are equal, the rule's order is the
 * forms' byte order, and a substring of a value is a substring of its form.
 */
#include "base/text.h"
#include "directory/dn.h"
#include "directory/schema.h"

const struct lg_rule lg_rules[LG_RULES] = {
	[LG_R_NONE] = { "", "", LG_RULE_EQUALITY, LG_FORM_NONE, LG_SYN_OCTETS },
	[LG_R_OID] = { "2.5.13.0", "objectIdentifierMatch", LG_RULE_EQUALITY, LG_FORM_OID, LG_SYN_OID },
	[LG_R_DN] = { "2.5.13.1", "distinguishedNameMatch", LG_RULE_EQUALITY, LG_FORM_DN, LG_SYN_DN },
	[LG_R_CI] = { "2.5.13.2", "caseIgnoreMatch", LG_RULE_EQUALITY, LG_FORM_CASE_IGNORE, LG_SYN_DIRECTORY_STRING },
	[LG_R_CI_ORD] = { "2.5.13.3", "caseIgnoreOrderingMatch", LG_RULE_ORDERING, LG_FORM_CASE_IGNORE, LG_SYN_DIRECTORY_STRING },
	[LG_R_CI_SUB] = { "2.5.13.4", "caseIgnoreSubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_CASE_IGNORE, LG_SYN_DIRECTORY_STRING },
	[LG_R_CE] = { "2.5.13.5", "caseExactMatch", LG_RULE_EQUALITY, LG_FORM_CASE_EXACT, LG_SYN_DIRECTORY_STRING },
	[LG_R_CE_ORD] = { "2.5.13.6", "caseExactOrderingMatch", LG_RULE_ORDERING, LG_FORM_CASE_EXACT, LG_SYN_DIRECTORY_STRING },
	[LG_R_CE_SUB] = { "2.5.13.7", "caseExactSubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_CASE_EXACT, LG_SYN_DIRECTORY_STRING },
	[LG_R_NUM] = { "2.5.13.8", "numericStringMatch", LG_RULE_EQUALITY, LG_FORM_NUMERIC, LG_SYN_NUMERIC },
	[LG_R_NUM_ORD] = { "2.5.13.9", "numericStringOrderingMatch", LG_RULE_ORDERING, LG_FORM_NUMERIC, LG_SYN_NUMERIC },
	[LG_R_NUM_SUB] = { "2.5.13.10", "numericStringSubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_NUMERIC, LG_SYN_NUMERIC },
	[LG_R_LIST] = { "2.5.13.11", "caseIgnoreListMatch", LG_RULE_EQUALITY, LG_FORM_LIST, LG_SYN_POSTAL },
	[LG_R_LIST_SUB] = { "2.5.13.12", "caseIgnoreListSubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_LIST, LG_SYN_POSTAL },
	[LG_R_BOOL] = { "2.5.13.13", "booleanMatch", LG_RULE_EQUALITY, LG_FORM_BOOLEAN, LG_SYN_BOOLEAN },
	[LG_R_INT] = { "2.5.13.14", "integerMatch", LG_RULE_EQUALITY, LG_FORM_INTEGER, LG_SYN_INTEGER },
	[LG_R_INT_ORD] = { "2.5.13.15", "integerOrderingMatch", LG_RULE_ORDERING, LG_FORM_INTEGER, LG_SYN_INTEGER },
	[LG_R_BITS] = { "2.5.13.16", "bitStringMatch", LG_RULE_EQUALITY, LG_FORM_OCTETS, LG_SYN_BITS },
	[LG_R_OCT] = { "2.5.13.17", "octetStringMatch", LG_RULE_EQUALITY, LG_FORM_OCTETS, LG_SYN_OCTETS },
	[LG_R_OCT_ORD] = { "2.5.13.18", "octetStringOrderingMatch", LG_RULE_ORDERING, LG_FORM_OCTETS, LG_SYN_OCTETS },
	[LG_R_TEL] = { "2.5.13.20", "telephoneNumberMatch", LG_RULE_EQUALITY, LG_FORM_TELEPHONE, LG_SYN_TELEPHONE },
	[LG_R_TEL_SUB] = { "2.5.13.21", "telephoneNumberSubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_TELEPHONE, LG_SYN_TELEPHONE },
	[LG_R_NAME_UID] = { "2.5.13.23", "uniqueMemberMatch", LG_RULE_EQUALITY, LG_FORM_NAME_UID, LG_SYN_NAME_UID },
	[LG_R_TIME] = { "2.5.13.27", "generalizedTimeMatch", LG_RULE_EQUALITY, LG_FORM_TIME, LG_SYN_TIME },
	[LG_R_TIME_ORD] = { "2.5.13.28", "generalizedTimeOrderingMatch", LG_RULE_ORDERING, LG_FORM_TIME, LG_SYN_TIME },
	[LG_R_CE_IA5] = { "1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", LG_RULE_EQUALITY, LG_FORM_CASE_EXACT, LG_SYN_IA5 },
	[LG_R_CE_IA5_SUB] = { "1.3.6.1.4.1.4203.1.2.1", "caseExactIA5SubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_CASE_EXACT, LG_SYN_IA5 },
	[LG_R_CI_IA5] = { "1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", LG_RULE_EQUALITY, LG_FORM_CASE_IGNORE, LG_SYN_IA5 },
	[LG_R_CI_IA5_SUB] = { "1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", LG_RULE_SUBSTRINGS, LG_FORM_CASE_IGNORE, LG_SYN_IA5 },
	[LG_R_UUID] = { "1.3.6.1.1.16.2", "UUIDMatch", LG_RULE_EQUALITY, LG_FORM_UUID, LG_SYN_UUID },
	[LG_R_UUID_ORD] = { "1.3.6.1.1.16.3", "UUIDOrderingMatch", LG_RULE_ORDERING, LG_FORM_UUID, LG_SYN_UUID },
	[LG_R_IN_CHAIN] = { "1.2.840.113556.1.4.1941", "LDAP_MATCHING_RULE_IN_CHAIN", LG_RULE_IN_CHAIN, LG_FORM_DN, LG_SYN_DN },
};

const struct lg_rule *
lg_rule_find(lg_str name)
{
	for (size_t i = 1; i < LG_RULES; i++)
		if (lg_str_eq_fold(name, lg_str_of(lg_rules[i].name)) || lg_str_eq(name, lg_str_of(lg_rules[i].oid)))
			return &lg_rules[i];
	return NULL;
}

/* ---- forms --------------------------------------------------------------------------------------------------- */

static bool
form_octets(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	(void)a, (void)piece;
	*ret = v;
	return true;
}

static bool
form_case_ignore(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	return lg_prepare(a, true, piece, v, ret);
}

static bool
form_case_exact(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	return lg_prepare(a, false, piece, v, ret);
}

/* Folded, without the characters of `skip`. */
static lg_str
without(struct lg_arena *a, lg_str v, const char *skip)
{
	char *p = lg_alloc(a, v.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		if (c == '\0' || strchr(skip, c) == NULL)
			p[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (lg_str){ p, n };
}

static bool
form_numeric(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	(void)piece;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ' ' && (v.p[i] < '0' || v.p[i] > '9'))
			return false;
	*ret = without(a, v, " ");
	return true;
}

/* RFC 4518 2.6.3: the hyphens that are not ASCII: U+058A, U+2010, U+2011, U+2212, U+FE63, U+FF0D. */
static lg_str
without_hyphens(struct lg_arena *a, lg_str v)
{
	static const char *const hyphens[] = { "\xd6\x8a", "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x88\x92", "\xef\xb9\xa3", "\xef\xbc\x8d" };
	char *p = lg_alloc(a, v.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < v.n;) {
		size_t skip = 0;
		for (size_t k = 0; k < LG_COUNT(hyphens); k++)
			if (lg_str_starts(lg_str_sub(v, i, v.n), lg_str_of(hyphens[k])))
				skip = strlen(hyphens[k]);
		if (skip == 0)
			p[n++] = v.p[i++];
		i += skip;
	}
	return (lg_str){ p, n };
}

static bool
form_telephone(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	(void)piece;
	if (!lg_prepare(a, true, LG_PIECE_WHOLE, v, &v))
		return false;
	*ret = without(a, without_hyphens(a, v), " -");	/* RFC 4518 2.6.3 */
	return true;
}

/* RFC 4517 4.2.12: line by line; the separator stays, so that lines do not run together. */
static bool
form_list(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	lg_str line, all = LG_NONE;
	bool more = true;

	if (piece != LG_PIECE_WHOLE)
		return lg_prepare(a, true, piece, v, ret);
	while (more) {
		lg_str head;
		more = lg_str_cut(v, '$', &head, &v);
		if (!lg_prepare(a, true, LG_PIECE_WHOLE, head, &line))
			return false;
		all = all.p == NULL ? line : lg_print(a, "%.*s$%.*s", LG_FMT(all), LG_FMT(line));
	}
	*ret = all;
	return true;
}

static bool
form_dn(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	struct lg_dn dn;

	(void)piece;
	if (!lg_dn_parse(a, v, &dn))
		return false;
	*ret = lg_dn_normal(a, &dn);
	return true;
}

/* RFC 4517 3.3.21: a DN, perhaps with #'0101'B behind it. */
static bool
form_name_uid(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	size_t at = v.n;
	lg_str dn;

	while (at > 0 && v.p[at - 1] != '#')
		at--;
	if (at == 0 || v.p[v.n - 1] != 'B')
		return form_dn(a, piece, v, ret);
	if (!form_dn(a, piece, lg_str_sub(v, 0, at - 1), &dn))
		return false;
	*ret = lg_cat(a, dn, lg_str_sub(v, at - 1, v.n));
	return true;
}

/* Sorts as the number does: '1' and the digit count before a positive one, '0' and both complemented for a negative one. */
static bool
form_integer(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	bool negative = v.n > 0 && v.p[0] == '-';
	lg_str digits = negative ? lg_str_sub(v, 1, v.n) : v;
	size_t n = digits.n;
	char *p;

	(void)piece;
	if (n == 0 || n > 255 || (digits.p[0] == '0' && (n > 1 || negative)))
		return false;
	p = lg_alloc(a, n + 2);
	p[0] = negative ? '0' : '1';
	p[1] = (char)(negative ? 255 - n : n);
	for (size_t i = 0; i < n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		p[i + 2] = negative ? (char)('9' - (digits.p[i] - '0')) : digits.p[i];
	}
	*ret = (lg_str){ p, n + 2 };
	return true;
}

static bool
form_boolean(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	(void)a, (void)piece;
	/* RFC 4517 3.3.3 has capitals only; clients send "true" in filters all the same. */
	*ret = lg_str_eq_fold(v, LG_STR("TRUE")) ? LG_STR("TRUE") : LG_STR("FALSE");
	return lg_str_eq_fold(v, *ret);
}

/* Names and OIDs of one thing are equal: what the schema knows becomes its number, other names are folded. */
static bool
form_oid(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	const struct lg_class *c = lg_class_find(v);
	const struct lg_attr *at = c == NULL ? lg_attr_find(v) : NULL;

	(void)piece;
	if (c != NULL)
		*ret = lg_str_of(c->oid);
	else if (at != NULL)
		*ret = lg_str_of(at->oid);
	else
		*ret = without(a, v, "");
	return lg_syntaxes[LG_SYN_OID].check(a, v);
}

static bool
form_time(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	int64_t us;

	(void)piece;
	if (!lg_time_generalized_parse(v, &us))
		return false;
	*ret = lg_print(a, "%016llx", (unsigned long long)us ^ (UINT64_C(1) << 63));
	return true;
}

static bool
form_uuid(struct lg_arena *a, enum lg_piece piece, lg_str v, lg_str *ret)
{
	lg_uuid u;

	(void)piece;
	if (!lg_uuid_parse(v, &u))
		return false;
	*ret = lg_dup(a, (lg_str){ (const char *)u.b, sizeof u.b });
	return true;
}

static bool (*const forms[LG_FORMS])(struct lg_arena *, enum lg_piece, lg_str, lg_str *) = {
	[LG_FORM_OCTETS] = form_octets,
	[LG_FORM_CASE_IGNORE] = form_case_ignore,
	[LG_FORM_CASE_EXACT] = form_case_exact,
	[LG_FORM_NUMERIC] = form_numeric,
	[LG_FORM_TELEPHONE] = form_telephone,
	[LG_FORM_LIST] = form_list,
	[LG_FORM_DN] = form_dn,
	[LG_FORM_INTEGER] = form_integer,
	[LG_FORM_BOOLEAN] = form_boolean,
	[LG_FORM_OID] = form_oid,
	[LG_FORM_TIME] = form_time,
	[LG_FORM_UUID] = form_uuid,
	[LG_FORM_NAME_UID] = form_name_uid,
};

bool
lg_normal(struct lg_arena *a, enum lg_form form, lg_str v, lg_str *ret)
{
	return form != LG_FORM_NONE && forms[form](a, LG_PIECE_WHOLE, v, ret);
}

bool
lg_normal_piece(struct lg_arena *a, enum lg_form form, enum lg_piece piece, lg_str v, lg_str *ret)
{
	return form != LG_FORM_NONE && forms[form](a, piece, v, ret);
}
