/* test_admissions.c: admissions, tickets redeemed once, and what a host says of a container. */
#include "base/clock.h"
#include "server/admissions.h"
#include "tests/server/place.h"

static struct place p;

static void
setup(void)
{
	place_start(&p);
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(admissions, .init = setup, .fini = teardown);

static lg_err
redeem(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_ticket_redeem(cx, v, PLACE_TENANT, arg);
}

static lg_err
redeem_now(struct lg_ticket *t)
{
	return lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", redeem, t, NULL);
}

Test(admissions, a_ticket_is_redeemed_once)
{
	struct lg_ticket t = { .claims = { .jti = LG_STR("one"), .expires = p.cx.now + LG_MINUTE } };
	struct lg_ticket other = { .claims = { .jti = LG_STR("two"), .expires = p.cx.now + LG_MINUTE } };

	place_ok(&p, redeem_now(&t));
	place_err(&p, LG_E_DENIED, redeem_now(&t));
	place_ok(&p, redeem_now(&other));
}

Test(admissions, what_was_redeemed_is_forgotten_only_after_its_time)
{
	struct lg_ticket live = { .claims = { .jti = LG_STR("live"), .expires = p.cx.now + LG_MINUTE } };
	struct lg_ticket old = { .claims = { .jti = LG_STR("old"), .expires = p.cx.now - LG_HOUR } };
	struct lg_app app = { .store = p.store };
	bool more = true;

	place_ok(&p, redeem_now(&live));
	place_ok(&p, redeem_now(&old));
	place_ok(&p, lg_redeemed_sweep(&p.cx, &app, 1, &more));
	cr_assert(!more);
	place_err(&p, LG_E_DENIED, redeem_now(&live));
	place_ok(&p, redeem_now(&old));
}

struct put {
	struct lg_admission ad;
};

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_admission_put(cx, v, PLACE_TENANT, &((struct put *)arg)->ad);
}

Test(admissions, an_admission_belongs_to_its_host)
{
	struct put w = { { .id = lg_uuid_new(), .host = lg_uuid_new(), .requester = lg_uuid_new(), .container = LG_STR("c1"),
	    .requester_type = LG_STR("User"), .workload = LG_STR("web"), .project = LG_STR("shop"), .image = LG_STR("busybox"),
	    .bundle = LG_STR("abc"), .time = 5, .revision = 3 } };
	struct lg_admission ad;
	struct lg_view *v = NULL;

	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", put, &w, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_admission_get(&p.cx, v, PLACE_TENANT, w.ad.host, LG_STR("c1"), &ad));
	cr_assert(lg_uuid_eq(ad.id, w.ad.id) && lg_uuid_eq(ad.requester, w.ad.requester) && ad.time == 5 && ad.ended == 0 && ad.revision == 3);
	cr_assert(lg_str_eq(ad.workload, LG_STR("web")) && lg_str_eq(ad.project, LG_STR("shop")) && lg_str_eq(ad.bundle, LG_STR("abc")));
	place_err(&p, LG_E_NOT_FOUND, lg_admission_get(&p.cx, v, PLACE_TENANT, lg_uuid_new(), LG_STR("c1"), &ad));
	place_err(&p, LG_E_NOT_FOUND, lg_admission_get(&p.cx, v, PLACE_TENANT, w.ad.host, LG_STR("c2"), &ad));
	place_err(&p, LG_E_NOT_FOUND, lg_admission_get(&p.cx, v, PLACE_TENANT + 1, w.ad.host, LG_STR("c1"), &ad));
	lg_view_end(&v);
}

struct old_row {
	lg_uuid host;
};

/* As an older release wrote it: without the ids of workload and project. */
static lg_err
put_old(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct old_row *o = arg;
	struct put w = { { .host = o->host, .container = LG_STR("c1"), .requester_type = LG_STR("User"), .workload = LG_STR("web"), .by_name = true } };

	return put(cx, v, &w);
}

Test(admissions, one_of_an_older_release_goes_by_its_name)
{
	struct old_row o = { lg_uuid_new() };
	struct lg_entry web = place_make(&p, LG_TYPE_WORKLOAD, "web", NULL, NULL);
	struct lg_admission ad;
	struct lg_view *v = NULL;

	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", put_old, &o, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_admission_get(&p.cx, v, PLACE_TENANT, o.host, LG_STR("c1"), &ad));
	cr_assert(ad.by_name && lg_uuid_is_nil(ad.entry));
	place_ok(&p, lg_admission_names(&p.cx, v, PLACE_TENANT, &ad));
	cr_assert(lg_uuid_eq(ad.entry, web.uuid));
	lg_view_end(&v);
}

static lg_err
rename_it(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(p.directory, v, PLACE_TENANT);
	struct lg_entry e;

	(void)arg;
	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, LG_STR("web"), &e));
	return lg_entry_rename(cx, &ed, &e, LG_STR("cn=shop"), true, NULL);
}

