/*
 * acme_caa.c: which authorities the owner of a domain lets certify it (RFC 8659), for which account and by which proof (RFC 8657).
 *
 * Records are looked for at the name and then at each of its parents; the first that has any decides.  Where the DNS server fails,
 * nothing is issued: no answer is not the answer that there is nothing.
 */
#include "certs/acme.h"
#include "certs/names.h"

#define CRITICAL 0x80			/* RFC 8659 4.1 */

struct property {
	bool critical;
	lg_str tag, value;
};

static bool
read_property(lg_str data, struct property *ret)
{
	uint8_t flags = data.n < 2 ? 0 : (uint8_t)data.p[0], n = data.n < 2 ? 0 : (uint8_t)data.p[1];

	if (n == 0 || data.n < 2u + n)
		return false;
	*ret = (struct property){ (flags & CRITICAL) != 0, lg_str_sub(data, 2, n), lg_str_sub(data, 2u + n, data.n) };
	return true;
}

/* ---- issue and issuewild: "[domain] *( ; name=value )" ------------------------------------------------------------ */

struct parameters {
	lg_str account, methods;
	bool has_account, has_methods;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static lg_str
strip(lg_str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = lg_str_sub(s, 1, s.n);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s = lg_str_sub(s, 0, s.n - 1);
	return s;
}

static bool
value_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

/* RFC 8657 3, 4: each at most once, or the property fits nobody. */
static bool
read_parameters(lg_str text, struct parameters *ret)
{
	lg_str one, name, value;
	bool more = strip(text).n > 0;

	while (more) {
		more = lg_str_cut(text, ';', &one, &text);
		if (!lg_str_cut(strip(one), '=', &name, &value) || !value_valid(strip(value)))
			return false;
		name = strip(name);
		value = strip(value);
		if (lg_str_eq_fold(name, LG_STR("accounturi"))) {
			if (ret->has_account)
				return false;
			ret->has_account = true;
			ret->account = value;
		} else if (lg_str_eq_fold(name, LG_STR("validationmethods"))) {
			if (ret->has_methods)
				return false;
			ret->has_methods = true;
			ret->methods = value;
		}
	}
	return true;
}

static bool
lists(lg_str methods, lg_str method)
{
	bool more = true;
	lg_str one;

	while (more) {
		more = lg_str_cut(methods, ',', &one, &methods);
		if (lg_str_eq(one, method))
			return true;
	}
	return false;
}

/* Does this property name us, this account and this proof? */
static bool
fits(struct lg_acme *q, lg_str value, enum lg_acme_kind kind)
{
	struct parameters p = { .has_account = false };
	lg_str domain, rest;

	lg_str_cut(value, ';', &domain, &rest);
	if (!lg_str_eq_fold(strip(domain), q->c->ports.caa_identity) || !read_parameters(rest, &p))
		return false;
	if (p.has_account && !lg_str_eq(p.account, lg_acme_account_url(q, q->account.id)))
		return false;
	return !p.has_methods || lists(p.methods, lg_acme_kind_name(kind));
}

/* ---- a set ----------------------------------------------------------------------------------------------------------- */

static bool
known(lg_str tag)
{
	static const lg_str tags[] = { LG_STR("issue"), LG_STR("issuewild"), LG_STR("iodef"), LG_STR("issuemail"), LG_STR("issuevmc"),
		LG_STR("contactemail"), LG_STR("contactphone") };

	for (size_t i = 0; i < LG_COUNT(tags); i++)
		if (lg_str_eq_fold(tag, tags[i]))
			return true;
	return false;
}

static bool
has_tag(const struct property *p, size_t n, lg_str tag)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq_fold(p[i].tag, tag))
			return true;
	return false;
}

/* RFC 8659 4.2, 4.3: issuewild, where there is any, is the one that counts for wildcards, and for nothing else. */
static lg_err
judge(struct lg_acme *q, struct lg_acme_name *n, enum lg_acme_kind kind, const struct property *p, size_t count)
{
	bool wild = lg_str_starts(n->name, LG_STR("*.")) && has_tag(p, count, LG_STR("issuewild"));
	lg_str tag = wild ? LG_STR("issuewild") : LG_STR("issue");

	for (size_t i = 0; i < count; i++)
		if (p[i].critical && !known(p[i].tag))
			return lg_acme_wrong(n, "caa", LG_STR("a critical CAA property is not known here"));
	if (!has_tag(p, count, tag))
		return LG_OK;
	for (size_t i = 0; i < count; i++)
		if (lg_str_eq_fold(p[i].tag, tag) && fits(q, p[i].value, kind))
			return LG_OK;
	return lg_acme_wrong(n, "caa", LG_STR("CAA records leave this domain to others, to another account or to another proof"));
}

static lg_err
judge_records(struct lg_acme *q, struct lg_acme_name *n, enum lg_acme_kind kind, const lg_str *data, size_t count)
{
	struct property p[LG_ACME_CAA];

	for (size_t i = 0; i < count; i++)
		if (!read_property(data[i], &p[i]))
			return lg_acme_wrong(n, "caa", LG_STR("a CAA record is malformed"));
	return judge(q, n, kind, p, count);
}

lg_err
lg_acme_caa(struct lg_acme *q, struct lg_acme_name *n, enum lg_acme_kind kind)
{
	const struct lg_acme_net *net = &q->c->ports.net;
	lg_str name = lg_dns_base(n->name), data[LG_ACME_CAA];
	size_t count = 0;
	lg_err e;

	if (n->ip || q->c->ports.caa_identity.n == 0 || lg_str_eq(n->name, LG_STR("localhost")))
		return LG_OK;
	e = net->caa(net->self, q->cx, name, data, &count);
	if (e == LG_OK)
		return judge_records(q, n, kind, data, count);
	if (e != LG_E_NOT_FOUND)
		return lg_acme_wrong(n, "dns", lg_print(q->cx->arena, "CAA records of %.*s: %s", LG_FMT(name), q->cx->error));
	return LG_OK;
}
