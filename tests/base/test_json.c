/* test_json.c: the reader against jansson as oracle, its limits and positions; the writer. */
#include "tests/base/base_test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

static lg_err
read_whole(struct lg_ctx *cx, lg_str text)
{
	struct lg_json js;

	lg_json_init(&js, cx->arena, text);
	lg_json_skip(&js);
	return lg_json_end(cx, &js);
}

static void
assert_refused(const char *text, const char *why)
{
	TEST_CTX(cx);

	cr_assert_eq(read_whole(cx, lg_str_of(text)), LG_E_INVALID, "%s", text);
	cr_assert_str_eq(cx->error, why, "%s: %s", text, cx->error);
}

Test(json, values_are_read_by_their_type)
{
	TEST_CTX(cx);
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, LG_STR(" { \"s\" : \"x\\u00e9\\ud83d\\ude00\\n\" , \"i\":-42,\"d\":1.5e2,"
	    "\"t\":true,\"f\":false,\"n\":null,\"a\":[1,[2],{}],\"r\": {\"k\": [ ] } } "));
	lg_json_object(&js);
	cr_assert(lg_json_member(&js, &name));
	assert_str(name, "s");
	assert_str(lg_json_str(&js), "x\xc3\xa9\xf0\x9f\x98\x80\n");
	cr_assert(lg_json_member(&js, &name));
	cr_assert_eq(lg_json_int(&js), -42);
	cr_assert(lg_json_member(&js, &name));
	cr_assert_eq(lg_json_double(&js), 150.0);
	cr_assert(lg_json_member(&js, &name));
	cr_assert(lg_json_bool(&js));
	cr_assert(lg_json_member(&js, &name));
	cr_assert_not(lg_json_bool(&js));
	cr_assert(lg_json_member(&js, &name));
	cr_assert_eq(lg_json_peek(&js), LG_JSON_NULL);
	lg_json_null(&js);
	cr_assert(lg_json_member(&js, &name));
	lg_json_array(&js);
	int items = 0;
	for (; lg_json_item(&js); items++)
		lg_json_skip(&js);
	cr_assert_eq(items, 3);
	cr_assert(lg_json_member(&js, &name));
	assert_str(lg_json_raw(&js), "{\"k\": [ ] }");
	cr_assert_not(lg_json_member(&js, &name));
	cr_assert_eq(lg_json_end(cx, &js), LG_OK, "%s", cx->error);
}

Test(json, plain_strings_are_slices_of_the_text)
{
	TEST_CTX(cx);
	struct lg_json js;
	lg_str text = LG_STR("\"a longer string without any escape\"");

	lg_json_init(&js, cx->arena, text);
	lg_str s = lg_json_str(&js);
	cr_assert_eq(s.p, text.p + 1);
	cr_assert_eq(lg_arena_used(cx->arena), 0);
	cr_assert_eq(lg_json_end(cx, &js), LG_OK);
}

