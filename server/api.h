/* api.h: what the files of the admin API share: /v1/<kind>/<name>/..., JSON answers, paging. */
#ifndef LG_SERVER_API_H
#define LG_SERVER_API_H

#include "base/json.h"
#include "server/app_own.h"
#include "server/caller.h"
#include "server/state.h"

#define LG_API_PAGE	100		/* items of a page unless asked otherwise */
#define LG_API_PAGE_MAX	1000
#define LG_API_SEGMENTS	6		/* of a path behind /v1 */

struct lg_api_path {
	lg_str segment[LG_API_SEGMENTS];	/* "users", "alice", "password" */
	size_t n;
};

LG_CHECKED lg_err lg_api_path(struct lg_http *ex, struct lg_api_path *ret);
struct lg_jsonw lg_api_json(struct lg_http *ex);	/* sets the type; the writer goes to the body */
/* AuthZEN 10.1: a body of any other type is a 400. */
LG_CHECKED lg_err lg_api_is_json(struct lg_http *ex);
/* ?limit=, between 1 and LG_API_PAGE_MAX. */
LG_CHECKED lg_err lg_api_limit(struct lg_http *ex, const struct lg_form *query, size_t *ret);
/* The entry that /v1/<kind>/<name> names. */
LG_CHECKED lg_err lg_api_entry(struct lg_http *ex, struct lg_view *v, const struct lg_api_path *path, struct lg_entry *ret);
/* The same within a mutation: asks again whether the caller may write, and names the entry to the record. */
LG_CHECKED lg_err lg_api_entry_to_change(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who,
    const struct lg_api_path *path, struct lg_entry *ret);

/* The caller, if policy lets them change what is in the tenant (admin:write).  No view open. */
LG_CHECKED lg_err lg_api_may_write(struct lg_app *app, struct lg_http *ex, struct lg_caller *who);

/* 422 with every fault of a set. */
struct lg_policy_faults;
LG_CHECKED lg_err lg_api_policy_faults(struct lg_http *ex, const struct lg_policy_faults *faults);
/* The text of a version, in ex's arena. */
LG_CHECKED lg_err lg_api_policy_source(struct lg_app *app, struct lg_http *ex, uint64_t version, lg_str *ret);

/* The handlers, one concern a file. */
lg_err lg_api_login(void *self, struct lg_http *ex);
lg_err lg_api_whoami(void *self, struct lg_http *ex);
lg_err lg_api_apply(void *self, struct lg_http *ex);
lg_err lg_api_list(void *self, struct lg_http *ex);
lg_err lg_api_show(void *self, struct lg_http *ex);
lg_err lg_api_delete(void *self, struct lg_http *ex);
lg_err lg_api_create(void *self, struct lg_http *ex);
lg_err lg_api_patch(void *self, struct lg_http *ex);
lg_err lg_api_deed(void *self, struct lg_http *ex);
lg_err lg_api_own_password(void *self, struct lg_http *ex);
lg_err lg_api_sources(void *self, struct lg_http *ex);
lg_err lg_api_source(void *self, struct lg_http *ex);
lg_err lg_api_put_source(void *self, struct lg_http *ex);
lg_err lg_api_try_source(void *self, struct lg_http *ex);
lg_err lg_api_del_source(void *self, struct lg_http *ex);
lg_err lg_api_mail(void *self, struct lg_http *ex);
lg_err lg_api_put_mail(void *self, struct lg_http *ex);
lg_err lg_api_try_mail(void *self, struct lg_http *ex);
lg_err lg_api_del_mail(void *self, struct lg_http *ex);
lg_err lg_api_user_link(void *self, struct lg_http *ex);
/* /v1/users/<name>/factors, /sessions and what is below them; LG_E_NOT_FOUND: the path is of something else. */
LG_CHECKED lg_err lg_api_user_list(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_api_path *path);
LG_CHECKED lg_err lg_api_user_end(struct lg_app *app, struct lg_http *ex, const struct lg_api_path *path);
lg_err lg_api_import(void *self, struct lg_http *ex);
lg_err lg_api_export(void *self, struct lg_http *ex);
lg_err lg_api_indexes(void *self, struct lg_http *ex);
lg_err lg_api_create_index(void *self, struct lg_http *ex);
lg_err lg_api_drop_index(void *self, struct lg_http *ex);
lg_err lg_api_password_policy(void *self, struct lg_http *ex);
lg_err lg_api_patch_password_policy(void *self, struct lg_http *ex);
lg_err lg_api_put_member(void *self, struct lg_http *ex);
lg_err lg_api_del_member(struct lg_app *app, struct lg_http *ex, const struct lg_api_path *path);
lg_err lg_api_post_user(void *self, struct lg_http *ex);
lg_err lg_api_post_host(void *self, struct lg_http *ex);
lg_err lg_api_post_client(void *self, struct lg_http *ex);
lg_err lg_api_replay(void *self, struct lg_http *ex);
lg_err lg_api_policies(void *self, struct lg_http *ex);
lg_err lg_api_policy(void *self, struct lg_http *ex);
lg_err lg_api_activate(void *self, struct lg_http *ex);
lg_err lg_api_rollback(void *self, struct lg_http *ex);
lg_err lg_api_audit(void *self, struct lg_http *ex);
lg_err lg_api_audit_verify(void *self, struct lg_http *ex);
lg_err lg_api_backup(void *self, struct lg_http *ex);

#endif
