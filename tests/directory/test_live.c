/* test_live.c: OpenLDAP's own tools against the library behind a small loop of sockets. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mailbox.h"
#include "tests/directory/world.h"

#define ALICE "uid=alice,ou=people," SUFFIX

enum { CONNECTIONS = 8 };

static struct world w;

struct loop {
	struct lg_ldap *l;
	int listener;
	int port;
	struct live {
		int fd;
		struct lg_ldap_conn *c;
	} live[CONNECTIONS];
};

static struct loop lp;

static void
start(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	struct lg_ldap_options o = { .tenant = 1 };

	world_start(&w);
	world_people(&w);
	world_unview(&w);
	o.dir = w.dirp;
	o.mailbox = w.mailbox;
	lp = (struct loop){ .l = lg_ldap_new(&o), .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	cr_assert_eq(bind(lp.listener, (struct sockaddr *)&a, sizeof a) | listen(lp.listener, 8), 0);
	cr_assert_eq(getsockname(lp.listener, (struct sockaddr *)&a, &n), 0);
	lp.port = ntohs(a.sin_port);
}

static void
drop(struct live *v)
{
	lg_ldap_conn_free(&v->c);
	close(v->fd);
}

static void
end(void)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (lp.live[i].c != NULL)
			drop(&lp.live[i]);
	world_drain(&w);
	lg_ldap_free(&lp.l);
	close(lp.listener);
	world_end(&w);
}

TestSuite(live, .init = start, .fini = end);

static void
accept_one(void)
{
	struct lg_ldap_peer peer = { .address = "127.0.0.1:1", .loopback = true, .uid = -1, .gid = -1, .pid = -1 };

	for (size_t i = 0; i < CONNECTIONS; i++)
		if (lp.live[i].c == NULL) {
			lp.live[i].fd = accept4(lp.listener, NULL, NULL, SOCK_CLOEXEC);
			lp.live[i].c = lg_ldap_conn_new(lp.l, &peer, NULL, NULL);
			return;
		}
	cr_assert_fail("too many connections");
}

/* Everything that can be done now: run, send all, until it wants to read or wait. */
static void
serve(struct live *v)
{
	unsigned wants;

	do {
		wants = lg_ldap_run(v->c);
		lg_str out = lg_ldap_output(v->c);
		if (out.n > 0)
			lg_ldap_sent(v->c, (size_t)write(v->fd, out.p, out.n));
		lg_store_turn(w.store);
	} while ((wants & (LG_LDAP_RUN | LG_LDAP_WRITE)) != 0 && (wants & LG_LDAP_CLOSE) == 0);
	if ((wants & LG_LDAP_CLOSE) != 0)
		drop(v);
}

static void
readable(struct live *v)
{
	char buf[65536];
	ssize_t n = read(v->fd, buf, sizeof buf);

	if (n <= 0)
		drop(v);
	else
		lg_ldap_feed(v->c, (lg_str){ buf, (size_t)n });
}

static void
turn(int client)
{
	struct pollfd p[CONNECTIONS + 3] = {
		{ .fd = lp.listener, .events = POLLIN }, { .fd = lg_mailbox_fd(w.mailbox), .events = POLLIN }, { .fd = client, .events = POLLIN },
	};

	for (size_t i = 0; i < CONNECTIONS; i++)
		p[i + 3] = (struct pollfd){ .fd = lp.live[i].c == NULL ? -1 : lp.live[i].fd, .events = POLLIN };
	cr_assert_gt(poll(p, LG_COUNT(p), 30000), 0);
	if (p[0].revents != 0)
		accept_one();
	if (p[1].revents != 0)
		lg_mailbox_drain(w.mailbox);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (p[i + 3].revents != 0 && p[i + 3].fd >= 0)
			readable(&lp.live[i]);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (lp.live[i].c != NULL)
			serve(&lp.live[i]);
	world_hash(&w);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (lp.live[i].c != NULL)
			serve(&lp.live[i]);
}

