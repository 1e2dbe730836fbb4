/* nft.c: see nft.h. */
#include "agent/gate/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <nftables/libnftables.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS	(4 << 20)	/* octets that the kernel keeps for us */
#define SENDERS	32		/* whose changes are not told */
#define DUMP	(32 << 10)	/* octets of a read of rules */

/* A context for each: rules are written once, and what it holds to read commands is more than all else of the gate. */
lg_err
lg_nft_run(struct lg_ctx *cx, const char *commands)
{
	struct nft_ctx *n = nft_ctx_new(NFT_CTX_DEFAULT);
	lg_str line, rest;

	if (n == NULL || nft_ctx_buffer_error(n) != 0 || nft_ctx_buffer_output(n) != 0) {
		nft_ctx_free(n);
		return lg_fail(cx, LG_E_IO, "the packet filter cannot be reached");
	}
	bool done = nft_run_cmd_from_buffer(n, commands) == 0;
	(void)lg_str_cut(lg_dup(cx->arena, lg_str_of(nft_ctx_get_error_buffer(n))), '\n', &line, &rest);
	nft_ctx_free(n);
	return done ? LG_OK : lg_fail(cx, LG_E_IO, "the packet filter refuses: %.*s", LG_FMT(line));
}

/* ---- the queue ---------------------------------------------------------------------------------------------- */

static struct nftnl_rule *
queue_rule(const char *chain, uint16_t first, uint16_t queues)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_expr *e = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info = calloc(1, sizeof *info);	/* the expression frees it */

	if (r == NULL || e == NULL || info == NULL)
		abort();
	*info = (struct xt_NFQ_info_v3){ .queuenum = first, .queues_total = queues, .flags = queues > 1 ? NFQ_FLAG_CPU_FANOUT : 0 };
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, LG_NFT_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, sizeof *info);
	nftnl_rule_add_expr(r, e);
	return r;
}

static size_t
write_batch(char *room, size_t size, const char *chain, uint16_t first, uint16_t queues)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(room, size);
	struct nftnl_rule *r = queue_rule(chain, first, queues);

	nftnl_batch_begin(mnl_nlmsg_batch_current(b), 1);
	mnl_nlmsg_batch_next(b);
	struct nlmsghdr *h = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b), NFT_MSG_NEWRULE, NFPROTO_INET,
	    NLM_F_APPEND | NLM_F_CREATE | NLM_F_ACK, 2);
	nftnl_rule_nlmsg_build_payload(h, r);
	mnl_nlmsg_batch_next(b);
	nftnl_batch_end(mnl_nlmsg_batch_current(b), 3);
	mnl_nlmsg_batch_next(b);
	size_t n = mnl_nlmsg_batch_size(b);
	mnl_nlmsg_batch_stop(b);
	nftnl_rule_free(r);
	return n;
}

static lg_err
queue_by_target(struct lg_ctx *cx, const char *chain, uint16_t first, uint16_t queues)
{
	char room[2 * 8192];		/* a batch may run over its first half by one message (libmnl) */
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	bool done = false;

	if (s == NULL)
		return lg_fail(cx, LG_E_IO, "the packet filter cannot be reached: %s", strerror(errno));
	size_t n = write_batch(room, sizeof room / 2, chain, first, queues);
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 && mnl_socket_sendto(s, room, n) == (ssize_t)n) {
		ssize_t got = mnl_socket_recvfrom(s, room, sizeof room);
		done = got > 0 && mnl_cb_run(room, (size_t)got, 2, mnl_socket_get_portid(s), NULL, NULL) >= 0;
	}
	int error = errno;
	mnl_socket_close(s);
	return done ? LG_OK : lg_fail(cx, LG_E_UNSUPPORTED, "this kernel has no queue for packets: %s", strerror(error));
}

