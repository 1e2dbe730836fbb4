/* Lines of the decision log: never a crash; what is read and written again says the same and stays so. */
#include <stdlib.h>

#include "server/decision_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lg_str
write_again(struct lg_ctx *cx, const struct lg_past *past)
{
	cx->actor = &past->asker;
	return lg_decision_body(cx, &past->question, &past->verdict, past->id, past->proof);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_past first, second;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_decision_parse(&cx, (lg_str){ (const char *)data, size }, &first) != LG_OK || first.masked)
		return 0;
	lg_str once = write_again(&cx, &first);
	if (lg_decision_parse(&cx, once, &second) != LG_OK)
		abort();
	if (second.masked || !second.whole)
		return 0;
	lg_str twice = write_again(&cx, &second);
	if (!lg_str_eq(once, twice) || second.question.ncontext != first.question.ncontext || second.question.nfacts != first.question.nfacts)
		abort();
	return 0;
}
