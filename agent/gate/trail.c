/* trail.c: see trail.h. */
#include "agent/gate/trail.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

struct lg_trail {
	struct lg_bundles *bundles;
	struct lg_tally *tally;
	pthread_mutex_t lock;			/* over what follows */
	uint64_t refusals;
	int64_t second;				/* CLOCK_BOOTTIME */
	unsigned said;				/* refusals within it */
};

static const char *
protocol_name(int protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "icmp";
}

static struct lg_deed
deed_of(const struct lg_queue_packet *p)
{
	bool ports = p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP;

	return (struct lg_deed){ .action = "connect", .subject_type = LG_STR("Workload"), .resource_type = LG_STR("Workload"),
		.protocol = lg_str_of(protocol_name(p->protocol)), .port = ports ? p->port : LG_DEED_NO_PORT };
}

/* Whoever tries ten thousand ports shall not fill the disk. */
static void
say(struct lg_trail *r, const struct lg_deed *d)
{
	int64_t second = lg_boottime() / LG_SECOND;

	pthread_mutex_lock(&r->lock);
	r->refusals++;
	if (second != r->second) {
		if (r->said > LG_TRAIL_SAID)
			lg_log(LG_WARN, "%u more connections were refused within a second", r->said - LG_TRAIL_SAID);
		r->second = second;
		r->said = 0;
	}
	if (r->said++ < LG_TRAIL_SAID)
		lg_log(LG_INFO, "%.*s does not reach %.*s at %.*s port %d: %.*s", LG_FMT(d->subject), LG_FMT(d->resource), LG_FMT(d->protocol),
		    d->port == LG_DEED_NO_PORT ? 0 : d->port, LG_FMT(d->reason));
	pthread_mutex_unlock(&r->lock);
}

static bool
ask_bundle(struct lg_ctx *cx, struct lg_trail *r, const struct lg_queue_packet *p, struct lg_deed *d)
{
	struct lg_local_why why;
	struct lg_bundle_question q = {
		.subject_type = d->subject_type, .subject = d->subject, .proof = "asserted", .action = LG_STR("connect"),
		.resource_type = d->resource_type, .resource = d->resource, .protocol = d->protocol, .port = p->port,
	};
	bool permit = lg_bundles_decide(cx, r->bundles, &q, &why) == LG_LOCAL_PERMIT;

	d->reason = why.reason;
	d->policy = why.policy;
	d->revision = why.revision;
	return permit;
}

bool
lg_trail_decide(struct lg_ctx *cx, struct lg_trail *r, const struct lg_queue_packet *p, lg_str source, lg_str destination)
{
	struct lg_deed d = deed_of(p);

	d.subject = source;
	d.resource = destination;
	d.permit = ask_bundle(cx, r, p, &d);
	if (!d.permit)
		say(r, &d);
	lg_tally_add(r->tally, &d, 1, cx->now);
	return d.permit;
}

/* False: the address is no workload's, and stands for itself. */
static bool
name_end(struct lg_ctx *cx, const struct lg_gate_table *t, const struct lg_address *at, lg_str *type, lg_str *id)
{
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(64);
	const struct lg_gate_named *n = lg_map_get(&t->by_address, lg_address_key(at));

	if (n != NULL && n->workload.n > 0) {
		*id = n->workload;
		return true;
	}
	lg_address_put(&text, at);
	*type = LG_STR("Address");
	*id = lg_dup(cx->arena, lg_buf_view(&text));
	return false;
}

void
lg_trail_refused(struct lg_ctx *cx, struct lg_trail *r, const struct lg_gate_table *t, const struct lg_queue_packet *p)
{
	struct lg_deed d = deed_of(p);
	bool from = name_end(cx, t, &p->from, &d.subject_type, &d.subject), to = name_end(cx, t, &p->to, &d.resource_type, &d.resource);

	if (!from || !to)
		d.reason = from ? LG_STR("to an address that is no container's") : LG_STR("from an address that is no container's");
	else if (ask_bundle(cx, r, p, &d))		/* by now: the table was another one's */
		d = (struct lg_deed){ .action = d.action, .subject_type = d.subject_type, .subject = d.subject, .resource_type = d.resource_type,
			.resource = d.resource, .protocol = d.protocol, .port = d.port, .reason = LG_STR("before the policies changed") };
	say(r, &d);
	lg_tally_add(r->tally, &d, 1, cx->now);
}

void
lg_trail_dropped(struct lg_trail *r, const char *why, uint64_t n, int64_t now)
{
	const struct lg_deed d = { .action = "connect", .port = LG_DEED_NO_PORT, .reason = lg_str_of(why) };

	lg_tally_add(r->tally, &d, n, now);
}

uint64_t
lg_trail_refusals(struct lg_trail *r)
{
	pthread_mutex_lock(&r->lock);
	uint64_t n = r->refusals;
	pthread_mutex_unlock(&r->lock);
	return n;
}

struct lg_trail *
lg_trail_new(struct lg_bundles *bundles, struct lg_tally *tally)
{
	struct lg_trail *r = calloc(1, sizeof *r);

	if (r == NULL)
		abort();
	r->bundles = bundles;
	r->tally = tally;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
lg_trail_free(struct lg_trail **trail)
{
	struct lg_trail *r = *trail;

	*trail = NULL;
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}
