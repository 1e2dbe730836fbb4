/* test_http_bounds.c: what a client can make grow or wait for, and where handlers run. */
#include "tests/server/handlers.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(http_bounds, .init = handlers_begin, .fini = handlers_end);
TestSuite(http_bounds_set, .init = handlers_init, .fini = handlers_end);

/* ---- limits ---------------------------------------------------------------------------------------------- */

Test(http_bounds, heads_are_bounded)
{
	static char big[70000];
	size_t n;

	n = (size_t)snprintf(big, sizeof big, "GET /hello HTTP/1.1\r\n" H "X: ");
	memset(big + n, 'a', 60000);
	memcpy(big + n + 60000, "\r\n\r\n", 5);
	cr_expect_eq(kit_ask(&k, big, n + 60004, buf, sizeof buf), 431);
	n = (size_t)snprintf(big, sizeof big, "GET /");
	memset(big + n, 'a', 60000);
	memcpy(big + n + 60000, " HTTP/1.1\r\n\r\n", 14);
	cr_expect_eq(kit_ask(&k, big, n + 60013, buf, sizeof buf), 414);
	memcpy(big + 5 + LG_HTTP_TARGET_MAX, " HTTP/1.1\r\n" H "\r\n", 23);
	cr_expect_eq(kit_ask(&k, big, 5 + LG_HTTP_TARGET_MAX + 22, buf, sizeof buf), 414);
	n = (size_t)snprintf(big, sizeof big, "GET /hello HTTP/1.1\r\n" H);
	for (int i = 0; i < LG_HTTP_HEADERS; i++)
		n += (size_t)snprintf(big + n, sizeof big - n, "X-%d: y\r\n", i);
	n += (size_t)snprintf(big + n, sizeof big - n, "\r\n");
	cr_expect_eq(kit_ask(&k, big, n, buf, sizeof buf), 431);
}

