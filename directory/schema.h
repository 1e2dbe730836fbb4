/*
 * schema.h: attribute types, object classes, syntaxes and matching rules (RFC 4512, 4517), each a row of a constant table.
 *
 * Rows are constant for the life of the program, so pointers to them are compared and kept freely.  Ids stand in stored entries
 * and index keys: they are never changed and never used for something else.
 */
#ifndef LG_DIRECTORY_SCHEMA_H
#define LG_DIRECTORY_SCHEMA_H

#include "lightgate/directory.h"

#define LG_ARC		"2.25.169124027163646859624296101555687700209"	/* ours (X.667: no registration needed) */
#define LG_ATTR_IDS	512		/* ids are below; sets of attributes are bitmaps */
#define LG_ATTR_OWN	256		/* from here on: what tenants define (schema_own.h) */
#define LG_CLASS_IDS	256
#define LG_CLASS_OWN	128

/* Attributes the code speaks of by name. The others are known to the tables alone. */
enum lg_attr_id {
	LG_A_NONE = 0,
	LG_A_OBJECT_CLASS = 1, LG_A_ALIASED = 2,
	LG_A_CREATE_TIMESTAMP = 10, LG_A_MODIFY_TIMESTAMP, LG_A_CREATORS_NAME, LG_A_MODIFIERS_NAME, LG_A_SUBSCHEMA_SUBENTRY,
	LG_A_STRUCTURAL_OBJECT_CLASS, LG_A_ENTRY_UUID = 17, LG_A_ENTRY_CSN, LG_A_HAS_SUBORDINATES, LG_A_MEMBER_OF, LG_A_ENTRY_DN,
	LG_A_NAMING_CONTEXTS = 30, LG_A_ATTRIBUTE_TYPES = 40, LG_A_OBJECT_CLASSES = 41, LG_A_CN = 61, LG_A_SN = 62, LG_A_DC = 110, LG_A_O = 68, LG_A_OU = 69,
	LG_A_MEMBER = 87, LG_A_MEMBER_URL = 154, LG_A_USER_PASSWORD = 91, LG_A_UID = 105, LG_A_MAIL = 112, LG_A_UID_NUMBER = 160, LG_A_GID_NUMBER = 161,
	LG_A_LG_ENABLED = 200, LG_A_LG_PROJECT = 202, LG_A_LG_HOST = 203, LG_A_LG_IMAGE = 204, LG_A_LG_LABEL = 205,
	LG_A_LG_DIGEST = 206, LG_A_LG_SIGNED = 207, LG_A_LG_SCRAM = 208,
	LG_A_PWD_MIN_AGE = 211, LG_A_PWD_MAX_AGE, LG_A_PWD_IN_HISTORY, LG_A_PWD_CHECK_QUALITY, LG_A_PWD_MIN_LENGTH, LG_A_PWD_MAX_LENGTH,
	LG_A_PWD_EXPIRE_WARNING, LG_A_PWD_GRACE_LIMIT, LG_A_PWD_LOCKOUT, LG_A_PWD_LOCKOUT_DURATION, LG_A_PWD_MAX_FAILURE,
	LG_A_PWD_FAILURE_INTERVAL, LG_A_PWD_MUST_CHANGE, LG_A_PWD_ALLOW_CHANGE, LG_A_PWD_SAFE_MODIFY, LG_A_PWD_CHANGED, LG_A_PWD_LOCKED,
	LG_A_PWD_GRACE_USED, LG_A_PWD_RESET, LG_A_PWD_POLICY,
	LG_A_MONITOR_INFO = 235, LG_A_MONITOR_COUNTER, LG_A_MONITOR_COMPLETED, LG_A_MONITOR_TIMESTAMP
};

enum lg_attr_flag {
	LG_AF_SINGLE = 1,
	LG_AF_OPERATIONAL = 2,		/* returned by "+" or by name */
	LG_AF_READONLY = 4,		/* NO-USER-MODIFICATION */
	LG_AF_INDEXED = 8,		/* equality index: its normal forms stand in lg_table_equal */
	LG_AF_SECRET = 16,		/* the stored value is a blob id */
	LG_AF_REFERENCE = 32,		/* the stored value is an entry id */
	LG_AF_MEMBER = 64,		/* rows of lg_table_member */
	LG_AF_COMPUTED = 128,		/* made when it is read */
	LG_AF_STATE = 256		/* kept beside the entry's password (pwd_state.c); changed as an attribute of the entry */
};

