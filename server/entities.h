/*
 * entities.h: directory entries as the policy engine sees them, read lazily from one view, and the entities of a question
 * that have no entry.  Lives for one decision, or several about one resource, in the request's arena.
 */
#ifndef LG_SERVER_ENTITIES_H
#define LG_SERVER_ENTITIES_H

#include "base/decide.h"
#include "lightgate/directory.h"
#include "lightgate/policy.h"

#define LG_NODES 64		/* entities touched by one decision; beyond it: unknown, so deny */
#define LG_NODES_SEARCH	200000	/* by one search */

struct lg_map;
struct lg_node;

struct lg_entity_source {
	struct lg_ctx *cx;
	struct lg_view *view;
	uint32_t tenant;
	struct lg_node *node[LG_NODES];
	size_t n;
	struct lg_map *many;	/* of a search: by id, instead of the list; NULL otherwise */
	bool failed;		/* something could not be read */
	bool specific;		/* what tells one directory entry from another (dn, owner) was looked at */
	bool any_entry;		/* set by who asks for all entries of a class: dn and owner are unknown */
};

void lg_entity_source_init(struct lg_entity_source *es, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant);
/* For a search over many candidates.  What was read is kept until the arena goes. */
void lg_entity_source_init_many(struct lg_entity_source *es, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant);
/* Makes an entry known that was read already; its uid. */
LG_CHECKED lg_err lg_entity_source_know(struct lg_entity_source *es, const struct lg_entry *e, struct lg_euid *ret);
struct lg_entities lg_entity_source_port(struct lg_entity_source *es);
/* The uid of an entity of a question: Type::"entryUUID", or Type::"name" without an entry. */
struct lg_euid lg_entity_uid(struct lg_arena *a, const struct lg_entity_id *e);
/* Makes an entity known that has no entry: its facts are its attributes, parent (or the tenant) what it is in. */
LG_CHECKED lg_err lg_entity_source_add(struct lg_entity_source *es, const struct lg_euid *uid, const struct lg_fact *facts, size_t n,
    const struct lg_entity_id *parent);
/* One fact as a value of Cedar. */
LG_CHECKED lg_err lg_fact_value(struct lg_ctx *cx, const struct lg_fact *f, struct lg_value *ret);

#endif
