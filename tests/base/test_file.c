/* test_file.c: whole files. */
#include "tests/base/base_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const char *
scratch(struct lg_ctx *cx)
{
	const char *root = getenv("TMPDIR");
	char *path = (char *)lg_print(cx->arena, "%s/lg-file.XXXXXX", root == NULL ? "/tmp" : root).p;

	cr_assert_not_null(mkdtemp(path));
	return path;
}

static const char *
in(struct lg_ctx *cx, const char *dir, const char *name)
{
	return lg_print(cx->arena, "%s/%s", dir, name).p;
}

static int
count_files(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

Test(file, what_is_written_is_read_and_nothing_is_left_behind)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx), *path = in(cx, dir, "a");
	struct stat st;
	lg_str back;

	cr_assert_eq(lg_file_write(cx, path, 0640, LG_STR("one\0two")), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_file_write(cx, path, 0600, LG_STR("three")), LG_OK);
	cr_assert_eq(lg_file_read(cx, path, 100, &back), LG_OK);
	assert_str(back, "three");
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	cr_assert_eq(count_files(dir), 1);
	cr_assert_eq(lg_file_write(cx, path, 0600, LG_NONE), LG_OK);
	cr_assert_eq(lg_file_read(cx, path, 0, &back), LG_OK);
	cr_assert_eq(back.n, 0);
}

Test(file, the_limit_is_exact)
{
	TEST_CTX(cx);
	const char *path = in(cx, scratch(cx), "a");
	lg_str data = { lg_alloc(cx->arena, 100000), 100000 }, back;

	cr_assert_eq(lg_file_write(cx, path, 0600, data), LG_OK);
	cr_assert_eq(lg_file_read(cx, path, 100000, &back), LG_OK);
	cr_assert(lg_str_eq(back, data));
	cr_assert_eq(lg_file_read(cx, path, 99999, &back), LG_E_LIMIT);
	cr_assert_eq(lg_file_read(cx, path, 10, &back), LG_E_LIMIT);
}

Test(file, sizes_of_zero_in_proc_are_not_believed)
{
	TEST_CTX(cx);
	lg_str s;

	cr_assert_eq(lg_file_read(cx, "/proc/self/status", 1 << 20, &s), LG_OK, "%s", cx->error);
	cr_assert(lg_str_starts(s, LG_STR("Name:")));
}

Test(file, failures_have_their_own_codes)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx);
	lg_str s;

	cr_assert_eq(lg_file_read(cx, in(cx, dir, "absent"), 10, &s), LG_E_NOT_FOUND);
	cr_assert_not_null(strstr(cx->error, "absent"));
	cr_assert_eq(lg_file_read(cx, dir, 10, &s), LG_E_IO);
	cr_assert_eq(lg_file_write(cx, in(cx, dir, "no/where"), 0600, LG_STR("x")), LG_E_NOT_FOUND);
	/* the target is a folder: the rename fails and the temporary file goes */
	cr_assert_eq(lg_dir_make(cx, in(cx, dir, "sub"), 0700), LG_OK);
	cr_assert_eq(lg_file_write(cx, in(cx, dir, "sub"), 0600, LG_STR("x")), LG_E_IO);
	cr_assert_eq(count_files(dir), 1);
}

Test(file, an_update_leaves_alone_what_is_like_that_already)
{
	TEST_CTX(cx);
	const char *path = in(cx, scratch(cx), "f");
	struct stat first, st;
	lg_str s;

	cr_assert_eq(lg_file_update(cx, path, 0644, LG_STR("one")), LG_OK);
	cr_assert(stat(path, &first) == 0);
	cr_assert_eq(lg_file_update(cx, path, 0644, LG_STR("one")), LG_OK);
	cr_assert(stat(path, &st) == 0 && st.st_ino == first.st_ino);
	cr_assert_eq(lg_file_update(cx, path, 0600, LG_STR("one")), LG_OK);
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	cr_assert_eq(lg_file_update(cx, path, 0600, LG_STR("on")), LG_OK);
	cr_assert_eq(lg_file_read(cx, path, 10, &s), LG_OK);
	cr_assert(lg_str_eq(s, LG_STR("on")));
}

Test(file, a_folder_is_made_once_with_its_mode)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx), *path = in(cx, dir, "d");
	struct stat st;

	umask(077);
	cr_assert_eq(lg_dir_make(cx, path, 0711), LG_OK);
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0711);
	cr_assert_eq(lg_dir_make(cx, path, 0711), LG_OK);
	cr_assert_eq(lg_file_write(cx, in(cx, dir, "f"), 0600, LG_NONE), LG_OK);
	cr_assert_eq(lg_dir_make(cx, in(cx, dir, "f"), 0700), LG_E_CONFLICT);
	cr_assert_eq(lg_dir_make(cx, in(cx, dir, "x/y"), 0700), LG_E_NOT_FOUND);
}

Test(file, read_all_wants_all)
{
	int fd[2];
	char p[8];

	cr_assert_eq(pipe(fd), 0);
	cr_assert(lg_write_all(fd[1], "abcdef", 6));
	cr_assert(lg_read_all(fd[0], p, 4));
	close(fd[1]);
	cr_assert_not(lg_read_all(fd[0], p, 4));
	cr_assert(lg_read_all(fd[0], p, 0));
	close(fd[0]);
	cr_assert_not(lg_read_all(fd[0], p, 1));
}

Test(file, a_folder_is_synced_by_its_name_or_by_a_file_in_it)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx);

	cr_assert_eq(lg_dir_sync(cx, dir), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_dir_sync_of(cx, in(cx, dir, "not-there")), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_dir_sync_of(cx, "/not-there"), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_dir_sync(cx, in(cx, dir, "not-there")), LG_E_NOT_FOUND);
	cr_assert_eq(lg_dir_sync_of(cx, in(cx, dir, "not-there/file")), LG_E_NOT_FOUND);
}

Test(file, folders_above_are_made_one_by_one)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx);
	struct stat st;

	cr_assert_eq(lg_dir_make_above(cx, in(cx, dir, "a//b/c"), 0711), LG_OK, "%s", cx->error);
	cr_assert(stat(in(cx, dir, "a/b"), &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0711);
	cr_assert_neq(stat(in(cx, dir, "a/b/c"), &st), 0, "the last one is the caller's");
	cr_assert_eq(lg_dir_make_above(cx, in(cx, dir, "a/b/c"), 0700), LG_OK, "they are there");
	cr_assert_eq(lg_dir_make_above(cx, "/file", 0700), LG_OK);
	cr_assert_eq(lg_file_put(cx, in(cx, dir, "f"), 0600, LG_STR("one")), LG_OK);
	cr_assert_eq(lg_dir_make_above(cx, in(cx, dir, "f/g/h"), 0700), LG_E_CONFLICT);
}

Test(file, what_is_put_is_whole_or_as_it_was)
{
	TEST_CTX(cx);
	const char *dir = scratch(cx), *path = in(cx, dir, "f");
	struct stat st;
	lg_str text;

	cr_assert_eq(lg_file_put(cx, path, 0640, LG_STR("one")), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_file_put(cx, path, 0600, LG_STR("two")), LG_OK, "%s", cx->error);
	cr_assert(lg_file_read(cx, path, 10, &text) == LG_OK && lg_str_eq(text, LG_STR("two")));
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	cr_assert_neq(lg_file_put(cx, in(cx, dir, "x/y"), 0600, LG_STR("three")), LG_OK);
	cr_assert_neq(lg_file_put(cx, dir, 0600, LG_STR("three")), LG_OK, "a folder is not a file");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rmdir(dir), 0, "nothing is left beside it");
}
