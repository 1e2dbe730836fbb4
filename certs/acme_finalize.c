/* acme_finalize.c: the end of an order (RFC 8555 7.4): the request for its names, the certificate, and where that is fetched. */
#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"
#include "certs/csr.h"
#include "certs/names.h"

struct finalizing {
	struct lg_issuing is;		/* first: what lg_issuing_start gives back */
	struct lg_acme *q;
	struct lg_acme_order order;
	struct lg_cert_request rq;
	struct lg_csr csr;
	struct lg_cert_names names;
	lg_err failed;			/* of the issuing, with its sentence */
	lg_str why;
};

static lg_err
must_be_ready(struct lg_acme *q, const struct lg_acme_order *o)
{
	enum lg_acme_status s = lg_acme_order_status(o, q->cx->now);

	if (s != LG_ACME_READY)
		return lg_acme_fail(q, 403, "orderNotReady", "the order is %.*s", LG_FMT(lg_acme_status_name(s)));
	return LG_OK;
}

/* Inside the mutation that records the serial number: one request alone turns a ready order into a processing one. */
static lg_err
bind_order(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	struct finalizing *f = is->arg;

	LG_TRY(lg_acme_order_get(cx, v, f->q->ex->tenant, f->order.id, &f->order));
	LG_TRY(must_be_ready(f->q, &f->order));
	f->order.status = LG_ACME_PROCESSING;
	f->order.serial = is->row.serial;
	is->row.order = f->order.id;
	return lg_acme_order_put(cx, v, f->q->ex->tenant, &f->order);
}

static lg_err
set_status(struct lg_ctx *cx, struct lg_view *v, struct finalizing *f, enum lg_acme_status s, int64_t expires)
{
	LG_TRY(lg_acme_order_get(cx, v, f->q->ex->tenant, f->order.id, &f->order));
	f->order.status = s;
	if (s == LG_ACME_VALID && f->order.expires < expires)
		f->order.expires = expires;
	LG_TRY(lg_acme_order_put(cx, v, f->q->ex->tenant, &f->order));
	lg_acme_order_keep(cx->arena, &f->order);
	return LG_OK;
}

static lg_err
complete_order(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	return set_status(cx, v, is->arg, LG_ACME_VALID, is->row.expires);
}

static lg_err
run_failed(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return set_status(cx, v, arg, LG_ACME_INVALID, 0);
}

/* ---- the request for exactly the order's names ------------------------------------------------------------------ */

static void
names_of(const struct lg_acme_order *o, struct lg_arena *a, struct lg_cert_names *ret)
{
	*ret = (struct lg_cert_names){ .nuri = 0 };
	for (size_t i = 0; i < o->nnames; i++) {
		const struct lg_acme_name *n = &o->name[i];

		if (!n->ip)
			ret->dns[ret->ndns++] = n->name;
		else if (lg_acme_address(n->name, &ret->ip[ret->nip], a) == LG_OK)
			ret->nip++;
	}
}

