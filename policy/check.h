/*
 * check.h: the type checker: one policy in one request environment (cedar-spec, Cedar/Validation/Typechecker.lean).
 * It goes on behind an error where the type that was meant is clear, so that one run lists all of them.
 */
#ifndef LG_POLICY_CHECK_H
#define LG_POLICY_CHECK_H

#include "policy/ast.h"
#include "policy/schema.h"

/* What is known to be there: attribute `name`, or tag `tag`, of the entity or record that `on` denotes. */
struct lg_cap {
	const struct lg_expr *on, *tag;
	const struct lg_name *name;
	const struct lg_cap *next;
};

struct lg_typed {
	const struct lg_type *type;		/* NULL: not known, after an error */
	const struct lg_cap *caps;		/* hold if it is true */
	bool ok;
};

struct lg_checker {
	struct lg_ctx *cx;			/* its arena is emptied after each policy */
	struct lg_ctx *report;			/* what is said about faults lives here */
	const struct lg_schema *schema;
	bool strict;
	const struct lg_policy *policy;
	/* the environment */
	const struct lg_type *principal, *action, *resource;
	const struct lg_schema_action *act;
	struct lg_policy_faults *faults;
	uint32_t steps;				/* left for this policy */
};

#define LG_CHECK_STEPS 4000000		/* nodes, over all environments of one policy */

/* Calls `each` with ck in every environment of the schema: action, type of principal, type of resource. */
void lg_check_environments(struct lg_checker *ck, void (*each)(struct lg_checker *ck, void *self), void *self);
/* One part of the scope as the type checker sees it: false, true or either. */
struct lg_typed lg_check_scope(struct lg_checker *ck, enum lg_var var);
/* Warnings about names and strings that look like others (confusable.c). */
void lg_check_confusable(struct lg_checker *ck);
void lg_check_warn(struct lg_checker *ck, uint32_t at, const char *fmt, ...) LG_PRINTF(3, 4);

struct lg_typed lg_check(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known);
/* The same, and its type must be one of up to two. */
struct lg_typed lg_check_as(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known,
    const struct lg_type *want, const struct lg_type *or);
struct lg_typed lg_check_bool(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known);
/* Steps of `&&`: what holds so far, and one more operand (checked only if it can be reached). */
struct lg_typed lg_check_and(struct lg_typed left, struct lg_typed right, struct lg_arena *a);
struct lg_typed lg_check_binary(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known);
/* `e in uids` from types and literals alone. */
const struct lg_type *lg_check_within(const struct lg_checker *ck, const struct lg_type *e,
    const struct lg_euid *action, const struct lg_type *above, const struct lg_euid *const *uids, uint32_t n);
void lg_check_fault(struct lg_checker *ck, uint32_t at, const char *fmt, ...) LG_PRINTF(3, 4);

/* ---- capabilities --------------------------------------------------------------------------- */

const struct lg_cap *lg_cap_union(struct lg_arena *a, const struct lg_cap *x, const struct lg_cap *y);
const struct lg_cap *lg_cap_both(struct lg_arena *a, const struct lg_cap *x, const struct lg_cap *y);
bool lg_cap_has(
    const struct lg_cap *l, const struct lg_expr *on, const struct lg_name *name, const struct lg_expr *tag);
const struct lg_cap *lg_cap_new(struct lg_arena *a, const struct lg_expr *on, const struct lg_name *name,
    const struct lg_expr *tag);
bool lg_expr_same(const struct lg_expr *x, const struct lg_expr *y);	/* in form, places aside */

static inline struct lg_typed
lg_typed_of(const struct lg_type *t, bool ok)
{
	return (struct lg_typed){ t, NULL, ok };
}

#endif
