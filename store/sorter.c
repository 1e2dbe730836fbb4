/* sorter.c: chunks of rows, sorted beside the work and merged (see sorter.h). */
#include "store/sorter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

enum { SAME = 4, HEADER = 8, READ_AHEAD = 1 << 20 };	/* octets that all keys begin with; of a row's header */

/* The tag and the seven octets behind the tenant decide most comparisons without a look at the row. */
struct item {
	uint64_t front;
	uint32_t at;			/* of the row in its chunk */
	uint32_t order;
};

struct chunk {
	char *rows;
	size_t n, size;
	struct item *item;
	size_t nitems, items_size;
};

/* A sorted chunk while it is merged: from memory or from its file. */
struct run {
	int fd;
	char *p;
	size_t at, n, size;
	uint64_t offset;
	struct lg_sorter_row row;
	uint64_t front;
	size_t index;
};

struct lg_sorter {
	char *dir;
	size_t limit;
	struct chunk fill, busy;	/* the one that fills; the one that a thread sorts */
	bool sorting;
	pthread_t thread;
	lg_err failed;			/* of the thread */
	int why;			/* its errno */
	char same[SAME];
	bool any;
	struct run *run;
	size_t nruns;
	struct run **heap;
	size_t nheap;
	struct run *last;		/* its row was given out */
};

/* ---- a row as octets: tag, key length u16, value length u32 (three octets of length are plenty), key, value ------------------- */

static uint64_t
front_of(uint8_t tag, lg_str key)
{
	uint64_t be = 0;
	size_t n = key.n - SAME < 7 ? key.n - SAME : 7;

	memcpy((char *)&be + 1, key.p + SAME, n);
	*(uint8_t *)&be = tag;
	return be64toh(be);
}

static size_t
put_row(char *to, uint8_t tag, lg_str key, lg_str value)
{
	uint16_t k = (uint16_t)key.n;
	uint32_t v = (uint32_t)value.n;

	to[0] = (char)tag;
	to[1] = 0;
	memcpy(to + 2, &k, sizeof k);
	memcpy(to + 4, &v, sizeof v);
	memcpy(to + HEADER, key.p, key.n);
	if (value.n > 0)
		memcpy(to + HEADER + key.n, value.p, value.n);
	return HEADER + key.n + value.n;
}

static size_t
get_row(const char *from, struct lg_sorter_row *ret)
{
	uint16_t k;
	uint32_t v;

	memcpy(&k, from + 2, sizeof k);
	memcpy(&v, from + 4, sizeof v);
	*ret = (struct lg_sorter_row){ (uint8_t)from[0], { from + HEADER, k }, { from + HEADER + k, v } };
	return (size_t)HEADER + k + v;
}

/* ---- sorting a chunk -------------------------------------------------------------------------------------------------------------- */

static int
compare(const void *x, const void *y, void *rows)
{
	const struct item *a = x, *b = y;
	struct lg_sorter_row ra, rb;

	if (a->front != b->front)
		return a->front < b->front ? -1 : 1;
	get_row((const char *)rows + a->at, &ra);
	get_row((const char *)rows + b->at, &rb);
	int c = lg_str_cmp(ra.key, rb.key);
	return c != 0 ? c : a->order < b->order ? -1 : 1;
}

/* The rows of c in order, into a file that has no name. */
static bool
spill(const struct lg_sorter *s, const struct chunk *c, int *ret)
{
	int fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *out = malloc(READ_AHEAD);
	size_t n = 0;
	bool ok = fd >= 0 && out != NULL;

	for (size_t i = 0; ok && i < c->nitems; i++) {
		const char *from = c->rows + c->item[i].at;
		struct lg_sorter_row row;
		size_t size = get_row(from, &row);
		if (n + size > READ_AHEAD) {
			ok = lg_write_all(fd, out, n);
			n = 0;
		}
		if (!ok || size > READ_AHEAD) {
			ok = ok && lg_write_all(fd, from, size);
			continue;
		}
		memcpy(out + n, from, size);
		n += size;
	}
	ok = ok && lg_write_all(fd, out, n);
	free(out);
	*ret = fd;
	return ok;
}

