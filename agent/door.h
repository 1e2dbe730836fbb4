/*
 * door.h: may this container start on this host?  The runtime's hook asks while the container exists but has not run.
 *
 * The decision is about the config.json in the bundle that the runtime says it uses.  With lightgate-runc that bundle is
 * a copy below STATE/bundles, which nobody but the agent writes; its digest is remembered from when it was made.  The runtime
 * reads the copy long before it asks, and in between the same container may have been prepared anew; so each copy carries a
 * value of its own in the hook's environment, which comes back from what the runtime has in memory.
 * Anything unclear is a refusal, with a sentence.
 */
#ifndef LG_AGENT_DOOR_H
#define LG_AGENT_DOOR_H

#include "agent/bundle.h"

#define LG_DOOR_TIME	INT64_C(1500000)	/* microseconds from a question to its answer */
#define LG_DOOR_BUNDLES	256			/* bundles that were prepared and not asked about yet */

#define LG_DOOR_EXPECTED 256			/* tickets that wait for their container */
#define LG_DOOR_TICKET	4096			/* octets of one */

#define LG_DOOR_TYPE		64			/* octets of a type or an action that is asked about, */
#define LG_DOOR_ID		512			/* and of an id: the service takes no longer ones on its record */

struct lg_door;
struct lg_tally;
struct lg_upstream;

struct lg_door_settings {
	const char *state;		/* absolute */
	const char *hook;		/* lightgate-runc, absolute */
	const char *socket;		/* absolute */
	const char *const *runtime_roots;	/* state folders of runtimes beside the usual ones, ended by NULL; or NULL */
	bool kill_strays;		/* what runs without an admission is killed, not only reported */
	struct lg_bundles *bundles;	/* for what continues while the service is away; NULL: nothing does */
	struct lg_gate *gate;		/* is told what starts and ends; NULL: nobody is */
	struct lg_tally *tally;		/* of what is decided from the bundle while nobody waits for its record */
	struct lg_svids *svids;		/* of the workloads; NULL: they get none */
	const char *identities;		/* the folder that svids is of */
	const char *api;		/* the folder of the Workload API's socket, mounted into containers; NULL: there is none */
};

/* The settings' strings are kept.  Needs an identity below state. */
LG_CHECKED lg_err lg_door_open(struct lg_ctx *cx, const struct lg_door_settings *settings, struct lg_door **ret);
void lg_door_hand_over(struct lg_door *door);	/* what it remembers of containers that are starting: handover.h */
void lg_door_close(struct lg_door **door);	/* when nobody asks any more; safe on NULL */
lg_str lg_door_host(struct lg_ctx *cx, struct lg_door *door);	/* for the log: "node1 of https://..." */

/*
 * Who may ask here: root, or who we are, on this host.  LG_E_DENIED: anybody else, and whatever runs in the cgroup of one of its containers,
 * those with the host's own pid namespace too.
 */
LG_CHECKED lg_err lg_door_caller(struct lg_ctx *cx, struct lg_door *door, int fd);

/* A question and its answer: the verbs of the socket.  LG_OK is a permit; text is what goes with it. */
LG_CHECKED lg_err lg_door_create(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);	/* "<id>\n<bundle>" -> private bundle */
LG_CHECKED lg_err lg_door_hook(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);	/* "<start>\n<OCI state JSON>" */
LG_CHECKED lg_err lg_door_exec(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);	/* "<id>\n<process JSON>" */
/* "<operation> <begin|end|->\n<domain XML>": libvirt's hook.  LG_E_DENIED refuses the machine. */
LG_CHECKED lg_err lg_door_machine(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);
LG_CHECKED lg_err lg_door_end(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);	/* "<id>": no further start without a ticket */

/*
 * A ticket that the host itself was given for a container of this id: engines whose containers carry no annotations.  Kept until it is used,
 * or LG_DOOR_EXPECTED others were.
 */
void lg_door_expect(struct lg_door *door, lg_str container, lg_str workload, lg_str ticket);
/* What the container was admitted as.  LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_door_admitted(struct lg_ctx *cx, struct lg_door *door, lg_str container, lg_str *workload);
/* A reference to this host's connections, for lg_upstream_unref. */
struct lg_upstream *lg_door_upstream(struct lg_door *door);
/* "{\"subject\":{\"type\",\"id\"},\"action\":{\"name\"},\"resource\":{\"type\",\"id\"},\"context\":{\"port\",\"protocol\"}}": decided from the
 * bundle; text: the reason.  LG_E_UNAVAILABLE: not decided here, ask the service. */
LG_CHECKED lg_err lg_door_decide(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);
LG_CHECKED lg_err lg_door_bundle(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text);	/* -> lg_bundles_status */

/* After an answer is out: what was recorded for it goes to the disk. */
void lg_door_settle(struct lg_ctx *cx, struct lg_door *door);

/* Renewal, key refresh, expiry of records: what is due now.  Called once a second or less often, from one thread. */
void lg_door_maintain(struct lg_ctx *cx, struct lg_door *door);

#endif
