/*
 * bench_certs_inventory.c [CERTIFICATES]: searching a large inventory, what it takes of memory, and a CRL of 100,000 entries while
 * others search.  Rows are put as issuing puts them; the store does not sync.
 */
#include <ftw.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "certs/crl.h"
#include "certs/rows.h"
#include "certs/search.h"
#include "certs/revoke.h"
#include "lightgate/certs.h"

enum { BATCH = 500, SEARCHES = 20000, DER = 600, REVOKED = 100000 };

static struct lg_arena *arena;
static struct lg_store *store;
static struct lg_certs *certs;
static struct lg_key *issuer_key;
static lg_sha256 issuer;
static lg_str kid;
static char dir[] = "/tmp/bench_inventory.XXXXXX";

static void
must(struct lg_ctx *cx, lg_err e)
{
	if (e != LG_OK) {
		fprintf(stderr, "bench_certs_inventory: %s\n", cx->error);
		exit(1);
	}
}

static lg_err
sign(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig)
{
	(void)self, (void)tenant;
	return lg_key_sign_der(cx, issuer_key, LG_ALG_ES256, tbs, sig);
}

/* ---- an authority -------------------------------------------------------------------------------------- */

static lg_str
make_ca(const char *cn, lg_str spki, EVP_PKEY *signer, X509 *above, X509 **ret)
{
	static const char *const exts[][2] = { { "subjectKeyIdentifier", "hash" }, { "authorityKeyIdentifier", "keyid:always" },
		{ "basicConstraints", "critical,CA:TRUE" }, { "keyUsage", "critical,keyCertSign,cRLSign" } };
	const unsigned char *p = (const unsigned char *)spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	X509 *x = X509_new();
	unsigned char *der = NULL;
	X509V3_CTX ctx;
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 30);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(above == NULL ? x : above));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, above == NULL ? x : above, x, NULL, NULL, 0);
	for (size_t i = 0; i < LG_COUNT(exts); i++) {
		X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &ctx, exts[i][0], exts[i][1]);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_sign(x, signer, EVP_sha256());
	n = i2d_X509(x, &der);
	EVP_PKEY_free(key);
	*ret = x;
	return lg_dup(arena, (lg_str){ (char *)der, (size_t)n });
}

static void
set_up(struct lg_ctx *cx)
{
	struct lg_store_options o = { .map_size = (size_t)64 << 30, .tables = lg_certs_tables, .ntables = lg_certs_ntables,
		.node = LG_STR("bench"), .nosync = true };
	struct lg_certs_ports ports = { .signer.crl_wait = sign };
	struct lg_authority au = { .tenant = 1, .trust_domain = LG_STR("a.example"), .http_url = LG_STR("http://a.example:8080"),
		.leaf_life = LG_DAY, .nissuers = 1 };
	EVP_PKEY *root = EVP_EC_gen("P-256");
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(root, &spki);
	X509 *x, *y;

	if (mkdtemp(dir) == NULL)
		exit(1);
	o.dir = dir;
	o.archive = lg_print(arena, "%s/archive", dir).p;
	mkdir(o.archive, 0700);
	must(cx, lg_store_open(cx, &o, &store));
	ports.store = store;
	must(cx, lg_certs_new(cx, &ports, &certs));
	must(cx, lg_key_generate(cx, LG_KEY_P256, &issuer_key));
	au.root = make_ca("root", (lg_str){ (char *)spki, (size_t)n }, root, NULL, &x);
	au.issuers[0] = make_ca("issuing", lg_pubkey_spki(lg_key_public(issuer_key)), root, x, &y);
	must(cx, lg_certs_trust(cx, certs, &au, 1));
	issuer = lg_sha256_of(au.issuers[0]);
	struct lg_trust *t = lg_trust_hold(certs);
	kid = lg_dup(arena, t->ca[0].issuer[0].kid);
	lg_trust_release(&t);
}

/* ---- filling --------------------------------------------------------------------------------------------- */

struct filling {
	uint64_t from;
	int64_t now;
	bool revoked;
};

