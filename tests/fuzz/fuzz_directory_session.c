/*
 * fuzz_directory_session.c: sequences of well-formed requests on two connections, as a client that makes no sense would send them:
 * binds and StartTLS amid searches, transactions and synchronisations, controls in any combination, abandoned, cancelled, cut off.
 * Each input octet chooses the next step or one of its arguments.  What is sent must be LDAP messages, and an operation is answered once.
 */
#include "tests/fuzz/ldap_world.h"

#include "directory/filter.h"

enum { CONNECTIONS = 2, IDS = 64 };

struct client {
	struct lg_ldap_conn *c;
	bool asked[IDS];		/* and not answered yet */
	lg_str cookie, txn;		/* of answers: to be sent back */
};

static struct input {
	const uint8_t *p, *end;
} in;
static struct lg_arena *arena;
static struct lg_ldap *ldap;

static unsigned
next(unsigned n)
{
	return in.p < in.end ? *in.p++ % n : 0;
}

static lg_str
dn(void)
{
	static const char *const dns[] = { "dc=example,dc=org", "ou=people,dc=example,dc=org", "uid=a,ou=people,dc=example,dc=org",
		"uid=b,ou=people,dc=example,dc=org", "cn=g,ou=groups,dc=example,dc=org", "ou=x,dc=example,dc=org", "uid=c,ou=x,dc=example,dc=org", "", "cn=x" };

	return lg_str_of(dns[next(LG_COUNT(dns))]);
}

/* ---- controls: the value is right, or a few octets of the input ------------------------------------------------------------- */

static void
put_value(struct lg_berw *w, struct client *cl, unsigned which)
{
	switch (which) {
	case 0:		/* paged */
		lg_berw_int(w, LG_BER_INTEGER, (int64_t)next(4));
		lg_berw_str(w, LG_BER_OCTETS, next(2) == 0 ? LG_NONE : cl->cookie);
		break;
	case 1:		/* sort */
		lg_berw_open(w, LG_BER_SEQUENCE);
		lg_berw_str(w, LG_BER_OCTETS, next(2) == 0 ? LG_STR("createTimestamp") : LG_STR("uid"));
		lg_berw_str(w, LG_BER_CONTEXT(0), LG_STR("2.5.13.3"));
		lg_berw_bool(w, LG_BER_CONTEXT(1), next(2) == 0);
		lg_berw_close(w);
		break;
	case 2:		/* a window */
		lg_berw_int(w, LG_BER_INTEGER, (int64_t)next(3));
		lg_berw_int(w, LG_BER_INTEGER, (int64_t)next(3));
		lg_berw_str(w, LG_BER_CONTEXT(1), LG_STR("b"));
		break;
	case 3:		/* synchronisation */
		lg_berw_int(w, LG_BER_ENUMERATED, next(2) == 0 ? 1 : 3);
		lg_berw_str(w, LG_BER_OCTETS, cl->cookie);
		break;
	default:	/* dereference */
		lg_berw_open(w, LG_BER_SEQUENCE);
		lg_berw_str(w, LG_BER_OCTETS, LG_STR("member"));
		lg_berw_str(w, LG_BER_SEQUENCE, LG_STR("\x04\x03uid"));
		lg_berw_close(w);
	}
}

static void
put_control(struct lg_berw *w, struct client *cl)
{
	static const char *const oids[] = { "1.2.840.113556.1.4.319", "1.2.840.113556.1.4.473", "2.16.840.1.113730.3.4.9", "1.3.6.1.4.1.4203.1.9.1.1",
		"1.3.6.1.4.1.4203.666.5.16", "1.3.6.1.1.21.2", "1.2.840.113556.1.4.805", "2.16.840.1.113730.3.4.18", "1.3.6.1.1.13.2" };
	unsigned which = next(LG_COUNT(oids));
	struct lg_buf value = LG_BUF(4096);
	struct lg_berw v = lg_berw_of(&value);

	if (which < 5) {
		lg_berw_open(&v, LG_BER_SEQUENCE);
		put_value(&v, cl, which);
		lg_berw_close(&v);
	} else {
		lg_buf_str(&value, which == 5 ? cl->txn : which == 7 ? LG_STR("u:a") : which == 8 ? LG_STR("\x30\x00") : LG_NONE);
	}
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_str(w, LG_BER_OCTETS, lg_str_of(oids[which]));
	lg_berw_bool(w, LG_BER_BOOLEAN, next(4) != 0);
	if (value.n > 0)
		lg_berw_str(w, LG_BER_OCTETS, lg_buf_view(&value));
	lg_berw_close(w);
	lg_buf_free(&value);
}

