/*
 * values.c: what is wrong with a request's values whatever the entry is: an unknown type, a bad value, one too many, the same twice.
 * It is found before the store is asked, so that a mutation parses little, and in the order that OpenLDAP has.
 */
#include <stdlib.h>

#include "directory/edit.h"

static lg_err
check_syntax(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, lg_str v)
{
	bool link = (at->flags & (LG_AF_MEMBER | LG_AF_REFERENCE)) != 0;
	struct lg_dn dn;
	bool good;

	if ((at->flags & LG_AF_SECRET) != 0)
		return LG_OK;
	if (at->id == LG_A_OBJECT_CLASS)
		good = lg_class_find(v) != NULL;
	else
		good = link ? lg_dn_parse(cx->arena, v, &dn) && dn.n > 0 : lg_syntaxes[at->syntax].check(cx->arena, v);
	return good ? LG_OK : lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: value is no %s", LG_FMT(lg_attr_name(at)),
	    lg_syntaxes[at->syntax].description);
}

static int
compare_normals(const void *x, const void *y)
{
	return lg_str_cmp(*(const lg_str *)x, *(const lg_str *)y);
}

static lg_err
check_twice(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, const struct lg_values *values)
{
	lg_str *normal;

	if (values->n < 2 || lg_attr_form(at) == LG_FORM_NONE)
		return LG_OK;
	normal = LG_NEWS(cx->arena, lg_str, values->n);
	for (size_t i = 0; i < values->n; i++)
		if (!lg_normal(cx->arena, lg_attr_form(at), values->v[i], &normal[i]))
			return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value cannot be compared", LG_FMT(lg_attr_name(at)));
	qsort(normal, values->n, sizeof *normal, compare_normals);
	for (size_t i = 1; i < values->n; i++)
		if (lg_str_eq(normal[i - 1], normal[i]))
			return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "%.*s: a value is given twice", LG_FMT(lg_attr_name(at)));
	return LG_OK;
}

lg_err
lg_values_check(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_values *values, enum lg_modify kind)
{
	bool needed = kind == LG_MODIFY_ADD || kind == LG_MODIFY_INCREMENT, kept = kind == LG_MODIFY_ADD || kind == LG_MODIFY_REPLACE;
	const struct lg_attr *at = lg_attr_find(values->attribute);

	if (at == NULL)
		return lg_refuse(cx, ed, LG_LDAP_UNDEFINED_TYPE, "%.*s: attribute type undefined", LG_FMT(lg_str_sub(values->attribute, 0, 100)));
	if (needed && values->n == 0)
		return lg_refuse(cx, ed, LG_LDAP_PROTOCOL_ERROR, "%.*s: no values given", LG_FMT(lg_attr_name(at)));
	if (kind == LG_MODIFY_INCREMENT && at->syntax != LG_SYN_INTEGER)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: is no integer", LG_FMT(lg_attr_name(at)));
	for (size_t i = 0; i < values->n; i++)
		LG_TRY(check_syntax(cx, ed, at, values->v[i]));
	if (kept && values->n > 1 && (at->flags & LG_AF_SINGLE) != 0)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: multiple values given", LG_FMT(lg_attr_name(at)));
	return kept ? check_twice(cx, ed, at, values) : LG_OK;
}
