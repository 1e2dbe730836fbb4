/*
 * mail_send.c: the outbox is emptied, on workers: to whom and in what language is decided when a message is sent, a link's token is made
 * then, and what does not get through is tried again for a while.  Each end is on the audit record.
 */
#include "sts/mail.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sts_mail_counts {
	atomic_ullong sent, failed, dropped;
};

lg_err
sts_mail_counts_new(struct lg_ctx *cx, struct sts_mail_counts **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret == NULL ? lg_fail(cx, LG_E_INTERNAL, "sts: no memory") : LG_OK;
}

void
lg_sts_mail_figures(struct lg_sts *sts, struct lg_sts_mail_figures *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx cx;

	lg_ctx_init(&cx, NULL);
	*ret = (struct lg_sts_mail_figures){ .sent = atomic_load(&sts->mail_counts->sent), .failed = atomic_load(&sts->mail_counts->failed),
		.dropped = atomic_load(&sts->mail_counts->dropped) };
	if (lg_view_begin(&cx, sts->store, &v) != LG_OK || lg_table_count(&cx, v, &sts_mails, &ret->waiting) != LG_OK)
		ret->waiting = 0;
}

/* ---- to whom, and what ---------------------------------------------------------------------------------------------------- */

struct sending {
	struct lg_sts *sts;
	struct sts_mail mail;
	struct sts_mail_settings from;
	struct lg_sts_subject subject;
	lg_str language, issuer;
	bool has_password;
	struct sts_link link;		/* of ASKED and GIVEN */
	lg_str url;
	/* how it ended */
	bool told, again;
	lg_str why;
};

/* LG_E_NOT_FOUND: nobody is written to; the sentence says why. */
static lg_err
find_person(struct lg_ctx *cx, struct lg_view *v, struct sending *s)
{
	struct lg_sts_ports *p = &s->sts->ports;
	uint32_t tenant = s->mail.tenant;
	lg_str verifier;

	if (s->mail.kind == STS_MAIL_ASKED)
		LG_TRY(p->subject_by_login(p->self, cx, v, tenant, s->mail.text, &s->subject));
	else
		LG_TRY(p->subject_by_id(p->self, cx, v, tenant, s->mail.subject, false, &s->subject));
	sts_subject_keep(cx->arena, &s->subject);
	s->has_password = p->verifier(p->self, cx, v, tenant, s->subject.id, &verifier) == LG_OK;
	/* Whoever signs in elsewhere has nothing here to set anew. */
	if (!s->subject.enabled || (s->mail.kind == STS_MAIL_ASKED && !s->has_password))
		return lg_fail(cx, LG_E_NOT_FOUND, "the account is disabled, or has no password here");
	if (!sts_mail_address_valid(s->subject.mail))
		return lg_fail(cx, LG_E_NOT_FOUND, "the account has no mail address that can be written to");
	return LG_OK;
}

static lg_err
look(struct lg_ctx *cx, struct sending *s)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_sts_ports *p = &s->sts->ports;
	struct lg_sts_profile profile;
	struct lg_sts_tenant t;

	LG_TRY(lg_view_begin(cx, s->sts->store, &v));
	LG_TRY(p->tenant(p->self, cx, s->mail.tenant, &t));
	s->issuer = lg_dup(cx->arena, t.issuer);
	LG_TRY(sts_mail_settings(cx, v, s->mail.tenant, &s->from));
	if (!s->from.enabled || (s->mail.kind == STS_MAIL_ASKED && !s->from.self_service))
		return lg_fail(cx, LG_E_NOT_FOUND, "the tenant sends no such mail");
	LG_TRY(find_person(cx, v, s));
	LG_TRY(p->profile(p->self, cx, v, s->mail.tenant, s->subject.id, &profile));
	s->language = profile.locale.n > 0 ? lg_dup(cx->arena, profile.locale) : s->mail.language;
	return LG_OK;
}

static const char *
about(const struct sending *s)
{
	if (s->mail.kind == STS_MAIL_NOTICE)
		return s->mail.text.p;
	return s->mail.kind == STS_MAIL_ASKED ? "asked" : s->has_password ? "given" : "invited";
}

