/*
 * directory.h: the home of all entries, and LDAPv3 over them.
 *
 * Three parts.  *Entries*: found, read and seen as Cedar entities through a view; this is what the other components' ports
 * are filled with.  *Edits*: changes inside a mutation, checked against the schema.  *LDAP*: a connection as a state machine
 * that takes received bytes and gives bytes to send; sockets, TLS and threads belong to the caller.
 */
#ifndef LIGHTGATE_DIRECTORY_H
#define LIGHTGATE_DIRECTORY_H

#include "base/decide.h"
#include "lightgate/keeper.h"
#include "lightgate/store.h"

/* ---- limits: what a client can make grow ------------------------------------------------------------------- */

#define LG_DN_MAX		4096		/* octets of a DN as text */
#define LG_DN_RDNS		64
#define LG_RDN_AVAS		8
#define LG_ENTRY_VALUES		16384		/* values of one entry, members apart */
#define LG_ENTRY_BYTES		(1u << 20)	/* of one encoded entry, members apart */
#define LG_GROUPS_MAX		4096		/* groups of one entry, nested ones included */
#define LG_LIST_MAX		1000		/* entries of one page of lg_entry_list */

#define LG_LDAP_PDU_FIRST	(256u << 10)	/* before a bind has succeeded */
#define LG_LDAP_PDU_BOUND	(4u << 20)
#define LG_LDAP_OPERATIONS	64		/* in flight on one connection; then reading pauses */
#define LG_LDAP_UNSENT		(1u << 20)	/* octets waiting to be sent; then its operations pause */
#define LG_LDAP_SLICE_BYTES	(256u << 10)	/* of one slice of a search */
#define LG_LDAP_SLICE_NS	1000000		/* a slice ends after 1 ms */
#define LG_LDAP_FIRST_PDU_US	10000000	/* the first request must be whole after 10 s */
#define LG_UNINDEXED_TELL	1000		/* entries looked at without an index: the operator is told */
#define LG_UNINDEXED_MAX	1000000		/* and the search ends with adminLimitExceeded */
#define LG_FILTER_DEPTH		64
#define LG_FILTER_TERMS		4096
#define LG_LDAP_ATTRIBUTES	1024		/* asked for by one search */
#define LG_LDAP_CONTROLS	32
#define LG_TREE_DELETE		2000		/* entries below one that is deleted with them */

/* ---- opening ----------------------------------------------------------------------------------------------- */

struct lg_entry;
struct lg_directory;

/* For logs, metrics and cn=Monitor: operations by type, entries sent, refusals, connections begun. */
struct lg_ldap_counts {
	uint64_t binds, searches, compares, adds, modifies, deletes, renames, extended, entries, refused, connections;
};
/* Of the service as a whole. */
struct lg_figures {
	struct lg_ldap_counts counts;
	uint64_t connections;		/* open */
	int64_t started, uptime;	/* microseconds */
};

struct lg_directory_ports {
	const struct lg_decider *decider;	/* both NULL: nobody is served (tools) */
	const struct lg_hasher *hasher;
	const struct lg_signer *signer;		/* data_key: password verifiers are sealed under it */
	void *self;
	/* The entry a verified client certificate (DER) names; LG_E_NOT_FOUND if none.  May be NULL: no certificate logs in. */
	lg_err (*certificate_entry)(void *self, struct lg_ctx *cx, struct lg_view *v, lg_str der, struct lg_entry *ret);
	/* Inside the mutation that disables an entry, replaces or removes its password, or (deleted) the entry: what was obtained with it
	 * ends.  By whichever way the change comes.  May be NULL. */
	lg_err (*credential_ended)(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool deleted);
	/* Guessing is made slow: may a password of this account (its entryUUID, or the name that nobody has) be looked at, and was it
	 * right?  LG_E_LIMIT: not now.  NULL both, or neither. */
	lg_err (*attempt_may)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account);
	void (*attempt_done)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account, bool good);
	/* Inside the mutation, after somebody was deleted, disabled, left without a password or taken out of a group.  An error
	 * undoes it.  May be NULL. */
	lg_err (*rights_taken)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant);
	/* Is a new password in the operator's list of those that are known?  May be NULL. */
	bool (*password_breached)(void *self, lg_str password);
	/* A search looked at many entries for want of an index on `attribute`: for the operator's log.  May be NULL. */
	void (*unindexed)(void *self, const struct lg_actor *who, lg_str base, lg_str attribute, uint64_t looked);
	/* For cn=Monitor.  NULL: there is none. */
	void (*figures)(void *self, struct lg_figures *ret);
};

