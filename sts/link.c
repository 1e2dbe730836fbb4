/*
 * link.c: links with which people set a password: asked for by themselves, or given by an administrator.
 *
 * "<id>.<secret>", as refresh tokens are; the row holds its digest.  It is good once, for a while, for this tenant's account, and as long
 * as the account's password is what it was when the link was made.
 */
#include "sts/mail.h"

#include "base/text.h"

#define ROW_MAX		1024
#define ROW_VERSION	1

/* Key: tenant, subject, kind. */
const struct lg_table sts_password_links = { .name = "sts_password_links", .id = 0x0552, .derive = sts_derive_expiry };
/* Key: tenant, subject; value: version, an address of theirs that mail reached. */
const struct lg_table sts_proved_mails = { .name = "sts_proved_mails", .id = 0x0553, .domain = LG_DOMAIN_ENTRY };	/* said of an entry (again.c) */

static lg_str
key_of(struct lg_arena *a, uint32_t tenant, lg_uuid subject, enum sts_link_kind kind)
{
	char rest[17];

	memcpy(rest, subject.b, 16);
	rest[16] = (char)kind;
	return sts_key(a, tenant, (lg_str){ rest, sizeof rest });
}

static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_link *l)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	int64_t counted = l->window + LG_HOUR;

	sts_row_begin(&b, &sts_password_links, l->expires > counted ? l->expires : counted);
	lg_buf_str(&b, lg_sha256_str(&l->token));
	lg_buf_str(&b, lg_sha256_str(&l->password));
	lg_buf_str32(&b, l->mail);
	lg_buf_u64(&b, (uint64_t)l->made);
	lg_buf_u64(&b, (uint64_t)l->expires);
	lg_buf_u64(&b, (uint64_t)l->window);
	lg_buf_u32(&b, l->sent);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_password_links, key_of(cx->arena, tenant, l->subject, l->kind), lg_buf_view(&b));
}

static lg_err
get_row(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, enum sts_link_kind kind, struct sts_link *ret)
{
	struct lg_rd rd;
	lg_str row;

	LG_TRY(lg_get(cx, v, &sts_password_links, key_of(cx->arena, tenant, subject, kind), &row));
	rd = sts_row_open(lg_dup(cx->arena, row), &sts_password_links);
	*ret = (struct sts_link){ .kind = kind, .subject = subject };
	lg_rd_fixed(&rd, ret->token.b, sizeof ret->token.b);
	lg_rd_fixed(&rd, ret->password.b, sizeof ret->password.b);
	ret->mail = lg_rd_str32(&rd);
	ret->made = (int64_t)lg_rd_u64(&rd);
	ret->expires = (int64_t)lg_rd_u64(&rd);
	ret->window = (int64_t)lg_rd_u64(&rd);
	ret->sent = lg_rd_u32(&rd);
	return lg_rd_done(&rd) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "sts_password_links: a row does not decode");
}

/* Of the verifier, or of none: whatever changes it changes this. */
static lg_err
password_state(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_sha256 *ret)
{
	lg_str verifier = LG_NONE;
	lg_err e = sts->ports.verifier(sts->ports.self, cx, v, tenant, subject, &verifier);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*ret = lg_sha256_pair(LG_STR("link "), verifier);
	return LG_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------------ */

/* An account is not sent more than it can have asked for, by whatever names and from however many places. */
static lg_err
count(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct sts_link *l)
{
	struct sts_link old;
	lg_err e = get_row(cx, v, tenant, l->subject, l->kind, &old);

	l->window = l->made;
	l->sent = 1;
	if (e != LG_OK || l->kind != STS_LINK_ASKED)
		return e == LG_E_NOT_FOUND ? LG_OK : e;
	if (!l->again && l->made - old.made < STS_LINK_PAUSE)
		return lg_fail(cx, LG_E_LIMIT, "a link was sent a moment ago");
	if (l->made - old.window >= LG_HOUR)
		return LG_OK;
	if (!l->again && old.sent >= STS_LINKS_HOUR)
		return lg_fail(cx, LG_E_LIMIT, "the account was sent %u links within an hour", old.sent);
	l->window = old.window;
	l->sent = old.sent + !l->again;
	return LG_OK;
}

lg_err
sts_link_make(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, struct sts_link *l, lg_str *url)
{
	lg_str token = sts_refresh_new(cx->arena, l->subject);
	struct lg_sts_tenant t;

	l->made = lg_view_time(v);
	l->token = lg_sha256_of(token);
	LG_TRY(sts->ports.tenant(sts->ports.self, cx, tenant, &t));
	LG_TRY(password_state(cx, sts, v, tenant, l->subject, &l->password));
	LG_TRY(count(cx, v, tenant, l));
	*url = lg_print(cx->arena, "%.*s/login/link?t=%.*s", LG_FMT(t.issuer), LG_FMT(token));
	return put_row(cx, v, tenant, l);
}

/* ---- using ------------------------------------------------------------------------------------------------------------- */

static lg_err
find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str token, struct sts_link *ret)
{
	static const enum sts_link_kind kinds[] = { STS_LINK_ASKED, STS_LINK_GIVEN };
	lg_sha256 h = lg_sha256_of(token);
	lg_uuid subject;

	if (!sts_refresh_parse(cx->arena, token, &subject))
		return LG_E_NOT_FOUND;
	for (size_t i = 0; i < LG_COUNT(kinds); i++) {
		lg_err e = get_row(cx, v, tenant, subject, kinds[i], ret);

		if (e != LG_E_NOT_FOUND && (e != LG_OK || lg_equal_bytes(ret->token.b, h.b, sizeof h.b)))
			return e;
	}
	return LG_E_NOT_FOUND;
}

