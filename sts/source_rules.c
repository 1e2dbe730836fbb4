/* source_rules.c: from the claims of another issuer to the name of an entry. */
#include "sts/source.h"

#include "base/text.h"

/* ---- claims ------------------------------------------------------------------------------------------------------ */

/* RFC 6901 3: "~1" is '/', "~0" is '~'. */
static lg_str
unescape(struct lg_arena *a, lg_str s)
{
	char *p = lg_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool escaped = s.p[i] == '~' && i + 1 < s.n && (s.p[i + 1] == '0' || s.p[i + 1] == '1');

		p[n++] = !escaped ? s.p[i] : s.p[++i] == '1' ? '/' : '~';
	}
	return (lg_str){ p, n };
}

static bool
member_of(struct lg_arena *a, lg_str object, lg_str want, lg_str *ret)
{
	struct lg_ctx cx;
	struct lg_json js;
	bool found = false;
	lg_str name;

	lg_ctx_init(&cx, a);
	lg_json_init(&js, a, object);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, want)) {
			*ret = lg_json_raw(&js);
			found = true;
		} else {
			lg_json_skip(&js);
		}
	}
	return lg_json_end(&cx, &js) == LG_OK && found;
}

bool
sts_claim_at(struct lg_arena *a, lg_str claims, lg_str path, lg_str *ret)
{
	lg_str name, value = claims;
	struct lg_json js;
	bool more = true;

	while (more) {
		more = lg_str_cut(path, '/', &name, &path);
		if (!member_of(a, value, unescape(a, name), &value))
			return false;
	}
	lg_json_init(&js, a, value);
	switch (lg_json_peek(&js)) {
	case LG_JSON_STRING:
		*ret = lg_json_str(&js);
		return js.fault == NULL;
	case LG_JSON_NUMBER:
	case LG_JSON_BOOL:
		*ret = value;
		return true;
	default:
		return false;
	}
}

/* ---- patterns ------------------------------------------------------------------------------------------------------- */

/* One step a character: a star ends where the character behind it stands for the first time, so that nobody's subject costs more than
 * its length, and what a star stood for is never in doubt. */
bool
sts_pattern_fits(lg_str pattern, lg_str s, lg_str star[STS_STARS], size_t *nstars)
{
	size_t i = 0, n = 0;

	for (size_t p = 0; p < pattern.n; p++) {
		bool any = pattern.p[p] == '*' && p + 1 < pattern.n && pattern.p[p + 1] == '*';
		size_t from = i;

		if (pattern.p[p] != '*') {
			if (i == s.n || s.p[i++] != pattern.p[p])
				return false;
			continue;
		}
		p += any;
		while (i < s.n && (any || (s.p[i] != '/' && s.p[i] != ':')) && (p + 1 == pattern.n || s.p[i] != pattern.p[p + 1]))
			i++;
		if (i == from || n == STS_STARS)
			return false;
		star[n++] = lg_str_sub(s, from, i - from);
	}
	*nstars = n;
	return i == s.n;
}

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static bool
plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ' ';
}

/* Plain characters, and claims in braces. */
static bool
template_valid(lg_str s)
{
	size_t n = s.n;

	for (size_t i = 0; i < n; i++) {
		if (s.p[i] == '{') {
			size_t from = ++i;
			while (i < n && s.p[i] != '}' && s.p[i] != '{')
				i++;
			if (i == n || s.p[i] != '}' || i == from)
				return false;
		} else if (!plain(s.p[i])) {
			return false;
		}
	}
	return n > 0 && s.p[0] != ' ' && s.p[n - 1] != ' ';
}

/* Up to a comma outside of braces. */
static size_t
part_end(lg_str s)
{
	bool inside = false;
	size_t i = 0;

	for (; i < s.n && (inside || s.p[i] != ','); i++)
		inside = s.p[i] == '{' || (inside && s.p[i] != '}');
	return i;
}

static lg_err
read_entry(struct lg_ctx *cx, struct sts_rule *r)
{
	lg_str rest = r->entry;

	for (r->nrdns = 0; rest.n > 0; r->nrdns++) {
		size_t n = part_end(rest);
		struct lg_pair *p = &r->rdn[r->nrdns];
		bool good = r->nrdns < STS_RDNS && lg_str_cut(lg_str_sub(rest, 0, n), '=', &p->name, &p->value);

		for (size_t i = 0; good && i < p->name.n; i++)
			good = plain(p->name.p[i]) && p->name.p[i] != ' ' && p->name.p[i] != '_';
		if (!good || p->name.n == 0 || !template_valid(p->value) || (n < rest.n && n + 1 == rest.n))
			return lg_fail(cx, LG_E_INVALID, "entry: \"%.*s\" is no name such as cn={sub#1},ou=services", LG_FMT(lg_str_sub(r->entry, 0, 200)));
		rest = lg_str_sub(rest, n + 1, rest.n);
	}
	return r->nrdns > 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "a rule has no entry");
}

