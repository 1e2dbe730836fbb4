/* acme_answer.c: answers and problem documents (RFC 8555 6.5, 6.7), the directory, nonces. */
#include <stdarg.h>

#include "base/clock.h"
#include "certs/acme.h"
#include "certs/acme_limits.h"

#define ERROR_URN "urn:ietf:params:acme:error:"

lg_err
lg_acme_fail(struct lg_acme *q, int status, const char *type, const char *fmt, ...)
{
	va_list ap;
	lg_str text;

	va_start(ap, fmt);
	text = lg_vprint(q->cx->arena, fmt, ap);
	va_end(ap);
	q->type = type;
	q->status = status;
	return lg_fail(q->cx, LG_E_INVALID, "%.*s", LG_FMT(text));
}

lg_err
lg_acme_limit(struct lg_acme *q, enum lg_acme_limit which, lg_str whose, bool take)
{
	static const char *const what[LG_ACME_LIMITS] = {
		[LG_ACME_ACCOUNTS_ADDRESS] = "accounts of one address", [LG_ACME_ORDERS_ACCOUNT] = "orders of one account",
		[LG_ACME_ORDERS_NAME] = "orders for one name", [LG_ACME_FAILED_ACCOUNT] = "failed challenges of one account",
		[LG_ACME_FAILED_NAME] = "failed challenges of one account for one name",
	};
	struct lg_acme_limits *l = q->c->acme_limits;
	int64_t again;

	if ((take ? lg_acme_limits_take : lg_acme_limits_left)(l, which, q->ex->tenant, whose, q->cx->now, &again))
		return LG_OK;
	q->retry = again - q->cx->now;
	return lg_acme_fail(q, 429, "rateLimited", "more than %u %s in an hour", q->c->ports.acme_limits[which], what[which]);
}

/* ---- problems ---------------------------------------------------------------------------------------- */

static const struct {
	lg_err e;
	int status;
	const char *type;
} problems[] = {
	{ LG_E_INVALID,         400, "malformed" },
	{ LG_E_UNSUPPORTED,     400, "malformed" },
	{ LG_E_EXISTS,          409, "malformed" },
	{ LG_E_CONFLICT,        409, "malformed" },
	{ LG_E_NOT_FOUND,       404, "malformed" },
	{ LG_E_UNAUTHENTICATED, 403, "unauthorized" },
	{ LG_E_DENIED,          403, "unauthorized" },
	{ LG_E_EXPIRED,         403, "unauthorized" },
	{ LG_E_LIMIT,           413, "malformed" },
	{ LG_E_BUSY,            503, "serverInternal" },
	{ LG_E_UNAVAILABLE,     503, "serverInternal" },
	{ LG_E_RETRY,           503, "serverInternal" },
};

static void
put_members(struct lg_jsonw *w, lg_str type, lg_str detail, int status)
{
	char urn[96];
	size_t n = sizeof ERROR_URN - 1;

	memcpy(urn, ERROR_URN, n);
	if (type.n > sizeof urn - n)
		type.n = sizeof urn - n;
	memcpy(urn + n, type.p, type.n);
	lg_jsonw_str_of(w, "type", (lg_str){ urn, n + type.n });
	lg_jsonw_str_of(w, "detail", detail);
	lg_jsonw_int_of(w, "status", status);
}

void
lg_acme_problem_put(struct lg_jsonw *w, lg_str type, lg_str detail, int status)
{
	lg_jsonw_object(w);
	put_members(w, type, detail, status);
	lg_jsonw_object_end(w);
}

