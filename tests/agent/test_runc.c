/* test_runc.c: lightgate-runc reads the command line as runc does, and what it cannot read it refuses. */
#include <criterion/criterion.h>

int runc_main(int argc, char **argv);
#define main runc_main
#include "agent/runc_main.c"
#undef main

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LINE_WORDS 32

/* One line into words. */
static int
split(const char *line, char *words[LINE_WORDS])
{
	static char text[1024];
	int n = 0;

	snprintf(text, sizeof text, "%s", line);
	for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " "))
		words[n++] = strcmp(p, "''") == 0 ? &text[sizeof text - 1] : p;
	words[n] = NULL;
	return n;
}

/* id NULL: passed on or refused; kept: the options that stay, joined by blanks. */
static const struct {
	const char *line;
	enum what what;
	const char *id, *bundle, *kept;
} lines[] = {
	{ "runc", PASS, NULL, NULL, "" },
	{ "runc --version", PASS, NULL, NULL, "" },
	{ "runc --root /r state c1", PASS, NULL, NULL, "" },
	{ "runc --debug --log=/l --log-format json kill c1 9", PASS, NULL, NULL, "" },
	{ "runc delete --force c1", PASS, NULL, NULL, "" },
	{ "runc exec -t c1 sh -c create", EXEC, "c1", NULL, "" },
	{ "runc exec --process /p --pid-file=/f -d c1", EXEC, "c1", NULL, "" },
	{ "runc exec --cap CAP_A -c CAP_B -u 1:2 c1 sh --cap x", EXEC, "c1", NULL, "CAP_A CAP_B" },
	{ "runc exec -- c1 sh", EXEC, "c1", NULL, "" },
	{ "runc exec", REFUSE, NULL, NULL, NULL },
	{ "runc exec -t", REFUSE, NULL, NULL, NULL },
	{ "runc exec --frob c1 sh", REFUSE, NULL, NULL, NULL },
	{ "runc exec --user", REFUSE, NULL, NULL, NULL },
	{ "runc create c1", START, "c1", NULL, "" },
	{ "runc run -b /b c1", START, "c1", "/b", "" },
	{ "runc run --bundle /b c1", START, "c1", "/b", "" },
	{ "runc run -bundle=/b c1", START, "c1", "/b", "" },
	{ "runc run --b /b c1", START, "c1", "/b", "" },
	{ "runc run c1 -b /b", START, "c1", "/b", "" },
	{ "runc run -b /a -b /b c1", START, "c1", "/b", "" },
	{ "runc run -b '' c1", START, "c1", "", "" },
	{ "runc --root /r --systemd-cgroup create --bundle /b --pid-file /p --console-socket=/s --no-pivot c1", START, "c1", "/b",
	    "--pid-file=/p --console-socket=/s --no-pivot" },
	{ "runc run -d --keep --preserve-fds 3 c1", START, "c1", NULL, "-d --keep --preserve-fds=3" },
	{ "runc run --detach=false c1", START, "c1", NULL, "--detach=false" },
	{ "runc run --pid-file -x c1", START, "c1", NULL, "--pid-file=-x" },
	{ "runc restore --image-path /i --bundle /b c1", REFUSE, NULL, NULL, NULL },
	{ "runc checkpoint --image-path /i c1", REFUSE, NULL, NULL, NULL },
	{ "runc run --image-path /i c1", REFUSE, NULL, NULL, NULL },
	{ "runc run -- c1", START, "c1", NULL, "" },
	{ "runc run -d -- -b", REFUSE, NULL, NULL, NULL },
	{ "runc run", REFUSE, NULL, NULL, NULL },
	{ "runc run ''", REFUSE, NULL, NULL, NULL },
	{ "runc run c1 c2", REFUSE, NULL, NULL, NULL },
	{ "runc run --unknown c1", REFUSE, NULL, NULL, NULL },
	{ "runc run -Bundle=/b c1", REFUSE, NULL, NULL, NULL },
	{ "runc run ---bundle=/b c1", REFUSE, NULL, NULL, NULL },
	{ "runc run c1 -b", REFUSE, NULL, NULL, NULL },
	{ "runc --unknown run c1", REFUSE, NULL, NULL, NULL },
	{ "runc --root", REFUSE, NULL, NULL, NULL },
	{ "runc Run c1", REFUSE, NULL, NULL, NULL },
	{ "runc init", REFUSE, NULL, NULL, NULL },
	{ "runc hook x", REFUSE, NULL, NULL, NULL },
};

