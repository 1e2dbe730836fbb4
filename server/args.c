/* args.c: lightgated's command line. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "server/process.h"

/* Flags that are not settings. */
struct flags {
	bool dev, check, help, version, weak;
	const char *config, *load;
	int tool;
};

static const struct {
	const char *name;
	size_t offset;
	bool value;			/* takes one */
} table[] = {
	{ "--dev", offsetof(struct flags, dev), false },
	{ "--check", offsetof(struct flags, check), false },
	{ "--help", offsetof(struct flags, help), false },
	{ "--version", offsetof(struct flags, version), false },
	{ "--weak-isolation", offsetof(struct flags, weak), false },
	{ "--config", offsetof(struct flags, config), true },
	{ "--load", offsetof(struct flags, load), true },
};

/* "--name=value" or "--name value": the value, or NULL and a fault. */
static lg_err
flag_value(struct lg_ctx *cx, int argc, char **argv, int *i, lg_str *name, const char **ret)
{
	lg_str tail;

	if (lg_str_cut(lg_str_of(argv[*i]), '=', name, &tail)) {
		*ret = tail.p;
		return LG_OK;
	}
	if (*i + 1 >= argc)
		return lg_fail(cx, LG_E_INVALID, "%s wants a value", argv[*i]);
	*ret = argv[++*i];
	return LG_OK;
}

static int
flag_find(lg_str arg)
{
	lg_str name, tail;

	lg_str_cut(arg, '=', &name, &tail);
	for (size_t i = 0; i < LG_COUNT(table); i++)
		if (lg_str_eq(table[i].value ? name : arg, lg_str_of(table[i].name)))
			return (int)i;
	return -1;
}

/* Twice over the command line: flags first, then settings, which need to know --dev and the file. */
static lg_err
walk(struct lg_ctx *cx, int argc, char **argv, struct flags *f, struct lg_settings *s)
{
	for (int i = 1; i < argc; i++) {
		int at = flag_find(lg_str_of(argv[i]));
		const char *value = NULL;
		lg_str name;

		if (strcmp(argv[i], "tool") == 0) {
			f->tool = i + 1;
			return LG_OK;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			return lg_fail(cx, LG_E_INVALID, "%s: flags begin with --", argv[i]);
		if (at >= 0 && !table[at].value) {
			*(bool *)((char *)f + table[at].offset) = true;
			continue;
		}
		LG_TRY(flag_value(cx, argc, argv, &i, &name, &value));
		if (at >= 0)
			*(const char **)(void *)((char *)f + table[at].offset) = value;
		else if (s != NULL)
			LG_TRY(lg_config_set(cx, lg_settings_keys, lg_settings_count, lg_str_sub(name, 2, name.n), lg_str_of(value), s));
	}
	return LG_OK;
}

/* A process that changes its working directory needs to know where it was meant. */
static lg_err
absolute(struct lg_ctx *cx, lg_str *path)
{
	char *cwd;

	if (path->n == 0 || path->p[0] == '/')
		return LG_OK;
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return lg_fail(cx, LG_E_IO, "the working directory is gone");
	*path = lg_print(cx->arena, "%s/%.*s", cwd, LG_FMT(*path));
	free(cwd);
	return LG_OK;
}

static lg_err
absolute_file(struct lg_ctx *cx, const char **file)
{
	lg_str path = lg_str_of(*file);

	LG_TRY(absolute(cx, &path));
	*file = path.p;
	return LG_OK;
}

lg_err
lg_args_override(struct lg_ctx *cx, int argc, char **argv, struct lg_settings *s)
{
	struct flags f = { .dev = false };

	return walk(cx, argc, argv, &f, s);
}

lg_err
lg_args_parse(struct lg_ctx *cx, int argc, char **argv, struct lg_args *ret)
{
	struct flags f = { .dev = false };
	lg_str text = LG_NONE;

	*ret = (struct lg_args){ .command = LG_COMMAND_RUN };
	LG_TRY(walk(cx, argc, argv, &f, NULL));
	if (f.help || f.version) {
		ret->command = f.help ? LG_COMMAND_HELP : LG_COMMAND_VERSION;
		return LG_OK;
	}
	LG_TRY(absolute_file(cx, &f.config));
	LG_TRY(absolute_file(cx, &f.load));
	if (f.config != NULL)
		LG_TRY(lg_file_read(cx, f.config, LG_CONFIG_FILE_MAX, &text));
	LG_TRY(lg_settings_read(cx, f.dev, text, &ret->settings));
	LG_TRY(walk(cx, argc, argv, &f, &ret->settings));
	ret->settings.weak_isolation = f.weak;
	LG_TRY(absolute(cx, &ret->settings.data));
	LG_TRY(absolute(cx, &ret->settings.socket));
	LG_TRY(absolute(cx, &ret->settings.listen_ldapi));
	LG_TRY(absolute(cx, &ret->settings.secret_file));
	LG_TRY(lg_settings_check(cx, &ret->settings));
	ret->config_file = f.config;
	ret->load_file = f.load;
	ret->tool = f.tool;
	if (f.tool > 0)
		ret->command = LG_COMMAND_TOOL;
	else if (f.check)
		ret->command = LG_COMMAND_CHECK;
	return LG_OK;
}
