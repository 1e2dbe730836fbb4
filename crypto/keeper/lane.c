/*
 * lane.c: one read, all complete requests in it, one write for all replies.
 *
 * What signs with an elliptic key is done here and now.  RSA, roots and whatever changes a file goes to the slow lane and
 * comes back through the mailbox; its reply then leaves by the same buffer.
 */
#include "crypto/keeper/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/keeper/tbs_check.h"
#include "crypto/local.h"

#define READ_ROOM	(256u << 10)
#define OUT_PAUSE	(1u << 20)	/* unsent octets from which on a channel is not read */
#define OUT_MAX		(LG_KEEPER_REPLY + 4 * OUT_PAUSE)
#define ERROR_AT	8		/* where in a frame the operation, or the error, stands */

/* ---- the operations ---------------------------------------------------------------------------------------------------- */

enum where { HERE, SIGNS, SLOW, CHANGE };	/* SIGNS: here, unless its key waits; CHANGE: slow, and alone */

static const struct operation {
	lg_handler *run;
	enum where where;
	bool control;
} operations[LG_OPS] = {
	[LG_OP_TOKEN] = { lg_kp_token, SIGNS, false },
	[LG_OP_CERTIFICATE] = { lg_kp_certificate, SIGNS, false },
	[LG_OP_CRL] = { lg_kp_crl, SIGNS, false },
	[LG_OP_OCSP] = { lg_kp_ocsp, SIGNS, false },
	[LG_OP_BUNDLE] = { lg_kp_bundle, CHANGE, false },
	[LG_OP_HEAD] = { lg_kp_head, CHANGE, false },
	[LG_OP_MARK] = { lg_kp_mark, CHANGE, false },
	[LG_OP_WRAP_NEW] = { lg_kp_wrap_new, HERE, false },
	[LG_OP_UNWRAP] = { lg_kp_unwrap, HERE, false },
	[LG_OP_KEYS] = { lg_kp_keys, HERE, false },
	[LG_OP_SUCCESSOR] = { lg_kp_successor, CHANGE, false },
	[LG_OP_ACTIVATE] = { lg_kp_activate, CHANGE, false },
	[LG_OP_CREATE_TENANT] = { lg_kp_create_tenant, CHANGE, true },
	[LG_OP_SET_CEILING] = { lg_kp_set_ceiling, CHANGE, true },
	[LG_OP_NEW_EPOCH] = { lg_kp_new_epoch, CHANGE, true },
	[LG_OP_SIGNED] = { lg_kp_signed, SLOW, true },
	[LG_OP_SIGNED_LOG] = { lg_kp_signed_log, SLOW, true },
	[LG_OP_TENANTS] = { lg_kp_list_tenants, HERE, false },
	[LG_OP_SSH] = { lg_kp_ssh, SIGNS, false },
	[LG_OP_CA_NEW] = { lg_kp_ca_new, CHANGE, true },
	[LG_OP_CA_IMPORT] = { lg_kp_ca_import, CHANGE, true },
	[LG_OP_CA_MOVE] = { lg_kp_ca_move, CHANGE, true },
	[LG_OP_RESPONDERS] = { lg_kp_responders, CHANGE, false },
	[LG_OP_SET_OCSP] = { lg_kp_set_ocsp, CHANGE, true },
	[LG_OP_LEDGER] = { lg_kp_ledger, CHANGE, false },
	[LG_OP_LEDGER_MARK] = { lg_kp_ledger_mark, CHANGE, false },
};

static bool
by_responder(const struct lg_tenant *t, lg_str tbs)
{
	for (size_t i = 0; i < t->nkeys; i++)
		if (t->key[i].pub.purpose == LG_PURPOSE_OCSP && lg_tbs_ocsp_by(tbs, &t->key[i].issuer))
			return true;
	return false;
}

