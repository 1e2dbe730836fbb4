/* session.c: see session.h. */
#include "directory/session.h"

#include "directory/conn.h"
#include "directory/entry.h"
#include "directory/hub.h"
#include "directory/pwd.h"
#include "directory/pwd.h"

static struct lg_ldap_conn **
bucket_of(struct lg_ldap *l, uint32_t tenant, uint64_t id)
{
	return &l->session[(id ^ id >> 16 ^ tenant) % LG_SESSION_BUCKETS];
}

void
lg_session_end(struct lg_ldap_conn *c)
{
	struct lg_session *s = &c->session;

	if (s->known) {
		*s->prev = s->next;
		if (s->next != NULL)
			s->next->session.prev = s->prev;
	}
	*s = (struct lg_session){ .known = false };
}

void
lg_session_begin(struct lg_ldap_conn *c, const struct lg_entry *e, const int64_t *since)
{
	struct lg_session *s = &c->session;
	struct lg_ldap_conn **at;

	lg_session_end(c);
	if (e == NULL)
		return;
	at = bucket_of(c->ldap, e->tenant, e->id);
	*s = (struct lg_session){ .known = true, .tenant = e->tenant, .entry = e->id, .by_password = since != NULL, .next = *at, .prev = at };
	if (since != NULL)
		s->since = *since;
	if (s->next != NULL)
		s->next->session.prev = &s->next;
	*at = c;
}

bool
lg_password_since(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, int64_t *ret)
{
	struct lg_pwd_state s;

	if (!lg_entry_has_verifier(e) || lg_pwd_state_get(cx, v, e->tenant, e->id, &s) != LG_OK)
		return false;
	*ret = s.changed;
	return true;
}

/* An administrator has locked the account.  A lock that failures of others brought about does not end what its owner has begun. */
static bool
is_shut(struct lg_ctx *cx, struct lg_view *v, const struct lg_session *s)
{
	struct lg_pwd_state pwd;

	return lg_pwd_state_get(cx, v, s->tenant, s->entry, &pwd) != LG_OK || (pwd.locked == LG_PWD_FOREVER && !pwd.strangers);
}

static bool
still_in(struct lg_ctx *cx, struct lg_view *v, struct lg_session *s, bool *same_password)
{
	struct lg_entry e;
	int64_t now = 0;
	bool there = lg_entry_by_id(cx, v, s->tenant, s->entry, &e) == LG_OK && e.enabled && !is_shut(cx, v, s);

	*same_password = !s->by_password || (there && lg_password_since(cx, v, &e, &now) && now == s->since);
	if (there && s->by_password && !*same_password)
		s->since = now;
	return there;
}

/* The entry as it is, if it may still act. */
static bool
still_there(struct lg_ldap_conn *c, bool *same_password)
{
	struct lg_session *s = &c->session;
	struct lg_arena *arena = c->ldap->entry;
	struct lg_view *v;
	struct lg_ctx cx;
	bool there;

	lg_arena_reset(arena);
	lg_ctx_init(&cx, arena);
	if (lg_view_begin(&cx, c->ldap->o.dir->store, &v) != LG_OK)
		return false;
	*same_password = true;
	there = lg_view_snapshot(v) == s->seen || still_in(&cx, v, s, same_password);
	lg_view_end(&v);
	return there;
}

void
lg_session_renew(struct lg_ldap_conn *c)
{
	bool same;

	(void)still_there(c, &same);
}

/* While a write waits, its answer comes first: it may be the connection's own change of its password. */
void
lg_session_settle(struct lg_ldap_conn *c)
{
	bool same;

	for (struct lg_op *op = c->ops; op != NULL; op = op->next)
		if (op->waiting)
			return;
	c->session.doubted = false;
	/* RFC 4511 4.4.1: strongerAuthRequired says that what was agreed on no longer holds. */
	if (c->session.known && (!still_there(c, &same) || !same))
		lg_conn_notice(c, LG_LDAP_STRONGER_AUTH_REQUIRED, LG_STR("the session's account has changed"));
}

static void
doubt(struct lg_ldap_conn *c)
{
	c->session.seen = 0;
	c->session.doubted = true;
	lg_session_settle(c);
	if (c->closing && c->wake != NULL)
		c->wake(c->arg);
}

static void
doubt_bucket(struct lg_ldap_conn *first, const struct lg_doubt *d)
{
	for (struct lg_ldap_conn *c = first, *next; c != NULL; c = next) {
		next = c->session.next;
		if (d == NULL || (c->session.entry == d->id && c->session.tenant == d->tenant))
			doubt(c);
	}
}

void
lg_sessions_changed(struct lg_ldap *l)
{
	struct lg_doubt d[LG_DOUBTS];
	bool all;
	size_t n = lg_ear_doubts(l->ear, d, &all);

	for (size_t i = 0; i < n; i++)
		doubt_bucket(*bucket_of(l, d[i].tenant, d[i].id), &d[i]);
	for (size_t i = 0; all && i < LG_SESSION_BUCKETS; i++)
		doubt_bucket(l->session[i], NULL);
}
