/* wire.h: a client of one connection, in bytes: requests are written and answers read with the same BER as the server's. */
#ifndef TESTS_DIRECTORY_WIRE_H
#define TESTS_DIRECTORY_WIRE_H

#include "directory/ber.h"
#include "directory/schema.h"
#include "tests/directory/world.h"

struct wire {
	struct world *w;
	struct lg_ldap *l;
	struct lg_ldap_conn *c;
	struct lg_ldap_peer peer;
	struct lg_buf rx;
	unsigned wants;
	unsigned woken, runs;
	lg_str controls;		/* of the next request: content of [0] */
	int deref;			/* derefAliases of searches */
};

struct answer {
	int32_t id;
	int tag, code;
	lg_str matched, text;
	struct lg_ber rest;		/* of the operation behind the result; all of it for entries */
	lg_str controls;
	lg_str oid, value;		/* extended: response name and value */
};

void wire_start(struct wire *k, struct world *w);	/* a TLS peer without certificate */
void wire_reconnect(struct wire *k);		/* with k->peer */
void wire_end(struct wire *k);

void wire_feed(struct wire *k, lg_str bytes);	/* and runs it */
void wire_run(struct wire *k);			/* one turn of the loop */
void wire_pump(struct wire *k);			/* turns until nothing moves any more, store and hasher included */
bool wire_next(struct wire *k, struct answer *ret);
struct answer wire_expect(struct wire *k, int32_t id, int tag, int code);	/* asserted */
void wire_quiet(struct wire *k);		/* asserts that there is no answer */

/* Requests.  ids are the caller's. */
void send_bind(struct wire *k, int32_t id, const char *dn, const char *password);
void send_external(struct wire *k, int32_t id, const char *authzid);
void send_search(struct wire *k, int32_t id, const char *base, int scope, const char *filter, const char *attrs, int size);
void send_compare(struct wire *k, int32_t id, const char *dn, const char *attr, const char *value);
void send_add(struct wire *k, int32_t id, const char *dn, const char *ldif);
void send_modify(struct wire *k, int32_t id, const char *dn, int kind, const char *attr, const char *value);
void send_delete(struct wire *k, int32_t id, const char *dn);
void send_rename(struct wire *k, int32_t id, const char *dn, const char *rdn, bool drop, const char *superior);
void send_abandon(struct wire *k, int32_t id, int32_t other);
void send_unbind(struct wire *k, int32_t id);
void send_extended(struct wire *k, int32_t id, const char *oid, lg_str value);

/* Whole exchanges: result codes.  Entries of a search as "dn attr=value attr=value\n". */
int wire_bind(struct wire *k, const char *dn, const char *password);
int wire_search(struct wire *k, const char *base, int scope, const char *filter, const char *attrs, const char **ret);

lg_str wire_entry_text(struct wire *k, struct answer *entry);	/* as wire_search prints it; in the world's arena */
/* A search that succeeds with just these entries, printed as above. */
void wire_finds(struct wire *k, const char *base, int scope, const char *filter, const char *attrs, const char *want);

#define assert_text(got, want) do { \
		const char *got_ = (got); \
		cr_assert_str_eq(got_, (want), "'%s', not '%s'", got_, (want)); \
	} while (0)

#endif
