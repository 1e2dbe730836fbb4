/* cases.c: requests in JSON, and cases of them with the answers they should have, as cedar-integration-tests writes them. */
#include "policy/value_json.h"

#define IDS_MAX 256			/* of one list in a case */

/* ---- requests ------------------------------------------------------------------------------- */

static lg_err
uid_read(struct lg_value_reader *rd, struct lg_euid *ret)
{
	if (lg_json_peek(rd->js) == LG_JSON_STRING)
		return lg_euid_parse(rd->cx, lg_json_str(rd->js), ret);
	return lg_euid_read(rd, ret);
}

lg_err
lg_request_json(struct lg_ctx *cx, const struct lg_schema *schema, lg_str json, struct lg_request *ret)
{
	struct lg_request rq = { .context = NULL };
	lg_str name, context = LG_NONE;
	struct lg_json js;
	struct lg_value_reader rd = { .cx = cx, .js = &js };
	struct {
		lg_str name;
		struct lg_euid *uid;
	} parts[] = { { LG_STR("principal"), &rq.principal }, { LG_STR("action"), &rq.action }, { LG_STR("resource"), &rq.resource } };

	lg_json_init(&js, cx->arena, json);
	js.nul = true;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < LG_COUNT(parts) && !lg_str_eq(parts[i].name, name))
			i++;
		if (i < LG_COUNT(parts))
			LG_TRY(uid_read(&rd, parts[i].uid));
		else if (lg_str_eq(name, LG_STR("context")))
			context = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	for (size_t i = 0; i < LG_COUNT(parts); i++)
		if (parts[i].uid->type.n == 0)
			return lg_fail(cx, LG_E_INVALID, "the request has no %.*s", LG_FMT(parts[i].name));
	if (context.n > 0)
		LG_TRY(lg_context_json(cx, schema, &rq.action, context, &rq.context));
	if (schema != NULL)
		LG_TRY(lg_request_validate(cx, schema, &rq));
	*ret = rq;
	return LG_OK;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static const lg_str *
ids_read(struct lg_ctx *cx, struct lg_json *js, size_t *n)
{
	lg_str *v = NULL;
	size_t size = 0;

	lg_json_array(js);
	for (*n = 0; lg_json_item(js); ++*n) {
		if (*n == IDS_MAX) {
			lg_json_fault(js, "too many ids");
			break;
		}
		if (*n == size) {
			lg_str *more = LG_NEWS(cx->arena, lg_str, size = size == 0 ? 8 : size * 2);

			if (*n > 0)
				memcpy(more, v, *n * sizeof(*v));
			v = more;
		}
		v[*n] = lg_json_str(js);
	}
	return v;
}

static void
expected_read(struct lg_ctx *cx, lg_str text, struct lg_case_request *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct lg_case_request){ .request = text, .validate = true };
	lg_json_init(&js, cx->arena, text);
	js.nul = true;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("decision")))
			ret->allow = lg_str_eq(lg_json_str(&js), LG_STR("allow"));
		else if (lg_str_eq(name, LG_STR("description")))
			ret->description = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("validateRequest")))
			ret->validate = lg_json_bool(&js);
		else if (lg_str_eq(name, LG_STR("reason")))
			ret->reason = ids_read(cx, &js, &ret->nreason);
		else if (lg_str_eq(name, LG_STR("errors")))
			ret->errors = ids_read(cx, &js, &ret->nerrors);
		else
			lg_json_skip(&js);
	}
}

static void
requests_read(struct lg_ctx *cx, struct lg_json *js, struct lg_case *ret)
{
	ret->rq = LG_NEWS(cx->arena, struct lg_case_request, LG_CASE_REQUESTS_MAX);
	lg_json_array(js);
	while (lg_json_item(js)) {
		if (ret->n == LG_CASE_REQUESTS_MAX) {
			lg_json_fault(js, "too many requests");
			return;
		}
		expected_read(cx, lg_json_raw(js), &ret->rq[ret->n++]);
	}
}

lg_err
lg_case_read(struct lg_ctx *cx, lg_str json, struct lg_case *ret)
{
	struct lg_case tc = { .n = 0 };
	struct lg_json js;
	lg_str name;
	struct {
		lg_str name, *path;
	} paths[] = { { LG_STR("policies"), &tc.policies }, { LG_STR("entities"), &tc.entities }, { LG_STR("schema"), &tc.schema } };

	lg_json_init(&js, cx->arena, json);
	js.nul = true;
	if (lg_json_peek(&js) != LG_JSON_OBJECT)
		return lg_fail(cx, LG_E_NOT_FOUND, "a case is an object");
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < LG_COUNT(paths) && !lg_str_eq(paths[i].name, name))
			i++;
		if (i < LG_COUNT(paths) && lg_json_peek(&js) == LG_JSON_STRING) {
			*paths[i].path = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("shouldValidate"))) {
			tc.should_validate = lg_json_bool(&js);
			tc.has_verdict = true;
		} else if (lg_str_eq(name, LG_STR("requests")) && lg_json_peek(&js) == LG_JSON_ARRAY) {
			requests_read(cx, &js, &tc);
		} else {
			lg_json_skip(&js);
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	if (tc.policies.n == 0 || tc.n == 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "a case has policies and requests");
	*ret = tc;
	return LG_OK;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static bool
has_id(const lg_str *ids, size_t n, const struct lg_policies *set, uint32_t policy)
{
	struct lg_policy_info info;

	lg_policies_info(set, policy, &info);
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(ids[i], info.id))
			return true;
	return false;
}

bool
lg_case_met(const struct lg_policies *set, const struct lg_answer *a, const struct lg_case_request *want)
{
	bool same = a->allow == want->allow && a->ndetermining == want->nreason && a->nerrors == want->nerrors && !a->unknown;

	for (size_t i = 0; same && i < a->ndetermining; i++)
		same = has_id(want->reason, want->nreason, set, a->determining[i]);
	for (size_t i = 0; same && i < a->nerrors; i++)
		same = has_id(want->errors, want->nerrors, set, a->errors[i].policy);
	return same;
}
