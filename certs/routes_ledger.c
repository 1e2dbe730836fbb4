/* routes_ledger.c: the log of what was issued, with its proofs. */
#include "base/text.h"
#include "certs/ledger_head.h"
#include "certs/routes.h"

#define PAGE	500			/* entries of one answer */

static void
put_digest(struct lg_ctx *cx, struct lg_jsonw *w, const char *name, const lg_sha256 *h)
{
	lg_jsonw_str_of(w, name, lg_hex(cx->arena, lg_sha256_str(h)));
}

static void
put_path(struct lg_ctx *cx, struct lg_jsonw *w, const lg_sha256 *path, size_t n)
{
	lg_jsonw_name(w, LG_STR("path"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, lg_hex(cx->arena, lg_sha256_str(&path[i])));
	lg_jsonw_array_end(w);
}

static lg_err
put_head(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t size, struct lg_jsonw *w)
{
	lg_sha256 root;

	LG_TRY(lg_ledger_root(cx, v, tenant, size, &root));
	lg_jsonw_int_of(w, "size", (int64_t)size);
	put_digest(cx, w, "root", &root);
	return LG_OK;
}

/* What is hashed, and what it says. */
static void
put_entry(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_ledger_entry *e)
{
	LG_AUTO(lg_buf_free) struct lg_buf octets = LG_BUF(LG_LEDGER_OCTETS);

	lg_ledger_octets(e, &octets);
	lg_jsonw_int_of(w, "index", (int64_t)e->index);
	lg_jsonw_str_of(w, "kind", e->kind == LG_LEDGER_ISSUED ? LG_STR("issued") : LG_STR("revoked"));
	lg_jsonw_time_of(w, "time", e->time);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &e->serial));
	put_digest(cx, w, "sha256", &e->sha256);
	if (e->kind == LG_LEDGER_REVOKED)
		lg_jsonw_str_of(w, "reason", lg_revocation_name(e->why));
	lg_jsonw_str_of(w, "entry", lg_base64(cx->arena, lg_buf_view(&octets)));
}

/* A number of the query; its fallback when it is not there. */
static lg_err
number(struct lg_http *ex, const struct lg_form *form, const char *name, uint64_t fallback, uint64_t *ret)
{
	lg_str text = lg_form_get(form, name);
	int64_t n;

	*ret = fallback;
	if (text.n == 0)
		return LG_OK;
	if (!lg_int_parse(text, &n) || n < 0)
		return lg_fail(ex->cx, LG_E_INVALID, "\"%s\" is a number", name);
	*ret = (uint64_t)n;
	return LG_OK;
}

/* ---- handlers ------------------------------------------------------------------------------------------------ */

/* The head tells nothing of anybody: whoever is known may have it, and compare. */
lg_err
lg_route_ledger(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_jsonw w;
	uint64_t size;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_ledger_size(ex->cx, v, ex->tenant, &size));
	w = lg_routes_begin(ex);
	LG_TRY(put_head(ex->cx, v, ex->tenant, size, &w));
	return lg_routes_end(ex, &w);
}