/* ---- syntaxes ---------------------------------------------------------------------------------------------- */

enum lg_syntax_id {
	LG_SYN_DIRECTORY_STRING, LG_SYN_IA5, LG_SYN_PRINTABLE, LG_SYN_COUNTRY, LG_SYN_DN, LG_SYN_NAME_UID, LG_SYN_INTEGER,
	LG_SYN_BOOLEAN, LG_SYN_OID, LG_SYN_OCTETS, LG_SYN_TIME, LG_SYN_TELEPHONE, LG_SYN_NUMERIC, LG_SYN_POSTAL, LG_SYN_FAX,
	LG_SYN_BITS, LG_SYN_CERTIFICATE, LG_SYN_JPEG, LG_SYN_DELIVERY, LG_SYN_UUID, LG_SYN_CSN, LG_SYN_ATTRIBUTE_TYPE,
	LG_SYN_OBJECT_CLASS, LG_SYN_MATCHING_RULE, LG_SYN_RULE_USE, LG_SYN_SYNTAX, LG_SYN_NIS_TRIPLE, LG_SYNTAXES
};

struct lg_syntax {
	const char *oid, *description;
	bool (*check)(struct lg_arena *a, lg_str v);
};
extern const struct lg_syntax lg_syntaxes[LG_SYNTAXES];

/* ---- matching rules: a rule compares normal forms; what differs between rules is how the form is made ------------ */

enum lg_form {
	LG_FORM_NONE, LG_FORM_OCTETS, LG_FORM_CASE_IGNORE, LG_FORM_CASE_EXACT, LG_FORM_NUMERIC, LG_FORM_TELEPHONE, LG_FORM_LIST,
	LG_FORM_DN, LG_FORM_INTEGER, LG_FORM_BOOLEAN, LG_FORM_OID, LG_FORM_TIME, LG_FORM_UUID, LG_FORM_NAME_UID, LG_FORMS
};

enum lg_rule_kind { LG_RULE_EQUALITY, LG_RULE_ORDERING, LG_RULE_SUBSTRINGS, LG_RULE_IN_CHAIN };

enum lg_rule_id {
	LG_R_NONE, LG_R_OID, LG_R_DN, LG_R_CI, LG_R_CI_ORD, LG_R_CI_SUB, LG_R_CE, LG_R_CE_ORD, LG_R_CE_SUB, LG_R_NUM, LG_R_NUM_ORD,
	LG_R_NUM_SUB, LG_R_LIST, LG_R_LIST_SUB, LG_R_BOOL, LG_R_INT, LG_R_INT_ORD, LG_R_BITS, LG_R_OCT, LG_R_OCT_ORD, LG_R_TEL,
	LG_R_TEL_SUB, LG_R_NAME_UID, LG_R_TIME, LG_R_TIME_ORD, LG_R_CE_IA5, LG_R_CE_IA5_SUB, LG_R_CI_IA5, LG_R_CI_IA5_SUB, LG_R_UUID, LG_R_UUID_ORD,
	LG_R_IN_CHAIN, LG_RULES
};

struct lg_rule {
	const char *oid, *name;
	enum lg_rule_kind kind;
	enum lg_form form;
	enum lg_syntax_id syntax;	/* of assertion values */
};
extern const struct lg_rule lg_rules[LG_RULES];	/* [0] is no rule */

/* Where a piece of a substring assertion stands decides which of its outer blanks are significant (RFC 4518 2.6.1). */
enum lg_piece { LG_PIECE_WHOLE, LG_PIECE_INITIAL, LG_PIECE_ANY, LG_PIECE_FINAL };

/* The normal form of a value: equal forms are equal values, byte order is the rule's order.  False: no value of that form. */
bool lg_normal(struct lg_arena *a, enum lg_form form, lg_str v, lg_str *ret);
bool lg_normal_piece(struct lg_arena *a, enum lg_form form, enum lg_piece piece, lg_str v, lg_str *ret);
const struct lg_rule *lg_rule_find(lg_str name_or_oid);		/* NULL if unknown */

