/* test_timetext.c: the calendar against the C library, RFC 3339 and generalizedTime. */
#include "tests/base/base_test.h"

#include <time.h>

#include "base/clock.h"
#include "base/text.h"

Test(timetext, every_day_of_ten_thousand_years_agrees_with_gmtime)
{
	int64_t first = INT64_C(-62167219200), days = 3652425;	/* 0000-01-01 to 9999-12-31 */

	for (int64_t d = 0; d < days; d += 1) {
		time_t seconds = first + d * 86400 + d % 86400;
		struct tm tm;
		int t[6];
		int64_t back;
		gmtime_r(&seconds, &tm);
		lg_time_split(seconds * LG_SECOND, t);
		cr_assert(t[0] == tm.tm_year + 1900 && t[1] == tm.tm_mon + 1 && t[2] == tm.tm_mday &&
		    t[3] == tm.tm_hour && t[4] == tm.tm_min && t[5] == tm.tm_sec, "%lld", (long long)seconds);
		cr_assert(lg_time_of(t, &back) && back == seconds * LG_SECOND);
	}
}

Test(timetext, text_is_written_and_read_back)
{
	static const struct {
		int64_t us;
		const char *text, *generalized;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000Z", "19700101000000Z" },
		{ 1, "1970-01-01T00:00:00.000001Z", "19700101000000Z" },
		{ -1, "1969-12-31T23:59:59.999999Z", "19691231235959Z" },
		{ INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z", "20000229000000Z" },
		{ INT64_C(1795363200123456), "2026-11-22T16:00:00.123456Z", "20261122160000Z" },
		{ INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z", "99991231235959Z" },
		{ INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z", "00000101000000Z" },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		int64_t back;
		assert_str(lg_time_text(cx->arena, rows[i].us), rows[i].text);
		assert_str(lg_time_generalized(cx->arena, rows[i].us), rows[i].generalized);
		cr_assert(lg_time_parse(lg_str_of(rows[i].text), &back));
		cr_assert_eq(back, rows[i].us);
	}
	assert_str(lg_time_text(cx->arena, INT64_MAX), "9999-12-31T23:59:59.999999Z");
	assert_str(lg_time_text(cx->arena, INT64_MIN), "0000-01-01T00:00:00.000000Z");
}

Test(timetext, rfc3339_offsets_and_fractions)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{ "1985-04-12T23:20:50.52Z", INT64_C(482196050520000) },
		{ "1996-12-19T16:39:57-08:00", INT64_C(851042397000000) },
		{ "1990-12-31T23:59:60Z", INT64_C(662688000000000) },
		{ "1990-12-31T15:59:60-08:00", INT64_C(662688000000000) },
		{ "1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130000) },
		{ "1970-01-01t00:00:00.1234567899999z", 123456 },
	};
	static const char *const bad[] = {
		"", "1985-04-12", "1985-04-12T23:20:50", "1985-04-12 23:20:50Z", "1985-13-12T23:20:50Z",
		"1985-00-12T23:20:50Z", "1985-04-31T23:20:50Z", "1985-02-29T23:20:50Z", "1900-02-29T00:00:00Z",
		"1985-04-12T24:00:00Z", "1985-04-12T23:60:50Z", "1985-04-12T23:20:61Z", "1985-04-12T23:20:50.Z",
		"1985-04-12T23:20:50Zx", "1985-04-12T23:20:50+0800", "1985-04-12T23:20:50+08", "1985-04-12T23:20:50+24:00",
		"1985-04-12T23:20:50+08:60", "85-04-12T23:20:50Z", "1985-4-12T23:20:50Z", "1985-04-12T23:20:50,5Z",
		"1985-04-12T23:20:50-", "-985-04-12T23:20:50Z",
	};
	int64_t us;

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert(lg_time_parse(lg_str_of(rows[i].text), &us) && us == rows[i].us, "%s", rows[i].text);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_time_parse(lg_str_of(bad[i]), &us), "%s", bad[i]);
}

Test(timetext, generalized_time_as_rfc4517_has_it)
{
	static const struct {
		const char *text;
		int64_t us;
	} rows[] = {
		{ "199412161032Z", INT64_C(787573920000000) },
		{ "199412160532-0500", INT64_C(787573920000000) },
		{ "199412160532-05", INT64_C(787573920000000) },
		{ "1994121610Z", INT64_C(787572000000000) },
		{ "1994121610.5Z", INT64_C(787573800000000) },
		{ "199412161032,5Z", INT64_C(787573950000000) },
		{ "19941216103200.25Z", INT64_C(787573920250000) },
	};
	static const char *const bad[] = {
		"", "19941216Z", "199412161032", "19941216103Z", "1994121610323Z", "19941216103261Z", "19941316103200Z",
		"19941216103200.Z", "19941216103200+5", "19941216103200+050", "19941216103200+2400", "19941216103200ZZ",
		"1994121610320Z", "19941216103200+05:00",
	};
	int64_t us;

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert(lg_time_generalized_parse(lg_str_of(rows[i].text), &us) && us == rows[i].us, "%s %lld",
		    rows[i].text, (long long)us);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_time_generalized_parse(lg_str_of(bad[i]), &us), "%s", bad[i]);
}
