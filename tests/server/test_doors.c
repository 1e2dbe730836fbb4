#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/control.h"
#include "server/doors.h"
#include "server/listen.h"

static struct lg_ctx cx;
static char path[100];

static void
setup(void)
{
	lg_ctx_init(&cx, lg_arena_new());
	snprintf(path, sizeof path, "%s/d%d", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
}

static void
teardown(void)
{
	unlink(path);
	unlink(lg_cat(cx.arena, lg_str_of(path), LG_STR(".ldapi")).p);
	lg_arena_free(&cx.arena);
}

TestSuite(doors, .init = setup, .fini = teardown);

static struct lg_settings
dev(void)
{
	struct lg_settings s = { .dev = true };

	cr_assert_eq(lg_settings_read(&cx, true, LG_NONE, &s), LG_OK);
	s.socket = lg_str_of(path);
	s.listen_ldapi = lg_cat(cx.arena, lg_str_of(path), LG_STR(".ldapi"));
	return s;
}

Test(doors, are_bound_on_free_ports_and_found_again_by_the_ready_line)
{
	struct lg_settings s = dev(), again = dev();
	struct lg_door doors[LG_DOORS], later[LG_DOORS];
	struct lg_buf line = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&line);

	cr_assert_eq(lg_doors_bind(&cx, &s, doors), LG_OK, "%s", cx.error);
	lg_jsonw_object(&w);
	lg_doors_tell(doors, &w);
	lg_jsonw_str_of(&w, "issuer", LG_STR("https://127.0.0.1:1"));
	lg_jsonw_object_end(&w);
	cr_assert_eq(lg_doors_restore(&cx, lg_buf_view(&line), &again), LG_OK, "%s", cx.error);
	lg_doors_close(doors);
	cr_assert_eq(lg_doors_bind(&cx, &again, later), LG_OK, "%s", cx.error);
	for (size_t i = 0; i < LG_DOORS; i++)
		cr_expect(lg_str_eq(doors[i].url, later[i].url), "%.*s, %.*s", LG_FMT(doors[i].url), LG_FMT(later[i].url));
	lg_doors_close(later);
	lg_buf_free(&line);
}

Test(doors, nobody_can_connect_before_they_listen)
{
	struct lg_settings s = dev();
	struct lg_door doors[LG_DOORS];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	cr_assert_eq(lg_doors_bind(&cx, &s, doors), LG_OK, "%s", cx.error);
	cr_assert_neq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	cr_assert_eq(lg_doors_listen(&cx, doors), LG_OK);
	cr_assert_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	close(fd);
	lg_doors_close(doors);
}

Test(doors, a_socket_left_behind_is_replaced_and_one_that_answers_is_not)
{
	struct stat st;
	int first, second;

	cr_assert_eq(lg_bind_unix(&cx, lg_str_of(path), &first), LG_OK);
	close(first);
	cr_assert_eq(lg_bind_unix(&cx, lg_str_of(path), &first), LG_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0666);
	cr_assert_eq(listen(first, 1), 0);
	cr_assert_eq(lg_bind_unix(&cx, lg_str_of(path), &second), LG_E_EXISTS);
	close(first);
}

Test(doors, the_default_port_is_not_part_of_the_issuer)
{
	struct lg_settings s = dev();
	struct lg_door doors[LG_DOORS] = { [LG_DOOR_HTTPS] = { 0, LG_STR("https://id.example.org:443") } };
	struct lg_endpoints at;

	lg_doors_endpoints(cx.arena, &s, doors, &at);
	cr_assert(lg_str_eq(at.issuer, LG_STR("https://id.example.org")));
	doors[LG_DOOR_HTTPS].url = LG_STR("https://id.example.org:8443");
	lg_doors_endpoints(cx.arena, &s, doors, &at);
	cr_assert(lg_str_eq(at.issuer, LG_STR("https://id.example.org:8443")));
	s.issuer = LG_STR("https://else");
	lg_doors_endpoints(cx.arena, &s, doors, &at);
	cr_assert(lg_str_eq(at.issuer, LG_STR("https://else")));
}

static const char *const addresses[] = { "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "[::1:80", "::1:80",
	"example.org:80", "127.0.0.1:8o", "" };

Test(doors, addresses_are_numbers)
{
	struct sockaddr_storage a;
	socklen_t n;

	for (size_t i = 0; i < LG_COUNT(addresses); i++)
		cr_expect_eq(lg_address_parse(&cx, lg_str_of(addresses[i]), &a, &n), LG_E_INVALID, "%s", addresses[i]);
	cr_assert_eq(lg_address_parse(&cx, LG_STR("[::1]:80"), &a, &n), LG_OK);
	cr_assert_eq(a.ss_family, AF_INET6);
	cr_assert_eq(lg_address_parse(&cx, LG_STR("10.0.0.1:80"), &a, &n), LG_OK);
	cr_assert_eq(a.ss_family, AF_INET);
}

/* ---- what parent and server tell each other ---------------------------------------------------------- */

Test(doors, messages_carry_text_and_descriptors)
{
	static struct lg_control_message m;
	static char big[LG_CONTROL_TEXT + 1];
	int pair[2], pipes[2], c;

	memset(big, 'x', sizeof big);
	cr_assert(lg_control_pair(pair));
	cr_assert_eq(pipe(pipes), 0);
	cr_assert(lg_control_send(pair[0], LG_CONTROL_KEEPER, LG_STR("text"), pipes, 2));
	cr_assert(lg_control_send(pair[0], LG_CONTROL_READY, (lg_str){ big, LG_CONTROL_TEXT }, NULL, 0));
	cr_assert_not(lg_control_send(pair[0], LG_CONTROL_READY, (lg_str){ big, sizeof big }, NULL, 0));
	cr_assert(lg_control_recv(pair[1], &m));
	cr_assert_eq(m.n, 5);
	cr_assert_eq(m.nfds, 2);
	cr_assert_eq(write(m.fds[1], "y", 1), 1);
	cr_assert_eq(read(pipes[0], &c, 1), 1);
	close(m.fds[0]);
	close(m.fds[1]);
	cr_assert(lg_control_recv(pair[1], &m));
	cr_assert_eq(m.n, 1 + LG_CONTROL_TEXT);
	close(pair[0]);
	cr_assert(lg_control_recv(pair[1], &m));
	cr_assert_eq(m.n, 0);
}