/* All tables of the directory, for lg_store_options. Their ids are 0x0101 to 0x01ff. */
extern const struct lg_table *const lg_directory_tables[];
extern const size_t lg_directory_ntables;

/* Keeps st and the ports, which must outlive it.  The directory itself holds no state that changes: threads share it. */
LG_CHECKED lg_err lg_directory_open(struct lg_ctx *cx, struct lg_store *st, const struct lg_directory_ports *ports, struct lg_directory **ret);
/* For tools without a directory: what index rows follow from (definitions, chosen indexes) is what the store says.  lg_directory_open
 * does it by itself. */
LG_CHECKED lg_err lg_directory_follow(struct lg_ctx *cx, struct lg_store *st);
/* Looks at every entry, membership and password's row: `fault` is told what the rules do not allow.  For tools. */
typedef void lg_directory_fault(void *arg, lg_str what);
LG_CHECKED lg_err lg_directory_check(struct lg_ctx *cx, struct lg_store *st, lg_directory_fault *fault, void *arg, uint64_t *rows);
void lg_directory_close(struct lg_directory **dir);

/* ---- tenants: naming contexts ------------------------------------------------------------------------------- */

struct lg_tenant {
	uint32_t id;
	lg_str name;			/* "default" */
	lg_str suffix;			/* "dc=example,dc=org", as written at creation */
	lg_uuid uuid;			/* of the suffix entry: the Cedar entity Tenant */
};
/* Inside a mutation: the tenant's row, its suffix entry and the containers (ou=people, ...).  LG_E_EXISTS: id, name or suffix is taken,
 * or the suffix lies above or below another's. */
LG_CHECKED lg_err lg_tenant_add(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, uint32_t id, lg_str name, lg_str suffix);
LG_CHECKED lg_err lg_tenant_get(struct lg_ctx *cx, struct lg_view *v, uint32_t id, struct lg_tenant *ret);
LG_CHECKED lg_err lg_tenant_by_name(struct lg_ctx *cx, struct lg_view *v, lg_str name, struct lg_tenant *ret);
/* All of them, in cx's arena. */
LG_CHECKED lg_err lg_tenant_list(struct lg_ctx *cx, struct lg_view *v, struct lg_tenant **ret, size_t *n);

/* ---- entries: reading ------------------------------------------------------------------------------------------
 * A struct lg_entry is a decoded header over the row in the view: it dies with the view, and finding one allocates nothing.
 */

/* The Cedar type of an entry, which follows from its structural object class. */
enum lg_entry_type {
	LG_TYPE_CONTAINER = 0,		/* organisational units and whatever is no Cedar entity */
	LG_TYPE_TENANT, LG_TYPE_USER, LG_TYPE_GROUP, LG_TYPE_SERVICE, LG_TYPE_HOST, LG_TYPE_PROJECT, LG_TYPE_WORKLOAD,
	LG_TYPE_IMAGE, LG_TYPE_NETWORK, LG_TYPE_CLIENT, LG_TYPES
};
lg_str lg_type_name(enum lg_entry_type t);			/* "User"; "Container" */
bool lg_type_parse(lg_str name, enum lg_entry_type *ret);	/* exact spelling */

struct lg_entry {
	uint32_t tenant;
	uint64_t id;			/* the store's: never used twice */
	uint64_t parent;		/* 0: the suffix */
	lg_uuid uuid;
	enum lg_entry_type type;
	bool enabled;			/* lgEnabled is not FALSE */
	lg_str name;			/* unique per type and tenant; empty where the type has none */
	lg_str rdn;			/* as text; the whole suffix for the suffix entry */
	lg_str rdn_normal;		/* as it is compared */
	int64_t created, modified;
	lg_uuid creator, modifier;	/* nil: the service itself */
	uint64_t stamp;			/* of the last change: rises */
	lg_str body;			/* encoded attributes */
};

