/*
 * ldap_world.h: a directory for the fuzz targets of connections: a store with one tenant, made once; what inputs write to it stays.
 * Included by one file a program.
 */
#ifndef TESTS_FUZZ_LDAP_WORLD_H
#define TESTS_FUZZ_LDAP_WORLD_H

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

/* Password work comes back in run(), as it would from another thread: at most as many as a connection has operations. */
static struct waiting {
	lg_hash_done *done;
	lg_hash_made *made;
	void *arg;
	bool match;
} waits[2 * LG_LDAP_OPERATIONS];
static size_t nwaits;

static lg_err
wait_for(struct waiting w)
{
	if (nwaits == LG_COUNT(waits))
		return LG_E_BUSY;
	waits[nwaits++] = w;
	return LG_OK;
}

static lg_err
verify(void *self, lg_str stored, const struct lg_secret *password, lg_hash_done *done, void *arg)
{
	(void)self;
	return wait_for((struct waiting){ done, NULL, arg, stored.n > 0 && password->n == 6 && memcmp(password->p, "secret", 6) == 0 });
}

static lg_err
renew(void *self, const lg_str *used, size_t n, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	(void)self, (void)used, (void)n, (void)password;
	return wait_for((struct waiting){ NULL, made, arg, false });
}

static lg_err
hash(void *self, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	return renew(self, NULL, 0, password, made, arg);
}

static void
finish_passwords(void)
{
	size_t n = nwaits;
	struct waiting now[LG_COUNT(waits)];

	memcpy(now, waits, sizeof now);
	nwaits = 0;
	for (size_t i = 0; i < n; i++)
		if (now[i].done != NULL)
			now[i].done(now[i].arg, LG_OK, now[i].match, false);
		else
			now[i].made(now[i].arg, LG_OK, LG_STR("{PLAIN}secret"));
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	(void)self, (void)cx, (void)tenant;
	*ret = &key;
	return LG_OK;
}

static const struct lg_decider decider = { .ask = ask, .revision = revision };
static const struct lg_hasher hasher = { .verify = verify, .hash = hash, .renew = renew };
static const struct lg_signer signer = { .data_key = data_key };
static const struct lg_directory_ports ports = { .decider = &decider, .hasher = &hasher, .signer = &signer };
static char folder[] = "/tmp/lg-fuzz-ldap.XXXXXX";

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
drain(struct lg_ldap *l)
{
	while (lg_ldap_outstanding(l) > 0) {
		finish_passwords();
		lg_mailbox_drain(mailbox);
	}
	lg_mailbox_drain(mailbox);		/* what commits have posted */
}

#endif
