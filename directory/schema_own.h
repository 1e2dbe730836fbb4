/*
 * schema_own.h: attribute types and object classes that tenants add, beside the constant ones.
 *
 * A definition is a row of lg_table_schema; the process has one registry of them, filled when a directory opens and after every commit
 * that touches one.  Names and OIDs are unique over the service, so that a name means one thing everywhere; a tenant may use what it
 * has itself defined, and two tenants that define the same in the same words share it.  Rows of the registry are never freed: others
 * may be reading them.
 */
#ifndef LG_DIRECTORY_SCHEMA_OWN_H
#define LG_DIRECTORY_SCHEMA_OWN_H

#include "directory/edit.h"

#define LG_DEFINITION_MAX	4096		/* octets of one definition */
#define LG_DEFINITION_NAMES	8
#define LG_DEFINITION_NAME	64		/* octets of a name */
#define LG_DEFINITION_OID	128
#define LG_OWN_DEFINITIONS	10000		/* rows of all tenants */

enum lg_definition { LG_DEFINES_ATTRIBUTE = 1, LG_DEFINES_CLASS = 2 };

/* A definition of RFC 4512 4.1.1 or 4.1.2, taken apart and checked against the schema as it is; its strings live in the arena. */
LG_CHECKED lg_err lg_attr_parse(struct lg_ctx *cx, lg_str text, struct lg_attr *ret);
LG_CHECKED lg_err lg_class_parse(struct lg_ctx *cx, lg_str text, struct lg_class *ret);

/* The registry (schema.c).  ids are those of the rows. */
void lg_schema_register_attr(const struct lg_attr *at, lg_str text);
void lg_schema_register_class(const struct lg_class *c, unsigned number, lg_str text);
void lg_schema_unregister(enum lg_definition what, unsigned id);
/* The text of a definition that is not constant; empty for the others. */
lg_str lg_attr_text(const struct lg_attr *at);
lg_str lg_class_text(const struct lg_class *c);
unsigned lg_class_number(const struct lg_class *c);
const struct lg_class *lg_class_of(unsigned number);		/* NULL if there is none */

/* What stands in the store beside the schema, read now and again with every commit that changes it.  The reader stays. */
struct lg_schema_rows_reader {
	lg_err (*load)(struct lg_ctx *cx, struct lg_view *v);
};
LG_CHECKED lg_err lg_schema_rows_follow(struct lg_ctx *cx, struct lg_store *st, struct lg_schema_rows_reader *reader);
/* Makes the registry what the store says, and keeps it so.  Also for tools that open the store without a directory: index rows follow
 * from it. */
LG_CHECKED lg_err lg_schema_follow(struct lg_ctx *cx, struct lg_store *st);
/* May the tenant use it?  Constant definitions always. */
bool lg_attr_usable(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_attr *at);
bool lg_class_usable(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_class *c);

/* Inside a mutation.  Refuses what is ill-formed (21), taken (20), too much (11). */
LG_CHECKED lg_err lg_schema_add(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, lg_str text);
/* text: the definition, or its OID alone.  Refuses what is not there (16), constant or in use (53). */
LG_CHECKED lg_err lg_schema_del(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, lg_str text);

#endif
