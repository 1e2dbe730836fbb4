/* tools.c: what `lightgated tool` does on the data folder, without a running service. */
#include <stdio.h>
#include <sys/stat.h>

#include "crypto/confine.h"
#include "lightgate/store.h"
#include "server/app.h"
#include "server/layout.h"

static bool
say(bool ok, const char *what, const char *why)
{
	printf("%-4s %s%s%s\n", ok ? "ok" : "BAD", what, ok ? "" : ": ", ok ? "" : why);
	return ok;
}

/* Nobody but its owner may look into a folder that holds what a process alone is to know. */
static bool
check_folder(struct lg_ctx *cx, lg_str data, const char *name)
{
	const char *path;
	struct stat st;

	if (lg_cstr(cx, lg_print(cx->arena, "%.*s/%s", LG_FMT(data), name), &path) != LG_OK)
		return say(false, name, cx->error);
	if (stat(path, &st) != 0)
		return say(false, path, "it is not there");
	return say((st.st_mode & 077) == 0, path, "others than its owner may read it");
}

static bool
check_decisions(struct lg_ctx *cx, lg_str data)
{
	struct lg_head head;
	lg_str path = lg_print(cx->arena, "%.*s/log", LG_FMT(data));
	lg_err e = lg_segments_verify(cx, path.p, &head);

	return say(e == LG_OK, "the decision log's chain", cx->error);
}

static int
doctor(const struct lg_settings *s, int argc, char **argv)
{
	static const char *const closed[] = { "store", "log", "archive", "keeper", "recover" };
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;
	bool ok = true;

	(void)argc, (void)argv;
	lg_ctx_init(&cx, arena);
	printf("     Landlock ABI %d\n", lg_confine_landlock_abi());
	for (size_t i = 0; i < LG_COUNT(closed); i++)
		ok &= check_folder(&cx, s->data, closed[i]);
	ok &= check_decisions(&cx, s->data);
	lg_arena_free(&arena);
	return ok ? 0 : 1;
}

const struct lg_tool lg_tools[] = {
	{ "doctor", "doctor   looks at the data folder: modes, the decision log's chain", doctor },
	{ "recover", "recover password NAME | recover rollback VERSION   lets the administrators in again, on record", NULL },
	{ NULL, NULL, NULL },
};
