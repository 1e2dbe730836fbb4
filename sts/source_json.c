/* source_json.c: identity sources as documents: read by a table of members, completed, judged; and written. */
#include "sts/member.h"
#include "sts/source.h"

#include "base/text.h"

#define LABEL_MAX	64
#define LIFE_MAX	86400		/* seconds of another's token */
#define CA_MAX		(16u << 10)
#define URI_MAX		1024

enum { LIST = STS_MEMBER_OTHER, RULES, GROUPS };

#define AT(member) offsetof(struct sts_source, member)
#define JWT STS_SOURCE_JWT
#define LDAP STS_SOURCE_LDAP
#define OIDC STS_SOURCE_OIDC

/* In the order in which they are written.  The secrets are read alone. */
static const struct sts_member members[] = {
	{ LG_STR("enabled"), JWT | LDAP | OIDC, STS_MEMBER_BOOL, AT(enabled), 0 },
	{ LG_STR("issuer"), JWT | OIDC, STS_MEMBER_STR, AT(issuer), URI_MAX },
	{ LG_STR("trust_domain"), JWT, STS_MEMBER_STR, AT(trust_domain), 255 },
	{ LG_STR("jwks_uri"), JWT, STS_MEMBER_STR, AT(jwks_uri), URI_MAX },
	{ LG_STR("jwks"), JWT | OIDC, STS_MEMBER_RAW, AT(jwks), LG_CLIENT_JWKS_MAX },
	{ LG_STR("audience"), JWT, STS_MEMBER_STR, AT(audience), URI_MAX },
	{ LG_STR("max_life"), JWT, STS_MEMBER_INT, AT(max_life), LIFE_MAX },
	{ LG_STR("rules"), JWT, RULES, 0, 0 },
	{ LG_STR("audiences"), JWT, LIST, AT(audiences), 256 },
	{ LG_STR("urls"), LDAP, LIST, AT(urls), URI_MAX },
	{ LG_STR("bind_dn"), LDAP, STS_MEMBER_STR, AT(bind_dn), URI_MAX },
	{ LG_STR("bind_password"), LDAP, STS_MEMBER_STR, AT(secret), 1024 },
	{ LG_STR("base"), LDAP, STS_MEMBER_STR, AT(base), URI_MAX },
	{ LG_STR("filter"), LDAP, STS_MEMBER_STR, AT(filter), URI_MAX },
	{ LG_STR("id_attribute"), LDAP, STS_MEMBER_STR, AT(id_attribute), 64 },
	{ LG_STR("name_attribute"), LDAP, STS_MEMBER_STR, AT(name_attribute), 64 },
	{ LG_STR("display_attribute"), LDAP, STS_MEMBER_STR, AT(display_attribute), 64 },
	{ LG_STR("mail_attribute"), LDAP, STS_MEMBER_STR, AT(mail_attribute), 64 },
	{ LG_STR("groups_attribute"), LDAP, STS_MEMBER_STR, AT(groups_attribute), 64 },
	{ LG_STR("timeout"), LDAP, STS_MEMBER_INT, AT(timeout), 30 },
	{ LG_STR("client_id"), OIDC, STS_MEMBER_STR, AT(client_id), 256 },
	{ LG_STR("client_secret"), OIDC, STS_MEMBER_STR, AT(secret), 1024 },
	{ LG_STR("label"), OIDC, STS_MEMBER_STR, AT(label), LABEL_MAX },
	{ LG_STR("scopes"), JWT | OIDC, LIST, AT(scopes), 64 },
	{ LG_STR("name_claim"), OIDC, STS_MEMBER_STR, AT(name_claim), 64 },
	{ LG_STR("groups_claim"), OIDC, STS_MEMBER_STR, AT(groups_claim), 64 },
	{ LG_STR("trust_amr"), OIDC, STS_MEMBER_BOOL, AT(trust_amr), 0 },
	{ LG_STR("domains"), OIDC, LIST, AT(domains), 255 },
	{ LG_STR("create"), LDAP | OIDC, STS_MEMBER_BOOL, AT(create), 0 },
	{ LG_STR("link"), LDAP | OIDC, STS_MEMBER_BOOL, AT(link), 0 },
	{ LG_STR("groups"), LDAP | OIDC, GROUPS, 0, 0 },
	{ LG_STR("ca"), JWT | LDAP | OIDC, STS_MEMBER_STR, AT(ca), CA_MAX },
};

