/* Searches and tables of connections: the same as asking one by one. */
#include "generate.h"

#include <stdio.h>

/* ---- candidates: a fixed list, handed out two at a time -------------------------------------- */

static const char *const users[] = { "a", "b", "c", "ghost" }, *const docs[] = { "d", "e", "ghost" };

struct listing {
	unsigned pages;
	size_t nroots;
	bool broken;
};

static lg_err
page(void *self, struct lg_ctx *cx, lg_str type, lg_str after, const struct lg_euid *roots, size_t nroots, struct lg_euid *v,
    size_t n, size_t *ret)
{
	struct listing *l = self;
	bool of_users = lg_str_eq(type, LG_STR("User"));
	const char *const *ids = of_users ? users : docs;
	size_t count = of_users ? LG_COUNT(users) : LG_COUNT(docs), i = 0;

	(void)roots;
	l->pages++;
	l->nroots = nroots;
	if (l->broken)
		return lg_fail(cx, LG_E_UNAVAILABLE, "no list today");
	while (after.n > 0 && i < count && !lg_str_eq(lg_str_of(ids[i]), after))
		i++;
	i += after.n > 0;
	for (*ret = 0; i < count && *ret < n && *ret < 2; i++)
		v[(*ret)++] = lg_euid_of(type, lg_str_of(ids[i]));
	return LG_OK;
}

static bool
found(const struct lg_search_result *r, const struct lg_euid *uid)
{
	for (size_t i = 0; i < r->n; i++)
		if (lg_euid_eq(&r->v[i], uid))
			return true;
	return false;
}

static void
check_search(struct scene *s, struct fixture *f, const struct lg_policies *set, struct lg_request rq, bool subjects, lg_str source)
{
	struct listing l = { 0 };
	struct lg_candidates from = { &l, page };
	struct lg_search q = { .rq = rq };
	struct lg_search_result r;
	struct lg_euid *at = subjects ? &rq.principal : &rq.resource;

	cr_assert_eq((subjects ? lg_search_subjects : lg_search_resources)(&f->cx, set, &s->port, &from, &q, &r), LG_OK, "%s",
	    f->cx.error);
	cr_assert_not(r.more);
	for (size_t i = 0; i < (subjects ? LG_COUNT(users) : LG_COUNT(docs)); i++) {
		struct lg_answer a;

		*at = lg_euid_of(at->type, lg_str_of(subjects ? users[i] : docs[i]));
		lg_authorize(&f->cx, set, &s->port, &rq, &a);
		cr_assert_eq(a.allow, found(&r, at), "%.*s of\n%.*s", LG_FMT(lg_euid_text(f->arena, at)), LG_FMT(source));
	}
}

static struct lg_policies *
random_set(struct scene *s, struct fixture *f, struct generator *g, lg_str *source)
{
	struct lg_buf b = LG_BUF(1u << 20);

	g->out = &b;
	for (uint32_t i = 1 + gen_below(g, 6); i > 0; i--)
		gen_policy(g);
	*source = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return policies_of(f, source->p, s->schema);
}

Test(search, finds_what_asking_one_by_one_finds)
{
	struct scene s = scene_new();
	struct generator g = { .state = 7 };

	for (int i = 0; i < 1000; i++) {
		struct fixture f = fixture_new();
		struct lg_request rq;
		lg_str source;
		struct lg_policies *set = random_set(&s, &f, &g, &source);

		gen_request(&g, &f, s.schema, &rq);
		check_search(&s, &f, set, rq, false, source);
		check_search(&s, &f, set, rq, true, source);
		lg_policies_unref(&set);
		fixture_free(&f);
	}
	scene_free(&s);
}

static struct lg_search
question(struct scene *s)
{
	struct lg_search q = { .rq = { uid_of(&s->f, "User::\"a\""), uid_of(&s->f, "Action::\"read\""), uid_of(&s->f, "Doc::\"d\""), NULL } };

	cr_assert_eq(lg_context_json(&s->f.cx, s->schema, &q.rq.action, LG_STR("{\"mfa\":true,\"proto\":\"tcp\",\"now\":\"2024-01-01\","
	    "\"who\":{\"type\":\"User\",\"id\":\"a\"}}"), &q.rq.context), LG_OK, "%s", s->f.cx.error);
	return q;
}

