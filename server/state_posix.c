/*
 * state_posix.c: people and groups as UNIX hosts see them (RFC 2307).  The fields of a class are put together: the class comes with the
 * first of them, and what it requires beside is filled in.
 */
#include "server/state.h"

#include "base/text.h"

enum { MODS = 8 };

struct posix {
	struct lg_modification mod[MODS];
	size_t n;
};

static void
put(struct lg_ctx *cx, struct posix *p, enum lg_modify kind, const char *attribute, const lg_str *v, size_t n)
{
	lg_str *copy = LG_NEWS(cx->arena, lg_str, n);

	if (n > 0)
		memcpy(copy, v, n * sizeof *copy);
	p->mod[p->n++] = (struct lg_modification){ kind, { lg_str_of(attribute), copy, n } };
}

static bool
has(const struct lg_entry *e, const struct posix *p, const char *attribute)
{
	lg_str value;

	for (size_t i = 0; i < p->n; i++)
		if (lg_str_eq(p->mod[i].values.attribute, lg_str_of(attribute)) && p->mod[i].values.n > 0)
			return true;
	return lg_entry_value(e, lg_str_of(attribute), 0, &value);
}

static bool
is_of(const struct lg_entry *e, lg_str class)
{
	lg_str value;

	for (size_t i = 0; lg_entry_value(e, LG_STR("objectClass"), i, &value); i++)
		if (lg_str_eq_fold(value, class))
			return true;
	return false;
}

/* A user without a group number of his own has his own group's; a home below /home. */
static lg_err
fill(struct lg_ctx *cx, struct posix *p, const struct lg_entry *e, lg_str class)
{
	lg_str v;

	if (!lg_str_eq(class, LG_STR("posixAccount")))
		return has(e, p, "gidNumber") ? LG_OK : lg_fail(cx, LG_E_INVALID, "a group of UNIX hosts needs gid_number");
	if (!has(e, p, "uidNumber"))
		return lg_fail(cx, LG_E_INVALID, "an account on UNIX hosts needs uid_number");
	if (!has(e, p, "gidNumber")) {
		v = LG_NONE;
		for (size_t i = 0; i < p->n; i++)
			if (lg_str_eq(p->mod[i].values.attribute, LG_STR("uidNumber")))
				v = p->mod[i].values.v[0];
		put(cx, p, LG_MODIFY_REPLACE, "gidNumber", &v, 1);
	}
	if (!has(e, p, "homeDirectory")) {
		v = lg_print(cx->arena, "/home/%.*s", LG_FMT(e->name));
		put(cx, p, LG_MODIFY_REPLACE, "homeDirectory", &v, 1);
	}
	return LG_OK;
}

lg_err
lg_state_posix(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_state_item *it, struct lg_entry *e, bool *changed)
{
	struct posix p = { .n = 0 };
	lg_str class = LG_NONE;

	*changed = false;
	for (size_t i = 0; i < it->nvalues; i++) {
		const struct lg_state_value *sv = &it->value[i];
		if (sv->field->class == NULL)
			continue;
		class = lg_str_of(sv->field->class);
		put(cx, &p, LG_MODIFY_REPLACE, sv->field->attribute, sv->v, sv->n);
	}
	if (p.n == 0)
		return LG_OK;
	if (!is_of(e, class)) {
		LG_TRY(fill(cx, &p, e, class));
		put(cx, &p, LG_MODIFY_ADD, "objectClass", &class, 1);
	}
	return lg_entry_modify(cx, ed, e, p.mod, p.n, changed);
}
