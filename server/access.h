/*
 * access.h: one evaluation as AuthZEN asks it: parsed, resolved against the directory, decided, recorded.
 * api_access.c carries it over HTTP; admissions use the same decision and record.
 */
#ifndef LG_SERVER_ACCESS_H
#define LG_SERVER_ACCESS_H

#include "server/app.h"
#include "server/caller.h"

#define LG_EVALUATIONS	256		/* of one batch */
#define LG_LABELS	64		/* of one workload, as claimed */
#define LG_ASKED_TYPE	64		/* octets of a type and of an action */
#define LG_IGNORED	16		/* members that the answer says were not looked at */
#define LG_ASKED_NAME	512		/* of an id, a project, an image, a host, a label, a protocol */

/* What was asked, slices of the request. */
struct lg_evaluation {
	lg_str subject_type, subject_id;
	lg_str action;
	lg_str resource_type, resource_id;
	lg_str project, image, host;	/* the resource's properties, for what has no entry yet */
	const lg_str *labels;
	size_t nlabels;
	bool has_port;
	int64_t port;			/* context */
	lg_str protocol;
	lg_str image_context;		/* context.image: for actions on something that runs already */
	lg_str ignored[LG_IGNORED];	/* "subject.properties.role": what no policy will see */
	size_t nignored;
};

/* Notes a member that was not looked at; further ones than LG_IGNORED and long names are not noted. */
void lg_evaluation_ignore(struct lg_ctx *cx, struct lg_evaluation *ev, const char *within, lg_str name);
/* Members subject, action, resource and context of the object that `js` has entered; those that are absent keep what *ret says,
 * of one that is there only type, id and name may be left to *ret (AuthZEN 7.1.1). */
bool lg_evaluation_member(struct lg_ctx *cx, struct lg_json *js, lg_str name, struct lg_evaluation *ret);
LG_CHECKED lg_err lg_evaluation_check(struct lg_ctx *cx, const struct lg_evaluation *ev);	/* LG_E_INVALID: a member is missing; LG_E_LIMIT: too long */

/* The decision and all that belongs to it. */
struct lg_access {
	struct lg_question question;
	struct lg_verdict verdict;
	struct lg_entry host;		/* resolved, if has_host */
	bool has_host;
	lg_str digest;			/* of the image entry */
	char id[LG_UUID_TEXT + 1];	/* of the decision */
	const char *proof;
	const lg_str *ignored;		/* of the evaluation, and what the directory knows better */
	size_t nignored;
	bool stable;			/* the answer depends on policies, entries and memberships alone */
};

/*
 * Resolves names, asks whether `who` may ask (LG_E_DENIED) and then the question itself.  subject_token: for the asker as audience; empty
 * without.  A deny is LG_OK.
 */
LG_CHECKED lg_err lg_access_decide(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who,
    const struct lg_evaluation *ev, lg_str subject_token, struct lg_access *ret);
/* The same without an id and without more of the why: for searches, which decide on many and tell the permits. */
LG_CHECKED lg_err lg_access_probe(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who,
    const struct lg_evaluation *ev, lg_str subject_token, struct lg_access *ret);
/* Somebody who was recognised already. */
struct lg_recognised {
	struct lg_entity_id subject;
	const char *proof;		/* "door", "token" */
	const struct lg_claims *claims;	/* of the token; NULL without one */
	const struct lg_fact *fact;	/* one more of the context: container, http; NULL: none */
};
LG_CHECKED lg_err lg_access_decide_for(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who,
    struct lg_evaluation *ev, const struct lg_recognised *by, struct lg_access *ret);
/* The question of which one side is looked for and has a type only (subjects: the principal, as somebody else than the asker): for
 * lg_find_entries, which proposes candidates for lg_access_probe. */
LG_CHECKED lg_err lg_access_open(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who,
    const struct lg_evaluation *ev, lg_str subject_token, bool subjects, struct lg_access *ret);
/* The resolving alone: fills question (but principal and proof) from names. */
LG_CHECKED lg_err lg_access_resource(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *ev,
    struct lg_access *ret);
/* By entryUUID or name.  LG_E_NOT_FOUND, without a sentence. */
LG_CHECKED lg_err lg_access_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str id, struct lg_entry *ret);
void lg_access_fact(struct lg_question *q, struct lg_fact f);	/* one more of the context */

/* Is it a door's decision, and must its permit be durable before anybody hears of it? */
bool lg_access_recorded(const struct lg_access *ac);
bool lg_access_waits(const struct lg_access *ac);
/* The line for the decision log. */
lg_str lg_access_record(struct lg_ctx *cx, const struct lg_access *ac);
/* For workers: onto the log; waits for the disk where lg_access_waits says so.  LG_E_BUSY when the log does not take it. */
LG_CHECKED lg_err lg_access_log(struct lg_ctx *cx, struct lg_segments *sg, const struct lg_access *ac);
/* {"decision":...,"context":{...}} */
void lg_access_write(struct lg_jsonw *w, const struct lg_access *ac, lg_str ticket);

/* ---- tickets ------------------------------------------------------------------------------------------------ */

#define LG_TICKET_TYP "lg-ticket+jwt"

/* A permit of container:create for a host: the request to the keeper.  False when no ticket belongs to this decision. */
bool lg_ticket_request(struct lg_app *app, struct lg_ctx *cx, const struct lg_access *ac, const struct lg_caller *asker,
    struct lg_token_request *ret);

struct lg_ticket {
	struct lg_claims claims;
	lg_uuid subject;
	lg_str subject_type, workload, project, image, digest;
};
/* Signature, type, issuer, audience (the host's entryUUID) and time.  Not yet whether it was used. */
LG_CHECKED lg_err lg_ticket_check(struct lg_ctx *cx, const struct lg_tenant_view *t, lg_str text, lg_uuid host, struct lg_ticket *ret);

#endif
