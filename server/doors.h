/* doors.h: the table of listeners: opened by the parent, served by the server, told to the world in the ready line. */
#ifndef LG_SERVER_DOORS_H
#define LG_SERVER_DOORS_H

#include "base/json.h"
#include "server/app.h"

enum lg_door_id { LG_DOOR_HTTPS, LG_DOOR_MTLS, LG_DOOR_STREAM, LG_DOOR_HTTP, LG_DOOR_LDAP, LG_DOOR_LDAPS, LG_DOOR_LDAPI, LG_DOOR_UNIX, LG_DOORS };

struct lg_door {
	int fd;				/* -1: not offered */
	lg_str url;			/* https://host:port, ldapi://%2Frun%2F...; the path of the UNIX socket for HTTP */
};

/* Binds them all.  On failure those that were bound are closed. */
LG_CHECKED lg_err lg_doors_bind(struct lg_ctx *cx, const struct lg_settings *s, struct lg_door doors[LG_DOORS]);
LG_CHECKED lg_err lg_doors_listen(struct lg_ctx *cx, const struct lg_door doors[LG_DOORS]);
void lg_doors_close(struct lg_door doors[LG_DOORS]);
/* Settings that leave the port open get the one that an earlier ready line names. */
LG_CHECKED lg_err lg_doors_restore(struct lg_ctx *cx, lg_str line, struct lg_settings *s);
/* The members of the ready line. */
void lg_doors_tell(const struct lg_door doors[LG_DOORS], struct lg_jsonw *w);
void lg_doors_endpoints(struct lg_arena *a, const struct lg_settings *s, const struct lg_door doors[LG_DOORS], struct lg_endpoints *ret);

#endif
