/*
 * ocsp.c: answers (RFC 6960 4.2), made when they are asked for and kept for others who ask the same (ocsp_cache.c).
 *
 * "good" is said only of a certificate that the inventory holds as issued: what we did not issue is unknown, even when
 * it carries our signature.  The issuing key answers for itself, or a short-lived key that it certified for this, whose certificate
 * then goes with the answer.
 */
#include "certs/ocsp.h"

#include "base/clock.h"
#include "certs/ocsp_cache.h"
#include "certs/trust.h"

static const lg_str basic = LG_STR("\x2b\x06\x01\x05\x05\x07\x30\x01\x01");		/* id-pkix-ocsp-basic */

/* ---- one certificate -------------------------------------------------------------------------------- */

static bool
is_issuer(const struct lg_ca_cert *issuer, const struct lg_ocsp_id *id)
{
	const struct lg_ca_digests *d = &issuer->digests;

	if (id->sha1)
		return lg_str_eq(id->name_hash, (lg_str){ (const char *)d->name_sha1, sizeof d->name_sha1 }) &&
		    lg_str_eq(id->key_hash, (lg_str){ (const char *)d->key_sha1, sizeof d->key_sha1 });
	return lg_str_eq(id->name_hash, lg_sha256_str(&d->name)) && lg_str_eq(id->key_hash, lg_sha256_str(&d->key));
}

static const struct lg_ca_cert *
issuer_of(const struct lg_ca *ca, const struct lg_ocsp_request *rq)
{
	for (size_t i = 0; i < rq->n; i++)
		for (size_t j = 0; j < ca->nissuers; j++)
			if (is_issuer(&ca->issuer[j], &rq->id[i]))
				return &ca->issuer[j];
	return NULL;
}

/* LG_E_NOT_FOUND: unknown. */
static lg_err
find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ca_cert *issuer, const struct lg_ocsp_id *id,
    struct lg_cert_row *ret)
{
	lg_serial serial;

	if (!is_issuer(issuer, id) || id->serial.n != sizeof serial.b)
		return LG_E_NOT_FOUND;
	memcpy(serial.b, id->serial.p, sizeof serial.b);
	LG_TRY(lg_cert_find(cx, v, tenant, &serial, ret));
	if (ret->state == LG_CERT_PENDING || memcmp(ret->issuer.b, issuer->sha256.b, sizeof ret->issuer.b) != 0)
		return LG_E_NOT_FOUND;
	return LG_OK;
}

static void
put_time(struct lg_buf *b, int64_t us)
{
	lg_derw_generalized(b, us - us % LG_SECOND);
}

/* RevokedInfo [1] IMPLICIT { revocationTime, revocationReason [0] EXPLICIT } */
static void
put_revoked(struct lg_buf *b, const struct lg_cert_row *row)
{
	size_t info = lg_derw_begin(b, LG_DER_EXPLICIT(1)), reason;

	put_time(b, row->revoked);
	if (row->why != LG_REVOKED_UNSPECIFIED) {
		reason = lg_derw_begin(b, LG_DER_EXPLICIT(0));
		lg_derw_enumerated(b, row->why);
		lg_derw_end(b, reason);
	}
	lg_derw_end(b, info);
}

static lg_err
put_single(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ca_cert *issuer, const struct lg_ocsp_id *id,
    struct lg_buf *b, bool *known)
{
	size_t single = lg_derw_begin(b, LG_DER_SEQUENCE), next;
	struct lg_cert_row row;
	lg_err e = find(cx, v, tenant, issuer, id, &row);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*known = e == LG_OK;
	lg_derw_raw(b, id->whole);
	if (e == LG_E_NOT_FOUND)
		lg_derw_element(b, LG_DER_IMPLICIT(2), LG_NONE);	/* unknown */
	else if (row.state == LG_CERT_REVOKED)
		put_revoked(b, &row);
	else
		lg_derw_element(b, LG_DER_IMPLICIT(0), LG_NONE);	/* good */
	put_time(b, cx->now - LG_CERT_BACKDATE);
	next = lg_derw_begin(b, LG_DER_EXPLICIT(0));
	put_time(b, cx->now + LG_OCSP_LIFE);
	lg_derw_end(b, next);
	lg_derw_end(b, single);
	return LG_OK;
}

