/* acme_authz.c: authorizations and challenges (RFC 8555 7.5): each belongs to one identifier of one order. */
#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"
#include "certs/names.h"

static const struct {
	enum lg_acme_kind kind;
	const char *name;
	bool ip;			/* also for addresses (RFC 8738) */
	bool wild;			/* also for wildcards: they speak for a whole zone (RFC 8555 7.1.3, 8.3) */
} kinds[] = {
	{ LG_ACME_HTTP, "http-01",     true,  false },
	{ LG_ACME_DNS,  "dns-01",      false, true },
	{ LG_ACME_ALPN, "tls-alpn-01", true,  false },
};

lg_str
lg_acme_kind_name(enum lg_acme_kind kind)
{
	for (size_t k = 0; k < LG_COUNT(kinds); k++)
		if (kinds[k].kind == kind)
			return lg_str_of(kinds[k].name);
	return LG_NONE;
}

static bool
wild(const struct lg_acme_name *n)
{
	return lg_str_starts(n->name, LG_STR("*."));
}

static bool
offered(const struct lg_acme_name *n, size_t k)
{
	return (!n->ip || kinds[k].ip) && (!wild(n) || kinds[k].wild);
}

lg_str
lg_acme_token(struct lg_arena *a, const struct lg_acme_order *o, size_t i, enum lg_acme_kind kind)
{
	char which[2] = { (char)i, (char)kind };
	lg_sha256 h = lg_sha256_pair((lg_str){ (const char *)o->seed, sizeof o->seed }, (lg_str){ which, sizeof which });

	return lg_base64url(a, lg_sha256_str(&h));
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void
put_challenge(struct lg_acme *q, struct lg_jsonw *w, const struct lg_acme_order *o, size_t i, size_t k)
{
	const struct lg_acme_name *n = &o->name[i];
	bool answered = n->by == kinds[k].kind;

	lg_jsonw_str_of(w, "type", lg_str_of(kinds[k].name));
	lg_acme_url(q, w, "url", "/challenge/%.*s/%zu/%s", LG_FMT(lg_acme_id(q->cx->arena, o->id)), i, kinds[k].name);
	lg_jsonw_str_of(w, "token", lg_acme_token(q->cx->arena, o, i, kinds[k].kind));
	lg_jsonw_str_of(w, "status", lg_acme_status_name(answered ? n->status : LG_ACME_PENDING));
	if (answered && n->status == LG_ACME_VALID)
		lg_jsonw_time_of(w, "validated", n->at);
	if (answered && n->error_type.n > 0) {
		lg_jsonw_name(w, LG_STR("error"));
		lg_acme_problem_put(w, n->error_type, n->error, 403);
	}
}

static lg_err
answer(struct lg_acme *q, const struct lg_acme_order *o, size_t i)
{
	const struct lg_acme_name *n = &o->name[i];
	bool late = q->cx->now > o->expires && (n->status == LG_ACME_PENDING || n->status == LG_ACME_VALID);
	struct lg_jsonw w = lg_acme_begin(q, 200);

	lg_jsonw_str_of(&w, "status", lg_acme_status_name(late ? LG_ACME_EXPIRED : n->status));
	lg_jsonw_time_of(&w, "expires", o->expires);
	lg_jsonw_name(&w, LG_STR("identifier"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "type", n->ip ? LG_STR("ip") : LG_STR("dns"));
	lg_jsonw_str_of(&w, "value", lg_dns_base(n->name));
	lg_jsonw_object_end(&w);
	if (wild(n))
		lg_jsonw_bool_of(&w, "wildcard", true);
	lg_jsonw_name(&w, LG_STR("challenges"));
	lg_jsonw_array(&w);
	for (size_t k = 0; k < LG_COUNT(kinds); k++) {
		if (!offered(n, k) || (n->by != 0 && n->by != kinds[k].kind))
			continue;	/* RFC 8555 7.1.4: once one is answered it alone is shown */
		lg_jsonw_object(&w);
		put_challenge(q, &w, o, i, k);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	return lg_acme_end(q, &w);
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

/* "<order>/<index>[/<rest>]" */
static lg_err
look(struct lg_acme *q, struct lg_acme_order *o, size_t *i, lg_str *rest)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str id, index;
	int64_t n;

	if (!lg_str_cut(q->ex->tail, '/', &id, &index))
		return lg_fail(q->cx, LG_E_NOT_FOUND, "no such resource");
	lg_str_cut(index, '/', &index, rest);
	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	LG_TRY(lg_acme_order_of(q, v, id, o));
	if (!lg_int_parse(index, &n) || n < 0 || (size_t)n >= o->nnames)
		return lg_fail(q->cx, LG_E_NOT_FOUND, "no such authorization");
	*i = (size_t)n;
	return LG_OK;
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

struct result {
	struct lg_acme *q;
	struct lg_acme_order o;		/* as it is, then as it is after */
	size_t i, k;			/* which name, and by which challenge */
	struct lg_acme_name name;	/* what became of it */
};

/* Only a pending authorization changes by a challenge; a deactivation ends any that is not over. */
static lg_err
run_result(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct result *r = arg;
	uint32_t tenant = r->q->ex->tenant;
	struct lg_acme_name *n = &r->o.name[r->i];
	bool deactivate = r->name.status == LG_ACME_DEACTIVATED;

	LG_TRY(lg_acme_order_get(cx, v, tenant, r->o.id, &r->o));
	if (n->status == LG_ACME_PENDING || (deactivate && n->status == LG_ACME_VALID && r->o.status == LG_ACME_PENDING)) {
		r->name.name = n->name;
		*n = r->name;
		LG_TRY(lg_acme_order_put(cx, v, tenant, &r->o));
	}
	lg_acme_order_keep(cx->arena, &r->o);
	return LG_OK;
}

static lg_err
record(struct result *r, lg_acme_finish *finish)
{
	return lg_acme_apply(r->q, "acme.authorization", run_result, finish, r);
}

/* ---- routes -------------------------------------------------------------------------------------------------------- */

static lg_err
wants_deactivation(struct lg_acme *q)
{
	lg_str name, status = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, q->cx->arena, q->jws.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("status")))
			status = lg_json_str(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(q->cx, &js));
	if (!lg_str_eq(status, LG_STR("deactivated")))
		return lg_acme_fail(q, 400, "malformed", "\"status\" can only become \"deactivated\"");
	return LG_OK;
}

static lg_err
answer_authz(struct lg_acme *q, void *arg)
{
	const struct result *r = arg;

	return answer(q, &r->o, r->i);
}

static lg_err
run_authz(struct lg_acme *q)
{
	struct result *r = LG_NEW(q->cx->arena, struct result);
	lg_str rest = LG_NONE;

	r->q = q;
	LG_TRY(look(q, &r->o, &r->i, &rest));
	if (q->get)
		return answer_authz(q, r);
	LG_TRY(wants_deactivation(q));
	r->name = r->o.name[r->i];
	r->name.status = LG_ACME_DEACTIVATED;
	return record(r, answer_authz);
}

lg_err
lg_acme_authz_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_authz);
}