Test(search, looks_at_nobody_when_nothing_is_left_to_decide)
{
	struct scene s = scene_new();
	struct listing l = { 0 };
	struct lg_candidates from = { &l, page };
	struct lg_search q = question(&s);
	struct lg_search_result r;
	struct lg_policies *set = policies_of(&s.f, "permit(principal == User::\"b\", action, resource);", s.schema);

	cr_assert_eq(lg_search_resources(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.how == LG_SEARCH_NONE && r.n == 0 && l.pages == 0);
	lg_policies_unref(&set);
	set = policies_of(&s.f, "permit(principal in Group::\"h\", action, resource) when { context.mfa };", s.schema);
	cr_assert_eq(lg_search_resources(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.how == LG_SEARCH_ALL && r.n == 3 && r.evaluated == 0);
	lg_policies_unref(&set);
	set = policies_of(&s.f, "permit(principal, action, resource in Folder::\"f\") when { resource.cost.lessThan(decimal(\"9.0\")) };"
	    "permit(principal, action, resource == Doc::\"e\");", s.schema);
	cr_assert_eq(lg_search_resources(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.how == LG_SEARCH_EACH && r.n == 2 && r.looked == 3 && r.evaluated == 1 && l.nroots == 2);
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(search, goes_on_where_a_page_ended_and_keeps_its_bounds)
{
	struct scene s = scene_new();
	struct listing l = { 0 };
	struct lg_candidates from = { &l, page };
	struct lg_search q = question(&s);
	struct lg_search_result r;
	struct lg_policies *set = policies_of(&s.f, "permit(principal, action, resource);", s.schema);

	q.limit = 2;
	cr_assert_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.n == 2 && r.more && lg_str_eq(r.after, LG_STR("b")));
	q.after = r.after;
	cr_assert_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.n == 2 && !r.more && lg_str_eq(r.v[0].id, LG_STR("c")));
	q.after = LG_NONE;
	q.limit = 0;
	q.look = 1;
	cr_assert_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_OK);
	cr_expect(r.looked == 1 && r.more);
	q.limit = LG_SEARCH_LIMIT_MAX + 1;
	cr_expect_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_E_LIMIT);
	q.limit = 0;
	q.look = LG_SEARCH_LOOK_MAX + 1;
	cr_expect_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_E_LIMIT);
	q.look = 0;
	l.broken = true;
	cr_expect_eq(lg_search_subjects(&s.f.cx, set, &s.port, &from, &q, &r), LG_E_UNAVAILABLE);
	cr_expect_str_eq(s.f.cx.error, "no list today");
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(search, actions_are_those_that_apply_and_are_allowed)
{
	struct scene s = scene_new();
	struct lg_search q = question(&s);
	struct lg_search_result r;
	struct lg_euid some[] = { uid_of(&s.f, "Action::\"write\""), uid_of(&s.f, "Action::\"unheard\"") };
	struct lg_policies *set = policies_of(&s.f, "permit(principal, action in Action::\"any\", resource);"
	    "forbid(principal, action == Action::\"write\", resource) unless { context.mfa };", s.schema);

	cr_assert_eq(lg_search_actions(&s.f.cx, set, &s.port, NULL, 0, &q, &r), LG_OK);
	cr_expect_eq(r.n, 2);
	cr_assert_eq(lg_search_actions(&s.f.cx, set, &s.port, some, 2, &q, &r), LG_OK);
	cr_expect(r.n == 1 && lg_euid_eq(&r.v[0], &some[0]));
	q.limit = 1;
	cr_assert_eq(lg_search_actions(&s.f.cx, set, &s.port, NULL, 0, &q, &r), LG_OK);
	cr_expect(r.n == 1 && r.more);
	q.after = r.after;
	cr_assert_eq(lg_search_actions(&s.f.cx, set, &s.port, NULL, 0, &q, &r), LG_OK);
	cr_expect(r.n == 1 && !r.more);
	lg_policies_unref(&set);
	scene_free(&s);
}

/* ---- connections ---------------------------------------------------------------------------- */

static const lg_str protocols[] = { { "tcp", 3 }, { "udp", 3 } };

