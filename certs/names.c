/* names.c: names come from the directory entry; a request can only leave some of them out. */
#include "certs/names.h"

#include "base/ipnet.h"

/* ---- SPIFFE IDs (SPIFFE-ID 2) ------------------------------------------------------------------ */

static const struct {
	lg_str segment, type;
} kinds[] = {
	{ LG_STR("host"),    LG_STR("Host") },
	{ LG_STR("service"), LG_STR("Service") },
	{ LG_STR("user"),    LG_STR("User") },
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* SPIFFE-ID 2.2: letters, digits, '.', '-', '_'; "." and ".." are no segments. */
static bool
characters_valid(lg_str s)
{
	if (s.n == 0 || lg_str_eq(s, LG_STR(".")) || lg_str_eq(s, LG_STR("..")))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

static bool
segment_valid(lg_str s)
{
	return s.n <= LG_CERT_NAME && characters_valid(s);
}

/* SPIFFE-ID 2.1: as a segment, but lower case and up to 255 octets. */
bool
lg_trust_domain_valid(lg_str s)
{
	if (s.n == 0 || s.n > 255)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !is_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

/* The path after the trust domain: "host/n1" or "project/p/workload/w". */
static bool
path_parse(lg_str path, struct lg_spiffe *id)
{
	lg_str first, rest, last;

	if (!lg_str_cut(path, '/', &first, &rest))
		return false;
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(first, kinds[i].segment)) {
			id->type = kinds[i].type;
			id->name = rest;
			return segment_valid(rest);
		}
	if (!lg_str_eq(first, LG_STR("project")) || !lg_str_cut(rest, '/', &id->project, &rest) ||
	    !lg_str_cut(rest, '/', &first, &last) || !lg_str_eq(first, LG_STR("workload")))
		return false;
	id->type = LG_STR("Workload");
	id->name = last;
	return segment_valid(id->project) && segment_valid(last);
}

bool
lg_spiffe_id_domain(lg_str uri, lg_str *domain)
{
	const lg_str scheme = LG_STR("spiffe://");
	lg_str path, segment;
	bool more;

	if (uri.n > LG_SPIFFE_ID_MAX || !lg_str_starts(uri, scheme))
		return false;
	more = lg_str_cut(lg_str_sub(uri, scheme.n, uri.n), '/', domain, &path);
	while (more) {
		more = lg_str_cut(path, '/', &segment, &path);
		if (!characters_valid(segment))
			return false;
	}
	return lg_trust_domain_valid(*domain);
}

lg_err
lg_spiffe_parse(struct lg_ctx *cx, lg_str uri, struct lg_spiffe *ret)
{
	const lg_str scheme = LG_STR("spiffe://");
	struct lg_spiffe id = { .project = LG_NONE };
	lg_str path;

	if (uri.n > LG_SPIFFE_MAX || !lg_str_starts(uri, scheme) ||
	    !lg_str_cut(lg_str_sub(uri, scheme.n, uri.n), '/', &id.domain, &path) ||
	    !lg_trust_domain_valid(id.domain) || !path_parse(path, &id))
		return lg_fail(cx, LG_E_INVALID, "the URI is not a SPIFFE ID of this service");
	*ret = id;
	return LG_OK;
}

lg_err
lg_spiffe_print(struct lg_ctx *cx, const struct lg_spiffe *id, lg_str *ret)
{
	if (!segment_valid(id->name))
		return lg_fail(cx, LG_E_INVALID, "the name \"%.*s\" cannot stand in a SPIFFE ID", LG_FMT(id->name));
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(id->type, kinds[i].type)) {
			*ret = lg_print(cx->arena, "spiffe://%.*s/%.*s/%.*s", LG_FMT(id->domain), LG_FMT(kinds[i].segment),
			    LG_FMT(id->name));
			return LG_OK;
		}
	if (!lg_str_eq(id->type, LG_STR("Workload")) || !segment_valid(id->project))
		return lg_fail(cx, LG_E_INVALID, "a %.*s without a project has no SPIFFE ID", LG_FMT(id->type));
	*ret = lg_print(cx->arena, "spiffe://%.*s/project/%.*s/workload/%.*s", LG_FMT(id->domain), LG_FMT(id->project),
	    LG_FMT(id->name));
	return LG_OK;
}

/* ---- DNS names ------------------------------------------------------------------------------------ */

static bool
label_valid(lg_str s)
{
	if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !is_digit(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

bool
lg_dns_valid(lg_str name)
{
	lg_str label, rest = name;
	bool more = name.n > 0 && name.n <= LG_DNS_MAX;

	if (!more)
		return false;
	while (more) {
		more = lg_str_cut(rest, '.', &label, &rest);
		if (!label_valid(label))
			return false;
	}
	/* A last label of digits alone would read as an IPv4 address (RFC 3696 2). */
	for (size_t i = 0; i < label.n; i++)
		if (!is_digit(label.p[i]))
			return true;
	return false;
}

bool
lg_dns_below(lg_str name, lg_str suffix)
{
	if (suffix.n == 0)
		return false;
	if (lg_str_eq(name, suffix))
		return true;
	return name.n > suffix.n + 1 && lg_str_ends(name, suffix) && name.p[name.n - suffix.n - 1] == '.';
}

static bool
dns_allowed(const struct lg_authority *au, lg_str name)
{
	if (au->loopback && lg_str_eq(name, LG_STR("localhost")))
		return true;
	if (!lg_dns_valid(name))
		return false;
	for (size_t i = 0; i < au->ndns_suffixes; i++)
		if (lg_dns_below(name, au->dns_suffixes[i]))
			return true;
	return false;
}

static bool
ip_allowed(const struct lg_authority *au, lg_str ip)
{
	const lg_str v4 = LG_STR("\x7f\0\0\x01"), v6 = LG_STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");

	if (au->loopback && (lg_str_eq(ip, v4) || lg_str_eq(ip, v6)))
		return true;
	for (size_t i = 0; i < au->nnets; i++)
		if (lg_ipnet_has(au->nets[i], ip))
			return true;
	return false;
}

/* ---- the names of one certificate ------------------------------------------------------------------- */

bool
lg_names_have(const lg_str *v, size_t n, lg_str name)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq_fold(v[i], name))
			return true;
	return false;
}

static bool
has_octets(const lg_str *v, size_t n, lg_str octets)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(v[i], octets))
			return true;
	return false;
}

