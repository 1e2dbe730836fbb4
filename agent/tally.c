/* tally.c: see tally.h. */
#include "agent/tally.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"

#define KEY	(4u << 10)	/* octets of all that tells two lines apart */

struct line {
	struct line *next;
	struct lg_deed deed;		/* count: since it was written last */
	unsigned ports;			/* of a pair's line without port: lines that it has for ports */
	bool written;
};

struct lg_tally {
	pthread_mutex_t lock;		/* over all below */
	struct lg_arena *arena;		/* of this window's lines */
	struct lg_map map;
	struct line *first, **end;
	size_t n;
	bool open;
	int64_t began;			/* CLOCK_BOOTTIME: of the first that was counted */
	struct lg_buf key;		/* of the line that is looked for */
	struct lg_deed rest;		/* what found no line */
};

/* What is in it goes with its arena. */
static void
begin_window(struct lg_tally *t)
{
	t->arena = lg_arena_new();
	lg_map_init(&t->map, t->arena);
	t->first = NULL;
	t->end = &t->first;
	t->n = 0;
	t->open = false;
	t->rest = (struct lg_deed){ .action = "connect", .port = LG_DEED_NO_PORT,
		.reason = LG_STR("of various kinds, too many to be told one by one") };
}

struct lg_tally *
lg_tally_new(void)
{
	struct lg_tally *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	t->key = LG_BUF(KEY);
	begin_window(t);
	return t;
}

void
lg_tally_free(struct lg_tally **tally)
{
	struct lg_tally *t = *tally;

	*tally = NULL;
	if (t == NULL)
		return;
	lg_arena_free(&t->arena);
	lg_buf_free(&t->key);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

static void
count(struct lg_deed *d, uint64_t n, int64_t first, int64_t last)
{
	if (d->count == 0 || first < d->first)
		d->first = first;
	if (d->count == 0 || last > d->last)
		d->last = last;
	d->count += n;
}

/* The reason is part of it only where nothing else says what it is about: it may tell a time. */
static void
put_key(const struct lg_deed *d, int port, struct lg_buf *key)
{
	const lg_str part[] = { lg_str_of(d->action), d->subject_type, d->subject, d->resource_type, d->resource, d->protocol, d->policy,
		d->subject.n == 0 ? d->reason : LG_NONE };

	lg_buf_clear(key);
	for (size_t i = 0; i < LG_COUNT(part); i++)
		lg_buf_str32(key, part[i]);
	lg_buf_u32(key, (uint32_t)port);
	lg_buf_byte(key, d->permit);
}

static struct line *
make_line(struct lg_tally *t, const struct lg_deed *d, int port)
{
	struct line *l = LG_NEW(t->arena, struct line);
	lg_str *const word[] = { &l->deed.reason, &l->deed.policy, &l->deed.subject_type, &l->deed.subject, &l->deed.resource_type,
		&l->deed.resource, &l->deed.protocol };

	l->deed = *d;
	l->deed.count = 0;
	l->deed.port = port;
	l->deed.action = lg_dup(t->arena, lg_str_of(d->action)).p;
	for (size_t i = 0; i < LG_COUNT(word); i++)
		*word[i] = lg_dup(t->arena, *word[i]);
	t->n++;
	*t->end = l;
	t->end = &l->next;
	return l;
}

/* NULL: there is none, and no room for another. */
static struct line *
line_of(struct lg_tally *t, const struct lg_deed *d, int port, bool make)
{
	put_key(d, port, &t->key);
	if (t->key.full)
		return NULL;
	struct line *l = lg_map_get(&t->map, lg_buf_view(&t->key));
	if (l != NULL || !make || t->n == LG_TALLY_LINES)
		return l;
	l = make_line(t, d, port);
	*lg_map_at(&t->map, lg_dup(t->arena, lg_buf_view(&t->key))) = l;
	return l;
}

/* Of a port, as long as the pair has not had too many of them; then the pair's. */
static struct line *
find_line(struct lg_tally *t, const struct lg_deed *d)
{
	struct line *pair, *l;

	if (d->port == LG_DEED_NO_PORT)
		return line_of(t, d, d->port, true);
	if ((l = line_of(t, d, d->port, false)) != NULL)
		return l;
	if ((pair = line_of(t, d, LG_DEED_NO_PORT, true)) == NULL || pair->ports == LG_TALLY_PORTS)
		return pair;
	if ((l = line_of(t, d, d->port, true)) != NULL)
		pair->ports++;
	return l;
}

static void
add(struct lg_tally *t, const struct lg_deed *d, uint64_t n, int64_t first, int64_t last)
{
	pthread_mutex_lock(&t->lock);
	if (!t->open)
		t->began = lg_boottime();
	t->open = true;
	struct line *l = find_line(t, d);
	count(l != NULL ? &l->deed : &t->rest, n, first, last);
	pthread_mutex_unlock(&t->lock);
}

void
lg_tally_add(struct lg_tally *t, const struct lg_deed *d, uint64_t n, int64_t now)
{
	add(t, d, n, now, now);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

struct due {
	struct lg_deed *deed;
	size_t n;
	struct lg_arena *closed;	/* of a window that is over: the deeds' words are in it */
};

static void
take(struct due *due, struct lg_deed *d)
{
	if (d->count > 0)
		due->deed[due->n++] = *d;
	d->count = 0;
}

static void
take_due(struct lg_tally *t, bool all, struct lg_arena *a, struct due *due)
{
	pthread_mutex_lock(&t->lock);
	bool over = t->open && (all || lg_boottime() - t->began >= LG_TALLY_WINDOW);
	due->deed = LG_NEWS(a, struct lg_deed, t->open ? t->n + 1 : 0);
	for (struct line *l = t->first; l != NULL; l = l->next)
		if (over || !l->written) {
			l->written = l->deed.count > 0;
			take(due, &l->deed);
		}
	if (over) {
		take(due, &t->rest);
		due->closed = t->arena;
		begin_window(t);
	}
	pthread_mutex_unlock(&t->lock);
}

lg_err
lg_tally_write(struct lg_ctx *cx, struct lg_tally *t, struct lg_journal *j, bool all)
{
	struct due due = { .n = 0 };
	lg_err e = LG_OK;
	size_t i = 0;

	take_due(t, all, cx->arena, &due);
	while (i < due.n && (e = lg_journal_add(cx, j, &due.deed[i])) == LG_OK)
		i++;
	for (; i < due.n; i++)
		add(t, &due.deed[i], due.deed[i].count, due.deed[i].first, due.deed[i].last);
	lg_arena_free(&due.closed);
	return e;
}
