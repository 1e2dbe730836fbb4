/*
 * client_auth.c: who calls the token endpoint (RFC 6749 2.3, RFC 7523, RFC 8705).
 * A client uses the method it is registered with, and one method only.
 */
#include "sts/source.h"

#include "base/text.h"

struct credentials {
	lg_str id, secret, assertion;
	bool has_secret, basic;
};

static lg_err
bad_client(struct sts_rq *rq, const char *why)
{
	return sts_refuse(rq, STS_INVALID_CLIENT, "%s", why);
}

/* RFC 6749 2.3.1: id and secret are form-encoded before they become Basic's user and password. */
static lg_err
read_basic(struct sts_rq *rq, lg_str header, struct credentials *cr)
{
	lg_str scheme, text, plain, id, secret;

	if (header.n == 0)
		return LG_OK;
	if (!lg_str_cut(header, ' ', &scheme, &text) || !lg_str_eq_fold(scheme, LG_STR("Basic")))
		return bad_client(rq, "the Authorization scheme is not Basic");
	if (!lg_base64_parse(rq->cx->arena, lg_str_trim(text), &plain) || !lg_str_cut(plain, ':', &id, &secret)
	    || !lg_percent_parse(rq->cx->arena, id, true, &cr->id)
	    || !lg_percent_parse(rq->cx->arena, secret, true, &cr->secret))
		return bad_client(rq, "the Basic credentials do not decode");
	cr->basic = cr->has_secret = true;
	return LG_OK;
}

static lg_err
read_form(struct sts_rq *rq, struct credentials *cr)
{
	static const lg_str jwt_bearer = { "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", 54 };
	lg_str id = lg_form_get(&rq->form, "client_id");
	lg_str type = lg_form_get(&rq->form, "client_assertion_type");
	bool secret = lg_form_has(&rq->form, "client_secret");

	cr->assertion = lg_form_get(&rq->form, "client_assertion");
	/* RFC 7523 2.1: as a grant, it speaks for the client just the same. */
	if (cr->assertion.n == 0 && lg_str_eq(lg_form_get(&rq->form, "grant_type"), LG_STR("urn:ietf:params:oauth:grant-type:jwt-bearer"))) {
		cr->assertion = lg_form_get(&rq->form, "assertion");
		type = jwt_bearer;
	}
	if ((cr->basic ? 1 : 0) + (secret ? 1 : 0) + (cr->assertion.n > 0 ? 1 : 0) > 1)
		return sts_refuse(rq, STS_INVALID_REQUEST, "more than one way of client authentication");
	if (cr->basic) {
		if (id.n > 0 && !lg_str_eq(id, cr->id))
			return sts_refuse(rq, STS_INVALID_REQUEST, "client_id is not the authenticated client's");
		return LG_OK;
	}
	cr->id = id;
	cr->has_secret = secret;
	cr->secret = lg_form_get(&rq->form, "client_secret");
	if (cr->assertion.n == 0)
		return LG_OK;
	if (!lg_str_eq(type, jwt_bearer))
		return sts_refuse(rq, STS_INVALID_REQUEST, "client_assertion_type is not known");
	return LG_OK;
}

/* ---- one function for each way ------------------------------------------------------------------------ */

/* An empty secret is none (RFC 6749 2.3.1: it may be left out); some send it. */
static lg_err
check_none(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	(void)c;
	if (cr->secret.n > 0 || cr->assertion.n > 0)
		return bad_client(rq, "this client has no credentials");
	return LG_OK;
}

static lg_err
check_secret(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	lg_sha256 given = lg_sha256_of(cr->secret);

	if (!cr->has_secret || !c->has_secret || !lg_equal_bytes(given.b, c->secret.b, sizeof given.b))
		return bad_client(rq, "the client's secret is missing or wrong");
	return LG_OK;
}

/* RFC 8705 2.1.2: the one that it names, or that of its own entry.  An application that runs as a service has the service's. */
static bool
is_own_certificate(const struct lg_sts_client *c, lg_str cert, const struct lg_sts_subject *peer)
{
	for (int kind = 0; kind < LG_CERT_KINDS; kind++)
		if (c->certificate[kind].n > 0)
			return lg_cert_has_name(cert, (enum lg_cert_kind)kind, c->certificate[kind]);
	return lg_uuid_eq(peer->id, c->entry);
}

