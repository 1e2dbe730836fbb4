/* acme_keys.c: a set-associative table; the key that was longest of no use gives way. */
#include "certs/acme_keys.h"

#include <pthread.h>
#include <stdlib.h>

struct kept {
	lg_sha256 thumbprint;
	struct lg_pubkey *key;		/* NULL: free */
	uint64_t used;
};

struct lg_acme_keys {
	pthread_mutex_t lock;
	uint64_t clock;
	struct kept row[LG_ACME_KEY_SETS][LG_ACME_KEY_WAYS];
};

struct lg_acme_keys *
lg_acme_keys_new(void)
{
	struct lg_acme_keys *k = calloc(1, sizeof *k);

	if (k == NULL)
		abort();
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
lg_acme_keys_free(struct lg_acme_keys **k)
{
	if (*k == NULL)
		return;
	for (size_t i = 0; i < LG_ACME_KEY_SETS; i++)
		for (size_t j = 0; j < LG_ACME_KEY_WAYS; j++)
			lg_pubkey_unref(&(*k)->row[i][j].key);
	pthread_mutex_destroy(&(*k)->lock);
	free(*k);
	*k = NULL;
}

static bool
is_of(const struct kept *p, const lg_sha256 *thumbprint)
{
	return p->key != NULL && memcmp(p->thumbprint.b, thumbprint->b, sizeof thumbprint->b) == 0;
}

/* The key's place, or the one that it may take. */
static struct kept *
place(struct lg_acme_keys *k, const lg_sha256 *thumbprint)
{
	struct kept *set = k->row[thumbprint->b[0] % LG_ACME_KEY_SETS], *oldest = set;

	for (size_t i = 0; i < LG_ACME_KEY_WAYS; i++) {
		if (is_of(&set[i], thumbprint))
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	return oldest;
}

static struct lg_pubkey *
find(struct lg_acme_keys *k, const lg_sha256 *thumbprint)
{
	struct lg_pubkey *found = NULL;
	struct kept *p;

	pthread_mutex_lock(&k->lock);
	p = place(k, thumbprint);
	if (is_of(p, thumbprint)) {
		p->used = ++k->clock;
		found = lg_pubkey_ref(p->key);
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}

static void
keep(struct lg_acme_keys *k, const lg_sha256 *thumbprint, struct lg_pubkey *key)
{
	struct lg_pubkey *old = NULL;
	struct kept *p;

	pthread_mutex_lock(&k->lock);
	p = place(k, thumbprint);
	if (!is_of(p, thumbprint)) {
		old = p->key;
		*p = (struct kept){ *thumbprint, lg_pubkey_ref(key), ++k->clock };
	}
	pthread_mutex_unlock(&k->lock);
	lg_pubkey_unref(&old);
}

lg_err
lg_acme_keys_get(struct lg_ctx *cx, struct lg_acme_keys *k, const lg_sha256 *thumbprint, lg_str spki, struct lg_pubkey **ret)
{
	struct lg_pubkey *key = find(k, thumbprint);

	if (key == NULL) {
		LG_TRY(lg_pubkey_from_spki(cx, spki, &key));
		keep(k, thumbprint, key);
	}
	*ret = key;
	return LG_OK;
}
