/*
 * webauthn.h: passkeys (Web Authentication, Level 2): what a browser's answer proves.  libfido2 and libcbor stay behind webauthn.c;
 * who may answer what, once, is passkey.c's.
 */
#ifndef LG_STS_WEBAUTHN_H
#define LG_STS_WEBAUTHN_H

#include "sts/factor.h"

#define STS_CLIENT_DATA_MAX	(4u << 10)
#define STS_ATTESTATION_MAX	(16u << 10)

/* What the browser says that it signed for (WebAuthn 2 5.8.1): type "webauthn.create" or "webauthn.get", of this very origin and not in
 * another's frame.  The challenge is decoded, not judged. */
LG_CHECKED lg_err sts_client_data_read(struct lg_ctx *cx, lg_str json, const char *type, lg_str origin, lg_str *challenge);

/* Registration (7.1): an attestation object of format "none", or "packed", whose signature is verified.  *verified: the person was, not
 * only somebody present.  LG_E_UNAUTHENTICATED, LG_E_UNSUPPORTED for other formats and algorithms. */
LG_CHECKED lg_err sts_webauthn_create(struct lg_ctx *cx, lg_str rp_id, lg_str client_data, lg_str attestation, struct sts_passkey *ret,
    bool *verified);
/* Assertion (7.2): the signature, the relying party, that somebody was there.  *count: the authenticator's, not judged. */
LG_CHECKED lg_err sts_webauthn_get(struct lg_ctx *cx, lg_str rp_id, lg_str client_data, lg_str authenticator, lg_str signature,
    const struct sts_passkey *key, uint32_t *count, bool *verified);

/* ---- ceremonies (passkey.c) ----------------------------------------------------------------------------------------------- */

/* Options of navigator.credentials.get for the keys of a set; NULL: whichever the authenticator has for us.  cookie: of this browser,
 * whose answer alone is good, once, for ten minutes. */
LG_CHECKED lg_err sts_passkey_ask(struct sts_rq *rq, lg_str cookie, const struct sts_factor_set *set, lg_str *options);
/* The answer.  subject with a nil id: whose key it is is found by it, and the person must have been verified.  *amr: what it proves.
 * LG_E_UNAUTHENTICATED. */
LG_CHECKED lg_err sts_passkey_answer(struct sts_rq *rq, lg_str cookie, lg_str answer, struct lg_sts_subject *subject, lg_str *amr);
/* Options of navigator.credentials.create, and the answer: a new factor, not stored. */
LG_CHECKED lg_err sts_passkey_offer(struct sts_rq *rq, lg_str cookie, const struct lg_sts_subject *s, const struct sts_factor_set *set,
    lg_str *options);
LG_CHECKED lg_err sts_passkey_made(struct sts_rq *rq, lg_str cookie, lg_str answer, struct sts_factor *ret, lg_str *amr);

#endif
