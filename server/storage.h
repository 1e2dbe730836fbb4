/* storage.h: the store as this service uses it: the tables of all components, the same for the daemon and for its tools. */
#ifndef LG_SERVER_STORAGE_H
#define LG_SERVER_STORAGE_H

#include "lightgate/store.h"
#include "server/config.h"

/* dir: DATA/store, or a copy of it that a tool looks at; archive: DATA/archive. */
LG_CHECKED lg_err lg_storage_open(struct lg_ctx *cx, const struct lg_settings *s, const char *dir, const char *archive, struct lg_store **ret);
/* A copy that is filled at once: nothing is synced. */
LG_CHECKED lg_err lg_storage_open_load(struct lg_ctx *cx, const struct lg_settings *s, const char *dir, const char *archive, struct lg_store **ret);

#endif