lg_err
sts_link_open(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_str token, struct sts_link *ret,
    struct lg_sts_subject *subject)
{
	lg_err e = find(cx, v, tenant, token, ret);
	lg_sha256 now;

	if (e == LG_OK && ret->expires <= cx->now)
		e = LG_E_NOT_FOUND;
	if (e == LG_OK)
		e = sts->ports.subject_by_id(sts->ports.self, cx, v, tenant, ret->subject, false, subject);
	if (e == LG_OK && !subject->enabled)
		e = LG_E_NOT_FOUND;
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_EXPIRED, "the link is not good, or not any more");
	LG_TRY(e);
	sts_subject_keep(cx->arena, subject);
	LG_TRY(password_state(cx, sts, v, tenant, ret->subject, &now));
	if (!lg_equal_bytes(now.b, ret->password.b, sizeof now.b))
		return lg_fail(cx, LG_E_EXPIRED, "the password was changed since the link was made");
	return LG_OK;
}

lg_err
sts_links_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject)
{
	const struct {
		const struct lg_table *table;
		lg_str key;
	} rows[] = {
		{ &sts_password_links, key_of(cx->arena, tenant, subject, STS_LINK_ASKED) },
		{ &sts_password_links, key_of(cx->arena, tenant, subject, STS_LINK_GIVEN) },
		{ &sts_proved_mails, sts_key(cx->arena, tenant, sts_uuid_str(&subject)) },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		lg_err e = lg_del(cx, v, rows[i].table, rows[i].key);

		if (e != LG_OK && e != LG_E_NOT_FOUND)
			return e;
	}
	return LG_OK;
}

lg_err
sts_link_spend(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_link *l)
{
	struct sts_link spent = *l;

	/* How often one was asked for is remembered. */
	memset(&spent.token, 0, sizeof spent.token);
	LG_TRY(put_row(cx, v, tenant, &spent));
	return l->mail.n == 0 ? LG_OK : lg_sts_mail_proved(cx, v, tenant, l->subject, l->mail);
}

/* ---- addresses that were proved ------------------------------------------------------------------------------------------- */

lg_err
lg_sts_mail_proved(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str mail)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	/* Nothing new makes no question a new one. */
	if (lg_sts_mail_is_proved(cx, v, tenant, subject, mail))
		return LG_OK;
	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_str(&b, mail);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_proved_mails, sts_key(cx->arena, tenant, sts_uuid_str(&subject)), lg_buf_view(&b));
}

bool
lg_sts_mail_is_proved(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str mail)
{
	lg_str row;

	/* Another address of the entry is another one to prove. */
	return mail.n > 0 && lg_get(cx, v, &sts_proved_mails, sts_key(cx->arena, tenant, sts_uuid_str(&subject)), &row) == LG_OK
	    && row.n > 1 && row.p[0] == ROW_VERSION && lg_str_eq_fold(lg_str_sub(row, 1, row.n), mail);
}
