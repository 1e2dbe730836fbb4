/* test_sasl.c: PLAIN and SCRAM-SHA-256 with and without channel binding, from a client that is written here. */
#include "base/text.h"
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX

static struct world w;
static struct wire k;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	assert_result(&w, 0, world_modify(&w, SUFFIX, "add: objectClass\nobjectClass: lgTenant\n-\nadd: lgScram\nlgScram: TRUE"));
	assert_ok(&w, world_scram(&w, ALICE, "secret"));
	wire_start(&k, &w);
	k.peer.has_exporter = true;
	memset(k.peer.exporter, 7, sizeof k.peer.exporter);
	memset(k.peer.end_point, 9, 32);
	k.peer.nend_point = 32;
	wire_reconnect(&k);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(plain, .init = start, .fini = end);
TestSuite(sasl, .init = start, .fini = end);

/* One step: the code, and the server's credentials. */
static int
step(const char *mechanism, lg_str credentials, lg_str *ret)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw bw = lg_berw_of(&out);
	struct answer a;

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_INTEGER, 5);
	lg_berw_open(&bw, 0x60);
	lg_berw_int(&bw, LG_BER_INTEGER, 3);
	lg_berw_str(&bw, LG_BER_OCTETS, LG_NONE);
	lg_berw_open(&bw, LG_BER_CONTEXT_SET(3));
	lg_berw_str(&bw, LG_BER_OCTETS, lg_str_of(mechanism));
	if (credentials.p != NULL)
		lg_berw_str(&bw, LG_BER_OCTETS, credentials);
	for (int i = 0; i < 3; i++)
		lg_berw_close(&bw);
	lg_ldap_feed(k.c, lg_buf_view(&out));
	lg_buf_free(&out);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a) && a.id == 5 && a.tag == 0x61);
	*ret = LG_NONE;
	if (lg_ber_peek(&a.rest) == LG_BER_CONTEXT(7))
		*ret = lg_ber_str(&a.rest, LG_BER_CONTEXT(7));
	return a.code;
}

static const char *
who(void)
{
	struct answer a;

	send_extended(&k, 6, "1.3.6.1.4.1.4203.1.11.3", LG_NONE);
	wire_pump(&k);
	a = wire_expect(&k, 6, 0x78, 0);
	return lg_dup(w.arena, a.value).p;
}

/* ---- PLAIN ---------------------------------------------------------------------------------------------------------------- */

static int
plain(lg_str message)
{
	lg_str none;

	return step("PLAIN", message, &none);
}

Test(plain, takes_a_login_or_a_dn)
{
	cr_assert_eq(plain(LG_STR("\0alice\0secret")), 0);
	assert_text(who(), "dn:" ALICE);
	cr_assert_eq(plain(LG_STR("\0alice@example.org\0secret")), 0);
	cr_assert_eq(plain(LG_STR("\0" BOB "\0secret")), 0);
	assert_text(who(), "dn:" BOB);
	cr_assert_eq(plain(LG_STR("u:alice\0alice\0secret")), 0);
	cr_assert_eq(plain(LG_STR("dn:" ALICE "\0alice\0secret")), 0);
}

Test(plain, refuses_what_does_not_fit_at_the_same_cost)
{
	cr_assert_eq(plain(LG_STR("\0alice\0wrong")), 49);
	assert_text(who(), "");
	w.wasted = 0;
	cr_assert_eq(plain(LG_STR("\0nobody\0secret")), 49);
	cr_assert_eq(w.wasted, 1);
	cr_assert_eq(plain(LG_STR("u:bob\0alice\0secret")), 49);
	cr_assert_eq(plain(LG_STR("\0alice\0")), 2);
	cr_assert_eq(plain(LG_STR("\0\0secret")), 2);
	cr_assert_eq(plain(LG_STR("alice")), 2);
	cr_assert_eq(plain(LG_STR("\0alice\0sec\0ret")), 2);
	k.peer.tls = false;
	wire_reconnect(&k);
	cr_assert_eq(plain(LG_STR("\0alice\0secret")), 13);
}

