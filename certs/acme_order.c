/* acme_order.c: orders (RFC 8555 7.4): made, looked at, finalized; and the certificate they lead to. */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"
#include "certs/csr.h"
#include "certs/names.h"

lg_err
lg_acme_order_of(struct lg_acme *q, struct lg_view *v, lg_str text, struct lg_acme_order *ret)
{
	lg_err e = LG_E_NOT_FOUND;
	lg_uuid id;

	if (lg_acme_id_parse(q->cx->arena, text, &id))
		e = lg_acme_order_get(q->cx, v, q->ex->tenant, id, ret);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !lg_uuid_eq(ret->account, q->account.id)))
		return lg_fail(q->cx, LG_E_NOT_FOUND, "no such order");
	LG_TRY(e);
	lg_acme_order_keep(q->cx->arena, ret);
	return LG_OK;
}

lg_err
lg_acme_count(struct lg_acme *q, struct lg_view *v, uint32_t *(*which)(struct lg_acme_account *), uint32_t max)
{
	struct lg_acme_account a;

	LG_TRY(lg_acme_account_get(q->cx, v, q->ex->tenant, q->account.id, &a));
	if (q->cx->now - a.hour >= LG_HOUR) {
		a.hour = q->cx->now;
		a.orders = a.failed = 0;
	}
	if (*which(&a) >= max)
		return lg_acme_fail(q, 429, "rateLimited", "more than %u in an hour", max);
	++*which(&a);
	return lg_acme_account_put(q->cx, v, q->ex->tenant, &a);
}

/* ---- identifiers ----------------------------------------------------------------------------------------- */

lg_err
lg_acme_address(lg_str text, lg_str *ret, struct lg_arena *a)
{
	char *raw = lg_alloc(a, 16);
	lg_str z = lg_dup(a, text);

	if (inet_pton(AF_INET, z.p, raw) == 1)
		*ret = (lg_str){ raw, 4 };
	else if (inet_pton(AF_INET6, z.p, raw) == 1)
		*ret = (lg_str){ raw, 16 };
	else
		return LG_E_INVALID;
	return LG_OK;
}

static lg_str
lower(struct lg_arena *a, lg_str s)
{
	char *p = lg_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + ('a' - 'A') : s.p[i]);
	return (lg_str){ p, s.n };
}

static lg_err
check_identifier(struct lg_acme *q, lg_str type, lg_str value, struct lg_acme_name *ret)
{
	struct lg_cert_names names = { .nuri = 0 };
	lg_str raw;

	*ret = (struct lg_acme_name){ .ip = lg_str_eq(type, LG_STR("ip")), .name = lower(q->cx->arena, value), .status = LG_ACME_PENDING };
	if (!ret->ip && !lg_str_eq(type, LG_STR("dns")))
		return lg_acme_fail(q, 400, "unsupportedIdentifier", "identifiers are of type dns or ip");
	if (ret->ip) {
		if (lg_acme_address(ret->name, &raw, q->cx->arena) != LG_OK)
			return lg_acme_fail(q, 400, "malformed", "not an IP address");
		names.ip[names.nip++] = raw;
	} else {
		if (lg_acme_address(ret->name, &raw, q->cx->arena) == LG_OK)
			return lg_acme_fail(q, 400, "rejectedIdentifier", "an address is an identifier of type ip (RFC 8738)");
		if (!lg_str_eq(ret->name, LG_STR("localhost")) && !lg_dns_valid(ret->name))
			return lg_acme_fail(q, 400, "rejectedIdentifier", "not a DNS name that is certified here; wildcards are not");
		names.dns[names.ndns++] = ret->name;
	}
	if (lg_cert_names_own(q->cx, &q->ca->au, &names) != LG_OK)
		return lg_acme_fail(q, 403, "rejectedIdentifier", "%.*s lies outside what this authority may certify", LG_FMT(value));
	return LG_OK;
}

static lg_err
add_identifier(struct lg_acme *q, struct lg_json *js, struct lg_acme_order *o)
{
	lg_str type = LG_NONE, value = LG_NONE, name;
	struct lg_acme_name n;

	lg_json_object(js);
	while (lg_json_member(js, &name))
		if (lg_str_eq(name, LG_STR("type")))
			type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("value")))
			value = lg_json_str(js);
		else
			lg_json_skip(js);
	if (js->fault != NULL)
		return LG_OK;		/* lg_json_end tells it */
	LG_TRY(check_identifier(q, type, value, &n));
	for (size_t i = 0; i < o->nnames; i++)
		if (o->name[i].ip == n.ip && lg_str_eq(o->name[i].name, n.name))
			return LG_OK;
	if (o->nnames == LG_ACME_NAMES)
		return lg_acme_fail(q, 400, "rejectedIdentifier", "more than %d identifiers", LG_ACME_NAMES);
	o->name[o->nnames++] = n;
	return LG_OK;
}

