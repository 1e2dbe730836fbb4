/* places.c: see places.h. */
#include "agent/gate/places.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/gate/inside.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/process.h"
#include "base/text.h"

/* ---- looking ---------------------------------------------------------------------------------------------------- */

/* The calling thread goes there; one that cannot come back must not go on. */
static bool
enter(const struct lg_place *p)
{
	return p->ns >= 0 && setns(p->ns, CLONE_NEWNET) == 0;
}

static void
come_back(const struct lg_places *ps)
{
	if (setns(ps->own, CLONE_NEWNET) != 0)
		abort();
}

static void
look_inside(const struct lg_places *ps, struct lg_place *p)
{
	struct lg_inside in;
	char name[IF_NAMESIZE];

	p->naddress = p->nlink = 0;
	if (!enter(p))
		return;
	lg_inside_read(ps->own, &in);
	come_back(ps);
	memcpy(p->address, in.address, sizeof p->address);
	p->naddress = in.naddress;
	for (size_t i = 0; i < in.npeer; i++)
		if (if_indextoname(in.peer[i], name) != NULL)
			p->link[p->nlink++] = in.peer[i];
}

/* ---- what changes there --------------------------------------------------------------------------------------------- */

/* -1: what shares the host's namespace has the host's addresses, which are nobody's. */
static int
open_namespace(struct lg_ctx *cx, const struct lg_places *ps, pid_t pid)
{
	struct stat theirs, ours;
	int ns = open(lg_print(cx->arena, "/proc/%d/ns/net", (int)pid).p, O_RDONLY | O_CLOEXEC);

	if (ns >= 0 && (fstat(ns, &theirs) != 0 || fstat(ps->own, &ours) != 0 || theirs.st_ino == ours.st_ino)) {
		lg_fd_close(&ns);
		ns = -1;
	}
	return ns;
}

static int
open_events(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at) != 0) {
		lg_fd_close(&fd);
		fd = -1;
	}
	return fd;
}

static bool
wait_for(const struct lg_places *ps, const struct lg_place *p, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = p->number };

	return fd >= 0 && epoll_ctl(ps->wait, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* The pidfd first: when the process behind it started when it should have, and lives on after that, all that was opened is its. */
static lg_err
attach(struct lg_ctx *cx, struct lg_places *ps, struct lg_place *p)
{
	p->life = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->life < 0 || lg_process_started(cx, p->pid) != p->started)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container's process has ended");
	p->ns = open_namespace(cx, ps, p->pid);
	if (enter(p)) {
		p->events = open_events();
		come_back(ps);
	}
	if (lg_process_started(cx, p->pid) != p->started)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container's process has ended");
	if (!wait_for(ps, p, p->life) || (p->ns >= 0 && !wait_for(ps, p, p->events)))
		return lg_fail(cx, LG_E_IO, "the container's addresses cannot be followed: %s", strerror(errno));
	p->look = true;
	return LG_OK;
}

static void
detach(struct lg_place *p)
{
	lg_fd_close(&p->life);
	lg_fd_close(&p->ns);
	lg_fd_close(&p->events);
	p->life = p->ns = p->events = -1;
}

/* What it says is read anew anyway: that something was said is enough, and so is that it was too much to keep (ENOBUFS). */
static bool
drain(int fd)
{
	char room[8192];
	bool any = false;

	while (fd >= 0 && (recv(fd, room, sizeof room, 0) >= 0 || errno == ENOBUFS))
		any = true;
	return any;
}

static bool
has_ended(const struct lg_place *p)
{
	struct pollfd fd = { .fd = p->life, .events = POLLIN };

	return poll(&fd, 1, 0) != 0;
}