Test(json, faults_say_where_and_why)
{
	static const char *const rows[][2] = {
		{ "", "line 1 column 1: value expected" },
		{ "{\"a\":1,\n \"a\":2}", "line 2 column 2: member appears twice" },
		{ "{\"a\":1,\"\\u0061\":2}", "line 1 column 8: member appears twice" },
		{ "[1,]", "line 1 column 4: value expected" },
		{ "{\"a\":1,}", "line 1 column 8: member name expected" },
		{ "[1 2]", "line 1 column 4: ',' or ']' expected" },
		{ "{\"a\" 1}", "line 1 column 6: ':' expected" },
		{ "1 2", "line 1 column 3: something follows the value" },
		{ "nul", "line 1 column 1: unknown word" },
		{ "nulls", "line 1 column 5: something follows the value" },
		{ "\"\\ud800\"", "line 1 column 8: lone surrogate" },
		{ "\"\\ud800\\u0041\"", "line 1 column 8: lone surrogate" },
		{ "\"\\udc00\"", "line 1 column 8: lone surrogate" },
		{ "\"\\u0000\"", "line 1 column 8: U+0000 in a string" },
		{ "\"\\x\"", "line 1 column 4: unknown escape" },
		{ "\"\\u12g4\"", "line 1 column 4: bad \\u escape" },
		{ "\"a\tb\"", "line 1 column 3: control character in a string" },
		{ "\"\xc3\x28\"", "line 1 column 2: string is not UTF-8" },
		{ "\"\xed\xa0\x80\"", "line 1 column 2: string is not UTF-8" },
		{ "\"abc", "line 1 column 5: string without an end" },
		{ "\"abcdefgh\\", "line 1 column 11: string without an end" },
		{ "01", "line 1 column 1: malformed number" },
		{ "-", "line 1 column 1: malformed number" },
		{ "1.", "line 1 column 1: malformed number" },
		{ "1e", "line 1 column 1: malformed number" },
		{ "+1", "line 1 column 1: value expected" },
		{ "9223372036854775808", "line 1 column 1: number does not fit 64 bits" },
		{ "1e400", "line 1 column 1: number is too large" },
		{ "\xef\xbb\xbf{}", "line 1 column 1: value expected" },
		{ "[\"\xc3\xa9\xc3\xa9\", x]", "line 1 column 8: value expected" },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		assert_refused(rows[i][0], rows[i][1]);
}

Test(json, first_fault_wins_and_everything_after_it_is_empty)
{
	TEST_CTX(cx);
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, LG_STR("{\"a\":\"x\",\"b\":2}"));
	lg_json_object(&js);
	cr_assert(lg_json_member(&js, &name));
	cr_assert_eq(lg_json_int(&js), 0);
	cr_assert_not(lg_json_member(&js, &name));
	assert_str(lg_json_str(&js), "");
	assert_str(lg_json_raw(&js), "");
	lg_json_fault(&js, "later");
	cr_assert_eq(lg_json_end(cx, &js), LG_E_INVALID);
	cr_assert_str_eq(cx->error, "line 1 column 6: integer expected");
}

Test(json, a_value_left_halfway_is_an_error)
{
	TEST_CTX(cx);
	struct lg_json js;

	lg_json_init(&js, cx->arena, LG_STR("[1,2]"));
	lg_json_array(&js);
	cr_assert(lg_json_item(&js));
	lg_json_skip(&js);
	cr_assert_eq(lg_json_end(cx, &js), LG_E_INVALID);
}

