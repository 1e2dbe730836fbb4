/* mail_text.c: a message as it is sent (RFC 5322): plain text in UTF-8, its words from the files of messages. */
#include "sts/mail.h"

#include "base/text.h"

#define LINE		57	/* octets that become 76 of base64 */
#define WORD		45	/* octets of one encoded word: 75 characters in all (RFC 2047 2) */

/* What the text is made of; %s: what it is about. */
#define LAYOUT "{{mail.hello}}\n\n{{mail.%s.text}}\n{{#link}}\n{{link}}\n\n{{mail.until}}\n{{/link}}\n{{mail.%s.note}}\n"

/* ---- headers --------------------------------------------------------------------------------------------------------------- */

static bool
is_plain(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == ' '))
			return false;
	return true;
}

/* RFC 2047: whatever is in it, nothing of it is syntax. */
static void
put_words(struct lg_buf *b, struct lg_arena *a, lg_str s)
{
	if (is_plain(s)) {
		lg_buf_str(b, s);
		return;
	}
	for (bool first = true; s.n > 0; first = false) {
		size_t n = s.n < WORD ? s.n : WORD;
		lg_str text;

		while (n < s.n && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;		/* no character is parted */
		text = lg_base64(a, lg_str_sub(s, 0, n));
		lg_buf_printf(b, "%s=?UTF-8?B?%.*s?=", first ? "" : "\r\n ", LG_FMT(text));
		s = lg_str_sub(s, n, SIZE_MAX);
	}
}

/* RFC 5322 3.3 */
static void
put_date(struct lg_buf *b, int64_t now)
{
	static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int t[6];

	lg_time_split(now, t);
	lg_buf_printf(b, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[now / LG_DAY % 7], t[2], months[t[1] - 1], t[0], t[3], t[4], t[5]);
}

static void
put_headers(struct lg_buf *b, struct lg_ctx *cx, const struct sts_letter *l, lg_str subject)
{
	char id[LG_UUID_TEXT + 1];
	lg_str user, domain;

	lg_uuid_text(lg_uuid_new(), id);
	(void)lg_str_cut(l->from->from, '@', &user, &domain);
	put_date(b, cx->now);
	lg_buf_printf(b, "From: ");
	put_words(b, cx->arena, l->from->from_name);
	lg_buf_printf(b, "%s<%.*s>\r\nTo: <%.*s>\r\nSubject: ", l->from->from_name.n > 0 ? " " : "", LG_FMT(l->from->from), LG_FMT(l->to));
	put_words(b, cx->arena, subject);
	/* RFC 3834 5: no vacation answers to this. */
	lg_buf_printf(b, "\r\nMessage-ID: <%s@%.*s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n", id, LG_FMT(domain));
}

/* ---- the text ------------------------------------------------------------------------------------------------------------------ */

static lg_err
fill(struct sts_rq *rq, const struct sts_letter *l, const char *template, lg_str *ret)
{
	const struct lg_sts_subject *s = l->subject;
	const struct sts_slot slots[] = {
		{ .name = "name", .value = s->display.n > 0 ? s->display : s->name }, { .name = "account", .value = s->name },
		{ .name = "site", .value = sts_service_name(l->issuer) }, { .name = "link", .value = l->link },
		{ .name = "until", .value = l->until }, { .name = "at", .value = l->at }, { .name = "address", .value = l->address },
	};

	return sts_plain(rq, lg_str_of(template), slots, LG_COUNT(slots), ret);
}

lg_err
sts_letter_write(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_letter *l, lg_str *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_MAIL_MAX);
	struct sts_rq *rq = LG_NEW(cx->arena, struct sts_rq);
	lg_str subject, text;

	*rq = (struct sts_rq){ .sts = sts, .cx = cx, .tenant_id = tenant,
		.ui_locales = lg_print(cx->arena, "%.*s %.*s en", LG_FMT(l->language), LG_FMT(l->from->language)) };
	LG_TRY(fill(rq, l, lg_print(cx->arena, "{{mail.%s.subject}}", l->what).p, &subject));
	LG_TRY(fill(rq, l, lg_print(cx->arena, LAYOUT, l->what, l->what).p, &text));
	put_headers(&b, cx, l, subject);
	for (; text.n > 0; text = lg_str_sub(text, LINE, SIZE_MAX)) {
		lg_str line = lg_base64(cx->arena, lg_str_sub(text, 0, LINE));

		lg_buf_printf(&b, "%.*s\r\n", LG_FMT(line));
	}
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