static void
take_events(struct lg_places *ps)
{
	struct epoll_event e[64];
	int n;

	while ((n = epoll_wait(ps->wait, e, LG_COUNT(e), 0)) > 0)
		for (size_t i = 0; i < ps->n; i++) {
			struct lg_place *p = &ps->v[i];
			for (int k = 0; k < n; k++)
				if (e[k].data.u64 == p->number) {
					p->ended = has_ended(p);
					p->look |= drain(p->events);
				}
			if (p->ended && p->life >= 0)
				detach(p);
		}
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
	detach(&ps->v[i]);
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
look_again(const struct lg_places *ps, struct lg_place *p)
{
	struct lg_place before = *p;

	look_inside(ps, p);
	p->look = false;
	return p->naddress != before.naddress || p->nlink != before.nlink ||
	    memcmp(p->address, before.address, p->naddress * sizeof p->address[0]) != 0 ||
	    memcmp(p->link, before.link, p->nlink * sizeof p->link[0]) != 0;
}

bool
lg_places_refresh(struct lg_ctx *cx, struct lg_places *ps)
{
	bool changed = false;

	take_events(ps);
	for (size_t i = 0; i < ps->n; ) {
		struct lg_place *p = &ps->v[i];
		if (p->ended) {
			drop(cx, ps, i);
			changed = true;
			continue;
		}
		if (p->look)
			changed |= look_again(ps, p);
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
	struct lg_place *p = &ps->v[ps->n];
	*p = (struct lg_place){ .pid = pid, .started = started, .number = ++ps->numbers, .life = -1, .ns = -1, .events = -1 };
	snprintf(p->container, sizeof p->container, "%.*s", LG_FMT(container));
	snprintf(p->workload, sizeof p->workload, "%.*s", LG_FMT(workload));
	lg_err e = attach(cx, ps, p);
	if (e != LG_OK)
		detach(p);
	else
		ps->n++;
	return e;
}

lg_err
lg_places_add(struct lg_ctx *cx, struct lg_places *ps, lg_str container, lg_str workload, pid_t pid)
{
	int64_t started = lg_process_started(cx, pid);

	if (started < 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container's process has ended");
	lg_places_remove(cx, ps, container);
	LG_TRY(remember(cx, ps, container, workload, pid, started));
	return lg_file_put(cx, file_of(cx, ps, ps->v[ps->n - 1].container), 0600,
	    lg_print(cx->arena, "%d %lld %.*s\n", (int)pid, (long long)started, LG_FMT(workload)));
}

/* "PID START WORKLOAD"; whoever is not to be found any more is forgotten. */
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
	if (!lg_int_parse(pid, &number) || !lg_int_parse(started, &start) || number <= 0 || number > INT32_MAX || start <= 0) {
		lg_log(LG_WARN, "%s/gate/%s is not one of ours", ps->state, container);
		return;
	}
	lg_err e = remember(cx, ps, lg_str_of(container), workload, (pid_t)number, start);
	if (e == LG_E_NOT_FOUND)
		(void)unlink(file_of(cx, ps, container));
	else if (e != LG_OK)
		lg_log(LG_WARN, "the gate does not know container %s: %s", container, cx->error);
}

/* Three files a container. */
static void
make_room_for_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

lg_err
lg_places_open(struct lg_ctx *cx, const char *state, struct lg_places *ret)
{
	const char *folder = lg_print(cx->arena, "%s/gate", state).p;
	struct dirent *e;
	DIR *dir;

	*ret = (struct lg_places){ .state = state, .own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), .wait = epoll_create1(EPOLL_CLOEXEC) };
	LG_TRY(lg_dir_make(cx, folder, 0700));
	make_room_for_files();
	if (ret->own < 0 || ret->wait < 0 || (dir = opendir(folder)) == NULL)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	if ((ret->v = calloc(LG_PLACES_MAX, sizeof *ret->v)) == NULL)
		abort();
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			take_up(cx, ret, e->d_name);
	closedir(dir);
	return LG_OK;
}

/* ---- their connections -------------------------------------------------------------------------------------------- */

struct end {
	const struct lg_place *place;
	const struct lg_connection *connection;
};

static int
by_place(const void *a, const void *b)
{
	const struct lg_place *p = ((const struct end *)a)->place, *q = ((const struct end *)b)->place;

	return (p > q) - (p < q);
}

/* Those whose own address is a container's, container by container. */
static size_t
find_ends(struct lg_ctx *cx, const struct lg_places *ps, const struct lg_connection *v, size_t n, struct end *ret)
{
	struct lg_map by_address;
	size_t found = 0;

	lg_map_init(&by_address, cx->arena);
	for (size_t i = 0; i < ps->n; i++)
		for (size_t k = 0; k < ps->v[i].naddress; k++)
			*lg_map_at(&by_address, lg_address_key(&ps->v[i].address[k])) = &ps->v[i];
	for (size_t i = 0; i < n; i++) {
		const struct lg_place *p = lg_map_get(&by_address, lg_address_key(&v[i].own));
		if (p != NULL)
			ret[found++] = (struct end){ p, &v[i] };
	}
	qsort(ret, found, sizeof ret[0], by_place);
	return found;
}

void
lg_places_end(struct lg_ctx *cx, const struct lg_places *ps, const struct lg_connection *v, size_t n)
{
	struct end *ends = LG_NEWS(cx->arena, struct end, n + 1);
	const struct lg_connection **same = LG_NEWS(cx->arena, const struct lg_connection *, n + 1);
	size_t found = find_ends(cx, ps, v, n, ends);

	for (size_t i = 0, k; i < found; i += k) {
		for (k = 0; i + k < found && ends[i + k].place == ends[i].place; k++)
			same[k] = ends[i + k].connection;
		if (!enter(ends[i].place))
			continue;
		lg_inside_end(same, k);
		come_back(ps);
	}
}

void
lg_places_close(struct lg_places *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		detach(&ps->v[i]);
	lg_fd_close(&ps->own);
	lg_fd_close(&ps->wait);
	free(ps->v);
	ps->v = NULL;
}

lg_str
lg_address_key(const struct lg_address *at)
{
	return (lg_str){ (const char *)at, sizeof *at };
}

void
lg_address_put(struct lg_buf *b, const struct lg_address *at)
{
	char text[INET6_ADDRSTRLEN];

	lg_buf_str(b, lg_str_of(inet_ntop(at->family, at->a, text, sizeof text)));
}