/* ---- SCRAM ------------------------------------------------------------------------------------------------------------------ */

struct scram {
	const char *mechanism, *user, *password, *gs2;
	lg_str binding;
	lg_str server_first;
	char spoil;			/* which part of the last message is wrong */
};

static lg_str
part(lg_str message, const char *name)
{
	lg_str one;
	bool more = true;

	while (more) {
		more = lg_str_cut(message, ',', &one, &message);
		if (lg_str_starts(one, lg_str_of(name)))
			return lg_str_sub(one, 2, one.n);
	}
	return LG_NONE;
}

/* PBKDF2-HMAC-SHA-256 of one block, by its definition (RFC 8018 5.2), and ClientKey from it. */
static lg_sha256
scram_client_key(const struct lg_secret *password, lg_str salt, uint32_t iterations)
{
	lg_sha256 u = lg_hmac_sha256(password, lg_cat(w.arena, salt, (lg_str){ "\0\0\0\1", 4 })), all = u;
	struct lg_secret key = { all.b, sizeof all.b };

	for (uint32_t i = 1; i < iterations; i++) {
		u = lg_hmac_sha256(password, lg_sha256_str(&u));
		for (size_t b = 0; b < sizeof all.b; b++)
			all.b[b] ^= u.b[b];
	}
	return lg_hmac_sha256(&key, LG_STR("Client Key"));
}

/* ClientProof for the message; *expected: what the server has to show. */
static lg_str
prove(const char *password, lg_str server_first, lg_str message, lg_str *expected)
{
	struct lg_secret p = { (uint8_t *)(uintptr_t)password, strlen(password) };
	lg_str salt, text;
	struct lg_scram s;
	lg_sha256 signature;
	int64_t iterations;
	char proof[32];

	cr_assert(lg_base64_parse(w.arena, part(server_first, "s="), &salt) && lg_int_parse(part(server_first, "i="), &iterations));
	cr_assert_eq(lg_scram_make(&w.cx, &p, salt, (uint32_t)iterations, &text), LG_OK);
	cr_assert(lg_scram_parse(w.arena, text, &s));
	lg_sha256 client_key = scram_client_key(&p, salt, (uint32_t)iterations);
	struct lg_secret stored = { s.stored, 32 };
	signature = lg_hmac_sha256(&stored, message);
	for (size_t i = 0; i < 32; i++)
		proof[i] = (char)(client_key.b[i] ^ signature.b[i]);
	struct lg_secret server = { s.server, 32 };
	signature = lg_hmac_sha256(&server, message);
	*expected = lg_base64(w.arena, lg_sha256_str(&signature));
	return lg_dup(w.arena, (lg_str){ proof, sizeof proof });
}

static int
exchange(struct scram *x)
{
	lg_str bare = lg_print(w.arena, "n=%s,r=clientnonce", x->user), reply, expected, cbind, without_proof, proof, nonce;
	int code = step(x->mechanism, lg_print(w.arena, "%s%.*s", x->gs2, LG_FMT(bare)), &reply);

	if (code != 14)
		return code;
	x->server_first = lg_dup(w.arena, reply);
	nonce = part(x->server_first, "r=");
	cr_assert(lg_str_starts(nonce, LG_STR("clientnonce")) && nonce.n > 11 + 20);
	if (x->spoil == 'r')
		nonce = LG_STR("clientnonce");
	cbind = lg_cat(w.arena, lg_str_of(x->spoil == 'g' ? "y,," : x->gs2), x->binding);
	without_proof = lg_print(w.arena, "c=%.*s,r=%.*s", LG_FMT(lg_base64(w.arena, cbind)), LG_FMT(nonce));
	proof = prove(x->password, x->server_first, lg_print(w.arena, "%.*s,%.*s,%.*s", LG_FMT(bare), LG_FMT(x->server_first), LG_FMT(without_proof)),
	    &expected);
	code = step(x->mechanism, lg_print(w.arena, "%.*s,p=%.*s", LG_FMT(without_proof), LG_FMT(lg_base64(w.arena, proof))), &reply);
	if (code == 0)
		cr_assert(lg_str_eq(part(reply, "v="), expected), "the server knows the password's verifier");
	return code;
}

