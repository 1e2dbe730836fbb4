/* test_invite.c: join tokens: one form, nothing else. */
#include "agent/invite.h"

#include "base/text.h"
#include "tests/base/base_test.h"

static const char *
token(struct lg_ctx *cx, const char *server, size_t root, size_t secret)
{
	lg_str bytes = { lg_alloc(cx->arena, 64), 64 };

	return lg_print(cx->arena, "lgj1.%.*s.%.*s.%.*s", LG_FMT(lg_base64url(cx->arena, lg_str_of(server))),
	    LG_FMT(lg_base64url(cx->arena, lg_str_sub(bytes, 0, root))), LG_FMT(lg_base64url(cx->arena, lg_str_sub(bytes, 0, secret)))).p;
}

Test(invite, server_root_and_the_whole_text_are_read)
{
	TEST_CTX(cx);
	struct lg_invite in;
	const char *text = token(cx, "id.example.org:8443", 32, 32);

	cr_assert_eq(lg_invite_parse(cx, lg_print(cx->arena, " %s\n", text), &in), LG_OK, "%s", cx->error);
	assert_str(in.server, "id.example.org:8443");
	assert_str(in.text, text);
}

Test(invite, anything_else_is_refused)
{
	TEST_CTX(cx);
	struct lg_invite in;
	const char *good = token(cx, "h:1", 32, 32);
	const char *const bad[] = {
		"", "lgj1", "lgj1...", "lgj2.aDox.x.y", token(cx, "h:1", 31, 32), token(cx, "h:1", 33, 32), token(cx, "h:1", 32, 31),
		token(cx, "h:1", 32, 33), token(cx, "", 32, 32), token(cx, "h", 32, 32), token(cx, "user@h:1", 32, 32),
		lg_print(cx->arena, "%s.more", good).p, lg_print(cx->arena, "%s=", good).p, lg_print(cx->arena, "x%s", good).p,
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_invite_parse(cx, lg_str_of(bad[i]), &in), LG_E_INVALID, "%s", bad[i]);
	lg_str long_text = { lg_alloc(cx->arena, LG_INVITE_MAX + 1), LG_INVITE_MAX + 1 };
	memset((char *)(uintptr_t)long_text.p, 'a', long_text.n);
	cr_assert_eq(lg_invite_parse(cx, long_text, &in), LG_E_INVALID);
}

Test(invite, a_server_is_host_and_port_and_perhaps_a_path)
{
	static const char *const good[] = { "h:1", "127.0.0.1:8443", "[::1]:8443", "id.example.org:65535", "h:1/t/acme" };
	static const char *const bad[] = { "", "h", "h:", ":1", "h:0", "h:65536", "h:1x", "h:01", "h:1?x", "h:1#x", "u@h:1", "h:1 ", "h\n:1", "[::1:1",
		"::1]:1", "h:1%2f" };

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert(lg_invite_server_valid(lg_str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_invite_server_valid(lg_str_of(bad[i])), "%s", bad[i]);
}
