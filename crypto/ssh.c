/* ssh.c: the wire encodings of OpenSSH (RFC 4251 5, RFC 4253 6.6, RFC 5656 3, RFC 8709; PROTOCOL.certkeys). */
#include "crypto/ssh.h"

#include "base/text.h"
#include "crypto/spki.h"

#define POINT_MAX 97		/* octets of an uncompressed point of P-384 */

static const struct row {
	enum lg_kind kind;
	lg_str plain, cert, curve;
	size_t coordinate;
} rows[] = {
	{ LG_KIND_P256, LG_STR("ecdsa-sha2-nistp256"), LG_STR("ecdsa-sha2-nistp256-cert-v01@openssh.com"), LG_STR("nistp256"), 32 },
	{ LG_KIND_P384, LG_STR("ecdsa-sha2-nistp384"), LG_STR("ecdsa-sha2-nistp384-cert-v01@openssh.com"), LG_STR("nistp384"), 48 },
	{ LG_KIND_ED25519, LG_STR("ssh-ed25519"), LG_STR("ssh-ed25519-cert-v01@openssh.com"), { NULL, 0 }, 0 },
	{ LG_KIND_RSA, LG_STR("ssh-rsa"), LG_STR("ssh-rsa-cert-v01@openssh.com"), { NULL, 0 }, 0 },
};

static const struct row *
row_of(enum lg_kind kind)
{
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return &rows[0];
}

lg_str
lg_ssh_name(enum lg_kind kind, bool cert)
{
	return cert ? row_of(kind)->cert : row_of(kind)->plain;
}

/* RFC 4251 5: two's complement, so that a first bit that is set gets a zero octet before it. */
static void
put_mpint(struct lg_buf *b, lg_str magnitude)
{
	while (magnitude.n > 0 && magnitude.p[0] == 0)
		magnitude = lg_str_sub(magnitude, 1, magnitude.n);
	bool high = magnitude.n > 0 && (magnitude.p[0] & 0x80) != 0;
	lg_buf_u32(b, (uint32_t)(magnitude.n + high));
	if (high)
		lg_buf_byte(b, 0);
	lg_buf_str(b, magnitude);
}

static lg_str
take_mpint(struct lg_rd *rd)
{
	lg_str s = lg_rd_str32(rd);

	if (s.n == 0 || (s.p[0] & 0x80) != 0 || (s.p[0] == 0 && (s.n == 1 || (s.p[1] & 0x80) == 0))) {
		rd->bad = true;
		return LG_NONE;
	}
	return s.p[0] == 0 ? lg_str_sub(s, 1, s.n) : s;
}

void
lg_ssh_put_key_fields(struct lg_buf *b, const struct lg_pubkey_parts *p)
{
	const struct row *r = row_of(p->kind);

	switch (p->kind) {
	case LG_KIND_P256:
	case LG_KIND_P384:
		lg_buf_str32(b, r->curve);
		lg_buf_u32(b, (uint32_t)(1 + 2 * r->coordinate));
		lg_buf_byte(b, 4);
		lg_buf_str(b, p->x);
		lg_buf_str(b, p->y);
		return;
	case LG_KIND_ED25519:
		lg_buf_str32(b, p->x);
		return;
	case LG_KIND_RSA:
		put_mpint(b, p->e);
		put_mpint(b, p->n);
	}
}

void
lg_ssh_put_key(struct lg_buf *b, const struct lg_pubkey_parts *p)
{
	lg_buf_str32(b, row_of(p->kind)->plain);
	lg_ssh_put_key_fields(b, p);
}

