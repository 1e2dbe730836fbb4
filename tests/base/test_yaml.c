/* test_yaml.c: what people write is read; what makes YAML dangerous is not. */
#include "tests/base/base_test.h"

#include "base/json.h"
#include "base/yaml.h"

static void
assert_json(const char *yaml, const char *json)
{
	TEST_CTX(cx);
	struct lg_yaml *y;
	struct lg_buf b = LG_BUF(1 << 20);

	cr_assert_eq(lg_yaml_parse(cx, lg_str_of(yaml), &y), LG_OK, "%s: %s", yaml, cx->error);
	lg_yaml_to_json(y, &b);
	assert_str(lg_buf_view(&b), json);
	lg_buf_free(&b);
}

static void
assert_refused(const char *yaml, const char *why)
{
	TEST_CTX(cx);
	struct lg_yaml *y = NULL;

	cr_assert_eq(lg_yaml_parse(cx, lg_str_of(yaml), &y), LG_E_INVALID, "%s", yaml);
	cr_assert_str_eq(cx->error, why, "%s: %s", yaml, cx->error);
	cr_assert_null(y);
}

Test(yaml, documents_become_json)
{
	assert_json("", "{}");
	assert_json("# nothing\n", "{}");
	assert_json("---\n", "null");
	assert_json("a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  d: {e: f}\n  g:\n  - 1\n  - - 2\n",
	    "{\"a\":1,\"b\":[\"x\",\"y\",\"z\\n\"],\"c\":{\"d\":{\"e\":\"f\"},\"g\":[1,[2]]}}");
	assert_json("text: |\n  one\n  two\nfold: >\n  one\n  two\n", "{\"text\":\"one\\ntwo\\n\",\"fold\":\"one two\\n\"}");
	assert_json("--- \na: b\n...\n", "{\"a\":\"b\"}");
	assert_json("%YAML 1.1\n---\na: b\n", "{\"a\":\"b\"}");
	assert_json("\"<<\": quoted\n", "{\"<<\":\"quoted\"}");
}

Test(yaml, only_plain_words_and_integers_lose_their_quotes)
{
	assert_json("-\n- ''\n", "[null,\"\"]");
	assert_json("[true, false, null, ~, 0, -5, 9223372036854775807]",
	    "[true,false,null,null,0,-5,9223372036854775807]");
	assert_json("['true', \"null\", '1', '', \"~\"]", "[\"true\",\"null\",\"1\",\"\",\"~\"]");
	assert_json("[yes, No, ON, True, NULL, 007, 0x10, 1.5, 1_000, +1, -0, 12:30:45, 9223372036854775808, 2026-11-22]",
	    "[\"yes\",\"No\",\"ON\",\"True\",\"NULL\",\"007\",\"0x10\",\"1.5\",\"1_000\",\"+1\",\"-0\",\"12:30:45\","
	    "\"9223372036854775808\",\"2026-11-22\"]");
}

Test(yaml, dangerous_or_ambiguous_documents_are_refused)
{
	assert_refused("a: &x 1\nb: *x\n", "line 1: anchors and aliases are not supported");
	assert_refused("b: *x\n", "line 1: anchors and aliases are not supported");
	assert_refused("&x a: 1\n", "line 1: anchors and aliases are not supported");
	assert_refused("a: &x [1]\n", "line 1: anchors and aliases are not supported");
	assert_refused("a: &x {b: 1}\n", "line 1: anchors and aliases are not supported");
	assert_refused("a: !!int 1\n", "line 1: tags are not supported");
	assert_refused("a: !custom [1]\n", "line 1: tags are not supported");
	assert_refused("a: ! x\n", "line 1: tags are not supported");
	assert_refused("\n<<: {a: 1}\n", "line 2: merge keys are not supported");
	assert_refused("a: 1\nb: 2\na: 3\n", "line 3: \"a\" appears twice");
	assert_refused("a: 1\n'a': 3\n", "line 2: \"a\" appears twice");
	assert_refused("{a: 1, a: 2}", "line 1: \"a\" appears twice");
	assert_refused("? [a]\n: 1\n", "line 1: a key must be a scalar");
	assert_refused("a: 1\n---\nb: 2\n", "line 2: one document only");
	assert_refused("a: \"x\\0y\"\n", "line 1: a NUL character is not allowed");
}

