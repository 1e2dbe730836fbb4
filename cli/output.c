/* output.c: answers as tables for people, or as the service's JSON for programs. */
#include "cli/cli.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

#define COLUMNS	10
#define CELL_MIN	12	/* characters of a cell that a narrow terminal leaves */

bool
cli_wants_json(const struct cli *c)
{
	return lg_str_eq(cli_value(c, "output"), LG_STR("json"));
}

/* Names and reasons come from others: a terminal must not obey what stands in them. */
void
cli_print(struct cli *c, lg_str text)
{
	while (text.n > 0) {
		uint32_t code = 0;
		size_t n = lg_utf8_decode(text, &code);
		bool plain = n > 0 && code >= 0x20 && (code < 0x7f || code >= 0xa0);
		if (plain)
			fwrite(text.p, 1, n, c->out);
		else
			fputc('?', c->out);
		text = lg_str_sub(text, n > 0 ? n : 1, text.n);
	}
}

void
cli_line(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (cli_wants_json(c))
		return;
	va_start(ap, fmt);
	cli_print(c, lg_vprint(c->cx->arena, fmt, ap));
	va_end(ap);
	fputc('\n', c->out);
}

void
cli_json(struct cli *c, lg_str json)
{
	fwrite(json.p, 1, json.n, c->out);
	if (!lg_str_ends(json, LG_STR("\n")))
		fputc('\n', c->out);
}

/* ---- values -------------------------------------------------------------------------------------------- */

static lg_str
list_text(struct cli *c, lg_str json)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);
	struct lg_json js;

	lg_json_init(&js, c->cx->arena, json);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		if (b.n > 0)
			lg_buf_str(&b, LG_STR(", "));
		lg_buf_str(&b, cli_text(c, lg_json_raw(&js)));
	}
	return lg_dup(c->cx->arena, lg_buf_view(&b));
}

