/* follow.c: see follow.h. */
#include "client/follow_own.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "client/api.h"

#define FETCH_TIME	(10 * LG_SECOND)
#define NO_CONTACT	INT64_MIN

int64_t
lg_follow_clock(const struct lg_follow *f)
{
	return f->s.clock != NULL ? f->s.clock() : lg_boottime();
}

static const char *
path_of(struct lg_ctx *cx, const struct lg_follow *f, const char *name)
{
	return lg_print(cx->arena, "%s/bundle.%s", f->s.state, name).p;
}

/* ---- contact ------------------------------------------------------------------------------------------------------- */

static lg_str
boot_id(struct lg_ctx *cx)
{
	lg_str id;

	return lg_file_read(cx, "/proc/sys/kernel/random/boot_id", 64, &id) == LG_OK ? lg_str_trim(id) : LG_NONE;
}

/* Lost with the machine, and that is as it should be: after a boot only a new contact counts. */
static void
note_contact(struct lg_ctx *cx, struct lg_follow *f, int64_t at)
{
	if (f->s.state == NULL || at - f->noted < atomic_load(&f->max_stale) / 8)
		return;
	f->noted = at;
	lg_str text = lg_print(cx->arena, "%.*s %lld\n", LG_FMT(boot_id(cx)), (long long)at);
	if (lg_file_write(cx, path_of(cx, f, "contact"), 0600, text) != LG_OK)
		cx->error[0] = '\0';		/* a restart will be stale for a moment */
}

static void
recall_contact(struct lg_ctx *cx, struct lg_follow *f)
{
	lg_str text, boot, time, ours = boot_id(cx);
	int64_t at;

	if (access(path_of(cx, f, "contact"), F_OK) != 0 || lg_file_read(cx, path_of(cx, f, "contact"), 128, &text) != LG_OK ||
	    !lg_str_cut(lg_str_trim(text), ' ', &boot, &time) || ours.n == 0 || !lg_str_eq(boot, ours) || !lg_int_parse(time, &at) ||
	    at > lg_follow_clock(f))
		return;
	atomic_store(&f->contact, at);
	f->noted = at;
}

/* Contacts only come nearer: what arrives late does not take one back. */
void
lg_follow_contact(struct lg_ctx *cx, struct lg_follow *f, int64_t at)
{
	pthread_mutex_lock(&f->lock);
	if (!f->disowned) {
		if (at > atomic_load(&f->contact))
			atomic_store(&f->contact, at);
		f->trouble[0] = '\0';
		note_contact(cx, f, atomic_load(&f->contact));
	}
	pthread_mutex_unlock(&f->lock);
}

bool
lg_follow_fresh(struct lg_follow *f)
{
	int64_t contact = atomic_load_explicit(&f->contact, memory_order_acquire);

	return contact != NO_CONTACT && lg_follow_clock(f) - contact < atomic_load_explicit(&f->max_stale, memory_order_acquire);
}

void
lg_follow_now(struct lg_follow *f, struct lg_follow_now *ret)
{
	int64_t now = lg_follow_clock(f);

	pthread_mutex_lock(&f->lock);
	int64_t contact = atomic_load_explicit(&f->contact, memory_order_relaxed);
	*ret = (struct lg_follow_now){
		.bundle = f->bundle == NULL ? NULL : lg_bundle_ref(f->bundle), .age = contact == NO_CONTACT ? -1 : now - contact,
	};
	ret->fresh = f->bundle != NULL && contact != NO_CONTACT && ret->age < atomic_load_explicit(&f->max_stale, memory_order_relaxed);
	pthread_mutex_unlock(&f->lock);
}

lg_str
lg_follow_trouble(struct lg_ctx *cx, struct lg_follow *f)
{
	pthread_mutex_lock(&f->lock);
	lg_str s = lg_dup(cx->arena, lg_str_of(f->trouble));
	pthread_mutex_unlock(&f->lock);
	return s;
}

void
lg_follow_failed(struct lg_ctx *cx, struct lg_follow *f)
{
	pthread_mutex_lock(&f->lock);
	memcpy(f->trouble, cx->error, sizeof f->trouble);
	pthread_mutex_unlock(&f->lock);
}

/* ---- putting in force ------------------------------------------------------------------------------------------------- */

