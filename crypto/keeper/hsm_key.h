/* hsm_key.h: the keeper's side of keys in a PKCS#11 token: channels to the process that has the module, and keys that sign through it. */
#ifndef LG_KEEPER_HSM_KEY_H
#define LG_KEEPER_HSM_KEY_H

#include <pthread.h>

#include "crypto/hsm/hsm.h"
#include "crypto/key.h"

struct lg_hsm_link {
	lg_str token;			/* in which new keys are made; empty: in none */
	uint32_t purposes;		/* bit 1 << enum lg_purpose: which */
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int fd[LG_HSM_CHANNELS];
	bool busy[LG_HSM_CHANNELS];
	size_t n;			/* 0: no module is configured */
	uint32_t last;			/* id of a request */
};

void lg_hsm_link_init(struct lg_hsm_link *l, const struct lg_keeper_options *o);
void lg_hsm_link_end(struct lg_hsm_link *l);

/* A key that signs in the token named by uri.  The token is not asked: it may be away.  Every signature is verified with spki, so
 * that another key of that name signs nothing. */
LG_CHECKED lg_err lg_hsm_key(struct lg_ctx *cx, struct lg_hsm_link *l, lg_str uri, lg_str spki, struct lg_key **ret);
/* The one of that name, which is made when there is none and `make`. */
LG_CHECKED lg_err lg_hsm_key_open(struct lg_ctx *cx, struct lg_hsm_link *l, lg_str uri, bool make, enum lg_key_type type,
    struct lg_key **ret);

#endif
