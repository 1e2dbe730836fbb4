/* profile_rows.c: a tenant's own profiles: read, checked, kept. */
#include "certs/profiles.h"

#include "base/clock.h"
#include "base/der.h"
#include "certs/names.h"

#define LONGEST		(90 * LG_DAY)	/* what the keeper's ceilings allow at most */

/* In the domain of policies: a certificate that was decided on under another profile is decided again. */
const struct lg_table lg_certs_profile = { .name = "certs.profile", .id = 0x030c, .domain = LG_DOMAIN_POLICY };

/* ---- words and bits ----------------------------------------------------------------------------------- */

struct word {
	lg_str text;
	unsigned bit;
};

static const struct word keys[] = {
	{ LG_STR("P-256"), 1u << LG_KEY_P256 }, { LG_STR("P-384"), 1u << LG_KEY_P384 }, { LG_STR("Ed25519"), 1u << LG_KEY_ED25519 },
	{ LG_STR("RSA-2048"), 1u << LG_KEY_RSA2048 }, { LG_STR("RSA-3072"), 1u << LG_KEY_RSA3072 },
	{ LG_STR("RSA-4096"), 1u << LG_KEY_RSA4096 }, { { NULL, 0 }, 0 },
};
static const struct word usages[] = {
	{ LG_STR("serverAuth"), LG_EKU_SERVER }, { LG_STR("clientAuth"), LG_EKU_CLIENT },
	{ { NULL, 0 }, 0 },
};
static const struct word shown_usages[] = {
	{ LG_STR("serverAuth"), LG_EKU_SERVER }, { LG_STR("clientAuth"), LG_EKU_CLIENT }, { LG_STR("OCSPSigning"), LG_EKU_OCSP },
	{ { NULL, 0 }, 0 },
};
static const struct word kinds_of_names[] = {
	{ LG_STR("uri"), LG_SAN_URI }, { LG_STR("dns"), LG_SAN_DNS }, { LG_STR("ip"), LG_SAN_IP }, { { NULL, 0 }, 0 },
};

bool
lg_profile_key_parse(lg_str text, enum lg_key_type *ret)
{
	for (size_t i = 0; keys[i].text.n > 0; i++)
		if (lg_str_eq(keys[i].text, text)) {
			*ret = (enum lg_key_type)__builtin_ctz(keys[i].bit);
			return true;
		}
	return false;
}

static void
write_words(struct lg_jsonw *w, const char *name, const struct word *words, unsigned bits)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (; words->text.n > 0; words++)
		if ((bits & words->bit) != 0)
			lg_jsonw_str(w, words->text);
	lg_jsonw_array_end(w);
}

static unsigned
read_words(struct lg_json *js, const struct word *words)
{
	unsigned bits = 0;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str text = lg_json_str(js);
		size_t i = 0;
		while (words[i].text.n > 0 && !lg_str_eq(words[i].text, text))
			i++;
		if (words[i].text.n == 0)
			lg_json_fault(js, "an unknown word");
		bits |= words[i].bit;
	}
	return bits;
}

static void
write_list(struct lg_jsonw *w, const char *name, const lg_str *v, size_t n)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, v[i]);
	lg_jsonw_array_end(w);
}

static void
read_list(struct lg_json *js, lg_str ret[LG_PROFILE_LIST], size_t *n)
{
	lg_json_array(js);
	for (*n = 0; lg_json_item(js);) {
		lg_str s = lg_json_str(js);
		if (*n == LG_PROFILE_LIST)
			lg_json_fault(js, "too many items");
		else
			ret[(*n)++] = s;
	}
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static const char *const kinds[] = { [LG_PROFILE_LEAF] = "leaf", [LG_PROFILE_CA] = "ca",
	[LG_PROFILE_SSH_USER] = "ssh-user", [LG_PROFILE_SSH_HOST] = "ssh-host" };

void
lg_profile_write(struct lg_jsonw *w, const struct lg_cert_profile *p, bool own)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", p->name);
	lg_jsonw_str_of(w, "kind", lg_str_of(kinds[p->kind]));
	lg_jsonw_str_of(w, "subject", p->type);
	write_words(w, "keys", keys, p->keys);
	write_words(w, "usages", shown_usages, p->eku);
	write_words(w, "names", kinds_of_names, p->san);
	lg_jsonw_int_of(w, "life_seconds", p->life / LG_SECOND);
	lg_jsonw_int_of(w, "longest_seconds", p->longest / LG_SECOND);
	write_list(w, "dns_permitted", p->permitted, p->npermitted);
	write_list(w, "dns_excluded", p->excluded, p->nexcluded);
	write_list(w, "policies", p->policies, p->npolicies);
	lg_jsonw_bool_of(w, "own", own);
	lg_jsonw_object_end(w);
}

int64_t
lg_profile_read_life(struct lg_json *js)
{
	int64_t seconds = lg_json_int(js);

	if (seconds >= 1 && seconds <= LONGEST / LG_SECOND)
		return seconds * LG_SECOND;
	lg_json_fault(js, "a life is 1 second to 90 days");
	return 0;
}

