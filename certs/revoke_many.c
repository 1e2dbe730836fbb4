/* revoke_many.c: all certificates of an entry, of a key or of an issuer; some hundreds in one change. */
#include "base/json.h"
#include "base/text.h"
#include "certs/ask.h"
#include "certs/revoke.h"

#define BATCH	1000			/* certificates of one change: each is two rows and their indexes */
#define LOOKED	20000			/* rows of one change; the next one goes on behind them */

struct batch {
	struct lg_certs *c;
	const struct lg_ca *ca;
	const struct lg_revoke_many *rm;
	struct lg_serial_list {
		lg_serial *v;
		size_t n;
	} found;
	lg_serial after;		/* the last one looked at */
	int64_t after_ends;		/* and when it ends; 0: none was looked at */
	size_t looked;
	bool more;
};

/* A host's certificates are the host's business, any others the tenant's: as for one. */
static lg_err
decide(struct lg_ctx *cx, struct lg_view *v, const struct batch *b)
{
	const struct lg_revoke_many *rm = b->rm;
	struct lg_entity_id resource = { .type = LG_STR("Tenant"), .id = b->ca->au.id };

	if (rm->by == LG_REVOKE_ENTRY && lg_str_eq(rm->type, LG_STR("Host")))
		resource = (struct lg_entity_id){ .type = rm->type, .id = rm->entry, .name = rm->name };
	return lg_certs_ask_on(cx, b->c, v, b->ca->au.tenant, rm->caller, "certificate:revoke", resource);
}

/* ---- which --------------------------------------------------------------------------------------------- */

static bool
alive(const struct lg_cert_row *row, int64_t now)
{
	return row->state != LG_CERT_REVOKED && row->expires > now;
}

struct collecting {
	struct batch *b;
	int64_t now;
};

static bool
collect(void *arg, const struct lg_cert_row *row)
{
	struct collecting *co = arg;
	struct batch *b = co->b;
	bool ours = b->rm->by != LG_REVOKE_ISSUER || memcmp(row->issuer.b, b->rm->digest.b, sizeof row->issuer.b) == 0;

	if (b->found.n == BATCH || b->looked == LOOKED) {
		b->more = true;
		return false;
	}
	b->looked++;
	b->after = row->serial;
	b->after_ends = row->expires;
	if (ours && alive(row, co->now))
		b->found.v[b->found.n++] = row->serial;
	return true;
}

static lg_err
of_key(struct lg_ctx *cx, struct lg_view *v, struct collecting *co, const lg_serial *after)
{
	struct lg_certs_key prefix = lg_certs_key_of(co->b->ca->au.tenant), from;
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	lg_certs_key_add(&prefix, co->b->rm->digest.b, sizeof co->b->rm->digest.b);
	from = prefix;
	if (after != NULL)
		lg_certs_key_add(&from, after->b, sizeof after->b);
	LG_TRY(lg_scan(cx, v, &lg_certs_by_key, lg_certs_key_str(&prefix), lg_certs_key_str(&from), &c));
	while (lg_cursor_next(&c, &key, &value)) {
		struct lg_cert_row row;
		lg_serial serial;

		memcpy(serial.b, key.p + key.n - sizeof serial.b, sizeof serial.b);
		LG_TRY(lg_cert_find(cx, v, co->b->ca->au.tenant, &serial, &row));
		if (!collect(co, &row))
			break;
	}
	return LG_OK;
}

static lg_err
find(struct lg_ctx *cx, struct lg_view *v, struct batch *b)
{
	struct collecting co = { b, lg_view_time(v) };
	lg_serial last = b->after;		/* collect moves it on */
	const lg_serial *after = b->after_ends != 0 ? &last : NULL;
	uint32_t tenant = b->ca->au.tenant;

	switch (b->rm->by) {
	case LG_REVOKE_KEY:
		return of_key(cx, v, &co, after);
	case LG_REVOKE_ENTRY:
		return lg_cert_list_of(cx, v, tenant, b->rm->entry, after != NULL ? b->after_ends : co.now, after, collect, &co);
	case LG_REVOKE_ISSUER:
		return lg_cert_list(cx, v, tenant, after, collect, &co);
	}
	return LG_OK;
}

/* ---- one change ------------------------------------------------------------------------------------------- */

static lg_err
audit(struct lg_ctx *cx, struct lg_view *v, const struct batch *b)
{
	static const char *const by[] = { [LG_REVOKE_ENTRY] = "subject", [LG_REVOKE_KEY] = "key", [LG_REVOKE_ISSUER] = "issuer" };
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&out);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "by", lg_str_of(by[b->rm->by]));
	lg_jsonw_str_of(&w, "reason", lg_revocation_name(b->rm->why));
	lg_jsonw_int_of(&w, "certificates", (int64_t)b->found.n);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &out));
	lg_audit(v, lg_dup(cx->arena, b->rm->target), lg_dup(cx->arena, lg_buf_view(&out)));
	return LG_OK;
}

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct batch *b = arg;
	lg_serial from = b->after;
	int64_t from_ends = b->after_ends;

	b->found.n = b->looked = 0;	/* a change may be run again */
	b->more = false;
	LG_TRY(decide(cx, v, b));
	lg_err e = find(cx, v, b);
	for (size_t i = 0; e == LG_OK && i < b->found.n; i++) {
		struct lg_cert_row row;

		e = lg_cert_find(cx, v, b->ca->au.tenant, &b->found.v[i], &row);
		if (e == LG_OK)
			e = lg_cert_row_revoke(cx, v, b->ca->au.tenant, &row, b->rm->why);
	}
	if (e != LG_OK) {
		b->after = from;
		b->after_ends = from_ends;
		return e;
	}
	return audit(cx, v, b);
}

lg_err
lg_certs_revoke_many(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_revoke_many *rm, size_t *count)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct batch b = { .c = c, .rm = rm, .found.v = LG_NEWS(cx->arena, lg_serial, BATCH) };

	*count = 0;
	LG_TRY(lg_trust_tenant(cx, t, tenant, &b.ca));
	do {
		LG_TRY(lg_store_apply(cx, c->ports.store, tenant, "certificate.revoke", run, &b, NULL));
		*count += b.found.n;
	} while (b.more);
	return LG_OK;
}

/* ---- keys that are no good any more -------------------------------------------------------------------------- */

lg_err
lg_certs_key_sound(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *spki)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	lg_certs_key_add(&prefix, spki->b, sizeof spki->b);
	LG_TRY(lg_scan(cx, v, &lg_certs_compromised, lg_certs_key_str(&prefix), LG_NONE, &c));
	if (lg_cursor_next(&c, &key, &value))
		return lg_fail(cx, LG_E_DENIED, "a certificate for this key was revoked because the key is compromised");
	return LG_OK;
}
