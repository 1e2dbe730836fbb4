/* test_signed.c: the keeper's record of what it signed: leaves' rows, and files that were put aside. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/crypto/util.h"

#include "crypto/keeper/signed.h"

static struct lg_signed_row
row_at(struct fixture *f, struct lg_signed *sg, uint64_t from)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SIGNED_ROW);
	struct lg_rd rd;

	assert_ok(*f, lg_signed_read(&f->cx, sg, from, 1, &b));
	cr_assert_eq(b.n, LG_SIGNED_ROW);
	rd = lg_rd_of(lg_buf_view(&b));
	return lg_signed_row_read(&rd);
}

static size_t
all_rows(struct fixture *f, struct lg_signed *sg, uint64_t *count, lg_sha256 *chain)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_rd rd;

	lg_signed_rows(sg, &b);
	rd = lg_rd_of(lg_buf_view(&b));
	(void)lg_rd_bytes(&rd, 5);
	*count = lg_rd_u64(&rd);
	lg_rd_fixed(&rd, chain->b, sizeof chain->b);
	(void)f;
	return b.n / (5 + 8 + 32);
}

Test(signed, a_certificates_serial_number_end_and_issuer_are_kept_and_counted_once)
{
	FIXTURE(f);
	char dir[] = "/tmp/lg-signed.XXXXXX";
	const struct lg_signed_leaf leaf = { LG_STR("\x41\x02"), 77, LG_STR("kidkidkidkidkid") };
	const lg_sha256 digest = { { 9 } };
	LG_AUTO(lg_signed_close) struct lg_signed *sg = NULL;
	lg_sha256 chain, again;
	struct lg_signed_row row;
	uint64_t count;

	cr_assert_not_null(mkdtemp(dir));
	assert_ok(f, lg_signed_open(&f.cx, dir, &sg));
	lg_signed_add_leaf(sg, LG_PURPOSE_ISSUER, 3, &digest, &leaf);
	row = row_at(&f, sg, 0);
	cr_assert(row.purpose == LG_PURPOSE_ISSUER && row.count == 1 && memcmp(&row.digest, &digest, sizeof digest) == 0);
	row = row_at(&f, sg, 1);
	cr_assert(row.purpose == (LG_PURPOSE_ISSUER | LG_SIGNED_LEAF) && row.tenant == 3 && row.count == 77 && row.time > 0);
	cr_assert_eq(memcmp(row.digest.b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x41\x02kidkidkidkid", 32), 0);
	cr_assert_eq(all_rows(&f, sg, &count, &chain), 1);
	lg_signed_close(&sg);
	assert_ok(f, lg_signed_open(&f.cx, dir, &sg));
	cr_assert_eq(all_rows(&f, sg, &count, &again), 1);
	cr_assert(count == 1 && memcmp(&chain, &again, sizeof chain) == 0, "the chain is of signatures alone");
	lg_signed_close(&sg);
	unlink(lg_print(f.cx.arena, "%s/signed.log", dir).p);
	rmdir(dir);
}

Test(signed, rows_of_a_file_that_was_put_aside_are_still_read)
{
	FIXTURE(f);
	char dir[] = "/tmp/lg-signed.XXXXXX";
	const lg_sha256 first = { { 1 } }, last = { { 2 } };
	LG_AUTO(lg_signed_close) struct lg_signed *sg = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4 * LG_SIGNED_ROW);
	const uint64_t full = (64u << 20) / LG_SIGNED_ROW;
	uint64_t next;

	cr_assert_not_null(mkdtemp(dir));
	assert_ok(f, lg_signed_open(&f.cx, dir, &sg));
	lg_signed_add(sg, LG_PURPOSE_AUDIT, 0, &first);
	lg_signed_close(&sg);
	cr_assert_eq(truncate(lg_print(f.cx.arena, "%s/signed.log", dir).p, (off_t)(full * LG_SIGNED_ROW)), 0);	/* rows of nothing */
	assert_ok(f, lg_signed_open(&f.cx, dir, &sg));
	lg_signed_add(sg, LG_PURPOSE_AUDIT, 0, &last);
	lg_signed_tick(sg);		/* writes the row, and the file is full */
	cr_assert(row_at(&f, sg, 0).digest.b[0] == 1 && row_at(&f, sg, full).digest.b[0] == 2, "from the file that was put aside");
	next = full + 1;
	cr_assert(row_at(&f, sg, next).time == 0 && row_at(&f, sg, next).count == next, "the next file says which row it begins with");
	assert_ok(f, lg_signed_read(&f.cx, sg, full, 4, &b));
	cr_assert_eq(b.n, LG_SIGNED_ROW, "what a file has, and the next with the next question");
	unlink(lg_print(f.cx.arena, "%s/signed-%020u.log", dir, 0).p);
	lg_buf_clear(&b);
	assert_err(f, LG_E_NOT_FOUND, lg_signed_read(&f.cx, sg, 0, 1, &b));
	lg_signed_close(&sg);
	unlink(lg_print(f.cx.arena, "%s/signed.log", dir).p);
	rmdir(dir);
}