/* ---- the link --------------------------------------------------------------------------------------------------------------- */

static lg_err
make_link(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sending *s = arg;

	s->link = (struct sts_link){
		.kind = s->mail.kind == STS_MAIL_ASKED ? STS_LINK_ASKED : STS_LINK_GIVEN, .subject = s->subject.id, .mail = s->subject.mail,
		.again = s->mail.attempts > 0,
		.expires = lg_view_time(v) + (s->mail.kind == STS_MAIL_ASKED ? s->from.reset_life : s->from.invite_life) * LG_SECOND,
	};
	lg_audit(v, sts_subject_called(cx->arena, &s->subject), lg_print(cx->arena, "{\"link\":\"%s\"}", about(s)));
	return sts_link_make(cx, s->sts, v, s->mail.tenant, &s->link, &s->url);
}

/* ---- one message ------------------------------------------------------------------------------------------------------------- */

static lg_err
deliver(struct lg_ctx *cx, struct sending *s)
{
	LG_AUTO(lg_secret_free) struct lg_secret password = { NULL, 0 };
	struct sts_letter l = { .from = &s->from, .to = s->subject.mail, .language = s->language, .issuer = s->issuer, .subject = &s->subject,
		.what = about(s), .at = sts_minute(cx->arena, s->mail.since), .address = s->mail.address };
	struct lg_mail_message m = { .from = s->from.from, .to = s->subject.mail };
	struct lg_mail_server to;

	if (s->mail.kind != STS_MAIL_NOTICE) {
		LG_TRY(lg_store_apply(cx, s->sts->store, s->mail.tenant, "password.link", make_link, s, NULL));
		l.link = s->url;
		l.until = sts_minute(cx->arena, s->link.expires);
	}
	LG_TRY(sts_letter_write(cx, s->sts, s->mail.tenant, &l, &m.text));
	LG_TRY(sts_mail_server(cx, s->sts, s->mail.tenant, &s->from, &password, &to));
	return s->sts->mailer.send(s->sts->mailer.self, cx, &to, &m);
}

static lg_err
settle_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	const struct sending *s = arg;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "mail", lg_str_of(about(s)));
	lg_jsonw_bool_of(&w, "sent", s->told);
	lg_jsonw_int_of(&w, "attempt", s->mail.attempts);
	if (s->why.n > 0)
		lg_jsonw_str_of(&w, "why", s->why);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	/* Of a name that nobody has, nothing: it may be a password that went into the wrong field. */
	lg_audit(v, lg_uuid_is_nil(s->subject.id) ? LG_NONE : sts_subject_called(cx->arena, &s->subject), lg_dup(cx->arena, lg_buf_view(&b)));
	LG_TRY(lg_del(cx, v, &sts_mails, s->mail.key));
	return s->again ? sts_mail_put(cx, v, &s->mail) : LG_OK;
}

/* Counts, and says what becomes of it. */
static void
judge(struct lg_ctx *cx, struct sending *s, lg_err e)
{
	struct sts_mail_counts *n = s->sts->mail_counts;
	int64_t pause = sts_outbox_pause(s->mail.attempts);
	bool passes = e != LG_OK && e != LG_E_NOT_FOUND && e != LG_E_DENIED && e != LG_E_LIMIT;

	s->told = e == LG_OK;
	s->again = passes && pause > 0;
	if (e != LG_OK)
		s->why = lg_dup(cx->arena, lg_str_of(cx->error));
	if (s->told)
		atomic_fetch_add(&n->sent, 1);
	else if (e != LG_E_NOT_FOUND && e != LG_E_LIMIT)
		atomic_fetch_add(&n->failed, 1);
	if (!s->told && !s->again)
		atomic_fetch_add(&n->dropped, 1);
	s->mail.attempts++;
	s->mail.due = cx->now + pause;
}

