/* What a decision looked at: attributes that are not named in it can change without changing the answer. */
#include "generate.h"

static bool
reads_now(struct scene *s, const char *policies)
{
	struct lg_policies *set = policies_of(&s->f, policies, s->schema);
	struct lg_request rq = { uid_of(&s->f, "User::\"a\""), uid_of(&s->f, "Action::\"read\""), uid_of(&s->f, "Doc::\"d\""), NULL };
	struct lg_answer a;
	bool reads;

	cr_assert_eq(lg_context_json(&s->f.cx, s->schema, &rq.action, LG_STR("{\"mfa\":true,\"proto\":\"tcp\",\"now\":\"2024-01-01\","
	    "\"who\":{\"type\":\"User\",\"id\":\"a\"}}"), &rq.context), LG_OK, "%s", s->f.cx.error);
	lg_authorize(&s->f.cx, set, &s->port, &rq, &a);
	reads = (a.reads & lg_policies_reads(set, LG_STR("now"))) != 0;
	lg_policies_unref(&set);
	return reads;
}

#define P "permit(principal, action, resource) when "
#define LATE "context.now > datetime(\"2023-01-01\")"

Test(reads, the_clock_only_where_it_was_looked_at)
{
	struct scene s = scene_new();

	cr_expect(reads_now(&s, P "{ " LATE " };"));
	cr_expect(reads_now(&s, P "{ context has now };"));
	cr_expect_not(reads_now(&s, P "{ context.mfa };"));
	cr_expect_not(reads_now(&s, P "{ context.mfa || " LATE " };"));
	cr_expect(reads_now(&s, P "{ context.mfa && " LATE " };"));
	cr_expect_not(reads_now(&s, P "{ context.mfa }; permit(principal == User::\"b\", action, resource) when { " LATE " };"));
	cr_expect_not(reads_now(&s, P "{ context.mfa }; permit(principal, action == Action::\"write\", resource) when { " LATE " };"));
	/* The context as a whole is all of it, named or not. */
	cr_expect(reads_now(&s, P "{ context == principal.r };"));
	cr_expect(reads_now(&s, P "{ [context].contains(1) };"));
	scene_free(&s);
}

Test(reads, what_was_not_read_does_not_matter)
{
	static const char *const names[] = { "mfa", "port", "proto", "now", "ip", "who", "nums" };
	struct scene s = scene_new();
	struct generator g = { .state = 99 };
	unsigned changed = 0;

	for (int i = 0; i < 2000; i++) {
		struct fixture f = fixture_new();
		struct lg_buf b = LG_BUF(1u << 20);
		struct lg_request rq, other;
		struct lg_policies *set;
		struct lg_answer x, y;
		struct lg_field *v;
		struct lg_value r;
		uint32_t n = 0;

		g.out = &b;
		for (uint32_t k = 1 + gen_below(&g, 5); k > 0; k--)
			gen_policy(&g);
		lg_buf_byte(&b, '\0');
		set = policies_of(&f, b.p, s.schema);
		gen_request(&g, &f, s.schema, &rq);
		gen_request(&g, &f, s.schema, &other);
		lg_authorize(&f.cx, set, &s.port, &rq, &x);
		v = LG_NEWS(f.arena, struct lg_field, LG_COUNT(names));
		for (size_t k = 0; k < LG_COUNT(names); k++) {
			struct lg_name name = lg_name_of(lg_str_of(names[k]));
			bool read = (x.reads & lg_policies_reads(set, name.text)) != 0;
			const struct lg_value *at = lg_record_get(read ? rq.context : other.context, &name);

			if (at != NULL)
				v[n++] = (struct lg_field){ name, *at };
			changed += !read;
		}
		cr_assert_eq(lg_value_record(&f.cx, v, n, &r), LG_OK);
		rq.context = r.u.record;
		lg_authorize(&f.cx, set, &s.port, &rq, &y);
		cr_assert(x.allow == y.allow && x.ndetermining == y.ndetermining && x.nerrors == y.nerrors && x.reads == y.reads,
		    "%s", b.p);
		lg_policies_unref(&set);
		lg_buf_free(&b);
		fixture_free(&f);
	}
	cr_expect(changed > 5000);
	scene_free(&s);
}
