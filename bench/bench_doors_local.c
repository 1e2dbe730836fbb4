/*
 * bench_doors_local.c: decisions from a bundle of 1,000 policies and 100,000 entities, one thread, through liblightgate.
 *
 *	bench_doors_local FOLDER CA [SECONDS]
 *
 * Without SECONDS it writes the bundle, for the gate's figures (bench/gate), and asks nothing.
 * Writes a host's stored bundle into FOLDER, opens it as a controller on that host would, and asks: connections between workloads and
 * operations of people, permitted and denied, a million different questions in an order that repeats nothing soon.
 * Prints: decisions a second, CPU us each, latency p50 and p99 (us); then what was permitted.
 */
#include <lightgate/client.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "bench/bench.h"
#include "bench/doors.h"
#include "lightgate/crypto.h"

enum { PROJECTS = 500, WORKLOADS = 20000, PEOPLE = 78999, QUESTIONS = 1 << 20 };

static uint32_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* Type 2 project, 3 group, 4 workload, 5 person. */
static void
put_id(struct lg_buf *b, unsigned type, unsigned i)
{
	lg_buf_printf(b, "%08x-0000-4000-8000-%012x", type, i);
}

static void
put_uid(struct lg_buf *b, const char *name, unsigned type, unsigned i)
{
	lg_buf_printf(b, "{\"type\":\"%s\",\"id\":\"", name);
	put_id(b, type, i);
	lg_buf_str(b, LG_STR("\"}"));
}

static void
put_row(struct lg_buf *b, unsigned type, unsigned i, unsigned n)
{
	static const char *const types[] = { NULL, "Host", "Project", "Group", "Workload", "User" };

	if (n % 10000 != 0)
		lg_buf_byte(b, ',');
	else if (n > 0)
		lg_buf_str(b, LG_STR("],["));
	lg_buf_str(b, LG_STR("{\"uid\":"));
	put_uid(b, types[type], type, i);
	lg_buf_printf(b, ",\"attrs\":{\"name\":\"%s%u\"%s", types[type], i, type == 5 || type == 1 ? ",\"enabled\":true" : "");
	if (type == 4) {
		lg_buf_str(b, LG_STR(",\"project\":{\"__entity\":"));
		put_uid(b, "Project", 2, i % PROJECTS);
		lg_buf_byte(b, '}');
	}
	lg_buf_str(b, LG_STR("},\"parents\":["));
	if (type >= 4)
		put_uid(b, type == 4 ? "Project" : "Group", type == 4 ? 2 : 3, i % PROJECTS);
	lg_buf_str(b, LG_STR("]}"));
}

static void
put_entities(struct lg_buf *b)
{
	static const unsigned count[] = { 0, 1, PROJECTS, PROJECTS, WORKLOADS, PEOPLE };
	unsigned n = 0;

	lg_buf_str(b, LG_STR("[["));
	for (unsigned type = 1; type < LG_COUNT(count); type++)
		for (unsigned i = 0; i < count[type]; i++)
			put_row(b, type, type == 1 ? 0 : i, n++);
	lg_buf_str(b, LG_STR("]]"));
}

/* Two policies a project: its people run its containers, its workloads reach each other at 5432; in one, the time decides on others. */
static void
put_policies(struct lg_buf *b, struct lg_ctx *cx)
{
	struct lg_jsonw w = lg_jsonw_of(b);
	struct lg_buf text = LG_BUF(1u << 20);
	lg_str schema, system;

	must(lg_file_read(cx, "conf/lightgate.cedarschema", 1u << 20, &schema) == LG_OK, "conf/");
	must(lg_file_read(cx, "conf/policies/system.cedar", 1u << 20, &system) == LG_OK, "conf/");
	for (unsigned i = 0; i < PROJECTS; i++)
		lg_buf_printf(&text, "permit (principal in Group::\"g%u\", action in Action::\"container:operate\", resource in Project::\"p%u\");\n"
		    "permit (principal in Project::\"p%u\", action == Action::\"connect\", resource in Project::\"p%u\")"
		    " when { context has port && %s };\n", i, i, i, i,
		    i > 0 ? "context.port == 5432" : "(context.port == 5432 || (context.port >= 10000 && context.now > datetime(\"2020-01-01\")))");
	lg_buf_str(b, LG_STR("{\"version\":1"));
	w.comma = true;
	lg_jsonw_str_of(&w, "schema", schema);
	lg_jsonw_str_of(&w, "system", system);
	lg_jsonw_str_of(&w, "tenant", lg_buf_view(&text));
	lg_buf_str(b, LG_STR(",\"names\":["));
	for (unsigned i = 0; i < PROJECTS; i++) {
		lg_buf_printf(b, "%s{\"type\":\"Project\",\"name\":\"p%u\",\"id\":\"", i > 0 ? "," : "", i);
		put_id(b, 2, i);
		lg_buf_printf(b, "\"},{\"type\":\"Group\",\"name\":\"g%u\",\"id\":\"", i);
		put_id(b, 3, i);
		lg_buf_str(b, LG_STR("\"}"));
	}
	lg_buf_str(b, LG_STR("]}"));
	lg_buf_free(&text);
}

