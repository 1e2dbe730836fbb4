/* help.c: --help on every level, read from the tree. */
#include "cli/cli.h"

#define OPTION_WIDTH	30

static void
put_path(const struct cli *c, FILE *to)
{
	for (size_t i = 0; i < c->depth; i++)
		fprintf(to, "%s%s", i > 0 ? " " : "", c->path[i]->name);
}

static void
put_options(const char *title, const struct cli_option *o, FILE *to)
{
	char left[64];

	if (o == NULL || o->name == NULL)
		return;
	fprintf(to, "\n%s:\n", title);
	for (; o->name != NULL; o++) {
		char letter[5] = "    ";
		if (o->letter != 0)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(left, sizeof left, "%s--%s %s", letter, o->name, o->value == NULL ? "" : o->value);
		if (strlen(left) > OPTION_WIDTH)
			fprintf(to, "  %s\n  %-*s %s\n", left, OPTION_WIDTH, "", o->help);
		else
			fprintf(to, "  %-*s %s\n", OPTION_WIDTH, left, o->help);
	}
}

static void
put_commands(const struct cli_command *at, FILE *to)
{
	if (at->sub == NULL)
		return;
	fprintf(to, "\nCommands:\n");
	for (const struct cli_command *s = at->sub; s->name != NULL; s++)
		fprintf(to, "  %-18s %s\n", s->name, s->help);
}

void
cli_help(const struct cli *c, FILE *to)
{
	const struct cli_command *at = c->path[c->depth - 1];

	fprintf(to, "Usage: ");
	put_path(c, to);
	fprintf(to, "%s%s%s\n\n%s.\n", at->sub != NULL ? " COMMAND" : at->args != NULL ? " " : "",
	    at->sub != NULL || at->args == NULL ? "" : at->args, at->options != NULL ? " [OPTIONS]" : "", at->help);
	if (at->text != NULL)
		fprintf(to, "%s\n", at->text);
	put_commands(at, to);
	put_options("Options", at->options, to);
	if (at->examples != NULL) {
		fprintf(to, "\nExamples:\n");
		for (const char *const *e = at->examples; *e != NULL; e++)
			fprintf(to, "  %s\n", *e);
	}
	if (c->depth == 1)
		put_options("Options of every command", cli_globals, to);
	fprintf(to, "\nExit codes: 0 done or permitted, 1 the answer is no, 2 error.\n");
}
