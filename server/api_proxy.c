/*
 * api_proxy.c: a proxy asks whether a request may reach the service behind it.
 *
 *	/v1/proxy/auth_request/SERVICE		nginx's auth_request, HAProxy's http-request: the request is in X-Original-Method and -URI
 *	/v1/proxy/auth_request_cert/SERVICE	the same for a proxy that checks client certificates: X-Client-Cert has it, PEM, percent-encoded
 *	/v1/proxy/ext_authz/SERVICE/...		Envoy's HTTP ext_authz: method and path are the request's own, behind the path_prefix
 *
 * 200 lets it through, with who it is in headers; 401 wants a token, 403 is no, and whatever else is a failure, which a proxy refuses
 * too.  What headers say is believed because the proxy proves who it is, by its certificate or on the socket.
 */
#include "base/text.h"
#include "server/app_own.h"
#include "server/pending.h"
#include "server/point.h"

struct visit {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller proxy;
	lg_str service, method, target, host, certificate;	/* certificate: DER of the client's; empty without */
	lg_str path;						/* of target, decoded */
	struct lg_recognised by;
	struct lg_sts_bearer bearer;
	struct lg_evaluation asked;
	struct lg_access access;
};

/* ---- the request that is asked about ----------------------------------------------------------------------------- */

/* One reader decodes once more, another cleans, a third passes over what stands behind a ';' (servlets: "/admin;x", "/..;/"): a path on which they could
 * differ is refused. */
static bool
is_plain(lg_str path)
{
	static const char *const doubtful[] = { "//", "/./", "/../", ";", "\\", "%", "\r", "\n" };

	for (size_t i = 0; i < LG_COUNT(doubtful); i++)
		if (path.n > 0 && memmem(path.p, path.n, doubtful[i], strlen(doubtful[i])) != NULL)
			return false;
	return lg_str_starts(path, LG_STR("/")) && memchr(path.p, '\0', path.n) == NULL && !lg_str_ends(path, LG_STR("/..")) &&
	    !lg_str_ends(path, LG_STR("/.")) && lg_utf8_valid(path);
}

static lg_err
read_path(struct visit *q)
{
	struct lg_ctx *cx = q->ex->cx;
	lg_str raw, query;

	(void)lg_str_cut(q->target, '?', &raw, &query);
	if (!lg_percent_parse(cx->arena, raw, false, &q->path) || !is_plain(q->path))
		return lg_fail(cx, LG_E_DENIED, "a path that could be read in two ways");
	return LG_OK;
}

static lg_err
read_original(struct visit *q)
{
	struct lg_http *ex = q->ex;

	q->service = ex->tail;
	q->method = ex->header(ex, "X-Original-Method");
	q->target = ex->header(ex, "X-Original-URI");
	q->host = ex->header(ex, "X-Original-Host");
	if (q->method.n == 0 || q->target.n == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "X-Original-Method and X-Original-URI must say what is asked about");
	return read_path(q);
}

static lg_err
read_certificate(struct visit *q)
{
	struct lg_http *ex = q->ex;
	lg_str text = ex->header(ex, "X-Client-Cert"), pem;

	if (text.n == 0)
		return LG_OK;
	if (!lg_percent_parse(ex->cx->arena, text, false, &pem) || !lg_pem_parse(ex->cx->arena, pem, LG_STR("CERTIFICATE"), &q->certificate, NULL))
		return lg_fail(ex->cx, LG_E_INVALID, "X-Client-Cert is not a percent-encoded certificate");
	return LG_OK;
}

/* The server has decoded and cleaned the path already, and would have refused what it could not. */
static lg_err
read_own(struct visit *q)
{
	lg_str rest;

	(void)lg_str_cut(q->ex->tail, '/', &q->service, &rest);
	q->method = q->ex->method;
	q->path = lg_cat(q->ex->cx->arena, LG_STR("/"), rest);
	q->host = q->ex->header(q->ex, "Host");
	return is_plain(q->path) ? LG_OK : lg_fail(q->ex->cx, LG_E_DENIED, "a path that could be read in two ways");
}

/* ---- who sends it ---------------------------------------------------------------------------------------------------- */

static lg_err
by_token(struct visit *q, struct lg_view *v, lg_str token)
{
	LG_TRY(lg_sts_token_check(q->ex->cx, q->app->sts, v, q->proxy.tenant->id, token, q->service, q->certificate, &q->bearer));
	q->by.subject = (struct lg_entity_id){ q->bearer.subject.type, q->bearer.subject.id, q->bearer.subject.name };
	q->by.claims = &q->bearer.claims;
	return LG_OK;
}

static lg_err
by_certificate(struct visit *q, struct lg_view *v)
{
	struct lg_certs_peer peer;

	LG_TRY(lg_certs_peer(q->ex->cx, q->app->certs, v, q->certificate, &peer));
	if (peer.tenant != q->proxy.tenant->id)
		return lg_fail(q->ex->cx, LG_E_UNAUTHENTICATED, "the certificate belongs to another tenant");
	q->by.subject = (struct lg_entity_id){ peer.type, peer.id, peer.name };
	return LG_OK;
}

