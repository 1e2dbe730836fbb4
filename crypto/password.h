/* password.h: what the schemes of stored passwords share. */
#ifndef LG_CRYPTO_PASSWORD_H
#define LG_CRYPTO_PASSWORD_H

#include "lightgate/crypto.h"

struct lg_stored {
	lg_str value;			/* after the braces */
	const char *digest;		/* OpenSSL's name */
	bool salted;
};

typedef lg_err lg_password_check(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade);

/* password_import.c: forms that other servers make. */
lg_password_check lg_password_pbkdf2, lg_password_pbkdf2_packed, lg_password_crypt;

#endif
