/* Entities and contexts from JSON, with and without a schema; ancestors; limits. */
#include "policy_test.h"

static lg_err
load(const char *json, const struct lg_schema *schema)
{
	struct fixture f = fixture_new();
	struct lg_entity_store *st = lg_entity_store_new();
	lg_err e = lg_entity_store_json(&f.cx, st, schema, lg_str_of(json));

	if (e == LG_OK)
		e = lg_entity_store_finish(&f.cx, st);
	lg_entity_store_free(&st);
	fixture_free(&f);
	return e;
}

/* The members of an entity of type U: attributes and parents as JSON. */
#define U(id, attrs, parents) "{\"uid\":{\"type\":\"U\",\"id\":\"" id "\"},\"attrs\":" attrs ",\"parents\":" parents "}"

Test(entities, what_is_refused)
{
	cr_expect_eq(load("[" U("a", "{}", "[]") "," U("a", "{}", "[]") "]", NULL), LG_OK, "equal twice");
	cr_expect_eq(load("[" U("a", "{}", "[]") "," U("a", "{\"x\":1}", "[]") "]", NULL), LG_E_EXISTS);
	cr_expect_eq(load("[" U("a", "{}", "[{\"type\":\"U\",\"id\":\"b\"}]") "," U("b", "{}", "[{\"type\":\"U\",\"id\":\"a\"}]") "]",
	    NULL), LG_E_INVALID, "cycle");
	cr_expect_eq(load("[" U("a", "{}", "[{\"type\":\"U\",\"id\":\"a\"}]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[{}]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{}}]", NULL), LG_E_INVALID, "no parents");
	cr_expect_eq(load("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attr\":{},\"parents\":[]}]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{}", "[],\"what\":1") "]", NULL), LG_OK, "what is none of its members is passed over, as by the reference");
	cr_expect_eq(load("[" U("a", "{\"x\":null}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":1.5}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":9223372036854775808}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"x\"}}}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__extn\":{\"fn\":\"rm\",\"arg\":\"x\"}}}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__entity\":{\"type\":\"U\"}}}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"},\"y\":1}}", "[]") "]", NULL), LG_OK);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__extn\":{\"arg\":\"1\"}}}", "[]") "]", NULL), LG_E_INVALID, "half an escape is no record");
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__expr\":\"1\"}}", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "[]", "[]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"::U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[]}]", NULL), LG_E_INVALID, "no name of a type");
	cr_expect_eq(load("[" U("a", "{}", "[{\"type\":\"in\",\"id\":\"x\"}]") "]", NULL), LG_E_INVALID);
	cr_expect_eq(load("{}", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{}", "[]") "", NULL), LG_E_INVALID);
	cr_expect_eq(load("[" U("a", "{\"x\":{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2024-01-01\"}},{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1d\"}}]}}}", "[]") "]", NULL), LG_OK, "calls with two arguments");
}

Test(entities, a_chain_longer_than_the_limit_is_refused)
{
	struct lg_buf b = LG_BUF(1u << 22);

	lg_buf_byte(&b, '[');
	for (int i = 0; i < LG_ENTITY_ANCESTORS_MAX + 2; i++)
		lg_buf_printf(&b, "%s{\"uid\":{\"type\":\"U\",\"id\":\"%d\"},\"attrs\":{},\"parents\":[{\"type\":\"U\",\"id\":\"%d\"}]}",
		    i == 0 ? "" : ",", i, i + 1);
	lg_buf_bytes(&b, "]", 2);
	cr_expect_eq(load(b.p, NULL), LG_E_LIMIT);
	lg_buf_free(&b);
}

static const char schema_text[] =
    "type Place = { ip: ipaddr, since?: datetime };\n"
    "entity Group;\n"
    "entity Colour enum [\"red\", \"blue\"];\n"
    "entity User in [Group] = { n: Long, boss?: User, at?: Place, likes?: Set<Colour> } tags String;\n"
    "action any; action view, edit in [any] appliesTo { principal: User, resource: [User, Group], context: { d: decimal, w?: User } };";

/* Attributes without their braces, the parents, further members. */
#define USER(attrs, parents, rest) \
	"[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{" attrs "},\"parents\":[" parents "]" rest "}]"

Test(entities, a_schema_reads_escapes_that_were_left_out_and_checks)
{
	struct fixture f = fixture_new();
	struct lg_schema *s = schema_of(&f, schema_text);

	cr_expect_eq(load(USER("\"n\":1", "", ""), s), LG_OK);
	cr_expect_eq(load(USER("\"n\":1,\"boss\":{\"type\":\"User\",\"id\":\"b\"},\"at\":{\"ip\":\"10.0.0.1\",\"since\":{\"fn\":\"datetime\",\"arg\":\"2024-01-01\"}},\"likes\":[{\"type\":\"Colour\",\"id\":\"red\"}]", "{\"type\":\"Group\",\"id\":\"g\"}", ",\"tags\":{\"t\":\"v\"}"),
	    s), LG_OK);
	/* The uid may come last. */
	cr_expect_eq(load("[{\"attrs\":{\"n\":1,\"boss\":{\"type\":\"User\",\"id\":\"b\"}},\"parents\":[],\"uid\":{\"type\":\"User\",\"id\":\"a\"}}]", s), LG_OK);
	cr_expect_eq(load(USER("", "", ""), s), LG_E_INVALID, "n is required");
	cr_expect_eq(load(USER("\"n\":\"1\"", "", ""), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1,\"m\":1", "", ""), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1,\"a\":1", "", ""), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1,\"boss\":{\"type\":\"Group\",\"id\":\"b\"}", "", ""), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1,\"likes\":[{\"type\":\"Colour\",\"id\":\"green\"}]", "", ""), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1", "", ",\"tags\":{\"t\":1}"), s), LG_E_INVALID);
	cr_expect_eq(load(USER("\"n\":1", "{\"type\":\"User\",\"id\":\"b\"}", ""), s), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"Colour\",\"id\":\"green\"},\"attrs\":{},\"parents\":[]}]", s), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"Nobody\",\"id\":\"x\"},\"attrs\":{},\"parents\":[]}]", s), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"Group\",\"id\":\"x\"},\"attrs\":{},\"parents\":[],\"tags\":{\"t\":\"v\"}}]", s), LG_E_INVALID);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"any\"}]}]", s), LG_OK);
	cr_expect_eq(load("[{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{\"x\":1},\"parents\":[]}]", s), LG_E_INVALID);
	lg_schema_unref(&s);
	fixture_free(&f);
}

