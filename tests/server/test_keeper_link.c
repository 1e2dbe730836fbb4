#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/keeper_link.h"

#define LOOPS 2

/* A real keeper in a process of its own, and a link to it. */
struct world {
	struct lg_ctx cx;
	char dir[100];
	pid_t pid;
	struct lg_keeper *control;
	int channel[LOOPS];
	struct lg_loop *loop[LOOPS];
	pthread_t thread[LOOPS];
	struct lg_keeper_link *kl;
	struct lg_signer signer;
	lg_err e;
};

static void
child(const char *dir, int control, int channels[LOOPS][2], int secret)
{
	int ends[LOOPS];
	struct lg_keeper_options o = { .dir = dir, .control = control, .channels = ends, .nchannels = LOOPS, .secret_fd = secret };

	for (int i = 0; i < LOOPS; i++) {
		ends[i] = channels[i][1];
		close(channels[i][0]);
	}
	_exit(lg_keeper_main(&o));
}

static void
start_keeper(struct world *w)
{
	int control[2], channels[LOOPS][2], secret[2];
	char bytes[32] = "0123456789abcdef0123456789abcde";

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control), 0);
	cr_assert_eq(pipe2(secret, O_CLOEXEC), 0);
	for (int i = 0; i < LOOPS; i++)
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channels[i]), 0);
	w->pid = fork();
	if (w->pid == 0) {
		close(control[0]);
		close(secret[1]);
		child(w->dir, control[1], channels, secret[0]);
	}
	close(control[1]);
	close(secret[0]);
	cr_assert_eq(write(secret[1], bytes, sizeof bytes), 32);
	close(secret[1]);
	for (int i = 0; i < LOOPS; i++) {
		close(channels[i][1]);
		w->channel[i] = channels[i][0];
	}
	w->control = lg_keeper_new(control[0]);
}

static void
note(void *arg, lg_err e, lg_str reply)
{
	struct world *w = arg;

	w->e = e;
	if (e != LG_OK)
		lg_fail(&w->cx, e, "%.*s", LG_FMT(reply));
}

static void
make_tenant(struct world *w)
{
	struct lg_ceiling c = { .issuer = LG_STR("https://localhost"), .trust_domain = LG_STR("example.org"), .loopback = true,
		.token_life = LG_HOUR, .ticket_life = LG_MINUTE, .leaf_life = LG_DAY };

	cr_assert_eq(lg_keeper_create_tenant(w->control, 1, LG_STR("one"), &c, note, w), LG_OK);
	cr_assert_eq(lg_keeper_wait(w->control), LG_OK);
	cr_assert_eq(w->e, LG_OK, "%s", w->cx.error);
}

static void *
run_loop(void *arg)
{
	lg_loop_run(arg);
	return NULL;
}

