/* fuzz_base_json.c: what the reader accepts, the writer's escapes and a second reading leave as it is. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
copy_value(struct lg_json *js, struct lg_jsonw *w)
{
	lg_str name;

	switch (lg_json_peek(js)) {
	case LG_JSON_OBJECT:
		lg_json_object(js);
		lg_jsonw_object(w);
		while (lg_json_member(js, &name)) {
			lg_jsonw_name(w, name);
			copy_value(js, w);
		}
		lg_jsonw_object_end(w);
		break;
	case LG_JSON_ARRAY:
		lg_json_array(js);
		lg_jsonw_array(w);
		while (lg_json_item(js))
			copy_value(js, w);
		lg_jsonw_array_end(w);
		break;
	case LG_JSON_STRING:
		lg_jsonw_str(w, lg_json_str(js));
		break;
	default:
		lg_jsonw_raw(w, lg_json_raw(js));
	}
}

static lg_err
copy(struct lg_ctx *cx, lg_str text, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);
	struct lg_json js;

	lg_json_init(&js, cx->arena, text);
	copy_value(&js, &w);
	return lg_json_end(cx, &js);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_buf once = LG_BUF(1 << 24), twice = LG_BUF(1 << 24);
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (copy(&cx, (lg_str){ (const char *)data, size }, &once) == LG_OK) {
		if (!lg_utf8_valid(lg_buf_view(&once)) || copy(&cx, lg_buf_view(&once), &twice) != LG_OK ||
		    !lg_str_eq(lg_buf_view(&once), lg_buf_view(&twice)))
			abort();
	}
	lg_buf_free(&once);
	lg_buf_free(&twice);
	lg_arena_free(&cx.arena);
	return 0;
}
