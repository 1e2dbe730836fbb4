/* bundle_own.h: the inside of a bundle, for the files that read it and ask it. */
#ifndef LG_CLIENT_BUNDLE_OWN_H
#define LG_CLIENT_BUNDLE_OWN_H

#include <stdatomic.h>

#include "client/bundle.h"
#include "client/heirs.h"

/* Entities by type and name, or type and id.  A slot is a cache line: a bundle is larger than any cache, and each line that is
 * looked at costs more than everything that is done with it. */
struct lg_known {
	uint64_t hash;
	const struct lg_euid *uid;	/* NULL: an empty slot */
	const char *type;		/* of few kinds, so it is in the cache; NULL: several of one name, none of which is found by it */
	uint32_t n;			/* octets of the name */
	char start[36];			/* the name; a longer one's address */
};
#define LG_KNOWN_START	sizeof(((struct lg_known *)0)->start)
_Static_assert(sizeof(struct lg_known) == 64, "a cache line");

struct lg_known_table {
	struct lg_known *slot;
	size_t size;			/* a power of two, at least 4/3 of how many there are */
};
uint64_t lg_known_hash(lg_str type, lg_str name);
/* Where it is, or the empty slot for it. */
struct lg_known *lg_known_at(const struct lg_known_table *t, uint64_t hash, lg_str type, lg_str name);

/* Attributes of a context, in order of their names, hashed once a bundle. */
enum lg_word {
	LG_WORD_ASKER, LG_WORD_CLIENT, LG_WORD_CONTAINER, LG_WORD_HOST, LG_WORD_IMAGE, LG_WORD_IMAGE_NAME, LG_WORD_NOW, LG_WORD_PORT,
	LG_WORD_PROTOCOL, LG_WORD_REVISION, LG_WORD_SCOPES, LG_WORD_PROOF, LG_WORDS
};

/* What stands in a body; shared by the bundles whose tokens are of these octets. */
struct lg_bundle_body {
	atomic_uint refs;
	struct lg_arena *arena;
	lg_sha256 digest;
	lg_str tenant_id, tenant, issuer, trust_domain, host_id, host;
	int64_t max_stale;
	uint64_t policy_version;
	bool whole, all_revoked;
	struct lg_schema *schema;
	struct lg_policies *system, *policies;
	struct lg_entity_store *entities;
	struct lg_keyset *token_keys, *ticket_keys;
	lg_str issuers[LG_BUNDLE_ISSUERS];	/* DER */
	struct lg_pubkey *issuer_key[LG_BUNDLE_ISSUERS];
	struct lg_cert issuer_cert[LG_BUNDLE_ISSUERS];
	size_t nissuers;
	struct lg_heirs heirs;
	struct lg_map names;			/* of the policies: "Type/name" -> lg_str *, the id it was resolved to */
	struct lg_known_table by_name, by_id;
	struct lg_map certificates;		/* revoked serials */
	struct lg_map tokens;			/* "kind/id" -> int64_t *, not_before */
	struct lg_map admissions;		/* container -> struct lg_bundle_admission * */
	struct lg_name word[LG_WORDS];
	const struct lg_record *asker;		/* of every context: this host */
	lg_str delegated[LG_BUNDLE_RANGES];	/* of addresses, to this host: octets of lg_ipnet_parse */
	size_t ndelegated;
	struct lg_bundle_address *address;	/* of workloads on other hosts */
	size_t naddress;
};

struct lg_bundle {
	atomic_uint refs;
	struct lg_arena *arena;
	struct lg_bundle_body *body;
	struct lg_bundle_about about;
};

/* Reads the octets, which the digest was checked of. */
LG_CHECKED lg_err lg_bundle_body_read(struct lg_ctx *cx, lg_str text, struct lg_bundle_body **ret);
void lg_bundle_body_unref(struct lg_bundle_body **b);
/* Of a body that nobody has vouched for yet: the tokens that name heirs, which prove themselves. */
void lg_bundle_heirs_read(struct lg_ctx *cx, lg_str text, struct lg_heirs *ret);
/* lg_policy_options.resolve with a body for itself: as the service resolved names at activation, whoever has them today. */
LG_CHECKED lg_err lg_bundle_resolve(void *body, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret);
/* The key of a map for two words. */
lg_str lg_bundle_key(char *room, size_t size, lg_str a, lg_str b);

#endif