/* Each gives LG_E_NOT_FOUND without a sentence when there is none. */
LG_CHECKED lg_err lg_entry_by_id(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, struct lg_entry *ret);
LG_CHECKED lg_err lg_entry_by_uuid(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid uuid, struct lg_entry *ret);
LG_CHECKED lg_err lg_entry_by_name(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str name, struct lg_entry *ret);
/* A DN in text; its suffix names the tenant.  LG_E_INVALID: it does not parse. */
LG_CHECKED lg_err lg_entry_by_dn(struct lg_ctx *cx, struct lg_view *v, lg_str dn, struct lg_entry *ret);
/* A person's uid or, when it has an '@', mail address.  Two people of one address: LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_entry_by_login(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str login, struct lg_entry *ret);
LG_CHECKED lg_err lg_entry_by_uid_number(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, int64_t number, struct lg_entry *ret);

lg_str lg_dn_escaped(struct lg_arena *a, lg_str value);	/* a value as it stands in a DN (RFC 4514 2.4) */
LG_CHECKED lg_err lg_entry_dn(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str *ret);

/* Attributes as they are stored, named by any name or OID of the schema; computed ones (memberOf, member, references as DNs) are
 * LDAP's.  `i` counts from 0; false when there is no such value. */
bool lg_entry_value(const struct lg_entry *e, lg_str attribute, size_t i, lg_str *ret);
/* Attributes whose value is an entry (lgProject, lgHost, lgImage): the entry, LG_E_NOT_FOUND when there is none (any more). */
LG_CHECKED lg_err lg_entry_reference(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str attribute, size_t i, struct lg_entry *ret);

/* Entries of one type whose name starts with prefix, by name.  after: the last name of the page before, or empty.  *more says that
 * there are further ones. */
LG_CHECKED lg_err lg_entry_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str prefix, lg_str after,
    size_t limit, struct lg_entry **ret, size_t *n, bool *more);

/* ---- entries: as Cedar entities -------------------------------------------------------------------------------- */

/* One attribute of the Cedar schema (name, enabled, mail, project, image, host, labels, digest, signed).  LG_E_NOT_FOUND without a
 * sentence: the entry has none. */
LG_CHECKED lg_err lg_entry_fact(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str name, struct lg_fact *ret);
/* Is the entity `above` (a Group, Project or the Tenant) a proper ancestor of e? */
LG_CHECKED lg_err lg_entry_within(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_uuid above, bool *ret);
/* Direct parents: groups, project(s), tenant. */
LG_CHECKED lg_err lg_entry_parents(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_entity_id **ret, size_t *n);
/* All proper ancestors, each once.  LG_E_LIMIT beyond LG_GROUPS_MAX. */
LG_CHECKED lg_err lg_entry_ancestors(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_entity_id **ret, size_t *n);
static inline struct lg_entity_id
lg_entry_entity(const struct lg_entry *e)
{
	return (struct lg_entity_id){ lg_type_name(e->type), e->uuid, e->name };
}

/* ---- indexes -----------------------------------------------------------------------------------------------------------
 * Some attributes are always indexed by equality; others are chosen while the service runs.
 */

enum lg_index_state { LG_INDEX_ALWAYS, LG_INDEX_BUILDING, LG_INDEX_USED, LG_INDEX_DROPPED };
struct lg_index {
	lg_str attribute;
	const char *kind;		/* equality (and ordering), presence, substring */
	enum lg_index_state state;
	uint64_t done;			/* while it is built: ids up to this one are in it */
};
LG_CHECKED lg_err lg_index_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_index **ret, size_t *n);
struct lg_edit;
/* Inside a mutation.  LG_E_EXISTS, LG_E_NOT_FOUND: it is so already. */
LG_CHECKED lg_err lg_index_choose(struct lg_ctx *cx, struct lg_edit *ed, lg_str attribute, lg_str kind, bool on);
/* How many are being built or removed: their rows are not all there, or not all gone. */
LG_CHECKED lg_err lg_index_pending(struct lg_ctx *cx, struct lg_store *st, size_t *ret);
/* One step of what is to be built or removed; on a worker, no view open.  *more: call again. */
LG_CHECKED lg_err lg_index_work(struct lg_ctx *cx, struct lg_directory *dir, bool *more);

/* ---- membership ---------------------------------------------------------------------------------------------------- */

