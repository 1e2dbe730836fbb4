#include "server/clock_guard.h"

lg_str
lg_clock_complaint(enum lg_clock_state state)
{
	switch (state) {
	case LG_CLOCK_AHEAD:
		return LG_STR("the clock has jumped ahead: nothing is issued until `lightgated tool clock accept`");
	case LG_CLOCK_BACK:
		return LG_STR("the clock stands before the last record: nothing is issued until it is set or accepted by "
		    "`lightgated tool clock accept`");
	case LG_CLOCK_FINE:
		break;
	}
	return LG_NONE;
}

static lg_err
believed(struct lg_clock_guard *g, struct lg_ctx *cx)
{
	lg_str why = lg_clock_complaint(g->state(g->store));

	return why.n == 0 ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "%.*s", LG_FMT(why));
}

lg_err
lg_clock_believed(struct lg_clock_guard *g, struct lg_ctx *cx)
{
	return cx->actor->kind == LG_ACTOR_SYSTEM ? LG_OK : believed(g, cx);
}

static lg_err
token(void *self, const struct lg_token_request *rq, lg_keeper_done *done, void *arg)
{
	struct lg_clock_guard *g = self;

	if (g->state(g->store) != LG_CLOCK_FINE)
		return LG_E_UNAVAILABLE;
	return g->inner.token(g->inner.self, rq, done, arg);
}

static lg_err
token_wait(void *self, struct lg_ctx *cx, const struct lg_token_request *rq, lg_str *ret)
{
	struct lg_clock_guard *g = self;

	LG_TRY(believed(g, cx));
	return g->inner.token_wait(g->inner.self, cx, rq, ret);
}

static lg_err
certificate_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *der)
{
	struct lg_clock_guard *g = self;

	LG_TRY(lg_clock_believed(g, cx));
	return g->inner.certificate_wait(g->inner.self, cx, tenant, tbs, der);
}

static lg_err
ssh_wait(void *self, struct lg_ctx *cx, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_str *cert)
{
	struct lg_clock_guard *g = self;

	LG_TRY(believed(g, cx));
	return g->inner.ssh_wait(g->inner.self, cx, tenant, purpose, tbs, cert);
}

static lg_err
crl_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig)
{
	struct lg_clock_guard *g = self;

	return g->inner.crl_wait(g->inner.self, cx, tenant, tbs, sig);
}

static lg_err
ocsp(void *self, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	struct lg_clock_guard *g = self;

	return g->inner.ocsp(g->inner.self, tenant, tbs, done, arg);
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	struct lg_clock_guard *g = self;

	return g->inner.data_key(g->inner.self, cx, tenant, ret);
}

void
lg_clock_guard(struct lg_clock_guard *g, struct lg_store *st, struct lg_signer *signer)
{
	*g = (struct lg_clock_guard){ *signer, lg_store_clock, st };
	*signer = (struct lg_signer){ .self = g, .token = token, .token_wait = token_wait, .certificate_wait = certificate_wait,
		.crl_wait = crl_wait, .ocsp = g->inner.ocsp == NULL ? NULL : ocsp, .ssh_wait = ssh_wait,
		.data_key = data_key };
}
