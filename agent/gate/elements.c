/* elements.c: see elements.h. */
#include "agent/gate/elements.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdlib.h>

#define PORTS	65535
#define EVERY	((1u << LG_BUNDLE_PROTOCOLS) - 1)

_Static_assert(sizeof(struct lg_gate_element) == 40, "elements are compared octet by octet");

/* ---- making ---------------------------------------------------------------------------------------------------- */

struct list {
	struct lg_arena *arena;
	struct lg_gate_elements all;
	size_t size;
};

static void
put(struct list *l, const struct lg_gate_element *e)
{
	if (l->all.n == l->size) {
		struct lg_gate_element *v = LG_NEWS(l->arena, struct lg_gate_element, 2 * l->size + 64);
		if (l->all.n > 0)
			memcpy(v, l->all.v, l->all.n * sizeof *v);
		l->all.v = v;
		l->size = 2 * l->size + 64;
	}
	l->all.v[l->all.n++] = *e;
}

/* In which map a row's protocol stands. */
static enum lg_gate_set
map_of(const struct lg_connect_row *r, unsigned bit)
{
	bool all = r->first == 0 && r->last == PORTS;

	if (all && (r->protocols & EVERY) == EVERY)
		return LG_GATE_PAIRS;
	if (all || bit == 4)
		return LG_GATE_PROTOCOLS;
	return r->first == r->last ? LG_GATE_PORTS : LG_GATE_SPANS;
}

static void
put_row(struct list *l, const struct lg_connect_row *r, const struct lg_address *from, const struct lg_address *to)
{
	const uint8_t number[LG_BUNDLE_PROTOCOLS] = { IPPROTO_TCP, IPPROTO_UDP, from->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP };

	for (unsigned i = 0; i < LG_BUNDLE_PROTOCOLS; i++) {
		unsigned bit = 1u << i;
		struct lg_gate_element e = { .set = (uint8_t)map_of(r, bit), .six = from->family == AF_INET6, .ask = r->ask };
		if ((r->protocols & bit) == 0 || (bit == 4 && r->first != 0))
			continue;
		memcpy(e.from, from->a, sizeof e.from);
		memcpy(e.to, to->a, sizeof e.to);
		if (e.set != LG_GATE_PAIRS)
			e.protocol = number[i];
		if (e.set == LG_GATE_PORTS || e.set == LG_GATE_SPANS) {
			e.first = r->first;
			e.last = r->last;
		}
		put(l, &e);
	}
}

/* The addresses of each workload, one list behind the other. */
struct addresses {
	const struct lg_address **v;
	size_t *first;			/* of a workload; the next one's is its end */
};

static struct addresses
by_workload(const struct lg_gate_table *t, struct lg_arena *a, int family)
{
	struct addresses by = { LG_NEWS(a, const struct lg_address *, t->nnamed + 1), LG_NEWS(a, size_t, t->nnamed + 2) };
	size_t *at = LG_NEWS(a, size_t, t->nnamed + 2);

	for (size_t i = 0; i < t->nnamed; i++)
		if (t->index[i] != UINT32_MAX && t->named[i].at.family == family)
			by.first[t->index[i] + 1]++;
	for (size_t w = 0; w < t->nnamed; w++)
		by.first[w + 1] += by.first[w];
	memcpy(at, by.first, (t->nnamed + 1) * sizeof *at);
	for (size_t i = 0; i < t->nnamed; i++)
		if (t->index[i] != UINT32_MAX && t->named[i].at.family == family)
			by.v[at[t->index[i]]++] = &t->named[i].at;
	return by;
}

static void
put_rows(struct list *l, const struct lg_gate_table *t, int family)
{
	struct addresses by = by_workload(t, l->arena, family);

	for (size_t i = 0; i < t->rows.n; i++) {
		const struct lg_connect_row *r = &t->rows.v[i];
		for (size_t s = by.first[r->source]; s < by.first[r->source + 1]; s++)
			for (size_t d = by.first[r->destination]; d < by.first[r->destination + 1]; d++)
				put_row(l, r, by.v[s], by.v[d]);
	}
}

