/* Form bodies of the token endpoint: what is accepted has no name twice but resource, and is within its bounds. */
#include <stdlib.h>

#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	struct sts_rq rq = { .cx = &cx };
	if (sts_form_read(&rq, (lg_str){ (const char *)data, size }) == LG_OK) {
		if (rq.nresources > LG_AUDIENCES || rq.form.n > LG_HTTP_FORM_MAX)
			abort();
		for (size_t i = 0; i < rq.form.n; i++)
			for (size_t k = 0; k < i; k++)
				if (lg_str_eq(rq.form.v[i].name, rq.form.v[k].name))
					abort();
	}
	lg_arena_free(&cx.arena);
	return 0;
}
