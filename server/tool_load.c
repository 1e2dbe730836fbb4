/*
 * tool_load.c: `lightgated tool import` and `export`: a tenant's entries as LDIF, with the service stopped.
 *
 * The import fills a copy of the store and puts it in the store's place when all went well: a crash, a fault or a full disk leaves
 * everything as it was.  The export writes password verifiers when it is asked to; the API never does.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lightgate/directory.h"
#include "server/bootstrap.h"
#include "server/storage.h"
#include "server/tenants.h"
#include "server/tool_kit.h"
#include "server/tools.h"

#define ROOM		"store/load"
#define OUT_STEP	(1u << 20)	/* octets of LDIF that are written at once */
#define ENTRY_TEXT	(128u << 20)	/* octets of one entry as LDIF */

struct transfer {
	struct lg_tool_world w;
	struct lg_signer signer;
	struct lg_directory_ports ports;
	struct lg_directory *dir;
	struct lg_secret key;		/* the tenant's data key */
	struct lg_tenant tenant;
	struct lg_ldif_options o;
	const char *file, *tenant_name;
	bool secrets;
	int fd;
	uint64_t size, done;		/* of the file; 0 unknown */
	int64_t started, told;		/* ns */
};

/* ---- the world that entries need -------------------------------------------------------------------------------------- */

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	struct transfer *t = self;

	if (tenant != t->tenant.id)
		return lg_fail(cx, LG_E_NOT_FOUND, "tenant %u has no data key here", tenant);
	*ret = &t->key;
	return LG_OK;
}

struct unwrapped {
	struct transfer *t;
	lg_err e;
};

static void
take_key(void *arg, lg_err e, lg_str reply)
{
	struct unwrapped *u = arg;

	u->e = e;
	if (e == LG_OK)
		u->t->key = lg_secret_copy(reply);
}

static lg_err
find_tenant(struct transfer *t)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx *cx = &t->w.cx;
	struct lg_tenant found;
	lg_err e;

	LG_TRY(lg_view_begin(cx, t->w.store, &v));
	e = t->tenant_name == NULL ? lg_tenant_get(cx, v, LG_DEFAULT_TENANT, &found) : lg_tenant_by_name(cx, v, lg_str_of(t->tenant_name), &found);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "there is no such tenant: the service makes the first one when it starts");
	LG_TRY(e);
	t->tenant = (struct lg_tenant){ found.id, lg_dup(cx->arena, found.name), lg_dup(cx->arena, found.suffix), found.uuid };
	return LG_OK;
}

static lg_err
open_key(struct transfer *t)
{
	struct lg_ctx *cx = &t->w.cx;
	struct unwrapped u = { t, LG_E_UNAVAILABLE };
	lg_str wrapped;

	LG_TRY(lg_tenant_key_get(cx, t->w.store, t->tenant.id, &wrapped));
	LG_TRY(lg_keeper_unwrap(t->w.parent.keeper_control, t->tenant.id, wrapped, take_key, &u));
	if (lg_keeper_wait(t->w.parent.keeper_control) != LG_OK)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper ended");
	return u.e == LG_OK ? LG_OK : lg_fail(cx, u.e, "the keeper does not open the tenant's data key");
}

static lg_err
open_directory(struct transfer *t)
{
	LG_TRY(find_tenant(t));
	LG_TRY(open_key(t));
	lg_store_turn(t->w.store);
	t->signer = (struct lg_signer){ .self = t, .data_key = data_key };
	t->ports = (struct lg_directory_ports){ .signer = &t->signer };
	return lg_directory_open(&t->w.cx, t->w.store, &t->ports, &t->dir);
}

/* ---- the LDIF --------------------------------------------------------------------------------------------------------------- */