/* ---- requests ------------------------------------------------------------------------------------------------------------------ */

static void
put_attribute(struct lg_berw *w, const char *name, lg_str value)
{
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_str(w, LG_BER_OCTETS, lg_str_of(name));
	lg_berw_open(w, LG_BER_SET);
	lg_berw_str(w, LG_BER_OCTETS, value);
	lg_berw_close(w);
	lg_berw_close(w);
}

static void
put_bind(struct lg_berw *w)
{
	static const lg_str credentials[] = { LG_STR(""), LG_STR("\0a\0secret"), LG_STR("n,,n=a,r=x"), LG_STR("c=biws,r=x,p=AAAA") };
	static const char *const mechanisms[] = { "EXTERNAL", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" };

	lg_berw_open(w, 0x60);
	lg_berw_int(w, LG_BER_INTEGER, 3);
	lg_berw_str(w, LG_BER_OCTETS, dn());
	if (next(2) == 0) {
		lg_berw_str(w, LG_BER_CONTEXT(0), next(4) == 0 ? LG_STR("wrong") : LG_STR("secret"));
	} else {
		lg_berw_open(w, LG_BER_CONTEXT_SET(3));
		lg_berw_str(w, LG_BER_OCTETS, lg_str_of(mechanisms[next(LG_COUNT(mechanisms))]));
		lg_berw_str(w, LG_BER_OCTETS, credentials[next(LG_COUNT(credentials))]);
		lg_berw_close(w);
	}
	lg_berw_close(w);
}

static void
put_search(struct lg_berw *w)
{
	static const char *const filters[] = { "(objectClass=*)", "(uid=a)", "(!(uid=a))", "(|(uid=a)(sn=b*))",
		"(memberOf:1.2.840.113556.1.4.1941:=cn=g,ou=groups,dc=example,dc=org)" };
	struct lg_ctx cx;
	struct lg_buf f = LG_BUF(4096);

	lg_ctx_init(&cx, arena);
	lg_berw_open(w, 0x63);
	lg_berw_str(w, LG_BER_OCTETS, dn());
	lg_berw_int(w, LG_BER_ENUMERATED, (int64_t)next(4));
	lg_berw_int(w, LG_BER_ENUMERATED, 0);
	lg_berw_int(w, LG_BER_INTEGER, (int64_t)next(3));
	lg_berw_int(w, LG_BER_INTEGER, 0);
	lg_berw_bool(w, LG_BER_BOOLEAN, next(8) == 0);
	if (lg_filter_encode(&cx, lg_str_of(filters[next(LG_COUNT(filters))]), &f) != LG_OK)
		abort();
	lg_buf_str(w->out, lg_buf_view(&f));
	lg_buf_free(&f);
	lg_berw_str(w, LG_BER_SEQUENCE, next(2) == 0 ? LG_NONE : LG_STR("\x04\x01*\x04\x01+"));
	lg_berw_close(w);
}

static void
put_add(struct lg_berw *w)
{
	lg_str name = dn();

	lg_berw_open(w, 0x68);
	lg_berw_str(w, LG_BER_OCTETS, name);
	lg_berw_open(w, LG_BER_SEQUENCE);
	put_attribute(w, "objectClass", lg_str_starts(name, LG_STR("cn=")) ? LG_STR("lgGroup") : lg_str_starts(name, LG_STR("ou=")) ?
	    LG_STR("organizationalUnit") : LG_STR("inetOrgPerson"));
	put_attribute(w, lg_str_starts(name, LG_STR("cn=")) ? "cn" : lg_str_starts(name, LG_STR("ou=")) ? "ou" : "uid",
	    lg_str_sub(name, 3, name.n > 3 && name.p[3] == '=' ? 0 : 1));
	if (lg_str_starts(name, LG_STR("uid="))) {
		put_attribute(w, "uid", lg_str_sub(name, 4, 1));
		put_attribute(w, "sn", LG_STR("b"));
		put_attribute(w, "cn", LG_STR("c"));
		put_attribute(w, "userPassword", LG_STR("secret"));
	}
	lg_berw_close(w);
	lg_berw_close(w);
}

static void
put_modify(struct lg_berw *w)
{
	static const struct { const char *name; lg_str value; } changes[] = { { "sn", LG_STR("x") }, { "lgEnabled", LG_STR("FALSE") },
		{ "userPassword", LG_STR("secret") }, { "member", LG_STR("uid=a,ou=people,dc=example,dc=org") }, { "lgScram", LG_STR("TRUE") },
		{ "objectClass", LG_STR("lgAccount") } };
	unsigned which;

	lg_berw_open(w, 0x66);
	lg_berw_str(w, LG_BER_OCTETS, dn());
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_int(w, LG_BER_ENUMERATED, (int64_t)next(3));
	which = next(LG_COUNT(changes));
	put_attribute(w, changes[which].name, changes[which].value);
	lg_berw_close(w);
	lg_berw_close(w);
	lg_berw_close(w);
}

static void
put_rename(struct lg_berw *w)
{
	lg_berw_open(w, 0x6c);
	lg_berw_str(w, LG_BER_OCTETS, dn());
	lg_berw_str(w, LG_BER_OCTETS, next(2) == 0 ? LG_STR("uid=b") : LG_STR("ou=y"));
	lg_berw_bool(w, LG_BER_BOOLEAN, next(2) == 0);
	if (next(2) == 0)
		lg_berw_str(w, LG_BER_CONTEXT(0), dn());
	lg_berw_close(w);
}

static void
put_extended(struct lg_berw *w, struct client *cl)
{
	static const char *const oids[] = { "1.3.6.1.4.1.1466.20037", "1.3.6.1.4.1.4203.1.11.3", "1.3.6.1.4.1.4203.1.11.1", "1.3.6.1.1.8",
		"1.3.6.1.1.21.1", "1.3.6.1.1.21.3" };
	unsigned which = next(LG_COUNT(oids));
	struct lg_buf value = LG_BUF(256);
	struct lg_berw v = lg_berw_of(&value);

	lg_berw_open(&v, LG_BER_SEQUENCE);
	if (which == 3)
		lg_berw_int(&v, LG_BER_INTEGER, (int64_t)next(IDS));
	else if (which == 5)
		lg_berw_str(&v, LG_BER_OCTETS, cl->txn);
	lg_berw_close(&v);
	lg_berw_open(w, 0x77);
	lg_berw_str(w, LG_BER_CONTEXT(0), lg_str_of(oids[which]));
	if (which == 2 || which == 3 || which == 5)
		lg_berw_str(w, LG_BER_CONTEXT(1), lg_buf_view(&value));
	lg_berw_close(w);
	lg_buf_free(&value);
}

static void
request(struct client *cl)
{
	struct lg_buf out = LG_BUF(1 << 16);
	struct lg_berw w = lg_berw_of(&out);
	unsigned what = next(9), id = 1 + next(IDS - 1);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, (int64_t)id);
	switch (what) {
	case 0: put_bind(&w); break;
	case 1: case 2: put_search(&w); break;
	case 3: put_add(&w); break;
	case 4: put_modify(&w); break;
	case 5: lg_berw_str(&w, 0x4a, dn()); break;
	case 6: put_rename(&w); break;
	case 7: put_extended(&w, cl); break;
	default: lg_berw_int(&w, 0x50, (int64_t)next(IDS));
	}
	if (next(2) == 0) {
		lg_berw_open(&w, LG_BER_CONTEXT_SET(0));
		for (unsigned n = next(3); n > 0; n--)
			put_control(&w, cl);
		lg_berw_close(&w);
	}
	lg_berw_close(&w);
	/* An id that is in use would make two answers of one kind look like one too many. */
	if (!cl->asked[id]) {
		cl->asked[id] = what != 8;
		lg_ldap_feed(cl->c, lg_buf_view(&out));
	}
	lg_buf_free(&out);
}

