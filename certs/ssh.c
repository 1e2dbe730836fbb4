/* ssh.c: an SSH certificate, written and signed. */
#include "certs/ssh.h"

#include "base/clock.h"
#include "base/ipnet.h"
#include "crypto/spki.h"
#include "crypto/ssh.h"

static const uint8_t mark[LG_CERT_SERIAL - 8] = { 's', 's', 'h' };

void
lg_ssh_draw_serial(lg_serial *s)
{
	uint64_t number;

	lg_random(&number, sizeof number);
	lg_ssh_serial_of(number | 1, s);	/* zero means that none was given */
}

void
lg_ssh_serial_of(uint64_t number, lg_serial *ret)
{
	memcpy(ret->b, mark, sizeof mark);
	for (size_t i = 0; i < 8; i++)
		ret->b[sizeof mark + i] = (uint8_t)(number >> (56 - 8 * i));
}

bool
lg_ssh_serial(const lg_serial *s, uint64_t *ret)
{
	struct lg_rd rd = lg_rd_of((lg_str){ (const char *)s->b + sizeof mark, 8 });

	*ret = lg_rd_u64(&rd);
	return memcmp(s->b, mark, sizeof mark) == 0;
}

/* ---- whom it is good for -------------------------------------------------------------------------------- */

static lg_err
add(struct lg_ctx *cx, struct lg_ssh_names *names, lg_str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (lg_str_eq(names->v[i], name))
			return LG_OK;
	if (names->n == LG_SSH_PRINCIPALS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d principals", LG_SSH_PRINCIPALS);
	names->v[names->n++] = name;
	return LG_OK;
}

static lg_err
of_entry(struct lg_ctx *cx, const struct lg_cert_profile *p, const struct lg_cert_subject *entry, struct lg_ssh_names *ret)
{
	if (p->kind == LG_PROFILE_SSH_USER)
		return add(cx, ret, entry->name);
	for (size_t i = 0; i < entry->ndns; i++)
		LG_TRY(add(cx, ret, entry->dns[i]));
	for (size_t i = 0; i < entry->nip; i++)
		LG_TRY(add(cx, ret, lg_ip_octets_text(cx->arena, entry->ip[i])));
	if (ret->n == 0)
		return lg_fail(cx, LG_E_DENIED, "%.*s has neither DNS names nor addresses", LG_FMT(entry->name));
	return LG_OK;
}

static bool
among(const struct lg_ssh_names *names, lg_str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (lg_str_eq(names->v[i], name))
			return true;
	return false;
}

lg_err
lg_ssh_principals(struct lg_ctx *cx, const struct lg_cert_profile *p, const struct lg_cert_subject *entry,
    const struct lg_cert_request *rq, struct lg_ssh_names *ret)
{
	struct lg_ssh_names own = { .n = 0 }, names = { .n = 0 };

	LG_TRY(of_entry(cx, p, entry, &own));
	for (size_t i = 0; i < rq->nprincipals; i++) {
		if (p->kind == LG_PROFILE_SSH_HOST && !among(&own, rq->principals[i]))
			return lg_fail(cx, LG_E_DENIED, "\"%.*s\" is no name of the host", LG_FMT(rq->principals[i]));
		LG_TRY(add(cx, &names, rq->principals[i]));
	}
	*ret = names.n > 0 ? names : own;
	return LG_OK;
}

/* ---- the certificate --------------------------------------------------------------------------------------- */

static void
put_principals(struct lg_buf *b, const struct lg_ssh_names *names)
{
	LG_AUTO(lg_buf_free) struct lg_buf list = LG_BUF(LG_SSH_CERT_MAX);

	for (size_t i = 0; i < names->n; i++)
		lg_buf_str32(&list, names->v[i]);
	b->full = b->full || list.full;
	lg_buf_str32(b, lg_buf_view(&list));
}

/* What a shell needs, for people; none of it reaches beyond the session's own rights. */
static void
put_extensions(struct lg_buf *b, const struct lg_cert_profile *p)
{
	static const lg_str usual[] = {
		LG_STR("permit-X11-forwarding"), LG_STR("permit-agent-forwarding"), LG_STR("permit-port-forwarding"), LG_STR("permit-pty"),
		LG_STR("permit-user-rc"),
	};
	LG_AUTO(lg_buf_free) struct lg_buf list = LG_BUF(1024);

	for (size_t i = 0; p->kind == LG_PROFILE_SSH_USER && i < LG_COUNT(usual); i++) {
		lg_buf_str32(&list, usual[i]);
		lg_buf_str32(&list, LG_NONE);
	}
	lg_buf_str32(b, lg_buf_view(&list));
}

static const struct lg_ssh_ca *
authority(const struct lg_issuing *is)
{
	return is->profile.kind == LG_PROFILE_SSH_USER ? &is->ca->ssh_user : &is->ca->ssh_host;
}

lg_err
lg_ssh_write(struct lg_ctx *cx, struct lg_issuing *is)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SSH_CERT_MAX);
	const struct lg_ssh_ca *ca = authority(is);
	struct lg_pubkey_parts key;
	char nonce[32];
	uint64_t serial;

	if (ca->n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the tenant has no key for SSH certificates");
	LG_TRY(lg_spki_parse(cx, is->rq->spki, &key));
	lg_random(nonce, sizeof nonce);
	(void)lg_ssh_serial(&is->row.serial, &serial);
	lg_buf_str32(&b, lg_ssh_name(key.kind, true));
	lg_buf_str32(&b, (lg_str){ nonce, sizeof nonce });
	lg_ssh_put_key_fields(&b, &key);
	lg_buf_u64(&b, serial);
	lg_buf_u32(&b, is->profile.kind == LG_PROFILE_SSH_USER ? LG_SSH_USER : LG_SSH_HOST);
	lg_buf_str32(&b, lg_print(cx->arena, "%.*s/%.*s", LG_FMT(is->entry.type), LG_FMT(is->entry.name)));
	put_principals(&b, &is->principals);
	lg_buf_u64(&b, (uint64_t)(is->row.not_before / LG_SECOND));
	lg_buf_u64(&b, (uint64_t)(is->row.expires / LG_SECOND));
	lg_buf_str32(&b, LG_NONE);
	put_extensions(&b, &is->profile);
	lg_buf_str32(&b, LG_NONE);
	lg_buf_str32(&b, ca->key[0].blob);
	LG_TRY(lg_buf_status(cx, &b));
	is->row.issuer = ca->key[0].sha256;
	is->tbs = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
lg_ssh_sign(struct lg_ctx *cx, struct lg_issuing *is, lg_str *ret)
{
	const struct lg_signer *signer = &is->c->ports.signer;
	enum lg_purpose purpose = is->profile.kind == LG_PROFILE_SSH_USER ? LG_PURPOSE_SSH_USER : LG_PURPOSE_SSH_HOST;
	lg_str cert;

	LG_TRY(signer->ssh_wait(signer->self, cx, is->ca->au.tenant, purpose, is->tbs, &cert));
	if (!lg_str_starts(cert, is->tbs) || cert.n == is->tbs.n || cert.n > LG_SSH_CERT_MAX)
		return lg_fail(cx, LG_E_INTERNAL, "the keeper signed something else");
	*ret = cert;
	return LG_OK;
}

/* ---- key revocation list --------------------------------------------------------------------------------------- */

enum { KRL_CERTIFICATES = 1, KRL_SERIALS = 0x20 };

/* Serial numbers of one authority, in order, because the inventory's keys are. */
static lg_err
put_revoked(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *ca, struct lg_buf *b)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	lg_certs_key_add(&prefix, mark, sizeof mark);
	LG_TRY(lg_scan(cx, v, &lg_certs_revoked, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		struct lg_revoked_row row;
		lg_serial serial;
		uint64_t number;

		if (key.n != 4 + sizeof serial.b)
			return lg_fail(cx, LG_E_CORRUPT, "a key of revocations has the wrong length");
		memcpy(serial.b, key.p + 4, sizeof serial.b);
		LG_TRY(lg_revoked_row_decode(cx, &serial, value, &row));
		if (memcmp(row.issuer.b, ca->b, sizeof ca->b) == 0 && row.expires > cx->now && lg_ssh_serial(&serial, &number))
			lg_buf_u64(b, number);
	}
	return lg_buf_status(cx, b);
}

static lg_err
put_section(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ssh_ca_key *ca, struct lg_buf *krl)
{
	LG_AUTO(lg_buf_free) struct lg_buf serials = LG_BUF(LG_HTTP_RESPONSE_MAX), section = LG_BUF(LG_HTTP_RESPONSE_MAX);

	LG_TRY(put_revoked(cx, v, tenant, &ca->sha256, &serials));
	if (serials.n == 0)
		return LG_OK;
	lg_buf_str32(&section, ca->blob);
	lg_buf_str32(&section, LG_NONE);
	lg_buf_byte(&section, KRL_SERIALS);
	lg_buf_str32(&section, lg_buf_view(&serials));
	LG_TRY(lg_buf_status(cx, &section));
	lg_buf_byte(krl, KRL_CERTIFICATES);
	lg_buf_str32(krl, lg_buf_view(&section));
	return LG_OK;
}

lg_err
lg_ssh_krl(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_str *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_RESPONSE_MAX);
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(cx, t, tenant, &ca));
	lg_buf_str(&b, LG_STR("SSHKRL\n\0"));
	lg_buf_u32(&b, 1);
	lg_buf_u64(&b, lg_view_seq(v));
	lg_buf_u64(&b, (uint64_t)(cx->now / LG_SECOND));
	lg_buf_u64(&b, 0);
	lg_buf_str32(&b, LG_NONE);
	lg_buf_str32(&b, LG_STR("lightgate"));
	for (size_t i = 0; i < ca->ssh_user.n; i++)
		LG_TRY(put_section(cx, v, tenant, &ca->ssh_user.key[i], &b));
	for (size_t i = 0; i < ca->ssh_host.n; i++)
		LG_TRY(put_section(cx, v, tenant, &ca->ssh_host.key[i], &b));
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
