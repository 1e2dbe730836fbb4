/* sts.c: the service itself: made once, shared by all threads. */
#include "sts/sts.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "sts/ldap.h"
#include "sts/mail.h"
#include "sts/web.h"

static _Atomic uint64_t made = 1;

lg_err
lg_sts_new(struct lg_ctx *cx, const struct lg_sts_options *o, struct lg_sts **ret)
{
	LG_AUTO(lg_sts_free) struct lg_sts *sts = calloc(1, sizeof *sts);

	if (sts == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no memory");
	sts->arena = lg_arena_new();
	sts->instance = atomic_fetch_add(&made, 1);
	sts->store = o->store;
	sts->ports = o->ports;
	sts->decider = o->decider;
	sts->signer = o->signer;
	sts->hasher = o->hasher;
	sts->outside = o->outside;
	sts->mailer = o->mailer;
	sts->workers = o->workers;
	LG_TRY(sts_web_new(cx, sts->arena, o->files, o->nfiles, &sts->web));
	LG_TRY(sts_mail_counts_new(cx, &sts->mail_counts));
	LG_TRY(sts_foreign_new(cx, &sts->foreign));
	LG_TRY(sts_silent_new(cx, &sts->silent));
	LG_TRY(sts_kept_new(cx, &sts->tokens));
	LG_TRY(sts_kept_new(cx, &sts->answers));
	LG_TRY(sts_throttle_new(cx, &sts->throttle));
	LG_TRY(sts_shares_new(cx, STS_SHARE, LG_SECOND, &sts->shares));
	LG_TRY(sts_shares_new(cx, STS_REFUSALS, STS_REFUSALS_EVERY, &sts->refusals));
	LG_TRY(sts_shares_new(cx, STS_ALL_REFUSALS, LG_SECOND, &sts->all_refusals));
	LG_TRY(sts_replay_new(cx, &sts_replay_assertions, &sts->replay));
	LG_TRY(sts_replay_new(cx, &sts_replay_proofs, &sts->proofs));
	*ret = sts;
	sts = NULL;
	return LG_OK;
}

void
lg_sts_free(struct lg_sts **sts)
{
	if (*sts == NULL)
		return;
	sts_foreign_free(&(*sts)->foreign);
	sts_silent_free(&(*sts)->silent);
	sts_kept_free(&(*sts)->tokens);
	sts_kept_free(&(*sts)->answers);
	sts_throttle_free(&(*sts)->throttle);
	sts_shares_free(&(*sts)->shares);
	sts_shares_free(&(*sts)->refusals);
	sts_shares_free(&(*sts)->all_refusals);
	sts_replay_free(&(*sts)->replay);
	sts_replay_free(&(*sts)->proofs);
	free((*sts)->mail_counts);
	lg_arena_free(&(*sts)->arena);
	free(*sts);
	*sts = NULL;
}