static bool
pattern_valid(lg_str p)
{
	size_t stars = 0;

	for (size_t i = 0; i < p.n; i++) {
		if (p.p[i] != '*')
			continue;
		stars++;
		if (i + 1 < p.n && p.p[i + 1] == '*' && i + 2 != p.n)
			return false;
		i += i + 1 < p.n && p.p[i + 1] == '*';
	}
	return p.n > 0 && p.n <= STS_PATTERN && stars <= STS_STARS;
}

lg_err
sts_rule_check(struct lg_ctx *cx, struct sts_rule *r)
{
	if (r->entry.n > STS_PATTERN)
		return lg_fail(cx, LG_E_INVALID, "entry: more than %d octets", STS_PATTERN);
	/* A rule without a condition would give every token of the issuer an entry. */
	if (r->nmatches == 0)
		return lg_fail(cx, LG_E_INVALID, "a rule says nothing of the claims it is for");
	for (size_t i = 0; i < r->nmatches; i++) {
		lg_str p = r->match[i].pattern;

		if (r->match[i].claim.n == 0 || !pattern_valid(p))
			return lg_fail(cx, LG_E_INVALID, "match: a claim, and a pattern of at most %d stars with something between them, \"**\" at its "
			    "end alone", STS_STARS);
	}
	return read_entry(cx, r);
}

/* ---- one token -------------------------------------------------------------------------------------------------------- */

struct matching {
	struct lg_ctx *cx;
	const struct sts_rule *rule;
	lg_str claims;
	lg_str star[STS_MATCHES][STS_STARS];
	size_t nstars[STS_MATCHES];
};

static bool
rule_fits(struct matching *m)
{
	for (size_t i = 0; i < m->rule->nmatches; i++) {
		lg_str value;

		if (!sts_claim_at(m->cx->arena, m->claims, m->rule->match[i].claim, &value)
		    || !sts_pattern_fits(m->rule->match[i].pattern, value, m->star[i], &m->nstars[i]))
			return false;
	}
	return true;
}

/* "{claim}" or, of a claim the rule matches, "{claim#N}": what its Nth star stood for. */
static bool
value_of(const struct matching *m, lg_str what, lg_str *ret)
{
	lg_str claim, number;
	int64_t k;

	if (!lg_str_cut(what, '#', &claim, &number))
		return sts_claim_at(m->cx->arena, m->claims, what, ret);
	if (!lg_int_parse(number, &k) || k < 1)
		return false;
	for (size_t i = 0; i < m->rule->nmatches; i++)
		if (lg_str_eq(m->rule->match[i].claim, claim) && (size_t)k <= m->nstars[i]) {
			*ret = m->star[i][k - 1];
			return true;
		}
	return false;
}

/* What goes into a name: text of reasonable length without control characters. */
static bool
value_good(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= STS_VALUE;
}

static lg_err
expand(const struct matching *m, lg_str template, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(STS_PATTERN + STS_RDNS * STS_VALUE);
	lg_str text, what, value;

	while (template.n > 0) {
		bool hole = lg_str_cut(template, '{', &text, &template);

		lg_buf_str(&b, text);
		if (!hole)
			break;
		(void)lg_str_cut(template, '}', &what, &template);
		if (!value_of(m, what, &value) || !value_good(value))
			return lg_fail(m->cx, LG_E_NOT_FOUND, "claim \"%.*s\" is missing, or nothing for a name", LG_FMT(lg_str_sub(what, 0, 100)));
		lg_buf_str(&b, value);
	}
	LG_TRY(lg_buf_status(m->cx, &b));
	*ret = lg_dup(m->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
sts_rules_apply(struct lg_ctx *cx, const struct sts_source *s, lg_str claims, struct lg_pair rdn[STS_RDNS], size_t *n)
{
	struct matching *m = LG_NEW(cx->arena, struct matching);

	*m = (struct matching){ .cx = cx, .claims = claims };
	for (size_t i = 0; i < s->nrules; i++) {
		m->rule = &s->rule[i];
		if (!rule_fits(m))
			continue;
		for (size_t k = 0; k < m->rule->nrdns; k++) {
			rdn[k].name = m->rule->rdn[k].name;
			LG_TRY(expand(m, m->rule->rdn[k].value, &rdn[k].value));
		}
		*n = m->rule->nrdns;
		return LG_OK;
	}
	return lg_fail(cx, LG_E_NOT_FOUND, "no rule of source %.*s is for such a token", LG_FMT(s->name));
}
