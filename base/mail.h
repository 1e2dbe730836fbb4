/*
 * mail.h: the port through which a component sends mail: server/ fills it with SMTP, tests with a list.
 */
#ifndef LG_BASE_MAIL_H
#define LG_BASE_MAIL_H

#include "lightgate/base.h"

struct lg_secret;

#define LG_MAIL_ADDRESS	254		/* octets of an address (RFC 5321 4.5.3.1.3) */
#define LG_MAIL_MAX	(64u << 10)	/* octets of a message */

enum lg_mail_security {
	LG_MAIL_STARTTLS = 1,		/* before anything is said; none, no mail (RFC 3207) */
	LG_MAIL_TLS,			/* from the first octet on (RFC 8314) */
	LG_MAIL_PLAIN			/* for a relay on this host or its own network; never with a password */
};

struct lg_mail_server {
	lg_str host;			/* the certificate must be for it */
	uint16_t port;
	enum lg_mail_security security;
	lg_str ca;			/* PEM of whom to believe; empty: the host's public CAs */
	lg_str username;		/* empty: none */
	const struct lg_secret *password;
	lg_str hello;			/* what we call ourselves: a domain */
};

struct lg_mail_message {
	lg_str from, to;		/* addresses of the envelope */
	lg_str text;			/* RFC 5322, lines end in CR LF */
};

struct lg_mailer {
	void *self;
	/* On a thread that may wait, LG_MAIL_TIME at most.  LG_E_DENIED: the server refused it for good; anything else may be tried again. */
	lg_err (*send)(void *self, struct lg_ctx *cx, const struct lg_mail_server *to, const struct lg_mail_message *m);
};
#define LG_MAIL_TIME	20		/* seconds */

#endif
