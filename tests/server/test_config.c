#include <criterion/criterion.h>

#include "base/clock.h"
#include "server/process.h"

static struct lg_ctx cx;

static void
setup(void)
{
	lg_ctx_init(&cx, lg_arena_new());
}

static void
teardown(void)
{
	lg_arena_free(&cx.arena);
}

TestSuite(config, .init = setup, .fini = teardown);

Test(config, defaults_are_good)
{
	struct lg_settings s = { .dev = false };

	cr_assert_eq(lg_settings_read(&cx, false, LG_NONE, &s), LG_OK, "%s", cx.error);
	cr_assert_eq(lg_settings_check(&cx, &s), LG_OK, "%s", cx.error);
	cr_assert_eq(s.workers, 64);
	cr_assert_eq(s.request_time, 15 * LG_SECOND);
}

Test(config, the_file_overrides_defaults_and_knows_its_lines)
{
	struct lg_settings s = { .dev = false };
	lg_str good = LG_STR("host: id.example.org\nlisten:\n  https: \"[::]:443\"\nlimits:\n  request_time: 30s\nlog:\n  level: warn\n");

	cr_assert_eq(lg_settings_read(&cx, false, good, &s), LG_OK, "%s", cx.error);
	cr_assert_eq(lg_settings_check(&cx, &s), LG_OK, "%s", cx.error);
	cr_assert_eq(s.request_time, 30 * LG_SECOND);
	cr_assert_eq(lg_settings_level(&s), 2);
	cr_assert_eq(lg_settings_read(&cx, false, LG_STR("host: a\nlisten:\n  htps: x\n"), &s), LG_E_INVALID);
	cr_assert(strstr(cx.error, "line 3") != NULL, "%s", cx.error);
}

static const char *const bad[] = {
	"listen:\n  https: nowhere\n", "listen:\n  https: 127.0.0.1:70000\n", "listen:\n  https: localhost:443\n", "data: relative\n",
	"log:\n  level: loud\n", "issuer: http://x\n", "host: \"\"\n",
	"socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
};

Test(config, values_that_make_no_sense_are_found)
{
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_settings s = { .dev = false };

		cr_assert_eq(lg_settings_read(&cx, false, lg_str_of(bad[i]), &s), LG_OK, "%s", cx.error);
		cr_expect_eq(lg_settings_check(&cx, &s), LG_E_INVALID, "%s", bad[i]);
	}
}

Test(config, dev_is_loopback_on_free_ports_below_data)
{
	char *argv[] = { "lightgated", "--dev", "--data", "/tmp/x", NULL };
	struct lg_args a;

	cr_assert_eq(lg_args_parse(&cx, 4, argv, &a), LG_OK, "%s", cx.error);
	cr_assert_eq(a.command, LG_COMMAND_RUN);
	cr_assert(a.settings.dev);
	cr_assert(lg_str_eq(a.settings.listen_ldaps, LG_STR("127.0.0.1:0")));
	cr_assert_eq(a.settings.socket.n, 0);
	cr_assert_eq(a.settings.secret_file.n, 0);
}

Test(config, flags_override_and_relative_paths_become_absolute)
{
	char *argv[] = { "lightgated", "--data=x", "--limits.per_address", "7", "--check", NULL };
	struct lg_args a;

	cr_assert_eq(lg_args_parse(&cx, 5, argv, &a), LG_OK, "%s", cx.error);
	cr_assert_eq(a.command, LG_COMMAND_CHECK);
	cr_assert_eq(a.settings.per_address, 7);
	cr_assert_eq(a.settings.data.p[0], '/');
	cr_assert(lg_str_ends(a.settings.data, LG_STR("/x")));
}

static char *faulty[][4] = {
	{ "lightgated", "--no-such=1" }, { "lightgated", "--data" }, { "lightgated", "word" }, { "lightgated", "--dev=yes" },
	{ "lightgated", "--limits.per_address=-1" }, { "lightgated", "--config=/no/such/file" },
};

Test(config, faulty_command_lines_are_refused)
{
	for (size_t i = 0; i < LG_COUNT(faulty); i++) {
		struct lg_args a;

		cr_expect_neq(lg_args_parse(&cx, 2, faulty[i], &a), LG_OK, "%s", faulty[i][1]);
	}
}

Test(config, a_tool_is_found_after_the_flags)
{
	char *argv[] = { "lightgated", "--data", "/tmp/x", "tool", "doctor", "--deep", NULL };
	struct lg_args a;

	cr_assert_eq(lg_args_parse(&cx, 6, argv, &a), LG_OK, "%s", cx.error);
	cr_assert_eq(a.command, LG_COMMAND_TOOL);
	cr_assert_eq(a.tool, 4);
}

Test(config, a_reload_takes_live_settings_only)
{
	struct lg_settings s = { .dev = false }, fresh = { .dev = false };

	cr_assert_eq(lg_settings_read(&cx, false, LG_NONE, &s), LG_OK);
	cr_assert_eq(lg_settings_read(&cx, false, LG_STR("host: other\nlog:\n  requests: true\n"), &fresh), LG_OK);
	cr_assert_eq(lg_settings_take_live(&cx, &s, &fresh), LG_OK);
	cr_assert(s.log_requests);
	cr_assert(lg_str_eq(s.host, LG_STR("localhost")));
	fresh.log_level = LG_STR("loud");
	cr_assert_eq(lg_settings_take_live(&cx, &s, &fresh), LG_E_INVALID);
}

Test(config, help_names_every_setting)
{
	struct lg_buf out = LG_BUF(1u << 20);

	lg_settings_help(&out);
	lg_buf_byte(&out, '\0');
	for (size_t i = 0; i < lg_settings_count; i++)
		cr_expect(strstr(out.p, lg_settings_keys[i].name) != NULL, "%s", lg_settings_keys[i].name);
	lg_buf_free(&out);
}
