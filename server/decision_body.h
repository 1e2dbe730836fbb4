/*
 * decision_body.h: one decision as a line of the decision log, and that line as a question again.
 *
 * A line holds what was asked in full: who, what, on what, in which context, and what was claimed of a resource without an
 * entry.  What the directory said of entries is not copied: `entities` names the store's revision at which it was read.
 * The clock is the record's time, or made_at of a decision that a host made and told later.  Arguments of a container's process may be secrets and are left out.
 */
#ifndef LG_SERVER_DECISION_BODY_H
#define LG_SERVER_DECISION_BODY_H

#include "base/decide.h"

#define LG_DECISION_QUESTION	(16u << 10)	/* octets of context and claims; a longer question is left out */

/* Always a whole JSON object of one line, in cx's arena; asker and address are cx->actor's. */
lg_str lg_decision_body(struct lg_ctx *cx, const struct lg_question *q, const struct lg_verdict *v, lg_str id, lg_str proof);

/* A decision that was made. */
struct lg_past {
	lg_str id;
	lg_str proof;			/* of the subject */
	struct lg_question question;	/* its tenant is the caller's to fill in */
	struct lg_actor asker;		/* with the address it had */
	struct lg_verdict verdict;	/* as far as it was recorded */
	bool whole;			/* the question stands in the record: it can be asked again */
	bool masked;			/* but some values were left out */
};
/* LG_E_INVALID: the line does not decode.  Slices of cx's arena and of the body. */
LG_CHECKED lg_err lg_decision_parse(struct lg_ctx *cx, lg_str body, struct lg_past *ret);

#endif
