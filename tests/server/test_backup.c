/* test_backup.c: a backup comes back as it was made, or not at all. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "server/backup.h"

#define SIZE	(3 * LG_BACKUP_CHUNK + 1234)

static struct lg_ctx cx;
static struct lg_secret key;
static struct lg_buf sealed;
static struct lg_backup_file file[3];

static int
memory(const void *p, size_t n)
{
	int fd = memfd_create("backup", MFD_CLOEXEC);

	cr_assert(fd >= 0 && lg_write_all(fd, p, n) && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void
setup(void)
{
	struct lg_backup_out b;
	static uint8_t bytes[SIZE];

	lg_ctx_init(&cx, lg_arena_new());
	key = lg_secret_random(LG_BACKUP_KEY);
	sealed = LG_BUF(1u << 20);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	file[0] = (struct lg_backup_file){ LG_STR("store/data.mdb"), memory(bytes, SIZE) };
	file[1] = (struct lg_backup_file){ LG_STR("archive/empty.log"), memory("", 0) };
	file[2] = (struct lg_backup_file){ LG_STR("log/a.seg"), memory("abc", 3) };
	lg_backup_begin(&b, &key, file, LG_COUNT(file), &sealed);
	while (!b.ended)
		cr_assert_eq(lg_backup_next(&cx, &b, &sealed), LG_OK, "%s", cx.error);
	lg_backup_end(&b);
}

static void
teardown(void)
{
	for (size_t i = 0; i < LG_COUNT(file); i++)
		close(file[i].fd);
	lg_buf_free(&sealed);
	lg_secret_free(&key);
	lg_arena_free(&cx.arena);
}

TestSuite(backup, .init = setup, .fini = teardown);

struct got {
	int fd[4];
	char name[4][LG_BACKUP_NAME + 1];
	uint64_t size[4];
	size_t n;
};

static lg_err
begin(void *arg, struct lg_ctx *c, lg_str name, uint64_t size, int *fd)
{
	struct got *g = arg;

	if (g->n == LG_COUNT(g->fd))
		return lg_fail(c, LG_E_LIMIT, "more files than there were");
	memcpy(g->name[g->n], name.p, name.n);
	g->size[g->n] = size;
	g->fd[g->n] = memfd_create("restored", MFD_CLOEXEC);
	*fd = dup(g->fd[g->n++]);
	return LG_OK;
}

static lg_err
open_with(const struct lg_secret *k, lg_str bytes, struct got *g)
{
	int from = memory(bytes.p, bytes.n);

	*g = (struct got){ .n = 0 };
	lg_err e = lg_backup_read(&cx, from, k, begin, g);
	close(from);
	return e;
}

static void
forget(struct got *g)
{
	for (size_t i = 0; i < g->n; i++)
		close(g->fd[i]);
}

static lg_err
try(lg_str bytes)
{
	struct got g;
	lg_err e = open_with(&key, bytes, &g);

	forget(&g);
	return e;
}

static bool
same_bytes(int a, int b, size_t n)
{
	char *x = lg_alloc(cx.arena, n + 1), *y = lg_alloc(cx.arena, n + 1);

	return pread(a, x, n + 1, 0) == (ssize_t)n && pread(b, y, n + 1, 0) == (ssize_t)n && memcmp(x, y, n) == 0;
}

Test(backup, files_come_back_octet_for_octet)
{
	struct got g;

	cr_assert_eq(open_with(&key, lg_buf_view(&sealed), &g), LG_OK, "%s", cx.error);
	cr_assert_eq(g.n, 3);
	cr_assert(strcmp(g.name[0], "store/data.mdb") == 0 && g.size[0] == SIZE && same_bytes(g.fd[0], file[0].fd, SIZE));
	cr_assert(strcmp(g.name[1], "archive/empty.log") == 0 && g.size[1] == 0);
	cr_assert(strcmp(g.name[2], "log/a.seg") == 0 && same_bytes(g.fd[2], file[2].fd, 3));
	forget(&g);
}

Test(backup, another_key_opens_nothing)
{
	LG_AUTO(lg_secret_free) struct lg_secret other = lg_secret_random(LG_BACKUP_KEY);
	struct got g;

	cr_assert_eq(open_with(&other, lg_buf_view(&sealed), &g), LG_E_UNAUTHENTICATED);
	cr_assert_eq(g.n, 0);
}

Test(backup, what_is_cut_is_not_whole)
{
	static const size_t at[] = { 0, 5, LG_BACKUP_HEADER - 1, LG_BACKUP_HEADER, LG_BACKUP_HEADER + 3, LG_BACKUP_HEADER + 4, 1000, LG_BACKUP_CHUNK,
		LG_BACKUP_CHUNK + 73, 2 * LG_BACKUP_CHUNK, SIZE };

	for (size_t i = 0; i < LG_COUNT(at); i++)
		cr_expect_neq(try(lg_str_sub(lg_buf_view(&sealed), 0, at[i])), LG_OK, "at %zu", at[i]);
	cr_expect_eq(try(lg_str_sub(lg_buf_view(&sealed), 0, sealed.n - 1)), LG_E_CORRUPT);
}

Test(backup, no_octet_can_be_changed)
{
	for (size_t i = 0; i < sealed.n; i += i < 600 ? 1 : 977) {
		sealed.p[i] ^= 0x10;
		cr_expect_neq(try(lg_buf_view(&sealed)), LG_OK, "at %zu", i);
		sealed.p[i] ^= 0x10;
	}
}

Test(backup, chunks_cannot_change_places)
{
	struct lg_rd r = lg_rd_of(lg_str_sub(lg_buf_view(&sealed), LG_BACKUP_HEADER, 4));
	size_t n = lg_rd_u32(&r) + 4;
	lg_str first = lg_str_sub(lg_buf_view(&sealed), LG_BACKUP_HEADER, n), second = lg_str_sub(lg_buf_view(&sealed), LG_BACKUP_HEADER + n, n);
	lg_str head = lg_str_sub(lg_buf_view(&sealed), 0, LG_BACKUP_HEADER), rest = lg_str_sub(lg_buf_view(&sealed), LG_BACKUP_HEADER + 2 * n, SIZE);

	cr_assert_eq(try(lg_cat(cx.arena, lg_cat(cx.arena, head, first), lg_cat(cx.arena, second, rest))), LG_OK);
	cr_assert_neq(try(lg_cat(cx.arena, lg_cat(cx.arena, head, second), lg_cat(cx.arena, first, rest))), LG_OK);
	cr_assert_neq(try(lg_cat(cx.arena, lg_cat(cx.arena, head, first), rest)), LG_OK);
}

Test(backup, a_recovery_key_is_43_characters)
{
	static const struct {
		const char *text;
		lg_err wanted;
	} all[] = {
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", LG_OK },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", LG_E_INVALID },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", LG_E_INVALID },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", LG_E_INVALID },	/* bits that mean nothing */
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", LG_E_INVALID },
		{ "", LG_E_INVALID },
	};

	for (size_t i = 0; i < LG_COUNT(all); i++) {
		LG_AUTO(lg_secret_free) struct lg_secret s = { NULL, 0 };
		cr_expect_eq(lg_backup_key(&cx, lg_str_of(all[i].text), &s), all[i].wanted, "%s", all[i].text);
	}
}

Test(backup, other_files_are_no_backups)
{
	cr_assert_eq(try(LG_STR("SQLite format 3 and so on and so on and so on and so on")), LG_E_INVALID);
	cr_assert_eq(try(LG_NONE), LG_E_INVALID);
}
