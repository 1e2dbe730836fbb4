/* cut.c: see cut.h.  cut.c alone knows libnetfilter_conntrack. */
#include "agent/gate/cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <stdlib.h>

struct cutting {
	const struct lg_gate_table *t;
	bool asked;
	struct nf_conntrack **v;
	size_t n, size;
};

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

static int
look(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *arg)
{
	struct cutting *c = arg;
	enum lg_gate_says says = judge(c, ct);

	(void)type;
	if (says != LG_GATE_DENY && !(says == LG_GATE_ASK && c->asked))
		return NFCT_CB_CONTINUE;
	if (c->n == c->size) {
		c->size = c->size == 0 ? 64 : 2 * c->size;
		if ((c->v = realloc(c->v, c->size * sizeof(struct nf_conntrack *))) == NULL)
			abort();
	}
	c->v[c->n++] = ct;
	return NFCT_CB_STOLEN;
}

lg_err
lg_cut_flows(struct lg_ctx *cx, const struct lg_gate_table *t, bool asked, size_t *cut)
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
	free(c.v);
	nfct_close(h);
	return done ? LG_OK : lg_fail(cx, LG_E_IO, "tracked flows cannot be read: %s", strerror(error));
}