/* Signatures with keys in a token, and with a CA's slow key, are waited for on the slow lane. */
static bool
waits(const struct lg_call *c, const struct lg_frame *f)
{
	struct lg_rd rd = lg_rd_of(f->body);
	enum lg_purpose purpose = LG_PURPOSE_ISSUER;
	const struct lg_tenant *t;

	uint32_t tenant = lg_rd_u32(&rd);
	uint8_t first = lg_rd_u8(&rd), second = lg_rd_u8(&rd);
	if (rd.bad || lg_kp_tenant(c, tenant, &t) != LG_OK)
		return false;
	if (f->op == LG_OP_SSH)
		purpose = first;
	else if (f->op == LG_OP_TOKEN)
		purpose = second;
	else if (f->op == LG_OP_CRL && (first & LG_CRL_LAST) == 0)	/* is hashed, not signed */
		return false;
	else if (f->op == LG_OP_CRL && c->crl->whole.n > 0)	/* Ed25519 reads the whole list, twice: 25 ms for 5 MB */
		return true;
	else if (f->op == LG_OP_OCSP && by_responder(t, lg_str_sub(f->body, 4, f->body.n)))
		purpose = LG_PURPOSE_OCSP;
	return purpose < LG_PURPOSES && t->waits[purpose];
}

static enum where
where_of(const struct lg_call *c, const struct operation *op, const struct lg_frame *f)
{
	if (op->where != SIGNS)
		return op->where;
	/* The fifth octet of a token request is its algorithm. */
	if (op->run == lg_kp_token && f->body.n > 4 && lg_alg_slow((enum lg_alg)(uint8_t)f->body.p[4]))
		return SLOW;
	return waits(c, f) ? SLOW : HERE;
}

/* Writes one reply frame; what a failed handler had written is taken back, and the sentence stands in its place. */
static void
reply(struct lg_call *c, lg_err e, size_t begun)
{
	if (e == LG_PENDING) {
		c->out->n = begun;
		return;
	}
	if (e == LG_OK && c->out->n - begun > LG_KEEPER_REPLY)
		e = lg_fail(c->cx, LG_E_LIMIT, "the reply is too long");
	if (e != LG_OK && c->out->n > begun + ERROR_AT) {
		c->out->n = begun + ERROR_AT;
		c->out->full = false;
		lg_buf_byte(c->out, (char)e);
		lg_buf_str(c->out, lg_str_of(c->cx->error));
	}
	lg_frame_end(c->out, begun);
}

static void
answer(struct lg_call *c, const struct lg_frame *f, lg_handler *run)
{
	size_t begun = lg_frame_begin(c->out, f->id, LG_OK);

	c->id = f->id;
	c->rd = lg_rd_of(f->body);
	reply(c, run(c), begun);
}

static void
refuse(struct lg_call *c, const struct lg_frame *f, lg_err e, const char *why)
{
	size_t begun = lg_frame_begin(c->out, f->id, LG_OK);

	reply(c, lg_fail(c->cx, e, "%s", why), begun);
}

/* ---- the slow lane ---------------------------------------------------------------------------------------------------------- */

struct job {
	struct lg_note note;
	struct lg_kchannel *ch;
	struct lg_frame frame;
	enum where where;
	struct lg_buf out;
	struct lg_crl_parts crl;	/* of a CRL's last part: what came before it */
	char body[];
};

static void flush(struct lg_kchannel *ch);
static void hang_up(struct lg_kchannel *ch);

/* Back on the channel's lane. */
static void
job_done(struct lg_note *note)
{
	struct job *j = (struct job *)note;	/* its first member */
	struct lg_kchannel *ch = j->ch;

	ch->jobs--;
	if (ch->fd >= 0) {
		lg_buf_str(&ch->out, lg_buf_view(&j->out));
		if (ch->out.full)
			hang_up(ch);
		else
			flush(ch);
	}
	lg_buf_wipe(&j->out);
	free(j);
}

static void
crl_parts_free(struct lg_crl_parts *p)
{
	EVP_MD_CTX_free(p->hash);
	EVP_MD_CTX_free(p->digest);
	lg_buf_free(&p->whole);
	*p = (struct lg_crl_parts){ .open = false };
}

