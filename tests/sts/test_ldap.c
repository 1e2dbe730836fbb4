/* test_ldap.c: what is said to another directory; the rest needs a real one (tests/e2e/sources.sh). */
#include "tests/sts/kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "sts/ldap.h"

TestSuite(ldap, .init = kit_start, .fini = kit_end);

Test(ldap, a_name_in_a_filter_is_only_a_name)
{
	static const struct {
		lg_str login, filter;
	} rows[] = {
		{ LG_STR("alice"), LG_STR("(|(uid=alice)(mail=alice))") },
		{ LG_STR("*"), LG_STR("(|(uid=\\2a)(mail=\\2a))") },
		{ LG_STR("a)(uid=*"), LG_STR("(|(uid=a\\29\\28uid=\\2a)(mail=a\\29\\28uid=\\2a))") },
		{ LG_STR("a\\2a"), LG_STR("(|(uid=a\\5c2a)(mail=a\\5c2a))") },
		{ LG_STR("a\0b"), LG_STR("(|(uid=a\\00b)(mail=a\\00b))") },
		{ LG_STR("{login}"), LG_STR("(|(uid={login})(mail={login}))") },
		{ LG_STR("\xc3\xa9"), LG_STR("(|(uid=\xc3\xa9)(mail=\xc3\xa9))") },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		lg_str f = sts_ldap_filter(kit.arena, LG_STR("(|(uid={login})(mail={login}))"), rows[i].login);

		cr_assert(lg_str_eq(f, rows[i].filter), "%.*s", LG_FMT(f));
	}
}

#define CORP(more) "{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://127.0.0.1:1\"]," more "\"timeout\":1}"

static lg_err
check(const char *login, const char *text)
{
	LG_AUTO(lg_secret_free) struct lg_secret password = lg_secret_copy(lg_str_of(text));
	struct lg_peer peer = { .address = "10.0.0.7:1", .uid = -1, .gid = -1, .pid = -1 };
	struct lg_sts_subject who;

	return lg_sts_password_check(&kit.cx, kit.sts, TENANT, lg_str_of(login), &password, &peer, &who);
}

static bool
nowhere(void *self, const struct sockaddr *to)
{
	(void)self; (void)to;
	return false;
}

Test(ldap, who_has_a_password_here_is_asked_for_it_here)
{
	kit.sts->outside.may_reach = nowhere;
	kit_source(CORP(""));
	cr_assert_eq(check("alice", "alice-password"), LG_OK);
	cr_assert_eq(check("alice", "wrong"), LG_E_UNAUTHENTICATED);
	cr_assert_eq(check("nobody", "x"), LG_E_UNAVAILABLE, "the source cannot be asked: %s", kit.cx.error);
	kit_source(CORP("\"enabled\":false,"));
	cr_assert_eq(check("nobody", "x"), LG_E_UNAUTHENTICATED);
}

