/*
 * yaml.h: YAML 1.1 as people write configuration (libyaml): mappings, sequences, scalars.
 * Refused: anchors, aliases, tags, merge keys, duplicate keys, more than one document, depth over 32.
 * An empty text is an empty map.  The tree lives in the arena it was parsed into and keeps the line of every node.
 */
#ifndef LG_BASE_YAML_H
#define LG_BASE_YAML_H

#include "lightgate/base.h"

#define LG_YAML_DEPTH	32
#define LG_YAML_SIZE	(16u << 20)
#define LG_YAML_NODES	(1u << 20)		/* keys and values: a tree takes up to 100 times its text */

enum lg_yaml_type { LG_YAML_SCALAR, LG_YAML_LIST, LG_YAML_MAP };

struct lg_yaml {
	enum lg_yaml_type type;
	unsigned line;			/* from 1 */
	bool plain;			/* a scalar without quotes: may mean a number, true, null */
	lg_str text;			/* scalar */
	lg_str key;			/* when the parent is a map */
	struct lg_yaml *first;		/* children in order */
	struct lg_yaml *next;
};

LG_CHECKED lg_err lg_yaml_parse(struct lg_ctx *cx, lg_str text, struct lg_yaml **ret);
const struct lg_yaml *lg_yaml_get(const struct lg_yaml *map, lg_str key);	/* NULL if absent */
/* The same document as JSON: plain true, false, null, ~, nothing and integers become such, all else strings. */
void lg_yaml_to_json(const struct lg_yaml *y, struct lg_buf *out);

#endif
