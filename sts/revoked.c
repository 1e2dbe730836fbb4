/*
 * revoked.c: the revocation set.  An entry is (kind, id, not_before): what was issued at or before it is refused.
 * Entries go when nothing that they speak of can still be alive.
 */
#include "sts/sts.h"

static lg_str
revoked_key(struct lg_arena *a, uint32_t tenant, enum lg_revoked kind, lg_str id)
{
	char rest[1 + LG_REVOKED_ID_MAX];

	rest[0] = (char)kind;
	if (id.n > 0)
		memcpy(rest + 1, id.p, id.n);
	return sts_key(a, tenant, (lg_str){ rest, 1 + id.n });
}

/* Tokens live an hour at most; a subject's and a tenant's entries also speak of refresh tokens and sessions. */
static int64_t
keep_for(enum lg_revoked kind)
{
	if (kind == LG_REVOKED_SUBJECT || kind == LG_REVOKED_TENANT)
		return LG_STS_OFFLINE_LIFE * LG_SECOND;
	return (LG_STS_ACCESS_LIFE_MAX + 300) * LG_SECOND;
}

/*
 * Two moments: when it was said, and the latest date of tokens that are refused.  Tokens say whole seconds, and those issued in the
 * second of a revocation are dated with the next (sts_issue_time); when that second is revoked once more, they end too.
 */
struct moments {
	int64_t said, dated;
};

static struct moments
read_row(lg_str row)
{
	struct lg_rd rd = sts_row_open(row, &sts_revoked);
	struct moments m = { .said = (int64_t)lg_rd_u64(&rd) };

	m.dated = lg_rd_done(&rd) ? m.said : (int64_t)lg_rd_u64(&rd);
	/* A row that does not decode refuses everything, which is the safe side. */
	return lg_rd_done(&rd) ? m : (struct moments){ INT64_MAX, INT64_MAX };
}

/* Older news change nothing. */
static bool
add_to(const struct moments *old, struct moments *m)
{
	int64_t next = old->dated / LG_SECOND * LG_SECOND + LG_SECOND;

	if (old->said > m->said || old->dated > m->said + STS_AHEAD * LG_SECOND)
		return false;
	if (next > m->dated)
		m->dated = next;
	return true;
}

lg_err
lg_sts_revoke(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id, int64_t not_before)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
	struct moments m = { not_before, not_before }, old;
	lg_str key, row;
	lg_uuid subject;

	if (id.n > LG_REVOKED_ID_MAX || (id.n == 0) != (kind == LG_REVOKED_TENANT))
		return lg_fail(cx, LG_E_INVALID, "a revocation's id has 1 to %d octets", LG_REVOKED_ID_MAX);
	if (kind == LG_REVOKED_SUBJECT && lg_uuid_parse(id, &subject))
		LG_TRY(sts_subject_end(cx, v, tenant, subject, not_before));
	key = revoked_key(cx->arena, tenant, kind, id);
	if (lg_get(cx, v, &sts_revoked, key, &row) == LG_OK) {
		old = read_row(row);
		if (!add_to(&old, &m))
			return LG_OK;
	}
	sts_row_begin(&b, &sts_revoked, not_before + keep_for(kind));
	lg_buf_u64(&b, (uint64_t)m.said);
	lg_buf_u64(&b, (uint64_t)m.dated);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_revoked, key, lg_buf_view(&b));
}

/* False: nothing was said.  What cannot be read counts as revoked for good. */
static bool
find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id, struct moments *ret)
{
	lg_str row;
	lg_err e = LG_E_LIMIT;

	*ret = (struct moments){ INT64_MAX, INT64_MAX };
	if (id.n <= LG_REVOKED_ID_MAX)
		e = lg_get(cx, v, &sts_revoked, revoked_key(cx->arena, tenant, kind, id), &row);
	if (e == LG_OK)
		*ret = read_row(row);
	return e != LG_E_NOT_FOUND;
}

bool
sts_is_revoked(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id, int64_t since)
{
	struct moments m;

	return find(cx, v, tenant, kind, id, &m) && since <= m.said;
}

static bool
date_is_over(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id, int64_t issued)
{
	struct moments m;

	return find(cx, v, tenant, kind, id, &m) && issued <= m.dated;
}

bool
sts_token_revoked(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_claims *c)
{
	return date_is_over(cx, v, tenant, LG_REVOKED_TENANT, LG_NONE, c->issued)
	    || date_is_over(cx, v, tenant, LG_REVOKED_SUBJECT, c->subject, c->issued)
	    || (c->sid.n > 0 && date_is_over(cx, v, tenant, LG_REVOKED_SESSION, c->sid, c->issued))
	    || date_is_over(cx, v, tenant, LG_REVOKED_JTI, c->jti, c->issued);
}

lg_err
lg_sts_revocations(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_sts_revoked_each *each, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str key, value;

	LG_TRY(lg_scan(cx, v, &sts_revoked, sts_key(cx->arena, tenant, LG_NONE), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value))
		if (!each(arg, (enum lg_revoked)key.p[4], lg_str_sub(key, 5, key.n), read_row(value).dated))
			break;
	return LG_OK;
}
