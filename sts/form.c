/* form.c: parameters, of which `resource` alone may be repeated (RFC 8707 2); and what a token may be for because of it. */
#include "sts/sts.h"

#include "base/text.h"

#define RESOURCE_MAX	256
#define LOCALES_MAX	256

static lg_err
add_resource(struct sts_rq *rq, lg_str text)
{
	lg_str value;

	if (text.n == 0)
		return LG_OK;
	if (!lg_percent_parse(rq->cx->arena, text, true, &value) || value.n > RESOURCE_MAX || !sts_scope_valid(value)
	    || memchr(value.p, ' ', value.n) != NULL || memchr(value.p, '#', value.n) != NULL)
		return sts_refuse(rq, STS_INVALID_TARGET, "resource is malformed");
	/* The issuer itself, for userinfo, may be one more. */
	if (rq->nresources == LG_AUDIENCES - 1)
		return sts_refuse(rq, STS_INVALID_TARGET, "more than %d resources", LG_AUDIENCES - 1);
	rq->resource[rq->nresources++] = value;
	return LG_OK;
}

static lg_err
parse(struct sts_rq *rq, lg_str text)
{
	LG_TRY(lg_form_parse(rq->cx, text, &rq->form));
	if (lg_form_has(&rq->form, "ui_locales"))
		rq->ui_locales = lg_str_sub(lg_form_get(&rq->form, "ui_locales"), 0, LOCALES_MAX);
	return LG_OK;
}

lg_err
sts_form_read(struct sts_rq *rq, lg_str text)
{
	static const lg_str name = LG_STR("resource=");
	lg_str pair, rest = text;
	char *others;
	size_t n = 0;

	rq->nresources = 0;
	if (text.n == 0 || memmem(text.p, text.n, name.p, name.n) == NULL)
		return parse(rq, text);
	others = lg_alloc(rq->cx->arena, text.n + 1);
	while (rest.n > 0) {
		(void)lg_str_cut(rest, '&', &pair, &rest);
		if (lg_str_starts(pair, name)) {
			LG_TRY(add_resource(rq, lg_str_sub(pair, name.n, pair.n)));
			continue;
		}
		memcpy(others + n, pair.p, pair.n);
		n += pair.n;
		others[n++] = '&';
	}
	return parse(rq, (lg_str){ others, n });
}

/* RFC 8707 2.2: a token request may ask for less than was granted. */
lg_err
sts_audience_narrow(struct sts_rq *rq, const lg_str *granted, size_t n, struct sts_issue *is)
{
	size_t i;

	is->naudience = rq->nresources > 0 ? rq->nresources : n;
	memcpy(is->audience, rq->nresources > 0 ? rq->resource : granted, is->naudience * sizeof *granted);
	for (size_t r = 0; r < rq->nresources; r++) {
		for (i = 0; i < n && !lg_str_eq(granted[i], rq->resource[r]); i++)
			continue;
		if (i == n)
			return sts_refuse(rq, STS_INVALID_TARGET, "resource is not one of those that were granted");
	}
	return LG_OK;
}
