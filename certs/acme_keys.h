/* acme_keys.h: accounts' public keys that are ready for use, by their thumbprint: setting one up costs a third of using it. */
#ifndef LG_CERTS_ACME_KEYS_H
#define LG_CERTS_ACME_KEYS_H

#include "lightgate/crypto.h"

#define LG_ACME_KEY_SETS	256	/* of LG_ACME_KEY_WAYS; a key takes about 3 KiB */
#define LG_ACME_KEY_WAYS	4

struct lg_acme_keys;

struct lg_acme_keys *lg_acme_keys_new(void);
void lg_acme_keys_free(struct lg_acme_keys **k);
/* Any thread.  *ret is a reference of the caller's.  thumbprint: of spki, whatever account has it. */
LG_CHECKED lg_err lg_acme_keys_get(struct lg_ctx *cx, struct lg_acme_keys *k, const lg_sha256 *thumbprint, lg_str spki, struct lg_pubkey **ret);

#endif
