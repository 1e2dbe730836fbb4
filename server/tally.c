#include "server/tally.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/loop.h"

/* The last stands for whatever the schema may name one day. */
static const char *const groups[] = {
	"container", "image", "network", "connect", "host", "certificate", "token", "attribute", "entry", "decision", "admin", "policy",
	"audit", "other",
};

struct row {
	alignas(64) _Atomic uint64_t n[LG_COUNT(groups)][2];
};

struct lg_tally {
	struct row row[LG_LOOPS + 1];	/* one a loop; the last is shared by all other threads */
};

struct lg_tally *
lg_tally_new(void)
{
	struct lg_tally *t = aligned_alloc(alignof(struct lg_tally), sizeof *t);

	if (t == NULL)
		abort();
	memset(t, 0, sizeof *t);
	return t;
}

void
lg_tally_free(struct lg_tally **t)
{
	free(*t);
	*t = NULL;
}

size_t
lg_tally_group(const char *action)
{
	lg_str name, rest;
	size_t i = 0;

	(void)lg_str_cut(lg_str_of(action), ':', &name, &rest);
	while (i < LG_COUNT(groups) - 1 && !lg_str_eq(name, lg_str_of(groups[i])))
		i++;
	return i;
}

void
lg_tally_add(struct lg_tally *t, size_t group, bool permit)
{
	const struct lg_loop *l = lg_loop_self();
	size_t row = l == NULL ? LG_LOOPS : lg_loop_index(l);

	if (row > LG_LOOPS)
		row = LG_LOOPS;
	atomic_fetch_add_explicit(&t->row[row].n[group][permit], 1, memory_order_relaxed);
}

uint64_t
lg_tally_count(const struct lg_tally *t, size_t group, bool permit)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= LG_LOOPS; i++)
		n += atomic_load_explicit(&t->row[i].n[group][permit], memory_order_relaxed);
	return n;
}

void
lg_tally_print(const struct lg_tally *t, struct lg_buf *out)
{
	static const char *const verdict[] = { "deny", "permit" };

	lg_buf_str(out, LG_STR("# TYPE lightgate_decisions counter\n# HELP lightgate_decisions Decisions by group of actions.\n"));
	for (size_t g = 0; g < LG_COUNT(groups); g++)
		for (size_t permit = 0; permit < 2; permit++) {
			uint64_t n = lg_tally_count(t, g, permit);
			if (n > 0)
				lg_buf_printf(out, "lightgate_decisions_total{group=\"%s\",verdict=\"%s\"} %llu\n", groups[g],
				    verdict[permit], (unsigned long long)n);
		}
}
