/* sts.c: the service itself: made once, shared by all threads. */
#include "sts/sts.h"

#include <stdlib.h>

#include "base/text.h"

/* CSP3 2.3.1: what the one style sheet of our pages is known by. */
static lg_str
hash_style(struct lg_arena *a, lg_str css)
{
	lg_sha256 h = lg_sha256_of(css);
	lg_str text = lg_base64(a, lg_sha256_str(&h));

	return lg_print(a, "'sha256-%.*s'", LG_FMT(text));
}

lg_err
lg_sts_new(struct lg_ctx *cx, const struct lg_sts_options *o, struct lg_sts **ret)
{
	LG_AUTO(lg_sts_free) struct lg_sts *sts = calloc(1, sizeof *sts);

	if (sts == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no memory");
	sts->arena = lg_arena_new();
	sts->store = o->store;
	sts->ports = o->ports;
	sts->decider = o->decider;
	sts->signer = o->signer;
	sts->hasher = o->hasher;
	sts->login_html = o->login_html;
	sts->message_html = o->message_html;
	sts->logout_html = o->logout_html;
	sts->device_html = o->device_html;
	sts->confirm_html = o->confirm_html;
	sts->style_css = o->style_css;
	sts->style_hash = hash_style(sts->arena, o->style_css);
	LG_TRY(sts_caches_new(cx, &sts->caches));
	LG_TRY(sts_throttle_new(cx, &sts->throttle));
	LG_TRY(sts_replay_new(cx, &sts->replay));
	LG_TRY(sts_replay_new(cx, &sts->proofs));
	*ret = sts;
	sts = NULL;
	return LG_OK;
}

void
lg_sts_free(struct lg_sts **sts)
{
	if (*sts == NULL)
		return;
	sts_caches_free(&(*sts)->caches);
	sts_throttle_free(&(*sts)->throttle);
	sts_replay_free(&(*sts)->replay);
	sts_replay_free(&(*sts)->proofs);
	lg_arena_free(&(*sts)->arena);
	free(*sts);
	*sts = NULL;
}
