/* test_search.c: the inventory is found by what is known of a certificate; many are revoked at once. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "certs/revoke.h"
#include "certs/search.h"
#include "tests/certs/http.h"

struct found {
	lg_serial serial[64];
	size_t n;
};

static bool
take(void *arg, const struct lg_cert_row *row)
{
	struct found *f = arg;

	cr_assert_lt(f->n, LG_COUNT(f->serial));
	f->serial[f->n++] = row->serial;
	return true;
}

/* All pages of the question. */
static struct found
search(struct world *w, struct lg_cert_query q)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct found f = { .n = 0 };
	int pages = 0;

	if (q.limit == 0)
		q.limit = 100;
	do {
		lg_str next;
		cr_assert_eq(lg_cert_search(&w->cx, v, TENANT_A, &q, take, &f, &next), LG_OK, "%s", w->cx.error);
		q.after = next;
		cr_assert_lt(++pages, 50);
	} while (q.after.n > 0);
	return f;
}

static struct lg_issued
issue_with(struct world *w, lg_uuid entry, const char *profile, const struct lg_key *k)
{
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, entry, profile, k, NULL, &is), LG_OK, "%s", w->cx.error);
	return is;
}

static bool
has(const struct found *f, const struct lg_issued *is)
{
	for (size_t i = 0; i < f->n; i++)
		if (memcmp(f->serial[i].b, is->serial.b, sizeof is->serial.b) == 0)
			return true;
	return false;
}

Test(search, every_attribute_finds_its_certificates_alone)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued a = issue_with(w, w->host, "host", k), b = world_issued(w, w->other_host, "host"), u = world_issued(w, w->user, "user"),
	    wl = world_issued(w, w->workload, "workload");
	struct found f;

	f = search(w, (struct lg_cert_query){ .has_serial = true, .serial = b.serial });
	cr_assert(f.n == 1 && has(&f, &b));
	f = search(w, (struct lg_cert_query){ .has_entry = true, .entry = w->user });
	cr_assert(f.n == 1 && has(&f, &u));
	f = search(w, (struct lg_cert_query){ .has_key = true, .key = lg_sha256_of(lg_pubkey_spki(lg_key_public(k))) });
	cr_assert(f.n == 1 && has(&f, &a));
	f = search(w, (struct lg_cert_query){ .name = LG_STR("node1") });
	cr_assert(f.n == 1 && has(&f, &a));
	f = search(w, (struct lg_cert_query){ .name = LG_STR("node*") });
	cr_assert(f.n == 2 && has(&f, &a) && has(&f, &b));
	f = search(w, (struct lg_cert_query){ .name = LG_STR("nod") });
	cr_assert_eq(f.n, 0, "no beginning without a star");
	f = search(w, (struct lg_cert_query){ .profile = LG_STR("workload") });
	cr_assert(f.n == 1 && has(&f, &wl));
	f = search(w, (struct lg_cert_query){ .type = LG_STR("Host") });
	cr_assert_eq(f.n, 2);
	f = search(w, (struct lg_cert_query){ .expires_to = w->cx.now + 2 * LG_HOUR });
	cr_assert(f.n == 1 && has(&f, &wl));
	f = search(w, (struct lg_cert_query){ .expires_from = w->cx.now + 20 * LG_HOUR });
	cr_assert_eq(f.n, 2);
	f = search(w, (struct lg_cert_query){ .limit = 1 });
	cr_assert_eq(f.n, 4, "page by page all of them");
	f = search(w, (struct lg_cert_query){ .name = LG_STR("node*"), .limit = 1 });
	cr_assert_eq(f.n, 2);
	f = search(w, (struct lg_cert_query){ .expires_from = w->cx.now, .limit = 1 });
	cr_assert_eq(f.n, 4);
	world_free(w);
}

Test(search, states_are_told_apart_and_attributes_combine)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), b = world_issued(w, w->host, "host");
	struct found f;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	f = search(w, (struct lg_cert_query){ .state = LG_CERT_REVOKED });
	cr_assert(f.n == 1 && has(&f, &a));
	f = search(w, (struct lg_cert_query){ .state = LG_CERT_ISSUED, .name = LG_STR("node1") });
	cr_assert(f.n == 1 && has(&f, &b));
	f = search(w, (struct lg_cert_query){ .state = LG_CERT_REVOKED, .profile = LG_STR("user") });
	cr_assert_eq(f.n, 0);
	world_free(w);
}

