/* point_port.c: the decision point as the components' port sees it, doors' decisions on record. */
#include "server/decision_body.h"
#include "server/point_internal.h"

void
lg_point_log(struct lg_point *p, struct lg_segments *sg)
{
	p->segments = sg;
}

static lg_str
proof_of(const struct lg_question *q)
{
	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, "subject_proof") == 0)
			return q->context[i].s;
	return LG_NONE;
}

/* The components' doors: what they permit is a change of its own, so its record need not be waited for. */
static lg_err
record(struct lg_point *p, struct lg_ctx *cx, const struct lg_question *q, struct lg_verdict *ret)
{
	char id[LG_UUID_TEXT + 1];

	lg_uuid_text(lg_uuid_new(), id);
	struct lg_decision d = {
		.tenant = q->tenant, .time = cx->now, .body = lg_decision_body(cx, q, ret, lg_str_of(id), proof_of(q)),
	};
	lg_err e = p->segments == NULL ? LG_E_UNAVAILABLE : lg_segments_append(p->segments, &d);
	if (e == LG_OK)
		return LG_OK;
	ret->permit = false;
	ret->reason = LG_STR("the decision log cannot be written");
	return lg_fail(cx, e, "the decision log cannot be written");
}

static lg_err
port_ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	LG_TRY(lg_point_ask(self, cx, v, q, ret));
	return q->record ? record(self, cx, q, ret) : LG_OK;
}

/* Without a revision of policies: nothing of it can be asked again.  It is refused anyhow, written or not. */
static void
port_refused(void *self, struct lg_ctx *cx, const struct lg_question *q, lg_str why)
{
	struct lg_verdict v = { .permit = false, .reason = why };

	(void)(record(self, cx, q, &v) == LG_OK);
}

static uint64_t
port_revision(void *self, uint32_t tenant)
{
	return lg_point_version(self, tenant);
}

static lg_err
port_certain(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, bool *certain, bool *permit)
{
	return lg_point_certain(self, cx, v, q, certain, permit);
}

static bool
port_alike(void *self, uint32_t tenant, lg_uuid above[LG_ALIKE], size_t *n)
{
	struct lg_point *p = self;
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), tenant);
	bool alike = t != NULL && t->alike;

	*n = alike ? t->nabove : 0;
	if (alike)
		memcpy(above, t->above, sizeof t->above);
	lg_published_end(p->sets);
	return alike;
}

void
lg_point_decider(struct lg_point *p, struct lg_decider *ret)
{
	*ret = (struct lg_decider){ p, port_ask, port_revision, port_certain, port_alike, port_refused };
}
