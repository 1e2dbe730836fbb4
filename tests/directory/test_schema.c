/* test_schema.c: the tables agree with themselves; matching rules order and compare as RFC 4517 says. */
#include <criterion/criterion.h>

#include "directory/schema.h"

Test(schema, names_used_by_the_code_are_the_tables)
{
	static const struct { unsigned id; const char *name; } known[] = {
		{ LG_A_OBJECT_CLASS, "objectClass" }, { LG_A_CREATE_TIMESTAMP, "createTimestamp" }, { LG_A_MODIFY_TIMESTAMP, "modifyTimestamp" },
		{ LG_A_CREATORS_NAME, "creatorsName" }, { LG_A_MODIFIERS_NAME, "modifiersName" }, { LG_A_SUBSCHEMA_SUBENTRY, "subschemaSubentry" },
		{ LG_A_STRUCTURAL_OBJECT_CLASS, "structuralObjectClass" }, { LG_A_ENTRY_UUID, "entryUUID" }, { LG_A_ENTRY_CSN, "entryCSN" },
		{ LG_A_HAS_SUBORDINATES, "hasSubordinates" }, { LG_A_MEMBER_OF, "memberOf" }, { LG_A_ENTRY_DN, "entryDN" }, { LG_A_CN, "cn" },
		{ LG_A_SN, "sn" }, { LG_A_DC, "dc" }, { LG_A_O, "o" }, { LG_A_OU, "ou" }, { LG_A_MEMBER, "member" },
		{ LG_A_USER_PASSWORD, "userPassword" }, { LG_A_UID, "uid" }, { LG_A_MAIL, "mail" }, { LG_A_UID_NUMBER, "uidNumber" },
		{ LG_A_LG_ENABLED, "lgEnabled" }, { LG_A_LG_PROJECT, "lgProject" }, { LG_A_LG_HOST, "lgHost" }, { LG_A_LG_IMAGE, "lgImage" },
		{ LG_A_LG_LABEL, "lgLabel" }, { LG_A_LG_DIGEST, "lgDigest" }, { LG_A_LG_SIGNED, "lgSigned" },
	};

	for (size_t i = 0; i < LG_COUNT(known); i++) {
		const struct lg_attr *at = lg_attr_find(lg_str_of(known[i].name));
		cr_assert_not_null(at, "%s", known[i].name);
		cr_assert_eq(at->id, known[i].id, "%s", known[i].name);
		cr_assert_eq(lg_attr_of(known[i].id), at);
	}
}

Test(schema, every_row_is_found_by_its_number_and_all_its_names)
{
	for (size_t i = 0; i < lg_nattrs; i++) {
		const char *names = lg_attrs[i].names;
		lg_str word;
		cr_assert_eq(lg_attr_find(lg_str_of(lg_attrs[i].oid)), &lg_attrs[i]);
		while (lg_word_next(&names, &word))
			cr_assert_eq(lg_attr_find(word), &lg_attrs[i]);
		if (lg_attrs[i].sup != 0)
			cr_assert_not_null(lg_attr_of(lg_attrs[i].sup));
	}
	for (size_t i = 0; i < lg_nclasses; i++) {
		cr_assert_eq(lg_class_find(lg_str_of(lg_classes[i].oid)), &lg_classes[i]);
		cr_assert_eq(lg_class_sup(&lg_classes[i]) == NULL, lg_classes[i].sup == NULL);
	}
}

Test(schema, an_index_needs_forms_without_nul)
{
	/* Keys end a value with 00; references are eight octets of any value, all of one length. */
	for (size_t i = 0; i < lg_nattrs; i++)
		if ((lg_attrs[i].flags & (LG_AF_INDEXED | LG_AF_REFERENCE)) == LG_AF_INDEXED) {
			enum lg_form f = lg_attr_form(&lg_attrs[i]);
			cr_assert(f == LG_FORM_CASE_IGNORE || f == LG_FORM_CASE_EXACT || f == LG_FORM_OID || f == LG_FORM_INTEGER, "%s",
			    lg_attrs[i].names);
		}
}

