/* inside.c: see inside.h. */
#include "agent/gate/inside.h"

#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static void
add_address(struct lg_inside *in, int family, const void *bytes, size_t n)
{
	if (in->naddress == LG_PLACE_ADDRESSES)
		return;
	struct lg_address *at = &in->address[in->naddress++];
	*at = (struct lg_address){ .family = family };
	memcpy(at->a, bytes, n);
}

/* Addresses that belong to a link alone name nobody. */
static void
read_addresses(struct lg_inside *in)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			add_address(in, AF_INET, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		else if (i->ifa_addr->sa_family == AF_INET6) {
			const struct in6_addr *a6 = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
			if (!IN6_IS_ADDR_LINKLOCAL(a6))
				add_address(in, AF_INET6, a6, 16);
		}
	}
	freeifaddrs(all);
}

struct links {
	int32_t home;			/* what this namespace calls ours */
	struct lg_inside *in;
};

struct link {
	uint32_t peer;
	int32_t home;
	bool veth;
};

static int
read_kind(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND && strcmp(mnl_attr_get_str(attr), "veth") == 0)
		((struct link *)arg)->veth = true;
	return MNL_CB_OK;
}

static int
read_attribute(const struct nlattr *attr, void *arg)
{
	struct link *i = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_LINK:
		i->peer = mnl_attr_get_u32(attr);
		return MNL_CB_OK;
	case IFLA_LINK_NETNSID:
		i->home = (int32_t)mnl_attr_get_u32(attr);
		return MNL_CB_OK;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, read_kind, i);
	default:
		return MNL_CB_OK;
	}
}

/* A veth's other end is named by its number in the namespace that it is in.  What a container made up inside of itself, or what stands on an
 * interface of the host (macvlan), has no end of its own here: its number is another's. */
static int
read_link(const struct nlmsghdr *nlh, void *arg)
{
	struct links *l = arg;
	struct link i = { .home = -1 };

	if (mnl_attr_parse(nlh, sizeof(struct ifinfomsg), read_attribute, &i) < 0)
		return MNL_CB_ERROR;
	if (i.veth && i.home >= 0 && i.home == l->home && l->in->npeer < LG_PLACE_LINKS)
		l->in->peer[l->in->npeer++] = i.peer;
	return MNL_CB_OK;
}

static int
read_number(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == NETNSA_NSID)
		*(int32_t *)arg = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int
read_namespace(const struct nlmsghdr *nlh, void *arg)
{
	(void)mnl_attr_parse(nlh, sizeof(struct rtgenmsg), read_number, arg);
	return MNL_CB_STOP;
}

/* A question, and all of its answer. */
static void
ask(struct mnl_socket *s, const struct nlmsghdr *nlh, mnl_cb_t read, void *arg)
{
	_Alignas(struct nlmsghdr) char room[8192];
	int n = 1;

	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) <= 0)
		return;
	while (n > 0) {
		ssize_t got = mnl_socket_recvfrom(s, room, sizeof room);
		n = got <= 0 ? -1 : mnl_cb_run(room, (size_t)got, nlh->nlmsg_seq, mnl_socket_get_portid(s), read, arg);
	}
}

static void
ask_links(struct mnl_socket *s, struct links *l)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	ask(s, nlh, read_link, l);
}

static void
ask_home(struct mnl_socket *s, int own, struct links *l)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);

	nlh->nlmsg_type = RTM_GETNSID;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = 2;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(nlh, NETNSA_FD, (uint32_t)own);
	ask(s, nlh, read_namespace, &l->home);
}

static void
read_links(int own, struct lg_inside *in)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct links l = { .home = -1, .in = in };

	if (s == NULL)
		return;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0) {
		ask_links(s, &l);	/* which is when the kernel numbers the namespaces behind them */
		ask_home(s, own, &l);
		ask_links(s, &l);
	}
	mnl_socket_close(s);
}

void
lg_inside_read(int own, struct lg_inside *ret)
{
	*ret = (struct lg_inside){ .naddress = 0 };
	read_addresses(ret);
	read_links(own, ret);
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

/* The kernel looks for a listening socket where there is no other: only what has a state of an open one is taken, by its cookie. */
static int
read_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct inet_diag_sockid *found = arg;

	if (nlh->nlmsg_type == SOCK_DIAG_BY_FAMILY && mnl_nlmsg_get_payload_len(nlh) >= sizeof *m && m->idiag_state != TCP_LISTEN)
		memcpy(found->idiag_cookie, m->id.idiag_cookie, sizeof found->idiag_cookie);
	return MNL_CB_STOP;
}

static void
ask_socket(struct mnl_socket *s, uint16_t what, int family, const struct inet_diag_sockid *id, mnl_cb_t read, void *arg)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);

	nlh->nlmsg_type = what;
	nlh->nlmsg_flags = NLM_F_REQUEST | (what == SOCK_DESTROY ? NLM_F_ACK : 0);
	nlh->nlmsg_seq = what;
	struct inet_diag_req_v2 *q = mnl_nlmsg_put_extra_header(nlh, sizeof *q);
	*q = (struct inet_diag_req_v2){ .sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .id = *id };
	ask(s, nlh, read, arg);
}

static void
end_one(struct mnl_socket *s, const struct lg_connection *c)
{
	struct inet_diag_sockid id = { .idiag_sport = c->own_port, .idiag_dport = c->peer_port,
		.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } };

	memcpy(id.idiag_src, c->own.a, sizeof id.idiag_src);
	memcpy(id.idiag_dst, c->peer.a, sizeof id.idiag_dst);
	ask_socket(s, SOCK_DIAG_BY_FAMILY, c->own.family, &id, read_socket, &id);
	if (id.idiag_cookie[0] == INET_DIAG_NOCOOKIE && id.idiag_cookie[1] == INET_DIAG_NOCOOKIE)
		return;
	ask_socket(s, SOCK_DESTROY, c->own.family, &id, NULL, NULL);
}

void
lg_inside_end(const struct lg_connection *const v[], size_t n)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);

	if (s == NULL)
		return;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0)
		for (size_t i = 0; i < n; i++)
			end_one(s, v[i]);
	mnl_socket_close(s);
}
