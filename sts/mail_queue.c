/* mail_queue.c: the outbox of mail: written in the change that it tells of, or that asks for it. */
#include "sts/mail.h"

#define ROW_MAX	2048

const struct lg_table sts_mails = { .name = "sts_mails", .id = 0x0551, .derive = sts_derive_expiry };

lg_err
sts_mail_put(struct lg_ctx *cx, struct lg_view *v, const struct sts_mail *m)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	uint64_t waiting, most = m->kind == STS_MAIL_ASKED && m->attempts == 0 ? STS_MAILS_ASKED : STS_MAILS;

	LG_TRY(lg_table_count(cx, v, &sts_mails, &waiting));
	if (waiting >= most)
		return lg_fail(cx, LG_E_LIMIT, "too much mail waits to be sent");
	sts_row_begin(&b, &sts_mails, m->due + LG_DAY);
	lg_buf_byte(&b, (char)m->kind);
	lg_buf_uuid(&b, m->subject);
	lg_buf_str32(&b, m->text);
	lg_buf_str32(&b, m->address);
	lg_buf_str32(&b, m->language);
	lg_buf_u64(&b, (uint64_t)m->since);
	lg_buf_byte(&b, (char)m->attempts);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_mails, sts_outbox_key(cx->arena, m->tenant, m->due, m->id), lg_buf_view(&b));
}

bool
sts_mail_read(struct lg_arena *a, lg_str key, lg_str row, struct sts_mail *ret)
{
	struct lg_rd rd = sts_row_open(lg_dup(a, row), &sts_mails);
	bool placed;

	*ret = (struct sts_mail){ .key = lg_dup(a, key) };
	placed = sts_outbox_place(key, &ret->tenant, &ret->due, &ret->id);
	ret->kind = (enum sts_mail_kind)lg_rd_u8(&rd);
	ret->subject = lg_rd_uuid(&rd);
	ret->text = lg_dup(a, lg_rd_str32(&rd));
	ret->address = lg_rd_str32(&rd);
	ret->language = lg_rd_str32(&rd);
	ret->since = (int64_t)lg_rd_u64(&rd);
	ret->attempts = lg_rd_u8(&rd);
	return placed && lg_rd_done(&rd) && ret->kind >= STS_MAIL_ASKED && ret->kind <= STS_MAIL_NOTICE;
}

lg_err
sts_mail_notice(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const char *what)
{
	struct sts_mail m = { .tenant = tenant, .due = lg_view_time(v), .id = lg_uuid_new(), .kind = STS_MAIL_NOTICE, .subject = subject,
		.text = lg_str_of(what), .address = sts_address_host(cx->actor->address), .since = lg_view_time(v) };
	struct sts_mail_settings s;
	lg_err e;

	LG_TRY(sts_mail_settings(cx, v, tenant, &s));
	if (!s.enabled || !s.notices)
		return LG_OK;
	e = sts_mail_put(cx, v, &m);
	return e == LG_E_LIMIT ? LG_OK : e;
}

lg_err
lg_sts_password_notice(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject)
{
	return sts_mail_notice(cx, v, tenant, subject, "password");
}
