/* uri.h: names of keys in a PKCS#11 token (RFC 7512), as far as they say which key. */
#ifndef LG_HSM_URI_H
#define LG_HSM_URI_H

#include "lightgate/base.h"

#define LG_HSM_URI_MAX	512		/* octets of a URI */
#define LG_HSM_TOKEN	32		/* octets of a token's label, CK_TOKEN_INFO */
#define LG_HSM_SERIAL	16		/* of its serial number */
#define LG_HSM_NAME	128		/* of an object's label, and of its id */

/* Empty members are not said.  Slices live in the arena that parsed them. */
struct lg_hsm_uri {
	lg_str token, serial;
	lg_str object, id;
};

/* token, and object or id, must be said.  Where the PIN and the module are is for the settings to say, so that pin-value, pin-source and
 * module-path are refused, as is every attribute that is not known (RFC 7512 2.3).  LG_E_INVALID. */
LG_CHECKED lg_err lg_hsm_uri_parse(struct lg_ctx *cx, lg_str text, struct lg_hsm_uri *ret);
/* "pkcs11:" begins one. */
bool lg_hsm_uri_is(lg_str text);
lg_str lg_hsm_uri_print(struct lg_arena *a, const struct lg_hsm_uri *u);

#endif
