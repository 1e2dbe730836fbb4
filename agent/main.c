/* main.c: `lightgate-agent`: joins the host, keeps its certificate, stands at its doors. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/doorman.h"
#include "agent/gate/gate.h"
#include "agent/handover.h"
#include "agent/invite.h"
#include "agent/join.h"
#include "agent/listener.h"
#include "agent/spiffe/spiffe.h"
#include "agent/strays.h"
#include "agent/svid.h"
#include "agent/tally.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define STATE_DEFAULT	"/var/lib/lightgate-agent"
#define SOCKET_DEFAULT	"/run/lightgate-agent/agent.sock"
#define ENGINE_DEFAULT	"/var/run/docker.sock"

struct options {
	const char *state, *socket, *token_file, *server, *hook;
	struct lg_docker_settings docker;
	const char *ca, *access_token, *host, *certificate, *key;	/* of joins without a join token */
	const char *gate;		/* ranges that it guards */
	const char *roots[LG_STRAYS_ROOTS + 1];	/* of runtimes' states */
	size_t nroots;
	bool kill_strays;
	bool stale_open;
	const char *identities;		/* folder of the workloads' certificates and keys; NULL: they get none */
	const char *workload_api;	/* folder of its socket; NULL: it is not offered */
	char **words, **argv;		/* words: after the options */
};

/* ---- the running agent ------------------------------------------------------------------------------------- */

static lg_err
ask_daemon(struct lg_ctx *cx, const char *path, lg_str question, lg_str *ret)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char text[1024];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	bool sent = fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
	    lg_write_all(fd, question.p, question.n) && shutdown(fd, SHUT_WR) == 0;
	ssize_t n = sent ? read(fd, text, sizeof text) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "no agent answers at %s", path);
	*ret = lg_dup(cx->arena, (lg_str){ text, (size_t)n });
	return LG_OK;
}

/* ---- join, renew, status ------------------------------------------------------------------------------ */

static lg_err
read_token(struct lg_ctx *cx, const char *path, lg_str *ret)
{
	char text[LG_INVITE_MAX + 2];
	size_t n;

	if (path == NULL)
		return lg_fail(cx, LG_E_INVALID, "join needs --token-file FILE (- for standard input); a token never goes on the command line");
	if (lg_str_starts(lg_str_of(path), LG_STR("lgj1.")))
		return lg_fail(cx, LG_E_INVALID, "--token-file names a file; who was on this machine may have seen the token: make another");
	if (strcmp(path, "-") != 0)
		return lg_file_read(cx, path, LG_INVITE_MAX + 2, ret);
	n = fread(text, 1, sizeof text, stdin);
	*ret = lg_dup(cx->arena, (lg_str){ text, n });
	explicit_bzero(text, sizeof text);
	return LG_OK;
}

/* The daemon may not be running: then there is only the identity to tell. */
static void
tell_bundle(struct lg_ctx *cx, const struct options *o)
{
	lg_str text, verdict, status;

	if (ask_daemon(cx, o->socket, LG_STR("bundle\n"), &text) != LG_OK) {
		printf("bundle: %s\n", cx->error);
		return;
	}
	(void)lg_str_cut(text, '\n', &verdict, &status);
	printf("bundle: %.*s\n", LG_FMT(status));
}

static lg_err
tell_identity(struct lg_ctx *cx, const struct options *o)
{
	struct lg_identity id;
	int64_t renewal;

	LG_TRY(lg_identity_load(cx, o->state, &id));
	LG_TRY(lg_renewal_time(cx, &id, 0.5, &renewal));
	printf("host %.*s of %.*s (spiffe://%.*s/host/%.*s), renews about %.*s\n", LG_FMT(id.host_name), LG_FMT(id.issuer),
	    LG_FMT(id.trust_domain), LG_FMT(id.host_name), LG_FMT(lg_time_text(cx->arena, renewal)));
	return LG_OK;
}

#define PEM_MAX (256u << 10)

static lg_err
join_otherwise(struct lg_ctx *cx, const struct options *o)
{
	struct lg_join_at at = { .server = lg_str_of(o->server) };
	lg_str text, key;

	if (o->ca == NULL || o->server == NULL)
		return lg_fail(cx, LG_E_INVALID, "without a join token the service is named by --server HOST:PORT and --ca FILE");
	LG_TRY(lg_file_read(cx, o->ca, PEM_MAX, &at.ca));
	if (o->access_token != NULL) {
		if (o->host == NULL)
			return lg_fail(cx, LG_E_INVALID, "which host? --host NAME");
		LG_TRY(lg_file_read(cx, o->access_token, LG_TOKEN_MAX, &text));
		return lg_join_by_sign_in(cx, o->state, &at, text, lg_str_of(o->host));
	}
	if (o->key == NULL)
		return lg_fail(cx, LG_E_INVALID, "a certificate goes with its --key FILE");
	LG_TRY(lg_file_read(cx, o->certificate, PEM_MAX, &text));
	LG_TRY(lg_file_read(cx, o->key, PEM_MAX, &key));
	return lg_join_by_certificate(cx, o->state, &at, text, key);
}

