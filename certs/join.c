/*
 * join.c: how a host gets its first certificate, and a new one after it overslept.
 *
 * A join token is 256 bits of chance bound to one host entry; only its SHA-256 is stored.  The first key that presents it
 * owns it: the same key may ask again (an answer got lost), any other is refused, counted and audited.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "certs/issue.h"
#include "certs/join.h"
#include "certs/names.h"
#include "certs/peer.h"

#define SECRET 32

static lg_err
audit_host(struct lg_ctx *cx, struct lg_view *v, const char *member, lg_str text, lg_str target)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, member, text);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, target, lg_dup(cx->arena, lg_buf_view(&b)));
	return LG_OK;
}

/* ---- inviting -------------------------------------------------------------------------------------- */

struct invitation {
	struct lg_certs *c;
	uint32_t tenant;
	lg_sha256 secret;
	struct lg_invited_row row;
};

static lg_err
run_invite(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct invitation *in = arg;
	struct lg_cert_subject host;

	LG_TRY(lg_certs_entry(cx, in->c, v, in->tenant, in->row.host, &host));
	if (!lg_str_eq(host.type, LG_STR("Host")))
		return lg_fail(cx, LG_E_INVALID, "only hosts join");
	LG_TRY(audit_host(cx, v, "expires", lg_time_text(cx->arena, in->row.expires), host.name));
	return lg_invited_row_put(cx, v, in->tenant, &in->secret, &in->row);
}

/* Behind our listener: before the host has seen it there, it sends nothing. */
static lg_sha256
root_to_find(const struct lg_ca *ca)
{
	return ca->au.service_root.n > 0 ? lg_sha256_of(ca->au.service_root) : ca->issuer[0].above->sha256;
}

lg_err
lg_certs_invite(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_uuid host, int64_t life, lg_str *token, int64_t *expires)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_random(SECRET);
	lg_str bytes = { (const char *)secret.p, secret.n };
	struct invitation in = { .c = c, .tenant = tenant, .secret = lg_sha256_of(bytes), .row.host = host };
	const struct lg_ca *ca;

	if (life == 0)
		life = LG_JOIN_LIFE;
	if (life < LG_SECOND || life > LG_JOIN_LIFE)
		return lg_fail(cx, LG_E_INVALID, "a join token lives 1 to %d seconds", (int)(LG_JOIN_LIFE / LG_SECOND));
	in.row.expires = cx->now + life;
	LG_TRY(lg_trust_tenant(cx, t, tenant, &ca));
	LG_TRY(lg_store_apply(cx, c->ports.store, tenant, "host.invite", run_invite, &in, NULL));
	lg_sha256 root = root_to_find(ca);
	lg_str address = ca->au.join_address.n > 0 ? ca->au.join_address : c->ports.join_address;
	*token = lg_print(cx->arena, "lgj1.%.*s.%.*s.%.*s", LG_FMT(lg_base64url(cx->arena, address)),
	    LG_FMT(lg_base64url(cx->arena, lg_sha256_str(&root))), LG_FMT(lg_base64url(cx->arena, bytes)));
	*expires = in.row.expires;
	return LG_OK;
}

/* ---- the token's text --------------------------------------------------------------------------------- */

lg_err
lg_join_token_parse(struct lg_ctx *cx, lg_str text, struct lg_join_token *ret)
{
	lg_str version, server, root, secret, rest;
	struct lg_join_token found;

	if (text.n > LG_JOIN_TEXT_MAX || !lg_str_cut(text, '.', &version, &rest) || !lg_str_eq(version, LG_STR("lgj1")) ||
	    !lg_str_cut(rest, '.', &server, &rest) || !lg_str_cut(rest, '.', &root, &secret) ||
	    !lg_base64url_parse(cx->arena, server, &found.server) || found.server.n == 0 ||
	    !lg_base64url_parse(cx->arena, root, &root) || root.n != sizeof found.root.b ||
	    !lg_base64url_parse(cx->arena, secret, &secret) || secret.n != SECRET)
		return lg_fail(cx, LG_E_INVALID, "not a join token");
	memcpy(found.root.b, root.p, root.n);
	found.secret = lg_sha256_of(secret);
	*ret = found;
	return LG_OK;
}

/* ---- redeeming ------------------------------------------------------------------------------------------- */

struct redeeming {
	struct lg_certs *c;
	const struct lg_ca *ca;
	uint32_t tenant;
	lg_sha256 secret;		/* of the token */
	lg_sha256 spki;			/* of the request */
	bool other_key;			/* the token belongs to somebody else's key */
	struct lg_cert_row done;	/* what the token brought this key already: what lg_issued_of needs of it */
};