static lg_str last_first;		/* the server's first message of the last exchange */

static int
tries(const char *mechanism, const char *user, const char *password, const char *gs2, lg_str binding, char spoil)
{
	struct scram x = { mechanism, user, password, gs2, binding, LG_NONE, spoil };
	int code = exchange(&x);

	last_first = x.server_first;
	return code;
}

#define SCRAM "SCRAM-SHA-256", "alice", "secret"
#define PLUS "SCRAM-SHA-256-PLUS", "alice", "secret"

static lg_str
exporter(void)
{
	return (lg_str){ (const char *)k.peer.exporter, 32 };
}

static lg_str
end_point(void)
{
	return (lg_str){ (const char *)k.peer.end_point, 32 };
}

Test(sasl, the_password_is_proved)
{
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 0), 0);
	assert_text(who(), "dn:" ALICE);
	cr_assert_eq(tries("SCRAM-SHA-256", "uid=3Dalice=2Cou=3Dpeople=2Cdc=3Dexample=2Cdc=3Dorg", "secret", "n,,", LG_NONE, 0), 0);
	cr_assert_eq(tries(SCRAM, "n,a=u:alice,", LG_NONE, 0), 0);
	cr_assert_gt(w.right, 2u);
}

Test(sasl, a_channel_binding_is_the_connection_s_own)
{
	cr_assert_eq(tries(PLUS, "p=tls-exporter,,", exporter(), 0), 0);
	assert_text(who(), "dn:" ALICE);
	cr_assert_eq(tries(PLUS, "p=tls-server-end-point,,", end_point(), 0), 0);
	cr_assert_eq(tries(PLUS, "p=ldap,,", lg_cat(w.arena, LG_STR("tls-server-end-point:"), end_point()), 0), 0);
	cr_assert_eq(tries(PLUS, "p=ldap,,", end_point(), 0), 49);
	cr_assert_eq(tries(PLUS, "p=tls-exporter,,", end_point(), 0), 49);
	cr_assert_eq(tries(PLUS, "p=tls-exporter,,", LG_NONE, 0), 49);
	cr_assert_eq(tries(PLUS, "p=tls-unique,,", exporter(), 0), 49);
	cr_assert_eq(tries(PLUS, "n,,", LG_NONE, 0), 49);
	cr_assert_eq(tries(SCRAM, "p=tls-exporter,,", exporter(), 0), 0);
	cr_assert_eq(tries(SCRAM, "p=tls-exporter,,", end_point(), 0), 49);
}

Test(sasl, a_client_that_was_told_of_no_binding_is_warned)
{
	cr_assert_eq(tries(SCRAM, "y,,", LG_NONE, 0), 49, "somebody took -PLUS off the list");
	k.peer.has_exporter = false;
	k.peer.nend_point = 0;
	wire_reconnect(&k);
	cr_assert_eq(tries(SCRAM, "y,,", LG_NONE, 0), 0);
	cr_assert_eq(tries(PLUS, "p=tls-exporter,,", exporter(), 0), 49);
}

Test(sasl, what_does_not_fit_is_refused_and_counted)
{
	unsigned wrong = w.wrong;

	cr_assert_eq(tries("SCRAM-SHA-256", "alice", "wrong", "n,,", LG_NONE, 0), 49);
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 'r'), 49);
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 'g'), 49);
	cr_assert_eq(w.wrong, wrong + 3);
	cr_assert_eq(tries(SCRAM, "n,a=u:bob,", LG_NONE, 0), 49);
	assert_text(who(), "");
	w.refuse_attempts = true;
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 0), 51);
}

