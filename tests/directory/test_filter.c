/* test_filter.c: the truth table, terms against values, and limits. */
#include <criterion/criterion.h>

#include "directory/filter.h"

/* One entry: attributes with values; "x" may not be searched. */
static const struct { const char *attr, *value; } values[] = {
	{ "cn", "Alice Smith" }, { "sn", "Smith" }, { "uidNumber", "1000" }, { "description", "a*b" }, { "telephoneNumber", "+1 23-45" },
	{ "createTimestamp", "20260101120000Z" }, { "objectClass", "person" },
};

static bool
may(void *self, const struct lg_attr *at)
{
	(void)self;
	return !lg_str_eq(lg_attr_name(at), LG_STR("title"));
}

static bool
any(void *self, const struct lg_attr *at, enum lg_form form, bool (*each)(void *, lg_str), void *arg)
{
	for (size_t i = 0; i < LG_COUNT(values); i++) {
		lg_str normal;
		if (lg_attr_is(lg_attr_find(lg_str_of(values[i].attr)), at) && lg_normal(self, form, lg_str_of(values[i].value), &normal) &&
		    each(arg, normal))
			return true;
	}
	return false;
}

static bool
present(void *self, const struct lg_attr *at)
{
	(void)self;
	for (size_t i = 0; i < LG_COUNT(values); i++)
		if (lg_attr_is(lg_attr_find(lg_str_of(values[i].attr)), at))
			return true;
	return false;
}

static bool
linked(void *self, const struct lg_attr *at, lg_str dn, bool chain)
{
	(void)self;
	return at->id == LG_A_MEMBER_OF && lg_str_eq(dn, chain ? LG_STR("cn=far") : LG_STR("cn=near"));
}

static bool
named(void *self, const struct lg_attr *at, enum lg_form form, bool (*each)(void *, lg_str), void *arg)
{
	lg_str normal;

	return (at == NULL || at->id == LG_A_OU) && lg_normal(self, form, LG_STR("People"), &normal) && each(arg, normal);
}

static enum lg_truth
match(const char *text)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_filter_port port = { a, may, present, any, linked, named };
	struct lg_filter *f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	cr_assert_eq(lg_filter_parse(&cx, lg_str_of(text), &f), LG_OK, "%s: %s", text, cx.error);
	return lg_filter_match(f, &port);
}

/* T, F and U stand for terms of that value. */
#define T "(sn=smith)"
#define F "(sn=jones)"
#define U "(frob=x)"

