/*
 * memo.h: permits of the decision point that a loop's thread remembers: the same question, by the same asker from the same place,
 * is permitted as long as policies, entries and memberships are as they were.  Kept only while no policy in force reads
 * the clock.  Denials are decided anew each time.
 */
#ifndef LG_SERVER_MEMO_H
#define LG_SERVER_MEMO_H

#include "base/decide.h"
#include "server/answers.h"

/* Everything that a verdict can depend on and no revision covers, as bytes; empty if that is more than LG_ANSWER_KEY. */
lg_str lg_memo_key(struct lg_ctx *cx, const struct lg_question *q);
/* The verdict's strings are copied to cx's arena. */
bool lg_memo_get(struct lg_ctx *cx, struct lg_answers *as, struct lg_view *v, const struct lg_question *q, uint64_t policy, lg_str key,
    struct lg_verdict *ret);
void lg_memo_put(struct lg_answers *as, struct lg_view *v, const struct lg_question *q, uint64_t policy, lg_str key,
    const struct lg_verdict *verdict);

#endif