Test(yaml, malformed_text_names_its_line)
{
	static const char *const bad[] = {
		"a: [1\n", "a: b: c\n", "a: 'x\n", "\ta: 1\n", "a:\n  b: 1\n c: 2\n", "a: \xff\n", "a: \"\\ud800\"\n", "a: \x01\n",
		"{a: 1]\n", "a: 1\n- b\n", ("\xff\xfe" "a\0:\0"), "@x",
	};
	TEST_CTX(cx);
	struct lg_yaml *y;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		cr_assert_eq(lg_yaml_parse(cx, lg_str_of(bad[i]), &y), LG_E_INVALID, "%s", bad[i]);
		cr_assert(strncmp(cx->error, "line ", 5) == 0, "%s", cx->error);
	}
}

Test(yaml, nodes_keep_lines_keys_and_order)
{
	TEST_CTX(cx);
	struct lg_yaml *root;

	cr_assert_eq(lg_yaml_parse(cx, LG_STR("first: 1\n\nsecond:\n  - a\n  - 'b'\n"), &root), LG_OK);
	const struct lg_yaml *second = lg_yaml_get(root, LG_STR("second"));
	cr_assert_not_null(second);
	cr_assert_eq(root->first->next, second);
	cr_assert_eq(lg_yaml_get(root, LG_STR("first"))->line, 1);
	cr_assert_eq(second->type, LG_YAML_LIST);
	cr_assert_eq(second->first->line, 4);
	cr_assert(second->first->plain);
	cr_assert_not(second->first->next->plain);
	cr_assert_eq(second->first->next->line, 5);
	cr_assert_null(second->first->next->next);
	cr_assert_null(lg_yaml_get(root, LG_STR("third")));
	cr_assert_null(lg_yaml_get(second, LG_STR("a")));
	cr_assert_null(lg_yaml_get(NULL, LG_STR("a")));
}

Test(yaml, duplicates_are_found_in_large_maps)
{
	static const int sizes[] = { 15, 16, 17, 18, 40, 3000 };
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(sizes); i++)
		for (int twice = -1; twice < sizes[i]; twice += sizes[i] / 5) {
			struct lg_buf b = LG_BUF(1 << 20);
			struct lg_yaml *y;
			for (int k = 0; k < sizes[i]; k++)
				lg_buf_printf(&b, "k%d: %d\n", k, k);
			if (twice >= 0)
				lg_buf_printf(&b, "k%d: again\n", twice);
			cr_assert_eq(lg_yaml_parse(cx, lg_buf_view(&b), &y), twice < 0 ? LG_OK : LG_E_INVALID, "%d %d",
			    sizes[i], twice);
			lg_buf_free(&b);
		}
}

static lg_err
parse_nested(struct lg_ctx *cx, const char *open, size_t depth, const char *close)
{
	struct lg_buf b = LG_BUF(1 << 24);
	struct lg_yaml *y;

	for (size_t i = 0; i < depth; i++)
		lg_buf_str(&b, lg_str_of(open));
	for (size_t i = 0; i < depth; i++)
		lg_buf_str(&b, lg_str_of(close));
	lg_err e = lg_yaml_parse(cx, lg_buf_view(&b), &y);
	lg_buf_free(&b);
	return e;
}

Test(yaml, depth_size_and_count_are_limited)
{
	TEST_CTX(cx);
	struct lg_yaml *y;

	cr_assert_eq(parse_nested(cx, "[", LG_YAML_DEPTH, "]"), LG_OK, "%s", cx->error);
	cr_assert_eq(parse_nested(cx, "[", LG_YAML_DEPTH + 1, "]"), LG_E_INVALID);
	cr_assert_eq(parse_nested(cx, "[", 100000, ""), LG_E_INVALID);
	cr_assert_eq(parse_nested(cx, "{a: ", 100000, ""), LG_E_INVALID);
	cr_assert_eq(parse_nested(cx, "- ", 400, ""), LG_E_INVALID);
	lg_str large = { lg_alloc(cx->arena, LG_YAML_SIZE + 1), LG_YAML_SIZE + 1 };
	cr_assert_eq(lg_yaml_parse(cx, large, &y), LG_E_LIMIT);
	struct lg_buf b = LG_BUF(LG_YAML_SIZE);
	lg_buf_byte(&b, '[');
	for (size_t i = 0; i < LG_YAML_NODES; i++)
		lg_buf_str(&b, LG_STR("a,"));
	lg_buf_byte(&b, ']');
	cr_assert_eq(lg_yaml_parse(cx, lg_buf_view(&b), &y), LG_E_INVALID);
	cr_assert_not_null(strstr(cx->error, "too many values"));
	lg_buf_free(&b);
}
