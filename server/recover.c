/*
 * recover.c: break-glass: an administrator's new password, an end to a lock-out, an older policy set.  Nothing else, and on
 * record under a principal of its own.
 */
#include "server/recover.h"

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

/* ---- password NAME, unlock NAME ---------------------------------------------------------------------------- */

struct reset {
	struct lg_app *app;
	uint32_t tenant;
	lg_str name, verifier;		/* empty: the password stays */
	lg_uuid found;
};

static lg_err
find_admin(struct lg_ctx *cx, struct lg_view *v, const struct reset *r, struct lg_entry *ret)
{
	struct lg_entry group;
	bool member;

	if (lg_entry_by_name(cx, v, r->tenant, LG_TYPE_USER, r->name, ret) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no user %.*s", LG_FMT(r->name));
	LG_TRY(lg_entry_by_name(cx, v, r->tenant, LG_TYPE_GROUP, LG_STR("administrators"), &group));
	LG_TRY(lg_entry_is_member(cx, v, ret, &group, &member));
	if (!member)
		return lg_fail(cx, LG_E_DENIED, "%.*s is no administrator", LG_FMT(r->name));
	return LG_OK;
}

/* The account enabled; with a new password, whoever knew the old one is signed out. */
static lg_err
reset_admin(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	static const struct lg_modification enable = { LG_MODIFY_REPLACE, { { "lgEnabled", 9 }, NULL, 0 } };
	struct reset *r = arg;
	struct lg_edit ed = lg_edit_of(r->app->directory, v, r->tenant);
	char id[LG_UUID_TEXT + 1];
	struct lg_entry e;

	LG_TRY(find_admin(cx, v, r, &e));
	r->found = e.uuid;
	lg_uuid_text(e.uuid, id);
	lg_audit(v, lg_print(cx->arena, "User/%.*s", LG_FMT(e.name)), LG_NONE);
	if (!e.enabled)
		LG_TRY(lg_entry_modify(cx, &ed, &e, &enable, 1, NULL));
	if (r->verifier.n == 0)
		return LG_OK;
	LG_TRY(lg_sts_revoke(cx, v, e.tenant, LG_REVOKED_SUBJECT, lg_str_of(id), lg_view_time(v)));
	return lg_entry_set_verifier(cx, &ed, &e, r->verifier);
}

static lg_err
recover_password(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text)
{
	struct reset r = { .app = app, .tenant = rc->tenant, .name = rc->argument };
	lg_str password = lg_password_new(cx->arena);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(password);

	LG_TRY(app->hasher.hash_wait(app->hasher.self, cx, &secret, &r.verifier));
	LG_TRY(lg_store_apply(cx, app->store, rc->tenant, "recover.password", reset_admin, &r, NULL));
	lg_sts_forgive(cx, app->sts, rc->tenant, r.found);
	*text = password;
	return LG_OK;
}

static lg_err
recover_unlock(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text)
{
	struct reset r = { .app = app, .tenant = rc->tenant, .name = rc->argument };

	LG_TRY(lg_store_apply(cx, app->store, rc->tenant, "recover.unlock", reset_admin, &r, NULL));
	lg_sts_forgive(cx, app->sts, rc->tenant, r.found);
	*text = lg_print(cx->arena, "%.*s may sign in", LG_FMT(rc->argument));
	return LG_OK;
}

/* ---- rollback VERSION -------------------------------------------------------------------------- */

static lg_err
source_of(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, uint64_t version, lg_str *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_policy_version pv;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	if (lg_policy_version_get(cx, v, tenant, version, &pv) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no policy version %llu", (unsigned long long)version);
	*ret = lg_dup(cx->arena, pv.source);
	return LG_OK;
}

/* The old text becomes a new version: versions never fall. */
static lg_err
recover_rollback(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text)
{
	struct lg_policy_faults faults = { .v = NULL };
	uint64_t fresh;
	int64_t version;
	lg_str source;

	if (!lg_int_parse(rc->argument, &version) || version < 1)
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no version", LG_FMT(rc->argument));
	LG_TRY(source_of(cx, app, rc->tenant, (uint64_t)version, &source));
	lg_store_turn(app->store);
	LG_TRY(lg_policy_activate(cx, app->point, rc->tenant, source, "recover.rollback", &faults, &fresh));
	*text = lg_print(cx->arena, "version %llu is in force, with the text of %lld", (unsigned long long)fresh, (long long)version);
	return LG_OK;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	lg_err (*run)(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text);
} verbs[] = {
	{ "password", recover_password },
	{ "unlock", recover_unlock },
	{ "rollback", recover_rollback },
};

lg_err
lg_recover(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text)
{
	for (size_t i = 0; i < LG_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, rc->verb) == 0)
			return verbs[i].run(cx, app, rc, text);
	return lg_fail(cx, LG_E_INVALID, "recover password NAME, recover unlock NAME, or recover rollback VERSION");
}

/* ---- on a stopped service ----------------------------------------------------------------------------------- */

lg_err
lg_app_task(struct lg_ctx *cx, struct lg_app *app, char **words)
{
	const struct lg_actor *was = cx->actor;
	struct lg_actor actor = { .kind = LG_ACTOR_RECOVER, .type = LG_STR("Recover"), .name = LG_STR("recover"),
		.address = lg_print(cx->arena, "pid=%d", (int)getppid()) };
	struct lg_recover rc = { .tenant = LG_DEFAULT_TENANT, .verb = "" };
	lg_str text;

	if (words[1] != NULL && words[2] != NULL && words[3] == NULL) {
		rc.verb = words[1];
		rc.argument = lg_str_of(words[2]);
	}
	cx->actor = &actor;
	lg_err e = lg_recover(cx, app, &rc, &text);
	cx->actor = was;
	lg_store_turn(app->store);
	if (e == LG_OK)
		printf("%.*s\n", LG_FMT(text));
	return e;
}