Test(ldap, an_address_that_may_not_be_spoken_to_is_not_spoken_to)
{
	LG_AUTO(lg_secret_free) struct lg_secret password = lg_secret_copy(LG_STR("x"));
	struct sockaddr_storage at;
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct lg_sts_person p;
	struct sts_source s;
	char byte;

	memset(&at, 0, sizeof at);
	at.ss_family = AF_INET;
	cr_assert(bind(fd, (struct sockaddr *)&at, sizeof(struct sockaddr_in)) == 0 && listen(fd, 1) == 0
	    && getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	kit.sts->outside.may_reach = nowhere;
	unsigned port = (unsigned)((const uint8_t *)&at)[2] << 8 | ((const uint8_t *)&at)[3];
	cr_assert_eq(sts_source_parse(&kit.cx, lg_str_of(kit_fmt("{\"name\":\"a\",\"kind\":\"ldap\",\"urls\":[\"ldap://127.0.0.1:%u\"],\"timeout\":1}", port)), &s),
	    LG_OK, "%s", kit.cx.error);
	cr_assert_eq(sts_ldap_check(&kit.cx, kit.sts, TENANT, &s, &(struct sts_ldap_try){ LG_STR("a"), &password, lg_boottime(), false }, &p), LG_E_DENIED, "%s", kit.cx.error);
	int peer = accept(fd, NULL, NULL);
	cr_assert(peer < 0 || recv(peer, &byte, 1, 0) <= 0, "not an octet was said");
	close(peer);
	close(fd);
}

/* ---- servers that do not answer -------------------------------------------------------------------------------------------- */

/* A port where connections are taken and nothing is said; fd is the caller's to close. */
static unsigned
mute(int *fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof at;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(*fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(*fd, 8) == 0 && getsockname(*fd, (struct sockaddr *)&at, &n) == 0);
	return ntohs(at.sin_port);
}

static bool
anywhere(void *self, const struct sockaddr *to)
{
	(void)self; (void)to;
	return true;
}

static char told[256];
static unsigned tellings;

static void
tell(void *self, lg_str source, lg_str url, lg_str why)
{
	(void)self; (void)url;
	lg_str said = lg_print(kit.arena, "%.*s: %.*s", LG_FMT(source), LG_FMT(why));

	memcpy(told, said.p, said.n < sizeof told ? said.n : sizeof told - 1);
	tellings++;
}

static int64_t
how_long(const char *login, lg_err expected)
{
	int64_t began = lg_boottime();

	cr_assert_eq(check(login, "x"), expected, "%s", kit.cx.error);
	return lg_boottime() - began;
}

Test(ldap, a_server_that_takes_the_connection_and_hangs_costs_one_timeout_whether_tls_comes_first_or_not)
{
	int fd;
	unsigned port = mute(&fd);

	kit.sts->outside.may_reach = anywhere;
	for (int tls = 0; tls < 2; tls++) {
		kit_source(kit_fmt("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldap%s://127.0.0.1:%u\"],\"timeout\":1}", tls ? "s" : "", port));
		int64_t took = how_long("nobody", LG_E_UNAVAILABLE);
		cr_assert(took > LG_SECOND * 9 / 10 && took < 3 * LG_SECOND, "%lld", (long long)took);
	}
	close(fd);
}

Test(ldap, whoever_is_turned_away_is_not_told_which_server_is_down_but_the_operator_is_once)
{
	int fd;
	unsigned port = mute(&fd);

	kit.sts->outside.may_reach = anywhere;
	kit.sts->ports.server_silent = tell;
	kit_source(kit_fmt("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://127.0.0.1:%u\"],\"timeout\":1}", port));
	(void)how_long("nobody", LG_E_UNAVAILABLE);
	cr_assert(strstr(kit.cx.error, "127.0.0.1") == NULL, "%s", kit.cx.error);
	cr_assert(strstr(told, "corp: ldaps://127.0.0.1:") == told, "%s", told);
	(void)how_long("nobody", LG_E_UNAVAILABLE);
	cr_assert_eq(tellings, 1u);
	close(fd);
}

Test(ldap, a_silent_server_rests_is_asked_by_one_and_is_remembered_until_it_answers)
{
	struct sts_silent *s = kit.sts->silent;
	const lg_str a = LG_STR("ldaps://a"), b = LG_STR("ldaps://b");

	cr_assert(sts_silent_ask(s, 1, a, 0), "not known: it is asked");
	cr_assert(sts_silent_ask(s, 1, a, 0), "... by as many as like");
	cr_assert(sts_silent_told(s, 1, a, true), "that is new");
	cr_assert(!sts_silent_told(s, 1, a, true), "that is not");
	int64_t after = lg_boottime() + 1;
	cr_assert(!sts_silent_ask(s, 1, a, 0), "it rests");
	cr_assert(sts_silent_ask(s, 1, b, 0) && sts_silent_ask(s, 2, a, 0), "others do not");
	cr_assert(!sts_silent_ask(s, 1, a, after - LG_SECOND), "who has just waited for it does not again");
	cr_assert(sts_silent_ask(s, 1, a, after), "nothing else answers: before its time");
	cr_assert(!sts_silent_ask(s, 1, a, after), "... by one at once");
	cr_assert(sts_silent_told(s, 1, a, false), "it answers");
	cr_assert(!sts_silent_told(s, 1, a, false), "and did before");
	cr_assert(sts_silent_ask(s, 1, a, 0));
}

Test(ldap, the_list_of_silent_servers_is_bounded_and_the_first_is_forgotten)
{
	struct sts_silent *s = kit.sts->silent;

	for (int i = 0; i < 1000; i++)
		cr_assert(sts_silent_told(s, 1, lg_str_of(kit_fmt("ldaps://%d", i)), true));
	cr_assert(sts_silent_ask(s, 1, LG_STR("ldaps://0"), 0));
	cr_assert(!sts_silent_ask(s, 1, LG_STR("ldaps://999"), 0));
}
