/* fuzz_base_der.c: there is one encoding: what is read as a value is written back as the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "base/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the element at hand again from its value; false if it has none. */
static bool
write_again(const struct lg_der_item *item, struct lg_buf *b)
{
	struct lg_der d = lg_der_of(item->whole);
	bool v;

	switch (item->tag) {
	case LG_DER_BOOLEAN:
		v = lg_der_boolean(&d);
		lg_derw_boolean(b, v);
		return !d.bad;
	case LG_DER_INTEGER:
		if ((item->body.n > 0 && (item->body.p[0] & 0x80) != 0) || item->body.n < 8)
			lg_derw_int(b, lg_der_int(&d));
		else
			lg_derw_unsigned(b, lg_der_unsigned(&d));
		return !d.bad;
	case LG_DER_OID:
		lg_derw_oid(b, lg_der_oid(&d));
		return !d.bad;
	case LG_DER_BIT_STRING:
		if (item->body.n < 6) {
			lg_derw_named_bits(b, LG_DER_BIT_STRING, lg_der_named_bits(&d));
			return !d.bad;
		}
		lg_derw_bits(b, lg_der_bits(&d));
		return !d.bad;
	default:
		lg_derw_element(b, item->tag, item->body);
		return true;
	}
}

static void
walk(struct lg_der *d, unsigned depth)
{
	struct lg_der_item item;

	while (lg_der_next(d, &item)) {
		struct lg_buf b = LG_BUF(1 << 24);
		int64_t us;
		if (write_again(&item, &b) && !lg_str_eq(lg_buf_view(&b), item.whole))
			abort();
		lg_buf_clear(&b);
		if (lg_der_time_of(item.tag, item.body, &us))
			lg_derw_time(&b, us);
		lg_buf_free(&b);
		struct lg_der inner = lg_der_of(item.body);
		if ((item.tag & 0x20) != 0 && depth < LG_DER_DEPTH)
			walk(&inner, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lg_str s = { (const char *)data, size };
	struct lg_der d = lg_der_of(s);

	walk(&d, 0);
	if (lg_der_valid(s) && d.bad)
		abort();
	return 0;
}
