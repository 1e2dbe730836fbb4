/*
 * import.c: `lightgate import`: LDIF into the running service, piece by piece.
 *
 * A piece is whole records.  Behind each that was answered, FILE.progress says where the next one begins; an import that was ended goes on
 * there.  Records that name what is not there yet wait in FILE.later and are given again at the end, for as long as that helps.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define RECORDS		256		/* of one piece */
#define PIECE		(512u << 10)	/* octets after which no further record joins it */
#define RECORD_MAX	(4u << 20)	/* octets of one record, which is one change of the service */
#define PIECE_TIME	(120 * INT64_C(1000000))

static const char mark[] = "# line ";	/* in FILE.later, in front of a record: where it stood */

struct record {
	size_t at;			/* in the piece */
	uint64_t row, line;		/* its first line in the piece, and in the file */
};

struct import {
	struct cli *c;
	struct lg_arena *arena;		/* of one piece */
	const char *name, *progress, *later;
	FILE *in, *wait;		/* what is read; what is put off (NULL: the last pass) */
	char *text;			/* the line read last */
	size_t room;
	bool resumes, spooled;		/* it is a file; the records come from FILE.later */
	struct stat st;
	struct lg_buf piece;
	struct record record[RECORDS + 1];
	size_t n;
	uint64_t offset, line, rows;	/* read so far, of the file; lines of the piece */
	int64_t entries, there, hashed, faults, put_off;
	int64_t started, told;		/* ns; on the terminal */
};

/* ---- where it stopped ------------------------------------------------------------------------------------------------------ */

static lg_err
save(struct import *m)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);

	if (!m->resumes || m->spooled)
		return LG_OK;
	if (fflush(m->wait) != 0)
		return lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->later, strerror(errno));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "url", m->c->session.at.url);
	lg_jsonw_int_of(&w, "size", m->st.st_size);
	lg_jsonw_int_of(&w, "mtime", m->st.st_mtim.tv_sec * 1000000 + m->st.st_mtim.tv_nsec / 1000);
	lg_jsonw_int_of(&w, "offset", (int64_t)m->offset);
	lg_jsonw_int_of(&w, "line", (int64_t)m->line);
	lg_jsonw_int_of(&w, "later", ftello(m->wait));
	lg_jsonw_int_of(&w, "put_off", m->put_off);
	lg_jsonw_int_of(&w, "entries", m->entries);
	lg_jsonw_int_of(&w, "there", m->there);
	lg_jsonw_int_of(&w, "hashed", m->hashed);
	lg_jsonw_int_of(&w, "faults", m->faults);
	lg_jsonw_object_end(&w);
	return lg_file_put(m->c->cx, m->progress, 0600, lg_buf_view(&b));
}

static int64_t
number(struct import *m, lg_str state, const char *name)
{
	int64_t n = 0;

	return lg_int_parse(lg_api_member(m->c->cx, state, name), &n) && n >= 0 ? n : 0;
}

/* Only of the same file and the same service. */
static bool
is_ours(struct import *m, lg_str state)
{
	return lg_str_eq(lg_api_member(m->c->cx, state, "url"), m->c->session.at.url) && number(m, state, "size") == m->st.st_size &&
	    number(m, state, "mtime") == m->st.st_mtim.tv_sec * 1000000 + m->st.st_mtim.tv_nsec / 1000;
}

static lg_err
resume(struct import *m)
{
	int64_t later = 0;
	lg_str state;

	if (!m->resumes)
		return LG_OK;
	if (lg_file_read(m->c->cx, m->progress, 4096, &state) == LG_OK && is_ours(m, state)) {
		m->offset = (uint64_t)number(m, state, "offset");
		m->line = (uint64_t)number(m, state, "line");
		later = number(m, state, "later");
		m->put_off = number(m, state, "put_off");
		m->entries = number(m, state, "entries");
		m->there = number(m, state, "there");
		m->hashed = number(m, state, "hashed");
		m->faults = number(m, state, "faults");
		cli_line(m->c, "going on at line %" PRIu64 "; without %s it would begin anew", m->line + 1, m->progress);
	}
	/* What was put off after the last answered piece is given again with it. */
	if (fseeko(m->in, (off_t)m->offset, SEEK_SET) != 0 || ftruncate(fileno(m->wait), later) != 0 || fseeko(m->wait, later, SEEK_SET) != 0)
		return lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->name, strerror(errno));
	return LG_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

