/*
 * ast.h: policies as they are parsed, validated, printed and evaluated: one tree for all four.
 * The compiler only annotates it: `constant` on what needs no evaluation, names with hash and number.
 */
#ifndef LG_POLICY_AST_H
#define LG_POLICY_AST_H

#include "policy/lex.h"
#include "policy/value.h"

enum lg_op {
	X_LIT, X_VAR, X_SLOT,
	X_NOT, X_NEG, X_IS_EMPTY,				/* a */
	X_EQ, X_NE, X_LT, X_LE, X_GT, X_GE, X_IN, X_ADD, X_SUB, X_MUL,	/* a, b */
	X_CONTAINS, X_CONTAINS_ALL, X_CONTAINS_ANY, X_HAS_TAG, X_GET_TAG,	/* a, b */
	X_HAS, X_GET,						/* a, name */
	X_LIKE,							/* a, pattern */
	X_IS,							/* a, type, in (or NULL) */
	X_IF,							/* a, b, c */
	X_AND, X_OR, X_SET,					/* list */
	X_RECORD,						/* list, names */
	X_CALL							/* list, function */
};

enum lg_var { VAR_PRINCIPAL, VAR_ACTION, VAR_RESOURCE, VAR_CONTEXT };

struct lg_expr {
	enum lg_op op;
	uint32_t at, end;			/* in its source */
	uint16_t depth;
	bool has_chain;				/* X_AND made of `has a.b.c`: printed as such */
	uint32_t n;				/* of list */
	const struct lg_value *constant;	/* its value if it is known */
	union {
		enum lg_var var;		/* X_VAR, X_SLOT */
		struct lg_value literal;	/* X_LIT: `constant` points here until it is resolved */
		struct {
			struct lg_expr *a;
			union {
				struct {
					struct lg_expr *b, *c;
				};
				const struct lg_name *name;
				lg_str pattern;		/* LG_PATTERN_STAR for wildcards */
				struct {
					lg_str type;
					struct lg_expr *in;
				};
			};
		};
		struct {
			struct lg_expr **list;
			const struct lg_name **names;
			const struct lg_ext *ext;
		};
	};
};

/* ---- extension functions -------------------------------------------------------------------- */

#define LG_EXT_ARGS 2

struct lg_ext {
	lg_str name;
	bool method;				/* called as a.f(b), else f(a) */
	bool constructor;			/* takes a literal string under validation */
	uint8_t nargs;				/* the receiver included */
	enum lg_kind args[LG_EXT_ARGS];
	enum lg_kind result;
	/* The arguments have the right kinds.  NULL, or the reason of failure. */
	const char *(*run)(struct lg_ctx *cx, const struct lg_value *args, struct lg_value *ret);
};

const struct lg_ext *lg_ext_find(lg_str name);		/* NULL if there is none */

/* ---- scopes and policies -------------------------------------------------------------------- */

enum lg_scope_kind { SCOPE_ANY, SCOPE_EQ, SCOPE_IN, SCOPE_IS, SCOPE_IS_IN };

struct lg_scope {
	enum lg_scope_kind kind;
	bool slot;				/* of EQ, IN, IS_IN: the entity is the template's slot */
	bool listed;				/* `action in [...]`: printed with brackets */
	lg_str type;				/* of IS, IS_IN */
	uint32_t n;
	struct lg_euid *uids;			/* one, or several for an action */
	uint32_t *at;				/* their places */
	uint32_t type_at;
};

struct lg_clause {
	bool when;				/* else unless */
	uint32_t at;
	struct lg_expr *body;
};

struct lg_policy {
	struct lg_policy_info info;
	const struct lg_source *source;
	uint32_t at, end;
	struct lg_scope principal, action, resource;
	struct lg_clause *clauses;
	uint32_t nclauses;
	const struct lg_policy *of;		/* the template of a link */
	const struct lg_arena *home;		/* of the set that it was compiled for; later ones may share it */
};

struct lg_source {
	lg_str name, text;
};

/* ---- parsing -------------------------------------------------------------------------------- */

struct lg_parser {
	struct lg_lex lx;
	struct lg_arena *arena;			/* where the tree goes */
	struct lg_map *names;			/* lg_str -> struct lg_name *, shared by a set */
	uint32_t *nnames;
	unsigned depth;
	bool slots;				/* inside a scope */
};

/* NULL after a fault of syntax; other faults are recorded and parsing goes on. */
struct lg_expr *lg_parse_expr(struct lg_parser *ps);
/* One policy with its annotations; NULL after a fault that left it without shape.  Skips behind its end. */
struct lg_policy *lg_parse_policy(struct lg_parser *ps);
bool lg_parse_string(struct lg_parser *ps, bool pattern, lg_str *ret);	/* current token must be T_STRING */
const struct lg_name *lg_parse_name(struct lg_parser *ps, lg_str text);
/* `A::B::"id"` in scopes and elsewhere. */
bool lg_parse_uid(struct lg_parser *ps, struct lg_euid *ret);

/* `lg_expr_new(ps, X_NOT, at)` gives a node whose end is the last token read. */
struct lg_expr *lg_expr_new(struct lg_arena *a, enum lg_op op, uint32_t at, uint32_t end);

/* Calls `each` on every node, children first; false ends the walk. */
bool lg_expr_walk(struct lg_expr *x, bool (*each)(void *self, struct lg_expr *x), void *self);

#endif