/* ---- ResponseData -------------------------------------------------------------------------------------- */

/* The one member of an optional SEQUENCE under a tag; nothing when it is empty. */
static void
put_listed(struct lg_buf *b, uint8_t tag, lg_str member)
{
	size_t tagged, list;

	if (member.n == 0)
		return;
	tagged = lg_derw_begin(b, tag);
	list = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_raw(b, member);
	lg_derw_end(b, list);
	lg_derw_end(b, tagged);
}

/* ResponderID (4.2.1).  The issuer is named: GnuTLS looks for a key's SHA-1 among subject key identifiers, and ours are of SHA-256
 * (RFC 7093 2).  A responder's certificate is in the answer, where everybody compares the key itself. */
static void
put_responder(struct lg_buf *b, const struct lg_ca_cert *issuer, const struct lg_ca_responder *by)
{
	bool named = by->der.n == 0;
	size_t id = lg_derw_begin(b, named ? LG_DER_EXPLICIT(1) : LG_DER_EXPLICIT(2));

	if (named)
		lg_derw_raw(b, issuer->x509.subject);
	else
		lg_derw_octets(b, (lg_str){ (const char *)by->key_sha1, sizeof by->key_sha1 });
	lg_derw_end(b, id);
}

static lg_err
write_data(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ca_cert *issuer, const struct lg_ca_responder *by,
    const struct lg_ocsp_request *rq, lg_str *ret, bool *known)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);
	size_t data = lg_derw_begin(&b, LG_DER_SEQUENCE), list;

	put_responder(&b, issuer, by);
	put_time(&b, cx->now);
	list = lg_derw_begin(&b, LG_DER_SEQUENCE);
	for (size_t i = 0; i < rq->n; i++)
		LG_TRY(put_single(cx, v, tenant, issuer, &rq->id[i], &b, known));
	lg_derw_end(&b, list);
	put_listed(&b, LG_DER_EXPLICIT(1), rq->nonce);
	lg_derw_end(&b, data);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* ---- the whole answer ------------------------------------------------------------------------------------- */

/* BasicOCSPResponse inside OCSPResponse; data empty: a status alone. */
static lg_err
write_response(struct lg_ctx *cx, enum lg_ocsp_status status, const struct lg_ca_responder *by, lg_str data, lg_str sig,
    struct lg_ocsp_answer *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(20u << 10);
	size_t response = lg_derw_begin(&b, LG_DER_SEQUENCE);

	lg_derw_enumerated(&b, status);
	if (data.n > 0) {
		size_t tagged = lg_derw_begin(&b, LG_DER_EXPLICIT(0)), bytes = lg_derw_begin(&b, LG_DER_SEQUENCE), octets, whole;

		lg_derw_oid(&b, basic);
		octets = lg_derw_begin(&b, LG_DER_OCTET_STRING);
		whole = lg_derw_begin(&b, LG_DER_SEQUENCE);
		lg_derw_raw(&b, data);
		lg_derw_raw(&b, lg_x509_alg(by->alg));
		lg_derw_bits(&b, sig);
		put_listed(&b, LG_DER_EXPLICIT(0), by->der);
		lg_derw_end(&b, whole);
		lg_derw_end(&b, octets);
		lg_derw_end(&b, bytes);
		lg_derw_end(&b, tagged);
	}
	lg_derw_end(&b, response);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = (struct lg_ocsp_answer){ status, lg_dup(cx->arena, lg_buf_view(&b)) };
	return LG_OK;
}

static enum lg_ocsp_status
status_of(lg_err e)
{
	switch (e) {
	case LG_E_BUSY:
	case LG_E_UNAVAILABLE:
		return LG_OCSP_TRY_LATER;
	default:
		return LG_OCSP_INTERNAL;
	}
}

/* ---- asking the keeper ---------------------------------------------------------------------------------------- */