static struct lg_connect
connect_question(struct scene *s)
{
	static const lg_str unknown[] = { { "now", 3 } };
	struct lg_euid *from = LG_NEWS(s->f.arena, struct lg_euid, LG_COUNT(users)), *to = LG_NEWS(s->f.arena, struct lg_euid, LG_COUNT(docs));
	struct lg_connect q = { .sources = from, .destinations = to, .nsources = LG_COUNT(users), .ndestinations = LG_COUNT(docs),
		.action = uid_of(&s->f, "Action::\"read\""), .unknown = unknown, .nunknown = 1, .port = LG_STR("port"),
		.protocol = LG_STR("proto"), .protocols = protocols, .nprotocols = 2 };
	struct lg_field *v = LG_NEWS(s->f.arena, struct lg_field, 2);
	struct lg_value r;

	for (size_t i = 0; i < LG_COUNT(users); i++)
		from[i] = lg_euid_of(LG_STR("User"), lg_str_of(users[i]));
	for (size_t i = 0; i < LG_COUNT(docs); i++)
		to[i] = lg_euid_of(LG_STR("Doc"), lg_str_of(docs[i]));
	v[0] = (struct lg_field){ lg_name_of(LG_STR("mfa")), lg_value_bool(true) };
	v[1] = (struct lg_field){ lg_name_of(LG_STR("who")), lg_value_entity(&from[1]) };
	cr_assert_eq(lg_value_record(&s->f.cx, v, 2, &r), LG_OK);
	q.context = r.u.record;
	return q;
}

/* What the rows say: 0 denied, 1 permitted, 2 ask. */
static int
row_says(const struct lg_connect_table *t, uint32_t from, uint32_t to, uint32_t port, size_t protocol)
{
	int says = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].source == from && t->v[i].destination == to && t->v[i].first <= port && port <= t->v[i].last &&
		    (t->v[i].protocols & (1u << protocol))) {
			cr_assert_eq(says, 0, "two rows for one port");
			says = t->v[i].ask ? 2 : 1;
		}
	return says;
}

static struct lg_request
at_port(struct fixture *f, const struct lg_connect *q, uint32_t from, uint32_t to, uint32_t port, size_t protocol, int64_t now)
{
	struct lg_field *v = LG_NEWS(f->arena, struct lg_field, 5);
	struct lg_value r;

	memcpy(v, q->context->v, 2 * sizeof(*v));
	v[2] = (struct lg_field){ lg_name_of(q->port), lg_value_long(port) };
	v[3] = (struct lg_field){ lg_name_of(q->protocol), lg_value_string(q->protocols[protocol]) };
	v[4] = (struct lg_field){ lg_name_of(LG_STR("now")), lg_value_datetime(now) };
	cr_assert_eq(lg_value_record(&f->cx, v, 5, &r), LG_OK);
	return (struct lg_request){ .principal = q->sources[from], .action = q->action, .resource = q->destinations[to], .context = r.u.record };
}

static void
port_policy(struct generator *g)
{
	static const char *const tests[] = { "context.port == 443", "context.port < 1024", "[22, 80, 8080].contains(context.port)",
		"context.port >= 8000 && context.port <= 8999", "context.proto == \"udp\"", "context has port", "65535 > context.port",
		"resource.owner == principal", "context.now < datetime(\"2025-01-01\")", "context.port != 0", "principal.n == 3",
		"context.port * 2 == 160", "context.port == -1", "principal.nothing", "context.port" };

	lg_buf_printf(g->out, "%s(principal%s, action, resource) %s { %s %s %s };\n", gen_below(g, 3) > 0 ? "permit" : "forbid",
	    gen_below(g, 2) == 0 ? " in Group::\"h\"" : "", gen_below(g, 4) > 0 ? "when" : "unless", tests[gen_below(g, LG_COUNT(tests))],
	    gen_below(g, 2) == 0 ? "&&" : "||", tests[gen_below(g, LG_COUNT(tests))]);
}

static unsigned
check_table(struct scene *s, struct fixture *f, const struct lg_policies *set, const struct lg_connect *q, lg_str source)
{
	static const uint32_t ports[] = { 0, 1, 21, 22, 23, 79, 80, 81, 442, 443, 444, 1023, 1024, 7999, 8000, 8080, 8999, 9000, 65534, 65535 };
	struct lg_connect_table t;
	unsigned sure = 0;

	cr_assert_eq(lg_connect_compile(&f->cx, set, &s->port, q, &t), LG_OK, "%s", f->cx.error);
	for (uint32_t n = 0; n < 4 * 3 * LG_COUNT(ports) * 2 * 2; n++) {
		uint32_t from = n % 4, to = n / 4 % 3, port = ports[n / 12 % LG_COUNT(ports)], late = n / 12 / LG_COUNT(ports) % 2;
		size_t protocol = n / 24 / LG_COUNT(ports);
		int says = row_says(&t, from, to, port, protocol);
		struct lg_request rq = at_port(f, q, from, to, port, protocol, late ? INT64_C(1900000000000) : 0);
		struct lg_answer a;

		if (says == 2)
			continue;
		lg_authorize(&f->cx, set, &s->port, &rq, &a);
		cr_assert_eq(a.allow, says == 1, "port %u from %u to %u in\n%.*s", port, from, to, LG_FMT(source));
		sure++;
	}
	return sure;
}

