/* test_state_read.c: state documents, good and bad. */
#include <criterion/criterion.h>

#include "server/state.h"

static const struct {
	const char *text;
	lg_err wanted;
	size_t items;
} documents[] = {
	{ "{}", LG_OK, 0 },
	{ "{\"projects\":[]}", LG_OK, 0 },
	{ "{\"projects\":[{\"name\":\"shop\"}]}", LG_OK, 1 },
	{ "{\"workloads\":[{\"name\":\"web\",\"project\":\"shop\"}],\"projects\":[{\"name\":\"shop\"}]}", LG_OK, 2 },
	{ "{\"users\":[{\"name\":\"alice\",\"mail\":\"a@example.org\",\"display\":\"Alice\",\"groups\":[\"ops\"],\"enabled\":false}]}", LG_OK, 1 },
	{ "{\"policies\":\"permit (principal, action, resource);\"}", LG_OK, 0 },
	{ "{\"clients\":[{\"name\":\"portal\",\"redirect_uris\":[\"https://a.example/cb\"],\"type\":\"public\",\"scopes\":[\"openid\"]}]}", LG_OK, 1 },
	{ "", LG_E_INVALID, 0 }, { "[]", LG_E_INVALID, 0 }, { "{\"projects\":{}}", LG_E_INVALID, 0 },
	{ "{\"gadgets\":[]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{}]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":\"\"}]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":1}]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[\"shop\"]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":\"a\",\"colour\":\"red\"}]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":\"a\",\"name\":\"b\"}]}", LG_E_INVALID, 0 },
	{ "{\"users\":[{\"name\":\"a\",\"enabled\":\"no\"}]}", LG_E_INVALID, 0 },
	{ "{\"users\":[{\"name\":\"a\",\"groups\":\"ops\"}]}", LG_E_INVALID, 0 },
	{ "{\"users\":[{\"name\":\"a\",\"password\":\"x\"}]}", LG_E_INVALID, 0 },	/* passwords never stand in a state file */
	{ "{\"policies\":[]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":\"a\"}],\"projects\":[]}", LG_E_INVALID, 0 },
	{ "{\"projects\":[{\"name\":\"a\"}]} {}", LG_E_INVALID, 0 },
	{ "{\"clients\":[{\"name\":\"portal\",\"type\":\"something\"}]}", LG_E_INVALID, 0 },
};

Test(state_read, documents)
{
	struct lg_state st;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	for (size_t i = 0; i < LG_COUNT(documents); i++) {
		lg_err e = lg_state_read(&cx, lg_str_of(documents[i].text), false, &st);
		cr_expect_eq(e, documents[i].wanted, "%s: %s (%s)", documents[i].text, lg_err_name(e), cx.error);
		if (e == LG_OK)
			cr_expect_eq(st.n, documents[i].items, "%s: %zu items", documents[i].text, st.n);
		else
			cr_expect(cx.error[0] != '\0', "%s: no sentence", documents[i].text);
	}
	lg_arena_free(&cx.arena);
}

Test(state_read, what_others_name_comes_first_whatever_the_order_in_the_document)
{
	struct lg_state st;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert_eq(lg_state_read(&cx, LG_STR("{\"workloads\":[{\"name\":\"web\"}],\"projects\":[{\"name\":\"shop\"}]}"), false, &st), LG_OK);
	cr_assert_eq(st.item[0].kind->type, LG_TYPE_PROJECT);
	cr_assert_eq(st.item[1].kind->type, LG_TYPE_WORKLOAD);
	lg_arena_free(&cx.arena);
}

Test(state_read, a_document_has_a_limit)
{
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_state st;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	lg_buf_str(&b, LG_STR("{\"projects\":["));
	for (int i = 0; i <= LG_STATE_ITEMS; i++)
		lg_buf_printf(&b, "%s{\"name\":\"p%d\"}", i == 0 ? "" : ",", i);
	lg_buf_str(&b, LG_STR("]}"));
	cr_assert_eq(lg_state_read(&cx, lg_buf_view(&b), false, &st), LG_E_LIMIT);
	lg_buf_clear(&b);
	lg_buf_str(&b, LG_STR("{\"users\":[{\"name\":\"a\",\"groups\":["));
	for (int i = 0; i <= LG_STATE_LIST; i++)
		lg_buf_printf(&b, "%s\"g%d\"", i == 0 ? "" : ",", i);
	lg_buf_str(&b, LG_STR("]}]}"));
	cr_assert_eq(lg_state_read(&cx, lg_buf_view(&b), false, &st), LG_E_INVALID);
	lg_buf_free(&b);
	lg_arena_free(&cx.arena);
}
