/*
 * ldif.h: LDIF (RFC 2849): entries and changes, read record by record and written.
 *
 * A record's slices point into the reader's buffer and into cx's arena: they are good until the next one is read and the arena is
 * reset.  A malformed record is one error, with its line; reading goes on behind it.
 */
#ifndef LG_DIRECTORY_LDIF_H
#define LG_DIRECTORY_LDIF_H

#include "directory/access.h"

#define LG_LDIF_RECORD_MAX	(64u << 20)	/* octets of one record; a group may have very many members */
#define LG_LDIF_READ		(256u << 10)	/* octets asked of the source at once */
#define LG_LDIF_WIDTH		76		/* columns of a written line */

enum lg_ldif_kind { LG_LDIF_ENTRY, LG_LDIF_ADD, LG_LDIF_DELETE, LG_LDIF_MODIFY, LG_LDIF_RENAME };

struct lg_ldif_record {
	enum lg_ldif_kind kind;
	uint64_t line;			/* of its dn, from 1 */
	lg_str dn;
	struct lg_values *values;	/* entry, add: one a run of lines of one attribute */
	struct lg_modification *mods;	/* modify */
	size_t n;			/* of either */
	lg_str rdn, superior;		/* rename */
	bool delete_old, has_superior;
};

struct lg_ldif {
	/* Up to `size` octets; *n 0 at the end. */
	lg_err (*read)(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n);
	/* What a value "attribute:< URL" stands for, in cx's arena.  NULL: such values are refused. */
	lg_err (*url)(void *arg, struct lg_ctx *cx, lg_str url, lg_str *ret);
	void *arg;
	/* the reader's own */
	struct lg_buf in;
	size_t at;
	uint64_t line, records;
	bool ended;
};

/* Of a source that is read piece by piece; url and arg may be set afterwards. */
struct lg_ldif lg_ldif_of(lg_err (*read)(void *, struct lg_ctx *, char *, size_t, size_t *), void *arg);
void lg_ldif_end(struct lg_ldif *ld);		/* wipes: there were passwords in it */
/* LG_E_NOT_FOUND after the last record; LG_E_INVALID: this one is malformed, the next one may be read. */
LG_CHECKED lg_err lg_ldif_next(struct lg_ctx *cx, struct lg_ldif *ld, struct lg_ldif_record *ret);

/* An entry of this dn as LDIF, as far as it may be read. */
LG_CHECKED lg_err lg_ldif_entry_for(struct lg_ctx *cx, struct lg_access *ac, const struct lg_entry *e, lg_str dn, struct lg_buf *out);

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

/* One line, folded; in base64 where the value needs it. */
void lg_ldif_put(struct lg_buf *out, lg_str name, lg_str value);

#endif
