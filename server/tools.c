/* tools.c: what `lightgated tool` does on the data folder, without a running service. */
#include <stdio.h>
#include <sys/stat.h>

#include "crypto/confine.h"
#include "lightgate/directory.h"
#include "lightgate/store.h"
#include "server/app.h"
#include "server/clock_guard.h"
#include "server/layout.h"
#include "server/tool_kit.h"
#include "server/tools.h"

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

static bool
check_store(struct lg_tool_world *w)
{
	uint64_t rows = 0, faults = 0;
	size_t pending = 0;
	struct lg_head head;
	bool ok = say(lg_tool_store(w, "store", "archive") == LG_OK, "the store opens", w->cx.error);

	if (!ok)
		return false;
	ok = say(lg_log_verify(&w->cx, w->store, 1, NULL, NULL, &head) == LG_OK, "the change log's chain", w->cx.error);
	lg_store_turn(w->store);
	lg_err e = lg_index_pending(&w->cx, w->store, &pending);
	if (e == LG_OK && pending > 0)
		e = lg_fail(&w->cx, LG_E_CONFLICT, "not compared: %zu indexes are being built or removed; start the service, and see lightgate index list",
		    pending);
	if (e == LG_OK)
		e = lg_store_check(&w->cx, w->store, &rows, &faults);
	if (e == LG_OK && faults > 0)
		e = lg_fail(&w->cx, LG_E_CORRUPT, "%llu of them do not follow from the entries", (unsigned long long)faults);
	ok &= say(e == LG_OK, "the store's index rows", w->cx.error);
	lg_str clock = lg_clock_complaint(lg_store_clock(w->store));
	return ok & say(clock.n == 0, "the clock", clock.p);
}

struct faults {
	uint64_t n;
};

static void
one_fault(void *arg, lg_str what)
{
	struct faults *f = arg;

	if (f->n++ < 20)
		printf("     %.*s\n", LG_FMT(what));
}

static bool
check_entries(struct lg_tool_world *w)
{
	struct faults f = { 0 };
	uint64_t rows = 0;
	lg_err e = lg_directory_check(&w->cx, w->store, one_fault, &f, &rows);

	if (e == LG_OK && f.n > 0)
		e = lg_fail(&w->cx, LG_E_CORRUPT, "%llu of %llu rows are not what the schema allows", (unsigned long long)f.n,
		    (unsigned long long)rows);
	lg_store_turn(w->store);
	return say(e == LG_OK, "entries, memberships and passwords", w->cx.error);
}

static int
doctor(const struct lg_settings *s, int argc, char **argv)
{
	static const char *const closed[] = { "store", "log", "archive", "keeper", "recover" };
	struct lg_tool_world w;
	struct lg_ctx cx;
	bool ok = true, deep = argc == 2 && strcmp(argv[1], "--deep") == 0;

	if (argc > 1 && !deep) {
		fprintf(stderr, "lightgated: doctor [--deep]\n");
		return 2;
	}
	lg_ctx_init(&cx, lg_arena_new());
	printf("     Landlock ABI %d\n", lg_confine_landlock_abi());
	for (size_t i = 0; i < LG_COUNT(closed); i++)
		ok &= check_folder(&cx, s->data, closed[i]);
	ok &= check_decisions(&cx, s->data);
	lg_arena_free(&cx.arena);
	lg_err e = lg_tool_enter(&w, s, false);
	if (e == LG_OK)
		ok &= check_store(&w);
	if (e == LG_OK && deep && w.store != NULL)
		ok &= check_entries(&w);
	if (e == LG_E_CONFLICT)
		printf("     the store was not looked at: the service is running\n");
	return lg_tool_leave(&w, e == LG_E_CONFLICT ? LG_OK : e) == 0 && ok ? 0 : 1;
}

static int
clock_accept(const struct lg_settings *s, int argc, char **argv)
{
	struct lg_tool_world w;

	if (argc != 2 || strcmp(argv[1], "accept") != 0) {
		fprintf(stderr, "lightgated: clock accept\n");
		return 2;
	}
	lg_err e = lg_tool_enter(&w, s, false);
	if (e == LG_OK)
		e = lg_tool_store(&w, "store", "archive");
	if (e == LG_OK)
		e = lg_store_clock_accept(&w.cx, w.store);
	return lg_tool_leave(&w, e);
}

const struct lg_tool lg_tools[] = {
	{ "doctor", "doctor [--deep]   looks at the data folder: modes, both logs' chains, index rows, the clock; --deep: every entry too", doctor },
	{ "recover", "recover password NAME | recover unlock NAME | recover rollback VERSION   lets the administrators in again, on record", NULL },
	{ "restore", "restore --from FILE --key-file FILE [--accept-loss]   puts a backup in the store's place", lg_tool_restore },
	{ "import", "import [--tenant NAME] [--from openldap|ad|lightgate] [--continue] FILE|-   loads the entries of an LDIF, all or none", lg_tool_import },
	{ "export", "export [--tenant NAME] [--secrets] [FILE]   writes a tenant's entries as LDIF; --secrets: password verifiers too", lg_tool_export },
	{ "clock", "clock accept   believes the clock after it was set, so that certificates and tokens are issued again", clock_accept },
	{ NULL, NULL, NULL },
};
