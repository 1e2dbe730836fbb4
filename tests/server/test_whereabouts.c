/* test_whereabouts.c: a host is believed for its own containers at its own addresses, and for nothing else. */
#include "base/ipnet.h"
#include "server/admissions.h"
#include "server/whereabouts.h"
#include "tests/server/place.h"

static struct place p;
static struct lg_entry node1, node2;

struct deed {
	const struct lg_entry *host;
	const char *container, *workload;
	lg_uuid entry;
	struct lg_whereabout all[4];
	size_t n;
	bool end;
};

static lg_err
run_admit(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct deed *d = arg;
	struct lg_admission ad = { .id = lg_uuid_new(), .host = d->host->uuid, .requester = d->host->uuid, .requester_type = LG_STR("Host"),
		.container = lg_str_of(d->container), .workload = lg_str_of(d->workload), .entry = d->entry, .time = lg_view_time(v) };

	if (d->end)
		ad.ended = ad.time;
	return lg_admission_put(cx, v, PLACE_TENANT, &ad);
}

/* Nil for one that has no entry. */
static lg_uuid
find_workload(const char *name)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_entry e = { .id = 0 };

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	(void)!lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, lg_str_of(name), &e);
	return e.uuid;
}

static void
admit(const struct lg_entry *host, const char *container, const char *workload, bool end)
{
	struct deed d = { .host = host, .container = container, .workload = workload, .end = end, .entry = find_workload(workload) };

	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", run_admit, &d, NULL));
}

static lg_err
run_say(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct deed *d = arg;
	struct lg_entry host;

	LG_TRY(lg_entry_by_uuid(cx, v, PLACE_TENANT, d->host->uuid, &host));
	return lg_whereabouts_set(cx, v, &host, d->all, d->n);
}

/* "10.77.1.2 c1", and so on, ended by NULL. */
static lg_err
say(const struct lg_entry *host, const char *const *said)
{
	struct deed d = { .host = host };
	lg_str address;

	for (; said[d.n] != NULL; d.n++) {
		(void)lg_str_cut(lg_str_of(said[d.n]), ' ', &address, &d.all[d.n].container);
		cr_assert(lg_ip_octets_parse(p.cx.arena, address, &d.all[d.n].address));
	}
	return lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", run_say, &d, NULL);
}
#define SAY(host, ...)	say(host, (const char *const[]){ __VA_ARGS__, NULL })

static lg_str
told(const struct lg_entry *host)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_entry now;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_uuid(&p.cx, v, PLACE_TENANT, host->uuid, &now));
	lg_jsonw_object(&w);
	place_ok(&p, lg_whereabouts_write(&p.cx, v, &now, &w));
	lg_jsonw_object_end(&w);
	return lg_dup(p.cx.arena, lg_buf_view(&b));
}
#define TOLD(host, text)	cr_expect(lg_str_eq(told(host), LG_STR(text)), "%.*s", LG_FMT(told(host)))

