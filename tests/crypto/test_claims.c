#include "tests/crypto/util.h"

#include "base/clock.h"

Test(claims, are_read_into_their_types)
{
	FIXTURE(f);
	struct lg_claims c;

	assert_ok(f, lg_claims_parse(&f.cx, LG_STR("{\"iss\":\"i\",\"sub\":\"s\",\"aud\":[\"a\",\"b\"],\"exp\":100,\"nbf\":10.5,\"iat\":9,"
	    "\"jti\":\"j\",\"client_id\":\"c\",\"scope\":\"x y\",\"sid\":\"d\",\"act\":{\"sub\":\"t\"},"
	    "\"cnf\":{\"jkt\":\"J\",\"x5t#S256\":\"X\"},\"other\":{\"aud\":\"no\"}}"), &c));
	assert_str(c.issuer, LG_STR("i"));
	assert_str(c.subject, LG_STR("s"));
	assert_str(c.act_sub, LG_STR("t"));
	assert_str(c.cnf_jkt, LG_STR("J"));
	assert_str(c.cnf_x5t, LG_STR("X"));
	assert_str(c.sid, LG_STR("d"));
	cr_assert(c.expires == 100 * LG_SECOND && c.not_before == 10 * LG_SECOND && c.issued == 9 * LG_SECOND);
	cr_assert(lg_claims_for(&c, LG_STR("b")) && !lg_claims_for(&c, LG_STR("no")) && !lg_claims_for(&c, LG_NONE));
}

Test(claims, of_a_wrong_type_or_twice_are_refused)
{
	FIXTURE(f);
	static const char *const bad[] = {
		"", "[]", "{\"iss\":1}", "{\"exp\":\"100\"}", "{\"exp\":-1}", "{\"exp\":0}", "{\"exp\":1e300}", "{\"exp\":null}",
		"{\"aud\":1}", "{\"aud\":[1]}", "{\"aud\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}",
		"{\"cnf\":\"x\"}", "{\"cnf\":{\"jwk\":{}}}", "{\"act\":[]}", "{\"sub\":\"a\",\"sub\":\"b\"}", "{\"sub\":\"a\"}x",
		"{\"scope\":[\"a\"]}", "{\"sub\":\"\\ud800\"}", "{\"a\":{\"b\":1,\"b\":2}}",
	};
	LG_AUTO(lg_buf_free) struct lg_buf amr = LG_BUF(4096);
	struct lg_claims c;

	for (size_t i = 0; i <= LG_CLAIM_AMR; i++) {
		lg_buf_printf(&amr, "%s\"m%zu\"", i == 0 ? "{\"amr\":[" : ",", i);
		lg_err e = lg_claims_parse(&f.cx, lg_print(f.arena, "%.*s]}", LG_FMT(lg_buf_view(&amr))), &c);
		cr_expect(e == (i < LG_CLAIM_AMR ? LG_OK : LG_E_UNAUTHENTICATED), "%zu methods: %s", i + 1, lg_err_name(e));
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		lg_err e = lg_claims_parse(&f.cx, lg_str_of(bad[i]), &c);
		cr_expect(e == LG_E_UNAUTHENTICATED, "%s: %s", bad[i], lg_err_name(e));
	}
}

Test(claims, hold_between_their_times_and_a_minute_around)
{
	FIXTURE(f);
	static const struct {
		int64_t exp, nbf, iat;		/* seconds from now; 0: none */
		lg_err want;
	} cases[] = {
		{ 10, -10, -10, LG_OK }, { -59, 0, 0, LG_OK }, { -60, 0, 0, LG_E_EXPIRED }, { -3600, 0, 0, LG_E_EXPIRED },
		{ 10, 59, 0, LG_OK }, { 10, 61, 0, LG_E_UNAUTHENTICATED }, { 10, 0, 61, LG_E_UNAUTHENTICATED },
		{ 0, 0, 0, LG_E_UNAUTHENTICATED },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_claims c = {
			.expires = cases[i].exp == 0 ? 0 : f.cx.now + cases[i].exp * LG_SECOND,
			.not_before = cases[i].nbf == 0 ? 0 : f.cx.now + cases[i].nbf * LG_SECOND,
			.issued = cases[i].iat == 0 ? 0 : f.cx.now + cases[i].iat * LG_SECOND,
		};
		lg_err e = lg_claims_check_time(&f.cx, &c);
		cr_expect(e == cases[i].want, "%zu: %s", i, lg_err_name(e));
	}
}
