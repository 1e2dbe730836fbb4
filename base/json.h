/*
 * json.h: a strict pull reader and a writer for JSON (RFC 8259, I-JSON).
 * Refused: duplicate members of one object, bad UTF-8, lone surrogates, U+0000 in strings, numbers
 * that do not fit, anything after the value, depth over LG_JSON_DEPTH.  No tree: the caller walks.
 *
 *	struct lg_json js; lg_str name;
 *	lg_json_init(&js, cx->arena, text);
 *	lg_json_object(&js);
 *	while (lg_json_member(&js, &name)) {
 *		if (lg_str_eq(name, LG_STR("id")))
 *			id = lg_json_str(&js);
 *		else
 *			lg_json_skip(&js);
 *	}
 *	LG_TRY(lg_json_end(cx, &js));		// the first fault, with its position, or LG_OK
 *
 * After a fault every call gives an empty value, and loops end.
 */
#ifndef LG_BASE_JSON_H
#define LG_BASE_JSON_H

#include "lightgate/base.h"

#define LG_JSON_DEPTH	64
#define LG_JSON_MEMBERS	65536		/* of one object or array */
#define LG_JSON_NUMBER_MAX 64		/* characters of one number */

enum lg_json_type {
	LG_JSON_NULL, LG_JSON_BOOL, LG_JSON_NUMBER, LG_JSON_STRING, LG_JSON_ARRAY, LG_JSON_OBJECT, LG_JSON_BAD
};

struct lg_json {
	struct lg_arena *arena;		/* for strings with escapes and for member names */
	lg_str text;
	size_t at;
	const char *fault;		/* NULL while all is well */
	size_t fault_at;
	bool nul;			/* set after init: U+0000 may stand in strings, as Cedar's may */
	unsigned max_depth;		/* set after init: instead of LG_JSON_DEPTH */
	unsigned depth;
	struct lg_json_level *level;	/* opaque: what is open, and the names seen in it */
};

void lg_json_init(struct lg_json *js, struct lg_arena *arena, lg_str text);
enum lg_json_type lg_json_peek(struct lg_json *js);
void lg_json_object(struct lg_json *js);		/* enters; faults if it is none */
bool lg_json_member(struct lg_json *js, lg_str *name);	/* false at '}' (left) or on a fault */
void lg_json_array(struct lg_json *js);
bool lg_json_item(struct lg_json *js);			/* false at ']' (left) or on a fault */
lg_str lg_json_str(struct lg_json *js);			/* unescaped; in the text or the arena */
int64_t lg_json_int(struct lg_json *js);		/* an integer literal within i64 */
double lg_json_double(struct lg_json *js);
bool lg_json_bool(struct lg_json *js);
void lg_json_null(struct lg_json *js);
void lg_json_skip(struct lg_json *js);			/* one value, checked like any other */
lg_str lg_json_raw(struct lg_json *js);			/* one value, checked, as its text */
void lg_json_fault(struct lg_json *js, const char *why);	/* the caller's own; why is static, or of the arena */
void lg_json_unknown(struct lg_json *js, lg_str name);	/* a fault: this member means nothing here */
LG_CHECKED lg_err lg_json_end(struct lg_ctx *cx, struct lg_json *js);	/* whole text used? LG_E_INVALID with "line L column C: ..." */

/* ---- writer: commas and escapes are its business; the shape is the caller's ------------------ */

struct lg_jsonw {
	struct lg_buf *out;
	bool comma;
};

struct lg_jsonw lg_jsonw_of(struct lg_buf *out);
void lg_jsonw_object(struct lg_jsonw *w);
void lg_jsonw_object_end(struct lg_jsonw *w);
void lg_jsonw_array(struct lg_jsonw *w);
void lg_jsonw_array_end(struct lg_jsonw *w);
void lg_jsonw_name(struct lg_jsonw *w, lg_str name);
void lg_jsonw_str(struct lg_jsonw *w, lg_str s);	/* s must be UTF-8; bad bytes become U+FFFD */
void lg_jsonw_int(struct lg_jsonw *w, int64_t v);
void lg_jsonw_bool(struct lg_jsonw *w, bool v);
void lg_jsonw_null(struct lg_jsonw *w);
void lg_jsonw_raw(struct lg_jsonw *w, lg_str json);	/* already JSON */
void lg_jsonw_time(struct lg_jsonw *w, int64_t us);	/* RFC 3339 string */
/* name and value in one call */
void lg_jsonw_str_of(struct lg_jsonw *w, const char *name, lg_str s);
void lg_jsonw_int_of(struct lg_jsonw *w, const char *name, int64_t v);
void lg_jsonw_bool_of(struct lg_jsonw *w, const char *name, bool v);
void lg_jsonw_uuid_of(struct lg_jsonw *w, const char *name, lg_uuid u);
void lg_jsonw_time_of(struct lg_jsonw *w, const char *name, int64_t us);

#endif
