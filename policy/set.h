/* set.h: a compiled policy set as the folder sees it. */
#ifndef LG_POLICY_SET_H
#define LG_POLICY_SET_H

#include <stdatomic.h>

#include "base/map.h"
#include "policy/ast.h"
#include "policy/index.h"

struct lg_policies {
	atomic_uint refs;
	struct lg_arena *arena;
	struct lg_schema *schema;		/* a reference, or NULL */
	struct lg_policy **v;
	uint32_t n;
	struct lg_map by_id;			/* id -> (void *)(number + 1) */
	struct lg_name *names;
	uint32_t nnames;
	struct lg_index index;
};

#endif
