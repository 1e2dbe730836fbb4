/* Bodies of AuthZEN: never a crash; what passes the check is within the limits. */
#include <stdlib.h>

#include "base/json.h"
#include "server/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_evaluation ev = { .port = 0 };
	struct lg_json js;
	struct lg_ctx cx;
	lg_str name;

	lg_ctx_init(&cx, a);
	lg_json_init(&js, a, (lg_str){ (const char *)data, size });
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (!lg_evaluation_member(&cx, &js, name, &ev))
			lg_json_skip(&js);
	if (ev.nignored > LG_IGNORED || ev.nlabels > LG_LABELS)
		abort();
	if (lg_json_end(&cx, &js) != LG_OK || lg_evaluation_check(&cx, &ev) != LG_OK)
		return 0;
	if (ev.action.n == 0 || ev.action.n > LG_ASKED_TYPE || ev.resource_id.n > LG_ASKED_NAME || ev.port < 0 || ev.port > 65535)
		abort();
	return 0;
}