static const struct {
	lg_str name;
	enum sts_source_kind kind;
} kinds[] = {
	{ LG_STR("jwt"), STS_SOURCE_JWT }, { LG_STR("ldap"), STS_SOURCE_LDAP }, { LG_STR("oidc"), STS_SOURCE_OIDC },
};

static bool
is_secret(const struct sts_member *m)
{
	return m->type == STS_MEMBER_STR && m->at == AT(secret);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static void
read_list(struct lg_json *js, struct sts_list *l, size_t max)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str s = lg_json_str(js);

		if (l->n == STS_SOURCE_NAMES || s.n == 0 || s.n > max)
			lg_json_fault(js, "too many items, or one that is too long");
		else
			l->v[l->n++] = s;
	}
}

static void
read_match(struct lg_json *js, struct sts_rule *r)
{
	struct sts_match m;

	lg_json_object(js);
	while (lg_json_member(js, &m.claim)) {
		m.pattern = lg_json_str(js);
		if (r->nmatches == STS_MATCHES)
			lg_json_fault(js, "too many claims in one rule");
		else
			r->match[r->nmatches++] = m;
	}
}

static void
read_rules(struct lg_json *js, struct sts_source *s)
{
	lg_str name;

	lg_json_array(js);
	while (lg_json_item(js)) {
		struct sts_rule r = { .nmatches = 0 };

		lg_json_object(js);
		while (lg_json_member(js, &name)) {
			if (lg_str_eq(name, LG_STR("match")))
				read_match(js, &r);
			else if (lg_str_eq(name, LG_STR("entry")))
				r.entry = lg_json_str(js);
			else
				lg_json_fault(js, "a rule has match and entry");
		}
		if (s->nrules == STS_RULES)
			lg_json_fault(js, "too many rules");
		else
			s->rule[s->nrules++] = r;
	}
}

/* {"theirs": "ours"} */
static void
read_groups(struct lg_json *js, struct sts_source *s)
{
	struct lg_pair p;

	lg_json_object(js);
	while (lg_json_member(js, &p.name)) {
		p.value = lg_json_str(js);
		if (s->ngroups == STS_SOURCE_GROUPS || p.name.n > URI_MAX || p.value.n == 0 || p.value.n > 64)
			lg_json_fault(js, "too many groups, or a name that is too long");
		else
			s->group[s->ngroups++] = p;
	}
}

static void
read_member(struct lg_json *js, const struct sts_member *m, struct sts_source *s)
{
	struct sts_list *list = (struct sts_list *)(void *)((char *)s + m->at);

	switch (m->type) {
	case LIST:
		list->n = 0;
		read_list(js, list, m->max);
		break;
	case RULES:
		read_rules(js, s);
		break;
	case GROUPS:
		read_groups(js, s);
		break;
	default:
		sts_member_read(js, m, s);
	}
}

static void
read_kind(struct lg_json *js, lg_str text, struct sts_source *s)
{
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(text, kinds[i].name))
			s->kind = kinds[i].kind;
	if (s->kind == 0)
		lg_json_fault(js, "kind: jwt, ldap or oidc");
}

/* Members may come before the kind they belong to: *used is judged at the end. */
static lg_err
read_all(struct lg_ctx *cx, lg_str json, struct sts_source *s, bool used[LG_COUNT(members)])
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		const struct sts_member *m = sts_member_find(members, LG_COUNT(members), name);

		if (m != NULL) {
			read_member(&js, m, s);
			used[m - members] = true;
		} else if (lg_str_eq(name, LG_STR("name"))) {
			s->name = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("kind"))) {
			read_kind(&js, lg_json_str(&js), s);
		} else {
			lg_json_unknown(&js, name);
		}
	}
	return lg_json_end(cx, &js);
}

/* ---- completing and judging ------------------------------------------------------------------------------------------------ */

