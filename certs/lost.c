/*
 * lost.c: what a restored backup gives up: certificates that it knows, and those that only the keeper remembers having signed.
 *
 * The second kind has no inventory row any more, and a CRL names what the inventory knows: a certificate that was issued and revoked after
 * the backup would be good again.  So it is recorded once more, by serial number, as revoked.
 */
#include "certs/ledger.h"
#include "certs/revoke.h"
#include "certs/ssh.h"
#include "crypto/spki.h"
#include "crypto/ssh.h"

#define BATCH	1000			/* certificates of one change: each is two rows, their indexes, and the ledger's */

/* ---- those that are known -------------------------------------------------------------------------------- */

struct page {
	uint32_t tenant;
	int64_t now;
	lg_serial live[BATCH], last;
	size_t n;
	bool more;
};

static bool
collect(void *arg, const struct lg_cert_row *row)
{
	struct page *p = arg;

	p->more = p->n == BATCH;
	if (p->more)
		return false;
	if (row->state != LG_CERT_REVOKED && row->expires > p->now)
		p->live[p->n++] = row->serial;
	p->last = row->serial;
	return true;
}

static lg_err
run_page(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct page *p = arg;
	struct lg_cert_row row;

	lg_audit(v, LG_STR("certificates"), LG_STR("{\"accept_loss\":true}"));
	for (size_t i = 0; i < p->n; i++) {
		LG_TRY(lg_cert_find(cx, v, p->tenant, &p->live[i], &row));
		LG_TRY(lg_cert_row_revoke(cx, v, p->tenant, &row, LG_REVOKED_UNSPECIFIED));
	}
	return LG_OK;
}

static lg_err
next_page(struct lg_ctx *cx, struct lg_store *st, struct page *p, const lg_serial *after)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	p->n = 0;
	p->more = false;
	LG_TRY(lg_view_begin(cx, st, &v));
	return lg_cert_list(cx, v, p->tenant, after, collect, p);
}

lg_err
lg_certs_give_up(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation)
{
	struct page *p = LG_NEW(cx->arena, struct page);
	const lg_serial *after = NULL;
	lg_serial last;

	p->tenant = tenant;
	p->now = cx->now;
	do {
		LG_TRY(next_page(cx, st, p, after));
		last = p->last;
		after = &last;
		lg_store_turn(st);
		if (p->n > 0)
			LG_TRY(lg_store_apply(cx, st, tenant, operation, run_page, p, NULL));
	} while (p->more);
	return LG_OK;
}

/* ---- those that are not ------------------------------------------------------------------------------------ */

/* As the inventory names the issuer. */
static lg_err
issuer_of(struct lg_ctx *cx, const struct lg_cert_lost *lost, lg_sha256 *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SSH_CERT_MAX);
	struct lg_pubkey_parts parts;

	if (!lost->ssh) {
		*ret = lg_sha256_of(lost->issuer);
		return LG_OK;
	}
	LG_TRY(lg_spki_parse(cx, lost->issuer, &parts));
	lg_ssh_put_key(&b, &parts);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_sha256_of(lg_buf_view(&b));
	return LG_OK;
}

lg_err
lg_certs_put_lost(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_lost *lost, bool *added)
{
	struct lg_cert_row row = { .state = LG_CERT_ISSUED, .type = LG_STR(""), .name = LG_STR(""), .profile = LG_STR("unknown"),
		.not_before = lost->signed_at - LG_CERT_BACKDATE, .expires = lost->expires, .sha256 = lost->sha256 }, known;
	lg_err e;

	*added = false;
	if (lost->ssh)
		lg_ssh_serial_of(lost->number, &row.serial);
	else
		row.serial = lost->serial;
	e = lg_cert_find(cx, v, tenant, &row.serial, &known);
	if (e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(issuer_of(cx, lost, &row.issuer));
	LG_TRY(lg_ledger_append(cx, v, tenant, LG_LEDGER_ISSUED, &row));
	*added = true;
	return lg_cert_row_revoke(cx, v, tenant, &row, LG_REVOKED_UNSPECIFIED);
}
