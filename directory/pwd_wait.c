/* pwd_wait.c: the password policy for those who wait on a worker: signing in over HTTP, the admin API. */
#include "directory/directory.h"
#include "directory/find.h"
#include "directory/pwd.h"

/* ---- a new password ------------------------------------------------------------------------------------------------ */

static lg_err
check(struct lg_ctx *cx, struct lg_edit *ed, lg_uuid id, lg_str password, bool old_given, lg_str used[LG_HASH_USED], size_t *n)
{
	struct lg_pwd_policy p;
	struct lg_entry e;

	LG_TRY(lg_entry_by_uuid(cx, ed->v, ed->tenant, id, &e));
	LG_TRY(lg_pwd_policy_get(cx, ed->v, &e, &p));
	LG_TRY(lg_pwd_check_new(cx, ed, &p, &e, e.name, password, old_given));
	return lg_pwd_used(cx, ed->dir, ed->v, &p, &e, used, n);
}

lg_err
lg_password_make(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, const struct lg_secret *password, bool old_given,
    lg_str *verifier)
{
	struct lg_edit ed = lg_edit_of(dir, NULL, tenant);
	lg_str used[LG_HASH_USED];
	size_t n = 0;
	lg_err e;

	LG_TRY(lg_view_begin(cx, dir->store, &ed.v));
	e = check(cx, &ed, id, (lg_str){ (const char *)password->p, password->n }, old_given, used, &n);
	lg_view_end(&ed.v);
	lg_store_turn(dir->store);	/* no snapshot is held while the hash waits its turn */
	LG_TRY(e);
	e = dir->ports.hasher->renew_wait(dir->ports.hasher->self, cx, used, n, password, verifier);
	return e == LG_E_EXISTS ? lg_fail(cx, LG_E_INVALID, "the password was used before") : e;
}

lg_err
lg_password_least(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, int64_t *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_pwd_policy p;
	struct lg_entry e;

	LG_TRY(lg_view_begin(cx, dir->store, &v));
	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	LG_TRY(lg_pwd_policy_get(cx, v, &e, &p));
	*ret = lg_pwd_own_length(&p);
	return LG_OK;
}

/* ---- signing in ------------------------------------------------------------------------------------------------------- */

static lg_err
record(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_settle *s = arg;
	struct lg_edit ed = lg_edit_of(s->dir, v, s->tenant);

	return lg_settle_edit(cx, &ed, s);
}

static lg_err
look(struct lg_ctx *cx, struct lg_settle *s, lg_uuid id)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_entry e;

	LG_TRY(lg_view_begin(cx, s->dir->store, &v));
	LG_TRY(lg_entry_by_uuid(cx, v, s->tenant, id, &e));
	s->id = e.id;
	return lg_settle_look(cx, v, s);
}

static lg_err
answer(struct lg_ctx *cx, const struct lg_pwd_verdict *v)
{
	switch (v->outcome) {
	case LG_PWD_WRONG:
	case LG_PWD_IS_LOCKED:		/* looks the same, whether the password was right or not */
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong user name or password");
	case LG_PWD_IS_EXPIRED:
		return lg_fail(cx, LG_E_EXPIRED, "the password has expired: it must be changed first");
	case LG_PWD_GOOD:
		break;
	}
	return v->must_change ? lg_fail(cx, LG_E_EXPIRED, "the password was set by somebody else: it must be changed first") : LG_OK;
}

lg_err
lg_password_settle(struct lg_ctx *cx, struct lg_directory *dir, uint32_t tenant, lg_uuid id, lg_str address, lg_str verifier,
    const struct lg_secret *password, bool match, bool upgrade)
{
	const struct lg_hasher *hasher = dir->ports.hasher;
	struct lg_settle s = { .dir = dir, .tenant = tenant, .address = address, .match = match, .upgrade = match && upgrade,
		.verifier = verifier };
	lg_err e = LG_OK;

	LG_TRY(look(cx, &s, id));
	lg_store_turn(dir->store);
	if (s.write && s.upgrade && s.verdict.outcome == LG_PWD_GOOD && hasher->hash_wait(hasher->self, cx, password, &s.renewed) != LG_OK)
		s.renewed = LG_NONE;
	if (s.write)
		e = lg_store_apply(cx, dir->store, tenant, "password.settle", record, &s, NULL);
	/* A grace that cannot be counted is not given; the rest is done again at the next sign-in. */
	if (e != LG_OK && s.verdict.grace_left >= 0)
		return e;
	return answer(cx, &s.verdict);
}

/* ---- for administrators --------------------------------------------------------------------------------------------------- */

lg_err
lg_password_facts(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_password_facts *ret)
{
	struct lg_pwd_policy p;
	struct lg_pwd_state s;

	LG_TRY(lg_pwd_policy_get(cx, v, e, &p));
	LG_TRY(lg_pwd_state_get(cx, v, e->tenant, e->id, &s));
	*ret = (struct lg_password_facts){ .changed = s.changed, .reset = s.reset };
	if (s.changed > 0 && p.max_age > 0)
		ret->expires = s.changed + p.max_age;
	if (lg_pwd_judge(&p, &s, cx->now, false, true).outcome == LG_PWD_IS_LOCKED)
		ret->locked = s.locked;
	ret->by_hand = ret->locked == LG_PWD_FOREVER && !s.strangers;
	return LG_OK;
}
