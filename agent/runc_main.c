/*
 * runc_main.c: `lightgate-runc`: the name under which engines call their runtime.  libc only: it runs at every start.
 *
 * It passes everything on to the real runtime.  For `create` and `run` it first asks lightgate-agent for a
 * bundle of the agent's own: a copy of config.json, out of everybody's reach, that has `lightgate-runc hook` as its first
 * hook.  In the hook, when the container is made but nothing of it has run, the agent decides on that very copy.  Before an `exec` it asks
 * whether that may be.  Checkpoints are neither made nor taken: what a restored process may do stands in its image, not in config.json.
 * No answer, in time, is a refusal.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ask.h"

#define QUESTION_MAX	(1 << 20)
#define WORDS_MAX	128

static const char *log_file;		/* --log: where engines look for the reason; NULL without it */

/* Engines show the "msg" of the last line (--log-format json, which they all ask for). */
static void
log_line(const char *what, const char *why)
{
	FILE *f = log_file != NULL ? fopen(log_file, "ae") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "{\"level\":\"error\",\"msg\":\"%s: ", what);
	for (const char *p = why; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', f);
		fputc((unsigned char)*p < ' ' ? ' ' : *p, f);
	}
	fprintf(f, "\"}\n");
	fclose(f);
}

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "lightgate: %s%s%s\n", what, why[0] != '\0' ? ": " : "", why);
	log_line(what, why);
	return 1;
}

/* ---- hook: the container's state on stdin ----------------------------------------------------------------------- */

static int
hook(void)
{
	static char question[QUESTION_MAX];
	char answer[LG_ASK_ANSWER];
	const char *start_of = getenv("LIGHTGATE_START");	/* absent where the hook was not put in by us */
	size_t n = (size_t)snprintf(question, 256, "hook\n%.200s\n", start_of == NULL ? "" : start_of);
	ssize_t more;

	while (n < sizeof question && (more = read(STDIN_FILENO, question + n, sizeof question - n)) > 0)
		n += (size_t)more;
	if (n == sizeof question)
		return fail("the container's state is too large", "");
	return lg_ask_agent(question, n, answer) ? 0 : fail("denied", answer);
}

/* ---- the command line, as runc reads it (urfave/cli over Go's flag) ------------------------------------------------ */

struct option {
	const char *name;
	bool value;
};

static const struct option globals[] = {
	{ "debug", false }, { "log", true }, { "log-format", true }, { "root", true }, { "criu", true }, { "rootless", true },
	{ "systemd-cgroup", false }, { "cgroup-manager", true }, { "help", false }, { "h", false }, { "version", false },
	{ "v", false }, { NULL, false },
};

/* Of both commands together. */
static const struct option starts[] = {
	{ "bundle", true }, { "b", true }, { "console-socket", true }, { "pid-file", true }, { "preserve-fds", true },
	{ "no-pivot", false }, { "no-new-keyring", false }, { "detach", false }, { "d", false }, { "keep", false },
	{ "no-subreaper", false }, { NULL, false },
};

/* Of `exec`; they end with the first word that is none. */
static const struct option execs[] = {
	{ "console-socket", true }, { "cwd", true }, { "env", true }, { "e", true }, { "tty", false }, { "t", false }, { "user", true }, { "u", true },
	{ "additional-gids", true }, { "g", true }, { "process", true }, { "p", true }, { "detach", false }, { "d", false }, { "pid-file", true },
	{ "process-label", true }, { "apparmor", true }, { "no-new-privs", false }, { "cap", true }, { "c", true }, { "preserve-fds", true },
	{ "cgroup", true }, { "ignore-paused", false }, { NULL, false },
};

enum what { PASS, START, EXEC, REFUSE };

static const struct {
	const char *name;
	enum what what;
} commands[] = {
	{ "create", START }, { "run", START }, { "checkpoint", REFUSE }, { "restore", REFUSE },
	{ "delete", PASS }, { "events", PASS }, { "exec", EXEC }, { "features", PASS }, { "help", PASS },
	{ "kill", PASS }, { "list", PASS }, { "pause", PASS }, { "ps", PASS }, { "resume", PASS }, { "spec", PASS },
	{ "start", PASS }, { "state", PASS }, { "update", PASS },
};

struct command {
	enum what what;
	const char *why;		/* of a refusal */
	const char *id, *bundle;	/* of a START or EXEC; bundle NULL: the working directory */
	const char *process, *user;	/* of an EXEC; process: a file that says it all; NULL: not said */
	char **args;			/* of an EXEC: what is run, ended by NULL */
	int at;				/* index of the command's word; argc if there is none */
	char *words[WORDS_MAX];		/* of a START, after its word: options, without the bundle; of an EXEC: capabilities */
	int nwords;
};

