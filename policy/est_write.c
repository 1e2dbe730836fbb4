/* est_write.c: policies as JSON (docs/json-format of Cedar; the names of its nodes are the operators'). */
#include "policy/print.h"
#include "policy/set.h"

static void expr_json(struct lg_jsonw *w, const struct lg_expr *x);

static void
node(struct lg_jsonw *w, const char *name)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, lg_str_of(name));
}

static void
uid_json(struct lg_jsonw *w, const struct lg_euid *u)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", u->type);
	lg_jsonw_str_of(w, "id", u->id);
	lg_jsonw_object_end(w);
}

static void
literal_json(struct lg_jsonw *w, const struct lg_value *v)
{
	node(w, "Value");
	switch (v->kind) {
	case LG_V_BOOL: lg_jsonw_bool(w, v->u.b); break;
	case LG_V_LONG: lg_jsonw_int(w, v->u.i); break;
	case LG_V_STRING: lg_jsonw_str(w, v->u.s); break;
	default:
		node(w, "__entity");
		uid_json(w, v->u.e.uid);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_object_end(w);
}

/* {NAME: {"left": a, ..}}: opened here, closed by the caller with two ends. */
static void
left_of(struct lg_jsonw *w, lg_str name, const struct lg_expr *a, const char *side)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, name);
	lg_jsonw_object(w);
	lg_jsonw_name(w, lg_str_of(side));
	expr_json(w, a);
}

static void
ends(struct lg_jsonw *w)
{
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

static void
pattern_json(struct lg_jsonw *w, lg_str pattern)
{
	lg_jsonw_array(w);
	while (pattern.n > 0) {
		size_t n = 1;

		if ((unsigned char)pattern.p[0] == LG_PATTERN_STAR) {
			lg_jsonw_str(w, LG_STR("Wildcard"));
		} else {
			/* One element a character. */
			while (n < pattern.n && ((unsigned char)pattern.p[n] & 0xc0) == 0x80)
				n++;
			lg_jsonw_object(w);
			lg_jsonw_str_of(w, "Literal", lg_str_sub(pattern, 0, n));
			lg_jsonw_object_end(w);
		}
		pattern = lg_str_sub(pattern, n, pattern.n);
	}
	lg_jsonw_array_end(w);
}

/* a && b && c: grouped to the left. */
static void
chain_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	lg_str name = x->op == X_AND ? LG_STR("&&") : LG_STR("||");

	for (uint32_t i = 1; i < x->n; i++) {
		lg_jsonw_object(w);
		lg_jsonw_name(w, name);
		lg_jsonw_object(w);
		lg_jsonw_name(w, LG_STR("left"));
	}
	expr_json(w, x->list[0]);
	for (uint32_t i = 1; i < x->n; i++) {
		lg_jsonw_name(w, LG_STR("right"));
		expr_json(w, x->list[i]);
		ends(w);
	}
}

static void
has_chain_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	left_of(w, LG_STR("has"), x->list[0]->a, "left");
	lg_jsonw_name(w, LG_STR("attr"));
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < x->n; i++)
		lg_jsonw_str(w, x->list[i]->name->text);
	lg_jsonw_array_end(w);
	ends(w);
}

static void
list_json(struct lg_jsonw *w, lg_str name, const struct lg_expr *x)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, name);
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < x->n; i++)
		expr_json(w, x->list[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

static void
record_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	node(w, "Record");
	lg_jsonw_object(w);
	for (uint32_t i = 0; i < x->n; i++) {
		lg_jsonw_name(w, x->names[i]->text);
		expr_json(w, x->list[i]);
	}
	ends(w);
}

static void
is_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	left_of(w, LG_STR("is"), x->a, "left");
	lg_jsonw_str_of(w, "entity_type", x->type);
	if (x->in != NULL) {
		lg_jsonw_name(w, LG_STR("in"));
		expr_json(w, x->in);
	}
	ends(w);
}

static void
named_json(struct lg_jsonw *w, lg_str op, const struct lg_expr *x)
{
	left_of(w, op, x->a, "left");
	lg_jsonw_str_of(w, "attr", x->name->text);
	ends(w);
}

static void
unary_json(struct lg_jsonw *w, lg_str op, const struct lg_expr *x)
{
	left_of(w, op, x->a, "arg");
	ends(w);
}

static void
if_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	left_of(w, LG_STR("if-then-else"), x->a, "if");
	lg_jsonw_name(w, LG_STR("then"));
	expr_json(w, x->b);
	lg_jsonw_name(w, LG_STR("else"));
	expr_json(w, x->c);
	ends(w);
}

