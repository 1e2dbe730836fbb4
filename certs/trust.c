/* trust.c: from DER that the server was given to authorities that are ready for use. */
#include "certs/trust.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/text.h"
#include "certs/acme_keys.h"
#include "certs/acme_limits.h"
#include "certs/census.h"
#include "certs/chain.h"
#include "certs/constraints.h"
#include "certs/ledger_head.h"
#include "certs/names.h"
#include "crypto/spki.h"
#include "crypto/ssh.h"

/* ---- building ----------------------------------------------------------------------------------- */

static lg_str
url(struct lg_arena *a, lg_str base, const char *folder, lg_str kid, const char *ending)
{
	return lg_print(a, "%.*s/%s/%.*s.%s", LG_FMT(base), folder, LG_FMT(kid), ending);
}

static lg_err
sha1(struct lg_ctx *cx, lg_str s, uint8_t ret[20])
{
	if (EVP_Digest(s.p, s.n, ret, NULL, EVP_sha1(), NULL) != 1)
		return lg_fail(cx, LG_E_INTERNAL, "no SHA-1");
	return LG_OK;
}

static lg_err
build_digests(struct lg_ctx *cx, const struct lg_x509 *x, struct lg_ca_digests *ret)
{
	struct lg_der d = lg_der_of(x->spki), info = lg_der_enter(&d, LG_DER_SEQUENCE);
	lg_str bits;

	lg_der_whole(&info, LG_DER_SEQUENCE);
	bits = lg_der_bits(&info);
	ret->name = lg_sha256_of(x->subject);
	ret->key = lg_sha256_of(bits);
	LG_TRY(sha1(cx, x->subject, ret->name_sha1));
	return sha1(cx, bits, ret->key_sha1);
}

static lg_err
build_cert(struct lg_ctx *cx, struct lg_arena *a, lg_str der, lg_str base_url, struct lg_ca_cert *ret)
{
	lg_sha256 thumbprint;

	LG_TRY(lg_x509_parse(cx, lg_dup(a, der), &ret->x509));
	LG_TRY(lg_pubkey_from_spki(cx, ret->x509.spki, &ret->key));
	if (ret->x509.exts.ski.n == 0)
		return lg_fail(cx, LG_E_INVALID, "a CA certificate without subject key identifier (RFC 5280 4.2.1.2)");
	thumbprint = lg_pubkey_thumbprint(ret->key);
	ret->alg = lg_pubkey_default_alg(ret->key);
	ret->kid = lg_base64url(a, lg_sha256_str(&thumbprint));
	ret->sha256 = lg_sha256_of(ret->x509.der);
	ret->crl_url = lg_print(a, "%.*s/crl/%.*s", LG_FMT(base_url), LG_FMT(ret->kid));
	ret->ca_url = url(a, base_url, "ca", ret->kid, "cer");
	return build_digests(cx, &ret->x509, &ret->digests);
}

static lg_err
copy_authority(struct lg_ctx *cx, struct lg_arena *a, const struct lg_authority *from, struct lg_authority *ret)
{
	lg_str *suffixes = LG_NEWS(a, lg_str, from->ndns_suffixes), *nets = LG_NEWS(a, lg_str, from->nnets);

	if (!lg_trust_domain_valid(from->trust_domain))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a trust domain", LG_FMT(from->trust_domain));
	if (from->leaf_life <= 0)
		return lg_fail(cx, LG_E_INVALID, "an authority whose leaves may not live");
	if (from->nissuers == 0 || from->nissuers > LG_ISSUERS)
		return lg_fail(cx, LG_E_INVALID, "an authority has 1 to %d issuing certificates", LG_ISSUERS);
	for (size_t i = 0; i < from->ndns_suffixes; i++)
		suffixes[i] = lg_dup(a, from->dns_suffixes[i]);
	for (size_t i = 0; i < from->nnets; i++)
		nets[i] = lg_dup(a, from->nets[i]);
	*ret = *from;
	ret->issuer = lg_dup(a, from->issuer);
	ret->trust_domain = lg_dup(a, from->trust_domain);
	ret->http_url = lg_dup(a, from->http_url);
	ret->join_address = lg_dup(a, from->join_address);
	ret->mtls_url = lg_dup(a, from->mtls_url);
	ret->service_root = lg_dup(a, from->service_root);
	ret->token_keys = lg_dup(a, from->token_keys);
	ret->dns_suffixes = suffixes;
	ret->nets = nets;
	ret->nssh_user = ret->nssh_host = 0;	/* kept as blobs */
	ret->nresponders = 0;			/* kept with their issuers */
	return LG_OK;
}