/* The option in `word` and its value: attached, or the next word, which *i then passes.  NULL: not one of them. */
static const struct option *
match(const struct option *table, char **argv, int argc, int *i, const char **value)
{
	const char *name = argv[*i] + (argv[*i][1] == '-' ? 2 : 1), *equals = strchr(name, '=');
	size_t n = equals != NULL ? (size_t)(equals - name) : strlen(name);

	for (const struct option *o = table; o->name != NULL; o++) {
		if (strlen(o->name) != n || strncmp(o->name, name, n) != 0)
			continue;
		*value = equals != NULL ? equals + 1 : NULL;
		if (o->value && equals == NULL)
			*value = *i + 1 < argc ? argv[++*i] : NULL;
		return o->value && *value == NULL ? NULL : o;
	}
	return NULL;
}

static void
refuse(struct command *c, const char *why)
{
	c->what = REFUSE;
	c->why = why;
}

/* One option of a START: the bundle is taken out, the others are kept in a form that can only be read one way. */
static void
take_option(struct command *c, const struct option *o, const char *word, const char *value)
{
	char *kept = NULL;

	if (strcmp(o->name, "bundle") == 0 || strcmp(o->name, "b") == 0) {
		c->bundle = value;
		return;
	}
	if (o->value ? asprintf(&kept, "--%s=%s", o->name, value) < 0 : (kept = strdup(word)) == NULL)
		abort();
	c->words[c->nwords++] = kept;
}

/* Options may also stand after the id, up to "--". */
static void
read_start(struct command *c, int argc, char **argv)
{
	bool options = true;
	const char *value;

	for (int i = c->at + 1; i < argc; i++) {
		if (c->nwords >= WORDS_MAX - 8) {
			refuse(c, "too many options");
			return;
		}
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			const char *word = argv[i];
			const struct option *o = match(starts, argv, argc, &i, &value);
			if (o == NULL) {
				refuse(c, "an option that is not known here");
				return;
			}
			take_option(c, o, word, value);
		} else if (c->id != NULL) {
			refuse(c, "more than one container id");
			return;
		} else {
			c->id = argv[i];
		}
	}
	if (c->id == NULL || c->id[0] == '-' || c->id[0] == '\0' || strchr(c->id, '\n') != NULL)
		refuse(c, "no container id");
}

static bool
is_option(const struct option *o, const char *name, const char *letter)
{
	return strcmp(o->name, name) == 0 || strcmp(o->name, letter) == 0;
}

static void
read_exec(struct command *c, int argc, char **argv)
{
	const char *value;
	int i = c->at + 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0' && strcmp(argv[i], "--") != 0; i++) {
		const struct option *o = match(execs, argv, argc, &i, &value);
		if (o == NULL || c->nwords >= WORDS_MAX - 8) {
			refuse(c, o == NULL ? "an option that is not known here" : "too many options");
			return;
		}
		if (is_option(o, "process", "p"))
			c->process = value;
		else if (is_option(o, "user", "u"))
			c->user = value;
		else if (is_option(o, "cap", "c") && (c->words[c->nwords++] = strdup(value)) == NULL)
			abort();
	}
	i += i < argc && strcmp(argv[i], "--") == 0;
	c->id = i < argc ? argv[i] : NULL;
	c->args = &argv[i < argc ? i + 1 : argc];
	if (c->id == NULL || c->id[0] == '-' || c->id[0] == '\0' || strchr(c->id, '\n') != NULL)
		refuse(c, "no container id");
}

static void
read_command(int argc, char **argv, struct command *c)
{
	const char *value;

	*c = (struct command){ .what = PASS, .at = 1 };
	for (; c->at < argc && argv[c->at][0] == '-'; c->at++) {
		const struct option *o = match(globals, argv, argc, &c->at, &value);
		if (o == NULL) {
			refuse(c, "a global option that is not known here");
			return;
		}
		if (strcmp(o->name, "log") == 0)
			log_file = value;
	}
	if (c->at >= argc) {
		c->at = argc;		/* --version, --help, nothing */
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[c->at], commands[i].name) != 0)
			continue;
		c->what = commands[i].what;
		c->why = "checkpoints are not taken";	/* of the commands that are refused */
		if (c->what == START)
			read_start(c, argc, argv);
		else if (c->what == EXEC)
			read_exec(c, argc, argv);
		return;
	}
	refuse(c, "a command that is not known here");
}

/* ---- the real runtime ---------------------------------------------------------------------------------------------------- */

