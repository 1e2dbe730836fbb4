/*
 * source.h: identity sources: others whose word about who somebody is counts in a tenant.
 *
 *	jwt	an issuer of tokens for workloads: a cluster's service accounts, a SPIFFE trust domain, a CI system
 *	ldap	a directory elsewhere that people's passwords are tried at
 *	oidc	a provider that people sign in with
 *
 * A source is one JSON object, as /v1/sources and `lightgate source` speak of it; its row holds that text and, sealed, its one secret.
 */
#ifndef LG_STS_SOURCE_H
#define LG_STS_SOURCE_H

#include "sts/sts.h"

#define STS_RULES	32		/* of one source */
#define STS_MATCHES	8		/* claims of one rule */
#define STS_STARS	8		/* of one pattern */
#define STS_RDNS	6		/* of one name */
#define STS_PATTERN	512		/* octets of a pattern or a template */
#define STS_VALUE	256		/* octets of a claim that becomes part of a name */
#define STS_SOURCE_URLS	4
#define STS_SOURCE_GROUPS 64		/* of the other side that mean one of ours */
#define STS_SOURCE_NAMES 32		/* audiences, scopes, mail domains */

enum sts_source_kind { STS_SOURCE_JWT = 1, STS_SOURCE_LDAP = 2, STS_SOURCE_OIDC = 4 };	/* bits */

struct sts_match {
	lg_str claim;			/* "sub", "kubernetes.io/serviceaccount/name" */
	lg_str pattern;			/* '*': some characters but '/' and ':'; "**" at the end: any */
};

/* Who has such claims is which entry: a name whose structure stands here and whose values come from the claims. */
struct sts_rule {
	struct sts_match match[STS_MATCHES];
	size_t nmatches;
	lg_str entry;			/* "cn={sub#2},ou=services", below the tenant's suffix */
	struct lg_pair rdn[STS_RDNS];	/* its parts; the values are templates */
	size_t nrdns;
};

struct sts_list {
	lg_str v[STS_SOURCE_NAMES];
	size_t n;
};

struct sts_source {
	lg_str name;
	lg_uuid id;			/* stays as long as the source does: tokens name it */
	enum sts_source_kind kind;
	bool enabled;
	lg_str ca;			/* PEM; empty: the host's public CAs */
	/* jwt, oidc */
	lg_str issuer;
	lg_str jwks_uri, jwks;		/* jwks: keys pinned by hand; neither: discovery */
	/* jwt */
	lg_str trust_domain;		/* SPIFFE: its tokens need no iss */
	lg_str audience;		/* that tokens must be for; empty: our issuer or token endpoint */
	int64_t max_life;		/* seconds from iat (or now) to exp */
	struct sts_rule rule[STS_RULES];
	size_t nrules;
	struct sts_list audiences, scopes;	/* jwt: of our tokens; oidc: scopes that are asked for */
	/* ldap */
	struct sts_list urls;
	lg_str bind_dn, base, filter;
	lg_str id_attribute, name_attribute, display_attribute, mail_attribute, groups_attribute;
	int64_t timeout;		/* seconds, for one server */
	/* oidc */
	lg_str client_id, label, name_claim, groups_claim;
	struct sts_list domains;	/* of mail addresses; none: any */
	bool trust_amr;			/* how it says that somebody signed in counts here too */
	/* ldap, oidc */
	bool create;			/* people who are not here yet get an entry */
	bool link;			/* a verified address may join them with an entry that is, if policy permits */
	struct lg_pair group[STS_SOURCE_GROUPS];	/* theirs, ours */
	size_t ngroups;
	/* bind_password, client_secret: in the open only between reading a document and its row */
	lg_str secret;
	lg_str sealed;			/* as the row has it; empty: none */
};

/* ---- source_json.c ------------------------------------------------------------------------------------------- */

LG_CHECKED lg_err sts_source_parse(struct lg_ctx *cx, lg_str json, struct sts_source *ret);
void sts_source_write(struct lg_jsonw *w, const struct sts_source *s);		/* the same members; never the secret */

/* ---- source_rules.c: claims and names ------------------------------------------------------------------------------ */

/* Of a rule's text; LG_E_INVALID with what is wrong. */
LG_CHECKED lg_err sts_rule_check(struct lg_ctx *cx, struct sts_rule *r);
/* A string, number or boolean at a path of member names ('/' between them, ~1 and ~0 as in RFC 6901). */
bool sts_claim_at(struct lg_arena *a, lg_str claims, lg_str path, lg_str *ret);
/* Whether s fits, and what each star stood for. */
bool sts_pattern_fits(lg_str pattern, lg_str s, lg_str star[STS_STARS], size_t *nstars);
/* The name of the first rule that fits: its parts in the order of a DN.  LG_E_NOT_FOUND: none does. */
LG_CHECKED lg_err sts_rules_apply(struct lg_ctx *cx, const struct sts_source *s, lg_str claims, struct lg_pair rdn[STS_RDNS], size_t *n);

