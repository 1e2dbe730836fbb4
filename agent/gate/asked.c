/* asked.c: see asked.h.  An asker and all that is in it is its queue's thread's alone. */
#include "agent/gate/asked.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/gate/elements.h"
#include "agent/gate/gate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

struct asker {
	struct lg_asked *all;
	struct lg_queue *queue;
	struct lg_arena *arena;			/* of the packets between two answers */
	struct lg_batch *learned;		/* permits that the kernel is to keep */
	int64_t full_at;			/* CLOCK_BOOTTIME: when the kernel had no room last */
	bool answering;				/* it holds the lock on the table */
};

struct lg_asked {
	struct lg_trail *trail;

	/* Held by an asker from a read's first question until the kernel has its answers and permits: whoever changes the table knows then
	 * that nothing that the old one allowed is still on its way. */
	pthread_rwlock_t lock;
	const struct lg_gate_table *table;

	unsigned n;
	struct asker asker[LG_QUEUES_MAX];
};

static bool
permits(void *arg, const struct lg_queue_packet *p)
{
	struct asker *k = arg;
	struct lg_asked *a = k->all;
	lg_str source = LG_NONE, destination = LG_NONE;
	struct lg_ctx cx;

	if (!k->answering)
		pthread_rwlock_rdlock(&a->lock);
	k->answering = true;
	lg_ctx_init(&cx, k->arena);
	enum lg_gate_says says = a->table == NULL ? LG_GATE_DENY :
	    lg_gate_table_ask(a->table, &p->from, &p->to, p->protocol, p->port, &source, &destination);
	if (says != LG_GATE_ASK)
		return says == LG_GATE_PERMIT || says == LG_GATE_FOREIGN;
	if (!lg_trail_decide(&cx, a->trail, p, source, destination))
		return false;
	lg_gate_put_learned(p, LG_GATE_LEARNED_FOR, k->learned);
	return true;
}

/* After the verdicts, which somebody waits for.  What the kernel has no room for is asked again. */
static void
remember(void *arg)
{
	struct asker *k = arg;
	struct lg_ctx cx;

	lg_ctx_init(&cx, k->arena);
	if (lg_batch_octets(k->learned) > 0 && lg_batch_run(&cx, k->learned) != LG_OK && lg_boottime() > k->full_at + LG_MINUTE) {
		k->full_at = lg_boottime();
		lg_log(LG_WARN, "permits are not kept, and asked for each time: %s", cx.error);
	}
	lg_arena_reset(k->arena);
	if (k->answering)
		pthread_rwlock_unlock(&k->all->lock);
	k->answering = false;
}

void
lg_asked_use(struct lg_asked *a, const struct lg_gate_table *t)
{
	pthread_rwlock_wrlock(&a->lock);
	a->table = t;
	pthread_rwlock_unlock(&a->lock);
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

unsigned
lg_asked_queues(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > LG_QUEUES_MAX ? LG_QUEUES_MAX : (unsigned)n;
}

size_t
lg_asked_ports(const struct lg_asked *a, uint32_t ret[LG_QUEUES_MAX])
{
	for (unsigned i = 0; i < a->n; i++)
		ret[i] = lg_batch_port(a->asker[i].learned);
	return a->n;
}

static lg_err
open_asker(struct lg_ctx *cx, struct lg_asked *a, uint16_t queue)
{
	unsigned nth = a->n++;
	struct asker *k = &a->asker[nth];
	const struct lg_queue_share share = { .number = (uint16_t)(queue + nth), .nth = nth, .of = lg_asked_queues() };
	const struct lg_queue_asked asked = { .permits = permits, .answered = remember, .arg = k };

	k->all = a;
	k->arena = lg_arena_new();
	k->full_at = INT64_MIN / 2;
	LG_TRY(lg_batch_open(cx, &k->learned));
	return lg_queue_open(cx, &share, &asked, &k->queue);
}

/* Whoever changes the table waits for the askers of the moment, not for all that come after them. */
static void
make_locks(struct lg_asked *a)
{
	pthread_rwlockattr_t at;

	pthread_rwlockattr_init(&at);
	pthread_rwlockattr_setkind_np(&at, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&a->lock, &at);
	pthread_rwlockattr_destroy(&at);
}

lg_err
lg_asked_open(struct lg_ctx *cx, uint16_t queue, struct lg_trail *trail, struct lg_asked **ret)
{
	struct lg_asked *a = calloc(1, sizeof *a);
	lg_err e = LG_OK;

	if (a == NULL)
		abort();
	a->trail = trail;
	make_locks(a);
	while (e == LG_OK && a->n < lg_asked_queues())
		e = open_asker(cx, a, queue);
	if (e != LG_OK)
		lg_asked_close(&a);
	else
		*ret = a;
	return e;
}

void
lg_asked_stop(struct lg_asked *a)
{
	for (unsigned i = 0; a != NULL && i < a->n; i++)
		lg_queue_close(&a->asker[i].queue);
}

void
lg_asked_close(struct lg_asked **asked)
{
	struct lg_asked *a = *asked;

	*asked = NULL;
	if (a == NULL)
		return;
	lg_asked_stop(a);
	for (unsigned i = 0; i < a->n; i++) {
		lg_batch_close(&a->asker[i].learned);
		lg_arena_free(&a->asker[i].arena);
	}
	pthread_rwlock_destroy(&a->lock);
	free(a);
}
