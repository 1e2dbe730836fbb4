/* channel.c: the asking end: requests gathered for one write, replies matched to those who wait. */
#include "lightgate/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/keeper/frame.h"
#include "crypto/local.h"

#define OUT_MAX		(2u * LG_KEEPER_CRL)
#define READ_ROOM	(64u << 10)
#define NO_SLOT		UINT32_MAX

struct waiting {
	lg_keeper_done *done;		/* NULL: free, and next says which is free after it */
	void *arg;
	uint32_t next;
};

struct lg_keeper {
	int fd;
	bool gone;
	struct lg_buf out, in;
	size_t sent;			/* of out */
	uint32_t free_slot, nwaiting;
	struct waiting slot[LG_KEEPER_PENDING];
};

struct lg_keeper *
lg_keeper_new(int fd)
{
	struct lg_keeper *k = calloc(1, sizeof *k);

	lg_crypto_must(k != NULL);
	k->fd = fd;
	k->out = LG_BUF(OUT_MAX);
	k->in = LG_BUF(LG_KEEPER_REPLY + 2 * READ_ROOM);
	for (uint32_t i = 0; i < LG_KEEPER_PENDING; i++)
		k->slot[i].next = i + 1 < LG_KEEPER_PENDING ? i + 1 : NO_SLOT;
	return k;
}

static void
answer(struct lg_keeper *k, uint32_t id, lg_err e, lg_str reply)
{
	struct waiting w = k->slot[id];

	k->slot[id] = (struct waiting){ .next = k->free_slot };
	k->free_slot = id;
	k->nwaiting--;
	w.done(w.arg, e, reply);
}

/* Callbacks may ask again: they hear LG_E_UNAVAILABLE at once, since gone is set first. */
static lg_err
lose(struct lg_keeper *k)
{
	k->gone = true;
	for (uint32_t i = 0; i < LG_KEEPER_PENDING && k->nwaiting > 0; i++)
		if (k->slot[i].done != NULL)
			answer(k, i, LG_E_UNAVAILABLE, LG_STR("the keeper is gone"));
	return LG_E_UNAVAILABLE;
}

void
lg_keeper_free(struct lg_keeper **kp)
{
	struct lg_keeper *k = *kp;

	if (k == NULL)
		return;
	(void)lose(k);
	close(k->fd);
	lg_buf_wipe(&k->out);
	lg_buf_wipe(&k->in);
	free(k);
	*kp = NULL;
}

int
lg_keeper_fd(const struct lg_keeper *k)
{
	return k->fd;
}

bool
lg_keeper_wants_write(const struct lg_keeper *k)
{
	return !k->gone && k->out.n > k->sent;
}

/* A buffer that is never quite empty would only grow; at half the moving costs no more than the writing did. */
static void
drop_sent(struct lg_keeper *k)
{
	if (k->sent < k->out.n / 2)
		return;
	lg_buf_drop(&k->out, k->sent);
	k->sent = 0;
}

lg_err
lg_keeper_flush(struct lg_keeper *k)
{
	while (lg_keeper_wants_write(k)) {
		ssize_t n = send(k->fd, k->out.p + k->sent, k->out.n - k->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			drop_sent(k);
			return LG_OK;
		}
		if (n <= 0)
			return lose(k);
		k->sent += (size_t)n;
	}
	if (k->gone)
		return LG_E_UNAVAILABLE;
	lg_buf_clear(&k->out);
	k->sent = 0;
	return LG_OK;
}

/* Runs the callbacks of all whole replies; false for a reply that nobody waits for. */
static bool
deliver(struct lg_keeper *k)
{
	lg_str left = lg_buf_view(&k->in);
	struct lg_frame f;

	for (;;) {
		enum lg_frame_got got = lg_frame_next(&left, LG_KEEPER_REPLY, &f);
		if (got == LG_FRAME_BAD)
			return false;
		if (got == LG_FRAME_NONE)
			break;
		if (f.id >= LG_KEEPER_PENDING || k->slot[f.id].done == NULL || f.op > LG_E_INTERNAL)
			return false;
		answer(k, f.id, (lg_err)f.op, f.body);
	}
	size_t used = k->in.n - left.n;
	explicit_bzero(k->in.p, used);		/* data keys come this way */
	lg_buf_drop(&k->in, used);
	return true;
}

