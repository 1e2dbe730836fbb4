/* test_der.c: the one encoding that DER allows, read and written. */
#include "tests/base/base_test.h"

#include "base/clock.h"
#include "base/der.h"

#define BYTES(s)	LG_STR(s)

static struct lg_der
der(lg_str s)
{
	return lg_der_of(s);
}

Test(der, lengths_are_definite_minimal_and_within_bounds)
{
	static const lg_str bad[] = {
		{ "\x04", 1 },				/* no length */
		{ "\x04\x01", 2 },			/* content missing */
		{ "\x04\x80\x00\x00", 4 },		/* indefinite */
		{ "\x04\x81\x01x", 4 },			/* long form for a short one */
		{ "\x04\x82\x00\x80", 4 },		/* leading zero */
		{ "\x04\x81", 2 },
		{ "\x04\x84\xff\xff\xff\xff", 6 },
		{ "\x04\x85\x01\x00\x00\x00\x00", 7 },
		{ "\x04\xff", 2 },
		{ "\x1f\x81\x01\x00", 4 },		/* high tag number */
		{ "\x00\x00", 2 },
	};
	struct lg_der_item item;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_der d = der(bad[i]);
		cr_assert_not(lg_der_next(&d, &item), "%zu", i);
		cr_assert(d.bad, "%zu", i);
		cr_assert_not(lg_der_valid(bad[i]));
	}
}

Test(der, every_length_goes_both_ways)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 70000 };
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(sizes); i++) {
		struct lg_buf b = LG_BUF(1 << 20), nested = LG_BUF(1 << 20);
		lg_str content = { lg_alloc(cx->arena, sizes[i] + 1), sizes[i] };
		lg_derw_octets(&b, content);
		struct lg_der d = der(lg_buf_view(&b));
		cr_assert(lg_str_eq(lg_der_octets(&d), content));
		cr_assert_eq(lg_der_end(cx, &d, "string"), LG_OK);
		/* the same by begin and end */
		size_t mark = lg_derw_begin(&nested, LG_DER_OCTET_STRING);
		lg_buf_str(&nested, content);
		lg_derw_end(&nested, mark);
		cr_assert(lg_str_eq(lg_buf_view(&b), lg_buf_view(&nested)));
		lg_buf_free(&b);
		lg_buf_free(&nested);
	}
}

