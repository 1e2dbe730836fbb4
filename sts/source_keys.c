/*
 * source_keys.c: what identity sources publish, remembered: keys for as long as their issuer says, and a provider's endpoints.
 *
 * Nothing here is fetched on a loop.  A request that needs what is not there waits for one of two threads, and then begins anew.  One
 * source is looked at by one thread at a time, and at most every ten seconds whatever tokens are sent in: a kid that nobody has ever
 * heard of costs its sender a request, not us a flood of them.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/source.h"

#include "base/pool.h"

#define SLOTS	256		/* sources that are remembered; the one that was not used for longest gives way */
#define THREADS	2
#define WAITING	256		/* requests that wait for them */
#define JWKS_MAX (128u << 10)

struct slot {
	lg_uuid id;		/* nil: free */
	lg_sha256 shape;	/* of where its keys come from: another place, other keys */
	struct lg_keyset *keys;	/* NULL: none yet */
	struct lg_arena *arena;	/* of the endpoints */
	struct sts_endpoints endpoints;
	int64_t fresh, retry;	/* until when the keys are good; when to look again at the earliest */
	uint64_t used;
	bool busy;		/* a thread looks at it */
};

struct sts_foreign {
	pthread_mutex_t lock;
	pthread_cond_t looked;
	struct lg_pool *pool;
	uint64_t clock;
	struct slot slot[SLOTS];
};

lg_err
sts_foreign_new(struct lg_ctx *cx, struct sts_foreign **ret)
{
	struct sts_foreign *f = calloc(1, sizeof *f);

	if (f == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no memory");
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->looked, NULL);
	*ret = f;
	return lg_pool_new(cx, THREADS, WAITING, 0, 0, &f->pool);
}

static void
forget(struct slot *s)
{
	lg_keyset_unref(&s->keys);
	lg_arena_free(&s->arena);
	*s = (struct slot){ .used = 0 };
}

void
sts_foreign_free(struct sts_foreign **f)
{
	if (*f == NULL)
		return;
	lg_pool_free(&(*f)->pool);
	for (size_t i = 0; i < SLOTS; i++)
		forget(&(*f)->slot[i]);
	(void)pthread_cond_destroy(&(*f)->looked);
	(void)pthread_mutex_destroy(&(*f)->lock);
	free(*f);
	*f = NULL;
}

/* ---- what is known -------------------------------------------------------------------------------------------------------- */

static lg_sha256
shape_of(struct lg_arena *a, const struct sts_source *s)
{
	return lg_sha256_of(lg_print(a, "%.*s\n%.*s\n%.*s\n%.*s", LG_FMT(s->issuer), LG_FMT(s->jwks_uri), LG_FMT(s->jwks), LG_FMT(s->ca)));
}

/* The source's place, a new one if need be.  NULL: all others are being looked at. */
static struct slot *
slot_of(struct lg_arena *a, struct sts_foreign *f, const struct sts_source *s)
{
	lg_sha256 shape = shape_of(a, s);
	struct slot *oldest = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *one = &f->slot[i];

		if (lg_uuid_eq(one->id, s->id) && memcmp(&one->shape, &shape, sizeof shape) == 0) {
			one->used = ++f->clock;
			return one;
		}
		if (!one->busy && (oldest == NULL || one->used < oldest->used))
			oldest = one;
	}
	if (oldest == NULL)
		return NULL;
	forget(oldest);
	oldest->id = s->id;
	oldest->shape = shape;
	oldest->used = ++f->clock;
	return oldest;
}

/* LG_PENDING: it has to be looked at. */
static lg_err
judge(struct lg_ctx *cx, const struct slot *one, const struct sts_source *s, lg_str kid)
{
	bool known = one->keys != NULL && (kid.n == 0 || lg_keyset_has(one->keys, kid));

	if (known && cx->now < one->fresh)
		return LG_OK;
	if (one->busy || cx->now >= one->retry)
		return LG_PENDING;
	/* It was looked at a moment ago: an unknown kid is none, and old keys are better than no answer for a while. */
	if (one->keys != NULL && cx->now < one->fresh + STS_STALE)
		return LG_OK;
	return lg_fail(cx, LG_E_UNAVAILABLE, "the keys of source %.*s cannot be had at the moment", LG_FMT(s->name));
}

