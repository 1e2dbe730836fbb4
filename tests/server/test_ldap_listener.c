/* Sockets, TLS and the end of LDAP connections, with the daemon and octets of our own. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/server/daemon.h"
#include "tests/server/kit.h"
#include "tests/server/pki.h"

/* RFC 4511: search of the root DSE, message 1; StartTLS, message 2 */
static const char root_dse[] = "\x30\x25\x02\x01\x01\x63\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00"
    "\x87\x0bobjectClass\x30\x00";
static const char start_tls[] = "\x30\x1d\x02\x01\x02\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037";

static bool
holds(const char *buf, ssize_t n, const char *text)
{
	return n > 0 && memmem(buf, (size_t)n, text, strlen(text)) != NULL;
}

static bool
answers_plain(int fd)
{
	char buf[4096];

	return send(fd, root_dse, sizeof root_dse - 1, MSG_NOSIGNAL) > 0 && holds(buf, recv(fd, buf, sizeof buf, 0), "objectClass");
}

static bool
answers_tls(SSL *ssl)
{
	char buf[4096];

	return ssl != NULL && SSL_write(ssl, root_dse, sizeof root_dse - 1) > 0 && holds(buf, SSL_read(ssl, buf, sizeof buf), "objectClass");
}

static struct daemon d;
static int ldap, ldaps;

static bool
begin(void)
{
	if (daemon_skipped())
		return false;
	daemon_begin(&d);
	ldap = daemon_port(&d, "ldap");
	ldaps = daemon_port(&d, "ldaps");
	return true;
}

Test(ldap_listener, answers_in_clear_and_in_tls)
{
	if (!begin())
		return;
	int fd = daemon_connect(ldap);
	cr_assert(answers_plain(fd));
	cr_assert(answers_plain(fd));
	close(fd);
	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		fd = daemon_connect(ldaps);
		SSL *ssl = pki_connect(fd, NULL, NULL, v);
		cr_assert(answers_tls(ssl));
		cr_assert(answers_tls(ssl));
		SSL_free(ssl);
		close(fd);
	}
	fd = daemon_connect(ldaps);
	cr_assert_null(pki_connect(fd, NULL, NULL, TLS1_1_VERSION));
	close(fd);
	cr_assert(daemon_end(&d));
}

Test(ldap_listener, changes_to_tls_in_the_middle)
{
	char buf[256];

	if (!begin())
		return;
	int fd = daemon_connect(ldap);
	cr_assert(answers_plain(fd));
	cr_assert_gt(send(fd, start_tls, sizeof start_tls - 1, 0), 0);
	cr_assert_gt(recv(fd, buf, sizeof buf, 0), 0);
	SSL *ssl = pki_connect(fd, NULL, NULL, TLS1_3_VERSION);
	cr_assert(answers_tls(ssl));
	SSL_free(ssl);
	close(fd);
	cr_assert(daemon_end(&d));
}

/* Taken for the protected client's, they would be an injection. */
Test(ldap_listener, starttls_with_octets_in_clear_behind_it_is_refused)
{
	char both[sizeof start_tls + sizeof root_dse], buf[4096];
	ssize_t n;
	int fd;

	if (!begin())
		return;
	memcpy(both, start_tls, sizeof start_tls - 1);
	memcpy(both + sizeof start_tls - 1, root_dse, sizeof root_dse - 1);
	fd = daemon_connect(ldap);
	cr_assert_gt(send(fd, both, sizeof start_tls + sizeof root_dse - 2, 0), 0);
	n = recv(fd, buf, sizeof buf, 0);
	/* extendedResp, message 2, operationsError */
	cr_assert(n > 0 && memmem(buf, (size_t)n, "\x02\x01\x02\x78", 4) != NULL && memmem(buf, (size_t)n, "\x0a\x01\x01", 3) != NULL);
	close(fd);
	cr_assert(daemon_end(&d));
}

Test(ldap_listener, many_requests_in_one_write_are_all_answered)
{
	enum { N = 500 };
	static char requests[N * (sizeof root_dse - 1)], buf[1 << 20];
	size_t got = 0, done = 0;

	if (!begin())
		return;
	for (size_t i = 0; i < N; i++)
		memcpy(requests + i * (sizeof root_dse - 1), root_dse, sizeof root_dse - 1);
	int fd = daemon_connect(ldaps);
	SSL *ssl = pki_connect(fd, NULL, NULL, TLS1_3_VERSION);
	cr_assert_eq(SSL_write(ssl, requests, sizeof requests), (int)sizeof requests);
	while (done < N && got < sizeof buf) {
		int n = SSL_read(ssl, buf + got, (int)(sizeof buf - got));

		if (n <= 0)
			break;
		got += (size_t)n;
		done = 0;
		/* searchResDone, message 1, success */
		for (char *at = buf; (at = memmem(at, got - (size_t)(at - buf), "\x02\x01\x01\x65\x07", 5)) != NULL; at++)
			done++;
	}
	cr_assert_eq(done, N);
	SSL_free(ssl);
	close(fd);
	cr_assert(daemon_end(&d));
}

Test(ldap_listener, rubbish_ends_the_connection_and_nothing_else)
{
	static const char http[] = "GET / HTTP/1.1\r\n\r\n";
	char buf[512];
	int fd;

	if (!begin())
		return;
	fd = daemon_connect(ldap);
	cr_assert_gt(send(fd, http, sizeof http - 1, 0), 0);
	while (recv(fd, buf, sizeof buf, 0) > 0)
		;
	cr_assert(kit_closed(fd, 5000));
	close(fd);
	fd = daemon_connect(ldaps);
	cr_assert_gt(send(fd, http, sizeof http - 1, 0), 0);
	while (recv(fd, buf, sizeof buf, 0) > 0)
		;
	close(fd);
	fd = daemon_connect(ldap);
	cr_assert(answers_plain(fd));
	close(fd);
	cr_assert(daemon_end(&d));
}

Test(ldap_listener, the_end_is_announced)
{
	char buf[512];
	ssize_t n;
	int fd;

	if (!begin())
		return;
	fd = daemon_connect(ldap);
	cr_assert(answers_plain(fd));
	kill(d.pid, SIGTERM);
	n = recv(fd, buf, sizeof buf, 0);
	cr_assert(holds(buf, n, "1.3.6.1.4.1.1466.20036"), "no notice of disconnection (RFC 4511 4.4.1)");
	cr_assert(kit_closed(fd, 5000));
	close(fd);
	cr_assert(daemon_end(&d));
}
