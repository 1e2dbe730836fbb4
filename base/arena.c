/* arena.c: chunks that double, wiped when they are given back. */
#include "lightgate/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, FIRST = 4096, KEPT = 32768, LARGEST = 1 << 20, ALIGN = 16 };

struct chunk {
	struct chunk *next;
	size_t size, used;
	size_t clean;			/* what lies between used and here was wiped and not touched since */
	_Alignas(ALIGN) char data[];
};

struct lg_arena {
	struct chunk *head;		/* the one being filled; the oldest is last */
	size_t used;
};

static void
out_of_memory(void)
{
	fputs("lightgate: out of memory\n", stderr);
	abort();
}

/* An arena this large is being filled: its pages come in one call rather than by a fault each.  A kernel that cannot leaves
 * them to the faults. */
static void
populate(struct chunk *c, size_t n)
{
	uintptr_t from = ((uintptr_t)c + PAGE - 1) & ~(uintptr_t)(PAGE - 1), end = ((uintptr_t)c + n) & ~(uintptr_t)(PAGE - 1);

	(void)madvise((void *)from, end - from, MADV_POPULATE_WRITE);
}

static struct chunk *
chunk_new(size_t size, struct chunk *next)
{
	struct chunk *c = malloc(sizeof *c + size);

	if (c == NULL)
		out_of_memory();
	c->next = next;
	c->size = size;
	c->used = c->clean = 0;
	if (size >= LARGEST)
		populate(c, sizeof *c + size);
	return c;
}

struct lg_arena *
lg_arena_new(void)
{
	struct lg_arena *a = calloc(1, sizeof *a);

	if (a == NULL)
		out_of_memory();
	return a;
}

static void
chunk_free(struct chunk *c)
{
	explicit_bzero(c->data, c->used);
	free(c);
}

/* The newest chunk, which is the largest, is kept if it is not large: who needed it will need it again. */
void
lg_arena_reset(struct lg_arena *a)
{
	struct chunk *keep = a->head;

	if (keep == NULL)
		return;
	while ((a->head = keep->next) != NULL) {
		keep->next = a->head->next;
		chunk_free(a->head);
	}
	a->used = 0;
	if (keep->size > KEPT) {
		chunk_free(keep);
		return;
	}
	explicit_bzero(keep->data, keep->used);
	if (keep->used > keep->clean)
		keep->clean = keep->used;
	keep->used = 0;
	a->head = keep;
}

void
lg_arena_free(struct lg_arena **ap)
{
	if (*ap == NULL)
		return;
	while ((*ap)->head != NULL) {
		struct chunk *c = (*ap)->head;
		(*ap)->head = c->next;
		chunk_free(c);
	}
	free(*ap);
	*ap = NULL;
}

size_t
lg_arena_used(const struct lg_arena *a)
{
	return a->used;
}

static struct chunk *
room(struct lg_arena *a, size_t n)
{
	struct chunk *c = a->head;

	if (c != NULL && c->size - c->used >= n)
		return c;
	size_t size = c == NULL ? FIRST : c->size * 2 > LARGEST ? LARGEST : c->size * 2;
	a->head = chunk_new(n > size ? n : size, c);
	return a->head;
}

void *
lg_alloc(struct lg_arena *a, size_t n)
{
	if (n > SIZE_MAX / 4)
		out_of_memory();
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct chunk *c = room(a, n);
	size_t from = c->used;
	c->used += n;
	a->used += n;
	if (c->used > c->clean) {
		size_t dirty = c->clean > from ? c->clean : from;
		memset(c->data + dirty, 0, c->used - dirty);
	}
	return c->data + from;
}

void *
lg_alloc_array(struct lg_arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		out_of_memory();
	return lg_alloc(a, n);
}

lg_str
lg_dup(struct lg_arena *a, lg_str s)
{
	char *p = lg_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (lg_str){ p, s.n };
}

lg_str
lg_cat(struct lg_arena *a, lg_str x, lg_str y)
{
	char *p = lg_alloc(a, x.n + y.n + 1);

	if (x.n > 0)
		memcpy(p, x.p, x.n);
	if (y.n > 0)
		memcpy(p + x.n, y.p, y.n);
	return (lg_str){ p, x.n + y.n };
}

lg_str
lg_vprint(struct lg_arena *a, const char *fmt, va_list ap)
{
	char line[256];		/* most fit and are formatted once */
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(line, sizeof line, fmt, again);
	va_end(again);
	if (n < 0)
		return LG_NONE;
	if ((size_t)n < sizeof line)
		return lg_dup(a, (lg_str){ line, (size_t)n });
	char *p = lg_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return (lg_str){ p, (size_t)n };
}

lg_str
lg_print(struct lg_arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lg_str s = lg_vprint(a, fmt, ap);
	va_end(ap);
	return s;
}
