/*
 * index.h: which policies can match a request, found from its action, entities and their ancestors.
 *
 * Each policy stands under one key: the rarest of the entities and types its scope names, or under no key if it names
 * none.  Under a key entries are sorted by action.  A request looks up its principal, resource, their ancestors and types.
 */
#ifndef LG_POLICY_INDEX_H
#define LG_POLICY_INDEX_H

#include "policy/ast.h"

enum lg_index_side { SIDE_PRINCIPAL, SIDE_RESOURCE, SIDE_NONE };

#define LG_ACTION_ANY UINT32_MAX

struct lg_policy_actions {			/* of one policy: numbers, sorted */
	uint32_t n;
	uint32_t *v;
};

struct lg_index_entry {
	uint32_t action;			/* number of the action the entry is for, or LG_ACTION_ANY */
	uint32_t policy;
	const struct lg_policy_actions *among;	/* of a policy that stands here under several; else NULL */
};

struct lg_bucket {
	struct lg_euid key;			/* of a type: id.p is NULL */
	uint32_t count;				/* policies that could stand here, while building */
	uint32_t n, size;
	struct lg_index_entry *v;
};

struct lg_table {
	struct lg_bucket *v;			/* open addressing, power of two */
	uint32_t size, n, entities;		/* keys in all, and those that are entities */
	bool climbs;				/* some stand behind `in`: ancestors are needed to find them */
};

struct lg_index {
	struct lg_table side[2];		/* by principal, by resource */
	struct lg_bucket rest;
	struct lg_table actions;		/* action -> its number in `count` */
	uint32_t nactions;
};

/* Of the n policies v[number[0]].. ; number NULL: of v[0].. */
void lg_index_build(struct lg_index *ix, struct lg_arena *a, struct lg_policy *const *v, const uint32_t *number, uint32_t n);
const struct lg_bucket *lg_table_find(const struct lg_table *t, const struct lg_euid *key);
struct lg_euid lg_index_type_key(lg_str type);

#endif