/* Groups that hold the entry, directly or (nested) through other groups.  Ids, ascending, in cx's arena. */
LG_CHECKED lg_err lg_entry_groups(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool nested, uint64_t **ret, size_t *n);
LG_CHECKED lg_err lg_entry_is_member(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, const struct lg_entry *group, bool *ret);
/* Direct members of a group, by id, beginning after `after` (0: the first). */
LG_CHECKED lg_err lg_group_members(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *group, uint64_t after, size_t limit,
    struct lg_entry **ret, size_t *n);

/* ---- edits: only inside a mutation ------------------------------------------------------------------------------------
 * Schema, syntax, names and references are checked here; rights are not: the caller has decided.
 */

struct lg_edit {
	struct lg_directory *dir;
	struct lg_view *v;
	uint32_t tenant;
	int result;			/* LDAP result code of a failure, for those who answer in LDAP */
	lg_str matched;			/* matchedDN of a failure */
	int password_error;		/* of the password policy, as its control says it, plus one; 0: none */
	bool relax;			/* a change may say what is made here otherwise (entryUUID, createTimestamp), and make it a thing of
					 * another structural class */
	bool members_follow;		/* an entry that is added gets members in the same change */
	bool rehash;			/* a new verifier is of the same password: nothing ends, nothing is remembered */
};
static inline struct lg_edit
lg_edit_of(struct lg_directory *dir, struct lg_view *v, uint32_t tenant)
{
	return (struct lg_edit){ .dir = dir, .v = v, .tenant = tenant };
}

struct lg_values {
	lg_str attribute;		/* any name or OID */
	const lg_str *v;
	size_t n;
};
enum lg_modify { LG_MODIFY_ADD = 0, LG_MODIFY_DELETE = 1, LG_MODIFY_REPLACE = 2, LG_MODIFY_INCREMENT = 3 };	/* RFC 4511, RFC 4525 */
struct lg_modification {
	enum lg_modify kind;
	struct lg_values values;
};

/* values include objectClass.  userPassword must be a verifier already. */
LG_CHECKED lg_err lg_entry_add(struct lg_ctx *cx, struct lg_edit *ed, lg_str dn, const struct lg_values *values, size_t n, struct lg_entry *ret);
/* The usual entry of a type in its usual container: "User", "alice" becomes uid=alice,ou=people,<suffix> with the usual object classes;
 * what the classes require and `values` lacks (cn, sn) is filled from the name.  The name must be [A-Za-z0-9._-]{1,64}. */
LG_CHECKED lg_err lg_entry_create(struct lg_ctx *cx, struct lg_edit *ed, enum lg_entry_type type, lg_str name, const struct lg_values *values,
    size_t n, struct lg_entry *ret);
/* e is read again, as it is after the change.  *changed (may be NULL): false when the entry was like that before; nothing is written then. */
LG_CHECKED lg_err lg_entry_modify(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, const struct lg_modification *mods, size_t n,
    bool *changed);
/* LG_E_CONFLICT when it has entries below it.  Its memberships and its password go with it. */
LG_CHECKED lg_err lg_entry_delete(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e);
/* superior: NULL keeps the place.  Entries below move along; their rows are not touched. */
LG_CHECKED lg_err lg_entry_rename(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, lg_str rdn, bool delete_old,
    const struct lg_entry *superior);
/* LG_E_EXISTS: is a member already; LG_E_NOT_FOUND: is none; LG_E_INVALID: no group, or group would hold itself. */
LG_CHECKED lg_err lg_member_add(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member);
LG_CHECKED lg_err lg_member_del(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member);

/* ---- password verifiers ----------------------------------------------------------------------------------------------------- */

/* verifier: "{ARGON2}..." as lg_hasher made it; empty removes it.  Sealed for this entry; the log holds an id and a digest. */
LG_CHECKED lg_err lg_entry_set_verifier(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, lg_str verifier);
/* Opened into cx's arena, which is wiped; LG_E_NOT_FOUND when the entry has none. */
/* Its second line, if the hasher made one, is kept only if the tenant's suffix entry says lgScram: TRUE. */
LG_CHECKED lg_err lg_entry_verifier(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, lg_str *ret);
bool lg_entry_has_verifier(const struct lg_entry *e);

/* ---- passwords under the tenant's policy: on a worker, no view open ------------------------------------------------------------ */

/* The verifier of a new password, if the policy of the entry takes it: LG_E_INVALID or LG_E_DENIED with the reason. */
LG_CHECKED lg_err lg_password_make(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, const struct lg_secret *password,
    bool old_given, lg_str *verifier);
