/* ask.c: policy decides on what will be signed, not on what was asked for. */
#include "certs/ask.h"

#include "base/clock.h"
#include "base/ipnet.h"

static lg_err
ask(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	LG_TRY(c->ports.decider.ask(c->ports.decider.self, cx, v, q, ret));
	if (!ret->permit)
		return lg_fail(cx, LG_E_DENIED, "%s: %.*s", q->action, LG_FMT(ret->reason));
	return LG_OK;
}

static void
decided(struct lg_view *v, uint32_t tenant, bool stable, struct lg_decided *ret)
{
	for (enum lg_domain d = 0; d < LG_DOMAINS; d++)
		ret->revision[d] = lg_revision(v, tenant, d);
	ret->stable = stable;
}

lg_err
lg_certs_ask_issue(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, const struct lg_certs_question *cq,
    struct lg_decided *ret)
{
	struct lg_question *q = LG_NEW(cx->arena, struct lg_question);
	lg_str *addresses = LG_NEWS(cx->arena, lg_str, LG_CERT_NAMES);
	char owner[LG_UUID_TEXT + 1];
	struct lg_verdict verdict;

	lg_uuid_text(cq->entry->id, owner);
	q->tenant = cq->tenant;
	q->principal = cq->asker;
	q->action = "certificate:issue";
	q->resource = (struct lg_entity_id){ .type = LG_STR("Certificate"), .name = cq->entry->name };
	q->facts[q->nfacts++] = lg_fact_str("profile", cq->profile);
	q->facts[q->nfacts++] = lg_fact_str("subject", cq->entry->name);
	q->facts[q->nfacts++] = lg_fact_set("uris", cq->names->uri, cq->names->nuri);
	q->facts[q->nfacts++] = lg_fact_set("dns", cq->names->dns, cq->names->ndns);
	if (cq->nprincipals > 0)
		q->facts[q->nfacts++] = lg_fact_set("principals", cq->principals, cq->nprincipals);
	for (size_t i = 0; i < cq->names->nip; i++)
		addresses[i] = lg_ip_octets_text(cx->arena, cq->names->ip[i]);
	q->facts[q->nfacts++] = lg_fact_set("addresses", addresses, cq->names->nip);
	q->facts[q->nfacts++] = lg_fact_str("owner", lg_str_of(owner));
	q->facts[q->nfacts++] = lg_fact_int("life", cq->life / LG_SECOND);
	q->context[q->ncontext++] = lg_fact_str("subject_proof", lg_str_of(cq->proof));
	q->record = true;
	LG_TRY(ask(cx, c, v, q, &verdict));
	decided(v, cq->tenant, verdict.stable, ret);
	return LG_OK;
}

/* Revocations and clients do not enter into the question. */
bool
lg_certs_decided_stands(struct lg_view *v, uint32_t tenant, const struct lg_decided *d)
{
	static const enum lg_domain asked[] = { LG_DOMAIN_ENTRY, LG_DOMAIN_MEMBERSHIP, LG_DOMAIN_POLICY, LG_DOMAIN_SCHEMA };

	for (size_t i = 0; i < LG_COUNT(asked); i++)
		if (lg_revision(v, tenant, asked[i]) != d->revision[asked[i]])
			return false;
	return d->stable;
}

lg_err
lg_certs_ask_on(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, const struct lg_certs_caller *by,
    const char *action, struct lg_entity_id resource)
{
	struct lg_question *q = LG_NEW(cx->arena, struct lg_question);
	struct lg_verdict verdict;

	q->tenant = tenant;
	q->principal = (struct lg_entity_id){ .type = by->type, .id = by->id, .name = by->name };
	q->action = action;
	q->resource = resource;
	q->context[q->ncontext++] = lg_fact_str("subject_proof", lg_str_of(by->proof));
	q->record = true;
	return ask(cx, c, v, q, &verdict);
}
