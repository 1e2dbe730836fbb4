/*
 * conn.c: the connection as a state machine: bytes in, requests taken while there is room, slices of searches, bytes out.
 *
 * What a client can make grow is bounded before it is read: requests by LG_LDAP_PDU_*, operations by LG_LDAP_OPERATIONS, output by
 * LG_LDAP_UNSENT.  At a bound the connection pauses; it is cut only for what is no LDAP.
 */
#include "directory/conn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "directory/hub.h"
#include "directory/message.h"
#include "directory/pwd.h"
#include "directory/sasl.h"
#include "directory/sync.h"
#include "directory/txn.h"

#define OUT_MAX		(32u << 20)	/* one answer may be large; past this the connection ends */

/* On the loop, after commits. */
static void
changed(void *arg)
{
	lg_sessions_changed(arg);
	lg_syncs_changed(arg);
}

struct lg_ldap *
lg_ldap_new(const struct lg_ldap_options *o)
{
	struct lg_ldap *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	*l = (struct lg_ldap){ .o = *o, .memo = lg_memo_new(), .slice = lg_arena_new(), .entry = lg_arena_new() };
	l->ear = lg_ear_new(o->dir->hub, o->mailbox, changed, l);
	return l;
}

void
lg_ldap_free(struct lg_ldap **lp)
{
	struct lg_ldap *l = *lp;

	if (l == NULL)
		return;
	while (l->pool != NULL) {
		struct lg_op *op = l->pool;
		l->pool = op->next;
		lg_arena_free(&op->arena);
		free(op);
	}
	lg_ear_free(&l->ear);
	lg_memo_free(&l->memo);
	lg_arena_free(&l->slice);
	lg_arena_free(&l->entry);
	free(l);
	*lp = NULL;
}

size_t
lg_ldap_outstanding(const struct lg_ldap *l)
{
	return l->outstanding;
}

void
lg_ldap_counts(const struct lg_ldap *l, struct lg_ldap_counts *ret)
{
	*ret = l->counts;
}

/* ---- the connection ------------------------------------------------------------------------------------------------ */

static void
set_peer(struct lg_ldap_conn *c, const struct lg_ldap_peer *peer)
{
	char *cert = NULL;

	if (peer->cert.n > 0) {
		cert = malloc(peer->cert.n);
		if (cert == NULL)
			abort();
		memcpy(cert, peer->cert.p, peer->cert.n);
	}
	free((void *)(uintptr_t)c->peer.cert.p);
	c->peer = *peer;
	c->peer.cert = (lg_str){ cert, peer->cert.n };
}

void
lg_conn_actor(struct lg_ldap_conn *c, const struct lg_entry *e, const int64_t *since)
{
	lg_session_begin(c, e, since);
	lg_arena_reset(c->identity);
	c->actor = lg_anonymous;
	c->actor.address = lg_str_of(c->peer.address);
	if (e == NULL)
		return;
	c->actor.kind = LG_ACTOR_ENTRY;
	c->actor.tenant = e->tenant;
	c->actor.id = e->uuid;
	c->actor.type = lg_type_name(e->type);
	c->actor.name = lg_dup(c->identity, e->name);
}

struct lg_ldap_conn *
lg_ldap_conn_new(struct lg_ldap *l, const struct lg_ldap_peer *peer, void (*wake)(void *arg), void *arg)
{
	struct lg_ldap_conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	*c = (struct lg_ldap_conn){ .ldap = l, .wake = wake, .arg = arg, .identity = lg_arena_new(), .opened = lg_boottime(),
		.in = LG_BUF(LG_LDAP_PDU_BOUND + LG_LDAP_PDU_FIRST), .out = LG_BUF(OUT_MAX) };
	set_peer(c, peer);
	lg_conn_actor(c, NULL, NULL);
	l->counts.connections++;
	return c;
}

void
lg_ldap_conn_free(struct lg_ldap_conn **cp)
{
	struct lg_ldap_conn *c = *cp;

	if (c == NULL)
		return;
	lg_session_end(c);
	lg_txn_abort(c, false, 0);
	lg_sasl_drop(c);
	while (c->ops != NULL) {
		struct lg_op *op = c->ops;
		if (!op->waiting) {
			lg_op_end(op);
			continue;
		}
		c->ops = op->next;	/* its callback ends it */
		op->conn = NULL;
	}
	free((void *)(uintptr_t)c->peer.cert.p);
	lg_arena_free(&c->identity);
	lg_buf_wipe(&c->in);		/* passwords have passed through */
	lg_buf_free(&c->out);
	free(c);
	*cp = NULL;
}

