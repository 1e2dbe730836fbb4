/* ocsp_cache.h: answers this thread has given, for whoever asks the same: by the request's SHA-256, while trust is what it was. */
#ifndef LG_CERTS_OCSP_CACHE_H
#define LG_CERTS_OCSP_CACHE_H

#include "lightgate/certs.h"

#define LG_OCSP_SETS		128	/* sets of LG_OCSP_WAYS; at most 720 KiB a thread */
#define LG_OCSP_WAYS		4
#define LG_OCSP_KEPT_MAX	1300	/* octets of an answer, a responder's certificate included; longer ones are not kept */

struct lg_ocsp_key {
	lg_sha256 request;
	uint32_t tenant;
	uint64_t trust;			/* number of the snapshot */
	uint64_t revision;		/* of trust in the store: every revocation changes it */
};

/* Empty if it is not there.  Valid until the next put on this thread. */
lg_str lg_ocsp_cache_get(const struct lg_ocsp_key *key, int64_t now);
void lg_ocsp_cache_put(const struct lg_ocsp_key *key, int64_t until, lg_str der);

#endif
