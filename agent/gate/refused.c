/* refused.c: see refused.h. */
#include "agent/gate/refused.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "agent/gate/nft.h"
#include "base/clock.h"
#include "base/log.h"

#define RECEIVE	(256 << 10)	/* octets that the kernel keeps for us */

/* What counters stand for, by where they stand: each is the sum of several. */
enum kind { REFUSED, UNCONFIRMED, NOBODYS, FALSE_SOURCE, KINDS };

static const struct {
	const char *chain, *comment;	/* NULL: whatever */
	enum kind kind;
} places[] = {
	{ "refuse", NULL, REFUSED }, { "judge4", "nobody confirms", UNCONFIRMED }, { "judge6", "nobody confirms", UNCONFIRMED },
	{ "judge4", "from nobody", NOBODYS }, { "judge6", "from nobody", NOBODYS }, { "from", NULL, FALSE_SOURCE },
	{ "strangers", NULL, FALSE_SOURCE },
};

static const char *const whys[KINDS] = {
	[REFUSED] = "refused by the kernel, too many to be told one by one", [UNCONFIRMED] = "dropped by the kernel: nobody confirmed the policies",
	[NOBODYS] = "dropped by the kernel: from an address that is no container's",
	[FALSE_SOURCE] = "dropped by the kernel: from an address that is not the sender's, or with a router's word",
};

struct lg_refused {
	struct lg_trail *trail;
	struct mnl_socket *s;
	uint64_t seen[KINDS];		/* the counters as they were */
	uint64_t told;			/* lg_trail_refusals then */
	int64_t ahead;			/* refusals that were told and not counted yet */
	int64_t due;			/* CLOCK_BOOTTIME */
};

/* ---- the log ---------------------------------------------------------------------------------------------------- */

struct reading {
	struct lg_ctx *cx;
	struct lg_refused *r;
	const struct lg_gate_table *t;
};

static int
note_payload(const struct nlattr *a, void *arg)
{
	const struct nlattr **payload = arg;

	if (mnl_attr_get_type(a) == NFULA_PAYLOAD)
		*payload = a;
	return MNL_CB_OK;
}

/* What cannot be read, or has no ports that are known here, is in the counters. */
static int
take_packet(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *payload = NULL;
	const struct reading *to = arg;
	struct lg_queue_packet p;

	if ((h->nlmsg_type & 0xff) != NFULNL_MSG_PACKET || mnl_attr_parse(h, sizeof(struct nfgenmsg), note_payload, &payload) < 0)
		return MNL_CB_OK;
	if (payload != NULL && to->t != NULL && lg_queue_parse(mnl_attr_get_payload(payload), mnl_attr_get_payload_len(payload), &p))
		lg_trail_refused(to->cx, to->r->trail, to->t, &p);
	return MNL_CB_OK;
}