Test(schema, types_follow_from_structural_classes)
{
	static const struct { const char *class; enum lg_entry_type type; } rows[] = {
		{ "inetOrgPerson", LG_TYPE_USER }, { "person", LG_TYPE_USER }, { "groupOfNames", LG_TYPE_GROUP }, { "lgGroup", LG_TYPE_GROUP },
		{ "posixGroup", LG_TYPE_GROUP }, { "lgHost", LG_TYPE_HOST }, { "organizationalUnit", LG_TYPE_CONTAINER }, { "lgClient", LG_TYPE_CLIENT },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert_eq(lg_class_type(lg_class_find(lg_str_of(rows[i].class))), rows[i].type, "%s", rows[i].class);
	for (unsigned t = 0; t < LG_TYPES; t++) {
		enum lg_entry_type back;
		cr_assert(lg_type_parse(lg_type_name((enum lg_entry_type)t), &back));
		cr_assert_eq(back, t);
	}
}

Test(schema, subtypes_reach_up_to_their_supertype)
{
	cr_assert(lg_attr_is(lg_attr_find(LG_STR("cn")), lg_attr_find(LG_STR("name"))));
	cr_assert(lg_attr_is(lg_attr_find(LG_STR("member")), lg_attr_find(LG_STR("distinguishedName"))));
	cr_assert_not(lg_attr_is(lg_attr_find(LG_STR("name")), lg_attr_find(LG_STR("cn"))));
}

/* ---- matching -------------------------------------------------------------------------------------------------- */

static void
check_forms(enum lg_form form, const char *x, const char *y, int order)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str fx, fy;
	int got;

	cr_assert(lg_normal(a, form, lg_str_of(x), &fx), "'%s'", x);
	cr_assert(lg_normal(a, form, lg_str_of(y), &fy), "'%s'", y);
	got = lg_str_cmp(fx, fy);
	cr_assert_eq((got > 0) - (got < 0), order, "'%s' and '%s': %d", x, y, got);
}

Test(match, integers_sort_by_value)
{
	static const char *const sorted[] = { "-1000", "-999", "-10", "-9", "-1", "0", "1", "9", "10", "11", "99", "100", "123456789012345678901234567890" };

	for (size_t i = 0; i < LG_COUNT(sorted); i++)
		for (size_t k = 0; k < LG_COUNT(sorted); k++)
			check_forms(LG_FORM_INTEGER, sorted[i], sorted[k], (i > k) - (i < k));
}

Test(match, strings_compare_as_prepared)
{
	check_forms(LG_FORM_CASE_IGNORE, " A  b ", "a B", 0);
	check_forms(LG_FORM_CASE_EXACT, " A  b ", "A b", 0);
	check_forms(LG_FORM_CASE_EXACT, "A", "a", -1);
	check_forms(LG_FORM_CASE_IGNORE, "\xd0\x9f", "\xd0\xbf", 0);	/* Cyrillic */
	check_forms(LG_FORM_CASE_IGNORE, "a\xc2\xad" "b", "ab", 0);	/* soft hyphen is mapped to nothing */
	check_forms(LG_FORM_CASE_IGNORE, "a\xc2\xa0" "b", "a b", 0);	/* no-break space */
	check_forms(LG_FORM_TELEPHONE, "+1 23-45", "+12345", 0);
	check_forms(LG_FORM_NUMERIC, "1 2 3", "123", 0);
	check_forms(LG_FORM_LIST, "A$ b", "a$B", 0);
	check_forms(LG_FORM_OID, "person", "2.5.6.6", 0);
	check_forms(LG_FORM_OID, "cn", "commonName", 0);
	check_forms(LG_FORM_TIME, "20260101000000Z", "20260101010000+0100", 0);
	check_forms(LG_FORM_BOOLEAN, "true", "TRUE", 0);
	check_forms(LG_FORM_NAME_UID, "cn=a#'01'B", "CN=A#'01'B", 0);
}

