/*
 * est_read.c: one policy from JSON into a tree, which print.c makes text of and the parser checks like any other.
 * Whatever the printer writes without quotes (types, annotation names) is checked here to be a name.
 */
#include "policy/est.h"
#include "policy/print.h"

static void
scope_entities(struct lg_est_reader *rd, struct lg_scope *sc)
{
	if (sc->listed)
		lg_json_array(rd->js);
	while (!sc->listed || lg_json_item(rd->js)) {
		struct lg_euid *uids = LG_NEWS(rd->cx->arena, struct lg_euid, sc->n + 1);

		if (sc->n > 0)
			memcpy(uids, sc->uids, sc->n * sizeof(*uids));
		sc->uids = uids;
		if (!lg_est_uid(rd->js, &uids[sc->n++]) || !sc->listed)
			break;
	}
}

/* The members of a scope.  `in: null` is none. */
enum { ENTITY = 1, ENTITIES = 2, SLOT = 4, TYPE = 8, IN = 16, OTHER = 32 };

static unsigned scope_members(struct lg_est_reader *rd, struct lg_scope *sc, const char *slot, lg_str *op);

static unsigned
scope_in(struct lg_est_reader *rd, struct lg_scope *sc, const char *slot)
{
	unsigned inner;

	if (lg_json_peek(rd->js) == LG_JSON_NULL) {
		lg_json_null(rd->js);
		return 0;
	}
	inner = scope_members(rd, sc, slot, NULL) & ~(unsigned)OTHER;
	if (rd->js->fault == NULL && inner != ENTITY && inner != SLOT)
		lg_est_bad(rd, "what is after `in` has an entity or a slot, and nothing else");
	return IN;
}

static unsigned
scope_member(struct lg_est_reader *rd, lg_str name, struct lg_scope *sc, const char *slot)
{
	if (lg_str_eq(name, LG_STR("slot"))) {
		sc->slot = true;
		if (!lg_str_eq(lg_json_str(rd->js), lg_str_of(slot)))
			lg_est_bad(rd, "a template slot that cannot stand here");
		return SLOT;
	}
	if (lg_str_eq(name, LG_STR("entity_type"))) {
		sc->type = lg_json_str(rd->js);
		if (rd->js->fault == NULL && !lg_is_path(sc->type))
			lg_est_bad(rd, "an entity type must be a name");
		return TYPE;
	}
	if (lg_str_eq(name, LG_STR("entity")) || lg_str_eq(name, LG_STR("entities"))) {
		sc->listed = lg_str_eq(name, LG_STR("entities"));
		scope_entities(rd, sc);
		return sc->listed ? ENTITIES : ENTITY;
	}
	lg_json_skip(rd->js);
	return OTHER;
}

/* Which there are.  Inside of `in` (no OP) `op` and `in` mean nothing. */
static unsigned
scope_members(struct lg_est_reader *rd, struct lg_scope *sc, const char *slot, lg_str *op)
{
	unsigned given = 0;
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		if (op != NULL && lg_str_eq(name, LG_STR("op")))
			*op = lg_json_str(rd->js);
		else if (op != NULL && lg_str_eq(name, LG_STR("in")))
			given |= scope_in(rd, sc, slot);
		else
			given |= scope_member(rd, name, sc, slot);
	}
	return given;
}

/*
 * A scope has the members that its op asks for and no other op's: those would be left out of the meaning without a word.
 * What no op knows is passed over, but not beside `is`, as in the reference.
 */
static void
scope(struct lg_est_reader *rd, struct lg_scope *sc, const char *slot)
{
	static const struct {
		const char *op;
		unsigned given;
		enum lg_scope_kind kind;
	} ops[] = {
		{ "All", 0, SCOPE_ANY }, { "all", 0, SCOPE_ANY }, { "==", ENTITY, SCOPE_EQ }, { "==", SLOT, SCOPE_EQ },
		{ "in", ENTITY, SCOPE_IN }, { "in", ENTITIES, SCOPE_IN }, { "in", SLOT, SCOPE_IN },
		{ "is", TYPE, SCOPE_IS }, { "is", TYPE | IN, SCOPE_IS_IN },
	};
	lg_str op = LG_NONE;
	unsigned given = scope_members(rd, sc, slot, &op);

	if (!lg_str_eq(op, LG_STR("is")))
		given &= ~(unsigned)OTHER;
	for (size_t i = 0; i < LG_COUNT(ops); i++) {
		if (lg_str_eq(op, lg_str_of(ops[i].op)) && given == ops[i].given) {
			sc->kind = ops[i].kind;
			return;
		}
	}
	if (rd->js->fault == NULL)
		lg_est_bad(rd, "a scope whose members do not fit its op");
}

