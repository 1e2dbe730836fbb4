/* test_config.c: defaults, file and flags by one table. */
#include "tests/base/base_test.h"

#include "base/clock.h"
#include "base/config.h"

struct settings {
	lg_str listen;
	int64_t threads, map_size, timeout;
	bool sync;
	struct lg_config_list names;
};

#define AT(field)	offsetof(struct settings, field)

static const struct lg_config_key keys[] = {
	{ "listen", LG_CONFIG_STR, AT(listen), "127.0.0.1:8443", 0, 0, "Where to listen.", false },
	{ "store.threads", LG_CONFIG_INT, AT(threads), "2", 1, 64, "Threads.", false },
	{ "store.map_size", LG_CONFIG_SIZE, AT(map_size), "1 TiB", 1 << 20, INT64_MAX, "Address space.", false },
	{ "store.log.timeout", LG_CONFIG_TIME, AT(timeout), "90s", 0, 7 * LG_DAY, "Patience.", true },
	{ "store.sync", LG_CONFIG_BOOL, AT(sync), "true", 0, 0, "Sync.", false },
	{ "names", LG_CONFIG_LIST, AT(names), "a, b", 0, 0, "Names.", true },
};

static struct settings
defaults(struct lg_ctx *cx)
{
	struct settings s;

	memset(&s, 0xff, sizeof s);
	cr_assert_eq(lg_config_defaults(cx, keys, LG_COUNT(keys), &s), LG_OK, "%s", cx->error);
	return s;
}

Test(config, defaults_come_from_the_table)
{
	TEST_CTX(cx);
	struct settings s = defaults(cx);

	assert_str(s.listen, "127.0.0.1:8443");
	cr_assert_eq(s.threads, 2);
	cr_assert_eq(s.map_size, INT64_C(1) << 40);
	cr_assert_eq(s.timeout, 90 * LG_SECOND);
	cr_assert(s.sync);
	cr_assert_eq(s.names.n, 2);
	assert_str(s.names.v[0], "a");
	assert_str(s.names.v[1], "b");
}

Test(config, a_key_without_default_is_empty)
{
	static const struct lg_config_key bare[] = {
		{ "a", LG_CONFIG_STR, AT(listen), NULL, 0, 0, "", false },
		{ "b", LG_CONFIG_INT, AT(threads), NULL, 1, 2, "", false },
		{ "c", LG_CONFIG_LIST, AT(names), NULL, 0, 0, "", false },
	};
	TEST_CTX(cx);
	struct settings s;

	memset(&s, 0xff, sizeof s);
	cr_assert_eq(lg_config_defaults(cx, bare, LG_COUNT(bare), &s), LG_OK);
	cr_assert(s.listen.n == 0 && s.threads == 0 && s.names.n == 0);
}

Test(config, the_file_overrides_what_it_names)
{
	TEST_CTX(cx);
	struct settings s = defaults(cx);

	cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), LG_STR("listen: '[::]:443'\nstore:\n  map_size: 64 MiB\n"
	    "  sync: no\n  log:\n    timeout: 24h\nnames: [x, 'y,z']\n"), &s), LG_OK, "%s", cx->error);
	assert_str(s.listen, "[::]:443");
	cr_assert_eq(s.map_size, 64 << 20);
	cr_assert_eq(s.timeout, LG_DAY);
	cr_assert_eq(s.threads, 2);
	cr_assert_not(s.sync);
	cr_assert_eq(s.names.n, 2);
	assert_str(s.names.v[1], "y,z");
	cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), LG_STR("store.threads: 8\nstore:\nnames: one\n"), &s), LG_OK);
	cr_assert_eq(s.threads, 8);
	cr_assert_eq(s.names.n, 1);
	cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), LG_STR("# empty\n"), &s), LG_OK);
}

Test(config, every_fault_is_told_and_nothing_is_taken)
{
	TEST_CTX(cx);
	struct settings s = defaults(cx), before = s;

	cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), LG_STR("listen: changed\nstore:\n  threads: 65\n"
	    "  map_size: 5 MB\n  mapsize: 1\nlog: 1\n"), &s), LG_E_INVALID);
	cr_assert_str_eq(cx->error, "line 3: store.threads: \"65\" is out of range (1 to 64)\n"
	    "line 4: store.map_size: \"5 MB\" is not a size such as \"64 MiB\"\n"
	    "line 5: unknown setting \"store.mapsize\"\nline 6: unknown setting \"log\"");
	cr_assert_eq(memcmp(&s, &before, sizeof s), 0);
}

