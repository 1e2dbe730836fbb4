/*
 * recover.c: break-glass, on a stopped service: an administrator's new password, an older policy set.  Nothing else, and on
 * record under a principal of its own.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "lightgate/store.h"
#include "server/app_own.h"
#include "server/bootstrap.h"
#include "server/point.h"
#include "server/tenants.h"

/* ---- recover password NAME -------------------------------------------------------------------------- */

struct reset {
	struct lg_app *app;
	lg_str name, verifier;
};

static lg_err
find_admin(struct lg_ctx *cx, struct lg_view *v, lg_str name, struct lg_entry *ret)
{
	struct lg_entry group;
	bool member;

	if (lg_entry_by_name(cx, v, LG_DEFAULT_TENANT, LG_TYPE_USER, name, ret) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no user %.*s", LG_FMT(name));
	LG_TRY(lg_entry_by_name(cx, v, LG_DEFAULT_TENANT, LG_TYPE_GROUP, LG_STR("administrators"), &group));
	LG_TRY(lg_entry_is_member(cx, v, ret, &group, &member));
	if (!member)
		return lg_fail(cx, LG_E_DENIED, "%.*s is no administrator", LG_FMT(name));
	return LG_OK;
}

/* A new password, the account enabled, and whoever knew the old one signed out. */
static lg_err
reset_admin(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	static const struct lg_modification enable = { LG_MODIFY_REPLACE, { { "lgEnabled", 9 }, NULL, 0 } };
	const struct reset *r = arg;
	struct lg_edit ed = lg_edit_of(r->app->directory, v, LG_DEFAULT_TENANT);
	char id[LG_UUID_TEXT + 1];
	struct lg_entry e;

	LG_TRY(find_admin(cx, v, r->name, &e));
	lg_uuid_text(e.uuid, id);
	lg_audit(v, lg_print(cx->arena, "User/%.*s", LG_FMT(e.name)), LG_NONE);
	LG_TRY(lg_sts_revoke(cx, v, e.tenant, LG_REVOKED_SUBJECT, lg_str_of(id), lg_view_time(v)));
	if (!e.enabled)
		LG_TRY(lg_entry_modify(cx, &ed, &e, &enable, 1, NULL));
	return lg_entry_set_verifier(cx, &ed, &e, r->verifier);
}

static lg_err
recover_password(struct lg_ctx *cx, struct lg_app *app, lg_str name)
{
	struct reset r = { .app = app, .name = name };
	lg_str text = lg_password_new(cx->arena);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(text);

	LG_TRY(app->hasher.hash_wait(app->hasher.self, cx, &secret, &r.verifier));
	LG_TRY(lg_store_apply(cx, app->store, LG_DEFAULT_TENANT, "recover.password", reset_admin, &r, NULL));
	printf("%.*s\n", LG_FMT(text));
	return LG_OK;
}

/* ---- recover rollback VERSION -------------------------------------------------------------------------- */

static lg_err
source_of(struct lg_ctx *cx, struct lg_app *app, uint64_t version, lg_str *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_policy_version pv;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	if (lg_policy_version_get(cx, v, LG_DEFAULT_TENANT, version, &pv) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no policy version %llu", (unsigned long long)version);
	*ret = lg_dup(cx->arena, pv.source);
	return LG_OK;
}

/* The old text becomes a new version: versions never fall. */
static lg_err
recover_rollback(struct lg_ctx *cx, struct lg_app *app, lg_str text)
{
	struct lg_policy_faults faults = { .v = NULL };
	uint64_t fresh;
	int64_t version;
	lg_str source;

	if (!lg_int_parse(text, &version) || version < 1)
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no version", LG_FMT(text));
	LG_TRY(source_of(cx, app, (uint64_t)version, &source));
	lg_store_turn(app->store);
	LG_TRY(lg_policy_activate(cx, app->point, LG_DEFAULT_TENANT, source, "recover.rollback", &faults, &fresh));
	printf("version %llu is in force, with the text of %lld\n", (unsigned long long)fresh, (long long)version);
	return LG_OK;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	lg_err (*run)(struct lg_ctx *cx, struct lg_app *app, lg_str argument);
} verbs[] = {
	{ "password", recover_password },
	{ "rollback", recover_rollback },
};

lg_err
lg_app_task(struct lg_ctx *cx, struct lg_app *app, char **words)
{
	const struct lg_actor *was = cx->actor;
	struct lg_actor actor = { .kind = LG_ACTOR_RECOVER, .type = LG_STR("Recover"), .name = LG_STR("recover"),
		.address = lg_print(cx->arena, "pid=%d", (int)getppid()) };
	lg_err e = LG_E_INVALID;
	size_t i = 0;

	while (i < LG_COUNT(verbs) && (words[1] == NULL || strcmp(verbs[i].name, words[1]) != 0))
		i++;
	if (i == LG_COUNT(verbs) || words[2] == NULL || words[3] != NULL)
		return lg_fail(cx, LG_E_INVALID, "recover password NAME, or recover rollback VERSION");
	cx->actor = &actor;
	e = verbs[i].run(cx, app, lg_str_of(words[2]));
	cx->actor = was;
	lg_store_turn(app->store);
	return e;
}