typedef bool has_one(const lg_str *v, size_t n, lg_str one);

static bool
same_set(has_one *has, const lg_str *a, size_t na, const lg_str *b, size_t nb)
{
	for (size_t i = 0; i < na; i++)
		if (!has(b, nb, a[i]))
			return false;
	for (size_t i = 0; i < nb; i++)
		if (!has(a, na, b[i]))
			return false;
	return true;
}

bool
lg_cert_names_eq(const struct lg_cert_names *a, const struct lg_cert_names *b)
{
	return same_set(has_octets, a->uri, a->nuri, b->uri, b->nuri) && same_set(lg_names_have, a->dns, a->ndns, b->dns, b->ndns) &&
	    same_set(has_octets, a->ip, a->nip, b->ip, b->nip);
}

static lg_err
addresses_of_entry(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_subject *entry, struct lg_cert_names *ret)
{
	for (size_t i = 0; i < entry->nip; i++) {
		if (!ip_allowed(au, entry->ip[i]))
			return lg_fail(cx, LG_E_DENIED, "address %.*s is not in a range of the tenant", LG_FMT(lg_ip_octets_text(cx->arena, entry->ip[i])));
		if (has_octets(ret->ip, ret->nip, entry->ip[i]))
			continue;
		if (ret->nip == LG_CERT_NAMES)
			return lg_fail(cx, LG_E_LIMIT, "more than %d addresses", LG_CERT_NAMES);
		ret->ip[ret->nip++] = entry->ip[i];
	}
	return LG_OK;
}

