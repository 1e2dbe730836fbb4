/* outside.c: what is fetched from elsewhere because somebody asks for something that leads there. */
#include "sts/sts.h"

lg_err
sts_outside_ask(struct lg_ctx *cx, struct lg_sts *sts, const struct lg_web_request *ask, struct lg_web_reply *ret)
{
	lg_err e;

	if (__atomic_add_fetch(&sts->outside_waiting, 1, __ATOMIC_ACQ_REL) > STS_OUTSIDE_AT_ONCE)
		e = lg_fail(cx, LG_E_BUSY, "too many requests wait for other servers");
	else
		e = sts->outside.ask(sts->outside.self, cx, ask, ret);
	(void)__atomic_sub_fetch(&sts->outside_waiting, 1, __ATOMIC_ACQ_REL);
	return e;
}