Test(json, integers_are_exact_up_to_both_ends)
{
	static const struct {
		const char *text;
		int64_t v;
	} rows[] = {
		{ "0", 0 }, { "-0", 0 }, { "-1", -1 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_json js;
		lg_json_init(&js, cx->arena, lg_str_of(rows[i].text));
		cr_assert_eq(lg_json_int(&js), rows[i].v, "%s", rows[i].text);
		cr_assert_eq(lg_json_end(cx, &js), LG_OK);
	}
	for (size_t i = 0; i < 2; i++) {
		struct lg_json js;
		lg_json_init(&js, cx->arena, i == 0 ? LG_STR("1.0") : LG_STR("1e2"));
		lg_json_int(&js);
		cr_assert_eq(lg_json_end(cx, &js), LG_E_INVALID);
	}
}

/* ---- limits ------------------------------------------------------------------------------------ */

static lg_str
repeated(struct lg_ctx *cx, const char *what, size_t times, const char *middle, const char *after)
{
	struct lg_buf b = LG_BUF(1 << 24);

	for (size_t i = 0; i < times; i++)
		lg_buf_str(&b, lg_str_of(what));
	lg_buf_str(&b, lg_str_of(middle));
	for (size_t i = 0; i < times; i++)
		lg_buf_str(&b, lg_str_of(after));
	lg_str s = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

Test(json, depth_is_limited)
{
	TEST_CTX(cx);

	cr_assert_eq(read_whole(cx, repeated(cx, "[", LG_JSON_DEPTH, "", "]")), LG_OK);
	cr_assert_eq(read_whole(cx, repeated(cx, "{\"a\":", LG_JSON_DEPTH, "1", "}")), LG_OK);
	cr_assert_eq(read_whole(cx, repeated(cx, "[", LG_JSON_DEPTH + 1, "", "]")), LG_E_INVALID);
	cr_assert_eq(read_whole(cx, repeated(cx, "[", 1000000, "", "")), LG_E_INVALID);
}

Test(json, items_are_limited)
{
	TEST_CTX(cx);

	cr_assert_eq(read_whole(cx, lg_cat(cx->arena, LG_STR("["),
	    repeated(cx, "1,", LG_JSON_MEMBERS - 1, "1]", ""))), LG_OK);
	cr_assert_eq(read_whole(cx, lg_cat(cx->arena, LG_STR("["),
	    repeated(cx, "1,", LG_JSON_MEMBERS, "1]", ""))), LG_E_INVALID);
}

Test(json, numbers_are_limited_in_length)
{
	TEST_CTX(cx);

	cr_assert_eq(read_whole(cx, lg_cat(cx->arena, LG_STR("0."),
	    repeated(cx, "1", LG_JSON_NUMBER_MAX - 2, "", ""))), LG_OK);
	cr_assert_eq(read_whole(cx, lg_cat(cx->arena, LG_STR("0."),
	    repeated(cx, "1", LG_JSON_NUMBER_MAX - 1, "", ""))), LG_E_INVALID);
}

/* An object of n members; the last name is the one numbered `last`. */
static lg_str
large_object(struct lg_ctx *cx, int n, int last)
{
	struct lg_buf b = LG_BUF(1 << 24);

	lg_buf_byte(&b, '{');
	for (int i = 0; i < n - 1; i++)
		lg_buf_printf(&b, "\"m%d\":%d,", i, i);
	lg_buf_printf(&b, "\"m%d\":0}", last);
	lg_str s = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

Test(json, duplicates_are_found_at_every_size)
{
	static const int sizes[] = { 2, 15, 16, 17, 18, 32, 33, 34, 64, 65, 1000, LG_JSON_MEMBERS };

	for (size_t i = 0; i < LG_COUNT(sizes); i++) {
		TEST_CTX(cx);
		int n = sizes[i];
		cr_assert_eq(read_whole(cx, large_object(cx, n, n)), LG_OK, "%d: %s", n, cx->error);
		cr_assert_eq(read_whole(cx, large_object(cx, n, 0)), LG_E_INVALID, "%d", n);
		cr_assert_eq(read_whole(cx, large_object(cx, n, n / 2 - 1)), LG_E_INVALID, "%d", n);
	}
}

Test(json, many_large_objects_reuse_their_tables)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(1 << 24);

	lg_buf_byte(&b, '[');
	for (int i = 0; i < 2000; i++) {
		lg_buf_str(&b, i == 0 ? LG_NONE : LG_STR(","));
		lg_buf_str(&b, large_object(cx, i % 2 == 0 ? 40 : 3, 50));
	}
	lg_buf_byte(&b, ']');
	lg_arena_reset(cx->arena);
	cr_assert_eq(read_whole(cx, lg_buf_view(&b)), LG_OK, "%s", cx->error);
	cr_assert_lt(lg_arena_used(cx->arena), 8192);
	lg_buf_free(&b);
}

/* ---- jansson as oracle ------------------------------------------------------------------------- */

static bool
jansson_accepts(lg_str text)
{
	json_error_t error;
	json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	json_decref(v);
	return v != NULL;
}

/* Walks both trees side by side. */
static void
assert_same_value(struct lg_json *js, json_t *v)
{
	lg_str name;
	size_t n = 0;

	switch (lg_json_peek(js)) {
	case LG_JSON_OBJECT:
		lg_json_object(js);
		for (; lg_json_member(js, &name); n++)
			assert_same_value(js, json_object_getn(v, name.p, name.n));
		cr_assert_eq(n, json_object_size(v));
		break;
	case LG_JSON_ARRAY:
		lg_json_array(js);
		for (; lg_json_item(js); n++)
			assert_same_value(js, json_array_get(v, n));
		cr_assert_eq(n, json_array_size(v));
		break;
	case LG_JSON_STRING: {
		lg_str s = lg_json_str(js);
		cr_assert(json_is_string(v));
		cr_assert(lg_str_eq(s, (lg_str){ json_string_value(v), json_string_length(v) }));
		break;
	}
	case LG_JSON_NUMBER:
		if (json_is_integer(v))
			cr_assert_eq(lg_json_int(js), json_integer_value(v));
		else
			cr_assert_eq(lg_json_double(js), json_real_value(v));
		break;
	case LG_JSON_BOOL:
		cr_assert_eq(lg_json_bool(js), json_is_true(v));
		cr_assert(json_is_boolean(v));
		break;
	case LG_JSON_NULL:
		lg_json_null(js);
		cr_assert(json_is_null(v));
		break;
	case LG_JSON_BAD:
		cr_assert_fail("a value was expected");
	}
}

static const char *const seeds[] = {
	"{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},\"n\":[1,-2,3.5,1e3]}",
	"[true,false,null,\"\\u00e9\\ud83d\\ude00\\\\\\/\\\"\",{\"a\":{\"b\":[[],{}]}}]",
	"{\"k\\u0061\":1,\"kb\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"c\":\"\\b\\f\\n\\r\\t\"}",
	"  [ -0 , 0.0 , -1.25E-3 , 9223372036854775807 , -9223372036854775808 ]  ",
	("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":1,\"k\":2,\"l\":3,"
	 "\"m\":4,\"n\":5,\"o\":6,\"p\":7,\"q\":8,\"r\":9,\"s\":10}"),
	"\"just a string\"", "12", "null",
};

static const char *const scraps[] = {
	"\"", "\\", "{", "}", "[", "]", ",", ":", "\\u", "d800", "\\ud800", "\\udc00", "\\u0000", "0", "-", ".", "e",
	"E+", "1e999", "99999999999999999999", "true", "nul", " ", "\n", "\x01", "\x7f", "\xc3", "\xed\xa0\x80",
	"\xc0\xaf", "\xf4\x90\x80\x80", "\xef\xbf\xbf", "/", "\"a\":", ",\"a\":1", "//", "\xef\xbb\xbf",
};

static uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void
mutate(uint64_t *state, struct lg_buf *b)
{
	size_t at = b->n == 0 ? 0 : random_next(state) % b->n;
	char tail[512];
	size_t rest = b->n - at;

	memcpy(tail, b->p + at, rest);
	b->n = at;
	switch (random_next(state) % 4) {
	case 0:			/* a byte lost */
		lg_buf_bytes(b, tail + (rest > 0), rest - (rest > 0));
		break;
	case 1:			/* a byte changed */
		lg_buf_byte(b, (char)random_next(state));
		lg_buf_bytes(b, tail + (rest > 0), rest - (rest > 0));
		break;
	case 2:			/* something put in */
		lg_buf_str(b, lg_str_of(scraps[random_next(state) % LG_COUNT(scraps)]));
		lg_buf_bytes(b, tail, rest);
		break;
	default:		/* a piece copied from elsewhere */
		lg_buf_str(b, lg_str_sub(lg_buf_view(b), random_next(state) % (b->n + 1), 12));
		lg_buf_bytes(b, tail, rest);
	}
	if (b->n > 400)
		b->n = 400;
}

/*
 * Where we refuse by right what jansson accepts: numbers of any length, and a NUL byte behind a number, which
 * its one-character pushback loses.  Its depth (2048) is beyond these texts.  Nothing it refuses is accepted.
 */
static void
compare(struct lg_ctx *cx, lg_str text)
{
	lg_err e = read_whole(cx, text);
	bool accepted = jansson_accepts(text);

	if (e != LG_OK && accepted &&
	    (strstr(cx->error, "number is too long") != NULL || memchr(text.p, '\0', text.n) != NULL))
		return;
	cr_assert_eq(e == LG_OK, accepted, "ours %s (%s), jansson %s: %.*s", lg_err_name(e), cx->error,
	    accepted ? "accepts" : "refuses", LG_FMT(text));
	if (!accepted)
		return;
	struct lg_json js;
	json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	lg_json_init(&js, cx->arena, text);
	assert_same_value(&js, v);
	json_decref(v);
}

Test(json, verdicts_and_values_agree_with_jansson)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	TEST_CTX(cx);
	int accepted = 0;

	for (int i = 0; i < 60000; i++) {
		struct lg_buf b = LG_BUF(4096);
		lg_buf_reserve(&b, 2048);	/* mutate copies from the buffer into itself */
		lg_buf_str(&b, lg_str_of(seeds[random_next(&state) % LG_COUNT(seeds)]));
		for (uint64_t k = random_next(&state) % 4; k > 0; k--)
			mutate(&state, &b);
		cx->error[0] = '\0';
		/* a copy of the exact size, so that the sanitizer sees any read beyond it */
		char *exact = malloc(b.n > 0 ? b.n : 1);
		memcpy(exact, b.p, b.n);
		compare(cx, (lg_str){ exact, b.n });
		accepted += cx->error[0] == '\0';
		free(exact);
		lg_buf_free(&b);
		lg_arena_reset(cx->arena);
	}
	cr_assert_gt(accepted, 10000);
	cr_assert_lt(accepted, 50000);
}

/* ---- writer ------------------------------------------------------------------------------------ */

Test(json, writer_places_commas_and_escapes)
{
	struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "s", LG_STR("a\"b\\c\n\x01\x7f\xc3\xa9\xff\xed\xa0\x80!"));
	lg_jsonw_int_of(&w, "i", INT64_MIN);
	lg_jsonw_bool_of(&w, "b", true);
	lg_jsonw_name(&w, LG_STR("a"));
	lg_jsonw_array(&w);
	lg_jsonw_null(&w);
	lg_jsonw_object(&w);
	lg_jsonw_object_end(&w);
	lg_jsonw_raw(&w, LG_STR("[1,2]"));
	lg_jsonw_array_end(&w);
	lg_jsonw_name(&w, LG_STR("t"));
	lg_jsonw_time(&w, 0);
	lg_jsonw_uuid_of(&w, "u", (lg_uuid){ { 1 } });
	lg_jsonw_object_end(&w);
	assert_str(lg_buf_view(&b), "{\"s\":\"a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd!\",\"i\":-9223372036854775808,\"b\":true,\"a\":[null,{},[1,2]],"
	    "\"t\":\"1970-01-01T00:00:00.000000Z\",\"u\":\"01000000-0000-0000-0000-000000000000\"}");
	lg_buf_free(&b);
}

