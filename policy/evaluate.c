/* evaluate.c: one expression from text over one request. */
#include "policy/eval.h"

#include "base/map.h"

lg_err
lg_policy_evaluate(struct lg_ctx *cx, lg_str expression, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_value *ret)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_map names;
	uint32_t nnames = 0;
	struct lg_parser ps = { .arena = cx->arena, .names = &names, .nnames = &nnames };
	struct lg_expr *x;
	struct lg_eval ev;

	lg_map_init(&names, cx->arena);
	lg_lex_init(&ps.lx, cx, LG_STR("expression"), expression, &faults);
	x = lg_parse_expr(&ps);
	if (x != NULL && ps.lx.tok.type != T_END)
		lg_lex_unexpected(&ps.lx, "an operator or the end");
	LG_TRY(lg_fault_status(cx, &faults));
	lg_eval_init(&ev, cx, entities, NULL, rq);
	if (!lg_eval(&ev, x, ret))
		return lg_fail(cx, ev.unknown ? LG_E_UNAVAILABLE : LG_E_INVALID, "%.*s", LG_FMT(ev.error));
	return LG_OK;
}
