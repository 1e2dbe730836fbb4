/* tools.h: the tools that have files of their own. */
#ifndef LG_SERVER_TOOLS_H
#define LG_SERVER_TOOLS_H

#include "server/config.h"

int lg_tool_restore(const struct lg_settings *s, int argc, char **argv);
int lg_tool_import(const struct lg_settings *s, int argc, char **argv);
int lg_tool_export(const struct lg_settings *s, int argc, char **argv);

#endif
