/* offline.c: reading policies, schemas, entities and requests from files. */
#include "cli/offline.h"

#include "base/json.h"

#define FILES	CLI_ARGS

bool
cli_is_json(lg_str text)
{
	lg_str s = lg_str_trim(text);

	return s.n > 0 && s.p[0] == '{';
}

lg_err
cli_fail_faults(struct cli *c, lg_err e, const struct lg_policy_faults *faults)
{
	if (faults->n > 0)
		return lg_fail(c->cx, e, "%.*s", LG_FMT(lg_str_trim(lg_policy_faults_text(c->cx->arena, faults))));
	return e;
}

void
cli_print_faults(struct cli *c, const struct lg_policy_faults *faults)
{
	lg_str text = lg_policy_faults_text(c->cx->arena, faults), line;

	while (text.n > 0) {
		(void)lg_str_cut(text, '\n', &line, &text);
		cli_line(c, "%.*s", LG_FMT(line));
	}
}

/* ---- schemas --------------------------------------------------------------------------------------------------- */

lg_err
cli_schema_of(struct cli *c, lg_str name, lg_str text, struct lg_schema **ret)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_err e = cli_is_json(text) ? lg_schema_parse_json(c->cx, name, text, &faults, ret)
				     : lg_schema_parse(c->cx, name, text, &faults, ret);

	return e == LG_OK ? e : cli_fail_faults(c, e, &faults);
}

lg_err
cli_schema_open(struct cli *c, struct lg_schema **ret)
{
	lg_str file = cli_value(c, "schema"), text = { cli_shipped_schema, cli_shipped_schema_size };

	*ret = NULL;
	if (lg_str_eq(file, LG_STR("none")))
		return LG_OK;
	if (file.n > 0)
		LG_TRY(cli_read_file(c, file, &text));
	return cli_schema_of(c, file.n > 0 ? file : LG_STR("conf/lightgate.cedarschema"), text, ret);
}

/* ---- policies --------------------------------------------------------------------------------------------------- */

void
cli_name_faults(struct lg_policy_faults *faults, lg_str file)
{
	for (size_t i = 0; i < faults->n; i++)
		faults->v[i].source = file;
}

static lg_err
parse_all(struct cli *c, const struct lg_policy_source *source, size_t n, const struct lg_schema *schema,
    struct lg_policy_faults *faults, struct lg_policies **ret)
{
	struct lg_policy_options options = { .schema = schema, .ids_from_annotation = true };

	return cli_is_json(source[0].text) ? lg_policies_parse_json(c->cx, source[0].text, &options, faults, ret)
					   : lg_policies_parse(c->cx, source, n, &options, faults, ret);
}

lg_err
cli_policies_of(struct cli *c, lg_str name, lg_str text, const struct lg_schema *schema, struct lg_policy_faults *faults,
    struct lg_policies **ret)
{
	struct lg_policy_source source = { LG_NONE, text };
	lg_err e = parse_all(c, &source, 1, schema, faults, ret);

	cli_name_faults(faults, name);
	return e;
}

lg_err
cli_policies_open(struct cli *c, const lg_str *files, size_t n, const struct lg_schema *schema, struct lg_policy_faults *faults,
    struct lg_policies **ret)
{
	struct lg_policy_source source[FILES];

	if (n > FILES)
		return lg_fail(c->cx, LG_E_LIMIT, "at most %d files", FILES);
	for (size_t i = 0; i < n; i++) {
		source[i].name = files[i];
		LG_TRY(cli_read_file(c, files[i], &source[i].text));
		if (n > 1 && cli_is_json(source[i].text))
			return lg_fail(c->cx, LG_E_INVALID, "%.*s: policies in JSON are read alone, not beside other files", LG_FMT(files[i]));
	}
	return n == 1 ? cli_policies_of(c, files[0], source[0].text, schema, faults, ret) : parse_all(c, source, n, schema, faults, ret);
}

