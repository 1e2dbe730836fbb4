/* handle.h: what stands behind the handle of liblightgate. */
#ifndef LG_CLIENT_HANDLE_H
#define LG_CLIENT_HANDLE_H

#include <pthread.h>
#include <time.h>

#include "client/api.h"
#include "lightgate/client.h"
#include "lightgate/crypto.h"

struct lightgate {
	struct lg_arena *arena;
	struct lg_endpoint public, own;		/* without and with the client's certificate */
	const char *cert_file, *key_file, *token_file;
	lg_str issuer;
	int64_t deadline;			/* microseconds */
	pthread_rwlock_t links;			/* read: a call is running; write: `own_link` is replaced */
	struct lg_link *public_link, *own_link;
	struct timespec cert_time;		/* of the file that own_link was made from */
	pthread_mutex_t lock;			/* over the keys */
	struct lg_keyset *keys;
	int64_t keys_at;			/* CLOCK_BOOTTIME; 0: never */
};

/* The sentence for a caller who brought room for one. */
void lg_handle_tell(const struct lg_ctx *cx, char *why, size_t size);

#endif