/* Where the wrapper has taken runc's own name, the name leads back to us and is passed over. */
static const char *
find_runtime(void)
{
	const char *places[] = { getenv("LIGHTGATE_RUNTIME"), "/usr/lib/lightgate/runc", "/usr/sbin/runc", "/usr/bin/runc",
		"/usr/local/sbin/runc", "/usr/local/bin/runc" };
	struct stat self, st;

	if (stat("/proc/self/exe", &self) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (places[i] != NULL && stat(places[i], &st) == 0 && access(places[i], X_OK) == 0 &&
		    (st.st_ino != self.st_ino || st.st_dev != self.st_dev))
			return places[i];
	return NULL;
}

/* The id and the bundle for the agent's; its answer is the path of the private bundle. */
static bool
prepare(const struct command *c, char answer[LG_ASK_ANSWER])
{
	char bundle[PATH_MAX], question[PATH_MAX + 512];
	const char *given = c->bundle == NULL || c->bundle[0] == '\0' ? "." : c->bundle;

	if (realpath(given, bundle) == NULL) {
		snprintf(answer, LG_ASK_ANSWER, "%s: %s", given, strerror(errno));
		return false;
	}
	int n = snprintf(question, sizeof question, "create\n%s\n%s", c->id, bundle);
	if (n < 0 || (size_t)n >= sizeof question) {
		snprintf(answer, LG_ASK_ANSWER, "the container id is too long");
		return false;
	}
	return lg_ask_agent(question, (size_t)n, answer);
}

static int
start(const char *runtime, char **argv, struct command *c)
{
	char answer[LG_ASK_ANSWER], bundle[LG_ASK_ANSWER + 16], *words[2 * WORDS_MAX];
	int n = 0;

	if (c->at >= WORDS_MAX)
		return fail("denied", "too many options");
	if (!prepare(c, answer))
		return fail("denied", answer);
	snprintf(bundle, sizeof bundle, "--bundle=%s", answer);
	for (int i = 0; i <= c->at; i++)
		words[n++] = argv[i];
	words[n++] = bundle;
	for (int i = 0; i < c->nwords; i++)
		words[n++] = c->words[i];
	words[n++] = (char *)(size_t)c->id;
	words[n] = NULL;
	execv(runtime, words);
	return fail(runtime, strerror(errno));
}

/* ---- exec: what would be run, as the `process` of a config.json ------------------------------------------------------------ */

struct text {
	char p[QUESTION_MAX];
	size_t n;
	bool full;
};

static void
put(struct text *t, const char *s, size_t n)
{
	t->full |= n > sizeof t->p - t->n;
	if (!t->full) {
		memcpy(t->p + t->n, s, n);
		t->n += n;
	}
}

static void
put_text(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static void
put_string(struct text *t, const char *s)
{
	char code[8];

	put_text(t, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put_text(t, "\\");
		if ((unsigned char)*s >= ' ')
			put(t, s, 1);
		else
			put(t, code, (size_t)snprintf(code, sizeof code, "\\u%04x", (unsigned char)*s));
	}
	put_text(t, "\"");
}

static void
put_list(struct text *t, char *const *v)
{
	put_text(t, "[");
	for (int i = 0; v[i] != NULL; i++) {
		put(t, ",", i > 0);
		put_string(t, v[i]);
	}
	put_text(t, "]");
}

/* "1000:1000", "1000", or nothing: the container's own. */
static bool
put_user(struct text *t, const char *user)
{
	unsigned uid = 0, gid = 0;
	char line[64], rest;

	if (user == NULL || user[0] == '\0')
		return true;
	if (sscanf(user, "%u:%u%c", &uid, &gid, &rest) != 2 && sscanf(user, "%u%c", &uid, &rest) != 1)
		return false;
	put(t, line, (size_t)snprintf(line, sizeof line, "\"user\":{\"uid\":%u,\"gid\":%u},", uid, gid));
	return true;
}

static bool
put_file(struct text *t, const char *path)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	size_t n = fread(t->p + t->n, 1, sizeof t->p - t->n, f);
	fclose(f);
	t->n += n;
	t->full |= t->n == sizeof t->p;
	return true;
}

static bool
describe(struct text *t, const struct command *c)
{
	put_text(t, "exec\n");
	put_text(t, c->id);
	put_text(t, "\n");
	if (c->process != NULL)
		return put_file(t, c->process);
	put_text(t, "{");
	if (!put_user(t, c->user))
		return false;
	put_text(t, "\"capabilities\":{\"bounding\":");
	put_list(t, c->words);
	put_text(t, "},\"args\":");
	put_list(t, c->args);
	put_text(t, "}");
	return true;
}

static int
enter(const char *runtime, char **argv, const struct command *c)
{
	static struct text question;
	char answer[LG_ASK_ANSWER];

	if (!describe(&question, c) || question.full)
		return fail("denied", "what would be run cannot be read");
	if (!lg_ask_agent(question.p, question.n, answer))
		return fail("denied", answer);
	execv(runtime, argv);
	return fail(runtime, strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct command c;

	if (argc == 2 && strcmp(argv[1], "hook") == 0)
		return hook();
	const char *runtime = find_runtime();
	if (runtime == NULL)
		return fail("there is no runc", "set LIGHTGATE_RUNTIME");
	read_command(argc, argv, &c);
	if (c.what == REFUSE)
		return fail("denied", c.why);
	if (c.what == START)
		return start(runtime, argv, &c);
	if (c.what == EXEC)
		return enter(runtime, argv, &c);
	execv(runtime, argv);
	return fail(runtime, strerror(errno));
}
