#include "tests/crypto/util.h"

#include "base/text.h"

static const struct lg_password_cost cheap = { 1, 64, 1 };

static lg_err
verify(struct fixture *f, const char *stored, const char *password, bool *match, bool *upgrade)
{
	LG_AUTO(lg_secret_free) struct lg_secret pw = lg_secret_copy(lg_str_of(password));

	return lg_password_verify(&f->cx, lg_str_of(stored), &pw, &cheap, match, upgrade);
}

Test(password, a_hash_matches_its_password_alone)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret pw = lg_secret_copy(LG_STR("s3cret")), no = lg_secret_copy(LG_STR("s3cre"));
	bool match, upgrade;
	lg_str a, b;

	assert_ok(f, lg_password_hash(&f.cx, &pw, &cheap, &a));
	assert_ok(f, lg_password_hash(&f.cx, &pw, &cheap, &b));
	cr_assert(lg_str_starts(a, LG_STR("{ARGON2}$argon2id$v=19$m=64,t=1,p=1$")));
	cr_assert(!lg_str_eq(a, b), "two hashes with one salt");
	assert_ok(f, lg_password_verify(&f.cx, a, &pw, &cheap, &match, &upgrade));
	cr_assert(match && !upgrade);
	assert_ok(f, lg_password_verify(&f.cx, a, &no, &cheap, &match, &upgrade));
	cr_assert(!match);
	assert_ok(f, lg_password_verify(&f.cx, a, &pw, &lg_password_default, &match, &upgrade));
	cr_assert(match && upgrade, "a cheaper hash asks to be replaced");
}

/* Values made by OpenLDAP's slappasswd, python's hashlib and the argon2 tool, for "secret" and "password". */
Test(password, values_of_others_match)
{
	FIXTURE(f);
	static const struct {
		const char *stored, *password;
	} cases[] = {
		{ "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret" },
		{ "{sha}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret" },
		{ "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "secret" },
		{ "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$vBqqpeJ5iPnMZwukTsHvPw$k2wpqfprLmpeWVk/21PjBLfmKELOx4bUWZOB/SUJdZY", "secret" },
		{ "{PBKDF2}1000$MDEyMzQ1Njc4OWFiY2RlZg$21EupWTmSOvnK3Sp99FL7THUyuQ", "secret" },
		{ "{PBKDF2-SHA256}1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8", "secret" },
		{ "{PBKDF2-SHA512}1000$MDEyMzQ1Njc4OWFiY2RlZg$vgFvU7zWIDgDAUi7d8ayt.cfRiPWVVWfv8iQRsGZaZviWzsSNgWYXEE5PmvI/VELMsOmEbqL"
		    "z0PKuePNjOk41A", "secret" },
		{ "{PBKDF2_SHA256}AAAIAAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj+B9XeOejtyt4"
		    "BTjI46i3LtcyOiILFyqJgSilUxXiMS6q73bHB/+ZX8IITSt36w6FEBAtkpXO02/zpH0rHl4YSdeZ5hjbd9nDYq0Avw9pABNQVUEj7GBo+Dt2J6hvxI"
		    "CY6SNDtgyGQljMTA64Cc4E6rd/w3uDixLyqzBEc+Ba4lSmEBR6oQsFCJ2fpEquMVx7EG7YG7PZesWyzC+/itvph53qwWtea21d4DWq+gi+HjlMNggd"
		    "Z5ycW4VWdnfqvWWsKPbrvrvlPNIIWUdoQUFTVIdMJhjnTZ5AeiM9iXBM3G4qbPigqPZyw922t+6ygi+ignwkbT2jWrtAx+Q87w/wL8", "secret" },
		{ "{CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.", "secret" },
		{ "{CRYPT}$5$rounds=2000$abcdefgh$XBRXX9zoBDpGbKdvcfMAWt0YeAUBDNNlgztxJdk6Oy9", "secret" },
		{ "{CRYPT}$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret" },
		{ "{BCRYPT}$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret" },
		{ "{CRYPT}$y$j9T$abcdefghijkl$XFQnRmFDoRnfefa6tLCdzcaB9xoGhmmkRgfG1lm0pK1", "secret" },
		{ "{crypt}$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", "secret" },
		{ "{CRYPT}abNANd1rDfiNc", "secret" },
		{ "{ARGON2}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password" },
	};
	bool match, upgrade;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		assert_ok(f, verify(&f, cases[i].stored, cases[i].password, &match, &upgrade));
		cr_assert(match && upgrade == (strstr(cases[i].stored, "argon2id") == NULL), "%s", cases[i].stored);
		cr_assert(lg_password_known(lg_str_of(cases[i].stored)));
		assert_ok(f, verify(&f, cases[i].stored, "Secret", &match, &upgrade));
		cr_assert(!match, "%s", cases[i].stored);
	}
}

