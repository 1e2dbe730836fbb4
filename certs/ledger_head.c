/* ledger_head.c: see ledger_head.h. */
#include "certs/ledger_head.h"

#include <pthread.h>
#include <stdlib.h>

struct kept {
	uint32_t tenant;
	int64_t made;			/* 0: free */
	char text[LG_LEDGER_HEAD];
	size_t n;
};

struct lg_ledger_heads {
	pthread_mutex_t lock;		/* held while one is signed: the next goes on from it */
	struct kept v[LG_LEDGER_HEADS];
};

struct lg_ledger_heads *
lg_ledger_heads_new(void)
{
	struct lg_ledger_heads *h = calloc(1, sizeof *h);

	if (h == NULL)
		abort();
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void
lg_ledger_heads_free(struct lg_ledger_heads **h)
{
	if (*h == NULL)
		return;
	pthread_mutex_destroy(&(*h)->lock);
	free(*h);
	*h = NULL;
}

/* The tenant's place, or the oldest's. */
static struct kept *
place(struct lg_ledger_heads *h, uint32_t tenant)
{
	struct kept *oldest = h->v;

	for (size_t i = 0; i < LG_LEDGER_HEADS; i++) {
		if (h->v[i].tenant == tenant && h->v[i].made != 0)
			return &h->v[i];
		if (h->v[i].made < oldest->made)
			oldest = &h->v[i];
	}
	return oldest;
}

/* What the keeper is shown: the tree as it is, and that it goes on from the one before. */
static lg_err
look(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, uint64_t before, uint64_t *size, lg_sha256 *root, lg_str *path)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_sha256 *hashes = LG_NEWS(cx->arena, lg_sha256, LG_MERKLE_PATH);
	size_t n = 0;

	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	LG_TRY(lg_ledger_size(cx, v, tenant, size));
	LG_TRY(lg_ledger_root(cx, v, tenant, *size, root));
	if (before > *size)
		return lg_fail(cx, LG_E_CONFLICT, "the ledger has %llu entries, and the head of %llu was signed", (unsigned long long)*size,
		    (unsigned long long)before);
	if (before > 0)
		LG_TRY(lg_ledger_consistency(cx, v, tenant, before, *size, hashes, &n));
	*path = (lg_str){ (const char *)hashes, n * sizeof *hashes };
	return LG_OK;
}

static lg_err
sign(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, struct kept *k)
{
	uint64_t before, size;
	lg_sha256 root;
	lg_str path, text;

	LG_TRY(c->ports.ledger_mark(c->ports.callers, cx, tenant, &before));
	LG_TRY(look(cx, c, tenant, before, &size, &root, &path));
	lg_store_turn(c->ports.store);
	LG_TRY(c->ports.ledger_sign(c->ports.callers, cx, tenant, size, &root, path, &text));
	if (text.n > sizeof k->text)
		return lg_fail(cx, LG_E_INTERNAL, "the head of a ledger is too long");
	k->tenant = tenant;
	k->made = cx->now;
	k->n = text.n;
	memcpy(k->text, text.p, text.n);
	return LG_OK;
}

lg_err
lg_ledger_head_get(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str *ret)
{
	struct lg_ledger_heads *h = c->ledger_heads;
	struct kept *k;
	lg_err e = LG_OK;

	if (c->ports.ledger_sign == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "heads of ledgers are not signed here");
	pthread_mutex_lock(&h->lock);
	k = place(h, tenant);
	if (k->made == 0 || k->tenant != tenant || cx->now - k->made > LG_LEDGER_HEAD_AGE || cx->now < k->made)
		e = sign(cx, c, tenant, k);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, (lg_str){ k->text, k->n });
	pthread_mutex_unlock(&h->lock);
	return e;
}