struct asking {
	struct lg_ctx *cx;
	struct lg_ca_responder by;
	lg_str data;
	bool keep;			/* for others: it is about one certificate that is known, without a nonce */
	struct lg_ocsp_key key;
	lg_ocsp_done *done;
	void *arg;
	bool answered;
};

static lg_err
tell(struct asking *a, enum lg_ocsp_status status, lg_str data, lg_str sig)
{
	struct lg_ocsp_answer answer;

	LG_TRY(write_response(a->cx, status, &a->by, data, sig, &answer));
	if (status == LG_OCSP_SUCCESSFUL && a->keep)
		lg_ocsp_cache_put(&a->key, a->cx->now + LG_OCSP_KEPT, answer.der);
	a->answered = true;
	a->done(a->arg, &answer);
	return LG_OK;
}

static void
signed_data(void *arg, lg_err e, lg_str sig)
{
	struct asking *a = arg;

	/* Neither can fail: the buffer has room for what the keeper may answer. */
	if (e == LG_OK)
		(void)tell(a, LG_OCSP_SUCCESSFUL, a->data, sig);
	else
		(void)tell(a, status_of(e), LG_NONE, LG_NONE);
}

/* The responder in the data names the key: the keeper signs with that one or not at all. */
static lg_err
ask_keeper(struct lg_certs *c, uint32_t tenant, struct asking *a)
{
	const struct lg_signer *signer = &c->ports.signer;
	lg_err e = signer->ocsp(signer->self, tenant, a->data, signed_data, a);

	if (e != LG_OK)
		return tell(a, status_of(e), LG_NONE, LG_NONE);
	return a->answered ? LG_OK : LG_PENDING;
}

/* The issuer's own responder while it outlives the answer, else the issuer; what is told outlives this snapshot of trust. */
static struct lg_ca_responder
answers_for(const struct lg_ctx *cx, const struct lg_ca_cert *issuer)
{
	struct lg_ca_responder by = { .alg = issuer->alg };

	if (issuer->responder.not_after <= cx->now + LG_OCSP_LIFE)
		return by;
	by = issuer->responder;
	by.der = lg_dup(cx->arena, by.der);
	return by;
}

static lg_err
answer_fresh(struct lg_certs *c, struct lg_view *v, const struct lg_ca *ca, lg_str request, struct asking *a)
{
	const struct lg_ca_cert *issuer;
	struct lg_ocsp_request rq;
	bool known = false;

	if (lg_ocsp_parse(a->cx, request, &rq) != LG_OK)
		return tell(a, LG_OCSP_MALFORMED, LG_NONE, LG_NONE);
	issuer = issuer_of(ca, &rq);
	if (issuer == NULL)	/* RFC 5019 2.2.3: not authoritative for it */
		return tell(a, LG_OCSP_UNAUTHORIZED, LG_NONE, LG_NONE);
	a->by = answers_for(a->cx, issuer);
	if (write_data(a->cx, v, ca->au.tenant, issuer, &a->by, &rq, &a->data, &known) != LG_OK)
		return tell(a, LG_OCSP_INTERNAL, LG_NONE, LG_NONE);
	a->keep = rq.n == 1 && rq.nonce.n == 0 && known;
	return ask_keeper(c, ca->au.tenant, a);
}

lg_err
lg_certs_ocsp(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str request, lg_ocsp_done *done, void *arg)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct asking *a = LG_NEW(cx->arena, struct asking);
	const struct lg_ca *ca;
	lg_str der;

	LG_TRY(lg_trust_tenant(cx, t, tenant, &ca));
	LG_TRY(lg_view_begin(cx, c->ports.store, &v));
	a->key = (struct lg_ocsp_key){ lg_sha256_of(request), tenant, t->number, lg_revision(v, tenant, LG_DOMAIN_TRUST) };
	der = lg_ocsp_cache_get(&a->key, cx->now);
	if (der.n > 0) {
		done(arg, &(struct lg_ocsp_answer){ LG_OCSP_SUCCESSFUL, der });
		return LG_OK;
	}
	a->cx = cx;
	a->done = done;
	a->arg = arg;
	return answer_fresh(c, v, ca, request, a);
}
