/* http_target.h: a request's target, taken apart strictly before anything looks at it. */
#ifndef LG_SERVER_HTTP_TARGET_H
#define LG_SERVER_HTTP_TARGET_H

#include "lightgate/base.h"

#define LG_TENANT_NAME	64		/* octets of a name after /t/ */

struct lg_target {
	lg_str raw;			/* path as sent, tenant's prefix included */
	lg_str path;			/* decoded, without that prefix: "/oauth2/token" */
	lg_str query;			/* as sent, without '?' */
	lg_str tenant;			/* what followed /t/; empty without */
	size_t slash;			/* where in path the first '/' stands that was sent as %2F; path.n if none does */
};

/*
 * origin-form and, as RFC 9112 3.2.2 demands, absolute-form.  Refused (LG_E_INVALID): anything but printable ASCII, bad percent
 * codes, %00 and other encoded control characters, empty segments and segments that mean "here" or "up", encoded or not, and
 * paths that are not UTF-8.  An encoded slash is told apart, since only the end of a path may hold one.
 */
LG_CHECKED lg_err lg_target_parse(struct lg_ctx *cx, lg_str text, struct lg_target *ret);

#endif