static void
complete(struct sts_source *s)
{
	const struct {
		lg_str *to, value;
	} defaults[] = {
		{ &s->filter, LG_STR("(uid={login})") }, { &s->id_attribute, LG_STR("entryUUID") }, { &s->name_attribute, LG_STR("uid") },
		{ &s->display_attribute, LG_STR("displayName") }, { &s->mail_attribute, LG_STR("mail") },
		{ &s->groups_attribute, LG_STR("memberOf") },
	};

	for (size_t i = 0; s->kind == STS_SOURCE_LDAP && i < LG_COUNT(defaults); i++)
		if (defaults[i].to->n == 0)
			*defaults[i].to = defaults[i].value;
	if (s->kind == STS_SOURCE_LDAP && s->timeout == 0)
		s->timeout = 5;
	if (s->kind == STS_SOURCE_JWT && s->max_life == 0)
		s->max_life = 3600;
	if (s->kind != STS_SOURCE_OIDC)
		return;
	if (s->name_claim.n == 0)
		s->name_claim = LG_STR("preferred_username");
	if (s->groups_claim.n == 0)
		s->groups_claim = LG_STR("groups");
	if (s->label.n == 0)
		s->label = s->name;
	if (s->scopes.n == 0)
		s->scopes = (struct sts_list){ { LG_STR("openid"), LG_STR("profile"), LG_STR("email") }, 3 };
}

static bool
name_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || (i > 0 && s.p[i] == '-')))
			return false;
	return s.n > 0 && s.n <= LG_SOURCE_NAME_MAX;
}

/* RFC 8414 2: an issuer has neither query nor fragment. */
static bool
url_valid(lg_str s, const char *scheme, bool query)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '#' || s.p[i] == '"' || s.p[i] == '\\' || (!query && s.p[i] == '?'))
			return false;
	return lg_str_starts(s, lg_str_of(scheme)) && s.n > strlen(scheme);
}

static lg_err
check_keys(struct lg_ctx *cx, lg_str jwks)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;

	return jwks.n == 0 ? LG_OK : lg_keyset_from_jwks(cx, jwks, &keys);
}

