/* place.h: a store, a directory, the policies of this program and a decision point in a folder of their own, without processes. */
#ifndef LG_TESTS_SERVER_PLACE_H
#define LG_TESTS_SERVER_PLACE_H

#include <criterion/criterion.h>

#include "lightgate/directory.h"
#include "lightgate/keeper.h"
#include "server/app.h"
#include "server/point.h"

#define PLACE_TENANT 1

struct place {
	char dir[200], store_dir[260], log_dir[260], archive[260];
	struct lg_ctx cx;
	struct lg_settings settings;
	struct lg_store *store;
	struct lg_segments *segments;
	struct lg_directory *directory;
	struct lg_directory_ports ports;
	struct lg_decider decider;
	struct lg_hasher hasher;
	struct lg_signer signer;
	struct lg_secret data_key;
	struct lg_point *point;
	struct lg_tenant tenant;
};

/* The first start: group administrators with admin, who has a password; the default policies are version 1. */
void place_start(struct place *p);
void place_end(struct place *p);

/* The decision point alone, new; p->decider asks it.  No set is in force before lg_point_load. */
void place_point(struct place *p);

/* Each is one change. */
struct lg_entry place_make(struct place *p, enum lg_entry_type type, const char *name, const char *attribute, const char *value);
void place_remove(struct place *p, enum lg_entry_type type, const char *name);
void place_join(struct place *p, const char *group, enum lg_entry_type type, const char *name);
void place_enable(struct place *p, enum lg_entry_type type, const char *name, bool yes);
/* The text is added to the default policies. */
lg_err place_activate(struct place *p, const char *more, uint64_t *version);
lg_str place_defaults(void);

/* A question with entries by name as they are now; facts end with one without a name. */
struct lg_verdict place_ask(struct place *p, enum lg_entry_type who, const char *name, const char *action, enum lg_entry_type what,
    const char *on, const struct lg_fact *context);

#define place_ok(p, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, LG_OK, "%s: %s (%s)", #call, lg_err_name(e_), (p)->cx.error); \
	} while (0)
#define place_err(p, want, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, (want), "%s: %s (%s), not %s", #call, lg_err_name(e_), (p)->cx.error, lg_err_name(want)); \
	} while (0)

#endif
