/* fuzz_base_yaml.c: what the loader accepts is JSON that our own reader accepts. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_buf b = LG_BUF(1 << 24);
	struct lg_yaml *y;
	struct lg_json js;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (size < 4096 && lg_yaml_parse(&cx, (lg_str){ (const char *)data, size }, &y) == LG_OK) {
		lg_yaml_to_json(y, &b);
		lg_json_init(&js, cx.arena, lg_buf_view(&b));
		lg_json_skip(&js);
		if (lg_json_end(&cx, &js) != LG_OK)
			abort();
	}
	lg_buf_free(&b);
	lg_arena_free(&cx.arena);
	return 0;
}
