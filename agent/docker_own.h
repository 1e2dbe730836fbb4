/* docker_own.h: private to the Docker door: what its parts share. */
#ifndef LG_AGENT_DOCKER_OWN_H
#define LG_AGENT_DOCKER_OWN_H

#include "agent/docker.h"
#include "agent/docker_pass.h"
#include "agent/listener.h"
#include "client/http.h"

#define LG_DOCKER_TIME	INT64_C(3000000)	/* microseconds for one decision: what the engine is asked and what the service is */
#define LG_DOCKER_NETWORKS 8		/* of one create: each is asked about */
#define LG_EXEC_ID	64
#define LG_DOCKER_KEPT	64		/* connections of the engine that go on when the agent starts again */

/* Who asks: a person at the front, or the holder of a certificate. */
struct lg_docker_caller {
	bool known, self;		/* self: the agent */
	int64_t uid;
	lg_str certificate;		/* DER; then uid says nothing */
};

struct lg_exec {
	char id[LG_EXEC_ID + 1];
	lg_sha256 caller;
};

struct lg_docker {
	struct lg_docker_settings at;
	struct lg_door *door;
	struct lg_link *engine;
	struct lg_passes passes;
	pthread_mutex_t lock;		/* over execs and visitors */
	int64_t visitors[LG_DOCKER_CONNECTIONS];	/* at the front: uid + 1; 0: a free place */
	struct lg_exec execs[LG_DOCKER_EXECS];
	size_t nexecs;			/* ever remembered */
	struct lg_listener *plugin, *front;
	int leave[2];			/* a pipe that nothing is written to: its end is closed when those at the front shall leave */
	bool leaving;
	struct lg_relay *left;		/* by them, for another process; under the lock */
	int retire[2];			/* the same for the plugin's connections */
	bool retired;			/* no call is begun any more; under the lock, as the next one */
	unsigned calls;			/* that are being answered */
	int kept[LG_DOCKER_KEPT];	/* of those, by our successor; under the lock */
	size_t nkept;
};

struct lg_docker_request {
	struct lg_docker_caller who;
	lg_str method, uri;
	lg_str type;			/* Content-Type; over TLS perhaps not the one that the engine goes by */
	lg_str body;
	bool hidden;			/* it has, or may have, a body that was not shown */
};

/* docker_decide.c.  LG_OK is a permit; anything else a refusal with its sentence. */
LG_CHECKED lg_err lg_docker_decide(struct lg_ctx *cx, struct lg_docker *d, const struct lg_docker_request *rq);
/* After the engine has made a program to run: whoever asked for it may start it. */
void lg_docker_made(struct lg_ctx *cx, struct lg_docker *d, const struct lg_docker_request *rq, lg_str answer);

/* docker_engine.c: what the engine knows under a name. */
struct lg_docker_container {
	lg_str id, workload, project, image;
};
LG_CHECKED lg_err lg_docker_inspect(struct lg_ctx *cx, struct lg_docker *d, lg_str name, struct lg_docker_container *ret);
LG_CHECKED lg_err lg_docker_network(struct lg_ctx *cx, struct lg_docker *d, lg_str name, lg_str *ret);

/* The two listeners' connections; the descriptor is closed by the listener. */
void lg_docker_plugin_serve(void *docker, int fd);
void lg_docker_front_serve(void *docker, int fd);

#endif