struct keys {
	struct lg_key *key;
	char jwks[2048], cert[2048];
};

static void
put_body(struct lg_buf *b, struct lg_ctx *cx, const struct keys *k)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_buf_str(b, LG_STR("{\"format\":1,\"tenant\":{\"id\":\"t\",\"name\":\"default\",\"issuer\":\"" BENCH_ISSUER "\",\"trust_domain\":\"example.org\"},"
	    "\"host\":{\"id\":\"" BENCH_HOST "\",\"name\":\"Host0\"},\"max_stale\":3600,\"policies\":"));
	put_policies(b, cx);
	lg_buf_str(b, LG_STR(",\"trust\":{\"issuers\":["));
	lg_jsonw_str(&w, lg_str_of(k->cert));
	lg_buf_printf(b, "],\"token_keys\":%s,\"ticket_keys\":%s,\"bundle_heirs\":[]},\"revoked\":{\"certificates\":[],\"tokens\":[],\"whole\":true},"
	    "\"entities\":", k->jwks, k->jwks);
	put_entities(b);
	lg_buf_str(b, LG_STR(",\"whole\":true,\"admissions\":[]}"));
}

static void
store(struct lg_ctx *cx, const char *folder, const char *name, lg_str text)
{
	must(lg_file_write(cx, lg_print(cx->arena, "%s/%s", folder, name).p, 0600, text) == LG_OK, cx->error);
}

static void
make_keys(struct lg_ctx *cx, const char *ca, struct keys *k)
{
	struct lg_buf b = LG_BUF(2000);
	lg_str pem;

	must(lg_key_generate(cx, LG_KEY_P256, &k->key) == LG_OK, cx->error);
	lg_pubkey_jwk(lg_key_public(k->key), LG_STR("b1"), LG_ALG_ES256, &b);
	snprintf(k->jwks, sizeof k->jwks, "{\"keys\":[%.*s]}", LG_FMT(lg_buf_view(&b)));
	lg_buf_free(&b);
	must(lg_file_read(cx, ca, sizeof k->cert - 1, &pem) == LG_OK, cx->error);
	snprintf(k->cert, sizeof k->cert, "%.*s", LG_FMT(pem));
}

/* As the watcher would have left it, a moment ago. */
static void
prepare(struct lg_ctx *cx, const char *folder, const char *ca)
{
	struct lg_buf b = LG_BUF(60u << 20);
	lg_str token, boot;
	struct keys k;

	make_keys(cx, ca, &k);
	put_body(&b, cx, &k);
	must(!b.full, "the body");
	lg_sha256 digest = lg_sha256_of(lg_buf_view(&b));
	lg_str payload = lg_print(cx->arena, "{\"iss\":\"" BENCH_ISSUER "\",\"aud\":\"" BENCH_HOST "\",\"iat\":%lld,\"exp\":%lld,\"epoch\":1,\"version\":1,\"sha256\":\"%.*s\"}",
	    (long long)(cx->now / LG_SECOND), (long long)(cx->now / LG_SECOND + 3600), LG_FMT(lg_base64url(cx->arena, lg_sha256_str(&digest))));
	must(lg_jws_sign(cx, k.key, LG_ALG_ES256, "lg-bundle+jwt", LG_STR("b1"), payload, &token) == LG_OK, cx->error);
	must(lg_file_read(cx, "/proc/sys/kernel/random/boot_id", 64, &boot) == LG_OK, cx->error);
	store(cx, folder, "bundle.body", lg_buf_view(&b));
	store(cx, folder, "bundle.token", token);
	store(cx, folder, "bundle.contact", lg_print(cx->arena, "%.*s %lld", LG_FMT(lg_str_trim(boot)), (long long)lg_boottime()));
	store(cx, folder, "pin.json", lg_print(cx->arena, "{\"issuer\":\"" BENCH_ISSUER "\",\"host\":\"" BENCH_HOST "\",\"stream\":\"https://127.0.0.1:1\","
	    "\"bundle_keys\":%s}", k.jwks));
	printf("# bundle of %.1f MB\n", (double)b.n / 1e6);
	lg_buf_free(&b);
	lg_key_free(&k.key);
}

