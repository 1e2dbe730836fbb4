/* profiles.h: profiles as a tenant keeps them: a row of JSON each (docs/api.md), over what is built in. */
#ifndef LG_CERTS_PROFILES_H
#define LG_CERTS_PROFILES_H

#include "base/json.h"
#include "certs/rows.h"

extern const struct lg_table lg_certs_profile;

/* The profile that the JSON object makes of `from`: members that it does not have stay.  Checked: LG_E_INVALID. */
LG_CHECKED lg_err lg_profile_read(struct lg_ctx *cx, lg_str json, const struct lg_cert_profile *from, struct lg_cert_profile *ret);
int64_t lg_profile_read_life(struct lg_json *js);	/* seconds in JSON, 1 to 90 days; microseconds */
void lg_profile_write(struct lg_jsonw *w, const struct lg_cert_profile *p, bool own);
bool lg_profile_eq(const struct lg_cert_profile *a, const struct lg_cert_profile *b);

bool lg_profile_is_built_in(lg_str name);
/* Names of those of the tenant that are not built in, in cx's arena. */
LG_CHECKED lg_err lg_profile_added(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str ret[LG_PROFILES], size_t *n);
/* LG_E_DENIED: a DNS name that the profile does not have. */
LG_CHECKED lg_err lg_profile_names(struct lg_ctx *cx, const struct lg_cert_profile *p, const struct lg_cert_names *names);
/* The built-in one for an entry's own certificate; NULL: entries of this type have none. */
const struct lg_cert_profile *lg_profile_of_type(lg_str type);

/* "P-256", as in the lists of keys. */
bool lg_profile_key_parse(lg_str text, enum lg_key_type *ret);

#endif
