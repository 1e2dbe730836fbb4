/* answers.c: replies of the keeper, read on the asking side and by whoever verifies a head. */
#include "base/json.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/keeper/frame.h"

#define KEYS_MAX	(LG_KEEPER_REPLY / 64)

static bool
get_key(struct lg_rd *rd, struct lg_keeper_key *ret)
{
	if (!lg_get_keeper_key(rd, ret))
		return false;
	ret->place = lg_rd_str32(rd);
	return !rd->bad;
}

lg_err
lg_keeper_keys_parse(struct lg_ctx *cx, lg_str reply, struct lg_keeper_key **keys, size_t *n)
{
	lg_str copy = lg_dup(cx->arena, reply);		/* the reply is the channel's, and soon overwritten */
	struct lg_rd rd = lg_rd_of(copy);
	struct lg_keeper_key k;
	size_t count = 0;

	for (struct lg_rd scan = rd; scan.p < scan.end; count++)
		if (!get_key(&scan, &k) || count == KEYS_MAX)
			return lg_fail(cx, LG_E_INVALID, "the keeper's list of keys does not decode");
	*keys = LG_NEWS(cx->arena, struct lg_keeper_key, count);
	for (size_t i = 0; i < count; i++)
		if (!get_key(&rd, &(*keys)[i]))
			return lg_fail(cx, LG_E_INTERNAL, "the keeper's list of keys decodes only once");
	*n = count;
	return LG_OK;
}

lg_err
lg_keeper_tenants_parse(struct lg_ctx *cx, lg_str reply, struct lg_keeper_tenant **tenants, size_t *n)
{
	struct lg_rd rd = lg_rd_of(lg_dup(cx->arena, reply));
	struct lg_keeper_tenant t;
	size_t count = 0, i = 0;

	for (struct lg_rd scan = rd; scan.p < scan.end; count++)
		if (!lg_get_keeper_tenant(&scan, &t) || count == LG_TENANTS)
			return lg_fail(cx, LG_E_INVALID, "the keeper's list of tenants does not decode");
	*tenants = LG_NEWS(cx->arena, struct lg_keeper_tenant, count);
	while (i < count && lg_get_keeper_tenant(&rd, &(*tenants)[i]))
		i++;
	*n = i;
	return LG_OK;
}

/* ---- purposes, by name --------------------------------------------------------------------------------------------------- */

static const struct {
	lg_str name;
	enum lg_purpose purpose;
} purposes[] = {
	{ LG_STR("root"), LG_PURPOSE_ROOT }, { LG_STR("issuer"), LG_PURPOSE_ISSUER }, { LG_STR("crl"), LG_PURPOSE_CRL },
	{ LG_STR("token"), LG_PURPOSE_TOKEN }, { LG_STR("ticket"), LG_PURPOSE_TICKET }, { LG_STR("bundle"), LG_PURPOSE_BUNDLE },
	{ LG_STR("audit"), LG_PURPOSE_AUDIT }, { LG_STR("data"), LG_PURPOSE_DATA }, { LG_STR("ssh-user"), LG_PURPOSE_SSH_USER },
	{ LG_STR("ssh-host"), LG_PURPOSE_SSH_HOST }, { LG_STR("ocsp"), LG_PURPOSE_OCSP },
};

lg_str
lg_purpose_name(enum lg_purpose p)
{
	for (size_t i = 0; i < LG_COUNT(purposes); i++)
		if (purposes[i].purpose == p)
			return purposes[i].name;
	return LG_STR("?");
}

enum lg_purpose
lg_purpose_parse(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(purposes); i++)
		if (lg_str_eq(purposes[i].name, name))
			return purposes[i].purpose;
	return 0;
}

/* ---- heads ------------------------------------------------------------------------------------------------------------------ */

struct head {
	struct lg_signed_head value;
	lg_str hash, time, kid, sig;
};

static void
read_member(struct lg_json *js, lg_str name, struct head *h)
{
	if (lg_str_eq(name, LG_STR("chain")))
		h->value.chain = (uint32_t)lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("epoch")))
		h->value.epoch = (uint32_t)lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("seq")))
		h->value.seq = (uint64_t)lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("hash")))
		h->hash = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("time")))
		h->time = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("kid")))
		h->kid = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("sig")))
		h->sig = lg_json_str(js);
	else
		lg_json_fault(js, "unknown member");
}

struct lg_signed_row
lg_signed_row_read(struct lg_rd *rd)
{
	struct lg_signed_row row = { .time = (int64_t)lg_rd_u64(rd) };

	row.purpose = lg_rd_u8(rd);
	row.tenant = lg_rd_u32(rd);
	row.count = lg_rd_u64(rd);
	lg_rd_fixed(rd, row.digest.b, sizeof row.digest.b);
	return row;
}

/* The signed bytes are the text before its last member, which is the signature. */
static bool
signature_of(struct lg_ctx *cx, lg_str json, lg_str encoded, lg_str *text, lg_str *sig)
{
	lg_str tail = lg_print(cx->arena, ",\"sig\":\"%.*s\"}", LG_FMT(encoded));

	if (!lg_str_ends(json, tail))
		return false;
	*text = lg_str_sub(json, 0, json.n - tail.n);
	return lg_base64url_parse(cx->arena, encoded, sig);
}

static bool
signed_by(const struct lg_keyset *audit, lg_str kid, lg_str text, lg_str sig)
{
	for (size_t i = 0; i < audit->n; i++)
		if (lg_str_eq(audit->key[i].kid, kid) && lg_verify_jose(audit->key[i].key, audit->key[i].alg, text, sig))
			return true;
	return false;
}

lg_err
lg_ledger_head_verify(struct lg_ctx *cx, lg_str json, const struct lg_keyset *audit, struct lg_ledger_signed *ret)
{
	lg_str name, root = LG_NONE, time = LG_NONE, kid = LG_NONE, encoded = LG_NONE, text, sig, octets;
	struct lg_ledger_signed h = { .size = 0 };
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("ledger")))
			h.domain = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("epoch")))
			h.epoch = (uint32_t)lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("size")))
			h.size = (uint64_t)lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("root")))
			root = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("time")))
			time = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("kid")))
			kid = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("sig")))
			encoded = lg_json_str(&js);
		else
			lg_json_fault(&js, "unknown member");
	LG_TRY(lg_json_end(cx, &js));
	if (!lg_hex_parse(cx->arena, root, &octets) || octets.n != sizeof h.root.b || !lg_time_parse(time, &h.time) ||
	    !signature_of(cx, json, encoded, &text, &sig))
		return lg_fail(cx, LG_E_INVALID, "malformed head of a ledger");
	memcpy(h.root.b, octets.p, octets.n);
	if (!signed_by(audit, kid, text, sig))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "no audit key signed this head");
	*ret = h;
	return LG_OK;
}

lg_err
lg_head_verify(struct lg_ctx *cx, lg_str json, const struct lg_keyset *audit, struct lg_signed_head *ret)
{
	struct head h = { .kid = LG_NONE };
	lg_str name, text, sig, hash;
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&js, name, &h);
	LG_TRY(lg_json_end(cx, &js));
	if (!lg_hex_parse(cx->arena, h.hash, &hash) || hash.n != sizeof h.value.hash.b || !lg_time_parse(h.time, &h.value.time)
	    || !signature_of(cx, json, h.sig, &text, &sig))
		return lg_fail(cx, LG_E_INVALID, "malformed head");
	memcpy(h.value.hash.b, hash.p, hash.n);
	if (!signed_by(audit, h.kid, text, sig))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "no audit key signed this head");
	*ret = h.value;
	return LG_OK;
}
