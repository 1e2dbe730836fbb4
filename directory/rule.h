/*
 * rule.h: the rules of groups of URLs (memberURL, RFC 4516), read and asked; dynamic.h says what follows from them.
 *
 * A rule is read from its URL whenever it is asked: there are few of them, and what is read cannot be stale.  It is asked by the
 * service itself, not for a reader.
 */
#ifndef LG_DIRECTORY_RULE_H
#define LG_DIRECTORY_RULE_H

#include "directory/entry.h"
#include "directory/plan.h"

#define LG_RULE_URLS	16		/* of one group */
#define LG_RULE_GROUPS	64		/* of one tenant */

struct lg_rule_of {
	struct lg_entry base;		/* id 0: it finds nobody */
	enum lg_scope scope;
	struct lg_filter *filter;	/* NULL: as above */
	bool references;		/* it asks for values that are entries */
	bool unknown;			/* or for what the tenant has no definition of */
};

struct lg_rule_group {
	struct lg_entry e;
	struct lg_rule_of *rule;
	size_t n;
};

/* A group that has rules, good ones or not. */
bool lg_is_dynamic(const struct lg_entry *group);
/* Any entry: without rules, n is 0. */
void lg_rule_group_read(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_rule_group *ret);
LG_CHECKED lg_err lg_rule_groups_read(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_rule_group **ret, size_t *n);
/* How many there are, up to one more than LG_RULE_GROUPS. */
LG_CHECKED lg_err lg_rule_groups_count(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, size_t *ret);
/* Is e a member by one of the group's rules? */
bool lg_rule_fits(struct lg_ctx *cx, struct lg_view *v, const struct lg_rule_group *g, const struct lg_entry *e);
bool lg_rule_asks_references(const struct lg_rule_group *g);
/* Does a rule of the tenant ask for the attribute? */
LG_CHECKED lg_err lg_rule_asks(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_attr *at, bool *ret);

#endif