Test(search, a_cursor_of_another_question_is_refused)
{
	static const char *const bad[] = { "zz", "00", "0000000000000000000000000000000000000000000000000000000000000000000000000000" };
	struct world *w = world_new();
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct lg_cert_query q = { .has_entry = true, .entry = w->user, .limit = 1 };
	struct found f = { .n = 0 };
	lg_str next;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		q.after = lg_str_of(bad[i]);
		cr_assert_eq(lg_cert_search(&w->cx, v, TENANT_A, &q, take, &f, &next), LG_E_INVALID, "%s", bad[i]);
	}
	lg_view_end(&v);
	world_free(w);
}

Test(search, the_route_reads_every_attribute)
{
	static const char *const bad[] = { "key=12", "state=gone", "expires_before=tomorrow", "expires_after=0", "after=xx", "limit=501" };
	struct world *w = world_new();
	struct lg_issued is = world_issued(w, w->host, "host");
	lg_str serial = lg_serial_text(w->arena, &is.serial);
	static const char *const good[] = { "name=node1&type=Host&profile=host&state=issued", "name=node*", "expires_after=2020-01-01T00:00:00Z",
		"expires_before=2099-01-01T00:00:00Z&limit=1" };

	for (size_t i = 0; i < LG_COUNT(good); i++) {
		struct answer a = world_call(w, "GET", "/v1/certificates", good[i], LG_NONE);
		cr_assert_eq(a.e, LG_OK, "%s: %s", good[i], w->cx.error);
		cr_assert_not_null(memmem(a.body.p, a.body.n, serial.p, serial.n), "%s", good[i]);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(world_call(w, "GET", "/v1/certificates", bad[i], LG_NONE).e, LG_E_INVALID, "%s", bad[i]);
	world_free(w);
}

/* ---- revoking many ----------------------------------------------------------------------------------------- */

static size_t
revoked(struct world *w)
{
	return search(w, (struct lg_cert_query){ .state = LG_CERT_REVOKED }).n;
}

Test(revoke_many, by_subject_key_and_issuer)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	lg_sha256 key = lg_sha256_of(lg_pubkey_spki(lg_key_public(k)));
	struct answer a;

	world_issued(w, w->user, "user");
	world_issued(w, w->user, "user");
	issue_with(w, w->host, "host", k);
	issue_with(w, w->other_host, "host", k);
	world_issued(w, w->service, "service");
	a = world_call(w, "POST", "/v1/certificates/revoke", "", LG_STR("{\"subject\":\"User/alice\",\"reason\":\"cessationOfOperation\"}"));
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(a.body, LG_STR("{\"revoked\":2}")), "%.*s", LG_FMT(a.body));
	a = world_call(w, "POST", "/v1/certificates/revoke", "", lg_print(w->arena, "{\"key\":\"%.*s\",\"reason\":\"keyCompromise\"}",
	    LG_FMT(lg_hex(w->arena, lg_sha256_str(&key)))));
	cr_assert(lg_str_eq(a.body, LG_STR("{\"revoked\":2}")), "%.*s", LG_FMT(a.body));
	a = world_call(w, "POST", "/v1/certificates/revoke", "", lg_print(w->arena, "{\"issuer\":\"%.*s\"}", LG_FMT(t->ca[0].issuer[0].kid)));
	cr_assert(lg_str_eq(a.body, LG_STR("{\"revoked\":1}")), "%.*s", LG_FMT(a.body));
	cr_assert_eq(revoked(w), 5);
	world_free(w);
}

Test(revoke_many, a_compromised_key_is_not_certified_again)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256), *other = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_with(w, w->host, "host", k), old = issue_with(w, w->host, "host", other);

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &old.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	cr_assert_eq(world_issue(w, TENANT_A, w->other_host, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", other, NULL, &is), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(revoke_many, is_decided_and_well_formed)
{
	static const char *const bad[] = { "{}", "{\"subject\":\"User/alice\",\"key\":\"00\"}", "{\"key\":\"00\"}", "{\"subject\":\"alice\"}",
		"{\"subject\":\"User/alice\",\"reason\":\"boredom\"}" };
	struct world *w = world_new();

	world_issued(w, w->user, "user");
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(world_call(w, "POST", "/v1/certificates/revoke", "", lg_str_of(bad[i])).e, LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates/revoke", "", LG_STR("{\"issuer\":\"nobody\"}")).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates/revoke", "", LG_STR("{\"subject\":\"User/nobody\"}")).e, LG_E_NOT_FOUND);
	w->deny = "certificate:revoke";
	cr_assert_eq(world_call(w, "POST", "/v1/certificates/revoke", "", LG_STR("{\"subject\":\"User/alice\"}")).e, LG_E_DENIED);
	cr_assert_eq(revoked(w), 0);
	world_free(w);
}
