/* value.h: what the folder shares about values beyond the public header. */
#ifndef LG_POLICY_VALUE_H
#define LG_POLICY_VALUE_H

#include "lightgate/policy.h"

const char *lg_kind_name(enum lg_kind k);		/* "long", "entity", ... */
bool lg_set_has(const struct lg_set *s, const struct lg_value *v);
bool lg_set_has_all(const struct lg_set *s, const struct lg_set *of);
bool lg_set_has_any(const struct lg_set *s, const struct lg_set *of);
/* The same value, in another arena; entity handles are dropped. */
struct lg_value lg_value_copy(struct lg_arena *a, const struct lg_value *v);
bool lg_type_is_action(lg_str type);			/* `Action` or `N::Action` */

/* Extension values from text; false if it is none. */
bool lg_ip_parse(lg_str s, struct lg_ip *ret);
bool lg_decimal_parse(lg_str s, int64_t *ret);
bool lg_datetime_parse(lg_str s, int64_t *ret);
bool lg_duration_parse(lg_str s, int64_t *ret);
lg_str lg_ip_text(struct lg_arena *a, const struct lg_ip *ip);
lg_str lg_decimal_text(struct lg_arena *a, int64_t v);
lg_str lg_datetime_text(struct lg_arena *a, int64_t v);
lg_str lg_duration_text(struct lg_arena *a, int64_t v);
bool lg_ip_in_range(const struct lg_ip *a, const struct lg_ip *b);
bool lg_ip_is_loopback(const struct lg_ip *a);
bool lg_ip_is_multicast(const struct lg_ip *a);

#endif