/* ---- answers --------------------------------------------------------------------------------------------------------------------- */

static void
take_controls(struct client *cl, struct lg_ber *b)
{
	struct lg_ber list = lg_ber_enter(b, LG_BER_CONTEXT_SET(0));

	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE), value;
		lg_str oid = lg_ber_str(&one, LG_BER_OCTETS), inner = lg_ber_str(&one, LG_BER_OCTETS);
		value = lg_ber_of(inner);
		value = lg_ber_enter(&value, LG_BER_SEQUENCE);
		if (lg_str_eq(oid, LG_STR("1.2.840.113556.1.4.319")))
			lg_ber_int(&value, LG_BER_INTEGER);
		else if (!lg_str_eq(oid, LG_STR("1.3.6.1.4.1.4203.1.9.1.3")))
			continue;
		cl->cookie = lg_dup(arena, lg_ber_str(&value, LG_BER_OCTETS));
	}
	if (list.bad)
		abort();
}

static void
take_message(struct client *cl, lg_str pdu)
{
	struct lg_ber outer = lg_ber_of(pdu), b = lg_ber_enter(&outer, LG_BER_SEQUENCE), op;
	int64_t id = lg_ber_int(&b, LG_BER_INTEGER);
	int tag;

	op = lg_ber_of(lg_ber_any(&b, &tag));
	if (b.bad || id < 0 || id >= IDS)
		abort();
	if (lg_ber_more(&b))
		take_controls(cl, &b);
	if (id == 0 || tag == 0x64 || tag == 0x79)
		return;
	if (!cl->asked[id])
		abort();		/* answered twice, or never asked */
	cl->asked[id] = false;
	lg_ber_int(&op, LG_BER_ENUMERATED);
	lg_ber_str(&op, LG_BER_OCTETS);
	lg_ber_str(&op, LG_BER_OCTETS);
	if (tag == 0x78 && lg_ber_peek(&op) == LG_BER_CONTEXT(11))
		cl->txn = lg_dup(arena, lg_ber_str(&op, LG_BER_CONTEXT(11)));
}

