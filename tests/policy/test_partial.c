/* Partial decisions: exact in every completion, small, and printable. */
#include "generate.h"

#include <stdio.h>

/* ---- exactness ------------------------------------------------------------------------------ */

static bool
same_answer(const struct lg_policies *x, const struct lg_answer *a, const struct lg_policies *y, const struct lg_answer *b)
{
	struct lg_policy_info i, k;

	if (a->allow != b->allow || a->ndetermining != b->ndetermining || a->nerrors != b->nerrors ||
	    a->unknown != b->unknown || a->forbid_erred != b->forbid_erred)
		return false;
	for (size_t n = 0; n < a->ndetermining; n++) {
		lg_policies_info(x, a->determining[n], &i);
		lg_policies_info(y, b->determining[n], &k);
		if (!lg_str_eq(i.id, k.id))
			return false;
	}
	for (size_t n = 0; n < a->nerrors; n++) {
		lg_policies_info(x, a->errors[n].policy, &i);
		lg_policies_info(y, b->errors[n].policy, &k);
		if (!lg_str_eq(i.id, k.id))
			return false;
	}
	return true;
}

/* Hides what `mask` says of a request: 1 principal, 2 resource, 4 and on: attributes of the context. */
static struct lg_partial_request
hide(struct fixture *f, const struct lg_request *rq, uint32_t mask)
{
	static const char *const names[] = { "mfa", "port", "proto", "now", "ip", "who", "nums" };
	struct lg_partial_request p = { rq->principal, rq->resource, rq->action, NULL, NULL, 0, false };
	struct lg_field *v = LG_NEWS(f->arena, struct lg_field, rq->context->n);
	lg_str *unknown = LG_NEWS(f->arena, lg_str, LG_COUNT(names));
	struct lg_value r;
	uint32_t n = 0;

	if (mask & 1)
		p.principal = lg_euid_any(rq->principal.type);
	if (mask & 2)
		p.resource = lg_euid_any(rq->resource.type);
	for (size_t i = 0; i < LG_COUNT(names); i++) {
		struct lg_name name = lg_name_of(lg_str_of(names[i]));
		const struct lg_value *at = lg_record_get(rq->context, &name);

		if (mask & (4u << i))
			unknown[p.nunknown++] = name.text;
		else if (at != NULL)
			v[n++] = (struct lg_field){ name, *at };
	}
	cr_assert_eq(lg_value_record(&f->cx, v, n, &r), LG_OK);
	p.context = r.u.record;
	p.unknown = unknown;
	return p;
}