lg_str
cli_text(struct cli *c, lg_str json)
{
	struct lg_json js;
	lg_str type, name;

	lg_json_init(&js, c->cx->arena, json);
	switch (lg_json_peek(&js)) {
	case LG_JSON_ARRAY:
		return list_text(c, json);
	case LG_JSON_OBJECT:
		type = lg_api_member(c->cx, json, "type");
		name = lg_api_member(c->cx, json, "name");
		if (type.n > 0 && name.n > 0)
			return lg_print(c->cx->arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(name));
		/* {"type":"","name":""}: an identity that is nobody's */
		return name.n > 0 || lg_api_raw(c->cx, json, "name").n > 0 ? name : json;
	case LG_JSON_NULL:
		return LG_NONE;
	case LG_JSON_STRING:
		return lg_json_str(&js);
	default:
		return json;
	}
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

struct table {
	const struct cli_column *column[COLUMNS];
	size_t ncolumns;
	size_t width[COLUMNS];
	bool words[COLUMNS];		/* what stands there may be cut; a name, an id or a time of one word may not */
	struct row *first, **end;
};

struct row {
	lg_str cell[COLUMNS];
	struct row *next;
};

static size_t
characters(lg_str s)
{
	size_t n = 0;
	uint32_t code;

	while (s.n > 0) {
		size_t used = lg_utf8_decode(s, &code);
		s = lg_str_sub(s, used > 0 ? used : 1, s.n);
		n++;
	}
	return n;
}

static lg_str
cut(struct cli *c, lg_str s, size_t most)
{
	size_t n = 0, at = 0;
	uint32_t code;

	if (characters(s) <= most)
		return s;
	while (n++ < most - 3) {
		size_t used = lg_utf8_decode(lg_str_sub(s, at, s.n), &code);
		at += used > 0 ? used : 1;
	}
	return lg_cat(c->cx->arena, lg_str_sub(s, 0, at), LG_STR("..."));
}

/* How wide the terminal is; 0: there is none, and nothing is cut. */
static size_t
terminal_width(const struct cli *c)
{
	struct winsize size;
	int fd = fileno(c->out);

	return fd >= 0 && isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Of the columns that may be cut; COLUMNS: there is none that may any more. */
static size_t
widest(const struct table *t)
{
	size_t found = COLUMNS;

	for (size_t i = 0; i < t->ncolumns; i++)
		if (t->words[i] && t->width[i] > CELL_MIN && (found == COLUMNS || t->width[i] > t->width[found]))
			found = i;
	return found;
}

static void
fit(struct table *t, size_t terminal)
{
	size_t whole = 2 * (t->ncolumns - 1), i;

	for (i = 0; i < t->ncolumns; i++)
		whole += t->width[i];
	for (; whole > terminal && (i = widest(t)) < COLUMNS; whole--)
		t->width[i]--;
}

/* "client.type": the member of a member. */
static lg_str
member_at(struct cli *c, lg_str json, const char *path)
{
	const char *dot = strchr(path, '.');

	if (dot == NULL)
		return lg_api_raw(c->cx, json, path);
	return lg_api_raw(c->cx, lg_api_raw(c->cx, json, lg_dup(c->cx->arena, (lg_str){ path, (size_t)(dot - path) }).p), dot + 1);
}

static bool
is_told(struct cli *c, lg_str items, const struct cli_column *column)
{
	struct lg_json js;
	bool told = false;

	lg_json_init(&js, c->cx->arena, items);
	lg_json_array(&js);
	while (lg_json_item(&js))
		told |= member_at(c, lg_json_raw(&js), column->member).n > 0;
	return told && js.fault == NULL;
}

static void
add_column(struct table *t, const struct cli_column *column)
{
	t->width[t->ncolumns] = strlen(column->title);
	t->column[t->ncolumns++] = column;
}

static void
add_row(struct cli *c, struct table *t, lg_str item)
{
	struct row *r = LG_NEW(c->cx->arena, struct row);

	for (size_t i = 0; i < t->ncolumns; i++) {
		lg_str text = cli_text(c, member_at(c, item, t->column[i]->member));
		r->cell[i] = text.n > 0 ? text : t->column[i]->absent != NULL ? lg_str_of(t->column[i]->absent) : LG_STR("-");
		t->words[i] |= text.n > 0 && memchr(text.p, ' ', text.n) != NULL;
		if (characters(r->cell[i]) > t->width[i])
			t->width[i] = characters(r->cell[i]);
	}
	*t->end = r;
	t->end = &r->next;
}

static void
put_cell(struct cli *c, const struct table *t, size_t i, lg_str text)
{
	text = cut(c, text, t->width[i]);
	cli_print(c, text);
	for (size_t n = characters(text); i + 1 < t->ncolumns && n < t->width[i] + 2; n++)
		fputc(' ', c->out);
}

static void
put_table(struct cli *c, const struct table *t)
{
	for (size_t i = 0; i < t->ncolumns; i++)
		put_cell(c, t, i, lg_str_of(t->column[i]->title));
	fputc('\n', c->out);
	for (const struct row *r = t->first; r != NULL; r = r->next) {
		for (size_t i = 0; i < t->ncolumns; i++)
			put_cell(c, t, i, r->cell[i]);
		fputc('\n', c->out);
	}
}

lg_err
cli_table(struct cli *c, lg_str json, const char *member, const struct cli_column *columns)
{
	struct table t = { .end = &t.first };
	struct lg_json js;

	if (cli_wants_json(c)) {
		cli_json(c, json);
		return LG_OK;
	}
	lg_str items = lg_api_member(c->cx, json, member);
	for (; t.ncolumns < COLUMNS && columns->title != NULL; columns++)
		if (columns->absent == NULL || columns->absent[0] != '\0' || is_told(c, items, columns))
			add_column(&t, columns);
	lg_json_init(&js, c->cx->arena, items);
	lg_json_array(&js);
	while (lg_json_item(&js))
		add_row(c, &t, lg_json_raw(&js));
	if (lg_json_end(c->cx, &js) != LG_OK)
		return lg_fail(c->cx, LG_E_INVALID, "the service's answer has no list \"%s\"", member);
	size_t terminal = terminal_width(c);
	if (terminal > 0)
		fit(&t, terminal);
	put_table(c, &t);
	return LG_OK;
}

/* ---- one thing ------------------------------------------------------------------------------------------------------- */

/* An object that is more than somebody's type, name and id has members of its own: "client.type". */
static bool
is_nested(struct cli *c, lg_str json)
{
	struct lg_json js;
	lg_str name;
	size_t n = 0;
	bool identity = true;

	lg_json_init(&js, c->cx->arena, json);
	if (lg_json_peek(&js) != LG_JSON_OBJECT)
		return false;
	lg_json_object(&js);
	for (; lg_json_member(&js, &name); n++) {
		identity &= lg_str_eq(name, LG_STR("type")) || lg_str_eq(name, LG_STR("name")) || lg_str_eq(name, LG_STR("id"));
		lg_json_skip(&js);
	}
	return n > 0 && !identity;
}

/* Calls put for each member, with those of its objects; stops at one level. */
static lg_err
each_member(struct cli *c, lg_str json, lg_str prefix, void (*put)(struct cli *, lg_str name, lg_str value, size_t *width), size_t *width)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, c->cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_raw(&js), whole = lg_cat(c->cx->arena, prefix, name);

		if (prefix.n == 0 && is_nested(c, value))
			LG_TRY(each_member(c, value, lg_cat(c->cx->arena, name, LG_STR(".")), put, width));
		else
			put(c, whole, value, width);
	}
	return lg_json_end(c->cx, &js);
}

/* And two blanks. */
static void
widen(struct cli *c, lg_str name, lg_str value, size_t *width)
{
	size_t n = characters(name) + 2;

	(void)c; (void)value;
	*width = n > *width ? n : *width;
}

static void
put_member(struct cli *c, lg_str name, lg_str value, size_t *width)
{
	lg_str text = cli_text(c, value);

	cli_print(c, name);
	for (size_t n = characters(name); n < *width; n++)
		fputc(' ', c->out);
	cli_print(c, text.n > 0 ? text : LG_STR("-"));
	fputc('\n', c->out);
}

lg_err
cli_show(struct cli *c, lg_str json)
{
	size_t width = 14;

	if (cli_wants_json(c)) {
		cli_json(c, json);
		return LG_OK;
	}
	LG_TRY(each_member(c, json, LG_NONE, widen, &width));
	return each_member(c, json, LG_NONE, put_member, &width);
}
