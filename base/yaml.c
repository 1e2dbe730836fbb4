/* yaml.c: libyaml's events into a small tree.  This file alone knows libyaml. */
#include "base/yaml.h"

#include <yaml.h>

#include "base/json.h"
#include "base/map.h"
#include "base/text.h"

enum { FEW = 16 };

struct loader {
	struct lg_ctx *cx;
	yaml_parser_t parser;
	yaml_event_t event;
	size_t nodes;
};

static void
loader_end(struct loader *l)
{
	yaml_event_delete(&l->event);
	yaml_parser_delete(&l->parser);
}

static unsigned
line_of(const struct loader *l)
{
	return (unsigned)l->event.start_mark.line + 1;
}

static lg_err
refuse(struct loader *l, const char *why)
{
	return lg_fail(l->cx, LG_E_INVALID, "line %u: %s", line_of(l), why);
}

static lg_err
next_event(struct loader *l)
{
	yaml_event_delete(&l->event);
	if (yaml_parser_parse(&l->parser, &l->event))
		return LG_OK;
	const char *problem = l->parser.problem == NULL ? "malformed" : l->parser.problem;
	return lg_fail(l->cx, LG_E_INVALID, "line %zu: %s", l->parser.problem_mark.line + 1, problem);
}

/* The anchor and the tag that the event at hand may bring. */
static void
properties(const yaml_event_t *e, const yaml_char_t **anchor, const yaml_char_t **tag)
{
	*anchor = *tag = NULL;
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		*anchor = e->data.scalar.anchor;
		*tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		*anchor = e->data.sequence_start.anchor;
		*tag = e->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		*anchor = e->data.mapping_start.anchor;
		*tag = e->data.mapping_start.tag;
		break;
	case YAML_ALIAS_EVENT:
		*anchor = e->data.alias.anchor;
		break;
	default:
		break;
	}
}

/* Aliases make small texts large, and tags make one text mean several things. */
static lg_err
check_event(struct loader *l)
{
	const yaml_char_t *anchor, *tag;

	properties(&l->event, &anchor, &tag);
	if (anchor != NULL)
		return refuse(l, "anchors and aliases are not supported");
	if (tag != NULL)
		return refuse(l, "tags are not supported");
	if (++l->nodes > LG_YAML_NODES)
		return refuse(l, "too many values");
	return LG_OK;
}

static lg_err
scalar_text(struct loader *l, lg_str *ret)
{
	lg_str s = { (const char *)l->event.data.scalar.value, l->event.data.scalar.length };

	if (memchr(s.p, '\0', s.n) != NULL)
		return refuse(l, "a NUL character is not allowed");
	*ret = lg_dup(l->cx->arena, s);
	return LG_OK;
}

static lg_err read_node(struct loader *l, unsigned depth, struct lg_yaml **ret);

static lg_err
read_list(struct loader *l, unsigned depth, struct lg_yaml *list)
{
	struct lg_yaml **link = &list->first;

	for (;;) {
		LG_TRY(next_event(l));
		if (l->event.type == YAML_SEQUENCE_END_EVENT)
			return LG_OK;
		LG_TRY(read_node(l, depth + 1, link));
		link = &(*link)->next;
	}
}

/* Small maps compare one by one; a large one (n keys so far) gets a hash table, so that its cost stays linear. */
static bool
key_is_new(struct lg_yaml *map, size_t n, struct lg_map *seen, lg_str key)
{
	if (n < FEW)
		return lg_yaml_get(map, key) == NULL;
	for (struct lg_yaml *y = n == FEW ? map->first : NULL; y != NULL; y = y->next)
		*lg_map_at(seen, y->key) = y;
	void **at = lg_map_at(seen, key);
	if (*at != NULL)
		return false;
	*at = map;
	return true;
}

static lg_err
read_key(struct loader *l, lg_str *ret)
{
	if (l->event.type != YAML_SCALAR_EVENT)
		return refuse(l, "a key must be a scalar");
	LG_TRY(check_event(l));
	LG_TRY(scalar_text(l, ret));
	if (l->event.data.scalar.plain_implicit && lg_str_eq(*ret, LG_STR("<<")))
		return refuse(l, "merge keys are not supported");
	return LG_OK;
}

static lg_err
read_map(struct loader *l, unsigned depth, struct lg_yaml *map)
{
	struct lg_yaml **link = &map->first;
	struct lg_map seen;
	lg_str key;

	lg_map_init(&seen, l->cx->arena);
	for (size_t n = 0;; n++) {
		LG_TRY(next_event(l));
		if (l->event.type == YAML_MAPPING_END_EVENT)
			return LG_OK;
		LG_TRY(read_key(l, &key));
		if (!key_is_new(map, n, &seen, key))
			return lg_fail(l->cx, LG_E_INVALID, "line %u: \"%.*s\" appears twice", line_of(l),
			    (int)lg_str_sub(key, 0, 100).n, key.p);
		LG_TRY(next_event(l));
		LG_TRY(read_node(l, depth + 1, link));
		(*link)->key = key;
		link = &(*link)->next;
	}
}