Test(match, what_is_no_value_has_no_form)
{
	static const struct { enum lg_form form; const char *text; } bad[] = {
		{ LG_FORM_INTEGER, "" }, { LG_FORM_INTEGER, "-" }, { LG_FORM_INTEGER, "1a" }, { LG_FORM_INTEGER, "01" }, { LG_FORM_INTEGER, "-0" },
		{ LG_FORM_BOOLEAN, "yes" }, { LG_FORM_CASE_IGNORE, "\xff" }, { LG_FORM_CASE_IGNORE, "\xef\xbf\xbd" }, { LG_FORM_DN, "x" },
		{ LG_FORM_UUID, "1" }, { LG_FORM_TIME, "2026" }, { LG_FORM_NUMERIC, "a" }, { LG_FORM_NONE, "a" }, { LG_FORM_OID, "a b" },
	};
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str form;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_normal(a, bad[i].form, lg_str_of(bad[i].text), &form), "'%s'", bad[i].text);
}

Test(match, pieces_of_a_substring_keep_the_blanks_that_count)
{
	static const struct { enum lg_piece piece; const char *text, *form; } rows[] = {
		{ LG_PIECE_INITIAL, " A  b ", "a b " }, { LG_PIECE_ANY, " a ", " a " }, { LG_PIECE_FINAL, " a ", " a" }, { LG_PIECE_WHOLE, "  ", "" },
	};
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str form;

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		cr_assert(lg_normal_piece(a, LG_FORM_CASE_IGNORE, rows[i].piece, lg_str_of(rows[i].text), &form));
		cr_assert(lg_str_eq(form, lg_str_of(rows[i].form)), "'%s': '%.*s'", rows[i].text, LG_FMT(form));
	}
}

/* ---- syntaxes ---------------------------------------------------------------------------------------------------- */

Test(syntax, values_are_checked)
{
	static const struct { enum lg_syntax_id id; const char *text; bool good; } rows[] = {
		{ LG_SYN_DIRECTORY_STRING, "a", true }, { LG_SYN_DIRECTORY_STRING, "", false }, { LG_SYN_DIRECTORY_STRING, "\xc3", false },
		{ LG_SYN_IA5, "", true }, { LG_SYN_IA5, "\xc3\xa4", false }, { LG_SYN_PRINTABLE, "a-b", true }, { LG_SYN_PRINTABLE, "a@b", false },
		{ LG_SYN_COUNTRY, "DE", true }, { LG_SYN_COUNTRY, "DEU", false }, { LG_SYN_DN, "", true }, { LG_SYN_DN, "x", false },
		{ LG_SYN_INTEGER, "-5", true }, { LG_SYN_INTEGER, "+5", false }, { LG_SYN_BOOLEAN, "TRUE", true }, { LG_SYN_BOOLEAN, "true", false },
		{ LG_SYN_OID, "1.2.3", true }, { LG_SYN_OID, "a-b", true }, { LG_SYN_OID, "1.02", false }, { LG_SYN_OID, "", false },
		{ LG_SYN_POSTAL, "a$b", true }, { LG_SYN_POSTAL, "a\\5Cb", true }, { LG_SYN_POSTAL, "a\\b", false },
		{ LG_SYN_BITS, "'01'B", true }, { LG_SYN_BITS, "'02'B", false }, { LG_SYN_BITS, "01", false }, { LG_SYN_NUMERIC, "1 2", true },
		{ LG_SYN_NUMERIC, "", false }, { LG_SYN_UUID, "x", false }, { LG_SYN_CERTIFICATE, "abc", false },
	};
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert_eq(lg_syntaxes[rows[i].id].check(a, lg_str_of(rows[i].text)), rows[i].good, "%s: '%s'",
		    lg_syntaxes[rows[i].id].description, rows[i].text);
}

/* ---- string preparation (RFC 4518), by form ------------------------------------------------------------------------------------ */

#define BAD NULL			/* no value of that form */

