#include "tests/crypto/keeper_run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

const struct lg_ceiling test_ceiling = {
	.issuer = LG_STR("https://id.example.org"),
	.trust_domain = LG_STR("acme.example.org"),
	.dns_suffixes = { LG_STR("acme.example.org"), LG_STR("svc.internal") },
	.ndns = 2,
	.token_life = 300 * LG_SECOND,
	.ticket_life = 120 * LG_SECOND,
	.leaf_life = 24 * LG_HOUR,
};

void
run_init(struct run *r)
{
	const char *tmp = getenv("TMPDIR");

	memset(r, 0, sizeof *r);
	fixture_init(&r->f);
	snprintf(r->dir, sizeof r->dir, "%s/keeper.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert(mkdtemp(r->dir) != NULL);
	cr_assert(mkdir(lg_print(r->f.arena, "%s/keeper", r->dir).p, 0700) == 0);
	lg_random(r->secret, sizeof r->secret);
	run_start(r);
}

static void
child(struct run *r, int control, const int *channels, int secret)
{
	struct lg_keeper_options o = {
		.dir = lg_print(r->f.arena, "%s/keeper", r->dir).p, .control = control, .channels = channels, .nchannels = 2,
		.secret_fd = secret, .confine = true, .threads = 2,
	};

	_exit(lg_keeper_main(&o));
}

static void
pair(int fd[2])
{
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
}

void
run_start(struct run *r)
{
	int control[2], a[2], b[2], secret[2];

	pair(control);
	pair(a);
	pair(b);
	cr_assert(pipe2(secret, O_CLOEXEC) == 0);
	r->pid = fork();
	cr_assert(r->pid >= 0);
	if (r->pid == 0) {
		int channels[] = { a[1], b[1] };
		close(control[0]);
		close(a[0]);
		close(b[0]);
		close(secret[1]);
		child(r, control[1], channels, secret[0]);
	}
	close(control[1]);
	close(a[1]);
	close(b[1]);
	close(secret[0]);
	cr_assert(lg_write_all(secret[1], r->secret, sizeof r->secret));
	close(secret[1]);
	r->control = lg_keeper_new(control[0]);
	r->server = lg_keeper_new(a[0]);
	r->server2 = lg_keeper_new(b[0]);
}

int
run_stop(struct run *r)
{
	int status = 0;

	lg_keeper_free(&r->control);
	if (r->pid > 0)
		waitpid(r->pid, &status, 0);
	r->pid = 0;
	lg_keeper_free(&r->server);
	lg_keeper_free(&r->server2);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
run_end(struct run *r)
{
	run_stop(r);
	run_shell(r, "rm -rf %s", r->dir);
	fixture_end(&r->f);
}

void
run_done(void *arg, lg_err e, lg_str reply)
{
	struct run *r = arg;

	r->err = e;
	r->reply = lg_dup(r->f.arena, reply);
	r->answered++;
}

lg_err
run_wait(struct run *r, struct lg_keeper *k, lg_err queued)
{
	if (queued != LG_OK)
		return queued;
	r->err = LG_PENDING;
	(void)lg_keeper_wait(k);
	if (r->err != LG_OK)
		snprintf(r->f.cx.error, sizeof r->f.cx.error, "%.*s", LG_FMT(r->reply));
	return r->err;
}

void
run_tenant(struct run *r, uint32_t id)
{
	assert_ok(r->f, ASK(*r, control, lg_keeper_create_tenant, id, LG_STR("acme"), &test_ceiling));
}

static struct lg_keeper_key *
keys(struct run *r, size_t *n)
{
	struct lg_keeper_key *k;

	assert_ok(r->f, ASK(*r, server, lg_keeper_keys));
	assert_ok(r->f, lg_keeper_keys_parse(&r->f.cx, r->reply, &k, n));
	return k;
}

struct lg_keeper_key
run_key(struct run *r, uint32_t tenant, enum lg_purpose purpose, enum lg_key_state state)
{
	size_t n;
	struct lg_keeper_key *k = keys(r, &n);

	for (size_t i = 0; i < n; i++)
		if (k[i].tenant == tenant && k[i].purpose == purpose && k[i].state == state)
			return k[i];
	cr_assert(false, "tenant %u has no key of purpose %d in state %d", tenant, (int)purpose, (int)state);
	return k[0];
}

size_t
run_count(struct run *r, uint32_t tenant, enum lg_purpose purpose, enum lg_key_state state)
{
	size_t n, count = 0;
	struct lg_keeper_key *k = keys(r, &n);

	for (size_t i = 0; i < n; i++)
		count += k[i].tenant == tenant && k[i].purpose == purpose && k[i].state == state;
	return count;
}

struct lg_keyset *
run_keyset(struct run *r, uint32_t tenant, enum lg_purpose purpose)
{
	struct lg_keyset_key set[16];
	size_t n, count = 0;
	struct lg_keeper_key *k = keys(r, &n);

	for (size_t i = 0; i < n; i++) {
		if (k[i].tenant != tenant || k[i].purpose != purpose)
			continue;
		set[count] = (struct lg_keyset_key){ k[i].kid, k[i].alg, NULL };
		assert_ok(r->f, lg_pubkey_from_spki(&r->f.cx, k[i].spki, &set[count].key));
		count++;
	}
	struct lg_keyset *ks = lg_keyset_new(set, count);
	for (size_t i = 0; i < count; i++)
		lg_pubkey_unref(&set[i].key);
	return ks;
}

struct lg_token_request
test_token(void)
{
	return (struct lg_token_request){
		.tenant = 1, .purpose = LG_PURPOSE_TOKEN, .typ = LG_STR("at+jwt"), .subject = LG_STR("alice"),
		.audience = { LG_STR("api") }, .naudience = 1, .issued = lg_wall(), .life = 60 * LG_SECOND,
		.extra = LG_STR("\"scope\":\"a b\",\"client_id\":\"web\""),
	};
}

const char *
run_file(struct run *r, const char *name, lg_str data)
{
	const char *path = lg_print(r->f.arena, "%s/%s", r->dir, name).p;

	assert_ok(r->f, lg_file_write(&r->f.cx, path, 0600, data));
	return path;
}

int
run_shell(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lg_str command = lg_vprint(r->f.arena, fmt, ap);
	va_end(ap);
	int status = system(command.p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