static lg_err
read_file(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n)
{
	struct transfer *t = arg;
	ssize_t got;

	do
		got = read(t->fd, to, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", t->file, strerror(errno));
	*n = (size_t)got;
	t->done += (uint64_t)got;
	return LG_OK;
}

static lg_err
hash_password(void *arg, struct lg_ctx *cx, lg_str password, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(password);

	(void)arg;
	return lg_password_hash(cx, &secret, &lg_password_default, ret);
}

static void
tell_fault(void *arg, const char *why)
{
	(void)arg;
	fprintf(stderr, "%slightgated: %s\n", isatty(2) ? "\r\033[K" : "", why);
}

static void
tell_progress(void *arg, const struct lg_ldif_counts *c)
{
	struct transfer *t = arg;
	int64_t now = lg_monotonic_ns();

	if (!isatty(2) || now - t->told < 200000000)
		return;
	t->told = now;
	fprintf(stderr, "\r\033[K%" PRIu64 " entries, %.0f a second", c->entries, (double)c->entries * 1e9 / (double)(now - t->started));
	if (t->size > 0)
		fprintf(stderr, ", %.0f %%", t->done >= t->size ? 100.0 : 100.0 * (double)t->done / (double)t->size);
	fflush(stderr);
}

/* As the operator: the file is his. */
static lg_err
open_file(struct lg_ctx *cx, struct transfer *t, int flags)
{
	struct stat st;

	if (t->file == NULL || strcmp(t->file, "-") == 0) {
		t->fd = dup((flags & O_WRONLY) != 0 ? STDOUT_FILENO : STDIN_FILENO);
		t->file = "-";
	} else {
		t->fd = open(t->file, flags | O_CLOEXEC, 0600);
	}
	if (t->fd < 0 || fstat(t->fd, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", t->file, strerror(errno));
	t->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	t->started = lg_monotonic_ns();
	return LG_OK;
}

/* ---- import ------------------------------------------------------------------------------------------------------------------ */

static void
clear_room(void)
{
	unlink(ROOM "/data.mdb");
	unlink(ROOM "/data.mdb.part");
	unlink(ROOM "/lock.mdb");
	rmdir(ROOM);
}

static lg_err
copy_store(struct transfer *t)
{
	struct lg_ctx *cx = &t->w.cx;

	clear_room();
	LG_TRY(lg_dir_make(cx, ROOM, 0700));
	LG_TRY(lg_tool_store(&t->w, "store", "archive"));
	LG_TRY(lg_store_backup(cx, t->w.store, ROOM "/data.mdb"));
	lg_store_close(&t->w.store);
	return lg_storage_open_load(cx, &t->w.parent.settings, ROOM, "archive", &t->w.store);
}

static lg_err
put_in_place(struct transfer *t)
{
	struct lg_ctx *cx = &t->w.cx;
	int fd = open(ROOM "/data.mdb", O_RDONLY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (!synced)
		return lg_fail(cx, LG_E_IO, ROOM "/data.mdb: %s", strerror(errno));
	unlink("store/lock.mdb");
	if (rename(ROOM "/data.mdb", "store/data.mdb") != 0)
		return lg_fail(cx, LG_E_IO, "store/data.mdb: %s", strerror(errno));
	return lg_dir_sync(cx, "store");
}

static lg_err
import(struct transfer *t)
{
	static const struct lg_actor actor = { .kind = LG_ACTOR_RECOVER, .type = { "Recover", 7 }, .name = { "import", 6 } };
	struct lg_ldif_counts c = { 0 };

	t->w.cx.now = lg_wall();
	t->w.cx.actor = &actor;
	LG_TRY(copy_store(t));
	LG_TRY(open_directory(t));
	t->o.tenant = t->tenant.id;
	t->o.arg = t;
	t->o.read = read_file;
	t->o.hash = hash_password;
	t->o.fault = tell_fault;
	t->o.progress = tell_progress;
	LG_TRY(lg_bulk_load(&t->w.cx, t->dir, &t->o, &c));
	lg_directory_close(&t->dir);
	lg_store_close(&t->w.store);
	LG_TRY(put_in_place(t));
	double seconds = (double)(lg_monotonic_ns() - t->started) / 1e9;
	fprintf(stderr, "%s%" PRIu64 " entries and %" PRIu64 " members in %.1f s (%.0f entries/s)", isatty(2) ? "\r\033[K" : "", c.entries, c.members, seconds,
	    (double)c.entries / seconds);
	fprintf(stderr, "; %" PRIu64 " were there before, %" PRIu64 " faults, %" PRIu64 " clear passwords hashed\n", c.there, c.faults, c.hashed);
	return LG_OK;
}

/* ---- export ----------------------------------------------------------------------------------------------------------------- */

static lg_err
write_out(struct transfer *t, struct lg_buf *out)
{
	if (out->n > 0 && !lg_write_all(t->fd, out->p, out->n))
		return lg_fail(&t->w.cx, LG_E_IO, "%s: %s", t->file, strerror(errno));
	lg_buf_clear(out);
	return LG_OK;
}

static lg_err
write_tree(struct transfer *t, struct lg_view *v, struct lg_buf *out, uint64_t *n)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx one = t->w.cx;
	struct lg_entry top, e = { .id = 0 };
	lg_err err;

	one.arena = a;
	LG_TRY(lg_entry_by_uuid(&t->w.cx, v, t->tenant.id, t->tenant.uuid, &top));
	lg_buf_str(out, LG_STR("version: 1\n\n"));
	for (*n = 0; (err = lg_tree_next(&one, v, &top, &e)) == LG_OK; ++*n) {
		LG_TRY(lg_ldif_entry(&one, t->dir, v, &e, t->secrets, out));
		lg_arena_reset(a);
		if (out->n >= OUT_STEP)
			LG_TRY(write_out(t, out));
	}
	return err == LG_E_NOT_FOUND ? write_out(t, out) : lg_fail(&t->w.cx, err, "%s", one.error);
}

static lg_err
export(struct transfer *t)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_buf out = LG_BUF(ENTRY_TEXT + OUT_STEP);
	uint64_t n = 0;

	LG_TRY(lg_tool_store(&t->w, "store", "archive"));
	LG_TRY(open_directory(t));
	LG_TRY(lg_view_begin(&t->w.cx, t->w.store, &v));
	lg_err e = write_tree(t, v, &out, &n);
	lg_buf_wipe(&out);
	if (e == LG_OK)
		fprintf(stderr, "%" PRIu64 " entries\n", n);
	return e;
}

/* ---- the tools ----------------------------------------------------------------------------------------------------------------- */

static int
transfer(const struct lg_settings *s, struct transfer *t, int flags, lg_err (*run)(struct transfer *))
{
	struct lg_ctx cx;
	int status = 1;

	t->fd = -1;
	lg_ctx_init(&cx, lg_arena_new());
	if (open_file(&cx, t, flags) != LG_OK) {
		fprintf(stderr, "lightgated: %s\n", cx.error);
	} else {
		lg_err e = lg_tool_enter(&t->w, s, true);
		if (e == LG_OK)
			e = run(t);
		lg_directory_close(&t->dir);
		lg_store_close(&t->w.store);
		if (run == import)
			clear_room();
		status = lg_tool_leave(&t->w, e);
	}
	lg_secret_free(&t->key);
	if (t->fd >= 0)
		close(t->fd);
	lg_arena_free(&cx.arena);
	free(t);
	return status;
}

/* The word that is no option and no option's value. */
static const char *
file_among(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tenant") == 0 || strcmp(argv[i], "--from") == 0)
			i++;
		else if (strncmp(argv[i], "--", 2) != 0)
			return argv[i];
	}
	return NULL;
}

static struct transfer *
new_transfer(int argc, char **argv)
{
	struct transfer *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	t->file = file_among(argc, argv);
	lg_tool_option(argc, argv, "--tenant", &t->tenant_name);
	return t;
}

int
lg_tool_import(const struct lg_settings *s, int argc, char **argv)
{
	struct transfer *t = new_transfer(argc, argv);
	const char *from = "openldap";

	lg_tool_option(argc, argv, "--from", &from);
	t->o.carry_on = lg_tool_flag(argc, argv, "--continue");
	if (t->file == NULL || !lg_ldif_origin_parse(lg_str_of(from), &t->o.origin)) {
		fprintf(stderr, "lightgated: import [--tenant NAME] [--from openldap|ad|lightgate] [--continue] FILE|-\n");
		free(t);
		return 2;
	}
	return transfer(s, t, O_RDONLY, import);
}

int
lg_tool_export(const struct lg_settings *s, int argc, char **argv)
{
	struct transfer *t = new_transfer(argc, argv);

	t->secrets = lg_tool_flag(argc, argv, "--secrets");
	return transfer(s, t, O_WRONLY | O_CREAT | O_TRUNC, export);
}