static lg_str
text_of(struct fixture *f, const struct lg_partial *p)
{
	struct lg_buf b = LG_BUF(1u << 22);
	lg_str s;

	lg_partial_text(p, &b);
	cr_assert_eq(lg_buf_status(&f->cx, &b), LG_OK);
	s = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

struct asked {
	const struct lg_policies *set;
	const struct lg_schema *schema;
	const struct lg_entities *port;
	const struct lg_request *rq;
	const struct lg_answer *whole;
	uint32_t mask, narrower;
};

/* The residuals as text, parsed again, answer as the set does; and they match nothing but completions. */
static void
check_text(struct fixture *f, const struct asked *q, const struct lg_partial *p)
{
	struct lg_policy_source src = { .text = text_of(f, p) };
	struct lg_policy_options opt = { .schema = q->schema, .ids_from_annotation = true };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *again = NULL;
	struct lg_answer a;

	cr_assert_eq(lg_policies_parse(&f->cx, &src, 1, &opt, &faults, &again), LG_OK, "%s\n%.*s", f->cx.error, LG_FMT(src.text));
	lg_authorize(&f->cx, again, q->port, q->rq, &a);
	cr_assert(same_answer(q->set, q->whole, again, &a), "as text, mask %x:\n%.*s", q->mask, LG_FMT(src.text));
	lg_policies_unref(&again);
}

static void
check_exact(struct fixture *f, const struct asked *q, lg_str source)
{
	struct lg_partial_request rq = hide(f, q->rq, q->mask), less = hide(f, q->rq, q->mask & q->narrower);
	struct lg_partial *p = NULL, *n = NULL;
	struct lg_answer a;
	enum lg_partial_verdict verdict;

	cr_assert_eq(lg_partial_new(&f->cx, q->set, q->port, &rq, &p), LG_OK, "%s", f->cx.error);
	cr_assert_eq(lg_partial_complete(&f->cx, p, q->port, q->rq, &a), LG_OK, "%s", f->cx.error);
	cr_assert(same_answer(q->set, q->whole, q->set, &a), "mask %x:\n%.*s\nresidual\n%.*s", q->mask, LG_FMT(source),
	    LG_FMT(text_of(f, p)));
	verdict = lg_partial_verdict(p);
	cr_assert(verdict == LG_PARTIAL_OPEN || q->whole->unknown || (verdict == LG_PARTIAL_ALLOW) == q->whole->allow,
	    "verdict %d, mask %x:\n%.*s", verdict, q->mask, LG_FMT(source));
	cr_assert_eq(lg_partial_narrow(&f->cx, p, q->port, &less, &n), LG_OK, "%s", f->cx.error);
	cr_assert_eq(lg_partial_complete(&f->cx, n, q->port, q->rq, &a), LG_OK, "%s", f->cx.error);
	cr_assert(same_answer(q->set, q->whole, q->set, &a), "narrowed %x to %x:\n%.*s\nresidual\n%.*s", q->mask,
	    q->mask & q->narrower, LG_FMT(source), LG_FMT(text_of(f, n)));
	check_text(f, q, p);
}

struct tally {
	unsigned requests, allowed, erring;
};

static void
check_set(struct scene *s, struct generator *g, bool typed, struct tally *t)
{
	struct fixture f = fixture_new();
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_policies *set;
	lg_str source;

	g->out = &b;
	for (uint32_t i = 1 + gen_below(g, 6); i > 0; i--)
		gen_policy(g);
	source = lg_dup(f.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	set = policies_of(&f, source.p, typed ? s->schema : NULL);
	for (unsigned n = 0; n < 15; n++) {
		struct lg_request rq;
		struct lg_answer whole;
		struct asked q = { set, typed ? s->schema : NULL, &s->port, &rq, &whole, gen_below(g, 512), gen_below(g, 512) };

		gen_request(g, &f, s->schema, &rq);
		lg_authorize(&f.cx, set, &s->port, &rq, &whole);
		check_exact(&f, &q, source);
		t->requests++;
		t->allowed += whole.allow;
		t->erring += whole.nerrors > 0;
	}
	lg_policies_unref(&set);
	fixture_free(&f);
}

Test(partial, completing_gives_what_the_whole_request_gives)
{
	struct scene s = scene_new();
	struct generator g = { .state = 20261122 };
	struct tally t = { 0 };

	for (int i = 0; i < 3000; i++)
		check_set(&s, &g, i % 2 == 0, &t);
	printf("partial: %u requests completed, narrowed and printed; %u allowed, %u with errors\n", t.requests, t.allowed, t.erring);
	cr_expect(t.requests >= 30000 && t.allowed > 5000 && t.erring > 5000);
	scene_free(&s);
}

/* ---- what is left --------------------------------------------------------------------------- */

/* The residual of `clauses` for an unknown principal and an unknown port, in one line. */
static const char *
residual(struct scene *s, const char *policy)
{
	static const lg_str unknown[] = { { "port", 4 } };
	struct lg_policies *set = policies_of(&s->f, policy, s->schema);
	struct lg_partial_request rq = { lg_euid_any(LG_STR("User")), uid_of(&s->f, "Doc::\"d\""), uid_of(&s->f, "Action::\"read\""),
		NULL, unknown, 1, false };
	struct lg_partial *p = NULL;
	char *text, *to;

	cr_assert_eq(lg_context_json(&s->f.cx, s->schema, &rq.action, LG_STR("{\"mfa\":true,\"proto\":\"tcp\",\"now\":\"2024-01-01\","
	    "\"who\":{\"type\":\"User\",\"id\":\"a\"}}"), &rq.context), LG_OK, "%s", s->f.cx.error);
	cr_assert_eq(lg_partial_new(&s->f.cx, set, &s->port, &rq, &p), LG_OK);
	text = (char *)(uintptr_t)text_of(&s->f, p).p;
	to = text;
	for (char *c = text; *c != '\0'; c++)
		if (*c != '\n' && (*c != ' ' || c[1] != ' '))
			*to++ = *c;
	*to = '\0';
	lg_policies_unref(&set);
	return text;
}

#define HEAD "@id(\"policy0\")permit( principal is User, action == Action::\"read\", resource == Doc::\"d\")"

Test(partial, what_is_known_is_gone_from_a_residual)
{
	struct scene s = scene_new();

	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { resource.owner == principal && context.mfa };"),
	    HEAD "when { User::\"a\" == principal};");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource in Folder::\"f\") when { context.mfa };"), HEAD ";");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource in Folder::\"x\");"), "");
	cr_expect_str_eq(residual(&s, "permit(principal in Group::\"g\", action, resource) unless { context.port == 22 || !context.mfa };"),
	    "@id(\"policy0\")permit( principal is User in Group::\"g\", action == Action::\"read\", resource == Doc::\"d\")"
	    "when { !(context.port == 22)};");
	/* By types alone. */
	cr_expect_str_eq(residual(&s, "permit(principal in Folder::\"f\", action, resource);"), "");
	cr_expect_str_eq(residual(&s, "permit(principal == Doc::\"d\", action, resource);"), "");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { principal is User && principal != resource };"), HEAD ";");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { principal has nothing };"), "");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { principal == User::\"b\" && 1 == 2 };"), "");
	scene_free(&s);
}

