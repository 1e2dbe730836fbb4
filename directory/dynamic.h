/*
 * dynamic.h: groups whose members are found by search: groupOfURLs with memberURL (RFC 4516), as OpenLDAP's dynlist shows them.
 *
 * Members are found for who asks: what may not be known or searched makes no member.  Policies do not see them: what decides is a
 * membership that somebody has given.
 */
#ifndef LG_DIRECTORY_DYNAMIC_H
#define LG_DIRECTORY_DYNAMIC_H

#include "directory/plan.h"
#include "directory/shown.h"

#define LG_DYNAMIC_URLS		16	/* of one group; further ones are passed over */
#define LG_DYNAMIC_GROUPS	64	/* of a tenant, that memberOf looks at */
#define LG_DYNAMIC_LOOKED	4096	/* entries looked at for the members of one group */

bool lg_is_dynamic(const struct lg_entry *group);
/* Is e one of the group's, for who asks? */
bool lg_dynamic_has(struct lg_shown *sh, const struct lg_entry *group, const struct lg_entry *e);
/* Calls each with the DN of every member; true when each said so. */
bool lg_dynamic_members(struct lg_shown *sh, const struct lg_entry *group, lg_value_each *each, void *arg);
/* The dynamic groups of the tenant, ids in cx's arena. */
LG_CHECKED lg_err lg_dynamic_groups(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_ids *ret);

#endif
