/* test_ldap.c: what is said to another directory; the rest needs a real one (tests/e2e/sources.sh). */
#include "tests/sts/kit.h"

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
	cr_assert_eq(sts_ldap_check(&kit.cx, kit.sts, TENANT, &s, LG_STR("a"), &password, &p), LG_E_DENIED, "%s", kit.cx.error);
	int peer = accept(fd, NULL, NULL);
	cr_assert(peer < 0 || recv(peer, &byte, 1, 0) <= 0, "not an octet was said");
	close(peer);
	close(fd);
}