static enum lg_profile_kind
read_kind(struct lg_json *js)
{
	static const enum lg_profile_kind free_kinds[] = { LG_PROFILE_LEAF, LG_PROFILE_SSH_USER, LG_PROFILE_SSH_HOST };
	lg_str word = lg_json_str(js);

	for (size_t i = 0; i < LG_COUNT(free_kinds); i++)
		if (lg_str_eq(word, lg_str_of(kinds[free_kinds[i]])))
			return free_kinds[i];
	lg_json_fault(js, "a kind is leaf, ssh-user or ssh-host");
	return LG_PROFILE_LEAF;
}

/* False: no such member.  Name and "own" are what they are: a profile that was read may be sent back. */
static bool
read_member(struct lg_json *js, lg_str name, struct lg_cert_profile *p)
{
	if (lg_str_eq(name, LG_STR("name")) || lg_str_eq(name, LG_STR("own")))
		lg_json_skip(js);
	else if (lg_str_eq(name, LG_STR("kind")))
		p->kind = read_kind(js);
	else if (lg_str_eq(name, LG_STR("subject")))
		p->type = lg_json_str(js);
	else if (lg_str_eq(name, LG_STR("keys")))
		p->keys = read_words(js, keys);
	else if (lg_str_eq(name, LG_STR("usages")))
		p->eku = read_words(js, usages);
	else if (lg_str_eq(name, LG_STR("names")))
		p->san = read_words(js, kinds_of_names);
	else if (lg_str_eq(name, LG_STR("life_seconds")))
		p->life = lg_profile_read_life(js);
	else if (lg_str_eq(name, LG_STR("longest_seconds")))
		p->longest = lg_profile_read_life(js);
	else if (lg_str_eq(name, LG_STR("dns_permitted")))
		read_list(js, p->permitted, &p->npermitted);
	else if (lg_str_eq(name, LG_STR("dns_excluded")))
		read_list(js, p->excluded, &p->nexcluded);
	else if (lg_str_eq(name, LG_STR("policies")))
		read_list(js, p->policies, &p->npolicies);
	else
		return false;
	return true;
}

/* ---- rules ------------------------------------------------------------------------------------------------- */

static bool
name_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= LG_PROFILE_NAME && s.p[0] != '-';
}

static bool
lists_valid(struct lg_ctx *cx, const struct lg_cert_profile *p)
{
	lg_str oid;

	for (size_t i = 0; i < p->npermitted; i++)
		if (!lg_dns_valid(p->permitted[i]))
			return false;
	for (size_t i = 0; i < p->nexcluded; i++)
		if (!lg_dns_valid(p->excluded[i]))
			return false;
	for (size_t i = 0; i < p->npolicies; i++)
		if (!lg_oid_parse(cx->arena, p->policies[i], &oid))
			return false;
	return true;
}

/* Logins are people's or services'; a host's key is a host's. */
static lg_err
check_ssh(struct lg_ctx *cx, const struct lg_cert_profile *p)
{
	bool host = lg_str_eq(p->type, LG_STR("Host")), login = lg_str_eq(p->type, LG_STR("User")) || lg_str_eq(p->type, LG_STR("Service"));

	if (p->keys == 0 || p->eku != 0 || p->san != 0)
		return lg_fail(cx, LG_E_INVALID, "a profile for SSH has keys, and neither usages nor names");
	if (p->kind == LG_PROFILE_SSH_USER ? !login : !host)
		return lg_fail(cx, LG_E_INVALID, "ssh-user is for a User or Service, ssh-host for a Host");
	return LG_OK;
}

/* Who shows a certificate with clientAuth is taken for the entry that its URI names. */
static lg_err
check(struct lg_ctx *cx, const struct lg_cert_profile *p)
{
	bool identity = p->type.n > 0, typed = lg_profile_of_type(p->type) != NULL;

	if (!name_valid(p->name))
		return lg_fail(cx, LG_E_INVALID, "a profile's name is 1 to %d of a-z, 0-9 and -", LG_PROFILE_NAME);
	if (p->life > p->longest)
		return lg_fail(cx, LG_E_INVALID, "life_seconds is more than longest_seconds");
	if (!lists_valid(cx, p))
		return lg_fail(cx, LG_E_INVALID, "a DNS name or a policy's OID is malformed");
	if (identity && !typed)
		return lg_fail(cx, LG_E_INVALID, "\"subject\" is User, Service, Host, Workload, or empty for proved names");
	if (p->kind != LG_PROFILE_LEAF)
		return check_ssh(cx, p);
	if (p->keys == 0 || p->eku == 0 || p->san == 0)
		return lg_fail(cx, LG_E_INVALID, "a profile has keys, usages (serverAuth, clientAuth) and names");
	if ((p->eku & LG_EKU_CLIENT) != 0 && (!identity || (p->san & LG_SAN_URI) == 0))
		return lg_fail(cx, LG_E_INVALID, "clientAuth goes with a subject and its uri");
	if (!identity && (p->san & LG_SAN_URI) != 0)
		return lg_fail(cx, LG_E_INVALID, "the uri is an entry's: it goes with a subject");
	return LG_OK;
}

