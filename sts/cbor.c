/* cbor.c: heads are counted, nothing is kept. */
#include "sts/cbor.h"

enum { BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6 };	/* major types, RFC 8949 3.1 */

/* RFC 8949 3: a major type, and an argument in the head or in 1, 2, 4 or 8 octets behind it. */
static bool
take_head(lg_str *rest, unsigned *major, uint64_t *argument)
{
	if (rest->n == 0)
		return false;
	unsigned info = (unsigned char)rest->p[0] & 31;
	size_t more = info < 24 ? 0 : (size_t)1 << (info - 24);

	if (info > 27 || rest->n - 1 < more)
		return false;
	*major = (unsigned char)rest->p[0] >> 5;
	*argument = more == 0 ? info : 0;
	for (size_t i = 1; i <= more; i++)
		*argument = *argument << 8 | (unsigned char)rest->p[i];
	*rest = lg_str_sub(*rest, 1 + more, rest->n);
	return true;
}

bool
sts_cbor_item(lg_str *rest)
{
	lg_str left = *rest;
	uint64_t argument;
	unsigned major;

	/* An item is an octet at least: more of them than there are octets cannot come, and nothing here overflows. */
	for (uint64_t due = 1; due > 0; due--) {
		if (due > left.n || !take_head(&left, &major, &argument))
			return false;
		if (major >= BYTES && major <= MAP && argument > left.n)
			return false;
		if (major == BYTES || major == TEXT)
			left = lg_str_sub(left, (size_t)argument, left.n);
		else if (major == ARRAY || major == MAP)
			due += major == MAP ? 2 * argument : argument;
		else if (major == TAG)
			due++;
	}
	*rest = left;
	return true;
}