Test(connect, rows_say_what_asking_one_by_one_says)
{
	struct scene s = scene_new();
	struct lg_connect q = connect_question(&s);
	struct generator g = { .state = 11 };
	unsigned sure = 0, all = 0;

	for (int i = 0; i < 200; i++) {
		struct fixture f = fixture_new();
		struct lg_buf b = LG_BUF(1u << 20);
		struct lg_policies *set;

		g.out = &b;
		for (uint32_t n = 1 + gen_below(&g, 4); n > 0; n--)
			port_policy(&g);
		lg_buf_byte(&b, '\0');
		set = policies_of(&f, b.p, s.schema);
		sure += check_table(&s, &f, set, &q, lg_buf_view(&b));
		all += 960;
		lg_policies_unref(&set);
		lg_buf_free(&b);
		fixture_free(&f);
	}
	printf("connect: %u of %u questions answered by rows\n", sure, all);
	cr_expect(sure > all / 2);
	scene_free(&s);
}

Test(connect, ranges_are_as_wide_as_they_can_be)
{
	struct scene s = scene_new();
	struct lg_connect q = connect_question(&s);
	struct lg_policies *set = policies_of(&s.f, "permit(principal == User::\"a\", action, resource == Doc::\"d\") when { "
	    "context.port >= 8000 && context.port != 8005 && context.proto == \"tcp\" };"
	    "permit(principal == User::\"b\", action, resource == Doc::\"d\");"
	    "permit(principal == User::\"c\", action, resource == Doc::\"d\") when { context.port == 22 && context.now < datetime(\"2025-01-01\") };",
	    s.schema);
	struct lg_connect_table t;

	cr_assert_eq(lg_connect_compile(&s.f.cx, set, &s.port, &q, &t), LG_OK, "%s", s.f.cx.error);
	cr_assert_eq(t.n, 4);
	cr_expect(t.v[0].first == 8000 && t.v[0].last == 8004 && t.v[0].protocols == 1 && !t.v[0].ask);
	cr_expect(t.v[1].first == 8006 && t.v[1].last == 65535 && t.v[1].protocols == 1);
	cr_expect(t.v[2].source == 1 && t.v[2].first == 0 && t.v[2].last == 65535 && t.v[2].protocols == 3);
	cr_expect(t.v[3].source == 2 && t.v[3].first == 22 && t.v[3].last == 22 && t.v[3].ask);
	cr_expect(t.by_port == 1 && t.asked == 1 && t.constant == 10);
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(connect, refuses_what_it_cannot_bound)
{
	struct scene s = scene_new();
	struct lg_connect q = connect_question(&s), many = q, none = q, twice = q;
	struct lg_policies *set = policies_of(&s.f, "permit(principal, action, resource);", s.schema);
	struct lg_field *v = LG_NEW(s.f.arena, struct lg_field);
	struct lg_connect_table t;
	struct lg_value r;

	many.nsources = many.ndestinations = 3000;
	cr_expect_eq(lg_connect_compile(&s.f.cx, set, &s.port, &many, &t), LG_E_LIMIT);
	none.nprotocols = 0;
	cr_expect_eq(lg_connect_compile(&s.f.cx, set, &s.port, &none, &t), LG_E_INVALID);
	*v = (struct lg_field){ lg_name_of(LG_STR("port")), lg_value_long(1) };
	cr_assert_eq(lg_value_record(&s.f.cx, v, 1, &r), LG_OK);
	twice.context = r.u.record;
	cr_expect_eq(lg_connect_compile(&s.f.cx, set, &s.port, &twice, &t), LG_E_INVALID);
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(connect, too_many_ports_to_tell_apart_are_asked_about)
{
	struct scene s = scene_new();
	struct lg_connect q = connect_question(&s);
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_policies *set;
	struct lg_connect_table t;

	lg_buf_str(&b, LG_STR("permit(principal, action, resource) when { ["));
	for (int i = 0; i < LG_CONNECT_POINTS_MAX + 1; i++)
		lg_buf_printf(&b, "%d, ", 2 * i + 1);
	lg_buf_str(&b, LG_STR("].contains(context.port) };"));
	lg_buf_byte(&b, '\0');
	set = policies_of(&s.f, b.p, s.schema);
	cr_assert_eq(lg_connect_compile(&s.f.cx, set, &s.port, &q, &t), LG_OK);
	cr_expect(t.n == 12 && t.v[0].ask && t.asked == 12);
	lg_policies_unref(&set);
	lg_buf_free(&b);
	scene_free(&s);
}
