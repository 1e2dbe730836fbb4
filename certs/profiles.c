/* profiles.c: the kinds of certificates, serial numbers, reasons of revocation: small tables. */
#include "base/clock.h"
#include "base/text.h"
#include "lightgate/certs.h"

#define KEY(t)		(1u << (t))
#define KEYS_EC		(KEY(LG_KEY_P256) | KEY(LG_KEY_P384) | KEY(LG_KEY_ED25519))
#define KEYS_ALL	(KEYS_EC | KEY(LG_KEY_RSA2048) | KEY(LG_KEY_RSA3072) | KEY(LG_KEY_RSA4096))
#define EKU_BOTH	(LG_EKU_SERVER | LG_EKU_CLIENT)

/* tls-server carries no URI and no clientAuth: it can never be taken for somebody's identity. */
const struct lg_cert_profile lg_cert_profiles[] = {
	{ LG_STR("host"), LG_STR("Host"), LG_PROFILE_LEAF, KEYS_ALL, EKU_BOTH, LG_SAN_URI | LG_SAN_DNS | LG_SAN_IP, LG_DAY, LG_DAY,
	    .npolicies = 0 },
	{ LG_STR("service"), LG_STR("Service"), LG_PROFILE_LEAF, KEYS_ALL, EKU_BOTH, LG_SAN_URI | LG_SAN_DNS | LG_SAN_IP, LG_DAY, LG_DAY,
	    .npolicies = 0 },
	{ LG_STR("workload"), LG_STR("Workload"), LG_PROFILE_LEAF, KEYS_ALL, EKU_BOTH, LG_SAN_URI | LG_SAN_DNS | LG_SAN_IP, LG_HOUR, LG_HOUR,
	    .npolicies = 0 },
	{ LG_STR("user"), LG_STR("User"), LG_PROFILE_LEAF, KEYS_ALL, LG_EKU_CLIENT, LG_SAN_URI, 12 * LG_HOUR, LG_DAY, .npolicies = 0 },
	{ LG_STR("tls-server"), { NULL, 0 }, LG_PROFILE_LEAF, KEYS_ALL, LG_EKU_SERVER, LG_SAN_DNS | LG_SAN_IP, LG_DAY, LG_DAY,
	    .npolicies = 0 },
	{ LG_STR("ssh-user"), LG_STR("User"), LG_PROFILE_SSH_USER, KEYS_ALL, 0, 0, 8 * LG_HOUR, LG_DAY, .npolicies = 0 },
	{ LG_STR("ssh-host"), LG_STR("Host"), LG_PROFILE_SSH_HOST, KEYS_ALL, 0, 0, LG_DAY, LG_DAY, .npolicies = 0 },
	{ LG_STR("ocsp"), { NULL, 0 }, LG_PROFILE_CA, KEY(LG_KEY_P256), LG_EKU_OCSP, 0, 3 * LG_DAY, 3 * LG_DAY, .npolicies = 0 },
	{ LG_STR("issuing-ca"), { NULL, 0 }, LG_PROFILE_CA, KEYS_ALL, 0, 0, 731 * LG_DAY, 731 * LG_DAY, .npolicies = 0 },
	{ LG_STR("root-ca"), { NULL, 0 }, LG_PROFILE_CA, KEYS_ALL, 0, 0, 3653 * LG_DAY, 3653 * LG_DAY, .npolicies = 0 },
};
const size_t lg_cert_nprofiles = LG_COUNT(lg_cert_profiles);

lg_str
lg_serial_text(struct lg_arena *a, const lg_serial *s)
{
	return lg_hex(a, (lg_str){ (const char *)s->b, sizeof s->b });
}

bool
lg_serial_parse(lg_str text, lg_serial *ret)
{
	lg_serial s;

	if (text.n != LG_CERT_SERIAL_TEXT)
		return false;
	for (size_t i = 0; i < sizeof s.b; i++) {
		int high = lg_hex_digit(text.p[2 * i]), low = lg_hex_digit(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		s.b[i] = (uint8_t)(high << 4 | low);
	}
	*ret = s;
	return true;
}

static const struct {
	lg_str name;
	enum lg_revocation code;
} reasons[] = {
	{ LG_STR("unspecified"),          LG_REVOKED_UNSPECIFIED },
	{ LG_STR("keyCompromise"),        LG_REVOKED_KEY_COMPROMISE },
	{ LG_STR("affiliationChanged"),   LG_REVOKED_AFFILIATION_CHANGED },
	{ LG_STR("superseded"),           LG_REVOKED_SUPERSEDED },
	{ LG_STR("cessationOfOperation"), LG_REVOKED_CESSATION },
	{ LG_STR("privilegeWithdrawn"),   LG_REVOKED_PRIVILEGE_WITHDRAWN },
};

lg_str
lg_revocation_name(enum lg_revocation r)
{
	for (size_t i = 0; i < LG_COUNT(reasons); i++)
		if (reasons[i].code == r)
			return reasons[i].name;
	return reasons[0].name;
}

bool
lg_revocation_parse(lg_str name, enum lg_revocation *ret)
{
	for (size_t i = 0; i < LG_COUNT(reasons); i++)
		if (lg_str_eq(name, reasons[i].name)) {
			*ret = reasons[i].code;
			return true;
		}
	return false;
}
