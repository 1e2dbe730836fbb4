/* problem.c: errors as RFC 9457 problem documents; the one place where an lg_err becomes an HTTP status. */
#include "base/json.h"
#include "server/http.h"

static const struct {
	lg_err e;
	int status;
} statuses[] = {
	{ LG_E_INVALID, 400 },
	{ LG_E_UNAUTHENTICATED, 401 },
	{ LG_E_EXPIRED, 401 },
	{ LG_E_DENIED, 403 },
	{ LG_E_NOT_FOUND, 404 },
	{ LG_E_EXISTS, 409 },
	{ LG_E_CONFLICT, 409 },
	{ LG_E_RETRY, 409 },
	{ LG_E_LIMIT, 422 },
	{ LG_E_UNSUPPORTED, 422 },
	{ LG_E_BUSY, 503 },
	{ LG_E_UNAVAILABLE, 503 },
	{ LG_E_FULL, 507 },
};

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 302, "Found" }, { 303, "See Other" },
	{ 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 409, "Conflict" }, { 410, "Gone" },
	{ 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" }, { 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 503, "Service Unavailable" }, { 507, "Insufficient Storage" },
};

int
lg_problem_status_of(lg_err e)
{
	for (size_t i = 0; i < LG_COUNT(statuses); i++)
		if (statuses[i].e == e)
			return statuses[i].status;
	return 500;
}

static const char *
reason_of(int status)
{
	for (size_t i = 0; i < LG_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

void
lg_problem_begin(struct lg_http *ex, struct lg_jsonw *w, int status, const char *code, lg_str detail)
{
	*w = lg_jsonw_of(&ex->out);
	lg_buf_clear(&ex->out);
	ex->status = status;
	lg_http_type(ex, "application/problem+json");
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "title", lg_str_of(reason_of(status)));
	lg_jsonw_int_of(w, "status", status);
	if (detail.n > 0)
		lg_jsonw_str_of(w, "detail", detail);
	lg_jsonw_str_of(w, "code", lg_str_of(code));
}

void
lg_problem_status(struct lg_http *ex, int status, const char *code, lg_str detail)
{
	struct lg_jsonw w;

	/* RFC 9110 11.6.1: a challenge goes with it; whoever looked at a token has said more. */
	if (status == 401 && lg_http_reply_header(ex, "WWW-Authenticate").n == 0)
		lg_http_header(ex, "WWW-Authenticate", LG_STR("Bearer"));
	if (status == 503)
		lg_http_header(ex, "Retry-After", LG_STR("1"));
	lg_problem_begin(ex, &w, status, code, detail);
	lg_jsonw_object_end(&w);
}

void
lg_problem(struct lg_http *ex, lg_err e)
{
	int status = lg_problem_status_of(e);

	/* What went wrong inside is for the log, not for the caller. */
	lg_problem_status(ex, status, lg_err_name(e), status == 500 ? LG_NONE : lg_str_of(ex->cx->error));
}