/* RFC 8555 6.2 */
static void
put_algorithms(struct lg_jsonw *w)
{
	lg_jsonw_name(w, LG_STR("algorithms"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < lg_acme_nalgs; i++)
		lg_jsonw_str(w, lg_alg_name(lg_acme_algs[i]));
	lg_jsonw_array_end(w);
}

static lg_err
problem(struct lg_acme *q, lg_err e)
{
	struct lg_http *ex = q->ex;
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	int status = 500;
	const char *type = "serverInternal";

	for (size_t i = 0; i < LG_COUNT(problems); i++)
		if (problems[i].e == e) {
			status = problems[i].status;
			type = problems[i].type;
		}
	if (q->type != NULL) {
		status = q->status;
		type = q->type;
	}
	lg_buf_clear(&ex->out);
	ex->status = status;
	lg_http_type(ex, "application/problem+json");
	if (status == 429)
		lg_http_header(ex, "Retry-After", lg_print(q->cx->arena, "%lld", (long long)(q->retry / LG_SECOND + 1)));
	lg_jsonw_object(&w);
	/* Our own faults are the log's business, not the client's. */
	put_members(&w, lg_str_of(type), status == 500 ? LG_STR("internal error") : lg_str_of(q->cx->error), status);
	if (strcmp(type, "badSignatureAlgorithm") == 0)
		put_algorithms(&w);
	lg_jsonw_object_end(&w);
	return lg_buf_status(q->cx, &ex->out);
}

/* ---- every answer -------------------------------------------------------------------------------------- */

static lg_err
begin(struct lg_acme *q)
{
	struct lg_http *ex = q->ex;

	LG_TRY(lg_trust_tenant(ex->cx, q->trust, ex->tenant, &q->ca));
	if (q->c->ports.net.http == NULL)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "ACME is not offered here");
	q->base = lg_cat(ex->cx->arena, q->ca->au.issuer, LG_STR("/acme"));
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_http_header(ex, "Link", lg_print(ex->cx->arena, "<%.*s/directory>;rel=\"index\"", LG_FMT(q->base)));
	return LG_OK;
}

/* Of the handler's result, the answer. */
static lg_err
end(struct lg_acme *q, lg_err e)
{
	if (q->who != LG_ACME_NOBODY)
		lg_http_header(q->ex, "Replay-Nonce", lg_acme_nonce_new(q->c->nonces, q->cx->arena));
	if (e != LG_OK)
		e = problem(q, e);
	lg_pubkey_unref(&q->key);
	lg_trust_release(&q->trust);
	return e;
}

lg_err
lg_acme_serve(void *self, struct lg_http *ex, enum lg_acme_who who, lg_acme_run *run)
{
	struct lg_acme *q = LG_NEW(ex->cx->arena, struct lg_acme);
	lg_err e;

	*q = (struct lg_acme){ .c = self, .ex = ex, .cx = ex->cx, .trust = lg_trust_hold(self), .who = who };
	e = begin(q);
	if (e != LG_OK) {
		lg_trust_release(&q->trust);
		return e;
	}
	if (who != LG_ACME_NOBODY)
		e = lg_acme_read(q, who);
	if (e == LG_OK)
		e = run(q);
	return e == LG_PENDING ? e : end(q, e);
}

void
lg_acme_ended(struct lg_acme *q, lg_err e)
{
	struct lg_http *ex = q->ex;

	lg_http_ended(ex, end(q, e));
}

/* ---- changes ------------------------------------------------------------------------------------------- */

struct change {
	struct lg_acme *q;
	lg_mutation *run;
	lg_acme_finish *finish;
	void *arg;
};

static lg_err
run_change(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;

	return c->run(cx, v, c->arg);
}

static void
changed(void *arg, lg_err e)
{
	struct change *c = arg;

	lg_acme_ended(c->q, e == LG_OK ? c->finish(c->q, c->arg) : e);
}

lg_err
lg_acme_apply(struct lg_acme *q, const char *operation, lg_mutation *run, lg_acme_finish *finish, void *arg)
{
	const struct lg_certs_ports *ports = &q->c->ports;
	struct change *c;

	if (ports->mailbox == NULL) {
		LG_TRY(lg_store_apply(q->cx, ports->store, q->ex->tenant, operation, run, arg, NULL));
		return finish(q, arg);
	}
	c = LG_NEW(q->cx->arena, struct change);
	*c = (struct change){ .q = q, .run = run, .finish = finish, .arg = arg };
	return lg_store_later(q->cx, ports->store, q->ex->tenant, operation, run_change, changed, c, ports->mailbox(ports->callers, q->ex));
}

