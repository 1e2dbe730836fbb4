/* Mail to people: its settings, the outbox, what is tried again, what a message looks like. */
#include <stdio.h>

#include "tests/sts/kit.h"

#include "base/text.h"
#include "sts/mail.h"

TestSuite(mail, .init = kit_start, .fini = kit_end);

#define MEMBERS "\"host\":\"smtp.example\",\"from\":\"id@example.org\",\"from_name\":\"Example\""
#define WITH_PASSWORD "{" MEMBERS ",\"username\":\"us\",\"password\":\"mail secret\"}"

static void
settings(const char *json)
{
	cr_assert_eq(kit_mail(json), LG_OK, "%s", kit.cx.error);
}

/* ---- settings ------------------------------------------------------------------------------------------------------------- */

Test(mail, settings_that_are_wrong_are_named)
{
	static const struct {
		const char *json, *why;
	} bad[] = {
		{ "{}", "host" }, { "{\"host\":\"a b\",\"from\":\"x@y\"}", "host" }, { "{\"host\":\"h\"}", "from" },
		{ "{\"host\":\"h\",\"from\":\"x\"}", "from" }, { "{\"host\":\"h\",\"from\":\"x@y\\r\\nBcc: z@y\"}", "from" },
		{ "{\"host\":\"h\",\"from\":\"<x@y>\"}", "from" }, { "{\"host\":\"h\",\"from\":\"x@-y\"}", "from" },
		{ "{\"host\":\"h\",\"from\":\"\\u00e4@y\"}", "from" },
		{ "{" MEMBERS ",\"host\":\"other\"}", "twice" }, { "{\"host\":\"h\",\"from\":\"x@y\",\"from_name\":\"A\\nB\"}", "from_name" },
		{ "{" MEMBERS ",\"security\":\"ssl\"}", "security" }, { "{" MEMBERS ",\"security\":\"none\",\"username\":\"u\",\"password\":\"p\"}", "TLS" },
		{ "{" MEMBERS ",\"password\":\"p\"}", "username" }, { "{" MEMBERS ",\"port\":0}", "range" }, { "{" MEMBERS ",\"port\":65536}", "range" },
		{ "{" MEMBERS ",\"reset_life\":59}", "reset_life" }, { "{" MEMBERS ",\"reset_life\":86401}", "range" },
		{ "{" MEMBERS ",\"language\":\"e n\"}", "language" }, { "{" MEMBERS ",\"hots\":\"h\"}", "unknown member \"hots\"" }, { "[]", "" },
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		cr_assert_eq(kit_mail(bad[i].json), LG_E_INVALID, "%s", bad[i].json);
		cr_assert(strstr(kit.cx.error, bad[i].why) != NULL, "%s: %s", bad[i].json, kit.cx.error);
	}
}

Test(mail, ports_follow_the_security)
{
	static const struct {
		const char *security, *server;
	} good[] = { { "starttls", "smtp.example:587 1" }, { "tls", "smtp.example:465 2" }, { "none", "smtp.example:25 3" } };

	for (size_t i = 0; i < LG_COUNT(good); i++) {
		settings(kit_fmt("{" MEMBERS ",\"security\":\"%s\"}", good[i].security));
		cr_assert_eq(lg_sts_mail_try(&kit.cx, kit.sts, kit.tenant, LG_STR("you@example.org")), LG_OK, "%s", kit.cx.error);
		cr_assert(strncmp(kit.mail_server, good[i].server, strlen(good[i].server)) == 0, "%s", kit.mail_server);
	}
}

static const char *
shown(void)
{
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_view *v = NULL;
	const char *text;

	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_mail_write(&kit.cx, v, kit.tenant, &w), LG_OK);
	lg_view_end(&v);
	text = kit_c(lg_buf_view(&b));
	lg_buf_free(&b);
	return text;
}

Test(mail, its_password_is_never_shown_and_for_one_server)
{
	settings(WITH_PASSWORD);
	cr_assert(strstr(shown(), "mail secret") == NULL && strstr(shown(), "\"password_set\":true") != NULL, "%s", shown());
	settings("{" MEMBERS ",\"username\":\"us\",\"language\":\"de\"}");
	cr_assert_eq(lg_sts_mail_try(&kit.cx, kit.sts, kit.tenant, LG_STR("you@example.org")), LG_OK);
	cr_assert_str_eq(kit.mail_server, "smtp.example:587 1 us mail secret", "what is not said stays");
	cr_assert_eq(kit_mail("{\"host\":\"evil.example\",\"from\":\"id@example.org\",\"username\":\"us\"}"), LG_E_INVALID);
	cr_assert_eq(kit_mail("{" MEMBERS ",\"port\":2525,\"username\":\"us\"}"), LG_E_INVALID);
	cr_assert_eq(kit_mail("{" MEMBERS ",\"username\":\"you\"}"), LG_E_INVALID);
}