lg_err
lg_keeper_read(struct lg_keeper *k)
{
	while (!k->gone) {
		if (!lg_buf_reserve(&k->in, READ_ROOM))
			return lose(k);
		size_t room = k->in.size - k->in.n;
		ssize_t n = recv(k->fd, k->in.p + k->in.n, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return LG_OK;
		if (n <= 0)
			return lose(k);
		k->in.n += (size_t)n;
		if (!deliver(k))
			return lose(k);
		if ((size_t)n < room)
			return LG_OK;		/* drained: saves the call that would say so */
	}
	return LG_E_UNAVAILABLE;
}

lg_err
lg_keeper_wait(struct lg_keeper *k)
{
	while (k->nwaiting > 0 && !k->gone) {
		LG_TRY(lg_keeper_flush(k));
		struct pollfd p = { k->fd, (short)(POLLIN | (lg_keeper_wants_write(k) ? POLLOUT : 0)), 0 };
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return lose(k);
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			LG_TRY(lg_keeper_read(k));
	}
	return k->gone ? LG_E_UNAVAILABLE : LG_OK;
}

void
lg_keeper_told(void *told, lg_err e, lg_str reply)
{
	struct lg_keeper_told *t = told;

	t->e = e;
	t->reply = lg_dup(t->cx->arena, reply);
}

lg_err
lg_keeper_await(struct lg_keeper_told *t, lg_err queued, lg_str *reply)
{
	if (queued != LG_OK || lg_keeper_wait(t->keeper) != LG_OK)
		return lg_fail(t->cx, LG_E_UNAVAILABLE, "the keeper does not answer");
	if (t->e != LG_OK)
		return lg_fail(t->cx, t->e, "keeper: %.*s", LG_FMT(t->reply));
	*reply = t->reply;
	return LG_OK;
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

/* One request being written: begin, fields into k->out, finish.  A failed one leaves no trace. */
struct asking {
	size_t from, frame;
	uint32_t id;
};

static lg_err
begin(struct lg_keeper *k, enum lg_op op, struct asking *ret)
{
	if (k->gone)
		return LG_E_UNAVAILABLE;
	if (k->free_slot == NO_SLOT)
		return LG_E_BUSY;
	ret->id = k->free_slot;
	ret->from = k->out.n;
	ret->frame = lg_frame_begin(&k->out, ret->id, (uint8_t)op);
	return LG_OK;
}

static lg_err
finish(struct lg_keeper *k, const struct asking *a, lg_keeper_done *done, void *arg)
{
	lg_frame_end(&k->out, a->frame);
	if (k->out.full || k->out.n - a->frame > LG_KEEPER_FRAME) {
		k->out.n = a->from;
		k->out.full = false;
		return LG_E_LIMIT;
	}
	struct waiting *w = &k->slot[a->id];
	k->free_slot = w->next;
	*w = (struct waiting){ done, arg, NO_SLOT };
	k->nwaiting++;
	return LG_OK;
}

static lg_err
ask_plain(struct lg_keeper *k, enum lg_op op, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, op, &a));
	return finish(k, &a, done, arg);
}

static lg_err
ask_bytes(struct lg_keeper *k, enum lg_op op, uint32_t tenant, lg_str bytes, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, op, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_str(&k->out, bytes);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_token(struct lg_keeper *k, const struct lg_token_request *rq, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_TOKEN, &a));
	lg_put_token_request(&k->out, rq);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_certificate(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_CERTIFICATE, tenant, tbs, done, arg);
}

lg_err
lg_keeper_ssh(struct lg_keeper *k, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_SSH, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_byte(&k->out, (char)purpose);
	lg_buf_str(&k->out, tbs);
	return finish(k, &a, done, arg);
}

/* The parts follow one another under one id; the last is answered. */
lg_err
lg_keeper_crl(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	struct asking a;
	size_t at = 0;

	if (tbs.n > LG_KEEPER_CRL)
		return LG_E_LIMIT;
	LG_TRY(begin(k, LG_OP_CRL, &a));
	for (;;) {
		lg_str part = lg_str_sub(tbs, at, LG_CRL_PART);
		bool last = at + part.n == tbs.n;
		lg_buf_u32(&k->out, tenant);
		lg_buf_byte(&k->out, (char)((at == 0 ? LG_CRL_FIRST : 0) | (last ? LG_CRL_LAST : 0)));
		lg_buf_str(&k->out, part);
		if (last)
			return finish(k, &a, done, arg);
		lg_frame_end(&k->out, a.frame);
		a.frame = lg_frame_begin(&k->out, a.id, LG_OP_CRL);
		at += part.n;
	}
}

lg_err
lg_keeper_ocsp(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_OCSP, tenant, tbs, done, arg);
}

lg_err
lg_keeper_bundle(struct lg_keeper *k, const struct lg_bundle_request *rq, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_BUNDLE, &a));
	lg_put_bundle_request(&k->out, rq);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_head(struct lg_keeper *k, uint32_t chain, uint32_t epoch, uint64_t from_seq, lg_str digests,
    lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_HEAD, &a));
	lg_buf_u32(&k->out, chain);
	lg_buf_u32(&k->out, epoch);
	lg_buf_u64(&k->out, from_seq);
	lg_buf_str(&k->out, digests);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_ledger(struct lg_keeper *k, uint32_t tenant, uint64_t size, const lg_sha256 *root, lg_str path, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_LEDGER, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_u64(&k->out, size);
	lg_buf_str(&k->out, lg_sha256_str(root));
	lg_buf_str(&k->out, path);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_ledger_mark(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_LEDGER_MARK, tenant, LG_NONE, done, arg);
}

