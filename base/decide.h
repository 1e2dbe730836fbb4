/*
 * decide.h: the question every component asks before it acts, and the port through which it asks.
 * server/ fills the port with the decision point over policy/; tests fill it with a table.
 */
#ifndef LG_BASE_DECIDE_H
#define LG_BASE_DECIDE_H

#include "lightgate/base.h"

struct lg_view;			/* lightgate/store.h; decisions read the caller's snapshot */

#define LG_ALIKE 32		/* entities that tell principals apart */
#define LG_FACTS 32		/* of one context or resource */

enum lg_fact_type { LG_FACT_STR, LG_FACT_INT, LG_FACT_BOOL, LG_FACT_SET, LG_FACT_ENTITY, LG_FACT_RECORD };

/* One attribute of the context, or of a resource that has no entry of its own. */
struct lg_fact {
	const char *name;
	enum lg_fact_type type;
	lg_str s;			/* STR; ENTITY: the Cedar type ("Image") */
	lg_uuid id;			/* ENTITY */
	int64_t i;			/* INT, BOOL */
	const lg_str *set;		/* SET of strings */
	const struct lg_fact *record;	/* RECORD */
	size_t n;			/* of set or record */
};

static inline struct lg_fact
lg_fact_str(const char *name, lg_str s)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_STR, .s = s };
}

static inline struct lg_fact
lg_fact_int(const char *name, int64_t i)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_INT, .i = i };
}

static inline struct lg_fact
lg_fact_bool(const char *name, bool b)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_BOOL, .i = b };
}

static inline struct lg_fact
lg_fact_set(const char *name, const lg_str *set, size_t n)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_SET, .set = set, .n = n };
}

struct lg_entity_source;		/* server/entities.h */

/* As policies name it: Cedar type and entry. */
struct lg_entity_id {
	lg_str type;			/* "User", "Host", ...; empty: nobody (Anonymous) */
	lg_uuid id;			/* entryUUID */
	lg_str name;			/* when id is nil: a resource that has no entry yet */
};

/* A decision that somebody else made, and told later. */
struct lg_made {
	int64_t at, until;		/* microseconds of its maker's wall clock; 0: it was made here, now; until: the last of several */
	uint64_t count;			/* alike, of which only these two times are known; 0: one */
};

struct lg_question {
	uint32_t tenant;
	struct lg_entity_id principal;
	const char *action;		/* "certificate:issue" */
	struct lg_entity_id resource;
	struct lg_entity_id parent;	/* of a resource without an entry: its project; type empty: the tenant */
	struct lg_fact facts[LG_FACTS];	/* of a resource without an entry */
	size_t nfacts;
	struct lg_fact context[LG_FACTS];	/* now, revision, asker, address are added by the decision point */
	size_t ncontext;
	lg_str container;		/* which one a runtime calls by that id: for the record alone; empty: none */
	struct lg_made made;		/* for the record alone */
	bool explain;			/* fill the reason in full */
	bool record;			/* a door's decision: goes to the decision log */
	struct lg_entity_source *source;	/* what was read for another question of the same view and resource; NULL: nothing */
};

struct lg_verdict {
	bool permit;
	lg_str policy;			/* id of the (first) deciding policy; empty on deny by default */
	const lg_str *policies;		/* ids of all deciding ones (at most LG_RULED_NAMES), that one first */
	size_t npolicies;
	const lg_str *advice;		/* their @advice: what whoever enforces should do besides */
	size_t nadvice;
	lg_str reason;			/* short: "forbidden by no-privileged", "no policy permits" */
	lg_str detail;			/* with explain: per policy, which clause failed */
	uint64_t revision;		/* policy revision */
	uint64_t seq;			/* of the store: entries and memberships as they were then */
	bool stable;			/* does not depend on time: may be kept for (policy, membership, entry) revisions */
	bool general;			/* holds for every resource of that type and class (an Entry's dn and owner were not looked at) */
};

/* Does it admit something new to a host or into the world?  Then the service decides, whatever else is known where it is asked. */
bool lg_action_admits(lg_str action);

struct lg_decider {
	void *self;
	/* LG_OK with a verdict, also for deny; an error means deny as well. */
	lg_err (*ask)(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret);
	uint64_t (*revision)(void *self, uint32_t tenant);	/* of the policy set in force */
	/* Is the answer the same for every entry of that class, whatever its dn and owner and at any time, for as long as revisions
	 * stay?  *permit is it then.  Costs as much as many questions, and saves one for each entry.  May be NULL. */
	lg_err (*certain)(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, bool *certain, bool *permit);
	/* Are the verdicts on reading the directory the same for all principals of one type who are enabled or not alike and in the same of
	 * above[0..*n), whatever their address?  For as long as the set's revision stays.  May be NULL: no. */
	bool (*alike)(void *self, uint32_t tenant, lg_uuid above[LG_ALIKE], size_t *n);
	/* What was refused before policy was asked, a wrong password say, on record beside what policy denies: q's principal (its type empty:
	 * nobody knows who), action and resource.  May be NULL. */
	void (*refused)(void *self, struct lg_ctx *cx, const struct lg_question *q, lg_str why);
};

#endif
