/*
 * tenants.h: what each tenant is to the outside: issuer, trust domain, public keys, authority.
 * Built from the keeper's key list and the directory; replaced whole when keys change, and kept until the service stops,
 * because a keyset may be in use for as long as a request.
 */
#ifndef LG_SERVER_TENANTS_H
#define LG_SERVER_TENANTS_H

#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/app.h"

#define LG_DEFAULT_TENANT 1

struct lg_tenant_view {
	uint32_t id;
	lg_uuid uuid;
	lg_str name, suffix;
	/* as the keeper's ceiling has them */
	lg_str trust_domain;
	const lg_str *dns_suffixes;
	size_t ndns_suffixes;
	lg_str ssh_user[LG_ISSUERS], ssh_host[LG_ISSUERS];	/* SubjectPublicKeyInfo; whoever signs first */
	size_t nssh_user, nssh_host;
	const lg_str *nets;		/* as in the ceiling */
	size_t nnets;
	bool loopback;
	int64_t token_life, ticket_life, leaf_life;
	struct lg_sts_tenant sts;	/* issuer, mtls, token keys */
	lg_str api_audience;		/* <issuer>/v1 */
	lg_str access_audience;		/* <issuer>/access/v1 */
	struct lg_keyset *tickets;
	struct lg_keyset *bundles;
	const lg_str *bundle_heirs;	/* tokens by which a bundle key names its successor */
	size_t nbundle_heirs;
	int64_t trust_since;		/* when a root or a key behind tokens came or went */
	lg_str root;			/* DER */
	lg_str old_roots[LG_ISSUERS];	/* DER */
	size_t nold_roots;
	lg_str issuers[LG_ISSUERS];	/* DER; [0] signs, of the others there may be leaves */
	size_t nissuers;
	lg_str next_issuer;		/* DER; empty: there is none */
	enum lg_ocsp_by ocsp;
	lg_str responders[LG_RESPONDERS];	/* DER */
	size_t nresponders;
};

struct lg_tenants;

/* Reads the keeper's keys and the directory's tenants.  On the main thread or a worker. */
LG_CHECKED lg_err lg_tenants_load(struct lg_ctx *cx, struct lg_app *app, struct lg_tenants **ret);
void lg_tenants_free(struct lg_tenants **ts);
/* NULL if there is none of that id. */
const struct lg_tenant_view *lg_tenants_get(const struct lg_tenants *ts, uint32_t id);
/* The one of the smallest id above; NULL after the last. */
const struct lg_tenant_view *lg_tenants_after(const struct lg_tenants *ts, uint32_t id);
/* name empty: the default tenant, which has no other name on the wire. */
const struct lg_tenant_view *lg_tenants_by_path(const struct lg_tenants *ts, lg_str name);
/* Tells the authority of every tenant to certs. */
LG_CHECKED lg_err lg_tenants_trust(struct lg_ctx *cx, struct lg_app *app);
/* Both, after a change of tenants, keys or ceilings.  One at a time; others wait. */
LG_CHECKED lg_err lg_tenants_renew(struct lg_ctx *cx, struct lg_app *app);
/* The keeper's keys as they are now, in cx's arena. */
LG_CHECKED lg_err lg_tenants_keys(struct lg_ctx *cx, struct lg_app *app, struct lg_keeper_key **ret, size_t *n);
/* JSON: the tokens by which audit keys name their successors.  Stays until the service stops. */
lg_str lg_tenants_audit_heirs(const struct lg_tenants *ts);
/* Is a key still told to verifiers that need not be any more? */
bool lg_tenants_outdated(const struct lg_tenants *ts, int64_t now);
/* Writes into the change log what was changed in the keeper, of its own keys (tenant 0) into the default tenant's; operation: "keeper.<what>", in memory that stays. */
LG_CHECKED lg_err lg_tenants_note(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, const char *operation, lg_str detail);

#endif
