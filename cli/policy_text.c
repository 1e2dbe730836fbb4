/* policy_text.c: texts of policies and schemas in files: are they valid, and the same in the other form. */
#include "cli/offline.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define LEVEL_MAX	1000
#define TEXT_MAX	(64u << 20)	/* octets of a translation */

/* ---- validate ---------------------------------------------------------------------------------------------------- */

static void
write_faults(struct lg_jsonw *w, const struct lg_policy_faults *faults)
{
	lg_jsonw_name(w, LG_STR("errors"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < faults->n; i++) {
		const struct lg_policy_fault *f = &faults->v[i];
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "file", f->source);
		lg_jsonw_int_of(w, "line", f->line);
		lg_jsonw_int_of(w, "column", f->column);
		lg_jsonw_str_of(w, "policy", f->policy);
		lg_jsonw_str_of(w, "message", f->message);
		lg_jsonw_bool_of(w, "warning", f->warning);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
}

static void
tell_validity(struct cli *c, const struct lg_policy_faults *faults, size_t policies)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(TEXT_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	c->answer = faults->errors == 0 ? CLI_YES : CLI_NO;
	if (!cli_wants_json(c)) {
		cli_print_faults(c, faults);
		if (faults->errors == 0)
			cli_line(c, "valid: %zu policies, %zu warnings", policies, faults->warnings);
		else
			cli_line(c, "not valid: %zu errors, %zu warnings", faults->errors, faults->warnings);
		return;
	}
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "valid", faults->errors == 0);
	write_faults(&w, faults);
	lg_jsonw_object_end(&w);
	cli_json(c, lg_buf_view(&b));
}

/* --level N also bounds how far policies reach from the request's entities. */
static lg_err
judge(struct cli *c, const struct lg_policies *set, const struct lg_schema *schema, struct lg_policy_faults *faults)
{
	enum lg_validation mode = cli_given(c, "permissive") ? LG_PERMISSIVE : LG_STRICT;
	int64_t level;

	if (!cli_given(c, "level"))
		return lg_policies_validate(c->cx, set, schema, mode, faults);
	if (!lg_int_parse(cli_value(c, "level"), &level) || level < 0 || level > LEVEL_MAX)
		return lg_fail(c->cx, LG_E_INVALID, "--level is a number up to %d", LEVEL_MAX);
	return lg_policies_validate_level(c->cx, set, schema, mode, (unsigned)level, faults);
}

lg_err
cli_policy_validate_files(struct cli *c)
{
	LG_AUTO(lg_schema_unref) struct lg_schema *schema = NULL;
	LG_AUTO(lg_policies_unref) struct lg_policies *set = NULL;
	struct lg_policy_faults faults = { .n = 0 };

	LG_TRY(cli_schema_open(c, &schema));
	lg_err e = cli_policies_open(c, c->args, c->nargs, schema, &faults, &set);
	if (e == LG_OK && schema != NULL)
		e = judge(c, set, schema, &faults);
	if (e != LG_OK && (e != LG_E_INVALID || faults.n == 0))
		return e;
	if (c->nargs == 1)
		cli_name_faults(&faults, c->args[0]);
	tell_validity(c, &faults, set == NULL ? 0 : lg_policies_count(set));
	return LG_OK;
}

/* ---- format ----------------------------------------------------------------------------------------------------------- */

static lg_err
format_one(struct cli *c, lg_str file)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_str text, laid;
	const char *path;

	LG_TRY(cli_read_file(c, file, &text));
	lg_err e = lg_policy_format(c->cx, file, text, &faults, &laid);
	if (e != LG_OK)
		return cli_fail_faults(c, e, &faults);
	if (!cli_given(c, "write")) {
		cli_json(c, laid);
		return LG_OK;
	}
	if (lg_str_eq(text, laid))
		return LG_OK;
	LG_TRY(lg_cstr(c->cx, file, &path));
	LG_TRY(lg_file_write(c->cx, path, 0644, laid));
	cli_line(c, "%s", path);
	return LG_OK;
}

lg_err
cli_policy_format(struct cli *c)
{
	for (size_t i = 0; i < c->nargs; i++)
		LG_TRY(format_one(c, c->args[i]));
	return LG_OK;
}

/* ---- translate ----------------------------------------------------------------------------------------------------- */

static bool
is_schema(struct cli *c, lg_str text)
{
	lg_str kind = cli_value(c, "kind");
	struct lg_json js;
	lg_str name;

	if (kind.n > 0)
		return lg_str_eq(kind, LG_STR("schema"));
	if (!cli_is_json(text))
		return lg_str_ends(c->args[0], LG_STR(".cedarschema"));
	/* In JSON a schema is an object of namespaces; policies have one of these members. */
	static const char *const of_policies[] = { "effect", "staticPolicies", "templates", "templateLinks" };
	lg_json_init(&js, c->cx->arena, text);
	js.nul = true;
	js.max_depth = LG_POLICY_DEPTH * 4;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		for (size_t i = 0; i < LG_COUNT(of_policies); i++)
			if (lg_str_eq(name, lg_str_of(of_policies[i])))
				return false;
		lg_json_skip(&js);
	}
	return true;
}

/* Ids that only JSON has are kept as annotations. */
static void
put_text(struct cli *c, const struct lg_policies *set, size_t i, struct lg_buf *b)
{
	struct lg_policy_info info;
	bool named = false;

	lg_policies_info(set, i, &info);
	for (size_t k = 0; k < info.nannotations; k++)
		named |= lg_str_eq(info.annotations[k].name, LG_STR("id"));
	if (i > 0)
		lg_buf_byte(b, '\n');
	if (!named && !lg_str_eq(info.id, lg_print(c->cx->arena, "policy%zu", i))) {
		struct lg_value id = lg_value_string(info.id);
		lg_buf_printf(b, "@id(%.*s)\n", LG_FMT(lg_value_text(c->cx->arena, &id)));
	}
	lg_policy_text(set, i, b);
	if (b->n > 0 && b->p[b->n - 1] != '\n')
		lg_buf_byte(b, '\n');
}

static lg_err
policies_other_form(struct cli *c, lg_str text, lg_str *ret)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *set = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(TEXT_MAX);
	struct lg_policy_faults faults = { .n = 0 };

	if (cli_is_json(text) && lg_api_member(c->cx, text, "effect").n > 0)
		return lg_policy_json_text(c->cx, text, ret);
	lg_err e = cli_policies_of(c, c->args[0], text, NULL, &faults, &set);
	if (e != LG_OK)
		return cli_fail_faults(c, e, &faults);
	if (!cli_is_json(text))
		lg_policies_json(set, &b);
	else
		for (size_t i = 0; i < lg_policies_count(set); i++)
			put_text(c, set, i, &b);
	LG_TRY(lg_buf_status(c->cx, &b));
	*ret = lg_dup(c->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
cli_policy_translate(struct cli *c)
{
	lg_str text, other;

	LG_TRY(cli_read_file(c, c->args[0], &text));
	if (!is_schema(c, text))
		LG_TRY(policies_other_form(c, text, &other));
	else if (cli_is_json(text))
		LG_TRY(lg_schema_json_text(c->cx, text, &other));
	else
		LG_TRY(lg_schema_text_json(c->cx, text, &other));
	cli_json(c, other);
	return LG_OK;
}