static lg_err
check_jwt(struct lg_ctx *cx, struct sts_source *s)
{
	if (s->issuer.n == 0 && s->trust_domain.n == 0)
		return lg_fail(cx, LG_E_INVALID, "issuer or trust_domain: whose tokens these are");
	for (size_t i = 0; i < s->trust_domain.n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-_", s->trust_domain.p[i]) == NULL)
			return lg_fail(cx, LG_E_INVALID, "trust_domain: \"%.*s\" is none", LG_FMT(s->trust_domain));
	if (s->jwks_uri.n > 0 && s->jwks.n > 0)
		return lg_fail(cx, LG_E_INVALID, "jwks_uri or jwks, not both");
	if (s->jwks_uri.n > 0 ? !url_valid(s->jwks_uri, "https://", true) : s->jwks.n == 0 && !url_valid(s->issuer, "https://", false))
		return lg_fail(cx, LG_E_INVALID, "keys: jwks_uri, jwks, or an https issuer that publishes them");
	LG_TRY(check_keys(cx, s->jwks));
	if (s->nrules == 0)
		return lg_fail(cx, LG_E_INVALID, "rules: at least one");
	for (size_t i = 0; i < s->nrules; i++)
		LG_TRY(sts_rule_check(cx, &s->rule[i]));
	if (s->audiences.n >= LG_CLIENT_AUDIENCES)
		return lg_fail(cx, LG_E_INVALID, "audiences: at most %d", LG_CLIENT_AUDIENCES - 1);
	for (size_t i = 0; i < s->audiences.n; i++)
		if (!sts_scope_valid(s->audiences.v[i]))
			return lg_fail(cx, LG_E_INVALID, "audiences: \"%.*s\" is none", LG_FMT(s->audiences.v[i]));
	return LG_OK;
}

static lg_err
check_ldap(struct lg_ctx *cx, struct sts_source *s)
{
	if (s->urls.n == 0 || s->urls.n > STS_SOURCE_URLS)
		return lg_fail(cx, LG_E_INVALID, "urls: 1 to %d", STS_SOURCE_URLS);
	for (size_t i = 0; i < s->urls.n; i++)
		if (!url_valid(s->urls.v[i], "ldaps://", false) && !url_valid(s->urls.v[i], "ldap://", false))
			return lg_fail(cx, LG_E_INVALID, "urls: \"%.*s\" is neither ldaps:// nor ldap:// (with StartTLS)", LG_FMT(s->urls.v[i]));
	if (s->filter.n < 9 || memmem(s->filter.p, s->filter.n, "{login}", 7) == NULL || s->filter.p[0] != '(')
		return lg_fail(cx, LG_E_INVALID, "filter: one such as (uid={login})");
	return LG_OK;
}

static lg_err
check_oidc(struct lg_ctx *cx, struct sts_source *s)
{
	bool openid = false;

	if (!url_valid(s->issuer, "https://", false) || s->client_id.n == 0)
		return lg_fail(cx, LG_E_INVALID, "issuer and client_id: who is asked, and as whom");
	for (size_t i = 0; i < s->scopes.n; i++)
		openid = openid || lg_str_eq(s->scopes.v[i], LG_STR("openid"));
	if (!openid)
		return lg_fail(cx, LG_E_INVALID, "scopes: openid is wanted");
	return check_keys(cx, s->jwks);
}

static lg_err
check(struct lg_ctx *cx, struct sts_source *s, const bool used[LG_COUNT(members)])
{
	if (!name_valid(s->name))
		return lg_fail(cx, LG_E_INVALID, "name: 1 to %d of a-z 0-9 -", LG_SOURCE_NAME_MAX);
	if (s->kind == 0)
		return lg_fail(cx, LG_E_INVALID, "kind: jwt, ldap or oidc");
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (used[i] && (members[i].kinds & s->kind) == 0)
			return lg_fail(cx, LG_E_INVALID, "%.*s: not of this kind of source", LG_FMT(members[i].name));
	for (size_t i = 0; i < s->scopes.n; i++)
		if (!sts_scope_valid(s->scopes.v[i]) || memchr(s->scopes.v[i].p, ' ', s->scopes.v[i].n) != NULL)
			return lg_fail(cx, LG_E_INVALID, "scopes: \"%.*s\" is none", LG_FMT(s->scopes.v[i]));
	switch (s->kind) {
	case STS_SOURCE_JWT:
		return check_jwt(cx, s);
	case STS_SOURCE_LDAP:
		return check_ldap(cx, s);
	default:
		return check_oidc(cx, s);
	}
}

lg_err
sts_source_parse(struct lg_ctx *cx, lg_str json, struct sts_source *ret)
{
	struct sts_source *s = LG_NEW(cx->arena, struct sts_source);
	bool used[LG_COUNT(members)] = { false };

	s->enabled = true;
	if (json.n > LG_SOURCE_MAX)
		return lg_fail(cx, LG_E_INVALID, "source: more than %u octets", LG_SOURCE_MAX);
	LG_TRY(read_all(cx, json, s, used));
	complete(s);
	if (check(cx, s, used) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "source");
	*ret = *s;
	return LG_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------- */

static void
write_pairs(struct lg_jsonw *w, const struct lg_pair *v, size_t n)
{
	lg_jsonw_object(w);
	for (size_t i = 0; i < n; i++) {
		lg_jsonw_name(w, v[i].name);
		lg_jsonw_str(w, v[i].value);
	}
	lg_jsonw_object_end(w);
}

static void
write_rules(struct lg_jsonw *w, const struct sts_source *s)
{
	lg_jsonw_array(w);
	for (size_t i = 0; i < s->nrules; i++) {
		lg_jsonw_object(w);
		lg_jsonw_name(w, LG_STR("match"));
		lg_jsonw_object(w);
		for (size_t k = 0; k < s->rule[i].nmatches; k++) {
			lg_jsonw_name(w, s->rule[i].match[k].claim);
			lg_jsonw_str(w, s->rule[i].match[k].pattern);
		}
		lg_jsonw_object_end(w);
		lg_jsonw_str_of(w, "entry", s->rule[i].entry);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
}

static void
write_list(struct lg_jsonw *w, const struct sts_member *m, const struct sts_list *l)
{
	if (l->n == 0)
		return;
	lg_jsonw_name(w, m->name);
	lg_jsonw_array(w);
	for (size_t i = 0; i < l->n; i++)
		lg_jsonw_str(w, l->v[i]);
	lg_jsonw_array_end(w);
}

static void
write_member(struct lg_jsonw *w, const struct sts_member *m, const struct sts_source *s)
{
	switch (m->type) {
	case LIST:
		write_list(w, m, (const struct sts_list *)(const void *)((const char *)s + m->at));
		break;
	case RULES:
		lg_jsonw_name(w, m->name);
		write_rules(w, s);
		break;
	case GROUPS:
		lg_jsonw_name(w, m->name);
		write_pairs(w, s->group, s->ngroups);
		break;
	default:
		sts_member_write(w, m, s);
	}
}

void
sts_source_write(struct lg_jsonw *w, const struct sts_source *s)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", s->name);
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (kinds[i].kind == s->kind)
			lg_jsonw_str_of(w, "kind", kinds[i].name);
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if ((members[i].kinds & s->kind) != 0 && !is_secret(&members[i]))
			write_member(w, &members[i], s);
	lg_jsonw_object_end(w);
}
