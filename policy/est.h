/* est.h: policies in JSON. */
#ifndef LG_POLICY_EST_H
#define LG_POLICY_EST_H

#include "base/json.h"
#include "policy/ast.h"

struct lg_est_reader {
	struct lg_ctx *cx;
	struct lg_json *js;
	unsigned depth, nodes;
};

#define LG_EST_DEPTH (2 * LG_POLICY_DEPTH + 16)	/* of the JSON: two levels an expression */

/* One policy as Cedar text, and whether it has slots. */
LG_CHECKED lg_err lg_est_text(struct lg_ctx *cx, struct lg_json *js, lg_str *ret, bool *is_template);
bool lg_est_uid(struct lg_json *js, struct lg_euid *ret);				/* false with a fault */
struct lg_expr *lg_est_expr(struct lg_est_reader *rd);		/* NULL with a fault */
void *lg_est_bad(struct lg_est_reader *rd, const char *why);	/* a fault of the JSON; gives NULL */

#endif
