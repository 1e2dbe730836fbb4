/*
 * assertion.c: private_key_jwt (RFC 7523 3): a client's signed statement about itself, good once.
 *
 * Used ids are kept in memory until they expire.  They are lost when the service starts anew, so an assertion made before
 * that is refused: its client makes another.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/map.h"
#include "base/text.h"

#define ASSERTION_LIFE	(5 * LG_MINUTE)
#define SKEW		LG_MINUTE
#define REPLAY_SLOTS	65536		/* assertions of seven minutes; beyond it: come back later */
#define REPLAY_PROBES	64

struct used {
	uint64_t hash[2];
	int64_t until;
};

struct sts_replay {
	pthread_mutex_t lock;
	int64_t started;
	uint64_t key[2][2];
	struct used slot[REPLAY_SLOTS];
};

lg_err
sts_replay_new(struct lg_ctx *cx, struct sts_replay **ret)
{
	struct sts_replay *r = calloc(1, sizeof *r);

	if (r == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for used assertions");
	(void)pthread_mutex_init(&r->lock, NULL);
	lg_random(r->key, sizeof r->key);
	r->started = cx->now;
	*ret = r;
	return LG_OK;
}

void
sts_replay_free(struct sts_replay **r)
{
	if (*r != NULL)
		(void)pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

/* Finds the id or a place for it, within a few steps of where its hash points. */
static lg_err
note(struct lg_ctx *cx, struct sts_replay *r, const uint64_t hash[2], int64_t until)
{
	struct used *free_slot = NULL;

	for (size_t i = 0; i < REPLAY_PROBES; i++) {
		struct used *u = &r->slot[(hash[0] + i) % REPLAY_SLOTS];

		if (u->until > cx->now && u->hash[0] == hash[0] && u->hash[1] == hash[1])
			return lg_fail(cx, LG_E_EXISTS, "the assertion was used before");
		if (u->until <= cx->now && free_slot == NULL)
			free_slot = u;
	}
	if (free_slot == NULL)
		return lg_fail(cx, LG_E_BUSY, "too many assertions at a time");
	*free_slot = (struct used){ { hash[0], hash[1] }, until };
	return LG_OK;
}

static lg_err
use_once(struct sts_rq *rq, const struct lg_claims *c)
{
	struct sts_replay *r = rq->sts->replay;
	lg_str id = lg_print(rq->cx->arena, "%u %.*s %.*s", rq->tenant_id, LG_FMT(c->subject), LG_FMT(c->jti));
	uint64_t hash[2] = { lg_hash_keyed(r->key[0], id), lg_hash_keyed(r->key[1], id) };
	lg_err e;

	(void)pthread_mutex_lock(&r->lock);
	e = note(rq->cx, r, hash, c->expires + SKEW + LG_SECOND);
	(void)pthread_mutex_unlock(&r->lock);
	if (e == LG_E_EXISTS)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion was used before");
	return e;
}

/* ---- what it must say ---------------------------------------------------------------------------------- */

lg_err
sts_assertion_client(struct sts_rq *rq, lg_str assertion, lg_str *ret)
{
	struct lg_claims c;
	lg_str header, rest, payload, signature, json;

	if (assertion.n > LG_TOKEN_MAX || !lg_str_cut(assertion, '.', &header, &rest)
	    || !lg_str_cut(rest, '.', &payload, &signature)
	    || !lg_base64url_parse(rq->cx->arena, payload, &json) || lg_claims_parse(rq->cx, json, &c) != LG_OK
	    || c.subject.n == 0)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client assertion does not parse");
	*ret = c.subject;
	return LG_OK;
}

static const char *
fault_of(const struct sts_rq *rq, const struct lg_sts_client *client, const struct lg_claims *c)
{
	int64_t made = c->issued != 0 ? c->issued : c->expires - ASSERTION_LIFE;

	if (!lg_str_eq(c->issuer, client->id) || !lg_str_eq(c->subject, client->id))
		return "the assertion's iss and sub must be the client_id";
	/* One audience: an assertion for several servers could be replayed by each at the others. */
	if (c->naudience != 1
	    || (!lg_str_eq(c->audience[0], rq->tenant.issuer)
	        && !lg_str_eq(c->audience[0], lg_print(rq->cx->arena, "%.*s/oauth2/token", LG_FMT(rq->tenant.issuer)))))
		return "the assertion's aud must be the issuer";
	if (c->jti.n == 0 || c->jti.n > 255)
		return "the assertion has no usable jti";
	if (c->expires - rq->cx->now > ASSERTION_LIFE + SKEW)
		return "the assertion lives too long";
	if (made < rq->sts->replay->started)
		return "the assertion was made before the service started";
	return NULL;
}

lg_err
sts_assertion_check(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_claims c;
	struct lg_jws jws;
	const char *fault;

	LG_TRY(lg_keyset_from_jwks(rq->cx, client->jwks, &keys));
	if (lg_jws_verify(rq->cx, assertion, keys, "JWT", &jws) != LG_OK || lg_claims_parse(rq->cx, jws.payload, &c) != LG_OK
	    || lg_claims_check_time(rq->cx, &c) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, "client assertion");
		rq->error = STS_INVALID_CLIENT;
		return LG_E_INVALID;
	}
	fault = fault_of(rq, client, &c);
	if (fault != NULL)
		return sts_refuse(rq, STS_INVALID_CLIENT, "%s", fault);
	return use_once(rq, &c);
}