/* The number of a row gives its name and serial number, spread as random ones are. */
static struct lg_cert_row
row_of(struct lg_arena *a, uint64_t i, int64_t now)
{
	static char der[DER];
	struct lg_cert_row row = { .state = LG_CERT_ISSUED, .type = LG_STR("Host"), .profile = LG_STR("host"), .not_before = now,
		.issuer = issuer, .der = { der, sizeof der } };
	lg_sha256 h = lg_sha256_of((lg_str){ (const char *)&i, sizeof i });

	memcpy(row.serial.b, h.b, sizeof row.serial.b);
	row.serial.b[0] = (uint8_t)(0x40 | (h.b[0] & 0x3f));
	memcpy(row.entry.b, h.b, sizeof row.entry.b);
	row.spki = row.sha256 = h;
	row.name = lg_print(a, "node%llu", (unsigned long long)i);
	row.expires = now + LG_DAY + (int64_t)(i % 86400) * LG_SECOND;
	return row;
}

static lg_err
run_fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct filling *f = arg;

	for (uint64_t i = f->from; i < f->from + BATCH; i++) {
		struct lg_cert_row row = row_of(cx->arena, i, f->now);

		LG_TRY(f->revoked ? lg_cert_row_revoke(cx, v, 1, &row, LG_REVOKED_SUPERSEDED) : lg_cert_row_put(cx, v, 1, &row));
	}
	return LG_OK;
}

static void
fill(struct lg_ctx *cx, uint64_t n, bool revoked)
{
	struct filling f = { .now = cx->now, .revoked = revoked };
	int64_t began = lg_monotonic_ns();

	for (f.from = 0; f.from < n; f.from += BATCH) {
		must(cx, lg_store_apply(cx, store, 1, "bench.fill", run_fill, &f, NULL));
		lg_arena_reset(cx->arena);
	}
	printf("%-52s %9.1f us\n", revoked ? "revoke (500 a change), wall time each" : "put a row (500 a change), wall time each",
	    (double)(lg_monotonic_ns() - began) / 1e3 / (double)n);
}

/* ---- searching -------------------------------------------------------------------------------------------- */

static bool
count(void *arg, const struct lg_cert_row *row)
{
	(void)row;
	++*(size_t *)arg;
	return true;
}

static int
rising(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

enum by { BY_SERIAL, BY_NAME, BY_BEGINNING, BY_KEY, BY_EXPIRY, BY_PROFILE };
static const char *const titles[] = { "search: serial number", "search: name", "search: beginning of a name, 100 rows", "search: key",
	"search: expiring within a second, 100 rows", "search: a profile that nobody has (2,000 rows looked at)" };

static struct lg_cert_query
query(struct lg_ctx *cx, enum by by, uint64_t i)
{
	struct lg_cert_row row = row_of(cx->arena, i, cx->now);
	struct lg_cert_query q = { .limit = 100 };

	switch (by) {
	case BY_SERIAL:
		q.has_serial = true;
		q.serial = row.serial;
		break;
	case BY_NAME:
		q.name = row.name;
		break;
	case BY_BEGINNING:
		q.name = lg_cat(cx->arena, lg_str_sub(row.name, 0, 7), LG_STR("*"));
		break;
	case BY_KEY:
		q.has_key = true;
		q.key = row.spki;
		break;
	case BY_EXPIRY:
		q.expires_from = row.expires;
		q.expires_to = row.expires + LG_SECOND;
		break;
	case BY_PROFILE:
		q.profile = LG_STR("nobody");
	}
	return q;
}

static int64_t
thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

struct took {
	int64_t cpu, wall;		/* nanoseconds */
	int64_t core;			/* of the wall: waited for a core */
};

/* How long this thread has waited for a core so far. */
static int64_t
waited_ns(void)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "r");
	long long ran, waited = 0;

	if (f == NULL || fscanf(f, "%lld %lld", &ran, &waited) != 2)
		waited = 0;
	if (f != NULL)
		fclose(f);
	return waited;
}