/* How many characters the policy wants a new password of this entry to have at least; 0: any number. */
LG_CHECKED lg_err lg_password_least(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, int64_t *ret);
/*
 * After `verifier` has been compared with a password that was given: counts a wrong one, locks, renews an old form of verifier, records.
 * LG_OK: signed in.  LG_E_UNAUTHENTICATED: wrong, or locked.  LG_E_EXPIRED: right, but it must be changed first.
 */
LG_CHECKED lg_err lg_password_settle(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, lg_str address, lg_str verifier,
    const struct lg_secret *password, bool match, bool upgrade);

/* What the policy keeps of an entry's password, for those who administer it.  Times are 0 when there is none. */
struct lg_password_facts {
	int64_t changed, expires, locked;
	bool reset;
	bool by_hand;			/* an administrator locked it, not wrong passwords */
};
LG_CHECKED lg_err lg_password_facts(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_password_facts *ret);

/* ---- LDIF: many entries at once ----------------------------------------------------------------------------------------------- */

struct lg_ldif_counts {
	uint64_t records, entries, members;
	uint64_t there;			/* entries that were there before: left as they are */
	uint64_t faults;		/* records and members that were passed over */
	uint64_t hashed;		/* passwords that came in clear */
};
enum lg_ldif_origin { LG_LDIF_AS_IS, LG_LDIF_OPENLDAP, LG_LDIF_AD };	/* whose names are mapped to ours (ldif_map.c) */
bool lg_ldif_origin_parse(lg_str name, enum lg_ldif_origin *ret);	/* "openldap", "ad" */

struct lg_ldif_options {
	uint32_t tenant;
	enum lg_ldif_origin origin;
	bool carry_on;			/* a fault costs its record; otherwise it ends all */
	bool keep;			/* into a store that is served: entryUUID and times as they come, by relaxed rules */
	void *arg;
	/* Up to `size` octets of the LDIF; *n 0 at its end. */
	lg_err (*read)(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n);
	/* What a value "attribute:< URL" stands for.  NULL: refused. */
	lg_err (*url)(void *arg, struct lg_ctx *cx, lg_str url, lg_str *ret);
	/* The stored form of a password that came in clear. */
	lg_err (*hash)(void *arg, struct lg_ctx *cx, lg_str password, lg_str *ret);
	void (*fault)(void *arg, const char *why);	/* "line 12: ..." */
	void (*progress)(void *arg, const struct lg_ldif_counts *c);
};
/*
 * A piece of LDIF (o->read) into a store that is served: on a worker, no view open.  Each entry is an add of its own: decided by policy
 * for cx's actor, on record, there or not.  What a record names that is not there (yet) puts it off, unless this is the last time: then it
 * is a fault.  An error means that not all of it was taken; to do it again is harmless, since entries that are there are left as they are.
 */
#define LG_LDIF_TAKE		512		/* records of one piece */
struct lg_ldif_fault {
	uint64_t line;			/* of the record's dn in the piece, from 1 */
	lg_str why;
};
struct lg_ldif_taken {
	uint64_t entries, there, hashed;
	uint64_t *later;		/* lines of records to be given again */
	size_t nlater;
	struct lg_ldif_fault *fault;
	size_t nfaults;
};
LG_CHECKED lg_err lg_ldif_take(struct lg_ctx *cx, struct lg_directory *dir, const struct lg_ldif_options *o, bool last,
    struct lg_ldif_taken *ret);
/* The next entries at or below base (empty: the suffix), parents first, as far as cx's actor may read them.  *at: the last one of the page
 * before, nil at first; afterwards the last one of this page, nil when none follows.  LG_E_CONFLICT: it is gone. */
#define LG_LDIF_PAGE		1000		/* entries */
#define LG_LDIF_PAGE_BYTES	(1u << 20)
LG_CHECKED lg_err lg_ldif_page(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, uint32_t tenant, lg_str base, lg_uuid *at,
    struct lg_buf *out);
/* One entry as LDIF, a blank line behind it; with its entryUUID and times, so that a load gives the same again.  secrets: its verifier too. */
LG_CHECKED lg_err lg_ldif_entry(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, bool secrets,
    struct lg_buf *out);