static void
join(const struct command *c, char ret[1024])
{
	ret[0] = '\0';
	for (int i = 0; i < c->nwords; i++)
		snprintf(ret + strlen(ret), 1024 - strlen(ret), "%s%s", i > 0 ? " " : "", c->words[i]);
}

static void
check_start(const char *line, const struct command *c, const char *id, const char *bundle, const char *kept)
{
	char words[1024];

	cr_assert_str_eq(c->id, id, "%s", line);
	cr_assert_eq(c->bundle == NULL, bundle == NULL, "%s", line);
	if (bundle != NULL)
		cr_assert_str_eq(c->bundle, bundle, "%s", line);
	join(c, words);
	cr_assert_str_eq(words, kept, "%s: %s", line, words);
}

Test(runc, command_lines)
{
	char *words[LINE_WORDS];
	struct command c;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		int n = split(lines[i].line, words);
		read_command(n, words, &c);
		cr_assert_eq(c.what, lines[i].what, "%s: %s", lines[i].line, c.why);
		if (c.what == START)
			check_start(lines[i].line, &c, lines[i].id, lines[i].bundle, lines[i].kept);
		for (int k = 0; k < c.nwords; k++)
			free(c.words[k]);
	}
}

Test(runc, more_options_than_are_taken_are_refused)
{
	char *words[WORDS_MAX + 2];
	struct command c;
	int n = 0;

	words[n++] = (char *)(size_t)"runc";
	words[n++] = (char *)(size_t)"run";
	while (n < WORDS_MAX)
		words[n++] = (char *)(size_t)"--keep";
	words[n++] = (char *)(size_t)"c1";
	words[n] = NULL;
	read_command(n, words, &c);
	cr_assert_eq(c.what, REFUSE);
	for (int k = 0; k < c.nwords; k++)
		free(c.words[k]);
}

/* ---- the agent's answers ----------------------------------------------------------------------------------- */

struct fake {
	int listener;
	const char *reply;
	char heard[4096];
};

static void *
answer_once(void *arg)
{
	struct fake *f = arg;
	int fd = accept(f->listener, NULL, NULL);
	ssize_t n, got = 0;

	while ((n = read(fd, f->heard + got, sizeof f->heard - 1 - (size_t)got)) > 0)
		got += n;
	if (f->reply == NULL)
		sleep(4);		/* an agent that hangs */
	else if (write(fd, f->reply, strlen(f->reply)) < 0)
		perror("write");
	close(fd);
	return NULL;
}

static bool
ask_fake(struct fake *f, const char *question, char answer[LG_ASK_ANSWER])
{
	char folder[] = "/tmp/lg-runc.XXXXXX";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	pthread_t thread;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
	f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(f->listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(f->listener, 1), 0);
	pthread_create(&thread, NULL, answer_once, f);
	setenv("LIGHTGATE_AGENT_SOCKET", at.sun_path, 1);
	bool permit = lg_ask_agent(question, strlen(question), answer);
	if (f->reply != NULL)
		pthread_join(thread, NULL);
	unlink(at.sun_path);
	rmdir(folder);
	return permit;
}

static const struct {
	const char *reply;
	bool permit;
	const char *text;
} replies[] = {
	{ "permit\n", true, "" }, { "permit\n/private", true, "/private" }, { "deny\nbecause", false, "because" },
	{ "permit", false, "lightgate-agent did not answer in time" }, { "", false, "lightgate-agent did not answer in time" },
	{ "permitted\n", false, "" }, { " permit\n", false, "" }, { "deny\npermit\n", false, "permit\n" },
};

Test(runc, only_a_whole_permit_is_one)
{
	char answer[LG_ASK_ANSWER];

	for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
		struct fake f = { .reply = replies[i].reply };
		cr_assert_eq(ask_fake(&f, "hook\n{}", answer), replies[i].permit, "%s", replies[i].reply);
		cr_assert_str_eq(answer, replies[i].text, "%s", replies[i].reply);
		cr_assert_str_eq(f.heard, "hook\n{}");
	}
}

Test(runc, an_agent_that_hangs_or_is_not_there_is_a_refusal_within_two_seconds)
{
	static struct fake f = { .reply = NULL };
	char answer[LG_ASK_ANSWER];
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	cr_assert_not(ask_fake(&f, "hook\n", answer));
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_assert_lt((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000, 2000);
	setenv("LIGHTGATE_AGENT_SOCKET", "/nonexistent/agent.sock", 1);
	cr_assert_not(lg_ask_agent("hook\n", 5, answer));
	cr_assert_not_null(strstr(answer, "not running"));
}