static void
begin(struct world *w)
{
	memset(w, 0, sizeof *w);
	lg_ctx_init(&w->cx, lg_arena_new());
	snprintf(w->dir, sizeof w->dir, "%s/k%d", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
	mkdir(w->dir, 0700);
	start_keeper(w);
	make_tenant(w);
	for (int i = 0; i < LOOPS; i++)
		cr_assert_eq(lg_loop_new(&w->cx, &w->loop[i]), LG_OK);
	cr_assert_eq(lg_keeper_link_new(&w->cx, w->loop, LOOPS, &w->kl), LG_OK);
	for (int i = 0; i < LOOPS; i++)
		pthread_create(&w->thread[i], NULL, run_loop, w->loop[i]);
	lg_keeper_link_signer(w->kl, &w->signer);
}

static void
connect_all(struct world *w)
{
	for (size_t i = 0; i < LOOPS; i++)
		lg_keeper_link_connect(w->kl, i, w->channel[i]);
}

static void
end(struct world *w)
{
	for (int i = 0; i < LOOPS; i++) {
		lg_loop_stop(w->loop[i]);
		pthread_join(w->thread[i], NULL);
	}
	lg_keeper_link_free(&w->kl);
	for (int i = 0; i < LOOPS; i++)
		lg_loop_free(&w->loop[i]);
	lg_keeper_free(&w->control);
	waitpid(w->pid, NULL, 0);
	lg_arena_free(&w->cx.arena);
}

static struct lg_token_request
request(const struct lg_ctx *cx)
{
	return (struct lg_token_request){ .tenant = 1, .purpose = LG_PURPOSE_TOKEN, .typ = LG_STR("at+jwt"), .subject = LG_STR("s"),
		.audience = { LG_STR("a") }, .naudience = 1, .issued = cx->now, .life = LG_MINUTE };
}

Test(keeper_link, workers_wait_for_tokens)
{
	struct world w;
	struct lg_token_request rq;
	lg_str token;

	begin(&w);
	rq = request(&w.cx);
	cr_assert_not(lg_keeper_link_up(w.kl));
	cr_assert_eq(w.signer.token_wait(w.signer.self, &w.cx, &rq, &token), LG_E_UNAVAILABLE);
	connect_all(&w);
	cr_assert(lg_keeper_link_up(w.kl));
	for (int i = 0; i < 10; i++)
		cr_assert_eq(w.signer.token_wait(w.signer.self, &w.cx, &rq, &token), LG_OK, "%s", w.cx.error);
	cr_assert_gt(token.n, 100);
	rq.tenant = 9;
	cr_assert_neq(w.signer.token_wait(w.signer.self, &w.cx, &rq, &token), LG_OK);
	cr_assert(w.cx.error[0] != '\0');
	end(&w);
}

/* ---- on a loop -------------------------------------------------------------------------------------- */

static int answered, good;

static void
count(void *arg, lg_err e, lg_str reply)
{
	(void)arg, (void)reply;
	good += e == LG_OK;
	__atomic_fetch_add(&answered, 1, __ATOMIC_SEQ_CST);
}

static void
ask_many(void *arg)
{
	struct world *w = arg;
	struct lg_token_request rq = request(&w->cx);

	for (int i = 0; i < 100; i++)
		if (w->signer.token(w->signer.self, &rq, count, NULL) != LG_OK)
			count(NULL, LG_E_BUSY, LG_NONE);
}

static bool
wait_for(int n)
{
	for (int i = 0; i < 500 && __atomic_load_n(&answered, __ATOMIC_SEQ_CST) < n; i++)
		usleep(10000);
	return __atomic_load_n(&answered, __ATOMIC_SEQ_CST) == n;
}

Test(keeper_link, a_loop_asks_for_many_in_one_turn)
{
	struct world w;

	begin(&w);
	connect_all(&w);
	lg_loop_call(w.loop[0], ask_many, &w);
	cr_assert(wait_for(100));
	cr_assert_eq(good, 100);
	end(&w);
}

Test(keeper_link, a_dead_keeper_leaves_nobody_waiting_and_a_new_one_is_used)
{
	struct world w;
	struct lg_token_request rq;
	lg_str token;

	begin(&w);
	rq = request(&w.cx);
	connect_all(&w);
	kill(w.pid, SIGSTOP);
	lg_loop_call(w.loop[0], ask_many, &w);
	kill(w.pid, SIGKILL);
	cr_assert(wait_for(100));
	cr_assert_eq(good, 0);
	waitpid(w.pid, NULL, 0);
	for (int i = 0; i < 100 && lg_keeper_link_up(w.kl); i++)
		usleep(10000);
	cr_assert_not(lg_keeper_link_up(w.kl));
	cr_assert_eq(w.signer.token_wait(w.signer.self, &w.cx, &rq, &token), LG_E_UNAVAILABLE);
	lg_keeper_free(&w.control);
	start_keeper(&w);
	connect_all(&w);
	cr_assert_eq(w.signer.token_wait(w.signer.self, &w.cx, &rq, &token), LG_OK, "%s", w.cx.error);
	end(&w);
}

static lg_err
ask_wrap(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	(void)arg;
	return lg_keeper_wrap_new(k, 1, done, done_arg);
}

Test(keeper_link, data_keys_are_unwrapped_once_and_held)
{
	struct world w;
	const struct lg_secret *key;
	lg_str wrapped;

	begin(&w);
	connect_all(&w);
	cr_assert_eq(w.signer.data_key(w.signer.self, &w.cx, 1, &key), LG_E_NOT_FOUND);
	cr_assert_eq(lg_keeper_link_wait(w.kl, &w.cx, ask_wrap, NULL, &wrapped), LG_OK, "%s", w.cx.error);
	cr_assert_eq(lg_keeper_link_data_key(w.kl, &w.cx, 1, wrapped), LG_OK, "%s", w.cx.error);
	cr_assert_eq(w.signer.data_key(w.signer.self, &w.cx, 1, &key), LG_OK);
	cr_assert_eq(key->n, 32);
	end(&w);
}

/* ---- between two mutations: what succeeds is issued all day by tests/e2e; here is what does not --------------------- */

static const struct lg_table rows = { .name = "test.rows", .id = 0x7001 };

struct tried {
	struct lg_between b;
	bool refuse;
	int before, after, taken;
};

static lg_err
run_before(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct tried *t = (struct tried *)(void *)((char *)job - offsetof(struct tried, b.before));

	t->before++;
	if (t->refuse)
		return lg_fail(cx, LG_E_DENIED, "not this one");
	return lg_put(cx, v, &rows, LG_STR("\0\0\0\1k"), LG_STR("v"));
}

static lg_err
run_after(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	(void)cx, (void)v;
	((struct tried *)(void *)((char *)job - offsetof(struct tried, b.after)))->after++;
	return LG_OK;
}

static lg_err
take(void *arg, struct lg_ctx *cx, lg_str der)
{
	(void)cx, (void)der;
	((struct tried *)arg)->taken++;
	return LG_OK;
}

static struct lg_store *
open_store(struct world *w)
{
	static const struct lg_table *const tables[] = { &rows };
	struct lg_store_options o = { .map_size = 64u << 20, .tables = tables, .ntables = 1, .node = LG_STR("n"), .nosync = true };
	struct lg_store *st;

	o.dir = lg_print(w->cx.arena, "%s/store", w->dir).p;
	o.archive = lg_print(w->cx.arena, "%s/archive", w->dir).p;
	cr_assert(mkdir(o.dir, 0700) == 0 && mkdir(o.archive, 0700) == 0);
	cr_assert_eq(lg_store_open(&w->cx, &o, &st), LG_OK, "%s", w->cx.error);
	return st;
}

static lg_err
try_between(struct world *w, struct lg_store *st, struct tried *t)
{
	t->b = (struct lg_between){ .tenant = 1, .tbs = LG_STR("\x30\0"), .take = take, .arg = t,
		.before = { .run = run_before, .operation = "test.before" }, .after = { .run = run_after, .operation = "test.after" } };
	return lg_keeper_between(w->kl, st, &w->cx, &t->b);
}

static atomic_int over;
static lg_err over_as;

static void
is_over(struct lg_between *b, lg_err e)
{
	(void)b;
	over_as = e;
	atomic_fetch_add(&over, 1);
}

/* Whoever has gone away is called back, once. */
static lg_err
without_me(struct world *w, struct lg_store *st, struct tried *t)
{
	int before = atomic_load(&over);

	t->b = (struct lg_between){ .tenant = 1, .tbs = LG_STR("\x30\0"), .take = take, .arg = t, .done = is_over,
		.before = { .run = run_before, .operation = "test.before" }, .after = { .run = run_after, .operation = "test.after" } };
	cr_assert_eq(lg_keeper_between(w->kl, st, &w->cx, &t->b), LG_PENDING);
	for (int i = 0; i < 2000 && atomic_load(&over) == before; i++)
		usleep(1000);
	cr_assert_eq(atomic_load(&over), before + 1);
	return over_as;
}

Test(keeper_link, what_fails_between_two_mutations_is_told_to_who_has_gone_away)
{
	struct world w;
	struct tried no = { .refuse = true }, away = { .refuse = false }, denied = { .refuse = false };
	struct lg_store *st;

	begin(&w);
	st = open_store(&w);
	cr_assert_eq(without_me(&w, st, &away), LG_E_UNAVAILABLE, "no keeper: %s", w.cx.error);
	cr_assert(away.before == 1 && away.after == 0);
	connect_all(&w);
	cr_assert_eq(without_me(&w, st, &no), LG_E_DENIED);
	cr_assert_str_eq(w.cx.error, "not this one");
	cr_assert_neq(without_me(&w, st, &denied), LG_OK, "the keeper signs no such thing");
	cr_assert(denied.before == 1 && denied.taken == 0 && denied.after == 0);
	kill(w.pid, SIGKILL);
	cr_assert_eq(without_me(&w, st, &away), LG_E_UNAVAILABLE);
	lg_store_close(&st);
	end(&w);
}

Test(keeper_link, what_fails_between_two_mutations_goes_no_further)
{
	struct world w;
	struct tried no = { .refuse = true }, away = { .refuse = false }, denied = { .refuse = false };
	struct lg_store *st;

	begin(&w);
	st = open_store(&w);
	cr_assert_eq(try_between(&w, st, &away), LG_E_UNAVAILABLE, "no keeper: %s", w.cx.error);
	cr_assert(away.before == 1 && away.taken == 0 && away.after == 0);
	connect_all(&w);
	cr_assert_eq(try_between(&w, st, &no), LG_E_DENIED);
	cr_assert_str_eq(w.cx.error, "not this one");
	cr_assert(no.before == 1 && no.taken == 0 && no.after == 0);
	for (int i = 0; i < 10; i++) {
		denied = (struct tried){ .refuse = false };
		cr_assert_neq(try_between(&w, st, &denied), LG_OK, "the keeper signs no such thing");
		cr_assert(denied.before == 1 && denied.taken == 0 && denied.after == 0);
	}
	kill(w.pid, SIGKILL);
	cr_assert_eq(try_between(&w, st, &away), LG_E_UNAVAILABLE);
	cr_assert_eq(away.after, 0);
	lg_store_close(&st);
	end(&w);
}