lg_err
lg_keeper_mark(struct lg_keeper *k, uint32_t chain, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_MARK, chain, LG_NONE, done, arg);
}

lg_err
lg_keeper_wrap_new(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_WRAP_NEW, tenant, LG_NONE, done, arg);
}

lg_err
lg_keeper_unwrap(struct lg_keeper *k, uint32_t tenant, lg_str wrapped, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_UNWRAP, tenant, wrapped, done, arg);
}

lg_err
lg_keeper_keys(struct lg_keeper *k, lg_keeper_done *done, void *arg)
{
	return ask_plain(k, LG_OP_KEYS, done, arg);
}

lg_err
lg_keeper_tenants(struct lg_keeper *k, lg_keeper_done *done, void *arg)
{
	return ask_plain(k, LG_OP_TENANTS, done, arg);
}

lg_err
lg_keeper_successor(struct lg_keeper *k, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg,
    lg_keeper_done *done, void *arg)
{
	char fields[] = { (char)purpose, (char)alg };

	return ask_bytes(k, LG_OP_SUCCESSOR, tenant, (lg_str){ fields, sizeof fields }, done, arg);
}

lg_err
lg_keeper_activate(struct lg_keeper *k, uint32_t tenant, lg_str kid, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_ACTIVATE, tenant, kid, done, arg);
}

static lg_err
ask_ceiling(struct lg_keeper *k, enum lg_op op, uint32_t tenant, lg_str name, const struct lg_ceiling *ceiling,
    lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, op, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_str32(&k->out, name);
	lg_put_ceiling(&k->out, ceiling);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_create_tenant(struct lg_keeper *k, uint32_t tenant, lg_str name, const struct lg_ceiling *ceiling,
    lg_keeper_done *done, void *arg)
{
	return ask_ceiling(k, LG_OP_CREATE_TENANT, tenant, name, ceiling, done, arg);
}

lg_err
lg_keeper_set_ceiling(struct lg_keeper *k, uint32_t tenant, const struct lg_ceiling *ceiling, lg_keeper_done *done, void *arg)
{
	return ask_ceiling(k, LG_OP_SET_CEILING, tenant, LG_NONE, ceiling, done, arg);
}

lg_err
lg_keeper_ca_new(struct lg_keeper *k, uint32_t tenant, enum lg_ca_new kind, enum lg_key_type type, lg_str uri, lg_keeper_done *done,
    void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_CA_NEW, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_byte(&k->out, (char)kind);
	lg_buf_byte(&k->out, (char)type);
	lg_buf_str(&k->out, uri);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_set_ocsp(struct lg_keeper *k, uint32_t tenant, enum lg_ocsp_by by, lg_keeper_done *done, void *arg)
{
	char field = (char)by;

	return ask_bytes(k, LG_OP_SET_OCSP, tenant, (lg_str){ &field, 1 }, done, arg);
}

lg_err
lg_keeper_responders(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg)
{
	return ask_bytes(k, LG_OP_RESPONDERS, tenant, LG_NONE, done, arg);
}

lg_err
lg_keeper_ca_import(struct lg_keeper *k, uint32_t tenant, lg_str cert, lg_str root, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_CA_IMPORT, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_str32(&k->out, cert);
	lg_buf_str32(&k->out, root);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_ca_move(struct lg_keeper *k, uint32_t tenant, enum lg_ca_move move, lg_str kid, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_CA_MOVE, &a));
	lg_buf_u32(&k->out, tenant);
	lg_buf_byte(&k->out, (char)move);
	lg_buf_str(&k->out, kid);
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_new_epoch(struct lg_keeper *k, uint32_t chain, uint32_t epoch, uint64_t seq, const lg_sha256 *hash,
    lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_NEW_EPOCH, &a));
	lg_buf_u32(&k->out, chain);
	lg_buf_u32(&k->out, epoch);
	lg_buf_u64(&k->out, seq);
	lg_buf_str(&k->out, lg_sha256_str(hash));
	return finish(k, &a, done, arg);
}

lg_err
lg_keeper_signed(struct lg_keeper *k, lg_keeper_done *done, void *arg)
{
	return ask_plain(k, LG_OP_SIGNED, done, arg);
}

lg_err
lg_keeper_signed_log(struct lg_keeper *k, uint64_t from, lg_keeper_done *done, void *arg)
{
	struct asking a;

	LG_TRY(begin(k, LG_OP_SIGNED_LOG, &a));
	lg_buf_u64(&k->out, from);
	return finish(k, &a, done, arg);
}
