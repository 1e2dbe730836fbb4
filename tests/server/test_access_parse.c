/* test_access_parse.c: AuthZEN bodies, good and bad. */
#include <criterion/criterion.h>

#include "base/json.h"
#include "server/access.h"

static lg_err
parse(struct lg_ctx *cx, const char *text, struct lg_evaluation *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct lg_evaluation){ .port = 0 };
	lg_json_init(&js, cx->arena, lg_str_of(text));
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (!lg_evaluation_member(cx, &js, name, ret))
			lg_json_skip(&js);
	LG_TRY(lg_json_end(cx, &js));
	return lg_evaluation_check(cx, ret);
}

#define SUBJECT "\"subject\":{\"type\":\"User\",\"id\":\"alice\"}"
#define ACTION "\"action\":{\"name\":\"container:create\"}"
#define RESOURCE "\"resource\":{\"type\":\"Workload\",\"id\":\"web\"}"
#define WITH(context) "{" SUBJECT "," ACTION "," RESOURCE ",\"context\":" context "}"

static const struct {
	const char *text;
	lg_err wanted;
} bodies[] = {
	{ "{" SUBJECT "," ACTION "," RESOURCE "}", LG_OK },
	{ "{" RESOURCE "," ACTION "," SUBJECT "}", LG_OK },
	{ WITH("{\"port\":5432,\"protocol\":\"tcp\"}"), LG_OK },
	{ WITH("{\"something\":{\"else\":[1,2]}}"), LG_OK },
	{ "{\"more\":1," SUBJECT "," ACTION "," RESOURCE "}", LG_OK },
	{ "{\"subject\":{\"type\":\"User\",\"id\":\"\"}," ACTION "," RESOURCE "}", LG_OK },	/* the token names it */
	{ "", LG_E_INVALID }, { "[]", LG_E_INVALID }, { "{}", LG_E_INVALID }, { "null", LG_E_INVALID },
	{ "{" SUBJECT "," ACTION "}", LG_E_INVALID },
	{ "{" SUBJECT "," RESOURCE "}", LG_E_INVALID },
	{ "{" ACTION "," RESOURCE "}", LG_E_INVALID },
	{ "{" SUBJECT "," ACTION "," RESOURCE "} x", LG_E_INVALID },
	{ "{" SUBJECT "," SUBJECT "," ACTION "," RESOURCE "}", LG_E_INVALID },
	{ "{\"subject\":\"alice\"," ACTION "," RESOURCE "}", LG_E_INVALID },
	{ "{\"subject\":{\"type\":1,\"id\":\"alice\"}," ACTION "," RESOURCE "}", LG_E_INVALID },
	{ "{" SUBJECT ",\"action\":\"container:create\"," RESOURCE "}", LG_E_INVALID },
	{ "{" SUBJECT ",\"action\":{}," RESOURCE "}", LG_E_INVALID },
	{ "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\"}}", LG_E_INVALID },
	{ "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\",\"id\":\"w\",\"properties\":[]}}", LG_E_INVALID },
	{ WITH("{\"port\":-1}"), LG_E_INVALID }, { WITH("{\"port\":65536}"), LG_E_INVALID }, { WITH("{\"port\":\"80\"}"), LG_E_INVALID },
	{ WITH("{\"port\":1.5}"), LG_E_INVALID }, { WITH("[]"), LG_E_INVALID },
	/* what the service alone says */
	{ WITH("{\"now\":\"2026-01-01T00:00:00Z\"}"), LG_E_INVALID }, { WITH("{\"asker\":{}}"), LG_E_INVALID },
	{ WITH("{\"address\":\"127.0.0.1\"}"), LG_E_INVALID }, { WITH("{\"acr\":\"2\"}"), LG_E_INVALID },
	{ WITH("{\"amr\":[\"otp\"]}"), LG_E_INVALID }, { WITH("{\"client\":\"x\"}"), LG_E_INVALID },
	{ WITH("{\"scopes\":[\"all\"]}"), LG_E_INVALID }, { WITH("{\"revision\":1}"), LG_E_INVALID },
	{ WITH("{\"subject_proof\":\"token\"}"), LG_E_INVALID }, { WITH("{\"asked_action\":\"connect\"}"), LG_E_INVALID },
	{ WITH("{\"container\":{\"privileged\":false}}"), LG_E_INVALID },
	{ WITH("{\"subject\\u005fproof\":\"token\"}"), LG_E_INVALID },	/* written otherwise, meant the same */
};

Test(access_parse, bodies)
{
	struct lg_evaluation ev;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	for (size_t i = 0; i < LG_COUNT(bodies); i++) {
		lg_err e = parse(&cx, bodies[i].text, &ev);
		cr_expect_eq(e, bodies[i].wanted, "%s: %s (%s)", bodies[i].text, lg_err_name(e), cx.error);
	}
	lg_arena_free(&cx.arena);
}

