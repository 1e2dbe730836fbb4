/* fuzz_directory_pdu.c: any bytes on a connection, in two pieces: bounded work, well-formed answers. */
#include "tests/fuzz/ldap_world.h"

static void
run(struct lg_ldap *l, struct lg_ldap_conn *c)
{
	unsigned wants = LG_LDAP_RUN;

	for (int turns = 0; turns < 1000 && (wants & (LG_LDAP_RUN | LG_LDAP_WRITE)) != 0; turns++) {
		wants = lg_ldap_run(c);
		check_output(lg_ldap_output(c));
		lg_ldap_sent(c, lg_ldap_output(c).n);
		lg_store_turn(store);
		if ((wants & (LG_LDAP_CLOSE | LG_LDAP_START_TLS)) != 0)
			return;
		drain(l);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ldap_peer peer = { .address = "192.0.2.1:1", .tls = true, .uid = -1, .gid = -1, .pid = -1 };
	struct lg_ldap_conn *c;
	struct lg_ldap_options o;
	struct lg_ldap *l;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (store == NULL)
		set_up(&cx);
	if (size == 0 || size > 65536)
		return 0;
	o = (struct lg_ldap_options){ .dir = dir, .mailbox = mailbox, .tenant = 1, .time_limit = 1 };
	l = lg_ldap_new(&o);
	c = lg_ldap_conn_new(l, &peer, NULL, NULL);
	lg_ldap_feed(c, (lg_str){ (const char *)data, size / 2 });
	run(l, c);
	lg_ldap_feed(c, (lg_str){ (const char *)data + size / 2, size - size / 2 });
	run(l, c);
	lg_ldap_conn_free(&c);
	drain(l);
	lg_ldap_free(&l);
	lg_mailbox_drain(mailbox);
	return 0;
}
