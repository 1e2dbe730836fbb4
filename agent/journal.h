/*
 * journal.h: what this host decided by itself, kept until it is on the service's record.
 *
 * One file.  Its first line says which journal it is and after which record it begins; then one record a line, each with a number and the SHA-256
 * of the line before it.  The service remembers how far it has taken each host's journal, so whatever is told again after a crash, on either side, is
 * taken once.  What was told is cut off.  Threads share it.
 */
#ifndef LG_AGENT_JOURNAL_H
#define LG_AGENT_JOURNAL_H

#include "lightgate/crypto.h"

#define LG_JOURNAL_MAX		(4u << 20)	/* octets that wait to be told; nothing more is decided here then */
#define LG_JOURNAL_COUNTED	(1u << 20)	/* of them, those that what is counted (tally.h) may not go beyond */
#define LG_JOURNAL_RECORD	(64u << 10)	/* octets of one record */
#define LG_JOURNAL_PART		(256u << 10)	/* octets that are told at once */
#define LG_JOURNAL_AT_ONCE	512		/* records that are */

struct lg_journal;

#define LG_DEED_NO_PORT	(-1)

struct lg_deed {
	lg_str container;		/* empty: the question stands below */
	const char *action;		/* "container:restart" */
	bool permit;
	lg_str reason, policy;
	uint64_t revision;		/* of the policies it was decided by; 0: there were none */
	lg_str facts;			/* what the container could do, as JSON; left out where the record would be too large */
	/* What was counted (tally.h).  Types and ids as the bundle has them; all four empty: what the host itself says of none in particular. */
	lg_str subject_type, subject, resource_type, resource, protocol;
	int port;			/* or LG_DEED_NO_PORT */
	uint64_t count;			/* 0: of a container, once, now */
	int64_t first, last;		/* microseconds of the wall clock */
};

/* A journal that is damaged is set aside, with a line in the log. */
LG_CHECKED lg_err lg_journal_open(struct lg_ctx *cx, const char *path, struct lg_journal **ret);
void lg_journal_close(struct lg_journal **j);	/* safe on NULL */
/* LG_E_BUSY when it is full: then the deed must not be done; or has no room for what is only counted. */
LG_CHECKED lg_err lg_journal_add(struct lg_ctx *cx, struct lg_journal *j, const struct lg_deed *d);
LG_CHECKED lg_err lg_journal_sync(struct lg_ctx *cx, struct lg_journal *j);	/* what was added since the last time reaches the disk */

bool lg_journal_waits(struct lg_journal *j);	/* is there anything to tell? */
/* The next part, as JSON for POST /v1/agent/decisions. */
LG_CHECKED lg_err lg_journal_part(struct lg_ctx *cx, struct lg_journal *j, lg_str *ret);
/* The service has all up to this number. */
LG_CHECKED lg_err lg_journal_told(struct lg_ctx *cx, struct lg_journal *j, uint64_t taken);
/* The service has another journal of this name, a later one: this state is an old copy.  Kept beside, a new one begins. */
LG_CHECKED lg_err lg_journal_renew(struct lg_ctx *cx, struct lg_journal *j);

#endif
