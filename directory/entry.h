/*
 * entry.h: the stored form of an entry.
 *
 * A row is read in place: a header, then for every attribute its id, the size of its block, the number of values, and the values with
 * their lengths; numbers are varints, and what follows from the rest is left out, since a directory is mostly small values.  Values of
 * references (LG_AF_REFERENCE) are ids, of secrets (LG_AF_SECRET) blob ids.
 */
#ifndef LG_DIRECTORY_ENTRY_H
#define LG_DIRECTORY_ENTRY_H

#include "directory/schema.h"

#define LG_ENTRY_VERSION 2

/* The row of e (with e->body); cx's arena. */
lg_str lg_entry_encode(struct lg_arena *a, const struct lg_entry *e);
bool lg_entry_decode(lg_str key, lg_str row, struct lg_entry *ret);

/* ---- attributes in place --------------------------------------------------------------------------------------- */

struct lg_attr_it {
	struct lg_rd rd;
};
struct lg_attr_values {
	const struct lg_attr *attr;
	uint32_t n;
	struct lg_rd rd;		/* over the values */
};
struct lg_attr_it lg_attr_it_of(const struct lg_entry *e);
bool lg_attr_next(struct lg_attr_it *it, struct lg_attr_values *ret);	/* ids the schema does not know are passed over */
bool lg_value_next(struct lg_attr_values *av, lg_str *ret);
/* The values of one attribute; false if the entry has none. */
bool lg_entry_values(const struct lg_entry *e, unsigned id, struct lg_attr_values *ret);
/* Its structural class; NULL when none of its classes is known. */
const struct lg_class *lg_entry_structural(const struct lg_entry *e);
bool lg_entry_first(const struct lg_entry *e, unsigned id, lg_str *ret);

/* The normal form of a value as it is stored: references and secrets are their ids. */
bool lg_stored_normal(struct lg_arena *a, const struct lg_attr *at, lg_str stored, lg_str *ret);

/* Writing a body. */
void lg_body_attr(struct lg_buf *out, const struct lg_attr *at, const lg_str *v, size_t n);

bool lg_alias_of(const struct lg_entry *e, lg_str *ret);	/* is it an alias (RFC 4512 2.6), and of what */

#endif
