/* keeper_run.h: a keeper in a process of its own, confined as in service, with one control and two server channels. */
#ifndef LG_TESTS_CRYPTO_KEEPER_RUN_H
#define LG_TESTS_CRYPTO_KEEPER_RUN_H

#include "lightgate/keeper.h"
#include "tests/crypto/util.h"

#include <sys/types.h>

struct run {
	struct fixture f;
	char dir[128];
	uint8_t secret[32];
	pid_t pid;
	struct lg_keeper *control, *server, *server2;
	/* of the last answer */
	lg_err err;
	lg_str reply;
	unsigned answered;
};

void run_init(struct run *r);
void run_start(struct run *r);
int run_stop(struct run *r);		/* exit status */
void run_end(struct run *r);
#define KEEPER(r) LG_AUTO(run_end) struct run r; run_init(&r)

/* Waits for the answer to what `queued` said of queueing; the reply is copied to the arena. */
lg_err run_wait(struct run *r, struct lg_keeper *k, lg_err queued);
lg_keeper_done run_done;
#define ASK(r, k, call, ...) run_wait(&(r), (r).k, call((r).k, ##__VA_ARGS__, run_done, &(r)))

extern const struct lg_ceiling test_ceiling;
void run_tenant(struct run *r, uint32_t id);
/* The first key of this kind; fails the test if there is none. */
struct lg_keeper_key run_key(struct run *r, uint32_t tenant, enum lg_purpose purpose, enum lg_key_state state);
size_t run_count(struct run *r, uint32_t tenant, enum lg_purpose purpose, enum lg_key_state state);
struct lg_keyset *run_keyset(struct run *r, uint32_t tenant, enum lg_purpose purpose);
struct lg_token_request test_token(void);
/* Writes a file of the run's folder beside the keeper's and returns its path. */
const char *run_file(struct run *r, const char *name, lg_str data);
int run_shell(struct run *r, const char *fmt, ...) LG_PRINTF(2, 3);	/* exit status */

#endif
