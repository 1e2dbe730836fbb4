/*
 * grant_refresh.c: refresh_token (RFC 6749 6, RFC 9700 4.14): rotation, the grace window, and the end of a family whose
 * token came back.
 *
 * Clients that prove a key at every call (TLS, private_key_jwt, DPoP) are bound by it and keep their token: nothing is written.
 */
#include "sts/sts.h"

enum standing {			/* of a presented token in its family */
	STANDING_CURRENT,
	STANDING_GRACE,		/* the one before, just now: the answer was lost, or two asked at once */
	STANDING_REUSED
};

struct refresh {
	lg_sha256 given, next_hash;
	struct sts_grant grant;
	enum standing standing;
	lg_str next;
	struct sts_issue is;
};

static enum standing
standing_of(const struct sts_grant *g, const lg_sha256 *given, int64_t now)
{
	if (lg_equal_bytes(given->b, g->current.b, sizeof given->b))
		return STANDING_CURRENT;
	if (lg_equal_bytes(given->b, g->previous.b, sizeof given->b)
	    && now - g->rotated <= LG_STS_REFRESH_GRACE * LG_SECOND)
		return STANDING_GRACE;
	return STANDING_REUSED;
}

/* ---- what is checked against the snapshot -------------------------------------------------------------- */

static lg_err
find_grant(struct sts_rq *rq, struct refresh *rf, lg_str token)
{
	lg_uuid id;
	lg_err e;

	if (token.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "refresh_token is missing");
	if (!sts_refresh_parse(rq->cx->arena, token, &id))
		return sts_refuse(rq, STS_INVALID_GRANT, "no such refresh token");
	e = sts_grant_get(rq->cx, rq->view, rq->tenant_id, id, &rf->grant);
	if (e == LG_E_NOT_FOUND)
		e = sts_rq_look_again(rq);
	if (e == LG_E_NOT_FOUND)
		return sts_refuse(rq, STS_INVALID_GRANT, "no such refresh token");
	LG_TRY(e);
	bool same = lg_uuid_is_nil(rf->grant.client_entry) || lg_uuid_eq(rf->grant.client_entry, rq->client.entry);
	if (!lg_str_eq(rf->grant.client, rq->client.id) || !same)
		return sts_refuse(rq, STS_INVALID_GRANT, "the refresh token was given to another client");
	if (rf->grant.jkt.n > 0 && !lg_str_eq(rf->grant.jkt, rq->jkt))
		return sts_refuse(rq, STS_INVALID_GRANT, "the refresh token belongs to another key than was proved");
	if (rf->grant.x5t.n > 0 && !lg_str_eq(rf->grant.x5t, sts_thumbprint(rq->cx->arena, sts_peer_cert(rq->ex->peer))))
		return sts_refuse(rq, STS_INVALID_GRANT, "the refresh token belongs to another certificate than was shown");
	rf->given = lg_sha256_of(token);
	rf->standing = standing_of(&rf->grant, &rf->given, rq->cx->now);
	return LG_OK;
}

static lg_err
check_subject(struct sts_rq *rq, struct refresh *rf)
{
	if (!sts_grant_good(rq, &rf->grant))
		return sts_refuse(rq, STS_INVALID_GRANT, "the grant has ended");
	rf->is.wanted = rf->grant.wanted;
	return sts_issue_person(rq, rf->grant.subject, &rf->is);
}

static lg_err
choose_scope(struct sts_rq *rq, struct refresh *rf)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked) || !sts_scope_within(asked, rf->grant.scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is wider than what was granted");
	rf->is.scope = asked.n > 0 ? asked : rf->grant.scope;
	return LG_OK;
}

static void
fill_issue(struct sts_rq *rq, struct refresh *rf)
{
	struct sts_issue *is = &rf->is;
	char sid[LG_UUID_TEXT + 1];

	lg_uuid_text(rf->grant.session, sid);
	is->sid = lg_dup(rq->cx->arena, lg_str_of(sid));
	is->auth_time = rf->grant.auth_time;
	is->how = rf->grant.how;
	is->id_token = sts_scope_has(is->scope, LG_STR("openid"));
	sts_issue_lifetime(rq, is);
}

/* ---- the mutation: the family may have moved on since the snapshot ---------------------------------------- */

static lg_err
rotate_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct refresh *rf = rq->grant;
	struct sts_grant g;
	lg_err e = sts_grant_get(cx, v, rq->tenant_id, rf->grant.id, &g);

	rf->standing = STANDING_REUSED;
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	rf->standing = standing_of(&g, &rf->given, cx->now);
	rf->grant = g;
	if (rf->standing == STANDING_GRACE)
		return LG_OK;
	if (rf->standing == STANDING_REUSED) {
		lg_audit(v, g.client, LG_STR("{\"reused\":true}"));
		return sts_grant_kill(cx, v, rq->tenant_id, &g);
	}
	/* The snapshot was older than this token: nothing was prepared for it. */
	if (rf->next.n == 0)
		return lg_fail(cx, LG_E_RETRY, "the grant has just changed; ask again");
	lg_audit(v, g.client, LG_NONE);
	g.previous = g.current;
	g.current = rf->next_hash;
	g.rotated = lg_view_time(v);
	g.generation++;
	rf->grant = g;
	return sts_grant_put(cx, v, rq->tenant_id, &g);
}

/* The successor is handed out if it is the living token: after this call's rotation, or another's a moment ago. */
static lg_err
rotate_finish(struct sts_rq *rq, void *arg)
{
	struct refresh *rf = rq->grant;

	(void)arg;
	if (rf->standing == STANDING_REUSED
	    || !lg_equal_bytes(rf->next_hash.b, rf->grant.current.b, sizeof rf->next_hash.b))
		return sts_refuse(rq, STS_INVALID_GRANT, "the refresh token was used before");
	return LG_OK;
}

static bool
is_bound_by_key(const struct sts_rq *rq, const struct sts_grant *g)
{
	return g->jkt.n > 0 || g->x5t.n > 0 || rq->client.auth == LG_CLIENT_TLS || rq->client.auth == LG_CLIENT_SELF_TLS
	    || rq->client.auth == LG_CLIENT_JWT;
}

lg_err
sts_grant_refresh(struct sts_rq *rq)
{
	struct refresh *rf = LG_NEW(rq->cx->arena, struct refresh);
	lg_str token = lg_form_get(&rq->form, "refresh_token");

	rq->grant = rf;
	LG_TRY(find_grant(rq, rf, token));
	if (rf->standing == STANDING_REUSED)
		return sts_submit(rq, "token.refresh", rotate_run, rotate_finish, rq);
	LG_TRY(choose_scope(rq, rf));
	LG_TRY(check_subject(rq, rf));
	LG_TRY(sts_audience_narrow(rq, rf->grant.audience, rf->grant.naudience, &rf->is));
	fill_issue(rq, rf);
	LG_TRY(sts_issue_decide(rq, &rf->is));
	if (is_bound_by_key(rq, &rf->grant))
		return sts_issue_sign(rq, &rf->is);
	LG_TRY(sts_refresh_next(rq, rf->grant.id, token, &rf->next));
	rf->next_hash = lg_sha256_of(rf->next);
	rf->is.refresh = rf->next;
	if (rf->standing == STANDING_CURRENT)
		return sts_issue_stored(rq, &rf->is, "token.refresh", rotate_run, rotate_finish);
	LG_TRY(rotate_finish(rq, rq));
	return sts_issue_sign(rq, &rf->is);
}
