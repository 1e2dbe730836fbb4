/* places.c: see places.h. */
#include "agent/gate/places.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"

/* ---- what is in a namespace --------------------------------------------------------------------------------------- */

static void
add_address(struct lg_place *p, int family, const void *bytes, size_t n)
{
	if (p->naddress == LG_PLACE_ADDRESSES)
		return;
	struct lg_address *at = &p->address[p->naddress++];
	*at = (struct lg_address){ .family = family };
	memcpy(at->a, bytes, n);
}

/* Addresses that belong to a link alone name nobody. */
static void
read_addresses(struct lg_place *p)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			add_address(p, AF_INET, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		else if (i->ifa_addr->sa_family == AF_INET6) {
			const struct in6_addr *a6 = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
			if (!IN6_IS_ADDR_LINKLOCAL(a6))
				add_address(p, AF_INET6, a6, 16);
		}
	}
	freeifaddrs(all);
}

struct links {
	int peer[LG_PLACE_LINKS];
	size_t n;
};

/* A veth's other end is named by its number in the namespace it is in. */
static int
read_attribute(const struct nlattr *attr, void *arg)
{
	struct links *l = arg;

	if (mnl_attr_get_type(attr) == IFLA_LINK && l->n < LG_PLACE_LINKS)
		l->peer[l->n++] = (int)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int
read_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);

	if (info->ifi_flags & IFF_LOOPBACK)
		return MNL_CB_OK;
	return mnl_attr_parse(nlh, sizeof *info, read_attribute, arg);
}

static void
read_links(struct links *l)
{
	char room[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int n = 1;

	if (s == NULL)
		return;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0 && mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0)
		while (n > 0) {
			ssize_t got = mnl_socket_recvfrom(s, room, sizeof room);
			n = got <= 0 ? -1 : mnl_cb_run(room, (size_t)got, 1, mnl_socket_get_portid(s), read_link, l);
		}
	mnl_socket_close(s);
}

/* The calling thread goes there and comes back; one that cannot come back must not go on. */
static void
look_inside(struct lg_ctx *cx, const struct lg_places *ps, struct lg_place *p)
{
	struct links l = { .n = 0 };
	struct stat theirs, ours;
	LG_AUTO(lg_fd_close) int ns = open(lg_print(cx->arena, "/proc/%d/ns/net", (int)p->pid).p, O_RDONLY | O_CLOEXEC);

	p->naddress = p->nlink = 0;
	/* What shares the host's namespace has the host's addresses, which are nobody's. */
	if (ns < 0 || fstat(ns, &theirs) != 0 || fstat(ps->own, &ours) != 0 || theirs.st_ino == ours.st_ino || setns(ns, CLONE_NEWNET) != 0)
		return;
	read_addresses(p);
	read_links(&l);
	if (setns(ps->own, CLONE_NEWNET) != 0)
		abort();
	for (size_t i = 0; i < l.n; i++)
		if (if_indextoname((unsigned)l.peer[i], p->link[p->nlink]) != NULL)
			p->nlink++;
}

/* ---- the list ------------------------------------------------------------------------------------------------------- */

static const char *
file_of(struct lg_ctx *cx, const struct lg_places *ps, const char *container)
{
	return lg_print(cx->arena, "%s/gate/%s", ps->state, container).p;
}

static void
drop(struct lg_ctx *cx, struct lg_places *ps, size_t i)
{
	(void)unlink(file_of(cx, ps, ps->v[i].container));
	ps->v[i] = ps->v[--ps->n];
}

void
lg_places_remove(struct lg_ctx *cx, struct lg_places *ps, lg_str container)
{
	for (size_t i = 0; i < ps->n; i++)
		if (lg_str_eq(lg_str_of(ps->v[i].container), container)) {
			drop(cx, ps, i);
			return;
		}
}

static bool
lives(struct lg_ctx *cx, const struct lg_place *p)
{
	return p->started >= 0 && lg_process_started(cx, p->pid) == p->started;
}