/* LG_E_UNAVAILABLE when somebody should have been written to and was not. */
static lg_err
carry_out(struct lg_ctx *cx, struct sending *s)
{
	lg_err e = look(cx, s), settled;

	lg_store_turn(s->sts->store);
	if (e == LG_OK)
		e = deliver(cx, s);
	judge(cx, s, e);
	settled = lg_store_apply(cx, s->sts->store, s->mail.tenant, "mail.send", settle_run, s, NULL);
	if (settled != LG_OK && settled != LG_E_NOT_FOUND)
		return settled;
	if (e == LG_OK || e == LG_E_NOT_FOUND || e == LG_E_LIMIT)
		return LG_OK;
	return lg_fail(cx, LG_E_UNAVAILABLE, "%.*s; %s", LG_FMT(s->why), s->again ? "it is tried again" : "given up");
}

lg_err
lg_sts_mail(struct lg_ctx *cx, struct lg_sts *sts, unsigned lane)
{
	struct sts_outbox *due = LG_NEW(cx->arena, struct sts_outbox);
	lg_err e = sts_outbox_due(cx, sts, &sts_mails, lane, LG_STS_MAIL_LANES, due);

	/* A server that does not answer takes its time: the rest is the next turn's, so that the service can stop. */
	for (size_t i = 0; i < due->n && e == LG_OK; i++) {
		struct sending *s = LG_NEW(cx->arena, struct sending);

		*s = (struct sending){ .sts = sts };
		if (sts_mail_read(cx->arena, due->key[i], due->row[i], &s->mail))
			e = carry_out(cx, s);
	}
	return e;
}

lg_err
lg_sts_mail_try(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str to)
{
	struct sending *s = LG_NEW(cx->arena, struct sending);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_sts_tenant t;
	lg_err e;

	*s = (struct sending){ .sts = sts, .mail = { .tenant = tenant, .kind = STS_MAIL_NOTICE, .text = LG_STR("test"), .since = cx->now } };
	if (!sts_mail_address_valid(to))
		return lg_fail(cx, LG_E_INVALID, "\"to\" is a mail address");
	LG_TRY(sts->ports.tenant(sts->ports.self, cx, tenant, &t));
	s->issuer = lg_dup(cx->arena, t.issuer);
	LG_TRY(lg_view_begin(cx, sts->store, &v));
	e = sts_mail_settings(cx, v, tenant, &s->from);
	lg_view_end(&v);
	lg_store_turn(sts->store);
	LG_TRY(e);
	if (s->from.host.n == 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "this tenant has no mail server: lightgate mail set names one");
	s->subject = (struct lg_sts_subject){ .name = to, .mail = to };
	s->language = s->from.language;
	return deliver(cx, s);
}

/* ---- what administrators give -------------------------------------------------------------------------------------------------- */

lg_err
lg_sts_link_new(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_sts_link *ret)
{
	struct sts_link l = { .kind = STS_LINK_GIVEN, .subject = subject };
	struct sts_mail_settings s;

	LG_TRY(sts_mail_settings(cx, v, tenant, &s));
	l.expires = ret->expires = lg_view_time(v) + s.invite_life * LG_SECOND;
	return sts_link_make(cx, sts, v, tenant, &l, &ret->url);
}

lg_err
lg_sts_link_mail(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject)
{
	struct sts_mail m = { .tenant = tenant, .due = lg_view_time(v), .id = lg_uuid_new(), .kind = STS_MAIL_GIVEN, .subject = subject,
		.since = lg_view_time(v) };
	struct lg_sts_subject person;
	struct sts_mail_settings s;

	LG_TRY(sts_mail_settings(cx, v, tenant, &s));
	if (!s.enabled)
		return lg_fail(cx, LG_E_CONFLICT, "this tenant sends no mail: lightgate mail set, or have the link shown");
	LG_TRY(sts->ports.subject_by_id(sts->ports.self, cx, v, tenant, subject, false, &person));
	if (!sts_mail_address_valid(person.mail))
		return lg_fail(cx, LG_E_CONFLICT, "%.*s has no mail address: lightgate user change --mail, or have the link shown", LG_FMT(person.name));
	return sts_mail_put(cx, v, &m);
}
