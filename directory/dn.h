/*
 * dn.h: distinguished names: parsed from text (RFC 4514), compared by their normal form, written again.
 *
 * The normal form of a DN goes from the root to the leaf, so that a DN lies at or below another exactly when the other's normal
 * form is a prefix of its own.  An RDN's part: u8 number of AVAs, then for each, in order: u16 attribute id, u16 length, the
 * value's normal form.
 */
#ifndef LG_DIRECTORY_DN_H
#define LG_DIRECTORY_DN_H

#include "directory/schema.h"

struct lg_ava {
	const struct lg_attr *attr;	/* NULL: a type the schema does not know; such a name names no entry */
	lg_str type;			/* as written */
	lg_str value;			/* without escapes */
	lg_str normal;
};

struct lg_rdn {
	const struct lg_ava *ava;	/* as written */
	size_t n;
	lg_str normal;
};

struct lg_dn {
	const struct lg_rdn *rdn;	/* rdn[0] is the leaf */
	size_t n;			/* 0: the empty DN */
};

/* False when the text is no DN, is too long or too deep, or a value does not fit its attribute. */
bool lg_dn_parse(struct lg_arena *a, lg_str text, struct lg_dn *ret);
/* Exactly one RDN. */
bool lg_rdn_parse(struct lg_arena *a, lg_str text, struct lg_rdn *ret);
lg_str lg_dn_normal(struct lg_arena *a, const struct lg_dn *dn);
bool lg_dn_known(const struct lg_dn *dn);		/* all types are in the schema */
bool lg_rdn_known(const struct lg_rdn *rdn);
/* The DN without its first n RDNs. */
struct lg_dn lg_dn_above(const struct lg_dn *dn, size_t n);
/* Written in one spelling: the schema's names, RFC 4514 escapes. */
lg_str lg_dn_text(struct lg_arena *a, const struct lg_dn *dn);
lg_str lg_rdn_text(struct lg_arena *a, const struct lg_rdn *rdn);

#endif
