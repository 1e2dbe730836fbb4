/*
 * schema_decl.h: a schema as it is written, names unresolved.  Both syntaxes (Cedar, JSON) end here; schema_resolve.c
 * turns it into a struct lg_schema.
 */
#ifndef LG_POLICY_SCHEMA_DECL_H
#define LG_POLICY_SCHEMA_DECL_H

#include "policy/lex.h"
#include "policy/schema.h"

enum lg_decl_kind {
	DECL_NAME,		/* common type, entity type or builtin: found out when resolved */
	DECL_ENTITY,		/* JSON says it is an entity type */
	DECL_COMMON,		/* must be a common type: a context by name */
	DECL_SET, DECL_RECORD
};

struct lg_decl_type {
	enum lg_decl_kind kind;
	uint32_t at;
	lg_str name;
	const struct lg_decl_type *element;
	const struct lg_decl_attr *attrs;
	uint32_t n;
};

struct lg_decl_notes {			/* annotations: for people and tools */
	struct lg_policy_annotation *v;
	uint32_t n, size;
};

struct lg_decl_attr {
	lg_str name;
	bool optional;
	struct lg_decl_notes notes;
	const struct lg_decl_type *type;
};

struct lg_decl_name {		/* of a type, or of an action: path may be empty, then id stands alone */
	lg_str path, id;
	uint32_t at;
};

struct lg_decl_names {
	struct lg_decl_name *v;
	uint32_t n, size;
};

struct lg_decl_common {
	lg_str ns, name;
	const struct lg_decl_type *type;
	uint32_t at;
	struct lg_decl_notes notes;
	bool busy;				/* being resolved: meeting it again is a cycle */
	const struct lg_type *resolved;
};

struct lg_decl_entity {
	lg_str ns, name;
	uint32_t at;
	struct lg_decl_notes notes;
	struct lg_decl_names parents;
	const struct lg_decl_type *shape, *tags;	/* NULL = none */
	bool is_enum;
	const lg_str *ids;
	uint32_t nids;
};

struct lg_decl_action {
	lg_str ns, id;
	uint32_t at;
	struct lg_decl_notes notes;
	struct lg_decl_names parents, principals, resources;
	const struct lg_decl_type *context;	/* NULL = {} */
};

struct lg_decl_ns {
	lg_str name;
	struct lg_decl_notes notes;
};

struct lg_decls {
	struct lg_arena *arena;
	struct lg_lex lx;			/* for faults; its source is the text */
	struct lg_decl_common **common;
	struct lg_decl_entity **entity;
	struct lg_decl_action **action;
	struct lg_decl_ns **ns;			/* the empty one among them only if JSON annotates it */
	uint32_t ncommon, nentity, naction, nns;
	uint32_t common_size, entity_size, action_size, ns_size;
	struct lg_map common_by_name, entity_by_name, action_by_name, ns_by_name;	/* full names */
};

lg_str lg_decl_full(struct lg_arena *a, lg_str ns, lg_str name);	/* ns::name, or name */
void lg_decl_add_common(struct lg_decls *d, struct lg_decl_common *c);	/* a second of the same name is a fault */
void lg_decl_add_entity(struct lg_decls *d, struct lg_decl_entity *e);
void lg_decl_add_action(struct lg_decls *d, struct lg_decl_action *a);
void lg_decl_add_ns(struct lg_decls *d, lg_str name, struct lg_decl_notes notes, uint32_t at);
void lg_decl_add_note(struct lg_decls *d, struct lg_decl_notes *l, struct lg_policy_annotation note, uint32_t at);
void lg_decl_add_name(struct lg_decls *d, struct lg_decl_names *l, struct lg_decl_name name);

void lg_decls_init(struct lg_decls *d, struct lg_ctx *cx, struct lg_arena *a, lg_str name, lg_str text,
    struct lg_policy_faults *faults);
/* Fill d from its text, Cedar or JSON; what is wrong becomes a fault. */
void lg_schema_read(struct lg_decls *d);
void lg_schema_read_json(struct lg_decls *d);
void lg_schema_write_json(const struct lg_decls *d, struct lg_buf *out);
void lg_schema_print(const struct lg_decls *d, struct lg_buf *out);
LG_CHECKED lg_err lg_schema_resolve(struct lg_decls *d, struct lg_schema *s);

#endif
