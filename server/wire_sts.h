/* wire_sts.h: entries for those whom identity sources vouch for. */
#ifndef LG_SERVER_WIRE_STS_H
#define LG_SERVER_WIRE_STS_H

#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/app.h"

/* The entry of this name below the tenant's suffix; the values are escaped here.  LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_wire_entry_at(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_pair *rdn, size_t n,
    struct lg_entry *ret);
/* Inside a mutation: see the port `person` (lightgate/sts.h). */
LG_CHECKED lg_err lg_wire_person(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_person *p,
    lg_uuid known, struct lg_entry *ret);

/* Inside a mutation: the port password_set, and whatever else changes one's own: policy decides. */
LG_CHECKED lg_err lg_wire_own_password(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str verifier,
    bool link);

/* The ports client_may, client_entry and client_gone. */
LG_CHECKED lg_err lg_wire_client_may(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who);
LG_CHECKED lg_err lg_wire_client_entry(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who,
    lg_str name, lg_uuid *ret);
LG_CHECKED lg_err lg_wire_client_gone(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry);

#endif