static void
job_run(void *arg)
{
	struct job *j = arg;
	struct lg_kproc *kp = j->ch->lane->kp;
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf scratch = LG_BUF(LG_KEEPER_FRAME);
	struct lg_tally tally = { .n = 0 };
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	if (j->where == CHANGE)
		pthread_mutex_lock(&kp->change);
	LG_AUTO(lg_tenants_unref) struct lg_tenants *tenants = lg_kp_tenants(kp);
	struct lg_call c = {
		.cx = &cx, .kp = kp, .tenants = tenants, .out = &j->out, .scratch = &scratch, .tally = &tally, .crl = &j->crl,
	};
	answer(&c, &j->frame, operations[j->frame.op].run);
	crl_parts_free(&j->crl);
	if (j->where == CHANGE)
		pthread_mutex_unlock(&kp->change);
	lg_tally_hand_over(kp->record, &tally);
	lg_signed_write(kp->record);
	lg_mailbox_post(j->ch->lane->done, &j->note);
}

static bool
submit(struct lg_kchannel *ch, const struct lg_frame *f, enum where where)
{
	struct job *j = calloc(1, sizeof *j + f->body.n);

	lg_crypto_must(j != NULL);
	j->note.run = job_done;
	j->ch = ch;
	j->where = where;
	j->out = LG_BUF(OUT_MAX);
	memcpy(j->body, f->body.p, f->body.n);
	j->frame = (struct lg_frame){ f->id, f->op, { j->body, f->body.n } };
	if (f->op == LG_OP_CRL) {
		j->crl = ch->crl;
		ch->crl = (struct lg_crl_parts){ .open = false };
	}
	if (lg_pool_submit(ch->lane->slow, job_run, j) != LG_OK) {
		crl_parts_free(&j->crl);
		free(j);
		return false;
	}
	ch->jobs++;
	return true;
}

/* ---- channels ----------------------------------------------------------------------------------------------------------------- */

static void
watch(struct lg_kchannel *ch, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = ch };

	if (ch->events != events)
		lg_crypto_must(epoll_ctl(ch->lane->epoll, EPOLL_CTL_MOD, ch->fd, &ev) == 0);
	ch->events = events;
}

/* The control channel's end is the keeper's. */
static void
hang_up(struct lg_kchannel *ch)
{
	uint64_t one = 1;

	close(ch->fd);
	ch->fd = -1;
	lg_buf_wipe(&ch->in);
	lg_buf_wipe(&ch->out);
	ch->sent = 0;
	if (ch->control)
		(void)!write(ch->lane->stop_fd, &one, sizeof one);
}

static void
flush(struct lg_kchannel *ch)
{
	while (ch->fd >= 0 && ch->sent < ch->out.n) {
		ssize_t n = send(ch->fd, ch->out.p + ch->sent, ch->out.n - ch->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (ch->sent > ch->out.n / 2) {
				lg_buf_drop(&ch->out, ch->sent);
				ch->sent = 0;
			}
			/* Who does not read is not read from either. */
			watch(ch, EPOLLOUT | (ch->out.n - ch->sent < OUT_PAUSE ? EPOLLIN : 0u));
			return;
		}
		if (n <= 0) {
			hang_up(ch);
			return;
		}
		ch->sent += (size_t)n;
	}
	if (ch->fd < 0)
		return;
	if (ch->out.n > 0)
		explicit_bzero(ch->out.p, ch->out.n);	/* data keys leave this way */
	lg_buf_clear(&ch->out);
	ch->sent = 0;
	watch(ch, EPOLLIN);
}

static void
dispatch(struct lg_kchannel *ch, struct lg_call *c, const struct lg_frame *f)
{
	const struct operation *op = f->op < LG_OPS ? &operations[f->op] : NULL;

	lg_arena_reset(ch->lane->arena);
	lg_ctx_init(c->cx, ch->lane->arena);
	if (op == NULL || op->run == NULL) {
		refuse(c, f, LG_E_UNSUPPORTED, "the keeper does not know this operation");
		return;
	}
	if (op->control && !ch->control) {
		refuse(c, f, LG_E_DENIED, "only the operator may ask this");
		return;
	}
	enum where where = where_of(c, op, f);
	if (where == HERE)
		answer(c, f, op->run);
	else if (!submit(ch, f, where))
		refuse(c, f, LG_E_BUSY, "the keeper's slow lane is full");
}

