#include "tests/crypto/tbs.h"

#include "base/clock.h"
#include "base/der.h"
#include "crypto/oid.h"

struct tbs
tbs_good(int64_t now, const struct lg_issuer *issuer, lg_str spki)
{
	return (struct tbs){
		.version = 2, .serial = LG_STR("\x5a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
		.alg = issuer->sig_alg, .issuer = issuer->subject, .key_id = issuer->key_id, .from = now - 5 * LG_MINUTE,
		.to = now + LG_HOUR, .common_name = LG_STR("web"), .spki = spki,
		.name = { { TBS_URI, LG_STR("spiffe://acme.example.org/project/shop/workload/web") },
			{ TBS_DNS, LG_STR("web.acme.example.org") } },
		.key_usage = 1, .eku = { LG_OID_SERVER_AUTH, LG_OID_CLIENT_AUTH },
	};
}

static void
put_san(struct lg_buf *b, const struct tbs *t)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_SAN, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	for (unsigned n = 0; n <= t->repeat; n++)
		for (size_t i = 0; i < LG_COUNT(t->name); i++)
			if (t->name[i].tag != 0)
				lg_derw_element(b, t->name[i].tag, t->name[i].value);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_usages(struct lg_buf *b, const struct tbs *t)
{
	if (!t->no_key_usage) {
		struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_KEY_USAGE, !t->plain_key_usage);
		lg_derw_named_bits(b, LG_DER_BIT_STRING, t->key_usage);
		lg_x509_ext_end(b, e);
	}
	if (t->no_eku)
		return;
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_EKU, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);
	for (size_t i = 0; i < LG_COUNT(t->eku); i++)
		if (t->eku[i].n > 0)
			lg_derw_oid(b, t->eku[i]);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_basic(struct lg_buf *b, const struct tbs *t)
{
	if (t->basic.p == NULL)
		return;
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_BASIC, true);
	lg_derw_element(b, LG_DER_SEQUENCE, t->basic);
	lg_x509_ext_end(b, e);
}

static void
put_aki(struct lg_buf *b, const struct tbs *t)
{
	if (t->no_aki)
		return;
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_AKI, t->critical_aki);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_element(b, LG_DER_IMPLICIT(0), t->key_id);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_extra(struct lg_buf *b, const struct tbs *t)
{
	for (int i = 0; t->extra_oid.n > 0 && i < (t->extra_twice ? 2 : 1); i++) {
		struct lg_x509_ext e = lg_x509_ext_begin(b, t->extra_oid, t->extra_critical);
		lg_derw_raw(b, t->extra_value);
		lg_x509_ext_end(b, e);
	}
}

static void
put_head(struct lg_buf *b, const struct tbs *t)
{
	size_t version = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	lg_derw_int(b, t->version);
	lg_derw_end(b, version);
	lg_derw_element(b, LG_DER_INTEGER, t->serial);
	lg_derw_raw(b, t->alg);
	lg_derw_raw(b, t->issuer);
	size_t validity = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_time(b, t->from);
	lg_derw_time(b, t->to);
	lg_derw_end(b, validity);
	if (t->subject.n > 0)
		lg_derw_raw(b, t->subject);
	else
		lg_x509_put_name(b, t->common_name);
	lg_derw_raw(b, t->spki);
}

void
tbs_write(const struct tbs *t, struct lg_buf *out)
{
	size_t tbs = lg_derw_begin(out, LG_DER_SEQUENCE);

	put_head(out, t);
	if (t->unique_id.n > 0)
		lg_derw_element(out, LG_DER_IMPLICIT(1), t->unique_id);
	size_t outer = lg_derw_begin(out, LG_DER_EXPLICIT(3)), exts = lg_derw_begin(out, LG_DER_SEQUENCE);
	put_basic(out, t);
	put_usages(out, t);
	if (!t->no_san)
		put_san(out, t);
	put_aki(out, t);
	put_extra(out, t);
	lg_derw_end(out, exts);
	lg_derw_end(out, outer);
	lg_derw_end(out, tbs);
	lg_buf_str(out, t->tail);
}
