/*
 * docker_body.h: what the JSON body of an Engine API request asks for, as facts for policy (context.container) and as names.
 * Read like config.json (oci.h): the engine is written in Go, so what it could read otherwise than we do is refused, and every
 * judgement leans towards "this container can do it".
 */
#ifndef LG_AGENT_DOCKER_BODY_H
#define LG_AGENT_DOCKER_BODY_H

#include "agent/oci.h"

#define LG_DOCKER_BODY	(1u << 20)	/* octets; the engine hides what is longer from its plugins */
#define LG_DOCKER_LABEL_WORKLOAD "lightgate.workload"
#define LG_DOCKER_LABEL_PROJECT	"lightgate.project"

struct lg_docker_body {
	struct lg_oci facts;
	lg_str image, workload, project;	/* the last two: labels */
	lg_str runtime;
	lg_str container;			/* that a network is attached to */
};

/* The network that a container is in when nobody names one, and the word for that. */
#define LG_DOCKER_NETWORK_USUAL	"bridge"
#define LG_DOCKER_NETWORK_DEFAULT "default"

/* POST /containers/create.  facts.networks: as they were called, names or ids, each once. */
LG_CHECKED lg_err lg_docker_read_create(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret);
/* POST /containers/ID/exec */
LG_CHECKED lg_err lg_docker_read_exec(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret);
/* POST /volumes/create: facts.sensitive_mount when its options could lead to the host. */
LG_CHECKED lg_err lg_docker_read_volume(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret);
/* POST /networks/ID/connect, disconnect */
LG_CHECKED lg_err lg_docker_read_network(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret);

/* "docker.io/library/busybox:latest" is "busybox": the name under which people know it. */
lg_str lg_docker_familiar(lg_str image);

#endif
