/* tbs_check.c: the walk through a TBSCertificate (RFC 5280 4.1, 4.2; SPIFFE X509-SVID 2, 3). */
#include "crypto/keeper/tbs_check.h"

#include "base/clock.h"
#include "base/der.h"
#include "base/ipnet.h"
#include "crypto/oid.h"
#include "crypto/spki.h"

#define SERIAL_MIN	8		/* octets; ours are 128 random bits */
#define SERIAL_MAX	20		/* RFC 5280 4.1.2.2 */
#define BACKDATE_MAX	(10 * LG_MINUTE)
#define NAMES_MAX	64		/* of one certificate */
#define NAME_MAX_OCTETS	2048		/* a SPIFFE ID's limit; DNS names have their own */
#define EXTENSIONS_MAX	16

struct walk {
	struct lg_ctx *cx;
	const struct lg_ceiling *ceiling;
	const struct lg_issuer *issuer;
	bool ocsp_signing, has_names;
	unsigned uris;
};

static lg_err
deny(const struct walk *w, const char *why)
{
	return lg_fail(w->cx, LG_E_DENIED, "certificate: %s", why);
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Lower-case letters, digits and hyphens, labels of 1 to 63 (RFC 5890 2.3.1, RFC 1035 2.3.4). */
static bool
dns_plausible(lg_str name)
{
	size_t label = 0;

	if (name.n == 0 || name.n > 253)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		bool edge = i + 1 == name.n || name.p[i + 1] == '.' || label == 0;
		if (name.p[i] == '.' && label > 0 && i + 1 < name.n) {
			label = 0;
			continue;
		}
		if (!is_label_char(name.p[i]) || (edge && name.p[i] == '-') || ++label > 63)
			return false;
	}
	return true;
}

static bool
under_suffix(lg_str name, const struct lg_ceiling *c)
{
	for (size_t i = 0; i < c->ndns; i++) {
		lg_str suffix = c->dns_suffixes[i];
		if (lg_str_eq(name, suffix))
			return true;
		if (name.n > suffix.n && lg_str_ends(name, suffix) && name.p[name.n - suffix.n - 1] == '.')
			return true;
	}
	return false;
}

bool
lg_tbs_dns_within(lg_str name, const struct lg_ceiling *c)
{
	if (lg_str_eq(name, LG_STR("localhost")))
		return c->loopback;
	return dns_plausible(name) && under_suffix(name, c);
}

static lg_err
check_dns(struct walk *w, lg_str name)
{
	if (lg_str_starts(name, LG_STR("*.")))
		name = lg_str_sub(name, 2, name.n);
	if (!dns_plausible(name))
		return deny(w, "not a DNS name");
	return lg_tbs_dns_within(name, w->ceiling) ? LG_OK : deny(w, "a DNS name outside the ceiling");
}

static bool
is_segment_char(char c)
{
	return (c >= 'A' && c <= 'Z') || is_label_char(c) || c == '.' || c == '_';
}

/* SPIFFE-ID 2.2: segments of [A-Za-z0-9._-], none empty, "." or "..". */
static bool
spiffe_path_plausible(lg_str path)
{
	lg_str segment;

	do {
		bool more = lg_str_cut(path, '/', &segment, &path);
		if (segment.n == 0 || lg_str_eq(segment, LG_STR(".")) || lg_str_eq(segment, LG_STR("..")))
			return false;
		for (size_t i = 0; i < segment.n; i++)
			if (!is_segment_char(segment.p[i]))
				return false;
		if (!more)
			return true;
	} while (true);
}

static lg_err
check_uri(struct walk *w, lg_str uri)
{
	static const lg_str scheme = { "spiffe://", 9 };
	lg_str domain, path;

	if (++w->uris > 1)
		return deny(w, "more than one URI");
	if (!lg_str_starts(uri, scheme))
		return deny(w, "a URI that is no SPIFFE ID");
	if (!lg_str_cut(lg_str_sub(uri, scheme.n, uri.n), '/', &domain, &path)
	    || !lg_str_eq(domain, w->ceiling->trust_domain))
		return deny(w, "a SPIFFE ID of another trust domain");
	return spiffe_path_plausible(path) ? LG_OK : deny(w, "a SPIFFE ID with a wrong path");
}

static lg_err
check_address(struct walk *w, lg_str ip)
{
	static const char six[16] = { [15] = 1 };
	bool loopback = (ip.n == 4 && ip.p[0] == 127) || (ip.n == 16 && memcmp(ip.p, six, 16) == 0);

	if (loopback && w->ceiling->loopback)
		return LG_OK;
	for (size_t i = 0; i < w->ceiling->nnets; i++)
		if (lg_ipnet_has(w->ceiling->nets[i], ip))
			return LG_OK;
	return deny(w, "an IP address outside the ceiling");
}

static const struct {
	uint8_t tag;
	lg_err (*check)(struct walk *, lg_str);
} name_kinds[] = {
	{ LG_DER_IMPLICIT(2), check_dns }, { LG_DER_IMPLICIT(6), check_uri }, { LG_DER_IMPLICIT(7), check_address },
};