static lg_err
run_join(struct lg_ctx *cx, const struct options *o)
{
	lg_str token;

	if (o->access_token != NULL || o->certificate != NULL) {
		LG_TRY(join_otherwise(cx, o));
		return tell_identity(cx, o);
	}
	LG_TRY(read_token(cx, o->token_file, &token));
	LG_TRY(lg_join(cx, o->state, token, lg_str_of(o->server)));
	return tell_identity(cx, o);
}

static lg_err
run_status(struct lg_ctx *cx, const struct options *o)
{
	LG_TRY(tell_identity(cx, o));
	tell_bundle(cx, o);
	return LG_OK;
}

static lg_err
run_renew(struct lg_ctx *cx, const struct options *o)
{
	LG_TRY(lg_renew(cx, o->state));
	return tell_identity(cx, o);
}

/* ---- run -------------------------------------------------------------------------------------------------- */

/* As the kernel would name it: the runtime tells us its bundle in this form. */
static const char *
absolute(struct lg_ctx *cx, const char *path)
{
	char real[PATH_MAX], cwd[PATH_MAX];

	if (realpath(path, real) != NULL)
		return lg_dup(cx->arena, lg_str_of(real)).p;
	if (path[0] == '/' || getcwd(cwd, sizeof cwd) == NULL)
		return path;
	return lg_print(cx->arena, "%s/%s", cwd, path).p;
}

/* Where we were started from.  Another version may have taken the place since: then the kernel says so behind the name (proc(5)). */
static const char *
own_path(struct lg_ctx *cx)
{
	static const lg_str replaced = { " (deleted)", 10 };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self);

	if (n <= 0 || n == (ssize_t)sizeof self)
		return "/usr/bin/lightgate-agent";
	lg_str path = { self, (size_t)n };
	return lg_dup(cx->arena, lg_str_ends(path, replaced) ? lg_str_sub(path, 0, path.n - replaced.n) : path).p;
}

/* lightgate-runc was installed there too. */
static const char *
hook_beside(struct lg_ctx *cx, const char *self)
{
	return lg_print(cx->arena, "%.*s/lightgate-runc", (int)(strrchr(self, '/') - self), self).p;
}

static lg_err
stand(struct lg_ctx *cx, const struct options *o, struct lg_door *door, const struct lg_door_settings *at, bool *again)
{
	struct lg_docker *docker = NULL;
	struct lg_spiffe *spiffe = NULL;
	lg_err e = LG_OK;

	if (at->api != NULL)
		LG_TRY(lg_spiffe_open(cx, lg_print(cx->arena, "%s/" LG_OCI_API_SOCKET, at->api).p, at->svids, door, &spiffe));
	if (o->docker.plugin != NULL || o->docker.front != NULL)
		e = lg_docker_open(cx, &o->docker, door, &docker);
	lg_handover_end();
	if (e == LG_OK)
		e = lg_doorman_run(cx, door, at->socket, again);
	lg_docker_close(&docker, *again);
	lg_spiffe_close(&spiffe, *again);
	if (*again)
		lg_door_hand_over(door);
	return e;
}

static lg_err
open_identities(struct lg_ctx *cx, const struct options *o, struct lg_door_settings *at)
{
	if (o->identities == NULL)
		return o->workload_api == NULL ? LG_OK : lg_fail(cx, LG_E_INVALID, "--workload-api gives what --identities holds");
	at->identities = absolute(cx, o->identities);
	if (o->workload_api != NULL)
		at->api = absolute(cx, o->workload_api);
	return lg_svids_open(cx, at->identities, o->roots, &at->svids);
}

