/*
 * The public Cedar corpus (../shared/corpus/cedar/public.tar.zst): every request's decision, reasons and erring policies,
 * every verdict of the validator.  One test a folder; a line of counts each.
 */
#include "policy_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "policy/set.h"

#define FILE_MAX (16u << 20)

#define PACKED "../shared/corpus/cedar/public.tar.zst"
#define ROOT "build/corpus/cedar"

struct counts {
	unsigned cases, requests, partials, wrong_requests, refused, verdicts, wrong_verdicts, translations, wrong_translations, shown;
};

/* Unpacks once, beside other runs; false without the corpus. */
static bool
corpus_open(void)
{
	if (access(PACKED, R_OK) != 0) {
		printf("SKIP the Cedar corpus: " PACKED " is not there\n");
		return false;
	}
	return system("test -d " ROOT "/validation || { mkdir -p " ROOT ".$$ && tar --zstd -xf " PACKED " -C " ROOT ".$$ && "
	    "{ mv -T " ROOT ".$$ " ROOT " 2>/dev/null || rm -rf " ROOT ".$$; }; }") == 0;
}

static lg_str
slurp(struct fixture *f, const char *name, lg_str relative)
{
	char path[8192];
	lg_str text = LG_NONE;

	snprintf(path, sizeof(path), ROOT "/%s%.*s", name, LG_FMT(relative));
	cr_assert_eq(lg_file_read(&f->cx, path, FILE_MAX, &text), LG_OK, "%s: %s", path, f->cx.error);
	return text;
}

/* ---- one case ------------------------------------------------------------------------------- */

static void
show(struct counts *c, const char *name, const char *what)
{
	if (c->shown++ < 20)
		printf("%s: %s\n", name, what);
}

/* The same request with principal, resource or context unknown at first. */
static void
run_partials(struct fixture *f, const char *name, const struct lg_case_request *want, const struct lg_request *rq,
    const struct lg_policies *set, const struct lg_entities *port, struct counts *c)
{
	for (unsigned hidden = 1; hidden < 8; hidden++) {
		struct lg_partial_request part = { rq->principal, rq->resource, rq->action, rq->context, NULL, 0, false };
		struct lg_partial *p = NULL;
		struct lg_answer a;

		if (hidden & 1)
			part.principal = lg_euid_any(rq->principal.type);
		if (hidden & 2)
			part.resource = lg_euid_any(rq->resource.type);
		if (hidden & 4) {
			part.context = NULL;
			part.context_open = true;
		}
		c->partials++;
		if (lg_partial_new(&f->cx, set, port, &part, &p) != LG_OK || lg_partial_complete(&f->cx, p, port, rq, &a) != LG_OK ||
		    !lg_case_met(set, &a, want)) {
			c->wrong_requests++;
			show(c, name, "differs when it is decided in two steps");
		}
	}
}

static void
run_requests(struct fixture *f, const char *name, const struct lg_case *tc, const struct lg_schema *schema,
    const struct lg_policies *set, const struct lg_entities *port, struct counts *c)
{
	for (size_t i = 0; i < tc->n; i++) {
		struct lg_request rq;
		struct lg_answer a;

		c->requests++;
		if (lg_request_json(&f->cx, schema, tc->rq[i].request, &rq) != LG_OK) {
			c->wrong_requests++;
			show(c, name, f->cx.error);
			continue;
		}
		lg_authorize(&f->cx, set, port, &rq, &a);
		if (!lg_case_met(set, &a, &tc->rq[i])) {
			c->wrong_requests++;
			show(c, name, a.nerrors > 0 ? lg_dup(f->arena, a.errors[0].message).p : a.allow ? "allowed" : "denied");
		}
		if (i < 2)		/* the rest of a case is much like the first */
			run_partials(f, name, &tc->rq[i], &rq, set, port, c);
	}
}

/* validation/X.json: policyValidation.{strict,permissive}; some cases have none. */
static bool
read_verdicts(struct fixture *f, const char *name, bool *strict, bool *permissive)
{
	char path[4096];
	lg_str text, member;
	struct lg_json js;

	snprintf(path, sizeof(path), ROOT "/validation/%s", strrchr(name, '/') + 1);
	if (access(path, R_OK) != 0 || lg_file_read(&f->cx, path, FILE_MAX, &text) != LG_OK)
		return false;
	lg_json_init(&js, f->arena, text);
	js.nul = true;
	lg_json_object(&js);
	while (lg_json_member(&js, &member)) {
		if (!lg_str_eq(member, LG_STR("policyValidation"))) {
			lg_json_skip(&js);
			continue;
		}
		lg_json_object(&js);
		while (lg_json_member(&js, &member))
			if (lg_str_eq(member, LG_STR("strict")))
				*strict = lg_json_bool(&js);
			else if (lg_str_eq(member, LG_STR("permissive")))
				*permissive = lg_json_bool(&js);
			else
				lg_json_skip(&js);
	}
	return lg_json_end(&f->cx, &js) == LG_OK;
}

