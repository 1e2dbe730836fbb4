#include <stdio.h>

#include "tests/sts/kit.h"

#include "sts/web.h"

TestSuite(page, .init = kit_start, .fini = kit_end);

static lg_str
no_header(const struct lg_http *ex, const char *name)
{
	return strcmp(name, "Accept-Language") == 0 ? lg_str_of(ex->server) : LG_NONE;
}

static lg_str
render(const char *page, const char *messages, const struct sts_slot *slots, size_t n, const char *languages)
{
	const struct lg_sts_file files[] = {
		{ "web/layout.html", LG_STR("{{{content}}}") }, { "web/p.html", lg_str_of(page) },
		{ "web/messages.de", LG_STR("p.hello = Hallo {{a}}\n") }, { "web/messages.en", lg_str_of(messages) },
		{ "web/messages.pt-BR", LG_STR("p.hello = Olá\n") },
	};
	struct lg_ctx cx;
	struct lg_http ex = { .cx = &cx, .header = no_header, .out = LG_BUF(1u << 16), .server = (void *)(uintptr_t)languages };
	struct lg_sts sts = { .store = NULL };
	struct sts_rq rq = { .sts = &sts, .ex = &ex, .cx = &cx, .tenant = { .issuer = LG_STR(ISSUER) } };
	lg_str out;

	lg_ctx_init(&cx, kit.arena);
	cr_assert_eq(sts_web_new(&cx, kit.arena, files, LG_COUNT(files), &sts.web), LG_OK, "%s", cx.error);
	cr_assert_eq(sts_page(&rq, 200, "p", slots, n, LG_NONE), LG_OK);
	out = lg_dup(kit.arena, lg_buf_view(&ex.out));
	lg_buf_free(&ex.out);
	return out;
}

static void
gives(const char *page, const char *want)
{
	const struct sts_slot inner[] = {
		{ .name = "x", .value = LG_STR("1") }, { .name = "y", .value = LG_NONE },
		{ .name = "x", .value = LG_STR("2<") }, { .name = "y", .value = LG_STR("!") },
	};
	const struct sts_rows rows = { inner, 2, 2 }, nothing = { inner, 2, 0 };
	const struct sts_slot slots[] = {
		{ .name = "a", .value = LG_STR("<{{b}}>") }, { .name = "b", .value = LG_STR("B") }, { .name = "empty" },
		{ .name = "list", .rows = &rows }, { .name = "none", .rows = &nothing },
	};
	lg_str out = render(page, "p.hello = Hi {{a}} & <b>\np.title = T\n", slots, LG_COUNT(slots), "");

	cr_assert(lg_str_eq(out, lg_str_of(want)), "%s gives %.*s, not %s", page, LG_FMT(out), want);
}

Test(page, slots_are_escaped_unless_told_otherwise_and_never_expand_twice)
{
	gives("{{a}}|{{{a}}}|{{b}}|{{none_such}}|{x}", "&lt;{{b}}&gt;|<{{b}}>|B||{x}");
	gives("x{{", "x");
	gives("y{{a", "y&lt;{{b}}&gt;");
	gives("{{#a", "");
	gives("{{#a}}z", "z");
}

Test(page, blocks_stand_for_values_and_rows)
{
	gives("{{#a}}yes{{/a}}{{^a}}no{{/a}}", "yes");
	gives("{{#empty}}yes{{/empty}}{{^empty}}no{{/empty}}", "no");
	gives("{{#nobody}}yes{{/nobody}}{{^nobody}}no{{/nobody}}", "no");
	gives("{{#list}}[{{x}}{{#y}}{{y}}{{/y}}{{b}}]{{/list}}", "[1B][2&lt;!B]");
	gives("{{#none}}yes{{/none}}{{^none}}no{{/none}}", "no");
}

Test(page, messages_are_text_with_slots)
{
	gives("{{p.hello}}", "Hi &lt;{{b}}&gt; &amp; &lt;b&gt;");
	gives("{{p.nothing}}", "p.nothing");
}

Test(page, speaks_the_language_of_the_browser_or_english)
{
	static const struct {
		const char *accept, *want;
	} cases[] = {
		{ "", "Hi A" }, { "de", "Hallo A" }, { "de-AT, en;q=0.5", "Hallo A" }, { "fr, de;q=0.3", "Hallo A" },
		{ "en, de", "Hi A" }, { "de;q=0.1, en;q=0.2", "Hi A" }, { "de;q=0", "Hi A" }, { "*", "Hi A" }, { "pt-BR", "Olá" },
		{ "pt", "Hi A" }, { "de;q=1.0", "Hallo A" }, { "de;x", "Hi A" }, { ";;,,-,de-", "Hallo A" },
	};
	const struct sts_slot slots[] = { { .name = "a", .value = LG_STR("A") } };

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str out = render("{{p.hello}}", "p.hello = Hi {{a}}", slots, 1, cases[i].accept);

		cr_assert(lg_str_eq(out, lg_str_of(cases[i].want)), "%s: %.*s", cases[i].accept, LG_FMT(out));
	}
}

