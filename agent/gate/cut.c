/* cut.c: see cut.h.  cut.c alone knows libnetfilter_conntrack. */
#include "agent/gate/cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>

struct cutting {
	const struct lg_gate_table *t;
	bool asked;
	struct nf_conntrack **v;
	size_t n, size;
	struct lg_connection *ends;	/* of those that are not permitted */
	size_t nends, ends_size;
};

static void *
one_more(void *v, size_t n, size_t *size, size_t octets)
{
	if (n < *size)
		return v;
	*size = *size == 0 ? 64 : 2 * *size;
	if ((v = realloc(v, *size * octets)) == NULL)
		abort();
	return v;
}

static bool
address_of(const struct nf_conntrack *ct, enum nf_conntrack_attr attr4, enum nf_conntrack_attr attr6, struct lg_address *ret)
{
	int family = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO);
	const void *bytes = nfct_get_attr(ct, family == AF_INET ? attr4 : attr6);

	*ret = (struct lg_address){ .family = family };
	if (bytes == NULL || (family != AF_INET && family != AF_INET6))
		return false;
	memcpy(ret->a, bytes, family == AF_INET ? 4 : 16);
	return true;
}

/* As it was asked for first: the direction in which it began.  Where an address was translated, the true one is in the answers. */
static enum lg_gate_says
judge(const struct cutting *c, const struct nf_conntrack *ct)
{
	struct lg_address from, to;
	lg_str source, destination;

	if (!address_of(ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, &from) || !address_of(ct, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, &to))
		return LG_GATE_FOREIGN;
	return lg_gate_table_ask(c->t, &from, &to, nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO), ntohs(nfct_get_attr_u16(ct, ATTR_REPL_PORT_SRC)),
	    &source, &destination);
}

/* As who began it sees it, and as who was called: where an address was translated, these are two. */
static void
note_ends(struct cutting *c, const struct nf_conntrack *ct)
{
	static const struct {
		enum nf_conntrack_attr own4, own6, peer4, peer6, own_port, peer_port;
	} sides[] = {
		{ ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST },
		{ ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_SRC, ATTR_REPL_PORT_DST },
	};

	for (size_t i = 0; i < LG_COUNT(sides); i++) {
		c->ends = one_more(c->ends, c->nends, &c->ends_size, sizeof *c->ends);
		struct lg_connection *e = &c->ends[c->nends];
		e->own_port = nfct_get_attr_u16(ct, sides[i].own_port);
		e->peer_port = nfct_get_attr_u16(ct, sides[i].peer_port);
		c->nends += address_of(ct, sides[i].own4, sides[i].own6, &e->own) && address_of(ct, sides[i].peer4, sides[i].peer6, &e->peer);
	}
}

static int
look(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *arg)
{
	struct cutting *c = arg;
	enum lg_gate_says says = judge(c, ct);

	(void)type;
	if (says != LG_GATE_DENY && !(says == LG_GATE_ASK && c->asked))
		return NFCT_CB_CONTINUE;
	if (says == LG_GATE_DENY && nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO) == IPPROTO_TCP)
		note_ends(c, ct);
	c->v = one_more(c->v, c->n, &c->size, sizeof(struct nf_conntrack *));
	c->v[c->n++] = ct;
	return NFCT_CB_STOLEN;
}

lg_err
lg_cut_flows(struct lg_ctx *cx, const struct lg_gate_table *t, const struct lg_places *ps, bool asked, size_t *cut)
{
	struct cutting c = { .t = t, .asked = asked };
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	uint32_t family = AF_UNSPEC;
	bool done;

	*cut = 0;
	if (h == NULL)
		return lg_fail(cx, LG_E_IO, "tracked flows cannot be read: %s", strerror(errno));
	nfct_callback_register(h, NFCT_T_ALL, look, &c);
	done = nfct_query(h, NFCT_Q_DUMP, &family) == 0;
	int error = errno;
	for (size_t i = 0; i < c.n; i++) {
		*cut += nfct_query(h, NFCT_Q_DESTROY, c.v[i]) == 0;
		nfct_destroy(c.v[i]);
	}
	lg_places_end(cx, ps, c.ends, c.nends);
	free(c.ends);
	free(c.v);
	nfct_close(h);
	return done ? LG_OK : lg_fail(cx, LG_E_IO, "tracked flows cannot be read: %s", strerror(error));
}