/* One look at the token, the same in a snapshot and in a mutation: may this key have it? */
static lg_err
look(struct lg_ctx *cx, struct lg_view *v, struct redeeming *r, struct lg_invited_row *ret)
{
	lg_err e = lg_invited_row_get(cx, v, r->tenant, &r->secret, ret);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_DENIED, "the join token is not known");
	LG_TRY(e);
	r->other_key = ret->redeemed && memcmp(ret->spki.b, r->spki.b, sizeof r->spki.b) != 0;
	if (r->other_key)
		return lg_fail(cx, LG_E_DENIED, "the join token was redeemed before with another key");
	if (cx->now > ret->expires)
		return lg_fail(cx, LG_E_DENIED, "the join token has expired");
	return LG_OK;
}

/* LG_E_EXISTS: the key has its certificate, which is in r->done. */
static lg_err
look_done(struct lg_ctx *cx, struct lg_view *v, struct redeeming *r, const struct lg_invited_row *row)
{
	struct lg_cert_row done;

	if (!row->redeemed)
		return LG_OK;
	LG_TRY(lg_cert_find(cx, v, r->tenant, &row->serial, &done));
	if (done.state == LG_CERT_PENDING)
		return LG_OK;		/* it came to nothing: a new one */
	if (done.state == LG_CERT_REVOKED)
		return lg_fail(cx, LG_E_DENIED, "the certificate that this join token brought is revoked");
	r->done = (struct lg_cert_row){ .serial = done.serial, .issuer = done.issuer, .expires = done.expires,
		.der = lg_dup(cx->arena, done.der) };		/* outlives the view */
	return LG_E_EXISTS;
}

static lg_err
bind_token(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	struct redeeming *r = is->arg;
	struct lg_invited_row row;

	LG_TRY(look(cx, v, r, &row));
	LG_TRY(look_done(cx, v, r, &row));
	row.redeemed = true;
	row.spki = r->spki;
	row.serial = is->row.serial;
	return lg_invited_row_put(cx, v, r->tenant, &r->secret, &row);
}

/* Two requests with one key at once: the later binding counts, the earlier certificate is revoked. */
static lg_err
still_bound(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is)
{
	struct redeeming *r = is->arg;
	struct lg_invited_row row;

	LG_TRY(look(cx, v, r, &row));
	if (memcmp(row.serial.b, is->row.serial.b, sizeof row.serial.b) != 0)
		return lg_fail(cx, LG_E_CONFLICT, "the join token was redeemed again meanwhile");
	return LG_OK;
}

/* A second use by another key: perhaps the first one was the thief's, so somebody must hear of it. */
static lg_err
run_refuse(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct redeeming *r = arg;
	struct lg_cert_subject host = { .name = LG_NONE };
	struct lg_invited_row row;
	char id[LG_UUID_TEXT + 1];

	LG_TRY(lg_invited_row_get(cx, v, r->tenant, &r->secret, &row));
	row.refused += row.refused < UINT32_MAX;
	lg_uuid_text(row.host, id);
	if (lg_certs_entry(cx, r->c, v, r->tenant, row.host, &host) != LG_OK)
		host.name = lg_str_of(id);
	LG_TRY(audit_host(cx, v, "refused", LG_STR("the join token was redeemed before with another key"), host.name));
	return lg_invited_row_put(cx, v, r->tenant, &r->secret, &row);
}

static lg_err
refuse(struct lg_ctx *cx, struct redeeming *r)
{
	LG_TRY(lg_store_apply(cx, r->c->ports.store, r->tenant, "host.join.refuse", run_refuse, r, NULL));
	return lg_fail(cx, LG_E_DENIED, "the join token was redeemed before with another key");
}

/* The host and policy's word on it, in one snapshot. */
static lg_err
decide(struct lg_ctx *cx, struct redeeming *r, const char *action, const char *proof, struct lg_view *v, lg_uuid id,
    struct lg_cert_subject *host)
{
	struct lg_certs_caller self = { .proof = proof };

	LG_TRY(lg_certs_entry(cx, r->c, v, r->tenant, id, host));
	self.id = host->id;
	self.type = host->type;
	self.name = host->name;
	return lg_certs_ask_on(cx, r->c, v, r->tenant, &self, action,
	    (struct lg_entity_id){ .type = host->type, .id = host->id, .name = host->name });
}

static lg_err
look_and_decide(struct lg_ctx *cx, struct redeeming *r, struct lg_cert_subject *host)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_invited_row row;

	LG_TRY(lg_view_begin(cx, r->c->ports.store, &v));
	LG_TRY(look(cx, v, r, &row));
	LG_TRY(decide(cx, r, "host:join", "ticket", v, row.host, host));
	return look_done(cx, v, r, &row);
}

/* From here on the host acts: its key and token have proved it. */
static void
act_as(struct lg_ctx *cx, uint32_t tenant, const struct lg_cert_subject *host)
{
	struct lg_actor *a = LG_NEW(cx->arena, struct lg_actor);

	*a = (struct lg_actor){ .kind = LG_ACTOR_ENTRY, .tenant = tenant, .id = host->id, .type = host->type, .name = host->name,
		.address = cx->actor->address };
	cx->actor = a;
}

