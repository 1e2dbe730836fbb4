/* cli_test.h: one command line, and what people see of it. */
#ifndef LG_CLI_TEST_H
#define LG_CLI_TEST_H

#include "cli/cli.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

#define WORDS 80

struct run {
	enum cli_exit code;
	char out[64 << 10], err[8192];
};

static inline void
slurp(FILE *f, char *ret, size_t size)
{
	rewind(f);
	size_t n = fread(ret, 1, size - 1, f);
	ret[n] = '\0';
	fclose(f);
}

/* One command line; '~' in a word stands for a blank. */
static inline const struct run *
run(const char *line)
{
	static struct run r;
	char text[2048], *argv[WORDS + 1];
	int argc = 0;
	FILE *out = tmpfile(), *err = tmpfile();

	snprintf(text, sizeof text, "%s", line);
	for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " ")) {
		for (char *c = p; *c != '\0'; c++)
			*c = *c == '~' ? ' ' : *c;
		argv[argc++] = p;
	}
	argv[argc] = NULL;
	r.code = cli_run(argc, argv, out, err);
	slurp(out, r.out, sizeof r.out);
	slurp(err, r.err, sizeof r.err);
	return &r;
}

#endif
