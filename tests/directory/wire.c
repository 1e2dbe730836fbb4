/* wire.c: see wire.h. */
#include "tests/directory/wire.h"

#include "directory/filter.h"

static void
wake(void *arg)
{
	struct wire *k = arg;

	k->woken++;
}

void
wire_reconnect(struct wire *k)
{
	lg_ldap_conn_free(&k->c);
	lg_buf_clear(&k->rx);
	k->c = lg_ldap_conn_new(k->l, &k->peer, wake, k);
	k->wants = lg_ldap_run(k->c);
}

void
wire_start(struct wire *k, struct world *w)
{
	struct lg_ldap_options o = { .dir = w->dirp, .mailbox = w->mailbox, .tenant = 1 };

	*k = (struct wire){ .w = w, .rx = LG_BUF(64u << 20) };
	k->peer = (struct lg_ldap_peer){ .address = "192.0.2.1:4711", .tls = true, .uid = -1, .gid = -1, .pid = -1 };
	k->l = lg_ldap_new(&o);
	wire_reconnect(k);
}

void
wire_end(struct wire *k)
{
	lg_ldap_conn_free(&k->c);
	world_drain(k->w);
	cr_assert_eq(lg_ldap_outstanding(k->l), 0);
	lg_ldap_free(&k->l);
	lg_buf_free(&k->rx);
}

static void
collect(struct wire *k)
{
	lg_str out = lg_ldap_output(k->c);

	lg_buf_str(&k->rx, out);
	lg_ldap_sent(k->c, out.n);
}

void
wire_run(struct wire *k)
{
	k->runs++;
	k->wants = lg_ldap_run(k->c);
	collect(k);
	lg_store_turn(k->w->store);
}

void
wire_feed(struct wire *k, lg_str bytes)
{
	lg_ldap_feed(k->c, bytes);
	wire_run(k);
}

void
wire_pump(struct wire *k)
{
	wire_run(k);
	/* A loop runs a connection again when its output has gone. */
	while ((k->wants & (LG_LDAP_RUN | LG_LDAP_WRITE)) != 0 || lg_ldap_outstanding(k->l) > 0) {
		if ((k->wants & (LG_LDAP_CLOSE | LG_LDAP_START_TLS)) != 0)
			return;
		if (lg_ldap_outstanding(k->l) > 0)
			world_drain(k->w);
		wire_run(k);
	}
}

bool
wire_next(struct wire *k, struct answer *ret)
{
	int64_t n = lg_ber_frame(lg_buf_view(&k->rx), k->rx.max);
	struct lg_ber outer, b, op;
	lg_str pdu;
	int tag;

	if (n <= 0 || (size_t)n > k->rx.n)
		return false;
	pdu = lg_dup(k->w->arena, lg_str_sub(lg_buf_view(&k->rx), 0, (size_t)n));
	lg_buf_drop(&k->rx, (size_t)n);
	outer = lg_ber_of(pdu);
	b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	*ret = (struct answer){ .id = (int32_t)lg_ber_int(&b, LG_BER_INTEGER) };
	op = lg_ber_of(lg_ber_any(&b, &tag));
	ret->tag = tag;
	if (tag == 0x79) {		/* an intermediate response has no result */
		ret->oid = lg_ber_str(&op, LG_BER_CONTEXT(0));
		ret->value = lg_ber_str(&op, LG_BER_CONTEXT(1));
	} else if (tag != 0x64) {
		ret->code = (int)lg_ber_int(&op, LG_BER_ENUMERATED);
		ret->matched = lg_ber_str(&op, LG_BER_OCTETS);
		ret->text = lg_ber_str(&op, LG_BER_OCTETS);
		if (lg_ber_peek(&op) == LG_BER_CONTEXT(10))
			ret->oid = lg_ber_str(&op, LG_BER_CONTEXT(10));
		if (lg_ber_peek(&op) == LG_BER_CONTEXT(11))
			ret->value = lg_ber_str(&op, LG_BER_CONTEXT(11));
	}
	ret->rest = op;
	if (lg_ber_peek(&b) == LG_BER_CONTEXT_SET(0))
		ret->controls = lg_ber_str(&b, LG_BER_CONTEXT_SET(0));
	cr_assert_not(b.bad || op.bad, "the server writes BER");
	return true;
}

