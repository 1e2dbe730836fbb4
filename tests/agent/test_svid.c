/* test_svid.c: identities of workloads on the host: where they are kept, what is believed, whose process asks. */
#include "agent/svid.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/cgroup.h"
#include "base/file.h"
#include "tests/agent/place.h"

/* A folder of the test's own on a tmpfs; taken away by `forget`. */
static const char *
memory_folder(void)
{
	static char path[] = "/dev/shm/lg-svid.XXXXXX";

	cr_assert_not_null(mkdtemp(path));
	return path;
}

static void
forget(struct lg_ctx *cx, const char *folder, const char *const *below)
{
	for (; *below != NULL; below++)
		lg_svid_remove(cx, lg_print(cx->arena, "%s/%s", folder, *below).p);
	rmdir(folder);
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

static lg_str
read_in(struct lg_ctx *cx, const char *folder, const char *name)
{
	lg_str text;

	cr_assert_eq(lg_file_read(cx, lg_print(cx->arena, "%s/%s", folder, name).p, 65536, &text), LG_OK, "%s", cx->error);
	return text;
}

Test(svid, files_are_the_holders_alone_and_replaced_whole)
{
	TEST_CTX(cx);
	const char *folder = memory_folder();
	struct lg_svid one = { .key = LG_STR("k1"), .certificate = LG_STR("c1"), .chain = LG_STR("i1"), .roots = LG_STR("r1"), .token = LG_STR("t1") };
	struct lg_svid two = { .key = LG_STR("k2"), .certificate = LG_STR("c2"), .chain = LG_STR("i2"), .roots = LG_STR("r2") };
	struct stat st;

	cr_assert_eq(lg_svid_write(cx, folder, &one, getuid(), getgid()), LG_OK, "%s", cx->error);
	assert_str(read_in(cx, folder, "identity.pem"), "k1c1i1");
	int held = open(lg_print(cx->arena, "%s/key.pem", folder).p, O_RDONLY);
	cr_assert_eq(lg_svid_write(cx, folder, &two, getuid(), getgid()), LG_OK, "%s", cx->error);
	char old[3] = "";
	cr_assert_eq(read(held, old, 2), 2);
	close(held);
	cr_assert_str_eq(old, "k1", "who had it open reads on what it was");
	assert_str(read_in(cx, folder, "key.pem"), "k2");
	assert_str(read_in(cx, folder, "certificate.pem"), "c2i2");
	assert_str(read_in(cx, folder, "bundle.pem"), "r2");
	assert_str(read_in(cx, folder, "token"), "t1");		/* no new one: the old one may still be good */
	cr_assert_eq(stat(lg_print(cx->arena, "%s/key.pem", folder).p, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	lg_svid_remove(cx, folder);
	cr_assert_neq(access(folder, F_OK), 0);
}

Test(svid, what_was_left_is_taken_up_only_if_key_and_certificate_lead_to_its_root)
{
	TEST_CTX(cx);
	struct lg_svid *s = NULL;

	cr_assert_eq(lg_svid_of(cx, LG_STR(TEST_CERT), LG_STR(TEST_KEY), LG_STR(TEST_ROOT), &s), LG_OK, "%s", cx->error);
	assert_str(s->key, TEST_KEY);
	assert_str(s->chain, "");
	lg_svid_unref(&s);
	cr_assert_neq(lg_svid_of(cx, LG_STR(TEST_CERT), LG_STR(TEST_KEY), LG_STR(TEST_CERT), &s), LG_OK);
	cr_assert_neq(lg_svid_of(cx, LG_STR(TEST_ROOT), LG_STR(TEST_KEY), LG_STR(TEST_ROOT), &s), LG_OK);
	cr_assert_neq(lg_svid_of(cx, LG_STR("x"), LG_STR(TEST_KEY), LG_STR(TEST_ROOT), &s), LG_OK);
	cr_assert_neq(lg_svid_of(cx, LG_STR(TEST_CERT), LG_STR(TEST_KEY), LG_STR(""), &s), LG_OK);
	cr_assert_null(s);
}

Test(svid, keys_go_to_no_disk_and_to_no_folder_of_others)
{
	TEST_CTX(cx);
	struct lg_svids *s = NULL;
	const char *folder = memory_folder();

	cr_assert_eq(lg_svids_open(cx, "/proc", NULL, &s), LG_E_INVALID);
	cr_assert_not_null(strstr(cx->error, "not on a tmpfs"), "%s", cx->error);
	cr_assert_eq(chmod(folder, 0755), 0);
	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_E_DENIED);
	cr_assert_eq(chmod(folder, 0700), 0);
	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_OK, "%s", cx->error);
	lg_svids_close(&s);
	rmdir(folder);
}

Test(svid, files_of_containers_that_no_runtime_knows_are_swept)
{
	TEST_CTX(cx);
	struct lg_svids *s = NULL;
	const char *folder = memory_folder();
	lg_str left;

	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_svids_prepare(cx, s, LG_STR("no-such-container"), &left), LG_OK);
	lg_svids_close(&s);
	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_OK, "%s", cx->error);
	cr_assert_eq(access(left.p, F_OK), 0, "an empty one may be of a container that is being made");
	cr_assert_eq(lg_file_put(cx, lg_print(cx->arena, "%s/key.pem", left.p).p, 0600, LG_STR("key")), LG_OK);
	lg_svids_close(&s);
	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_OK, "%s", cx->error);
	cr_assert_neq(access(left.p, F_OK), 0);
	lg_svids_close(&s);
	rmdir(folder);
}

