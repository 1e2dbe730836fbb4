/* explain_text.c: why a decision came out as it did, as text for people and as JSON. */
#include "policy/explain.h"

#include "base/json.h"

#define EXPLAIN_MAX	(64u << 10)	/* bytes of text */
#define ENTITIES_TOLD	8		/* of a scope */

static lg_str
verdict(const struct lg_why *why)
{
	if (why->answer.allow)
		return LG_STR("allowed");
	if (why->answer.unknown)
		return LG_STR("denied: an entity could not be read");
	return why->answer.ndetermining > 0 ? LG_STR("denied: forbidden") : LG_STR("denied: nothing permits it");
}

static const struct lg_policy *
policy_of(const struct lg_why *why, const struct lg_why_policy *wp)
{
	return why->set->v[wp->policy];
}

/* ` is a User in Group::"ops"`: what the scope asks for. */
static void
put_scope(struct lg_buf *out, struct lg_arena *a, const struct lg_scope *sc, const char *is)
{
	if (sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN)
		lg_buf_printf(out, " %s%.*s", is, LG_FMT(sc->type));
	if (sc->kind == SCOPE_IN || sc->kind == SCOPE_IS_IN)
		lg_buf_str(out, LG_STR(" in"));
	for (uint32_t k = 0; k < sc->n && k < ENTITIES_TOLD; k++)
		lg_buf_printf(out, "%s%.*s", k == 0 ? " " : ", ", LG_FMT(lg_euid_text(a, &sc->uids[k])));
	if (sc->n > ENTITIES_TOLD)
		lg_buf_str(out, LG_STR(", ..."));
}

/* ---- text ----------------------------------------------------------------------------------- */

static void
put_heading(struct lg_buf *out, const struct lg_policy *p)
{
	lg_buf_printf(out, "  %s %.*s", p->info.effect == LG_PERMIT ? "permit" : "forbid", LG_FMT(p->info.id));
	if (p->info.source.n > 0)
		lg_buf_printf(out, " (%.*s:%u)", LG_FMT(p->info.source), p->info.line);
	else
		lg_buf_printf(out, " (line %u)", p->info.line);
}

static void
put_part(struct lg_buf *out, struct lg_arena *a, const struct lg_policy *p, const struct lg_why_part *part)
{
	unsigned line, column;

	if (part->scope != NULL) {
		lg_buf_printf(out, "    %.*s %.*s is not", LG_FMT(part->v[0].expression), LG_FMT(part->v[0].value));
		put_scope(out, a, part->scope, "a ");
		lg_buf_byte(out, '\n');
		return;
	}
	lg_fault_place(p->source->text, part->clause->at, &line, &column);
	lg_buf_printf(out, "    %s at %u:%u is %s%s: %.*s\n", part->clause->when ? "when" : "unless", line, column, part->holds ? "" : "not ",
	    part->clause->when ? "true" : "false", LG_FMT(lg_why_text(a, p, part->clause->body)));
	for (uint32_t i = 0; i < part->n; i++)
		lg_buf_printf(out, "      %.*s %s %.*s\n", LG_FMT(part->v[i].expression), part->v[i].failed ? "fails:" : "is",
		    LG_FMT(part->v[i].value));
}

static void
put_policy(struct lg_buf *out, struct lg_arena *a, const struct lg_why *why, const struct lg_why_policy *wp)
{
	const struct lg_policy *p = policy_of(why, wp);

	put_heading(out, p);
	if (wp->role == WHY_DETERMINING)
		lg_buf_str(out, LG_STR(" matched\n"));
	else if (wp->role == WHY_MISSED)
		lg_buf_str(out, LG_STR(" did not match:\n"));
	else
		lg_buf_printf(out, " failed and was left out: %.*s\n", LG_FMT(wp->error));
	for (uint32_t i = 0; i < wp->nparts; i++)
		put_part(out, a, p, &wp->part[i]);
}

