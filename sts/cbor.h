/*
 * cbor.h: whether CBOR (RFC 8949) holds what its heads claim.  libcbor and libfido2 make room for as many items as a head says there are:
 * ten octets would have them take all memory.
 */
#ifndef LG_STS_CBOR_H
#define LG_STS_CBOR_H

#include "lightgate/base.h"

/* Takes one item, with all that is in it, off *rest; false, and *rest untouched: it is cut off, or of indefinite length, which CTAP2 has not. */
bool sts_cbor_item(lg_str *rest);

#endif