static lg_err
run_daemon(struct lg_ctx *cx, const struct options *o)
{
	const char *self = own_path(cx);

	/* Long idle, with threads that come and go: what a burst took goes back. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	mallopt(M_TRIM_THRESHOLD, 64 << 10);
	struct lg_door_settings at = {
		.state = absolute(cx, o->state), .socket = absolute(cx, o->socket),
		.hook = o->hook != NULL ? absolute(cx, o->hook) : hook_beside(cx, self),
		.runtime_roots = o->roots, .kill_strays = o->kill_strays,
	};
	struct lg_door *door = NULL;

	if (access(at.hook, X_OK) != 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "%s: %s (--hook PATH names lightgate-runc)", at.hook, strerror(errno));
	struct lg_gate_settings gate = { .state = at.state, .ranges = lg_str_of(o->gate), .stale_open = o->stale_open };
	LG_TRY(lg_bundles_open(cx, at.state, NULL, &at.bundles));
	at.tally = gate.tally = lg_tally_new();
	bool again = false;
	lg_err e = open_identities(cx, o, &at);
	gate.svids = at.svids;
	if (e == LG_OK && o->gate != NULL)
		e = lg_gate_open(cx, &gate, at.bundles, &at.gate);
	if (e == LG_OK && at.svids != NULL)
		lg_svids_follow(at.svids, at.bundles);
	if (e == LG_OK)
		e = lg_door_open(cx, &at, &door);
	if (e == LG_OK) {
		lg_bundles_start(at.bundles);
		e = stand(cx, o, door, &at, &again);
	}
	lg_gate_stop(at.gate);
	lg_door_close(&door);		/* writes down what was counted */
	lg_bundles_close(&at.bundles);
	lg_gate_free(&at.gate);
	lg_svids_close(&at.svids);
	lg_tally_free(&at.tally);
	return again ? lg_sockets_exec(cx, self, o->argv) : e;
}

static lg_err
run_open_gate(struct lg_ctx *cx, const struct options *o)
{
	(void)o;
	return lg_gate_remove(cx);
}

/* ---- end --------------------------------------------------------------------------------------------------- */

static lg_err
run_end(struct lg_ctx *cx, const struct options *o)
{
	lg_str text, verdict, reason;

	if (o->words[0] == NULL || o->words[1] != NULL)
		return lg_fail(cx, LG_E_INVALID, "usage: lightgate-agent end CONTAINER [--socket PATH]");
	LG_TRY(ask_daemon(cx, o->socket, lg_print(cx->arena, "end\n%s", o->words[0]), &text));
	(void)lg_str_cut(text, '\n', &verdict, &reason);
	if (!lg_str_eq(verdict, LG_STR("permit")))
		return lg_fail(cx, LG_E_DENIED, "%.*s", LG_FMT(reason));
	return LG_OK;
}

/* ---- ask ----------------------------------------------------------------------------------------------------- */

static lg_err
put_entity(struct lg_ctx *cx, struct lg_jsonw *w, const char *member, const char *text)
{
	lg_str type, id;

	if (!lg_str_cut(lg_str_of(text), '/', &type, &id) || id.n == 0)
		return lg_fail(cx, LG_E_INVALID, "\"%s\" is not of the form TYPE/NAME", text);
	lg_jsonw_name(w, lg_str_of(member));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "id", id);
	lg_jsonw_object_end(w);
	return LG_OK;
}