static void *
sort_chunk(void *arg)
{
	struct lg_sorter *s = arg;
	struct chunk *c = &s->busy;
	int fd = -1;

	qsort_r(c->item, c->nitems, sizeof *c->item, compare, c->rows);
	if (!spill(s, c, &fd)) {
		s->why = errno;
		s->failed = s->why == ENOSPC ? LG_E_FULL : LG_E_IO;
	}
	s->run[s->nruns] = (struct run){ .fd = fd, .index = s->nruns };
	s->nruns++;
	return NULL;
}

static lg_err
wait_for_thread(struct lg_ctx *cx, struct lg_sorter *s)
{
	if (s->sorting)
		pthread_join(s->thread, NULL);
	s->sorting = false;
	return s->failed == LG_OK ? LG_OK : lg_fail(cx, s->failed, "%s: %s", s->dir, strerror(s->why));
}

static lg_err
hand_over(struct lg_ctx *cx, struct lg_sorter *s)
{
	struct chunk empty = s->busy;

	LG_TRY(wait_for_thread(cx, s));
	if (s->nruns == LG_SORTER_CHUNKS)
		return lg_fail(cx, LG_E_LIMIT, "more rows than can be sorted");
	empty.n = empty.nitems = 0;
	s->busy = s->fill;
	s->fill = empty;
	s->sorting = pthread_create(&s->thread, NULL, sort_chunk, s) == 0;
	if (!s->sorting)
		sort_chunk(s);
	return LG_OK;
}

/* ---- collecting ----------------------------------------------------------------------------------------------------------------------- */

struct lg_sorter *
lg_sorter_new(const char *dir, size_t chunk)
{
	struct lg_sorter *s = calloc(1, sizeof *s);

	if (s == NULL || (s->dir = strdup(dir)) == NULL || (s->run = calloc(LG_SORTER_CHUNKS, sizeof *s->run)) == NULL)
		abort();
	s->limit = chunk == 0 ? LG_SORTER_CHUNK : chunk;
	return s;
}

static void
free_chunk(struct chunk *c)
{
	free(c->rows);
	free(c->item);
}

void
lg_sorter_free(struct lg_sorter **sp)
{
	struct lg_sorter *s = *sp;

	if (s == NULL)
		return;
	if (s->sorting)
		pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->nruns; i++) {
		if (s->run[i].fd >= 0)
			close(s->run[i].fd);
		free(s->run[i].p);
	}
	free_chunk(&s->fill);
	free_chunk(&s->busy);
	free(s->run);
	free(s->heap);
	free(s->dir);
	free(s);
	*sp = NULL;
}

static void
make_room(struct chunk *c, size_t limit, size_t size)
{
	if (c->size < c->n + size) {
		c->size = c->n + size > limit ? c->n + size : limit;
		c->rows = realloc(c->rows, c->size);
	}
	if (c->nitems == c->items_size) {
		c->items_size = c->items_size == 0 ? 65536 : c->items_size * 2;
		c->item = realloc(c->item, c->items_size * sizeof *c->item);
	}
	if (c->rows == NULL || c->item == NULL)
		abort();
}

lg_err
lg_sorter_add(struct lg_ctx *cx, struct lg_sorter *s, uint8_t tag, lg_str key, lg_str value)
{
	size_t size = HEADER + key.n + value.n;

	if (key.n < SAME || key.n > LG_KEY_MAX || value.n > LG_VALUE_MAX || (s->any && memcmp(s->same, key.p, SAME) != 0))
		return lg_fail(cx, LG_E_INTERNAL, "a row that cannot be sorted with the others");
	memcpy(s->same, key.p, SAME);
	s->any = true;
	if (s->fill.n > 0 && s->fill.n + size > s->limit)
		LG_TRY(hand_over(cx, s));
	struct chunk *c = &s->fill;
	make_room(c, s->limit, size);
	c->item[c->nitems] = (struct item){ front_of(tag, key), (uint32_t)c->n, (uint32_t)c->nitems };
	c->nitems++;
	c->n += put_row(c->rows + c->n, tag, key, value);
	return LG_OK;
}

