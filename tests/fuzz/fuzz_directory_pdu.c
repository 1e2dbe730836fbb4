/*
 * fuzz_directory_pdu.c: any bytes on a connection, in two pieces: bounded work, well-formed answers.
 * The store is empty but for one tenant and is made once; what the input writes to it stays, as it would.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "directory/ber.h"
#include "lightgate/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_store *store;
static struct lg_directory *dir;
static struct lg_mailbox *mailbox;
static struct lg_secret key;

static lg_err
ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	(void)self, (void)cx, (void)v, (void)q;
	*ret = (struct lg_verdict){ .permit = true, .stable = true, .general = true };
	return LG_OK;
}

static uint64_t
revision(void *self, uint32_t tenant)
{
	(void)self, (void)tenant;
	return 1;
}

static lg_err
verify(void *self, lg_str stored, const struct lg_secret *password, lg_hash_done *done, void *arg)
{
	(void)self, (void)stored, (void)password, (void)done, (void)arg;
	return LG_E_BUSY;
}

static lg_err
hash(void *self, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	(void)self, (void)password, (void)made, (void)arg;
	return LG_E_BUSY;
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	(void)self, (void)cx, (void)tenant;
	*ret = &key;
	return LG_OK;
}

static const struct lg_decider decider = { .ask = ask, .revision = revision };
static const struct lg_hasher hasher = { .verify = verify, .hash = hash };
static const struct lg_signer signer = { .data_key = data_key };
static const struct lg_directory_ports ports = { .decider = &decider, .hasher = &hasher, .signer = &signer };
static char folder[] = "/tmp/lg-fuzz-pdu.XXXXXX";

static lg_err
add_tenant(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	return lg_tenant_add(cx, dir, v, 1, LG_STR("default"), LG_STR("dc=example,dc=org"));
}

static void
clean(void)
{
	char command[64];

	lg_directory_close(&dir);
	lg_store_close(&store);
	lg_mailbox_free(&mailbox);
	lg_secret_free(&key);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	if (system(command) != 0)
		perror("rm");
}

static void
set_up(struct lg_ctx *cx)
{
	struct lg_store_options o = { .map_size = (size_t)1 << 30, .tables = lg_directory_tables, .ntables = lg_directory_ntables,
		.node = LG_STR("fuzz"), .nosync = true };
	static char st[64], archive[64];

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(st, sizeof st, "%s/store", folder);
	snprintf(archive, sizeof archive, "%s/archive", folder);
	o.dir = st;
	o.archive = archive;
	key = lg_secret_new(32);
	if (mkdir(st, 0700) != 0 || mkdir(archive, 0700) != 0 || lg_store_open(cx, &o, &store) != LG_OK || lg_mailbox_new(cx, &mailbox) != LG_OK ||
	    lg_directory_open(cx, store, &ports, &dir) != LG_OK || lg_store_apply(cx, store, 1, "tenant.create", add_tenant, NULL, NULL) != LG_OK)
		abort();
	atexit(clean);
}

/* Everything that is sent is a sequence of LDAP messages. */
static void
check_output(lg_str out)
{
	while (out.n > 0) {
		int64_t n = lg_ber_frame(out, 64u << 20);
		if (n <= 0 || (size_t)n > out.n)
			abort();
		out = lg_str_sub(out, (size_t)n, out.n);
	}
}

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
		while (lg_ldap_outstanding(l) > 0)
			lg_mailbox_drain(mailbox);
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
	while (lg_ldap_outstanding(l) > 0)
		lg_mailbox_drain(mailbox);
	lg_ldap_free(&l);
	return 0;
}
