/* acme_account.c: accounts (RFC 8555 7.3): made, found again, changed, deactivated; the list of their orders. */
#include "base/clock.h"
#include "base/ipnet.h"
#include "base/text.h"
#include "certs/acme.h"

/* ---- what the client says ------------------------------------------------------------------------------ */

struct wish {
	lg_str contact, binding, status;
	bool only_existing;
};

static lg_err
check_contact(struct lg_acme *q, lg_str json)
{
	struct lg_json js;

	if (json.n > LG_ACME_CONTACT)
		return lg_acme_fail(q, 400, "invalidContact", "more than %d octets of contact", LG_ACME_CONTACT);
	lg_json_init(&js, q->cx->arena, json);
	lg_json_array(&js);
	while (lg_json_item(&js))
		if (!lg_str_starts(lg_json_str(&js), LG_STR("mailto:")))
			return lg_acme_fail(q, 400, "unsupportedContact", "only mailto: is known");
	return lg_json_end(q->cx, &js);
}

static lg_err
read_wish(struct lg_acme *q, struct wish *ret)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, q->cx->arena, q->jws.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("contact")))
			ret->contact = lg_json_raw(&js);
		else if (lg_str_eq(name, LG_STR("externalAccountBinding")))
			ret->binding = lg_json_raw(&js);
		else if (lg_str_eq(name, LG_STR("status")))
			ret->status = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("onlyReturnExisting")))
			ret->only_existing = lg_json_bool(&js);
		else
			lg_json_skip(&js);	/* RFC 8555 7.3: what is not known is passed over */
	LG_TRY(lg_json_end(q->cx, &js));
	return ret->contact.n > 0 ? check_contact(q, ret->contact) : LG_OK;
}

static lg_err
answer(struct lg_acme *q, int status, const struct lg_acme_account *a)
{
	lg_str url = lg_acme_account_url(q, a->id);
	struct lg_jsonw w = lg_acme_begin(q, status);

	lg_http_header(q->ex, "Location", url);
	lg_jsonw_str_of(&w, "status", lg_acme_status_name(a->status));
	lg_jsonw_name(&w, LG_STR("contact"));
	lg_jsonw_raw(&w, a->contact.n > 0 ? a->contact : LG_STR("[]"));
	lg_jsonw_str_of(&w, "orders", lg_cat(q->cx->arena, url, LG_STR("/orders")));
	return lg_acme_end(q, &w);
}

/* ---- newAccount -------------------------------------------------------------------------------------------- */

struct making {
	struct lg_acme *q;
	struct wish wish;
	struct lg_acme_account account;
	bool found;
};

lg_err
lg_acme_open_entry(struct lg_acme *q, struct lg_view *v, struct lg_cert_subject *ret)
{
	const struct lg_cert_subjects *port = &q->c->ports.subjects;
	lg_str type, name;

	if (!lg_str_cut(q->c->ports.acme_entry, '/', &type, &name))
		return LG_E_NOT_FOUND;
	return port->by_name(port->self, q->cx, v, q->ex->tenant, type, name, ret);
}

/* A binding is good once. */
static lg_err
spend_binding(struct lg_ctx *cx, struct lg_view *v, struct making *m)
{
	struct lg_acme *q = m->q;
	struct lg_acme_eab eab;

	LG_TRY(lg_acme_eab_check(q, v, m->wish.binding, &eab));
	m->account.entry = eab.entry;
	LG_TRY(lg_blob_del(cx, v, q->ex->tenant, eab.secret));
	eab.secret = (lg_uuid){ { 0 } };
	eab.account = m->account.id;
	return lg_acme_eab_put(cx, v, q->ex->tenant, &eab);
}