static void
publish(struct lg_follow *f, struct lg_bundle *b)
{
	struct lg_bundle_about a;

	lg_bundle_about(b, &a);
	pthread_mutex_lock(&f->lock);
	struct lg_bundle *old = f->bundle;
	f->bundle = b;
	f->floor = a.mark;
	f->has_floor = true;
	atomic_store(&f->max_stale, a.max_stale);
	pthread_mutex_unlock(&f->lock);
	lg_bundle_unref(&old);
}

/* Body first: a token without its body is a version that is not gone behind, a body without its token is nothing. */
static lg_err
store(struct lg_ctx *cx, const struct lg_follow *f, lg_str token, lg_str body)
{
	if (f->s.state == NULL)
		return LG_OK;
	if (body.n > 0)
		LG_TRY(lg_file_write(cx, path_of(cx, f, "body"), 0600, body));
	return lg_file_write(cx, path_of(cx, f, "token"), 0600, token);
}

static lg_err
pin(struct lg_ctx *cx, const struct lg_follow *f, lg_str pinned, lg_str keys)
{
	return f->s.pin == NULL || lg_str_eq(keys, pinned) ? LG_OK : f->s.pin(f->s.self, cx, LG_PINNED_BUNDLE, keys);
}

/* What is stored can be verified with what is pinned, wherever the host stops. */
static lg_err
keep(struct lg_ctx *cx, const struct lg_follow *f, lg_str pinned, const struct lg_bundle *b, lg_str token, lg_str body)
{
	struct lg_bundle_about a;

	lg_bundle_about(b, &a);
	LG_TRY(pin(cx, f, pinned, a.believed));
	LG_TRY(store(cx, f, token, body));
	return pin(cx, f, a.believed, a.keys);
}

static void
take_stored(struct lg_ctx *cx, struct lg_follow *f, const struct lg_bundle_pin *pin)
{
	lg_str token, body;
	struct lg_bundle *b;

	if (access(path_of(cx, f, "token"), F_OK) != 0)
		return;
	if (lg_file_read(cx, path_of(cx, f, "token"), LG_TOKEN_MAX, &token) != LG_OK ||
	    lg_bundle_mark_read(cx, pin, token, &f->floor) != LG_OK) {
		lg_follow_failed(cx, f);
		return;
	}
	f->has_floor = true;
	if (lg_file_read(cx, path_of(cx, f, "body"), LG_BUNDLE_MAX, &body) != LG_OK ||
	    lg_bundle_open(cx, pin, token, body, &f->floor, &b) != LG_OK) {
		lg_follow_failed(cx, f);
		return;
	}
	publish(f, b);
}

/* A pause is as long as it is, whatever somebody sets the clock to. */
static void
init_wake(struct lg_follow *f)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->wake, &attr);
	pthread_condattr_destroy(&attr);
}

lg_err
lg_follow_open(struct lg_ctx *cx, const struct lg_follow_settings *s, struct lg_follow **ret)
{
	struct lg_follow *f = calloc(1, sizeof *f);
	struct lg_follow_at at;

	if (f == NULL)
		abort();
	f->s = *s;
	f->audit_keys = LG_BUF(LG_HEIRS_JWKS);
	atomic_init(&f->contact, NO_CONTACT);
	f->noted = INT64_MIN / 2;
	pthread_mutex_init(&f->fetching, NULL);
	pthread_mutex_init(&f->lock, NULL);
	init_wake(f);
	lg_cut_init(&f->cut);
	if (s->state != NULL) {
		recall_contact(cx, f);
		if (s->where(s->self, cx, &at) == LG_OK)
			take_stored(cx, f, &at.pin);
		else
			lg_follow_failed(cx, f);
	}
	*ret = f;
	return LG_OK;
}

/* ---- fetching ----------------------------------------------------------------------------------------------------------- */

struct taking {
	struct lg_buf text;
};

static bool
take_piece(void *arg, lg_str piece)
{
	struct taking *t = arg;

	lg_buf_str(&t->text, piece);
	return !t->text.full;
}

static struct lg_bundle *
held_bundle(struct lg_follow *f)
{
	pthread_mutex_lock(&f->lock);
	struct lg_bundle *b = f->bundle == NULL ? NULL : lg_bundle_ref(f->bundle);
	pthread_mutex_unlock(&f->lock);
	return b;
}

static lg_str
fetch_path(struct lg_ctx *cx, const struct lg_bundle *held)
{
	struct lg_bundle_about a;

	if (held == NULL)
		return LG_STR("/v1/agent/bundle");
	lg_bundle_about(held, &a);
	return lg_print(cx->arena, "/v1/agent/bundle?have=%.*s", LG_FMT(lg_base64url(cx->arena, lg_sha256_str(&a.mark.digest))));
}