/* RFC 4518 for one string: mapped, folded when asked, blanks compressed.  False: bad UTF-8 or a prohibited character. */
bool lg_prepare(struct lg_arena *a, bool fold, enum lg_piece piece, lg_str v, lg_str *ret);

/* ---- attribute types --------------------------------------------------------------------------------------------- */

struct lg_attr {
	uint16_t id;
	const char *oid;
	const char *names;		/* separated by blanks; the first is the one we write */
	uint16_t sup;			/* id of the type it is a subtype of, 0 for none */
	enum lg_syntax_id syntax;
	enum lg_rule_id equality, ordering, substrings;
	unsigned flags;
};
extern const struct lg_attr lg_attrs[];
extern const size_t lg_nattrs;

const struct lg_attr *lg_attr_find(lg_str name_or_oid);	/* without options (";binary" is taken off); NULL if unknown */
const struct lg_attr *lg_attr_of(unsigned id);			/* NULL if there is none */
lg_str lg_attr_name(const struct lg_attr *at);
bool lg_attr_is(const struct lg_attr *at, const struct lg_attr *super);	/* the same or a subtype */
bool lg_attr_has_subtypes(const struct lg_attr *at);
static inline enum lg_form
lg_attr_form(const struct lg_attr *at)
{
	return lg_rules[at->equality].form;
}

/* A set of attribute types. */
struct lg_attr_set {
	uint64_t bits[LG_ATTR_IDS / 64];
};
static inline bool
lg_attr_in(const struct lg_attr_set *s, unsigned id)
{
	return (s->bits[id / 64] >> (id % 64) & 1) != 0;
}
static inline void
lg_attr_put(struct lg_attr_set *s, unsigned id)
{
	s->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

/* ---- object classes ------------------------------------------------------------------------------------------------ */

enum lg_class_kind {
	LG_CLASS_ABSTRACT, LG_CLASS_STRUCTURAL, LG_CLASS_AUXILIARY,
	LG_CLASS_BESIDE			/* structural by itself (RFC 2307), auxiliary beside another (RFC 2307bis) */
};

#define LG_EXTENSIBLE_OBJECT "1.3.6.1.4.1.1466.101.120.111"	/* RFC 4512 4.3: any user attribute may be in the entry */

struct lg_class {
	const char *oid;
	const char *names;
	const char *sup;		/* name; NULL for top */
	enum lg_class_kind kind;
	enum lg_entry_type type;	/* of entries with this structural class; inherited when CONTAINER */
	const char *must, *may;		/* names separated by blanks */
};
extern const struct lg_class lg_classes[];
extern const size_t lg_nclasses;

const struct lg_class *lg_class_find(lg_str name_or_oid);	/* NULL if unknown */
const struct lg_class *lg_class_sup(const struct lg_class *c);	/* NULL for top */
bool lg_class_is(const struct lg_class *c, const struct lg_class *super);
static inline bool
lg_class_structural(const struct lg_class *c)
{
	return c->kind == LG_CLASS_STRUCTURAL || c->kind == LG_CLASS_BESIDE;
}
lg_str lg_class_name(const struct lg_class *c);
enum lg_entry_type lg_class_type(const struct lg_class *c);
/* What the class and its superclasses require and allow (allow includes require). */
const struct lg_attr_set *lg_class_must(const struct lg_class *c);
const struct lg_attr_set *lg_class_may(const struct lg_class *c);

/* ---- how an entry of a Cedar type usually looks -------------------------------------------------------------------------- */

struct lg_type_form {
	const char *name;		/* "User" */
	const char *container;		/* "ou=people"; NULL: not made by lg_entry_create */
	uint16_t naming;		/* attribute whose value is the entry's name; 0: it has none */
	const char *classes;		/* separated by blanks */
};
extern const struct lg_type_form lg_type_forms[LG_TYPES];

/* The next word of a list separated by blanks; false at its end. */
bool lg_word_next(const char **list, lg_str *word);

#endif
