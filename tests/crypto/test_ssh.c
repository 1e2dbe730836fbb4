/* test_ssh.c: OpenSSH's encodings, and what the keeper reads in a certificate before it signs it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "crypto/keeper/tbs_check.h"
#include "tests/crypto/keeper_run.h"

struct ssh_case {
	struct lg_arena *a;
	struct lg_ctx cx;
	struct lg_key *ca;
	struct lg_ceiling ceiling;
	/* of the certificate */
	lg_str principals[4];
	size_t n;
	uint64_t from, to, serial;
	uint32_t type;
	const char *critical, *extension, *nonce;
	lg_str reserved, tail;
	const struct lg_key *names_ca;
};

static struct ssh_case
ssh_case(void)
{
	struct ssh_case f = { .a = lg_arena_new(), .principals = { LG_STR("alice") }, .n = 1, .serial = 7, .type = LG_SSH_USER,
		.extension = "permit-pty", .nonce = "0123456789abcdef" };

	lg_ctx_init(&f.cx, f.a);
	cr_assert_eq(lg_key_generate(&f.cx, LG_KEY_P256, &f.ca), LG_OK);
	f.ceiling = test_ceiling;
	f.ceiling.nets[0] = LG_STR("\x0a\0\0\0\xff\0\0\0");
	f.ceiling.nnets = 1;
	f.from = (uint64_t)(f.cx.now / LG_SECOND) - 300;
	f.to = (uint64_t)(f.cx.now / LG_SECOND) + 600;
	f.names_ca = f.ca;
	return f;
}

static void
ssh_end(struct ssh_case *f)
{
	lg_key_free(&f->ca);
	lg_arena_free(&f->a);
}

static void
put_option(struct lg_buf *b, const char *name)
{
	LG_AUTO(lg_buf_free) struct lg_buf list = LG_BUF(256);

	if (name != NULL) {
		lg_buf_str32(&list, lg_str_of(name));
		lg_buf_str32(&list, LG_NONE);
	}
	lg_buf_str32(b, lg_buf_view(&list));
}

static lg_str
written(struct ssh_case *f, enum lg_key_type type)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SSH_CERT_MAX), names = LG_BUF(1024), ca = LG_BUF(1024);
	LG_AUTO(lg_key_free) struct lg_key *k = NULL;

	cr_assert_eq(lg_key_generate(&f->cx, type, &k), LG_OK);
	lg_buf_str32(&b, lg_ssh_name(k->pub->parts.kind, true));
	lg_buf_str32(&b, lg_str_of(f->nonce));
	lg_ssh_put_key_fields(&b, &k->pub->parts);
	lg_buf_u64(&b, f->serial);
	lg_buf_u32(&b, f->type);
	lg_buf_str32(&b, LG_STR("an id"));
	for (size_t i = 0; i < f->n; i++)
		lg_buf_str32(&names, f->principals[i]);
	lg_buf_str32(&b, lg_buf_view(&names));
	lg_buf_u64(&b, f->from);
	lg_buf_u64(&b, f->to);
	put_option(&b, f->critical);
	put_option(&b, f->extension);
	lg_buf_str32(&b, f->reserved);
	lg_ssh_put_key(&ca, &f->names_ca->pub->parts);
	lg_buf_str32(&b, lg_buf_view(&ca));
	lg_buf_str(&b, f->tail);
	return lg_dup(f->a, lg_buf_view(&b));
}

static lg_err
checked(struct ssh_case *f, enum lg_ssh_cert type)
{
	return lg_ssh_check(&f->cx, written(f, LG_KEY_P256), type, &f->ceiling, f->ca->pub);
}

