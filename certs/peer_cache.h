/* peer_cache.h: peers this thread has verified already, by the SHA-256 of their leaf.  Refusals are not kept. */
#ifndef LG_CERTS_PEER_CACHE_H
#define LG_CERTS_PEER_CACHE_H

#include "lightgate/certs.h"

#define LG_PEER_SETS	256		/* sets of LG_PEER_WAYS; 256 KiB a thread */
#define LG_PEER_WAYS	4

struct lg_peer_kept {
	uint64_t trust;			/* number of the snapshot; 0: free */
	uint64_t trust_revision;	/* of the tenant, in the store */
	uint64_t entry_revision;	/* when the entry was last looked at */
	int64_t begins, expires;	/* of the leaf and the path above it */
	uint32_t used;			/* rises; the smallest of a set gives way */
	uint32_t tenant;
	lg_uuid id;
	lg_sha256 sha256;
	lg_serial serial;
	char type[16], name[LG_CERT_NAME + 1], project[LG_CERT_NAME + 1];	/* with NUL */
};

/* NULL if it is not there.  Valid until the next put on this thread. */
struct lg_peer_kept *lg_peer_cache_find(const lg_sha256 *leaf);
void lg_peer_cache_put(const struct lg_peer_kept *row);

#endif
