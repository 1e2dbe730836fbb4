/* fuzz_directory_filter.c: a filter's text or bytes: read within its limits, evaluated against an entry without surprises. */
#include <stdint.h>
#include <stdlib.h>

#include "directory/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
may(void *self, const struct lg_attr *at)
{
	(void)self;
	return at->id % 7 != 0;
}

static bool
present(void *self, const struct lg_attr *at)
{
	(void)self;
	return at->id % 2 == 0;
}

static bool
any(void *self, const struct lg_attr *at, enum lg_form form, bool (*each)(void *, lg_str), void *arg)
{
	lg_str normal;

	(void)at;
	return lg_normal(self, form, LG_STR("cn=a b,dc=c"), &normal) && each(arg, normal);
}

static bool
linked(void *self, const struct lg_attr *at, lg_str dn, bool chain)
{
	(void)self, (void)at;
	return dn.n % 2 == 0 || chain;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_filter_port port = { a, may, present, any, linked, any };
	struct lg_filter *f;
	struct lg_ctx cx;
	lg_str input;
	lg_err e;

	if (size == 0 || size > 65536)
		return 0;
	lg_ctx_init(&cx, a);
	input = lg_dup(a, (lg_str){ (const char *)data, size });
	if (input.p[0] == '(') {
		e = lg_filter_parse(&cx, input, &f);
	} else {
		struct lg_ber b = lg_ber_of(input);
		e = lg_filter_read(&cx, &b, &f);
	}
	if (e == LG_OK && lg_filter_match(f, &port) > LG_UNDEFINED)
		abort();
	return 0;
}
