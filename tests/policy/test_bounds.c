/* What a text may repeat or nest: as often as its bound says, and not once more. */
#include "policy_test.h"

static bool
parse_policies(struct fixture *f, lg_str text, struct lg_policy_faults *faults)
{
	struct lg_policy_source src = { LG_STR("p"), text };
	struct lg_policies *set = NULL;
	lg_err e = lg_policies_parse(&f->cx, &src, 1, NULL, faults, &set);

	lg_policies_unref(&set);
	return e == LG_OK;
}

static bool
parse_schema(struct fixture *f, lg_str text, struct lg_policy_faults *faults)
{
	struct lg_schema *s = NULL;
	lg_err e = lg_schema_parse(&f->cx, LG_STR("s"), text, faults, &s);

	lg_schema_unref(&s);
	return e == LG_OK;
}

static bool
parse_schema_json(struct fixture *f, lg_str text, struct lg_policy_faults *faults)
{
	struct lg_schema *s = NULL;
	lg_err e = lg_schema_parse_json(&f->cx, LG_STR("s"), text, faults, &s);

	lg_schema_unref(&s);
	return e == LG_OK;
}

#define SCOPE "permit(principal, action, resource)"
#define JSON_ENTITY "{\"\":{\"actions\":{},\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{\"a\":"

/* open, as many units (a # is their number), between, as many ends, close. */
static const struct bound {
	const char *open, *unit, *between, *end, *close;
	size_t most;
	bool (*parse)(struct fixture *f, lg_str text, struct lg_policy_faults *faults);
	const char *says;
} bounds[] = {
	{ "", "@a#(\"x\") ", SCOPE ";", "", "", 256, parse_policies, "more than 256 annotations" },
	{ "permit(principal, action in [", "Action::\"#\",", "", "", "], resource);", 4096, parse_policies, "more than 4096 actions" },
	{ SCOPE, " when { true }", ";", "", "", 1024, parse_policies, "more than 1024 clauses" },
	{ SCOPE " when { [", "1,", "", "", "].isEmpty() };", LG_POLICY_SET_MAX, parse_policies, "more than 65536 elements" },
	{ SCOPE " when { {", "a#: 1,", "", "", "} has a };", LG_POLICY_SET_MAX, parse_policies, "more than 65536 elements" },
	{ "", SCOPE ";", "", "", "", LG_POLICY_COUNT_MAX, parse_policies, "more than 65536 policies" },
	{ SCOPE " when { ", "[", "", "]", " == 1 };", LG_POLICY_DEPTH - 1, parse_policies, "nested deeper than 128" },
	{ SCOPE ";", " ", "", "", "", LG_POLICY_SOURCE_MAX - sizeof SCOPE, parse_policies, "at most 33554432" },
	{ "entity A {", "a#: Long,", "", "", "};", 4096, parse_schema, "more than 4096 attributes" },
	{ "", "entity E#;", "", "", "", 16384, parse_schema, "more than 16384 declarations" },
	{ "", "@a#(\"x\") ", "entity A;", "", "", 256, parse_schema, "more than 256 annotations" },
	{ "entity A { a: ", "Set<", "Long", ">", " };", LG_POLICY_DEPTH - 2, parse_schema, "deeper than 128" },
	{ JSON_ENTITY, "{\"type\":\"Set\",\"element\":", "{\"type\":\"Long\"}", "}", "}}}}}}", LG_POLICY_DEPTH - 2, parse_schema_json, "too deeply" },
	{ "{}", " ", "", "", "", LG_POLICY_JSON_MAX - 2, parse_schema_json, "at most 8388608" },
};

static lg_str
text_of(struct fixture *f, const struct bound *b, size_t n)
{
	struct lg_buf out = LG_BUF(64u << 20);
	lg_str unit = lg_str_of(b->unit), before, after;
	bool numbered = lg_str_cut(unit, '#', &before, &after);

	lg_buf_str(&out, lg_str_of(b->open));
	for (size_t i = 0; i < n; i++)
		if (numbered)
			lg_buf_printf(&out, "%.*s%zu%.*s", LG_FMT(before), i, LG_FMT(after));
		else
			lg_buf_str(&out, unit);
	lg_buf_str(&out, lg_str_of(b->between));
	for (size_t i = 0; i < n; i++)
		lg_buf_str(&out, lg_str_of(b->end));
	lg_buf_str(&out, lg_str_of(b->close));
	lg_str text = lg_dup(f->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return text;
}

Test(bounds, of_a_text_are_reached_and_not_passed)
{
	for (size_t i = 0; i < LG_COUNT(bounds); i++) {
		const struct bound *b = &bounds[i];
		for (size_t more = 0; more < 2; more++) {
			struct fixture f = fixture_new();
			struct lg_policy_faults faults = { 0 };
			bool good = b->parse(&f, text_of(&f, b, b->most + more), &faults);
			cr_expect_eq(good, more == 0, "%s%s, %zu: %s", b->open, b->unit, b->most + more, f.cx.error);
			cr_expect(more == 0 || strstr(f.cx.error, b->says) != NULL, "%s%s: %s", b->open, b->unit, f.cx.error);
			fixture_free(&f);
		}
	}
}