lg_err
sts_foreign_keys(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, lg_str kid, struct lg_keyset **ret)
{
	struct sts_foreign *f = sts->foreign;
	struct slot *one;
	lg_err e;

	if (s->jwks.n > 0)
		return lg_keyset_from_jwks(cx, s->jwks, ret);
	(void)pthread_mutex_lock(&f->lock);
	one = slot_of(cx->arena, f, s);
	e = one == NULL ? lg_fail(cx, LG_E_BUSY, "too many sources are being looked at") : judge(cx, one, s, kid);
	if (e == LG_OK)
		*ret = lg_keyset_ref(one->keys);
	(void)pthread_mutex_unlock(&f->lock);
	return e;
}

lg_err
sts_foreign_endpoints(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, struct sts_endpoints *ret)
{
	struct sts_foreign *f = sts->foreign;
	struct slot *one;
	bool found;

	(void)pthread_mutex_lock(&f->lock);
	one = slot_of(cx->arena, f, s);
	found = one != NULL && one->endpoints.token.n > 0;
	if (found)
		*ret = (struct sts_endpoints){ lg_dup(cx->arena, one->endpoints.authorization), lg_dup(cx->arena, one->endpoints.token),
			lg_dup(cx->arena, one->endpoints.userinfo), one->endpoints.iss_parameter };
	(void)pthread_mutex_unlock(&f->lock);
	return found ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "provider %.*s does not answer at the moment", LG_FMT(s->name));
}

/* ---- looking ---------------------------------------------------------------------------------------------------------------- */

struct look {
	struct lg_ctx *cx;
	struct lg_sts *sts;
	const struct sts_source *s;
	lg_str jwks_uri;
	struct sts_endpoints endpoints;
	struct lg_keyset *keys;
	int64_t life;
};

static lg_err
get(struct look *l, lg_str url, struct lg_web_reply *ret)
{
	const struct lg_web *web = &l->sts->outside;
	struct lg_web_request rq = { .url = url, .ca = l->s->ca, .max = JWKS_MAX };

	LG_TRY(web->ask(web->self, l->cx, &rq, ret));
	if (ret->status != 200)
		return lg_fail(l->cx, LG_E_UNAVAILABLE, "%.*s: status %d", LG_FMT(lg_str_sub(url, 0, 200)), ret->status);
	return LG_OK;
}

static void
read_metadata(struct lg_json *js, struct look *l, lg_str *issuer)
{
	const struct {
		lg_str name, *to;
	} members[] = {
		{ LG_STR("issuer"), issuer }, { LG_STR("jwks_uri"), &l->jwks_uri },
		{ LG_STR("authorization_endpoint"), &l->endpoints.authorization }, { LG_STR("token_endpoint"), &l->endpoints.token },
		{ LG_STR("userinfo_endpoint"), &l->endpoints.userinfo },
	};
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		size_t i = 0;

		while (i < LG_COUNT(members) && !lg_str_eq(members[i].name, name))
			i++;
		if (i < LG_COUNT(members))
			*members[i].to = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("authorization_response_iss_parameter_supported")))
			l->endpoints.iss_parameter = lg_json_bool(js);
		else
			lg_json_skip(js);
	}
}

/* OpenID Connect Discovery 4.3, RFC 8414 3.3: the document must speak of the issuer that was asked for. */
static lg_err
discover(struct look *l)
{
	lg_str issuer = LG_NONE, base = l->s->issuer;
	struct lg_web_reply r;
	struct lg_json js;

	if (lg_str_ends(base, LG_STR("/")))
		base.n--;
	LG_TRY(get(l, lg_cat(l->cx->arena, base, LG_STR("/.well-known/openid-configuration")), &r));
	lg_json_init(&js, l->cx->arena, r.body);
	read_metadata(&js, l, &issuer);
	LG_TRY(lg_json_end(l->cx, &js));
	if (!lg_str_eq(issuer, l->s->issuer))
		return lg_fail(l->cx, LG_E_INVALID, "the metadata speak of another issuer, \"%.*s\"", LG_FMT(lg_str_sub(issuer, 0, 200)));
	return l->jwks_uri.n > 0 ? LG_OK : lg_fail(l->cx, LG_E_INVALID, "the metadata name no jwks_uri");
}

static lg_err
look(struct look *l)
{
	struct lg_web_reply r;

	l->jwks_uri = l->s->jwks_uri;
	if (l->jwks_uri.n == 0)
		LG_TRY(discover(l));
	if (l->s->jwks.n > 0)
		return lg_keyset_from_jwks(l->cx, l->s->jwks, &l->keys);
	LG_TRY(get(l, l->jwks_uri, &r));
	LG_TRY(lg_keyset_from_jwks(l->cx, r.body, &l->keys));
	l->life = r.max_age == 0 ? STS_METADATA_LIFE : r.max_age * LG_SECOND;
	l->life = l->life < LG_MINUTE ? LG_MINUTE : l->life > LG_DAY ? LG_DAY : l->life;
	return LG_OK;
}