static lg_err
put_question(struct lg_ctx *cx, struct lg_jsonw *w, char **words)
{
	lg_str number, protocol;
	int64_t port;

	lg_jsonw_object(w);
	LG_TRY(put_entity(cx, w, "subject", words[0]));
	lg_jsonw_name(w, LG_STR("action"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", lg_str_of(words[1]));
	lg_jsonw_object_end(w);
	LG_TRY(put_entity(cx, w, "resource", words[2]));
	if (words[3] != NULL) {
		(void)lg_str_cut(lg_str_of(words[3]), '/', &number, &protocol);
		if (!lg_int_parse(number, &port))
			return lg_fail(cx, LG_E_INVALID, "\"%s\" is not of the form PORT/PROTOCOL", words[3]);
		lg_jsonw_name(w, LG_STR("context"));
		lg_jsonw_object(w);
		lg_jsonw_int_of(w, "port", port);
		if (protocol.n > 0)
			lg_jsonw_str_of(w, "protocol", protocol);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_object_end(w);
	return lg_buf_status(cx, w->out);
}

static lg_err
run_ask(struct lg_ctx *cx, const struct options *o)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8192);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str text, verdict, reason;
	int n = 0;

	while (o->words[n] != NULL)
		n++;
	if (n != 3 && n != 4)
		return lg_fail(cx, LG_E_INVALID, "usage: lightgate-agent ask SUBJECT ACTION RESOURCE [PORT/PROTOCOL] [--socket PATH]");
	lg_buf_str(&b, LG_STR("decide\n"));
	LG_TRY(put_question(cx, &w, o->words));
	LG_TRY(ask_daemon(cx, o->socket, lg_buf_view(&b), &text));
	(void)lg_str_cut(text, '\n', &verdict, &reason);
	if (!lg_str_eq(verdict, LG_STR("permit")))
		return lg_fail(cx, LG_E_DENIED, "%.*s", LG_FMT(reason));
	printf("%.*s\n", LG_FMT(reason));
	return LG_OK;
}

/* ---- the command line ---------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	lg_err (*run)(struct lg_ctx *, const struct options *);
} verbs[] = {
	{ "join", "become a host: --token-file FILE|- --state DIR [--server HOST:PORT]\n"
	  "          or, with --server HOST:PORT --ca FILE: --access-token-file FILE --host NAME, or --certificate FILE --key FILE", run_join },
	{ "run", "stand at the doors: --state DIR --socket PATH [--hook LIGHTGATE-RUNC]\n"
	  "          [--docker-plugin PATH] [--docker-front PATH] [--docker-engine PATH]\n"
	  "          [--gate RANGE,... [--gate-stale-open]]\n"
	  "          [--runtime-root DIR]... [--kill-strays]\n"
	  "          [--identities DIR [--workload-api DIR]]", run_daemon },
	{ "open-gate", "take the gate's rules out of the kernel: for a host that leaves", run_open_gate },
	{ "renew", "a new certificate now: --state DIR", run_renew },
	{ "status", "who this host is, and how fresh its bundle: --state DIR --socket PATH", run_status },
	{ "ask", "decide from the host's bundle: Workload/web connect Workload/db [PORT/PROTOCOL] --socket PATH", run_ask },
	{ "end", "end a container's admission: CONTAINER --socket PATH", run_end },
};

static void
usage(FILE *to)
{
	fprintf(to, "Usage: lightgate-agent VERB [OPTIONS]\n\nVerbs:\n");
	for (size_t i = 0; i < LG_COUNT(verbs); i++)
		fprintf(to, "  %-7s %s\n", verbs[i].name, verbs[i].help);
	fprintf(to, "\nDefaults: --state " STATE_DEFAULT " --socket $LIGHTGATE_AGENT_SOCKET or " SOCKET_DEFAULT "\nExit codes: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "state", required_argument, NULL, 's' }, { "socket", required_argument, NULL, 'S' },
		{ "token-file", required_argument, NULL, 't' }, { "server", required_argument, NULL, 'u' },
		{ "hook", required_argument, NULL, 'k' }, { "docker-plugin", required_argument, NULL, 'p' },
		{ "docker-front", required_argument, NULL, 'f' }, { "docker-engine", required_argument, NULL, 'e' },
		{ "gate", required_argument, NULL, 'g' }, { "gate-stale-open", no_argument, NULL, 'O' },
		{ "runtime-root", required_argument, NULL, 'R' }, { "identities", required_argument, NULL, 'i' },
		{ "workload-api", required_argument, NULL, 'w' }, { "kill-strays", no_argument, NULL, 'K' },
		{ "ca", required_argument, NULL, 'A' }, { "access-token-file", required_argument, NULL, 'T' }, { "host", required_argument, NULL, 'H' },
		{ "certificate", required_argument, NULL, 'C' }, { "key", required_argument, NULL, 'Y' }, { NULL, 0, NULL, 0 },
	};
	const struct {
		int c;
		const char **where;
	} places[] = {
		{ 's', &o->state }, { 'S', &o->socket }, { 't', &o->token_file }, { 'u', &o->server }, { 'k', &o->hook },
		{ 'p', &o->docker.plugin }, { 'f', &o->docker.front }, { 'e', &o->docker.engine }, { 'g', &o->gate }, { 'i', &o->identities }, { 'w', &o->workload_api },
		{ 'A', &o->ca }, { 'T', &o->access_token }, { 'H', &o->host }, { 'C', &o->certificate }, { 'Y', &o->key },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		size_t i = 0;
		if (c == 'O' || c == 'K') {
			*(c == 'O' ? &o->stale_open : &o->kill_strays) = true;
			continue;
		}
		if (c == 'R' && o->nroots < LG_STRAYS_ROOTS) {
			o->roots[o->nroots++] = optarg;
			continue;
		}
		while (i < LG_COUNT(places) && places[i].c != c)
			i++;
		if (i == LG_COUNT(places))
			return false;
		*places[i].where = optarg;
	}
	o->words = &argv[optind];
	return true;
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	struct options o = { .argv = argv, .state = STATE_DEFAULT, .socket = SOCKET_DEFAULT, .docker.engine = ENGINE_DEFAULT };
	struct lg_ctx cx;

	const char *socket_path = getenv("LIGHTGATE_AGENT_SOCKET");
	if (socket_path != NULL && socket_path[0] != '\0')	/* where lightgate-runc finds it, too */
		o.socket = socket_path;
	if (wants_help(argc, argv)) {
		usage(stdout);
		return 0;
	}
	lg_log_open("lightgate-agent", LG_INFO, !isatty(STDERR_FILENO));
	for (size_t i = 0; argc > 1 && i < LG_COUNT(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (!read_options(argc - 1, argv + 1, &o))
			break;
		lg_ctx_init(&cx, lg_arena_new());
		lg_err e = verbs[i].run(&cx, &o);
		if (e != LG_OK)
			fprintf(stderr, "lightgate-agent: %s\n", cx.error);
		lg_arena_free(&cx.arena);
		return e == LG_OK ? 0 : 1;
	}
	usage(stderr);
	return 2;
}
