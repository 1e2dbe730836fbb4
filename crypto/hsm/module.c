/* module.c: the module loaded, tokens found by their label, sessions opened and logged in. */
#include "crypto/hsm/module.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

#define SLOTS_MAX 256

/* ---- errors -------------------------------------------------------------------------------------------------- */

static const struct {
	CK_RV rv;
	lg_err e;
	const char *text;
} errors[] = {
	{ CKR_SESSION_HANDLE_INVALID, LG_E_UNAVAILABLE, "the session is gone" },
	{ CKR_SESSION_CLOSED, LG_E_UNAVAILABLE, "the session was closed" },
	{ CKR_OBJECT_HANDLE_INVALID, LG_E_UNAVAILABLE, "the key's handle is not valid any more" },
	{ CKR_KEY_HANDLE_INVALID, LG_E_UNAVAILABLE, "the key's handle is not valid any more" },
	{ CKR_USER_NOT_LOGGED_IN, LG_E_UNAVAILABLE, "nobody is logged in" },
	{ CKR_TOKEN_NOT_PRESENT, LG_E_UNAVAILABLE, "the token is not there" },
	{ CKR_TOKEN_NOT_RECOGNIZED, LG_E_UNAVAILABLE, "the token is not recognised" },
	{ CKR_DEVICE_REMOVED, LG_E_UNAVAILABLE, "the token was removed" },
	{ CKR_DEVICE_ERROR, LG_E_UNAVAILABLE, "the device failed" },
	{ CKR_DEVICE_MEMORY, LG_E_UNAVAILABLE, "the device has no memory left" },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, LG_E_UNAVAILABLE, "the module is not initialised" },
	{ CKR_GENERAL_ERROR, LG_E_UNAVAILABLE, "the module failed" },
	{ CKR_FUNCTION_FAILED, LG_E_UNAVAILABLE, "the token failed" },
	{ CKR_SESSION_COUNT, LG_E_BUSY, "the token has no session left" },
	{ CKR_PIN_INCORRECT, LG_E_DENIED, "the PIN is not right" },
	{ CKR_PIN_LOCKED, LG_E_DENIED, "the PIN is locked" },
	{ CKR_PIN_EXPIRED, LG_E_DENIED, "the PIN has expired" },
	{ CKR_USER_PIN_NOT_INITIALIZED, LG_E_DENIED, "the token has no PIN yet" },
	{ CKR_TOKEN_WRITE_PROTECTED, LG_E_DENIED, "the token is write-protected" },
	{ CKR_MECHANISM_INVALID, LG_E_UNSUPPORTED, "the token does not know this mechanism" },
	{ CKR_KEY_TYPE_INCONSISTENT, LG_E_INVALID, "the key is not of this type" },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, LG_E_INVALID, "the key may not sign" },
};

lg_err
lg_hsm_fail(struct lg_ctx *cx, CK_RV rv, const char *what)
{
	for (size_t i = 0; i < LG_COUNT(errors); i++)
		if (errors[i].rv == rv)
			return lg_fail(cx, errors[i].e, "%s: %s", what, errors[i].text);
	return lg_fail(cx, LG_E_INTERNAL, "%s: PKCS#11 error 0x%lx", what, rv);
}

/* ---- the module ------------------------------------------------------------------------------------------------ */

static CK_RV
initialize(struct lg_hsm *h)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = h->f->C_Initialize(&args);

	h->started = lg_boottime();
	atomic_fetch_add(&h->generation, 1);
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

lg_err
lg_hsm_load(struct lg_ctx *cx, struct lg_hsm *h, const char *path)
{
	CK_C_GetFunctionList list;
	CK_RV rv;

	pthread_rwlock_init(&h->lock, NULL);
	h->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (h->library == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "the PKCS#11 module does not load: %s", dlerror());
	void *symbol = dlsym(h->library, "C_GetFunctionList");
	if (symbol == NULL)
		return lg_fail(cx, LG_E_INVALID, "%s is no PKCS#11 module", path);
	memcpy(&list, &symbol, sizeof list);	/* ISO C has no cast from an object's address to a function's */
	rv = list(&h->f);
	if (rv == CKR_OK)
		rv = initialize(h);
	return rv == CKR_OK ? LG_OK : lg_hsm_fail(cx, rv, path);
}

