/* company.c: see company.h. */
#include "agent/company.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/cgroup.h"
#include "agent/door_own.h"
#include "agent/strays.h"

#define OF_A_POD	(1u << LG_NS_NETWORK | 1u << LG_NS_IPC | 1u << LG_NS_UTS | 1u << LG_NS_PID)

struct company {
	struct lg_ctx *cx;
	struct lg_door *door;
	lg_str workload;
	pid_t pid;
	unsigned joined;
	struct stat in[LG_NS_TYPES];		/* of the joined ones: the process's */
	lg_str own[LG_COMPANY_MAX];		/* cgroups of the workload's containers */
	size_t nown;
};

/* false: it has gone, or the kernel keeps it from us: then it is mightier than root here, and no container's of this host. */
static bool
look(pid_t pid, int type, struct stat *ret)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, lg_namespace_files[type]);
	return stat(path, ret) == 0;
}

static void
add_own(void *arg, const struct lg_running *r)
{
	struct lg_admitted ad;
	struct company *c = arg;

	if (c->nown < LG_COMPANY_MAX && lg_admitted_get(c->cx, c->door->at.state, r->id, &ad) == LG_OK && lg_str_eq(ad.workload, c->workload) &&
	    lg_cgroup_apart(c->cx, (pid_t)r->pid, &c->own[c->nown]) == LG_OK)
		c->nown++;
}

static bool
is_own(const struct company *c, pid_t pid)
{
	lg_str text;

	if (lg_cgroup_text(c->cx, pid, &text) != LG_OK)
		return false;
	for (size_t i = 0; i < c->nown; i++)
		if (lg_cgroup_within(text, c->own[i]))
			return true;
	return false;
}

static bool
is_stranger(const struct company *c, pid_t pid)
{
	struct stat st;

	for (int t = 0; t < LG_NS_TYPES; t++) {
		if ((c->joined & 1u << t) == 0)
			continue;
		if (look(pid, t, &st) && st.st_ino == c->in[t].st_ino && st.st_dev == c->in[t].st_dev)
			return !is_own(c, pid);
	}
	return false;
}

/* Everybody: a namespace has no list of who is in it. */
static bool
any_stranger(const struct company *c)
{
	DIR *d = opendir("/proc");
	bool found = d == NULL;
	const struct dirent *e;

	while (!found && (e = readdir(d)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);
		found = pid > 0 && pid != c->pid && is_stranger(c, (pid_t)pid);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

bool
lg_company_is_strange(struct lg_ctx *cx, pid_t pid, unsigned joined, struct lg_door *door, lg_str workload)
{
	struct company *c = LG_NEW(cx->arena, struct company);

	*c = (struct company){ .cx = cx, .door = door, .workload = workload, .pid = pid, .joined = joined };
	if (pid <= 0 || (joined & ~OF_A_POD) != 0)
		return true;
	for (int t = 0; t < LG_NS_TYPES; t++)
		if ((joined & 1u << t) != 0 && !look(pid, t, &c->in[t]))
			return true;
	lg_running_each(cx, door->at.runtime_roots, add_own, c);
	bool strange = any_stranger(c);
	cx->error[0] = '\0';		/* containers that go while we look are nobody's failure */
	return strange;
}
