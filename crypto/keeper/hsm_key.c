/* hsm_key.c: the second filling of struct lg_key_ops: what is to be signed goes to the token's process and comes back signed. */
#include "crypto/keeper/hsm_key.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/hsm/uri.h"
#include "crypto/local.h"

/* ---- channels ------------------------------------------------------------------------------------------------ */

void
lg_hsm_link_init(struct lg_hsm_link *l, const struct lg_keeper_options *o)
{
	pthread_condattr_t clock;

	*l = (struct lg_hsm_link){ .token = o->hsm_token, .purposes = o->hsm_purposes };
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&l->freed, &clock);
	pthread_condattr_destroy(&clock);
	for (; l->n < o->nhsm && l->n < LG_HSM_CHANNELS; l->n++)
		l->fd[l->n] = o->hsm[l->n];
}

void
lg_hsm_link_end(struct lg_hsm_link *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->fd[i]);
	l->n = 0;
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
}

static size_t
first_free(const struct lg_hsm_link *l)
{
	size_t i = 0;

	while (i < l->n && l->busy[i])
		i++;
	return i;
}

static lg_err
take(struct lg_ctx *cx, struct lg_hsm_link *l, size_t *ret, uint32_t *id)
{
	struct timespec until;
	int rc = 0;

	if (l->n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "a key is in a PKCS#11 token and no module is configured (keeper.pkcs11.module)");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LG_HSM_PATIENCE / LG_SECOND;
	pthread_mutex_lock(&l->lock);
	while ((*ret = first_free(l)) == l->n && rc == 0)
		rc = pthread_cond_timedwait(&l->freed, &l->lock, &until);
	if (*ret < l->n) {
		l->busy[*ret] = true;
		l->last = l->last == UINT32_MAX ? 1 : l->last + 1;	/* 0 is LG_HSM_ENDED */
		*id = l->last;
	}
	pthread_mutex_unlock(&l->lock);
	return *ret < l->n ? LG_OK : lg_fail(cx, LG_E_BUSY, "the token is busy");
}

static void
give_back(struct lg_hsm_link *l, size_t i)
{
	pthread_mutex_lock(&l->lock);
	l->busy[i] = false;
	pthread_cond_signal(&l->freed);
	pthread_mutex_unlock(&l->lock);
}

static lg_err
hear(struct lg_ctx *cx, int fd, uint32_t id, lg_str *reply)
{
	char *packet = lg_alloc(cx->arena, LG_HSM_PACKET);
	int64_t until = lg_boottime() + LG_HSM_PATIENCE, left;

	while ((left = until - lg_boottime()) > 0) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n = poll(&p, 1, (int)(left / 1000 + 1)) <= 0 ? -1 : recv(fd, packet, LG_HSM_PACKET, MSG_DONTWAIT);
		if (n < 0)
			continue;
		struct lg_rd rd = lg_rd_of((lg_str){ packet, (size_t)n });
		uint32_t of = lg_rd_u32(&rd);
		lg_err e = lg_rd_u8(&rd);
		if (rd.bad || of == LG_HSM_ENDED)
			return lg_fail(cx, LG_E_UNAVAILABLE, "the token's process ended");
		if (of != id)		/* somebody did not wait for it */
			continue;
		*reply = lg_rd_bytes(&rd, (size_t)(rd.end - rd.p));
		return e == LG_OK ? LG_OK : lg_fail(cx, e, "%.*s", LG_FMT(*reply));
	}
	return lg_fail(cx, LG_E_UNAVAILABLE, "the token did not answer in time");
}

static lg_err
ask_on(struct lg_ctx *cx, int fd, uint32_t id, lg_str packet, lg_str *reply)
{
	char stale[16];

	while (recv(fd, stale, sizeof stale, MSG_DONTWAIT) > 0)
		;			/* answers that came too late */
	if (send(fd, packet.p, packet.n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)packet.n)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the token's process does not listen");
	return hear(cx, fd, id, reply);
}

/* what: UINT_MAX for none.  The reply lives in cx's arena. */
static lg_err
ask(struct lg_ctx *cx, struct lg_hsm_link *l, enum lg_hsm_op op, unsigned what, lg_str uri, lg_str bytes, lg_str *reply)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HSM_PACKET);
	uint32_t id = 0;
	size_t i = 0;

	LG_TRY(take(cx, l, &i, &id));
	lg_buf_u32(&b, id);
	lg_buf_byte(&b, (char)op);
	if (what != UINT_MAX)
		lg_buf_byte(&b, (char)what);
	lg_buf_str32(&b, uri);
	lg_buf_str(&b, bytes);
	lg_err e = lg_buf_status(cx, &b);
	if (e == LG_OK)
		e = ask_on(cx, l->fd[i], id, lg_buf_view(&b), reply);
	give_back(l, i);
	return e;
}

