/* sasl.h: SASL binds (RFC 4513 5.2): the mechanisms, and an exchange that takes more than one bind. */
#ifndef LG_DIRECTORY_SASL_H
#define LG_DIRECTORY_SASL_H

#include "directory/conn.h"

/* Between two binds of one exchange; the connection's. */
struct lg_sasl {
	struct lg_arena *arena;
	const struct lg_mechanism *mechanism;
	lg_str gs2;			/* SCRAM: the header, which the client repeats under its proof */
	lg_str binding;			/* the channel's, as the client should see it */
	lg_str client_first, server_first, nonce;
	struct lg_scram keys;
	lg_str dn;			/* whom it is about, or who there is not */
};

struct lg_mechanism {
	lg_str name;
	/* credentials.p NULL: there are none.  sasl: NULL at first. */
	void (*run)(struct lg_op *op, const struct lg_mechanism *m, lg_str credentials, struct lg_sasl *sasl);
	bool scram;
	bool bound;			/* to the TLS channel */
};

void lg_sasl_bind(struct lg_op *op, struct lg_ber *body);
void lg_sasl_drop(struct lg_ldap_conn *c);
/* The i-th mechanism; false behind the last. */
bool lg_sasl_name(size_t i, lg_str *name, bool *scram);

/* op_scram.c */
void lg_sasl_scram(struct lg_op *op, const struct lg_mechanism *m, lg_str credentials, struct lg_sasl *sasl);
/* saslBindInProgress with the server's credentials. */
void lg_sasl_continue(struct lg_op *op, lg_str credentials);
/* A name that a mechanism authenticates: a person's login, or a DN.  *ret: the DN, one of nobody when there is no such entry. */
lg_str lg_sasl_dn(struct lg_op *op, struct lg_view *v, lg_str name);

/* op_bind.c: the same ends for all ways in. */
void lg_bind_password(struct lg_op *op, lg_str dn, lg_str password);
/* The mechanism has checked the password of dn: match.  credentials: with the success. */
void lg_bind_checked(struct lg_op *op, lg_str dn, bool match, lg_str credentials);
void lg_bind_refuse(struct lg_op *op);
/* Somebody the transport has authenticated. */
void lg_bind_as(struct lg_op *op, const struct lg_entry *who);

#endif