static lg_err
build_ssh(struct lg_ctx *cx, struct lg_arena *a, const lg_str *spki, size_t n, struct lg_ssh_ca *ret)
{
	if (n > LG_ISSUERS)
		return lg_fail(cx, LG_E_INVALID, "an authority has at most %d keys for SSH certificates", LG_ISSUERS);
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SSH_CERT_MAX);
		struct lg_pubkey_parts parts;

		LG_TRY(lg_spki_parse(cx, spki[i], &parts));
		lg_ssh_put_key(&b, &parts);
		LG_TRY(lg_buf_status(cx, &b));
		ret->key[i].blob = lg_dup(a, lg_buf_view(&b));
		ret->key[i].sha256 = lg_sha256_of(ret->key[i].blob);
	}
	ret->n = n;
	return LG_OK;
}

static lg_err
build_root(struct lg_ctx *cx, struct lg_arena *a, lg_str der, lg_str base_url, struct lg_ca_cert *ret)
{
	LG_TRY(build_cert(cx, a, der, base_url, ret));
	LG_TRY(lg_x509_is_ca(cx, &ret->x509, 1));
	return lg_x509_link(cx, &ret->x509, ret->key, &ret->x509, ret->x509.not_before);
}

/* The present root, or one before it; the failure that is told is the present one's. */
static lg_err
find_above(struct lg_ctx *cx, const struct lg_ca *ca, struct lg_ca_cert *issuer)
{
	for (size_t i = 0; i < ca->nold_roots; i++)
		if (lg_x509_link(cx, &ca->old_root[i].x509, ca->old_root[i].key, &issuer->x509, issuer->x509.not_before) == LG_OK) {
			issuer->above = &ca->old_root[i];
			return LG_OK;
		}
	issuer->above = &ca->root;
	return lg_x509_link(cx, &ca->root.x509, ca->root.key, &issuer->x509, issuer->x509.not_before);
}

/* With the issuer that signed it; one whose issuer is not believed any more is passed over.  Of two the one that ends later. */
static lg_err
take_responder(struct lg_ctx *cx, struct lg_arena *a, lg_str der, struct lg_ca *ca)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_ca_digests digests;
	struct lg_x509 x;

	LG_TRY(lg_x509_parse(cx, lg_dup(a, der), &x));
	LG_TRY(lg_pubkey_from_spki(cx, x.spki, &key));
	LG_TRY(build_digests(cx, &x, &digests));
	for (size_t i = 0; i < ca->nissuers; i++) {
		struct lg_ca_cert *issuer = &ca->issuer[i];

		if (issuer->responder.not_after >= x.not_after || lg_x509_link(cx, &issuer->x509, issuer->key, &x, x.not_before) != LG_OK)
			continue;
		issuer->responder = (struct lg_ca_responder){ .der = x.der, .alg = lg_pubkey_default_alg(key), .not_after = x.not_after };
		memcpy(issuer->responder.key_sha1, digests.key_sha1, sizeof digests.key_sha1);
	}
	return LG_OK;
}

/* The one that will sign is told as it stands, so that whoever believes issuing CAs one by one has it in time. */
static lg_err
take_next(struct lg_ctx *cx, struct lg_arena *a, lg_str der, struct lg_ca *ca)
{
	struct lg_ca_cert next = { .key = NULL };
	lg_err e;

	ca->au.next = LG_NONE;
	if (der.n == 0)
		return LG_OK;
	e = build_cert(cx, a, der, ca->au.http_url, &next);
	if (e == LG_OK)
		e = find_above(cx, ca, &next);
	lg_pubkey_unref(&next.key);
	LG_TRY(e);
	ca->au.next = next.x509.der;
	ca->next_kid = next.kid;
	return LG_OK;
}

