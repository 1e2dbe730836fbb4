/* form.c: parameters, of which `resource` (RFC 8707 2) and `audience` (RFC 8693 2.1) alone may be repeated; and what a token may be for
 * because of them. */
#include "sts/sts.h"

#include "base/text.h"

#define RESOURCE_MAX	256
#define LOCALES_MAX	256

struct repeated {
	lg_str name;
	lg_str *list;
	size_t *n;
};

static lg_err
add(struct sts_rq *rq, const struct repeated *r, lg_str text)
{
	lg_str value;

	if (text.n == 0)
		return LG_OK;
	if (!lg_percent_parse(rq->cx->arena, text, true, &value) || value.n > RESOURCE_MAX || !sts_scope_valid(value)
	    || memchr(value.p, ' ', value.n) != NULL || memchr(value.p, '#', value.n) != NULL)
		return sts_refuse(rq, STS_INVALID_TARGET, "%.*s is malformed", LG_FMT(r->name));
	/* The issuer itself, for userinfo, may be one more. */
	if (*r->n == LG_AUDIENCES - 1)
		return sts_refuse(rq, STS_INVALID_TARGET, "more than %d of %.*s", LG_AUDIENCES - 1, LG_FMT(r->name));
	r->list[(*r->n)++] = value;
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

/* One of those that may be repeated is taken; the others are left. */
static lg_err
take(struct sts_rq *rq, const struct repeated *r, size_t n, lg_str pair, bool *taken)
{
	lg_str name, value;

	(void)lg_str_cut(pair, '=', &name, &value);
	*taken = false;
	for (size_t i = 0; i < n && !*taken; i++)
		if (lg_str_eq(name, r[i].name)) {
			*taken = true;
			return add(rq, &r[i], value);
		}
	return LG_OK;
}

lg_err
sts_form_read(struct sts_rq *rq, lg_str text)
{
	const struct repeated repeated[] = {
		{ LG_STR("resource"), rq->resource, &rq->nresources }, { LG_STR("audience"), rq->audience, &rq->naudiences },
	};
	lg_str pair, rest = text;
	lg_err e = LG_OK;
	char *others;
	size_t n = 0;
	bool taken;

	rq->nresources = rq->naudiences = 0;
	if (text.n == 0 || (memmem(text.p, text.n, "resource=", 9) == NULL && memmem(text.p, text.n, "audience=", 9) == NULL))
		return parse(rq, text);
	others = lg_alloc(rq->cx->arena, text.n + 1);
	while (rest.n > 0) {
		(void)lg_str_cut(rest, '&', &pair, &rest);
		lg_err now = take(rq, repeated, LG_COUNT(repeated), pair, &taken);
		e = e == LG_OK ? now : e;
		if (taken)
			continue;
		memcpy(others + n, pair.p, pair.n);
		n += pair.n;
		others[n++] = '&';
	}
	lg_err whole = parse(rq, (lg_str){ others, n });
	if (whole != LG_OK)
		rq->error = STS_NO_ERROR;	/* worse than what was found before */
	return whole != LG_OK ? whole : e;	/* in the second case the form is there, which says where to tell it */
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
