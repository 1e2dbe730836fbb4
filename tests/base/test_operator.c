/* The operator's packets: words in, pieces of an answer out, nothing else believed. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/operator.h"
#include "tests/base/base_test.h"

static bool
parses(const char *p, size_t n)
{
	struct lg_operator_words w;

	return lg_operator_parse((lg_str){ p, n }, &w);
}

Test(operator, words_end_in_nul_and_may_be_empty)
{
	struct lg_operator_words w;

	cr_assert(lg_operator_parse((lg_str){ "tenant-create\0two\0\0", 19 }, &w));
	cr_assert(w.n == 3);
	cr_assert(lg_str_eq(w.word[1], LG_STR("two")));
	cr_assert(w.word[2].n == 0);
}

Test(operator, what_is_no_list_of_words_is_refused)
{
	char many[LG_OPERATOR_WORDS + 1] = { 0 }, long_word[LG_OPERATOR_REQUEST + 1];

	memset(long_word, 'a', sizeof long_word);
	long_word[sizeof long_word - 1] = '\0';
	cr_assert(!parses("", 0));
	cr_assert(!parses("open", 4));
	cr_assert(!parses("\xff\0", 2));
	cr_assert(!parses(many, sizeof many));
	cr_assert(parses(many, sizeof many - 1));
	cr_assert(!parses(long_word, sizeof long_word));
}

struct far_end {
	int fd;
	lg_str text;
	lg_err e;
};

static void *
answer(void *arg)
{
	struct far_end *far = arg;
	struct lg_operator_words w;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_operator_hear(&cx, far->fd, &w) == LG_OK && far->e != LG_OK)
		(void)!lg_fail(&cx, far->e, "%.*s is refused", LG_FMT(w.word[0]));
	lg_operator_reply(&cx, far->fd, far->e, far->text);
	close(far->fd);
	lg_arena_free(&cx.arena);
	return NULL;
}

static lg_err
exchange(struct lg_ctx *cx, lg_err e, lg_str text, lg_str *ret)
{
	struct lg_operator_words w = { { LG_STR("ask") }, 1 };
	struct far_end far = { -1, text, e };
	pthread_t thread;
	int pair[2];

	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	far.fd = pair[1];
	cr_assert(pthread_create(&thread, NULL, answer, &far) == 0);
	cr_assert(lg_operator_ask(cx, pair[0], &w) == LG_OK);
	lg_err got = lg_operator_answer(cx, pair[0], ret);
	pthread_join(thread, NULL);
	close(pair[0]);
	return got;
}

Test(operator, an_answer_of_many_packets_arrives_whole)
{
	struct lg_ctx cx;
	lg_str got;

	lg_ctx_init(&cx, lg_arena_new());
	char *p = lg_alloc(cx.arena, 1000000);
	for (size_t i = 0; i < 1000000; i++)
		p[i] = (char)('a' + i % 23);
	cr_assert(exchange(&cx, LG_OK, (lg_str){ p, 1000000 }, &got) == LG_OK);
	cr_assert(lg_str_eq(got, (lg_str){ p, 1000000 }));
	cr_assert(exchange(&cx, LG_OK, LG_NONE, &got) == LG_OK);
	cr_assert(got.n == 0);
	lg_arena_free(&cx.arena);
}

Test(operator, an_error_comes_with_its_code_and_sentence)
{
	struct lg_ctx cx;
	lg_str got;

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert(exchange(&cx, LG_E_EXISTS, LG_NONE, &got) == LG_E_EXISTS);
	cr_assert_str_eq(cx.error, "ask is refused");
	lg_arena_free(&cx.arena);
}

Test(operator, who_says_nothing_is_not_waited_for_longer_than_said)
{
	struct lg_ctx cx;
	struct lg_operator_words w;
	int pair[2];

	lg_ctx_init(&cx, lg_arena_new());
	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	lg_operator_patience(pair[0], 50000);
	cr_assert(lg_operator_hear(&cx, pair[0], &w) == LG_E_UNAVAILABLE);
	close(pair[1]);
	cr_assert(lg_operator_hear(&cx, pair[0], &w) == LG_E_UNAVAILABLE);
	close(pair[0]);
	lg_arena_free(&cx.arena);
}
