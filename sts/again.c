/*
 * again.c: answers about access tokens that were given before, given again while nothing that they were made from has changed.
 *
 * A question is all that a request says: the endpoint, who asks (as it came in the header or the form) and what about.  Only two
 * requests of the same octets are the same question.  An answer stands beside the revisions of every domain that answers are made
 * from, and the times of its token, which are looked at whenever it is given.  What is good once (an assertion, a proof), what
 * depends on the connection (a certificate), and every refusal is worked out anew each time.
 */
#include "sts/sts.h"

/*
 * Entries and groups, revocations, clients, and what attributes mean: every table that an answer is read from, behind the ports too,
 * is in one of these domains.
 */
static const enum lg_domain domains[] = {
	LG_DOMAIN_ENTRY, LG_DOMAIN_MEMBERSHIP, LG_DOMAIN_TRUST, LG_DOMAIN_CLIENTS, LG_DOMAIN_SCHEMA,
};

struct basis {
	uint64_t keys;
	uint64_t revision[LG_COUNT(domains)];
};

/* The body is behind it. */
struct answer {
	struct basis basis;
	int64_t issued, not_before, expires;
};

/* ---- what answers depend on ------------------------------------------------------------------------------------------ */

/* Revisions of a snapshot are read once by each thread: most requests see the same one as the last. */
static const struct basis *
basis_now(struct sts_rq *rq)
{
	static _Thread_local struct {
		uint64_t instance, seq;
		uint32_t tenant;
		struct basis basis;
	} last;
	uint64_t seq = lg_view_seq(rq->view);

	if (last.instance != rq->sts->instance || last.seq != seq || last.tenant != rq->tenant_id) {
		for (size_t i = 0; i < LG_COUNT(domains); i++)
			last.basis.revision[i] = lg_revision(rq->view, rq->tenant_id, domains[i]);
		last.instance = rq->sts->instance;
		last.seq = seq;
		last.tenant = rq->tenant_id;
	}
	last.basis.keys = rq->tenant.keys_revision;
	return &last.basis;
}

static bool
holds(struct sts_rq *rq, const struct answer *an)
{
	const struct lg_claims times = { .issued = an->issued, .not_before = an->not_before, .expires = an->expires };

	if (memcmp(&an->basis, basis_now(rq), sizeof an->basis) == 0 && lg_claims_check_time(rq->cx, &times) == LG_OK)
		return true;
	rq->cx->error[0] = '\0';
	return false;
}

/* ---- questions ----------------------------------------------------------------------------------------------------------- */

/* Lengths stand before what they measure: no two requests are one question. */
static lg_sha256
question_of(struct sts_rq *rq, const char *endpoint)
{
	const lg_str said[] = {
		lg_str_of(endpoint), rq->tenant.issuer, rq->ex->method, rq->ex->header(rq->ex, "Authorization"),
		rq->ex->header(rq->ex, "Content-Type"), rq->ex->header(rq->ex, "Accept"),
	};
	size_t n = sizeof(uint32_t);

	for (size_t i = 0; i < LG_COUNT(said); i++)
		n += sizeof(uint32_t) + said[i].n;
	struct lg_buf b = { lg_alloc(rq->cx->arena, n), 0, n, n, false };

	lg_buf_u32(&b, rq->tenant_id);
	for (size_t i = 0; i < LG_COUNT(said); i++)
		lg_buf_str32(&b, said[i]);
	return lg_sha256_pair(lg_buf_view(&b), rq->ex->body);
}

bool
sts_again(struct sts_rq *rq, const char *endpoint, struct sts_again *ret)
{
	struct answer an;
	lg_str kept;

	*ret = (struct sts_again){ .keep = rq->ex->header(rq->ex, "DPoP").n == 0 && sts_peer_cert(rq->ex->peer).n == 0 };
	if (!ret->keep)
		return false;
	ret->question = question_of(rq, endpoint);
	if (!sts_kept_get(rq->sts->answers, rq->cx, &ret->question, &kept))
		return false;
	memcpy(&an, kept.p, sizeof an);
	if (!holds(rq, &an))
		return false;
	lg_buf_str(&rq->ex->out, lg_str_sub(kept, sizeof an, kept.n));
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	return true;
}

void
sts_again_keep(struct sts_rq *rq, const struct sts_again *again, const struct lg_claims *token)
{
	const struct answer an = {
		.basis = *basis_now(rq), .issued = token->issued, .not_before = token->not_before, .expires = token->expires,
	};

	if (again->keep)
		sts_kept_put(rq->sts->answers, rq->cx, &again->question,
		    lg_cat(rq->cx->arena, (lg_str){ (const char *)&an, sizeof an }, lg_buf_view(&rq->ex->out)));
}