lg_err
lg_route_ledger_entries(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_form form;
	struct lg_jsonw w;
	uint64_t from, size;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	LG_TRY(number(ex, &form, "from", 0, &from));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:read"));
	LG_TRY(lg_ledger_size(ex->cx, v, ex->tenant, &size));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (uint64_t i = from; i < size && i - from < PAGE; i++) {
		struct lg_ledger_entry e;

		LG_TRY(lg_ledger_get(ex->cx, v, ex->tenant, i, &e));
		lg_jsonw_object(&w);
		put_entry(ex->cx, &w, &e);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	LG_TRY(put_head(ex->cx, v, ex->tenant, size, &w));
	return lg_routes_end(ex, &w);
}

static lg_err
may_see(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, const struct lg_certs_caller *caller, const lg_serial *serial)
{
	struct lg_cert_row row;

	if (lg_cert_find(ex->cx, v, ex->tenant, serial, &row) == LG_OK && lg_uuid_eq(row.entry, caller->id))
		return LG_OK;
	return lg_routes_may(ex->cx, c, v, ex->tenant, caller, "admin:read");
}

/* Those of its entries that a tree of this size has, each with its path. */
static lg_err
put_proofs(struct lg_http *ex, struct lg_view *v, const lg_serial *serial, uint64_t size, struct lg_jsonw *w, size_t *proved)
{
	lg_sha256 path[LG_MERKLE_PATH];
	struct lg_ledger_entry e;
	uint64_t index[2];
	size_t n, hashes;

	*proved = 0;
	LG_TRY(lg_ledger_find(ex->cx, v, ex->tenant, serial, index, &n));
	lg_jsonw_name(w, LG_STR("items"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		if (index[i] >= size)
			continue;
		LG_TRY(lg_ledger_get(ex->cx, v, ex->tenant, index[i], &e));
		LG_TRY(lg_ledger_inclusion(ex->cx, v, ex->tenant, index[i], size, path, &hashes));
		lg_jsonw_object(w);
		put_entry(ex->cx, w, &e);
		put_path(ex->cx, w, path, hashes);
		lg_jsonw_object_end(w);
		++*proved;
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}

/* size: of the tree whose head the proof leads to, as a head that was signed has it; without it the tree as it is. */
lg_err
lg_route_ledger_proof(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_form form;
	struct lg_jsonw w;
	lg_serial serial;
	uint64_t size, all;
	size_t n;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	if (!lg_serial_parse(lg_form_get(&form, "serial"), &serial))
		return lg_fail(ex->cx, LG_E_INVALID, "\"serial\" is not a serial number");
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(may_see(c, ex, v, &caller, &serial));
	LG_TRY(lg_ledger_size(ex->cx, v, ex->tenant, &all));
	LG_TRY(number(ex, &form, "size", all, &size));
	if (size > all)
		return lg_fail(ex->cx, LG_E_INVALID, "the ledger has %llu entries", (unsigned long long)all);
	w = lg_routes_begin(ex);
	LG_TRY(put_head(ex->cx, v, ex->tenant, size, &w));
	LG_TRY(put_proofs(ex, v, &serial, size, &w, &n));
	if (n == 0)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "the ledger's first %llu entries have no certificate of this serial number", (unsigned long long)size);
	return lg_routes_end(ex, &w);
}

/* For everybody: hashes tell nothing of what was hashed. */
lg_err
lg_route_ledger_growth(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	lg_sha256 path[LG_MERKLE_PATH];
	struct lg_form form;
	struct lg_jsonw w;
	uint64_t first, second, size;
	size_t n;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_ledger_size(ex->cx, v, ex->tenant, &size));
	LG_TRY(number(ex, &form, "first", 0, &first));
	LG_TRY(number(ex, &form, "second", size, &second));
	LG_TRY(lg_ledger_consistency(ex->cx, v, ex->tenant, first, second, path, &n));
	w = lg_routes_begin(ex);
	lg_jsonw_int_of(&w, "first", (int64_t)first);
	LG_TRY(put_head(ex->cx, v, ex->tenant, second, &w));
	put_path(ex->cx, &w, path, n);
	return lg_routes_end(ex, &w);
}

lg_err
lg_route_ledger_consistency(void *self, struct lg_http *ex)
{
	struct lg_certs_caller caller;

	LG_TRY(lg_routes_who(self, ex, &caller));
	return lg_route_ledger_growth(self, ex);
}

/* For everybody who watches: the head as the keeper signed it, and the keys behind it. */
lg_err
lg_route_ledger_signed(void *self, struct lg_http *ex)
{
	struct lg_certs *c = self;
	lg_str head, keys;
	struct lg_jsonw w;

	LG_TRY(lg_ledger_head_get(ex->cx, c, ex->tenant, &head));
	LG_TRY(c->ports.ledger_keys(c->ports.callers, ex->cx, &keys));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("head"));
	lg_jsonw_raw(&w, head);
	lg_jsonw_name(&w, LG_STR("jwks"));
	lg_jsonw_raw(&w, keys);
	return lg_routes_end(ex, &w);
}