lg_err
lg_policy_explain(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, lg_str *ret)
{
	static const char *const further[] = { "policies matched", "policies failed", "permits did not match" };
	struct lg_buf out = LG_BUF(EXPLAIN_MAX);
	struct lg_why why;

	lg_why(cx, set, entities, rq, &why);
	lg_buf_printf(&out, "%.*s\n", LG_FMT(verdict(&why)));
	if (why.answer.unknown)
		lg_buf_printf(&out, "  unreadable: %.*s\n", LG_FMT(lg_euid_text(cx->arena, &why.answer.unknown_uid)));
	if (!why.answer.allow && why.answer.ndetermining == 0 && why.permits == 0)
		lg_buf_str(&out, LG_STR("  there is no permit at all\n"));
	for (uint32_t i = 0; i < why.n; i++)
		put_policy(&out, cx->arena, &why, &why.v[i]);
	for (size_t i = 0; i < LG_COUNT(further); i++)
		if (why.further[i] > 0)
			lg_buf_printf(&out, "  and %zu further %s\n", why.further[i], further[i]);
	*ret = out.full ? lg_cat(cx->arena, lg_buf_view(&out), LG_STR("...\n")) : lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return LG_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void
write_place(struct lg_jsonw *w, const struct lg_policy *p, uint32_t at)
{
	unsigned line, column;

	lg_fault_place(p->source->text, at, &line, &column);
	lg_jsonw_int_of(w, "line", line);
	lg_jsonw_int_of(w, "column", column);
}

static void
write_part(struct lg_jsonw *w, struct lg_arena *a, const struct lg_policy *p, const struct lg_why_part *part)
{
	struct lg_buf scope = LG_BUF(EXPLAIN_MAX);

	lg_jsonw_object(w);
	if (part->scope != NULL) {
		put_scope(&scope, a, part->scope, "is ");
		lg_jsonw_str_of(w, "part", part->v[0].expression);
		lg_jsonw_str_of(w, "text", lg_str_trim(lg_buf_view(&scope)));
	} else {
		lg_jsonw_str_of(w, "part", part->clause->when ? LG_STR("when") : LG_STR("unless"));
		write_place(w, p, part->clause->at);
		lg_jsonw_str_of(w, "text", lg_why_text(a, p, part->clause->body));
	}
	lg_jsonw_bool_of(w, "holds", part->holds);
	lg_jsonw_name(w, LG_STR("values"));
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < part->n; i++) {
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "expression", part->v[i].expression);
		lg_jsonw_str_of(w, part->v[i].failed ? "error" : "value", part->v[i].value);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	lg_buf_free(&scope);
}

static void
write_policy(struct lg_jsonw *w, struct lg_arena *a, const struct lg_why *why, const struct lg_why_policy *wp)
{
	const struct lg_policy *p = policy_of(why, wp);

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "policy", p->info.id);
	lg_jsonw_str_of(w, "effect", p->info.effect == LG_PERMIT ? LG_STR("permit") : LG_STR("forbid"));
	if (p->info.source.n > 0)
		lg_jsonw_str_of(w, "source", p->info.source);
	write_place(w, p, p->at);
	if (wp->role == WHY_ERRED)
		lg_jsonw_str_of(w, "error", wp->error);
	lg_jsonw_name(w, LG_STR("parts"));
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < wp->nparts; i++)
		write_part(w, a, p, &wp->part[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

void
lg_policy_explain_json(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_buf *out)
{
	static const char *const roles[] = { "determining", "erred", "missed" };
	struct lg_jsonw w = lg_jsonw_of(out);
	struct lg_why why;

	lg_why(cx, set, entities, rq, &why);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "decision", why.answer.allow ? LG_STR("allow") : LG_STR("deny"));
	lg_jsonw_str_of(&w, "verdict", verdict(&why));
	if (why.answer.unknown)
		lg_jsonw_str_of(&w, "unreadable", lg_euid_text(cx->arena, &why.answer.unknown_uid));
	for (size_t role = 0; role < LG_COUNT(roles); role++) {
		lg_jsonw_name(&w, lg_str_of(roles[role]));
		lg_jsonw_array(&w);
		for (uint32_t i = 0; i < why.n; i++)
			if (why.v[i].role == (enum lg_why_role)role)
				write_policy(&w, cx->arena, &why, &why.v[i]);
		lg_jsonw_array_end(&w);
		if (why.further[role] > 0)
			lg_jsonw_int_of(&w, lg_print(cx->arena, "%s_further", roles[role]).p, (int64_t)why.further[role]);
	}
	lg_jsonw_object_end(&w);
}