static void
conditions(struct lg_est_reader *rd, struct lg_policy *p)
{
	lg_str name, kind;

	lg_json_array(rd->js);
	while (lg_json_item(rd->js)) {
		struct lg_clause *v = LG_NEWS(rd->cx->arena, struct lg_clause, p->nclauses + 1);

		if (p->nclauses > 0)
			memcpy(v, p->clauses, p->nclauses * sizeof(*v));
		p->clauses = v;
		v += p->nclauses++;
		kind = LG_NONE;
		lg_json_object(rd->js);
		while (lg_json_member(rd->js, &name)) {
			if (lg_str_eq(name, LG_STR("kind")))
				kind = lg_json_str(rd->js);
			else if (lg_str_eq(name, LG_STR("body")))
				v->body = lg_est_expr(rd);
			else
				lg_est_bad(rd, "a condition has `kind` and `body` only");
		}
		v->when = lg_str_eq(kind, LG_STR("when"));
		if (rd->js->fault == NULL && (v->body == NULL || (!v->when && !lg_str_eq(kind, LG_STR("unless")))))
			lg_est_bad(rd, "a condition needs `kind` (when, unless) and `body`");
	}
}

static void
annotations(struct lg_est_reader *rd, struct lg_policy *p)
{
	struct lg_policy_annotation *v;
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		v = LG_NEWS(rd->cx->arena, struct lg_policy_annotation, p->info.nannotations + 1);
		if (p->info.nannotations > 0)
			memcpy(v, p->info.annotations, p->info.nannotations * sizeof(*v));
		p->info.annotations = v;
		v += p->info.nannotations++;
		v->name = name;
		/* Reserved words may name annotations. */
		if (!lg_is_name(lg_print(rd->cx->arena, "%.*s_", LG_FMT(name))) ||
		    (name.n > 0 && name.p[0] >= '0' && name.p[0] <= '9'))
			lg_est_bad(rd, "an annotation's name must be an identifier");
		if (lg_json_peek(rd->js) == LG_JSON_NULL)
			lg_json_null(rd->js);
		else
			v->value = lg_json_str(rd->js);
	}
}

static lg_err
policy(struct lg_est_reader *rd, struct lg_policy *p)
{
	lg_str name, effect = LG_NONE;
	unsigned parts = 0;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		parts += lg_str_eq(name, LG_STR("principal")) || lg_str_eq(name, LG_STR("action")) ||
		    lg_str_eq(name, LG_STR("resource")) || lg_str_eq(name, LG_STR("conditions"));
		if (lg_str_eq(name, LG_STR("effect")))
			effect = lg_json_str(rd->js);
		else if (lg_str_eq(name, LG_STR("principal")))
			scope(rd, &p->principal, "?principal");
		else if (lg_str_eq(name, LG_STR("action")))
			scope(rd, &p->action, "");
		else if (lg_str_eq(name, LG_STR("resource")))
			scope(rd, &p->resource, "?resource");
		else if (lg_str_eq(name, LG_STR("conditions")))
			conditions(rd, p);
		else if (lg_str_eq(name, LG_STR("annotations")))
			annotations(rd, p);
		else
			lg_est_bad(rd, "unknown member of a policy");
	}
	if (rd->js->fault == NULL && parts != 4)
		lg_est_bad(rd, "a policy needs principal, action, resource and conditions");
	p->info.effect = lg_str_eq(effect, LG_STR("permit")) ? LG_PERMIT : LG_FORBID;
	if (rd->js->fault == NULL && p->info.effect == LG_FORBID && !lg_str_eq(effect, LG_STR("forbid")))
		lg_est_bad(rd, "an effect is permit or forbid");
	return rd->js->fault == NULL ? LG_OK : lg_json_end(rd->cx, rd->js);
}

lg_err
lg_est_text(struct lg_ctx *cx, struct lg_json *js, lg_str *ret, bool *is_template)
{
	struct lg_est_reader rd = { .cx = cx, .js = js };
	struct lg_policy *p = LG_NEW(cx->arena, struct lg_policy);
	struct lg_buf out = LG_BUF(LG_POLICY_SOURCE_MAX);
	lg_err e;

	LG_TRY(policy(&rd, p));
	*is_template = p->principal.slot || p->resource.slot;
	lg_policy_print(&out, p);
	e = lg_buf_status(cx, &out);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return e;
}