static lg_err
ask(struct lg_ctx *cx, const struct lg_follow_at *at, const struct lg_bundle *held, struct taking *t)
{
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct lg_call call = { .method = "GET", .path = fetch_path(cx, held), .time = FETCH_TIME, .sink = take_piece, .arg = t };
	struct lg_reply answer;

	LG_TRY(lg_link_new(cx, &at->bundles, &link));
	return lg_api_call(cx, link, &call, &answer);
}

static lg_err
accept_bundle(struct lg_ctx *cx, struct lg_follow *f, const struct lg_follow_at *at, struct lg_bundle *held, lg_str token, lg_str body,
    struct lg_bundle **ret)
{
	struct lg_bundle_mark floor = f->floor;

	if (body.n == 0 && held != NULL)
		return lg_bundle_again(cx, &at->pin, token, held, ret);
	return lg_bundle_open(cx, &at->pin, token, body, f->has_floor ? &floor : NULL, ret);
}

static lg_err
take_answer(struct lg_ctx *cx, struct lg_follow *f, const struct lg_follow_at *at, struct lg_bundle *held, lg_str text, lg_str *state)
{
	lg_str token, body;
	struct lg_bundle *b;

	if (!lg_str_cut(text, '\n', &token, &body) || !lg_str_cut(body, '\n', state, &body) || state->n >= LG_FOLLOW_STATE)
		return lg_fail(cx, LG_E_INVALID, "the service's answer is not a bundle");
	LG_TRY(accept_bundle(cx, f, at, held, token, body, &b));
	lg_err e = keep(cx, f, at->pin.keys, b, token, body);
	if (e != LG_OK) {
		lg_bundle_unref(&b);
		return e;
	}
	bool other = body.n > 0;
	publish(f, b);
	if (other && f->s.changed != NULL) {
		LG_AUTO(lg_bundle_unref) struct lg_bundle *now = held_bundle(f);
		f->s.changed(f->s.self, now);
	}
	return LG_OK;
}

/* What it says elsewhere counts no more than on its stream. */
static lg_err
is_owned(struct lg_ctx *cx, struct lg_follow *f)
{
	pthread_mutex_lock(&f->lock);
	lg_err e = f->disowned ? lg_fail(cx, LG_E_DENIED, "%s", f->trouble) : LG_OK;
	pthread_mutex_unlock(&f->lock);
	return e;
}

static lg_err
fetch(struct lg_ctx *cx, struct lg_follow *f)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *held = held_bundle(f);
	struct taking t = { LG_BUF(LG_BUNDLE_MAX + LG_TOKEN_MAX + LG_FOLLOW_STATE + 2) };
	int64_t began = lg_follow_clock(f);
	struct lg_follow_at at;
	lg_str state = LG_NONE;

	LG_TRY(is_owned(cx, f));
	LG_TRY(f->s.where(f->s.self, cx, &at));
	lg_err e = ask(cx, &at, held, &t);
	if (e == LG_OK)
		e = take_answer(cx, f, &at, held, lg_buf_view(&t.text), &state);
	if (e == LG_OK) {
		pthread_mutex_lock(&f->lock);
		memcpy(f->held, state.p, state.n);
		f->held[state.n] = '\0';
		pthread_mutex_unlock(&f->lock);
		lg_follow_contact(cx, f, began);	/* what the service said then, it may have changed since */
	}
	lg_buf_free(&t.text);
	return e;
}

lg_err
lg_follow_fetch(struct lg_ctx *cx, struct lg_follow *f)
{
	pthread_mutex_lock(&f->fetching);
	lg_err e = fetch(cx, f);
	pthread_mutex_unlock(&f->fetching);
	if (e != LG_OK)
		lg_follow_failed(cx, f);
	return e;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */

void
lg_follow_close(struct lg_follow **pf)
{
	struct lg_follow *f = *pf;

	*pf = NULL;
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	lg_cut_now(&f->cut);
	if (f->running)
		pthread_join(f->thread, NULL);
	lg_cut_end(&f->cut);
	lg_bundle_unref(&f->bundle);
	lg_keyset_unref(&f->audit);
	lg_buf_free(&f->audit_keys);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	pthread_mutex_destroy(&f->fetching);
	free(f);
}