static void
keep(struct slot *one, struct look *l)
{
	struct lg_keyset *old = one->keys;

	one->keys = l->keys;
	lg_keyset_unref(&old);
	one->fresh = l->cx->now + l->life;
	lg_arena_free(&one->arena);
	one->arena = lg_arena_new();
	one->endpoints = (struct sts_endpoints){ lg_dup(one->arena, l->endpoints.authorization), lg_dup(one->arena, l->endpoints.token),
		lg_dup(one->arena, l->endpoints.userinfo), l->endpoints.iss_parameter };
}

/* The place, ours to look at, or NULL with the verdict: another thread may have done it meanwhile. */
static struct slot *
claim(struct lg_ctx *cx, struct sts_foreign *f, const struct sts_source *s, lg_str kid, lg_err *ret)
{
	struct slot *one = slot_of(cx->arena, f, s);

	while (one != NULL && one->busy) {
		(void)pthread_cond_wait(&f->looked, &f->lock);
		one = slot_of(cx->arena, f, s);
	}
	*ret = one == NULL ? lg_fail(cx, LG_E_BUSY, "too many sources are being looked at") : judge(cx, one, s, kid);
	if (*ret != LG_PENDING)
		return NULL;
	one->busy = true;
	return one;
}

lg_err
sts_foreign_fetch(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, lg_str kid)
{
	struct look l = { .cx = cx, .sts = sts, .s = s, .life = STS_METADATA_LIFE };
	struct sts_foreign *f = sts->foreign;
	struct slot *one;
	lg_err e;

	(void)pthread_mutex_lock(&f->lock);
	one = claim(cx, f, s, kid, &e);
	(void)pthread_mutex_unlock(&f->lock);
	if (one == NULL)
		return e;
	e = look(&l);
	(void)pthread_mutex_lock(&f->lock);
	if (e == LG_OK)
		keep(one, &l);
	one->retry = cx->now + STS_REFETCH;
	one->busy = false;
	(void)pthread_cond_broadcast(&f->looked);
	(void)pthread_mutex_unlock(&f->lock);
	return e;
}

/* ---- a request on a loop that waits for it -------------------------------------------------------------------------------------- */

struct waiting {
	struct lg_note note;
	struct lg_mailbox *reply;
	struct sts_rq *rq;
	struct lg_ctx cx;		/* the thread's own: the request's belongs to its loop */
	struct sts_source source;
	lg_str kid;
	lg_err came;
};

static void
resume(struct lg_note *note)
{
	struct waiting *w = (struct waiting *)note;
	struct lg_arena *a = w->cx.arena;	/* w is in it */
	struct sts_rq *rq = w->rq;
	lg_err e = w->came == LG_E_BUSY ? w->came : LG_OK;

	lg_arena_free(&a);
	e = e == LG_OK ? sts_rq_again(rq) : sts_answer_error(rq, e);
	if (e != LG_PENDING)
		lg_http_done(rq->ex);
}

static void
fetch(void *arg)
{
	struct waiting *w = arg;

	/* What came of it stands in the place too, where the request that begins anew finds it. */
	w->came = sts_foreign_fetch(&w->cx, w->rq->sts, &w->source, w->kid);
	lg_mailbox_post(w->reply, &w->note);
}

lg_err
sts_foreign_wait(struct sts_rq *rq, const struct sts_source *s, lg_str kid)
{
	struct lg_arena *a = lg_arena_new();
	struct waiting *w = LG_NEW(a, struct waiting);

	*w = (struct waiting){ .note = { .run = resume }, .reply = rq->sts->ports.mailbox(rq->sts->ports.self), .rq = rq };
	lg_ctx_init(&w->cx, a);
	w->cx.now = rq->cx->now;
	/* Only what says where to look, copied: the request's arena is another thread's. */
	w->source = (struct sts_source){ .name = lg_dup(a, s->name), .id = s->id, .kind = s->kind, .ca = lg_dup(a, s->ca),
		.issuer = lg_dup(a, s->issuer), .jwks_uri = lg_dup(a, s->jwks_uri) };
	w->kid = lg_dup(a, kid);
	if (lg_pool_submit(rq->sts->foreign->pool, fetch, w) != LG_OK) {
		lg_arena_free(&a);
		return lg_fail(rq->cx, LG_E_BUSY, "too many requests wait for others' keys");
	}
	return LG_PENDING;
}
