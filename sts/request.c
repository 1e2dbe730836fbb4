/* request.c: what every endpoint begins with. */
#include "sts/sts.h"

#include "base/mailbox.h"
#include "base/text.h"

void
sts_came_from(struct lg_ctx *cx, uint32_t tenant, const struct lg_peer *peer)
{
	struct lg_actor *a;

	if (cx->actor->address.n > 0 || peer->address[0] == '\0')
		return;
	a = LG_NEW(cx->arena, struct lg_actor);
	*a = *cx->actor;
	a->tenant = tenant;
	a->address = lg_dup(cx->arena, lg_str_of(peer->address));
	cx->actor = a;
}

lg_err
sts_rq_new(struct lg_sts *sts, struct lg_http *ex, struct sts_rq **ret)
{
	struct sts_rq *rq = LG_NEW(ex->cx->arena, struct sts_rq);

	rq->sts = sts;
	rq->ex = ex;
	rq->cx = ex->cx;
	rq->tenant_id = ex->tenant;
	sts_came_from(rq->cx, ex->tenant, ex->peer);
	LG_TRY(sts->ports.tenant(sts->ports.self, ex->cx, ex->tenant, &rq->tenant));
	rq->tenant.issuer = lg_dup(ex->cx->arena, rq->tenant.issuer);
	rq->tenant.mtls = lg_dup(ex->cx->arena, rq->tenant.mtls);
	*ret = rq;
	return LG_OK;
}

lg_err
sts_rq_run(struct lg_sts *sts, struct lg_http *ex, lg_err (*run)(struct sts_rq *))
{
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	rq->run = run;
	e = lg_view_begin(rq->cx, sts->store, &rq->view);
	if (e == LG_OK)
		e = run(rq);
	lg_view_end(&rq->view);
	return e == LG_OK || e == LG_PENDING ? e : sts_answer_error(rq, e);
}

lg_err
sts_rq_again(struct sts_rq *rq)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	struct lg_sts_tenant t;
	lg_err e;

	rq->cx->error[0] = '\0';
	if (rq->grant_run == NULL)
		return sts_rq_run(rq->sts, rq->ex, rq->run);
	e = p->tenant(p->self, rq->cx, rq->tenant_id, &t);
	rq->tenant.keys = t.keys;		/* of this turn */
	rq->tenant.keys_revision = t.keys_revision;
	if (e == LG_OK)
		e = lg_view_begin(rq->cx, rq->sts->store, &rq->view);
	if (e == LG_OK)
		e = rq->grant_run(rq);
	lg_view_end(&rq->view);
	return e == LG_OK || e == LG_PENDING ? e : sts_answer_error(rq, e);
}

struct later {
	struct lg_note note;
	struct sts_rq *rq;
};

static void
look(struct lg_note *note)
{
	struct sts_rq *rq = ((struct later *)note)->rq;

	if (sts_rq_again(rq) != LG_PENDING)
		lg_http_done(rq->ex);
}

lg_err
sts_rq_look_again(struct sts_rq *rq)
{
	struct later *l;

	/* The mailbox may be read in this very turn still. */
	if (rq->looks++ == 2)
		return LG_E_NOT_FOUND;
	l = LG_NEW(rq->cx->arena, struct later);
	*l = (struct later){ .note = { .run = look }, .rq = rq };
	lg_mailbox_post(rq->sts->ports.mailbox(rq->sts->ports.self), &l->note);
	return LG_PENDING;
}

lg_err
sts_rq_form(struct sts_rq *rq)
{
	static const lg_str form = { "application/x-www-form-urlencoded", 33 };
	lg_str type, rest;

	(void)lg_str_cut(rq->ex->header(rq->ex, "Content-Type"), ';', &type, &rest);
	if (!lg_str_eq_fold(lg_str_trim(type), form))
		return sts_refuse(rq, STS_INVALID_REQUEST, "the body must be application/x-www-form-urlencoded");
	return sts_form_read(rq, rq->ex->body);
}

void
sts_act_as(struct lg_ctx *cx, uint32_t tenant, lg_uuid id, lg_str type, lg_str name)
{
	struct lg_actor *a = LG_NEW(cx->arena, struct lg_actor);

	*a = (struct lg_actor){
		.kind = LG_ACTOR_ENTRY, .tenant = tenant, .id = id, .type = lg_dup(cx->arena, type),
		.name = lg_dup(cx->arena, name), .address = cx->actor->address,
	};
	cx->actor = a;
}

lg_str
sts_subject_called(struct lg_arena *a, const struct lg_sts_subject *s)
{
	return lg_print(a, "%.*s/%.*s", LG_FMT(s->type), LG_FMT(s->name));
}

void
sts_audit_person(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str detail)
{
	struct lg_sts_subject s;
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(id, text);
	if (sts->ports.subject_by_id(sts->ports.self, cx, v, tenant, id, false, &s) == LG_OK)
		lg_audit(v, sts_subject_called(cx->arena, &s), detail);
	else
		lg_audit(v, lg_str_of(text), detail);
}

/* What stands before our paths in links: the issuer's path. */
lg_str
sts_base_path(const struct sts_rq *rq)
{
	lg_str scheme, rest, host, path;

	if (!lg_str_cut(rq->tenant.issuer, ':', &scheme, &rest))
		return LG_NONE;
	rest = lg_str_sub(rest, 2, rest.n);
	if (!lg_str_cut(rest, '/', &host, &path))
		return LG_NONE;
	return (lg_str){ path.p - 1, path.n + 1 };
}

void
sts_groups(struct lg_jsonw *w, const struct lg_sts_subject *s)
{
	lg_jsonw_name(w, LG_STR("groups"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < s->ngroups; i++)
		lg_jsonw_str(w, s->groups[i]);
	lg_jsonw_array_end(w);
}