/* The next entry of a subtree, parents before children; e's id 0: its top.  LG_E_NOT_FOUND after the last. */
LG_CHECKED lg_err lg_tree_next(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *top, struct lg_entry *e);
/* Entries into a store that nobody serves (lg_load_new), parents before children, groups in any place.  Rights are not asked for. */
LG_CHECKED lg_err lg_bulk_load(struct lg_ctx *cx, struct lg_directory *dir, const struct lg_ldif_options *o, struct lg_ldif_counts *ret);

/* ---- LDAP: what the connections of one loop share --------------------------------------------------------------------------- */

struct lg_ldap;			/* used by one thread */

struct lg_ldap_options {
	struct lg_directory *dir;
	struct lg_mailbox *mailbox;	/* of the loop: the store's replies come through it */
	uint32_t tenant;		/* of UNIX peers */
	uint32_t size_limit;		/* entries of one search; 0: none */
	uint32_t time_limit;		/* seconds; 0: none */
};
struct lg_ldap *lg_ldap_new(const struct lg_ldap_options *o);
void lg_ldap_free(struct lg_ldap **l);	/* after its connections and their last replies */
size_t lg_ldap_outstanding(const struct lg_ldap *l);	/* replies of hasher and store still to come, closed connections' included */

/* ---- LDAP: one connection ------------------------------------------------------------------------------------------------------
 *
 *	received bytes  -> lg_ldap_feed
 *	each turn       -> lg_ldap_run, which says what the connection wants
 *	lg_ldap_output  -> send -> lg_ldap_sent
 *
 * Everything happens on the loop's thread.  When the reply to a pending operation has arrived, or when enough has been sent for a
 * connection that paused at LG_LDAP_UNSENT, `wake` is called (from lg_ldap_sent too), and the loop runs the connection again in
 * this turn or the next.
 */
struct lg_ldap_conn;

struct lg_ldap_peer {
	char address[64];		/* "10.0.0.7:4711" */
	bool loopback;			/* 127.0.0.0/8, ::1 or a UNIX socket: passwords may come in clear */
	bool tls;
	lg_str cert;			/* DER of the verified client certificate; copied */
	bool has_exporter;		/* channel bindings: tls-exporter (RFC 9266), tls-server-end-point (RFC 5929) */
	uint8_t exporter[32], end_point[64];
	unsigned nend_point;		/* octets; 0: none */
	int64_t uid, gid, pid;		/* of a UNIX peer; -1 otherwise */
};

enum lg_ldap_wants {			/* bits */
	LG_LDAP_READ = 1,		/* more bytes are welcome */
	LG_LDAP_WRITE = 2,		/* lg_ldap_output has something */
	LG_LDAP_RUN = 4,		/* a search continues: call lg_ldap_run again after the others' turn */
	LG_LDAP_START_TLS = 8,		/* send the output, then do the handshake, then lg_ldap_secured */
	LG_LDAP_CLOSE = 16		/* send the output, then close and free */
};

struct lg_ldap_conn *lg_ldap_conn_new(struct lg_ldap *l, const struct lg_ldap_peer *peer, void (*wake)(void *arg), void *arg);
void lg_ldap_conn_free(struct lg_ldap_conn **c);	/* at any time; what is outstanding is dropped when it comes back */
/* Takes all of it, up to one PDU's limit beyond what is unread: feed at most 64 KiB while LG_LDAP_READ is wanted. */
void lg_ldap_feed(struct lg_ldap_conn *c, lg_str bytes);
unsigned lg_ldap_run(struct lg_ldap_conn *c);
lg_str lg_ldap_output(const struct lg_ldap_conn *c);	/* valid until the next call */
void lg_ldap_sent(struct lg_ldap_conn *c, size_t n);
/* After the handshake that LG_LDAP_START_TLS asked for: whom it showed. */
void lg_ldap_secured(struct lg_ldap_conn *c, const struct lg_ldap_peer *peer);
/* Notice of disconnection (RFC 4511 4.4.1), then LG_LDAP_CLOSE: shutdown (52 unavailable), idle. */
void lg_ldap_conn_stop(struct lg_ldap_conn *c, int code, lg_str why);
/* For the loop's timers: microseconds of CLOCK_BOOTTIME after which it should be stopped, 0 for never. */
int64_t lg_ldap_deadline(const struct lg_ldap_conn *c);
void lg_ldap_counts(const struct lg_ldap *l, struct lg_ldap_counts *ret);

#endif