static bool
is_blank(const char *s, ssize_t n)
{
	return n == 0 || (n == 1 && s[0] == '\n') || (n == 2 && s[0] == '\r' && s[1] == '\n');
}

/* A line joins the piece, unless it says where the record stood. */
static void
take_line(struct import *m, ssize_t n)
{
	struct record *r = &m->record[m->n];

	m->offset += (uint64_t)n;
	m->line++;
	if (m->spooled && strncmp(m->text, mark, sizeof mark - 1) == 0) {
		r->line = strtoull(m->text + sizeof mark - 1, NULL, 10);
		return;
	}
	lg_buf_bytes(&m->piece, m->text, (size_t)n);
	m->rows++;
}

/* One record; false at the end of the file. */
static bool
read_record(struct import *m)
{
	size_t begin = m->piece.n;
	ssize_t n;

	m->record[m->n] = (struct record){ begin, m->rows + 1, m->line + 1 };
	while ((n = getline(&m->text, &m->room, m->in)) > 0) {
		bool blank = is_blank(m->text, n);
		if (blank && m->piece.n == begin) {
			m->offset += (uint64_t)n;
			m->record[m->n].line = ++m->line + 1;
			continue;
		}
		take_line(m, n);
		if (blank)
			break;
	}
	m->n += m->piece.n > begin;
	return m->piece.n > begin && n > 0;
}

static lg_err
read_piece(struct import *m, bool *more)
{
	m->n = m->rows = 0;
	lg_buf_clear(&m->piece);
	*more = true;
	while (*more && m->n < RECORDS && m->piece.n < PIECE)
		*more = read_record(m);
	if (ferror(m->in))
		return lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->name, strerror(errno));
	return m->piece.full ? lg_fail(m->c->cx, LG_E_LIMIT, "line %" PRIu64 ": a record of more than %u octets", m->record[m->n - 1].line, RECORD_MAX) : LG_OK;
}

static const struct record *
record_of(const struct import *m, int64_t row)
{
	size_t i = m->n;

	while (i > 1 && m->record[i - 1].row > (uint64_t)row)
		i--;
	return &m->record[i == 0 ? 0 : i - 1];
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------------ */

static lg_err
put_off(struct import *m, int64_t row)
{
	const struct record *r = record_of(m, row);
	size_t end = r == &m->record[m->n - 1] ? m->piece.n : r[1].at;

	m->put_off++;
	fprintf(m->wait, "%s%" PRIu64 "\n%.*s%s", mark, r->line, (int)(end - r->at), m->piece.p + r->at, end == m->piece.n ? "\n\n" : "");
	return ferror(m->wait) ? lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->later, strerror(errno)) : LG_OK;
}

static void
tell_fault(struct import *m, lg_str fault)
{
	int64_t row = number(m, fault, "line");
	const struct record *r = record_of(m, row);
	uint64_t line = r->line + (row > (int64_t)r->row ? (uint64_t)row - r->row : 0);

	m->faults++;
	fprintf(m->c->err, "%slightgate: line %" PRIu64 ": ", isatty(fileno(m->c->err)) ? "\r\033[K" : "", line);
	lg_str why = lg_api_member(m->c->cx, fault, "error");
	for (size_t i = 0; i < why.n; i++)
		fputc((unsigned char)why.p[i] < ' ' || why.p[i] == 0x7f ? '?' : why.p[i], m->c->err);
	fputc('\n', m->c->err);
}