static void
connect_client(struct client *cl)
{
	struct lg_ldap_peer peer = { .address = "192.0.2.1:1", .tls = next(4) != 0, .loopback = true, .uid = -1, .gid = -1, .pid = -1 };

	lg_ldap_conn_free(&cl->c);
	memset(cl->asked, 0, sizeof cl->asked);
	cl->c = lg_ldap_conn_new(ldap, &peer, NULL, NULL);
}

/* A turn; how much is read of what came is the input's choice. */
static void
turn(struct client *cl)
{
	unsigned wants = lg_ldap_run(cl->c);
	lg_str out = lg_ldap_output(cl->c);

	check_output(out);
	for (lg_str rest = out; rest.n > 0;) {
		int64_t n = lg_ber_frame(rest, 64u << 20);
		take_message(cl, lg_str_sub(rest, 0, (size_t)n));
		rest = lg_str_sub(rest, (size_t)n, rest.n);
	}
	lg_ldap_sent(cl->c, out.n);
	lg_store_turn(store);
	if ((wants & LG_LDAP_START_TLS) != 0)
		lg_ldap_secured(cl->c, &(struct lg_ldap_peer){ .address = "192.0.2.1:1", .tls = true, .uid = -1, .gid = -1, .pid = -1 });
	if ((wants & LG_LDAP_CLOSE) != 0)
		connect_client(cl);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client client[CONNECTIONS] = { { .c = NULL } };
	struct lg_ldap_options o;
	struct lg_ctx cx;

	if (size > 4096)
		return 0;
	arena = lg_arena_new();
	lg_ctx_init(&cx, arena);
	if (store == NULL)
		set_up(&cx);
	in = (struct input){ data, data + size };
	o = (struct lg_ldap_options){ .dir = dir, .mailbox = mailbox, .tenant = 1, .time_limit = 1 };
	ldap = lg_ldap_new(&o);
	for (size_t i = 0; i < CONNECTIONS; i++)
		connect_client(&client[i]);
	while (in.p < in.end) {
		struct client *cl = &client[next(CONNECTIONS)];
		unsigned what = next(8);
		if (what < 5)
			request(cl);
		else if (what == 5)
			drain(ldap);
		else if (what == 6 && next(8) == 0)
			connect_client(cl);
		else
			turn(cl);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		lg_ldap_conn_free(&client[i].c);
	drain(ldap);
	lg_ldap_free(&ldap);
	lg_mailbox_drain(mailbox);
	lg_arena_free(&arena);
	return 0;
}