static struct took
one_search(struct lg_ctx *cx, enum by by, uint64_t i)
{
	int64_t began = lg_monotonic_ns(), worked = thread_ns();
	struct lg_cert_query q;
	struct lg_view *v;
	size_t found = 0;
	lg_str next;

	must(cx, lg_view_begin(cx, store, &v));
	q = query(cx, by, i);
	must(cx, lg_cert_search(cx, v, 1, &q, count, &found, &next));
	lg_view_end(&v);
	lg_store_turn(store);
	if (found == 0 && by != BY_PROFILE)
		exit(1);
	lg_arena_reset(cx->arena);
	return (struct took){ .cpu = thread_ns() - worked, .wall = lg_monotonic_ns() - began };
}

static void
search(struct lg_ctx *cx, enum by by, uint64_t n)
{
	int64_t *cpu = calloc(SEARCHES, sizeof *cpu), *wall = calloc(SEARCHES, sizeof *wall);
	int times = by == BY_PROFILE ? SEARCHES / 20 : SEARCHES;

	for (int i = 0; i < times; i++) {
		struct took t = one_search(cx, by, (uint64_t)lg_monotonic_ns() * 2654435761u % n);
		cpu[i] = t.cpu;
		wall[i] = t.wall;
	}
	qsort(cpu, (size_t)times, sizeof *cpu, rising);
	qsort(wall, (size_t)times, sizeof *wall, rising);
	printf("%-52s %9.1f us p50 %9.1f us p99 (CPU; by the clock %.1f us)\n", titles[by], (double)cpu[times / 2] / 1e3,
	    (double)cpu[times * 99 / 100] / 1e3, (double)wall[times * 99 / 100] / 1e3);
	free(cpu);
	free(wall);
}

static void
memory(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0 || strncmp(line, "RssFile:", 8) == 0)
			printf("memory: %s", line);
	if (f != NULL)
		fclose(f);
}

static void
census(struct lg_ctx *cx)
{
	struct lg_unrenewed u;
	int64_t cpu = thread_ns();

	must(cx, lg_certs_census(cx, certs, 1, &u));
	printf("%-52s %9.1f ms CPU, %llu of them in the last sixth of their life without a successor\n", "all counted, for the metrics",
	    (double)(thread_ns() - cpu) / 1e6, (unsigned long long)u.count);
}

/* ---- a long CRL, while others search ----------------------------------------------------------------------- */

static atomic_bool stop;
static struct took longest;

static void *
others(void *arg)
{
	uint64_t n = *(const uint64_t *)arg;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	while (!atomic_load(&stop)) {
		int64_t waited = waited_ns();
		struct took t = one_search(&cx, BY_NAME, (uint64_t)lg_monotonic_ns() % n);

		longest.cpu = t.cpu > longest.cpu ? t.cpu : longest.cpu;
		if (t.wall > longest.wall) {
			longest.wall = t.wall;
			longest.core = waited_ns() - waited;
		}
	}
	return NULL;
}

static void
long_crl(struct lg_ctx *cx, uint64_t n)
{
	int64_t began, cpu;
	pthread_t t;
	lg_str crl;

	pthread_create(&t, NULL, others, &n);
	began = lg_monotonic_ns();
	cpu = thread_ns();
	must(cx, lg_certs_crl(cx, certs, 1, kid, &crl));
	double ms = (double)(lg_monotonic_ns() - began) / 1e6, work = (double)(thread_ns() - cpu) / 1e6;
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	printf("%-52s %9.1f ms CPU (by the clock %.1f ms), %zu octets\n", "CRL of 100,000 entries, built and signed", work, ms, crl.n);
	printf("%-52s %9.1f us CPU (by the clock %.1f us, of which it waited %.1f us for a core)\n", "longest search meanwhile",
	    (double)longest.cpu / 1e3, (double)longest.wall / 1e3, (double)longest.core / 1e3);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct lg_ctx cx;

	arena = lg_arena_new();
	lg_ctx_init(&cx, arena);
	set_up(&cx);
	cx.arena = lg_arena_new();
	if (n < REVOKED)
		n = REVOKED;
	printf("%llu certificates\n", (unsigned long long)n);
	fill(&cx, n, false);
	for (enum by by = BY_SERIAL; by <= BY_PROFILE; by++)
		search(&cx, by, n);
	memory();
	census(&cx);
	fill(&cx, REVOKED, true);
	long_crl(&cx, n);
	lg_certs_free(&certs);
	lg_store_close(&store);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
