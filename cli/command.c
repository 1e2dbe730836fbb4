/* command.c: a command line against the tree. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "base/version.h"

lg_str
cli_value(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->nvalues; i++)
		if (strcmp(c->values[i].option->name, name) == 0)
			return c->values[i].value;
	return LG_NONE;
}

bool
cli_given(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->nvalues; i++)
		if (strcmp(c->values[i].option->name, name) == 0)
			return true;
	return false;
}

/* ---- finding ------------------------------------------------------------------------------------- */

static const struct cli_command *
command(const struct cli *c)
{
	return c->path[c->depth - 1];
}

static const struct cli_option *
find_in(const struct cli_option *o, lg_str name, char letter)
{
	for (; o != NULL && o->name != NULL; o++)
		if (letter != 0 ? o->letter == letter : lg_str_eq(name, lg_str_of(o->name)))
			return o;
	return NULL;
}

static const struct cli_option *
find_option(const struct cli *c, lg_str name, char letter)
{
	const struct cli_option *o = find_in(command(c)->options, name, letter);

	return o != NULL ? o : find_in(cli_globals, name, letter);
}

static const struct cli_command *
find_sub(const struct cli_command *in, lg_str name)
{
	for (const struct cli_command *s = in->sub; s != NULL && s->name != NULL; s++)
		if (lg_str_eq(name, lg_str_of(s->name)))
			return s;
	return NULL;
}

static lg_str
command_line(struct cli *c)
{
	lg_str text = lg_str_of(c->path[0]->name);

	for (size_t i = 1; i < c->depth; i++)
		text = lg_print(c->cx->arena, "%.*s %s", LG_FMT(text), c->path[i]->name);
	return text;
}

/* ---- words ---------------------------------------------------------------------------------------- */

struct words {
	char **v;
	int n, at;
	bool *help;
};

static lg_err
unknown(struct cli *c, const char *what, lg_str word, const char *dashes, const char *meant)
{
	lg_str line = command_line(c);

	if (meant == NULL)
		return lg_fail(c->cx, LG_E_INVALID, "unknown %s %.*s; see %.*s --help", what, LG_FMT(word), LG_FMT(line));
	return lg_fail(c->cx, LG_E_INVALID, "unknown %s %.*s: did you mean %s%s? See %.*s --help", what, LG_FMT(word), dashes, meant, LG_FMT(line));
}

static lg_err
take_option(struct cli *c, struct words *w, lg_str word)
{
	lg_str name = word, value = LG_NONE;
	bool attached = false;
	char letter = 0;

	if (lg_str_starts(word, LG_STR("--"))) {
		attached = lg_str_cut(lg_str_sub(word, 2, word.n), '=', &name, &value);
	} else {
		letter = word.p[1];
		if (word.n != 2)
			return lg_fail(c->cx, LG_E_INVALID, "unknown option %.*s; a name that begins with - is put behind --: -- %.*s", LG_FMT(word), LG_FMT(word));
	}
	if (letter == 'h' || lg_str_eq(name, LG_STR("help"))) {
		*w->help = true;
		return LG_OK;
	}
	const struct cli_option *o = find_option(c, name, letter);
	if (o == NULL)
		return unknown(c, "option", word, "--", cli_meant_option(command(c), name));
	if (o->value == NULL && attached)
		return lg_fail(c->cx, LG_E_INVALID, "--%s takes no value", o->name);
	if (o->value != NULL && !attached) {
		if (w->at == w->n)
			return lg_fail(c->cx, LG_E_INVALID, "--%s needs a value: %s", o->name, o->value);
		value = lg_str_of(w->v[w->at++]);
	}
	if (cli_given(c, o->name))
		return lg_fail(c->cx, LG_E_INVALID, "--%s is given twice", o->name);
	if (c->nvalues == CLI_ARGS)
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d options", CLI_ARGS);
	c->values[c->nvalues++] = (struct cli_value){ o, value };
	return LG_OK;
}

static lg_err
take_word(struct cli *c, lg_str word)
{
	const struct cli_command *at = command(c);

	if (at->sub == NULL) {
		if (c->nargs == CLI_ARGS)
			return lg_fail(c->cx, LG_E_LIMIT, "more than %d words after the command", CLI_ARGS);
		c->args[c->nargs++] = word;
		return LG_OK;
	}
	const struct cli_command *sub = find_sub(at, word);
	if (sub == NULL)
		return unknown(c, "command", lg_print(c->cx->arena, "\"%.*s\"", LG_FMT(word)), "", cli_meant_command(at, word));
	c->path[c->depth++] = sub;
	return LG_OK;
}

