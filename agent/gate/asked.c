/* asked.c: see asked.h.  All but the table in force is the queue's thread's. */
#include "agent/gate/asked.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "agent/gate/elements.h"
#include "agent/gate/gate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

struct lg_asked {
	struct lg_bundles *bundles;
	struct lg_queue *queue;
	struct lg_arena *arena;			/* of the packets between two answers */
	struct lg_batch *learned;		/* permits that the kernel is to keep */
	int64_t second, full_at;		/* CLOCK_BOOTTIME: of the refusals that were told; when the kernel had no room last */
	unsigned refused;

	/* Held from a read's first question until the kernel has its answers and permits: whoever changes the table knows then that nothing
	 * that the old one allowed is still on its way. */
	pthread_mutex_t lock;
	bool answering;				/* the lock is held; the queue's thread's */
	const struct lg_gate_table *table;
};

static const char *
protocol_name(int protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "icmp";
}

/* Whoever tries ten thousand ports shall not fill the disk. */
static void
say_refusal(struct lg_asked *a, const struct lg_queue_packet *p, lg_str source, lg_str destination, lg_str reason)
{
	int64_t second = lg_boottime() / LG_SECOND;

	if (second != a->second) {
		if (a->refused > LG_ASKED_SAID)
			lg_log(LG_WARN, "%u more connections were refused within a second", a->refused - LG_ASKED_SAID);
		a->second = second;
		a->refused = 0;
	}
	if (a->refused++ < LG_ASKED_SAID)
		lg_log(LG_INFO, "%.*s does not reach %.*s at %s port %u: %.*s", LG_FMT(source), LG_FMT(destination), protocol_name(p->protocol),
		    (unsigned)p->port, LG_FMT(reason));
}

static bool
ask_bundle(struct lg_ctx *cx, struct lg_asked *a, const struct lg_queue_packet *p, lg_str source, lg_str destination)
{
	lg_str reason, policy;
	struct lg_bundle_question q = {
		.subject_type = LG_STR("Workload"), .subject = source, .proof = "asserted", .action = LG_STR("connect"),
		.resource_type = LG_STR("Workload"), .resource = destination, .protocol = lg_str_of(protocol_name(p->protocol)), .port = p->port,
	};

	if (lg_bundles_decide(cx, a->bundles, &q, &reason, &policy) == LG_LOCAL_PERMIT)
		return true;
	say_refusal(a, p, source, destination, reason);
	return false;
}

static bool
permits(void *arg, const struct lg_queue_packet *p)
{
	struct lg_asked *a = arg;
	lg_str source = LG_NONE, destination = LG_NONE;
	struct lg_ctx cx;

	if (!a->answering)
		pthread_mutex_lock(&a->lock);
	a->answering = true;
	lg_ctx_init(&cx, a->arena);
	enum lg_gate_says says = a->table == NULL ? LG_GATE_DENY :
	    lg_gate_table_ask(a->table, &p->from, &p->to, p->protocol, p->port, &source, &destination);
	if (says != LG_GATE_ASK)
		return says == LG_GATE_PERMIT || says == LG_GATE_FOREIGN;
	if (!ask_bundle(&cx, a, p, source, destination))
		return false;
	if (p->port != 0)
		lg_gate_put_learned(p, LG_GATE_LEARNED_FOR, a->learned);
	return true;
}

/* After the verdicts, which somebody waits for.  What the kernel has no room for is asked again. */
static void
remember(void *arg)
{
	struct lg_asked *a = arg;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a->arena);
	if (lg_batch_octets(a->learned) > 0 && lg_batch_run(&cx, a->learned) != LG_OK && lg_boottime() > a->full_at + LG_MINUTE) {
		a->full_at = lg_boottime();
		lg_log(LG_WARN, "permits are not kept, and asked for each time: %s", cx.error);
	}
	lg_arena_reset(a->arena);
	if (a->answering)
		pthread_mutex_unlock(&a->lock);
	a->answering = false;
}

void
lg_asked_use(struct lg_asked *a, const struct lg_gate_table *t)
{
	pthread_mutex_lock(&a->lock);
	a->table = t;
	pthread_mutex_unlock(&a->lock);
}

const struct lg_batch *
lg_asked_batch(const struct lg_asked *a)
{
	return a->learned;
}

lg_err
lg_asked_open(struct lg_ctx *cx, uint16_t queue, struct lg_bundles *bundles, struct lg_asked **ret)
{
	struct lg_asked *a = calloc(1, sizeof *a);
	const struct lg_queue_asked asked = { .permits = permits, .answered = remember, .arg = a };

	if (a == NULL)
		abort();
	a->bundles = bundles;
	a->arena = lg_arena_new();
	a->full_at = INT64_MIN / 2;
	pthread_mutex_init(&a->lock, NULL);
	lg_err e = lg_batch_open(cx, &a->learned);
	if (e == LG_OK)
		e = lg_queue_open(cx, queue, &asked, &a->queue);
	if (e != LG_OK)
		lg_asked_close(&a);
	else
		*ret = a;
	return e;
}

void
lg_asked_stop(struct lg_asked *a)
{
	if (a != NULL)
		lg_queue_close(&a->queue);
}

void
lg_asked_close(struct lg_asked **asked)
{
	struct lg_asked *a = *asked;

	*asked = NULL;
	if (a == NULL)
		return;
	lg_queue_close(&a->queue);
	lg_batch_close(&a->learned);
	lg_arena_free(&a->arena);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