/* RFC 8555 7.4: a name stands in the common name, in subjectAltName, or in both; all of the order's and no other. */
static lg_err
check_names(struct lg_acme *q, const struct lg_csr *csr, const struct lg_cert_names *want)
{
	const struct lg_cert_names *asked = &csr->names;

	for (size_t i = 0; i < want->ndns; i++)
		if (!lg_names_have(asked->dns, asked->ndns, want->dns[i]) && !lg_str_eq_fold(csr->common_name, want->dns[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request does not name %.*s", LG_FMT(want->dns[i]));
	for (size_t i = 0; i < want->nip; i++)
		if (!lg_names_have(asked->ip, asked->nip, want->ip[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request does not name an address of the order");
	for (size_t i = 0; i < asked->ndns; i++)
		if (!lg_names_have(want->dns, want->ndns, asked->dns[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request names what the order does not");
	for (size_t i = 0; i < asked->nip; i++)
		if (!lg_names_have(want->ip, want->nip, asked->ip[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request names an address that the order does not");
	/* RFC 8738 3: an address has no place in the common name; some clients put the text there all the same. */
	if (asked->nuri > 0 || (csr->common_name.n > 0 && !lg_names_have(want->dns, want->ndns, csr->common_name) && want->nip == 0))
		return lg_acme_fail(q, 400, "badCSR", "the request names what the order does not");
	return LG_OK;
}

static lg_err
read_csr(struct lg_acme *q, struct lg_csr *ret)
{
	lg_str text = LG_NONE, der, name;
	struct lg_json js;

	lg_json_init(&js, q->cx->arena, q->jws.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("csr")))
			text = lg_json_str(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(q->cx, &js));
	if (!lg_base64url_parse(q->cx->arena, text, &der) || lg_csr_parse(q->cx, der, ret) != LG_OK)
		return lg_acme_fail(q, 400, "badCSR", "%s", q->cx->error[0] != '\0' ? q->cx->error : "not base64url");
	if (lg_str_eq(ret->spki, q->account.spki))
		return lg_acme_fail(q, 400, "badCSR", "the account's key is not a certificate's (RFC 8555 11.1)");
	return LG_OK;
}

static lg_err
tell_failure(struct lg_acme *q, void *arg)
{
	const struct finalizing *f = arg;

	return lg_fail(q->cx, f->failed, "%.*s", LG_FMT(f->why));
}

/* Of the issuing, the answer.  Once the order is processing nobody else will end it. */
static lg_err
issued(struct finalizing *f, lg_err e)
{
	struct lg_acme *q = f->q;

	if (e == LG_OK)
		return lg_acme_order_answer(q, 200, &f->order);
	if (f->order.status != LG_ACME_PROCESSING)
		return e;
	f->failed = e;
	f->why = lg_dup(q->cx->arena, lg_str_of(q->cx->error));
	return lg_acme_apply(q, "acme.order.fail", run_failed, tell_failure, f);
}

static void
issued_later(struct lg_issuing *is, lg_err e)
{
	struct finalizing *f = (struct finalizing *)is;

	e = issued(f, e);
	if (e != LG_PENDING)
		lg_acme_ended(f->q, e);
}

static lg_err
issue(struct finalizing *f)
{
	struct lg_acme *q = f->q;
	lg_err e;

	f->rq = (struct lg_cert_request){ .tenant = q->ex->tenant, .profile = f->order.profile, .proof = "acme",
		.asker = { .type = q->cx->actor->type, .id = q->cx->actor->id, .name = q->cx->actor->name }, .entry = q->account.entry,
		.spki = f->csr.spki, .proved = &f->names, .ends = f->order.not_after };
	f->is = (struct lg_issuing){ .c = q->c, .ca = q->ca, .rq = &f->rq, .done = issued_later, .pending = bind_order,
		.complete = complete_order, .arg = f };
	e = lg_issuing_start(q->cx, &f->is);
	return e == LG_PENDING ? e : issued(f, e);
}

/* RFC 8659 3: what the domain's owner said hours ago may have changed. */
static bool
is_old(const struct lg_ctx *cx, const struct lg_acme_name *n)
{
	return cx->now - n->at > LG_ACME_CAA_AGE;
}

static lg_err
ask_caa_again(struct lg_acme *q, const struct lg_acme_order *o)
{
	for (size_t i = 0; i < o->nnames; i++) {
		struct lg_acme_name n = o->name[i];

		if (is_old(q->cx, &n) && lg_acme_caa(q, &n, n.by) != LG_OK)
			return lg_acme_fail(q, 403, "caa", "%.*s: %.*s", LG_FMT(n.name), LG_FMT(n.error));
	}
	return LG_OK;
}

lg_err
lg_acme_finalize(struct lg_acme *q, struct lg_acme_order *o)
{
	struct finalizing *f = LG_NEW(q->cx->arena, struct finalizing);

	LG_TRY(must_be_ready(q, o));
	LG_TRY(lg_acme_profile_check(q, o->profile, o->not_after));
	LG_TRY(read_csr(q, &f->csr));
	names_of(o, q->cx->arena, &f->names);
	LG_TRY(check_names(q, &f->csr, &f->names));
	LG_TRY(ask_caa_again(q, o));
	f->q = q;
	f->order = *o;
	return issue(f);
}

bool
lg_acme_finalize_waits(struct lg_certs *c, struct lg_http *ex)
{
	struct lg_acme_order *o = LG_NEW(ex->cx->arena, struct lg_acme_order);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str text, verb;
	lg_uuid id;

	if (!lg_str_cut(ex->tail, '/', &text, &verb) || !lg_str_eq(verb, LG_STR("finalize")) || c->ports.caa_identity.n == 0 ||
	    !lg_acme_id_parse(ex->cx->arena, text, &id) || lg_view_begin(ex->cx, c->ports.store, &v) != LG_OK ||
	    lg_acme_order_get(ex->cx, v, ex->tenant, id, o) != LG_OK)
		return false;
	for (size_t i = 0; i < o->nnames; i++)
		if (is_old(ex->cx, &o->name[i]))
			return true;
	return false;
}

/* ---- the certificate --------------------------------------------------------------------------------------------------- */

/* The leaf and its issuer (RFC 8555 7.4.2); the root is the client's to trust. */
static lg_err
run_certificate(struct lg_acme *q)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_acme_order *o = LG_NEW(q->cx->arena, struct lg_acme_order);
	struct lg_issued issued;
	struct lg_cert_row row;
	lg_serial serial;
	lg_err e = LG_E_NOT_FOUND;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (lg_serial_parse(q->ex->tail, &serial))
		e = lg_cert_find(q->cx, v, q->ex->tenant, &serial, &row);
	if (e == LG_OK)
		e = lg_acme_order_get(q->cx, v, q->ex->tenant, row.order, o);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && (row.der.n == 0 || !lg_uuid_eq(o->account, q->account.id))))
		return lg_fail(q->cx, LG_E_NOT_FOUND, "no such certificate");
	LG_TRY(e);
	LG_TRY(lg_issued_of(q->cx, q->ca, &row, &issued));
	q->ex->status = 200;
	lg_http_type(q->ex, "application/pem-certificate-chain");
	lg_buf_str(&q->ex->out, lg_pem(q->cx->arena, LG_STR("CERTIFICATE"), issued.cert));
	lg_buf_str(&q->ex->out, lg_pem(q->cx->arena, LG_STR("CERTIFICATE"), issued.chain));
	return lg_buf_status(q->cx, &q->ex->out);
}

lg_err
lg_acme_certificate_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_certificate);
}
