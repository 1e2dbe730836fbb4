/* test_ssh.c: SSH certificates on the issuing path, and the list of those revoked. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "certs/revoke.h"
#include "certs/ssh.h"
#include "crypto/ssh.h"
#include "tests/certs/http.h"

static lg_err
issue(struct world *w, lg_uuid entry, const char *profile, const lg_str *principals, size_t n, struct lg_issued *ret)
{
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_ED25519);
	struct lg_cert_request rq = { .tenant = TENANT_A, .profile = lg_str_of(profile), .proof = "self", .entry = entry,
		.asker = { .type = LG_STR("User"), .id = entry, .name = LG_STR("x") }, .spki = lg_pubkey_spki(lg_key_public(k)),
		.ssh = true, .principals = principals, .nprincipals = n };

	return lg_certs_issue(&w->cx, w->certs, &rq, ret);
}

static struct lg_cert_row
row_of(struct world *w, const lg_serial *serial)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct lg_cert_row row;

	cr_assert_eq(lg_cert_find(&w->cx, v, TENANT_A, serial, &row), LG_OK);
	return row;
}

Test(ssh, people_get_their_name_and_policy_hears_of_every_other)
{
	struct world *w = world_new();
	const lg_str other[] = { LG_STR("deploy"), LG_STR("alice") };
	struct lg_issued is;
	uint64_t number;

	cr_assert_eq(issue(w, w->user, "ssh-user", NULL, 0, &is), LG_OK, "%s", w->cx.error);
	cr_assert(memmem(is.cert.p, is.cert.n, "\0\0\0\x09\0\0\0\x05" "alice", 13) != NULL, "one principal, alice");
	cr_assert_eq(w->last_nprincipals, 1);
	cr_assert(lg_ssh_serial(&is.serial, &number) && number != 0);
	cr_assert_eq(row_of(w, &is.serial).state, LG_CERT_ISSUED);
	cr_assert_eq(issue(w, w->user, "ssh-user", other, 2, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(w->last_nprincipals, 2);
	w->deny = "certificate:issue";
	cr_assert_eq(issue(w, w->user, "ssh-user", NULL, 0, &is), LG_E_DENIED);
	world_free(w);
}

Test(ssh, hosts_get_their_own_names_and_no_others)
{
	struct world *w = world_new();
	const lg_str one[] = { LG_STR("node1.hosts.a.example") }, foreign[] = { LG_STR("node2.hosts.a.example") };
	struct lg_issued is;

	cr_assert_eq(issue(w, w->host, "ssh-host", NULL, 0, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(w->last_nprincipals, 2);
	cr_assert_eq(issue(w, w->host, "ssh-host", one, 1, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(issue(w, w->host, "ssh-host", foreign, 1, &is), LG_E_DENIED);
	world_free(w);
}

Test(ssh, profiles_keep_ssh_and_x509_and_kinds_of_entries_apart)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(issue(w, w->host, "ssh-user", NULL, 0, &is), LG_E_DENIED);
	cr_assert_eq(issue(w, w->user, "ssh-host", NULL, 0, &is), LG_E_DENIED);
	cr_assert_eq(issue(w, w->user, "user", NULL, 0, &is), LG_E_DENIED, "X.509 for an SSH key");
	cr_assert_eq(world_issue(w, TENANT_A, w->user, "ssh-user", k, NULL, &is), LG_E_DENIED, "SSH for a request");
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/robots", "", LG_STR("{\"kind\":\"ssh-user\",\"subject\":\"Service\",\"keys\":[\"Ed25519\"],"
	    "\"life_seconds\":60,\"longest_seconds\":60}")).e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(issue(w, w->service, "robots", NULL, 0, &is), LG_OK, "%s", w->cx.error);
	cr_assert_leq(is.expires - w->cx.now, 60 * LG_SECOND);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/robots", "", LG_STR("{\"subject\":\"Host\"}")).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/robots", "", LG_STR("{\"usages\":[\"clientAuth\"]}")).e, LG_E_INVALID);
	world_free(w);
}

Test(ssh, principals_that_the_keeper_refuses_leave_a_pending_row_alone)
{
	struct world *w = world_new();
	const lg_str odd[] = { LG_STR("-oProxyCommand=x") };
	struct lg_issued is;

	cr_assert_eq(issue(w, w->user, "ssh-user", odd, 1, &is), LG_E_DENIED);
	world_free(w);
}

Test(ssh, a_tenant_without_keys_for_it_issues_none)
{
	struct world *w = world_new();
	struct lg_issued is;
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_request rq = { .tenant = TENANT_B, .profile = LG_STR("ssh-host"), .proof = "self", .entry = w->host_b,
		.asker = { .type = LG_STR("Host"), .id = w->host_b }, .spki = lg_pubkey_spki(lg_key_public(k)), .ssh = true };

	cr_assert_eq(lg_certs_issue(&w->cx, w->certs, &rq, &is), LG_E_UNAVAILABLE);
	world_free(w);
}

/* ---- with OpenSSH's own tools -------------------------------------------------------------------------- */