/* ---- questions ------------------------------------------------------------------------------------------------------------ */

struct asked {
	char subject[16], resource[16];
	bool connects;
};

/* Four of five stay in one project. */
static void
invent(struct asked *q)
{
	unsigned resource = draw(WORKLOADS), project = draw(5) > 0 ? resource % PROJECTS : draw(PROJECTS);

	q->connects = draw(2) == 0;
	snprintf(q->resource, sizeof q->resource, "Workload%u", resource);
	if (q->connects)
		snprintf(q->subject, sizeof q->subject, "Workload%u", draw(WORKLOADS / PROJECTS) * PROJECTS + project);
	else
		snprintf(q->subject, sizeof q->subject, "User%u", draw(PEOPLE / PROJECTS) * PROJECTS + project);
}

static bool
ask(lightgate *lg, const struct asked *a)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_type = a->connects ? "Workload" : "User";
	q.subject_id = a->subject;
	q.action = a->connects ? "connect" : "container:exec";
	q.resource_type = "Workload";
	q.resource_id = a->resource;
	q.port = a->connects ? 5432 : 0;
	lightgate_decision *d = lightgate_decide_local(lg, &q);
	bool permits = lightgate_permits(d);
	must(lightgate_decided(d), lightgate_decision_reason(d));
	lightgate_decision_free(d);
	return permits;
}

/* What they cost when nobody looks at the clock in between, which is a twentieth of one. */
static void
cost(lightgate *lg, struct bench *b, const struct asked *asked, int seconds)
{
	int64_t cpu = bench_cpu_ns(b), until = lg_monotonic_ns() + seconds * INT64_C(1000000000);
	size_t n = 0;

	while (lg_monotonic_ns() < until)
		for (int i = 0; i < 1000; i++)
			(void)ask(lg, &asked[n++ % QUESTIONS]);
	printf("# untimed: %.3f us of CPU\n", (double)(bench_cpu_ns(b) - cpu) / 1e3 / (double)n);
}

int
main(int argc, char **argv)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	struct asked *asked = calloc(QUESTIONS, sizeof *asked);
	char why[256] = "", pid[16];
	struct bench b = { .nclocks = 0 };
	struct lg_ctx cx;
	size_t permitted = 0;

	must((argc == 3 || argc == 4) && asked != NULL, "usage: bench_doors_local FOLDER CA [SECONDS]");
	lg_ctx_init(&cx, lg_arena_new());
	prepare(&cx, argv[1], argv[2]);
	lg_arena_free(&cx.arena);
	if (argc == 3)
		return 0;
	for (size_t i = 0; i < QUESTIONS; i++)
		invent(&asked[i]);
	s.url = s.mtls_url = "https://127.0.0.1:1";
	s.state = argv[1];
	s.cert_file = s.key_file = "/dev/null";
	int64_t began = lg_monotonic_ns();
	lightgate *lg = lightgate_open(&s, why, sizeof why);
	must(lg != NULL, why);
	printf("# opened in %.0f ms\n", (double)(lg_monotonic_ns() - began) / 1e6);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	bench_pid(&b, pid);
	for (size_t i = 0; i < QUESTIONS / 4; i++)
		(void)ask(lg, &asked[i]);
	cost(lg, &b, asked, atoi(argv[3]));
	bench_begin(&b);
	for (int64_t until = b.began + atoi(argv[3]) * INT64_C(1000000000); lg_monotonic_ns() < until;)
		for (int i = 0; i < 1000; i++) {
			int64_t at = lg_monotonic_ns();
			permitted += ask(lg, &asked[b.n % QUESTIONS]);
			bench_answer(&b, at);
		}
	printf("# %.0f %% permitted\n", 100.0 * (double)permitted / (double)b.n);
	bench_report(&b);
	lightgate_close(lg);
	free(asked);
	return 0;
}
