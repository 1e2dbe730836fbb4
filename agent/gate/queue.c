/* queue.c: see queue.h.  A refused packet goes round once more with a mark, and the table answers it as it answers others. */
#include "agent/gate/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/gate/table.h"
#include "base/log.h"
#include "base/thread.h"

#define ROOM		1024		/* octets of one packet with its attributes */
#define VERDICT		64		/* of an answer to one */
#define RECEIVE		(4 << 20)	/* of the socket: what comes while we decide */
#define LOOK_UP		5		/* seconds after which an idle thread looks whether it is to end: should nothing wake it */

struct lg_queue {
	struct mnl_socket *s;
	struct lg_queue_share share;
	struct lg_queue_asked asked;
	pthread_t thread;
	_Atomic bool stop;

	/* The thread alone: what one read brought, and the answers to it. */
	_Alignas(struct nlmsghdr) char room[LG_QUEUE_READ][ROOM];
	_Alignas(struct nlmsghdr) char verdicts[LG_QUEUE_READ * VERDICT];
	size_t octets;
};

/* ---- headers --------------------------------------------------------------------------------------------------- */

static bool
parse_port(const uint8_t *p, size_t n, struct lg_queue_packet *ret)
{
	if (ret->protocol == IPPROTO_ICMP || ret->protocol == IPPROTO_ICMPV6)
		return true;
	if ((ret->protocol != IPPROTO_TCP && ret->protocol != IPPROTO_UDP) || n < 4)
		return false;
	ret->port = (uint16_t)(p[2] << 8 | p[3]);
	return true;
}

/* The kernel puts fragments together before it asks (nf_defrag); one that comes all the same is not whole. */
static bool
parse_4(const uint8_t *p, size_t n, struct lg_queue_packet *ret)
{
	size_t head = (size_t)(p[0] & 15) * 4;

	if (n < 20 || head < 20 || n < head || (p[6] & 0x3f) != 0 || p[7] != 0)
		return false;
	ret->from = ret->to = (struct lg_address){ .family = AF_INET };
	memcpy(ret->from.a, p + 12, 4);
	memcpy(ret->to.a, p + 16, 4);
	ret->protocol = p[9];
	return parse_port(p + head, n - head, ret);
}

/* Hop-by-hop, routing and destination options are passed over (RFC 8200 4). */
static bool
parse_6(const uint8_t *p, size_t n, struct lg_queue_packet *ret)
{
	size_t at = 40;
	int next;

	if (n < at)
		return false;
	ret->from = ret->to = (struct lg_address){ .family = AF_INET6 };
	memcpy(ret->from.a, p + 8, 16);
	memcpy(ret->to.a, p + 24, 16);
	for (next = p[6]; next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS; ) {
		if (n < at + 8)
			return false;
		next = p[at];
		at += ((size_t)p[at + 1] + 1) * 8;
	}
	ret->protocol = next;
	return at <= n && parse_port(p + at, n - at, ret);
}

bool
lg_queue_parse(const uint8_t *p, size_t n, struct lg_queue_packet *ret)
{
	*ret = (struct lg_queue_packet){ .port = 0 };
	if (n == 0)
		return false;
	return p[0] >> 4 == 4 ? parse_4(p, n, ret) : p[0] >> 4 == 6 ? parse_6(p, n, ret) : false;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static void
put_verdict(struct lg_queue *q, uint32_t id, bool permit)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(q->verdicts + q->octets, NFQNL_MSG_VERDICT, q->share.number);

	nfq_nlmsg_verdict_put(nlh, (int)id, permit ? NF_ACCEPT : NF_REPEAT);
	if (!permit)
		nfq_nlmsg_verdict_put_mark(nlh, LG_GATE_MARK);
	q->octets += nlh->nlmsg_len;
}

static int
take_packet(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr[NFQA_MAX + 1] = { NULL };
	struct lg_queue_packet p;
	struct lg_queue *q = arg;

	if (nfq_nlmsg_parse(nlh, attr) < 0 || attr[NFQA_PACKET_HDR] == NULL)
		return MNL_CB_OK;
	const struct nfqnl_msg_packet_hdr *head = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	bool readable = attr[NFQA_PAYLOAD] != NULL &&
	    lg_queue_parse(mnl_attr_get_payload(attr[NFQA_PAYLOAD]), mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]), &p);
	put_verdict(q, ntohl(head->packet_id), readable && q->asked.permits(q->asked.arg, &p));
	return MNL_CB_OK;
}