static void
put_known(struct list *l, const struct lg_gate_table *t)
{
	for (size_t i = 0; i < t->nnamed; i++) {
		struct lg_gate_element e = { .set = LG_GATE_KNOWN, .six = t->named[i].at.family == AF_INET6 };
		memcpy(e.from, t->named[i].at.a, sizeof e.from);
		if (t->named[i].workload.n > 0)
			put(l, &e);
	}
}

static void
put_link(struct list *l, const struct lg_gate_table *t, const struct lg_place *p, uint32_t link)
{
	struct lg_gate_element e = { .set = LG_GATE_LINKS }, here = { .set = LG_GATE_HERE };

	memcpy(e.from, &link, sizeof link);
	put(l, &e);
	e.set = LG_GATE_OWN;
	for (size_t i = 0; i < p->naddress; i++) {
		if (!lg_gate_table_guards(t, &p->address[i]))
			continue;
		e.six = here.six = p->address[i].family == AF_INET6;
		memcpy(e.to, p->address[i].a, sizeof e.to);
		memcpy(here.from, p->address[i].a, sizeof here.from);
		put(l, &e);
		put(l, &here);
	}
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lg_gate_element));
}

static void
sort_once(struct lg_gate_elements *all)
{
	size_t n = 0;

	if (all->n == 0)
		return;
	qsort(all->v, all->n, sizeof all->v[0], compare);
	for (size_t i = 1; i < all->n; i++)
		if (compare(&all->v[n], &all->v[i]) != 0)
			all->v[++n] = all->v[i];
	all->n = n + 1;
}

struct lg_gate_elements
lg_gate_elements_of(const struct lg_gate_table *t, const struct lg_places *ps, struct lg_arena *a)
{
	struct list l = { .arena = a };

	put_known(&l, t);
	if (t->index != NULL) {
		put_rows(&l, t, AF_INET);
		put_rows(&l, t, AF_INET6);
	}
	for (size_t i = 0; i < ps->n; i++)
		for (size_t k = 0; k < ps->v[i].nlink; k++)
			put_link(&l, t, &ps->v[i], ps->v[i].link[k]);
	sort_once(&l.all);
	return l.all;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static const char *const names[LG_GATE_SETS][2] = {
	[LG_GATE_KNOWN] = { "known4", "known6" }, [LG_GATE_HERE] = { "here4", "here6" }, [LG_GATE_PAIRS] = { "pairs4", "pairs6" }, [LG_GATE_PROTOCOLS] = { "protocols4", "protocols6" },
	[LG_GATE_PORTS] = { "ports4", "ports6" }, [LG_GATE_SPANS] = { "ranges4", "ranges6" }, [LG_GATE_LINKS] = { "links", "links" },
	[LG_GATE_OWN] = { "own4", "own6" },
};

static bool
is_of_links(const struct lg_gate_element *e)
{
	return e->set == LG_GATE_LINKS || e->set == LG_GATE_OWN;
}

/* As the rules join it (write.c): each part fills registers of four octets. */
static struct lg_batch_element
element_of(const struct lg_gate_element *e)
{
	struct lg_batch_element r = { .verdict = e->set < LG_GATE_PAIRS || is_of_links(e) ? NULL : e->ask ? "ask" : "" };
	size_t address = e->six ? 16 : 4;

	lg_batch_join(&r, e->from, is_of_links(e) ? 4 : address);
	if (e->set != LG_GATE_KNOWN && e->set != LG_GATE_HERE && e->set != LG_GATE_LINKS)
		lg_batch_join(&r, e->to, address);
	if (e->protocol != 0)
		lg_batch_join(&r, &e->protocol, 1);
	if (e->set == LG_GATE_PORTS || e->set == LG_GATE_SPANS)
		lg_batch_join_ports(&r, e->first, e->last);
	return r;
}

/* Some elements are in several tables; told6 and heard6 are own6 and here6 for rules that read addresses out of a message's body. */
static const struct target {
	int family;
	bool links_only, told;
} targets[] = { { .family = NFPROTO_INET }, { .family = NFPROTO_BRIDGE, .links_only = true }, { .family = NFPROTO_BRIDGE, .told = true } };

static bool
goes_to(const struct target *t, const struct lg_gate_element *e)
{
	if (t->told)
		return e->six && (e->set == LG_GATE_OWN || e->set == LG_GATE_HERE);
	return t->links_only ? is_of_links(e) || e->set == LG_GATE_HERE : e->set != LG_GATE_HERE;
}

static void
write_list(const struct lg_gate_elements *all, enum lg_batch_verb verb, const struct target *t, struct lg_batch *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct lg_gate_element *e = &all->v[i];
		if (!goes_to(t, e))
			continue;
		struct lg_batch_element one = element_of(e);
		lg_batch_put(out, verb, t->family, !t->told ? names[e->set][e->six] : e->set == LG_GATE_OWN ? "told6" : "heard6", &one);
	}
}

