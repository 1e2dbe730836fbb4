/*
 * ssh_check.c: the walk through an SSH certificate before it is signed (OpenSSH, PROTOCOL.certkeys).
 *
 * It begins with its kind of key, so that it cannot be taken for any other document of the keeper's.
 */
#include "crypto/keeper/tbs_check.h"

#include "base/clock.h"
#include "base/ipnet.h"
#include "base/text.h"
#include "crypto/spki.h"
#include "crypto/ssh.h"

#define PRINCIPALS_MAX	32
#define NAME_MAX_OCTETS	255
#define KEY_ID_MAX	512
#define BACKDATE_MAX	(10 * LG_MINUTE)
#define NONCE_MIN	16

static lg_err
deny(struct lg_ctx *cx, const char *why)
{
	return lg_fail(cx, LG_E_DENIED, "SSH certificate: %s", why);
}

/* ---- names --------------------------------------------------------------------------------------------- */

static bool
is_login(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-' && c != '@')
			return false;
	}
	return s.n > 0 && s.n <= NAME_MAX_OCTETS && s.p[0] != '-' && s.p[0] != '.';
}

static bool
is_host(struct lg_ctx *cx, lg_str s, const struct lg_ceiling *c)
{
	lg_str ip;

	if (!lg_ip_octets_parse(cx->arena, s, &ip))
		return lg_tbs_dns_within(s, c);
	if (c->loopback && (lg_str_eq(s, LG_STR("127.0.0.1")) || lg_str_eq(s, LG_STR("::1"))))
		return true;
	for (size_t i = 0; i < c->nnets; i++)
		if (lg_ipnet_has(c->nets[i], ip))
			return true;
	return false;
}

/* A certificate without principals is good for every name. */
static lg_err
check_principals(struct lg_ctx *cx, lg_str packed, enum lg_ssh_cert type, const struct lg_ceiling *c)
{
	struct lg_rd rd = lg_rd_of(packed);
	size_t n = 0;

	for (; rd.p < rd.end && !rd.bad; n++) {
		lg_str name = lg_rd_str32(&rd);
		if (n == PRINCIPALS_MAX)
			return deny(cx, "too many principals");
		if (type == LG_SSH_USER ? !is_login(name) : !is_host(cx, name, c))
			return deny(cx, "a principal outside the ceiling");
	}
	return n > 0 && !rd.bad ? LG_OK : deny(cx, "no principals");
}

/* ---- options --------------------------------------------------------------------------------------------- */

static const lg_str critical_known[] = { LG_STR("force-command"), LG_STR("source-address"), LG_STR("verify-required") };
static const lg_str extensions_known[] = {
	LG_STR("permit-X11-forwarding"), LG_STR("permit-agent-forwarding"), LG_STR("permit-port-forwarding"), LG_STR("permit-pty"),
	LG_STR("permit-user-rc"),
};

/* Name and data, by name, each once. */
static lg_err
check_options(struct lg_ctx *cx, lg_str packed, const lg_str *known, size_t nknown)
{
	struct lg_rd rd = lg_rd_of(packed);
	lg_str before = LG_NONE;

	while (rd.p < rd.end && !rd.bad) {
		lg_str name = lg_rd_str32(&rd);
		size_t i = 0;
		(void)lg_rd_str32(&rd);
		while (i < nknown && !lg_str_eq(name, known[i]))
			i++;
		if (i == nknown || lg_str_cmp(before, name) >= 0)
			return deny(cx, "an option that is not allowed, or out of order");
		before = name;
	}
	return rd.bad ? deny(cx, "malformed options") : LG_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

static lg_err
check_validity(struct lg_ctx *cx, uint64_t from, uint64_t to, const struct lg_ceiling *c)
{
	uint64_t now = (uint64_t)(cx->now / LG_SECOND), back = BACKDATE_MAX / LG_SECOND;

	if (from + back < now || from > now + back)
		return deny(cx, "does not begin now");
	if (to <= from || to <= now || to - now > (uint64_t)(c->leaf_life / LG_SECOND))
		return deny(cx, "lives longer than the ceiling");
	return LG_OK;
}

static bool
key_sound(struct lg_ctx *cx, const struct lg_pubkey_parts *p)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SPKI_MAX);
	struct lg_pubkey_parts again;

	lg_spki_write(p, &b);
	return !b.full && lg_spki_parse(cx, lg_buf_view(&b), &again) == LG_OK;
}

lg_err
lg_ssh_check(struct lg_ctx *cx, lg_str tbs, enum lg_ssh_cert type, const struct lg_ceiling *c, const struct lg_pubkey *signer)
{
	LG_AUTO(lg_buf_free) struct lg_buf own = LG_BUF(LG_SPKI_MAX);
	struct lg_rd rd = lg_rd_of(tbs);
	lg_str name = lg_rd_str32(&rd), nonce = lg_rd_str32(&rd);
	struct lg_pubkey_parts key;

	if (!lg_ssh_take_key_fields(&rd, name, &key) || !key_sound(cx, &key))
		return deny(cx, "its key is malformed or weak");
	if (nonce.n < NONCE_MIN || lg_rd_u64(&rd) == 0)
		return deny(cx, "no nonce or no serial number");
	if (lg_rd_u32(&rd) != (uint32_t)type)
		return deny(cx, "not of the kind that this key signs");
	lg_str id = lg_rd_str32(&rd), principals = lg_rd_str32(&rd);
	if (id.n == 0 || id.n > KEY_ID_MAX || !lg_utf8_valid(id))
		return deny(cx, "its key id is empty, too long or not UTF-8");
	uint64_t from = lg_rd_u64(&rd), to = lg_rd_u64(&rd);
	lg_str critical = lg_rd_str32(&rd), extensions = lg_rd_str32(&rd), reserved = lg_rd_str32(&rd), ca = lg_rd_str32(&rd);
	if (!lg_rd_done(&rd) || reserved.n > 0)
		return deny(cx, "malformed");
	lg_ssh_put_key(&own, &signer->parts);
	if (!lg_str_eq(ca, lg_buf_view(&own)))
		return deny(cx, "it names another authority");
	LG_TRY(check_principals(cx, principals, type, c));
	LG_TRY(check_validity(cx, from, to, c));
	LG_TRY(check_options(cx, critical, critical_known, type == LG_SSH_USER ? LG_COUNT(critical_known) : 0));
	return check_options(cx, extensions, extensions_known, type == LG_SSH_USER ? LG_COUNT(extensions_known) : 0);
}
