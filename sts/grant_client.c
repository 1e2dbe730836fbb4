/* grant_client.c: client_credentials (RFC 6749 4.4): nothing is stored, one signature. */
#include "sts/sts.h"

static lg_err
read_scope(struct sts_rq *rq, struct sts_issue *is)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is malformed");
	is->scope = sts_scope_allowed(rq->cx->arena, &rq->client, asked);
	if (!sts_scope_within(asked, is->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may not have this scope");
	return LG_OK;
}

lg_err
sts_grant_client_credentials(struct sts_rq *rq)
{
	struct sts_issue *is = LG_NEW(rq->cx->arena, struct sts_issue);
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_err e;

	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, rq->client.entry, false, &is->subject);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !is->subject.enabled))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client's entry is gone or disabled");
	LG_TRY(e);
	LG_TRY(read_scope(rq, is));
	LG_TRY(sts_issue_audience(rq, STS_REACH_APIS, is));
	is->sid = rq->source_sid;
	LG_TRY(sts_issue_decide(rq, is));
	sts_issue_lifetime(rq, is);
	return sts_issue_sign(rq, is);
}
