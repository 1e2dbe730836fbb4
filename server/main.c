/* main.c: lightgated. */
#include <stdio.h>
#include <stdlib.h>

#include "base/version.h"
#include "base/file.h"
#include "server/process.h"

#define LOAD_MAX (16u << 20)

static int
help(void)
{
	struct lg_buf out = LG_BUF(1u << 20);

	lg_settings_help(&out);
	printf("lightgated [--config FILE] [--dev] [--load STATE.yaml] [--weak-isolation] [--SETTING=VALUE ...]\n"
	    "lightgated --check | --help | --version\n"
	    "lightgated [--data DIR] tool VERB ...\n\n"
	    "  --dev             a service of one's own: loopback, free ports, everything below --data\n"
	    "  --load FILE       state to apply at the start\n"
	    "  --check           reads the settings and says what is wrong with them\n"
	    "  --weak-isolation  starts unprivileged even where the kernel has no Landlock\n\n"
	    "Settings, in the file as sections, here with dots:\n%.*s", LG_FMT(lg_buf_view(&out)));
	lg_buf_free(&out);
	printf("\nTools:\n");
	for (const struct lg_tool *t = lg_tools; t->name != NULL; t++)
		printf("  %s\n", t->usage);
	return 0;
}

static int
task(const struct lg_args *a, int argc, char **argv)
{
	struct lg_parent_options o = { .settings = a->settings, .argc = argc, .argv = argv, .task = argv + a->tool };

	return lg_parent_main(&o);
}

static int
tool(const struct lg_args *a, int argc, char **argv)
{
	for (const struct lg_tool *t = lg_tools; t->name != NULL && a->tool < argc; t++)
		if (strcmp(t->name, argv[a->tool]) == 0)
			return t->run != NULL ? t->run(&a->settings, argc - a->tool, argv + a->tool) : task(a, argc, argv);
	fprintf(stderr, "lightgated: no such tool; --help lists them\n");
	return 2;
}

static int
run(struct lg_ctx *cx, const struct lg_args *a, int argc, char **argv)
{
	struct lg_parent_options o = { .settings = a->settings, .config_file = a->config_file, .argc = argc, .argv = argv };

	if (a->load_file != NULL && lg_file_read(cx, a->load_file, LOAD_MAX, &o.load) != LG_OK) {
		fprintf(stderr, "lightgated: %s\n", cx->error);
		return 2;
	}
	return lg_parent_main(&o);
}

static int
command(struct lg_ctx *cx, int argc, char **argv)
{
	struct lg_args a;

	if (lg_args_parse(cx, argc, argv, &a) != LG_OK) {
		fprintf(stderr, "lightgated: %s\n", cx->error);
		return 2;
	}
	switch (a.command) {
	case LG_COMMAND_HELP:
		return help();
	case LG_COMMAND_VERSION:
		printf("lightgated %s\n", LG_VERSION);
		return 0;
	case LG_COMMAND_CHECK:
		printf("the settings are good\n");
		return 0;
	case LG_COMMAND_TOOL:
		return tool(&a, argc, argv);
	case LG_COMMAND_RUN:
		break;
	}
	return run(cx, &a, argc, argv);
}

int
main(int argc, char **argv)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;
	int status;

	lg_ctx_init(&cx, arena);
	status = command(&cx, argc, argv);
	lg_arena_free(&arena);
	return status;
}
