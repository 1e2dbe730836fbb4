/* conform.h: do values, entities and requests fit a schema? */
#ifndef LG_POLICY_CONFORM_H
#define LG_POLICY_CONFORM_H

#include "policy/schema.h"

LG_CHECKED lg_err lg_entity_validate(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_entity_row *row);

#endif
