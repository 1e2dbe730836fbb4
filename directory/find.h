/* find.h: from names to entries and back, inside the directory. */
#ifndef LG_DIRECTORY_FIND_H
#define LG_DIRECTORY_FIND_H

#include "directory/dn.h"

#define LG_TREE_DEPTH	256		/* entries between one and its suffix; moves could pass LG_DN_RDNS */

/* How far a DN leads. */
struct lg_place {
	uint32_t tenant;		/* 0: outside of every suffix */
	uint64_t id;			/* the deepest entry there is, 0: none */
	size_t missing;			/* RDNs of the DN below that entry, 0: it is the one */
};
LG_CHECKED lg_err lg_dn_resolve(struct lg_ctx *cx, struct lg_view *v, const struct lg_dn *dn, struct lg_place *ret);
LG_CHECKED lg_err lg_child_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t parent, lg_str rdn_normal, uint64_t *ret);
/* lg_entry_by_dn of a DN that is parsed already. */
LG_CHECKED lg_err lg_entry_at(struct lg_ctx *cx, struct lg_view *v, const struct lg_dn *dn, struct lg_entry *ret);
bool lg_has_children(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e);
/* The DN of the entry's parent's parent's ... child path: e's own RDN in front of parent_dn. */
lg_str lg_dn_below(struct lg_arena *a, lg_str rdn, lg_str parent_dn);
LG_CHECKED lg_err lg_dn_of_id(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, lg_str *ret);
/* Is the entry `below` at or under the entry `above`? */
LG_CHECKED lg_err lg_entry_is_under(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t below, uint64_t above, bool *ret);

#endif