struct answer
wire_expect(struct wire *k, int32_t id, int tag, int code)
{
	struct answer a;

	cr_assert(wire_next(k, &a), "an answer to %d", id);
	cr_assert_eq(a.id, id, "answer to %d, not %d", a.id, id);
	cr_assert_eq(a.tag, tag, "tag %x, not %x", (unsigned)a.tag, (unsigned)tag);
	cr_assert_eq(a.code, code, "code %d (%.*s), not %d", a.code, LG_FMT(a.text), code);
	return a;
}

void
wire_quiet(struct wire *k)
{
	struct answer a;

	cr_assert_not(wire_next(k, &a), "no answer, but %x to %d", (unsigned)a.tag, a.id);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static struct lg_berw
begin(struct wire *k, struct lg_buf *out, int32_t id)
{
	struct lg_berw w = lg_berw_of(out);

	(void)k;
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, id);
	return w;
}

static void
finish(struct wire *k, struct lg_berw *w)
{
	if (k->controls.n > 0)
		lg_berw_str(w, LG_BER_CONTEXT_SET(0), k->controls);
	k->controls = LG_NONE;
	lg_berw_close(w);
	lg_ldap_feed(k->c, lg_buf_view(w->out));
	lg_buf_free(w->out);
}

void
send_bind(struct wire *k, int32_t id, const char *dn, const char *password)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x60);
	lg_berw_int(&w, LG_BER_INTEGER, 3);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_str(&w, LG_BER_CONTEXT(0), lg_str_of(password));
	lg_berw_close(&w);
	finish(k, &w);
}

void
send_external(struct wire *k, int32_t id, const char *authzid)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x60);
	lg_berw_int(&w, LG_BER_INTEGER, 3);
	lg_berw_str(&w, LG_BER_OCTETS, LG_NONE);
	lg_berw_open(&w, LG_BER_CONTEXT_SET(3));
	lg_berw_str(&w, LG_BER_OCTETS, LG_STR("EXTERNAL"));
	if (authzid != NULL)
		lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(authzid));
	lg_berw_close(&w);
	lg_berw_close(&w);
	finish(k, &w);
}

void
send_search(struct wire *k, int32_t id, const char *base, int scope, const char *filter, const char *attrs, int size)
{
	struct lg_buf out = LG_BUF(1 << 20), f = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);
	lg_str word;

	assert_ok(k->w, lg_filter_encode(&k->w->cx, lg_str_of(filter), &f));
	lg_berw_open(&w, 0x63);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(base));
	lg_berw_int(&w, LG_BER_ENUMERATED, scope);
	lg_berw_int(&w, LG_BER_ENUMERATED, k->deref);
	lg_berw_int(&w, LG_BER_INTEGER, size);
	lg_berw_int(&w, LG_BER_INTEGER, 0);
	lg_berw_bool(&w, LG_BER_BOOLEAN, false);
	lg_buf_str(&out, lg_buf_view(&f));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	while (lg_word_next(&attrs, &word))
		lg_berw_str(&w, LG_BER_OCTETS, word);
	lg_berw_close(&w);
	lg_berw_close(&w);
	lg_buf_free(&f);
	finish(k, &w);
}

void
send_compare(struct wire *k, int32_t id, const char *dn, const char *attr, const char *value)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x6e);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(attr));
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(value));
	lg_berw_close(&w);
	lg_berw_close(&w);
	finish(k, &w);
}

void
send_add(struct wire *k, int32_t id, const char *dn, const char *ldif)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);
	lg_str text = lg_str_of(ldif), line, name, value;
	bool more = text.n > 0;

	lg_berw_open(&w, 0x68);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	while (more) {
		more = lg_str_cut(text, '\n', &line, &text);
		lg_str_cut(line, ':', &name, &value);
		lg_berw_open(&w, LG_BER_SEQUENCE);
		lg_berw_str(&w, LG_BER_OCTETS, name);
		lg_berw_open(&w, LG_BER_SET);
		lg_berw_str(&w, LG_BER_OCTETS, lg_str_trim(value));
		lg_berw_close(&w);
		lg_berw_close(&w);
	}
	lg_berw_close(&w);
	lg_berw_close(&w);
	finish(k, &w);
}