static lg_err
check_tls(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	struct lg_sts_subject peer;

	if (cr->has_secret || cr->assertion.n > 0 || rq->ex->peer->cert.n == 0)
		return bad_client(rq, "this client authenticates by its certificate");
	if (p->peer_entry(p->self, rq->cx, rq->view, rq->tenant_id, rq->ex->peer->cert, &peer) != LG_OK)
		return bad_client(rq, "the certificate names no entry");
	if (!is_own_certificate(c, rq->ex->peer->cert, &peer))
		return bad_client(rq, "the certificate is another entry's");
	rq->by_certificate = true;
	return LG_OK;
}

/* RFC 8705 2.2.2: the handshake proved the key, the registration says whose it is. */
static lg_err
check_self_tls(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	lg_str cert = sts_peer_cert(rq->ex->peer);

	if (cr->has_secret || cr->assertion.n > 0 || cert.n == 0)
		return bad_client(rq, "this client authenticates by its certificate");
	if (lg_pubkey_from_cert(rq->cx, cert, &key) != LG_OK)
		return bad_client(rq, "the certificate's key is none that is known here");
	LG_TRY(sts_client_keys(rq, c, LG_NONE, &keys));
	if (!lg_keyset_has_key(keys, key))
		return bad_client(rq, "the certificate's key is none of the client's");
	rq->by_certificate = true;
	return LG_OK;
}

static lg_err
check_assertion(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	if (cr->assertion.n == 0)
		return bad_client(rq, "this client authenticates by an assertion");
	return sts_assertion_check(rq, c, cr->assertion);
}

static lg_err
check_federated(struct sts_rq *rq, const struct lg_sts_client *c, const struct credentials *cr)
{
	if (cr->assertion.n == 0)
		return bad_client(rq, "this client authenticates by an assertion of its issuer");
	return sts_federated_check(rq, c, cr->assertion);
}

static lg_err (*const checks[])(struct sts_rq *, const struct lg_sts_client *, const struct credentials *) = {
	[LG_CLIENT_NONE] = check_none,
	[LG_CLIENT_SECRET] = check_secret,
	[LG_CLIENT_TLS] = check_tls,
	[LG_CLIENT_JWT] = check_assertion,
	[LG_CLIENT_FEDERATED] = check_federated,
	[LG_CLIENT_SELF_TLS] = check_self_tls,
};

/*
 * An assertion without a client_id: another issuer's does not know our names, and its source says who it is; a client's own has its
 * client_id in it, and is compared with it when it is checked.
 */
static lg_err
read_assertion(struct sts_rq *rq, struct credentials *cr, bool *done)
{
	struct lg_claims c;
	lg_err e = sts_workload_client(rq, cr->assertion);

	*done = e == LG_OK;
	if (e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(sts_assertion_peek(rq, cr->assertion, &c));
	cr->id = c.subject;
	return LG_OK;
}

lg_err
sts_client_authenticate(struct sts_rq *rq)
{
	struct credentials cr = { .basic = false };
	bool done;
	lg_err e;

	LG_TRY(read_basic(rq, rq->ex->header(rq->ex, "Authorization"), &cr));
	LG_TRY(read_form(rq, &cr));
	if (cr.id.n == 0 && cr.assertion.n > 0) {
		LG_TRY(read_assertion(rq, &cr, &done));
		if (done)
			return LG_OK;
	}
	if (cr.id.n == 0)
		return bad_client(rq, "no client_id");
	e = sts_client_load(rq, cr.id, &rq->client);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && (!rq->client.enabled || rq->client.auth >= LG_COUNT(checks))))
		return bad_client(rq, "no such client");
	LG_TRY(e);
	/* A service's first secret is for getting its certificate, which then proves it as well. */
	if (rq->client.auth == LG_CLIENT_SECRET && lg_str_eq(rq->client.type, LG_STR("Service")) && !cr.has_secret
	    && rq->ex->peer->cert.n > 0)
		return check_tls(rq, &rq->client, &cr);
	return checks[rq->client.auth](rq, &rq->client, &cr);
}
