/* json_read.c: the pull reader: what is open, which names it had, and values by their type. */
#include <assert.h>

#include "base/json_scan.h"
#include "base/map.h"

enum { FEW = 16, TABLE_FIRST = 64 };

/* One open object or array.  Left levels stay linked below for the next one at their depth. */
struct lg_json_level {
	struct lg_json_level *up, *down;
	char close;			/* '}' or ']' */
	uint32_t n;			/* members or items so far */
	lg_str *name;			/* the n names of an object; at first in few */
	uint32_t name_room;
	uint32_t *table;		/* from more than FEW names on: name index + 1, 0 = free */
	uint32_t table_size, table_room;
	lg_str few[FEW];
};

void
lg_json_init(struct lg_json *js, struct lg_arena *arena, lg_str text)
{
	*js = (struct lg_json){ .arena = arena, .text = text };
}

void
lg_json_fault(struct lg_json *js, const char *why)
{
	lg_json_fault_at(js, js->at, why);
}

#define NAME_TOLD	64		/* octets of a name; a longer one is not repeated */

void
lg_json_unknown(struct lg_json *js, lg_str name)
{
	if (name.n == 0 || name.n > NAME_TOLD)
		lg_json_fault(js, "unknown member");
	else
		lg_json_fault(js, lg_print(js->arena, "unknown member \"%.*s\"", LG_FMT(name)).p);
}

/* ---- names seen in one object ----------------------------------------------------------------- */

/* The table's place of the name: where it is, or the free one where it belongs. */
static uint32_t *
place(const struct lg_json_level *l, lg_str name)
{
	uint32_t mask = l->table_size - 1;

	for (uint32_t i = (uint32_t)lg_hash(name);; i++) {
		uint32_t *at = &l->table[i & mask];
		if (*at == 0 || lg_str_eq(l->name[*at - 1], name))
			return at;
	}
}

static void
rebuild_table(struct lg_json *js, struct lg_json_level *l, uint32_t size)
{
	if (size > l->table_room) {
		l->table = LG_NEWS(js->arena, uint32_t, size);
		l->table_room = size;
	}
	memset(l->table, 0, size * sizeof *l->table);
	l->table_size = size;
	for (uint32_t i = 0; i < l->n; i++)
		*place(l, l->name[i]) = i + 1;
}

static void
grow_names(struct lg_json *js, struct lg_json_level *l)
{
	lg_str *more = LG_NEWS(js->arena, lg_str, (size_t)l->name_room * 2);

	memcpy(more, l->name, l->n * sizeof *more);
	l->name = more;
	l->name_room *= 2;
}

/* A handful is compared one by one; a large object gets a hash set, so that its cost stays linear. */
static bool
name_is_new(struct lg_json *js, struct lg_json_level *l, lg_str name)
{
	if (l->n < FEW) {
		for (uint32_t i = 0; i < l->n; i++)
			if (lg_str_eq(l->name[i], name))
				return false;
	} else {
		if (l->n == FEW)
			rebuild_table(js, l, TABLE_FIRST);
		else if (l->n * 2 > l->table_size)
			rebuild_table(js, l, l->table_size * 2);
		uint32_t *at = place(l, name);
		if (*at != 0)
			return false;
		*at = l->n + 1;
	}
	if (l->n == l->name_room)
		grow_names(js, l);
	l->name[l->n] = name;
	return true;
}

/* ---- objects and arrays ----------------------------------------------------------------------- */

static bool
expect(struct lg_json *js, char c, const char *why)
{
	if (js->fault != NULL)
		return false;
	if (lg_json_byte(js) == c)
		return true;
	lg_json_fault(js, why);
	return false;
}

static struct lg_json_level *
level_new(struct lg_json *js)
{
	struct lg_json_level *l = LG_NEW(js->arena, struct lg_json_level);

	l->up = js->level;
	l->name = l->few;
	l->name_room = FEW;
	if (js->level != NULL)
		js->level->down = l;
	return l;
}

static void
enter(struct lg_json *js, char close)
{
	if (js->depth == (js->max_depth == 0 ? LG_JSON_DEPTH : js->max_depth)) {
		lg_json_fault(js, "nested too deeply");
		return;
	}
	struct lg_json_level *l = js->level == NULL ? NULL : js->level->down;
	if (l == NULL)
		l = level_new(js);
	l->close = close;
	l->n = 0;
	js->level = l;
	js->depth++;
	js->at++;
}

void
lg_json_object(struct lg_json *js)
{
	if (expect(js, '{', "object expected"))
		enter(js, '}');
}

void
lg_json_array(struct lg_json *js)
{
	if (expect(js, '[', "array expected"))
		enter(js, ']');
}

