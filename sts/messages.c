/*
 * messages.c: what pages say, in the person's language: web/messages.en, and a translated copy of it for each other language.
 *
 * A line is "key = text"; '#' begins a comment.  The language is the first that the application's request asks for (ui_locales), then
 * the browser's (Accept-Language), that there is a file of; else English.
 */
#include "sts/web.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define MESSAGES	"web/messages."

/* ---- the files ------------------------------------------------------------------------------------------------------ */

/* CSP3 2.3.1: what the one style sheet of our pages is known by. */
static lg_str
hash_style(struct lg_arena *a, lg_str css)
{
	lg_sha256 h = lg_sha256_of(css);
	lg_str text = lg_base64(a, lg_sha256_str(&h));

	return lg_print(a, "'sha256-%.*s'", LG_FMT(text));
}

static int
by_key(const void *x, const void *y)
{
	const struct sts_message_row *a = x, *b = y;

	return lg_str_cmp(a->key, b->key);
}

static lg_err
read_messages(struct lg_ctx *cx, struct lg_arena *a, const struct lg_sts_file *f, struct sts_language *ret)
{
	lg_str rest = f->text, line, key, text;
	size_t number = 0, lines = 1;

	for (size_t i = 0; i < f->text.n; i++)
		lines += f->text.p[i] == '\n';
	ret->tag = lg_str_sub(lg_str_of(f->name), strlen(MESSAGES), SIZE_MAX);
	ret->rows = LG_NEWS(a, struct sts_message_row, lines);
	while (rest.n > 0) {
		(void)lg_str_cut(rest, '\n', &line, &rest);
		number++;
		line = lg_str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!lg_str_cut(line, '=', &key, &text) || !lg_utf8_valid(text))
			return lg_fail(cx, LG_E_INVALID, "%s:%zu is not \"key = text\"", f->name, number);
		ret->rows[ret->n++] = (struct sts_message_row){ lg_str_trim(key), lg_str_trim(text) };
	}
	qsort(ret->rows, ret->n, sizeof *ret->rows, by_key);
	return LG_OK;
}

static lg_str
file_of(const struct sts_web *w, const char *name)
{
	for (size_t i = 0; i < w->nfiles; i++)
		if (strcmp(w->files[i].name, name) == 0)
			return w->files[i].text;
	return LG_NONE;
}

lg_err
sts_web_new(struct lg_ctx *cx, struct lg_arena *a, const struct lg_sts_file *files, size_t n, struct sts_web **ret)
{
	struct sts_web *w = LG_NEW(a, struct sts_web);

	*w = (struct sts_web){ .files = files, .nfiles = n, .nlanguages = 1 };
	for (size_t i = 0; i < n; i++) {
		bool english = strcmp(files[i].name, MESSAGES "en") == 0;

		if (strncmp(files[i].name, MESSAGES, strlen(MESSAGES)) != 0)
			continue;
		if (!english && w->nlanguages == STS_LANGUAGES)
			return lg_fail(cx, LG_E_LIMIT, "more than %d files %s*", STS_LANGUAGES, MESSAGES);
		LG_TRY(read_messages(cx, a, &files[i], &w->languages[english ? 0 : w->nlanguages++]));
	}
	w->style = file_of(w, "web/style.css");
	w->script = file_of(w, "web/passkey.js");
	w->style_hash = hash_style(a, w->style);
	*ret = w;
	return LG_OK;
}

lg_str
sts_web_file(const struct sts_web *w, const char *page)
{
	char name[64];

	(void)snprintf(name, sizeof name, "web/%s.html", page);
	return file_of(w, name);
}

/* ---- which language ---------------------------------------------------------------------------------------------------- */

/* RFC 4647 3.4: a range is shortened from its end until it fits. */
static const struct sts_language *
find_language(const struct sts_web *w, lg_str range)
{
	while (range.n > 0) {
		for (size_t i = 0; i < w->nlanguages; i++)
			if (lg_str_eq_fold(w->languages[i].tag, range))
				return &w->languages[i];
		do
			range.n--;
		while (range.n > 0 && range.p[range.n] != '-');
	}
	return NULL;
}

/* Thousandths of a qvalue (RFC 9110 12.4.2): "0.8" is 800; what is no qvalue is 0. */
static int
quality_of(lg_str parameters)
{
	lg_str q = lg_str_trim(parameters);
	int value = 0, unit = 1000;

	if (q.n == 0)
		return 1000;
	if (!lg_str_starts(q, LG_STR("q=")))
		return 0;
	for (size_t i = 2; i < q.n && unit > 0; i++) {
		if (q.p[i] == '.' && i == 3)
			continue;
		if (q.p[i] < '0' || q.p[i] > '9')
			return 0;
		value += (q.p[i] - '0') * unit;
		unit /= 10;
	}
	return value;
}

static const struct sts_language *
accepted(const struct sts_web *w, lg_str header)
{
	const struct sts_language *best = NULL;
	lg_str item, range, parameters;
	int most = 0;

	while (header.n > 0) {
		(void)lg_str_cut(header, ',', &item, &header);
		(void)lg_str_cut(item, ';', &range, &parameters);
		const struct sts_language *l = find_language(w, lg_str_trim(range));
		int q = quality_of(parameters);

		if (l != NULL && q > most) {
			best = l;
			most = q;
		}
	}
	return best;
}

static const struct sts_language *
language_of(struct sts_rq *rq)
{
	const struct sts_web *w = rq->sts->web;
	const struct sts_language *l = NULL;
	lg_str wanted = rq->ui_locales, one;

	while (l == NULL && wanted.n > 0) {
		(void)lg_str_cut(wanted, ' ', &one, &wanted);
		l = find_language(w, one);
	}
	if (l == NULL && rq->ex != NULL)
		l = accepted(w, rq->ex->header(rq->ex, "Accept-Language"));
	return l == NULL ? &w->languages[0] : l;
}

lg_str
sts_language(struct sts_rq *rq)
{
	return language_of(rq)->tag;
}

/* ---- texts --------------------------------------------------------------------------------------------------------------- */

lg_str
sts_text_of(struct sts_rq *rq, lg_str key)
{
	const struct sts_language *tried[] = { language_of(rq), &rq->sts->web->languages[0] };
	struct sts_message_row wanted = { .key = key };

	for (size_t i = 0; i < LG_COUNT(tried); i++) {
		const struct sts_message_row *row = bsearch(&wanted, tried[i]->rows, tried[i]->n, sizeof wanted, by_key);

		if (row != NULL)
			return row->text;
	}
	return key;
}

lg_str
sts_text(struct sts_rq *rq, const char *key)
{
	return key == NULL ? LG_NONE : sts_text_of(rq, lg_str_of(key));
}

lg_str
sts_minute(struct lg_arena *a, int64_t us)
{
	lg_str t = lg_time_text(a, us);

	return lg_print(a, "%.10s %.5s", t.p, t.p + 11);
}
