/* ocsp_cache.c: a small set-associative table per thread, made on first use and freed when the thread ends. */
#include "certs/ocsp_cache.h"

#include "base/thread.h"

struct row {
	struct lg_ocsp_key key;
	int64_t until;			/* 0: free */
	uint32_t used;			/* rises; the smallest of a set gives way */
	uint32_t n;
	char der[LG_OCSP_KEPT_MAX];
};

struct cache {
	uint32_t clock;
	struct row row[LG_OCSP_SETS][LG_OCSP_WAYS];
};

static _Thread_local struct cache *mine;

/* NULL without memory: then nothing is kept. */
static struct cache *
cache(void)
{
	if (mine == NULL)
		mine = lg_thread_alloc(sizeof *mine);
	return mine;
}

static bool
same_request(const struct lg_ocsp_key *a, const struct lg_ocsp_key *b)
{
	return a->tenant == b->tenant && memcmp(a->request.b, b->request.b, sizeof a->request.b) == 0;
}

lg_str
lg_ocsp_cache_get(const struct lg_ocsp_key *key, int64_t now)
{
	struct cache *c = cache();
	struct row *set = c == NULL ? NULL : c->row[key->request.b[0] % LG_OCSP_SETS];

	for (size_t i = 0; set != NULL && i < LG_OCSP_WAYS; i++)
		if (set[i].until > now && same_request(&set[i].key, key) && set[i].key.trust == key->trust &&
		    set[i].key.revision == key->revision) {
			set[i].used = ++c->clock;
			return (lg_str){ set[i].der, set[i].n };
		}
	return LG_NONE;
}

/* The row of the same request, a free one, or the one that was used longest ago. */
static struct row *
place(struct row *set, const struct lg_ocsp_key *key)
{
	struct row *oldest = &set[0];

	for (size_t i = 0; i < LG_OCSP_WAYS; i++)
		if (set[i].until == 0 || same_request(&set[i].key, key))
			return &set[i];
	for (size_t i = 1; i < LG_OCSP_WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	return oldest;
}

void
lg_ocsp_cache_put(const struct lg_ocsp_key *key, int64_t until, lg_str der)
{
	struct cache *c = der.n > LG_OCSP_KEPT_MAX ? NULL : cache();
	struct row *r;

	if (c == NULL)
		return;
	r = place(c->row[key->request.b[0] % LG_OCSP_SETS], key);
	r->key = *key;
	r->until = until;
	r->used = ++c->clock;
	r->n = (uint32_t)der.n;
	memcpy(r->der, der.p, der.n);
}
