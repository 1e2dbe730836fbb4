/* mail_settings.c: a tenant's mail server and sender, as a document and a row; its password is sealed as those of identity sources are. */
#include "sts/mail.h"
#include "sts/member.h"

#include "base/text.h"

#define ROW_VERSION	1
#define ROW_MAX		(LG_MAIL_SETTINGS_MAX + (8u << 10))
#define CA_MAX		(16u << 10)
#define DAY		86400

/* Key: tenant. */
const struct lg_table sts_mail_servers = { .name = "sts_mail_servers", .id = 0x0550 };

#define AT(member) offsetof(struct sts_mail_settings, member)

/* In the order in which they are written; the password never is. */
static const struct sts_member members[] = {
	{ LG_STR("enabled"), 1, STS_MEMBER_BOOL, AT(enabled), 0 },
	{ LG_STR("host"), 1, STS_MEMBER_STR, AT(host), 255 },
	{ LG_STR("port"), 1, STS_MEMBER_INT, AT(port), 65535 },
	{ LG_STR("security"), 1, STS_MEMBER_STR, AT(security), 16 },
	{ LG_STR("username"), 1, STS_MEMBER_STR, AT(username), 256 },
	{ LG_STR("password"), 0, STS_MEMBER_STR, AT(secret), 1024 },
	{ LG_STR("from"), 1, STS_MEMBER_STR, AT(from), LG_MAIL_ADDRESS },
	{ LG_STR("from_name"), 1, STS_MEMBER_STR, AT(from_name), 64 },
	{ LG_STR("language"), 1, STS_MEMBER_STR, AT(language), 35 },
	{ LG_STR("self_service"), 1, STS_MEMBER_BOOL, AT(self_service), 0 },
	{ LG_STR("notices"), 1, STS_MEMBER_BOOL, AT(notices), 0 },
	{ LG_STR("reset_life"), 1, STS_MEMBER_INT, AT(reset_life), DAY },
	{ LG_STR("invite_life"), 1, STS_MEMBER_INT, AT(invite_life), 30 * DAY },
	{ LG_STR("ca"), 1, STS_MEMBER_STR, AT(ca), CA_MAX },
};

static const struct {
	lg_str name;
	enum lg_mail_security security;
	int64_t port;
} securities[] = {
	{ LG_STR("starttls"), LG_MAIL_STARTTLS, 587 }, { LG_STR("tls"), LG_MAIL_TLS, 465 }, { LG_STR("none"), LG_MAIL_PLAIN, 25 },
};

/* ---- judging ------------------------------------------------------------------------------------------------------------ */

/* RFC 5321 4.1.2, dot-strings alone: nothing in it has to be quoted, so that it can stand in a header and an envelope. */
bool
sts_mail_address_valid(lg_str s)
{
	lg_str user, domain;

	return s.n <= LG_MAIL_ADDRESS && lg_str_cut(s, '@', &user, &domain) && lg_str_only(user, "!#$%&'*+-/=?^_`{|}~.") && lg_str_only(domain, "-.")
	    && domain.p[0] != '.' && domain.p[0] != '-' && domain.p[domain.n - 1] != '.' && user.n <= 64;
}

static bool
shown_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return lg_utf8_valid(s);
}

static lg_err
check(struct lg_ctx *cx, const struct sts_mail_settings *s)
{
	bool known = false;

	for (size_t i = 0; i < LG_COUNT(securities); i++)
		known |= lg_str_eq(securities[i].name, s->security);
	if (!known)
		return lg_fail(cx, LG_E_INVALID, "security: starttls, tls or none");
	if (!lg_str_only(s->host, "-.:"))
		return lg_fail(cx, LG_E_INVALID, "host: the mail server's name or address");
	if (!sts_mail_address_valid(s->from))
		return lg_fail(cx, LG_E_INVALID, "from: the sender's mail address");
	if (!shown_valid(s->from_name) || (s->username.n > 0 && !shown_valid(s->username)))
		return lg_fail(cx, LG_E_INVALID, "from_name and username are plain text");
	if (lg_str_eq(s->security, LG_STR("none")) && (s->username.n > 0 || s->secret.n > 0))
		return lg_fail(cx, LG_E_INVALID, "security: a password is not said without TLS");
	if (s->username.n == 0 && s->secret.n > 0)
		return lg_fail(cx, LG_E_INVALID, "username: whose password it is");
	if (!lg_str_only(s->language, "-"))
		return lg_fail(cx, LG_E_INVALID, "language: a tag such as en");
	if (s->reset_life < 60 || s->invite_life < 60)
		return lg_fail(cx, LG_E_INVALID, "reset_life and invite_life: 60 seconds or more");
	return LG_OK;
}