static void
check_verdict(struct fixture *f, const char *name, const struct lg_policies *set, const struct lg_schema *schema,
    enum lg_validation mode, bool want, struct counts *c)
{
	struct lg_policy_faults faults = { 0 };
	bool valid = lg_policies_validate(&f->cx, set, schema, mode, &faults) == LG_OK;

	c->verdicts++;
	if (valid == want)
		return;
	c->wrong_verdicts++;
	show(c, name, valid ? "validates, should not" : f->cx.error);
}

/* Are two JSON texts the same value?  Members in any order. */
static bool
json_same(struct fixture *f, lg_str a, lg_str b)
{
	struct lg_json x, y;
	lg_str *value, name, item;
	struct lg_map members;
	size_t n = 0, i = 0;
	bool same = true;

	lg_json_init(&x, f->arena, a);
	lg_json_init(&y, f->arena, b);
	x.nul = y.nul = true;
	x.max_depth = y.max_depth = 400;
	if (lg_json_peek(&x) != lg_json_peek(&y))
		return false;
	switch (lg_json_peek(&x)) {
	case LG_JSON_STRING: return lg_str_eq(lg_json_str(&x), lg_json_str(&y));
	case LG_JSON_ARRAY:
		lg_json_array(&x);
		lg_json_array(&y);
		while (same && lg_json_item(&x))
			same = lg_json_item(&y) && (item = lg_json_raw(&x), json_same(f, item, lg_json_raw(&y)));
		return same && !lg_json_item(&y);
	case LG_JSON_OBJECT:
		lg_map_init(&members, f->arena);
		lg_json_object(&y);
		for (; lg_json_member(&y, &name); n++) {
			value = LG_NEW(f->arena, lg_str);
			*value = lg_json_raw(&y);
			*lg_map_at(&members, name) = value;
		}
		lg_json_object(&x);
		for (; same && lg_json_member(&x, &name); i++) {
			value = lg_map_get(&members, name);
			same = value != NULL && json_same(f, lg_json_raw(&x), *value);
		}
		return same && i == n;
	default: return lg_str_eq(lg_str_trim(lg_json_raw(&x)), lg_str_trim(lg_json_raw(&y)));
	}
}

/* {"policy0": ..} as we write it. */
static lg_str
our_json(struct fixture *f, const struct lg_policies *set)
{
	struct lg_buf b = LG_BUF(FILE_MAX);
	lg_str s;

	lg_buf_str(&b, LG_STR("{\"policy0\":"));
	lg_policy_json(set, 0, &b);
	lg_buf_byte(&b, '}');
	s = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

/* Laid out afresh it still means the same. */
static void
check_format(struct fixture *f, const char *name, const struct lg_policies *set, lg_str json, struct counts *c)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *again = NULL;
	struct lg_policy_source src = { .name = LG_NONE };
	struct lg_policy_info info;

	lg_policies_info(set, 0, &info);
	c->translations++;
	if (lg_policy_format(&f->cx, LG_STR("policy"), info.text, &faults, &src.text) != LG_OK ||
	    lg_policies_parse(&f->cx, &src, 1, NULL, &faults, &again) != LG_OK || !json_same(f, our_json(f, again), json)) {
		c->wrong_translations++;
		show(c, name, again == NULL ? f->cx.error : src.text.p);
	}
	lg_policies_unref(&again);
}

/* Text to JSON is what the reference wrote; its JSON, read, and our text, printed, give the same JSON again. */
static void
check_translations(struct fixture *f, const char *name, const struct lg_policies *set, struct counts *c)
{
	struct lg_buf b = LG_BUF(FILE_MAX);
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *read = NULL, *printed = NULL;
	char path[4096];
	lg_str theirs;

	snprintf(path, sizeof(path), ROOT "/derived-est/%s", strrchr(name, '/') + 1);
	if (access(path, R_OK) != 0 || lg_file_read(&f->cx, path, FILE_MAX, &theirs) != LG_OK)
		return;
	lg_policy_text(set, 0, &b);
	struct lg_policy_source src = { .text = lg_buf_view(&b) };
	lg_str wrapped = lg_cat(f->arena, lg_cat(f->arena, LG_STR("{\"staticPolicies\":"), theirs), LG_STR("}"));
	c->translations += 3;
	if (!json_same(f, our_json(f, set), theirs)) {
		c->wrong_translations++;
		show(c, name, our_json(f, set).p);
	}
	if (lg_policies_parse_json(&f->cx, wrapped, NULL, &faults, &read) != LG_OK || !json_same(f, our_json(f, read), theirs)) {
		c->wrong_translations++;
		show(c, name, read == NULL ? f->cx.error : our_json(f, read).p);
	}
	if (lg_policies_parse(&f->cx, &src, 1, NULL, &faults, &printed) != LG_OK || !json_same(f, our_json(f, printed), theirs)) {
		c->wrong_translations++;
		show(c, name, printed == NULL ? f->cx.error : our_json(f, printed).p);
	}
	lg_policies_unref(&read);
	lg_policies_unref(&printed);
	check_format(f, name, set, theirs, c);
	lg_buf_free(&b);
}

