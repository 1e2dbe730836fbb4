/* test_monitor.c: cn=Monitor: the service's figures as entries, for those who may see them. */
#include "base/clock.h"
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define MONITOR "cn=Monitor"

static struct world w;
static struct wire k;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	wire_start(&k, &w);
	w.figures = (struct lg_figures){ .counts = { .binds = 7, .searches = 70, .adds = 3, .modifies = 4, .deletes = 5, .renames = 6, .entries = 1000,
		.connections = 12 }, .connections = 2, .started = 1790000000 * LG_SECOND, .uptime = 90 * LG_SECOND };
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(monitor, .init = start, .fini = end);

Test(monitor, figures_are_the_ports)
{
	wire_finds(&k, "cn=Bind,cn=Operations," MONITOR, 0, "(objectClass=monitorOperation)", "monitorOpCompleted",
	    "cn=Bind,cn=Operations,cn=Monitor monitorOpCompleted=7\n");
	wire_finds(&k, "CN=operations , cn=monitor", 1, "(monitorOpCompleted>=5)", "monitorOpCompleted",
	    "cn=Bind,cn=Operations,cn=Monitor monitorOpCompleted=7\ncn=Search,cn=Operations,cn=Monitor monitorOpCompleted=70\n"
	    "cn=Delete,cn=Operations,cn=Monitor monitorOpCompleted=5\ncn=Modrdn,cn=Operations,cn=Monitor monitorOpCompleted=6\n");
	wire_finds(&k, "cn=Connections," MONITOR, 3, "(objectClass=*)", "monitorCounter",
	    "cn=Current,cn=Connections,cn=Monitor monitorCounter=2\ncn=Total,cn=Connections,cn=Monitor monitorCounter=12\n");
	wire_finds(&k, "cn=Uptime,cn=Time," MONITOR, 0, "(objectClass=*)", "monitoredInfo", "cn=Uptime,cn=Time,cn=Monitor monitoredInfo=90\n");
	wire_finds(&k, "cn=default,cn=Databases," MONITOR, 0, "(objectClass=*)", "namingContexts",
	    "cn=default,cn=Databases,cn=Monitor namingContexts=" SUFFIX "\n");
	wire_finds(&k, MONITOR, 0, "(objectClass=monitorServer)", "cn", "cn=Monitor cn=Monitor\n");
}

static lg_err
choose(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);

	(void)arg;
	return lg_index_choose(cx, &ed, LG_STR("description"), LG_STR("equality"), true);
}

Test(monitor, entries_and_unfinished_indexes_are_counted)
{
	const char *text;

	wire_finds(&k, "cn=Indexes," MONITOR, 1, "(objectClass=*)", "monitorCounter", "cn=Pending,cn=Indexes,cn=Monitor monitorCounter=0\n");
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", choose, NULL, NULL));
	wire_finds(&k, "cn=Pending,cn=Indexes," MONITOR, 0, "(objectClass=*)", "monitorCounter", "cn=Pending,cn=Indexes,cn=Monitor monitorCounter=1\n");
	cr_assert_eq(wire_search(&k, "cn=Indexes," MONITOR, 1, "(cn=description equality of default)", "1.1", &text), 0);
	assert_text(text, "cn=description equality of default,cn=Indexes,cn=Monitor\n");
	cr_assert_eq(wire_search(&k, "cn=Stored,cn=Databases," MONITOR, 0, "(monitorCounter>=5)", "1.1", &text), 0);
	assert_text(text, "cn=Stored,cn=Databases,cn=Monitor\n");
}

Test(monitor, what_is_not_there_is_not_there)
{
	const char *text;

	cr_assert_eq(wire_search(&k, "cn=Frob," MONITOR, 2, "(objectClass=*)", "", &text), 32);
	cr_assert_eq(wire_search(&k, "cn=Monitor,cn=Monitor", 2, "(objectClass=*)", "", &text), 32);
	wire_finds(&k, MONITOR, 2, "(monitorCounter=12345678)", "1.1", "");
}

Test(monitor, policy_decides_who_sees_it)
{
	const char *text;

	w.deny[w.ndeny++] = (struct denial){ "admin:read", NULL, NULL, NULL };
	cr_assert_eq(wire_search(&k, MONITOR, 2, "(objectClass=*)", "", &text), 32);
	w.ndeny = 0;
	cr_assert_eq(wire_search(&k, MONITOR, 2, "(objectClass=*)", "", &text), 0);
	wire_reconnect(&k);
	cr_assert_eq(wire_search(&k, MONITOR, 2, "(objectClass=*)", "", &text), 32, "nobody unknown sees it");
}
