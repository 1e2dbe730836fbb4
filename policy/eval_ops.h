/* eval_ops.h: what the files of the evaluator share.  All are false with ev->error when they fail. */
#ifndef LG_POLICY_EVAL_OPS_H
#define LG_POLICY_EVAL_OPS_H

#include "policy/eval.h"

bool lg_eval_fail(struct lg_eval *ev, const struct lg_expr *x, const char *fmt, ...) LG_PRINTF(3, 4);	/* always false */
bool lg_eval_wrong_kind(struct lg_eval *ev, const struct lg_expr *x, const char *wanted, const struct lg_value *got);
/* Sets cost what they hold, so that a few nodes cannot hide much work. */
bool lg_eval_spend(struct lg_eval *ev, const struct lg_expr *x, uint32_t steps);

bool lg_eval_same(const struct lg_value *a, const struct lg_value *b);		/* two entities */
bool lg_eval_in(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret);
bool lg_eval_get(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret);
bool lg_eval_has(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret);
bool lg_eval_tag(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret);

#endif
