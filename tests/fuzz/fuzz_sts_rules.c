/* Another issuer's claims against a source's rules, and its tokens before they are believed: a name has the rule's parts and no more. */
#include <stdlib.h>

#include "sts/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] = "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":["
    "{\"match\":{\"sub\":\"system:serviceaccount:*:*\",\"kubernetes.io/namespace\":\"*\"},\"entry\":\"cn={sub#1} {sub#2},ou={kubernetes.io/namespace}\"},"
    "{\"match\":{\"repository\":\"*/*\",\"ref\":\"refs/heads/**\"},\"entry\":\"cn={ref#1},ou=x-{repository}\"}]}";

static void
check_name(const struct lg_pair *rdn, size_t n)
{
	if (n != 2 || !lg_str_eq(rdn[0].name, LG_STR("cn")) || !lg_str_eq(rdn[1].name, LG_STR("ou")))
		abort();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < rdn[i].value.n; k++)
			if ((unsigned char)rdn[i].value.p[k] < ' ')
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_pair rdn[STS_RDNS];
	struct sts_source *s;
	lg_str text = { (const char *)data, size }, pattern, rest, star[STS_STARS];
	struct lg_claims c;
	struct lg_ctx cx;
	size_t n, stars;

	lg_ctx_init(&cx, lg_arena_new());
	struct sts_rq rq = { .cx = &cx };
	s = LG_NEW(cx.arena, struct sts_source);
	if (sts_source_parse(&cx, lg_str_of(document), s) != LG_OK)
		abort();
	if (sts_rules_apply(&cx, s, text, rdn, &n) == LG_OK)
		check_name(rdn, n);
	if (lg_str_cut(text, '\n', &pattern, &rest) && sts_pattern_fits(pattern, rest, star, &stars))
		for (size_t i = 0; i < stars; i++)
			if (star[i].n == 0 || star[i].p < rest.p || star[i].p + star[i].n > rest.p + rest.n)
				abort();
	(void)sts_token_kid(cx.arena, text);
	if (sts_assertion_peek(&rq, text, &c) == LG_OK && c.subject.n == 0)
		abort();
	lg_arena_free(&cx.arena);
	return 0;
}