static lg_err
check_name(struct walk *w, const struct lg_der_item *name)
{
	if (name->body.n > NAME_MAX_OCTETS)
		return deny(w, "a name is too long");
	for (size_t i = 0; i < LG_COUNT(name_kinds); i++)
		if (name_kinds[i].tag == name->tag)
			return name_kinds[i].check(w, name->body);
	return deny(w, "a name of a kind that is not allowed");
}

/* ---- extensions ---------------------------------------------------------------------------------------------------------- */

static lg_err
check_san(struct walk *w, struct lg_der *d)
{
	struct lg_der names = lg_der_enter(d, LG_DER_SEQUENCE);
	struct lg_der_item name;
	unsigned n = 0;

	while (lg_der_next(&names, &name)) {
		if (++n > NAMES_MAX)
			return deny(w, "too many names");
		LG_TRY(check_name(w, &name));
	}
	lg_der_leave(d, &names);
	w->has_names = n > 0;
	return n > 0 ? LG_OK : deny(w, "an empty subjectAltName");
}

/* Absent or FALSE, which in DER is the empty sequence. */
static lg_err
check_basic(struct walk *w, struct lg_der *d)
{
	return lg_der_take(d, LG_DER_SEQUENCE).n == 0 ? LG_OK : deny(w, "basicConstraints of a CA");
}

static lg_err
check_key_usage(struct walk *w, struct lg_der *d)
{
	/* digitalSignature, keyEncipherment, keyAgreement */
	uint32_t bits = lg_der_named_bits(d), allowed = 1u << 0 | 1u << 2 | 1u << 4;

	return bits != 0 && (bits & ~allowed) == 0 ? LG_OK : deny(w, "a key usage that leaves do not have");
}

static lg_err
check_eku(struct walk *w, struct lg_der *d)
{
	struct lg_der uses = lg_der_enter(d, LG_DER_SEQUENCE);
	unsigned n = 0;

	for (; lg_der_more(&uses); n++) {
		lg_str use = lg_der_oid(&uses);
		if (lg_str_eq(use, LG_OID_OCSP_SIGNING))
			w->ocsp_signing = true;
		else if (!lg_str_eq(use, LG_OID_CLIENT_AUTH) && !lg_str_eq(use, LG_OID_SERVER_AUTH))
			return deny(w, "an extended key usage outside the ceiling");
	}
	lg_der_leave(d, &uses);
	if (n == 0 || (w->ocsp_signing && n > 1))
		return deny(w, "extended key usages that do not go together");
	return LG_OK;
}

static lg_err
check_aki(struct walk *w, struct lg_der *d)
{
	struct lg_der aki = lg_der_enter(d, LG_DER_SEQUENCE);
	lg_str id = lg_der_take(&aki, LG_DER_IMPLICIT(0));

	lg_der_leave(d, &aki);
	return lg_str_eq(id, w->issuer->key_id) ? LG_OK : deny(w, "authorityKeyIdentifier is not the issuer's");
}

static lg_err
check_ski(struct walk *w, struct lg_der *d)
{
	lg_str id = lg_der_octets(d);

	return id.n >= 16 && id.n <= 64 ? LG_OK : deny(w, "subjectKeyIdentifier has a wrong length");
}

/* Where to look, and under which policy: says nothing about what the key may do. */
static lg_err
check_well_formed(struct walk *w, struct lg_der *d)
{
	lg_str whole = lg_der_whole(d, LG_DER_SEQUENCE);

	return lg_der_valid(whole) ? LG_OK : deny(w, "an extension that is not DER");
}

static lg_err
check_nocheck(struct walk *w, struct lg_der *d)
{
	(void)w;
	lg_der_null(d);
	return LG_OK;
}

enum presence { OPTIONAL, REQUIRED };
enum criticality { EITHER, CRITICAL, PLAIN };

static const struct known {
	lg_str oid;
	enum presence presence;
	enum criticality critical;
	lg_err (*check)(struct walk *, struct lg_der *);
} known[] = {
	{ LG_OID_AKI,          REQUIRED, PLAIN,    check_aki },
	{ LG_OID_KEY_USAGE,    REQUIRED, CRITICAL, check_key_usage },
	{ LG_OID_EKU,          REQUIRED, EITHER,   check_eku },
	{ LG_OID_SAN,          OPTIONAL, EITHER,   check_san },
	{ LG_OID_BASIC,        OPTIONAL, EITHER,   check_basic },
	{ LG_OID_SKI,          OPTIONAL, PLAIN,    check_ski },
	{ LG_OID_CDP,          OPTIONAL, PLAIN,    check_well_formed },
	{ LG_OID_AIA,          OPTIONAL, PLAIN,    check_well_formed },
	{ LG_OID_POLICIES,     OPTIONAL, PLAIN,    check_well_formed },
	{ LG_OID_OCSP_NOCHECK, OPTIONAL, PLAIN,    check_nocheck },
};