Test(http_bounds, bodies_are_bounded)
{
	int fd;

	cr_expect_eq(ASK("POST /small HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789"), 200);
	cr_expect_eq(ASK("POST /small HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n01234567890"), 413);
	cr_expect_eq(ASK("POST /small HTTP/1.1\r\n" H "Content-Length: 999999999999999999999999\r\n\r\n"), 413);
	cr_expect_eq(ASK("POST /small HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"), 413);
	cr_expect_eq(ASK("POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"), 413);
	fd = kit_connect(&k);
	KIT_SEND(fd, "POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
	memset(buf, 'a', sizeof buf);
	for (int i = 0; i < 100 && !kit_closed(fd, 0); i++) {
		KIT_SEND(fd, "1000\r\n");
		kit_send(fd, buf, sizeof buf);
		KIT_SEND(fd, "\r\n");
	}
	cr_expect(kit_closed(fd, 2000), "an endless body is cut off");
	close(fd);
}

Test(http_bounds_set, a_head_that_drips_is_cut)
{
	int fd;
	bool cut = false;

	k.o.request_time = LG_SECOND / 2;
	begin_with(LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, "GET /hello HTTP/1.1\r\nX: ");
	for (int i = 0; i < 40 && !cut; i++) {
		KIT_SEND(fd, "a");
		cut = kit_closed(fd, 50);
	}
	cr_assert(cut);
	close(fd);
}

Test(http_bounds_set, a_body_that_drips_is_cut)
{
	int fd;
	bool cut = false;

	k.o.request_time = LG_SECOND / 2;
	begin_with(LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
	for (int i = 0; i < 40 && !cut; i++) {
		KIT_SEND(fd, "a");
		cut = kit_closed(fd, 50);
	}
	cr_assert(cut);
	close(fd);
}

Test(http_bounds_set, a_request_at_work_is_not_cut_and_an_idle_connection_is)
{
	int fd;

	k.o.request_time = k.o.reply_time = k.o.idle_time = LG_SECOND / 20;
	begin_with(LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, GET("/slow"));
	cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200);
	cr_assert(kit_closed(fd, 2000));
	close(fd);
}

Test(http_bounds_set, a_reply_that_nobody_takes_is_cut)
{
	int fd, small = 4096;

	k.o.reply_time = LG_SECOND / 2;
	begin_with(LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	KIT_SEND(fd, GET("/large"));
	for (int i = 0; i < 300 && lg_limits_count(k.limits) > 0; i++)
		usleep(10000);
	cr_assert_eq(lg_limits_count(k.limits), 0);
	close(fd);
}

Test(http_bounds, only_so_many_may_wait)
{
	enum { N = KIT_LOOPS * LG_HTTP_WAITING + 40 };
	static int fd[N];
	int good = 0, busy = 0;

	for (int i = 0; i < N; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/hold"));
		if (i % 50 == 0)
			usleep(10000);		/* the backlog has 64 places */
	}
	for (int i = 0; i < 500 && handlers_held() < KIT_LOOPS * LG_HTTP_WAITING; i++)
		usleep(10000);
	usleep(100000);
	cr_assert_eq(handlers_held(), KIT_LOOPS * LG_HTTP_WAITING);
	handlers_release();
	for (int i = 0; i < N; i++) {
		int status = kit_answer(fd[i], buf, sizeof buf);

		good += status == 200;
		busy += status == 503;
		close(fd[i]);
	}
	cr_assert_eq(good, KIT_LOOPS * LG_HTTP_WAITING);
	cr_assert_eq(busy, 40);
}

Test(http_bounds_set, connections_of_one_address_are_bounded)
{
	int fd[4];

	k.limits = k.o.limits = lg_limits_new(100, 3);
	begin_with(LG_SURFACE_HTTP);
	for (int i = 0; i < 3; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/hello"));
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
	}
	fd[3] = kit_connect(&k);
	cr_assert(kit_closed(fd[3], 2000));
	close(fd[3]);
	close(fd[0]);
	for (int i = 0; i < 100 && lg_limits_count(k.limits) > 2; i++)
		usleep(10000);
	cr_assert_eq(ASK(GET("/hello")), 200);
	close(fd[1]);
	close(fd[2]);
}

/* ---- where handlers run --------------------------------------------------------------------------------------- */

Test(http_bounds, workers_and_callbacks_answer)
{
	cr_assert_eq(ASK(GET("/slow")), 200);
	cr_assert(strstr(buf, "\r\n\r\nslow") != NULL);
	cr_assert_eq(ASK(GET("/pending")), 200);
	cr_assert(strstr(buf, "\r\n\r\nlater") != NULL);
	cr_assert_eq(ASK(GET("/at-once")), 200);
	cr_assert(strstr(buf, "\r\n\r\nat once") != NULL);
}

Test(http_bounds, workers_work_side_by_side)
{
	int fd[40];
	int64_t began;

	began = lg_boottime();
	for (int i = 0; i < 40; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
		close(fd[i]);
	}
	cr_assert_lt(lg_boottime() - began, 3 * LG_SECOND);	/* 40 x 0.1 s on 4 workers */
}

Test(http_bounds_set, a_full_queue_is_busy_at_once)
{
	int fd[100], busy = 0;

	lg_pool_free(&k.workers);
	cr_assert_eq(lg_pool_new(&k.cx, 1, 4, 0, 0, &k.workers), LG_OK);
	k.o.workers = k.workers;
	begin_with(LG_SURFACE_HTTP);
	for (int i = 0; i < 20; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	for (int i = 0; i < 20; i++) {
		int status = kit_answer(fd[i], buf, sizeof buf);

		cr_assert(status == 200 || status == 503);
		busy += status == 503;
		close(fd[i]);
	}
	cr_assert_geq(busy, 10);
}

static const struct lg_route others[] = { { "GET", "/other", PLAIN, LG_ON_WORKER, 0, handler_slow } };

Test(http_bounds_set, one_component_cannot_hold_all_workers)
{
	int fd[20];
	int64_t began;

	k.o.share = 2;
	kit_new(&k);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, handlers, nhandlers, NULL), LG_OK);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, others, 1, &k), LG_OK);
	kit_attach(&k, PLAIN);
	kit_open(&k, LG_SURFACE_HTTP);
	for (int i = 0; i < 20; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	usleep(20000);
	began = lg_boottime();
	cr_assert_eq(ASK(GET("/other")), 200);
	cr_expect_lt(lg_boottime() - began, LG_SECOND / 2, "it waited behind the others");
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
		close(fd[i]);
	}
	cr_assert_gt(lg_boottime() - began, LG_SECOND / 2, "20 x 0.1 s on 2 workers");
}

/* Each place of the share is free again once its exchange is answered, though no worker ever came back with it. */
Test(http_bounds_set, a_worker_may_give_its_exchange_away)
{
	int fd[12];

	k.o.share = 2;
	begin_with(LG_SURFACE_HTTP);
	for (int i = 0; i < 12; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow-pending"));
	}
	for (int i = 0; i < 12; i++) {
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
		cr_assert(strstr(buf, "later") != NULL);
		close(fd[i]);
	}
}

Test(http_bounds, a_client_that_leaves_while_a_worker_is_at_it_does_no_harm)
{
	for (int i = 0; i < 10; i++) {
		int fd = kit_connect(&k);

		KIT_SEND(fd, GET("/slow"));
		usleep(5000);
		close(fd);
	}
	cr_assert_eq(ASK(GET("/slow")), 200);
	for (int i = 0; i < 100 && lg_http_live(k.hs) > 0; i++)
		usleep(20000);
	cr_assert_eq(lg_http_live(k.hs), 0);
}

Test(http_bounds, a_body_may_come_in_pieces)
{
	int fd;

	fd = kit_connect(&k);
	KIT_SEND(fd, "GET /stream HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	for (int n = 0, r; (r = (int)recv(fd, buf + n, sizeof buf - 1 - (size_t)n, 0)) > 0;) {
		n += r;
		buf[n] = '\0';
	}
	cr_assert(strstr(buf, "piece 0;") != NULL && strstr(buf, "piece 2;") != NULL, "%s", buf);
	close(fd);
	for (int i = 0; i < 200 && __atomic_load_n(&handlers_ended, __ATOMIC_SEQ_CST) == 0; i++)
		usleep(10000);
	cr_assert_eq(handlers_ended, 1);
}