Test(admissions, the_workload_of_an_admission_is_its_entry_by_whatever_name)
{
	struct put w = { { .id = lg_uuid_new(), .host = lg_uuid_new(), .container = LG_STR("c1"), .requester_type = LG_STR("User"),
	    .workload = LG_STR("web"), .entry = place_make(&p, LG_TYPE_WORKLOAD, "web", NULL, NULL).uuid } };
	struct lg_admission ad;
	struct lg_view *v = NULL;

	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", put, &w, NULL));
	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", rename_it, NULL, NULL));
	place_make(&p, LG_TYPE_WORKLOAD, "web", NULL, NULL);
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_admission_get(&p.cx, v, PLACE_TENANT, w.ad.host, LG_STR("c1"), &ad));
	place_ok(&p, lg_admission_names(&p.cx, v, PLACE_TENANT, &ad));
	cr_assert(lg_str_eq(ad.workload, LG_STR("shop")));
	lg_view_end(&v);
	place_remove(&p, LG_TYPE_WORKLOAD, "shop");
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_err(&p, LG_E_DENIED, lg_admission_names(&p.cx, v, PLACE_TENANT, &ad));
	lg_view_end(&v);
}

/* ---- facts: parsing alone ------------------------------------------------------------------------------------------- */

#define FLAGS "\"privileged\":false,\"host_network\":false,\"host_pid\":false,\"host_ipc\":false,\"shared_namespace\":false,"
#define REST "\"user\":\"0:0\",\"capabilities\":[\"CAP_KILL\"],\"devices\":[],\"mounts\":[\"/tmp\"],\"sensitive_mount\":false,\"hooks\":[]"

static const struct {
	const char *text;
	lg_err wanted;
} facts[] = {
	{ "{" FLAGS REST ",\"args\":[\"/bin/true\"]}", LG_OK },
	{ "{" FLAGS REST ",\"args\":[],\"networks\":[\"front\"]}", LG_OK },
	{ "{\"args\":[]," REST "," FLAGS "\"args2\":1}", LG_E_INVALID },
	{ "{" FLAGS REST "}", LG_E_INVALID },			/* a fact that is missing is not a fact that is harmless */
	{ "{" REST ",\"args\":[]}", LG_E_INVALID },
	{ "{" FLAGS REST ",\"args\":[],\"args\":[]}", LG_E_INVALID },
	{ "{" FLAGS REST ",\"args\":\"/bin/true\"}", LG_E_INVALID },
	{ "{" FLAGS REST ",\"args\":[1]}", LG_E_INVALID },
	{ "{\"privileged\":\"false\"}", LG_E_INVALID }, { "{}", LG_E_INVALID }, { "[]", LG_E_INVALID }, { "", LG_E_INVALID },
};

Test(container_facts, all_of_them_or_none)
{
	struct lg_fact f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	for (size_t i = 0; i < LG_COUNT(facts); i++)
		cr_expect_eq(lg_container_facts(&cx, lg_str_of(facts[i].text), &f), facts[i].wanted, "%s: %s", facts[i].text, cx.error);
	cr_assert_eq(lg_container_facts(&cx, lg_str_of(facts[0].text), &f), LG_OK);
	cr_assert(f.type == LG_FACT_RECORD && f.n == 12 && strcmp(f.name, "container") == 0);
	cr_assert_eq(lg_container_facts(&cx, lg_str_of(facts[1].text), &f), LG_OK);
	cr_assert_eq(f.n, 13);
	lg_arena_free(&cx.arena);
}

Test(container_facts, a_list_has_a_limit)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);
	struct lg_fact f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	for (size_t n = LG_FACT_LIST; n <= LG_FACT_LIST + 1; n++) {
		lg_buf_clear(&b);
		lg_buf_str(&b, LG_STR("{" FLAGS REST ",\"args\":["));
		for (size_t i = 0; i < n; i++)
			lg_buf_str(&b, i == 0 ? LG_STR("\"x\"") : LG_STR(",\"x\""));
		lg_buf_str(&b, LG_STR("]}"));
		cr_expect_eq(lg_container_facts(&cx, lg_buf_view(&b), &f), n > LG_FACT_LIST ? LG_E_INVALID : LG_OK);
	}
	lg_arena_free(&cx.arena);
}

Test(container_id, a_path_is_none)
{
	static const char *const bad[] = { "", "a/b", "a b", "a\nb", "\xc3\xa4", "a:b", "a%2f" };
	static char longest[LG_CONTAINER_ID + 1];
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	memset(longest, 'x', sizeof longest);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_expect_eq(lg_container_id_check(&cx, lg_str_of(bad[i])), LG_E_INVALID, "%s", bad[i]);
	cr_expect_eq(lg_container_id_check(&cx, (lg_str){ "a\0b", 3 }), LG_E_INVALID);
	cr_expect_eq(lg_container_id_check(&cx, (lg_str){ longest, LG_CONTAINER_ID }), LG_OK);
	cr_expect_eq(lg_container_id_check(&cx, (lg_str){ longest, LG_CONTAINER_ID + 1 }), LG_E_INVALID);
	lg_arena_free(&cx.arena);
}
