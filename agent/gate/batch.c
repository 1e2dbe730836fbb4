/* batch.c: see batch.h. */
#include "agent/gate/batch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "agent/gate/nft.h"

#define LIST_MAX	60000		/* octets of a list in one message: an attribute's length has 16 bits */
#define ROOM		512		/* more than a message's head or an element takes */
#define KEPT		(1u << 20)	/* what a large transaction leaves behind for the next */

struct lg_batch {
	struct mnl_socket *s;
	struct lg_buf out;
	uint32_t seq;
	size_t at, list;		/* where the open message begins, and its list of elements; 0: none is open */
	enum lg_batch_verb verb;
	int family;
	const char *set;
};

/* ---- keys -------------------------------------------------------------------------------------------------- */

static void
join(struct lg_batch_element *e, const void *first, const void *last, size_t n)
{
	assert(e->n + n <= LG_BATCH_KEY);
	memcpy(e->key + e->n, first, n);
	memcpy(e->end + e->n, last, n);
	e->n += e->n > 0 || n % 4 == 0 ? (n + 3) / 4 * 4 : n;
}

void
lg_batch_join(struct lg_batch_element *e, const void *part, size_t n)
{
	join(e, part, part, n);
}

void
lg_batch_join_ports(struct lg_batch_element *e, uint16_t first, uint16_t last)
{
	uint16_t from = htons(first), to = htons(last);

	join(e, &from, &to, sizeof from);
	e->interval |= first != last;
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

static struct nlmsghdr *
message(const struct lg_batch *b)
{
	return (struct nlmsghdr *)(void *)(b->out.p + b->at);
}

/* Where the next message begins; NULL: the batch is full. */
static void *
room(struct lg_batch *b)
{
	return lg_buf_reserve(&b->out, ROOM) ? b->out.p + b->out.n : NULL;
}

static void
close_message(struct lg_batch *b)
{
	if (b->list != 0)
		mnl_attr_nest_end(message(b), (struct nlattr *)(void *)(b->out.p + b->list));
	b->list = 0;
}

static void
add_head(struct lg_batch *b, struct nlmsghdr *(*put)(char *at, uint32_t seq))
{
	void *at = room(b);

	if (at != NULL)
		b->out.n += put(at, b->seq++)->nlmsg_len;
}

/* 0 is no message's place: the batch's head is there. */
static bool
begin_message(struct lg_batch *b, enum lg_batch_verb verb, int family, const char *set)
{
	close_message(b);
	if (b->out.n == 0)
		add_head(b, nftnl_batch_begin);
	void *at = room(b);
	if (at == NULL)
		return false;
	struct nlmsghdr *h = nftnl_nlmsg_build_hdr(at, verb == LG_BATCH_PUT ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, (uint16_t)family,
	    verb == LG_BATCH_PUT ? NLM_F_CREATE : 0, b->seq++);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, LG_NFT_TABLE);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
	b->at = b->out.n;
	b->out.n += h->nlmsg_len;
	return true;
}

static void
put_data(struct nlmsghdr *h, uint16_t type, const void *p, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(h, type);

	mnl_attr_put(h, NFTA_DATA_VALUE, n, p);
	mnl_attr_nest_end(h, nest);
}

static void
put_verdict(struct nlmsghdr *h, const char *chain)
{
	struct nlattr *data = mnl_attr_nest_start(h, NFTA_SET_ELEM_DATA), *verdict = mnl_attr_nest_start(h, NFTA_DATA_VERDICT);

	mnl_attr_put_u32(h, NFTA_VERDICT_CODE, htonl(chain[0] == '\0' ? (uint32_t)NF_ACCEPT : (uint32_t)NFT_GOTO));
	if (chain[0] != '\0')
		mnl_attr_put_strz(h, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(h, verdict);
	mnl_attr_nest_end(h, data);
}

static void
put_element(struct nlmsghdr *h, const struct lg_batch_element *e, bool adds)
{
	struct nlattr *nest = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

	put_data(h, NFTA_SET_ELEM_KEY, e->key, e->n);
	if (e->interval)
		put_data(h, NFTA_SET_ELEM_KEY_END, e->end, e->n);
	if (adds && e->verdict != NULL)
		put_verdict(h, e->verdict);
	if (adds && e->timeout > 0)
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)e->timeout));
	mnl_attr_nest_end(h, nest);
}

