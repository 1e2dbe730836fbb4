/* help.c: --help on every level, and completion, both read from the tree. */
#include "cli/cli.h"

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
		fprintf(to, "  %-30s %s\n", left, o->help);
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

/* ---- completion ------------------------------------------------------------------------------------- */

static void
put_words(const struct cli_command *at, const char *key, FILE *to)
{
	fprintf(to, "\t\"%s\") words=\"", key);
	for (const struct cli_command *s = at->sub; s != NULL && s->name != NULL; s++)
		fprintf(to, "%s ", s->name);
	for (const struct cli_option *o = at->options; o != NULL && o->name != NULL; o++)
		fprintf(to, "--%s ", o->name);
	fprintf(to, "\" ;;\n");
}

lg_err
cli_completion(struct cli *c)
{
	if (!lg_str_eq(c->args[0], LG_STR("bash")))
		return lg_fail(c->cx, LG_E_UNSUPPORTED, "there is completion for bash only");
	fprintf(c->out, "_lightgate() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words= path= w\n"
	    "\tfor w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $w == -* ]] || path=\"$path $w\"; done\n\tcase \"$path\" in\n");
	put_words(&cli_tree, "", c->out);
	for (const struct cli_command *s = cli_tree.sub; s->name != NULL; s++) {
		put_words(s, lg_print(c->cx->arena, " %s", s->name).p, c->out);
		for (const struct cli_command *v = s->sub; v != NULL && v->name != NULL; v++)
			put_words(v, lg_print(c->cx->arena, " %s %s", s->name, v->name).p, c->out);
	}
	fprintf(c->out, "\tesac\n\tif [[ $cur == -* ]]; then words=\"$words ");
	for (const struct cli_option *o = cli_globals; o->name != NULL; o++)
		fprintf(c->out, "--%s ", o->name);
	fprintf(c->out, "--help\"; fi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -f -- \"$cur\")\n}\n"
	    "complete -o default -F _lightgate lightgate\n");
	return LG_OK;
}
