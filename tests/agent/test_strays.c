/* test_strays.c: which containers run here, and which are gone, by what the runtimes keep of them. */
#include "agent/image.h"
#include "agent/strays.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

static const char *root;

static long long
start_of(pid_t pid)
{
	char path[64], text[1024], *at;
	long long v = -1;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strrchr(text, ')') + 2;
	for (int i = 3; i < 22; i++)
		at = strchr(at, ' ') + 1;
	cr_assert_eq(sscanf(at, "%lld", &v), 1);
	return v;
}

static void
keep_state(const char *id, const char *file, const char *text)
{
	char folder[400];

	root = test_folder();
	snprintf(folder, sizeof folder, "%s/%s", root, id);
	mkdir(folder, 0700);
	test_write(folder, file, text);
}

static void
runc_state(const char *id, pid_t pid, long long start)
{
	char text[256];

	snprintf(text, sizeof text, "{\"id\":\"%s\",\"init_process_pid\":%d,\"init_process_start\":%lld,\"config\":{\"a\":[1,{}]}}", id, (int)pid, start);
	keep_state(id, "state.json", text);
}

struct seen {
	char ids[1024];
	int n;
};

static void
note(void *arg, const struct lg_running *r)
{
	struct seen *s = arg;

	/* the machine's own containers are not ours to count */
	if (!lg_str_starts(r->id, LG_STR("lgt-")))
		return;
	s->n++;
	snprintf(s->ids + strlen(s->ids), sizeof s->ids - strlen(s->ids), "%.*s ", LG_FMT(r->id));
}

static struct seen
sweep(struct lg_ctx *cx)
{
	const char *const extra[] = { root, NULL };
	struct seen s = { .n = 0 };

	lg_running_each(cx, extra, note, &s);
	return s;
}

Test(strays, a_container_runs_while_its_first_process_does)
{
	TEST_CTX(cx);
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	runc_state("lgt-live", child, start_of(child));
	runc_state("lgt-reused", child, start_of(child) + 1);
	runc_state("lgt-dead", 0x3ffffff, 5);
	keep_state("lgt-broken", "state.json", "{\"init_process_pid\":");
	keep_state("lgt-empty", "other", "");
	char text[64];
	snprintf(text, sizeof text, "{\"pid\":%d}", (int)child);
	keep_state("lgt-crun", "status", text);
	struct seen s = sweep(cx);
	cr_assert_eq(s.n, 2, "%s", s.ids);
	cr_assert(strstr(s.ids, "lgt-live ") != NULL && strstr(s.ids, "lgt-crun ") != NULL, "%s", s.ids);
	lg_running_kill(&(struct lg_running){ .pid = child });
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_eq(sweep(cx).n, 0);
}

Test(strays, what_a_runtime_keeps_is_known_running_or_not)
{
	TEST_CTX(cx);
	runc_state("lgt-stopped", 0x3ffffff, 5);
	const char *const extra[] = { root, NULL };

	cr_assert(lg_running_known(cx, extra, LG_STR("lgt-stopped")));
	cr_assert_not(lg_running_known(cx, extra, LG_STR("lgt-other")));
}

/* ---- the image (image.h) -------------------------------------------------------------------------------------------------- */

Test(image, a_ticket_for_an_image_starts_that_image_only)
{
	TEST_CTX(cx);
	const char *top = test_folder(), *containers = lg_print(cx->arena, "%s/containers", top).p;
	const char *home = lg_print(cx->arena, "%s/c1", containers).p, *driver = lg_print(cx->arena, "%s/image", top).p;
	const char *path = lg_print(cx->arena, "%s/overlay2", driver).p;
	cr_assert(mkdir(containers, 0700) == 0 && mkdir(home, 0700) == 0 && mkdir(driver, 0700) == 0 && mkdir(path, 0700) == 0);
	test_write(home, "config.v2.json", "{\"ID\":\"c1\",\"Image\":\"sha256:aa\",\"Config\":{\"Image\":\"busybox\"}}");
	test_write(path, "repositories.json", "{\"Repositories\":{\"busybox\":{\"busybox:1\":\"sha256:aa\",\"busybox@sha256:bb\":\"sha256:aa\","
	    "\"busybox@sha256:cc\":\"sha256:dd\"}}}");
	const struct {
		const char *digest, *annotation;
		bool docker;
		const char *why;		/* NULL: good */
	} cases[] = {
		{ "", "", true, NULL }, { "", "", false, NULL }, { "sha256:aa", "", true, NULL }, { "sha256:bb", "", true, NULL },
		{ "sha256:cc", "", true, "the container is of sha256:aa" }, { "sha256:dd", "", true, "the container is of sha256:aa" },
		{ "sha256:dd", "sha256:dd", true, "the container is of sha256:aa" }, { "sha256:dd", "sha256:dd", false, NULL },
		{ "sha256:dd", "sha256:ee", false, "the container is of sha256:ee" }, { "sha256:dd", "", false, "nothing says" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_oci oci = { .rootfs = LG_STR("/srv/rootfs"), .image_digest = lg_str_of(cases[i].annotation) };
		lg_err e = lg_image_check(cx, &oci, cases[i].docker ? lg_str_of(home) : LG_STR("/srv/rootfs"), lg_str_of(cases[i].digest));
		cr_assert_eq(e == LG_OK, cases[i].why == NULL, "case %zu: %s", i, cx->error);
		if (e != LG_OK)
			cr_assert_not_null(strstr(cx->error, cases[i].why), "case %zu: %s", i, cx->error);
	}
	struct lg_oci own = { .rootfs = lg_str_of(home) };
	cr_assert_eq(lg_image_check(cx, &own, lg_str_of(home), LG_STR("sha256:aa")), LG_E_DENIED, "the image's own word");
	chmod(lg_print(cx->arena, "%s/config.v2.json", home).p, 0666);
	struct lg_oci oci = { .rootfs = LG_STR("/srv/rootfs") };
	cr_assert_eq(lg_image_check(cx, &oci, lg_str_of(home), LG_STR("sha256:aa")), LG_E_DENIED, "a file that others write");
}

Test(strays, an_engines_folder_is_a_containers_home)
{
	TEST_CTX(cx);
	const lg_str id = LG_STR("c0ffee");
	const struct {
		const char *from[2];
		const char *home;
	} cases[] = {
		{ { "/var/lib/docker/containers/c0ffee/hostname", "/data" }, "/var/lib/docker/containers/c0ffee" },
		{ { "/run/containers/storage/overlay-containers/c0ffee/userdata/hosts", "/var/lib/containers/storage/overlay-containers/c0ffee/userdata/shm" },
		    "/var/lib/containers/storage/overlay-containers/c0ffee" },
		{ { "/var/lib/c0ffee0/x", "/xc0ffee" }, "/srv/rootfs" },
		{ { "/run/x/c0ffee", "/data" }, "/srv/rootfs" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str from[2] = { lg_str_of(cases[i].from[0]), lg_str_of(cases[i].from[1]) };
		struct lg_oci oci = { .bind_from = { from, 2 }, .rootfs = LG_STR("/srv/rootfs") };
		assert_str(lg_running_home(cx, &oci, id), cases[i].home);
	}
}