/* How many words the command takes: upper case words of its args, those after '[' at will, any number of the one with dots. */
static void
count_args(const char *args, size_t *least, size_t *most)
{
	bool optional = false, word = false;

	*least = *most = 0;
	for (const char *p = args == NULL ? "" : args; *p != '\0'; p++) {
		if (*p == '[')
			optional = true;
		bool letter = *p != ' ' && *p != '[' && *p != ']';
		if (letter && !word) {
			++*most;
			*least += !optional;
		}
		word = letter;
	}
	if (args != NULL && strstr(args, "...") != NULL)
		*most = CLI_ARGS;
}

static lg_err
check_words(struct cli *c)
{
	const struct cli_command *at = command(c);
	size_t least, most;

	if (at->sub != NULL && at->run == NULL)
		return lg_fail(c->cx, LG_E_INVALID, "%.*s what? See %.*s --help", LG_FMT(command_line(c)), LG_FMT(command_line(c)));
	count_args(at->args, &least, &most);
	if (c->nargs < least || c->nargs > most)
		return lg_fail(c->cx, LG_E_INVALID, "usage: %.*s %s", LG_FMT(command_line(c)), at->args == NULL ? "" : at->args);
	return LG_OK;
}

static lg_err
parse(struct cli *c, int argc, char **argv, bool *help)
{
	struct words w = { argv, argc, 1, help };
	bool options = true;

	c->path[0] = &cli_tree;
	c->depth = 1;
	*help = false;
	while (w.at < w.n) {
		lg_str word = lg_str_of(w.v[w.at++]);
		if (options && lg_str_eq(word, LG_STR("--")))
			options = false;
		else if (options && word.n > 1 && word.p[0] == '-')
			LG_TRY(take_option(c, &w, word));
		else
			LG_TRY(take_word(c, word));
		if (command(c)->verbatim) {
			c->verbatim = &argv[w.at];
			return LG_OK;
		}
	}
	if (*help || cli_given(c, "version") || (c->depth == 1 && argc == 1)) {
		*help = !cli_given(c, "version");
		return LG_OK;
	}
	lg_str output = cli_value(c, "output");
	if (output.n > 0 && !lg_str_eq(output, LG_STR("table")) && !lg_str_eq(output, LG_STR("json")))
		return lg_fail(c->cx, LG_E_INVALID, "--output is table or json, not \"%.*s\"", LG_FMT(output));
	return check_words(c);
}

lg_err
cli_split_name(struct cli *c, lg_str text, lg_str *type, lg_str *name)
{
	if (!lg_str_cut(text, '/', type, name) || type->n == 0 || name->n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "\"%.*s\" is not of the form Type/name, as in User/alice", LG_FMT(text));
	return LG_OK;
}

lg_err
cli_seconds(struct cli *c, const char *option, int64_t *ret)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	lg_str text = cli_value(c, option), digits = text;
	int64_t unit = 1, n;

	for (size_t i = 0; i < LG_COUNT(units) && text.n > 0; i++)
		if (text.p[text.n - 1] == units[i].letter) {
			unit = units[i].seconds;
			digits = lg_str_sub(text, 0, text.n - 1);
		}
	if (!lg_int_parse(digits, &n) || n < 1 || n > INT32_MAX)
		return lg_fail(c->cx, LG_E_INVALID, "--%s is a time as in 90s, 30m, 24h, 30d, not \"%.*s\"", option, LG_FMT(text));
	*ret = n * unit;
	return LG_OK;
}

lg_err
cli_put_life(struct cli *c, struct lg_jsonw *w)
{
	int64_t seconds;

	if (!cli_given(c, "life"))
		return LG_OK;
	LG_TRY(cli_seconds(c, "life", &seconds));
	lg_jsonw_int_of(w, "life_seconds", seconds);
	return LG_OK;
}

/* ---- one run ----------------------------------------------------------------------------------------- */

enum cli_exit
cli_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct lg_ctx cx;
	struct cli c = { .cx = &cx, .out = out, .err = err };
	enum cli_exit code = CLI_ERROR;
	bool help = false;
	lg_err e;

	lg_ctx_init(&cx, lg_arena_new());
	e = parse(&c, argc, argv, &help);
	if (e == LG_OK && help) {
		cli_help(&c, out);
		code = CLI_YES;
	} else if (e == LG_OK && cli_given(&c, "version")) {
		fprintf(out, "lightgate %s\n", LG_VERSION);
		code = CLI_YES;
	} else if (e == LG_OK) {
		e = command(&c)->run(&c);
		if (e == LG_OK)
			code = c.answer;
	}
	/* Faults in a text are lines of their own: the last ends as well. */
	lg_str error = lg_str_trim(lg_str_of(cx.error));
	if (e != LG_OK)
		fprintf(err, "lightgate: %.*s\n", LG_FMT(error));
	cli_session_close(&c);
	if (fflush(out) != 0)
		code = CLI_ERROR;
	lg_arena_free(&cx.arena);
	return code;
}