static void
read_log(struct lg_ctx *cx, struct lg_refused *r, const struct lg_gate_table *t)
{
	struct reading to = { cx, r, t };
	char room[16384];
	ssize_t n;

	while (r->s != NULL && ((n = recv(mnl_socket_get_fd(r->s), room, sizeof room, MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)))
		if (n > 0)
			(void)mnl_cb_run(room, (size_t)n, 0, mnl_socket_get_portid(r->s), take_packet, &to);
}

/* ---- the counters ------------------------------------------------------------------------------------------------- */

static void
add_counter(void *arg, const char *chain, const char *comment, uint64_t packets)
{
	uint64_t *sum = arg;

	for (size_t i = 0; i < LG_COUNT(places); i++)
		if (strcmp(chain, places[i].chain) == 0 && (places[i].comment == NULL || strcmp(comment, places[i].comment) == 0))
			sum[places[i].kind] += packets;
}

/* The kernel tells of a packet before it counts it, and so does the queue: what is in the counters and was not told was not told at all. */
static uint64_t
untold(struct lg_refused *r, uint64_t refused)
{
	uint64_t told = lg_trail_refusals(r->trail);

	r->ahead += (int64_t)(told - r->told) - (int64_t)refused;
	r->told = told;
	if (r->ahead >= 0)
		return 0;
	uint64_t n = (uint64_t)-r->ahead;
	r->ahead = 0;
	return n;
}

static void
count(struct lg_ctx *cx, struct lg_refused *r, const uint64_t now[KINDS])
{
	for (enum kind k = 0; k < KINDS; k++) {
		uint64_t n = now[k] < r->seen[k] ? now[k] : now[k] - r->seen[k];	/* less: the table was made anew */
		r->seen[k] = now[k];
		if (k == REFUSED)
			n = untold(r, n);
		if (n > 0)
			lg_trail_dropped(r->trail, whys[k], n, cx->now);
	}
}

void
lg_refused_read(struct lg_ctx *cx, struct lg_refused *r, const struct lg_gate_table *t, bool all)
{
	uint64_t now[KINDS] = { 0 };
	bool due = all || lg_boottime() >= r->due;

	if (due && lg_nft_counters(cx, add_counter, now) != LG_OK) {
		lg_log(LG_WARN, "what the kernel dropped is not known: %s", cx->error);
		due = false;
		r->due = lg_boottime() + LG_REFUSED_EVERY;
	}
	read_log(cx, r, t);		/* after the counters were read: see untold() */
	if (!due)
		return;
	r->due = lg_boottime() + LG_REFUSED_EVERY;
	count(cx, r, now);
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static bool
configure(struct lg_refused *r, uint16_t type, const void *value, size_t n)
{
	char room[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct nfgenmsg *to;

	h->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	to = mnl_nlmsg_put_extra_header(h, sizeof *to);
	*to = (struct nfgenmsg){ .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(LG_REFUSED_GROUP) };
	mnl_attr_put(h, type, n, value);
	if (mnl_socket_sendto(r->s, h, h->nlmsg_len) < 0)
		return false;
	ssize_t got = mnl_socket_recvfrom(r->s, room, sizeof room);
	return got > 0 && mnl_cb_run(room, (size_t)got, 0, mnl_socket_get_portid(r->s), NULL, NULL) >= 0;
}

static bool
reach(struct lg_refused *r)
{
	const struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = { .copy_range = htonl(LG_QUEUE_PACKET), .copy_mode = NFULNL_COPY_PACKET };
	int size = RECEIVE;

	r->s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (r->s == NULL || mnl_socket_bind(r->s, 0, MNL_SOCKET_AUTOPID) != 0)
		return false;
	(void)setsockopt(mnl_socket_get_fd(r->s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return configure(r, NFULA_CFG_CMD, &bind, sizeof bind) && configure(r, NFULA_CFG_MODE, &mode, sizeof mode);
}

static void
forget(struct lg_refused *r)
{
	if (r->s != NULL)
		mnl_socket_close(r->s);
	r->s = NULL;
}

struct lg_refused *
lg_refused_open(struct lg_trail *trail)
{
	struct lg_refused *r = calloc(1, sizeof *r);

	if (r == NULL)
		abort();
	r->trail = trail;
	if (reach(r))
		return r;
	lg_log(LG_WARN, "what the gate's maps refuse is only counted: group %d of the kernel's log: %s", LG_REFUSED_GROUP, strerror(errno));
	forget(r);
	return r;
}

void
lg_refused_close(struct lg_refused **refused)
{
	struct lg_refused *r = *refused;

	*refused = NULL;
	if (r == NULL)
		return;
	forget(r);
	free(r);
}

/* The first of its chain.  The queue's refusals, which are marked, are known already. */
static const char *
rule(struct lg_ctx *cx)
{
	return lg_print(cx->arena, "insert rule " LG_NFT_FAMILY " " LG_NFT_TABLE " refuse meta mark != %u limit rate %d/second burst %d packets log group %d "
	    "snaplen %d", LG_GATE_MARK, LG_REFUSED_RATE, LG_REFUSED_RATE, LG_REFUSED_GROUP, LG_QUEUE_PACKET).p;
}

void
lg_refused_install(struct lg_ctx *cx, const struct lg_refused *r)
{
	if (r->s != NULL && lg_nft_run(cx, rule(cx)) != LG_OK)
		lg_log(LG_WARN, "what the gate's maps refuse is only counted: %s", cx->error);
}

int
lg_refused_fd(const struct lg_refused *r)
{
	return r->s != NULL ? mnl_socket_get_fd(r->s) : -1;
}
