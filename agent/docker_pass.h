/*
 * docker_pass.h: who sent what through the front socket.  The engine tells its plugin nothing about a caller on its UNIX socket;
 * so the front gives each request a token, as a header that callers cannot set, and keeps here what the token stands for.
 * A token names one request: its method, its path and, where there is one to decide on, its body.
 */
#ifndef LG_AGENT_DOCKER_PASS_H
#define LG_AGENT_DOCKER_PASS_H

#include <pthread.h>

#include "lightgate/crypto.h"

#define LG_PASS_HEADER	"X-Lightgate-Caller"

struct lg_pass {
	char token[44];
	int64_t uid;
	bool self;			/* the agent's own question to the engine */
	lg_str method, uri;		/* the owner's */
	bool has_body;
	lg_sha256 body;
	bool shown;			/* to the plugin, before the engine acted */
	struct lg_pass *next;
};

struct lg_passes {
	pthread_mutex_t lock;
	struct lg_pass *first;
};

void lg_passes_init(struct lg_passes *ps);
void lg_passes_end(struct lg_passes *ps);
/* Makes the token.  The pass must live until lg_pass_remove. */
void lg_pass_add(struct lg_passes *ps, struct lg_pass *p);
void lg_pass_remove(struct lg_passes *ps, struct lg_pass *p);
bool lg_pass_shown(struct lg_passes *ps, const struct lg_pass *p);	/* to the plugin, before the engine acted */

struct lg_pass_shown {
	lg_str token, method, uri;
	bool has_body;
	lg_sha256 body;
};
/* Before the engine acts: once for each pass, with all of it as it was added.  Gives uid and self. */
bool lg_pass_take(struct lg_passes *ps, const struct lg_pass_shown *s, int64_t *uid, bool *self);
/* After it acted: the same pass again. */
bool lg_pass_again(struct lg_passes *ps, const struct lg_pass_shown *s, int64_t *uid, bool *self);

#endif