static void
expr_json(struct lg_jsonw *w, const struct lg_expr *x)
{
	static const char *const vars[] = { "principal", "action", "resource", "context" };
	static const char *const slots[] = { "?principal", "", "?resource", "" };

	switch (x->op) {
	case X_LIT: literal_json(w, x->constant); return;
	case X_VAR:
	case X_SLOT:
		node(w, x->op == X_VAR ? "Var" : "Slot");
		lg_jsonw_str(w, lg_str_of((x->op == X_VAR ? vars : slots)[x->var]));
		lg_jsonw_object_end(w);
		return;
	case X_NOT: unary_json(w, LG_STR("!"), x); return;
	case X_NEG: unary_json(w, LG_STR("neg"), x); return;
	case X_IS_EMPTY: unary_json(w, LG_STR("isEmpty"), x); return;
	case X_HAS: named_json(w, LG_STR("has"), x); return;
	case X_GET: named_json(w, LG_STR("."), x); return;
	case X_LIKE:
		left_of(w, LG_STR("like"), x->a, "left");
		lg_jsonw_name(w, LG_STR("pattern"));
		pattern_json(w, x->pattern);
		ends(w);
		return;
	case X_IS: is_json(w, x); return;
	case X_IF: if_json(w, x); return;
	case X_AND:
	case X_OR:
		if (x->has_chain)
			has_chain_json(w, x);
		else
			chain_json(w, x);
		return;
	case X_SET: list_json(w, LG_STR("Set"), x); return;
	case X_RECORD: record_json(w, x); return;
	case X_CALL: list_json(w, x->ext->name, x); return;
	default: break;
	}
	left_of(w, lg_op_name_of(x->op)->json, x->a, "left");
	lg_jsonw_name(w, LG_STR("right"));
	expr_json(w, x->b);
	ends(w);
}

/* ---- policies ------------------------------------------------------------------------------- */

static void
entity_json(struct lg_jsonw *w, const struct lg_scope *sc, const char *slot)
{
	if (sc->slot) {
		lg_jsonw_str_of(w, "slot", lg_str_of(slot));
	} else if (sc->listed && sc->n != 1) {
		lg_jsonw_name(w, LG_STR("entities"));
		lg_jsonw_array(w);
		for (uint32_t i = 0; i < sc->n; i++)
			uid_json(w, &sc->uids[i]);
		lg_jsonw_array_end(w);
	} else {
		lg_jsonw_name(w, LG_STR("entity"));
		uid_json(w, &sc->uids[0]);
	}
}

static void
scope_json(struct lg_jsonw *w, const char *name, const struct lg_scope *sc, const char *slot)
{
	static const char *const kinds[] = { "All", "==", "in", "is", "is" };

	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "op", lg_str_of(kinds[sc->kind]));
	if (sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN)
		lg_jsonw_str_of(w, "entity_type", sc->type);
	if (sc->kind == SCOPE_EQ || sc->kind == SCOPE_IN)
		entity_json(w, sc, slot);
	if (sc->kind == SCOPE_IS_IN) {
		lg_jsonw_name(w, LG_STR("in"));
		lg_jsonw_object(w);
		entity_json(w, sc, slot);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_object_end(w);
}

static void
annotations_json(struct lg_jsonw *w, const struct lg_policy *p)
{
	if (p->info.nannotations == 0)
		return;
	lg_jsonw_name(w, LG_STR("annotations"));
	lg_jsonw_object(w);
	for (size_t i = 0; i < p->info.nannotations; i++) {
		lg_jsonw_name(w, p->info.annotations[i].name);
		if (p->info.annotations[i].value.p == NULL)
			lg_jsonw_null(w);
		else
			lg_jsonw_str(w, p->info.annotations[i].value);
	}
	lg_jsonw_object_end(w);
}

static void
policy_json(struct lg_jsonw *w, const struct lg_policy *p)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "effect", p->info.effect == LG_PERMIT ? LG_STR("permit") : LG_STR("forbid"));
	scope_json(w, "principal", &p->principal, "?principal");
	scope_json(w, "action", &p->action, "");
	scope_json(w, "resource", &p->resource, "?resource");
	lg_jsonw_name(w, LG_STR("conditions"));
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < p->nclauses; i++) {
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "kind", p->clauses[i].when ? LG_STR("when") : LG_STR("unless"));
		lg_jsonw_name(w, LG_STR("body"));
		expr_json(w, p->clauses[i].body);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
	annotations_json(w, p);
	lg_jsonw_object_end(w);
}

static void
link_json(struct lg_jsonw *w, const struct lg_policy *p)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "templateId", p->of->info.id);
	lg_jsonw_str_of(w, "newId", p->info.id);
	lg_jsonw_name(w, LG_STR("values"));
	lg_jsonw_object(w);
	if (p->of->principal.slot) {
		lg_jsonw_name(w, LG_STR("?principal"));
		uid_json(w, &p->principal.uids[0]);
	}
	if (p->of->resource.slot) {
		lg_jsonw_name(w, LG_STR("?resource"));
		uid_json(w, &p->resource.uids[0]);
	}
	ends(w);
}

void
lg_policy_json(const struct lg_policies *set, size_t i, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);

	policy_json(&w, set->v[i]->of != NULL ? set->v[i]->of : set->v[i]);
}

void
lg_policies_json(const struct lg_policies *set, struct lg_buf *out)
{
	static const char *const parts[] = { "staticPolicies", "templates" };
	struct lg_jsonw w = lg_jsonw_of(out);

	lg_jsonw_object(&w);
	for (int templates = 0; templates < 2; templates++) {
		lg_jsonw_name(&w, lg_str_of(parts[templates]));
		lg_jsonw_object(&w);
		for (uint32_t i = 0; i < set->n; i++)
			if (set->v[i]->of == NULL && set->v[i]->info.is_template == (templates == 1)) {
				lg_jsonw_name(&w, set->v[i]->info.id);
				policy_json(&w, set->v[i]);
			}
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_name(&w, LG_STR("templateLinks"));
	lg_jsonw_array(&w);
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i]->of != NULL)
			link_json(&w, set->v[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
}

void
lg_policy_text(const struct lg_policies *set, size_t i, struct lg_buf *out)
{
	lg_policy_print(out, set->v[i]);
}