static bool
take_fields(struct lg_rd *rd, const struct row *r, struct lg_pubkey_parts *ret)
{
	lg_str curve, point;

	*ret = (struct lg_pubkey_parts){ .kind = r->kind };
	switch (r->kind) {
	case LG_KIND_P256:
	case LG_KIND_P384:
		curve = lg_rd_str32(rd);
		point = lg_rd_str32(rd);
		if (!lg_str_eq(curve, r->curve) || point.n != 1 + 2 * r->coordinate || point.p[0] != 4)
			return false;
		ret->x = lg_str_sub(point, 1, r->coordinate);
		ret->y = lg_str_sub(point, 1 + r->coordinate, r->coordinate);
		return true;
	case LG_KIND_ED25519:
		ret->x = lg_rd_str32(rd);
		return ret->x.n == 32;
	case LG_KIND_RSA:
		ret->e = take_mpint(rd);
		ret->n = take_mpint(rd);
		return !rd->bad;
	}
	return false;
}

bool
lg_ssh_take_key_fields(struct lg_rd *rd, lg_str cert_name, struct lg_pubkey_parts *ret)
{
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		if (lg_str_eq(cert_name, rows[i].cert))
			return take_fields(rd, &rows[i], ret) && !rd->bad;
	return false;
}

/* Sizes are those of SubjectPublicKeyInfo: what is written as one is read as one. */
lg_err
lg_ssh_key_parse(struct lg_ctx *cx, lg_str blob, lg_str *spki)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SPKI_MAX);
	struct lg_rd rd = lg_rd_of(blob);
	lg_str name = lg_rd_str32(&rd);
	struct lg_pubkey_parts parts;

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		if (!lg_str_eq(name, rows[i].plain))
			continue;
		if (!take_fields(&rd, &rows[i], &parts) || !lg_rd_done(&rd))
			return lg_fail(cx, LG_E_INVALID, "a malformed SSH key");
		lg_spki_write(&parts, &b);
		LG_TRY(lg_buf_status(cx, &b));
		*spki = lg_dup(cx->arena, lg_buf_view(&b));
		return lg_spki_parse(cx, *spki, &parts);
	}
	return lg_fail(cx, LG_E_UNSUPPORTED, "SSH keys are ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ssh-ed25519 or ssh-rsa");
}

/* "type base64 comment", as ssh-keygen writes it. */
lg_err
lg_ssh_line_parse(struct lg_ctx *cx, lg_str line, lg_str *blob)
{
	lg_str type, rest, text, comment, found;
	struct lg_rd rd;

	lg_str_cut(lg_str_trim(line), ' ', &type, &rest);
	lg_str_cut(lg_str_trim(rest), ' ', &text, &comment);
	if (text.n > LG_SSH_LINE || !lg_base64_parse(cx->arena, text, &found))
		return lg_fail(cx, LG_E_INVALID, "not a line of an SSH public key");
	rd = lg_rd_of(found);
	if (!lg_str_eq(lg_rd_str32(&rd), type))
		return lg_fail(cx, LG_E_INVALID, "an SSH public key that is not of the kind it says");
	*blob = found;
	return LG_OK;
}

lg_str
lg_ssh_line(struct lg_arena *a, lg_str blob, lg_str comment)
{
	struct lg_rd rd = lg_rd_of(blob);
	lg_str name = lg_rd_str32(&rd), text = lg_base64(a, blob);

	return lg_print(a, "%.*s %.*s%s%.*s\n", LG_FMT(name), LG_FMT(text), comment.n > 0 ? " " : "", LG_FMT(comment));
}

/* RFC 5656 3.1.2: of ECDSA the two numbers; RFC 8709: of Ed25519 the octets; RFC 8332: of RSA with SHA-256. */
void
lg_ssh_put_signature(struct lg_buf *b, enum lg_kind kind, lg_str jose)
{
	const struct row *r = row_of(kind);

	lg_buf_str32(b, kind == LG_KIND_RSA ? LG_STR("rsa-sha2-256") : r->plain);
	if (r->coordinate == 0) {
		lg_buf_str32(b, jose);
		return;
	}
	LG_AUTO(lg_buf_free) struct lg_buf numbers = LG_BUF(4 * POINT_MAX);
	put_mpint(&numbers, lg_str_sub(jose, 0, r->coordinate));
	put_mpint(&numbers, lg_str_sub(jose, r->coordinate, r->coordinate));
	lg_buf_str32(b, lg_buf_view(&numbers));
}
