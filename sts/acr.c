/* acr.c: how well somebody is known: three levels (OpenID Connect Core 2: acr), and the methods that lead there (RFC 8176: amr). */
#include "sts/sts.h"

const struct lg_sts_level lg_sts_levels[LG_STS_LEVELS] = {
	{ LG_STR(STS_ACR_PASSWORD), LG_STR("pwd") }, { LG_STR(STS_ACR_MFA), LG_STR("pwd otp mfa") },
	{ LG_STR(STS_ACR_PASSKEY), LG_STR("swk user mfa") },
};

int
sts_acr_level(lg_str acr)
{
	for (size_t i = 0; i < LG_COUNT(lg_sts_levels); i++)
		if (lg_str_eq(lg_sts_levels[i].acr, acr))
			return (int)i + 1;
	return 0;
}

/* RFC 8176's names by kind: what one has, and of it what answers only the site that it was made for. */
static const lg_str held[] = {
	LG_STR("otp"), LG_STR("hwk"), LG_STR("swk"), LG_STR("pop"), LG_STR("sc"), LG_STR("sms"), LG_STR("tel"),
};
static const lg_str keys[] = { LG_STR("hwk"), LG_STR("swk") };
/* What says nothing of a factor: that somebody was there, and what follows from the others. */
static const lg_str others[] = { LG_STR("user"), LG_STR("mfa"), LG_STR("mca"), LG_STR("geo"), LG_STR("rba") };

static bool
has_any(lg_str amr, const lg_str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sts_scope_has(amr, names[i]))
			return true;
	return false;
}

/* A method that is none of the things one has: something known, a part of oneself, another provider's word. */
static bool
has_another(lg_str amr)
{
	lg_str one;

	while (amr.n > 0) {
		(void)lg_str_cut(amr, ' ', &one, &amr);
		if (!has_any(one, held, LG_COUNT(held)) && !has_any(one, others, LG_COUNT(others)))
			return true;
	}
	return false;
}

static lg_str
add(struct lg_arena *a, lg_str amr, lg_str names)
{
	lg_str one;

	while (names.n > 0) {
		(void)lg_str_cut(names, ' ', &one, &names);
		if (one.n > 0 && !sts_scope_has(amr, one))
			amr = amr.n == 0 ? one : lg_print(a, "%.*s %.*s", LG_FMT(amr), LG_FMT(one));
	}
	return amr;
}

lg_str
sts_amr_join(struct lg_arena *a, lg_str before, lg_str step)
{
	lg_str both = add(a, before, step);

	return has_another(both) && has_any(both, held, LG_COUNT(held)) ? add(a, both, LG_STR("mfa")) : both;
}

lg_str
sts_acr_of(lg_str amr)
{
	if (!sts_scope_has(amr, LG_STR("mfa")))
		return LG_STR(STS_ACR_PASSWORD);
	return has_any(amr, keys, LG_COUNT(keys)) ? LG_STR(STS_ACR_PASSKEY) : LG_STR(STS_ACR_MFA);
}

int
sts_acr_least(lg_str acrs)
{
	int least = 0;
	lg_str one;

	while (acrs.n > 0) {
		int level;

		(void)lg_str_cut(acrs, ' ', &one, &acrs);
		level = sts_acr_level(one);
		if (level > 0 && (least == 0 || level < least))
			least = level;
	}
	return least;
}

void
sts_acr_write(struct lg_jsonw *w, const struct sts_signed_in *how)
{
	lg_str rest = how->amr, one;

	lg_jsonw_str_of(w, "acr", how->acr);
	lg_jsonw_name(w, LG_STR("amr"));
	lg_jsonw_array(w);
	while (rest.n > 0) {
		(void)lg_str_cut(rest, ' ', &one, &rest);
		if (one.n > 0)
			lg_jsonw_str(w, one);
	}
	lg_jsonw_array_end(w);
}

struct sts_signed_in
sts_signed_in_of(struct lg_arena *a, const struct lg_claims *c)
{
	struct sts_signed_in how = { .acr = c->acr };

	for (size_t i = 0; i < c->namr; i++)
		how.amr = add(a, how.amr, c->amr[i]);
	return how;
}

void
sts_acr_facts(struct lg_ctx *cx, const struct sts_signed_in *how, int64_t auth_time, struct lg_question *q)
{
	lg_str *names;
	size_t n;

	if (how->acr.n == 0)
		return;
	n = sts_scope_split(cx->arena, how->amr, &names);
	q->context[q->ncontext++] = lg_fact_str("acr", how->acr);
	q->context[q->ncontext++] = lg_fact_set("amr", names, n);
	q->context[q->ncontext++] = lg_fact_int("auth_age", (cx->now - auth_time) / LG_SECOND);
}
