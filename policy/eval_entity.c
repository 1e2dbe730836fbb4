/*
 * eval_entity.c: what an evaluation asks of entities, and what it makes of the three answers.
 * Absent is an answer; unknown is remembered and fails the policy.
 */
#include "policy/eval_ops.h"

static bool
set_bool(struct lg_value *ret, bool b)
{
	*ret = lg_value_bool(b);
	return true;
}

static struct lg_seen
look(struct lg_eval *ev, const struct lg_value *e)
{
	struct lg_seen s = { .looked = true, .found = LG_ABSENT, .handle = e->u.e.handle };

	if (ev->schema != NULL && lg_type_is_action(e->u.e.uid->type))
		s.action = lg_schema_action_find(ev->schema, e->u.e.uid);
	if (s.action != NULL)
		s.found = LG_PRESENT;
	else if (ev->entities != NULL)
		s.found = ev->entities->find(ev->entities->self, e->u.e.uid, &s.handle);
	return s;
}

static void
note_unknown(struct lg_eval *ev, const struct lg_euid *uid)
{
	ev->unknown = true;
	ev->unknown_uid = *uid;
}

struct lg_seen
lg_eval_find(struct lg_eval *ev, const struct lg_value *e)
{
	struct lg_seen s;
	int var = -1;

	for (int i = VAR_PRINCIPAL; i <= VAR_RESOURCE && var < 0; i++)
		if (e->u.e.uid == ev->var[i].u.e.uid)
			var = i;
	if (var >= 0 && ev->seen[var].looked) {
		s = ev->seen[var];
	} else {
		s = look(ev, e);
		if (var >= 0) {
			ev->seen[var] = s;
			ev->var[var].u.e.handle = s.action == NULL ? s.handle : 0;
		}
	}
	if (s.found == LG_UNKNOWN)
		note_unknown(ev, e->u.e.uid);
	return s;
}

bool
lg_eval_same(const struct lg_value *a, const struct lg_value *b)
{
	if (a->u.e.handle != 0 && b->u.e.handle != 0)
		return a->u.e.handle == b->u.e.handle;
	return lg_euid_eq(a->u.e.uid, b->u.e.uid);
}

enum lg_found
lg_eval_within(struct lg_eval *ev, const struct lg_value *e, const struct lg_value *above)
{
	struct lg_seen s;
	enum lg_found found;

	if (lg_eval_same(e, above))
		return LG_PRESENT;
	s = lg_eval_find(ev, e);
	if (s.action != NULL)
		return lg_schema_action_within(s.action, above->u.e.uid) ? LG_PRESENT : LG_ABSENT;
	if (s.found != LG_PRESENT)
		return s.found;
	found = ev->entities->within(ev->entities->self, s.handle, above->u.e.uid, above->u.e.handle);
	if (found == LG_UNKNOWN)
		note_unknown(ev, e->u.e.uid);
	return found;
}

static bool
unreadable(struct lg_eval *ev, const struct lg_expr *x)
{
	return lg_eval_fail(
	    ev, x, "entity %.*s could not be read", LG_FMT(lg_euid_text(ev->cx->arena, &ev->unknown_uid)));
}

bool
lg_eval_in(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret)
{
	enum lg_found found = LG_ABSENT;
	bool unknown = false;

	if (a->kind != LG_V_ENTITY)
		return lg_eval_wrong_kind(ev, x->a, "entity", a);
	if (b->kind == LG_V_ENTITY) {
		found = lg_eval_within(ev, a, b);
		return found == LG_UNKNOWN ? unreadable(ev, x) : set_bool(ret, found == LG_PRESENT);
	}
	if (b->kind != LG_V_SET)
		return lg_eval_wrong_kind(ev, x->b, "entity or set of entities", b);
	/* Sorted by kind first: the ends speak for all. */
	for (uint32_t i = 0; i < b->u.set->n; i += b->u.set->n > 1 ? b->u.set->n - 1 : 1)
		if (b->u.set->v[i].kind != LG_V_ENTITY)
			return lg_eval_wrong_kind(ev, x->b, "set of entities", &b->u.set->v[i]);
	if (!lg_eval_spend(ev, x, b->u.set->n))
		return false;
	for (uint32_t i = 0; i < b->u.set->n && found != LG_PRESENT; i++) {
		found = lg_eval_within(ev, a, &b->u.set->v[i]);
		unknown = unknown || found == LG_UNKNOWN;
	}
	if (found != LG_PRESENT && unknown)
		return unreadable(ev, x);
	return set_bool(ret, found == LG_PRESENT);
}

