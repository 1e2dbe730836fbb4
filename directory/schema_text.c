/* schema_text.c: definitions of attribute types and object classes as text (RFC 4512 4.1). */
#include "base/text.h"
#include "directory/schema_own.h"

/* ---- words ------------------------------------------------------------------------------------------------------------ */

struct text {
	struct lg_ctx *cx;
	lg_str rest;
	lg_str word;			/* the last one */
	bool quoted;			/* it was 'a string' */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word: a parenthesis, a dollar sign, 'a string', or what goes to the next of these or a blank.  False at the end. */
static bool
next(struct text *t)
{
	size_t n = 0;

	while (t->rest.n > 0 && is_blank(t->rest.p[0]))
		t->rest = lg_str_sub(t->rest, 1, t->rest.n);
	t->quoted = t->rest.n > 0 && t->rest.p[0] == '\'';
	if (t->rest.n == 0)
		return false;
	if (t->quoted) {
		lg_str after;
		if (!lg_str_cut(lg_str_sub(t->rest, 1, t->rest.n), '\'', &t->word, &after))
			return false;
		t->rest = after;
		return true;
	}
	if (strchr("()$", t->rest.p[0]) != NULL)
		n = 1;
	while (n == 0 || (n < t->rest.n && strchr("()$", t->rest.p[0]) == NULL && !is_blank(t->rest.p[n]) && strchr("()$'", t->rest.p[n]) == NULL))
		n++;
	t->word = lg_str_sub(t->rest, 0, n);
	t->rest = lg_str_sub(t->rest, n, t->rest.n);
	return true;
}

static bool
is(const struct text *t, const char *word)
{
	return !t->quoted && lg_str_eq_fold(t->word, lg_str_of(word));
}

static lg_err
bad(struct text *t, const char *why)
{
	return lg_fail(t->cx, LG_E_INVALID, "%s: near '%.*s'", why, LG_FMT(lg_str_sub(t->word, 0, 60)));
}

static bool
is_number(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0 && (s.n == 1 || s.p[0] != '0');
}

static bool
is_oid(lg_str s)
{
	lg_str arc;
	bool more = true;
	size_t arcs = 0;

	if (s.n == 0 || s.n > LG_DEFINITION_OID)
		return false;
	for (; more; arcs++) {
		more = lg_str_cut(s, '.', &arc, &s);
		if (!is_number(arc))
			return false;
	}
	return arcs > 1;
}

/* keystring: a letter, then letters, digits and hyphens. */
static bool
is_name(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return s.n > 0 && s.n <= LG_DEFINITION_NAME;
}

static const char *
joined(struct text *t, const char *before, lg_str word)
{
	return lg_print(t->cx->arena, "%s%s%.*s", before, before[0] == '\0' ? "" : " ", LG_FMT(word)).p;
}

/* 'a' or ( 'a' 'b' ): names separated by blanks. */
static lg_err
read_names(struct text *t, const char **ret)
{
	const char *names = "";
	size_t n = 0;
	bool list;

	if (!next(t))
		return bad(t, "a NAME is missing");
	list = is(t, "(");
	if (list && !next(t))
		return bad(t, "a NAME is missing");
	do {
		if (!t->quoted || !is_name(t->word) || ++n > LG_DEFINITION_NAMES)
			return bad(t, "a NAME is up to 8 names of letters, digits and hyphens in quotes");
		names = joined(t, names, t->word);
	} while (list && next(t) && !is(t, ")"));
	if (list && !is(t, ")"))
		return bad(t, "a list of names does not end");
	*ret = names;
	return LG_OK;
}

/* a or ( a $ b ): names or OIDs separated by blanks. */
static lg_err
read_oids(struct text *t, const char **ret)
{
	const char *names = "";
	bool list;

	if (!next(t))
		return bad(t, "a name is missing");
	list = is(t, "(");
	if (list && !next(t))
		return bad(t, "a name is missing");
	for (;;) {
		if (t->quoted || !(is_name(t->word) || is_oid(t->word)))
			return bad(t, "a name or an OID belongs here");
		names = joined(t, names, t->word);
		if (!list)
			break;
		if (!next(t))
			return bad(t, "a list does not end");
		if (is(t, ")"))
			break;
		if (!is(t, "$") || !next(t))
			return bad(t, "a list is separated by $");
	}
	*ret = names;
	return LG_OK;
}

static lg_err
skip_extension(struct text *t)
{
	bool list;

	if (!next(t))
		return bad(t, "an extension has no value");
	list = is(t, "(");
	if (!list && !t->quoted)
		return bad(t, "an extension's value is a string in quotes");
	while (list && next(t) && !is(t, ")"))
		if (!t->quoted)
			return bad(t, "an extension's value is a string in quotes");
	return !list || is(t, ")") ? LG_OK : bad(t, "a list does not end");
}

static lg_err
begin(struct text *t, struct lg_ctx *cx, lg_str text, const char **oid)
{
	*t = (struct text){ .cx = cx, .rest = text };
	if (text.n > LG_DEFINITION_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a definition has at most %d octets", LG_DEFINITION_MAX);
	if (memchr(text.p, 0, text.n) != NULL || !next(t) || !is(t, "("))
		return bad(t, "a definition begins with a parenthesis");
	if (!next(t) || t->quoted || !is_oid(t->word))
		return bad(t, "a definition begins with its OID, in numbers");
	*oid = lg_print(cx->arena, "%.*s", LG_FMT(t->word)).p;
	return LG_OK;
}

static lg_err
finish(struct text *t, const char *names)
{
	if (!is(t, ")"))
		return bad(t, "a definition ends with a parenthesis");
	if (next(t))
		return bad(t, "something follows the definition");
	return names[0] == '\0' ? bad(t, "a definition needs a NAME") : LG_OK;
}

/* ---- attribute types ------------------------------------------------------------------------------------------------------ */

static lg_err
read_rule(struct text *t, enum lg_rule_kind kind, enum lg_rule_id *ret)
{
	const struct lg_rule *r;

	if (!next(t) || (r = lg_rule_find(t->word)) == NULL)
		return bad(t, "a matching rule is not known");
	if (r->kind != kind)
		return bad(t, "a matching rule is of another kind");
	*ret = (enum lg_rule_id)(r - lg_rules);
	return LG_OK;
}

/* "OID" or "OID{length}", sometimes in quotes. */
static lg_err
read_syntax(struct text *t, struct lg_attr *at, bool *given)
{
	lg_str oid, rest;

	if (!next(t))
		return bad(t, "a SYNTAX is missing");
	(void)lg_str_cut(t->word, '{', &oid, &rest);
	for (unsigned i = 0; i < LG_SYNTAXES; i++)
		if (lg_str_eq(oid, lg_str_of(lg_syntaxes[i].oid))) {
			at->syntax = (enum lg_syntax_id)i;
			*given = true;
			return LG_OK;
		}
	return bad(t, "a SYNTAX is not known");
}

static lg_err
read_sup(struct text *t, struct lg_attr *at)
{
	const struct lg_attr *sup;

	if (!next(t) || (sup = lg_attr_find(t->word)) == NULL)
		return bad(t, "the SUP is not known");
	if ((sup->flags & (LG_AF_OPERATIONAL | LG_AF_SECRET | LG_AF_REFERENCE | LG_AF_MEMBER)) != 0)
		return bad(t, "of this type there are no subtypes");
	at->sup = sup->id;
	return LG_OK;
}

static lg_err
read_attr_field(struct text *t, struct lg_attr *at, bool *syntax)
{
	if (is(t, "NAME"))
		return read_names(t, &at->names);
	if (is(t, "DESC"))
		return next(t) && t->quoted ? LG_OK : bad(t, "a DESC is a string in quotes");
	if (is(t, "SUP"))
		return read_sup(t, at);
	if (is(t, "EQUALITY"))
		return read_rule(t, LG_RULE_EQUALITY, &at->equality);
	if (is(t, "ORDERING"))
		return read_rule(t, LG_RULE_ORDERING, &at->ordering);
	if (is(t, "SUBSTR"))
		return read_rule(t, LG_RULE_SUBSTRINGS, &at->substrings);
	if (is(t, "SYNTAX"))
		return read_syntax(t, at, syntax);
	if (is(t, "USAGE"))
		return next(t) && is(t, "userApplications") ? LG_OK : bad(t, "only userApplications are added");
	if (t->word.n > 2 && lg_str_starts(t->word, LG_STR("X-")))
		return skip_extension(t);
	if (is(t, "SINGLE-VALUE"))
		at->flags |= LG_AF_SINGLE;
	else if (!is(t, "OBSOLETE"))
		return bad(t, "this cannot be part of an attribute type here");
	return LG_OK;
}

lg_err
lg_attr_parse(struct lg_ctx *cx, lg_str text, struct lg_attr *ret)
{
	struct lg_attr at = { .names = "" };
	bool syntax = false;
	struct text t;

	LG_TRY(begin(&t, cx, text, &at.oid));
	while (next(&t) && !is(&t, ")"))
		LG_TRY(read_attr_field(&t, &at, &syntax));
	LG_TRY(finish(&t, at.names));
	if (!syntax && at.sup == 0)
		return bad(&t, "an attribute type needs a SYNTAX or a SUP");
	if (at.sup != 0) {
		const struct lg_attr *sup = lg_attr_of(at.sup);
		at.syntax = syntax ? at.syntax : sup->syntax;
		at.equality = at.equality != LG_R_NONE ? at.equality : sup->equality;
		at.ordering = at.ordering != LG_R_NONE ? at.ordering : sup->ordering;
		at.substrings = at.substrings != LG_R_NONE ? at.substrings : sup->substrings;
	}
	*ret = at;
	return LG_OK;
}

/* ---- object classes ---------------------------------------------------------------------------------------------------------- */

static lg_err
check_attrs(struct text *t, const char *names)
{
	lg_str word;

	while (lg_word_next(&names, &word)) {
		const struct lg_attr *at = lg_attr_find(word);
		if (at == NULL || (at->flags & LG_AF_OPERATIONAL) != 0)
			return lg_fail(t->cx, LG_E_INVALID, "'%.*s' is no attribute type that a class can name", LG_FMT(word));
	}
	return LG_OK;
}

static lg_err
read_class_field(struct text *t, struct lg_class *c)
{
	static const struct { const char *word; enum lg_class_kind kind; } kinds[] = {
		{ "ABSTRACT", LG_CLASS_ABSTRACT }, { "STRUCTURAL", LG_CLASS_STRUCTURAL }, { "AUXILIARY", LG_CLASS_AUXILIARY },
	};

	if (is(t, "NAME"))
		return read_names(t, &c->names);
	if (is(t, "DESC"))
		return next(t) && t->quoted ? LG_OK : bad(t, "a DESC is a string in quotes");
	if (is(t, "SUP"))
		return read_oids(t, &c->sup);
	if (is(t, "MUST"))
		return read_oids(t, &c->must);
	if (is(t, "MAY"))
		return read_oids(t, &c->may);
	if (t->word.n > 2 && lg_str_starts(t->word, LG_STR("X-")))
		return skip_extension(t);
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (is(t, kinds[i].word)) {
			c->kind = kinds[i].kind;
			return LG_OK;
		}
	return is(t, "OBSOLETE") ? LG_OK : bad(t, "this cannot be part of an object class");
}

/* RFC 4512 2.4: which kinds stand below which. */
static lg_err
check_sup(struct text *t, struct lg_class *c)
{
	const struct lg_class *sup;

	if (c->sup == NULL)
		c->sup = "top";
	sup = lg_class_find(lg_str_of(c->sup));
	if (sup == NULL)
		return lg_fail(t->cx, LG_E_INVALID, "SUP: one class that is there, not '%s'", c->sup);
	if (sup->kind != LG_CLASS_ABSTRACT && (lg_class_structural(sup) != lg_class_structural(c) || c->kind == LG_CLASS_ABSTRACT))
		return lg_fail(t->cx, LG_E_INVALID, "a class of this kind cannot stand below '%s'", sup->names);
	return LG_OK;
}

lg_err
lg_class_parse(struct lg_ctx *cx, lg_str text, struct lg_class *ret)
{
	struct lg_class c = { .names = "", .kind = LG_CLASS_STRUCTURAL, .must = "", .may = "" };
	struct text t;

	LG_TRY(begin(&t, cx, text, &c.oid));
	while (next(&t) && !is(&t, ")"))
		LG_TRY(read_class_field(&t, &c));
	LG_TRY(finish(&t, c.names));
	LG_TRY(check_sup(&t, &c));
	LG_TRY(check_attrs(&t, c.must));
	LG_TRY(check_attrs(&t, c.may));
	*ret = c;
	return LG_OK;
}
