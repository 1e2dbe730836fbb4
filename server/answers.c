/* answers.c: a direct-mapped table of answers; the whole question is compared, so that no two are ever mixed up. */
#include "server/answers.h"

#include <stdlib.h>

#include "base/map.h"

struct slot {
	uint64_t hash;
	uint32_t tenant;
	struct lg_answer_basis basis;
	struct lg_buf bytes;		/* key, response, record, one after the other */
	size_t nkey, nresponse;
	size_t response_id, record_id, group;
	bool permit;
};

struct lg_answers {
	struct slot slot[LG_ANSWERS];
};

struct lg_answers *
lg_answers_new(void)
{
	struct lg_answers *as = calloc(1, sizeof *as);

	if (as == NULL)
		abort();
	return as;
}

void
lg_answers_free(struct lg_answers **as)
{
	if (*as == NULL)
		return;
	for (size_t i = 0; i < LG_ANSWERS; i++)
		lg_buf_wipe(&(*as)->slot[i].bytes);
	free(*as);
	*as = NULL;
}

static void
read_basis(struct lg_view *v, uint32_t tenant, uint64_t policy, struct lg_answer_basis *ret)
{
	ret->seq = lg_view_seq(v);
	ret->policy = policy;
	ret->entries = lg_revision(v, tenant, LG_DOMAIN_ENTRY);
	ret->members = lg_revision(v, tenant, LG_DOMAIN_MEMBERSHIP);
}

/* Most of the time nothing was written since; otherwise the domains that decisions read must be as they were. */
static bool
still_holds(struct slot *s, struct lg_view *v, uint32_t tenant, uint64_t policy)
{
	struct lg_answer_basis now;

	if (s->basis.policy != policy)
		return false;
	if (s->basis.seq == lg_view_seq(v))
		return true;
	read_basis(v, tenant, policy, &now);
	if (now.entries != s->basis.entries || now.members != s->basis.members)
		return false;
	s->basis.seq = now.seq;
	return true;
}

bool
lg_answers_get(struct lg_answers *as, struct lg_view *v, uint32_t tenant, uint64_t policy, lg_str key, struct lg_kept *ret)
{
	uint64_t hash = lg_hash(key);
	struct slot *s = &as->slot[hash % LG_ANSWERS];
	lg_str bytes = lg_buf_view(&s->bytes);

	if (s->hash != hash || s->tenant != tenant || !lg_str_eq(lg_str_sub(bytes, 0, s->nkey), key))
		return false;
	if (!still_holds(s, v, tenant, policy))
		return false;
	ret->response = lg_str_sub(bytes, s->nkey, s->nresponse);
	ret->record = lg_str_sub(bytes, s->nkey + s->nresponse, SIZE_MAX);
	ret->response_id = s->response_id;
	ret->record_id = s->record_id;
	ret->group = s->group;
	ret->permit = s->permit;
	return true;
}

void
lg_answers_put(struct lg_answers *as, struct lg_view *v, uint32_t tenant, uint64_t policy, lg_str key, const struct lg_kept *an)
{
	uint64_t hash = lg_hash(key);
	struct slot *s = &as->slot[hash % LG_ANSWERS];
	size_t need = key.n + an->response.n + an->record.n;

	lg_buf_wipe(&s->bytes);
	s->hash = 0;
	if (key.n > LG_ANSWER_KEY || need > LG_ANSWER_MAX)
		return;
	s->bytes = LG_BUF(need);
	lg_buf_reserve(&s->bytes, need);
	lg_buf_str(&s->bytes, key);
	lg_buf_str(&s->bytes, an->response);
	lg_buf_str(&s->bytes, an->record);
	s->hash = hash;
	s->tenant = tenant;
	s->nkey = key.n;
	s->nresponse = an->response.n;
	s->response_id = an->response_id;
	s->record_id = an->record_id;
	s->group = an->group;
	s->permit = an->permit;
	read_basis(v, tenant, policy, &s->basis);
}
