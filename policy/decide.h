/* decide.h: the steps of a decision that explain.c shares with authorize.c. */
#ifndef LG_POLICY_DECIDE_H
#define LG_POLICY_DECIDE_H

#include "policy/eval.h"
#include "policy/set.h"

enum lg_outcome { OUTCOME_NO, OUTCOME_YES, OUTCOME_ERROR };

enum lg_found lg_scope_match(struct lg_eval *ev, const struct lg_scope *sc, enum lg_var var);
enum lg_outcome lg_policy_run(struct lg_eval *ev, const struct lg_policy *p);	/* its clauses, in order */

#endif