static lg_err
take_answer(struct import *m, lg_str body, int64_t *faults)
{
	struct lg_json js;
	int64_t row;

	m->entries += number(m, body, "entries");
	m->there += number(m, body, "there");
	m->hashed += number(m, body, "hashed");
	lg_json_init(&js, m->c->cx->arena, lg_api_member(m->c->cx, body, "later"));
	lg_json_array(&js);
	while (lg_json_item(&js))
		if (lg_int_parse(lg_json_raw(&js), &row))
			LG_TRY(put_off(m, row));
	LG_TRY(lg_json_end(m->c->cx, &js));
	lg_json_init(&js, m->c->cx->arena, lg_api_member(m->c->cx, body, "faults"));
	lg_json_array(&js);
	for (*faults = 0; lg_json_item(&js); ++*faults)
		tell_fault(m, lg_json_raw(&js));
	return lg_json_end(m->c->cx, &js);
}

static void
tell_progress(struct import *m)
{
	static const char bar[] = "##############################";
	int64_t now = lg_monotonic_ns();
	int done;

	if (cli_wants_json(m->c) || !isatty(fileno(m->c->err)) || now - m->told < 200000000)
		return;
	m->told = now;
	done = m->resumes && m->st.st_size > 0 ? (int)(m->offset * 100 / (uint64_t)m->st.st_size) : 0;
	if (m->resumes && !m->spooled)
		fprintf(m->c->err, "\r\033[K[%-30.*s] %d %%, ", done * 30 / 100, bar, done);
	fprintf(m->c->err, "%s%" PRId64 " entries, %.0f a second", m->resumes && !m->spooled ? "" : "\r\033[K", m->entries,
	    (double)m->entries * 1e9 / (double)(now - m->started));
	fflush(m->c->err);
}

/* A token may expire on the way. */
static lg_err
send(struct import *m, struct lg_reply *answer)
{
	struct cli *c = m->c;
	lg_str from = cli_value(c, "from");
	struct lg_arena *long_lived = c->cx->arena;
	lg_err e = LG_OK;

	for (int i = 0; i < 2; i++) {
		LG_TRY(cli_sign_in(c, "/v1"));
		c->cx->arena = m->arena;
		struct lg_call call = { .method = "POST", .body = lg_buf_view(&m->piece), .type = "text/ldif", .token = c->session.token, .time = PIECE_TIME,
			.path = lg_print(m->arena, "/v1/import?from=%.*s%s%s", LG_FMT(from.n > 0 ? from : LG_STR("openldap")), m->wait == NULL ? "&last=true" : "",
				cli_given(c, "keep") ? "&keep=true" : "") };
		e = lg_api_call(c->cx, c->session.link, &call, answer);
		c->cx->arena = long_lived;
		if (e != LG_E_UNAUTHENTICATED || i > 0)
			break;
		c->session.token = LG_NONE;
	}
	return e;
}

static lg_err
import_piece(struct import *m, bool *more)
{
	struct lg_arena *long_lived = m->c->cx->arena;
	struct lg_reply answer;
	int64_t faults = 0;

	LG_TRY(read_piece(m, more));
	if (m->n == 0)
		return LG_OK;
	lg_arena_reset(m->arena);
	LG_TRY(send(m, &answer));
	m->c->cx->arena = m->arena;
	lg_err e = take_answer(m, answer.body, &faults);
	if (e == LG_OK && faults > 0 && !cli_given(m->c, "continue"))
		e = lg_fail(m->c->cx, LG_E_INVALID, "the import ends here; mend the file and begin again: entries that are there are left as they are");
	if (e == LG_OK)
		e = save(m);
	m->c->cx->arena = long_lived;
	tell_progress(m);
	return e;
}

/* ---- what waits ------------------------------------------------------------------------------------------------------------------- */

static lg_err
run(struct import *m)
{
	bool more = true;

	while (more)
		LG_TRY(import_piece(m, &more));
	return LG_OK;
}