void
cli_files_close(struct cli_files *f)
{
	lg_policies_unref(&f->set);
	lg_entity_store_free(&f->store);
	lg_schema_unref(&f->schema);
}

lg_err
cli_files_open(struct cli *c, const lg_str *files, size_t n, struct cli_files *f)
{
	struct lg_policy_faults faults = { .n = 0 };

	LG_TRY(cli_schema_open(c, &f->schema));
	lg_err e = cli_policies_open(c, files, n, f->schema, &faults, &f->set);
	return e == LG_OK ? e : cli_fail_faults(c, e, &faults);
}

lg_str
cli_ids(struct cli *c, const struct lg_policies *set, const uint32_t *v, size_t n)
{
	lg_str text = LG_NONE;

	for (size_t i = 0; i < n; i++) {
		struct lg_policy_info info;
		lg_policies_info(set, v[i], &info);
		text = lg_print(c->cx->arena, "%.*s%s%.*s", LG_FMT(text), i > 0 ? ", " : "", LG_FMT(info.id));
	}
	return text;
}

/* ---- entities ---------------------------------------------------------------------------------------------------- */

lg_err
cli_entities_of(struct cli *c, const struct lg_schema *schema, lg_str json, struct lg_entity_store **ret)
{
	LG_AUTO(lg_entity_store_free) struct lg_entity_store *st = lg_entity_store_new();

	if (json.n > 0)
		LG_TRY(lg_entity_store_json(c->cx, st, schema, json));
	LG_TRY(lg_entity_store_finish(c->cx, st));
	*ret = st;
	st = NULL;
	return LG_OK;
}

lg_err
cli_entities_open(struct cli *c, const struct lg_schema *schema, struct lg_entity_store **ret)
{
	lg_str file = cli_value(c, "entities"), json = LG_NONE;

	if (file.n > 0)
		LG_TRY(cli_read_file(c, file, &json));
	lg_err e = cli_entities_of(c, schema, json, ret);
	return e == LG_OK ? e : lg_fail_in(c->cx, e, lg_dup(c->cx->arena, file).p);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static lg_err
finish_request(struct cli *c, const struct lg_schema *schema, lg_str context, struct lg_request *rq)
{
	static const char *const names[] = { "principal", "action", "resource" };
	const struct lg_euid *uid[] = { &rq->principal, &rq->action, &rq->resource };

	for (size_t i = 0; i < LG_COUNT(names); i++)
		if (uid[i]->type.n == 0)
			return lg_fail(c->cx, LG_E_INVALID, "the request has no %s", names[i]);
	if (context.n > 0)
		LG_TRY(lg_context_json(c->cx, schema, &rq->action, context, &rq->context));
	return schema == NULL ? LG_OK : lg_request_validate(c->cx, schema, rq);
}

static lg_err
uid_option(struct cli *c, const char *name, struct lg_euid *ret)
{
	lg_str text = cli_value(c, name);
	lg_err e = text.n == 0 ? LG_OK : lg_euid_parse(c->cx, text, ret);

	return e == LG_OK ? e : lg_fail_in(c->cx, e, name);
}

lg_err
cli_request_open(struct cli *c, const struct lg_schema *schema, struct lg_request *ret)
{
	struct lg_request rq = { .context = NULL };
	lg_str json = cli_value(c, "context");

	if (cli_given(c, "request")) {
		LG_TRY(cli_read_file(c, cli_value(c, "request"), &json));
		return lg_request_json(c->cx, schema, json, ret);
	}
	LG_TRY(uid_option(c, "principal", &rq.principal));
	LG_TRY(uid_option(c, "action", &rq.action));
	LG_TRY(uid_option(c, "resource", &rq.resource));
	if (json.n > 0 && !cli_is_json(json))
		LG_TRY(cli_read_file(c, json, &json));
	LG_TRY(finish_request(c, schema, json, &rq));
	*ret = rq;
	return LG_OK;
}