Test(access_parse, every_member_arrives)
{
	struct lg_evaluation ev;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert_eq(parse(&cx, "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\",\"id\":\"web\",\"properties\":{\"project\":\"shop\","
	    "\"image\":\"busybox\",\"host\":\"node1\",\"labels\":[\"a=b\",\"c=d\"],\"other\":1}},"
	    "\"context\":{\"port\":443,\"protocol\":\"tcp\",\"image\":\"nginx\"}}", &ev), LG_OK);
	cr_assert(lg_str_eq(ev.subject_id, LG_STR("alice")) && lg_str_eq(ev.action, LG_STR("container:create")));
	cr_assert(lg_str_eq(ev.project, LG_STR("shop")) && lg_str_eq(ev.image, LG_STR("busybox")) && lg_str_eq(ev.host, LG_STR("node1")));
	cr_assert(ev.nlabels == 2 && lg_str_eq(ev.labels[1], LG_STR("c=d")));
	cr_assert(ev.has_port && ev.port == 443 && lg_str_eq(ev.protocol, LG_STR("tcp")) && lg_str_eq(ev.image_context, LG_STR("nginx")));
	lg_arena_free(&cx.arena);
}

static const char *
repeated(struct lg_ctx *cx, const char *before, const char *piece, size_t n, const char *after)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);

	lg_buf_str(&b, lg_str_of(before));
	for (size_t i = 0; i < n; i++)
		lg_buf_str(&b, lg_str_of(i == 0 && piece[0] == ',' ? piece + 1 : piece));
	lg_buf_str(&b, lg_str_of(after));
	return lg_dup(cx->arena, lg_buf_view(&b)).p;
}

Test(access_parse, what_a_client_can_make_grow_has_a_limit)
{
	struct lg_evaluation ev;
	struct lg_ctx cx;
	const char *labels = "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\",\"id\":\"w\",\"properties\":{\"labels\":[";

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert_eq(parse(&cx, repeated(&cx, labels, ",\"x\"", LG_LABELS, "]}}}"), &ev), LG_OK);
	cr_assert_eq(parse(&cx, repeated(&cx, labels, ",\"x\"", LG_LABELS + 1, "]}}}"), &ev), LG_E_INVALID);
	const char *id = "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\",\"id\":\"";
	cr_assert_eq(parse(&cx, repeated(&cx, id, "x", LG_ASKED_NAME, "\"}}"), &ev), LG_OK);
	cr_assert_eq(parse(&cx, repeated(&cx, id, "x", LG_ASKED_NAME + 1, "\"}}"), &ev), LG_E_LIMIT);
	cr_assert_eq(parse(&cx, repeated(&cx, "{" SUBJECT "," RESOURCE ",\"action\":{\"name\":\"", "x", LG_ASKED_TYPE + 1, "\"}}"), &ev), LG_E_LIMIT);
	lg_arena_free(&cx.arena);
}

/* AuthZEN 7.1.1: what an evaluation has replaces the batch's default, but for the type and id that it lacks. */
static const struct {
	const char *item;
	const char *project, *image, *protocol;
	size_t labels;
	bool has_port;
	const char *id;			/* of the resource */
} replaced[] = {
	{ "{\"resource\":{\"type\":\"Workload\",\"id\":\"w\",\"properties\":{\"labels\":[\"c\"]}}}", "", "", "tcp", 1, true, "w" },
	{ "{\"resource\":{\"type\":\"Workload\",\"id\":\"x\"}}", "", "", "tcp", 0, true, "x" },
	{ "{\"resource\":{\"id\":\"x\"}}", "", "", "tcp", 0, true, "x" },
	{ "{\"resource\":{\"properties\":{}}}", "", "", "tcp", 0, true, "w" },
	{ "{\"context\":{}}", "p", "i", "", 2, false, "w" },
	{ "{\"subject\":{\"type\":\"User\",\"id\":\"b\"}}", "p", "i", "tcp", 2, true, "w" },
};

Test(access_parse, a_member_of_an_evaluation_replaces_the_whole_default)
{
	struct lg_evaluation defaults, ev;
	struct lg_json js;
	struct lg_ctx cx;
	lg_str name;

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert_eq(parse(&cx, "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"Workload\",\"id\":\"w\",\"properties\":{\"project\":\"p\","
	    "\"image\":\"i\",\"labels\":[\"a\",\"b\"]}},\"context\":{\"port\":1,\"protocol\":\"tcp\"}}", &defaults), LG_OK);
	for (size_t i = 0; i < LG_COUNT(replaced); i++) {
		ev = defaults;
		lg_json_init(&js, cx.arena, lg_str_of(replaced[i].item));
		lg_json_object(&js);
		while (lg_json_member(&js, &name))
			cr_assert(lg_evaluation_member(&cx, &js, name, &ev));
		cr_assert_eq(lg_json_end(&cx, &js), LG_OK);
		cr_assert(lg_str_eq(ev.project, lg_str_of(replaced[i].project)), "%s", replaced[i].item);
		cr_assert(lg_str_eq(ev.image, lg_str_of(replaced[i].image)), "%s", replaced[i].item);
		cr_assert(lg_str_eq(ev.protocol, lg_str_of(replaced[i].protocol)), "%s", replaced[i].item);
		cr_assert_eq(ev.nlabels, replaced[i].labels, "%s", replaced[i].item);
		cr_assert(lg_str_eq(ev.resource_type, LG_STR("Workload")) && lg_str_eq(ev.resource_id, lg_str_of(replaced[i].id)), "%s", replaced[i].item);
		cr_assert_eq(ev.has_port, replaced[i].has_port, "%s", replaced[i].item);
	}
	lg_arena_free(&cx.arena);
}
