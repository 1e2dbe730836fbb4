/* generate.c: see generate.h. */
#include "generate.h"

const char gen_schema[] =
    "entity Group in [Group]; entity User in [Group] = { n: Long, s: String, boss?: User, r: { k?: Long, d: datetime } } tags Long;"
    "entity Folder; entity Doc in [Folder] = { owner: User, readers: Set<Group>, ip: ipaddr, cost: decimal, public?: Bool };"
    "action any; action read, write in [any] appliesTo { principal: User, resource: Doc, context: { mfa: Bool, port?: Long,"
    " proto: String, now: datetime, ip?: ipaddr, who: User, nums?: Set<Long> } };";

const char gen_world[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"n\":3,\"s\":\"x\",\"boss\":{\"type\":\"User\",\"id\":\"b\"},\"r\":{\"k\":1,"
    "\"d\":\"2024-01-01\"}},\"parents\":[{\"type\":\"Group\",\"id\":\"g\"}],\"tags\":{\"t\":3}},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"b\"},\"attrs\":{\"n\":-1,\"s\":\"\",\"r\":{\"d\":\"1969-12-31\"}},\"parents\":[]},"
    "{\"uid\":{\"type\":\"User\",\"id\":\"c\"},\"attrs\":{\"n\":9223372036854775807,\"s\":\"ab\",\"r\":{\"k\":2,\"d\":\"9999-12-31\"}},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"h\"}],\"tags\":{\"u\":1}},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"h\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"h\"},\"attrs\":{},\"parents\":[]},{\"uid\":{\"type\":\"Folder\",\"id\":\"f\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},\"attrs\":{\"owner\":{\"type\":\"User\",\"id\":\"a\"},\"readers\":[{\"type\":\"Group\",\"id\":\"g\"}],"
    "\"ip\":\"10.0.0.1\",\"cost\":\"1.5\",\"public\":true},\"parents\":[{\"type\":\"Folder\",\"id\":\"f\"}]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"e\"},\"attrs\":{\"owner\":{\"type\":\"User\",\"id\":\"c\"},\"readers\":[],"
    "\"ip\":\"::1\",\"cost\":\"-0.5\"},\"parents\":[]}]";

uint32_t
gen_below(struct generator *g, uint32_t n)
{
	/* splitmix64 */
	uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) % n);
}

static void
put(struct generator *g, const char *s)
{
	lg_buf_str(g->out, lg_str_of(s));
}

#define PICK(g, list) put((g), (list)[gen_below((g), (uint32_t)LG_COUNT(list))])

static void
leaf(struct generator *g, enum gen_kind k)
{
	static const char *const bools[] = { "true", "false", "context.mfa", "resource.public", "resource has public",
		"context has port", "principal has boss", "context.nothing", "principal is User", "resource is Folder",
		"principal == resource", "principal == principal", "action == Action::\"read\"", "principal has nothing",
		"context has nums", "principal has r.k", "resource is Doc in Folder::\"f\"" };
	static const char *const longs[] = { "0", "1", "-3", "443", "9223372036854775807", "principal.n", "context.port",
		"principal.r.k", "principal.getTag(\"t\")", "context.who.n", "resource.owner.n" };
	static const char *const strings[] = { "\"x\"", "\"\"", "\"tcp\"", "principal.s", "context.proto", "resource.owner.s" };
	static const char *const users[] = { "principal", "User::\"a\"", "User::\"b\"", "User::\"nobody\"", "context.who",
		"principal.boss", "resource.owner" };
	static const char *const docs[] = { "resource", "Doc::\"d\"", "Doc::\"none\"" };
	static const char *const groups[] = { "Group::\"g\"", "Group::\"h\"", "Group::\"none\"" };
	static const char *const sets[] = { "resource.readers", "[Group::\"g\"]", "[Group::\"h\", Group::\"none\"]", "[]" };
	static const char *const lists[] = { "[1, 443]", "context.nums", "[principal.n, 3]", "[]" };
	static const char *const ips[] = { "ip(\"10.0.0.0/8\")", "context.ip", "resource.ip", "ip(\"::1\")" };
	static const char *const times[] = { "datetime(\"2024-01-01\")", "context.now", "principal.r.d",
		"datetime(\"9999-12-31\").offset(duration(\"1d\"))" };
	static const char *const records[] = { "principal.r", "{k: 1, d: context.now}", "{k: principal.n}", "context" };

	put(g, "(");
	switch (k) {
	case G_BOOL: PICK(g, bools); break;
	case G_LONG: PICK(g, longs); break;
	case G_STRING: PICK(g, strings); break;
	case G_USER: PICK(g, users); break;
	case G_DOC: PICK(g, docs); break;
	case G_GROUP: PICK(g, groups); break;
	case G_GROUPS: PICK(g, sets); break;
	case G_LONGS: PICK(g, lists); break;
	case G_IP: PICK(g, ips); break;
	case G_TIME: PICK(g, times); break;
	default: PICK(g, records);
	}
	put(g, ")");
}

