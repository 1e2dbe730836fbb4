/* journal.c: see journal.h. */
#include "agent/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "client/api.h"

struct lg_journal {
	char *path;
	pthread_mutex_t lock;		/* over all below */
	lg_uuid id;
	uint64_t last, told;		/* numbers: of the newest record, and of the newest that the service has */
	lg_sha256 hash;			/* of the newest record's line */
	size_t size, told_to;		/* octets of the file, and of them those that are told */
	bool unsynced;
};

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static bool
next_line(lg_str text, size_t at, lg_str *line)
{
	lg_str rest = lg_str_sub(text, at, text.n), after;

	return rest.n > 0 && lg_str_cut(rest, '\n', line, &after);
}

struct place {
	uint64_t seq;
	lg_sha256 prev;
};

static bool
read_place(struct lg_ctx *cx, lg_str line, struct place *ret)
{
	lg_str prev;
	int64_t seq;

	if (!lg_int_parse(lg_api_raw(cx, line, "seq"), &seq) || seq < 0 || !lg_hex_parse(cx->arena, lg_api_member(cx, line, "prev"), &prev) ||
	    prev.n != sizeof ret->prev.b)
		return false;
	ret->seq = (uint64_t)seq;
	memcpy(ret->prev.b, prev.p, prev.n);
	return true;
}

static void
put_place(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_journal *j, uint64_t seq)
{
	lg_jsonw_int_of(w, "seq", (int64_t)seq);
	lg_jsonw_str_of(w, "prev", lg_hex(cx->arena, lg_sha256_str(&j->hash)));
}

/* An empty journal after the record `last`. */
static lg_err
begin(struct lg_ctx *cx, struct lg_journal *j)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "journal", j->id);
	put_place(cx, &w, j, j->last);
	lg_jsonw_object_end(&w);
	lg_buf_byte(&b, '\n');
	LG_TRY(lg_file_write(cx, j->path, 0600, lg_buf_view(&b)));
	j->told = j->last;
	j->size = j->told_to = b.n;
	j->unsynced = false;
	return LG_OK;
}

static lg_err
begin_anew(struct lg_ctx *cx, struct lg_journal *j)
{
	j->id = lg_uuid_new();
	j->last = 0;
	memset(&j->hash, 0, sizeof j->hash);
	return begin(cx, j);
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* False: not a journal, or changed.  What a crash left of the last line is none. */
static bool
follow_chain(struct lg_ctx *cx, struct lg_journal *j, lg_str text)
{
	struct place at;
	lg_str line;

	if (!next_line(text, 0, &line) || !lg_uuid_parse(lg_api_member(cx, line, "journal"), &j->id) || !read_place(cx, line, &at))
		return false;
	j->last = j->told = at.seq;
	j->hash = at.prev;
	j->size = j->told_to = line.n + 1;
	while (next_line(text, j->size, &line)) {
		if (!read_place(cx, line, &at) || at.seq != j->last + 1 || memcmp(&at.prev, &j->hash, sizeof j->hash) != 0)
			return false;
		j->last = at.seq;
		j->hash = lg_sha256_of(line);
		j->size += line.n + 1;
	}
	return true;
}

static lg_err
set_aside(struct lg_ctx *cx, struct lg_journal *j, const char *as)
{
	const char *beside = lg_print(cx->arena, "%s.%s", j->path, as).p;

	if (rename(j->path, beside) != 0 && errno != ENOENT)
		return lg_fail(cx, LG_E_IO, "%s: %s", j->path, strerror(errno));
	lg_log(LG_ERROR, "what this host decided by itself is kept in %s and not told to the service", beside);
	return begin_anew(cx, j);
}

static lg_err
load(struct lg_ctx *cx, struct lg_journal *j)
{
	lg_str text;

	if (access(j->path, F_OK) != 0 && errno == ENOENT)
		return begin_anew(cx, j);
	LG_TRY(lg_file_read(cx, j->path, LG_JOURNAL_MAX + LG_JOURNAL_RECORD, &text));
	if (!follow_chain(cx, j, text))
		return set_aside(cx, j, "damaged");
	if (j->size < text.n && truncate(j->path, (off_t)j->size) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", j->path, strerror(errno));
	return LG_OK;
}

lg_err
lg_journal_open(struct lg_ctx *cx, const char *path, struct lg_journal **ret)
{
	struct lg_journal *j = calloc(1, sizeof *j);

	if (j == NULL || (j->path = strdup(path)) == NULL)
		abort();
	pthread_mutex_init(&j->lock, NULL);
	lg_err e = load(cx, j);
	if (e != LG_OK)
		lg_journal_close(&j);
	else
		*ret = j;
	return e;
}

void
lg_journal_close(struct lg_journal **j)
{
	if (*j == NULL)
		return;
	pthread_mutex_destroy(&(*j)->lock);
	free((*j)->path);
	free(*j);
	*j = NULL;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static void
put_entity(struct lg_jsonw *w, const char *name, lg_str type, lg_str id)
{
	if (id.n == 0)
		return;
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "id", id);
	lg_jsonw_object_end(w);
}

static void
put_counted(struct lg_jsonw *w, const struct lg_deed *d)
{
	put_entity(w, "subject", d->subject_type, d->subject);
	put_entity(w, "resource", d->resource_type, d->resource);
	if (d->protocol.n > 0)
		lg_jsonw_str_of(w, "protocol", d->protocol);
	if (d->port != LG_DEED_NO_PORT)
		lg_jsonw_int_of(w, "port", d->port);
	lg_jsonw_int_of(w, "count", (int64_t)d->count);
	lg_jsonw_time_of(w, "until", d->last);
}

static void
put_deed(struct lg_ctx *cx, const struct lg_journal *j, const struct lg_deed *d, bool facts, struct lg_buf *b)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_jsonw_object(&w);
	put_place(cx, &w, j, j->last + 1);
	lg_jsonw_time_of(&w, "time", d->count > 0 ? d->first : cx->now);
	if (d->count > 0)
		put_counted(&w, d);
	else
		lg_jsonw_str_of(&w, "container", d->container);
	lg_jsonw_str_of(&w, "action", lg_str_of(d->action));
	lg_jsonw_bool_of(&w, "decision", d->permit);
	lg_jsonw_str_of(&w, "policy", d->policy);
	lg_jsonw_str_of(&w, "reason", d->reason);
	lg_jsonw_int_of(&w, "revision", (int64_t)d->revision);
	if (facts) {
		lg_jsonw_name(&w, LG_STR("container_facts"));
		lg_jsonw_raw(&w, d->facts);
	}
	lg_jsonw_object_end(&w);
}

/* Whole, or not at all. */
static lg_err
append(struct lg_ctx *cx, const struct lg_journal *j, lg_str line)
{
	LG_AUTO(lg_fd_close) int fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd >= 0 && lg_write_all(fd, line.p, line.n))
		return LG_OK;
	lg_err e = lg_fail(cx, LG_E_IO, "%s: %s", j->path, strerror(errno));
	if (fd >= 0 && ftruncate(fd, (off_t)j->size) != 0)
		lg_log(LG_ERROR, "%s: %s", j->path, strerror(errno));
	return e;
}