lg_err
lg_profile_read(struct lg_ctx *cx, lg_str json, const struct lg_cert_profile *from, struct lg_cert_profile *ret)
{
	struct lg_cert_profile p = *from;
	struct lg_json js;
	lg_str name;

	if (p.kind == LG_PROFILE_CA)
		return lg_fail(cx, LG_E_DENIED, "profile %.*s is the service's own", LG_FMT(p.name));
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (!read_member(&js, name, &p))
			lg_json_unknown(&js, name);
	LG_TRY(lg_json_end(cx, &js));
	LG_TRY(check(cx, &p));
	*ret = p;
	return LG_OK;
}

static bool
list_eq(const lg_str *a, size_t na, const lg_str *b, size_t nb)
{
	for (size_t i = 0; na == nb && i < na; i++)
		if (!lg_str_eq(a[i], b[i]))
			return false;
	return na == nb;
}

bool
lg_profile_eq(const struct lg_cert_profile *a, const struct lg_cert_profile *b)
{
	return lg_str_eq(a->name, b->name) && lg_str_eq(a->type, b->type) && a->kind == b->kind && a->keys == b->keys && a->eku == b->eku &&
	    a->san == b->san && a->life == b->life && a->longest == b->longest &&
	    list_eq(a->permitted, a->npermitted, b->permitted, b->npermitted) &&
	    list_eq(a->excluded, a->nexcluded, b->excluded, b->nexcluded) && list_eq(a->policies, a->npolicies, b->policies, b->npolicies);
}

static bool
below_any(lg_str name, const lg_str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lg_dns_below(name, v[i]))
			return true;
	return false;
}

lg_err
lg_profile_names(struct lg_ctx *cx, const struct lg_cert_profile *p, const struct lg_cert_names *names)
{
	for (size_t i = 0; i < names->ndns; i++)
		if ((p->npermitted > 0 && !below_any(names->dns[i], p->permitted, p->npermitted)) ||
		    below_any(names->dns[i], p->excluded, p->nexcluded))
			return lg_fail(cx, LG_E_DENIED, "profile %.*s does not allow DNS name \"%.*s\"", LG_FMT(p->name), LG_FMT(names->dns[i]));
	if (names->nip > 0 && (p->san & LG_SAN_IP) == 0)
		return lg_fail(cx, LG_E_DENIED, "profile %.*s has no addresses", LG_FMT(p->name));
	return LG_OK;
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

static const struct lg_cert_profile *
built_in(lg_str name)
{
	for (size_t i = 0; i < lg_cert_nprofiles; i++)
		if (lg_str_eq(name, lg_cert_profiles[i].name))
			return &lg_cert_profiles[i];
	return NULL;
}

const struct lg_cert_profile *
lg_profile_of_type(lg_str type)
{
	for (size_t i = 0; type.n > 0 && i < lg_cert_nprofiles; i++)
		if (lg_str_eq(type, lg_cert_profiles[i].type))
			return &lg_cert_profiles[i];
	return NULL;
}

lg_err
lg_cert_profile_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_cert_profile *ret, bool *own)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);
	const struct lg_cert_profile *base = built_in(name);
	struct lg_cert_profile blank = { .name = lg_dup(cx->arena, name) };
	lg_str row;
	lg_err e;

	if (!name_valid(name))
		return lg_fail(cx, LG_E_INVALID, "no profile \"%.*s\"", LG_FMT(name));
	lg_certs_key_add(&k, name.p, name.n);
	e = lg_get(cx, v, &lg_certs_profile, lg_certs_key_str(&k), &row);
	*own = e == LG_OK;
	if (e == LG_OK)			/* strings without escapes lie in the text: it must outlive the view */
		return lg_profile_read(cx, lg_dup(cx->arena, row), base == NULL ? &blank : base, ret);
	if (e != LG_E_NOT_FOUND)
		return e;
	if (base == NULL)
		return lg_fail(cx, LG_E_INVALID, "no profile \"%.*s\"", LG_FMT(name));
	*ret = *base;
	return LG_OK;
}

bool
lg_profile_is_built_in(lg_str name)
{
	for (size_t i = 0; i < lg_cert_nprofiles; i++)
		if (lg_str_eq(name, lg_cert_profiles[i].name))
			return true;
	return false;
}

lg_err
lg_profile_added(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str ret[LG_PROFILES], size_t *n)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &lg_certs_profile, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (*n < LG_PROFILES && lg_cursor_next(&c, &key, &value)) {
		lg_str name = lg_str_sub(key, prefix.n, key.n);
		if (!lg_profile_is_built_in(name))
			ret[(*n)++] = lg_dup(cx->arena, name);
	}
	return LG_OK;
}
