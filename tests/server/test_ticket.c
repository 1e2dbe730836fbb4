/* test_ticket.c: what makes a ticket good, and everything that makes it bad. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "server/access.h"

static struct lg_ctx cx;
static struct lg_key *key, *other;
static struct lg_tenant_view tenant;
static lg_uuid host;
static char host_text[LG_UUID_TEXT + 1], subject_text[LG_UUID_TEXT + 1];

static void
setup(void)
{
	lg_ctx_init(&cx, lg_arena_new());
	cr_assert_eq(lg_key_generate(&cx, LG_KEY_P256, &key), LG_OK);
	cr_assert_eq(lg_key_generate(&cx, LG_KEY_P256, &other), LG_OK);
	struct lg_keyset_key one = { LG_STR("t1"), LG_ALG_ES256, lg_key_public(key) };
	tenant = (struct lg_tenant_view){ .id = 1, .sts = { .issuer = LG_STR("https://id.example.org") }, .tickets = lg_keyset_new(&one, 1) };
	host = lg_uuid_new();
	lg_uuid_text(host, host_text);
	lg_uuid_text(lg_uuid_new(), subject_text);
}

static void
teardown(void)
{
	lg_keyset_unref(&tenant.tickets);
	lg_key_free(&key);
	lg_key_free(&other);
	lg_arena_free(&cx.arena);
}

TestSuite(ticket, .init = setup, .fini = teardown);

struct made {
	const char *issuer, *audience, *subject, *jti, *typ;
	int64_t issued, expires;	/* seconds from now */
	struct lg_key *by;
};

static struct made
good(void)
{
	return (struct made){ "https://id.example.org", host_text, subject_text, "j1", LG_TICKET_TYP, 0, 60, key };
}

static lg_str
make(struct made m)
{
	int64_t now = cx.now / LG_SECOND;
	lg_str token, payload = lg_print(cx.arena, "{\"iss\":\"%s\",\"aud\":%s%s%s,\"sub\":\"%s\",\"jti\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
	    "\"sub_type\":\"User\",\"act\":{\"sub\":\"x\"},\"wl\":\"web\",\"project\":\"shop\",\"image\":\"busybox\",\"digest\":\"sha256:1\"}",
	    m.issuer, m.audience[0] == '[' ? "" : "\"", m.audience, m.audience[0] == '[' ? "" : "\"", m.subject, m.jti,
	    (long long)(now + m.issued), (long long)(now + m.expires));

	cr_assert_eq(lg_jws_sign(&cx, m.by, LG_ALG_ES256, m.typ, LG_STR("t1"), payload, &token), LG_OK, "%s", cx.error);
	return token;
}

static lg_err
check(lg_str token)
{
	struct lg_ticket t;

	cx.error[0] = '\0';
	return lg_ticket_check(&cx, &tenant, token, host, &t);
}

Test(ticket, a_good_one_says_who_and_what)
{
	struct lg_ticket t;

	cr_assert_eq(lg_ticket_check(&cx, &tenant, make(good()), host, &t), LG_OK, "%s", cx.error);
	cr_assert(lg_str_eq(t.workload, LG_STR("web")) && lg_str_eq(t.project, LG_STR("shop")) && lg_str_eq(t.image, LG_STR("busybox")));
	cr_assert(lg_str_eq(t.subject_type, LG_STR("User")) && lg_str_eq(t.digest, LG_STR("sha256:1")));
}

Test(ticket, an_expired_one_is_refused)
{
	struct made m = good();

	m.issued = -300, m.expires = -120;
	cr_assert_eq(check(make(m)), LG_E_EXPIRED);
}

Test(ticket, one_for_another_host_is_refused)
{
	struct made m = good();
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(lg_uuid_new(), text);
	m.audience = text;
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
}

Test(ticket, one_for_several_hosts_is_refused)
{
	struct made m = good();

	m.audience = lg_print(cx.arena, "[\"%s\",\"somebody-else\"]", host_text).p;
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
}

Test(ticket, another_kind_of_token_is_no_ticket)
{
	static const char *const typ[] = { "at+jwt", "JWT", "lg-bundle+jwt", "logout+jwt" };

	for (size_t i = 0; i < LG_COUNT(typ); i++) {
		struct made m = good();
		m.typ = typ[i];
		cr_expect_eq(check(make(m)), LG_E_UNAUTHENTICATED, "%s", typ[i]);
	}
}

Test(ticket, another_tenant_s_issuer_is_refused)
{
	struct made m = good();

	m.issuer = "https://id.example.org/t/other";
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
}

Test(ticket, another_key_is_refused)
{
	struct made m = good();

	m.by = other;
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
}

Test(ticket, one_without_a_subject_or_an_id_is_refused)
{
	struct made m = good();

	m.subject = "alice";
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
	m = good();
	m.jti = "";
	cr_assert_eq(check(make(m)), LG_E_UNAUTHENTICATED);
}

Test(ticket, no_single_character_can_be_changed)
{
	lg_str token = make(good());
	char *text = (char *)(uintptr_t)lg_dup(cx.arena, token).p;

	for (size_t i = 0; i < token.n; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		cr_expect_neq(check((lg_str){ text, token.n }), LG_OK, "at %zu", i);
		text[i] = was;
	}
	cr_assert_neq(check(lg_str_sub(token, 0, token.n - 1)), LG_OK);
	cr_assert_neq(check(LG_NONE), LG_OK);
}
