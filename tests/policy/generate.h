/* generate.h: seeded policies and requests over one small world, mostly well typed, sometimes not. */
#ifndef LG_POLICY_GENERATE_H
#define LG_POLICY_GENERATE_H

#include "policy_test.h"

struct generator {
	uint64_t state;
	struct lg_buf *out;
};

enum gen_kind { G_BOOL, G_LONG, G_STRING, G_USER, G_DOC, G_GROUP, G_GROUPS, G_LONGS, G_IP, G_TIME, G_RECORD, G_KINDS };

extern const char gen_schema[], gen_world[];

uint32_t gen_below(struct generator *g, uint32_t n);	/* 0 .. n-1 */
void gen_expr(struct generator *g, enum gen_kind k, unsigned depth);
void gen_policy(struct generator *g);
/* A request over the world, entities that are absent among them; context by the schema. */
void gen_request(struct generator *g, struct fixture *f, const struct lg_schema *schema, struct lg_request *ret);

/* The generated schema and world, ready to be asked about. */
struct scene {
	struct fixture f;
	struct lg_schema *schema;
	struct lg_entity_store *st;
	struct lg_entities port;
};
struct scene scene_new(void);
void scene_free(struct scene *s);

#endif