/* ---- what is revoked -------------------------------------------------------------------------------------------------- */

/* A container that runs, by what its runtime keeps, with an identity that was written before us. */
static void
leave_one(struct lg_ctx *cx, const char *folder, const char *runtime)
{
	const char *mine = lg_print(cx->arena, "%s/c1", folder).p, *state = lg_print(cx->arena, "%s/c1", runtime).p;
	struct lg_svid *svid;

	cr_assert_eq(lg_svid_of(cx, LG_STR(TEST_CERT), LG_STR(TEST_KEY), LG_STR(TEST_ROOT), &svid), LG_OK, "%s", cx->error);
	cr_assert(mkdir(mine, 0755) == 0 && mkdir(runtime, 0700) == 0 && mkdir(state, 0700) == 0);
	cr_assert_eq(lg_svid_write(cx, mine, svid, getuid(), getgid()), LG_OK, "%s", cx->error);
	test_write(state, "status", lg_print(cx->arena, "{\"pid\":%d}", (int)getpid()).p);
	lg_svid_unref(&svid);
}

static atomic_int told;

static void
note_change(void *arg)
{
	(void)arg;
	told++;
}

static struct lg_svids *
take_up(struct lg_ctx *cx, struct place *p, const char *folder, const char *const *runtimes)
{
	struct lg_svids *s = NULL;

	cr_assert_eq(lg_svids_open(cx, folder, runtimes, &s), LG_OK, "%s", cx->error);
	lg_svids_listen(s, note_change, NULL);
	lg_svids_follow(s, p->b);
	return s;
}

/* The bundle names the serial number from now on. */
static void
name_revoked(struct lg_ctx *cx, struct place *p, unsigned long version, const char *serial)
{
	p->w.revoked_serial = serial;
	serve(p, version);
	cr_assert_eq(lg_bundles_fetch(cx, p->b), LG_OK, "%s", cx->error);
}

static bool
is_revoked(struct lg_ctx *cx, struct lg_svids *s)
{
	struct lg_svid *svid = NULL;
	struct lg_map revoked;

	lg_map_init(&revoked, cx->arena);
	cr_expect_not(lg_svids_revoked(s, &revoked));
	lg_err e = lg_svids_get(cx, s, LG_STR("c1"), &svid);
	bool is = lg_map_get(&revoked, LG_STR("c1")) != NULL;
	cr_assert_eq(e, is ? LG_E_UNAVAILABLE : LG_OK, "nobody gets what is revoked");
	lg_svid_unref(&svid);
	return is;
}

static int
asks(struct lg_ctx *cx, struct place *p, struct lg_svids *s)
{
	struct lg_upstream up = { .id.issuer = LG_STR(ISSUER) };
	int before = p->service->requests;

	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(p->service->url) }, &up.link), LG_OK);
	lg_svids_maintain(cx, s, &up);
	lg_link_free(&up.link);
	return p->service->requests - before;
}

Test(svid, what_a_bundle_names_is_asked_for_anew_once_and_gone_until_another_has_come)
{
	TEST_CTX(cx);
	const char *folder = memory_folder(), *const runtimes[] = { lg_print(cx->arena, "%s/runtime", test_folder()).p, NULL };
	const char *mine = lg_print(cx->arena, "%s/c1", folder).p;
	struct lg_svid *svid;
	struct place p;

	place_init(&p, cx);
	leave_one(cx, folder, runtimes[0]);
	struct lg_svids *s = take_up(cx, &p, folder, runtimes);
	cr_assert_eq(lg_svids_get(cx, s, LG_STR("c1"), &svid), LG_OK, "%s", cx->error);
	const char *serial = lg_dup(cx->arena, svid->serial).p;
	cr_expect_eq(svid->serial.n, 40);
	int first = asks(cx, &p, s);
	cr_expect_eq(first, 1, "the token, which is not taken up");

	p.w.whole = false;
	name_revoked(cx, &p, 11, "07");
	cr_expect(!is_revoked(cx, s) && asks(cx, &p, s) == 0 && told == 0, "what is not whole says nothing of what it does not name");
	name_revoked(cx, &p, 12, serial);
	cr_expect(is_revoked(cx, s) && told == 1);
	assert_str(read_in(cx, mine, "revoked"), lg_print(cx->arena, "%s\n", serial).p);
	cr_expect_eq(asks(cx, &p, s), 1);
	cr_expect(responder_was_asked(p.service, "POST /v1/admissions/c1/certificate"));
	name_revoked(cx, &p, 13, serial);
	cr_expect(is_revoked(cx, s) && asks(cx, &p, s) == 0 && told == 1, "said again it hurries nobody");

	lg_bundles_close(&p.b);
	lg_svids_close(&s);
	open_place(&p);
	name_revoked(cx, &p, 14, "07");		/* it has expired: the list does not name it any more */
	s = take_up(cx, &p, folder, runtimes);
	cr_expect(is_revoked(cx, s), "whoever comes after us knows");
	cr_assert_eq(lg_svid_write(cx, mine, svid, getuid(), getgid()), LG_OK, "%s", cx->error);
	cr_expect_not(lg_svid_marked(cx, mine));
	lg_svid_unref(&svid);
	place_end(&p);
	lg_svids_close(&s);
	forget(cx, folder, (const char *const[]){ "c1", NULL });
}

