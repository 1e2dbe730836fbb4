/* ctx.c: the request context and errors. */
#include "lightgate/base.h"

#include <stdio.h>

#include "base/clock.h"

const struct lg_actor lg_anonymous = { .kind = LG_ACTOR_ANONYMOUS, .name = { "anonymous", 9 } };
const struct lg_actor lg_system = { .kind = LG_ACTOR_SYSTEM, .name = { "system", 6 } };

static const char *const names[] = {
	[LG_OK] = "ok",
	[LG_PENDING] = "pending",
	[LG_E_INVALID] = "invalid",
	[LG_E_NOT_FOUND] = "not_found",
	[LG_E_EXISTS] = "exists",
	[LG_E_UNAUTHENTICATED] = "unauthenticated",
	[LG_E_DENIED] = "denied",
	[LG_E_CONFLICT] = "conflict",
	[LG_E_RETRY] = "retry",
	[LG_E_LIMIT] = "limit",
	[LG_E_BUSY] = "busy",
	[LG_E_UNAVAILABLE] = "unavailable",
	[LG_E_EXPIRED] = "expired",
	[LG_E_UNSUPPORTED] = "unsupported",
	[LG_E_FULL] = "full",
	[LG_E_IO] = "io",
	[LG_E_CORRUPT] = "corrupt",
	[LG_E_INTERNAL] = "internal",
};

const char *
lg_err_name(lg_err e)
{
	return (size_t)e < LG_COUNT(names) ? names[e] : "unknown";
}

void
lg_ctx_init(struct lg_ctx *cx, struct lg_arena *arena)
{
	cx->arena = arena;
	cx->now = lg_wall();
	cx->actor = &lg_anonymous;
	cx->error[0] = '\0';
}

lg_err
lg_fail(struct lg_ctx *cx, lg_err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cx->error, sizeof cx->error, fmt, ap);
	va_end(ap);
	return e;
}

lg_err
lg_fail_in(struct lg_ctx *cx, lg_err e, const char *what)
{
	char was[LG_ERROR_TEXT];

	memcpy(was, cx->error, sizeof was);
	snprintf(cx->error, sizeof cx->error, "%.100s: %.370s", what, was);
	return e;
}

lg_err
lg_cstr(struct lg_ctx *cx, lg_str s, const char **ret)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		return lg_fail(cx, LG_E_INVALID, "a NUL byte is not allowed here");
	*ret = lg_dup(cx->arena, s).p;
	return LG_OK;
}