Test(password, salted_digests_match_and_ask_to_be_replaced)
{
	FIXTURE(f);
	bool match, upgrade;
	lg_sha256 h = lg_sha256_of(LG_STR("secretSALT"));
	lg_str value = lg_base64(f.arena, lg_cat(f.arena, lg_sha256_str(&h), LG_STR("SALT")));

	assert_ok(f, verify(&f, lg_print(f.arena, "{SSHA256}%.*s", LG_FMT(value)).p, "secret", &match, &upgrade));
	cr_assert(match && upgrade);
	assert_err(f, LG_E_CORRUPT, verify(&f, lg_print(f.arena, "{SHA256}%.*s", LG_FMT(value)).p, "secret", &match, &upgrade));
}

Test(password, what_cannot_be_verified_says_so_and_does_not_match)
{
	FIXTURE(f);
	static const struct {
		const char *stored;
		lg_err want;
	} cases[] = {
		{ "", LG_E_UNSUPPORTED }, { "secret", LG_E_UNSUPPORTED }, { "{CLEARTEXT}secret", LG_E_UNSUPPORTED },
		{ "{", LG_E_UNSUPPORTED }, { "{SSHA", LG_E_UNSUPPORTED }, { "{SSHA}", LG_E_CORRUPT },
		{ "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", LG_E_CORRUPT }, { "{SHA}!!!!", LG_E_CORRUPT },
		{ "{ARGON2}", LG_E_CORRUPT }, { "{ARGON2}$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA", LG_E_CORRUPT },
		{ "{ARGON2}$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", LG_E_CORRUPT },
		{ "{ARGON2}$argon2id$v=19$m=-64,t=1,p=1$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=64,t=100000,p=1$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=64,t=17,p=1$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=128,t=1,p=9$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{ARGON2}$argon2id$v=19$m=31,t=1,p=4$c29tZXNhbHQ$AAAA", LG_E_LIMIT },
		{ "{PBKDF2-SHA256}1000$AAAA", LG_E_CORRUPT }, { "{PBKDF2-SHA256}x$AAAA$AAAA", LG_E_CORRUPT },
		{ "{PBKDF2-SHA256}0$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8", LG_E_LIMIT },
		{ "{PBKDF2-SHA256}2000001$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8", LG_E_LIMIT },
		{ "{PBKDF2-SHA256}1000$MDEyMzQ1Njc4OWFiY2RlZg$AAAA", LG_E_LIMIT }, { "{PBKDF2_SHA256}AAAA", LG_E_CORRUPT },
		{ "{CRYPT}", LG_E_UNSUPPORTED }, { "{CRYPT}!", LG_E_UNSUPPORTED }, { "{CRYPT}*", LG_E_UNSUPPORTED },
		{ "{CRYPT}$2b$31$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", LG_E_UNSUPPORTED },
		{ "{CRYPT}$2b$15$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", LG_E_UNSUPPORTED },
		{ "{CRYPT}$6$rounds=1000001$abcdefgh$AAAA", LG_E_UNSUPPORTED }, { "{CRYPT}$5$rounds=1000001$abcdefgh$AAAA", LG_E_UNSUPPORTED },
		{ "{CRYPT}$y$jET$abcdefghijkl$AAAA", LG_E_UNSUPPORTED }, { "{CRYPT}$y$jDU$abcdefghijkl$AAAA", LG_E_UNSUPPORTED },
		{ "{CRYPT}$6$rounds=999999999$abcdefgh$AAAA", LG_E_UNSUPPORTED }, { "{CRYPT}$y$jTT$abcdefghijkl$AAAA", LG_E_UNSUPPORTED },
		{ "{CRYPT}$7$CU..../....abc$AAAA", LG_E_UNSUPPORTED },
	};
	bool match = true, upgrade;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_err e = verify(&f, cases[i].stored, "secret", &match, &upgrade);
		cr_assert(e == cases[i].want, "%s: %s", cases[i].stored, lg_err_name(e));
		cr_assert(!match);
	}
}

Test(password, what_is_stored_has_a_largest_size)
{
	FIXTURE(f);
	lg_str x = lg_print(f.arena, "{SHA}%0507d", 0), y = lg_print(f.arena, "{SHA}%0508d", 0);
	bool match, upgrade;

	cr_assert(lg_password_known(x) && !lg_password_known(y));
	assert_err(f, LG_E_CORRUPT, verify(&f, x.p, "secret", &match, &upgrade));
	assert_err(f, LG_E_LIMIT, verify(&f, y.p, "secret", &match, &upgrade));
}

Test(password, longer_than_the_limit_is_refused_before_hashing)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret pw = lg_secret_new(LG_PASSWORD_MAX + 1);
	bool match, upgrade;
	lg_str ret;

	assert_err(f, LG_E_LIMIT, lg_password_hash(&f.cx, &pw, &cheap, &ret));
	assert_err(f, LG_E_LIMIT, lg_password_verify(&f.cx, LG_STR("{SHA}x"), &pw, &cheap, &match, &upgrade));
	lg_password_waste(&f.cx, &pw, &cheap);
}
