/*
 * mail.h: what is written to people: links with which they set a password (link.c), notices of what changed at their account, each
 * through an outbox in the store (mail_queue.c) that a worker empties (mail_send.c), by the tenant's mail server (mail_settings.c).
 *
 * No row of the outbox holds a secret: a link's token is made when the mail is sent.
 */
#ifndef LG_STS_MAIL_H
#define LG_STS_MAIL_H

#include "sts/sts.h"

#define STS_RESET_LIFE	3600		/* seconds that a link which somebody asked for is good, unless the settings say otherwise */
#define STS_INVITE_LIFE	(7 * 86400)	/* ... and one that an administrator gave */
#define STS_MAILS	10000		/* that wait at a time; beyond it no more are written */
#define STS_MAILS_ASKED	1000		/* ... and no more links are asked for */

/* ---- mail_settings.c ------------------------------------------------------------------------------------------------ */

struct sts_mail_settings {
	bool enabled;
	lg_str host;
	int64_t port;
	lg_str security;		/* "starttls", "tls", "none" */
	lg_str username, ca;
	lg_str from, from_name;		/* address, and what stands before it */
	lg_str language;		/* of people of whom nothing else is known */
	bool self_service;		/* people ask for a link themselves */
	bool notices;
	int64_t reset_life, invite_life;	/* seconds */
	lg_str secret;			/* password: in the open only between reading a document and its row */
	lg_str sealed;			/* as the row has it; empty: none */
};
extern const struct lg_table sts_mail_servers;

bool sts_mail_address_valid(lg_str s);
/* As they are stored; without any, the defaults with enabled false. */
LG_CHECKED lg_err sts_mail_settings(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct sts_mail_settings *ret);
/* What the port wants to know.  password is opened and must outlive it. */
LG_CHECKED lg_err sts_mail_server(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_mail_settings *s,
    struct lg_secret *password, struct lg_mail_server *ret);

/* ---- mail_queue.c ---------------------------------------------------------------------------------------------------- */

enum sts_mail_kind {
	STS_MAIL_ASKED = 1,		/* somebody wants a link for the account of this name */
	STS_MAIL_GIVEN,			/* an administrator gives them one */
	STS_MAIL_NOTICE
};
struct sts_mail {
	lg_str key;			/* where the row is */
	uint32_t tenant;
	int64_t due;			/* microseconds */
	lg_uuid id;
	enum sts_mail_kind kind;
	lg_uuid subject;		/* not of STS_MAIL_ASKED */
	lg_str text;			/* ASKED: the name; NOTICE: what happened, as in "mail.<text>" of the messages */
	lg_str address, language;	/* where it was done or asked for; of the page */
	int64_t since;			/* when */
	uint8_t attempts;
};
extern const struct lg_table sts_mails;

/* Inside a mutation.  LG_E_LIMIT: too many wait. */
LG_CHECKED lg_err sts_mail_put(struct lg_ctx *cx, struct lg_view *v, const struct sts_mail *m);
bool sts_mail_read(struct lg_arena *a, lg_str key, lg_str row, struct sts_mail *ret);
/* Inside a mutation: tells a person what was done to their account, if the tenant wants that.  A full outbox is no error. */
LG_CHECKED lg_err sts_mail_notice(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const char *what);

LG_CHECKED lg_err sts_mail_counts_new(struct lg_ctx *cx, struct sts_mail_counts **ret);	/* freed by free(3); mail_send.c */

/* ---- mail_text.c ------------------------------------------------------------------------------------------------------ */

struct sts_letter {
	const struct sts_mail_settings *from;
	lg_str to, language, issuer;
	const struct lg_sts_subject *subject;
	const char *what;		/* messages mail.<what>.subject, mail.<what>.text */
	lg_str link;			/* empty: none */
	lg_str until, at, address;	/* for the texts: when the link ends; when it was done, and from where */
};
/* The whole message (RFC 5322), plain text in UTF-8. */
LG_CHECKED lg_err sts_letter_write(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_letter *l, lg_str *ret);

/* ---- link.c: links with which a password is set -------------------------------------------------------------------------- */

#define STS_LINKS_HOUR	3		/* that one account is sent within an hour because somebody asked */
#define STS_LINK_PAUSE	(2 * LG_MINUTE)	/* ... and between two of them */

enum sts_link_kind { STS_LINK_ASKED = 1, STS_LINK_GIVEN };	/* each account has at most one of each */
struct sts_link {
	enum sts_link_kind kind;
	lg_uuid subject;
	lg_sha256 token;		/* of its text */
	lg_sha256 password;		/* of the verifier then: another one, and the link is void */
	lg_str mail;			/* the address that it went to; empty: an administrator has it */
	int64_t made, expires;		/* microseconds */
	int64_t window;			/* ASKED: since when ... */
	uint32_t sent;			/* ... so many were made */
	bool again;			/* not stored: the one before did not get through, and is not counted */
};
extern const struct lg_table sts_password_links, sts_proved_mails;

/* Inside a mutation: a new one instead of the one before; its URL.  LG_E_LIMIT: the account had enough of them. */
LG_CHECKED lg_err sts_link_make(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, struct sts_link *l, lg_str *url);
/* A good one, by its token; LG_E_EXPIRED, whatever is wrong with it. */
LG_CHECKED lg_err sts_link_open(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_str token, struct sts_link *ret,
    struct lg_sts_subject *subject);
/* Inside a mutation: it was used.  An address that it went to is a proved one from now on. */
LG_CHECKED lg_err sts_link_spend(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_link *l);
LG_CHECKED lg_err sts_links_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject);

#endif
