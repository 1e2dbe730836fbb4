/*
 * silent.c: servers of directories elsewhere that did not answer lately, so that not everybody waits for them anew.
 *
 * Such a server is passed over for half a minute, then one sign-in asks it again while the others go on to the next.  Where nothing else
 * answers it is asked before its time, but by one sign-in at once: a silent server holds one worker, not all of them.
 */
#include "sts/ldap.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

#define SERVERS	64			/* beyond it the one that failed first is forgotten, and asked as if it answered */
#define REST	(30 * LG_SECOND)

struct sts_silent {
	pthread_mutex_t lock;
	uint64_t secret[2];
	struct server {
		uint64_t key;
		int64_t failed;		/* when it was last seen to; 0: no server */
		bool asked;		/* by somebody, at this moment */
	} server[SERVERS];
};

lg_err
sts_silent_new(struct lg_ctx *cx, struct sts_silent **ret)
{
	struct sts_silent *s = calloc(1, sizeof *s);

	if (s == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for the list of silent servers");
	(void)pthread_mutex_init(&s->lock, NULL);
	lg_random(s->secret, sizeof s->secret);
	*ret = s;
	return LG_OK;
}

void
sts_silent_free(struct sts_silent **s)
{
	if (*s != NULL)
		(void)pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

/* Its place; or, without one, that of none (new_one: of the one that failed first, forgotten now) or NULL. */
static struct server *
find(struct sts_silent *s, uint32_t tenant, lg_str url, bool new_one)
{
	uint64_t key[2] = { s->secret[0], s->secret[1] ^ tenant }, k = lg_hash_keyed(key, url);
	struct server *oldest = &s->server[0];

	for (size_t i = 0; i < SERVERS; i++) {
		if (s->server[i].failed != 0 && s->server[i].key == k)
			return &s->server[i];
		if (s->server[i].failed < oldest->failed)
			oldest = &s->server[i];
	}
	if (!new_one)
		return NULL;
	*oldest = (struct server){ .key = k };
	return oldest;
}

bool
sts_silent_ask(struct sts_silent *s, uint32_t tenant, lg_str url, int64_t before)
{
	struct server *at;
	bool ask;

	(void)pthread_mutex_lock(&s->lock);
	at = find(s, tenant, url, false);
	ask = at == NULL || (!at->asked && at->failed < (before != 0 ? before : lg_boottime() - REST));
	if (at != NULL)
		at->asked |= ask;
	(void)pthread_mutex_unlock(&s->lock);
	return ask;
}

bool
sts_silent_told(struct sts_silent *s, uint32_t tenant, lg_str url, bool silent)
{
	struct server *at;
	bool was;

	(void)pthread_mutex_lock(&s->lock);
	at = find(s, tenant, url, silent);
	was = at != NULL && at->failed != 0;
	if (at != NULL)
		*at = (struct server){ .key = at->key, .failed = silent ? lg_boottime() : 0 };
	(void)pthread_mutex_unlock(&s->lock);
	return was != silent;
}
