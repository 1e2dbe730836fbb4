/* print.h: policies as Cedar text and as JSON. */
#ifndef LG_POLICY_PRINT_H
#define LG_POLICY_PRINT_H

#include "base/json.h"
#include "policy/ast.h"

void lg_value_print(struct lg_buf *out, const struct lg_value *v);	/* whole, as an expression that gives it again */
void lg_policy_print(struct lg_buf *out, const struct lg_policy *p);
bool lg_is_name(lg_str s);			/* may stand as an attribute name without quotes */
bool lg_is_path(lg_str s);			/* `A::B` of names */

/* Operators with two sides: the same table for both syntaxes. */
struct lg_op_name {
	enum lg_op op;
	lg_str json;				/* in JSON */
	const char *infix;			/* in text, or NULL: a method of the JSON name */
	uint8_t level, left, right;		/* of itself, and what its sides must have at least */
};
const struct lg_op_name *lg_op_name_of(enum lg_op op);	/* NULL for others */
const struct lg_op_name *lg_op_name_find(lg_str json);

#endif