static void
complete(struct sts_mail_settings *s)
{
	if (s->security.n == 0)
		s->security = LG_STR("starttls");
	for (size_t i = 0; i < LG_COUNT(securities); i++)
		if (s->port == 0 && lg_str_eq(securities[i].name, s->security))
			s->port = securities[i].port;
}

static const struct sts_mail_settings defaults = {
	.enabled = true, .language = LG_STR("en"), .self_service = true, .notices = true, .reset_life = STS_RESET_LIFE,
	.invite_life = STS_INVITE_LIFE,
};

static lg_err
parse(struct lg_ctx *cx, lg_str json, struct sts_mail_settings *s)
{
	struct lg_json js;
	lg_str name;

	*s = defaults;
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		const struct sts_member *m = sts_member_find(members, LG_COUNT(members), name);

		if (m != NULL)
			sts_member_read(&js, m, s);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(cx, &js));
	complete(s);
	return check(cx, s);
}

/* ---- the row ------------------------------------------------------------------------------------------------------------- */

static lg_str
key_of(struct lg_arena *a, uint32_t tenant)
{
	return sts_key(a, tenant, LG_NONE);
}

static lg_err
read_row(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct sts_mail_settings *ret)
{
	struct lg_rd rd;
	lg_str row, json;

	LG_TRY(lg_get(cx, v, &sts_mail_servers, key_of(cx->arena, tenant), &row));
	rd = lg_rd_of(lg_dup(cx->arena, row));
	uint8_t version = lg_rd_u8(&rd);
	lg_str sealed = lg_rd_str32(&rd);
	json = lg_rd_str32(&rd);
	if (version != ROW_VERSION || !lg_rd_done(&rd) || parse(cx, json, ret) != LG_OK)
		return lg_fail(cx, LG_E_CORRUPT, "sts_mail_servers: a row does not decode");
	ret->sealed = sealed;
	return LG_OK;
}

lg_err
sts_mail_settings(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct sts_mail_settings *ret)
{
	lg_err e = read_row(cx, v, tenant, ret);

	if (e != LG_E_NOT_FOUND)
		return e;
	*ret = defaults;
	ret->enabled = false;
	return LG_OK;
}

/* ---- its password ------------------------------------------------------------------------------------------------------------ */

/* Of this server: it opens for no other. */
static lg_str
aad_of(struct lg_arena *a, uint32_t tenant, const struct sts_mail_settings *s)
{
	return lg_print(a, "mail %u %.*s:%lld %.*s", tenant, LG_FMT(s->host), (long long)s->port, LG_FMT(s->username));
}

/* The row's own sealed text where it holds the same password: a document that is applied again changes nothing. */
static lg_err
seal_password(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, struct sts_mail_settings *s)
{
	LG_AUTO(lg_secret_free) struct lg_secret given = lg_secret_copy(s->secret), kept = { NULL, 0 };
	lg_str aad = aad_of(cx->arena, tenant, s);
	struct sts_mail_settings old;
	const struct lg_secret *key;
	struct lg_view *v;
	lg_err e;

	s->secret = LG_NONE;
	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	LG_TRY(lg_view_begin(cx, sts->store, &v));
	e = read_row(cx, v, tenant, &old);
	lg_view_end(&v);
	lg_store_turn(sts->store);
	if (e == LG_OK && old.sealed.n > 0 && lg_unseal(cx, key, aad, old.sealed, &kept) == LG_OK && lg_secret_eq(&given, &kept)) {
		s->sealed = old.sealed;
		return LG_OK;
	}
	return lg_seal(cx, key, aad, (lg_str){ (const char *)given.p, given.n }, &s->sealed);
}

