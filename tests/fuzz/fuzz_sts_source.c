/* Identity sources as documents: what is accepted is within its bounds, and reads the same after it was written. */
#include <stdlib.h>

#include "sts/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lg_str
written(struct lg_ctx *cx, const struct sts_source *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4 * LG_SOURCE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	sts_source_write(&w, s);
	if (b.full)
		abort();
	return lg_dup(cx->arena, lg_buf_view(&b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sts_source s, again;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (sts_source_parse(&cx, (lg_str){ (const char *)data, size }, &s) == LG_OK) {
		lg_str text = written(&cx, &s);

		if (s.nrules > STS_RULES || s.ngroups > STS_SOURCE_GROUPS || (s.kind == STS_SOURCE_LDAP && s.urls.n == 0))
			abort();
		for (size_t i = 0; i < s.nrules; i++)
			if (s.rule[i].nmatches == 0 || s.rule[i].nrdns == 0)
				abort();
		if (text.n <= LG_SOURCE_MAX && (sts_source_parse(&cx, text, &again) != LG_OK || !lg_str_eq(text, written(&cx, &again))))
			abort();
	}
	lg_arena_free(&cx.arena);
	return 0;
}
