/* bootstrap.h: a tenant, its policies and its first administrator, in one change: at the first start, and when the operator asks. */
#ifndef LG_SERVER_BOOTSTRAP_H
#define LG_SERVER_BOOTSTRAP_H

#include "server/app.h"

extern const struct lg_table lg_tenant_key_table;	/* (tenant) -> the data key, sealed by the keeper */

struct lg_new_tenant {
	uint32_t id;			/* the keeper has its keys */
	lg_str name, suffix;
	lg_str admin;			/* its first administrator's name */
};
/* password: the administrator's, in cx's arena.  On the main thread or a worker; not in force before lg_point_load and
 * lg_tenants_renew.  LG_E_EXISTS, and nothing is made, when id, name or suffix is taken. */
LG_CHECKED lg_err lg_tenant_make(struct lg_ctx *cx, struct lg_app *app, const struct lg_new_tenant *t, lg_str *password);
/* Makes the default tenant unless there is one.  password: the administrator's, in app->arena; empty when nothing was made. */
LG_CHECKED lg_err lg_bootstrap(struct lg_ctx *cx, struct lg_app *app, lg_str *password);
/* Every tenant's data key, opened by the keeper for lg_signer.data_key. */
LG_CHECKED lg_err lg_data_keys_open(struct lg_ctx *cx, struct lg_app *app);
/* A tenant's data key as it is stored, in cx's arena. */
LG_CHECKED lg_err lg_tenant_key_get(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, lg_str *ret);
/* A password for people to copy once: 20 characters of an alphabet without look-alikes, 99 bits. */
lg_str lg_password_new(struct lg_arena *a);

#endif
