/* test_ledger.c: the ledger's roots and proofs against RFC 9162's definitions, written down naively; what is added and what is not. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "certs/ledger.h"
#include "tests/certs/http.h"

#define LEAVES 70

/* 2.1.1: the definition. */
static lg_sha256
mth(const lg_str *d, size_t n)
{
	size_t k = 1;
	lg_sha256 l, r;

	if (n == 0)
		return lg_sha256_of(LG_NONE);
	if (n == 1)
		return lg_merkle_leaf(d[0]);
	while (2 * k < n)
		k *= 2;
	l = mth(d, k);
	r = mth(d + k, n - k);
	return lg_merkle_node(&l, &r);
}

struct filling {
	struct lg_cert_row row[LEAVES];
};

static lg_err
run_fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct filling *f = arg;

	for (size_t i = 0; i < LEAVES; i++)
		LG_TRY(lg_ledger_append(cx, v, TENANT_A, LG_LEDGER_ISSUED, &f->row[i]));
	return LG_OK;
}

static struct world *
filled(lg_str entries[LEAVES])
{
	struct world *w = world_new();
	struct filling *f = LG_NEW(w->arena, struct filling);

	for (size_t i = 0; i < LEAVES; i++)
		lg_random(f->row[i].serial.b, sizeof f->row[i].serial.b);
	cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "test.fill", run_fill, f, NULL), LG_OK, "%s", w->cx.error);
	struct lg_view *v = world_view(w);
	for (size_t i = 0; i < LEAVES; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_LEDGER_OCTETS);
		struct lg_ledger_entry e;
		cr_assert_eq(lg_ledger_get(&w->cx, v, TENANT_A, i, &e), LG_OK);
		lg_ledger_octets(&e, &b);
		entries[i] = lg_dup(w->arena, lg_buf_view(&b));
	}
	lg_view_end(&v);
	return w;
}

Test(ledger, roots_are_those_of_the_definition_at_every_size)
{
	lg_str d[LEAVES];
	struct world *w = filled(d);
	struct lg_view *v = world_view(w);

	for (size_t n = 0; n <= LEAVES; n++) {
		lg_sha256 want = mth(d, n), root;
		cr_assert_eq(lg_ledger_root(&w->cx, v, TENANT_A, n, &root), LG_OK, "%s", w->cx.error);
		cr_assert_eq(memcmp(&want, &root, sizeof root), 0, "%zu", n);
	}
	lg_sha256 root;
	cr_assert_eq(lg_ledger_root(&w->cx, v, TENANT_A, LEAVES + 1, &root), LG_E_NOT_FOUND);
	lg_view_end(&v);
	world_free(w);
}

Test(ledger, every_leaf_of_every_tree_is_proved_and_no_other)
{
	lg_str d[LEAVES];
	struct world *w = filled(d);
	struct lg_view *v = world_view(w);

	for (size_t size = 1; size <= LEAVES; size++) {
		lg_sha256 root = mth(d, size);
		for (size_t i = 0; i < size; i++) {
			lg_sha256 path[LG_MERKLE_PATH], leaf = lg_merkle_leaf(d[i]), other = lg_merkle_leaf(d[(i + 1) % LEAVES]);
			size_t n;
			cr_assert_eq(lg_ledger_inclusion(&w->cx, v, TENANT_A, i, size, path, &n), LG_OK, "%s", w->cx.error);
			cr_assert(lg_merkle_included(&leaf, i, size, path, n, &root), "%zu of %zu", i, size);
			cr_assert(!lg_merkle_included(&other, i, size, path, n, &root));
			cr_assert(!lg_merkle_included(&leaf, (i + 1) % size, size, path, n, &root) || size == 1);
			cr_assert(n == 0 || !lg_merkle_included(&leaf, i, size, path, n - 1, &root));
			if (n > 0) {
				path[n / 2].b[0] ^= 1;
				cr_assert(!lg_merkle_included(&leaf, i, size, path, n, &root));
			}
		}
	}
	lg_view_end(&v);
	world_free(w);
}

