/*
 * whereabouts.h: which address is which workload, as each host says of its own containers; what the gates of the other hosts go by.
 *
 * A host is believed for containers with a live admission on it, at addresses in the ranges that its entry has (lgAddressRange), and for
 * nothing else: who owns one host cannot take another's addresses or workloads.  Both are looked at when it says so, and the ranges
 * and what the container was admitted for again whenever others are told.
 */
#ifndef LG_SERVER_WHEREABOUTS_H
#define LG_SERVER_WHEREABOUTS_H

#include "base/json.h"
#include "server/access.h"

#define LG_WHEREABOUTS_MAX	8192	/* addresses of one host */
#define LG_WHEREABOUTS_RANGES	64	/* of one host; more are not looked at */
#define LG_WHEREABOUTS_TOLD	100000	/* addresses in one bundle; what is beyond is nobody's there */

struct lg_whereabout {
	lg_str address;			/* 4 or 16 octets */
	lg_str container;
	lg_str workload;		/* as it was called when the host said so */
};

extern const struct lg_table lg_whereabouts_table;

/* Inside a mutation.  Takes the place of all that the host said before: LG_E_DENIED for an address or a container that is not its;
 * the workloads are filled in from the admissions. */
LG_CHECKED lg_err lg_whereabouts_set(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *host, struct lg_whereabout *all, size_t n);
/* Inside a mutation: the container has ended. */
LG_CHECKED lg_err lg_whereabouts_forget(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_str container);
/* What a host said last, in the order it said it; at most LG_WHEREABOUTS_MAX.  In cx's arena. */
LG_CHECKED lg_err lg_whereabouts_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, struct lg_whereabout **ret, size_t *n);

/* "delegated":["10.77.1.0/24"],"addresses":[{"address":"10.77.2.2","workload":"db"}]: of this host, and of all others of its tenant. */
LG_CHECKED lg_err lg_whereabouts_write(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *host, struct lg_jsonw *w);

extern const struct lg_route lg_api_whereabouts_routes[];	/* self = struct lg_app * */
extern const size_t lg_api_whereabouts_nroutes;

#endif
