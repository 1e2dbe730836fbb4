/* module.h: a PKCS#11 module, its sessions, and keys found, made and used in them.  Inside the token's process alone. */
#ifndef LG_HSM_MODULE_H
#define LG_HSM_MODULE_H

#include <p11-kit-1/p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>

#include "crypto/hsm/hsm.h"
#include "crypto/hsm/uri.h"
#include "crypto/key.h"

#define LG_HSM_SESSIONS	4		/* tokens a thread has open at a time */
#define LG_HSM_FOUND	64		/* keys whose handles a session remembers */

struct lg_hsm {
	void *library;
	CK_FUNCTION_LIST *f;
	pthread_rwlock_t lock;		/* held for writing while the module starts again */
	atomic_uint generation;		/* of its start: sessions of an earlier one are void */
	int64_t started;		/* CLOCK_BOOTTIME */
	struct lg_secret pin;
	atomic_bool refused;		/* the token did not take the PIN: it is not tried again, tokens lock after a few times */
};

struct lg_hsm_session {
	CK_SESSION_HANDLE handle;
	bool open;
	unsigned generation;
	lg_sha256 token;		/* of its label and serial number */
	struct {
		lg_sha256 uri;
		CK_OBJECT_HANDLE key;
	} found[LG_HSM_FOUND];
	size_t nfound;
};

/* What one thread has open. */
struct lg_hsm_hand {
	struct lg_hsm *hsm;
	struct lg_hsm_session session[LG_HSM_SESSIONS];
	size_t next;			/* whose place is taken next */
};

LG_CHECKED lg_err lg_hsm_load(struct lg_ctx *cx, struct lg_hsm *h, const char *path);

/* LG_E_UNAVAILABLE: the session, the token or the module is gone; what may come back.  `what` begins the sentence. */
LG_CHECKED lg_err lg_hsm_fail(struct lg_ctx *cx, CK_RV rv, const char *what);

/* A session with the URI's token, logged in; one that was open before is used again. */
LG_CHECKED lg_err lg_hsm_session(struct lg_ctx *cx, struct lg_hsm_hand *me, const struct lg_hsm_uri *u, struct lg_hsm_session **ret);
void lg_hsm_forget(struct lg_hsm_hand *me);		/* all sessions of this thread */
/* The module ends and starts again, at most once a second: some see a token that came back only then. */
void lg_hsm_again(struct lg_hsm *h);

/* LG_E_NOT_FOUND; LG_E_CONFLICT for two of that name. */
LG_CHECKED lg_err lg_hsm_object(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, const struct lg_hsm_uri *u,
    CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret);
LG_CHECKED lg_err lg_hsm_spki(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE public, lg_str *ret);
LG_CHECKED lg_err lg_hsm_make(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, const struct lg_hsm_uri *u,
    enum lg_key_type type, CK_OBJECT_HANDLE *public);
LG_CHECKED lg_err lg_hsm_sign(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE key,
    const struct lg_alg_row *row, lg_str bytes, lg_str *sig);

#endif
