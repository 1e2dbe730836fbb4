/* bundle_connect.c: the connections that a bundle's policies allow among workloads, as a table. */
#include "client/bundle_own.h"

/* The bits of rows, from the lowest. */
static const lg_str protocols[LG_BUNDLE_PROTOCOLS] = { LG_STR("tcp"), LG_STR("udp"), LG_STR("icmp") };

/* What lg_bundle_decide says of every connection; the time is asked for when it happens. */
static lg_err
common_context(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_record **ret)
{
	struct lg_field *f = LG_NEWS(cx->arena, struct lg_field, 3);
	struct lg_value record;

	f[0] = (struct lg_field){ lg_name_of(LG_STR("revision")), lg_value_long((int64_t)b->about.mark.version) };
	f[1] = (struct lg_field){ lg_name_of(LG_STR("asker")), { LG_V_RECORD, { .record = b->body->asker } } };
	f[2] = (struct lg_field){ lg_name_of(LG_STR("subject_proof")), lg_value_string(LG_STR("asserted")) };
	LG_TRY(lg_value_record(cx, f, 3, &record));
	*ret = record.u.record;
	return LG_OK;
}

/* The system's set names what it means; the tenant's names were all resolved when the bundle was read. */
static lg_err
resolve(void *body, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret)
{
	if (lg_bundle_resolve(body, cx, uid, ret) != LG_OK)
		*ret = *uid;
	return LG_OK;
}

lg_err
lg_bundle_connect(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_euid *workloads, size_t n, struct lg_connect_table *ret)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *both = NULL;
	static const lg_str unknown[] = { LG_STR("now") };
	struct lg_policy_options options = { .schema = b->body->schema, .resolve = resolve, .self = b->body };
	struct lg_entities port = lg_bundle_entities(b);
	const struct lg_policy_rename *renames;
	struct lg_connect rq = {
		.sources = workloads, .destinations = workloads, .nsources = n, .ndestinations = n,
		.action = lg_euid_of(LG_STR("Action"), LG_STR("connect")), .unknown = unknown, .nunknown = LG_COUNT(unknown),
		.port = LG_STR("port"), .protocol = LG_STR("protocol"), .protocols = protocols, .nprotocols = LG_BUNDLE_PROTOCOLS,
	};
	size_t nrenames;

	*ret = (struct lg_connect_table){ .n = 0 };
	if (n == 0)
		return LG_OK;
	LG_TRY(lg_policies_merge(cx, b->body->system, b->body->policies, &options, true, &both, &renames, &nrenames));
	LG_TRY(common_context(cx, b, &rq.context));
	return lg_connect_compile(cx, both, &port, &rq, ret);
}
