/*
 * shown.h: an entry as LDAP shows it: stored values as text, references and members as DNs, operational attributes made on the way;
 * and the root DSE and the subschema, which are shown in the same way without being stored.
 */
#ifndef LG_DIRECTORY_SHOWN_H
#define LG_DIRECTORY_SHOWN_H

#include "directory/access.h"
#include "directory/ber.h"
#include "directory/filter.h"

/* Called for each value; true ends the walk. */
typedef bool lg_value_each(void *arg, lg_str value);

struct lg_shown {
	struct lg_access *ac;
	const struct lg_entry *e;	/* NULL: made up */
	lg_str dn;
	/* of a made-up entry: values of one attribute; false when it has none */
	bool (*made)(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg);
	void *arg;
	struct lg_filter **only;	/* RFC 3876: values that one of these is true of; n 0: all */
	size_t nonly;
	bool content;			/* without what follows from other entries */
};

/* Exactly this attribute, not its subtypes.  The result is each's last one. */
bool lg_shown_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg);
struct lg_filter_port lg_shown_port(struct lg_shown *sh);
/* Is one of the filters true of this value of at alone? */
bool lg_value_wanted(struct lg_shown *sh, const struct lg_attr *at, lg_str value);

/* ---- which attributes a search asks for (RFC 4511 4.5.1.8, RFC 3673, RFC 4529) -------------------------------------- */

struct lg_selection {
	bool user, operational, types_only;
	struct lg_attr_set named;
};
/* No name at all means all user attributes. */
void lg_selection_add(struct lg_selection *sel, lg_str name);

/* The entry alone: SearchResultEntry without a message around it, as the read controls carry it. */
void lg_shown_put(struct lg_shown *sh, const struct lg_selection *sel, struct lg_berw *w);
/* Its attributes alone, one after the other. */
void lg_shown_attributes(struct lg_shown *sh, const struct lg_selection *sel, struct lg_berw *w);
/* One message: SearchResultEntry with what is selected and may be read.  controls: content of the message's [0]. */
void lg_shown_write(struct lg_shown *sh, const struct lg_selection *sel, int32_t id, lg_str controls, struct lg_buf *out);

/* ---- made-up entries ------------------------------------------------------------------------------------------------- */

#define LG_SUBSCHEMA_DN "cn=Subschema"
static inline bool
lg_is_subschema(lg_str dn)
{
	return lg_str_eq_fold(dn, LG_STR(LG_SUBSCHEMA_DN)) || lg_str_eq_fold(dn, LG_STR("cn=schema"));
}

bool lg_root_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg);
bool lg_subschema_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg);

#endif