static bool
goes_on(const struct lg_batch *b, enum lg_batch_verb verb, int family, const char *set)
{
	return b->list != 0 && b->verb == verb && b->family == family && strcmp(b->set, set) == 0 && b->out.n - b->list < LIST_MAX;
}

static bool
begin_list(struct lg_batch *b, enum lg_batch_verb verb, int family, const char *set)
{
	if (!begin_message(b, verb, family, set))
		return false;
	b->verb = verb;
	b->family = family;
	b->set = set;
	b->list = b->out.n;
	(void)mnl_attr_nest_start(message(b), NFTA_SET_ELEM_LIST_ELEMENTS);
	b->out.n = b->at + message(b)->nlmsg_len;
	return true;
}

void
lg_batch_put(struct lg_batch *b, enum lg_batch_verb verb, int family, const char *set, const struct lg_batch_element *e)
{
	if ((!goes_on(b, verb, family, set) && !begin_list(b, verb, family, set)) || room(b) == NULL)
		return;
	put_element(message(b), e, verb == LG_BATCH_PUT);
	b->out.n = b->at + message(b)->nlmsg_len;
}

void
lg_batch_flush(struct lg_batch *b, int family, const char *set)
{
	(void)begin_message(b, LG_BATCH_TAKE, family, set);
}

/* ---- sending ------------------------------------------------------------------------------------------------- */

static void
empty(struct lg_batch *b)
{
	if (b->out.size > KEPT)
		lg_buf_free(&b->out);
	lg_buf_clear(&b->out);
	b->list = b->at = 0;
}

/* The kernel takes a transaction from one datagram. */
static bool
send_all(struct lg_batch *b)
{
	int size = (int)b->out.n + 4096;

	(void)setsockopt(mnl_socket_get_fd(b->s), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	return mnl_socket_sendto(b->s, b->out.p, b->out.n) == (ssize_t)b->out.n;
}

/* It is done when sending returns: all that it says about it waits.  0, or the first fault. */
static int
answer(struct lg_batch *b)
{
	_Alignas(struct nlmsghdr) char said[8192];
	int error = EPROTO;		/* not even the last message's acknowledgement */
	int n;

	while ((n = (int)recv(mnl_socket_get_fd(b->s), said, sizeof said, MSG_DONTWAIT)) > 0)
		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)said; mnl_nlmsg_ok(h, n); h = mnl_nlmsg_next(h, &n)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
			if (h->nlmsg_type == NLMSG_ERROR && (error == EPROTO || error == 0))
				error = -e->error;
		}
	return error;
}

lg_err
lg_batch_run(struct lg_ctx *cx, struct lg_batch *b)
{
	int error = 0;

	close_message(b);
	if (b->at != 0)
		message(b)->nlmsg_flags |= NLM_F_ACK;
	add_head(b, nftnl_batch_end);
	lg_err e = lg_buf_status(cx, &b->out);
	if (e == LG_OK && b->at != 0)
		error = send_all(b) ? answer(b) : errno;
	empty(b);
	return e != LG_OK ? e : error == 0 ? LG_OK : lg_fail(cx, LG_E_IO, "the packet filter refuses a change of its sets: %s", strerror(error));
}

size_t
lg_batch_octets(const struct lg_batch *b)
{
	return b->out.n;
}

uint32_t
lg_batch_port(const struct lg_batch *b)
{
	return mnl_socket_get_portid(b->s);
}

lg_err
lg_batch_open(struct lg_ctx *cx, struct lg_batch **ret)
{
	struct lg_batch *b = calloc(1, sizeof *b);

	if (b == NULL)
		abort();
	b->out = LG_BUF(LG_BATCH_SIZE);
	b->s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (b->s == NULL || mnl_socket_bind(b->s, 0, MNL_SOCKET_AUTOPID) != 0) {
		lg_batch_close(&b);
		return lg_fail(cx, LG_E_IO, "the packet filter cannot be reached: %s", strerror(errno));
	}
	*ret = b;
	return LG_OK;
}

void
lg_batch_close(struct lg_batch **batch)
{
	struct lg_batch *b = *batch;

	*batch = NULL;
	if (b == NULL)
		return;
	if (b->s != NULL)
		mnl_socket_close(b->s);
	lg_buf_free(&b->out);
	free(b);
}