Test(sasl, nobody_is_asked_as_somebody)
{
	lg_str salt;

	cr_assert_eq(tries("SCRAM-SHA-256", "nobody", "secret", "n,,", LG_NONE, 0), 49);
	salt = part(last_first, "s=");
	cr_assert_eq(tries("SCRAM-SHA-256", "nobody", "secret", "n,,", LG_NONE, 0), 49);
	cr_assert(lg_str_eq(part(last_first, "s="), salt), "the same salt each time");
	cr_assert(lg_str_eq(part(last_first, "i="), LG_STR("16384")));
	cr_assert_eq(tries("SCRAM-SHA-256", "bob", "secret", "n,,", LG_NONE, 0), 49, "bob's password was set before: he has no verifier");
}

Test(sasl, disabled_accounts_and_tenants_without_scram)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "add: lgEnabled\nlgEnabled: FALSE"));
	world_unview(&w);
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 0), 49);
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: lgEnabled\nlgEnabled: TRUE"));
	assert_result(&w, 0, world_modify(&w, SUFFIX, "replace: lgScram\nlgScram: FALSE"));
	world_unview(&w);
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 0), 49);
	assert_ok(&w, world_scram(&w, ALICE, "secret"));
	assert_result(&w, 0, world_modify(&w, SUFFIX, "replace: lgScram\nlgScram: TRUE"));
	world_unview(&w);
	cr_assert_eq(tries(SCRAM, "n,,", LG_NONE, 0), 49, "none was kept while it was off");
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

Test(sasl, malformed_messages_and_other_mechanisms)
{
	static const char *const bad[] = { "n", "n,", "n,,", "n,,n=,r=x", "n,,n=a=,r=x", "n,,m=x,n=a,r=x", "n,,n=a", "n,,n=a,r=", "n,,n=a,r=\x01", "x,y,z",
		"n,b,n=a,r=x" };
	lg_str reply;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		int code = step("SCRAM-SHA-256", lg_str_of(bad[i]), &reply);
		cr_assert(code == 2 || code == 49, "'%s': %d", bad[i], code);
	}
	cr_assert_eq(step("SCRAM-SHA-256", LG_STR("n,,n=alice,r=x"), &reply), 14);
	cr_assert_eq(step("SCRAM-SHA-256", LG_STR("p="), &reply), 49);
	cr_assert_eq(step("SCRAM-SHA-256", LG_STR("n,,n=alice,r=x"), &reply), 14);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_neq(step("SCRAM-SHA-256", LG_STR("c=biws,r=x,p=AAAA"), &reply), 0, "a simple bind ended the exchange");
	cr_assert_eq(step("SCRAM-SHA-256", LG_NONE, &reply), 14, "the client speaks first");
	cr_assert_eq(step("GSSAPI", LG_NONE, &reply), 7);
}

Test(sasl, a_simple_bind_brings_the_verifier_that_was_missing)
{
	w.scram = true;
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
	cr_assert_eq(tries("SCRAM-SHA-256", "bob", "secret", "n,,", LG_NONE, 0), 0);
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
}

Test(sasl, mechanisms_are_named)
{
	wire_finds(&k, "", 0, "(objectClass=*)", "supportedSASLMechanisms", " supportedSASLMechanisms=EXTERNAL supportedSASLMechanisms=PLAIN "
	    "supportedSASLMechanisms=SCRAM-SHA-256 supportedSASLMechanisms=SCRAM-SHA-256-PLUS\n");
	assert_result(&w, 0, world_modify(&w, SUFFIX, "replace: lgScram\nlgScram: FALSE"));
	world_unview(&w);
	wire_finds(&k, "", 0, "(objectClass=*)", "supportedSASLMechanisms", " supportedSASLMechanisms=EXTERNAL supportedSASLMechanisms=PLAIN\n");
}