/* One pass over what waits; what has to wait on goes to `wait` (NULL: nothing may). */
static lg_err
pass_over(struct import *m, FILE *waiting, FILE *wait)
{
	rewind(waiting);
	m->in = waiting;
	m->wait = wait;
	m->put_off = 0;
	return run(m);
}

/* Over and over, while a pass leaves less to do than it found; what is left then is told as it is. */
static lg_err
give_again(struct import *m)
{
	FILE *waiting = m->wait, *next;
	int64_t before = INT64_MAX;
	lg_err e = LG_OK;

	m->spooled = true;
	while (e == LG_OK && m->put_off > 0 && m->put_off < before) {
		before = m->put_off;
		next = tmpfile();
		e = next == NULL ? lg_fail(m->c->cx, LG_E_IO, "a temporary file: %s", strerror(errno)) : pass_over(m, waiting, next);
		fclose(waiting);
		waiting = next;
	}
	if (e == LG_OK && m->put_off > 0)
		e = pass_over(m, waiting, NULL);
	if (waiting != NULL)
		fclose(waiting);
	m->in = m->wait = NULL;
	return e;
}

/* ---- the command ------------------------------------------------------------------------------------------------------------------ */

static lg_err
open_files(struct import *m)
{
	bool standard = lg_str_eq(m->c->args[0], LG_STR("-"));
	int fd;

	LG_TRY(lg_cstr(m->c->cx, m->c->args[0], &m->name));
	m->progress = lg_print(m->c->cx->arena, "%s.progress", m->name).p;
	m->later = lg_print(m->c->cx->arena, "%s.later", m->name).p;
	m->in = standard ? fdopen(dup(STDIN_FILENO), "r") : fopen(m->name, "re");
	if (m->in == NULL || fstat(fileno(m->in), &m->st) != 0)
		return lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->name, strerror(errno));
	m->resumes = !standard && S_ISREG(m->st.st_mode);
	fd = m->resumes ? open(m->later, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	m->wait = m->resumes ? (fd < 0 ? NULL : fdopen(fd, "r+")) : tmpfile();
	return m->wait != NULL ? LG_OK : lg_fail(m->c->cx, LG_E_IO, "%s: %s", m->later, strerror(errno));
}

static void
finish(struct import *m)
{
	double seconds = (double)(lg_monotonic_ns() - m->started) / 1e9;

	if (m->resumes) {
		(void)unlink(m->progress);
		(void)unlink(m->later);
	}
	if (isatty(fileno(m->c->err)))
		fputs("\r\033[K", m->c->err);
	cli_line(m->c, "%" PRId64 " entries in %.1f s; %" PRId64 " were there before, %" PRId64 " faults, %" PRId64 " clear passwords hashed", m->entries,
	    seconds, m->there, m->faults, m->hashed);
	if (cli_wants_json(m->c))
		cli_json(m->c, lg_print(m->c->cx->arena, "{\"entries\":%" PRId64 ",\"there\":%" PRId64 ",\"faults\":%" PRId64 ",\"hashed\":%" PRId64 "}",
		    m->entries, m->there, m->faults, m->hashed));
}

lg_err
cli_import(struct cli *c)
{
	struct import *m = LG_NEW(c->cx->arena, struct import);

	*m = (struct import){ .c = c, .arena = lg_arena_new(), .piece = LG_BUF(PIECE + RECORD_MAX), .started = lg_monotonic_ns() };
	lg_err e = cli_session_open(c);
	if (e == LG_OK)
		e = open_files(m);
	if (e == LG_OK)
		e = resume(m);
	if (e == LG_OK)
		e = run(m);
	if (m->in != NULL)
		fclose(m->in);
	m->in = NULL;
	if (e == LG_OK)
		e = give_again(m);
	else if (m->wait != NULL)
		fclose(m->wait);
	if (e == LG_OK)
		finish(m);
	free(m->text);
	lg_buf_wipe(&m->piece);
	lg_arena_free(&m->arena);
	return e;
}