/* ---- the service's answer -------------------------------------------------------------------------------------------- */

static lg_err
certify(struct lg_ctx *cx, int status, const char *body, struct lg_svid **ret)
{
	struct lg_upstream up = { .arena = NULL };
	struct responder_route routes[] = { { "POST /v1/admissions/c1/certificate", status, body, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lg_err e = lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(r->url) }, &up.link);

	cr_assert_eq(e, LG_OK);
	e = lg_svid_certify(cx, &up, LG_STR("c1"), NULL, 2000000, ret);
	lg_link_free(&up.link);
	cr_assert(e != LG_OK || responder_was_asked(r, "BEGIN CERTIFICATE REQUEST"));
	return e;
}

static const struct {
	int status;
	const char *body, *why;
} answers[] = {
	{ 403, "{\"type\":\"x\",\"detail\":\"certificate:issue: no policy permits it\"}", "no policy" },
	{ 200, "{}", "lacks a name" },
	{ 200, "{\"spiffe_id\":\"spiffe://d/project/p/workload/w\",\"roots\":\"x\",\"token_keys\":{\"keys\":[]}}", "without a root" },
	{ 200, "not JSON", "lacks a name" },
};

Test(svid, an_answer_that_is_not_for_our_key_is_not_believed)
{
	struct lg_svid *s = NULL;

	for (size_t i = 0; i < LG_COUNT(answers); i++) {
		TEST_CTX(cx);
		cr_assert_neq(certify(cx, answers[i].status, answers[i].body, &s), LG_OK);
		cr_assert_not_null(strstr(cx->error, answers[i].why), "%s: %s", answers[i].why, cx->error);
	}
	TEST_CTX(cx);
	lg_str other = lg_print(cx->arena, "{\"spiffe_id\":\"spiffe://d/x\",\"certificate\":\"%s\",\"chain\":\"\",\"roots\":\"%s\",\"token_keys\":{}}",
	    "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n", "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n");
	cr_assert_neq(certify(cx, 200, other.p, &s), LG_OK);
	cr_assert_null(s);
}

/* ---- whose process -------------------------------------------------------------------------------------------------------- */

#define TEXT	"9:name=systemd:/\n4:memory:/docker/ab\n0::/docker/ab/nested\n"

static const struct {
	const char *place;
	bool within;
} places[] = {
	{ "memory:/docker/ab", true }, { "memory:/docker", true }, { "memory:/docker/a", false }, { "memory:/docker/abc", false },
	{ ":/docker/ab", true }, { ":/docker/ab/nested", true }, { ":/docker/ab/nested/more", false }, { "cpu:/docker/ab", false },
	{ "name=systemd:/docker/ab", false }, { "mem:/docker/ab", false },
};

Test(cgroup, a_process_is_in_a_place_or_below_it_by_whole_names)
{
	for (size_t i = 0; i < LG_COUNT(places); i++)
		cr_assert_eq(lg_cgroup_within(LG_STR(TEXT), lg_str_of(places[i].place)), places[i].within, "%s", places[i].place);
	cr_assert_not(lg_cgroup_within(LG_STR(""), LG_STR("memory:/")));
	cr_assert_not(lg_cgroup_within(LG_STR("nonsense\n::\n"), LG_STR("memory:/docker")));
}

Test(cgroup, a_process_beside_us_is_in_no_place_of_its_own)
{
	TEST_CTX(cx);
	lg_str place;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	cr_assert_eq(lg_cgroup_apart(cx, child, &place), LG_E_DENIED, "whoever is where we are would be taken for anybody");
	cr_assert_eq(kill(child, SIGKILL), 0);
	waitpid(child, NULL, 0);
	cr_assert_neq(lg_cgroup_apart(cx, child, &place), LG_OK);
}

Test(svid, a_process_in_no_container_has_no_identity)
{
	TEST_CTX(cx);
	struct lg_svids *s = NULL;
	struct lg_svid *svid = NULL;
	const char *folder = memory_folder();
	lg_str id;

	cr_assert_eq(lg_svids_open(cx, folder, NULL, &s), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_svids_caller(cx, s, getpid(), &id), LG_E_DENIED);
	cr_assert_eq(lg_svids_get(cx, s, LG_STR("c1"), &svid), LG_E_NOT_FOUND);
	lg_svids_close(&s);
	forget(cx, folder, (const char *const[]){ NULL });
}