/* Each datagram tells of one packet: a busy queue is read, and answered, by many at once. */
static int
receive(struct lg_queue *q, struct mmsghdr got[LG_QUEUE_READ])
{
	struct iovec at[LG_QUEUE_READ];

	for (size_t i = 0; i < LG_QUEUE_READ; i++) {
		at[i] = (struct iovec){ q->room[i], ROOM };
		got[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &at[i], .msg_iovlen = 1 } };
	}
	return recvmmsg(mnl_socket_get_fd(q->s), got, LG_QUEUE_READ, MSG_WAITFORONE, NULL);
}

/*
 * Where the packet arose, which whoever waits for the answer waits on, too: to wake another processor, which may have to leave a hypervisor
 * first, takes many times what the decision does.  A processor that we may not have leaves us where we are.
 */
static void
stay(const struct lg_queue_share *share)
{
	long all = sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t own;

	CPU_ZERO(&own);
	for (unsigned i = share->nth; share->of > 1 && i < CPU_SETSIZE && (long)i < all; i += share->of)
		CPU_SET(i, &own);
	if (share->of > 1)
		(void)sched_setaffinity(0, sizeof own, &own);
}

static void *
run(void *arg)
{
	struct mmsghdr got[LG_QUEUE_READ];
	struct lg_queue *q = arg;

	stay(&q->share);
	while (!q->stop) {
		int n = receive(q, got);
		q->octets = 0;
		for (int i = 0; i < n; i++)
			(void)mnl_cb_run(q->room[i], got[i].msg_len, 0, mnl_socket_get_portid(q->s), take_packet, q);
		if (q->octets == 0)
			continue;
		if (mnl_socket_sendto(q->s, q->verdicts, q->octets) < 0)
			lg_log(LG_WARN, "packets' verdicts are lost: %s", strerror(errno));
		q->asked.answered(q->asked.arg);
	}
	return NULL;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static bool
configure(struct lg_queue *q, uint8_t command, uint16_t flags)
{
	char room[512];
	struct nlmsghdr *nlh = nfq_nlmsg_put(room, NFQNL_MSG_CONFIG, q->share.number);

	nlh->nlmsg_flags |= flags;
	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, command);
	return mnl_socket_sendto(q->s, nlh, nlh->nlmsg_len) > 0;
}

/* What a card would cut into packets later (GSO) is asked about whole, and no sum is made for our eyes. */
static bool
describe(struct lg_queue *q)
{
	char room[512];
	struct nlmsghdr *nlh = nfq_nlmsg_put(room, NFQNL_MSG_CONFIG, q->share.number);

	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, LG_QUEUE_PACKET);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, LG_QUEUE_LENGTH);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	return mnl_socket_sendto(q->s, nlh, nlh->nlmsg_len) > 0;
}

static bool
reach(struct lg_queue *q)
{
	const struct timeval idle = { .tv_sec = LOOK_UP };
	int on = 1, size = RECEIVE, fd;

	q->s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (q->s == NULL || mnl_socket_bind(q->s, 0, MNL_SOCKET_AUTOPID) != 0)
		return false;
	fd = mnl_socket_get_fd(q->s);
	(void)mnl_socket_setsockopt(q->s, NETLINK_NO_ENOBUFS, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
	return configure(q, NFQNL_CFG_CMD_BIND, 0) && describe(q);
}

static void
forget(struct lg_queue *q)
{
	if (q->s != NULL)
		mnl_socket_close(q->s);
	free(q);
}

lg_err
lg_queue_open(struct lg_ctx *cx, const struct lg_queue_share *share, const struct lg_queue_asked *asked, struct lg_queue **ret)
{
	struct lg_queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		abort();
	q->share = *share;
	q->asked = *asked;
	if (!reach(q)) {
		int error = errno;
		forget(q);
		return lg_fail(cx, LG_E_IO, "the packet queue %u cannot be used: %s", (unsigned)share->number, strerror(error));
	}
	if (!lg_thread_start(&q->thread, 0, run, q))
		abort();
	*ret = q;
	return LG_OK;
}

/* The kernel's acknowledgement wakes the thread. */
void
lg_queue_close(struct lg_queue **queue)
{
	struct lg_queue *q = *queue;

	*queue = NULL;
	if (q == NULL)
		return;
	q->stop = true;
	(void)configure(q, NFQNL_CFG_CMD_UNBIND, NLM_F_ACK);
	pthread_join(q->thread, NULL);
	forget(q);
}
