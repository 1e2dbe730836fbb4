/* conform.h: do values, entities and requests fit a schema? */
#ifndef LG_POLICY_CONFORM_H
#define LG_POLICY_CONFORM_H

#include "policy/schema.h"

/* Is v of type t?  LG_E_INVALID says where not. */
LG_CHECKED lg_err lg_value_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_type *t,
    const struct lg_value *v);
LG_CHECKED lg_err lg_entity_validate(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_entity_row *row);

#endif
