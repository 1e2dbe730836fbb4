/* whereabouts.c: see whereabouts.h.  One row a host. */
#include "server/whereabouts.h"

#include "base/ipnet.h"
#include "server/admissions.h"
#include "server/row_key.h"

/* (tenant, host) -> rows of address, container, workload. */
const struct lg_table lg_whereabouts_table = { .name = "whereabouts", .id = 0x0605, .domain = LG_DOMAIN_WHEREABOUTS };

#define ROW_MAX	(4u << 20)

/* ---- ranges -------------------------------------------------------------------------------------------------------- */

struct ranges {
	lg_str net[LG_WHEREABOUTS_RANGES];
	size_t n;
};

/* What does not read as a range delegates nothing. */
static struct ranges
ranges_of(struct lg_ctx *cx, const struct lg_entry *host)
{
	struct ranges r = { .n = 0 };
	lg_str text;

	for (size_t i = 0; r.n < LG_WHEREABOUTS_RANGES && lg_entry_value(host, LG_STR("lgAddressRange"), i, &text); i++)
		if (lg_ipnet_parse(cx->arena, text, &r.net[r.n]))
			r.n++;
	return r;
}

static bool
holds(const struct ranges *r, lg_str address)
{
	for (size_t i = 0; i < r->n; i++)
		if (lg_ipnet_has(r->net[i], address))
			return true;
	return false;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static lg_err
decode(struct lg_ctx *cx, lg_str row, struct lg_whereabout **ret, size_t *n)
{
	struct lg_rd r = lg_rd_of(row);
	uint32_t count = lg_rd_u32(&r);

	if (count > LG_WHEREABOUTS_MAX)
		return lg_fail(cx, LG_E_CORRUPT, "a host's addresses do not decode");
	struct lg_whereabout *v = LG_NEWS(cx->arena, struct lg_whereabout, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		v[i].address = lg_rd_str32(&r);
		v[i].container = lg_rd_str32(&r);
		v[i].workload = lg_rd_str32(&r);
	}
	if (!lg_rd_done(&r))
		return lg_fail(cx, LG_E_CORRUPT, "a host's addresses do not decode");
	*ret = v;
	*n = count;
	return LG_OK;
}

lg_err
lg_whereabouts_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, struct lg_whereabout **ret, size_t *n)
{
	lg_str row;
	lg_err e = lg_get(cx, v, &lg_whereabouts_table, lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), LG_NONE), &row);

	*n = 0;
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	return decode(cx, lg_dup(cx->arena, row), ret, n);
}

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, const struct lg_whereabout *all, size_t n)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	lg_str key = lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), LG_NONE);

	if (n == 0) {
		lg_err e = lg_del(cx, v, &lg_whereabouts_table, key);
		return e == LG_E_NOT_FOUND ? LG_OK : e;
	}
	lg_buf_u32(&b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		lg_buf_str32(&b, all[i].address);
		lg_buf_str32(&b, all[i].container);
		lg_buf_str32(&b, all[i].workload);
	}
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &lg_whereabouts_table, key, lg_buf_view(&b));
}

/* ---- what a host says ---------------------------------------------------------------------------------------------- */

static lg_err
believe(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *host, const struct ranges *r, struct lg_whereabout *w)
{
	struct lg_admission ad;

	if (!holds(r, w->address))
		return lg_fail(cx, LG_E_DENIED, "%.*s is in no range of this host", LG_FMT(lg_ip_octets_text(cx->arena, w->address)));
	lg_err e = lg_admission_get(cx, v, host->tenant, host->uuid, w->container, &ad);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && ad.ended != 0))
		return lg_fail(cx, LG_E_DENIED, "container %.*s has no admission on this host", LG_FMT(w->container));
	LG_TRY(e);
	w->workload = ad.workload;
	return LG_OK;
}

