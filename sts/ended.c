/*
 * ended.c: the end of a session, and the applications that are told of it.
 *
 * A *visit* notes that a client got tokens in a session, for clients that registered an address for the news.  When the session ends,
 * by whatever way, each visit becomes a *notice* (Back-Channel Logout 1.0), which notify.c carries out; the browser's own part
 * (Front-Channel Logout 1.0) is logout.c's.
 */
#include "sts/sts.h"

#include "base/text.h"

#define ROW_MAX		2048
#define SUBJECT_SESSIONS 500	/* that end one by one when a subject is revoked; of others the tokens end, and nobody is told */

/* ---- visits: u32 tenant, session, client id ------------------------------------------------------------------ */

static lg_str
session_key(struct lg_arena *a, uint32_t tenant, lg_uuid session, lg_str client)
{
	return sts_key(a, tenant, lg_cat(a, sts_uuid_str(&session), client));
}

lg_err
sts_visits_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid session, lg_str ret[STS_VISITS], size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str prefix = session_key(cx->arena, tenant, session, LG_NONE), key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &sts_visits, prefix, LG_NONE, &c));
	while (*n < STS_VISITS && lg_cursor_next(&c, &key, &value))
		ret[(*n)++] = lg_dup(cx->arena, lg_str_sub(key, prefix.n, key.n));
	return LG_OK;
}

lg_err
sts_visit_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid session, const struct lg_sts_client *client)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	lg_str others[STS_VISITS];
	size_t n;

	if (lg_uuid_is_nil(session) || (client->backchannel.n == 0 && client->frontchannel.n == 0))
		return LG_OK;
	LG_TRY(sts_visits_list(cx, v, tenant, session, others, &n));
	if (n == STS_VISITS)
		return LG_OK;
	/* A session that goes on is longer than one that does not. */
	sts_row_begin(&b, &sts_visits, lg_view_time(v) + 2 * LG_STS_SESSION_LIFE * LG_SECOND);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_visits, session_key(cx->arena, tenant, session, client->id), lg_buf_view(&b));
}

/* ---- notices: u32 tenant, u64 when, a number ------------------------------------------------------------------------ */

lg_err
sts_notice_put(struct lg_ctx *cx, struct lg_view *v, const struct sts_notice *nt)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	sts_row_begin(&b, &sts_notices, nt->due + LG_DAY);
	lg_buf_str32(&b, nt->client);
	lg_buf_uuid(&b, nt->subject);
	lg_buf_uuid(&b, nt->session);
	lg_buf_byte(&b, (char)nt->attempts);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_notices, sts_outbox_key(cx->arena, nt->tenant, nt->due, nt->id), lg_buf_view(&b));
}

bool
sts_notice_read(struct lg_arena *a, lg_str key, lg_str row, struct sts_notice *ret)
{
	struct lg_rd rd = sts_row_open(lg_dup(a, row), &sts_notices);
	bool placed;

	*ret = (struct sts_notice){ .key = lg_dup(a, key) };
	placed = sts_outbox_place(key, &ret->tenant, &ret->due, &ret->id);
	ret->client = lg_rd_str32(&rd);
	ret->subject = lg_rd_uuid(&rd);
	ret->session = lg_rd_uuid(&rd);
	ret->attempts = lg_rd_u8(&rd);
	return placed && lg_rd_done(&rd);
}

static lg_err
tell(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_session *s, lg_str client_id)
{
	struct lg_sts_client client;
	uint64_t waiting;
	lg_err e = lg_sts_client_get(cx, v, tenant, client_id, &client);

	if (e == LG_E_NOT_FOUND || (e == LG_OK && client.backchannel.n == 0))
		return LG_OK;
	LG_TRY(e);
	LG_TRY(lg_table_count(cx, v, &sts_notices, &waiting));
	if (waiting >= STS_NOTICES)
		return LG_OK;
	const struct sts_notice nt = {
		.tenant = tenant, .due = lg_view_time(v), .id = lg_uuid_new(), .client = client_id, .subject = s->subject, .session = s->id,
	};
	return sts_notice_put(cx, v, &nt);
}

/* ---- the end ----------------------------------------------------------------------------------------------------------- */

lg_err
sts_session_end(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id)
{
	lg_str visits[STS_VISITS];
	char sid[LG_UUID_TEXT + 1];
	struct sts_session s;
	size_t n;
	lg_err e = sts_session_get(cx, v, tenant, id, &s);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(sts_visits_list(cx, v, tenant, id, visits, &n));
	for (size_t i = 0; i < n; i++) {
		if (e == LG_OK)
			LG_TRY(tell(cx, v, tenant, &s, visits[i]));
		LG_TRY(lg_del(cx, v, &sts_visits, session_key(cx->arena, tenant, id, visits[i])));
	}
	if (e == LG_OK)
		LG_TRY(lg_del(cx, v, &sts_sessions, sts_key(cx->arena, tenant, sts_uuid_str(&id))));
	lg_uuid_text(id, sid);
	return lg_sts_revoke(cx, v, tenant, LG_REVOKED_SESSION, lg_str_of(sid), lg_view_time(v));
}

lg_err
sts_sessions_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_uuid *ret, size_t max, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str prefix = sts_key(cx->arena, tenant, sts_uuid_str(&subject)), key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &sts_session_subjects, prefix, LG_NONE, &c));
	while (*n < max && lg_cursor_next(&c, &key, &value)) {
		struct lg_rd rd = lg_rd_of(lg_str_sub(key, prefix.n, key.n));

		ret[(*n)++] = lg_rd_uuid(&rd);
	}
	return LG_OK;
}

lg_err
sts_subject_end(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, int64_t not_before)
{
	lg_uuid *id = LG_NEWS(cx->arena, lg_uuid, SUBJECT_SESSIONS);
	size_t n;

	LG_TRY(sts_sessions_of(cx, v, tenant, subject, id, SUBJECT_SESSIONS, &n));
	for (size_t i = 0; i < n; i++) {
		struct sts_session s;

		LG_TRY(sts_session_get(cx, v, tenant, id[i], &s));
		if (s.auth_time <= not_before)
			LG_TRY(sts_session_end(cx, v, tenant, id[i]));
	}
	return LG_OK;
}
