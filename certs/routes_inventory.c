/* routes_inventory.c: what was issued: lists, and revocation. */
#include "base/text.h"
#include "certs/ask.h"
#include "certs/revoke.h"
#include "certs/routes.h"
#include "certs/ssh.h"
#include "crypto/ssh.h"

#define PAGE		100		/* items, unless asked otherwise */
#define PAGE_MAX	500

static const char *const states[] = {
	[LG_CERT_PENDING] = "pending", [LG_CERT_ISSUED] = "issued", [LG_CERT_REVOKED] = "revoked",
};

static void
put_row(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_cert_row *row)
{
	uint64_t number;

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &row->serial));
	lg_jsonw_str_of(w, "state", lg_str_of(states[row->state]));
	lg_jsonw_str_of(w, "profile", row->profile);
	lg_jsonw_name(w, LG_STR("subject"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", row->type);
	lg_jsonw_uuid_of(w, "id", row->entry);
	lg_jsonw_str_of(w, "name", row->name);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("not_before"));
	lg_jsonw_time(w, row->not_before);
	lg_jsonw_name(w, LG_STR("expires"));
	lg_jsonw_time(w, row->expires);
	if (row->state == LG_CERT_REVOKED) {
		lg_jsonw_name(w, LG_STR("revoked"));
		lg_jsonw_time(w, row->revoked);
		lg_jsonw_str_of(w, "reason", lg_revocation_name(row->why));
	}
	if (row->der.n > 0 && lg_ssh_serial(&row->serial, &number))
		lg_jsonw_str_of(w, "certificate", lg_ssh_line(cx->arena, row->der, row->name));
	else if (row->der.n > 0)
		lg_routes_put_pem(cx, w, "certificate", row->der);
	lg_jsonw_object_end(w);
}

struct page {
	struct lg_ctx *cx;
	struct lg_jsonw *w;
	size_t left;
	lg_serial last;
	bool more;
};

static bool
put_item(void *arg, const struct lg_cert_row *row)
{
	struct page *p = arg;

	if (p->left == 0) {
		p->more = true;
		return false;
	}
	p->left--;
	p->last = row->serial;
	put_row(p->cx, p->w, row);
	return true;
}

struct wish {
	lg_uuid entry;
	bool has_entry, has_serial, has_after;
	lg_serial serial, after;
	int64_t limit;
};

/* subject: an entryUUID, or "Host/node1". */
static lg_err
read_subject(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, lg_str text, struct wish *ret)
{
	const struct lg_cert_subjects *port = &c->ports.subjects;
	struct lg_cert_subject entry;
	lg_str type, name;

	ret->has_entry = true;
	if (lg_uuid_parse(text, &ret->entry))
		return LG_OK;
	if (!lg_str_cut(text, '/', &type, &name))
		return lg_fail(ex->cx, LG_E_INVALID, "\"subject\" is an entryUUID or Type/name");
	LG_TRY(port->by_name(port->self, ex->cx, v, ex->tenant, type, name, &entry));
	ret->entry = entry.id;
	return LG_OK;
}

static lg_err
read_wish(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, struct wish *ret)
{
	struct lg_form form;
	lg_str text;

	*ret = (struct wish){ .limit = PAGE };
	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	if ((text = lg_form_get(&form, "serial")).n > 0 && !(ret->has_serial = lg_serial_parse(text, &ret->serial)))
		return lg_fail(ex->cx, LG_E_INVALID, "\"serial\" is not a serial number");
	if ((text = lg_form_get(&form, "after")).n > 0 && !(ret->has_after = lg_serial_parse(text, &ret->after)))
		return lg_fail(ex->cx, LG_E_INVALID, "\"after\" is not a serial number");
	if ((text = lg_form_get(&form, "limit")).n > 0 &&
	    (!lg_int_parse(text, &ret->limit) || ret->limit < 1 || ret->limit > PAGE_MAX))
		return lg_fail(ex->cx, LG_E_INVALID, "\"limit\" is 1 to %d", PAGE_MAX);
	if ((text = lg_form_get(&form, "subject")).n > 0)
		return read_subject(c, ex, v, text, ret);
	return LG_OK;
}

/* One's own certificates are no secret; all others need admin:read. */
static lg_err
may_read(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, const struct lg_certs_caller *caller, const struct wish *wish)
{
	if (wish->has_entry && lg_uuid_eq(wish->entry, caller->id))
		return LG_OK;
	return lg_routes_may(ex->cx, c, v, ex->tenant, caller, "admin:read");
}

static lg_err
put_items(struct lg_http *ex, struct lg_view *v, const struct wish *wish, struct page *p)
{
	struct lg_cert_row row;
	lg_err e;

	if (!wish->has_serial)
		return lg_cert_list(ex->cx, v, ex->tenant, wish->has_entry ? &wish->entry : NULL,
		    wish->has_after ? &wish->after : NULL, put_item, p);
	e = lg_cert_find(ex->cx, v, ex->tenant, &wish->serial, &row);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;		/* an empty list */
	LG_TRY(e);
	if (!wish->has_entry || lg_uuid_eq(wish->entry, row.entry))
		put_item(p, &row);
	return LG_OK;
}

lg_err
lg_route_list(void *self, struct lg_http *ex)
{
	struct lg_certs *c = self;
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_caller caller;
	struct page p = { .cx = ex->cx };
	struct wish wish;
	struct lg_jsonw w;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(read_wish(c, ex, v, &wish));
	LG_TRY(may_read(c, ex, v, &caller, &wish));
	w = lg_routes_begin(ex);
	p.w = &w;
	p.left = (size_t)wish.limit;
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	LG_TRY(put_items(ex, v, &wish, &p));
	lg_jsonw_array_end(&w);
	if (p.more)
		lg_jsonw_str_of(&w, "next", lg_serial_text(ex->cx->arena, &p.last));
	return lg_routes_end(ex, &w);
}

/* "/v1/certificates/<serial>/revoke" */
lg_err
lg_route_revoke(void *self, struct lg_http *ex)
{
	lg_str reason = LG_NONE, serial_text, verb;
	const struct lg_routes_field fields[] = { { "reason", &reason, true } };
	enum lg_revocation why = LG_REVOKED_UNSPECIFIED;
	struct lg_certs_caller caller;
	lg_serial serial;

	if (!lg_str_cut(ex->tail, '/', &serial_text, &verb) || !lg_str_eq(verb, LG_STR("revoke")) ||
	    !lg_serial_parse(serial_text, &serial))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such certificate");
	LG_TRY(lg_routes_who(self, ex, &caller));
	if (ex->body.n > 0)
		LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	if (reason.n > 0 && !lg_revocation_parse(reason, &why))
		return lg_fail(ex->cx, LG_E_INVALID, "no reason \"%.*s\" (RFC 5280 5.3.1)", LG_FMT(reason));
	LG_TRY(lg_certs_revoke_for(ex->cx, self, ex->tenant, &serial, why, &caller));
	ex->status = 204;
	return LG_OK;
}