/* Whose certificates the account orders: the binding says so, or the settings for those who have none. */
static lg_err
find_entry(struct lg_ctx *cx, struct lg_view *v, struct making *m, struct lg_cert_subject *ret)
{
	lg_err e = m->wish.binding.n > 0 ? LG_E_NOT_FOUND : lg_acme_open_entry(m->q, v, ret);

	if (e == LG_E_NOT_FOUND)
		LG_TRY(spend_binding(cx, v, m));
	else if (e == LG_OK)
		m->account.entry = ret->id;
	else
		return e;
	return lg_certs_entry(cx, m->q->c, v, m->q->ex->tenant, m->account.entry, ret);
}

/* All in one mutation, so that neither a key nor a binding makes two accounts. */
static lg_err
run_make(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;
	struct lg_acme *q = m->q;
	lg_err e = lg_acme_account_by_key(cx, v, q->ex->tenant, &m->account.thumbprint, &m->account);
	struct lg_cert_subject entry;

	m->found = e == LG_OK;
	if (m->found) {
		m->account.contact = lg_dup(cx->arena, m->account.contact);
		return LG_OK;
	}
	if (e != LG_E_NOT_FOUND)
		return e;
	if (m->wish.only_existing)
		return lg_acme_fail(q, 400, "accountDoesNotExist", "this key has no account");
	LG_TRY(find_entry(cx, v, m, &entry));
	lg_audit(v, entry.name, LG_NONE);
	return lg_acme_account_put(cx, v, q->ex->tenant, &m->account);
}

/* What one customer is given: an IPv4 address, or the /64 of an IPv6 address. */
static lg_str
network_of(struct lg_acme *q)
{
	lg_str at = lg_str_of(q->ex->peer->address), ip;
	size_t colon = at.n;

	while (colon > 0 && at.p[colon - 1] != ':')
		colon--;
	at = lg_str_sub(at, 0, colon > 0 ? colon - 1 : at.n);
	if (lg_str_starts(at, LG_STR("[")))
		at = lg_str_sub(at, 1, at.n - 2);
	return lg_ip_octets_parse(q->cx->arena, at, &ip) ? lg_str_sub(ip, 0, ip.n == 4 ? 4 : 8) : at;
}

static lg_err
made(struct lg_acme *q, void *arg)
{
	const struct making *m = arg;

	if (!m->found && lg_acme_limit(q, LG_ACME_ACCOUNTS_ADDRESS, network_of(q), true) != LG_OK)
		q->type = NULL;			/* others were faster; it is made */
	if (m->found && m->account.status != LG_ACME_VALID)
		return lg_acme_fail(q, 401, "unauthorized", "the account is deactivated");
	return answer(q, m->found ? 200 : 201, &m->account);
}

static lg_err
run_new(struct lg_acme *q)
{
	struct making *m = LG_NEW(q->cx->arena, struct making);

	m->q = q;
	LG_TRY(read_wish(q, &m->wish));
	m->account = (struct lg_acme_account){ .id = lg_uuid_new(), .status = LG_ACME_VALID, .created = q->cx->now,
		.spki = lg_pubkey_spki(q->key), .thumbprint = lg_pubkey_thumbprint(q->key), .contact = m->wish.contact };
	LG_TRY(lg_acme_limit(q, LG_ACME_ACCOUNTS_ADDRESS, network_of(q), false));
	return lg_acme_apply(q, "acme.account.create", run_make, made, m);
}

lg_err
lg_acme_new_account(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_JWK, run_new);
}

/* ---- one account ---------------------------------------------------------------------------------------------- */

static lg_err
run_change(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;

	LG_TRY(lg_acme_account_get(cx, v, m->q->ex->tenant, m->q->account.id, &m->account));
	if (m->wish.contact.n > 0)
		m->account.contact = m->wish.contact;
	if (m->wish.status.n > 0)
		m->account.status = LG_ACME_DEACTIVATED;
	LG_TRY(lg_acme_account_put(cx, v, m->q->ex->tenant, &m->account));
	m->account.contact = lg_dup(cx->arena, m->account.contact);
	return LG_OK;
}

