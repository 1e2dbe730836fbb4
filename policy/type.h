/* type.h: the types of the validator (cedar-spec, Cedar/Validation/Types.lean). */
#ifndef LG_POLICY_TYPE_H
#define LG_POLICY_TYPE_H

#include "policy/value.h"

enum lg_type_kind { TY_NEVER, TY_BOOL, TY_LONG, TY_STRING, TY_ENTITY, TY_ANY_ENTITY, TY_SET, TY_RECORD, TY_EXT };

enum lg_bool_type { BOOL_ANY, BOOL_TRUE, BOOL_FALSE };

struct lg_type_attr {
	struct lg_name name;
	const struct lg_type *type;
	bool optional;
};

struct lg_type {
	enum lg_type_kind kind;
	enum lg_bool_type truth;		/* TY_BOOL */
	enum lg_kind ext;			/* TY_EXT */
	uint32_t n;
	const lg_str *entities;			/* TY_ENTITY: one type, more only in permissive mode; sorted */
	const struct lg_type *element;		/* TY_SET; NULL means any */
	const struct lg_type_attr *attrs;	/* TY_RECORD, sorted by name */
	bool open;				/* TY_RECORD that may have further attributes */
};

struct lg_schema;

extern const struct lg_type lg_type_never, lg_type_bool, lg_type_true, lg_type_false, lg_type_long, lg_type_string,
    lg_type_any_entity, lg_type_any_set, lg_type_any_record, lg_type_entity_set;

bool lg_type_is_bool(const struct lg_type *t, enum lg_bool_type truth);
/* Strict: entities and records only with themselves.  Permissive: width and depth subtyping, unions of entity types. */
bool lg_type_sub(const struct lg_type *low, const struct lg_type *high, bool strict);
/* The least type above both; NULL if there is none. */
const struct lg_type *lg_type_lub(struct lg_arena *a, const struct lg_type *x, const struct lg_type *y, bool strict);
bool lg_type_disjoint(const struct lg_type *x, const struct lg_type *y);	/* entity types without one in common */
const struct lg_type *lg_type_entity(struct lg_arena *a, lg_str type);
const struct lg_type *lg_type_set(struct lg_arena *a, const struct lg_type *element);
lg_str lg_type_text(struct lg_arena *a, const struct lg_type *t);

/* The attribute of a record type, or of (all of) an entity type; type NULL if there is none. */
struct lg_type_attr lg_type_attr_of(
    struct lg_arena *a, const struct lg_schema *s, const struct lg_type *t, lg_str name);
bool lg_type_may_have(const struct lg_schema *s, const struct lg_type *t, lg_str name);

#endif
