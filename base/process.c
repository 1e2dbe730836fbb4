/* process.c: see process.h. */
#include "base/process.h"

#include "base/file.h"
#include "base/text.h"

int64_t
lg_process_started(struct lg_ctx *cx, int64_t pid)
{
	lg_str text, rest;
	int64_t n = -1;

	if (lg_file_read(cx, lg_print(cx->arena, "/proc/%lld/stat", (long long)pid).p, 4096, &text) != LG_OK)
		return -1;
	const char *end = memrchr(text.p, ')', text.n);		/* the name in parentheses may hold anything */
	rest = end == NULL ? LG_NONE : lg_str_sub(text, (size_t)(end - text.p) + 2, text.n);
	for (int field = 3; field < 22; field++)
		(void)lg_str_cut(rest, ' ', &text, &rest);
	(void)lg_str_cut(rest, ' ', &text, &rest);
	return lg_int_parse(text, &n) ? n : -1;
}
