/*
 * pwd_settle.c: what a verified or a wrong password comes to.
 *
 * A lock must not be a weapon.  Failures from addresses that the owner has signed in from are counted by address and lock the account for
 * all; failures from strangers are counted together and lock it for strangers alone: whoever guesses elsewhere cannot keep the owner
 * out.  The lock is recorded, one write each; the counts are in memory and bounded.
 */
#include "directory/pwd.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "directory/directory.h"

/* ---- counting ----------------------------------------------------------------------------------------------------------- */

enum { SLOTS = 8192, WAYS = 8 };
#define KEPT LG_DAY		/* without an interval, so long after the last failure */

struct slot {
	uint64_t key;
	int64_t first, last;
	unsigned n;
};

struct lg_pwd_counts {
	pthread_mutex_t lock;
	struct slot slot[SLOTS];
};

struct lg_pwd_counts *
lg_pwd_counts_new(void)
{
	struct lg_pwd_counts *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
lg_pwd_counts_free(struct lg_pwd_counts **c)
{
	if (*c != NULL)
		(void)pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

static uint64_t
key_of(uint32_t tenant, uint64_t id, uint64_t address)
{
	uint64_t parts[3] = { tenant, id, address };

	return lg_hash((lg_str){ (const char *)parts, sizeof parts }) | 1;
}

/* The slot of a key, or the one among its places that was quiet for longest. */
static struct slot *
slot_of(struct lg_pwd_counts *c, uint64_t key)
{
	struct slot *at = &c->slot[key / 2 % (SLOTS / WAYS) * WAYS], *oldest = at;

	for (size_t i = 0; i < WAYS; i++) {
		if (at[i].key == key)
			return &at[i];
		if (at[i].last < oldest->last)
			oldest = &at[i];
	}
	*oldest = (struct slot){ .key = key };
	return oldest;
}

unsigned
lg_pwd_count(struct lg_pwd_counts *c, uint32_t tenant, uint64_t id, uint64_t address, int64_t interval)
{
	int64_t now = lg_boottime();
	struct slot *s;
	unsigned n;

	(void)pthread_mutex_lock(&c->lock);
	s = slot_of(c, key_of(tenant, id, address));
	if (s->n > 0 && now - (interval > 0 ? s->first : s->last) > (interval > 0 ? interval : KEPT))
		s->n = 0;
	if (s->n == 0)
		s->first = now;
	s->last = now;
	n = ++s->n;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

void
lg_pwd_uncount(struct lg_pwd_counts *c, uint32_t tenant, uint64_t id, uint64_t address)
{
	(void)pthread_mutex_lock(&c->lock);
	slot_of(c, key_of(tenant, id, address))->n = 0;
	(void)pthread_mutex_unlock(&c->lock);
}

/* ---- judging ------------------------------------------------------------------------------------------------------------- */

static uint64_t
address_key(lg_str address)
{
	lg_sha256 digest;
	uint64_t n;

	/* Without the port; a UNIX peer without its pid. */
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == ':' || address.p[i - 1] == ' ') {
			address.n = i - 1;
			break;
		}
	digest = lg_sha256_of(address);
	memcpy(&n, digest.b, sizeof n);
	return n | 1;
}

static bool
is_locked(const struct lg_pwd_policy *p, const struct lg_pwd_state *s, int64_t now, bool known)
{
	if (s->locked == 0 || (s->strangers && known))
		return false;
	return s->locked == LG_PWD_FOREVER || p->lockout_duration == 0 || now < s->locked + p->lockout_duration;
}

static bool
lock_is_over(const struct lg_pwd_policy *p, const struct lg_pwd_state *s, int64_t now)
{
	return s->locked != 0 && !is_locked(p, s, now, false);
}

struct lg_pwd_verdict
lg_pwd_judge(const struct lg_pwd_policy *p, const struct lg_pwd_state *s, int64_t now, bool known, bool match)
{
	struct lg_pwd_verdict v = { .outcome = LG_PWD_GOOD, .must_change = s->reset, .expires_in = -1, .grace_left = -1 };
	int64_t end = s->changed + p->max_age;

	if (is_locked(p, s, now, known))
		v.outcome = LG_PWD_IS_LOCKED;		/* whether it would have been right shows in nothing */
	else if (!match)
		v.outcome = LG_PWD_WRONG;
	else if (p->max_age == 0 || s->changed == 0)
		return v;
	else if (now >= end && s->ngrace >= (size_t)p->grace_limit)
		v.outcome = LG_PWD_IS_EXPIRED;
	else if (now >= end)
		v.grace_left = (int)p->grace_limit - (int)s->ngrace - 1;
	else if (end - now <= p->expire_warning)
		v.expires_in = (end - now) / LG_SECOND;
	return v;
}

static bool
is_known(const struct lg_pwd_state *s, lg_str address)
{
	uint64_t key = s->nknown > 0 ? address_key(address) : 0;

	for (size_t i = 0; i < s->nknown; i++)
		if (s->known[i] == key)
			return true;
	return false;
}

/* What is wrong is counted; at the most the policy allows, a lock is due. */
static void
count_failure(struct lg_settle *s, const struct lg_pwd_policy *p, bool known)
{
	unsigned n;

	if (!p->lockout || p->max_failure == 0)
		return;
	n = lg_pwd_count(s->dir->counts, s->tenant, s->id, known ? address_key(s->address) : 0, p->failure_interval);
	s->lock = n >= (unsigned)p->max_failure;
	s->lock_strangers = !known;
}

lg_err
lg_settle_look(struct lg_ctx *cx, struct lg_view *v, struct lg_settle *s)
{
	struct lg_pwd_policy p;
	struct lg_pwd_state st;
	struct lg_entry e;
	bool known;

	LG_TRY(lg_entry_by_id(cx, v, s->tenant, s->id, &e));
	LG_TRY(lg_pwd_policy_get(cx, v, &e, &p));
	LG_TRY(lg_pwd_state_get(cx, v, s->tenant, s->id, &st));
	known = is_known(&st, s->address);
	s->verdict = lg_pwd_judge(&p, &st, lg_wall(), known, s->match);
	if (s->verdict.outcome == LG_PWD_WRONG)
		count_failure(s, &p, known);
	if (s->verdict.outcome == LG_PWD_GOOD) {
		lg_pwd_uncount(s->dir->counts, s->tenant, s->id, known ? address_key(s->address) : 0);
		s->write = (p.lockout && !known) || lock_is_over(&p, &st, lg_wall()) || s->verdict.grace_left >= 0 || s->upgrade;
	}
	s->write = s->write || s->lock;
	return LG_OK;
}

/* ---- recording -------------------------------------------------------------------------------------------------------------- */

static void
know(struct lg_pwd_state *st, lg_str address)
{
	if (is_known(st, address))
		return;
	st->nknown += st->nknown < LG_PWD_KNOWN;
	memmove(&st->known[1], &st->known[0], (st->nknown - 1) * sizeof st->known[0]);
	st->known[0] = address_key(address);
}

/* The verifier in today's form: the same password, so nothing that was obtained with it ends. */
static lg_err
renew(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, const struct lg_settle *s)
{
	lg_str present;

	if (s->renewed.n == 0 || lg_entry_verifier(cx, ed->dir, ed->v, e, &present) != LG_OK || !lg_str_eq(present, s->verifier))
		return LG_OK;		/* it was changed meanwhile */
	ed->rehash = true;
	lg_err err = lg_entry_set_verifier(cx, ed, e, s->renewed);
	ed->rehash = false;
	return err;
}

lg_err
lg_settle_edit(struct lg_ctx *cx, struct lg_edit *ed, struct lg_settle *s)
{
	int64_t now = lg_view_time(ed->v);
	struct lg_pwd_policy p;
	struct lg_pwd_state st;
	struct lg_entry e;
	bool known;

	LG_TRY(lg_entry_by_id(cx, ed->v, s->tenant, s->id, &e));
	LG_TRY(lg_pwd_policy_get(cx, ed->v, &e, &p));
	LG_TRY(lg_pwd_state_get(cx, ed->v, s->tenant, s->id, &st));
	known = is_known(&st, s->address);
	s->verdict = lg_pwd_judge(&p, &st, now, known, s->match);
	if (s->verdict.outcome == LG_PWD_WRONG && s->lock) {
		st.locked = now;
		st.strangers = s->lock_strangers;
	} else if (s->verdict.outcome == LG_PWD_GOOD) {
		if (lock_is_over(&p, &st, now))
			st.locked = st.strangers = 0;
		if (p.lockout)
			know(&st, s->address);
		if (s->verdict.grace_left >= 0 && st.ngrace < LG_PWD_GRACES)
			st.grace[st.ngrace++] = now;
		LG_TRY(renew(cx, ed, &e, s));
	} else {
		return LG_OK;
	}
	lg_audit(ed->v, LG_NONE, s->lock ? LG_STR("{\"locked\":true}") : LG_NONE);
	return lg_pwd_state_put(cx, ed, s->id, &st);
}