static lg_str
write_file(struct world *w, const char *dir, const char *name, lg_str data)
{
	lg_str path = lg_print(w->arena, "%s/%s", dir, name);

	cr_assert_eq(lg_file_write(&w->cx, path.p, 0600, data), LG_OK, "%s", w->cx.error);
	return path;
}

static int
run(struct world *w, const char *command, const char *a, const char *b)
{
	return system(lg_print(w->arena, "%s %s %s >/dev/null 2>&1", command, a, b).p);
}

Test(ssh, ssh_keygen_reads_the_certificate_and_finds_it_in_the_list_once_revoked)
{
	char dir[] = "/tmp/lg-ssh.XXXXXX";
	struct world *w = world_new();
	struct lg_issued is, other;
	lg_str cert, still, krl;

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(issue(w, w->user, "ssh-user", NULL, 0, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(issue(w, w->user, "ssh-user", NULL, 0, &other), LG_OK, "%s", w->cx.error);
	cert = write_file(w, dir, "a-cert.pub", lg_ssh_line(w->arena, is.cert, LG_NONE));
	still = write_file(w, dir, "b-cert.pub", lg_ssh_line(w->arena, other.cert, LG_NONE));
	if (access("/usr/bin/ssh-keygen", X_OK) != 0) {
		printf("SKIP ssh-keygen: not installed\n");
		world_free(w);
		return;
	}
	cr_assert_eq(run(w, "ssh-keygen -L -f", cert.p, ""), 0);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK, "%s", w->cx.error);
	struct answer a = world_call(w, "GET", "/ssh/krl", "", LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	krl = write_file(w, dir, "krl", a.body);
	cr_assert_neq(run(w, "ssh-keygen -Q -f", krl.p, cert.p), 0, "revoked");
	cr_assert_eq(run(w, "ssh-keygen -Q -f", krl.p, still.p), 0, "not revoked");
	unlink(cert.p);
	unlink(still.p);
	unlink(krl.p);
	rmdir(dir);
	world_free(w);
}

Test(ssh, the_route_takes_a_line_and_gives_a_line)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct answer a;

	lg_ssh_put_key(&b, &lg_key_public(k)->parts);
	lg_str line = lg_str_trim(lg_ssh_line(w->arena, lg_buf_view(&b), LG_STR("me@here")));
	a = world_call(w, "POST", "/v1/ssh/certificates", "", lg_print(w->arena, "{\"public_key\":\"%.*s\"}", LG_FMT(line)));
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "ecdsa-sha2-nistp256-cert-v01@openssh.com ", 41));
	a = world_call(w, "POST", "/v1/ssh/certificates", "", lg_print(w->arena, "{\"public_key\":\"%.*s\",\"life_seconds\":-1}", LG_FMT(line)));
	cr_assert_eq(a.e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "POST", "/v1/ssh/certificates", "", LG_STR("{}")).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "POST", "/v1/ssh/certificates", "", LG_STR("{\"public_key\":\"ssh-dss AAAA\"}")).e, LG_E_INVALID);
	a = world_call(w, "GET", "/ssh/user_ca.pub", "", LG_NONE);
	cr_assert(lg_str_starts(a.body, LG_STR("ecdsa-sha2-nistp256 ")));
	w->nobody = true;
	cr_assert_eq(world_call(w, "POST", "/v1/ssh/certificates", "", LG_STR("{}")).e, LG_E_UNAUTHENTICATED);
	world_free(w);
}
