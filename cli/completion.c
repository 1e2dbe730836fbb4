/* completion.c: what shells offer after TAB, read from the tree: bash words, zsh words with what they mean. */
#include "cli/cli.h"

/* One row of the shell's table: which command it is, "" or " user" or " user show", and what may follow. */
typedef void put_row(struct cli *c, const struct cli_command *at, const char *path);

static void
put_rows(struct cli *c, put_row *put)
{
	put(c, &cli_tree, "");
	for (const struct cli_command *s = cli_tree.sub; s->name != NULL; s++) {
		put(c, s, lg_print(c->cx->arena, " %s", s->name).p);
		for (const struct cli_command *v = s->sub; v != NULL && v->name != NULL; v++)
			put(c, v, lg_print(c->cx->arena, " %s %s", s->name, v->name).p);
	}
}

/* Words that are no command are values of options or names: they do not change where one is. */
static const char walk[] =
    "\tfor w in $before; do case \"$known\" in *\"|$at $w|\"*) at=\"$at $w\" ;; esac; done\n\tcase \"$at\" in\n";

static void
put_known(struct cli *c, const struct cli_command *at, const char *path)
{
	(void)at;
	fprintf(c->out, "%s|", path);
}

/* ---- bash ------------------------------------------------------------------------------------------------------------- */

static void
put_bash(struct cli *c, const struct cli_command *at, const char *path)
{
	fprintf(c->out, "\t\"%s\") words=\"", path);
	for (const struct cli_command *s = at->sub; s != NULL && s->name != NULL; s++)
		fprintf(c->out, "%s ", s->name);
	for (const struct cli_option *o = at->options; o != NULL && o->name != NULL; o++)
		fprintf(c->out, "--%s ", o->name);
	fprintf(c->out, "\" ;;\n");
}

static void
bash(struct cli *c)
{
	fprintf(c->out, "_lightgate() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} before=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" words= at= w known=\"|");
	put_rows(c, put_known);
	fprintf(c->out, "\"\n%s", walk);
	put_rows(c, put_bash);
	fprintf(c->out, "\tesac\n\tif [[ $cur == -* ]]; then words=\"$words ");
	for (const struct cli_option *o = cli_globals; o->name != NULL; o++)
		fprintf(c->out, "--%s ", o->name);
	fprintf(c->out, "\"; fi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
	    "complete -o default -F _lightgate lightgate\n");
}

/* ---- zsh -------------------------------------------------------------------------------------------------------------- */

/* A colon ends the word, and a quote the text: help has the latter. */
static void
put_described(struct cli *c, const char *dashes, const char *name, const char *help)
{
	fprintf(c->out, " '%s%s:", dashes, name);
	for (; *help != '\0'; help++)
		if (*help == '\'')
			fputs("'\\''", c->out);
		else
			fputc(*help, c->out);
	fputc('\'', c->out);
}

static void
put_zsh(struct cli *c, const struct cli_command *at, const char *path)
{
	fprintf(c->out, "\t\"%s\") commands=(", path);
	for (const struct cli_command *s = at->sub; s != NULL && s->name != NULL; s++)
		put_described(c, "", s->name, s->help);
	fprintf(c->out, " ) options=(");
	for (const struct cli_option *o = at->options; o != NULL && o->name != NULL; o++)
		put_described(c, "--", o->name, o->help);
	fprintf(c->out, " ) ;;\n");
}

static void
zsh(struct cli *c)
{
	fprintf(c->out, "#compdef lightgate\n_lightgate() {\n\tlocal at= w known=\"|");
	put_rows(c, put_known);
	fprintf(c->out, "\"\n\tlocal -a commands options everywhere before\n\tbefore=(\"${(@)words[2,CURRENT-1]}\")\n%s", walk);
	put_rows(c, put_zsh);
	fprintf(c->out, "\tesac\n\teverywhere=(");
	for (const struct cli_option *o = cli_globals; o->name != NULL; o++)
		put_described(c, "--", o->name, o->help);
	fprintf(c->out, " )\n\tif [[ $PREFIX == -* ]]; then\n\t\t_describe option options -- everywhere\n"
	    "\telif (( $#commands )); then\n\t\t_describe command commands\n\telse\n\t\t_files\n\tfi\n}\ncompdef _lightgate lightgate\n");
}

static const struct {
	lg_str shell;
	void (*put)(struct cli *);
} shells[] = { { LG_STR("bash"), bash }, { LG_STR("zsh"), zsh } };

lg_err
cli_completion(struct cli *c)
{
	for (size_t i = 0; i < LG_COUNT(shells); i++)
		if (lg_str_eq(c->args[0], shells[i].shell)) {
			shells[i].put(c);
			return LG_OK;
		}
	return lg_fail(c->cx, LG_E_UNSUPPORTED, "there is completion for bash and zsh, not for %.*s", LG_FMT(c->args[0]));
}
