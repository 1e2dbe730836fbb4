/*
 * Authorization requests: whatever the query, an error is sent only to a registered redirect URI, and a request that was
 * accepted has client, redirect URI and challenge as the rules want them.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "lightgate/store.h"
#include "lightgate/sts.h"
#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_store *store;
static struct lg_sts sts;
static struct lg_keyset *keys;

static void
must(lg_err e)
{
	if (e != LG_OK)
		abort();
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	static const char *const clients[] = {
		"{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"https://app.example/cb\",\"http://127.0.0.1/cb\"]}",
		"{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"https://app.example/cb?x=1\",\"com.example.app:/cb\"]}",
	};

	(void)arg;
	for (size_t i = 0; i < LG_COUNT(clients); i++) {
		struct lg_sts_client c;
		enum lg_sts_change change;

		LG_TRY(lg_sts_client_read(cx, lg_str_of(clients[i]), NULL, &c));
		c.entry.b[15] = (uint8_t)(i + 1);
		LG_TRY(lg_sts_client_put(cx, v, 1, &c, NULL, &change));
	}
	return LG_OK;
}

static void
start(void)
{
	const char *tmp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char dir[200], path[220];
	struct lg_arena *arena = lg_arena_new();
	struct lg_store_options o = { .dir = path, .archive = path, .tables = lg_sts_tables, .ntables = lg_sts_table_count,
		.nosync = true, .map_size = 64u << 20, .node = LG_STR("fuzz") };
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	(void)snprintf(dir, sizeof dir, "%s/fuzz-sts.XXXXXX", tmp);
	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof path, "%s/store", dir);
	must(lg_dir_make(&cx, path, 0700));
	must(lg_store_open(&cx, &o, &store));
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);	/* the files stay mapped */
	must(lg_store_apply(&cx, store, 1, "fuzz", put, NULL, NULL));
	keys = lg_keyset_new(NULL, 0);
	sts.store = store;
	lg_arena_free(&arena);
}

static void
check(const struct sts_authorize *az, bool redirectable, lg_err e)
{
	bool known = false;

	if (e == LG_OK && !redirectable)
		abort();
	for (size_t i = 0; redirectable && i < az->client.nredirects; i++)
		known |= sts_redirect_matches(az->client.redirects[i], az->redirect);
	if (redirectable && !known)
		abort();
	if (e == LG_OK && az->client.auth == LG_CLIENT_NONE && az->challenge.n != 43)
		abort();
	if (e == LG_OK && (az->scope.n == 0 || az->state.n > STS_STATE_MAX || az->nonce.n > STS_STATE_MAX))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sts_authorize az;
	bool redirectable = false;
	struct lg_ctx cx;
	lg_err e;

	if (store == NULL)
		start();
	lg_ctx_init(&cx, lg_arena_new());
	struct lg_http ex = { .cx = &cx };
	struct sts_rq rq = { .sts = &sts, .ex = &ex, .cx = &cx, .tenant_id = 1,
		.tenant = { .issuer = LG_STR("https://id.example"), .keys = keys } };
	must(lg_view_begin(&cx, store, &rq.view));
	e = sts_authorize_parse(&rq, (lg_str){ (const char *)data, size }, &az, &redirectable);
	check(&az, redirectable, e);
	lg_view_end(&rq.view);
	lg_store_turn(store);
	lg_arena_free(&cx.arena);
	return 0;
}