static void
operator(struct generator *g, enum gen_kind a, const char *op, enum gen_kind b, const char *end, unsigned depth)
{
	put(g, "(");
	gen_expr(g, a, depth - 1);
	put(g, op);
	gen_expr(g, b, depth - 1);
	put(g, end);
	put(g, ")");
}

static void
boolean(struct generator *g, unsigned depth)
{
	static const char *const order[] = { " < ", " <= ", " > ", " >= ", " == ", " != " };
	enum gen_kind k = (enum gen_kind)gen_below(g, G_KINDS);

	switch (gen_below(g, 17)) {
	case 0:
	case 1: operator(g, G_BOOL, " && ", G_BOOL, "", depth); break;
	case 2:
	case 3: operator(g, G_BOOL, " || ", G_BOOL, "", depth); break;
	case 4:
		put(g, "!(");
		gen_expr(g, G_BOOL, depth - 1);
		put(g, ")");
		break;
	case 5: operator(g, G_LONG, order[gen_below(g, 6)], G_LONG, "", depth); break;
	case 6: operator(g, G_TIME, order[gen_below(g, 6)], G_TIME, "", depth); break;
	case 7: operator(g, k, " == ", k, "", depth); break;
	case 8: operator(g, k, " != ", (enum gen_kind)gen_below(g, G_KINDS), "", depth); break;
	case 9: operator(g, G_USER, " in ", gen_below(g, 2) == 0 ? G_GROUP : G_GROUPS, "", depth); break;
	case 10: operator(g, G_DOC, " in ", G_GROUP, "", depth); break;
	case 11: operator(g, G_LONGS, ".contains(", G_LONG, ")", depth); break;
	case 12: operator(g, G_GROUPS, gen_below(g, 2) == 0 ? ".containsAll(" : ".containsAny(", G_GROUPS, ")", depth); break;
	case 13: operator(g, G_IP, ".isInRange(", G_IP, ")", depth); break;
	case 14:
		put(g, "(");
		gen_expr(g, G_STRING, depth - 1);
		put(g, " like \"*x*\")");
		break;
	case 15:
		put(g, "(");
		gen_expr(g, G_USER, depth - 1);
		put(g, gen_below(g, 2) == 0 ? " has boss)" : ".hasTag(\"t\"))");
		break;
	default:
		put(g, "(");
		gen_expr(g, G_USER, depth - 1);
		put(g, gen_below(g, 2) == 0 ? " is User in Group::\"h\")" : " is User)");
	}
}

