/* reads.h: the LDAP side's question about an attribute, of many people. */
#ifndef LG_TESTS_SERVER_READS_H
#define LG_TESTS_SERVER_READS_H

#include "lightgate/directory.h"

struct lg_memo;
struct lg_memo *lg_memo_new(void);
void lg_memo_free(struct lg_memo **m);

/* Of the made-up people u0 .. : how many have this attribute that the actor may read?  Tenant 1, dc=example,dc=org. */
unsigned reads_permitted(struct lg_directory *dir, struct lg_store *st, const struct lg_actor *actor, const char *attribute,
    struct lg_memo *memo, unsigned n);

#endif
