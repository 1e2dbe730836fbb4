/*
 * refused.c: who was not let in, and who got no token, before policy was asked: on record beside what policy denies.  And what policy denies
 * to whoever comes, registering a client.
 *
 * People's attempts are bounded where they are counted (throttle.c).  What programs send is bounded here, or it would fill the log: each
 * address, and each client that proved itself, has some records at once and then one in a while.  So have all strangers together and
 * all clients together: who has many addresses hides no client's refusals.  What is beyond is counted, and the next record says how much
 * that was.
 */
#include "sts/sts.h"

#include "base/clock.h"

static void
record(struct lg_ctx *cx, struct lg_sts *sts, const struct lg_question *q, lg_str why)
{
	if (sts->decider.refused != NULL)
		sts->decider.refused(sts->decider.self, cx, q, why);
}

/* A name that nobody has is not told: it may be a password that went into the wrong field. */
static struct lg_question *
signin(struct lg_ctx *cx, uint32_t tenant, const struct lg_entity_id *who)
{
	struct lg_question *q = LG_NEW(cx->arena, struct lg_question);

	*q = (struct lg_question){ .tenant = tenant, .action = "signin", .resource = { .type = LG_STR("Tenant") } };
	if (!lg_uuid_is_nil(who->id))
		q->principal = *who;
	return q;
}

void
sts_signin_refused(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_subject *who, lg_str why)
{
	struct lg_entity_id id = { .type = LG_NONE };

	if (who != NULL)
		id = (struct lg_entity_id){ who->type, who->id, who->name };
	record(cx, sts, signin(cx, tenant, &id), why);
}

/* ---- programs -------------------------------------------------------------------------------------------------------- */

/* What asks for patience refuses nothing, and what policy or a person denied is on record as that. */
static bool
is_refusal(enum sts_error e)
{
	static const enum sts_error others[] = {
		STS_NO_ERROR, STS_ACCESS_DENIED, STS_AUTHORIZATION_PENDING, STS_SLOW_DOWN, STS_USE_DPOP_NONCE, STS_UNAVAILABLE, STS_SERVER_ERROR,
	};

	for (size_t i = 0; i < LG_COUNT(others); i++)
		if (e == others[i])
			return false;
	return true;
}

/* Who claimed to be a client is a stranger still. */
static bool
has_room(struct sts_rq *rq, bool proved, uint64_t *n)
{
	bool client = proved && rq->client.auth != LG_CLIENT_NONE;
	int64_t now = lg_boottime();

	return sts_share_tell(rq->sts->refusals, rq->tenant_id, client ? sts_share_whose(rq) : sts_share_stranger(rq), now, n)
	    && sts_share_tell(rq->sts->all_refusals, rq->tenant_id, client ? LG_STR("clients") : LG_STR("strangers"), now, n);
}

static struct lg_question *
no_token(struct sts_rq *rq, const struct lg_entity_id *client)
{
	struct lg_question *q = LG_NEW(rq->cx->arena, struct lg_question);

	*q = (struct lg_question){
		.tenant = rq->tenant_id, .principal = *client, .action = "token:issue",
		.resource = { .type = LG_STR("Token"), .name = rq->client.id },
	};
	if (rq->grant_run != NULL)	/* one that there is, not some text */
		q->context[q->ncontext++] = lg_fact_str("grant", lg_form_get(&rq->form, "grant_type"));
	return q;
}

/* n: so many refusals does it stand for. */
static void
tell(struct sts_rq *rq, struct lg_question *q, uint64_t n, lg_str why)
{
	if (rq->source.n > 0)
		q->context[q->ncontext++] = lg_fact_str("identity_source", rq->source);
	if (n > 1)
		q->context[q->ncontext++] = lg_fact_int("not_recorded", (int64_t)(n - 1));
	record(rq->cx, rq->sts, q, why);
}

void
sts_token_refused(struct sts_rq *rq, enum sts_error e, lg_str why)
{
	struct lg_entity_id client = { rq->client.type, rq->client.entry, rq->client.id };
	uint64_t n = 1;

	if (e != STS_INVALID_CLIENT && (!rq->asks_token || !is_refusal(e)))
		return;
	if (!has_room(rq, e != STS_INVALID_CLIENT, &n))
		return;
	tell(rq, e == STS_INVALID_CLIENT ? signin(rq->cx, rq->tenant_id, &client) : no_token(rq, &client), n,
	    lg_print(rq->cx->arena, "%s: %.*s", sts_error_name(e), LG_FMT(why)));
}

void
sts_registration_refused(struct sts_rq *rq, const struct lg_sts_subject *who, lg_str why)
{
	struct lg_question *q;
	uint64_t n = 1;

	if (!has_room(rq, false, &n))
		return;
	q = LG_NEW(rq->cx->arena, struct lg_question);
	*q = (struct lg_question){
		.tenant = rq->tenant_id, .principal = { who->type, who->id, who->name }, .action = "client:register",
		.resource = { .type = LG_STR("Tenant") },
	};
	tell(rq, q, n, why);
}
