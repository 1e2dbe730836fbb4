/* value_json.h: values as Cedar writes them in JSON: entities, contexts. */
#ifndef LG_POLICY_VALUE_JSON_H
#define LG_POLICY_VALUE_JSON_H

#include "base/json.h"
#include "policy/schema.h"

struct lg_value_reader {
	struct lg_ctx *cx;
	struct lg_json *js;
	unsigned depth;
};

/* One value; `type` (or NULL) is what the schema expects there: escapes may then be left out.
 * On failure the reader has a fault (lg_json_end reports it) or cx->error says why. */
LG_CHECKED lg_err lg_value_read(struct lg_value_reader *rd, const struct lg_type *type, struct lg_value *ret);
/* {"type": .., "id": ..}, or the same inside {"__entity": ..}. */
LG_CHECKED lg_err lg_euid_read(struct lg_value_reader *rd, struct lg_euid *ret);
/* A fault of the JSON if there is one, as an error. */
LG_CHECKED lg_err lg_reader_status(struct lg_value_reader *rd);

#endif
