/* door_local.c: what a door decides by itself, from the host's bundle. */
#include "agent/door_own.h"
#include "agent/tally.h"
#include "base/json.h"
#include "base/log.h"

/* ---- a later start -------------------------------------------------------------------------------------------------- */

/* The facts of the container as the policies see them: context.container. */
static lg_err
container_record(struct lg_ctx *cx, lg_str does, const struct lg_oci *oci, const struct lg_record **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);
	struct lg_euid action = lg_euid_of(LG_STR("Action"), does);
	struct lg_name name = lg_name_of(LG_STR("container"));
	const struct lg_record *context;

	lg_buf_str(&b, LG_STR("{\"container\":"));
	lg_oci_facts(oci, &b);
	lg_buf_byte(&b, '}');
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_context_json(cx, NULL, &action, lg_dup(cx->arena, lg_buf_view(&b)), &context));
	const struct lg_value *v = lg_record_get(context, &name);
	if (v == NULL || v->kind != LG_V_RECORD)
		return lg_fail(cx, LG_E_INTERNAL, "the facts of a container are no record");
	*ret = v->u.record;
	return LG_OK;
}

static lg_err
question_of(struct lg_ctx *cx, const struct lg_bundle *b, lg_str container, const char *verb, const struct lg_oci *oci,
    struct lg_bundle_question *ret)
{
	struct lg_bundle_admission ad;
	struct lg_bundle_about about;

	if (!lg_bundle_admission(b, container, &ad))
		return lg_fail(cx, LG_E_DENIED, "the container's admission is not in the bundle");
	lg_bundle_about(b, &about);
	*ret = (struct lg_bundle_question){
		.subject_type = ad.requester_type, .subject = ad.requester,
		.proof = lg_str_eq(ad.requester, about.host_id) ? "self" : "ticket", .action = lg_print(cx->arena, "container:%s", verb),
		.resource_type = LG_STR("Workload"), .resource = ad.workload, .image = ad.image, .host = about.host_id,
	};
	return container_record(cx, ret->action, oci, &ret->container);
}

/* The decision by the bundle, and what of it goes on record.  The deed's words outlive the bundle. */
static lg_err
decide_again(struct lg_ctx *cx, struct lg_door *d, lg_str container, const char *verb, const struct lg_oci *oci, struct lg_deed *deed)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *held = NULL;
	struct lg_bundle_question q;
	struct lg_local_why why;
	struct lg_follow_now now;

	lg_bundles_now(d->at.bundles, &now);
	held = now.bundle;		/* the question's words are in it */
	if (held == NULL)
		return lg_fail(cx, LG_E_DENIED, "the service cannot be reached, and this host has no bundle to decide from");
	LG_TRY(question_of(cx, held, container, verb, oci, &q));
	deed->permit = lg_bundles_decide(cx, d->at.bundles, &q, &why) == LG_LOCAL_PERMIT;
	deed->reason = why.reason;
	deed->policy = why.policy;
	deed->revision = why.revision;
	return deed->permit ? LG_OK : lg_fail(cx, LG_E_DENIED, "%.*s (the service cannot be reached)", LG_FMT(deed->reason));
}

/* What cannot be recorded is not done. */
lg_err
lg_door_again_locally(struct lg_ctx *cx, struct lg_door *d, lg_str container, const char *verb, const struct lg_oci *oci)
{
	LG_AUTO(lg_buf_free) struct lg_buf facts = LG_BUF(2 * LG_OCI_MAX);
	struct lg_deed deed = { .container = container, .action = lg_print(cx->arena, "container:%s", verb).p };
	char why[LG_ERROR_TEXT];

	lg_err e = decide_again(cx, d, container, verb, oci, &deed);
	memcpy(why, cx->error, sizeof why);
	if (e != LG_OK && deed.reason.n == 0)
		deed.reason = lg_str_of(why);
	lg_oci_facts(oci, &facts);
	deed.facts = lg_buf_view(&facts);
	LG_TRY(lg_journal_add(cx, d->journal, &deed));
	memcpy(cx->error, why, sizeof why);
	if (e == LG_OK)
		lg_log(LG_INFO, strcmp(verb, "exec") == 0 ? "container %.*s is entered by the bundle: %.*s" : "container %.*s starts again by the bundle: %.*s",
		    LG_FMT(container), LG_FMT(deed.reason));
	return e;
}

/* ---- a first start without a ticket ---------------------------------------------------------------------------------- */