static const struct {
	const char *text;
	enum lg_truth truth;
} rows[] = {
	{ T, LG_TRUE }, { F, LG_FALSE }, { U, LG_UNDEFINED },
	{ "(!" T ")", LG_FALSE }, { "(!" F ")", LG_TRUE }, { "(!" U ")", LG_UNDEFINED },
	{ "(&" T T ")", LG_TRUE }, { "(&" T F ")", LG_FALSE }, { "(&" T U ")", LG_UNDEFINED }, { "(&" F U ")", LG_FALSE },
	{ "(&" U F ")", LG_FALSE }, { "(&" U U ")", LG_UNDEFINED }, { "(&)", LG_TRUE },
	{ "(|" T T ")", LG_TRUE }, { "(|" T F ")", LG_TRUE }, { "(|" T U ")", LG_TRUE }, { "(|" U T ")", LG_TRUE },
	{ "(|" F U ")", LG_UNDEFINED }, { "(|" F F ")", LG_FALSE }, { "(|" U U ")", LG_UNDEFINED }, { "(|)", LG_FALSE },
	{ "(&(|" F U ")(!" U "))", LG_UNDEFINED },
	/* what makes a term undefined */
	{ "(uidNumber=abc)", LG_UNDEFINED }, { "(!(uidNumber=abc))", LG_UNDEFINED }, { "(title=x)", LG_UNDEFINED }, { "(title=*)", LG_UNDEFINED },
	{ "(sn>=a)", LG_UNDEFINED }, { "(jpegPhoto=a)", LG_UNDEFINED }, { "(uidNumber=1*)", LG_UNDEFINED }, { "(sn:frobMatch:=x)", LG_UNDEFINED },
	{ "(member:caseIgnoreSubstringsMatch:=x)", LG_UNDEFINED }, { "(sn:1.2.840.113556.1.4.1941:=cn=a)", LG_UNDEFINED },
	{ "(seeAlso=nodn)", LG_UNDEFINED },
	/* equality */
	{ "(cn=ALICE  smith)", LG_TRUE }, { "(name=smith)", LG_TRUE }, { "(commonName=alice smith)", LG_TRUE }, { "(2.5.4.4=Smith)", LG_TRUE },
	{ "(sn~=smith)", LG_TRUE }, { "(description=a\\2ab)", LG_TRUE }, { "(telephoneNumber=+12345)", LG_TRUE }, { "(objectClass=2.5.6.6)", LG_TRUE },
	{ "(mail=x)", LG_FALSE }, { "(memberOf=cn=near)", LG_TRUE }, { "(memberOf=cn=far)", LG_FALSE },
	/* presence */
	{ "(cn=*)", LG_TRUE }, { "(mail=*)", LG_FALSE }, { "(name=*)", LG_TRUE }, { "(jpegPhoto=*)", LG_FALSE }, { "(frob=*)", LG_UNDEFINED },
	/* order */
	{ "(uidNumber>=999)", LG_TRUE }, { "(uidNumber>=1000)", LG_TRUE }, { "(uidNumber>=1001)", LG_FALSE }, { "(uidNumber<=1000)", LG_TRUE },
	{ "(uidNumber<=999)", LG_FALSE }, { "(createTimestamp>=20251231000000Z)", LG_TRUE }, { "(gidNumber>=0)", LG_FALSE },
	/* substrings */
	{ "(cn=ali*)", LG_TRUE }, { "(cn=*smith)", LG_TRUE }, { "(cn=*ce sm*)", LG_TRUE }, { "(cn=a*i*h)", LG_TRUE }, { "(cn=alice*alice)", LG_FALSE },
	{ "(cn=*smith*smith*)", LG_FALSE }, { "(cn=ali*ice smith)", LG_FALSE }, { "(description=*\\2a*)", LG_TRUE }, { "(sn=*x*)", LG_FALSE },
	{ "(telephoneNumber=*234*)", LG_TRUE }, { "(telephoneNumber=)", LG_UNDEFINED }, { "(telephoneNumber=*\xc3\xb6*)", LG_UNDEFINED },
	{ "(objectClass=nonsense)", LG_UNDEFINED },
	/* extensible */
	{ "(cn:=alice smith)", LG_TRUE }, { "(cn:caseExactMatch:=alice smith)", LG_FALSE }, { "(cn:caseExactMatch:=Alice Smith)", LG_TRUE },
	{ "(:caseIgnoreMatch:=smith)", LG_TRUE }, { "(:caseIgnoreMatch:=nobody)", LG_FALSE }, { "(ou:dn:=people)", LG_TRUE }, { "(ou:=people)", LG_FALSE },
	{ "(:dn:caseIgnoreMatch:=people)", LG_TRUE }, { "(memberOf:1.2.840.113556.1.4.1941:=cn=far)", LG_TRUE },
	{ "(uidNumber:integerOrderingMatch:=1001)", LG_TRUE }, { "(uidNumber:integerOrderingMatch:=1000)", LG_FALSE },
};

Test(filter, terms_and_sets_have_three_values)
{
	static const char *const names[] = { "false", "true", "undefined" };

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		enum lg_truth t = match(rows[i].text);
		cr_assert_eq(t, rows[i].truth, "%s is %s, not %s", rows[i].text, names[t], names[rows[i].truth]);
	}
}

Test(filter, malformed_text_is_refused)
{
	static const char *const bad[] = {
		"", "(", "()", "cn=a", "(cn=a", "(cn=a))", "(&(cn=a)", "(!)", "(!(cn=a)(cn=b))", "(cn=a\\)", "(cn=\\zz)", "(cn=a**b)", "(cn>a)", "(cn)",
		"(:=a)", "(:dn:=a)", "(cn:a:b:=c)", "(cn=a(b)", "(&cn=a)", "(=a)x",
	};
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_filter *f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_filter_parse(&cx, lg_str_of(bad[i]), &f), LG_E_INVALID, "'%s'", bad[i]);
}

Test(filter, depth_and_terms_are_limited)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	struct lg_filter *f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (int depth = LG_FILTER_DEPTH; depth <= LG_FILTER_DEPTH + 1; depth++) {
		lg_buf_clear(&b);
		for (int i = 1; i < depth; i++)
			lg_buf_str(&b, LG_STR("(!"));
		lg_buf_str(&b, LG_STR("(cn=a)"));
		for (int i = 1; i < depth; i++)
			lg_buf_byte(&b, ')');
		cr_assert_eq(lg_filter_parse(&cx, lg_buf_view(&b), &f), depth > LG_FILTER_DEPTH ? LG_E_LIMIT : LG_OK);
	}
	for (int terms = LG_FILTER_TERMS - 1; terms <= LG_FILTER_TERMS; terms++) {
		lg_buf_clear(&b);
		lg_buf_str(&b, LG_STR("(|"));
		for (int i = 0; i < terms; i++)
			lg_buf_str(&b, LG_STR("(cn=a)"));
		lg_buf_byte(&b, ')');
		cr_assert_eq(lg_filter_parse(&cx, lg_buf_view(&b), &f), terms + 1 > LG_FILTER_TERMS ? LG_E_LIMIT : LG_OK);
	}
}
