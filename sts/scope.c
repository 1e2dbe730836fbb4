/* scope.c: scopes (RFC 6749 3.3): space-separated names, as text in rows and tokens. */
#include "sts/sts.h"

bool
sts_scope_valid(lg_str scope)
{
	size_t names = 0;
	lg_str head;

	if (scope.n > STS_SCOPE_MAX)
		return false;
	for (size_t i = 0; i < scope.n; i++) {
		char c = scope.p[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	while (scope.n > 0) {
		(void)lg_str_cut(scope, ' ', &head, &scope);
		if (head.n > 0 && ++names > LG_CLIENT_SCOPES)
			return false;
	}
	return true;
}

bool
sts_scope_has(lg_str scope, lg_str one)
{
	lg_str head;

	while (scope.n > 0) {
		(void)lg_str_cut(scope, ' ', &head, &scope);
		if (lg_str_eq(head, one))
			return true;
	}
	return false;
}

bool
sts_scope_within(lg_str scope, lg_str wider)
{
	lg_str head;

	while (scope.n > 0) {
		(void)lg_str_cut(scope, ' ', &head, &scope);
		if (head.n > 0 && !sts_scope_has(wider, head))
			return false;
	}
	return true;
}

size_t
sts_scope_split(struct lg_arena *a, lg_str scope, lg_str **ret)
{
	size_t n = 0;
	lg_str head;

	*ret = LG_NEWS(a, lg_str, LG_CLIENT_SCOPES);
	while (scope.n > 0 && n < LG_CLIENT_SCOPES) {
		(void)lg_str_cut(scope, ' ', &head, &scope);
		if (head.n > 0)
			(*ret)[n++] = head;
	}
	return n;
}

lg_str
sts_scope_join(struct lg_arena *a, const lg_str *v, size_t n)
{
	lg_str out = LG_NONE;

	for (size_t i = 0; i < n; i++)
		out = i == 0 ? v[i] : lg_print(a, "%.*s %.*s", LG_FMT(out), LG_FMT(v[i]));
	return out;
}

static bool
client_has(const struct lg_sts_client *c, lg_str one)
{
	for (size_t i = 0; i < c->nscopes; i++)
		if (lg_str_eq(c->scopes[i], one))
			return true;
	return false;
}

lg_str
sts_scope_allowed(struct lg_arena *a, const struct lg_sts_client *c, lg_str asked)
{
	lg_str *names, *from, out = LG_NONE;
	size_t n;

	n = sts_scope_split(a, asked, &names);
	from = n > 0 ? names : LG_NEWS(a, lg_str, c->nscopes + 1);
	for (size_t i = 0; n == 0 && i < c->nscopes; i++)
		from[i] = c->scopes[i];
	for (size_t i = 0; i < (n > 0 ? n : c->nscopes); i++) {
		bool unasked = n == 0 && lg_str_eq(from[i], LG_STR("offline_access"));

		if (unasked || !client_has(c, from[i]) || sts_scope_has(out, from[i]))
			continue;
		out = out.n == 0 ? from[i] : lg_print(a, "%.*s %.*s", LG_FMT(out), LG_FMT(from[i]));
	}
	return out;
}
