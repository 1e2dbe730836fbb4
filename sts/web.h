/* web.h: what pages are made of: the files of web/, and the messages in each language. */
#ifndef LG_STS_WEB_H
#define LG_STS_WEB_H

#include "sts/sts.h"

#define STS_LANGUAGES	32	/* files web/messages.* */

struct sts_message_row {
	lg_str key, text;
};

struct sts_language {
	lg_str tag;			/* BCP 47: "en" */
	struct sts_message_row *rows;	/* by key */
	size_t n;
};

struct sts_web {
	const struct lg_sts_file *files;
	size_t nfiles;
	lg_str style, script;
	lg_str style_hash;		/* 'sha256-...' of the style sheet, for the policy header */
	struct sts_language languages[STS_LANGUAGES];	/* English first */
	size_t nlanguages;
};

/* LG_E_INVALID names the line of a messages file that is none.  Lives in the arena. */
LG_CHECKED lg_err sts_web_new(struct lg_ctx *cx, struct lg_arena *a, const struct lg_sts_file *files, size_t n, struct sts_web **ret);
lg_str sts_web_file(const struct sts_web *w, const char *page);	/* web/<page>.html; empty if there is none */
/* The text of a message in the request's language; English where that has none, the key where English has none. */
lg_str sts_text_of(struct sts_rq *rq, lg_str key);

#endif
