/*
 * app.h: the seam between the process (loops, listeners, keeper channels, configuration: the files beside this one) and what it
 * serves (app.c, wire.c, api_*.c: components joined by their ports, routes, the decision point).
 *
 * The process fills the first part of struct lg_app, calls lg_app_start on its main thread while the loops already turn, then opens
 * the listeners.  app.c owns the second part.
 */
#ifndef LG_SERVER_APP_H
#define LG_SERVER_APP_H

#include "base/json.h"
#include "base/pool.h"
#include "lightgate/base.h"
#include "lightgate/keeper.h"
#include "server/config.h"
#include "server/http.h"
#include "server/keeper_link.h"
#include "server/loop.h"
#include "server/metrics.h"

struct lg_store;
struct lg_segments;
struct lg_directory;
struct lg_sts;
struct lg_certs;
struct lg_point;
struct lg_tenants;
struct lg_ldap_listener;

/* What the service is called from outside; the ports are those really bound. */
struct lg_endpoints {
	lg_str issuer;			/* https://host:port of the default tenant */
	lg_str mtls;			/* https://host:port of the surface with client certificates */
	lg_str stream, http;		/* https://..., http://... */
	lg_str ldap, ldaps;		/* ldap://..., ldaps://... */
	lg_str socket;			/* path */
};

/*
 * Each exists, and the server may write in it.  The paths are relative: DATA is the working directory, since a folder above it
 * may be closed to the server's user.
 */
struct lg_folders {
	const char *data;		/* DATA, absolute: for telling others, not for opening */
	const char *store, *log, *archive, *run;
};

/* The heap: an arena's top goes back to the system from LG_HEAP_TRIM octets on, and every minute from LG_HEAP_TOP on. */
#define LG_HEAP_TRIM	(8 << 20)
#define LG_HEAP_TOP	(256 << 10)

struct lg_app {
	/* by the process */
	const struct lg_settings *settings;
	const struct lg_endpoints *at;
	const struct lg_folders *folders;
	struct lg_loop *const *loops;
	size_t nloops;
	struct lg_pool *workers;
	struct lg_http_server *http;
	struct lg_ldap_listener *ldap;	/* NULL when none is configured */
	struct lg_keeper_link *keeper;
	struct lg_signer signer;
	struct lg_hasher hasher;
	struct lg_metrics *metrics;
	struct lg_limits *limits;
	lg_str load;			/* --load's text, YAML; empty without */
	struct lg_arena *arena;		/* as long as the process */

	/* by lg_app_start */
	struct lg_store *store;
	struct lg_segments *segments;
	struct lg_directory *directory;
	struct lg_breached *breached;	/* known passwords; NULL: no list */
	struct lg_sts *sts;
	struct lg_certs *certs;
	struct lg_point *point;		/* the decision point */
	struct lg_tenants *tenants;
	void *own;			/* whatever else app.c keeps */
};

/*
 * Opens the store, makes the default tenant at the first start (its keys are already in the keeper), wires the components, adds the
 * routes, sets the HTTP ports and the TLS identity.  May block; the signer's *_wait work.  On failure the process ends with
 * the sentence in cx.
 */
LG_CHECKED lg_err lg_app_start(struct lg_ctx *cx, struct lg_app *app);
/* No request is live any more and nothing is accepted.  Ends what the service does of itself: after it nobody submits to the workers. */
void lg_app_quiesce(struct lg_app *app);
/* The workers are joined; the loops still turn.  Closes everything of the second part. */
void lg_app_stop(struct lg_app *app);
/* SIGHUP: the settings that are marked live have changed in *app->settings. */
LG_CHECKED lg_err lg_app_reload(struct lg_ctx *cx, struct lg_app *app);
/* Adds members to the ready line: "ca_file", and after a first start "admin":{"username","password"}, "credentials":[...] of --load.
 * `before` is the line of the last start (empty at the first): what it says and this start did not make anew must be repeated.
 * The process adds the listeners' addresses, socket, issuer and isolation itself. */
void lg_app_ready(struct lg_ctx *cx, struct lg_app *app, lg_str before, struct lg_jsonw *w);
/* /readyz, on a loop: store, policy in force.  The keeper has been checked. */
LG_CHECKED lg_err lg_app_healthy(struct lg_ctx *cx, struct lg_app *app);

/* `lightgated tool VERB`: run by the parent's user while the service is stopped.  A NULL name ends the table, in tools.c.
 * `run` is a tool on files; without it the words are a task for lg_app_task, in a server that opens no doors. */
struct lg_tool {
	const char *name;
	const char *usage;
	int (*run)(const struct lg_settings *s, int argc, char **argv);
};
extern const struct lg_tool lg_tools[];

/* recover.c: after lg_app_start, instead of serving.  words: the tool's name, its arguments, NULL. */
LG_CHECKED lg_err lg_app_task(struct lg_ctx *cx, struct lg_app *app, char **words);

#endif