static lg_err
changed(struct lg_acme *q, void *arg)
{
	const struct making *m = arg;

	return answer(q, 200, &m->account);
}

static lg_err
change(struct lg_acme *q)
{
	struct making *m = LG_NEW(q->cx->arena, struct making);

	if (q->get)
		return answer(q, 200, &q->account);
	m->q = q;
	LG_TRY(read_wish(q, &m->wish));
	if (m->wish.status.n > 0 && !lg_str_eq(m->wish.status, LG_STR("deactivated")))
		return lg_acme_fail(q, 400, "malformed", "\"status\" can only become \"deactivated\"");
	return lg_acme_apply(q, "acme.account.change", run_change, changed, m);
}

/* A page of the account's orders that are of use still (RFC 8555 7.1.2.1); returns where the next one begins, if there is one. */
static lg_err
put_orders(struct lg_acme *q, struct lg_view *v, struct lg_cursor *c, size_t prefix, struct lg_jsonw *w, lg_uuid *next, bool *more)
{
	struct lg_acme_order *o = LG_NEW(q->cx->arena, struct lg_acme_order);
	size_t put = 0, seen = 0;
	lg_str key, value;

	*more = false;
	while (lg_cursor_next(c, &key, &value)) {
		memcpy(next->b, key.p + prefix, sizeof next->b);
		if (put == LG_ACME_PAGE || seen++ == LG_ACME_SCAN) {
			*more = true;
			break;
		}
		LG_TRY(lg_acme_order_get(q->cx, v, q->ex->tenant, *next, o));
		if (lg_acme_order_status(o, q->cx->now) == LG_ACME_INVALID)
			continue;
		lg_acme_url(q, w, NULL, "/order/%.*s", LG_FMT(lg_acme_id(q->cx->arena, *next)));
		put++;
	}
	return LG_OK;
}

/* ?after= goes on. */
static lg_err
orders(struct lg_acme *q)
{
	struct lg_certs_key prefix = lg_certs_key_of(q->ex->tenant), from;
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_form form;
	struct lg_jsonw w;
	lg_uuid id;
	bool more;

	lg_certs_key_add(&prefix, q->account.id.b, sizeof q->account.id.b);
	from = prefix;
	LG_TRY(lg_form_parse(q->cx, q->ex->query, &form));
	if (lg_acme_id_parse(q->cx->arena, lg_form_get(&form, "after"), &id))
		lg_certs_key_add(&from, id.b, sizeof id.b);
	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	LG_TRY(lg_scan(q->cx, v, &lg_acme_by_account, lg_certs_key_str(&prefix), lg_certs_key_str(&from), &c));
	w = lg_acme_begin(q, 200);
	lg_jsonw_name(&w, LG_STR("orders"));
	lg_jsonw_array(&w);
	LG_TRY(put_orders(q, v, &c, prefix.n, &w, &id, &more));
	lg_jsonw_array_end(&w);
	if (more)
		lg_http_header(q->ex, "Link", lg_print(q->cx->arena, "<%.*s/orders?after=%.*s>;rel=\"next\"",
		    LG_FMT(lg_acme_account_url(q, q->account.id)), LG_FMT(lg_acme_id(q->cx->arena, id))));
	return lg_acme_end(q, &w);
}

static lg_err
run_account(struct lg_acme *q)
{
	lg_str id, rest;
	lg_uuid asked;
	bool more = lg_str_cut(q->ex->tail, '/', &id, &rest);

	if (!lg_acme_id_parse(q->cx->arena, id, &asked) || !lg_uuid_eq(asked, q->account.id))
		return lg_acme_fail(q, 403, "unauthorized", "it is not this key's account");
	if (!more)
		return change(q);
	if (!lg_str_eq(rest, LG_STR("orders")))
		return lg_fail(q->cx, LG_E_NOT_FOUND, "no such resource");
	return orders(q);
}

lg_err
lg_acme_account_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_account);
}