void
lg_ldap_secured(struct lg_ldap_conn *c, const struct lg_ldap_peer *peer)
{
	c->start_tls = false;
	lg_sasl_drop(c);
	set_peer(c, peer);
	lg_conn_actor(c, NULL, NULL);	/* RFC 4511 4.14.3: what was agreed in clear is forgotten */
	c->bound = false;
}

int64_t
lg_ldap_deadline(const struct lg_ldap_conn *c)
{
	return c->heard ? 0 : c->opened + LG_LDAP_FIRST_PDU_US;
}

/* RFC 4511 4.4.1 */
void
lg_conn_notice(struct lg_ldap_conn *c, int code, lg_str text)
{
	struct lg_berw w = lg_berw_of(&c->out);

	if (c->closing)
		return;
	c->closing = true;
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, 0);
	lg_berw_open(&w, 0x78);
	lg_berw_int(&w, LG_BER_ENUMERATED, code);
	lg_berw_str(&w, LG_BER_OCTETS, LG_NONE);
	lg_berw_str(&w, LG_BER_OCTETS, text);
	lg_berw_str(&w, LG_BER_CONTEXT(10), LG_STR("1.3.6.1.4.1.1466.20036"));
	lg_berw_close(&w);
	lg_berw_close(&w);
}

void
lg_ldap_conn_stop(struct lg_ldap_conn *c, int code, lg_str why)
{
	lg_conn_notice(c, code, why);
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

void
lg_ldap_feed(struct lg_ldap_conn *c, lg_str bytes)
{
	if (c->in_at > 0) {
		lg_buf_drop(&c->in, c->in_at);
		c->in_at = 0;
	}
	if (c->in.n == 0 && c->in.size > LG_LDAP_PDU_FIRST)
		lg_buf_free(&c->in);		/* a large request does not leave a large buffer */
	lg_buf_str(&c->in, bytes);
	if (c->in.full)
		lg_conn_notice(c, LG_LDAP_OTHER, LG_STR("more was sent than was asked for"));
}

static lg_str
unread(const struct lg_ldap_conn *c)
{
	return lg_str_sub(lg_buf_view(&c->in), c->in_at, c->in.n);
}

bool
lg_conn_has_input(const struct lg_ldap_conn *c)
{
	return c->in.n > c->in_at;
}

/* RFC 4511 4.2.1: uncompleted operations are completed or abandoned before a bind: searches are abandoned, writes awaited. */
static bool
ready_for_bind(struct lg_ldap_conn *c)
{
	for (struct lg_op *op = c->ops, *next; op != NULL; op = next) {
		next = op->next;
		if (!op->waiting)
			lg_op_end(op);
	}
	return c->nops == 0;
}

/* Draft 8.1.2.2: with a password that somebody else has set, all one can do is change it. */
static bool
may_before_change(struct lg_op *op)
{
	static void (*const allowed[])(struct lg_op *, struct lg_ber *) = { lg_op_bind, lg_op_unbind, lg_op_abandon };

	for (size_t i = 0; i < LG_COUNT(allowed); i++)
		if (op->kind->run == allowed[i])
			return true;
	if (op->kind->run == lg_op_modify && lg_op_changes_password(op))
		return true;
	if (op->kind->run == lg_op_extended && lg_extended_before_change(op))
		return true;
	lg_op_reply_password(op, NULL, LG_PWD_CHANGE_AFTER_RESET);
	return false;
}

static void
begin(struct lg_ldap_conn *c, const struct lg_message *m, const struct lg_op_kind *kind)
{
	struct lg_op *op = lg_op_new(c, m->id, kind, m->body);
	struct lg_ber body = lg_ber_of(op->body);
	lg_str controls = lg_dup(op->arena, m->controls);
	int code = lg_controls_decode(op, controls);

	if (kind->count != NULL)
		++*kind->count(&c->ldap->counts);
	if (code != LG_LDAP_SUCCESS && kind->response != 0)
		lg_op_code(op, code, "a control is not understood");
	else if (c->must_change && !may_before_change(op))
		lg_op_code(op, LG_LDAP_INSUFFICIENT_ACCESS, "the password must be changed first");
	else if (!op->controls.proxied || lg_op_proxied(op))
		kind->run(op, &body);
	if (op->done && !op->held)
		lg_op_end(op);
}

/* Takes one request; false when there is none yet, or none may be begun now. */
static bool
take(struct lg_ldap_conn *c)
{
	lg_str in = unread(c);
	int64_t n = lg_ber_frame(in, c->bound ? LG_LDAP_PDU_BOUND : LG_LDAP_PDU_FIRST);
	const struct lg_op_kind *kind;
	struct lg_message m;

	if (n < 0) {
		lg_conn_notice(c, LG_LDAP_PROTOCOL_ERROR, LG_STR("not an LDAP message, or too long"));
		return false;
	}
	if (n == 0 || (size_t)n > in.n)
		return false;
	if (!lg_message_decode(lg_str_sub(in, 0, (size_t)n), &m) || (kind = lg_op_kind_of(m.tag)) == NULL) {
		lg_conn_notice(c, LG_LDAP_PROTOCOL_ERROR, LG_STR("malformed message or unknown operation"));
		return false;
	}
	c->blocked = kind->run == lg_op_bind && !ready_for_bind(c);
	if (c->blocked)
		return false;
	c->heard = true;
	c->in_at += (size_t)n;
	begin(c, &m, kind);
	return true;
}

/* ---- turns ---------------------------------------------------------------------------------------------------------------- */

static bool
may_begin(const struct lg_ldap_conn *c)
{
	return !c->closing && !c->binding && !c->blocked && !c->start_tls && c->nops < LG_LDAP_OPERATIONS && c->out.n < LG_LDAP_UNSENT;
}

/* The oldest search that has something to do and its place in the list. */
static struct lg_op **
next_search(struct lg_ldap_conn *c)
{
	struct lg_op **at = &c->ops;

	while (*at != NULL && ((*at)->slice == NULL || (*at)->waiting))
		at = &(*at)->next;
	return at;
}

static void
move_to_end(struct lg_ldap_conn *c, struct lg_op **at)
{
	struct lg_op *op = *at;

	*at = op->next;
	for (at = &c->ops; *at != NULL; at = &(*at)->next)
		;
	*at = op;
	op->next = NULL;
}

/* A slice each, in turns, until the connection's time is up or its output full. */
static void
continue_searches(struct lg_ldap_conn *c, int64_t end)
{
	for (size_t left = c->nops; left > 0 && c->out.n < LG_LDAP_UNSENT; left--) {
		struct lg_op **at = next_search(c), *op = *at;
		if (op == NULL)
			return;
		op->slice(op);
		if (op->done)
			lg_op_end(op);
		else
			move_to_end(c, at);
		if (lg_monotonic_ns() > end)
			return;
	}
}

static bool
whole_request_waits(const struct lg_ldap_conn *c)
{
	lg_str in = unread(c);
	int64_t n = lg_ber_frame(in, LG_LDAP_PDU_BOUND);

	return n < 0 || (n > 0 && (size_t)n <= in.n);
}

static unsigned
wants(const struct lg_ldap_conn *c, bool more)
{
	unsigned w = 0;

	if (c->out.n > 0)
		w |= LG_LDAP_WRITE;
	if (c->closing)
		return w | LG_LDAP_CLOSE;
	if (c->start_tls)
		return w | LG_LDAP_START_TLS;
	if (c->out.n < LG_LDAP_UNSENT && more)
		w |= LG_LDAP_RUN;
	if (may_begin(c)) {
		/* Not to be asked for more while what is there has not been looked at. */
		if (whole_request_waits(c))
			w |= LG_LDAP_RUN;
		else
			w |= LG_LDAP_READ;
	}
	return w;
}

unsigned
lg_ldap_run(struct lg_ldap_conn *c)
{
	int64_t end = lg_monotonic_ns() + LG_LDAP_SLICE_NS;
	c->running = true;
	c->blocked = false;
	if (c->session.doubted)
		lg_session_settle(c);
	if (!c->closing)
		continue_searches(c, end);
	while (may_begin(c) && take(c))
		if (lg_monotonic_ns() > end)
			break;
	c->running = false;
	if (c->out.full) {		/* an answer that cannot be sent whole is not sent in part */
		lg_buf_clear(&c->out);
		c->closing = true;
	}
	c->paused = c->out.n >= LG_LDAP_UNSENT;
	return wants(c, *next_search(c) != NULL);
}

lg_str
lg_ldap_output(const struct lg_ldap_conn *c)
{
	return lg_buf_view(&c->out);
}

void
lg_ldap_sent(struct lg_ldap_conn *c, size_t n)
{
	lg_buf_drop(&c->out, n);
	if (c->out.n == 0 && c->out.size > LG_LDAP_UNSENT)
		lg_buf_free(&c->out);		/* its maximum stays */
	if (c->paused && c->out.n < LG_LDAP_UNSENT) {
		c->paused = false;
		if (c->wake != NULL)
			c->wake(c->arg);
	}
}