Test(der, integers_have_one_form)
{
	static const struct {
		int64_t v;
		lg_str der;
	} rows[] = {
		{ 0, { "\x02\x01\x00", 3 } }, { 127, { "\x02\x01\x7f", 3 } }, { 128, { "\x02\x02\x00\x80", 4 } },
		{ 256, { "\x02\x02\x01\x00", 4 } }, { -1, { "\x02\x01\xff", 3 } }, { -128, { "\x02\x01\x80", 3 } },
		{ -129, { "\x02\x02\xff\x7f", 4 } }, { INT64_MAX, { "\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff", 10 } },
		{ INT64_MIN, { "\x02\x08\x80\x00\x00\x00\x00\x00\x00\x00", 10 } },
	};
	static const lg_str bad[] = {
		{ "\x02\x00", 2 }, { "\x02\x02\x00\x7f", 4 }, { "\x02\x02\xff\x80", 4 },
		{ "\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", 11 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_buf b = LG_BUF(64);
		struct lg_der d = der(rows[i].der);
		lg_derw_int(&b, rows[i].v);
		cr_assert(lg_str_eq(lg_buf_view(&b), rows[i].der), "%lld", (long long)rows[i].v);
		cr_assert_eq(lg_der_int(&d), rows[i].v);
		cr_assert_not(d.bad);
		lg_buf_free(&b);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_der d = der(bad[i]);
		cr_assert_eq(lg_der_int(&d), 0);
		cr_assert(d.bad);
	}
}

Test(der, unsigned_integers_lose_and_gain_their_zero)
{
	static const struct {
		lg_str magnitude, der, back;
	} rows[] = {
		{ { "", 0 }, { "\x02\x01\x00", 3 }, { "\0", 1 } },
		{ { "\0\0", 2 }, { "\x02\x01\x00", 3 }, { "\0", 1 } },
		{ { "\x7f", 1 }, { "\x02\x01\x7f", 3 }, { "\x7f", 1 } },
		{ { "\x80\x01", 2 }, { "\x02\x03\x00\x80\x01", 5 }, { "\x80\x01", 2 } },
		{ { "\0\x80", 2 }, { "\x02\x02\x00\x80", 4 }, { "\x80", 1 } },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_buf b = LG_BUF(64);
		lg_derw_unsigned(&b, rows[i].magnitude);
		cr_assert(lg_str_eq(lg_buf_view(&b), rows[i].der), "%zu", i);
		struct lg_der d = der(lg_buf_view(&b));
		cr_assert(lg_str_eq(lg_der_unsigned(&d), rows[i].back));
		lg_buf_free(&b);
	}
	struct lg_der negative = der(BYTES("\x02\x01\x80"));
	lg_der_unsigned(&negative);
	cr_assert(negative.bad);
}

Test(der, object_identifiers_go_both_ways)
{
	static const struct {
		const char *text;
		lg_str oid;
	} rows[] = {
		{ "1.2.840.113549.1.1.11", { "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9 } },
		{ "2.5.29.15", { "\x55\x1d\x0f", 3 } }, { "0.0", { "\x00", 1 } }, { "0.39", { "\x27", 1 } },
		{ "1.0", { "\x28", 1 } }, { "2.0", { "\x50", 1 } }, { "2.999.3", { "\x88\x37\x03", 3 } },
		{ "2.9223372036854775807", { "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x4f", 10 } },
	};
	static const char *const bad[] = {
		"", "1", "3.1", "1.40", "0.40", "1.2.", ".1.2", "1..2", "1.02", "1.-2", "1.2.x", "1.2 ",
		"1.2.9223372036854775808",
		"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28.29.30.31.32.33",
	};
	static const lg_str bad_octets[] = {
		{ "", 0 }, { "\x80\x01", 2 }, { "\x2a\x86", 2 }, { "\x2a\x80\x01", 3 },
	};
	TEST_CTX(cx);
	lg_str oid;

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		cr_assert(lg_oid_parse(cx->arena, lg_str_of(rows[i].text), &oid), "%s", rows[i].text);
		cr_assert(lg_str_eq(oid, rows[i].oid), "%s", rows[i].text);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_oid_parse(cx->arena, lg_str_of(bad[i]), &oid), "%s", bad[i]);
	for (size_t i = 0; i < LG_COUNT(bad_octets); i++)
		cr_assert_not(lg_der_oid_valid(bad_octets[i]));
	/* an arc beyond 64 bits is valid DER */
	cr_assert(lg_der_oid_valid(BYTES("\x2a\x83\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")));
}

Test(der, identifiers_are_read_as_content_octets)
{
	struct lg_der d = der(BYTES("\x06\x03\x55\x1d\x0f"));
	struct lg_buf b = LG_BUF(64);

	assert_str(lg_der_oid(&d), "\x55\x1d\x0f");
	lg_derw_oid(&b, LG_STR("\x55\x1d\x0f"));
	lg_derw_enumerated(&b, 1);
	lg_derw_raw(&b, LG_STR("\x0c\x01x"));
	assert_str(lg_buf_view(&b), "\x06\x03\x55\x1d\x0f\x0a\x01\x01\x0c\x01x");
	lg_buf_free(&b);
	d = der(BYTES("\x06\x02\x55\x80"));
	cr_assert_eq(lg_der_oid(&d).n, 0);
	cr_assert(d.bad);
	d = der(BYTES("\x05\x00"));
	lg_der_fault(&d);
	cr_assert_not(lg_der_more(&d));
}

Test(der, bit_strings_are_checked)
{
	struct lg_der d = der(BYTES("\x03\x03\x00\xab\xcd"));
	struct lg_buf b = LG_BUF(64);

	lg_derw_bits(&b, LG_STR("\xab\xcd"));
	cr_assert(lg_str_eq(lg_buf_view(&b), BYTES("\x03\x03\x00\xab\xcd")));
	lg_buf_free(&b);

	assert_str(lg_der_bits(&d), "\xab\xcd");
	d = der(BYTES("\x03\x02\x01\xaa"));
	lg_der_bits(&d);
	cr_assert(d.bad);
	d = der(BYTES("\x03\x00"));
	lg_der_bits(&d);
	cr_assert(d.bad);
}

Test(der, named_bits_drop_trailing_zeros)
{
	static const struct {
		uint32_t bits;
		lg_str der;
	} rows[] = {
		{ 0, { "\x03\x01\x00", 3 } },
		{ 1, { "\x03\x02\x07\x80", 4 } },		/* digitalSignature */
		{ 0x60, { "\x03\x02\x01\x06", 4 } },		/* keyCertSign, cRLSign */
		{ 0x100, { "\x03\x03\x07\x00\x80", 5 } },	/* decipherOnly */
		{ 0x80000001, { "\x03\x05\x00\x80\x00\x00\x01", 7 } },
	};
	static const lg_str bad[] = {
		{ "\x03\x00", 2 }, { "\x03\x01\x01", 3 }, { "\x03\x02\x00\x80", 4 }, { "\x03\x02\x07\xc0", 4 },
		{ "\x03\x02\x08\x80", 4 }, { "\x03\x03\x00\x80\x00", 5 }, { "\x03\x06\x00\x80\x00\x00\x00\x01", 8 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_buf b = LG_BUF(64);
		struct lg_der d = der(rows[i].der);
		lg_derw_named_bits(&b, LG_DER_BIT_STRING, rows[i].bits);
		cr_assert(lg_str_eq(lg_buf_view(&b), rows[i].der), "%zu", i);
		cr_assert_eq(lg_der_named_bits(&d), rows[i].bits);
		cr_assert_not(d.bad);
		lg_buf_free(&b);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_der d = der(bad[i]);
		lg_der_named_bits(&d);
		cr_assert(d.bad, "%zu", i);
	}
}

Test(der, booleans_and_null_have_one_form)
{
	struct lg_der d = der(BYTES("\x01\x01\xff\x01\x01\x00\x05\x00"));

	cr_assert(lg_der_boolean(&d));
	cr_assert_not(lg_der_boolean(&d));
	lg_der_null(&d);
	cr_assert_not(d.bad);
	static const lg_str bad[] = { { "\x01\x01\x01", 3 }, { "\x01\x00", 2 }, { "\x01\x02\xff\xff", 4 } };
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		d = der(bad[i]);
		lg_der_boolean(&d);
		cr_assert(d.bad);
	}
	d = der(BYTES("\x05\x01x"));
	lg_der_null(&d);
	cr_assert(d.bad);
}

Test(der, times_are_those_of_rfc5280)
{
	static const struct {
		const char *der;
		int64_t seconds;
	} rows[] = {
		{ "\x17\x0d" "500101000000Z", INT64_C(-631152000) },
		{ "\x17\x0d" "491231235959Z", INT64_C(2524607999) },
		{ "\x18\x0f" "20500101000000Z", INT64_C(2524608000) },
		{ "\x18\x0f" "99991231235959Z", INT64_C(253402300799) },
	};
	static const char *const bad[] = {
		"\x17\x0b" "5001010000Z", "\x17\x0d" "5001010000000", "\x17\x0d" "501301000000Z", "\x17\x0d" "50010100000xZ",
		"\x17\x11" "500101000000+0100", "\x18\x11" "20500101000000.5Z", "\x18\x0d" "205001010000Z", "\x13\x0d"
		"500101000000Z",
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_buf b = LG_BUF(64);
		struct lg_der d = der(lg_str_of(rows[i].der));
		cr_assert_eq(lg_der_time(&d), rows[i].seconds * LG_SECOND, "%s", rows[i].der + 2);
		lg_derw_time(&b, rows[i].seconds * LG_SECOND + 999999);
		assert_str(lg_buf_view(&b), rows[i].der);
		lg_buf_free(&b);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_der d = der(lg_str_of(bad[i]));
		lg_der_time(&d);
		cr_assert(d.bad, "%s", bad[i] + 2);
	}
	struct lg_buf b = LG_BUF(64);
	lg_derw_generalized(&b, 0);
	assert_str(lg_buf_view(&b), "\x18\x0f" "19700101000000Z");
	lg_buf_free(&b);
}

Test(der, nested_structures_are_walked_and_left)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(4096);
	lg_str value, whole;

	size_t outer = lg_derw_begin(&b, LG_DER_SEQUENCE);
	size_t tagged = lg_derw_begin(&b, LG_DER_EXPLICIT(0));
	lg_derw_int(&b, 2);
	lg_derw_end(&b, tagged);
	size_t inner = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_utf8(&b, LG_STR("name"));
	lg_derw_boolean(&b, true);
	lg_derw_end(&b, inner);
	lg_derw_element(&b, LG_DER_IMPLICIT(2), LG_STR("host"));
	lg_derw_end(&b, outer);

	struct lg_der d = der(lg_buf_view(&b));
	struct lg_der seq = lg_der_enter(&d, LG_DER_SEQUENCE);
	struct lg_der version = lg_der_enter(&seq, LG_DER_EXPLICIT(0));
	cr_assert_eq(lg_der_int(&version), 2);
	lg_der_leave(&seq, &version);
	cr_assert_not(lg_der_optional(&seq, LG_DER_EXPLICIT(1), &value));
	cr_assert_eq(value.n, 0);
	cr_assert_eq(lg_der_peek(&seq), LG_DER_SEQUENCE);
	whole = lg_der_whole(&seq, LG_DER_SEQUENCE);
	cr_assert(lg_der_valid(whole));
	cr_assert_eq(whole.n, 2 + 6 + 3);
	cr_assert(lg_der_optional(&seq, LG_DER_IMPLICIT(2), &value));
	assert_str(value, "host");
	lg_der_leave(&d, &seq);
	cr_assert_eq(lg_der_end(cx, &d, "thing"), LG_OK);
	cr_assert(lg_der_valid(lg_buf_view(&b)));
	lg_buf_free(&b);
}

Test(der, what_is_left_unread_or_unexpected_is_a_fault)
{
	TEST_CTX(cx);
	struct lg_der d = der(BYTES("\x30\x06\x02\x01\x01\x02\x01\x02"));
	struct lg_der seq = lg_der_enter(&d, LG_DER_SEQUENCE);

	lg_der_int(&seq);
	lg_der_leave(&d, &seq);
	cr_assert_eq(lg_der_end(cx, &d, "pair"), LG_E_INVALID);
	cr_assert_str_eq(cx->error, "malformed pair");

	d = der(BYTES("\x30\x00\x05\x00"));
	seq = lg_der_enter(&d, LG_DER_SEQUENCE);
	lg_der_leave(&d, &seq);
	cr_assert_eq(lg_der_end(cx, &d, "pair"), LG_E_INVALID);

	/* a fault stays, and everything after it is empty */
	d = der(BYTES("\x02\x01\x05\x04\x01x"));
	seq = lg_der_enter(&d, LG_DER_SEQUENCE);
	cr_assert(seq.bad && d.bad);
	cr_assert_eq(lg_der_int(&d), 0);
	cr_assert_eq(lg_der_octets(&d).n, 0);
	cr_assert_eq(lg_der_peek(&d), 0);
}

Test(der, empty_input_is_no_element)
{
	TEST_CTX(cx);
	struct lg_der d = der(LG_NONE);

	cr_assert_not(lg_der_more(&d));
	cr_assert_eq(lg_der_end(cx, &d, "nothing"), LG_OK);
	lg_der_null(&d);
	cr_assert(d.bad);
	cr_assert_not(lg_der_valid(LG_NONE));
	cr_assert_not(lg_der_valid(BYTES("\x05\x00\x05\x00")));
}

Test(der, depth_is_limited)
{
	struct lg_buf b = LG_BUF(4096);
	size_t mark[LG_DER_DEPTH + 2];

	for (int deep = 0; deep <= LG_DER_DEPTH + 1; deep++) {
		lg_buf_clear(&b);
		for (int i = 0; i <= deep; i++)
			mark[i] = lg_derw_begin(&b, LG_DER_SEQUENCE);
		for (int i = deep; i >= 0; i--)
			lg_derw_end(&b, mark[i]);
		cr_assert_eq(lg_der_valid(lg_buf_view(&b)), deep < LG_DER_DEPTH, "%d", deep);
	}
	lg_buf_free(&b);
}

Test(der, a_full_buffer_remembers)
{
	TEST_CTX(cx);

	for (size_t max = 0; max < 150; max++) {
		struct lg_buf b = LG_BUF(max);
		char content[130] = { 0 };
		size_t seq = lg_derw_begin(&b, LG_DER_SEQUENCE);
		size_t set = lg_derw_begin(&b, LG_DER_SET);
		lg_derw_octets(&b, (lg_str){ content, sizeof content });
		lg_derw_end(&b, set);
		lg_derw_end(&b, seq);
		cr_assert_eq(lg_buf_status(cx, &b), max < 139 ? LG_E_LIMIT : LG_OK, "%zu", max);
		lg_buf_free(&b);
	}
}