static lg_err
add(struct lg_ctx *cx, struct lg_journal *j, const struct lg_deed *d)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_JOURNAL_RECORD);

	put_deed(cx, j, d, d->facts.n > 0, &b);
	if (b.full) {
		lg_buf_clear(&b);
		put_deed(cx, j, d, false, &b);
	}
	lg_sha256 hash = lg_sha256_of(lg_buf_view(&b));
	lg_buf_byte(&b, '\n');
	LG_TRY(lg_buf_status(cx, &b));
	if (j->size + b.n > (d->count > 0 ? LG_JOURNAL_COUNTED : LG_JOURNAL_MAX))
		return lg_fail(cx, LG_E_BUSY, "this host's journal is full: the service has not heard of what was decided here");
	LG_TRY(append(cx, j, lg_buf_view(&b)));
	j->last++;
	j->hash = hash;
	j->size += b.n;
	j->unsynced = true;
	return LG_OK;
}

lg_err
lg_journal_add(struct lg_ctx *cx, struct lg_journal *j, const struct lg_deed *d)
{
	pthread_mutex_lock(&j->lock);
	lg_err e = add(cx, j, d);
	pthread_mutex_unlock(&j->lock);
	return e;
}

lg_err
lg_journal_sync(struct lg_ctx *cx, struct lg_journal *j)
{
	pthread_mutex_lock(&j->lock);
	bool wanted = j->unsynced;
	j->unsynced = false;
	pthread_mutex_unlock(&j->lock);
	if (!wanted)
		return LG_OK;
	LG_AUTO(lg_fd_close) int fd = open(j->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fdatasync(fd) == 0)
		return LG_OK;
	return lg_fail(cx, LG_E_IO, "%s: %s", j->path, strerror(errno));
}

/* ---- telling ------------------------------------------------------------------------------------------------------------ */

bool
lg_journal_waits(struct lg_journal *j)
{
	pthread_mutex_lock(&j->lock);
	bool waits = j->told < j->last;
	pthread_mutex_unlock(&j->lock);
	return waits;
}

/* Called with the lock, so that the file is as j says. */
static lg_err
part(struct lg_ctx *cx, const struct lg_journal *j, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_JOURNAL_PART + LG_JOURNAL_RECORD);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str text, line;

	LG_TRY(lg_file_read(cx, j->path, LG_JOURNAL_MAX + LG_JOURNAL_RECORD, &text));
	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "journal", j->id);
	lg_jsonw_name(&w, LG_STR("decisions"));
	lg_jsonw_array(&w);
	for (size_t at = j->told_to, n = 0; b.n < LG_JOURNAL_PART && n < LG_JOURNAL_AT_ONCE && next_line(text, at, &line); at += line.n + 1, n++)
		lg_jsonw_raw(&w, line);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
lg_journal_part(struct lg_ctx *cx, struct lg_journal *j, lg_str *ret)
{
	pthread_mutex_lock(&j->lock);
	lg_err e = part(cx, j, ret);
	pthread_mutex_unlock(&j->lock);
	return e;
}

static lg_err
told(struct lg_ctx *cx, struct lg_journal *j, uint64_t taken)
{
	lg_str text, line;

	if (taken <= j->told || taken > j->last)
		return lg_fail(cx, LG_E_CONFLICT, "the service has record %llu of this host's journal, which ends at %llu", (unsigned long long)taken,
		    (unsigned long long)j->last);
	if (taken == j->last)
		return begin(cx, j);
	LG_TRY(lg_file_read(cx, j->path, LG_JOURNAL_MAX + LG_JOURNAL_RECORD, &text));
	for (; j->told < taken && next_line(text, j->told_to, &line); j->told++)
		j->told_to += line.n + 1;
	return LG_OK;
}

lg_err
lg_journal_told(struct lg_ctx *cx, struct lg_journal *j, uint64_t taken)
{
	pthread_mutex_lock(&j->lock);
	lg_err e = told(cx, j, taken);
	pthread_mutex_unlock(&j->lock);
	return e;
}

lg_err
lg_journal_renew(struct lg_ctx *cx, struct lg_journal *j)
{
	pthread_mutex_lock(&j->lock);
	lg_err e = set_aside(cx, j, "refused");
	pthread_mutex_unlock(&j->lock);
	return e;
}
