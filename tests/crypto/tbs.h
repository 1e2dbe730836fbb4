/* tbs.h: TBSCertificates for tests: right ones, and wrong in one respect. */
#ifndef LG_TESTS_CRYPTO_TBS_H
#define LG_TESTS_CRYPTO_TBS_H

#include "crypto/keeper/tenant.h"

#define TBS_DNS	0x82
#define TBS_URI	0x86
#define TBS_IP	0x87

struct tbs {
	int version;
	lg_str serial;			/* INTEGER's content */
	lg_str alg, issuer, key_id;
	int64_t from, to;
	lg_str common_name;
	lg_str subject;			/* DER, instead of the common name */
	lg_str spki;
	lg_str unique_id;		/* [1], if any */
	struct {
		uint8_t tag;
		lg_str value;
	} name[4];
	unsigned repeat;		/* the names so many times more */
	bool no_san, no_key_usage, no_eku, no_aki, plain_key_usage, critical_aki;
	uint32_t key_usage;
	lg_str eku[3];
	lg_str basic;			/* content of the extension's SEQUENCE; with .p set it is written */
	lg_str extra_oid, extra_value;	/* one more extension */
	bool extra_critical, extra_twice;
	lg_str tail;			/* after everything */
};

/* A right one for this issuer and key. */
struct tbs tbs_good(int64_t now, const struct lg_issuer *issuer, lg_str spki);
void tbs_write(const struct tbs *t, struct lg_buf *out);

#endif
