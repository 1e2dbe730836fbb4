/* est.h: policies in JSON. */
#ifndef LG_POLICY_EST_H
#define LG_POLICY_EST_H

#include "base/json.h"
#include "lightgate/policy.h"

#define LG_EST_DEPTH (2 * LG_POLICY_DEPTH + 16)	/* of the JSON: two levels an expression */

/* One policy as Cedar text, and whether it has slots. */
LG_CHECKED lg_err lg_est_text(struct lg_ctx *cx, struct lg_json *js, lg_str *ret, bool *is_template);
bool lg_est_uid(struct lg_json *js, struct lg_euid *ret);				/* false with a fault */

#endif