Test(ledger, a_tree_is_proved_to_begin_every_later_one_and_no_altered_one)
{
	lg_str d[LEAVES];
	struct world *w = filled(d);
	struct lg_view *v = world_view(w);

	for (size_t second = 1; second <= LEAVES; second++)
		for (size_t first = 1; first <= second; first++) {
			lg_sha256 path[LG_MERKLE_PATH], old = mth(d, first), new = mth(d, second), altered = new;
			size_t n;
			cr_assert_eq(lg_ledger_consistency(&w->cx, v, TENANT_A, first, second, path, &n), LG_OK, "%s", w->cx.error);
			cr_assert(lg_merkle_consistent(first, &old, second, &new, path, n), "%zu of %zu", first, second);
			altered.b[5] ^= 1;
			cr_assert(!lg_merkle_consistent(first, &old, second, &altered, path, n));
			cr_assert(!lg_merkle_consistent(first, &altered, second, &new, path, n));
		}
	lg_view_end(&v);
	world_free(w);
}

Test(ledger, issues_and_revocations_are_entries_once_each)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_ledger_entry e;
	struct lg_issued is;
	uint64_t index[2], size;
	size_t n;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	struct lg_view *v = world_view(w);
	cr_assert_eq(lg_ledger_size(&w->cx, v, TENANT_A, &size), LG_OK);
	cr_assert_eq(size, 2);
	cr_assert_eq(lg_ledger_find(&w->cx, v, TENANT_A, &is.serial, index, &n), LG_OK);
	cr_assert_eq(n, 2);
	cr_assert_eq(lg_ledger_get(&w->cx, v, TENANT_A, index[0], &e), LG_OK);
	lg_sha256 sha = lg_sha256_of(is.cert);
	cr_assert(e.kind == LG_LEDGER_ISSUED && memcmp(&e.sha256, &sha, sizeof sha) == 0);
	cr_assert_eq(lg_ledger_get(&w->cx, v, TENANT_A, index[1], &e), LG_OK);
	cr_assert(e.kind == LG_LEDGER_REVOKED && e.why == LG_REVOKED_SUPERSEDED);
	cr_assert_eq(lg_ledger_size(&w->cx, v, TENANT_B, &size), LG_OK);
	cr_assert_eq(size, 0, "each tenant has its own");
	lg_view_end(&v);
	world_free(w);
}

Test(ledger, purged_certificates_stay_in_it)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	uint64_t size, index[2];
	size_t gone = 0, n;
	bool more;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	w->cx.now += 100 * LG_DAY;
	cr_assert_eq(lg_certs_purge(&w->cx, w->certs, TENANT_A, w->cx.now, &gone, &more), LG_OK, "%s", w->cx.error);
	struct lg_view *v = world_view(w);
	cr_assert_eq(lg_ledger_size(&w->cx, v, TENANT_A, &size), LG_OK);
	cr_assert_eq(size, 3);
	cr_assert_eq(lg_ledger_find(&w->cx, v, TENANT_A, &is.serial, index, &n), LG_OK);
	cr_assert(n == 2 && index[0] == 1 && index[1] == 2, "found without its row");
	is.serial.b[3] ^= 1;
	cr_assert_eq(lg_ledger_find(&w->cx, v, TENANT_A, &is.serial, index, &n), LG_OK);
	cr_assert_eq(n, 0);
	lg_view_end(&v);
	world_free(w);
}

Test(ledger, routes_tell_heads_entries_and_proofs)
{
	static const char *const bad[] = { "", "serial=12", "serial=4000000000000000000000000000000000" };
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	struct answer a;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	lg_str serial = lg_serial_text(w->arena, &is.serial);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger", "", LG_NONE).e, LG_OK);
	a = world_call(w, "GET", "/v1/ledger/proof", lg_print(w->arena, "serial=%.*s", LG_FMT(serial)).p, LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"size\":1", 8));
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_neq(world_call(w, "GET", "/v1/ledger/proof", bad[i], LG_NONE).e, LG_OK, "%s", bad[i]);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/consistency", "first=1", LG_NONE).e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/consistency", "first=0", LG_NONE).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/consistency", "first=2", LG_NONE).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/consistency", "first=1&second=9", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/entries", "", LG_NONE).e, LG_OK);
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/entries", "from=x", LG_NONE).e, LG_E_INVALID);
	w->deny = "admin:read";
	cr_assert_eq(world_call(w, "GET", "/v1/ledger/entries", "", LG_NONE).e, LG_E_DENIED);
	a = world_call(w, "GET", "/v1/ledger/proof", lg_print(w->arena, "serial=%.*s", LG_FMT(serial)).p, LG_NONE);
	cr_assert_eq(a.e, LG_OK, "one's own");
	w->caller.id = w->user;
	a = world_call(w, "GET", "/v1/ledger/proof", lg_print(w->arena, "serial=%.*s", LG_FMT(serial)).p, LG_NONE);
	cr_assert_eq(a.e, LG_E_DENIED);
	world_free(w);
}