/* The root vouches for itself and for every issuing certificate.  Time is looked at when they are used, not here: a retired
 * issuer may have expired, and a wrong clock must not keep the service from starting. */
static lg_err
build_ca(struct lg_ctx *cx, struct lg_arena *a, const struct lg_authority *from, bool ocsp, struct lg_ca *ca)
{
	LG_TRY(copy_authority(cx, a, from, &ca->au));
	LG_TRY(build_ssh(cx, a, from->ssh_user, from->nssh_user, &ca->ssh_user));
	LG_TRY(build_ssh(cx, a, from->ssh_host, from->nssh_host, &ca->ssh_host));
	LG_TRY(build_root(cx, a, from->root, ca->au.http_url, &ca->root));
	ca->au.root = ca->root.x509.der;
	for (; ca->nold_roots < from->nold_roots && ca->nold_roots < LG_ISSUERS; ca->nold_roots++) {
		LG_TRY(build_root(cx, a, from->old_roots[ca->nold_roots], ca->au.http_url, &ca->old_root[ca->nold_roots]));
		ca->au.old_roots[ca->nold_roots] = ca->old_root[ca->nold_roots].x509.der;
	}
	for (ca->nissuers = 0; ca->nissuers < from->nissuers; ca->nissuers++) {
		struct lg_ca_cert *issuer = &ca->issuer[ca->nissuers];

		LG_TRY(build_cert(cx, a, from->issuers[ca->nissuers], ca->au.http_url, issuer));
		ca->au.issuers[ca->nissuers] = issuer->x509.der;
		if (ocsp)
			issuer->ocsp_url = lg_print(a, "%.*s/ocsp", LG_FMT(ca->au.http_url));
		LG_TRY(lg_x509_is_ca(cx, &issuer->x509, 0));
		LG_TRY(find_above(cx, ca, issuer));
	}
	LG_TRY(take_next(cx, a, from->next, ca));
	for (size_t i = 0; i < from->nresponders && i < LG_RESPONDERS; i++)
		LG_TRY(take_responder(cx, a, from->responders[i], ca));
	return LG_OK;
}

/* One trust domain, one tenant: the URI of a peer picks the authority. */
static lg_err
check_distinct(struct lg_ctx *cx, const struct lg_trust *t)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < i; j++)
			if (t->ca[i].au.tenant == t->ca[j].au.tenant ||
			    lg_str_eq(t->ca[i].au.trust_domain, t->ca[j].au.trust_domain))
				return lg_fail(cx, LG_E_CONFLICT, "two authorities for trust domain %.*s or its tenant",
				    LG_FMT(t->ca[i].au.trust_domain));
	return LG_OK;
}

static struct lg_trust *
trust_new(size_t n)
{
	static atomic_uint_least64_t numbers;
	struct lg_arena *arena = lg_arena_new();
	struct lg_trust *t = LG_NEW(arena, struct lg_trust);

	atomic_init(&t->refs, 1);
	t->number = atomic_fetch_add(&numbers, 1) + 1;
	t->arena = arena;
	t->ca = LG_NEWS(arena, struct lg_ca, n);
	t->n = n;
	return t;
}

void
lg_trust_release(struct lg_trust **t)
{
	struct lg_trust *old = *t;

	*t = NULL;
	if (old == NULL || atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < old->n; i++) {
		lg_pubkey_unref(&old->ca[i].root.key);
		for (size_t j = 0; j < LG_ISSUERS; j++) {
			lg_pubkey_unref(&old->ca[i].old_root[j].key);
			lg_pubkey_unref(&old->ca[i].issuer[j].key);
		}
	}
	struct lg_arena *arena = old->arena;	/* the snapshot itself lies in it */
	lg_arena_free(&arena);
}

/* ---- publishing ------------------------------------------------------------------------------------ */

struct lg_trust *
lg_trust_hold(struct lg_certs *c)
{
	struct lg_trust *t;

	pthread_mutex_lock(&c->lock);
	t = c->trust;
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&c->lock);
	return t;
}