lg_err
lg_door_host_may(struct lg_ctx *cx, struct lg_door *d, lg_str workload, const struct lg_oci *oci)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *held = NULL;
	struct lg_bundle_about about;
	struct lg_follow_now now;
	struct lg_ruling ruling;
	struct lg_oci least = *oci;

	if (d->at.bundles == NULL)
		return LG_OK;
	lg_bundles_now(d->at.bundles, &now);
	held = now.bundle;
	if (held == NULL)
		return LG_OK;
	lg_bundle_about(held, &about);
	struct lg_bundle_question q = { .subject_type = LG_STR("Host"), .subject = about.host_id, .proof = "self", .action = LG_STR("container:start"),
		.resource_type = LG_STR("Workload"), .resource = workload, .host = about.host_id };
	least.shared_namespace = false;		/* who is in there is seen when the container is made (company.h) */
	LG_TRY(container_record(cx, q.action, &least, &q.container));
	lg_bundle_decide(cx, held, &q, &ruling);
	return ruling.kind != LG_RULED_NOTHING && ruling.kind != LG_RULED_FORBIDDEN ? LG_OK :
	    lg_fail(cx, LG_E_DENIED, "the container carries no ticket (annotation lightgate.ticket), and its host may not start it: %.*s",
	    LG_FMT(ruling.reason));
}

/* ---- questions at the socket ------------------------------------------------------------------------------------------- */

static void
read_named(struct lg_json *js, lg_str *type, lg_str *id)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (type != NULL && lg_str_eq(name, LG_STR("type")))
			*type = lg_json_str(js);
		else if (lg_str_eq(name, type == NULL ? LG_STR("name") : LG_STR("id")))
			*id = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

static void
read_context(struct lg_json *js, struct lg_bundle_question *q)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("port"))) {
			int64_t port = lg_json_int(js);
			if (port < 0 || port > UINT16_MAX)
				lg_json_fault(js, "not a port");
			q->port = (int)port;
		} else if (lg_str_eq(name, LG_STR("protocol"))) {
			q->protocol = lg_json_str(js);
		} else {
			lg_json_fault(js, "unknown member of the context");
		}
	}
}

static lg_err
read_question(struct lg_ctx *cx, lg_str json, struct lg_bundle_question *q)
{
	struct lg_json js;
	lg_str name;

	*q = (struct lg_bundle_question){ .proof = "asserted" };
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("subject")))
			read_named(&js, &q->subject_type, &q->subject);
		else if (lg_str_eq(name, LG_STR("action")))
			read_named(&js, NULL, &q->action);
		else if (lg_str_eq(name, LG_STR("resource")))
			read_named(&js, &q->resource_type, &q->resource);
		else if (lg_str_eq(name, LG_STR("context")))
			read_context(&js, q);
		else
			lg_json_fault(&js, "unknown member");
	}
	LG_TRY(lg_json_end(cx, &js));
	const lg_str types[] = { q->subject_type, q->resource_type, q->action, q->protocol }, ids[] = { q->subject, q->resource };
	for (size_t i = 0; i < LG_COUNT(types); i++)
		if ((types[i].n == 0 && i < 3) || types[i].n > LG_DOOR_TYPE)
			return lg_fail(cx, LG_E_INVALID, "a question needs subject, action and resource, with types of at most %d octets", LG_DOOR_TYPE);
	for (size_t i = 0; i < LG_COUNT(ids); i++)
		if (ids[i].n == 0 || ids[i].n > LG_DOOR_ID)
			return lg_fail(cx, LG_E_INVALID, "a question needs the ids of subject and resource, of at most %d octets", LG_DOOR_ID);
	return LG_OK;
}

static void
count(struct lg_ctx *cx, struct lg_door *d, const struct lg_bundle_question *q, bool permit, const struct lg_local_why *why)
{
	struct lg_deed deed = { .action = lg_dup(cx->arena, q->action).p, .permit = permit, .reason = why->reason, .policy = why->policy,
		.revision = why->revision, .subject_type = q->subject_type, .subject = q->subject, .resource_type = q->resource_type,
		.resource = q->resource, .protocol = q->protocol, .port = q->port > 0 ? q->port : LG_DEED_NO_PORT };

	lg_tally_add(d->at.tally, &deed, 1, cx->now);
}

lg_err
lg_door_decide(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	struct lg_bundle_question q;
	struct lg_local_why why;

	*text = LG_NONE;
	if (door->at.bundles == NULL)
		return lg_fail(cx, LG_E_UNAVAILABLE, "this host follows no bundle");
	LG_TRY(read_question(cx, request, &q));
	enum lg_local answer = lg_bundles_decide(cx, door->at.bundles, &q, &why);
	*text = why.reason;
	if (answer != LG_LOCAL_ASK)
		count(cx, door, &q, answer == LG_LOCAL_PERMIT, &why);
	if (answer == LG_LOCAL_PERMIT)
		return LG_OK;
	if (answer == LG_LOCAL_DENY)
		return lg_fail(cx, LG_E_DENIED, "%.*s", LG_FMT(*text));
	return lg_fail(cx, LG_E_UNAVAILABLE, "ask the service: %.*s", LG_FMT(*text));
}

lg_err
lg_door_bundle(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	(void)request;
	if (door->at.bundles == NULL)
		return lg_fail(cx, LG_E_UNAVAILABLE, "this host follows no bundle");
	*text = lg_bundles_status(cx, door->at.bundles);
	return LG_OK;
}