/* The same for schemas; the one read from JSON must give the verdict of the one read from text. */
static void
check_schema(struct fixture *f, const char *name, lg_str text, const struct lg_policies *set, bool valid, struct counts *c)
{
	struct lg_policy_faults faults = { 0 }, verdict = { 0 };
	struct lg_schema *s = NULL;
	lg_str theirs, ours, back;
	char path[4096];

	snprintf(path, sizeof(path), ROOT "/derived-schema-json/%s", strrchr(name, '/') + 1);
	if (access(path, R_OK) != 0 || lg_file_read(&f->cx, path, FILE_MAX, &theirs) != LG_OK)
		return;
	c->translations += 3;
	if (lg_schema_text_json(&f->cx, text, &ours) != LG_OK || !json_same(f, ours, theirs)) {
		c->wrong_translations++;
		show(c, name, lg_cat(f->arena, LG_STR("schema: "), ours).p);
	}
	if (lg_schema_json_text(&f->cx, theirs, &back) != LG_OK || lg_schema_text_json(&f->cx, back, &ours) != LG_OK ||
	    !json_same(f, ours, theirs)) {
		c->wrong_translations++;
		show(c, name, lg_cat(f->arena, lg_str_of(f->cx.error), back).p);
	}
	if (lg_schema_parse_json(&f->cx, LG_STR("json"), theirs, &faults, &s) != LG_OK ||
	    (lg_policies_validate(&f->cx, set, s, LG_STRICT, &verdict) == LG_OK) != valid) {
		c->wrong_translations++;
		show(c, name, f->cx.error);
	}
	lg_schema_unref(&s);
}

static void
run_case(const char *name, struct counts *c)
{
	struct fixture f = fixture_new();
	struct lg_case *tc = LG_NEW(f.arena, struct lg_case);
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *schema = NULL;
	struct lg_policies *set = NULL;
	struct lg_entity_store *st = lg_entity_store_new();
	struct lg_policy_source src = { LG_NONE, LG_NONE };
	struct lg_policy_options opt = { 0 };
	struct lg_entities port;
	bool strict = false, permissive = false;

	cr_assert_eq(lg_case_read(&f.cx, slurp(&f, name, LG_NONE), tc), LG_OK, "%s: %s", name, f.cx.error);
	c->cases++;
	src.text = slurp(&f, "", tc->policies);
	if (lg_schema_parse(&f.cx, tc->schema, slurp(&f, "", tc->schema), &faults, &schema) != LG_OK ||
	    (opt.schema = schema, lg_policies_parse(&f.cx, &src, 1, &opt, &faults, &set)) != LG_OK ||
	    lg_entity_store_json(&f.cx, st, schema, slurp(&f, "", tc->entities)) != LG_OK ||
	    lg_entity_store_finish(&f.cx, st) != LG_OK) {
		c->refused++;
		show(c, name, f.cx.error);
	} else {
		port = lg_entity_store_port(st);
		run_requests(&f, name, tc, schema, set, &port, c);
		check_verdict(&f, name, set, schema, LG_STRICT, tc->should_validate, c);
		check_translations(&f, name, set, c);
		check_schema(&f, name, slurp(&f, "", tc->schema), set, tc->should_validate, c);
		if (read_verdicts(&f, name, &strict, &permissive)) {
			check_verdict(&f, name, set, schema, LG_STRICT, strict, c);
			check_verdict(&f, name, set, schema, LG_PERMISSIVE, permissive, c);
		}
	}
	lg_entity_store_free(&st);
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	fixture_free(&f);
}

static bool
is_case(const char *name)
{
	lg_str s = lg_str_of(name);

	return lg_str_ends(s, LG_STR(".json")) && !lg_str_ends(s, LG_STR(".entities.json"));
}

static void
run_folder(const char *folder)
{
	struct counts c = { 0 };
	char path[8192], name[1024];
	struct dirent *e;
	DIR *dir;

	if (!corpus_open())
		return;
	snprintf(path, sizeof(path), ROOT "/%s", folder);
	dir = opendir(path);
	cr_assert_not_null(dir, "%s", path);
	while ((e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
		if (is_case(name))
			run_case(name, &c);
	}
	closedir(dir);
	printf("%s: %u cases (%u refused), %u requests, %u in two steps (%u differ), %u verdicts of the validator (%u differ), "
	    "%u translations (%u differ)\n", folder, c.cases, c.refused, c.requests, c.partials, c.wrong_requests, c.verdicts, c.wrong_verdicts,
	    c.translations, c.wrong_translations);
	fflush(stdout);
	cr_assert_eq(c.refused + c.wrong_requests + c.wrong_verdicts + c.wrong_translations, 0);
}

Test(corpus, generated_cases_are_answered_as_the_reference_does)
{
	run_folder("corpus-tests");
}

Test(corpus, handwritten_cases_are_answered_as_the_reference_does)
{
	run_folder("tests/ip");
	run_folder("tests/decimal");
	run_folder("tests/multi");
	run_folder("tests/example_use_cases");
}
