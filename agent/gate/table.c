/* table.c: a state of the world, looked up in this process: for the queue, and to find flows that must end. */
#include "agent/gate/table.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/ipnet.h"
#include "base/text.h"

#define NOWHERE UINT32_MAX

/* ---- ranges -------------------------------------------------------------------------------------------------- */

static lg_str
octets_of(const struct lg_address *at)
{
	return (lg_str){ (const char *)at->a, at->family == AF_INET ? 4 : 16 };
}

bool
lg_range_holds(const struct lg_range *r, const struct lg_address *at)
{
	return lg_ipnet_has((lg_str){ (const char *)r->net, r->n }, octets_of(at));
}

lg_err
lg_range_parse(struct lg_ctx *cx, lg_str text, struct lg_range *ret)
{
	lg_str net;

	if (!lg_ipnet_parse(cx->arena, text, &net))
		return lg_fail(cx, LG_E_INVALID, "%.*s is not a range of addresses: 10.77.0.0/16, fd77::/64", LG_FMT(text));
	ret->n = net.n;
	memcpy(ret->net, net.p, net.n);
	return LG_OK;
}

bool
lg_gate_table_guards(const struct lg_gate_table *t, const struct lg_address *at)
{
	for (size_t i = 0; i < t->nrange; i++)
		if (lg_range_holds(&t->range[i], at))
			return true;
	return false;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

/*
 * An address that two claim is nobody's: it is left out, and so dropped.  Containers of one workload on this host (a pod's, which share a
 * network namespace) are one claimant.
 */
static void
name(struct lg_gate_table *t, struct lg_gate_named *v, const struct lg_address *at, lg_str workload, lg_str container)
{
	struct lg_gate_named *n = &v[t->nnamed];

	*n = (struct lg_gate_named){ *at, lg_dup(t->arena, workload), lg_dup(t->arena, container) };
	void **slot = lg_map_at(&t->by_address, lg_address_key(&n->at));
	if (*slot != NULL) {
		struct lg_gate_named *first = *slot;
		if (container.n == 0 || first->container.n == 0 || !lg_str_eq(first->workload, workload))
			first->workload = LG_NONE;
		return;
	}
	*slot = n;
	t->nnamed++;
}

/* What its admission in the bundle says it is now, which may be nobody; before it is in there, what it was started as. */
static lg_str
workload_of(const struct lg_bundle *b, const struct lg_place *p)
{
	struct lg_bundle_admission ad;

	if (p->nobody)
		return LG_NONE;
	return b != NULL && lg_bundle_admission(b, lg_str_of(p->container), &ad) ? ad.workload : lg_str_of(p->workload);
}

/* Those of this host, and what the bundle says of others'. */
static void
name_all(struct lg_gate_table *t, const struct lg_places *ps, const struct lg_bundle *b)
{
	const struct lg_bundle_address *other = NULL;
	size_t nother = b == NULL ? 0 : lg_bundle_addresses(b, &other);
	struct lg_gate_named *v = LG_NEWS(t->arena, struct lg_gate_named, ps->n * LG_PLACE_ADDRESSES + nother + 1);

	t->named = v;
	lg_map_init(&t->by_address, t->arena);
	for (size_t i = 0; i < ps->n; i++)
		for (size_t k = 0; k < ps->v[i].naddress; k++)
			name(t, v, &ps->v[i].address[k], workload_of(b, &ps->v[i]), lg_str_of(ps->v[i].container));
	for (size_t i = 0; i < nother; i++) {
		struct lg_address at = { .family = other[i].octets.n == 4 ? AF_INET : AF_INET6 };
		memcpy(at.a, other[i].octets.p, other[i].octets.n);
		name(t, v, &at, other[i].workload, LG_NONE);
	}
}

void
lg_gate_whereabouts(const struct lg_gate_table *t, const struct lg_bundle *b, const struct lg_places *ps, struct lg_jsonw *w)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("addresses"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < ps->n; i++)
		for (size_t k = 0; k < ps->v[i].naddress; k++) {
			const struct lg_address *at = &ps->v[i].address[k];
			const struct lg_gate_named *n = lg_map_get(&t->by_address, lg_address_key(at));
			if (n == NULL || n->workload.n == 0 || !lg_str_eq(n->container, lg_str_of(ps->v[i].container)) || !lg_bundle_delegated(b, octets_of(at)))
				continue;
			lg_jsonw_object(w);
			lg_jsonw_name(w, LG_STR("address"));
			lg_buf_byte(w->out, '"');
			lg_address_put(w->out, at);
			lg_buf_byte(w->out, '"');
			w->comma = true;
			lg_jsonw_str_of(w, "container", lg_str_of(ps->v[i].container));
			lg_jsonw_object_end(w);
		}
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

/* Each workload once, with where it stands in the rows. */
static size_t
find_workloads(struct lg_gate_table *t, const struct lg_bundle *b, struct lg_euid *uids)
{
	struct lg_map seen;
	size_t n = 0;

	lg_map_init(&seen, t->arena);
	t->index = LG_NEWS(t->arena, uint32_t, t->nnamed + 1);
	for (size_t i = 0; i < t->nnamed; i++) {
		lg_str name = t->named[i].workload;
		const struct lg_euid *uid = name.n == 0 ? NULL : lg_bundle_find(b, LG_STR("Workload"), name);
		t->index[i] = NOWHERE;
		if (uid == NULL)
			continue;
		void **slot = lg_map_at(&seen, name);
		if (*slot == NULL) {
			uids[n] = *uid;
			*slot = (void *)(uintptr_t)++n;
		}
		t->index[i] = (uint32_t)((uintptr_t)*slot - 1);
	}
	return n;
}

static lg_err
connect_named(struct lg_ctx *cx, struct lg_gate_table *t, const struct lg_bundle *b)
{
	struct lg_euid *uids = LG_NEWS(t->arena, struct lg_euid, t->nnamed + 1);
	size_t n = find_workloads(t, b, uids);
	struct lg_arena *outer = cx->arena;

	cx->arena = t->arena;
	lg_err e = lg_bundle_connect(cx, b, uids, n, &t->rows);
	cx->arena = outer;
	return e;
}

lg_err
lg_gate_table_make(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_places *ps, const struct lg_range *range, size_t nrange,
    struct lg_gate_table **ret)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_gate_table *t = LG_NEW(a, struct lg_gate_table);
	struct lg_bundle_about about;

	t->arena = a;
	t->range = range;
	t->nrange = nrange;
	name_all(t, ps, b);
	if (b != NULL) {
		lg_bundle_about(b, &about);
		t->generation = about.mark.version;
		lg_err e = connect_named(cx, t, b);
		if (e != LG_OK) {
			lg_gate_table_free(&t);
			return e;
		}
	}
	*ret = t;
	return LG_OK;
}