static lg_err
challenge_of(struct lg_acme *q, const struct lg_acme_name *n, lg_str text, size_t *ret)
{
	for (size_t k = 0; k < LG_COUNT(kinds); k++)
		if (lg_str_eq(text, lg_str_of(kinds[k].name)) && offered(n, k)) {
			*ret = k;
			return LG_OK;
		}
	return lg_fail(q->cx, LG_E_NOT_FOUND, "no such challenge");
}

/* What failed for this account, and for this name of it: may it be tried again; it has failed again. */
static lg_err
limit_failed(struct lg_acme *q, const struct lg_acme_name *n, bool failed)
{
	lg_str account = lg_acme_account_key(q);

	LG_TRY(lg_acme_limit(q, LG_ACME_FAILED_ACCOUNT, account, failed));
	return lg_acme_limit(q, LG_ACME_FAILED_NAME, lg_cat(q->cx->arena, account, n->name), failed);
}

static lg_err
answer_challenge(struct lg_acme *q, void *arg)
{
	const struct result *r = arg;
	struct lg_jsonw w = lg_acme_begin(q, 200);

	lg_http_header(q->ex, "Link", lg_print(q->cx->arena, "<%.*s/authz/%.*s/%zu>;rel=\"up\"", LG_FMT(q->base),
	    LG_FMT(lg_acme_id(q->cx->arena, r->o.id)), r->i));
	put_challenge(q, &w, &r->o, r->i, r->k);
	return lg_acme_end(q, &w);
}

/* The look outside happens here, on the worker, between two snapshots; its answer is the challenge's. */
static lg_err
try_challenge(struct lg_acme *q, struct result *r)
{
	struct lg_acme_name *n = &r->name;

	*n = r->o.name[r->i];
	LG_TRY(limit_failed(q, n, false));
	lg_store_turn(q->c->ports.store);
	n->by = kinds[r->k].kind;
	n->at = q->cx->now;
	n->status = lg_acme_check(q, &r->o, r->i, kinds[r->k].kind, n) == LG_OK ? LG_ACME_VALID : LG_ACME_INVALID;
	/* What was tried at the same time may have reached the limit meanwhile: this one is over all the same. */
	if (n->status == LG_ACME_INVALID)
		(void)limit_failed(q, n, true);
	return record(r, answer_challenge);
}

static lg_err
run_challenge(struct lg_acme *q)
{
	struct result *r = LG_NEW(q->cx->arena, struct result);
	lg_str kind = LG_NONE;

	r->q = q;
	LG_TRY(look(q, &r->o, &r->i, &kind));
	LG_TRY(challenge_of(q, &r->o.name[r->i], kind, &r->k));
	if (!q->get && r->o.name[r->i].status == LG_ACME_PENDING && lg_acme_order_status(&r->o, q->cx->now) == LG_ACME_PENDING)
		return try_challenge(q, r);
	return answer_challenge(q, r);
}

lg_err
lg_acme_challenge_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_challenge);
}
