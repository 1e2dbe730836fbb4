/*
 * dynamic.h: groups whose members follow from rules: groupOfURLs with memberURL (RFC 4516), as OpenLDAP's dynlist has them.
 *
 * What a rule finds is kept as rows beside the members that somebody has put there, and is settled in the change that makes it true
 * or untrue: whoever reads memberships (policies, memberOf, chains, tokens, bundles) reads one table, and what is kept of a decision
 * ends with the same revision.  A rule is asked by the service itself, not for a reader.
 *
 * A rule speaks of what an entry itself holds.  Terms about other entries and about names (memberOf, member, entryDN, ":dn:") are
 * Undefined in it: nothing would say when their truth changes.
 */
#ifndef LG_DIRECTORY_DYNAMIC_H
#define LG_DIRECTORY_DYNAMIC_H

#include "directory/edit.h"

#define LG_DYNAMIC_LOOKED	250000	/* entries that one change may look at for the rules of one group */
#define LG_DYNAMIC_CHANGED	8000	/* members that it may add or remove by rule: a record of the log has an end */

/* ---- inside a mutation: each leaves the rows as the rules now say, and asks whether rights may be taken -------------------------- */

/* An entry was written. */
LG_CHECKED lg_err lg_dynamic_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e);
/* A group is new, or its rules or given members were changed.  Refuses more rules than are kept up, and those that ask for attributes
 * the tenant does not have: somebody may define them later. */
LG_CHECKED lg_err lg_dynamic_group(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group);
/* An entry gets another name or place.  Where the rules look before that: */
struct lg_dynamic_places;
LG_CHECKED lg_err lg_dynamic_places(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, struct lg_dynamic_places **ret);
/* And after.  `elsewhere`: entries below it, or that name it as a value, show its DN. */
LG_CHECKED lg_err lg_dynamic_moved(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_dynamic_places *before,
    bool elsewhere);
/* An entry that others name as a value is gone. */
LG_CHECKED lg_err lg_dynamic_dangling(struct lg_ctx *cx, struct lg_edit *ed);
/* For entries that came without being asked about: some of those behind *last.  *more: call again. */
LG_CHECKED lg_err lg_dynamic_step(struct lg_ctx *cx, struct lg_edit *ed, uint64_t *last, bool *more);

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

/* Are the rows of an entry's memberships by rule what the rules say? */
LG_CHECKED lg_err lg_dynamic_agrees(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool *ret);

#endif