/* Runs a tool while serving it; its output, and its exit status in *status. */
static const char *
tool(const char *name, const char *args, int *status)
{
	lg_str command = lg_print(w.arena, "LDAPNOINIT=1 %s -x -H ldap://127.0.0.1:%d %s 2>&1", name, lp.port, args);
	FILE *f = popen(command.p, "re");
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1 << 24);
	char buf[4096];
	ssize_t n = 1;

	cr_assert_not_null(f);
	while (n > 0) {
		struct pollfd p = { .fd = fileno(f), .events = POLLIN };
		turn(fileno(f));
		while (n > 0 && poll(&p, 1, 0) > 0) {
			n = read(fileno(f), buf, sizeof buf);
			lg_buf_bytes(&out, buf, n > 0 ? (size_t)n : 0);
		}
	}
	*status = WEXITSTATUS(pclose(f));
	return lg_dup(w.arena, lg_buf_view(&out)).p;
}

static bool
missing(const char *name)
{
	lg_str command = lg_print(w.arena, "command -v %s >/dev/null", name);

	if (system(command.p) == 0)
		return false;
	printf("SKIP %s is not installed\n", name);
	return true;
}

#define AS_ALICE "-D " ALICE " -w secret "

static void
says(const char *name, const char *args, int code, const char *text)
{
	int status;
	const char *out = tool(name, args, &status);

	cr_assert_eq(status, code, "%s %s: %d: %s", name, args, status, out);
	cr_assert_not_null(strstr(out, text), "%s %s: no '%s' in: %s", name, args, text, out);
}

Test(live, ldapsearch)
{
	if (missing("ldapsearch"))
		return;
	says("ldapsearch", "-b '' -s base '+'", 0, "namingContexts: " SUFFIX);
	says("ldapsearch", "-b cn=Subschema -s base attributeTypes", 0, "NAME 'sshPublicKey'");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " '(uid=bob)'", 0, "cn: Bob Jones");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " '(member:1.2.840.113556.1.4.1941:=uid=bob,ou=people," SUFFIX ")' cn", 0, "# numEntries: 2");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " -E pr=3/noprompt '(objectClass=*)' 1.1", 0, "# numEntries: 14");
	says("ldapsearch", AS_ALICE "-b ou=none," SUFFIX, 32, "matchedDN: " SUFFIX);
	says("ldapsearch", "-D " ALICE " -w wrong -b " SUFFIX, 49, "Invalid credentials");
}

Test(live, ldapwhoami_and_ldapcompare)
{
	if (missing("ldapwhoami"))
		return;
	says("ldapwhoami", AS_ALICE, 0, "dn:" ALICE);
	says("ldapwhoami", "", 0, "anonymous");
	says("ldapcompare", AS_ALICE ALICE " sn:smith", 6, "TRUE");
	says("ldapcompare", AS_ALICE ALICE " sn:jones", 5, "FALSE");
}

static void
feed(const char *name, const char *args, const char *ldif, int code, const char *text)
{
	char file[300];
	FILE *f;

	snprintf(file, sizeof file, "%s/ldif", w.dir);
	f = fopen(file, "we");
	fputs(ldif, f);
	fclose(f);
	says(name, lg_print(w.arena, AS_ALICE "%s -f %s", args, file).p, code, text);
}

Test(live, ldapmodify_adds_changes_renames_and_deletes)
{
	if (missing("ldapmodify"))
		return;
	feed("ldapadd", "", "dn: uid=carol,ou=people," SUFFIX "\nobjectClass: inetOrgPerson\nuid: carol\ncn: Carol\nsn: Carol\n"
	    "userPassword: hush\ndescription:: w6TDtsO8\n", 0, "adding new entry");
	feed("ldapmodify", "", "dn: uid=carol,ou=people," SUFFIX "\nchangetype: modify\nadd: mail\nmail: c@example.org\n-\nreplace: sn\nsn: C\n\n"
	    "dn: cn=staff,ou=groups," SUFFIX "\nchangetype: modify\nadd: member\nmember: uid=carol,ou=people," SUFFIX "\n", 0, "modifying entry");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " '(mail=c@example.org)' memberOf sn", 0, "memberOf: cn=staff,ou=groups," SUFFIX);
	says("ldapwhoami", "-D uid=carol,ou=people," SUFFIX " -w hush", 0, "dn:uid=carol");
	says("ldappasswd", "-D uid=carol,ou=people," SUFFIX " -w hush -a hush -s another1", 0, "");
	says("ldapwhoami", "-D uid=carol,ou=people," SUFFIX " -w another1", 0, "dn:uid=carol");
	says("ldapmodrdn", AS_ALICE "-r -s ou=services," SUFFIX " uid=carol,ou=people," SUFFIX " uid=caroline", 0, "");
	says("ldapsearch", AS_ALICE "-LLL -b ou=services," SUFFIX " '(uid=caroline)' 1.1", 0, "dn: uid=caroline,ou=services," SUFFIX);
	says("ldapdelete", AS_ALICE "uid=caroline,ou=services," SUFFIX, 0, "");
	says("ldapdelete", AS_ALICE "uid=caroline,ou=services," SUFFIX, 32, "No such object");
	feed("ldapmodify", "", "dn: cn=staff,ou=groups," SUFFIX "\nchangetype: modify\nadd: gidNumber\ngidNumber: 5\n-\nincrement: gidNumber\ngidNumber: 2\n",
	    0, "modifying entry");
	says("ldapsearch", AS_ALICE "-b cn=staff,ou=groups," SUFFIX " -s base gidNumber", 0, "gidNumber: 7");
}

