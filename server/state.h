/*
 * state.h: a state document ("make the tenant look like this") read, compared and applied in one change.
 * docs/api.md has its form; state_read.c turns JSON into items, state_apply.c applies them.
 */
#ifndef LG_SERVER_STATE_H
#define LG_SERVER_STATE_H

#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/app.h"

#define LG_STATE_ITEMS	5000		/* of one document: a mutation takes 10,000 rows */
#define LG_STATE_LIST	256		/* values of one field */
#define LG_STATE_NEW	200		/* people, services and clients that get a secret by one document */

enum lg_field_kind {
	LG_FIELD_STR, LG_FIELD_BOOL, LG_FIELD_INT, LG_FIELD_LIST,
	LG_FIELD_REF, LG_FIELD_REFS,	/* names of entries of type `of` */
	LG_FIELD_GROUPS,		/* groups that the entry is in */
	LG_FIELD_MEMBERS		/* "Type/name" */
};

struct lg_state_field {
	const char *name;		/* in the document */
	enum lg_field_kind kind;
	const char *attribute;
	enum lg_entry_type of;
	const char *class;		/* an auxiliary class that comes with the field; NULL: none */
};

struct lg_state_kind {
	const char *list;		/* "users" */
	enum lg_entry_type type;
	const struct lg_state_field *fields;
	size_t nfields;
};
const struct lg_state_kind *lg_state_kind_find(lg_str list);	/* NULL if there is none */

struct lg_state_value {
	const struct lg_state_field *field;
	const lg_str *v;
	size_t n;
};

struct lg_state_item {
	const struct lg_state_kind *kind;
	lg_str name;
	struct lg_state_value value[24];
	size_t nvalues;
	struct lg_sts_client client;	/* clients and services */
	bool has_client;
	bool no_password;		/* of a person who is new */
	lg_str patch;			/* what is to change of the client; empty: all of it is there */
	/* while it is applied */
	enum lg_sts_change change;
	lg_str changed[24];		/* names of fields */
	size_t nchanged;
	lg_str secret;			/* made for it, shown once */
	lg_str verifier;		/* of a person's new password */
	lg_sha256 secret_hash;
};

struct lg_state_source {
	struct sts_source *source;
	enum lg_sts_change change;
};

struct lg_state {
	struct lg_state_item *item;
	size_t n;
	lg_str sources;			/* their documents, in an array; empty: none are named */
	struct lg_state_source *source;
	size_t nsources;
	lg_str mail;			/* how people are sent mail: a document; empty: it is not named */
	struct sts_mail_settings *mail_settings;
	enum lg_sts_change mail_change;
	lg_str policies;
	bool has_policies;
	enum lg_sts_change policies_change;
};

/* The fields that come with a class, on an entry that is there. */
LG_CHECKED lg_err lg_state_posix(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_state_item *it, struct lg_entry *e, bool *changed);
/* patch: members of clients that are not named stay as they are. */
LG_CHECKED lg_err lg_state_read(struct lg_ctx *cx, lg_str json, bool patch, struct lg_state *ret);

#endif
