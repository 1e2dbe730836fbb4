/* schema.h: a schema, resolved: entity types, actions, and the types of everything in them. */
#ifndef LG_POLICY_SCHEMA_H
#define LG_POLICY_SCHEMA_H

#include <stdatomic.h>

#include "base/map.h"
#include "policy/type.h"
#include "policy/value.h"

struct lg_schema_entity {
	lg_str type;
	const struct lg_type *shape;		/* a record type */
	const struct lg_type *tags;		/* NULL = no tags */
	bool is_enum;
	const lg_str *ids;			/* of an enum */
	uint32_t nids;
	const struct lg_schema_entity **parents;	/* types it may be in, all levels, itself only if declared so */
	uint32_t nparents;
	uint32_t number;			/* place in the schema's list */
};

struct lg_schema_action {
	struct lg_euid uid;
	const lg_str *principals, *resources;	/* appliesTo */
	uint32_t nprincipals, nresources;
	const struct lg_type *context;		/* a record type */
	const struct lg_euid **ancestors;	/* groups it is in, all levels */
	uint32_t nancestors;
	uint32_t number;
};

struct lg_schema {
	atomic_uint refs;
	struct lg_arena *arena;
	struct lg_map entities;			/* type -> struct lg_schema_entity */
	struct lg_map actions;			/* uid text -> struct lg_schema_action */
	struct lg_schema_entity **entity;	/* in order of declaration */
	uint32_t nentities;
	struct lg_schema_action **action;
	uint32_t nactions;
	struct lg_schema_action **action_slot;	/* hash table over the actions by uid */
	uint32_t action_slots;
};

const struct lg_schema_entity *lg_schema_entity_find(const struct lg_schema *s, lg_str type);
const struct lg_schema_action *lg_schema_action_find(const struct lg_schema *s, const struct lg_euid *uid);
bool lg_schema_action_within(const struct lg_schema_action *a, const struct lg_euid *above);	/* not itself */
/* Can an entity of type `low` be (properly) in one of type `high`? */
bool lg_schema_type_within(const struct lg_schema_entity *low, lg_str high);

#endif