static lg_err
issue_to(struct lg_ctx *cx, struct redeeming *r, const struct lg_csr *csr, bool by_token, struct lg_joined *j)
{
	struct lg_issuing *is = LG_NEW(cx->arena, struct lg_issuing);
	struct lg_cert_request rq = { .tenant = r->tenant, .profile = LG_STR("host"), .proof = "self",
		.asker = { .type = j->host.type, .id = j->host.id, .name = j->host.name }, .entry = j->host.id, .spki = csr->spki,
		.only = &csr->names };

	act_as(cx, r->tenant, &j->host);
	is->c = r->c;
	is->ca = r->ca;
	is->rq = &rq;
	is->arg = r;
	if (by_token) {
		is->pending = bind_token;
		is->complete = still_bound;
	}
	return lg_issuing_run(cx, is, &j->issued);
}

static lg_err
redeem(struct lg_ctx *cx, struct redeeming *r, const struct lg_csr *csr, struct lg_joined *ret)
{
	const struct lg_actor *before = cx->actor;
	lg_err e = look_and_decide(cx, r, &ret->host);

	if (e == LG_OK)
		e = issue_to(cx, r, csr, true, ret);
	if (e == LG_E_EXISTS)
		return lg_issued_of(cx, r->ca, &r->done, &ret->issued);
	if (!r->other_key)
		return e;
	cx->actor = before;
	return refuse(cx, r);
}

lg_err
lg_certs_join(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str token, lg_str csr_der, struct lg_joined *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct redeeming r = { .c = c, .tenant = tenant };
	struct lg_join_token parsed;
	struct lg_joined joined;
	struct lg_csr csr;

	LG_TRY(lg_join_token_parse(cx, token, &parsed));
	LG_TRY(lg_trust_tenant(cx, t, tenant, &r.ca));
	lg_sha256 root = root_to_find(r.ca);
	if (memcmp(parsed.root.b, root.b, sizeof parsed.root.b) != 0)
		return lg_fail(cx, LG_E_DENIED, "the join token is for another authority");
	LG_TRY(lg_csr_parse(cx, csr_der, &csr));
	r.secret = parsed.secret;
	r.spki = lg_sha256_of(csr.spki);
	LG_TRY(redeem(cx, &r, &csr, &joined));
	*ret = joined;
	return LG_OK;
}

/* ---- rejoin -------------------------------------------------------------------------------------------------- */

/* The moment as of which the old certificate is looked at: its own last one, if it is not long over. */
static lg_err
rejoin_time(struct lg_ctx *cx, lg_str der, int64_t *ret)
{
	struct lg_x509 x;

	if (der.n > LG_CERT_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %u octets", LG_CERT_MAX);
	LG_TRY(lg_x509_parse(cx, der, &x));
	if (cx->now > x.not_after && cx->now - x.not_after > LG_CERT_REJOIN)
		return lg_fail(cx, LG_E_EXPIRED, "the certificate expired more than 14 days ago");
	*ret = cx->now > x.not_after ? x.not_after : cx->now;
	return LG_OK;
}

static lg_err
check_old(struct lg_ctx *cx, struct redeeming *r, const struct lg_trust *t, lg_str der, struct lg_cert_subject *host)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_sha256 sha256 = lg_sha256_of(der);
	struct lg_peer_found f;
	struct lg_cert_row row;
	int64_t at = cx->now;

	LG_TRY(rejoin_time(cx, der, &at));
	LG_TRY(lg_peer_certificate(cx, t, der, at, &f));
	if (f.ca->au.tenant != r->tenant || !lg_str_eq(f.id.type, LG_STR("Host")))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "it is not a host's certificate of this tenant");
	LG_TRY(lg_view_begin(cx, r->c->ports.store, &v));
	LG_TRY(lg_peer_record(cx, v, &f, &sha256, &row));
	if (memcmp(row.spki.b, r->spki.b, sizeof r->spki.b) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the request is for another key than the certificate's");
	LG_TRY(lg_peer_entry(cx, r->c, v, r->tenant, row.entry, &f.id, host));
	return decide(cx, r, "host:rejoin", "self", v, row.entry, host);
}

lg_err
lg_certs_rejoin(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str cert, lg_str csr_der, struct lg_joined *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct redeeming r = { .c = c, .tenant = tenant };
	struct lg_joined joined;
	struct lg_csr csr;
	lg_err e;

	LG_TRY(lg_csr_parse(cx, csr_der, &csr));
	LG_TRY(lg_trust_tenant(cx, t, tenant, &r.ca));
	r.spki = lg_sha256_of(csr.spki);
	e = check_old(cx, &r, t, cert, &joined.host);
	if (e != LG_OK)
		return e == LG_E_DENIED ? e : lg_peer_refusal(cx, e);
	LG_TRY(issue_to(cx, &r, &csr, false, &joined));
	*ret = joined;
	return LG_OK;
}
