/*
 * edit.h: an entry being changed.  It is taken apart into a draft, changed there, checked against the schema as a whole and
 * written back; memberships have rows of their own and are changed directly.
 */
#ifndef LG_DIRECTORY_EDIT_H
#define LG_DIRECTORY_EDIT_H

#include "directory/dn.h"
#include "directory/entry.h"
#include "directory/result.h"

struct lg_draft_attr {
	const struct lg_attr *attr;
	lg_str *v;			/* as stored */
	size_t n, size;
};

struct lg_draft {
	struct lg_entry e;		/* header; name, type and body are made when it is written */
	struct lg_rdn rdn;
	struct lg_draft_attr *attr;
	size_t n, size;
	bool has_members;		/* after the change; groups only */
	const struct lg_class *structural;	/* set by the check */
	/* as a relaxed change gives them: */
	lg_str claimed;			/* structuralObjectClass; empty: not given */
	int64_t modified;		/* 0: now */
	lg_uuid modifier;		/* nil: whoever does it */
};

void lg_draft_open(struct lg_ctx *cx, const struct lg_entry *e, struct lg_draft *ret);
struct lg_draft_attr *lg_draft_find(struct lg_draft *d, const struct lg_attr *at);	/* NULL if it has none */
/* v is kept. */
void lg_draft_put(struct lg_ctx *cx, struct lg_draft *d, const struct lg_attr *at, lg_str v);
/* The values of an RDN belong to the entry (RFC 4511 4.7, 4.9): those it lacks are put in. */
void lg_draft_name(struct lg_ctx *cx, struct lg_draft *d, const struct lg_rdn *rdn);
void lg_draft_clear(struct lg_draft *d, const struct lg_attr *at);

/* A value from outside as it is stored: syntax checked, references resolved, verifiers sealed. */
LG_CHECKED lg_err lg_value_store(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_attr *at, lg_str v, lg_str *ret);
/* Finds the type: 17 when unknown, 19 when it is not for users to change. */
LG_CHECKED lg_err lg_attr_for_write(struct lg_ctx *cx, struct lg_edit *ed, lg_str name, const struct lg_attr **ret);
/* The values of a request by themselves (17, 2, 21, 19, 20), whatever the entry is. */
LG_CHECKED lg_err lg_values_check(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_values *values, enum lg_modify kind);
/* The entry that a DN names in this tenant: member and reference values. */
LG_CHECKED lg_err lg_value_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, lg_str dn, struct lg_entry *ret);

/* The whole draft against the schema; fills in superclasses, type, name and enabled. */
LG_CHECKED lg_err lg_draft_check(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d);
LG_CHECKED lg_err lg_draft_body(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d, lg_str *ret);	/* its attributes, encoded */
/* Encodes and writes; *ret (may be d's own header) is the entry as it stands now. */
LG_CHECKED lg_err lg_draft_write(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, struct lg_entry *ret);

/* Attributes that are made here unless the rules are relaxed. */
bool lg_is_relaxed(const struct lg_attr *at);
LG_CHECKED lg_err lg_relaxed_take(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, lg_str v);
LG_CHECKED lg_err lg_relaxed_modify(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at,
    const struct lg_modification *mod);
/* The checked draft is what was said of it. */
LG_CHECKED lg_err lg_relaxed_check(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d);
/* As well, and e may become it, which another identity or type is not always; what follows from that. */
LG_CHECKED lg_err lg_relaxed_before(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d, const struct lg_entry *e);

/* Adds an entry under a parent that is known (0: a suffix). */
LG_CHECKED lg_err lg_entry_insert(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_dn *dn, uint64_t parent, const struct lg_values *values,
    size_t n, struct lg_entry *ret);
/* May entries stand below this one? */
LG_CHECKED lg_err lg_parent_check(struct lg_ctx *cx, struct lg_edit *ed, uint64_t id);
/* A membership without the group's stamps: for those who write the group anyway. */
LG_CHECKED lg_err lg_member_put(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member);
/* A group shows something else than before: its stamps say so. */
LG_CHECKED lg_err lg_group_touch(struct lg_ctx *cx, struct lg_edit *ed, uint64_t group);
/* The usual container of a type, made if it is not there. */
LG_CHECKED lg_err lg_container_make(struct lg_ctx *cx, struct lg_edit *ed, enum lg_entry_type type, struct lg_entry *ret);
/* Somebody can do less now: may that be? */
LG_CHECKED lg_err lg_rights_taken(struct lg_ctx *cx, struct lg_edit *ed);
/* The blob of an entry's userPassword goes, and what was obtained with it; fine if there is none. */
LG_CHECKED lg_err lg_secret_drop(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool deleted);

#endif