static lg_err
check_extension(struct walk *w, struct lg_der *exts, unsigned *seen)
{
	struct lg_der ext = lg_der_enter(exts, LG_DER_SEQUENCE);
	lg_str oid = lg_der_oid(&ext);
	bool critical = lg_der_peek(&ext) == LG_DER_BOOLEAN;

	if (critical && !lg_der_boolean(&ext))
		return deny(w, "an extension with an encoded default");
	struct lg_der value = lg_der_of(lg_der_octets(&ext));
	lg_der_leave(exts, &ext);
	for (unsigned i = 0; i < LG_COUNT(known); i++) {
		if (!lg_str_eq(known[i].oid, oid))
			continue;
		if ((*seen & 1u << i) != 0)
			return deny(w, "an extension twice");
		*seen |= 1u << i;
		if (known[i].critical != EITHER && critical != (known[i].critical == CRITICAL))
			return deny(w, "an extension with the wrong criticality");
		LG_TRY(known[i].check(w, &value));
		return lg_der_end(w->cx, &value, "extension");
	}
	return deny(w, "an extension that is not allowed");
}

static lg_err
check_extensions(struct walk *w, struct lg_der *tbs)
{
	struct lg_der outer = lg_der_enter(tbs, LG_DER_EXPLICIT(3)), exts = lg_der_enter(&outer, LG_DER_SEQUENCE);
	unsigned seen = 0, n = 0;

	while (lg_der_more(&exts)) {
		if (++n > EXTENSIONS_MAX)
			return deny(w, "too many extensions");
		LG_TRY(check_extension(w, &exts, &seen));
	}
	lg_der_leave(&outer, &exts);
	lg_der_leave(tbs, &outer);
	for (unsigned i = 0; i < LG_COUNT(known); i++)
		if (known[i].presence == REQUIRED && (seen & 1u << i) == 0)
			return deny(w, "a required extension is missing");
	if (!w->ocsp_signing && !w->has_names)
		return deny(w, "no subjectAltName");
	return LG_OK;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------------------- */

static lg_err
check_serial(struct walk *w, struct lg_der *tbs)
{
	lg_str serial = lg_der_integer(tbs);

	if (serial.n > SERIAL_MAX || serial.n < SERIAL_MIN || (serial.p[0] & 0x80) != 0)
		return deny(w, "the serial number has a wrong size");
	return LG_OK;
}

static lg_err
check_validity(struct walk *w, struct lg_der *tbs)
{
	struct lg_der v = lg_der_enter(tbs, LG_DER_SEQUENCE);
	int64_t from = lg_der_time(&v), to = lg_der_time(&v), now = w->cx->now;

	lg_der_leave(tbs, &v);
	if (tbs->bad)
		return deny(w, "malformed validity");
	if (from < now - BACKDATE_MAX || from > now + BACKDATE_MAX)
		return deny(w, "does not begin now");
	if (to <= from || to - now > w->ceiling->leaf_life || to > w->issuer->not_after)
		return deny(w, "lives longer than the ceiling or its issuer");
	return LG_OK;
}

static lg_err
check_head(struct walk *w, struct lg_der *tbs)
{
	struct lg_der version = lg_der_enter(tbs, LG_DER_EXPLICIT(0));

	if (lg_der_int(&version) != 2)
		return deny(w, "not version 3");
	lg_der_leave(tbs, &version);
	LG_TRY(check_serial(w, tbs));
	if (!lg_str_eq(lg_der_whole(tbs, LG_DER_SEQUENCE), w->issuer->sig_alg))
		return deny(w, "the signature algorithm is not the issuer's");
	if (!lg_str_eq(lg_der_whole(tbs, LG_DER_SEQUENCE), w->issuer->subject))
		return deny(w, "the issuer is another");
	return check_validity(w, tbs);
}

lg_err
lg_tbs_check(struct lg_ctx *cx, lg_str tbs, const struct lg_ceiling *c, const struct lg_issuer *issuer)
{
	struct walk w = { .cx = cx, .ceiling = c, .issuer = issuer };
	struct lg_der d = lg_der_of(tbs), t = lg_der_enter(&d, LG_DER_SEQUENCE);
	struct lg_pubkey_parts key;

	LG_TRY(check_head(&w, &t));
	lg_str subject = lg_der_whole(&t, LG_DER_SEQUENCE);
	if (!lg_der_valid(subject) || lg_str_eq(subject, issuer->subject))
		return deny(&w, "the subject is malformed or the issuer's");
	lg_str spki = lg_der_whole(&t, LG_DER_SEQUENCE);
	if (t.bad)
		return deny(&w, "malformed");
	LG_TRY(lg_spki_parse(cx, spki, &key));
	LG_TRY(check_extensions(&w, &t));		/* the next field: unique identifiers are not allowed */
	lg_der_leave(&d, &t);
	return lg_der_end(cx, &d, "TBSCertificate");
}