Test(json, escapes_are_found_at_every_place_of_a_word)
{
	static const char *const odd[][2] = {
		{ "\"", "\\\"" }, { "\\", "\\\\" }, { "\x01", "\\u0001" }, { "\x1f", "\\u001f" }, { "\x7f", "\\u007f" },
		{ "\x80", "\xef\xbf\xbd" }, { "\xc3\xa9", "\xc3\xa9" }, { " ", " " }, { "!", "!" }, { "~", "~" },
	};
	TEST_CTX(cx);

	for (size_t k = 0; k < LG_COUNT(odd) * LG_COUNT(odd); k++)
		for (int before = 0; before < 18; before++) {
			const char *const *x = odd[k % LG_COUNT(odd)], *const *y = odd[k / LG_COUNT(odd)];
			struct lg_buf b = LG_BUF(256);
			struct lg_jsonw w = lg_jsonw_of(&b);
			lg_jsonw_str(&w, lg_print(cx->arena, "%.*s%s%sabcdefghij%s", before, "abcdefghijklmnopqr", x[0], y[0], x[0]));
			lg_str want = lg_print(cx->arena, "\"%.*s%s%sabcdefghij%s\"", before, "abcdefghijklmnopqr", x[1], y[1], x[1]);
			cr_assert(lg_str_eq(lg_buf_view(&b), want), "%.*s", LG_FMT(want));
			lg_buf_free(&b);
		}
}

Test(json, every_character_survives_writing_and_reading)
{
	TEST_CTX(cx);

	for (uint32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 101) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		struct lg_buf text = LG_BUF(16), out = LG_BUF(64);
		struct lg_jsonw w = lg_jsonw_of(&out);
		struct lg_json js;
		lg_buf_byte(&text, 'x');
		char u[4];
		lg_buf_bytes(&text, u, lg_utf8_encode(c, u));
		lg_jsonw_str(&w, lg_buf_view(&text));
		lg_json_init(&js, cx->arena, lg_buf_view(&out));
		cr_assert(lg_str_eq(lg_json_str(&js), lg_buf_view(&text)), "U+%04X", c);
		cr_assert_eq(lg_json_end(cx, &js), LG_OK);
		lg_buf_free(&text);
		lg_buf_free(&out);
		lg_arena_reset(cx->arena);
	}
}
