/* world.h: a directory over a store in a folder of its own, with a decider, a hasher and a signer that tests can steer. */
#ifndef TESTS_DIRECTORY_WORLD_H
#define TESTS_DIRECTORY_WORLD_H

#include <criterion/criterion.h>

#include "lightgate/directory.h"

#define SUFFIX "dc=example,dc=org"

/* One thing the decider denies; empty fields match everything. */
struct denial {
	const char *action, *attribute, *class, *dn;
};

struct pending_hash {
	lg_hash_done *done;
	lg_hash_made *made;
	void *arg;
	bool match, upgrade, used;
	char stored[512];
};

struct world {
	char dir[200], store_dir[260], archive[260];
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_store *store;
	struct lg_directory *dirp;
	struct lg_mailbox *mailbox;
	struct lg_decider decider;
	struct lg_hasher hasher;
	struct lg_signer signer;
	struct lg_directory_ports ports;
	struct lg_secret key;
	/* steering */
	struct denial deny[8];
	size_t ndeny;
	bool unstable, particular;	/* verdicts are not to be memoised; not general */
	uint64_t policy;		/* revision of the denials */
	unsigned asked;			/* questions so far */
	unsigned taken;			/* rights, as the port was told */
	bool refuse_taking;
	unsigned right, wrong;		/* attempts, as the port was told */
	bool refuse_attempts;
	unsigned ended, deleted;	/* credentials, entries that the port was told of */
	lg_uuid cert_entry;		/* what every certificate maps to */
	uint64_t unindexed;		/* entries looked at without an index, as the port was told */
	lg_str unindexed_by;
	struct lg_figures figures;	/* what cn=Monitor shows */
	bool busy;			/* the hasher's queue is full */
	bool scram;			/* it makes SCRAM verifiers too */
	struct pending_hash hash[64];
	size_t nhash;
	unsigned wasted;		/* verifications against nobody */
};

void world_start(struct world *w);	/* opens it; tenant 1 with SUFFIX */
void world_end(struct world *w);
void world_hash(struct world *w);	/* finishes the password work that waits */
/* Waits until the store has answered and delivers everything. */
void world_drain(struct world *w);

/* Text is LDIF without dn: "sn: Smith\nuid: a".  Each is one mutation; the LDAP result code. */
int world_add(struct world *w, const char *dn, const char *ldif);
/* "add: sn\nsn: x\n-\nreplace: cn\ncn: y" */
int world_modify(struct world *w, const char *dn, const char *ldif);
int world_delete(struct world *w, const char *dn);
int world_rename(struct world *w, const char *dn, const char *rdn, bool delete_old, const char *superior);
/* With a SCRAM verifier on a second line, as the service's hasher makes it. */
lg_err world_scram(struct world *w, const char *dn, const char *password);
lg_err world_password(struct world *w, const char *dn, const char *password);
lg_err world_create(struct world *w, enum lg_entry_type type, const char *name, const char *ldif, struct lg_entry *ret);
lg_err world_member(struct world *w, const char *group, const char *member, bool add);
lg_err world_tenant(struct world *w, uint32_t id, const char *name, const char *suffix);
/* alice, bob (people, password "secret"), staff (group: alice, admins), admins (group: bob). */
void world_people(struct world *w);

/* The entry, asserted. */
struct lg_entry world_entry(struct world *w, const char *dn);
bool world_has(struct world *w, const char *dn);
const char *world_value(struct world *w, const char *dn, const char *attribute);	/* the first, or "" */

extern _Thread_local struct lg_view *world_view;	/* begun by the helpers above, ended by world_unview */
void world_unview(struct world *w);

#define assert_ok(w, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, LG_OK, "%s: %s (%s)", #call, lg_err_name(e_), (w)->cx.error); \
	} while (0)
#define assert_err(w, want, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, (want), "%s: %s (%s), not %s", #call, lg_err_name(e_), (w)->cx.error, lg_err_name(want)); \
	} while (0)
#define assert_result(w, want, call) do { \
		int r_ = (call); \
		cr_assert_eq(r_, (want), "%s: %d (%s), not %d", #call, r_, (w)->cx.error, (want)); \
	} while (0)

#endif
