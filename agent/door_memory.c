/* door_memory.c: what a door remembers of a container between two questions.  The latest counts; the oldest make room. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/door_own.h"
#include "agent/handover.h"

/* ---- bundles that were prepared ------------------------------------------------------------------------------- */

void
lg_door_remember(struct lg_door *d, lg_str container, lg_str start, lg_sha256 digest)
{
	pthread_mutex_lock(&d->lock);
	struct lg_prepared *p = &d->prepared[d->next++ % LG_DOOR_BUNDLES];
	snprintf(p->id, sizeof p->id, "%.*s", LG_FMT(container));
	snprintf(p->start, sizeof p->start, "%.*s", LG_FMT(start));
	p->digest = digest;
	pthread_mutex_unlock(&d->lock);
}

bool
lg_door_was_prepared(struct lg_door *d, lg_str container, lg_str start, lg_sha256 digest)
{
	bool same = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 1; i <= LG_DOOR_BUNDLES && i <= d->next; i++) {
		const struct lg_prepared *p = &d->prepared[(d->next - i) % LG_DOOR_BUNDLES];
		if (!lg_str_eq(lg_str_of(p->id), container))
			continue;
		same = memcmp(&p->digest, &digest, sizeof p->digest) == 0 && lg_str_eq(lg_str_of(p->start), start);
		break;
	}
	pthread_mutex_unlock(&d->lock);
	return same;
}

/* ---- tickets that did not come with the container ----------------------------------------------------------------- */

void
lg_door_expect(struct lg_door *door, lg_str container, lg_str workload, lg_str ticket)
{
	if (ticket.n >= LG_DOOR_TICKET || container.n > LG_CONTAINER_ID || workload.n > LG_CONTAINER_ID)
		return;
	pthread_mutex_lock(&door->lock);
	if (door->expected == NULL && (door->expected = calloc(LG_DOOR_EXPECTED, sizeof *door->expected)) == NULL)
		abort();
	struct lg_expected *x = &door->expected[door->next_expected++ % LG_DOOR_EXPECTED];
	snprintf(x->id, sizeof x->id, "%.*s", LG_FMT(container));
	snprintf(x->workload, sizeof x->workload, "%.*s", LG_FMT(workload));
	snprintf(x->ticket, sizeof x->ticket, "%.*s", LG_FMT(ticket));
	pthread_mutex_unlock(&door->lock);
}

void
lg_door_expected(struct lg_ctx *cx, struct lg_door *d, lg_str container, lg_str *workload, lg_str *ticket)
{
	pthread_mutex_lock(&d->lock);
	for (size_t i = 1; d->expected != NULL && i <= LG_DOOR_EXPECTED && i <= d->next_expected; i++) {
		const struct lg_expected *x = &d->expected[(d->next_expected - i) % LG_DOOR_EXPECTED];
		if (!lg_str_eq(lg_str_of(x->id), container))
			continue;
		*ticket = lg_dup(cx->arena, lg_str_of(x->ticket));
		*workload = lg_dup(cx->arena, lg_str_of(x->workload));
		break;
	}
	pthread_mutex_unlock(&d->lock);
}

/* ---- for the agent that takes our place --------------------------------------------------------------------------------- */

void
lg_door_hand_over(struct lg_door *d)
{
	lg_handover_put("prepared", d->prepared, sizeof d->prepared);
	lg_handover_put("next", &d->next, sizeof d->next);
	if (d->expected != NULL) {
		lg_handover_put("expected", d->expected, LG_DOOR_EXPECTED * sizeof *d->expected);
		lg_handover_put("next expected", &d->next_expected, sizeof d->next_expected);
	}
}

void
lg_door_take_over(struct lg_door *d)
{
	struct lg_expected *x = calloc(LG_DOOR_EXPECTED, sizeof *x);
	size_t next;

	if (x == NULL)
		abort();
	if (lg_handover_take("next", &next, sizeof next) && lg_handover_take("prepared", d->prepared, sizeof d->prepared))
		d->next = next;
	if (lg_handover_take("next expected", &next, sizeof next) && lg_handover_take("expected", x, LG_DOOR_EXPECTED * sizeof *x)) {
		d->next_expected = next;
		d->expected = x;
	} else {
		free(x);
	}
}