/* ---- merging -------------------------------------------------------------------------------------------------------------------------- */

/* At least `want` octets behind at, if the file has them. */
static lg_err
refill(struct lg_ctx *cx, struct run *r, size_t want)
{
	if (r->n - r->at >= want)
		return LG_OK;
	if (r->at > 0)
		memmove(r->p, r->p + r->at, r->n - r->at);
	r->n -= r->at;
	r->at = 0;
	if (r->size < want + READ_AHEAD) {
		r->size = want + READ_AHEAD;
		r->p = realloc(r->p, r->size);
		if (r->p == NULL)
			abort();
	}
	while (r->n < want) {
		ssize_t got = pread(r->fd, r->p + r->n, r->size - r->n, (off_t)r->offset);
		if (got < 0)
			return lg_fail(cx, LG_E_IO, "reading sorted rows: %s", strerror(errno));
		if (got == 0)
			break;
		r->n += (size_t)got;
		r->offset += (uint64_t)got;
	}
	return LG_OK;
}

static lg_err
advance(struct lg_ctx *cx, struct run *r)
{
	struct lg_sorter_row row;

	LG_TRY(refill(cx, r, HEADER));
	if (r->n - r->at < HEADER)
		return LG_E_NOT_FOUND;
	LG_TRY(refill(cx, r, get_row(r->p + r->at, &row)));
	r->at += get_row(r->p + r->at, &r->row);
	r->front = front_of(r->row.tag, r->row.key);
	return LG_OK;
}

static bool
before(const struct run *a, const struct run *b)
{
	if (a->front != b->front)
		return a->front < b->front;
	int c = lg_str_cmp(a->row.key, b->row.key);
	return c != 0 ? c < 0 : a->index < b->index;
}

static void
sift_down(struct lg_sorter *s, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1;
		if (left < s->nheap && before(s->heap[left], s->heap[least]))
			least = left;
		if (left + 1 < s->nheap && before(s->heap[left + 1], s->heap[least]))
			least = left + 1;
		if (least == i)
			return;
		struct run *r = s->heap[i];
		s->heap[i] = s->heap[least];
		s->heap[least] = r;
		i = least;
	}
}

lg_err
lg_sorter_finish(struct lg_ctx *cx, struct lg_sorter *s)
{
	if (s->fill.nitems > 0)
		LG_TRY(hand_over(cx, s));
	LG_TRY(wait_for_thread(cx, s));
	free_chunk(&s->fill);
	free_chunk(&s->busy);
	s->fill = s->busy = (struct chunk){ 0 };
	s->heap = calloc(s->nruns + 1, sizeof(struct run *));
	if (s->heap == NULL)
		abort();
	for (size_t i = 0; i < s->nruns; i++) {
		lg_err e = advance(cx, &s->run[i]);
		if (e == LG_OK)
			s->heap[s->nheap++] = &s->run[i];
		else if (e != LG_E_NOT_FOUND)
			return e;
	}
	for (size_t i = s->nheap; i-- > 0;)
		sift_down(s, i);
	return LG_OK;
}

lg_err
lg_sorter_next(struct lg_ctx *cx, struct lg_sorter *s, struct lg_sorter_row *ret)
{
	if (s->last != NULL) {
		lg_err e = advance(cx, s->last);
		if (e == LG_E_NOT_FOUND)
			s->heap[0] = s->heap[--s->nheap];
		else
			LG_TRY(e);
		s->last = NULL;
		sift_down(s, 0);
	}
	if (s->nheap == 0)
		return LG_E_NOT_FOUND;
	s->last = s->heap[0];
	*ret = s->last->row;
	return LG_OK;
}