lg_err
lg_certs_trust(struct lg_ctx *cx, struct lg_certs *c, const struct lg_authority *v, size_t n)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = NULL;
	struct lg_trust *old;

	if (n > LG_TENANTS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d authorities", LG_TENANTS);
	t = trust_new(n);
	for (size_t i = 0; i < n; i++)
		LG_TRY(build_ca(cx, t->arena, &v[i], c->ports.signer.ocsp != NULL, &t->ca[i]));
	LG_TRY(check_distinct(cx, t));
	pthread_mutex_lock(&c->lock);
	old = c->trust;
	c->trust = t;
	pthread_mutex_unlock(&c->lock);
	t = old;			/* released by its declaration */
	return LG_OK;
}

lg_err
lg_certs_trust_check(struct lg_ctx *cx, struct lg_certs *c, const struct lg_authority *au)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = trust_new(1);

	return build_ca(cx, t->arena, au, c->ports.signer.ocsp != NULL, &t->ca[0]);
}

lg_err
lg_certs_new(struct lg_ctx *cx, const struct lg_certs_ports *ports, struct lg_certs **ret)
{
	struct lg_certs *c = calloc(1, sizeof *c);

	if (c == NULL)
		return lg_fail(cx, LG_E_FULL, "no memory for the certificate authority");
	c->ports = *ports;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->crl_build, NULL);
	c->trust = trust_new(0);
	c->nonces = lg_acme_nonces_new();
	c->acme_keys = lg_acme_keys_new();
	c->ledger_heads = lg_ledger_heads_new();
	c->acme_limits = lg_acme_limits_new(ports->acme_limits);
	c->census = lg_census_new();
	*ret = c;
	return LG_OK;
}

void
lg_certs_free(struct lg_certs **c)
{
	if (*c == NULL)
		return;
	lg_trust_release(&(*c)->trust);
	for (size_t i = 0; i < LG_CRLS; i++)
		lg_crl_der_unref(&(*c)->crl[i].der);
	lg_acme_nonces_free(&(*c)->nonces);
	lg_acme_keys_free(&(*c)->acme_keys);
	lg_acme_limits_free(&(*c)->acme_limits);
	free((*c)->foreign_times);
	free((*c)->census);
	lg_ledger_heads_free(&(*c)->ledger_heads);
	pthread_mutex_destroy(&(*c)->crl_build);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

/* ---- finding ---------------------------------------------------------------------------------------- */

lg_err
lg_trust_tenant(struct lg_ctx *cx, const struct lg_trust *t, uint32_t tenant, const struct lg_ca **ret)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->ca[i].au.tenant == tenant) {
			*ret = &t->ca[i];
			return LG_OK;
		}
	return lg_fail(cx, LG_E_NOT_FOUND, "the tenant has no certificate authority");
}

const struct lg_ca *
lg_trust_domain(const struct lg_trust *t, lg_str domain)
{
	for (size_t i = 0; i < t->n; i++)
		if (lg_str_eq(t->ca[i].au.trust_domain, domain))
			return &t->ca[i];
	return NULL;
}

const struct lg_ca_cert *
lg_ca_by_kid(const struct lg_ca *ca, lg_str kid, bool root_too)
{
	for (size_t i = 0; i < ca->nissuers; i++)
		if (lg_str_eq(ca->issuer[i].kid, kid))
			return &ca->issuer[i];
	for (size_t i = 0; root_too && i < ca->nold_roots; i++)
		if (lg_str_eq(ca->old_root[i].kid, kid))
			return &ca->old_root[i];
	return root_too && lg_str_eq(ca->root.kid, kid) ? &ca->root : NULL;
}

lg_err
lg_ca_names_permitted(struct lg_ctx *cx, const struct lg_ca_cert *issuer, lg_str subject, const struct lg_cert_names *names)
{
	LG_TRY(lg_x509_names_permitted(cx, &issuer->x509, subject, names));
	return lg_x509_names_permitted(cx, &issuer->above->x509, subject, names);
}