/* ---- a key ------------------------------------------------------------------------------------------------------ */

struct hsm_key {
	struct lg_key key;		/* first */
	struct lg_hsm_link *link;
	size_t nuri;
	char uri[];
};

static lg_str
uri_of(const struct lg_key *k)
{
	const struct hsm_key *h = (const struct hsm_key *)k;

	return (lg_str){ h->uri, h->nuri };
}

static lg_err
not_its_own(struct lg_ctx *cx, const struct lg_key *k)
{
	ERR_clear_error();
	return lg_fail(cx, LG_E_CORRUPT, "%.*s is another key than it was", LG_FMT(uri_of(k)));
}

static bool
verifies(const struct lg_key *k, const struct lg_alg_row *row, lg_str digest, const uint8_t *sig, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pub->pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0 && lg_digest_params(ctx, row)
	    && EVP_PKEY_verify(ctx, sig, n, (const unsigned char *)digest.p, digest.n) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static lg_err
hsm_sign_digest(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str digest, uint8_t *ret, size_t *n)
{
	lg_str sig;

	LG_TRY(ask(cx, ((const struct hsm_key *)k)->link, LG_HSM_SIGN, row->alg, uri_of(k), digest, &sig));
	if (row->half != 0 ? sig.n != 2 * row->half : sig.n > LG_SIG_MAX)
		return not_its_own(cx, k);
	if (row->half != 0) {
		*n = lg_ecdsa_to_der((const uint8_t *)sig.p, row->half, ret);
	} else {
		*n = sig.n;
		memcpy(ret, sig.p, sig.n);
	}
	return verifies(k, row, digest, ret, *n) ? LG_OK : not_its_own(cx, k);
}

static lg_err
hsm_sign(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str bytes, uint8_t *ret, size_t *n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	lg_str sig;

	if (row->digest != NULL) {
		lg_crypto_must(EVP_Digest(bytes.p, bytes.n, digest, &size, EVP_get_digestbyname(row->digest), NULL));
		return hsm_sign_digest(cx, k, row, (lg_str){ (char *)digest, size }, ret, n);
	}
	LG_TRY(ask(cx, ((const struct hsm_key *)k)->link, LG_HSM_SIGN, row->alg, uri_of(k), bytes, &sig));
	if (sig.n > LG_SIG_MAX || !lg_verify_der(k->pub, row->alg, bytes, sig))
		return not_its_own(cx, k);
	*n = sig.n;
	memcpy(ret, sig.p, sig.n);
	return LG_OK;
}

static void
hsm_free(struct lg_key *k)
{
	free(k);
}

static const struct lg_key_ops hsm_ops = { hsm_sign, hsm_sign_digest, hsm_free, true };

lg_err
lg_hsm_key(struct lg_ctx *cx, struct lg_hsm_link *l, lg_str uri, lg_str spki, struct lg_key **ret)
{
	struct lg_pubkey *pub = NULL;
	struct lg_hsm_uri u;

	LG_TRY(lg_hsm_uri_parse(cx, uri, &u));
	LG_TRY(lg_pubkey_from_spki(cx, spki, &pub));
	struct hsm_key *k = calloc(1, sizeof *k + uri.n);
	lg_crypto_must(k != NULL);
	k->key = (struct lg_key){ .ops = &hsm_ops, .pub = pub };
	k->link = l;
	k->nuri = uri.n;
	memcpy(k->uri, uri.p, uri.n);
	*ret = &k->key;
	return LG_OK;
}

lg_err
lg_hsm_key_open(struct lg_ctx *cx, struct lg_hsm_link *l, lg_str uri, bool make, enum lg_key_type type, struct lg_key **ret)
{
	lg_str spki;
	lg_err e = ask(cx, l, LG_HSM_FIND, UINT_MAX, uri, LG_NONE, &spki);

	if (e == LG_E_NOT_FOUND && make)
		e = ask(cx, l, LG_HSM_MAKE, type, uri, LG_NONE, &spki);
	LG_TRY(e);
	return lg_hsm_key(cx, l, uri, spki, ret);
}