Test(ssh, keys_of_all_kinds_come_back)
{
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };
	struct ssh_case f = ssh_case();

	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *k = NULL;
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
		lg_str spki, line, blob;
		cr_assert_eq(lg_key_generate(&f.cx, types[i], &k), LG_OK);
		lg_ssh_put_key(&b, &k->pub->parts);
		line = lg_ssh_line(f.a, lg_buf_view(&b), LG_STR("a comment"));
		cr_assert_eq(lg_ssh_line_parse(&f.cx, line, &blob), LG_OK, "%s", f.cx.error);
		cr_assert_eq(lg_ssh_key_parse(&f.cx, blob, &spki), LG_OK, "%s", f.cx.error);
		cr_assert(lg_str_eq(spki, lg_pubkey_spki(k->pub)));
		cr_assert_neq(lg_ssh_key_parse(&f.cx, lg_str_sub(blob, 0, blob.n - 1), &spki), LG_OK);
		cr_assert_neq(lg_ssh_key_parse(&f.cx, lg_cat(f.a, blob, LG_STR("x")), &spki), LG_OK);
		cr_assert_eq(lg_ssh_check(&f.cx, written(&f, types[i]), LG_SSH_USER, &f.ceiling, f.ca->pub), LG_OK, "%s", f.cx.error);
	}
	ssh_end(&f);
}

Test(ssh, lines_that_are_no_keys_are_refused)
{
	static const char *const bad[] = { "", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-dss AAAAB3NzaC1kc3M=",
		"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct ssh_case f = ssh_case();
	lg_str blob, spki;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert(lg_ssh_line_parse(&f.cx, lg_str_of(bad[i]), &blob) != LG_OK || lg_ssh_key_parse(&f.cx, blob, &spki) != LG_OK,
		    "%s", bad[i]);
	ssh_end(&f);
}

Test(ssh, hosts_are_named_within_the_ceiling)
{
	struct ssh_case f = ssh_case();

	f.type = LG_SSH_HOST;
	f.extension = NULL;
	f.principals[0] = LG_STR("node1.acme.example.org");
	f.principals[1] = LG_STR("10.2.3.4");
	f.n = 2;
	cr_assert_eq(checked(&f, LG_SSH_HOST), LG_OK, "%s", f.cx.error);
	f.principals[1] = LG_STR("192.0.2.1");
	cr_assert_eq(checked(&f, LG_SSH_HOST), LG_E_DENIED);
	f.principals[1] = LG_STR("node1.other.example.org");
	cr_assert_eq(checked(&f, LG_SSH_HOST), LG_E_DENIED);
	f.n = 1;
	f.extension = "permit-pty";
	cr_assert_eq(checked(&f, LG_SSH_HOST), LG_E_DENIED, "hosts have no options");
	ssh_end(&f);
}

#define REFUSED(change) do { \
		struct ssh_case f = ssh_case(); \
		change; \
		cr_expect_eq(checked(&f, LG_SSH_USER), LG_E_DENIED, "%s: %s", #change, f.cx.error); \
		ssh_end(&f); \
	} while (0)

Test(ssh, what_a_certificate_must_not_be)
{
	LG_AUTO(lg_key_free) struct lg_key *other = NULL;
	struct ssh_case g = ssh_case();

	cr_assert_eq(lg_key_generate(&g.cx, LG_KEY_P256, &other), LG_OK);
	REFUSED(f.n = 0);				/* good for every name */
	REFUSED(f.principals[0] = LG_STR("-oProxyCommand"));
	REFUSED(f.principals[0] = LG_STR("a b"));
	REFUSED(f.principals[0] = LG_STR("*"));
	REFUSED(f.type = LG_SSH_HOST);
	REFUSED(f.type = 3);
	REFUSED(f.serial = 0);
	REFUSED(f.nonce = "short");
	REFUSED(f.from -= 3600);
	REFUSED(f.from += 3600);
	REFUSED(f.to = f.from);
	REFUSED(f.to = UINT64_MAX);
	REFUSED(f.to += 400 * 86400);
	REFUSED(f.critical = "permit-everything");
	REFUSED(f.extension = "no-such-thing");
	REFUSED(f.reserved = LG_STR("x"));
	REFUSED(f.tail = LG_STR("x"));
	REFUSED(f.names_ca = other);
	ssh_end(&g);
}

Test(ssh, cut_anywhere_it_is_refused)
{
	struct ssh_case f = ssh_case();
	lg_str whole = written(&f, LG_KEY_ED25519);

	for (size_t n = 0; n < whole.n; n++)
		cr_assert_neq(lg_ssh_check(&f.cx, lg_str_sub(whole, 0, n), LG_SSH_USER, &f.ceiling, f.ca->pub), LG_OK);
	ssh_end(&f);
}