/* All names of the entry that this profile and authority allow. */
static lg_err
names_of_entry(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_profile *profile,
    const struct lg_cert_subject *entry, struct lg_cert_names *ret)
{
	struct lg_spiffe id = { au->trust_domain, entry->type, entry->project, entry->name };

	if ((profile->san & LG_SAN_URI) != 0)
		LG_TRY(lg_spiffe_print(cx, &id, &ret->uri[ret->nuri++]));
	if ((profile->san & LG_SAN_IP) != 0)
		LG_TRY(addresses_of_entry(cx, au, entry, ret));
	for (size_t i = 0; (profile->san & LG_SAN_DNS) != 0 && i < entry->ndns; i++) {
		if (!dns_allowed(au, entry->dns[i]))
			return lg_fail(cx, LG_E_DENIED, "DNS name \"%.*s\" is not below a suffix of the tenant", LG_FMT(entry->dns[i]));
		if (lg_names_have(ret->dns, ret->ndns, entry->dns[i]))
			continue;
		if (ret->ndns == LG_CERT_NAMES)
			return lg_fail(cx, LG_E_LIMIT, "more than %d DNS names", LG_CERT_NAMES);
		ret->dns[ret->ndns++] = entry->dns[i];
	}
	return LG_OK;
}

/* What was asked for must be among the entry's; the URI stays in any case, because it is the identity. */
static lg_err
narrow(struct lg_ctx *cx, const struct lg_cert_names *only, struct lg_cert_names *names)
{
	struct lg_cert_names left = { .nuri = 0 };

	if (only->nuri + only->ndns + only->nip == 0)
		return LG_OK;
	for (size_t i = 0; i < only->nuri; i++)
		if (!(names->nuri == 1 && lg_str_eq(names->uri[0], only->uri[i])))
			return lg_fail(cx, LG_E_DENIED, "the request asks for a URI that is not the entry's");
	for (size_t i = 0; i < only->ndns; i++)
		if (!lg_names_have(names->dns, names->ndns, only->dns[i]))
			return lg_fail(cx, LG_E_DENIED, "the request asks for a DNS name that is not the entry's");
	for (size_t i = 0; i < only->nip; i++)
		if (!has_octets(names->ip, names->nip, only->ip[i]))
			return lg_fail(cx, LG_E_DENIED, "the request asks for an address that is not the entry's");
	for (size_t i = 0; i < names->ndns; i++)
		if (lg_names_have(only->dns, only->ndns, names->dns[i]))
			left.dns[left.ndns++] = names->dns[i];
	for (size_t i = 0; i < names->nip; i++)
		if (has_octets(only->ip, only->nip, names->ip[i]))
			left.ip[left.nip++] = names->ip[i];
	memcpy(left.uri, names->uri, sizeof left.uri);
	left.nuri = names->nuri;
	*names = left;
	return LG_OK;
}

lg_err
lg_cert_names_of(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_profile *profile,
    const struct lg_cert_subject *entry, const struct lg_cert_names *only, struct lg_cert_names *ret)
{
	struct lg_cert_names names = { .nuri = 0 };

	LG_TRY(names_of_entry(cx, au, profile, entry, &names));
	if (only != NULL)
		LG_TRY(narrow(cx, only, &names));
	if (names.nuri + names.ndns + names.nip == 0)
		return lg_fail(cx, LG_E_INVALID, "the certificate would have no name");
	*ret = names;
	return LG_OK;
}

lg_err
lg_cert_names_own(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_names *names)
{
	if (names->nuri != 0 || names->ndns + names->nip == 0 || names->ndns > LG_CERT_NAMES || names->nip > LG_CERT_NAMES)
		return lg_fail(cx, LG_E_INVALID, "a listener's certificate carries DNS names and addresses");
	return lg_cert_names_within(cx, au, names);
}

lg_err
lg_cert_names_within(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_names *names)
{
	for (size_t i = 0; i < names->ndns; i++)
		if (lg_str_eq(names->dns[i], LG_STR("*.localhost")) || !dns_allowed(au, lg_dns_base(names->dns[i])))
			return lg_fail(cx, LG_E_DENIED, "DNS name \"%.*s\" is not below a suffix of the tenant", LG_FMT(names->dns[i]));
	for (size_t i = 0; i < names->nip; i++)
		if (!ip_allowed(au, names->ip[i]))
			return lg_fail(cx, LG_E_DENIED, "address %.*s is not in a range of the tenant", LG_FMT(lg_ip_octets_text(cx->arena, names->ip[i])));
	return LG_OK;
}
