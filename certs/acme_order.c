/* acme_order.c: orders (RFC 8555 7.4): made and looked at; acme_finalize.c ends them. */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"
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

/* A name, or "*." and a name (RFC 8555 7.1.3). */
static lg_err
check_dns(struct lg_acme *q, lg_str name)
{
	lg_str raw;

	if (lg_acme_address(name, &raw, q->cx->arena) == LG_OK)
		return lg_acme_fail(q, 400, "rejectedIdentifier", "an address is an identifier of type ip (RFC 8738)");
	if (!lg_str_eq(name, LG_STR("localhost")) && (!lg_dns_valid(lg_dns_base(name)) || name.n > LG_DNS_MAX))
		return lg_acme_fail(q, 400, "rejectedIdentifier", "not a DNS name that is certified here");
	return LG_OK;
}

static lg_err
check_identifier(struct lg_acme *q, lg_str type, lg_str value, struct lg_acme_name *ret)
{
	struct lg_cert_names names = { .nuri = 0 };

	*ret = (struct lg_acme_name){ .ip = lg_str_eq(type, LG_STR("ip")), .name = lower(q->cx->arena, value), .status = LG_ACME_PENDING };
	if (!ret->ip && !lg_str_eq(type, LG_STR("dns")))
		return lg_acme_fail(q, 400, "unsupportedIdentifier", "identifiers are of type dns or ip");
	if (!ret->ip) {
		LG_TRY(check_dns(q, ret->name));
		names.dns[names.ndns++] = ret->name;
	} else if (lg_acme_address(ret->name, &names.ip[names.nip++], q->cx->arena) != LG_OK) {
		return lg_acme_fail(q, 400, "malformed", "not an IP address");
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

/* RFC 8555 7.1.3.  X.509 has no parts of a second, and what cannot be as it was asked for is refused. */
static lg_err
read_end(struct lg_acme *q, lg_str text, int64_t *ret)
{
	if (!lg_time_parse(text, ret) || *ret % LG_SECOND != 0 || *ret <= 0)
		return lg_acme_fail(q, 400, "malformed", "\"notAfter\" is a time (RFC 3339) of whole seconds");
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
		} else if (lg_str_eq(name, LG_STR("profile"))) {
			o->profile = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("notAfter"))) {
			LG_TRY(read_end(q, lg_json_str(&js), &o->not_after));
		} else if (lg_str_eq(name, LG_STR("notBefore"))) {
			return lg_acme_fail(q, 400, "malformed", "when a certificate begins is the authority's choice: leave \"notBefore\" out");
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

lg_err
lg_acme_order_answer(struct lg_acme *q, int status, const struct lg_acme_order *o)
{
	lg_str id = lg_acme_id(q->cx->arena, o->id);
	enum lg_acme_status s = lg_acme_order_status(o, q->cx->now);
	struct lg_jsonw w = lg_acme_begin(q, status);

	lg_http_header(q->ex, "Location", lg_print(q->cx->arena, "%.*s/order/%.*s", LG_FMT(q->base), LG_FMT(id)));
	if (s == LG_ACME_PENDING || s == LG_ACME_PROCESSING)
		lg_http_header(q->ex, "Retry-After", LG_STR("1"));
	lg_jsonw_str_of(&w, "status", lg_acme_status_name(s));
	lg_jsonw_time_of(&w, "expires", o->expires);
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
	lg_jsonw_str_of(&w, "profile", o->profile);
	if (o->not_after != 0)
		lg_jsonw_time_of(&w, "notAfter", o->not_after);
	if (o->replaces.n > 0)
		lg_jsonw_str_of(&w, "replaces", o->replaces);
	return lg_acme_end(q, &w);
}

/* ---- newOrder --------------------------------------------------------------------------------------------------- */

struct making {
	struct lg_acme *q;
	struct lg_acme_order order;
};

static bool
shares_a_name(const struct lg_acme_order *a, const struct lg_acme_order *b)
{
	for (size_t i = 0; i < a->nnames; i++)
		for (size_t k = 0; k < b->nnames; k++)
			if (a->name[i].ip == b->name[k].ip && lg_str_eq(a->name[i].name, b->name[k].name))
				return true;
	return false;
}

/* RFC 9773 5: what is replaced is a certificate of the same account, for one of the same names, and is not replaced by another order. */
static lg_err
check_replaces(struct lg_acme *q, struct lg_view *v, struct lg_acme_order *o)
{
	struct lg_acme_order *old = LG_NEW(q->cx->arena, struct lg_acme_order);
	struct lg_cert_row row;
	bool replaced;

	if (o->replaces.n == 0)
		return LG_OK;
	if (lg_acme_ari_find(q, v, o->replaces, &row) != LG_OK ||
	    lg_acme_order_get(q->cx, v, q->ex->tenant, row.order, old) != LG_OK || !lg_uuid_eq(old->account, o->account))
		return lg_acme_fail(q, 400, "malformed", "\"replaces\" names no certificate of this account");
	if (!shares_a_name(old, o))
		return lg_acme_fail(q, 400, "malformed", "\"replaces\" names a certificate for other names");
	LG_TRY(lg_acme_order_replaces(q->cx, v, q->ex->tenant, &row.serial, &replaced));
	if (replaced)
		return lg_acme_fail(q, 409, "alreadyReplaced", "another order replaces this certificate");
	o->replaced = row.serial;
	return LG_OK;
}

static lg_err
run_make(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;

	LG_TRY(check_replaces(m->q, v, &m->order));
	return lg_acme_order_put(cx, v, m->q->ex->tenant, &m->order);
}

static lg_err
made(struct lg_acme *q, void *arg)
{
	const struct making *m = arg;

	return lg_acme_order_answer(q, 201, &m->order);
}

static lg_err
run_new(struct lg_acme *q)
{
	struct making *m = LG_NEW(q->cx->arena, struct making);

	m->q = q;
	m->order = (struct lg_acme_order){ .id = lg_uuid_ordered(q->cx->now), .account = q->account.id, .created = q->cx->now,
		.expires = q->cx->now + LG_ACME_ORDER_LIFE, .status = LG_ACME_PENDING, .profile = LG_ACME_PROFILE };
	lg_random(m->order.seed, sizeof m->order.seed);
	LG_TRY(read_order(q, &m->order));
	LG_TRY(lg_acme_profile_check(q, m->order.profile, m->order.not_after));
	if (m->order.not_after != 0 && m->order.not_after < m->order.expires)
		m->order.expires = m->order.not_after;
	LG_TRY(lg_acme_limit(q, LG_ACME_ORDERS_ACCOUNT, lg_acme_account_key(q), true));
	for (size_t i = 0; i < m->order.nnames; i++)
		LG_TRY(lg_acme_limit(q, LG_ACME_ORDERS_NAME, m->order.name[i].name, true));
	return lg_acme_apply(q, "acme.order.create", run_make, made, m);
}

lg_err
lg_acme_new_order(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_new);
}

/* ---- one order ------------------------------------------------------------------------------------------------------ */

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
		return lg_acme_finalize(q, o);
	if (more || !q->get)
		return lg_acme_fail(q, 400, "malformed", "an order is read by POST-as-GET");
	return lg_acme_order_answer(q, 200, o);
}

lg_err
lg_acme_order_route(void *self, struct lg_http *ex)
{
	if (lg_acme_finalize_waits(self, ex))
		LG_TRY(lg_http_may_block(ex));
	return lg_acme_serve(self, ex, LG_ACME_KID, run_order);
}
