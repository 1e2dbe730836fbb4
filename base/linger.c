/* linger.c: see linger.h. */
#include "base/linger.h"

#include "base/clock.h"

/* A wait in vain doubles the pause and one that paid halves it: it goes to nothing where more than half of them pay. */
bool
lg_linger(struct lg_linger *l, bool (*ready)(void *arg), void *arg)
{
	if (l->rest > 0) {
		l->rest--;
		return false;
	}
	int64_t until = lg_monotonic_ns() + LG_LINGER_NS;
	do
		if (ready(arg)) {
			l->pause /= 2;
			return true;
		}
	while (lg_monotonic_ns() < until);
	l->pause = l->pause * 2 + 1 < LG_LINGER_REST ? l->pause * 2 + 1 : LG_LINGER_REST;
	l->rest = l->pause;
	return false;
}
