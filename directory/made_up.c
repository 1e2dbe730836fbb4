/* made_up.c: the root DSE (RFC 4512 5.1) and the subschema (4.2, 4.4), written from the tables. */
#include "directory/sasl.h"
#include "directory/schema_own.h"
#include "directory/secret.h"
#include "directory/shown.h"

/* ---- the root DSE -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *attr;
	const char *values;		/* separated by blanks */
} root[] = {
	{ "objectClass", "top" },
	{ "supportedLDAPVersion", "3" },
	{ "supportedFeatures", "1.3.6.1.1.14 1.3.6.1.4.1.4203.1.5.1 1.3.6.1.4.1.4203.1.5.2 1.3.6.1.4.1.4203.1.5.3" },
	{ "subschemaSubentry", LG_SUBSCHEMA_DN },
	{ "vendorName", "Lightgate" },
	{ "monitorContext", "cn=Monitor" },
};

/* What the tables say, so that it is never less or more than what is done. */
static bool
show_oids(bool (*oid)(size_t i, lg_str *ret), lg_value_each *each, void *arg)
{
	lg_str one;

	for (size_t i = 0; oid(i, &one); i++)
		if (each(arg, one))
			return true;
	return false;
}

/* SCRAM is offered when a tenant keeps verifiers for it. */
static bool
show_mechanisms(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_tenant *list;
	bool wanted = false, scram;
	size_t n = 0;
	lg_str name;

	if (lg_tenant_list(sh->ac->cx, sh->ac->v, &list, &n) != LG_OK)
		return false;
	for (size_t i = 0; i < n && !wanted; i++)
		wanted = lg_scram_wanted(sh->ac->cx, sh->ac->v, list[i].id);
	for (size_t i = 0; lg_sasl_name(i, &name, &scram); i++)
		if ((!scram || wanted) && each(arg, name))
			return true;
	return false;
}

static bool
show_contexts(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_tenant *list;
	size_t n;

	if (lg_tenant_list(sh->ac->cx, sh->ac->v, &list, &n) != LG_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (each(arg, list[i].suffix))
			return true;
	return false;
}

bool
lg_root_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg)
{
	lg_str value;

	if (lg_str_eq(lg_attr_name(at), LG_STR("namingContexts")))
		return show_contexts(sh, each, arg);
	if (lg_str_eq(lg_attr_name(at), LG_STR("supportedSASLMechanisms")))
		return show_mechanisms(sh, each, arg);
	if (lg_str_eq(lg_attr_name(at), LG_STR("supportedControl")))
		return show_oids(lg_control_oid, each, arg);
	if (lg_str_eq(lg_attr_name(at), LG_STR("supportedExtension")))
		return show_oids(lg_extended_oid, each, arg);
	for (size_t i = 0; i < LG_COUNT(root); i++) {
		const char *values = root[i].values;
		if (!lg_str_eq(lg_attr_name(at), lg_str_of(root[i].attr)))
			continue;
		while (lg_word_next(&values, &value))
			if (each(arg, value))
				return true;
	}
	return false;
}

/* ---- the subschema ---------------------------------------------------------------------------------------------------- */

/* qdescrs: 'a' or ( 'a' 'b' ) */
static void
put_names(struct lg_buf *b, const char *names)
{
	bool several = strchr(names, ' ') != NULL;
	lg_str word;

	lg_buf_printf(b, " NAME %s", several ? "( " : "");
	while (lg_word_next(&names, &word))
		lg_buf_printf(b, "'%.*s' ", LG_FMT(word));
	lg_buf_str(b, several ? LG_STR(")") : LG_STR(""));
}

/* oids: a or ( a $ b ) */
static void
put_oids(struct lg_buf *b, const char *keyword, const char *names)
{
	bool first = true;
	lg_str word;

	if (*names == '\0')
		return;
	lg_buf_printf(b, " %s (", keyword);
	while (lg_word_next(&names, &word)) {
		lg_buf_printf(b, "%s %.*s", first ? "" : " $", LG_FMT(word));
		first = false;
	}
	lg_buf_str(b, LG_STR(" )"));
}

static void
put_rule(struct lg_buf *b, const char *keyword, enum lg_rule_id id)
{
	if (id != LG_R_NONE)
		lg_buf_printf(b, " %s %s", keyword, lg_rules[id].name);
}