/* ---- source_row.c -------------------------------------------------------------------------------------------------- */

extern const struct lg_table sts_sources, sts_source_keys, sts_links;

LG_CHECKED lg_err sts_source_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct sts_source *ret);
/* By the issuer its tokens name, or the trust domain of their subject. */
LG_CHECKED lg_err sts_source_by_issuer(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str issuer, struct sts_source *ret);
/* All enabled ones of these kinds, by name, in cx's arena. */
LG_CHECKED lg_err sts_source_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned kinds, struct sts_source **ret, size_t *n);
/* Its secret; empty without one. */
LG_CHECKED lg_err sts_source_secret(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, struct lg_secret *ret);

/* ---- source_keys.c: what others publish, remembered ---------------------------------------------------------------------- */

#define STS_METADATA_LIFE (10 * LG_MINUTE)	/* of what is fetched, unless max-age says otherwise within a minute and a day */
#define STS_REFETCH	(10 * LG_SECOND)	/* between two looks at one source, whatever kids tokens name */
#define STS_STALE	LG_HOUR			/* keys are used so long after their time while their issuer does not answer */

struct sts_foreign;				/* shared by all threads */
struct sts_endpoints {
	lg_str authorization, token, userinfo;
	bool iss_parameter;			/* RFC 9207 */
};
LG_CHECKED lg_err sts_foreign_new(struct lg_ctx *cx, struct sts_foreign **ret);
void sts_foreign_free(struct sts_foreign **f);
/*
 * The keys of a source, with a reference.  LG_PENDING: they must be fetched first (a kid that is not known counts as such, every
 * STS_REFETCH at most); LG_E_UNAVAILABLE: that failed a moment ago.  kid empty: any.
 */
LG_CHECKED lg_err sts_foreign_keys(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, lg_str kid, struct lg_keyset **ret);
/* Waits for the network: the keys and, for providers, the endpoints.  Failing is remembered too. */
LG_CHECKED lg_err sts_foreign_fetch(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, lg_str kid);
/* Of a provider whose metadata was fetched; in cx's arena. */
LG_CHECKED lg_err sts_foreign_endpoints(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, struct sts_endpoints *ret);
/* On a loop: fetches on a thread of ours, then begins the request anew.  Returns LG_PENDING. */
LG_CHECKED lg_err sts_foreign_wait(struct sts_rq *rq, const struct sts_source *s, lg_str kid);

/* ---- source_person.c ---------------------------------------------------------------------------------------------------------- */

/* Their entry, made or brought up to date as the source and policy allow.  On a worker, no view open.  LG_E_DENIED with a sentence. */
LG_CHECKED lg_err sts_source_person(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s,
    const struct lg_sts_person *p, struct lg_sts_subject *ret);
/* A name and a password that are nobody's here, tried at the tenant's other directories.  On a worker, no view open. */
LG_CHECKED lg_err sts_source_password(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str login, const struct lg_secret *password,
    struct lg_sts_subject *ret);

/* ---- workload.c ---------------------------------------------------------------------------------------------------------------- */

/* The kid of a token's header, before anything of it is believed. */
lg_str sts_token_kid(struct lg_arena *a, lg_str token);
/* The keys of a source whose word is about to count: from then on what is issued is known as given for it.  LG_PENDING as sts_foreign_wait. */
LG_CHECKED lg_err sts_source_vouches(struct sts_rq *rq, const struct sts_source *s, lg_str assertion, struct lg_keyset **ret);
/* Where a client publishes its keys. */
struct sts_source sts_client_place(const struct lg_sts_client *client);
/* The entry that an assertion of a trusted issuer is mapped to, in the arena.  LG_E_NOT_FOUND: it is of no issuer that is known. */
LG_CHECKED lg_err sts_workload_subject(struct sts_rq *rq, lg_str assertion, struct sts_source *s, struct lg_claims *c,
    struct lg_sts_subject *ret);
/* Fills rq->client with the entry that an assertion of a trusted issuer is mapped to.  LG_E_NOT_FOUND: it is of no issuer that is known. */
LG_CHECKED lg_err sts_workload_client(struct sts_rq *rq, lg_str assertion);

#endif