Test(partial, what_may_fail_is_kept)
{
	struct scene s = scene_new();

	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { principal.n > 3 && 1 == 2 };"),
	    HEAD "when { principal.n > 3 && false};");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { context.port };"), HEAD "when { context.port};");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { (context.port && true) == 3 };"),
	    HEAD "when { (context.port && true) == 3};");
	cr_expect_str_eq(residual(&s, "permit(principal, action, resource) when { resource.nothing };"),
	    HEAD "when { Doc::\"d\".nothing};");
	scene_free(&s);
}

Test(partial, a_request_that_is_none_and_a_completion_of_another_are_refused)
{
	struct scene s = scene_new();
	struct lg_policies *set = policies_of(&s.f, "permit(principal, action, resource);", s.schema);
	struct lg_partial_request rq = { lg_euid_any(LG_STR("User")), uid_of(&s.f, "Doc::\"d\""), uid_of(&s.f, "Action::\"read\""),
		NULL, NULL, 0, false };
	struct lg_request other = { uid_of(&s.f, "Doc::\"d\""), rq.action, rq.resource, NULL };
	struct lg_partial_request none = { lg_euid_any(LG_NONE), rq.resource, rq.action, NULL, NULL, 0, false }, open = rq;
	struct lg_partial *p = NULL, *q = NULL;
	struct lg_answer a;

	cr_expect_eq(lg_partial_new(&s.f.cx, set, &s.port, &none, &p), LG_E_INVALID);
	cr_assert_eq(lg_partial_new(&s.f.cx, set, &s.port, &rq, &p), LG_OK);
	cr_expect_eq(lg_partial_verdict(p), LG_PARTIAL_ALLOW);
	cr_expect_eq(lg_partial_complete(&s.f.cx, p, &s.port, &other, &a), LG_E_INVALID);
	other.principal = uid_of(&s.f, "User::\"a\"");
	cr_expect_eq(lg_partial_complete(&s.f.cx, p, &s.port, &other, &a), LG_OK);
	cr_expect(a.allow);
	other.resource = uid_of(&s.f, "Doc::\"e\"");
	cr_expect_eq(lg_partial_complete(&s.f.cx, p, &s.port, &other, &a), LG_E_INVALID);
	open.context_open = true;
	cr_expect_eq(lg_partial_narrow(&s.f.cx, p, &s.port, &open, &q), LG_E_INVALID);
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(partial, what_could_not_be_read_is_asked_for_again)
{
	struct fixture f = fixture_new();
	struct lg_entity_store *few = lg_entity_store_new(), *all = store_of(&f, "[{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},"
	    "\"attrs\":{\"open\":true},\"parents\":[]}]", NULL);
	struct lg_entities few_port, all_port = lg_entity_store_port(all);
	struct lg_policies *set = policies_of(&f, "permit(principal, action, resource) when { resource.open };"
	    "forbid(principal, action, resource in Folder::\"f\");", NULL);
	struct lg_partial_request rq = { lg_euid_any(LG_STR("User")), uid_of(&f, "Doc::\"d\""), uid_of(&f, "Action::\"read\""),
		NULL, NULL, 0, false };
	struct lg_request whole = { uid_of(&f, "User::\"a\""), rq.action, rq.resource, NULL };
	struct lg_partial *p = NULL;
	struct lg_answer a;

	lg_entity_store_holds(few, LG_STR("User"));
	cr_assert_eq(lg_entity_store_finish(&f.cx, few), LG_OK);
	few_port = lg_entity_store_port(few);
	cr_assert_eq(lg_partial_new(&f.cx, set, &few_port, &rq, &p), LG_OK);
	cr_expect_eq(lg_partial_verdict(p), LG_PARTIAL_OPEN);
	cr_assert_eq(lg_partial_complete(&f.cx, p, &few_port, &whole, &a), LG_OK);
	cr_expect(!a.allow && a.unknown);
	cr_assert_eq(lg_partial_complete(&f.cx, p, &all_port, &whole, &a), LG_OK);
	cr_expect(a.allow && !a.unknown);
	cr_expect(strstr(text_of(&f, p).p, "principal is User") != NULL && strstr(text_of(&f, p).p, "resource in Folder::\"f\"") != NULL,
	    "%s", text_of(&f, p).p);
	lg_policies_unref(&set);
	lg_entity_store_free(&few);
	lg_entity_store_free(&all);
	fixture_free(&f);
}