static void
put_attribute(struct lg_buf *b, size_t i)
{
	const struct lg_attr *at = lg_attr_of((unsigned)i + 1);

	if (at == NULL)
		return;
	if (lg_attr_text(at).n > 0) {
		lg_buf_str(b, lg_attr_text(at));
		return;
	}

	lg_buf_printf(b, "( %s", at->oid);
	put_names(b, at->names);
	if (at->sup != 0)
		lg_buf_printf(b, " SUP %.*s", LG_FMT(lg_attr_name(lg_attr_of(at->sup))));
	put_rule(b, "EQUALITY", at->equality);
	put_rule(b, "ORDERING", at->ordering);
	put_rule(b, "SUBSTR", at->substrings);
	lg_buf_printf(b, " SYNTAX %s", lg_syntaxes[at->syntax].oid);
	if ((at->flags & LG_AF_SINGLE) != 0)
		lg_buf_str(b, LG_STR(" SINGLE-VALUE"));
	if ((at->flags & LG_AF_READONLY) != 0)
		lg_buf_str(b, LG_STR(" NO-USER-MODIFICATION"));
	if ((at->flags & LG_AF_OPERATIONAL) != 0)
		lg_buf_str(b, LG_STR(" USAGE directoryOperation"));
	lg_buf_str(b, LG_STR(" )"));
}

static void
put_class(struct lg_buf *b, size_t i)
{
	static const char *const kinds[] = { "ABSTRACT", "STRUCTURAL", "AUXILIARY", "STRUCTURAL" };
	const struct lg_class *c = lg_class_of((unsigned)i);

	if (c == NULL)
		return;
	if (lg_class_text(c).n > 0) {
		lg_buf_str(b, lg_class_text(c));
		return;
	}

	lg_buf_printf(b, "( %s", c->oid);
	put_names(b, c->names);
	if (c->sup != NULL)
		lg_buf_printf(b, " SUP %s", c->sup);
	lg_buf_printf(b, " %s", kinds[c->kind]);
	put_oids(b, "MUST", c->must);
	put_oids(b, "MAY", c->may);
	lg_buf_str(b, LG_STR(" )"));
}

static void
put_matching_rule(struct lg_buf *b, size_t i)
{
	const struct lg_rule *r = &lg_rules[i + 1];	/* [0] is none */

	lg_buf_printf(b, "( %s NAME '%s' SYNTAX %s )", r->oid, r->name, lg_syntaxes[r->syntax].oid);
}

static void
put_syntax(struct lg_buf *b, size_t i)
{
	lg_buf_printf(b, "( %s DESC '%s' )", lg_syntaxes[i].oid, lg_syntaxes[i].description);
}

static const struct {
	const char *attr;
	size_t n;
	void (*put)(struct lg_buf *b, size_t i);
} tables[] = {
	{ "attributeTypes", LG_ATTR_IDS - 1, put_attribute },
	{ "objectClasses", LG_CLASS_IDS, put_class },
	{ "matchingRules", LG_RULES - 1, put_matching_rule },
	{ "ldapSyntaxes", LG_SYNTAXES, put_syntax },
};

/* A definition that another tenant has made. */
static bool
is_others(struct lg_shown *sh, size_t t, size_t i)
{
	const struct lg_attr *at = tables[t].put == put_attribute ? lg_attr_of((unsigned)i + 1) : NULL;
	const struct lg_class *c = tables[t].put == put_class ? lg_class_of((unsigned)i) : NULL;

	return (at != NULL && !lg_attr_usable(sh->ac->cx, sh->ac->v, sh->ac->tenant, at)) ||
	    (c != NULL && !lg_class_usable(sh->ac->cx, sh->ac->v, sh->ac->tenant, c));
}

static bool
show_table(struct lg_shown *sh, size_t t, lg_value_each *each, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16384);

	for (size_t i = 0; i < tables[t].n; i++) {
		lg_buf_clear(&b);
		if (is_others(sh, t, i))
			continue;
		tables[t].put(&b, i);
		if (b.n > 0 && each(arg, lg_dup(sh->ac->cx->arena, lg_buf_view(&b))))
			return true;
	}
	return false;
}

bool
lg_subschema_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg)
{
	lg_str name = lg_attr_name(at);

	if (at->id == LG_A_OBJECT_CLASS)
		return each(arg, LG_STR("top")) || each(arg, LG_STR("subschema"));
	if (at->id == LG_A_CN)
		return each(arg, LG_STR("Subschema"));
	for (size_t t = 0; t < LG_COUNT(tables); t++)
		if (lg_str_eq(name, lg_str_of(tables[t].attr)))
			return show_table(sh, t, each, arg);
	return false;
}