static lg_err
read_order(struct lg_acme *q, struct lg_acme_order *o)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, q->cx->arena, q->jws.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("identifiers"))) {
			lg_json_array(&js);
			while (lg_json_item(&js))
				LG_TRY(add_identifier(q, &js, o));
		} else if (lg_str_eq(name, LG_STR("replaces"))) {
			o->replaces = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("notBefore")) || lg_str_eq(name, LG_STR("notAfter"))) {
			return lg_acme_fail(q, 400, "malformed", "the times of certificates are the authority's choice");
		} else {
			lg_json_skip(&js);
		}
	LG_TRY(lg_json_end(q->cx, &js));
	return o->nnames > 0 ? LG_OK : lg_acme_fail(q, 400, "malformed", "an order names identifiers");
}

/* ---- answers ------------------------------------------------------------------------------------------------ */

static void
put_identifiers(struct lg_jsonw *w, const struct lg_acme_order *o)
{
	lg_jsonw_name(w, LG_STR("identifiers"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < o->nnames; i++) {
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "type", o->name[i].ip ? LG_STR("ip") : LG_STR("dns"));
		lg_jsonw_str_of(w, "value", o->name[i].name);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
}

static void
put_first_error(struct lg_jsonw *w, const struct lg_acme_order *o)
{
	for (size_t i = 0; i < o->nnames; i++)
		if (o->name[i].error_type.n > 0) {
			lg_jsonw_name(w, LG_STR("error"));
			lg_acme_problem_put(w, o->name[i].error_type, o->name[i].error, 403);
			return;
		}
}

static lg_err
answer(struct lg_acme *q, int status, const struct lg_acme_order *o)
{
	lg_str id = lg_acme_id(q->cx->arena, o->id);
	enum lg_acme_status s = lg_acme_order_status(o, q->cx->now);
	struct lg_jsonw w = lg_acme_begin(q, status);

	lg_http_header(q->ex, "Location", lg_print(q->cx->arena, "%.*s/order/%.*s", LG_FMT(q->base), LG_FMT(id)));
	if (s == LG_ACME_PENDING || s == LG_ACME_PROCESSING)
		lg_http_header(q->ex, "Retry-After", LG_STR("1"));
	lg_jsonw_str_of(&w, "status", lg_acme_status_name(s));
	lg_jsonw_name(&w, LG_STR("expires"));
	lg_jsonw_time(&w, o->expires);
	put_identifiers(&w, o);
	put_first_error(&w, o);
	lg_jsonw_name(&w, LG_STR("authorizations"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < o->nnames; i++)
		lg_acme_url(q, &w, NULL, "/authz/%.*s/%zu", LG_FMT(id), i);
	lg_jsonw_array_end(&w);
	lg_acme_url(q, &w, "finalize", "/order/%.*s/finalize", LG_FMT(id));
	if (s == LG_ACME_VALID)
		lg_acme_url(q, &w, "certificate", "/certificate/%.*s", LG_FMT(lg_serial_text(q->cx->arena, &o->serial)));
	if (o->replaces.n > 0)
		lg_jsonw_str_of(&w, "replaces", o->replaces);
	return lg_acme_end(q, &w);
}

/* ---- newOrder --------------------------------------------------------------------------------------------------- */

struct making {
	struct lg_acme *q;
	struct lg_acme_order order;
};

static uint32_t *
orders_of(struct lg_acme_account *a)
{
	return &a->orders;
}

/* RFC 9773 5: what is replaced is a certificate of the same account's entry. */
static lg_err
check_replaces(struct lg_acme *q, struct lg_view *v, lg_str id)
{
	struct lg_cert_row row;

	if (id.n == 0)
		return LG_OK;
	if (lg_acme_ari_find(q, v, id, &row) != LG_OK || !lg_uuid_eq(row.entry, q->account.entry))
		return lg_acme_fail(q, 400, "malformed", "\"replaces\" names no certificate of this account");
	return LG_OK;
}

static lg_err
run_make(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;

	LG_TRY(check_replaces(m->q, v, m->order.replaces));
	LG_TRY(lg_acme_count(m->q, v, orders_of, LG_ACME_ORDERS_HOUR));
	return lg_acme_order_put(cx, v, m->q->ex->tenant, &m->order);
}

static lg_err
run_new(struct lg_acme *q)
{
	struct making *m = LG_NEW(q->cx->arena, struct making);

	m->q = q;
	m->order = (struct lg_acme_order){ .id = lg_uuid_new(), .account = q->account.id, .created = q->cx->now,
		.expires = q->cx->now + LG_ACME_ORDER_LIFE, .status = LG_ACME_PENDING };
	lg_random(m->order.seed, sizeof m->order.seed);
	LG_TRY(read_order(q, &m->order));
	LG_TRY(lg_store_apply(q->cx, q->c->ports.store, q->ex->tenant, "acme.order.create", run_make, m, NULL));
	return answer(q, 201, &m->order);
}

lg_err
lg_acme_new_order(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_new);
}

/* ---- finalize ------------------------------------------------------------------------------------------------------ */

struct finalizing {
	struct lg_acme *q;
	struct lg_acme_order order;
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
	return lg_acme_order_put(cx, v, f->q->ex->tenant, &f->order);
}

static lg_err
set_status(struct lg_ctx *cx, struct lg_view *v, struct finalizing *f, enum lg_acme_status s)
{
	LG_TRY(lg_acme_order_get(cx, v, f->q->ex->tenant, f->order.id, &f->order));
	f->order.status = s;
	LG_TRY(lg_acme_order_put(cx, v, f->q->ex->tenant, &f->order));
	lg_acme_order_keep(cx->arena, &f->order);
	return LG_OK;
}

static lg_err
complete_order(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	return set_status(cx, v, is->arg, LG_ACME_VALID);
}

static lg_err
run_failed(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return set_status(cx, v, arg, LG_ACME_INVALID);
}

static bool
has(const lg_str *v, size_t n, lg_str name)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq_fold(v[i], name))
			return true;
	return false;
}