Test(config, faults_of_shape_are_told)
{
	static const char *const rows[][2] = {
		{ "store: 5", "line 1: store: a section is wanted" },
		{ "store: [a]", "line 1: store: a section is wanted" },
		{ "listen: [a]", "line 1: listen: a single value is wanted" },
		{ "listen: {a: b}", "line 1: listen: a single value is wanted" },
		{ "names: [[a]]", "line 1: names: a list of plain values is wanted" },
		{ "names: {a: b}", "line 1: names: a single value is wanted" },
		{ "store: {threads: 2}\nstore.threads: 3", "line 2: store.threads appears twice" },
		{ "store:\n  sync: maybe", "line 2: store.sync: \"maybe\" is neither true nor false" },
		{ "store: {threads: }", "line 1: store.threads: \"\" is not an integer" },
		{ "- a", "line 1: settings are wanted, as \"name: value\"" },
		{ "just text", "line 1: settings are wanted, as \"name: value\"" },
		{ "a: &x b", "line 1: anchors and aliases are not supported" },
		{ "stor: {threads: 2}", "line 1: unknown setting \"stor\"" },
		{ "store: {log: {x: 1}}", "line 1: unknown setting \"store.log.x\"" },
	};
	TEST_CTX(cx);
	struct settings s = defaults(cx);

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), lg_str_of(rows[i][0]), &s), LG_E_INVALID, "%s", rows[i][0]);
		cr_assert_str_eq(cx->error, rows[i][1], "%s: %s", rows[i][0], cx->error);
	}
}

Test(config, more_faults_than_fit_are_cut_at_a_line)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(1 << 16);
	struct settings s = defaults(cx);

	for (int i = 0; i < 200; i++)
		lg_buf_printf(&b, "unknown%d: 1\n", i);
	cr_assert_eq(lg_config_file(cx, keys, LG_COUNT(keys), lg_buf_view(&b), &s), LG_E_INVALID);
	size_t n = strlen(cx->error);
	cr_assert(n > LG_ERROR_TEXT / 2 && cx->error[n - 1] == '"');
	lg_buf_free(&b);
}

Test(config, flags_take_both_forms)
{
	TEST_CTX(cx);
	struct settings s = defaults(cx);

	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--store.threads=5"), LG_NONE, &s), LG_OK);
	cr_assert_eq(s.threads, 5);
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--store.threads"), LG_STR("6"), &s), LG_OK);
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("listen"), LG_STR("a=b"), &s), LG_OK);
	cr_assert_eq(s.threads, 6);
	assert_str(s.listen, "a=b");
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--store.sync=off"), LG_NONE, &s), LG_OK);
	cr_assert_not(s.sync);
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--store.sync"), LG_NONE, &s), LG_OK);
	cr_assert(s.sync);
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--names=x, y ,z"), LG_NONE, &s), LG_OK);
	cr_assert_eq(s.names.n, 3);
	assert_str(s.names.v[1], "y");
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--listen="), LG_NONE, &s), LG_OK);
	assert_str(s.listen, "");
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--store.threads"), LG_NONE, &s), LG_E_INVALID);
	cr_assert_eq(lg_config_set(cx, keys, LG_COUNT(keys), LG_STR("--no.such=1"), LG_NONE, &s), LG_E_INVALID);
	cr_assert_str_eq(cx->error, "unknown setting \"no.such\"");
}

Test(config, units_are_exact)
{
	static const struct {
		const char *name, *text;
		int64_t v;		/* -1: refused */
	} rows[] = {
		{ "store.map_size", "1048576", 1 << 20 }, { "store.map_size", "2MiB", 2 << 20 },
		{ "store.map_size", "2 GiB", INT64_C(2) << 30 }, { "store.map_size", "1048576 B", 1 << 20 },
		{ "store.map_size", "1", -1 }, { "store.map_size", "99999999 TiB", -1 }, { "store.map_size", "-1 MiB", -1 },
		{ "store.map_size", "1.5 GiB", -1 }, { "store.map_size", "1 mib", -1 }, { "store.map_size", "MiB", -1 },
		{ "store.log.timeout", "250ms", 250000 }, { "store.log.timeout", "5m", 5 * LG_MINUTE },
		{ "store.log.timeout", "7d", 7 * LG_DAY }, { "store.log.timeout", "0", 0 }, { "store.log.timeout", "8d", -1 },
		{ "store.log.timeout", "90", -1 }, { "store.log.timeout", "-1s", -1 }, { "store.log.timeout", "1h30m", -1 },
		{ "store.log.timeout", "99999999999999999d", -1 }, { "store.log.timeout", "", -1 },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct settings s = { .map_size = -1, .timeout = -1 };
		lg_err e = lg_config_set(cx, keys, LG_COUNT(keys), lg_str_of(rows[i].name), lg_str_of(rows[i].text), &s);
		cr_assert_eq(e, rows[i].v < 0 ? LG_E_INVALID : LG_OK, "%s %s", rows[i].text, cx->error);
		cr_assert_eq(strcmp(rows[i].name, "store.map_size") == 0 ? s.map_size : s.timeout, rows[i].v, "%s", rows[i].text);
	}
}
