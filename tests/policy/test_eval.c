/* Expressions and what they come to: the operators, and the traps that implementations fell into. */
#include "policy_test.h"

#include <stdio.h>

static const char entities[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"n\":7,\"r\":{\"k\":1},\"s\":[1,2],"
    "\"boss\":{\"__entity\":{\"type\":\"User\",\"id\":\"bob\"}},\"gone\":{\"__entity\":{\"type\":\"User\",\"id\":\"carl\"}}},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"ops\"}],\"tags\":{\"colour\":\"red\"}},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"bob\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"ops\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"all\"}]}]";

/* What an expression comes to, as text; "error: ..." when it fails. */
static lg_str
result(struct fixture *f, const struct lg_entities *port, const char *expression)
{
	struct lg_request rq = { uid_of(f, "User::\"alice\""), uid_of(f, "Action::\"view\""), uid_of(f, "Doc::\"x\""), NULL };
	struct lg_value v;

	if (lg_policy_evaluate(&f->cx, lg_str_of(expression), port, &rq, &v) != LG_OK)
		return lg_print(f->arena, "error: %s", f->cx.error);
	return lg_value_text(f->arena, &v);
}

struct row {
	const char *expression, *wanted;	/* "error" alone: any error */
};

static void
check_rows(const struct row *rows, size_t n)
{
	struct fixture f = fixture_new();
	struct lg_entity_store *st = store_of(&f, entities, NULL);
	struct lg_entities port = lg_entity_store_port(st);

	for (size_t i = 0; i < n; i++) {
		lg_str got = result(&f, &port, rows[i].expression);
		bool fine = strcmp(rows[i].wanted, "error") == 0 ? lg_str_starts(got, LG_STR("error: ")) :
		    lg_str_eq(got, lg_str_of(rows[i].wanted));

		cr_expect(fine, "%s gives %.*s, not %s", rows[i].expression, LG_FMT(got), rows[i].wanted);
	}
	lg_entity_store_free(&st);
	fixture_free(&f);
}

#define ROWS(...) do { static const struct row rows[] = { __VA_ARGS__ }; check_rows(rows, LG_COUNT(rows)); } while (0)

Test(eval, an_absent_entity_has_nothing_and_reading_it_errs)
{
	ROWS({ "User::\"nobody\" has x", "false" }, { "User::\"nobody\".hasTag(\"t\")", "false" },
	    { "User::\"nobody\".x", "error" }, { "User::\"nobody\".getTag(\"t\")", "error" },
	    { "principal.gone has x", "false" }, { "principal.gone.x", "error" }, { "principal.boss has x", "false" },
	    { "principal.boss.x", "error" }, { "principal.hasTag(\"colour\")", "true" },
	    { "principal.getTag(\"colour\")", "\"red\"" }, { "principal.getTag(\"size\")", "error" });
}

Test(eval, in_is_reflexive_and_transitive_and_wants_entities)
{
	ROWS({ "User::\"nobody\" in User::\"nobody\"", "true" }, { "principal in Group::\"all\"", "true" },
	    { "principal in [Group::\"none\", Group::\"ops\"]", "true" }, { "principal in []", "false" },
	    { "principal in [1]", "error" }, { "principal in 1", "error" }, { "1 in principal", "error" },
	    { "principal in [principal, 1]", "error" }, { "Group::\"ops\" in principal", "false" },
	    { "principal is User", "true" }, { "principal is User in Group::\"all\"", "true" },
	    { "principal is Group in 1", "false" }, { "principal is User in 1", "error" }, { "1 is User", "error" });
}

Test(eval, equality_never_errs_and_order_does)
{
	ROWS({ "1 == \"1\"", "false" }, { "User::\"a\" == Group::\"a\"", "false" }, { "1 != true", "true" },
	    { "\"a\" < \"b\"", "error" }, { "1 < true", "error" }, { "true < true", "error" }, { "1 <= 1", "true" },
	    { "2 > 1", "true" }, { "1 >= 2", "false" }, { "[1, 2] == [2, 1, 1]", "true" },
	    { "{a: 1, b: 2} == {b: 2, a: 1}", "true" }, { "{a: 1} == {a: 1, b: 2}", "false" },
	    { "principal == User::\"alice\"", "true" }, { "[[1], [1]] == [[1]]", "true" });
}

Test(eval, logic_short_circuits_and_wants_bools)
{
	ROWS({ "false && (1 + \"a\")", "false" }, { "true || (1 + \"a\")", "true" }, { "1 && true", "error" },
	    { "true && 1", "error" }, { "false || 1", "error" }, { "!1", "error" }, { "if 1 then 2 else 3", "error" },
	    { "if true then 1 else \"x\" < 1", "1" }, { "if false then 1 else \"s\"", "\"s\"" },
	    { "true && (false || true)", "true" }, { "!!!!true", "true" });
}

Test(eval, sets)
{
	ROWS({ "[].isEmpty()", "true" }, { "[] == []", "true" }, { "[1].isEmpty()", "false" }, { "[1].containsAny([])", "false" },
	    { "principal.s.containsAll([])", "true" }, { "[1, 2, 3, 4, 5, 6].contains(4)", "true" },
	    { "[1, 2, 3, 4, 5, 6].contains(\"4\")", "false" }, { "[1, 2].containsAll([2])", "true" },
	    { "[1].containsAll([1, 2])", "false" }, { "[1].containsAny([2, 1])", "true" }, { "1.contains(1)", "error" },
	    { "[1].containsAll(1)", "error" }, { "\"\".isEmpty()", "error" });
}

Test(eval, has_with_a_path)
{
	ROWS({ "principal has n.k", "error" }, { "principal has r.k", "true" }, { "principal has r.x", "false" },
	    { "principal has x.y.z", "false" }, { "principal has \"r\"", "true" }, { "{a: {b: 1}} has a.b", "true" },
	    { "1 has a", "error" }, { "principal[\"n\"]", "7" }, { "principal.r[\"k\"]", "1" });
}

Test(eval, integers_do_not_wrap)
{
	ROWS({ "-9223372036854775808", "-9223372036854775808" }, { "--9223372036854775808", "error" },
	    { "9223372036854775807 + 1", "error" }, { "-9223372036854775808 - 1", "error" },
	    { "4611686018427387904 * 2", "error" }, { "3 * -2 + 1", "-5" }, { "-(-5)", "5" }, { "1 + true", "error" },
	    { "10 - 2 - 3", "5" }, { "-principal.n", "-7" });
}

Test(eval, addresses)
{
	ROWS({ "ip(\"10.0.0.1/8\") == ip(\"10.0.0.0/8\")", "false" }, { "ip(\"127.0.0.1\") == ip(\"127.0.0.1/32\")", "true" },
	    { "ip(\"127.0.0.0/7\").isLoopback()", "false" }, { "ip(\"127.1.2.3\").isLoopback()", "true" },
	    { "ip(\"::1\").isLoopback()", "true" }, { "ip(\"ff02::1\").isMulticast()", "true" },
	    { "ip(\"224.0.0.1\").isMulticast()", "true" }, { "ip(\"10.1.0.0/16\").isInRange(ip(\"10.0.0.0/8\"))", "true" },
	    { "ip(\"10.0.0.0/8\").isInRange(ip(\"10.1.0.0/16\"))", "false" }, { "ip(\"1.2.3.4\").isInRange(ip(\"::/0\"))", "false" },
	    { "ip(\"1.2.3.4\").isInRange(ip(\"0.0.0.0/0\"))", "true" }, { "ip(\"01.2.3.4\")", "error" },
	    { "ip(\"1.2.3.4/032\")", "error" }, { "ip(\"1.2.3.4/33\")", "error" }, { "ip(\"1.2.3\")", "error" },
	    { "ip(\"1.2.3.4.5\")", "error" }, { "ip(\"::ffff:1.2.3.4\")", "error" }, { "ip(\"fe80::1%eth0\")", "error" },
	    { "ip(\"1::2::3\")", "error" }, { "ip(\"::/129\")", "error" }, { "ip(\"\")", "error" }, { "ip(\":::\")", "error" },
	    { "ip(\"1:2:3:4:5:6:7:8\").isIpv6()", "true" }, { "ip(\"1:2:3:4:5:6:7::8\")", "error" },
	    { "ip(\"1:2:3:4:5:6:7:\")", "error" }, { "ip(\"1.2.3.4\").isIpv4()", "true" }, { "ip(1)", "error" },
	    { "ip(\"1.2.3.4\", \"x\")", "error" }, { "ip(\"1.2.3.4/\")", "error" });
}

Test(eval, decimals)
{
	ROWS({ "decimal(\"1\")", "error" }, { "decimal(\"+1.0\")", "error" }, { "decimal(\"1.00000\")", "error" },
	    { "decimal(\"1.0\") == decimal(\"1.00\")", "true" }, { "decimal(\"-0.0\") == decimal(\"0.0\")", "true" },
	    { "decimal(\"922337203685477.5807\").greaterThan(decimal(\"0.0\"))", "true" },
	    { "decimal(\"922337203685477.5808\")", "error" }, { "decimal(\"-922337203685477.5808\").lessThan(decimal(\"0.0\"))", "true" },
	    { "decimal(\"-0.5\").lessThan(decimal(\"-0.4\"))", "true" }, { "decimal(\".5\")", "error" }, { "decimal(\"1.\")", "error" },
	    { "decimal(\"1.5\") < decimal(\"2.5\")", "error" }, { "decimal(\"1.5\").lessThanOrEqual(decimal(\"1.5\"))", "true" },
	    { "decimal(\"-\")", "error" }, { "decimal(\"-.1\")", "error" });
}

Test(eval, times)
{
	ROWS({ "datetime(\"2024-02-30\")", "error" }, { "datetime(\"2024-02-29\") < datetime(\"2024-03-01\")", "true" },
	    { "datetime(\"2023-02-29\")", "error" }, { "datetime(\"2024-01-01T23:59:60Z\")", "error" },
	    { "datetime(\"2024-01-01T00:00:00.1Z\")", "error" }, { "datetime(\"0000-01-01\").toTime() == duration(\"0ms\")", "true" },
	    { "datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", "true" },
	    { "datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", "true" },
	    { "datetime(\"2024-01-01T01:00:00+0100\") == datetime(\"2024-01-01\")", "true" },
	    { "datetime(\"2024-01-01T00:00:00-0030\") == datetime(\"2024-01-01T00:30:00.000Z\")", "true" },
	    { "datetime(\"2024-01-01T00:00:00+2400\")", "error" }, { "datetime(\"2024-01-01T00:00:00+0060\")", "error" },
	    { "datetime(\"2024-01-01T00:00:00\")", "error" }, { "datetime(\"24-01-01\")", "error" },
	    { "datetime(\"2024-10-15\").offset(duration(\"-1d\")) == datetime(\"2024-10-14\")", "true" },
	    { "datetime(\"2024-10-15\").durationSince(datetime(\"2024-10-14\")).toHours()", "24" });
}

Test(eval, durations)
{
	ROWS({ "duration(\"1h1d\")", "error" }, { "duration(\"\")", "error" }, { "duration(\"-\")", "error" },
	    { "duration(\"1d\") == duration(\"24h\")", "true" }, { "duration(\"-1500ms\").toSeconds()", "-1" },
	    { "duration(\"1d2h3m4s5ms\").toMilliseconds()", "93784005" }, { "duration(\"1m1s\").toSeconds()", "61" },
	    { "duration(\"1x\")", "error" }, { "duration(\"1\")", "error" }, { "duration(\"1h1h\")", "error" },
	    { "duration(\"9223372036854775807ms\").toDays()", "106751991167" }, { "duration(\"9223372036854775808ms\")", "error" },
	    { "duration(\"-9223372036854775808ms\").toMilliseconds()", "-9223372036854775808" },
	    { "duration(\"106751991168d\")", "error" }, { "duration(\"+1d\")", "error" }, { "duration(\"1h\") < duration(\"61m\")", "true" });
}

Test(eval, like_matches_stars_only_where_they_are_not_escaped)
{
	ROWS({ "\"spiffe://a/b\" like \"spiffe://*/b\"", "true" }, { "\"a*c\" like \"a\\*c\"", "true" },
	    { "\"abc\" like \"a\\*c\"", "false" }, { "\"\" like \"*\"", "true" }, { "\"\" like \"\"", "true" },
	    { "\"ab\" like \"*b*a*\"", "false" }, { "\"aaaaaaab\" like \"*a*a*a*b\"", "true" }, { "1 like \"*\"", "error" },
	    { "\"\\u{e9}\" like \"*\"", "true" }, { "\"\\u{1F600}x\" like \"\\u{1F600}*\"", "true" });
}

Test(eval, strings_take_the_escapes_of_the_language)
{
	ROWS({ "\"\\x7f\" == \"\\u{7f}\"", "true" }, { "\"\\n\\r\\t\\0\\\\\\'\\\"\" == \"\\u{a}\\u{d}\\u{9}\\u{0}\\u{5c}'\\u{22}\"", "true" },
	    { "\"\\u{1_F600}\" == \"\\u{01F600}\"", "true" }, { "\"\\x80\"", "error" }, { "\"\\u{D800}\"", "error" },
	    { "\"\\u{110000}\"", "error" }, { "\"\\u{}\"", "error" }, { "\"\\u{1234567}\"", "error" }, { "\"\\q\"", "error" },
	    { "\"\\*\"", "error" }, { "\"a\nb\" == \"a\\nb\"", "true" });
}

Test(eval, unbounded_work_stops_with_an_error)
{
	struct fixture f = fixture_new();
	struct lg_buf big = LG_BUF(1u << 22);
	struct lg_value v;

	/* Some sixty comparisons of sets of two thousand elements. */
	lg_buf_str(&big, LG_STR("["));
	for (int i = 0; i < 2000; i++)
		lg_buf_printf(&big, "%d,", i);
	lg_buf_str(&big, LG_STR("]"));
	lg_str set = lg_dup(f.arena, lg_buf_view(&big));
	lg_buf_clear(&big);
	for (int i = 0; i < 60; i++)
		lg_buf_printf(&big, "%s%.*s.containsAll(%.*s)", i == 0 ? "" : " && ", LG_FMT(set), LG_FMT(set));
	cr_assert_eq(lg_policy_evaluate(&f.cx, lg_buf_view(&big), NULL, NULL, &v), LG_E_INVALID);
	cr_assert(strstr(f.cx.error, "steps") != NULL, "%s", f.cx.error);
	lg_buf_free(&big);
	fixture_free(&f);
}
