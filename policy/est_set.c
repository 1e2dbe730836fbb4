/* est_set.c: policy sets in JSON: static policies, templates and links by id. */
#include "policy/est.h"

struct set_reader {
	struct lg_ctx *cx;
	struct lg_json js;
	struct lg_policy_source *sources;
	lg_str *ids;
	size_t n, size;
	struct lg_policy_link *links;
	size_t nlinks, links_size;
};

static void
json_start(struct lg_json *js, struct lg_arena *a, lg_str text)
{
	lg_json_init(js, a, text);
	js->nul = true;
	js->max_depth = LG_EST_DEPTH;
}

lg_err
lg_policy_json_text(struct lg_ctx *cx, lg_str json, lg_str *ret)
{
	struct lg_json js;
	lg_str text;
	bool is_template;

	if (json.n > LG_POLICY_JSON_MAX)
		return lg_fail(
		    cx, LG_E_LIMIT, "policy JSON of %zu bytes, at most %u are read", json.n, LG_POLICY_JSON_MAX);
	json_start(&js, cx->arena, json);
	LG_TRY(lg_est_text(cx, &js, &text, &is_template));
	LG_TRY(lg_json_end(cx, &js));
	*ret = text;
	return LG_OK;
}

static lg_err
policies(struct set_reader *sr, bool templates)
{
	struct lg_arena *a = sr->cx->arena;
	bool is_template;
	lg_str id;

	lg_json_object(&sr->js);
	while (lg_json_member(&sr->js, &id)) {
		if (sr->n == sr->size) {
			struct lg_policy_source *v =
			    LG_NEWS(a, struct lg_policy_source, sr->size = sr->size == 0 ? 16 : sr->size * 2);
			lg_str *ids = LG_NEWS(a, lg_str, sr->size);

			if (sr->n > 0) {
				memcpy(v, sr->sources, sr->n * sizeof(*v));
				memcpy(ids, sr->ids, sr->n * sizeof(*ids));
			}
			sr->sources = v;
			sr->ids = ids;
		}
		sr->ids[sr->n] = id;
		sr->sources[sr->n].name = id;
		if (lg_est_text(sr->cx, &sr->js, &sr->sources[sr->n].text, &is_template) != LG_OK)
			return lg_fail_in(sr->cx, LG_E_INVALID, lg_dup(a, id).p);
		if (is_template != templates)
			return lg_fail(sr->cx, LG_E_INVALID, "%.*s: a %s among the %s", LG_FMT(id),
			    templates ? "policy" : "template", templates ? "templates" : "static policies");
		sr->n++;
	}
	return sr->js.fault == NULL ? LG_OK : lg_json_end(sr->cx, &sr->js);
}

static void
link_values(struct set_reader *sr, struct lg_policy_link *link)
{
	lg_str name;

	lg_json_object(&sr->js);
	while (lg_json_member(&sr->js, &name)) {
		struct lg_euid *uid = LG_NEW(sr->cx->arena, struct lg_euid);

		(void)lg_est_uid(&sr->js, uid);
		if (lg_str_eq(name, LG_STR("?principal")))
			link->principal = uid;
		else if (lg_str_eq(name, LG_STR("?resource")))
			link->resource = uid;
		else
			lg_json_fault(&sr->js, "no such template slot");
	}
}

static lg_err
links(struct set_reader *sr)
{
	lg_str name;

	lg_json_array(&sr->js);
	while (lg_json_item(&sr->js)) {
		struct lg_policy_link *link;

		if (sr->nlinks == sr->links_size) {
			struct lg_policy_link *v = LG_NEWS(sr->cx->arena, struct lg_policy_link,
			    sr->links_size = sr->links_size == 0 ? 16 : sr->links_size * 2);

			if (sr->nlinks > 0)
				memcpy(v, sr->links, sr->nlinks * sizeof(*v));
			sr->links = v;
		}
		link = &sr->links[sr->nlinks++];
		lg_json_object(&sr->js);
		while (lg_json_member(&sr->js, &name)) {
			if (lg_str_eq(name, LG_STR("templateId")))
				link->template_id = lg_json_str(&sr->js);
			else if (lg_str_eq(name, LG_STR("newId")))
				link->id = lg_json_str(&sr->js);
			else if (lg_str_eq(name, LG_STR("values")))
				link_values(sr, link);
			else
				lg_json_fault(&sr->js, "a link has templateId, newId and values only");
		}
		if (link->template_id.p == NULL || link->id.p == NULL)
			lg_json_fault(&sr->js, "a link needs templateId and newId");
	}
	return sr->js.fault == NULL ? LG_OK : lg_json_end(sr->cx, &sr->js);
}

static lg_err
set_members(struct set_reader *sr)
{
	lg_str name;

	lg_json_object(&sr->js);
	while (lg_json_member(&sr->js, &name)) {
		if (lg_str_eq(name, LG_STR("staticPolicies")) || lg_str_eq(name, LG_STR("templates")))
			LG_TRY(policies(sr, lg_str_eq(name, LG_STR("templates"))));
		else if (lg_str_eq(name, LG_STR("templateLinks")))
			LG_TRY(links(sr));
		else
			lg_json_fault(&sr->js, "a policy set has staticPolicies, templates and templateLinks only");
	}
	return lg_json_end(sr->cx, &sr->js);
}

lg_err
lg_policies_parse_json(struct lg_ctx *cx, lg_str json, const struct lg_policy_options *options,
    struct lg_policy_faults *faults, struct lg_policies **ret)
{
	struct lg_policy_options opt = options == NULL ? (struct lg_policy_options){ 0 } : *options;
	struct set_reader sr = { .cx = cx };

	if (json.n > LG_POLICY_JSON_MAX)
		return lg_fail(
		    cx, LG_E_LIMIT, "policy JSON of %zu bytes, at most %u are read", json.n, LG_POLICY_JSON_MAX);
	json_start(&sr.js, cx->arena, json);
	LG_TRY(set_members(&sr));
	opt.ids = sr.ids;
	opt.links = sr.links;
	opt.nlinks = sr.nlinks;
	return lg_policies_parse(cx, sr.sources, sr.n, &opt, faults, ret);
}
