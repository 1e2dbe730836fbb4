/* wired.h: the suites with one world of people and one connection to it. */
#ifndef LG_TESTS_DIRECTORY_WIRED_H
#define LG_TESTS_DIRECTORY_WIRED_H

#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX
#define STAFF "cn=staff,ou=groups," SUFFIX
#define ADMINS "cn=admins,ou=groups," SUFFIX
#define PEOPLE "ou=people," SUFFIX

static struct world w;
static struct wire k;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	wire_start(&k, &w);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

static inline void
start_as_alice(void)
{
	start();
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

#endif