lg_err
lg_sts_mail_read(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str json, struct sts_mail_settings **ret)
{
	struct sts_mail_settings *s = LG_NEW(cx->arena, struct sts_mail_settings);

	if (parse(cx, json, s) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "mail");
	if (s->secret.n > 0)
		LG_TRY(seal_password(cx, sts, tenant, s));
	*ret = s;
	return LG_OK;
}

lg_err
sts_mail_server(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_mail_settings *s, struct lg_secret *password,
    struct lg_mail_server *ret)
{
	const struct lg_secret *key;
	lg_str user, domain;

	(void)lg_str_cut(s->from, '@', &user, &domain);
	*ret = (struct lg_mail_server){ .host = s->host, .port = (uint16_t)s->port, .ca = s->ca, .username = s->username, .password = password,
		.hello = domain };
	for (size_t i = 0; i < LG_COUNT(securities); i++)
		if (lg_str_eq(securities[i].name, s->security))
			ret->security = securities[i].security;
	if (s->sealed.n == 0)
		return LG_OK;
	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	return lg_unseal(cx, key, aad_of(cx->arena, tenant, s), s->sealed, password);
}

/* ---- changing, showing ------------------------------------------------------------------------------------------------------------ */

static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_mail_settings *s, bool *changed)
{
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(LG_MAIL_SETTINGS_MAX), b = LG_BUF(ROW_MAX);
	struct lg_jsonw w = lg_jsonw_of(&text);
	lg_str old;

	lg_jsonw_object(&w);
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (members[i].kinds != 0)
			sts_member_write(&w, &members[i], s);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &text));
	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_str32(&b, s->sealed);
	lg_buf_str32(&b, lg_buf_view(&text));
	LG_TRY(lg_buf_status(cx, &b));
	*changed = lg_get(cx, v, &sts_mail_servers, key_of(cx->arena, tenant), &old) != LG_OK || !lg_str_eq(old, lg_buf_view(&b));
	return *changed ? lg_put(cx, v, &sts_mail_servers, key_of(cx->arena, tenant), lg_buf_view(&b)) : LG_OK;
}

lg_err
lg_sts_mail_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_mail_settings *s, enum lg_sts_change *ret)
{
	struct sts_mail_settings old, new = *s;
	lg_err e = read_row(cx, v, tenant, &old);
	bool changed;

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	/* Whoever may change the server must not thereby learn the password that was meant for another. */
	if (s->username.n > 0 && s->sealed.n == 0) {
		if (e != LG_OK || old.sealed.n == 0 || !lg_str_eq(aad_of(cx->arena, tenant, &old), aad_of(cx->arena, tenant, s)))
			return lg_fail(cx, LG_E_INVALID, "mail: password: it must be said for another server or user");
		new.sealed = old.sealed;
	}
	LG_TRY(put_row(cx, v, tenant, &new, &changed));
	*ret = e == LG_E_NOT_FOUND ? LG_STS_CREATED : changed ? LG_STS_CHANGED : LG_STS_UNCHANGED;
	return LG_OK;
}

lg_err
lg_sts_mail_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	return lg_del(cx, v, &sts_mail_servers, key_of(cx->arena, tenant));
}

lg_err
lg_sts_mail_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_jsonw *w)
{
	struct sts_mail_settings s;
	lg_err e = read_row(cx, v, tenant, &s);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "this tenant has no mail server: lightgate mail set names one");
	LG_TRY(e);
	lg_jsonw_object(w);
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (members[i].kinds != 0)
			sts_member_write(w, &members[i], &s);
	lg_jsonw_bool_of(w, "password_set", s.sealed.n > 0);
	lg_jsonw_object_end(w);
	return LG_OK;
}
