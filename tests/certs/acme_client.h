/* acme_client.h: an ACME client for tests: it signs requests, follows the protocol when asked to, and can do everything wrong. */
#ifndef LG_TESTS_CERTS_ACME_CLIENT_H
#define LG_TESTS_CERTS_ACME_CLIENT_H

#include <criterion/criterion.h>

#include "certs/acme.h"
#include "tests/certs/world.h"

#define ISSUER "https://a.example"
#define WWW "[{\"type\":\"dns\",\"value\":\"WWW.a.example\"}]"

struct acme_client {
	struct world *w;
	struct lg_key *key;
	lg_str kid;			/* account's URL; empty: the key goes with the request */
	lg_str nonce;			/* of the last answer */
	/* the last answer */
	lg_err e;
	int status;
	lg_str body, type, location, link, retry_after;
};

extern lg_str acme_content_type;		/* of all requests */

struct acme_order {
	lg_str url, finalize, authz;
};

/* ---- requests: the answer is in the client ---------------------------------------------------------------- */

void acme_call(struct acme_client *c, const char *method, lg_str path, lg_str body);
/* A JWS over the payload: kid empty: with the key inside; nonce empty: without one. */
lg_str acme_jws(struct acme_client *c, const struct lg_key *k, lg_str url, lg_str nonce, lg_str kid, lg_str payload);
lg_str acme_flat(struct world *w, lg_str head, lg_str payload, lg_str sig);
lg_str acme_jwk_of(struct world *w, const struct lg_key *k);
/* As the protocol wants it, with the last nonce; an empty payload is POST-as-GET.  Returns the status. */
int acme_post(struct acme_client *c, lg_str url, lg_str payload);
int acme_post_to(struct acme_client *c, const char *path, const char *payload);
lg_str acme_path_of(lg_str url);
/* The n-th string member of that name in the answer, anywhere. */
lg_str acme_member(struct acme_client *c, const char *name, size_t nth);
bool acme_shows(struct acme_client *c, const char *text);

#define assert_problem(c, want, kind) do { \
	cr_assert_eq((c)->status, (want), "%d %.*s", (c)->status, LG_FMT((c)->body)); \
	cr_assert(lg_str_eq((c)->type, LG_STR("application/problem+json"))); \
	cr_assert(acme_shows((c), "\"urn:ietf:params:acme:error:" kind "\""), "%.*s", LG_FMT((c)->body)); \
	cr_assert_gt((c)->nonce.n, 0); \
} while (0)

/* ---- accounts and orders ------------------------------------------------------------------------------------ */

/* An external account key for the service's entry, and the JWS that binds an account's key to it. */
void acme_eab(struct acme_client *c, lg_str *kid, lg_str *secret);
lg_str acme_binding(struct acme_client *c, lg_str kid, lg_str secret, const struct lg_key *k, const char *url);
int acme_register_with(struct acme_client *c, lg_str bound);
/* With an account of the service; ends the world too. */
struct acme_client acme_client_new(struct world *w);
void acme_client_free(struct acme_client *c);
/* What a challenge's answer has to be. */
lg_str acme_authorization(struct acme_client *c, lg_str token);
struct acme_order acme_order(struct acme_client *c, const char *identifiers);
/* The n-th challenge of the order's first name: its URL, and its answer. */
lg_str acme_challenge(struct acme_client *c, const struct acme_order *o, size_t n, lg_str *expected);
/* By http-01. */
void acme_prove(struct acme_client *c, const struct acme_order *o);
int acme_finalize(struct acme_client *c, const struct acme_order *o, const struct lg_key *k, const char *name);
/* From a new order to the leaf, DER. */
lg_str acme_obtain(struct acme_client *c, const struct lg_key *k);

#endif