Test(live, assertion_and_read_controls)
{
	static const char change[] = "dn: uid=bob,ou=people," SUFFIX "\nchangetype: modify\nreplace: sn\nsn: New\n";

	if (missing("ldapmodify"))
		return;
	feed("ldapmodify", "-e '!assert=(sn=other)'", change, 122, "Assertion Failed");
	feed("ldapmodify", "-e '!assert=(sn=jones)' -e preread=sn -e postread=sn,entryCSN", change, 0, "sn: New");
	says("ldapsearch", AS_ALICE "-e '!assert=(sn=jones)' -b uid=bob,ou=people," SUFFIX, 122, "Assertion Failed");
	says("ldapsearch", AS_ALICE "-e '!assert=(sn=new)' -b uid=bob,ou=people," SUFFIX, 0, "sn: New");
}

Test(live, controls_of_searches)
{
	if (missing("ldapsearch"))
		return;
	says("ldapsearch", AS_ALICE "-LLL -b ou=people," SUFFIX " -E '!sss=-uid:2.5.13.3' '(uid=*)' uid", 0, "uid: bob\n\ndn: uid=alice");
	says("ldapsearch", AS_ALICE "-b ou=people," SUFFIX " -E '!sss=uid' '(uid=*)' uid", 12, "sortResult: (18)");
	says("ldapsearch", AS_ALICE "-LLL -b " SUFFIX " -E '!mv=(objectClass=person)' '(uid=bob)'", 0, "dn: uid=bob,ou=people," SUFFIX "\nobjectClass: person\n\n");
	says("ldapsearch", AS_ALICE "-LLL -b " SUFFIX " -E deref=member:uid '(cn=staff)' 1.1", 0, "# member: <uid=alice>;uid=alice,ou=people," SUFFIX);
}

Test(live, proxied_authorization_and_subtree_delete)
{
	if (missing("ldapwhoami"))
		return;
	says("ldapwhoami", AS_ALICE "-e '!authzid=dn:uid=bob,ou=people," SUFFIX "'", 0, "dn:uid=bob");
	says("ldapwhoami", AS_ALICE "-e '!authzid=u:bob'", 0, "dn:uid=bob");
	says("ldapwhoami", AS_ALICE "-e '!authzid=dn:uid=none,ou=people," SUFFIX "'", 1, "Authorization Denied");
	says("ldapdelete", AS_ALICE "ou=services," SUFFIX " -e '!1.2.840.113556.1.4.805'", 0, "");
	says("ldapdelete", AS_ALICE "ou=services," SUFFIX, 32, "No such object");
}

Test(live, transactions_and_cancel)
{
	if (missing("ldapexop"))
		return;
	feed("ldapmodify", "-E txn=commit", "dn: uid=bob,ou=people," SUFFIX "\nchangetype: modify\nreplace: sn\nsn: Both\n\n"
	    "dn: " ALICE "\nchangetype: modify\nreplace: sn\nsn: Both\n", 0, "modifying entry");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " '(sn=both)' 1.1", 0, "# numEntries: 2");
	feed("ldapmodify", "-E txn=commit", "dn: uid=bob,ou=people," SUFFIX "\nchangetype: modify\nreplace: sn\nsn: One\n\n"
	    "dn: " ALICE "\nchangetype: modify\ndelete: sn\n", 65, "Object class violation");
	says("ldapsearch", AS_ALICE "-b " SUFFIX " '(sn=both)' 1.1", 0, "# numEntries: 2");
	says("ldapexop", AS_ALICE "cancel 7", 1, "No Operation to Cancel");
}
