/*
 * filter.h: search filters (RFC 4511 4.5.1.7, RFC 4515, RFC 4526), parsed against the schema, evaluated in three values.
 *
 * A term whose attribute or rule is unknown, whose assertion does not fit the syntax, or that the asker may not search is
 * Undefined, never an error: the answer to such a search is the entries for which the rest decides.
 */
#ifndef LG_DIRECTORY_FILTER_H
#define LG_DIRECTORY_FILTER_H

#include "directory/ber.h"
#include "directory/schema.h"

enum lg_truth { LG_FALSE, LG_TRUE, LG_UNDEFINED };

enum lg_filter_kind {			/* RFC 4511's context tags */
	LG_FILTER_AND = 0, LG_FILTER_OR = 1, LG_FILTER_NOT = 2, LG_FILTER_EQUAL = 3, LG_FILTER_SUBSTRINGS = 4, LG_FILTER_GREATER = 5,
	LG_FILTER_LESS = 6, LG_FILTER_PRESENT = 7, LG_FILTER_APPROX = 8, LG_FILTER_EXTENSIBLE = 9
};

struct lg_filter_piece {
	enum lg_piece where;
	lg_str normal;
};

struct lg_filter {
	enum lg_filter_kind kind;
	bool undefined;			/* whatever the entry */
	/* and, or, not */
	struct lg_filter **child;
	size_t n;			/* children or pieces */
	/* terms */
	const struct lg_attr *attr;	/* NULL in an extensible match over all attributes */
	const struct lg_rule *rule;	/* equality, ordering or substrings rule that compares */
	lg_str value;			/* as it came */
	lg_str normal;
	struct lg_filter_piece *piece;
	bool dn_attributes;		/* extensible: the DN's values too */
};

/* LG_E_INVALID: malformed; LG_E_LIMIT: deeper than LG_FILTER_DEPTH or more than LG_FILTER_TERMS.  Slices of the input are kept. */
LG_CHECKED lg_err lg_filter_read(struct lg_ctx *cx, struct lg_ber *b, struct lg_filter **ret);
/* RFC 4515's text: "(&(cn=a*)(!(sn=b)))" */
LG_CHECKED lg_err lg_filter_parse(struct lg_ctx *cx, lg_str text, struct lg_filter **ret);
LG_CHECKED lg_err lg_filter_encode(struct lg_ctx *cx, lg_str text, struct lg_buf *out);	/* the same text in the wire's form */

/* What the evaluation asks of an entry.  Values are handed out in normal form of the attribute's equality rule. */
struct lg_filter_port {
	void *self;
	bool (*may)(void *self, const struct lg_attr *at);		/* search it */
	bool (*present)(void *self, const struct lg_attr *at);		/* values of at or its subtypes */
	/* Calls each for every value of at and its subtypes in the form asked for, until it says true. */
	bool (*any)(void *self, const struct lg_attr *at, enum lg_form form, bool (*each)(void *arg, lg_str normal), void *arg);
	/* (member=...), (memberOf=...): by id, chain: nested groups included. */
	bool (*linked)(void *self, const struct lg_attr *at, lg_str dn, bool chain);
	/* Attributes of the entry's DN, for (cn:dn:=x). */
	bool (*named)(void *self, const struct lg_attr *at, enum lg_form form, bool (*each)(void *arg, lg_str normal), void *arg);
};
enum lg_truth lg_filter_match(const struct lg_filter *f, const struct lg_filter_port *port);

#endif
