/* app_own.h: what app.c keeps, for the files of the API. */
#ifndef LG_SERVER_APP_OWN_H
#define LG_SERVER_APP_OWN_H

#include "server/answers.h"
#include "server/clock_guard.h"
#include "server/heads.h"
#include "server/watch.h"
#include "server/wire.h"

/* Who tells applications that sessions have ended. */
struct lg_notice_lane {
	struct lg_app *app;
	unsigned n;
	bool busy;
};

struct lg_app_own {
	struct lg_notice_lane lanes[LG_STS_LANES + LG_STS_MAIL_LANES];
	struct lg_wiring wiring;
	lg_str password;		/* the first administrator's, after a first start */
	lg_str credentials;		/* JSON array of what --load made */
	char ca_file[512];
	struct lg_timer maintenance;
	int64_t identity_until;		/* microseconds: when our own certificate is renewed */
	lg_serial identity;		/* its serial number; of maintenance, once that runs */
	int64_t warned, swept;
	int64_t census_due, unrenewed_told;	/* on CLOCK_BOOTTIME; written by the job that counts */
	int64_t responders;		/* when OCSP responders are looked at again */
	struct lg_answers *answers[LG_LOOPS];	/* of each loop */
	int operated;			/* operators being answered; atomic */
	bool working, copying, refreshing, hooking, counting, stopping;	/* of maintenance; atomic */
	bool indexing;				/* a worker builds indexes; atomic */
	bool backing_up;		/* atomic */
	struct lg_watches *watches;
	struct lg_signed_heads heads;
	struct lg_clock_guard guard;	/* in front of the signer */
};

static inline struct lg_app_own *
lg_own(struct lg_app *app)
{
	return app->own;
}

/* maintenance.c */
void lg_maintenance_start(struct lg_app *app);
void lg_maintenance_end(struct lg_app *app);	/* waits for the round that is under way */
void lg_maintenance_heads(struct lg_ctx *cx, struct lg_app *app);	/* signs the heads of both logs; a failure goes to the operator's log */

/* own_identity.c: a new key and certificate for our listeners; the file of roots behind it. */
bool lg_own_identity_due(struct lg_ctx *cx, struct lg_app *app);	/* its time has come, or somebody has revoked it */
LG_CHECKED lg_err lg_own_identity_renew(struct lg_ctx *cx, struct lg_app *app);
LG_CHECKED lg_err lg_own_roots_write(struct lg_ctx *cx, struct lg_app *app);

/* api_backup.c: copies that a process which died left behind. */
void lg_backup_sweep(const char *archive);

/* Route tables of the API, each with self = struct lg_app *. */
extern const struct lg_route lg_api_access_routes[], lg_api_search_routes[], lg_api_admission_routes[], lg_api_door_routes[],
    lg_api_proxy_routes[], lg_api_kubernetes_routes[], lg_api_admin_routes[], lg_api_operator_routes[], lg_api_told_routes[];
extern const size_t lg_api_access_nroutes, lg_api_search_nroutes, lg_api_admission_nroutes, lg_api_door_nroutes, lg_api_proxy_nroutes, lg_api_kubernetes_nroutes,
    lg_api_admin_nroutes, lg_api_operator_nroutes, lg_api_told_nroutes;

/* state.c: makes the tenant match a state document (JSON).  credentials: JSON array of new secrets; report: docs/api.md. */
struct lg_caller;
/* PATCH: members of a client that the document does not name stay as they are; REHEARSE: nothing is kept. */
enum lg_state_mode { LG_STATE_APPLY, LG_STATE_PATCH, LG_STATE_REHEARSE };
LG_CHECKED lg_err lg_state_apply(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, const struct lg_caller *who, lg_str json,
    enum lg_state_mode mode, struct lg_buf *report);	/* who NULL: the service itself (--load) */

#endif
