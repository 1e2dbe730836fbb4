/* cgroup.c: see cgroup.h. */
#include "agent/cgroup.h"

#include "base/file.h"

#define TEXT_MAX	(64u << 10)

/* "4:memory:/docker/ab": the controllers (none in the unified hierarchy) and the path. */
static bool
next_line(lg_str *text, lg_str *controllers, lg_str *path)
{
	lg_str line, number;

	if (text->n == 0)
		return false;
	(void)lg_str_cut(*text, '\n', &line, text);
	(void)lg_str_cut(line, ':', &number, &line);
	return lg_str_cut(line, ':', controllers, path);
}

/* Is `path` the folder or inside it? */
static bool
is_below(lg_str path, lg_str folder)
{
	return lg_str_eq(folder, LG_STR("/")) ||
	    (lg_str_starts(path, folder) && (path.n == folder.n || path.p[folder.n] == '/'));
}

lg_err
lg_cgroup_text(struct lg_ctx *cx, pid_t pid, lg_str *ret)
{
	return lg_file_read(cx, lg_print(cx->arena, "/proc/%d/cgroup", (int)pid).p, TEXT_MAX, ret);
}

static bool
path_in(lg_str text, lg_str controllers, lg_str *ret)
{
	lg_str name;

	while (next_line(&text, &name, ret))
		if (lg_str_eq(name, controllers))
			return true;
	return false;
}

lg_err
lg_cgroup_apart(struct lg_ctx *cx, pid_t pid, lg_str *ret)
{
	lg_str theirs, ours, controllers, path, own;

	LG_TRY(lg_cgroup_text(cx, pid, &theirs));
	LG_TRY(lg_file_read(cx, "/proc/self/cgroup", TEXT_MAX, &ours));
	while (next_line(&theirs, &controllers, &path))
		if (path_in(ours, controllers, &own) && !is_below(own, path) && controllers.n + path.n < LG_CGROUP_PATH) {
			*ret = lg_print(cx->arena, "%.*s:%.*s", LG_FMT(controllers), LG_FMT(path));
			return LG_OK;
		}
	return lg_fail(cx, LG_E_DENIED, "process %d is in no cgroup of its own", (int)pid);
}

bool
lg_cgroup_within(lg_str text, lg_str place)
{
	lg_str controllers, path, where;

	(void)lg_str_cut(place, ':', &controllers, &path);
	return path_in(text, controllers, &where) && is_below(where, path);
}
