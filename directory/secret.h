/* secret.h: password verifiers: sealed blobs beside the log. */
#ifndef LG_DIRECTORY_SECRET_H
#define LG_DIRECTORY_SECRET_H

#include "directory/schema.h"

#define LG_VERIFIER_MAX 1024

/* Seals a verifier for e and stores the blob; *ret is its id, which is what the entry keeps. */
LG_CHECKED lg_err lg_secret_seal(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str verifier, lg_str *ret);
/* The blob that a stored userPassword names. */
LG_CHECKED lg_err lg_blob_id(lg_str stored, lg_uuid *ret);
/* Opens a verifier that was sealed for e. */
LG_CHECKED lg_err lg_secret_open(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, lg_uuid blob, lg_str *ret);
/* The bytes that are stored, without storing them. */
LG_CHECKED lg_err lg_secret_sealed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str verifier, lg_str *ret);
/* Does the tenant keep SCRAM verifiers? */
bool lg_scram_wanted(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant);
/* The SCRAM verifier of an entry's password; LG_E_NOT_FOUND when none is kept. */
LG_CHECKED lg_err lg_entry_scram(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, struct lg_scram *ret);
/* "{SCHEME}...": a verifier rather than a password. */
bool lg_verifier_like(lg_str s);

#endif