static const struct {
	enum lg_form form;
	const char *value, *normal;
} prepared[] = {
	/* 2.2: case, and what is mapped to nothing or to a blank */
	{ LG_FORM_CASE_IGNORE, "STRASSE", "strasse" },
	{ LG_FORM_CASE_IGNORE, "Stra\xc3\x9f" "e", "strasse" },				/* sharp s */
	{ LG_FORM_CASE_IGNORE, "\xc3\x84PFEL", "\xc3\xa4pfel" },
	{ LG_FORM_CASE_IGNORE, "\xce\xa3\xce\x91\xcf\x82", "\xcf\x83\xce\xb1\xcf\x83" },	/* sigmas, the final one too */
	{ LG_FORM_CASE_IGNORE, "\xd0\x96\xd0\xa3\xd0\x9a", "\xd0\xb6\xd1\x83\xd0\xba" },
	{ LG_FORM_CASE_IGNORE, "so\xc2\xad" "ft", "soft" },				/* soft hyphen */
	{ LG_FORM_CASE_IGNORE, "a\xe2\x80\x8b" "b", "ab" },				/* zero width space */
	{ LG_FORM_CASE_IGNORE, "a\xc2\xa0" "b", "a b" },					/* no-break space */
	{ LG_FORM_CASE_IGNORE, "a\tb\r\nc", "a b c" },
	{ LG_FORM_CASE_EXACT, "Stra\xc3\x9f" "e", "Stra\xc3\x9f" "e" },
	/* 2.3: NFKC */
	{ LG_FORM_CASE_IGNORE, "A\xcc\x88pfel", "\xc3\xa4pfel" },				/* A and a diaeresis */
	{ LG_FORM_CASE_EXACT, "A\xcc\x88pfel", "\xc3\x84pfel" },
	{ LG_FORM_CASE_EXACT, "a\xc2\xad\xcc\x88", "\xc3\xa4" },				/* a soft hyphen between them */
	{ LG_FORM_CASE_IGNORE, "\xe2\x84\xab", "\xc3\xa5" },				/* Angstrom sign */
	{ LG_FORM_CASE_IGNORE, "\xef\xac\x81ne", "fine" },				/* ligature fi */
	{ LG_FORM_CASE_IGNORE, "\xef\xbc\xa1\xef\xbc\xa2", "ab" },			/* fullwidth A, B */
	{ LG_FORM_CASE_EXACT, "\xe2\x85\xa7", "VIII" },					/* Roman numeral */
	{ LG_FORM_CASE_IGNORE, "\xe2\x85\xa7", "viii" },
	{ LG_FORM_CASE_EXACT, "\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80" },		/* Hangul from its parts */
	/* 2.4: prohibited */
	{ LG_FORM_CASE_EXACT, "\xee\x80\x80", BAD },					/* private use */
	{ LG_FORM_CASE_EXACT, "\xef\xbf\xbd", BAD },					/* replacement character */
	{ LG_FORM_CASE_EXACT, "\xef\xb7\x90", BAD },					/* non-character */
	{ LG_FORM_CASE_EXACT, "\xed\xa0\x80", BAD },					/* surrogate */
	{ LG_FORM_CASE_EXACT, "\xc3", BAD }, { LG_FORM_CASE_EXACT, "\xc0\x80", BAD },
	/* 2.6.1: blanks */
	{ LG_FORM_CASE_IGNORE, "  a   b  ", "a b" },
	{ LG_FORM_CASE_IGNORE, "   ", "" },
	{ LG_FORM_CASE_IGNORE, "\xe3\x80\x80" "a\xe2\x80\x83\xe2\x80\x83" "b", "a b" },	/* ideographic and em spaces */
	/* 2.6.2: numeric strings; 2.6.3: telephone numbers */
	{ LG_FORM_NUMERIC, " 12 34 ", "1234" }, { LG_FORM_NUMERIC, "12-34", BAD },
	{ LG_FORM_TELEPHONE, "+49 30-123 45 ", "+493012345" }, { LG_FORM_TELEPHONE, "Ext. A", "ext.a" },
	{ LG_FORM_TELEPHONE, "1\xe2\x80\x90" "2\xe2\x88\x92" "3", "123" },			/* hyphen, minus sign */
};

Test(match, vectors_of_string_preparation)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str normal;

	for (size_t i = 0; i < LG_COUNT(prepared); i++) {
		bool good = lg_normal(a, prepared[i].form, lg_str_of(prepared[i].value), &normal);
		cr_expect_eq(good, prepared[i].normal != BAD, "%s", prepared[i].value);
		if (good && prepared[i].normal != BAD)
			cr_expect(lg_str_eq(normal, lg_str_of(prepared[i].normal)), "'%s' is '%.*s', not '%s'", prepared[i].value, LG_FMT(normal),
			    prepared[i].normal);
	}
}
