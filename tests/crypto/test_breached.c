#include "tests/crypto/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
file_of(struct fixture *f, const char *text)
{
	lg_str path = lg_print(f->cx.arena, "/tmp/lg-breached-%d", (int)getpid());
	FILE *to = fopen(path.p, "w");

	cr_assert_not_null(to);
	cr_assert_geq(fputs(text, to), 0);
	cr_assert_eq(fclose(to), 0);
	return path.p;
}

/* sha1 of "password" and "secret", and neighbours. */
#define PASSWORD "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"
#define SECRET "E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4"
#define LOW "0000000000000000000000000000000000000000"
#define MIDDLE "7777777777777777777777777777777777777777"
#define HIGH "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"

static unsigned
found(struct fixture *f, const char *text)
{
	struct lg_breached *b = NULL;
	const char *path = file_of(f, text);
	unsigned bits;

	assert_ok(*f, lg_breached_open(&f->cx, path, &b));
	bits = lg_breached_has(b, LG_STR("password")) | (unsigned)lg_breached_has(b, LG_STR("secret")) << 1 |
	    (unsigned)lg_breached_has(b, LG_STR("neither")) << 2;
	lg_breached_close(&b);
	unlink(path);
	return bits;
}

Test(breached, a_known_password_is_found_wherever_its_line_stands)
{
	FIXTURE(f);

	cr_assert_eq(found(&f, PASSWORD "\n" SECRET "\n"), 3);
	cr_assert_eq(found(&f, LOW ":1\r\n" PASSWORD ":3730471\r\n" MIDDLE ":2\r\n" SECRET ":5\r\n" HIGH ":1\r\n"), 3);
	cr_assert_eq(found(&f, LOW "\n" MIDDLE "\n" HIGH), 0);
	cr_assert_eq(found(&f, PASSWORD), 1);
	cr_assert_eq(found(&f, LOW "\n" SECRET), 2);
	cr_assert_eq(found(&f, "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\n"), 1);
	cr_assert_not(lg_breached_has(NULL, LG_STR("password")));
}

Test(breached, every_line_of_a_long_list_is_found)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	FIXTURE(f);

	for (unsigned i = 0; i < 3000; i++) {
		if (i == 1075)
			lg_buf_printf(&b, PASSWORD ":%u\n", i);
		lg_buf_printf(&b, "%08X00000000000000000000000000000000:%u\n", i * 1431655u, i * i);
	}
	lg_buf_byte(&b, '\0');
	cr_assert_eq(found(&f, b.p) & 1, 1);
}

Test(breached, what_is_no_such_list_is_refused)
{
	static const char *const texts[] = { "", "password\nsecret\n", "5BAA61\n", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FDX\n" };
	struct lg_breached *b = NULL;
	FIXTURE(f);

	for (size_t i = 0; i < LG_COUNT(texts); i++)
		assert_err(f, LG_E_INVALID, lg_breached_open(&f.cx, file_of(&f, texts[i]), &b));
	unlink(file_of(&f, ""));
	assert_err(f, LG_E_NOT_FOUND, lg_breached_open(&f.cx, "/nowhere/at/all", &b));
	assert_err(f, LG_E_INVALID, lg_breached_open(&f.cx, "/tmp", &b));
}
