/* Generated policy sets and the reference's answers (tests/policy/vectors/generated.txt). */
#include "policy_test.h"

#include "base/file.h"

static const char house[] =
    "entity Group in [Group]; entity User in [Group] = { n: Long, s: String, boss?: User, r: { k?: Long, d: datetime } } tags Long;"
    "entity Folder; entity Doc in [Folder] = { owner: User, readers: Set<Group>, ip: ipaddr, cost: decimal };"
    "action any; action read, write in [any] appliesTo { principal: User, resource: Doc, context: { mfa: Bool, ip?: ipaddr, who: User } };";

static const char world[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"n\":3,\"s\":\"x\",\"boss\":{\"type\":\"User\",\"id\":\"b\"},\"r\":{\"k\":1,"
    "\"d\":\"2024-01-01\"}},\"parents\":[{\"type\":\"Group\",\"id\":\"g\"}],\"tags\":{\"t\":3}},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"b\"},\"attrs\":{\"n\":-1,\"s\":\"\",\"r\":{\"d\":\"1969-12-31\"}},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"h\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"h\"},\"attrs\":{},\"parents\":[]},{\"uid\":{\"type\":\"Folder\",\"id\":\"f\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},\"attrs\":{\"owner\":{\"type\":\"User\",\"id\":\"a\"},\"readers\":[{\"type\":\"Group\",\"id\":\"g\"}],"
    "\"ip\":\"10.0.0.1\",\"cost\":\"1.5\"},\"parents\":[{\"type\":\"Folder\",\"id\":\"f\"}]}]";

static void
put_id(struct lg_buf *b, const struct lg_policies *set, size_t i, bool first)
{
	struct lg_policy_info info;

	lg_policies_info(set, i, &info);
	lg_buf_printf(b, "%s%.*s", first ? "" : ",", LG_FMT(info.id));
}

/* "allow;policy1;policy0;policy0,policy2" */
static lg_str
answer_of(struct fixture *f, const struct lg_schema *schema, const struct lg_entities *port, const struct lg_request *rq, lg_str text)
{
	struct lg_policies *set = policies_of(f, lg_dup(f->arena, text).p, schema);
	struct lg_policy_faults faults = { 0 };
	struct lg_buf b = LG_BUF(4096);
	struct lg_answer a;
	bool first = true;
	lg_str s;

	lg_authorize(&f->cx, set, port, rq, &a);
	lg_buf_str(&b, a.allow ? LG_STR("allow;") : LG_STR("deny;"));
	for (size_t i = 0; i < a.ndetermining; i++)
		put_id(&b, set, a.determining[i], i == 0);
	lg_buf_byte(&b, ';');
	for (size_t i = 0; i < a.nerrors; i++)
		put_id(&b, set, a.errors[i].policy, i == 0);
	lg_buf_byte(&b, ';');
	(void)!lg_policies_validate(&f->cx, set, schema, LG_STRICT, &faults);
	for (size_t i = 0; i < lg_policies_count(set); i++)
		for (size_t k = 0; k < faults.n; k++) {
			struct lg_policy_info info;

			lg_policies_info(set, i, &info);
			if (faults.v[k].warning || !lg_str_eq(faults.v[k].policy, info.id) ||
			    lg_str_starts(faults.v[k].message, LG_STR("no action of the schema")))
				continue;
			put_id(&b, set, i, first);
			first = false;
			break;
		}
	s = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	lg_policies_unref(&set);
	return s;
}

Test(generated, sets_are_answered_as_the_reference_does)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_entity_store *st = store_of(&f, world, schema);
	struct lg_entities port = lg_entity_store_port(st);
	struct lg_request rq = { uid_of(&f, "User::\"a\""), uid_of(&f, "Action::\"read\""), uid_of(&f, "Doc::\"d\""), NULL };
	lg_str text, head, got;
	const char *next;
	size_t n = 0;

	cr_assert_eq(lg_context_json(&f.cx, schema, &rq.action, LG_STR("{\"mfa\":true,\"ip\":\"10.0.0.9\",\"who\":{\"type\":\"User\",\"id\":\"b\"}}"),
	    &rq.context), LG_OK);
	cr_assert_eq(lg_request_validate(&f.cx, schema, &rq), LG_OK);
	cr_assert_eq(lg_file_read(&f.cx, "tests/policy/vectors/generated.txt", 1u << 22, &text), LG_OK, "%s", f.cx.error);
	while ((next = memmem(text.p, text.n, "//// ", 5)) != NULL) {
		text = lg_str_sub(text, (size_t)(next - text.p) + 5, text.n);
		(void)lg_str_cut(text, '\n', &head, &text);
		next = memmem(text.p, text.n, "//// ", 5);
		lg_str set = lg_str_sub(text, 0, next == NULL ? text.n : (size_t)(next - text.p));
		got = answer_of(&f, schema, &port, &rq, set);
		cr_expect(lg_str_eq(got, head), "%.*s, not %.*s, for\n%.*s", LG_FMT(got), LG_FMT(head), LG_FMT(set));
		n++;
	}
	cr_expect_eq(n, 300);
	lg_entity_store_free(&st);
	lg_schema_unref(&schema);
	fixture_free(&f);
}