lg_err
lg_nft_queue(struct lg_ctx *cx, const char *chain, uint16_t first, uint16_t n)
{
	unsigned last = first + (unsigned)n - 1;
	const char *rule = lg_print(cx->arena, "add rule " LG_NFT_FAMILY " " LG_NFT_TABLE " %s queue flags fanout to %u-%u", chain,
	    (unsigned)first, last).p;

	if (n == 1)
		rule = lg_print(cx->arena, "add rule " LG_NFT_FAMILY " " LG_NFT_TABLE " %s queue to %u", chain, (unsigned)first).p;
	if (lg_nft_run(cx, rule) == LG_OK)
		return LG_OK;
	return queue_by_target(cx, chain, first, n);
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

struct counting {
	lg_nft_counted *each;
	void *arg;
};

static int
note_comment(const struct nftnl_udata *u, void *arg)
{
	const char **comment = arg;

	if (nftnl_udata_type(u) == NFTNL_UDATA_RULE_COMMENT && nftnl_udata_len(u) > 0 &&
	    ((const char *)nftnl_udata_get(u))[nftnl_udata_len(u) - 1] == '\0')
		*comment = nftnl_udata_get(u);
	return 0;
}

static void
tell_counters(const struct nftnl_rule *r, const struct counting *c)
{
	struct nftnl_expr_iter *it = nftnl_expr_iter_create(r);
	const char *comment = "";
	struct nftnl_expr *e;
	uint32_t n;

	if (it == NULL)
		abort();
	const void *data = nftnl_rule_get_data(r, NFTNL_RULE_USERDATA, &n);
	if (data != NULL)
		(void)nftnl_udata_parse(data, n, note_comment, &comment);
	while ((e = nftnl_expr_iter_next(it)) != NULL)
		if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "counter") == 0)
			c->each(c->arg, nftnl_rule_get_str(r, NFTNL_RULE_CHAIN), comment, nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS));
	nftnl_expr_iter_destroy(it);
}

static int
take_rule(const struct nlmsghdr *h, void *arg)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (r == NULL)
		abort();
	if (nftnl_rule_nlmsg_parse(h, r) == 0)
		tell_counters(r, arg);
	nftnl_rule_free(r);
	return MNL_CB_OK;
}

static bool
dump_rules(struct mnl_socket *s, uint16_t family, uint32_t seq, const struct counting *c)
{
	_Alignas(struct nlmsghdr) char room[DUMP];
	struct nlmsghdr *h = nftnl_nlmsg_build_hdr(room, NFT_MSG_GETRULE, family, NLM_F_DUMP, seq);
	int more;

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, LG_NFT_TABLE);
	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return false;
	do {
		ssize_t n = mnl_socket_recvfrom(s, room, sizeof room);
		more = n < 0 ? -1 : mnl_cb_run(room, (size_t)n, seq, mnl_socket_get_portid(s), take_rule, (void *)(uintptr_t)c);
	} while (more > 0);
	return more == 0;
}

lg_err
lg_nft_counters(struct lg_ctx *cx, lg_nft_counted *each, void *arg)
{
	const struct counting c = { each, arg };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	bool done = s != NULL && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 && dump_rules(s, NFPROTO_INET, 1, &c) &&
	    dump_rules(s, NFPROTO_BRIDGE, 2, &c);
	int error = errno;

	if (s != NULL)
		mnl_socket_close(s);
	return done ? LG_OK : lg_fail(cx, LG_E_IO, "the packet filter's counters cannot be read: %s", strerror(error));
}

/* ---- what others do ------------------------------------------------------------------------------------------ */

/* A message's head says who asked for what it tells of (nlmsg_pid); a transaction is told as one.  A hundred thousand elements of our own
 * would wake us for nothing, and push out what others do. */
static bool
leave_out(int fd, const uint32_t ours[], size_t n)
{
	struct sock_filter program[2 * SENDERS + 2] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)) };
	size_t k = 1;

	assert(n <= SENDERS);
	for (size_t i = 0; i < n; i++) {
		program[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ours[i]), 0, 1);
		program[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	}
	program[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	struct sock_fprog all = { .len = (unsigned short)k, .filter = program };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all) == 0;
}

int
lg_nft_events(const uint32_t ours[], size_t n)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1u << (NFNLGRP_NFTABLES - 1) };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER), size = EVENTS;

	if (fd >= 0 && (!leave_out(fd, ours, n) || bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at) != 0)) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return fd;
}

static int
read_table_name(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)	/* first in rules, chains and sets, too */
		*(const char **)arg = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

static int
read_event(const struct nlmsghdr *h, void *arg)
{
	const char *table = NULL;
	bool *lost = arg;

	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
	case NFT_MSG_DELSET:
		(void)mnl_attr_parse(h, sizeof(struct nfgenmsg), read_table_name, &table);
		*lost |= table != NULL && strcmp(table, LG_NFT_TABLE) == 0;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

bool
lg_nft_lost(struct lg_ctx *cx, int events)
{
	bool lost = false, missed = false;
	char room[16384];
	ssize_t got;

	while ((got = recv(events, room, sizeof room, 0)) > 0 || (got < 0 && errno == ENOBUFS)) {
		if (got < 0)
			missed = true;		/* others' were too many to keep */
		else
			(void)mnl_cb_run(room, (size_t)got, 0, 0, read_event, &lost);
	}
	return lost || (missed && lg_nft_run(cx, "list chain " LG_NFT_FAMILY " " LG_NFT_TABLE " forward\nlist chain " LG_NFT_LINKS " " LG_NFT_TABLE " from\n") != LG_OK);
}
