/* check.c: a whole entry against the schema (RFC 4512 2.4, X.501). */
#include <stdlib.h>

#include "directory/edit.h"
#include "directory/schema_own.h"

/* ---- object classes ------------------------------------------------------------------------------------------------ */

struct classes {
	const struct lg_class *v[LG_CLASS_IDS];
	size_t n;
	const struct lg_class *structural;
};

static void
put_class(struct classes *cs, const struct lg_class *c)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->v[i] == c)
			return;
	cs->v[cs->n++] = c;		/* no class twice, so the array is large enough */
}

/*
 * One structural chain: every structural class is the deepest one or above it.  A class that may stand beside others is structural
 * only where there is none.
 */
static lg_err
find_structural(struct lg_ctx *cx, struct lg_edit *ed, struct classes *cs)
{
	const struct lg_class *beside = NULL;

	for (size_t i = 0; i < cs->n; i++) {
		const struct lg_class *c = cs->v[i];
		if (!lg_class_structural(c))
			continue;
		if (c->kind == LG_CLASS_BESIDE)
			beside = c;
		else if (cs->structural == NULL || lg_class_is(c, cs->structural))
			cs->structural = c;
		else if (!lg_class_is(cs->structural, c))
			return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "invalid structural object class chain (%s/%s)",
			    cs->structural->names, c->names);
	}
	if (cs->structural == NULL)
		cs->structural = beside;
	if (cs->structural == NULL)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "no structural object class provided");
	return LG_OK;
}

static lg_err
read_classes(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, struct classes *cs)
{
	struct lg_draft_attr *da = lg_draft_find(d, lg_attr_of(LG_A_OBJECT_CLASS));

	if (da == NULL)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "no objectClass attribute");
	for (size_t i = 0; i < da->n; i++) {
		const struct lg_class *c = lg_class_find(da->v[i]);
		if (c == NULL || !lg_class_usable(cx, ed->v, ed->tenant, c))
			return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "objectClass: '%.*s' is unknown", LG_FMT(lg_str_sub(da->v[i], 0, 100)));
		for (size_t k = 0; k < i; k++)
			if (lg_class_find(da->v[k]) == c)
				return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "objectClass: %s is given twice", c->names);
		da->v[i] = lg_class_name(c);
	}
	for (size_t i = 0; i < da->n; i++)
		for (const struct lg_class *c = lg_class_find(da->v[i]); c != NULL; c = lg_class_sup(c))
			put_class(cs, c);
	return find_structural(cx, ed, cs);
}

/* RFC 4512 3.3: an entry of a class is of its superclasses too; they are stored, so that searches find them. */
static void
write_classes(struct lg_ctx *cx, struct lg_draft *d, const struct classes *cs)
{
	const struct lg_attr *at = lg_attr_of(LG_A_OBJECT_CLASS);

	lg_draft_clear(d, at);
	for (size_t i = 0; i < cs->n; i++)
		lg_draft_put(cx, d, at, lg_class_name(cs->v[i]));
}

/* ---- attributes ----------------------------------------------------------------------------------------------------------- */

static lg_err
check_one_allowed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, const struct classes *cs)
{
	if ((at->flags & LG_AF_OPERATIONAL) != 0)
		return LG_OK;		/* X.501 13.4: no class speaks of them */
	for (size_t k = 0; k < cs->n; k++)
		if (lg_attr_in(lg_class_may(cs->v[k]), at->id) || strcmp(cs->v[k]->oid, LG_EXTENSIBLE_OBJECT) == 0)
			return LG_OK;
	return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "attribute '%.*s' not allowed", LG_FMT(lg_attr_name(at)));
}

static lg_err
check_allowed(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct classes *cs)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->attr[i].n > 0)
			LG_TRY(check_one_allowed(cx, ed, d->attr[i].attr, cs));
	return d->has_members ? check_one_allowed(cx, ed, lg_attr_of(LG_A_MEMBER), cs) : LG_OK;
}

static lg_err
check_required(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct classes *cs)
{
	for (size_t k = 0; k < cs->n; k++)
		for (unsigned id = 1; id < LG_ATTR_IDS; id++) {
			const struct lg_attr *at = lg_attr_in(lg_class_must(cs->v[k]), id) ? lg_attr_of(id) : NULL;
			bool there = at == NULL || ((at->flags & LG_AF_MEMBER) != 0 ? d->has_members : lg_draft_find(d, at) != NULL);
			if (!there)
				return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "object class '%s' requires attribute '%.*s'",
				    cs->v[k]->names, LG_FMT(lg_attr_name(at)));
		}
	return LG_OK;
}

static int
compare_normals(const void *x, const void *y)
{
	return lg_str_cmp(*(const lg_str *)x, *(const lg_str *)y);
}

