/*
 * pin.h: whose bundles a host believes: told once, over a connection to the service that was verified, and kept in STATE/pin.json
 * (0600).  From then on the service cannot change it but by signing a successor with a key that is pinned.
 */
#ifndef LG_CLIENT_PIN_H
#define LG_CLIENT_PIN_H

#include "client/bundle.h"
#include "client/http.h"

enum lg_pinned { LG_PINNED_BUNDLE, LG_PINNED_AUDIT };	/* keys that sign bundles; heads of the logs */

struct lg_pin {
	struct lg_bundle_pin bundle;
	lg_str stream;			/* URL of the watch streams */
	lg_str audit;			/* JWKS: keys that sign heads of the service's logs; empty: a pin from before they were told */
};

/* From the file, or else from the service, and then stored.  at: with the host's certificate.  Slices live in cx's arena. */
LG_CHECKED lg_err lg_pin_get(struct lg_ctx *cx, const char *state, const struct lg_endpoint *at, struct lg_pin *ret);
/* Other keys for the pin that is stored.  One at a time. */
LG_CHECKED lg_err lg_pin_keys(struct lg_ctx *cx, const char *state, enum lg_pinned which, lg_str keys);

#endif
