/* test_lost.c: what a restored backup gives up is on the list of revocations, whether the inventory knew it or not. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "certs/revoke.h"
#include "certs/ssh.h"
#include "tests/certs/world.h"

static bool
count(void *arg, const lg_serial *serial)
{
	(void)serial;
	++*(unsigned *)arg;
	return true;
}

static unsigned
revoked(struct world *w)
{
	struct lg_view *v = world_view(w);
	unsigned n = 0;

	cr_assert_eq(lg_certs_revocations(&w->cx, v, TENANT_A, count, &n), LG_OK);
	lg_view_end(&v);
	return n;
}

Test(lost, all_that_is_known_is_given_up_however_many_an_entry_has)
{
	struct world *w = world_new();
	struct lg_issued first = world_issued(w, w->host, "host"), user = world_issued(w, w->user, "user");
	struct lg_certs_peer p;

	world_copies(w, &first.serial, LG_REVOKED_AT_ONCE + 900);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &user.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	lg_store_turn(w->store);
	cr_assert_eq(lg_certs_give_up(&w->cx, w->store, TENANT_A, "test"), LG_OK, "%s", w->cx.error);
	cr_assert_eq(revoked(w), LG_REVOKED_AT_ONCE + 902);
	cr_assert_eq(world_peer(w, first.cert, &p), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_give_up(&w->cx, w->store, TENANT_A, "test"), LG_OK, "nothing is left, which is fine");
	world_free(w);
}

struct putting {
	struct lg_cert_lost lost;
	bool added;
};

static lg_err
run_put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct putting *p = arg;

	return lg_certs_put_lost(cx, v, TENANT_A, &p->lost, &p->added);
}

static bool
put(struct world *w, struct lg_cert_lost lost)
{
	struct putting p = { .lost = lost };

	lg_store_turn(w->store);
	cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "test", run_put, &p, NULL), LG_OK, "%s", w->cx.error);
	return p.added;
}

static lg_str
kid(struct world *w)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	const struct lg_ca *ca;

	cr_assert_eq(lg_trust_tenant(&w->cx, t, TENANT_A, &ca), LG_OK);
	return lg_dup(w->arena, ca->issuer[0].kid);
}

Test(lost, what_only_the_keeper_remembers_is_on_the_crl_and_in_the_inventory)
{
	struct world *w = world_new();
	struct lg_cert_lost lost = { .serial = { { 0x41, 7 } }, .signed_at = w->cx.now, .expires = w->cx.now + LG_HOUR, .issuer = w->keys[TENANT_A].issuer_der };
	struct lg_issued known = world_issued(w, w->host, "host");
	struct lg_certs_peer p;
	struct lg_cert_row row;
	const unsigned char *at;
	X509_REVOKED *entry;
	lg_str der;

	cr_assert(put(w, lost));
	cr_assert(!put(w, lost), "once");
	lost.serial = known.serial;
	cr_assert(!put(w, lost), "what is known stays as it is");
	cr_assert_eq(world_peer(w, known.cert, &p), LG_OK, "%s", w->cx.error);

	lg_store_turn(w->store);
	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, TENANT_A, kid(w), &der), LG_OK, "%s", w->cx.error);
	at = (const unsigned char *)der.p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.n);
	cr_assert_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
	entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
	cr_assert_eq(ASN1_STRING_length(X509_REVOKED_get0_serialNumber(entry)), LG_CERT_SERIAL);
	cr_assert_eq(memcmp(ASN1_STRING_get0_data(X509_REVOKED_get0_serialNumber(entry)), "\x41\x07", 2), 0);
	X509_CRL_free(crl);

	struct lg_view *v = world_view(w);
	cr_assert_eq(lg_cert_find(&w->cx, v, TENANT_A, &(lg_serial){ { 0x41, 7 } }, &row), LG_OK);
	cr_assert(row.state == LG_CERT_REVOKED && lg_str_eq(row.profile, LG_STR("unknown")));
	lg_view_end(&v);
	world_free(w);
}

Test(lost, an_ssh_certificate_is_on_its_authoritys_list)
{
	struct world *w = world_new();
	struct lg_cert_lost lost = { .ssh = true, .number = 0x0102030405060708, .signed_at = w->cx.now, .expires = w->cx.now + LG_HOUR };
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	const struct lg_ca *ca;
	lg_str before, after;

	cr_assert_eq(lg_trust_tenant(&w->cx, t, TENANT_A, &ca), LG_OK);
	lost.issuer = ca->au.ssh_user[0];
	struct lg_view *v = world_view(w);
	cr_assert_eq(lg_ssh_krl(&w->cx, w->certs, v, TENANT_A, &before), LG_OK);
	before = lg_dup(w->arena, before);
	lg_view_end(&v);
	cr_assert(put(w, lost));
	v = world_view(w);
	cr_assert_eq(lg_ssh_krl(&w->cx, w->certs, v, TENANT_A, &after), LG_OK);
	cr_assert_null(memmem(before.p, before.n, "\1\2\3\4\5\6\7\10", 8));
	cr_assert_not_null(memmem(after.p, after.n, "\1\2\3\4\5\6\7\10", 8));
	lg_view_end(&v);
	world_free(w);
}
