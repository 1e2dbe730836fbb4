/* ipnet.h: IP addresses and ranges as octets, the way certificates carry them (RFC 5280 4.2.1.6, 4.2.1.10). */
#ifndef LG_BASE_IPNET_H
#define LG_BASE_IPNET_H

#include "lightgate/base.h"

/* "10.0.0.7", "fd00::7": 4 or 16 octets. */
bool lg_ip_octets_parse(struct lg_arena *a, lg_str text, lg_str *ret);
lg_str lg_ip_octets_text(struct lg_arena *a, lg_str octets);		/* empty if it is no address */
/* "10.0.0.0/8": address and mask, 8 or 32 octets.  No bit of the address may stand outside the mask. */
bool lg_ipnet_parse(struct lg_arena *a, lg_str text, lg_str *ret);
lg_str lg_ipnet_text(struct lg_arena *a, lg_str net);
bool lg_ipnet_has(lg_str net, lg_str ip);			/* false when they are of different families */

#endif
