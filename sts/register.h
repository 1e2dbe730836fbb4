/* register.h: what the two files of dynamic client registration share. */
#ifndef LG_STS_REGISTER_H
#define LG_STS_REGISTER_H

#include "sts/sts.h"

struct sts_registration {
	struct lg_sts_client client;
	lg_str given_id, given_secret;	/* of an update */
	lg_str sector;			/* sector_identifier_uri, to be looked at */
	bool statement;			/* a software statement was brought */
};
/* The client `id` as the metadata say; refused with the errors of RFC 7591 3.2.2. */
LG_CHECKED lg_err sts_registration_read(struct sts_rq *rq, lg_str json, lg_str id, struct sts_registration *ret);
void sts_registration_write(struct lg_jsonw *w, struct lg_arena *a, const struct lg_sts_client *c);	/* members */

#endif
