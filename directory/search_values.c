/* search_values.c: matched values (RFC 3876): a filter's terms applied to one value instead of to an entry. */
#include "directory/shown.h"

struct one {
	struct lg_shown *sh;
	const struct lg_attr *attr;
	lg_str value;
};

static bool
may(void *self, const struct lg_attr *at)
{
	struct one *o = self;

	return o->sh->e == NULL || lg_may(o->sh->ac, LG_RIGHT_SEARCH, o->sh->e, o->sh->dn, at);
}

static bool
present(void *self, const struct lg_attr *at)
{
	const struct one *o = self;

	return lg_attr_is(o->attr, at);
}

static bool
any(void *self, const struct lg_attr *at, enum lg_form form, lg_value_each *each, void *arg)
{
	const struct one *o = self;
	lg_str normal;

	return lg_attr_is(o->attr, at) && lg_normal(o->sh->ac->cx->arena, form, o->value, &normal) && each(arg, normal);
}

static bool
linked(void *self, const struct lg_attr *at, lg_str dn, bool chain)
{
	const struct one *o = self;
	struct lg_arena *a = o->sh->ac->cx->arena;
	lg_str x, y;

	return !chain && lg_attr_is(o->attr, at) && lg_normal(a, LG_FORM_DN, o->value, &x) && lg_normal(a, LG_FORM_DN, dn, &y) && lg_str_eq(x, y);
}

static bool
named(void *self, const struct lg_attr *at, enum lg_form form, lg_value_each *each, void *arg)
{
	(void)self, (void)at, (void)form, (void)each, (void)arg;
	return false;		/* a DN is no value */
}

bool
lg_value_wanted(struct lg_shown *sh, const struct lg_attr *at, lg_str value)
{
	struct one o = { sh, at, value };
	struct lg_filter_port port = { &o, may, present, any, linked, named };

	for (size_t i = 0; i < sh->nonly; i++)
		if (lg_filter_match(sh->only[i], &port) == LG_TRUE)
			return true;
	return false;
}
