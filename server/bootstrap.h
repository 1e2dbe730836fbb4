/* bootstrap.h: the first start: one tenant, its policies and its first administrator, in one change. */
#ifndef LG_SERVER_BOOTSTRAP_H
#define LG_SERVER_BOOTSTRAP_H

#include "server/app.h"

extern const struct lg_table lg_tenant_key_table;	/* (tenant) -> the data key, sealed by the keeper */

/* Makes the default tenant unless there is one.  password: the administrator's, in app->arena; empty when nothing was made. */
LG_CHECKED lg_err lg_bootstrap(struct lg_ctx *cx, struct lg_app *app, lg_str *password);
/* Every tenant's data key, opened by the keeper for lg_signer.data_key. */
LG_CHECKED lg_err lg_data_keys_open(struct lg_ctx *cx, struct lg_app *app);
/* A password for people to copy once: 20 characters of an alphabet without look-alikes, 99 bits. */
lg_str lg_password_new(struct lg_arena *a);

#endif
