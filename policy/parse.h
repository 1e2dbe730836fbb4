/* parse.h: what the files of the expression parser share.  Functions give NULL after a fault of syntax. */
#ifndef LG_POLICY_PARSE_H
#define LG_POLICY_PARSE_H

#include "policy/ast.h"

struct lg_parse_list {
	struct lg_expr **v;
	uint32_t n, size;
};

void lg_parse_add(struct lg_parser *ps, struct lg_parse_list *l, struct lg_expr *x);
struct lg_expr *lg_parse_node(struct lg_parser *ps, enum lg_op op, uint32_t at);	/* ends where the parser stands */
struct lg_expr *lg_parse_literal(struct lg_parser *ps, uint32_t at, struct lg_value v);
/* What stands in for an expression that was faulty: parsing goes on, the set is refused anyway. */
struct lg_expr *lg_parse_stand_in(struct lg_parser *ps, uint32_t at);
/* Counts x deeper than its child (or NULL); NULL beyond the limit. */
struct lg_expr *lg_parse_deeper(struct lg_parser *ps, struct lg_expr *x, const struct lg_expr *child);
struct lg_expr *lg_parse_binary(struct lg_parser *ps, enum lg_op op, struct lg_expr *a, struct lg_expr *b);
struct lg_expr *lg_parse_unary(struct lg_parser *ps, enum lg_op op, uint32_t at, struct lg_expr *a);
struct lg_expr *lg_parse_listed(struct lg_parser *ps, enum lg_op op, uint32_t at, const struct lg_parse_list *l);
/* The number at hand; behind a minus it may be 2^63. */
struct lg_expr *lg_parse_number(struct lg_parser *ps, bool negative);
struct lg_expr *lg_parse_get(struct lg_parser *ps, struct lg_expr *a, lg_str name);	/* a.name */
/* A primary with its accesses and method calls. */
struct lg_expr *lg_parse_member(struct lg_parser *ps);
/* An attribute's name in a record or behind `has`: identifier that is not reserved, or string. */
bool lg_parse_attribute(struct lg_parser *ps, const struct lg_name **ret);

#endif