Test(entities, requests_are_checked_against_the_action)
{
	struct fixture f = fixture_new();
	struct lg_schema *s = schema_of(&f, schema_text);
	struct lg_request rq = { uid_of(&f, "User::\"a\""), uid_of(&f, "Action::\"view\""), uid_of(&f, "Group::\"g\""), NULL };

	cr_assert_eq(lg_context_json(&f.cx, s, &rq.action, LG_STR("{\"d\":\"1.5\",\"w\":{\"type\":\"User\",\"id\":\"x\"}}"), &rq.context), LG_OK, "%s",
	    f.cx.error);
	cr_expect_eq(lg_request_validate(&f.cx, s, &rq), LG_OK, "%s", f.cx.error);
	rq.resource = uid_of(&f, "Colour::\"red\"");
	cr_expect_eq(lg_request_validate(&f.cx, s, &rq), LG_E_INVALID);
	rq.resource = uid_of(&f, "User::\"b\"");
	rq.action = uid_of(&f, "Action::\"any\"");
	cr_expect_eq(lg_request_validate(&f.cx, s, &rq), LG_E_INVALID, "a mere group applies to nothing");
	rq.action = uid_of(&f, "Action::\"erase\"");
	cr_expect_eq(lg_request_validate(&f.cx, s, &rq), LG_E_INVALID);
	rq.action = uid_of(&f, "Action::\"edit\"");
	rq.context = NULL;
	cr_expect_eq(lg_request_validate(&f.cx, s, &rq), LG_E_INVALID, "d is required");
	lg_schema_unref(&s);
	fixture_free(&f);
}