/* ---- the outbox ---------------------------------------------------------------------------------------------------------------- */

static lg_err
put_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_mail *m = arg;

	m->tenant = kit.tenant;
	m->due = m->since = lg_view_time(v);
	m->id = lg_uuid_new();
	return sts_mail_put(cx, v, m);
}

static void
asked(const char *name)
{
	struct sts_mail m = { .kind = STS_MAIL_ASKED, .text = lg_str_of(name), .language = LG_STR("en") };

	kit_apply(put_run, &m);
}

static void
notice(const char *what)
{
	struct sts_mail m = { .kind = STS_MAIL_NOTICE, .text = lg_str_of(what), .address = LG_STR("10.0.0.7") };

	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &m.subject));
	kit_apply(put_run, &m);
}

/* What is due after so long. */
static void
turn(int64_t later)
{
	int64_t before = kit.cx.now;

	kit.cx.now = lg_wall() + later;
	for (unsigned lane = 0; lane < LG_STS_MAIL_LANES; lane++)
		(void)!lg_sts_mail(&kit.cx, kit.sts, lane);
	kit.cx.now = before;
}

static struct lg_sts_mail_figures
figures(void)
{
	struct lg_sts_mail_figures f;

	lg_sts_mail_figures(kit.sts, &f);
	return f;
}

/* The text of the last one. */
static const char *
text(void)
{
	const char *mail, *body, *end;
	lg_str encoded, out;

	cr_assert_gt(kit.nmails, 0);
	mail = kit_c(kit.mail[kit.nmails - 1]);
	body = strstr(mail, "\r\n\r\n");
	cr_assert(body != NULL);
	struct lg_buf b = LG_BUF(1u << 16);
	for (body += 4; *body != '\0'; body = end + 2) {
		end = strstr(body, "\r\n");
		cr_assert(end != NULL && end - body <= 76, "lines of 76");
		lg_buf_bytes(&b, body, (size_t)(end - body));
	}
	encoded = lg_dup(kit.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	cr_assert(lg_base64_parse(kit.arena, encoded, &out) && lg_utf8_valid(out));
	return kit_c(out);
}

Test(mail, whoever_asks_gets_a_link_at_their_own_address)
{
	settings("{" MEMBERS "}");
	asked("alice");
	cr_assert_eq(figures().waiting, 1);
	turn(0);
	cr_assert_eq(kit.nmails, 1);
	cr_assert(lg_str_starts(kit.mail[0], LG_STR("id@example.org>alice@example.org\n")), "%.*s", LG_FMT(kit.mail[0]));
	cr_assert(strstr(text(), ISSUER "/login/link?t=") != NULL && strstr(text(), "Hello Alice Example,") != NULL, "%s", text());
	cr_assert(figures().waiting == 0 && figures().sent == 1);
}

Test(mail, nobody_else_is_written_to)
{
	static const char *const names[] = { "nobody", "bob", "carol", "alice@example.org", "" };	/* disabled; no address; no such login */

	settings("{" MEMBERS "}");
	for (size_t i = 0; i < LG_COUNT(names); i++)
		asked(names[i]);
	turn(0);
	cr_assert_eq(kit.mail_attempts, 0);
	cr_assert(figures().waiting == 0 && figures().dropped == LG_COUNT(names) && figures().failed == 0);
}

Test(mail, what_did_not_get_through_is_tried_again_with_another_token)
{
	static const int64_t pauses[] = { 5 * LG_SECOND, 30 * LG_SECOND, 3 * LG_MINUTE, 15 * LG_MINUTE };
	int64_t later = 0;

	settings("{" MEMBERS "}");
	kit.mail_error = LG_E_UNAVAILABLE;
	asked("alice");
	for (size_t i = 0; i < LG_COUNT(pauses); i++) {
		turn(later);
		cr_assert(kit.mail_attempts == i + 1 && figures().waiting == 1, "attempt %zu", i);
		turn(later + pauses[i] / 2);
		cr_assert_eq(kit.mail_attempts, i + 1, "not before its time");
		later += pauses[i] + LG_SECOND;
	}
	turn(later);
	cr_assert(figures().waiting == 0 && figures().dropped == 1 && figures().failed == 5, "and then no more");
}

Test(mail, it_comes_when_the_server_is_back)
{
	settings("{" MEMBERS "}");
	kit.mail_error = LG_E_UNAVAILABLE;
	asked("alice");
	turn(0);
	kit.mail_error = LG_OK;
	turn(6 * LG_SECOND);
	cr_assert(kit.nmails == 1 && figures().waiting == 0 && figures().sent == 1);
}

Test(mail, what_is_refused_for_good_is_not_tried_again)
{
	settings("{" MEMBERS "}");
	kit.mail_error = LG_E_DENIED;
	asked("alice");
	turn(0);
	cr_assert(kit.mail_attempts == 1 && figures().waiting == 0 && figures().dropped == 1);
}

struct many {
	enum sts_mail_kind kind;
	size_t n;
	lg_err e;
};

static lg_err
fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct many *m = arg;
	struct sts_mail one = { .kind = m->kind, .text = LG_STR("x") };

	m->e = LG_OK;
	for (size_t i = 0; i < m->n && m->e == LG_OK; i++)
		m->e = put_run(cx, v, &one);
	return LG_OK;
}