/* What the first has and the second has not. */
static struct lg_gate_elements
without(const struct lg_gate_elements *a, const struct lg_gate_elements *b, struct lg_arena *arena)
{
	struct list l = { .arena = arena };
	size_t k = 0;

	for (size_t i = 0; i < a->n; i++) {
		while (k < b->n && compare(&b->v[k], &a->v[i]) < 0)
			k++;
		if (k == b->n || compare(&b->v[k], &a->v[i]) != 0)
			put(&l, &a->v[i]);
	}
	return l.all;
}

struct lg_gate_change
lg_gate_write_change(const struct lg_gate_elements *before, const struct lg_gate_elements *after, struct lg_batch *out)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_gate_elements gone = without(before, after, a), new = without(after, before, a);

	for (size_t t = 0; t < LG_COUNT(targets); t++)
		write_list(&gone, LG_BATCH_TAKE, &targets[t], out);
	for (size_t t = 0; t < LG_COUNT(targets); t++)
		write_list(&new, LG_BATCH_PUT, &targets[t], out);
	return (struct lg_gate_change){ gone.n, new.n };
}

/* ---- what has a time, or is one --------------------------------------------------------------------------------- */

void
lg_gate_put_generation(uint64_t generation, struct lg_batch *out)
{
	struct lg_batch_element e = { .n = 0 };
	uint32_t low = (uint32_t)generation;

	lg_batch_join(&e, &low, sizeof low);
	lg_batch_flush(out, NFPROTO_INET, "generation");
	lg_batch_put(out, LG_BATCH_PUT, NFPROTO_INET, "generation", &e);
}

void
lg_gate_put_alive(int64_t left, struct lg_batch *out)
{
	static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

	static const uint32_t established = NF_CT_STATE_BIT(IP_CT_ESTABLISHED);
	struct lg_batch_element open = { .timeout = left / 1000 };

	lg_batch_flush(out, NFPROTO_INET, "alive");
	for (size_t i = 0; i < LG_COUNT(families); i++) {
		struct lg_batch_element e = { .timeout = left / 1000 };
		lg_batch_join(&e, &families[i], 1);
		lg_batch_put(out, LG_BATCH_PUT, NFPROTO_INET, "alive", &e);
	}
	lg_batch_flush(out, NFPROTO_INET, "open");
	lg_batch_join(&open, &established, sizeof established);
	lg_batch_put(out, LG_BATCH_PUT, NFPROTO_INET, "open", &open);
}

void
lg_gate_put_learned(const struct lg_queue_packet *p, int seconds, struct lg_batch *out)
{
	struct lg_batch_element e = { .timeout = seconds * 1000 };
	bool six = p->from.family == AF_INET6;
	uint8_t protocol = (uint8_t)p->protocol;
	bool echo = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;

	if (!echo && p->port == 0)
		return;
	lg_batch_join(&e, p->from.a, six ? 16 : 4);
	lg_batch_join(&e, p->to.a, six ? 16 : 4);
	lg_batch_join(&e, &protocol, 1);
	if (!echo)
		lg_batch_join_ports(&e, p->port, p->port);
	lg_batch_put(out, LG_BATCH_PUT, NFPROTO_INET, echo ? (six ? "echoes6" : "echoes4") : six ? "learned6" : "learned4", &e);
}

void
lg_gate_forget_learned(struct lg_batch *out)
{
	static const char *const sets[] = { "learned4", "learned6", "echoes4", "echoes6" };

	for (size_t i = 0; i < LG_COUNT(sets); i++)
		lg_batch_flush(out, NFPROTO_INET, sets[i]);
}