static lg_err
check_values(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft_attr *da)
{
	const struct lg_attr *at = da->attr;
	lg_str *normal;

	if (da->n < 2)
		return LG_OK;
	normal = LG_NEWS(cx->arena, lg_str, da->n);
	for (size_t i = 0; i < da->n; i++)
		if (!lg_stored_normal(cx->arena, at, da->v[i], &normal[i]))
			return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value cannot be compared", LG_FMT(lg_attr_name(at)));
	qsort(normal, da->n, sizeof *normal, compare_normals);
	for (size_t i = 1; i < da->n; i++)
		if (lg_str_eq(normal[i - 1], normal[i]))
			return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "%.*s: a value is given twice", LG_FMT(lg_attr_name(at)));
	if ((at->flags & (LG_AF_SINGLE | LG_AF_SECRET)) != 0)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "attribute '%.*s' cannot have multiple values", LG_FMT(lg_attr_name(at)));
	return LG_OK;
}

/* ---- the RDN ------------------------------------------------------------------------------------------------------------------ */

static bool
has_value(struct lg_ctx *cx, struct lg_draft *d, const struct lg_ava *ava)
{
	const struct lg_draft_attr *da = lg_draft_find(d, ava->attr);
	lg_str normal, wanted;

	if (da == NULL || !lg_stored_normal(cx->arena, ava->attr, ava->value, &wanted))
		return false;
	for (size_t i = 0; i < da->n; i++)
		if (lg_stored_normal(cx->arena, ava->attr, da->v[i], &normal) && lg_str_eq(normal, wanted))
			return true;
	return false;
}

static lg_err
check_rdn(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d)
{
	const unsigned unfit = LG_AF_SECRET | LG_AF_REFERENCE | LG_AF_MEMBER | LG_AF_COMPUTED;

	for (size_t i = 0; i < d->rdn.n; i++) {
		const struct lg_attr *at = d->rdn.ava[i].attr;
		if ((at->flags & unfit) != 0 || lg_attr_form(at) == LG_FORM_NONE)
			return lg_refuse(cx, ed, LG_LDAP_NAMING_VIOLATION, "naming attribute '%.*s' cannot name an entry", LG_FMT(lg_attr_name(at)));
		if (!has_value(cx, d, &d->rdn.ava[i]))
			return lg_refuse(cx, ed, LG_LDAP_NAMING_VIOLATION, "value of naming attribute '%.*s' is not present in entry",
			    LG_FMT(lg_attr_name(at)));
	}
	return LG_OK;
}

/* ---- what follows from it all ---------------------------------------------------------------------------------------------------- */

/* The entry's name: the naming attribute's value in the RDN, or its first. */
static lg_str
name_of(struct lg_draft *d, enum lg_entry_type type)
{
	unsigned naming = lg_type_forms[type].naming;
	const struct lg_draft_attr *da;

	if (naming == 0)
		return LG_NONE;
	for (size_t i = 0; i < d->rdn.n; i++)
		if (d->rdn.ava[i].attr->id == naming)
			return d->rdn.ava[i].value;
	da = lg_draft_find(d, lg_attr_of(naming));
	return da == NULL ? LG_NONE : lg_str_sub(da->v[0], 0, LG_DN_MAX);
}

static void
set_header(struct lg_draft *d, const struct classes *cs)
{
	const struct lg_draft_attr *enabled = lg_draft_find(d, lg_attr_of(LG_A_LG_ENABLED));

	d->structural = cs->structural;
	d->e.type = d->e.parent == 0 ? LG_TYPE_TENANT : lg_class_type(cs->structural);
	d->e.name = name_of(d, d->e.type);
	d->e.enabled = enabled == NULL || !lg_str_eq(enabled->v[0], LG_STR("FALSE"));
}

lg_err
lg_draft_check(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d)
{
	struct classes cs = { .n = 0 };
	size_t values = 0;

	LG_TRY(read_classes(cx, ed, d, &cs));
	if (d->structural != NULL && d->structural != cs.structural && !ed->relax)
		return lg_refuse(cx, ed, LG_LDAP_CLASS_MODS_PROHIBITED, "structural object class modification from '%s' to '%s' not allowed",
		    d->structural->names, cs.structural->names);
	write_classes(cx, d, &cs);
	LG_TRY(check_allowed(cx, ed, d, &cs));
	LG_TRY(check_required(cx, ed, d, &cs));
	for (size_t i = 0; i < d->n; i++) {
		LG_TRY(check_values(cx, ed, &d->attr[i]));
		values += d->attr[i].n;
	}
	if (values > LG_ENTRY_VALUES)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "an entry has at most %d values", LG_ENTRY_VALUES);
	LG_TRY(check_rdn(cx, ed, d));
	set_header(d, &cs);
	return LG_OK;
}