void
lg_gate_table_free(struct lg_gate_table **table)
{
	struct lg_gate_table *t = *table;

	*table = NULL;
	if (t == NULL)
		return;
	struct lg_arena *a = t->arena;
	lg_arena_free(&a);
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

static unsigned
protocol_bit(int protocol)
{
	return protocol == IPPROTO_TCP ? 1 : protocol == IPPROTO_UDP ? 2 : protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6 ? 4 : 0;
}

/* The first row of the pair, by halves. */
static size_t
first_row(const struct lg_connect_table *rows, uint32_t source, uint32_t destination)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct lg_connect_row *r = &rows->v[middle];
		if (r->source < source || (r->source == source && r->destination < destination))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum lg_gate_says
ask_rows(const struct lg_gate_table *t, uint32_t source, uint32_t destination, unsigned bit, uint16_t port)
{
	const struct lg_connect_table *rows = &t->rows;

	for (size_t i = first_row(rows, source, destination);
	    i < rows->n && rows->v[i].source == source && rows->v[i].destination == destination; i++) {
		const struct lg_connect_row *r = &rows->v[i];
		if ((r->protocols & bit) != 0 && r->first <= port && port <= r->last)
			return r->ask ? LG_GATE_ASK : LG_GATE_PERMIT;
	}
	return LG_GATE_DENY;
}

enum lg_gate_says
lg_gate_table_ask(const struct lg_gate_table *t, const struct lg_address *from, const struct lg_address *to, int protocol, uint16_t port,
    lg_str *source, lg_str *destination)
{
	bool guards_from = lg_gate_table_guards(t, from), guards_to = lg_gate_table_guards(t, to);
	const struct lg_gate_named *s = lg_map_get(&t->by_address, lg_address_key(from)), *d = lg_map_get(&t->by_address, lg_address_key(to));
	unsigned bit = protocol_bit(protocol);

	if (!guards_from && !guards_to)
		return LG_GATE_FOREIGN;
	if ((guards_from && (s == NULL || s->workload.n == 0)) || (guards_to && (d == NULL || d->workload.n == 0)))
		return LG_GATE_DENY;
	if (!guards_from || !guards_to)
		return LG_GATE_FOREIGN;
	*source = s->workload;
	*destination = d->workload;
	uint32_t i = t->index == NULL ? NOWHERE : t->index[s - t->named], k = t->index == NULL ? NOWHERE : t->index[d - t->named];
	if (i == NOWHERE || k == NOWHERE || bit == 0)
		return LG_GATE_DENY;
	return ask_rows(t, i, k, bit, bit == 4 ? 0 : port);
}
