/*
 * bench_crypto.c: tokens through the keeper against the bare signature, and what verifying costs.
 *
 * The keeper is a process of its own with one lane, confined; CPU is its own (from its start, key making included) and
 * this process's.  The bare signature is EVP over the same number of octets, in this process.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lightgate/keeper.h"

#define TOKENS	60000
#define ROUNDS	20000

static char dir[] = "/tmp/bench_crypto.XXXXXX";

static void
must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bench_crypto: %s failed\n", what);
		exit(1);
	}
}

static void
report(const char *what, double seconds, int n)
{
	printf("%-44s %8.2f us %10.0f /CPU-s\n", what, seconds / n * 1e6, n / seconds);
}

/* ---- in this process ---------------------------------------------------------------------------------- */

/* Returns seconds of CPU for one signature. */
static double
bench_sign(struct lg_ctx *cx, const struct lg_key *k)
{
	static const char text[400];
	lg_str sig;

	int64_t start = lg_cpu_ns();
	for (int i = 0; i < ROUNDS; i++)
		must(lg_key_sign_jose(cx, k, LG_ALG_ES256, (lg_str){ text, sizeof text }, &sig) == LG_OK, "signing");
	double seconds = 1e-9 * (double)(lg_cpu_ns() - start);
	report("ES256 signature, cached key", seconds, ROUNDS);
	return seconds / ROUNDS;
}

static void
bench_verify(struct lg_ctx *cx, const struct lg_key *k)
{
	struct lg_keyset_key key = { LG_STR("k"), LG_ALG_ES256, lg_key_public(k) };
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = lg_keyset_new(&key, 1);
	LG_AUTO(lg_arena_free) struct lg_arena *each = lg_arena_new();
	struct lg_claims claims;
	struct lg_jws jws;
	struct lg_ctx one;
	lg_str token;

	must(lg_jws_sign(cx, k, LG_ALG_ES256, "at+jwt", LG_STR("k"), LG_STR("{\"iss\":\"https://id.example.org\",\"sub\":\"alice\","
	    "\"aud\":\"api\",\"exp\":9999999999,\"iat\":1,\"scope\":\"a b\"}"), &token) == LG_OK, "signing");
	int64_t start = lg_cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		lg_arena_reset(each);
		lg_ctx_init(&one, each);
		must(lg_jws_verify(&one, token, ks, "at+jwt", &jws) == LG_OK
		    && lg_claims_parse(&one, jws.payload, &claims) == LG_OK, "verifying");
	}
	report("token verified, claims read", 1e-9 * (double)(lg_cpu_ns() - start), ROUNDS);
}

/* ---- through the keeper ------------------------------------------------------------------------------- */

static void
done(void *arg, lg_err e, lg_str reply)
{
	(void)arg, (void)reply;
	must(e == LG_OK, "an answer");
}

static pid_t
start_keeper(struct lg_keeper **control, struct lg_keeper **server)
{
	static const uint8_t secret[32] = { 1 };
	int c[2], s[2], p[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, c) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0
	    && pipe(p) == 0, "a socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		struct lg_keeper_options o = {
			.dir = dir, .control = c[1], .channels = &s[1], .nchannels = 1, .secret_fd = p[0], .confine = true, .threads = 1,
		};
		close(c[0]);
		close(s[0]);
		close(p[1]);
		_exit(lg_keeper_main(&o));
	}
	close(c[1]);
	close(s[1]);
	close(p[0]);
	must(pid > 0 && lg_write_all(p[1], secret, sizeof secret), "starting the keeper");
	close(p[1]);
	*control = lg_keeper_new(c[0]);
	*server = lg_keeper_new(s[0]);
	return pid;
}

static void
create_tenant(struct lg_keeper *control)
{
	struct lg_ceiling c = {
		.issuer = LG_STR("https://id.example.org"), .trust_domain = LG_STR("example.org"), .token_life = LG_HOUR,
		.ticket_life = LG_MINUTE, .leaf_life = LG_DAY,
	};

	must(lg_keeper_create_tenant(control, 1, LG_STR("bench"), &c, done, NULL) == LG_OK && lg_keeper_wait(control) == LG_OK,
	    "a tenant");
}

static void
ask_tokens(struct lg_keeper *server, int batch)
{
	struct lg_token_request rq = {
		.tenant = 1, .purpose = LG_PURPOSE_TOKEN, .typ = LG_STR("at+jwt"), .life = 5 * LG_MINUTE,
		.subject = LG_STR("6fa459ea-ee8a-3ca4-894e-db77e160355e"), .audience = { LG_STR("https://api.example.org") }, .naudience = 1,
		.extra = LG_STR("\"scope\":\"container:start\",\"client_id\":\"2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d\","
		    "\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}"),
	};

	for (int i = 0; i < TOKENS; i += batch) {
		rq.issued = lg_wall();
		for (int j = 0; j < batch; j++)
			must(lg_keeper_token(server, &rq, done, NULL) == LG_OK, "asking");
		must(lg_keeper_wait(server) == LG_OK, "the keeper");
	}
}

static double
cpu_of(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void
bench_keeper(int batch, double bare)
{
	struct lg_keeper *control, *server;
	char what[64];

	must(mkdtemp(dir) != NULL, "a folder");
	double before = cpu_of(RUSAGE_CHILDREN);
	pid_t pid = start_keeper(&control, &server);
	create_tenant(control);
	double own = cpu_of(RUSAGE_SELF);
	ask_tokens(server, batch);
	own = cpu_of(RUSAGE_SELF) - own;
	lg_keeper_free(&control);
	waitpid(pid, NULL, 0);
	lg_keeper_free(&server);
	double seconds = own + cpu_of(RUSAGE_CHILDREN) - before;
	snprintf(what, sizeof what, "token through the keeper, batches of %d", batch);
	report(what, seconds, TOKENS);
	printf("%-44s %8.2f\n", "  of the rate of bare signatures", bare * TOKENS / seconds);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
}

int
main(void)
{
	static const int batches[] = { 1, 16, 64 };
	struct lg_arena *arena = lg_arena_new();
	struct lg_key *key;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	must(lg_key_generate(&cx, LG_KEY_P256, &key) == LG_OK, "a key");
	double bare = bench_sign(&cx, key);
	bench_verify(&cx, key);
	for (size_t i = 0; i < LG_COUNT(batches); i++)
		bench_keeper(batches[i], bare);
	lg_key_free(&key);
	lg_arena_free(&arena);
	return 0;
}
