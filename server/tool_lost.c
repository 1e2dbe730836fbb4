/*
 * tool_lost.c: certificates that the keeper signed after the backup was taken.
 *
 * The keeper's record has each one's serial number, end and issuer (since LG_SIGNED_LEAF is written); those that the store does not have
 * and that somebody may still show are recorded as revoked, so that CRLs name them.
 */
#include "lightgate/certs.h"
#include "server/tool_kit.h"

#define BATCH 500			/* certificates of one change */

struct lost {
	struct lg_tool_world *w;
	const char *operation;
	struct lg_keeper_key *keys;
	size_t nkeys;
	struct lg_signed_row before;	/* the row of the certificate that a leaf's row tells of */
	/* one change */
	uint32_t tenant;
	struct lg_cert_lost v[BATCH];
	size_t n, added, all;
};

static lg_err
run_put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lost *l = arg;
	bool added;

	lg_audit(v, LG_STR("certificates that the keeper had signed"), LG_STR("{\"accept_loss\":true}"));
	l->added = 0;
	for (size_t i = 0; i < l->n; i++) {
		LG_TRY(lg_certs_put_lost(cx, v, l->tenant, &l->v[i], &added));
		l->added += added;
	}
	return LG_OK;
}

static lg_err
put(struct lost *l)
{
	if (l->n == 0)
		return LG_OK;
	LG_TRY(lg_store_apply(&l->w->cx, l->w->store, l->tenant, l->operation, run_put, l, NULL));
	l->all += l->added;
	l->n = 0;
	return LG_OK;
}

static const struct lg_keeper_key *
key_of(const struct lost *l, const struct lg_signed_row *row)
{
	lg_str kid = { (const char *)row->digest.b + LG_SIGNED_SERIAL, LG_SIGNED_KID };

	for (size_t i = 0; i < l->nkeys; i++)
		if (l->keys[i].tenant == row->tenant && lg_str_starts(l->keys[i].kid, kid))
			return &l->keys[i];
	return NULL;			/* forgotten: nothing it signed is believed any more */
}

static lg_err
take(struct lost *l, const struct lg_signed_row *row)
{
	const struct lg_keeper_key *key = key_of(l, row);
	struct lg_cert_lost lost = { .signed_at = l->before.time, .expires = (int64_t)row->count, .sha256 = l->before.digest };
	struct lg_rd number = lg_rd_of((lg_str){ (const char *)row->digest.b + LG_SIGNED_SERIAL - 8, 8 });

	if (key == NULL || lost.expires <= l->w->cx.now)
		return LG_OK;
	if (l->tenant != row->tenant || l->n == BATCH)
		LG_TRY(put(l));
	l->tenant = row->tenant;
	lost.ssh = key->purpose != LG_PURPOSE_ISSUER;
	lost.issuer = lost.ssh ? key->spki : key->cert;
	lost.number = lg_rd_u64(&number);
	memcpy(lost.serial.b, row->digest.b + LG_SIGNED_SERIAL - LG_CERT_SERIAL, LG_CERT_SERIAL);
	l->v[l->n++] = lost;
	return LG_OK;
}

lg_err
lg_tool_revoke_lost(struct lg_tool_world *w, const char *operation, size_t *n)
{
	struct lg_keeper_told t = { .keeper = w->parent.keeper_control, .cx = &w->cx };
	struct lost *l = LG_NEW(w->cx.arena, struct lost);
	uint64_t from = 0;
	lg_str reply;

	l->w = w;
	l->operation = operation;
	LG_TRY(lg_keeper_await(&t, lg_keeper_keys(t.keeper, lg_keeper_told, &t), &reply));
	LG_TRY(lg_keeper_keys_parse(&w->cx, reply, &l->keys, &l->nkeys));
	do {
		LG_TRY(lg_keeper_await(&t, lg_keeper_signed_log(t.keeper, from, lg_keeper_told, &t), &reply));
		struct lg_rd rd = lg_rd_of(reply);
		for (size_t i = 0; i < reply.n / LG_SIGNED_ROW; i++) {
			struct lg_signed_row row = lg_signed_row_read(&rd);
			if ((row.purpose & LG_SIGNED_LEAF) != 0)
				LG_TRY(take(l, &row));
			l->before = row;
		}
		from += reply.n / LG_SIGNED_ROW;
	} while (reply.n > 0);
	LG_TRY(put(l));
	*n = l->all;
	return LG_OK;
}
