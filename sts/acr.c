/* acr.c: how well somebody is known: three levels (OpenID Connect Core 2: acr), and the methods that lead there (RFC 8176: amr). */
#include "sts/sts.h"

static const struct {
	lg_str acr;
	int level;
} levels[] = {
	{ LG_STR(STS_ACR_PASSWORD), 1 }, { LG_STR(STS_ACR_MFA), 2 }, { LG_STR(STS_ACR_PASSKEY), 3 },
};

int
sts_acr_level(lg_str acr)
{
	for (size_t i = 0; i < LG_COUNT(levels); i++)
		if (lg_str_eq(levels[i].acr, acr))
			return levels[i].level;
	return 0;
}

lg_str
sts_acr_of(lg_str amr)
{
	if (sts_scope_has(amr, LG_STR("hwk")) || sts_scope_has(amr, LG_STR("swk")))
		return LG_STR(STS_ACR_PASSKEY);
	return sts_scope_has(amr, LG_STR("mfa")) || (sts_scope_has(amr, LG_STR("pwd")) && sts_scope_has(amr, LG_STR("otp")))
	    ? LG_STR(STS_ACR_MFA) : LG_STR(STS_ACR_PASSWORD);
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

/* Better than what was asked for is good too; what is not ours cannot be met. */
bool
sts_acr_meets(lg_str acr, lg_str wanted)
{
	int least = sts_acr_least(wanted);

	return wanted.n == 0 || (least > 0 && sts_acr_level(acr) >= least);
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