static enum lg_found
entity_attr(struct lg_eval *ev, const struct lg_seen *s, const struct lg_value *e, const struct lg_name *name,
    struct lg_value *ret)
{
	enum lg_found found;

	if (s->action != NULL)
		return LG_ABSENT;		/* actions have no attributes */
	found = ev->entities->attr(ev->entities->self, s->handle, name, ret);
	if (found == LG_UNKNOWN)
		note_unknown(ev, e->u.e.uid);
	return found;
}

/* What an attribute is taken of.  Of the context just the one attribute is noted as read. */
static bool
eval_owner(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	if (x->a->op != X_VAR || x->a->var != VAR_CONTEXT || ev->rq == NULL)
		return lg_eval(ev, x->a, ret);
	ev->reads |= lg_eval_bit(x->name->id);
	*ret = ev->var[VAR_CONTEXT];
	return true;
}

bool
lg_eval_get(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	const struct lg_value *at;
	struct lg_value a;
	struct lg_seen s;
	enum lg_found found;

	if (!eval_owner(ev, x, &a))
		return false;
	if (a.kind == LG_V_RECORD) {
		at = lg_record_get(a.u.record, x->name);
		if (at == NULL)
			return lg_eval_fail(ev, x, "record has no attribute `%.*s`", LG_FMT(x->name->text));
		*ret = *at;
		return true;
	}
	if (a.kind != LG_V_ENTITY)
		return lg_eval_wrong_kind(ev, x->a, "record or entity", &a);
	s = lg_eval_find(ev, &a);
	if (s.found == LG_UNKNOWN)
		return unreadable(ev, x);
	if (s.found == LG_ABSENT)
		return lg_eval_fail(
		    ev, x, "entity %.*s does not exist", LG_FMT(lg_euid_text(ev->cx->arena, a.u.e.uid)));
	found = entity_attr(ev, &s, &a, x->name, ret);
	if (found == LG_UNKNOWN)
		return unreadable(ev, x);
	if (found == LG_ABSENT)
		return lg_eval_fail(ev, x, "%.*s has no attribute `%.*s`",
		    LG_FMT(lg_euid_text(ev->cx->arena, a.u.e.uid)), LG_FMT(x->name->text));
	return true;
}

bool
lg_eval_has(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value a, dropped;
	struct lg_seen s;
	enum lg_found found;

	if (!eval_owner(ev, x, &a))
		return false;
	if (a.kind == LG_V_RECORD)
		return set_bool(ret, lg_record_get(a.u.record, x->name) != NULL);
	if (a.kind != LG_V_ENTITY)
		return lg_eval_wrong_kind(ev, x->a, "record or entity", &a);
	s = lg_eval_find(ev, &a);
	found = s.found == LG_PRESENT ? entity_attr(ev, &s, &a, x->name, &dropped) : s.found;
	return found == LG_UNKNOWN ? unreadable(ev, x) : set_bool(ret, found == LG_PRESENT);
}

bool
lg_eval_tag(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret)
{
	struct lg_value v;
	struct lg_seen s;
	enum lg_found found;

	if (a->kind != LG_V_ENTITY)
		return lg_eval_wrong_kind(ev, x->a, "entity", a);
	if (b->kind != LG_V_STRING)
		return lg_eval_wrong_kind(ev, x->b, "string", b);
	s = lg_eval_find(ev, a);
	if (s.found == LG_ABSENT && x->op == X_GET_TAG)
		return lg_eval_fail(
		    ev, x, "entity %.*s does not exist", LG_FMT(lg_euid_text(ev->cx->arena, a->u.e.uid)));
	found = s.found;
	if (found == LG_PRESENT)
		found = s.action != NULL ? LG_ABSENT : ev->entities->tag(ev->entities->self, s.handle, b->u.s, &v);
	if (found == LG_UNKNOWN) {
		note_unknown(ev, a->u.e.uid);
		return unreadable(ev, x);
	}
	if (x->op == X_HAS_TAG)
		return set_bool(ret, found == LG_PRESENT);
	if (found == LG_ABSENT)
		return lg_eval_fail(ev, x, "%.*s has no tag \"%.*s\"",
		    LG_FMT(lg_euid_text(ev->cx->arena, a->u.e.uid)), LG_FMT(b->u.s));
	*ret = v;
	return true;
}
