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
	const struct lg_type *element;		/* TY_SET; NULL for the empty set's */
	const struct lg_type_attr *attrs;	/* TY_RECORD, sorted by name */
	bool open;				/* TY_RECORD that may have further attributes */
};

#endif