void
lg_hsm_again(struct lg_hsm *h)
{
	pthread_rwlock_wrlock(&h->lock);
	if (lg_boottime() - h->started > LG_SECOND) {
		(void)h->f->C_Finalize(NULL);
		(void)initialize(h);	/* what it could not do is told by the next call */
	}
	pthread_rwlock_unlock(&h->lock);
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* Labels are padded with blanks (CK_TOKEN_INFO). */
static bool
padded_is(const CK_UTF8CHAR *field, size_t n, lg_str text)
{
	while (n > 0 && field[n - 1] == ' ')
		n--;
	return text.n == 0 || lg_str_eq(text, (lg_str){ (const char *)field, n });
}

static lg_err
find_slot(struct lg_ctx *cx, const struct lg_hsm *h, const struct lg_hsm_uri *u, CK_SLOT_ID *ret)
{
	CK_SLOT_ID slot[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	CK_RV rv = h->f->C_GetSlotList(CK_TRUE, slot, &n);

	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, "looking for tokens");
	for (CK_ULONG i = 0; i < n; i++)
		if (h->f->C_GetTokenInfo(slot[i], &info) == CKR_OK && padded_is(info.label, sizeof info.label, u->token)
		    && padded_is(info.serialNumber, sizeof info.serialNumber, u->serial)) {
			*ret = slot[i];
			return LG_OK;
		}
	return lg_fail(cx, LG_E_UNAVAILABLE, "token %.*s: it is not there", LG_FMT(u->token));
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* What was open before the module's last start is void by itself. */
static void
leave(struct lg_hsm *h, struct lg_hsm_session *s)
{
	if (s->open && s->generation == atomic_load(&h->generation))
		(void)h->f->C_CloseSession(s->handle);
	*s = (struct lg_hsm_session){ .open = false };
}

void
lg_hsm_forget(struct lg_hsm_hand *me)
{
	for (size_t i = 0; i < LG_HSM_SESSIONS; i++)
		leave(me->hsm, &me->session[i]);
}

static lg_sha256
token_of(struct lg_ctx *cx, const struct lg_hsm_uri *u)
{
	return lg_sha256_of(lg_print(cx->arena, "%zu %.*s %.*s", u->token.n, LG_FMT(u->token), LG_FMT(u->serial)));
}

static lg_err
log_in(struct lg_ctx *cx, struct lg_hsm *h, CK_SESSION_HANDLE session, const char *what)
{
	CK_RV rv;

	if (h->pin.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "%s: there is no PIN (keeper.pkcs11.pin_file)", what);
	if (atomic_load(&h->refused))
		return lg_fail(cx, LG_E_UNAVAILABLE, "%s: the PIN was refused; it is tried again after a reload", what);
	rv = h->f->C_Login(session, CKU_USER, h->pin.p, h->pin.n);
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return LG_OK;
	lg_err e = lg_hsm_fail(cx, rv, what);
	if (e != LG_E_DENIED)
		return e;
	atomic_store(&h->refused, true);
	return LG_E_UNAVAILABLE;		/* to those who ask it is a key that is away */
}

static lg_err
open_session(struct lg_ctx *cx, struct lg_hsm *h, const struct lg_hsm_uri *u, struct lg_hsm_session *s)
{
	const char *what = lg_print(cx->arena, "token %.*s", LG_FMT(u->token)).p;
	CK_SLOT_ID slot = 0;

	LG_TRY(find_slot(cx, h, u, &slot));
	CK_RV rv = h->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s->handle);
	if (rv == CKR_TOKEN_WRITE_PROTECTED)	/* it signs, and makes no keys */
		rv = h->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s->handle);
	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, what);
	s->open = true;
	s->generation = atomic_load(&h->generation);
	s->token = token_of(cx, u);
	lg_err e = log_in(cx, h, s->handle, what);
	if (e != LG_OK)
		leave(h, s);
	return e;
}

lg_err
lg_hsm_session(struct lg_ctx *cx, struct lg_hsm_hand *me, const struct lg_hsm_uri *u, struct lg_hsm_session **ret)
{
	lg_sha256 token = token_of(cx, u);
	unsigned generation = atomic_load(&me->hsm->generation);

	for (size_t i = 0; i < LG_HSM_SESSIONS; i++) {
		struct lg_hsm_session *s = &me->session[i];
		if (s->open && s->generation == generation && memcmp(s->token.b, token.b, sizeof token.b) == 0) {
			*ret = s;
			return LG_OK;
		}
	}
	*ret = &me->session[me->next];
	me->next = (me->next + 1) % LG_HSM_SESSIONS;
	leave(me->hsm, *ret);
	return open_session(cx, me->hsm, u, *ret);
}