static void
setup(void)
{
	place_start(&p);
	node1 = place_make(&p, LG_TYPE_HOST, "node1", "lgAddressRange", "10.77.1.0/24");
	node2 = place_make(&p, LG_TYPE_HOST, "node2", "lgAddressRange", "fd77::/64");
	place_make(&p, LG_TYPE_HOST, "node3", "lgAddressRange", "not a range");
	place_make(&p, LG_TYPE_WORKLOAD, "web", NULL, NULL);
	place_make(&p, LG_TYPE_WORKLOAD, "db", NULL, NULL);
	admit(&node1, "c1", "web", false);
	admit(&node1, "c2", "db", false);
	admit(&node2, "c3", "db", false);
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(whereabouts, .init = setup, .fini = teardown);

Test(whereabouts, others_are_told_and_oneself_is_not)
{
	place_ok(&p, SAY(&node1, "10.77.1.2 c1", "10.77.1.3 c2"));
	place_ok(&p, SAY(&node2, "fd77::3 c3"));
	TOLD(&node1, "{\"delegated\":[\"10.77.1.0/24\"],\"addresses\":[{\"address\":\"fd77::3\",\"workload\":\"db\"}]}");
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[{\"address\":\"10.77.1.2\",\"workload\":\"web\"},"
	    "{\"address\":\"10.77.1.3\",\"workload\":\"db\"}]}");
	place_ok(&p, SAY(&node1, "10.77.1.3 c1"));
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[{\"address\":\"10.77.1.3\",\"workload\":\"web\"}]}");
}

Test(whereabouts, what_is_not_the_hosts_is_refused_and_changes_nothing)
{
	place_ok(&p, SAY(&node1, "10.77.1.2 c1"));
	place_err(&p, LG_E_DENIED, SAY(&node1, "10.77.1.2 c1", "10.77.2.2 c2"));		/* an address of nobody's range */
	place_err(&p, LG_E_DENIED, SAY(&node1, "fd77::3 c1"));				/* of another host's */
	place_err(&p, LG_E_DENIED, SAY(&node1, "10.77.1.9 c3"));				/* a container of another host */
	place_err(&p, LG_E_DENIED, SAY(&node1, "10.77.1.9 c9"));				/* of nobody */
	admit(&node1, "c2", "db", true);
	place_err(&p, LG_E_DENIED, SAY(&node1, "10.77.1.9 c2"));				/* that has ended */
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[{\"address\":\"10.77.1.2\",\"workload\":\"web\"}]}");
}

Test(whereabouts, a_range_that_is_none_delegates_nothing)
{
	struct lg_entry node3;
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_HOST, LG_STR("node3"), &node3));
	lg_view_end(&v);
	v = NULL;
	admit(&node3, "c1", "web", false);
	place_err(&p, LG_E_DENIED, SAY(&node3, "10.77.1.2 c1"));
	TOLD(&node3, "{\"delegated\":[],\"addresses\":[]}");
}

static lg_err
run_forget(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_whereabouts_forget(cx, v, PLACE_TENANT, node1.uuid, lg_str_of(arg));
}

Test(whereabouts, what_ended_and_whose_host_is_disabled_or_gone_is_not_told)
{
	place_ok(&p, SAY(&node1, "10.77.1.2 c1", "10.77.1.3 c2", "10.77.1.4 c1"));
	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", run_forget, (void *)(uintptr_t)"c1", NULL));
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[{\"address\":\"10.77.1.3\",\"workload\":\"db\"}]}");
	place_enable(&p, LG_TYPE_HOST, "node1", false);
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[]}");
	place_enable(&p, LG_TYPE_HOST, "node1", true);
	place_remove(&p, LG_TYPE_HOST, "node1");
	TOLD(&node2, "{\"delegated\":[\"fd77::/64\"],\"addresses\":[]}");
}

/* Nobody has these ids: there, everything is refused. */
Test(whereabouts, a_container_stays_the_workload_that_it_was_admitted_for)
{
	char web[LG_UUID_TEXT + 1];

	admit(&node1, "c4", "payments", false);		/* without an entry */
	place_ok(&p, SAY(&node1, "10.77.1.2 c1", "10.77.1.4 c4"));
#define OTHERS(first) "{\"delegated\":[\"fd77::/64\"],\"addresses\":[{\"address\":\"10.77.1.2\",\"workload\":\"" first "\"}," \
	"{\"address\":\"10.77.1.4\",\"workload\":\"00000000-0000-0000-0000-000000000000\"}]}"
	TOLD(&node2, OTHERS("web"));
	lg_uuid_text(find_workload("web"), web);
	place_make(&p, LG_TYPE_WORKLOAD, "payments", NULL, NULL);
	place_remove(&p, LG_TYPE_WORKLOAD, "web");
	place_make(&p, LG_TYPE_WORKLOAD, "web", NULL, NULL);
	lg_str wanted = lg_print(p.cx.arena, OTHERS("%s"), web), got = told(&node2);
	cr_expect(lg_str_eq(got, wanted), "%.*s", LG_FMT(got));
}
