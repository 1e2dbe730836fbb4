/* access_parse.c: an AuthZEN evaluation from JSON (Authorization API 1.0, section 6.1). */
#include "server/access.h"

/* What only the decision point may say. */
static const char *const reserved[] = {
	"now", "revision", "asker", "address", "acr", "amr", "auth_age", "client", "scopes", "grant", "subject_proof", "identity_source", "mail_proved", "asked_action", "container",
};

void
lg_evaluation_ignore(struct lg_ctx *cx, struct lg_evaluation *ev, const char *within, lg_str name)
{
	if (ev->nignored < LG_IGNORED && name.n <= LG_ASKED_TYPE)
		ev->ignored[ev->nignored++] = lg_print(cx->arena, "%s.%.*s", within, LG_FMT(name));
}

/* What was noted of a member that comes again, whole, in a batch's item. */
static void
forget_ignored(struct lg_evaluation *ev, const char *within)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->nignored; i++)
		if (!lg_str_starts(ev->ignored[i], lg_str_of(within)))
			ev->ignored[n++] = ev->ignored[i];
	ev->nignored = n;
}

static void
skip_property(struct lg_ctx *cx, struct lg_json *js, const char *within, lg_str name, struct lg_evaluation *ret)
{
	lg_evaluation_ignore(cx, ret, within, name);
	lg_json_skip(js);
}

static void
skip_properties(struct lg_ctx *cx, struct lg_json *js, const char *within, struct lg_evaluation *ret)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name))
		skip_property(cx, js, within, name, ret);
}

static void
subject_properties(struct lg_json *js, struct lg_evaluation *ret, struct lg_ctx *cx)
{
	skip_properties(cx, js, "subject.properties", ret);
}

static void
read_entity(struct lg_json *js, lg_str *type, lg_str *id, void (*properties)(struct lg_json *, struct lg_evaluation *, struct lg_ctx *),
    struct lg_ctx *cx, struct lg_evaluation *ret)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("type")))
			*type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("id")))
			*id = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("properties")))
			properties(js, ret, cx);
		else
			lg_json_skip(js);
	}
}

static void
read_labels(struct lg_json *js, struct lg_evaluation *ret, struct lg_ctx *cx)
{
	lg_str *label = LG_NEWS(cx->arena, lg_str, LG_LABELS);

	ret->nlabels = 0;		/* those of a batch's defaults are replaced */
	lg_json_array(js);
	while (lg_json_item(js)) {
		if (ret->nlabels == LG_LABELS) {
			lg_json_fault(js, "too many labels");
			return;
		}
		label[ret->nlabels++] = lg_json_str(js);
	}
	ret->labels = label;
}

static void
resource_properties(struct lg_json *js, struct lg_evaluation *ret, struct lg_ctx *cx)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("project")))
			ret->project = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("image")))
			ret->image = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("host")))
			ret->host = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("labels")))
			read_labels(js, ret, cx);
		else
			skip_property(cx, js, "resource.properties", name, ret);
	}
}

static void
read_action(struct lg_json *js, struct lg_evaluation *ret, struct lg_ctx *cx)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("name")))
			ret->action = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("properties")))
			skip_properties(cx, js, "action.properties", ret);
		else
			lg_json_skip(js);
	}
}

static bool
is_reserved(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(reserved); i++)
		if (lg_str_eq(name, lg_str_of(reserved[i])))
			return true;
	return false;
}

static void
read_context(struct lg_json *js, struct lg_evaluation *ret, struct lg_ctx *cx)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (is_reserved(name)) {
			lg_json_fault(js, "this member of the context is set by the service alone");
		} else if (lg_str_eq(name, LG_STR("port"))) {
			ret->port = lg_json_int(js);
			ret->has_port = true;
		} else if (lg_str_eq(name, LG_STR("protocol"))) {
			ret->protocol = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("image"))) {
			ret->image_context = lg_json_str(js);
		} else {
			skip_property(cx, js, "context", name, ret);
		}
	}
}

/* A batch's item that has one of the four has all of it: nothing of the default's properties stays behind.  Only what an entity cannot do
 * without, its type, id or name, is the default's where the item has none. */
static void
forget_resource(struct lg_evaluation *ev)
{
	ev->project = ev->image = ev->host = LG_NONE;
	ev->labels = NULL;
	ev->nlabels = 0;
	forget_ignored(ev, "resource.");
}

static void
forget_context(struct lg_evaluation *ev)
{
	ev->has_port = false;
	ev->port = 0;
	ev->protocol = ev->image_context = LG_NONE;
	forget_ignored(ev, "context.");
}

bool
lg_evaluation_member(struct lg_ctx *cx, struct lg_json *js, lg_str name, struct lg_evaluation *ret)
{
	if (lg_str_eq(name, LG_STR("subject"))) {
		forget_ignored(ret, "subject.");
		read_entity(js, &ret->subject_type, &ret->subject_id, subject_properties, cx, ret);
	} else if (lg_str_eq(name, LG_STR("action"))) {
		forget_ignored(ret, "action.");
		read_action(js, ret, cx);
	} else if (lg_str_eq(name, LG_STR("resource"))) {
		forget_resource(ret);
		read_entity(js, &ret->resource_type, &ret->resource_id, resource_properties, cx, ret);
	} else if (lg_str_eq(name, LG_STR("context"))) {
		forget_context(ret);
		read_context(js, ret, cx);
	} else {
		return false;
	}
	return true;
}

/* All of it may come to stand in a record and in a ticket. */
static bool
within_limits(const struct lg_evaluation *ev)
{
	const struct {
		lg_str s;
		size_t max;
	} all[] = {
		{ ev->subject_type, LG_ASKED_TYPE }, { ev->action, LG_ASKED_TYPE }, { ev->resource_type, LG_ASKED_TYPE },
		{ ev->subject_id, LG_ASKED_NAME }, { ev->resource_id, LG_ASKED_NAME }, { ev->project, LG_ASKED_NAME },
		{ ev->image, LG_ASKED_NAME }, { ev->host, LG_ASKED_NAME }, { ev->protocol, LG_ASKED_NAME }, { ev->image_context, LG_ASKED_NAME },
	};

	for (size_t i = 0; i < LG_COUNT(all); i++)
		if (all[i].s.n > all[i].max)
			return false;
	for (size_t i = 0; i < ev->nlabels; i++)
		if (ev->labels[i].n > LG_ASKED_NAME)
			return false;
	return true;
}

lg_err
lg_evaluation_check(struct lg_ctx *cx, const struct lg_evaluation *ev)
{
	if (!within_limits(ev))
		return lg_fail(cx, LG_E_LIMIT, "types and actions have at most %d octets, names %d", LG_ASKED_TYPE, LG_ASKED_NAME);
	if (ev->subject_type.n == 0)
		return lg_fail(cx, LG_E_INVALID, "subject.type is missing");
	if (ev->action.n == 0)
		return lg_fail(cx, LG_E_INVALID, "action.name is missing");
	if (ev->resource_type.n == 0 || ev->resource_id.n == 0)
		return lg_fail(cx, LG_E_INVALID, "resource.type or resource.id is missing");
	if (ev->has_port && (ev->port < 0 || ev->port > 65535))
		return lg_fail(cx, LG_E_INVALID, "context.port is not a port");
	return LG_OK;
}
