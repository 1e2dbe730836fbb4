/*
 * finder.h: entries for which a question may be permitted, found by the policy engine: it reduces the tenant's set to what is
 * left for the type that is looked for, and decides only that for each candidate.
 *
 * What it finds is a proposal.  The system's set, the asker's rights and what depends on the candidate otherwise (whether the subject is
 * the asker) are the decision point's: each proposal is asked there.  What is permitted is always proposed.
 */
#ifndef LG_SERVER_FINDER_H
#define LG_SERVER_FINDER_H

#include "server/point.h"

#define LG_FIND_LOOK	20000		/* candidates of one call */

struct lg_find {
	struct lg_point *point;
	struct lg_view *view;
	const struct lg_question *question;	/* of what is looked for, the type alone counts */
	bool subjects;			/* look for principals; else for resources */
	lg_uuid always;			/* this candidate is proposed whatever the policies say; nil: none */
	lg_str after;			/* in and out: name of the last candidate looked at */
	size_t limit;			/* proposals */
	size_t looked;			/* out: candidates */
	bool more;			/* out: there are candidates behind `after` */
};

/* Names, in order, in cx's arena. */
LG_CHECKED lg_err lg_find_entries(struct lg_ctx *cx, struct lg_find *f, lg_str **names, size_t *n);

#endif
