/* bootstrap.c: what the first start makes. */
#include "server/bootstrap.h"

#include "lightgate/directory.h"
#include "lightgate/store.h"
#include "server/embedded.h"
#include "server/point.h"
#include "server/row_key.h"
#include "server/tenants.h"

const struct lg_table lg_tenant_key_table = { .name = "tenant_key", .id = 0x0602 };

lg_str
lg_password_new(struct lg_arena *a)
{
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t random[20];
	char *p = lg_alloc(a, sizeof random + 1);

	_Static_assert(sizeof alphabet - 1 == 32, "five bits a character");
	lg_random(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		p[i] = alphabet[random[i] % 32];
	return (lg_str){ p, sizeof random };
}

struct making {
	struct lg_app *app;
	const struct lg_new_tenant *t;
	lg_str data_key, verifier;
};

static lg_err
ask_data_key(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_wrap_new(k, *(const uint32_t *)arg, done, done_arg);
}

static lg_err
make_people(struct lg_ctx *cx, struct lg_view *v, const struct making *m)
{
	struct lg_edit ed = lg_edit_of(m->app->directory, v, m->t->id);
	struct lg_entry group, admin;

	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_GROUP, LG_STR("administrators"), NULL, 0, &group));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_USER, m->t->admin, NULL, 0, &admin));
	LG_TRY(lg_member_add(cx, &ed, &group, &admin));
	return lg_entry_set_verifier(cx, &ed, &admin, m->verifier);
}

static lg_err
make_tenant(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct making *m = arg;
	const struct lg_new_tenant *t = m->t;
	const struct lg_embedded *policies = lg_embedded_get("conf/policies/tenant.cedar");

	if (policies == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "the default policies are not part of this program");
	LG_TRY(lg_tenant_add(cx, m->app->directory, v, t->id, t->name, t->suffix));
	LG_TRY(lg_put(cx, v, &lg_tenant_key_table, lg_row_key(cx->arena, t->id, LG_NONE, LG_NONE), m->data_key));
	LG_TRY(make_people(cx, v, m));
	lg_audit(v, t->suffix, t->id == LG_DEFAULT_TENANT ? LG_STR("{\"first\":true}") : LG_NONE);
	return lg_policy_first(cx, m->app->point, v, t->id, policies->data);
}

lg_err
lg_tenant_make(struct lg_ctx *cx, struct lg_app *app, const struct lg_new_tenant *t, lg_str *password)
{
	struct making m = { .app = app, .t = t };
	uint32_t id = t->id;
	lg_str text = lg_password_new(cx->arena);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(text);

	LG_TRY(app->hasher.hash_wait(app->hasher.self, cx, &secret, &m.verifier));
	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_data_key, &id, &m.data_key));
	LG_TRY(lg_keeper_link_data_key(app->keeper, cx, id, m.data_key));
	LG_TRY(lg_store_apply(cx, app->store, id, "tenant.create", make_tenant, &m, NULL));
	*password = text;
	return LG_OK;
}

static bool
exists(struct lg_ctx *cx, struct lg_app *app)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_tenant t;

	return lg_view_begin(cx, app->store, &v) == LG_OK && lg_tenant_get(cx, v, LG_DEFAULT_TENANT, &t) == LG_OK;
}

lg_err
lg_bootstrap(struct lg_ctx *cx, struct lg_app *app, lg_str *password)
{
	const struct lg_settings *s = app->settings;
	struct lg_new_tenant t = { .id = LG_DEFAULT_TENANT, .name = s->tenant, .suffix = s->suffix, .admin = s->admin };
	lg_str text;

	*password = LG_NONE;
	if (exists(cx, app))
		return LG_OK;
	cx->actor = &lg_system;
	LG_TRY(lg_tenant_make(cx, app, &t, &text));
	*password = lg_dup(app->arena, text);
	return LG_OK;
}

lg_err
lg_tenant_key_get(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, lg_str *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str row;

	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(lg_get(cx, v, &lg_tenant_key_table, lg_row_key(cx->arena, tenant, LG_NONE, LG_NONE), &row));
	*ret = lg_dup(cx->arena, row);
	return LG_OK;
}

static lg_err
tenant_ids(struct lg_ctx *cx, struct lg_app *app, struct lg_tenant **ret, size_t *n)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	return lg_tenant_list(cx, v, ret, n);
}

lg_err
lg_data_keys_open(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_tenant *tenant = NULL;
	size_t n = 0;

	LG_TRY(tenant_ids(cx, app, &tenant, &n));
	for (size_t i = 0; i < n; i++) {
		lg_str wrapped;
		LG_TRY(lg_tenant_key_get(cx, app->store, tenant[i].id, &wrapped));
		LG_TRY(lg_keeper_link_data_key(app->keeper, cx, tenant[i].id, wrapped));
	}
	return LG_OK;
}