/* Stands before the next element, or leaves the level. */
static bool
next(struct lg_json *js, char close)
{
	struct lg_json_level *l = js->level;

	if (js->fault != NULL)
		return false;
	assert(l != NULL && l->close == close);
	int c = lg_json_byte(js);
	if (c == close) {
		js->at++;
		js->level = l->up;
		js->depth--;
		return false;
	}
	if (l->n == LG_JSON_MEMBERS) {
		lg_json_fault(js, "too many members");
		return false;
	}
	if (l->n == 0)
		return true;
	if (c != ',') {
		lg_json_fault(js, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
		return false;
	}
	js->at++;
	return true;
}

bool
lg_json_member(struct lg_json *js, lg_str *name)
{
	if (!next(js, '}') || !expect(js, '"', "member name expected"))
		return false;
	size_t at = js->at;
	*name = lg_json_scan_string(js);
	if (js->fault != NULL)
		return false;
	if (!name_is_new(js, js->level, *name)) {
		lg_json_fault_at(js, at, "member appears twice");
		return false;
	}
	js->level->n++;
	if (!expect(js, ':', "':' expected"))
		return false;
	js->at++;
	return true;
}

bool
lg_json_item(struct lg_json *js)
{
	if (!next(js, ']'))
		return false;
	if (lg_json_peek(js) == LG_JSON_BAD) {
		lg_json_fault(js, "value expected");
		return false;
	}
	js->level->n++;
	return true;
}

/* ---- values ----------------------------------------------------------------------------------- */

enum lg_json_type
lg_json_peek(struct lg_json *js)
{
	if (js->fault != NULL)
		return LG_JSON_BAD;
	switch (lg_json_byte(js)) {
	case '{':
		return LG_JSON_OBJECT;
	case '[':
		return LG_JSON_ARRAY;
	case '"':
		return LG_JSON_STRING;
	case 't':
	case 'f':
		return LG_JSON_BOOL;
	case 'n':
		return LG_JSON_NULL;
	case '-':
	case '0' ... '9':
		return LG_JSON_NUMBER;
	default:
		return LG_JSON_BAD;
	}
}

static bool
expect_type(struct lg_json *js, enum lg_json_type type, const char *why)
{
	if (lg_json_peek(js) == type)
		return true;
	lg_json_fault(js, why);
	return false;
}

lg_str
lg_json_str(struct lg_json *js)
{
	return expect(js, '"', "string expected") ? lg_json_scan_string(js) : LG_NONE;
}

int64_t
lg_json_int(struct lg_json *js)
{
	if (!expect_type(js, LG_JSON_NUMBER, "integer expected"))
		return 0;
	size_t at = js->at;
	struct lg_json_number v = lg_json_scan_number(js);
	if (!v.integer)
		lg_json_fault_at(js, at, "integer expected");
	return v.i;
}

double
lg_json_double(struct lg_json *js)
{
	return expect_type(js, LG_JSON_NUMBER, "number expected") ? lg_json_scan_number(js).d : 0;
}

bool
lg_json_bool(struct lg_json *js)
{
	if (!expect_type(js, LG_JSON_BOOL, "true or false expected"))
		return false;
	bool yes = js->text.p[js->at] == 't';
	return lg_json_scan_word(js, yes ? LG_STR("true") : LG_STR("false")) && yes;
}

void
lg_json_null(struct lg_json *js)
{
	if (expect_type(js, LG_JSON_NULL, "null expected"))
		lg_json_scan_word(js, LG_STR("null"));
}

/* Recursion is bounded by the depth. */
void
lg_json_skip(struct lg_json *js)
{
	lg_str name;

	switch (lg_json_peek(js)) {
	case LG_JSON_OBJECT:
		lg_json_object(js);
		while (lg_json_member(js, &name))
			lg_json_skip(js);
		break;
	case LG_JSON_ARRAY:
		lg_json_array(js);
		while (lg_json_item(js))
			lg_json_skip(js);
		break;
	case LG_JSON_STRING:
		lg_json_scan_string(js);
		break;
	case LG_JSON_NUMBER:
		lg_json_scan_number(js);
		break;
	case LG_JSON_BOOL:
		lg_json_bool(js);
		break;
	case LG_JSON_NULL:
		lg_json_null(js);
		break;
	case LG_JSON_BAD:
		lg_json_fault(js, "value expected");
		break;
	}
}

lg_str
lg_json_raw(struct lg_json *js)
{
	if (js->fault == NULL)
		lg_json_byte(js);
	size_t from = js->at;
	lg_json_skip(js);
	return js->fault == NULL ? lg_str_sub(js->text, from, js->at - from) : LG_NONE;
}

static lg_err
report(struct lg_ctx *cx, const struct lg_json *js)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < js->fault_at; i++) {
		if (js->text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)js->text.p[i] & 0xc0) != 0x80) {
			column++;		/* characters, not bytes */
		}
	}
	return lg_fail(cx, LG_E_INVALID, "line %zu column %zu: %s", line, column, js->fault);
}

lg_err
lg_json_end(struct lg_ctx *cx, struct lg_json *js)
{
	if (js->fault == NULL && js->level != NULL)
		lg_json_fault(js, "not read to its end");
	if (js->fault == NULL && lg_json_byte(js) >= 0)
		lg_json_fault(js, "something follows the value");
	return js->fault == NULL ? LG_OK : report(cx, js);
}