void
send_modify(struct wire *k, int32_t id, const char *dn, int kind, const char *attr, const char *value)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x66);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_ENUMERATED, kind);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(attr));
	lg_berw_open(&w, LG_BER_SET);
	if (value != NULL)
		lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(value));
	for (int i = 0; i < 5; i++)
		lg_berw_close(&w);
	finish(k, &w);
}

void
send_delete(struct wire *k, int32_t id, const char *dn)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_str(&w, 0x4a, lg_str_of(dn));
	finish(k, &w);
}

void
send_rename(struct wire *k, int32_t id, const char *dn, const char *rdn, bool drop, const char *superior)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x6c);
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(rdn));
	lg_berw_bool(&w, LG_BER_BOOLEAN, drop);
	if (superior != NULL)
		lg_berw_str(&w, LG_BER_CONTEXT(0), lg_str_of(superior));
	lg_berw_close(&w);
	finish(k, &w);
}

void
send_abandon(struct wire *k, int32_t id, int32_t other)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_int(&w, 0x50, other);
	finish(k, &w);
}

void
send_unbind(struct wire *k, int32_t id)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_str(&w, 0x42, LG_NONE);
	finish(k, &w);
}

void
send_extended(struct wire *k, int32_t id, const char *oid, lg_str value)
{
	struct lg_buf out = LG_BUF(1 << 20);
	struct lg_berw w = begin(k, &out, id);

	lg_berw_open(&w, 0x77);
	lg_berw_str(&w, LG_BER_CONTEXT(0), lg_str_of(oid));
	if (value.p != NULL)
		lg_berw_str(&w, LG_BER_CONTEXT(1), value);
	lg_berw_close(&w);
	finish(k, &w);
}

/* ---- whole exchanges --------------------------------------------------------------------------------------------------- */

int
wire_bind(struct wire *k, const char *dn, const char *password)
{
	struct answer a;

	send_bind(k, 1000, dn, password);
	wire_pump(k);
	cr_assert(wire_next(k, &a));
	cr_assert(a.id == 1000 && a.tag == 0x61);
	return a.code;
}

static void
print_entry(struct lg_buf *out, struct lg_ber *e)
{
	lg_str dn = lg_ber_str(e, LG_BER_OCTETS);
	struct lg_ber list = lg_ber_enter(e, LG_BER_SEQUENCE);

	lg_buf_str(out, dn);
	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE);
		lg_str name = lg_ber_str(&one, LG_BER_OCTETS);
		struct lg_ber set = lg_ber_enter(&one, LG_BER_SET);
		if (!lg_ber_more(&set))
			lg_buf_printf(out, " %.*s", LG_FMT(name));
		while (lg_ber_more(&set)) {
			lg_str v = lg_ber_str(&set, LG_BER_OCTETS);
			lg_buf_printf(out, " %.*s=%.*s", LG_FMT(name), LG_FMT(v));
		}
	}
	lg_buf_byte(out, '\n');
}

lg_str
wire_entry_text(struct wire *k, struct answer *entry)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1 << 24);

	print_entry(&out, &entry->rest);
	return lg_dup(k->w->arena, lg_buf_view(&out));
}

int
wire_search(struct wire *k, const char *base, int scope, const char *filter, const char *attrs, const char **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1 << 24);
	struct answer a;

	send_search(k, 2000, base, scope, filter, attrs, 0);
	wire_pump(k);
	while (wire_next(k, &a) && a.tag == 0x64)
		print_entry(&out, &a.rest);
	cr_assert(a.tag == 0x65 && a.id == 2000);
	if (ret != NULL)
		*ret = lg_dup(k->w->arena, lg_buf_view(&out)).p;
	return a.code;
}

void
wire_finds(struct wire *k, const char *base, int scope, const char *filter, const char *attrs, const char *want)
{
	const char *got;
	int code = wire_search(k, base, scope, filter, attrs, &got);

	cr_assert(code == 0 && strcmp(got, want) == 0, "%s of %s: %d '%s', not '%s'", filter, base, code, got, want);
}