Test(mail, the_outbox_is_bounded)
{
	struct many m = { STS_MAIL_ASKED, STS_MAILS_ASKED, LG_OK };

	settings("{" MEMBERS "}");
	kit_apply(fill, &m);
	cr_assert_eq(m.e, LG_OK);
	kit_apply(fill, &m);
	cr_assert_eq(m.e, LG_E_LIMIT, "who asks leaves room for the rest");
	m.kind = STS_MAIL_NOTICE;
	m.n = STS_MAILS - STS_MAILS_ASKED;
	kit_apply(fill, &m);
	cr_assert_eq(m.e, LG_OK);
	kit_apply(fill, &m);
	cr_assert_eq(m.e, LG_E_LIMIT);
	cr_assert_eq(figures().waiting, STS_MAILS);
}

/* ---- notices --------------------------------------------------------------------------------------------------------------------- */

Test(mail, every_notice_has_its_words_in_every_language)
{
	static const char *const whats[] = { "password", "totp-added", "totp-removed", "passkey-added", "passkey-removed", "recovery-added",
		"recovery-removed" };

	for (size_t i = 0; i < LG_COUNT(whats); i++)
		for (int german = 0; german < 2; german++) {
			settings(german ? "{" MEMBERS ",\"language\":\"de\"}" : "{" MEMBERS "}");
			kit.nmails = 0;
			notice(whats[i]);
			turn(0);
			cr_assert(strstr(text(), "mail.") == NULL && strstr(text(), "{{") == NULL, "%s: %s", whats[i], text());
			cr_assert(strstr(text(), german ? "Hallo" : "Hello") != NULL, "%s", text());
			cr_assert(strstr(text(), "10.0.0.7") != NULL, "%s", text());
		}
}

static lg_err
change_password(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_sts_password_notice(cx, v, kit.tenant, *(lg_uuid *)arg);
}

Test(mail, a_changed_password_is_told_of_where_that_is_wanted)
{
	lg_uuid alice;

	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	kit_apply(change_password, &alice);
	cr_assert_eq(figures().waiting, 0, "without a mail server");
	settings("{" MEMBERS ",\"notices\":false}");
	kit_apply(change_password, &alice);
	cr_assert_eq(figures().waiting, 0, "nor where nobody wants it");
	settings("{" MEMBERS "}");
	kit_apply(change_password, &alice);
	cr_assert_eq(figures().waiting, 1);
}

/* ---- the message ---------------------------------------------------------------------------------------------------------------- */

static const char *
written(const char *from_name, const char *what)
{
	struct sts_mail_settings s = { .from = LG_STR("id@example.org"), .from_name = lg_str_of(from_name), .language = LG_STR("de") };
	struct lg_sts_subject who = { .name = LG_STR("alice"), .display = LG_STR("Alice\r\nBcc: evil@example.org") };
	struct sts_letter l = { .from = &s, .to = LG_STR("alice@example.org"), .language = LG_STR("de-AT"), .issuer = LG_STR(ISSUER), .subject = &who,
		.what = what, .at = LG_STR("2026-11-23 10:00") };
	lg_str out;

	cr_assert_eq(sts_letter_write(&kit.cx, kit.sts, TENANT, &l, &out), LG_OK, "%s", kit.cx.error);
	return kit_c(out);
}

Test(mail, a_message_is_well_formed)
{
	const char *m = written("J\u00f6rg \"Q\" <x@y>, a name that is long enough to need more than one encoded word", "password");
	const char *end = strstr(m, "\r\n\r\n");

	cr_assert(end != NULL && strstr(m, "Auto-Submitted: auto-generated\r\n") != NULL && strstr(m, "\r\nTo: <alice@example.org>\r\n") != NULL, "%s", m);
	cr_assert(strstr(m, "Bcc") == NULL, "a name is text, never a header");
	cr_assert(strstr(m, "<x@y>") == NULL, "nor syntax");
	for (const char *line = m; line < end;) {
		const char *next = strstr(line, "\r\n");

		cr_assert(next != NULL && next - line <= 78, "%.*s", (int)(next - line), line);
		for (const char *p = line; p < next; p++)
			cr_assert(*p >= ' ' && *p < 0x7f, "ASCII alone in headers");
		line = next + 2;
	}
}