static lg_err
recognise(struct visit *q, struct lg_view *v)
{
	lg_str token = lg_sts_bearer_of(q->ex->header(q->ex, "Authorization"));

	q->by.proof = "token";
	if (token.n > 0)
		return by_token(q, v, token);
	if (q->certificate.n > 0)
		return by_certificate(q, v);
	return lg_fail(q->ex->cx, LG_E_UNAUTHENTICATED, "a token for %.*s is needed", LG_FMT(q->service));
}

/* ---- the answer --------------------------------------------------------------------------------------------------------- */

static bool
is_reading(lg_str method)
{
	return lg_str_eq(method, LG_STR("GET")) || lg_str_eq(method, LG_STR("HEAD")) || lg_str_eq(method, LG_STR("OPTIONS"));
}

static lg_err
decide(struct visit *q, struct lg_view *v)
{
	struct lg_fact *m = LG_NEWS(q->ex->cx->arena, struct lg_fact, 3);
	struct lg_fact http = { .name = "http", .type = LG_FACT_RECORD, .record = m, .n = 3 };

	m[0] = lg_fact_str("method", q->method);
	m[1] = lg_fact_str("host", q->host);
	m[2] = lg_fact_str("path", q->path);
	q->by.fact = &http;
	q->asked = (struct lg_evaluation){ .action = is_reading(q->method) ? LG_STR("http:read") : LG_STR("http:write"),
		.resource_type = LG_STR("Service"), .resource_id = q->service };
	lg_err e = lg_access_decide_for(q->app, q->ex, v, &q->proxy, &q->asked, &q->by, &q->access);
	q->by.fact = NULL;
	return e;
}

static void
answer(struct lg_pending *p, void *arg)
{
	struct visit *q = arg;
	struct lg_http *ex = q->ex;
	char id[LG_UUID_TEXT + 1];

	if (lg_pending_error(p) != LG_OK) {
		lg_problem(ex, lg_pending_error(p));
		return;
	}
	lg_http_header(ex, "X-Lightgate-Decision", lg_str_of(q->access.id));
	if (!q->access.verdict.permit) {
		lg_problem_status(ex, 403, "denied", q->access.verdict.reason);
		return;
	}
	lg_uuid_text(q->by.subject.id, id);
	lg_http_header(ex, "X-Lightgate-Type", q->by.subject.type);
	lg_http_header(ex, "X-Lightgate-Name", q->by.subject.name);
	lg_http_header(ex, "X-Lightgate-Subject", lg_str_of(id));
}

/* The client's fault is the client's to see; the proxy's own, like one that may not ask, is a failure. */
static lg_err
refuse(struct lg_http *ex, lg_err e)
{
	if (e != LG_E_UNAUTHENTICATED && e != LG_E_EXPIRED)
		return e;
	lg_http_header(ex, "WWW-Authenticate", LG_STR("Bearer error=\"invalid_token\""));
	lg_problem_status(ex, 401, "unauthenticated", lg_dup(ex->cx->arena, lg_str_of(ex->cx->error)));
	return LG_OK;
}

static lg_err
run(struct lg_app *app, struct lg_http *ex, lg_err (*read)(struct visit *), bool certificates)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct visit *q = LG_NEW(ex->cx->arena, struct visit);

	q->app = app;
	q->ex = ex;
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	if (lg_caller_by_transport(app, ex, v, &q->proxy) != LG_OK)
		return lg_fail(ex->cx, LG_E_DENIED, "a proxy shows its own certificate, or asks on the socket");
	LG_TRY(read(q));
	if (certificates)
		LG_TRY(read_certificate(q));
	lg_err e = recognise(q, v);
	if (e != LG_OK)
		return refuse(ex, e);
	LG_TRY(decide(q, v));
	struct lg_pending *p = lg_pending_new(app, ex, answer, q);
	lg_str none = LG_NONE;
	lg_pending_add(p, &q->access, &q->proxy, &none);
	return lg_pending_seal(p);
}

static lg_err
auth_request(void *self, struct lg_http *ex)
{
	return run(self, ex, read_original, false);
}

static lg_err
auth_request_cert(void *self, struct lg_http *ex)
{
	return run(self, ex, read_original, true);
}

static lg_err
ext_authz(void *self, struct lg_http *ex)
{
	return run(self, ex, read_own, false);
}

#define SURFACES	(LG_SURFACE_MTLS | LG_SURFACE_UNIX)
#define ANY(path, run) \
	{ "GET", path, SURFACES, LG_ON_LOOP, 0, run }, { "HEAD", path, SURFACES, LG_ON_LOOP, 0, run }, \
	{ "POST", path, SURFACES, LG_ON_LOOP, 0, run }, { "PUT", path, SURFACES, LG_ON_LOOP, 0, run }, \
	{ "PATCH", path, SURFACES, LG_ON_LOOP, 0, run }, { "DELETE", path, SURFACES, LG_ON_LOOP, 0, run }, \
	{ "OPTIONS", path, SURFACES, LG_ON_LOOP, 0, run }

const struct lg_route lg_api_proxy_routes[] = {
	ANY("/v1/proxy/auth_request/*", auth_request),
	ANY("/v1/proxy/auth_request_cert/*", auth_request_cert),
	ANY("/v1/proxy/ext_authz/*", ext_authz),
};
const size_t lg_api_proxy_nroutes = LG_COUNT(lg_api_proxy_routes);
