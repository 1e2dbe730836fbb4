/*
 * config.h: one table describes every setting; the YAML file, the command line, `--check`, the man page's
 * test and `lightgate.conf(5)` all read that table.  Unknown keys are errors with their line.
 */
#ifndef LG_BASE_CONFIG_H
#define LG_BASE_CONFIG_H

#include "lightgate/base.h"

enum lg_config_type {
	LG_CONFIG_STR, LG_CONFIG_INT, LG_CONFIG_BOOL,
	LG_CONFIG_SIZE,		/* "64 MiB", "1 TiB" -> bytes */
	LG_CONFIG_TIME,		/* "90s", "5m", "24h", "7d" -> microseconds */
	LG_CONFIG_LIST		/* list of strings, kept as struct lg_config_list */
};

struct lg_config_list {
	lg_str *v;
	size_t n;
};

struct lg_config_key {
	const char *name;	/* dotted path in the file: "store.map_size"; the flag is --store.map_size */
	enum lg_config_type type;
	size_t offset;		/* of the lg_str, int64_t, bool or lg_config_list in the target struct */
	const char *fallback;	/* text of the default, NULL for empty */
	int64_t min, max;	/* for INT, SIZE and TIME; both 0 = any */
	const char *help;	/* one sentence */
	bool live;		/* taken over on reload (SIGHUP); others need a restart */
};

LG_CHECKED lg_err lg_config_defaults(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, void *target);
/* Every fault of the file is collected, one per line, into the error sentence (the first ones that fit). */
LG_CHECKED lg_err lg_config_file(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, lg_str text, void *target);
/*
 * "--name=value" with an empty value, or name and value; "--name" alone turns a BOOL on.  A LIST is separated
 * by commas here and in fallback.  Slices stored in the target live in cx's arena; a failure leaves it as it was.
 */
LG_CHECKED lg_err lg_config_set(struct lg_ctx *cx, const struct lg_config_key *keys, size_t n, lg_str name, lg_str value, void *target);

#endif