struct lg_jsonw
lg_acme_begin(struct lg_acme *q, int status)
{
	struct lg_jsonw w = lg_jsonw_of(&q->ex->out);

	q->ex->status = status;
	lg_http_type(q->ex, "application/json");
	lg_jsonw_object(&w);
	return w;
}

lg_err
lg_acme_end(struct lg_acme *q, struct lg_jsonw *w)
{
	lg_jsonw_object_end(w);
	return lg_buf_status(q->cx, &q->ex->out);
}

void
lg_acme_url(struct lg_acme *q, struct lg_jsonw *w, const char *name, const char *fmt, ...)
{
	va_list ap;
	lg_str path;

	va_start(ap, fmt);
	path = lg_vprint(q->cx->arena, fmt, ap);
	va_end(ap);
	if (name != NULL)
		lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_str(w, lg_cat(q->cx->arena, q->base, path));
}

lg_str
lg_acme_status_name(enum lg_acme_status s)
{
	static const char *const names[] = {
		[LG_ACME_PENDING] = "pending", [LG_ACME_READY] = "ready", [LG_ACME_PROCESSING] = "processing", [LG_ACME_VALID] = "valid",
		[LG_ACME_INVALID] = "invalid", [LG_ACME_DEACTIVATED] = "deactivated", [LG_ACME_EXPIRED] = "expired",
		[LG_ACME_REVOKED] = "revoked",
	};

	return lg_str_of(names[s]);
}

lg_str
lg_acme_account_url(struct lg_acme *q, lg_uuid id)
{
	return lg_print(q->cx->arena, "%.*s/account/%.*s", LG_FMT(q->base), LG_FMT(lg_acme_id(q->cx->arena, id)));
}

/* ---- directory and nonces --------------------------------------------------------------------------------- */

static lg_err
run_directory(struct lg_acme *q)
{
	static const char *const members[][2] = {
		{ "newNonce", "/new-nonce" }, { "newAccount", "/new-account" }, { "newOrder", "/new-order" }, { "revokeCert", "/revoke-cert" },
		{ "keyChange", "/key-change" }, { "renewalInfo", "/renewal-info" },
	};
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_subject entry;
	struct lg_jsonw w;
	lg_err e;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	e = lg_acme_open_entry(q, v, &entry);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	w = lg_acme_begin(q, 200);
	for (size_t i = 0; i < LG_COUNT(members); i++)
		lg_acme_url(q, &w, members[i][0], "%s", members[i][1]);
	lg_jsonw_name(&w, LG_STR("meta"));
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "externalAccountRequired", e == LG_E_NOT_FOUND);
	if (q->c->ports.caa_identity.n > 0) {
		lg_jsonw_name(&w, LG_STR("caaIdentities"));
		lg_jsonw_array(&w);
		lg_jsonw_str(&w, q->c->ports.caa_identity);
		lg_jsonw_array_end(&w);
	}
	lg_jsonw_name(&w, LG_STR("profiles"));
	lg_jsonw_object(&w);
	LG_TRY(lg_acme_profiles_put(q, v, &w));
	lg_jsonw_object_end(&w);
	lg_jsonw_object_end(&w);
	return lg_acme_end(q, &w);
}

lg_err
lg_acme_directory(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_NOBODY, run_directory);
}

/* RFC 8555 7.2: 200 to HEAD, 204 to GET. */
static lg_err
run_new_nonce(struct lg_acme *q)
{
	q->ex->status = lg_str_eq(q->ex->method, LG_STR("HEAD")) ? 200 : 204;
	lg_http_header(q->ex, "Replay-Nonce", lg_acme_nonce_new(q->c->nonces, q->cx->arena));
	return LG_OK;
}

lg_err
lg_acme_new_nonce(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_NOBODY, run_new_nonce);
}
