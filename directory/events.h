/*
 * events.h: what became of a tenant's entries, in the order of its last changes: the memory that content synchronisation (RFC 4533)
 * reads.  An entry that changes again moves to the end; one that is deleted or renamed leaves a mark, of which the newest
 * LG_GONE_MAX are kept.
 */
#ifndef LG_DIRECTORY_EVENTS_H
#define LG_DIRECTORY_EVENTS_H

#include "directory/edit.h"
#include "directory/tables.h"

#define LG_GONE_MAX	10000		/* of one tenant */

/* A place in the log: everything up to that record. */
struct lg_moment {
	int64_t time;
	uint64_t seq;
};
#define LG_MOMENT_SEQ(seq_)	((seq_) & 0xffffff)	/* what a CSN has of it; within one microsecond that is enough */
static inline bool
lg_moment_before(struct lg_moment a, struct lg_moment b)
{
	return a.time < b.time || (a.time == b.time && LG_MOMENT_SEQ(a.seq) < LG_MOMENT_SEQ(b.seq));
}
static inline struct lg_moment
lg_moment_of(int64_t time, uint64_t stamp)
{
	return (struct lg_moment){ time, stamp >> 16 };
}
struct lg_moment lg_moment_now(const struct lg_view *v);	/* of what the view shows */
/* YYYYmmddHHMMSS.ffffffZ#ssssss#000#mmmmmm: the form that OpenLDAP stores and compares. */
enum { LG_CSN_TEXT = 40 };
lg_str lg_csn_print(struct lg_arena *a, struct lg_moment m, unsigned mark);
bool lg_csn_parse(lg_str text, struct lg_moment *ret, unsigned *mark);

/* ---- inside mutations ------------------------------------------------------------------------------------------- */

/* Before e is deleted or (moved) gets another DN. */
LG_CHECKED lg_err lg_event_gone(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool moved);
/* More has changed than the entries' own rows tell: whoever follows begins anew. */
LG_CHECKED lg_err lg_event_reload(struct lg_ctx *cx, struct lg_edit *ed);

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct lg_event_bounds {
	uint64_t marks;			/* that are kept */
	struct lg_moment forgotten;	/* the newest mark that is not */
	struct lg_moment reload;
};
LG_CHECKED lg_err lg_event_bounds(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_event_bounds *ret);

struct lg_event {
	struct lg_moment at;
	uint64_t stamp;			/* rises within a moment */
	uint64_t id;			/* of the entry that was written; 0: it is gone, or moved */
	bool moved;
	lg_uuid uuid;			/* of those, with what they were */
	enum lg_entry_type type;
	lg_str dn;
};
struct lg_events {
	struct lg_cursor written, gone;
	struct lg_dkey from;
	lg_str wkey, wvalue, gkey, gvalue;
	bool more_written, more_gone;
};
/* Those behind a moment, oldest first.  ret must not be moved; of one slice. */
LG_CHECKED lg_err lg_events_begin(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_moment behind, struct lg_events *ret);
bool lg_events_next(struct lg_events *ev, struct lg_event *ret);
void lg_events_end(struct lg_events *ev);

#endif