lg_err
lg_whereabouts_set(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *host, struct lg_whereabout *all, size_t n)
{
	struct ranges r = ranges_of(cx, host);

	for (size_t i = 0; i < n; i++)
		LG_TRY(believe(cx, v, host, &r, &all[i]));
	return put(cx, v, host->tenant, host->uuid, all, n);
}

lg_err
lg_whereabouts_forget(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_str container)
{
	struct lg_whereabout *all = NULL;
	size_t n, kept = 0;

	LG_TRY(lg_whereabouts_get(cx, v, tenant, host, &all, &n));
	for (size_t i = 0; i < n; i++)
		if (!lg_str_eq(all[i].container, container))
			all[kept++] = all[i];
	return kept == n ? LG_OK : put(cx, v, tenant, host, all, kept);
}

/* ---- what the others are told -------------------------------------------------------------------------------------- */

struct told {
	struct lg_ctx *cx;
	struct lg_view *v;
	struct lg_jsonw *w;
	size_t n;
};

/* Which workload that is now, by the container's admission.  Only entries are known elsewhere: the same name of two that have none need not be one. */
static lg_err
workload_of(struct told *t, const struct lg_entry *host, lg_str container, lg_str *ret)
{
	struct lg_admission ad;
	lg_err e = lg_admission_get(t->cx, t->v, host->tenant, host->uuid, container, &ad);

	if (e == LG_OK)
		e = lg_admission_names(t->cx, t->v, host->tenant, &ad);
	if (e == LG_E_NOT_FOUND)
		return e;
	*ret = e == LG_OK && !lg_uuid_is_nil(ad.entry) ? ad.workload : lg_admission_nobody(t->cx->arena, &ad);
	return e == LG_E_DENIED ? LG_OK : e;
}

static lg_err
tell_of(struct told *t, uint32_t tenant, lg_uuid id, lg_str row)
{
	struct lg_whereabout *all = NULL;
	struct lg_entry host;
	size_t n;

	lg_err e = lg_entry_by_uuid(t->cx, t->v, tenant, id, &host);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !host.enabled))
		return LG_OK;
	LG_TRY(e);
	LG_TRY(decode(t->cx, row, &all, &n));
	struct ranges r = ranges_of(t->cx, &host);
	for (size_t i = 0; i < n && t->n < LG_WHEREABOUTS_TOLD; i++) {
		lg_str workload;
		lg_err known = workload_of(t, &host, all[i].container, &workload);
		if (known == LG_E_NOT_FOUND || !holds(&r, all[i].address))
			continue;
		LG_TRY(known);
		t->n++;
		lg_jsonw_object(t->w);
		lg_jsonw_str_of(t->w, "address", lg_ip_octets_text(t->cx->arena, all[i].address));
		lg_jsonw_str_of(t->w, "workload", workload);
		lg_jsonw_object_end(t->w);
	}
	return LG_OK;
}

static lg_err
tell_of_others(struct told *t, const struct lg_entry *host)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str prefix = lg_row_key(t->cx->arena, host->tenant, LG_NONE, LG_NONE), key, row;

	LG_TRY(lg_scan(t->cx, t->v, &lg_whereabouts_table, prefix, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &row)) {
		struct lg_rd r = lg_rd_of(lg_str_sub(key, 4, key.n));
		lg_uuid id = lg_rd_uuid(&r);
		if (!lg_uuid_eq(id, host->uuid))
			LG_TRY(tell_of(t, host->tenant, id, row));
	}
	return LG_OK;
}

lg_err
lg_whereabouts_write(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *host, struct lg_jsonw *w)
{
	struct told t = { cx, v, w, 0 };
	struct ranges r = ranges_of(cx, host);

	lg_jsonw_name(w, LG_STR("delegated"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < r.n; i++)
		lg_jsonw_str(w, lg_ipnet_text(cx->arena, r.net[i]));
	lg_jsonw_array_end(w);
	lg_jsonw_name(w, LG_STR("addresses"));
	lg_jsonw_array(w);
	LG_TRY(tell_of_others(&t, host));
	lg_jsonw_array_end(w);
	return LG_OK;
}
