/*
 * search.h: a search under way, as its parts see it: the walk (op_search.c), pages (search_page.c), order and windows (search_sort.c),
 * what is dereferenced (search_deref.c).
 */
#ifndef LG_DIRECTORY_SEARCH_H
#define LG_DIRECTORY_SEARCH_H

#include "directory/conn.h"
#include "directory/plan.h"

#define LG_SORT_ENTRIES	100000u		/* sorted by one search; more are adminLimitExceeded (RFC 2891 1.2) */
#define LG_SORT_BYTES	(16u << 20)	/* of their keys */
#define LG_DEREF_VALUES	1024		/* dereferenced for one entry */

#define LG_ALIAS_STEPS	16		/* from alias to alias */
#define LG_ALIASES	1024		/* of a tenant, when a search goes into them */
#define LG_ALIAS_VERTICES 64		/* what they lead to */

struct lg_sorted;
struct lg_sync;

struct lg_search {
	lg_str base;
	enum lg_scope scope;
	int64_t size, time;		/* limits, 0: none */
	int64_t asked_time;		/* the client's own */
	struct lg_filter *filter;
	struct lg_selection selection;
	struct lg_plan plan;
	uint32_t tenant;
	uint64_t base_id;
	uint64_t walked;		/* id of the last candidate looked at */
	uint64_t last;			/* for the next page: the same; when sorted, how many were sent */
	int64_t sent, on_page, deadline;
	bool from_alias;		/* the base is looked for through them */
	bool into_aliases;		/* they are gone into while searching */
	uint64_t *vertex;		/* what they lead to: searched like what is below the base */
	size_t nvertices;
	bool unindexed;			/* every entry is looked at, though the filter wants some */
	uint64_t looked;		/* in that case, so many */
	struct lg_sorted *sorted;	/* NULL: they are sent as they come */
	struct lg_sync *sync;		/* NULL: no content synchronisation */
	/* of one slice: the parent that was looked at last */
	uint64_t parent;
	bool parent_under;
	lg_str parent_dn;
};

/* Of one turn. */
struct lg_search_slice {
	struct lg_view *v;
	struct lg_ctx cx;		/* of the slice: parents, the plan's cursor */
	struct lg_ctx one;		/* of one candidate: wiped before each */
	struct lg_access ac;
	int64_t end;
	size_t out_from;
};

/* ---- op_search.c ------------------------------------------------------------------------------------------------------- */

/* Calls run with what a slice has. */
void lg_search_in_slice(struct lg_op *op, void (*run)(struct lg_op *op, struct lg_search_slice *sl));
bool lg_search_slice_over(struct lg_op *op, const struct lg_search_slice *sl, size_t n);	/* after n candidates */
/* Is the entry one of those the search is for, as it is now?  Fills in sh (ac and e are set); a DN
 * without a yes: it lies where the search looks, but does not match. */
LG_CHECKED lg_err lg_search_wants(struct lg_op *op, struct lg_search_slice *sl, struct lg_shown *sh, bool *ret);
void lg_search_send(struct lg_op *op, struct lg_shown *sh);
/* Ended, because a page or the client's limit is reached? */
bool lg_search_at_limit(struct lg_op *op);
/* SearchResultDone with what the controls say.  more: there is another page. */
void lg_search_finish(struct lg_op *op, int code, bool more);
/* Time is up: answers. */
bool lg_search_late(struct lg_op *op);

/* ---- monitor.c -------------------------------------------------------------------------------------------------------- */

/* The search is for cn=Monitor, and the caller may: it has been answered. */
bool lg_search_monitor(struct lg_op *op, struct lg_view *v);

/* ---- search_alias.c ---------------------------------------------------------------------------------------------------- */

/* The base without the aliases on the way to it; answers and gives false when they lead nowhere (33). */
bool lg_alias_base(struct lg_op *op, struct lg_view *v, lg_str *base);
/* What the aliases in the scope lead to.  LG_E_LIMIT: too many. */
LG_CHECKED lg_err lg_alias_vertices(struct lg_op *op, struct lg_view *v);

/* ---- search_page.c (RFC 2696) --------------------------------------------------------------------------------------------- */

bool lg_page_resume(struct lg_op *op);		/* false: the cookie was never given for this request to this asker */
void lg_page_reply(struct lg_op *op, bool more);

/* ---- search_sort.c (RFC 2891 and virtual list views) ----------------------------------------------------------------------- */

/* Begins, if a control asks for it.  Answers and gives false when the controls cannot be met. */
bool lg_sorted_begin(struct lg_op *op);
/* Takes a match instead of its being sent.  LG_E_LIMIT: too many. */
LG_CHECKED lg_err lg_sorted_add(struct lg_op *op, struct lg_shown *sh);
/* Too many: answers, or (not critical) starts again without order. */
void lg_sorted_give_up(struct lg_op *op);
/* All have been taken: sends them, a slice at a time. */
LG_CHECKED lg_err lg_sorted_send(struct lg_op *op, struct lg_search_slice *sl);
bool lg_sorted_sending(const struct lg_sorted *st);
void lg_sorted_reply(struct lg_op *op, int code);	/* the controls of the answer */

/* ---- search_deref.c ---------------------------------------------------------------------------------------------------------- */

/* The control that goes with an entry; nothing when none of its values leads anywhere. */
void lg_deref_put(struct lg_op *op, struct lg_shown *sh, struct lg_buf *out);

#endif