void
gen_expr(struct generator *g, enum gen_kind k, unsigned depth)
{
	if (gen_below(g, 40) == 0)
		k = (enum gen_kind)gen_below(g, G_KINDS);
	if (depth == 0 || gen_below(g, 6) == 0) {
		leaf(g, k);
		return;
	}
	if (gen_below(g, 10) == 0) {
		put(g, "(if ");
		gen_expr(g, G_BOOL, depth - 1);
		put(g, " then ");
		gen_expr(g, k, depth - 1);
		put(g, " else ");
		gen_expr(g, k, depth - 1);
		put(g, ")");
		return;
	}
	if (k == G_BOOL)
		boolean(g, depth);
	else if (k == G_LONG)
		operator(g, G_LONG, gen_below(g, 2) == 0 ? " + " : " * ", G_LONG, "", depth);
	else
		leaf(g, k);
}

void
gen_policy(struct generator *g)
{
	static const char *const principals[] = { "principal", "principal", "principal == User::\"a\"", "principal in Group::\"h\"",
		"principal is User", "principal is User in Group::\"g\"", "principal in Folder::\"f\"", "principal == Doc::\"d\"" };
	static const char *const actions[] = { "action", "action == Action::\"read\"", "action in Action::\"any\"",
		"action in [Action::\"read\", Action::\"write\"]" };
	static const char *const resources[] = { "resource", "resource", "resource == Doc::\"d\"", "resource in Folder::\"f\"",
		"resource is Doc", "resource is Doc in Folder::\"f\"", "resource is Folder" };

	put(g, gen_below(g, 3) > 0 ? "permit(" : "forbid(");
	PICK(g, principals);
	put(g, ", ");
	PICK(g, actions);
	put(g, ", ");
	PICK(g, resources);
	put(g, ")");
	for (uint32_t n = gen_below(g, 3); n > 0; n--) {
		put(g, gen_below(g, 3) > 0 ? " when { " : " unless { ");
		gen_expr(g, G_BOOL, 1 + gen_below(g, 4));
		put(g, " }");
	}
	put(g, ";\n");
}

void
gen_request(struct generator *g, struct fixture *f, const struct lg_schema *schema, struct lg_request *ret)
{
	static const char *const users[] = { "User::\"a\"", "User::\"b\"", "User::\"c\"", "User::\"ghost\"" };
	static const char *const docs[] = { "Doc::\"d\"", "Doc::\"e\"", "Doc::\"ghost\"" };
	static const char *const rest[] = { "", ",\"port\":443", ",\"port\":1,\"ip\":\"10.9.9.9\"", ",\"nums\":[1,3],\"ip\":\"::1\"" };
	const char *who = gen_below(g, 2) == 0 ? "b" : "a", *mfa = gen_below(g, 2) == 0 ? "true" : "false";
	const char *proto = gen_below(g, 2) == 0 ? "tcp" : "udp", *now = gen_below(g, 2) == 0 ? "2024-01-01" : "2030-06-01T10:00:00Z";

	ret->principal = uid_of(f, users[gen_below(g, 4)]);
	ret->action = uid_of(f, gen_below(g, 2) == 0 ? "Action::\"read\"" : "Action::\"write\"");
	ret->resource = uid_of(f, docs[gen_below(g, 3)]);
	cr_assert_eq(lg_context_json(&f->cx, schema, &ret->action,
	    lg_print(f->arena, "{\"mfa\":%s,\"who\":{\"type\":\"User\",\"id\":\"%s\"},\"proto\":\"%s\",\"now\":\"%s\"%s}", mfa, who,
	    proto, now, rest[gen_below(g, 4)]), &ret->context), LG_OK, "%s", f->cx.error);
	cr_assert_eq(lg_request_validate(&f->cx, schema, ret), LG_OK, "%s", f->cx.error);
}

struct scene
scene_new(void)
{
	struct scene s = { .f = fixture_new() };

	s.schema = schema_of(&s.f, gen_schema);
	s.st = store_of(&s.f, gen_world, s.schema);
	s.port = lg_entity_store_port(s.st);
	return s;
}

void
scene_free(struct scene *s)
{
	lg_entity_store_free(&s->st);
	lg_schema_unref(&s->schema);
	fixture_free(&s->f);
}