Test(page, the_application_may_choose_the_language)
{
	struct answer a = kit_send("GET", "/oauth2/authorize", lg_str_of(kit_authorize_query("spa", "&ui_locales=fr%20de")), LG_NONE,
	    "Accept-Language", "en", NULL);

	assert_status(a, 200);
	cr_assert(strstr(kit_c(a.body), "<html lang=\"de\" dir=\"ltr\">") != NULL);
	cr_assert_str_eq(kit_header(&a, "Content-Language"), "de");
}

Test(page, a_broken_file_of_messages_names_its_line)
{
	const struct lg_sts_file files[] = { { "web/messages.xx", LG_STR("# fine\na = b\nnothing\n") } };
	struct sts_web *w;

	cr_assert_eq(sts_web_new(&kit.cx, kit.arena, files, 1, &w), LG_E_INVALID);
	cr_assert_str_eq(kit.cx.error, "web/messages.xx:3 is not \"key = text\"");
}

/* ---- the pages that we ship ------------------------------------------------------------------------------------------- */

static bool
has_key(const struct sts_language *l, lg_str key)
{
	for (size_t i = 0; i < l->n; i++)
		if (lg_str_eq(l->rows[i].key, key))
			return true;
	return false;
}

/* Every {{page.key}} of a page, in English: what others leave out is said in it. */
static void
check_page(const struct sts_web *w, const struct lg_sts_file *f)
{
	const char *text = kit_c(f->text);

	for (const char *at = strstr(text, "{{"); at != NULL; at = strstr(at + 2, "{{")) {
		lg_str key = { at + 2, strcspn(at + 2, "}") };

		if (memchr(key.p, '.', key.n) != NULL)
			cr_assert(has_key(&w->languages[0], key), "%s: %.*s is not in messages.en", f->name, LG_FMT(key));
	}
}

Test(page, every_message_of_every_page_is_in_english_and_german_and_no_language_has_others)
{
	const struct sts_web *w = kit.sts->web;
	const struct sts_language *en = &w->languages[0], *l;
	bool german = false;

	for (size_t i = 0; i < w->nfiles; i++)
		if (strstr(w->files[i].name, ".html") != NULL)
			check_page(w, &w->files[i]);
	for (l = en + 1; l < w->languages + w->nlanguages; l++) {
		for (size_t i = 0; i < l->n; i++)
			cr_assert(has_key(en, l->rows[i].key), "messages.%.*s has %.*s, English has not", LG_FMT(l->tag), LG_FMT(l->rows[i].key));
		if (!lg_str_eq(l->tag, LG_STR("de")))
			continue;
		german = true;
		for (size_t i = 0; i < en->n; i++)
			cr_assert(has_key(l, en->rows[i].key), "messages.de lacks %.*s", LG_FMT(en->rows[i].key));
	}
	cr_assert(german);
}

/* ---- where they lead ------------------------------------------------------------------------------------------------------ */

Test(page, the_service_s_name_alone_leads_to_the_account)
{
	struct answer a = kit_get("/", "", NULL);

	assert_status(a, 303);
	cr_assert_str_eq(kit_header(&a, "Location"), "/account");
}

Test(page, what_was_done_is_one_of_few_messages_whatever_the_address_says)
{
	const char *cookie = kit_sign_in();
	struct answer done = kit_get("/account", "done=withdraw", cookie), other = kit_get("/account", "done=signed-in.title", cookie),
	    none = kit_get("/account", "done=%3Cb%3E", cookie);

	cr_assert(strstr(kit_c(done.body), "role=\"status\">It is taken back.") != NULL);
	cr_assert(strstr(kit_c(other.body), "role=\"status\"") == NULL && strstr(kit_c(none.body), "role=\"status\"") == NULL);
}

Test(page, a_message_says_where_one_goes_on)
{
	struct answer over = kit_get("/login/link", "t=none", NULL);

	assert_status(over, 410);
	cr_assert(strstr(kit_c(over.body), "<a href=\"/login\">Back to sign-in</a>") != NULL);
}
