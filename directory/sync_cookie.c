/*
 * sync_cookie.c: cookies of content synchronisation.  OpenLDAP's consumer keeps of a cookie only its CSN, so all of ours is in that: the
 * moment, and 24 bits of an HMAC in the field that counts modifications.  A cookie of another request, asker, policy or epoch is
 * not known, nor is a made-up one: the answer to both is all of the content.
 */
#include "directory/directory.h"
#include "directory/sync.h"

lg_err
lg_sync_binding(struct lg_op *op, struct lg_view *v, lg_sha256 *ret)
{
	const struct lg_search *s = op->state;
	const struct lg_decider *d = op->ldap->o.dir->ports.decider;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_LDAP_PDU_BOUND);
	lg_sha256 request = lg_sha256_of(op->body);
	struct lg_entry e;
	uint64_t *group;
	size_t n = 0;

	lg_buf_str(&b, LG_STR("lightgate sync 1"));
	lg_buf_str(&b, lg_sha256_str(&request));
	lg_buf_u32(&b, lg_store_head(op->ldap->o.dir->store).epoch);
	lg_buf_u64(&b, d->revision(d->self, s->tenant));
	lg_buf_uuid(&b, op->actor.id);
	if (op->actor.kind == LG_ACTOR_ENTRY) {
		LG_TRY(lg_entry_by_uuid(&op->cx, v, op->actor.tenant, op->actor.id, &e));
		LG_TRY(lg_entry_groups(&op->cx, v, &e, true, &group, &n));
	}
	for (size_t i = 0; i < n; i++)
		lg_buf_u64(&b, group[i]);
	*ret = lg_sha256_of(lg_buf_view(&b));
	return LG_OK;
}

/* The tenant's data key signs nothing else: ours is derived from it. */
static lg_err
mark_of(struct lg_op *op, const struct lg_sync *sy, struct lg_moment m, unsigned *ret)
{
	const struct lg_signer *signer = op->ldap->o.dir->ports.signer;
	LG_AUTO(lg_secret_free) struct lg_secret key = { 0 };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
	const struct lg_search *s = op->state;
	const struct lg_secret *data_key;
	lg_sha256 mac;

	LG_TRY(signer->data_key(signer->self, &op->cx, s->tenant, &data_key));
	key = lg_hkdf_sha256(data_key, LG_NONE, LG_STR("lightgate sync cookie"), 32);
	lg_buf_str(&b, lg_sha256_str(&sy->binding));
	lg_buf_u64(&b, (uint64_t)m.time);
	lg_buf_u32(&b, (uint32_t)LG_MOMENT_SEQ(m.seq));
	mac = lg_hmac_sha256(&key, lg_buf_view(&b));
	*ret = (unsigned)mac.b[0] << 16 | (unsigned)mac.b[1] << 8 | mac.b[2];
	return LG_OK;
}

lg_err
lg_sync_cookie_print(struct lg_op *op, const struct lg_sync *sy, struct lg_moment m, lg_str *ret)
{
	unsigned mark;

	LG_TRY(mark_of(op, sy, m, &mark));
	*ret = lg_print(op->cx.arena, "rid=%.*s,csn=%.*s", LG_FMT(sy->rid), LG_FMT(lg_csn_print(op->cx.arena, m, mark)));
	return LG_OK;
}

/* "rid=001,csn=..."; further fields are others'. */
static lg_str
field(lg_str cookie, lg_str name)
{
	lg_str one, value;
	bool more = cookie.n > 0;

	while (more) {
		more = lg_str_cut(cookie, ',', &one, &cookie);
		if (lg_str_starts(one, name)) {
			value = lg_str_sub(one, name.n, one.n);
			lg_str_cut(value, ';', &value, &one);	/* CSNs of other servers would follow */
			return value;
		}
	}
	return LG_NONE;
}

static bool
is_rid(lg_str s)
{
	bool digits = s.n == 3;

	for (size_t i = 0; i < s.n; i++)
		digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
	return digits;
}

lg_err
lg_sync_cookie_read(struct lg_op *op, struct lg_sync *sy, lg_str cookie, bool *known)
{
	unsigned mark, ours;
	lg_str rid = field(cookie, LG_STR("rid="));

	*known = false;
	sy->rid = is_rid(rid) ? rid : LG_STR("000");
	if (!lg_csn_parse(field(cookie, LG_STR("csn=")), &sy->since, &mark))
		return LG_OK;
	LG_TRY(mark_of(op, sy, sy->since, &ours));
	*known = ours == mark;
	return LG_OK;
}
