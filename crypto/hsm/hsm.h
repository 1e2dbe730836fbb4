/*
 * hsm.h: keys in a PKCS#11 token: the process that has the module loaded, and what is said to it.
 *
 * A vendor's module is code that we did not write; it neither shares the keeper's memory nor its confinement.  It has a process
 * of its own that holds the token's PIN and signs what the keeper sends; when the module fails, that process ends and is started
 * again, and the keeper goes on with everything else.
 *
 * A packet (SOCK_SEQPACKET) is u32 id, u8 operation (in a reply: lg_err), body.  One packet is outstanding on a channel.
 */
#ifndef LG_HSM_H
#define LG_HSM_H

#include "lightgate/keeper.h"

#define LG_HSM_PACKET	(80u << 10)	/* octets of a packet */
#define LG_HSM_CHANNELS	64
#define LG_HSM_PATIENCE	(INT64_C(10) * 1000000)	/* for an answer of the token */
#define LG_HSM_ENDED	0		/* id of a packet that says: the process ended, what was asked is not answered */

enum lg_hsm_op {
	LG_HSM_SIGN = 1,	/* u8 lg_alg, str32 URI, digest (EdDSA: the octets).  reply: the signature, ECDSA as r||s */
	LG_HSM_FIND,		/* str32 URI.  reply: SPKI */
	LG_HSM_MAKE		/* u8 lg_key_type, str32 URI.  reply: SPKI; LG_E_EXISTS when there is a key of that name */
};

struct lg_hsm_options {
	const char *module;		/* path of the shared object */
	struct lg_secret pin;		/* the user's; wiped when the process ends */
	const char *const *paths;	/* what the module reads and writes, beside the system's libraries and settings */
	size_t npaths;
	const int *channels;		/* one thread each; it ends when all are closed */
	size_t nchannels;
	int64_t hang;			/* microseconds in one call of the module, after which the process ends itself */
	bool confine;
};
/* Runs until the channels close.  Returns the exit status. */
int lg_hsm_main(struct lg_hsm_options *o);

#endif
