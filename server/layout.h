/* layout.h: DATA: one folder per process, each closed to the others; and who the processes are. */
#ifndef LG_SERVER_LAYOUT_H
#define LG_SERVER_LAYOUT_H

#include <sys/types.h>

#include "lightgate/crypto.h"
#include "server/config.h"

#define LG_DEV_SERVER_UID	61001		/* --dev makes no users: as root it borrows these two */
#define LG_DEV_KEEPER_UID	61002
#define LG_SEALING_SECRET	32

struct lg_users {
	bool own;			/* started as root: the processes have users of their own */
	uid_t server_uid, keeper_uid;
	gid_t server_gid, keeper_gid;
};

LG_CHECKED lg_err lg_users_find(struct lg_ctx *cx, const struct lg_settings *s, struct lg_users *ret);
/* Makes what is missing and sets owners and modes. */
LG_CHECKED lg_err lg_layout_make(struct lg_ctx *cx, const struct lg_settings *s, const struct lg_users *u);
/* The secret that seals the keeper's keys: a systemd credential, the file of the settings, or with --dev one made below DATA. */
LG_CHECKED lg_err lg_sealing_secret(struct lg_ctx *cx, const struct lg_settings *s, struct lg_secret *ret);

#endif