/* The node that begins with the event at hand. */
static lg_err
read_node(struct loader *l, unsigned depth, struct lg_yaml **ret)
{
	struct lg_yaml *node = LG_NEW(l->cx->arena, struct lg_yaml);

	if (depth > LG_YAML_DEPTH)
		return refuse(l, "nested too deeply");
	LG_TRY(check_event(l));
	node->line = line_of(l);
	switch (l->event.type) {
	case YAML_SCALAR_EVENT:
		node->type = LG_YAML_SCALAR;
		node->plain = l->event.data.scalar.plain_implicit;
		LG_TRY(scalar_text(l, &node->text));
		break;
	case YAML_SEQUENCE_START_EVENT:
		node->type = LG_YAML_LIST;
		LG_TRY(read_list(l, depth, node));
		break;
	case YAML_MAPPING_START_EVENT:
		node->type = LG_YAML_MAP;
		LG_TRY(read_map(l, depth, node));
		break;
	default:
		return refuse(l, "a value was expected");
	}
	*ret = node;
	return LG_OK;
}

static lg_err
read_stream(struct loader *l, struct lg_yaml **ret)
{
	struct lg_yaml *root = LG_NEW(l->cx->arena, struct lg_yaml);

	*root = (struct lg_yaml){ .type = LG_YAML_MAP, .line = 1 };
	LG_TRY(next_event(l));			/* stream start */
	LG_TRY(next_event(l));
	if (l->event.type == YAML_DOCUMENT_START_EVENT) {
		LG_TRY(next_event(l));
		LG_TRY(read_node(l, 1, &root));
		LG_TRY(next_event(l));		/* document end */
		LG_TRY(next_event(l));
	}
	if (l->event.type != YAML_STREAM_END_EVENT)
		return refuse(l, "one document only");
	*ret = root;
	return LG_OK;
}

lg_err
lg_yaml_parse(struct lg_ctx *cx, lg_str text, struct lg_yaml **ret)
{
	LG_AUTO(loader_end) struct loader l = { .cx = cx };

	if (!yaml_parser_initialize(&l.parser))
		return lg_fail(cx, LG_E_INTERNAL, "no memory for the YAML parser");
	if (text.n > LG_YAML_SIZE)
		return lg_fail(cx, LG_E_LIMIT, "larger than %u bytes", LG_YAML_SIZE);
	/* libyaml would take UTF-16 too */
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)text.p, text.n);
	return read_stream(&l, ret);
}

const struct lg_yaml *
lg_yaml_get(const struct lg_yaml *map, lg_str key)
{
	if (map == NULL || map->type != LG_YAML_MAP)
		return NULL;
	for (const struct lg_yaml *y = map->first; y != NULL; y = y->next)
		if (lg_str_eq(y->key, key))
			return y;
	return NULL;
}

/* ---- as JSON ---------------------------------------------------------------------------------- */

static void
write_scalar(const struct lg_yaml *y, struct lg_jsonw *w)
{
	static const lg_str words[] = {
		{ "true", 4 }, { "false", 5 }, { "null", 4 },
	};
	int64_t v;

	if (y->plain && lg_int_parse(y->text, &v)) {
		lg_jsonw_int(w, v);
		return;
	}
	if (y->plain && (y->text.n == 0 || lg_str_eq(y->text, LG_STR("~")))) {
		lg_jsonw_null(w);
		return;
	}
	for (size_t i = 0; y->plain && i < LG_COUNT(words); i++) {
		if (lg_str_eq(y->text, words[i])) {
			lg_jsonw_raw(w, words[i]);
			return;
		}
	}
	lg_jsonw_str(w, y->text);
}

static void
write_node(const struct lg_yaml *y, struct lg_jsonw *w)
{
	switch (y->type) {
	case LG_YAML_SCALAR:
		write_scalar(y, w);
		break;
	case LG_YAML_LIST:
		lg_jsonw_array(w);
		for (const struct lg_yaml *c = y->first; c != NULL; c = c->next)
			write_node(c, w);
		lg_jsonw_array_end(w);
		break;
	case LG_YAML_MAP:
		lg_jsonw_object(w);
		for (const struct lg_yaml *c = y->first; c != NULL; c = c->next) {
			lg_jsonw_name(w, c->key);
			write_node(c, w);
		}
		lg_jsonw_object_end(w);
		break;
	}
}

void
lg_yaml_to_json(const struct lg_yaml *y, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);

	write_node(y, &w);
}