bool
lg_places_refresh(struct lg_ctx *cx, struct lg_places *ps)
{
	bool changed = false;

	for (size_t i = 0; i < ps->n; ) {
		struct lg_place *p = &ps->v[i], before = *p;
		if (!lives(cx, p)) {
			drop(cx, ps, i);
			changed = true;
			continue;
		}
		look_inside(cx, ps, p);
		/* The process may have ended, and its number come again, while we looked. */
		if (!lives(cx, p))
			p->naddress = p->nlink = 0;
		changed |= p->naddress != before.naddress || p->nlink != before.nlink ||
		    memcmp(p->address, before.address, p->naddress * sizeof p->address[0]) != 0 ||
		    memcmp(p->link, before.link, p->nlink * sizeof p->link[0]) != 0;
		i++;
	}
	return changed;
}

static lg_err
remember(struct lg_ctx *cx, struct lg_places *ps, lg_str container, lg_str workload, pid_t pid, int64_t started)
{
	if (ps->n == LG_PLACES_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %d containers on one host", LG_PLACES_MAX);
	if (!lg_container_id_valid(container) || !lg_container_id_valid(workload))
		return lg_fail(cx, LG_E_INVALID, "not the name of a container or a workload");
	struct lg_place *p = &ps->v[ps->n++];
	*p = (struct lg_place){ .pid = pid, .started = started };
	snprintf(p->container, sizeof p->container, "%.*s", LG_FMT(container));
	snprintf(p->workload, sizeof p->workload, "%.*s", LG_FMT(workload));
	return LG_OK;
}

lg_err
lg_places_add(struct lg_ctx *cx, struct lg_places *ps, lg_str container, lg_str workload, pid_t pid)
{
	int64_t started = lg_process_started(cx, pid);

	if (started < 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container's process has ended");
	lg_places_remove(cx, ps, container);
	LG_TRY(remember(cx, ps, container, workload, pid, started));
	return lg_file_write(cx, file_of(cx, ps, ps->v[ps->n - 1].container), 0600,
	    lg_print(cx->arena, "%d %lld %.*s\n", (int)pid, (long long)started, LG_FMT(workload)));
}

/* "PID START WORKLOAD"; whoever is not to be found any more is forgotten at the first refresh. */
static void
take_up(struct lg_ctx *cx, struct lg_places *ps, const char *container)
{
	lg_str text, pid, started, workload, rest;
	int64_t number, start;

	if (lg_file_read(cx, file_of(cx, ps, container), 1024, &text) != LG_OK)
		return;
	(void)lg_str_cut(text, ' ', &pid, &rest);
	(void)lg_str_cut(rest, ' ', &started, &rest);
	(void)lg_str_cut(rest, '\n', &workload, &rest);
	if (!lg_int_parse(pid, &number) || !lg_int_parse(started, &start) || number <= 0 || number > INT32_MAX || start <= 0 ||
	    remember(cx, ps, lg_str_of(container), workload, (pid_t)number, start) != LG_OK)
		lg_log(LG_WARN, "%s/gate/%s is not one of ours", ps->state, container);
}

lg_err
lg_places_open(struct lg_ctx *cx, const char *state, struct lg_places *ret)
{
	const char *folder = lg_print(cx->arena, "%s/gate", state).p;
	struct dirent *e;
	DIR *dir;

	*ret = (struct lg_places){ .state = state, .own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) };
	LG_TRY(lg_dir_make(cx, folder, 0700));
	if (ret->own < 0 || (dir = opendir(folder)) == NULL)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	if ((ret->v = calloc(LG_PLACES_MAX, sizeof *ret->v)) == NULL)
		abort();
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			take_up(cx, ret, e->d_name);
	closedir(dir);
	return LG_OK;
}

void
lg_places_close(struct lg_places *ps)
{
	lg_fd_close(&ps->own);
	free(ps->v);
	ps->v = NULL;
}

lg_str
lg_address_text(struct lg_arena *a, const struct lg_address *at)
{
	char text[INET6_ADDRSTRLEN];

	return lg_dup(a, lg_str_of(inet_ntop(at->family, at->a, text, sizeof text)));
}