/* RFC 8555 7.4: the request names exactly the order's identifiers. */
static lg_err
names_of(struct lg_acme *q, const struct lg_acme_order *o, const struct lg_cert_names *asked, struct lg_cert_names *ret)
{
	*ret = (struct lg_cert_names){ .nuri = 0 };
	for (size_t i = 0; i < o->nnames; i++) {
		const struct lg_acme_name *n = &o->name[i];

		if (!n->ip)
			ret->dns[ret->ndns++] = n->name;
		else
			LG_TRY(lg_acme_address(n->name, &ret->ip[ret->nip++], q->cx->arena));
	}
	if (asked->nuri != 0 || asked->ndns != ret->ndns || asked->nip != ret->nip)
		return lg_acme_fail(q, 400, "badCSR", "the request does not name the order's identifiers");
	for (size_t i = 0; i < ret->ndns; i++)
		if (!has(asked->dns, asked->ndns, ret->dns[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request does not name %.*s", LG_FMT(ret->dns[i]));
	for (size_t i = 0; i < ret->nip; i++)
		if (!has(asked->ip, asked->nip, ret->ip[i]))
			return lg_acme_fail(q, 400, "badCSR", "the request does not name an address of the order");
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
issue(struct lg_acme *q, struct finalizing *f, const struct lg_csr *csr, const struct lg_cert_names *names)
{
	struct lg_issuing *is = LG_NEW(q->cx->arena, struct lg_issuing);
	struct lg_cert_request rq = { .tenant = q->ex->tenant, .profile = LG_STR("tls-server"), .proof = "acme",
		.asker = { .type = q->cx->actor->type, .id = q->cx->actor->id, .name = q->cx->actor->name }, .entry = q->account.entry,
		.spki = csr->spki, .proved = names };
	struct lg_issued issued;
	lg_err e;

	*is = (struct lg_issuing){ .c = q->c, .ca = q->ca, .rq = &rq, .pending = bind_order, .complete = complete_order, .arg = f };
	e = lg_issuing_run(q->cx, is, &issued);
	/* Once it is processing nobody else will end it.  The sentence of the failure is kept. */
	if (e != LG_OK && f->order.status == LG_ACME_PROCESSING) {
		char why[LG_ERROR_TEXT];

		memcpy(why, q->cx->error, sizeof why);
		LG_TRY(lg_store_apply(q->cx, q->c->ports.store, q->ex->tenant, "acme.order.fail", run_failed, f, NULL));
		return lg_fail(q->cx, e, "%s", why);
	}
	return e;
}

static lg_err
finalize(struct lg_acme *q, struct lg_acme_order *o)
{
	struct finalizing *f = LG_NEW(q->cx->arena, struct finalizing);
	struct lg_cert_names names;
	struct lg_csr csr;

	LG_TRY(must_be_ready(q, o));
	LG_TRY(read_csr(q, &csr));
	LG_TRY(names_of(q, o, &csr.names, &names));
	f->q = q;
	f->order = *o;
	LG_TRY(issue(q, f, &csr, &names));
	return answer(q, 200, &f->order);
}

static lg_err
look(struct lg_acme *q, lg_str id, struct lg_acme_order *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	return lg_acme_order_of(q, v, id, ret);
}

static lg_err
run_order(struct lg_acme *q)
{
	struct lg_acme_order *o = LG_NEW(q->cx->arena, struct lg_acme_order);
	lg_str id, verb;
	bool more = lg_str_cut(q->ex->tail, '/', &id, &verb);

	LG_TRY(look(q, id, o));
	if (more && lg_str_eq(verb, LG_STR("finalize")))
		return finalize(q, o);
	if (more || !q->get)
		return lg_acme_fail(q, 400, "malformed", "an order is read by POST-as-GET");
	return answer(q, 200, o);
}

lg_err
lg_acme_order_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_order);
}

/* ---- the certificate --------------------------------------------------------------------------------------------------- */

/* The leaf and its issuer (RFC 8555 7.4.2); the root is the client's to trust. */
static lg_err
run_certificate(struct lg_acme *q)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_issued issued;
	struct lg_cert_row row;
	lg_serial serial;
	lg_err e = LG_E_NOT_FOUND;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (lg_serial_parse(q->ex->tail, &serial))
		e = lg_cert_find(q->cx, v, q->ex->tenant, &serial, &row);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && (!lg_uuid_eq(row.entry, q->account.entry) || row.der.n == 0)))
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