/* False: what came is no frame, or could not be signed. */
static bool
work(struct lg_kchannel *ch)
{
	struct lg_lane *l = ch->lane;
	LG_AUTO(lg_tenants_unref) struct lg_tenants *tenants = lg_kp_tenants(l->kp);
	struct lg_ctx cx;
	struct lg_call c = {
		.cx = &cx, .kp = l->kp, .tenants = tenants, .out = &ch->out, .scratch = &l->scratch, .tally = &l->tally,
		.later = &l->later, .crl = &ch->crl,
	};
	lg_str left = lg_buf_view(&ch->in);
	enum lg_frame_got got = LG_FRAME_NONE;
	bool good = true;
	struct lg_frame f;

	while (good && (got = lg_frame_next(&left, LG_KEEPER_FRAME, &f)) == LG_FRAME_ONE) {
		dispatch(ch, &c, &f);
		good = l->later.n < LG_ECDSA_BATCH || lg_kp_sign_later(&c);
	}
	good = good && lg_kp_sign_later(&c);
	lg_buf_drop(&ch->in, ch->in.n - left.n);
	lg_tally_hand_over(l->kp->record, &l->tally);
	lg_signed_write(l->kp->record);
	return good && got != LG_FRAME_BAD && !ch->out.full;
}

static void
readable(struct lg_kchannel *ch)
{
	if (!lg_buf_reserve(&ch->in, READ_ROOM)) {
		hang_up(ch);
		return;
	}
	ssize_t n = recv(ch->fd, ch->in.p + ch->in.n, ch->in.size - ch->in.n, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(ch);
		return;
	}
	ch->in.n += (size_t)n;
	if (work(ch))
		flush(ch);
	else
		hang_up(ch);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------------ */

static lg_err
watch_fd(struct lg_ctx *cx, struct lg_lane *l, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		return lg_fail(cx, LG_E_IO, "epoll: %m");
	return LG_OK;
}

lg_err
lg_lane_open(struct lg_ctx *cx, struct lg_lane *l, struct lg_kproc *kp, struct lg_pool *slow, int stop_fd)
{
	*l = (struct lg_lane){ .kp = kp, .slow = slow, .stop_fd = stop_fd, .scratch = LG_BUF(LG_KEEPER_FRAME) };
	l->arena = lg_arena_new();
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return lg_fail(cx, LG_E_IO, "epoll: %m");
	LG_TRY(lg_mailbox_new(cx, &l->done));
	LG_TRY(watch_fd(cx, l, stop_fd, &l->stop_fd));
	return watch_fd(cx, l, lg_mailbox_fd(l->done), l->done);
}

lg_err
lg_lane_add(struct lg_ctx *cx, struct lg_lane *l, struct lg_kchannel *ch, int fd, bool control)
{
	*ch = (struct lg_kchannel){
		.fd = fd, .control = control, .events = EPOLLIN, .lane = l,
		.in = LG_BUF(LG_KEEPER_FRAME + 2 * READ_ROOM), .out = LG_BUF(OUT_MAX),
	};
	if (l->nchannels == LG_CHANNELS_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %d channels", LG_CHANNELS_MAX);
	l->channel[l->nchannels++] = ch;
	return watch_fd(cx, l, fd, ch);
}

void
lg_lane_run(struct lg_lane *l)
{
	struct epoll_event ev[16];

	for (;;) {
		int n = epoll_wait(l->epoll, ev, LG_COUNT(ev), -1);
		for (int i = 0; i < n; i++) {
			struct lg_kchannel *ch = ev[i].data.ptr;
			if (ev[i].data.ptr == &l->stop_fd)
				return;
			if (ev[i].data.ptr == l->done) {
				(void)lg_mailbox_drain(l->done);
				continue;
			}
			if (ch->fd >= 0 && (ev[i].events & EPOLLOUT) != 0)
				flush(ch);
			if (ch->fd >= 0 && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
				readable(ch);
		}
	}
}

void
lg_lane_close(struct lg_lane *l)
{
	if (l->done != NULL)
		(void)lg_mailbox_drain(l->done);
	for (size_t i = 0; i < l->nchannels; i++) {
		struct lg_kchannel *ch = l->channel[i];
		if (ch->fd >= 0)
			hang_up(ch);
		crl_parts_free(&ch->crl);
	}
	lg_mailbox_free(&l->done);
	if (l->epoll >= 0)
		close(l->epoll);
	lg_buf_wipe(&l->scratch);
	lg_arena_free(&l->arena);
}
