/* state_apply.c: makes the tenant match a state document: secrets first, then all entries in one change, then the policies. */
#include "base/text.h"
#include "server/app_own.h"
#include "server/bootstrap.h"
#include "server/caller.h"
#include "server/point.h"
#include "server/state.h"
#include "lightgate/store.h"

#define APPLIED_LINE "// ---- applied ----\n"

struct work {
	struct lg_app *app;
	uint32_t tenant;
	struct lg_state *state;
	const struct lg_caller *who;	/* NULL: the service itself */
	bool dry_run, rehearsed;
};

/* ---- secrets for what is new, before the change: hashing takes its time --------------------------------------- */

static bool
wants_password(const struct lg_state_item *it)
{
	return it->kind->type == LG_TYPE_USER && !it->no_password;
}

static lg_err
make_password(struct lg_ctx *cx, struct lg_app *app, struct lg_state_item *it)
{
	it->secret = lg_password_new(cx->arena);
	LG_AUTO(lg_secret_free) struct lg_secret s = lg_secret_copy(it->secret);
	return app->hasher.hash_wait(app->hasher.self, cx, &s, &it->verifier);
}

static void
make_client_secret(struct lg_ctx *cx, struct lg_state_item *it)
{
	it->secret = lg_token_new(cx->arena);
	it->secret_hash = lg_sha256_of(it->secret);
}

static lg_err
find_new(struct lg_ctx *cx, struct work *w, bool *is_new)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_entry e;

	LG_TRY(lg_view_begin(cx, w->app->store, &v));
	for (size_t i = 0; i < w->state->n; i++) {
		const struct lg_state_item *it = &w->state->item[i];
		lg_err err = lg_entry_by_name(cx, v, w->tenant, it->kind->type, it->name, &e);
		if (err != LG_OK && err != LG_E_NOT_FOUND)
			return err;
		is_new[i] = err == LG_E_NOT_FOUND;
	}
	return LG_OK;
}

static lg_err
make_secrets(struct lg_ctx *cx, struct work *w)
{
	bool *is_new = LG_NEWS(cx->arena, bool, w->state->n);
	size_t made = 0;

	LG_TRY(find_new(cx, w, is_new));
	lg_store_turn(w->app->store);	/* no snapshot is held while passwords are hashed */
	for (size_t i = 0; i < w->state->n && !w->dry_run; i++) {
		struct lg_state_item *it = &w->state->item[i];
		if (!is_new[i])
			continue;
		if (wants_password(it) && made++ < LG_STATE_NEW)
			LG_TRY(make_password(cx, w->app, it));
		else if (it->has_client && lg_sts_client_needs_secret(&it->client))
			make_client_secret(cx, it);
	}
	return LG_OK;
}

/* ---- one item ------------------------------------------------------------------------------------------------------ */

static void
mark(struct lg_state_item *it, const char *field)
{
	if (it->change == LG_STS_UNCHANGED)
		it->change = LG_STS_CHANGED;
	if (it->nchanged < LG_COUNT(it->changed))
		it->changed[it->nchanged++] = lg_str_of(field);
}

static lg_err
named(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str name, struct lg_entry *ret)
{
	lg_err e = lg_entry_by_name(cx, v, tenant, type, name, ret);
	lg_str t = lg_type_name(type);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_INVALID, "there is no %.*s \"%.*s\"", LG_FMT(t), LG_FMT(name));
	return e;
}

/* Names of entries become their DNs, which is how such attributes are written. */
static lg_err
values_of(struct lg_ctx *cx, struct work *w, struct lg_view *v, const struct lg_state_value *sv, struct lg_values *ret)
{
	lg_str *dn = LG_NEWS(cx->arena, lg_str, sv->n);
	struct lg_entry e;

	*ret = (struct lg_values){ lg_str_of(sv->field->attribute), sv->v, sv->n };
	if (sv->field->kind != LG_FIELD_REF && sv->field->kind != LG_FIELD_REFS)
		return LG_OK;
	for (size_t i = 0; i < sv->n; i++) {
		LG_TRY(named(cx, v, w->tenant, sv->field->of, sv->v[i], &e));
		LG_TRY(lg_entry_dn(cx, v, &e, &dn[i]));
	}
	ret->v = dn;
	return LG_OK;
}

static bool
is_membership(const struct lg_state_value *sv)
{
	return sv->field->kind == LG_FIELD_GROUPS || sv->field->kind == LG_FIELD_MEMBERS;
}

static lg_err
create(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it, struct lg_entry *e)
{
	struct lg_values values[LG_COUNT(it->value)];
	size_t n = 0;
	bool changed;

	for (size_t i = 0; i < it->nvalues; i++)
		if (!is_membership(&it->value[i]) && it->value[i].field->class == NULL && it->value[i].n > 0)
			LG_TRY(values_of(cx, w, ed->v, &it->value[i], &values[n++]));
	it->change = LG_STS_CREATED;
	LG_TRY(lg_entry_create(cx, ed, it->kind->type, it->name, values, n, e));
	LG_TRY(lg_state_posix(cx, ed, it, e, &changed));
	return it->verifier.n > 0 ? lg_entry_set_verifier(cx, ed, e, it->verifier) : LG_OK;
}

static lg_err
change(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it, struct lg_entry *e)
{
	for (size_t i = 0; i < it->nvalues; i++) {
		struct lg_modification mod = { .kind = LG_MODIFY_REPLACE };
		bool changed = false;
		if (is_membership(&it->value[i]) || it->value[i].field->class != NULL)
			continue;
		LG_TRY(values_of(cx, w, ed->v, &it->value[i], &mod.values));
		LG_TRY(lg_entry_modify(cx, ed, e, &mod, 1, &changed));
		if (changed)
			mark(it, it->value[i].field->name);
	}
	return LG_OK;
}

static lg_err
change_posix(struct lg_ctx *cx, struct lg_edit *ed, struct lg_state_item *it, struct lg_entry *e)
{
	bool changed;

	LG_TRY(lg_state_posix(cx, ed, it, e, &changed));
	for (size_t i = 0; changed && i < it->nvalues; i++)
		if (it->value[i].field->class != NULL)
			mark(it, it->value[i].field->name);
	return LG_OK;
}

static lg_err
put_client(struct lg_ctx *cx, struct work *w, struct lg_view *v, struct lg_state_item *it, const struct lg_entry *e)
{
	enum lg_sts_change did = LG_STS_UNCHANGED;

	if (!it->has_client)
		return LG_OK;
	if (it->patch.n > 0) {
		struct lg_sts_client now;

		LG_TRY(lg_sts_client_get(cx, v, w->tenant, it->name, &now));
		LG_TRY(lg_sts_client_read(cx, it->patch, &now, &it->client));
	}
	it->client.entry = e->uuid;
	LG_TRY(lg_sts_client_put(cx, v, w->tenant, &it->client, it->secret.n > 0 ? &it->secret_hash : NULL, &did));
	if (did == LG_STS_CHANGED && it->change != LG_STS_CREATED)
		mark(it, "client");
	return LG_OK;
}

static lg_err
put_item(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it)
{
	struct lg_entry e;
	lg_err err = lg_entry_by_name(cx, ed->v, w->tenant, it->kind->type, it->name, &e);

	it->change = LG_STS_UNCHANGED;
	it->nchanged = 0;
	if (err == LG_E_NOT_FOUND)
		LG_TRY(create(cx, w, ed, it, &e));
	else if (err != LG_OK)
		return err;
	else {
		LG_TRY(change(cx, w, ed, it, &e));
		LG_TRY(change_posix(cx, ed, it, &e));
	}
	return put_client(cx, w, ed->v, it, &e);
}

/* ---- memberships: those named are made; others stay ------------------------------------------------------------------ */

static lg_err
join(struct lg_ctx *cx, struct lg_edit *ed, struct lg_state_item *it, const struct lg_entry *group, const struct lg_entry *member,
    const char *field)
{
	lg_err e = lg_member_add(cx, ed, group, member);

	if (e == LG_OK && it->change != LG_STS_CREATED)
		mark(it, field);
	return e == LG_E_EXISTS ? LG_OK : e;
}

static lg_err
join_groups(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it, const struct lg_state_value *sv,
    const struct lg_entry *e)
{
	struct lg_entry group;

	for (size_t i = 0; i < sv->n; i++) {
		LG_TRY(named(cx, ed->v, w->tenant, LG_TYPE_GROUP, sv->v[i], &group));
		LG_TRY(join(cx, ed, it, &group, e, sv->field->name));
	}
	return LG_OK;
}

static lg_err
take_members(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it, const struct lg_state_value *sv,
    const struct lg_entry *group)
{
	enum lg_entry_type type;
	struct lg_entry member;
	lg_str t, name;

	for (size_t i = 0; i < sv->n; i++) {
		if (!lg_str_cut(sv->v[i], '/', &t, &name) || !lg_type_parse(t, &type))
			return lg_fail(cx, LG_E_INVALID, "member \"%.*s\" is not of the form User/name", LG_FMT(sv->v[i]));
		LG_TRY(named(cx, ed->v, w->tenant, type, name, &member));
		LG_TRY(join(cx, ed, it, group, &member, sv->field->name));
	}
	return LG_OK;
}

static lg_err
put_memberships(struct lg_ctx *cx, struct work *w, struct lg_edit *ed, struct lg_state_item *it)
{
	struct lg_entry e;

	for (size_t i = 0; i < it->nvalues; i++) {
		const struct lg_state_value *sv = &it->value[i];
		if (!is_membership(sv))
			continue;
		LG_TRY(named(cx, ed->v, w->tenant, it->kind->type, it->name, &e));
		LG_TRY(sv->field->kind == LG_FIELD_GROUPS ? join_groups(cx, w, ed, it, sv, &e) : take_members(cx, w, ed, it, sv, &e));
	}
	return LG_OK;
}

/* ---- the change --------------------------------------------------------------------------------------------------------- */

static lg_err
item_failed(struct lg_ctx *cx, lg_err e, const struct lg_state_item *it)
{
	lg_str t = lg_type_name(it->kind->type);

	return e == LG_OK ? e : lg_fail_in(cx, e, lg_print(cx->arena, "%.*s %.*s", LG_FMT(t), LG_FMT(it->name)).p);
}

static size_t
changes(const struct lg_state *st)
{
	size_t n = 0;

	for (size_t i = 0; i < st->n; i++)
		n += st->item[i].change != LG_STS_UNCHANGED;
	for (size_t i = 0; i < st->nsources; i++)
		n += st->source[i].change != LG_STS_UNCHANGED;
	return n + (st->mail_settings != NULL && st->mail_change != LG_STS_UNCHANGED);
}

static lg_err
put_sources(struct lg_ctx *cx, struct lg_view *v, struct work *w)
{
	for (size_t i = 0; i < w->state->nsources; i++) {
		struct lg_state_source *s = &w->state->source[i];
		lg_str name = lg_sts_source_name(s->source);
		lg_err e = lg_sts_source_put(cx, v, w->tenant, s->source, &s->change);

		if (e != LG_OK)
			return lg_fail_in(cx, e, lg_print(cx->arena, "Source %.*s", LG_FMT(name)).p);
	}
	return LG_OK;
}

static lg_err
put_all(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct work *w = arg;
	struct lg_edit ed = lg_edit_of(w->app->directory, v, w->tenant);

	if (w->who != NULL)
		LG_TRY(lg_caller_may(w->app, cx, v, w->who, "admin:write", lg_tenant_entity(w->who->tenant)));
	for (size_t i = 0; i < w->state->n; i++)
		LG_TRY(item_failed(cx, put_item(cx, w, &ed, &w->state->item[i]), &w->state->item[i]));
	for (size_t i = 0; i < w->state->n; i++)
		LG_TRY(item_failed(cx, put_memberships(cx, w, &ed, &w->state->item[i]), &w->state->item[i]));
	LG_TRY(put_sources(cx, v, w));
	if (w->state->mail_settings != NULL)
		LG_TRY(lg_sts_mail_put(cx, v, w->tenant, w->state->mail_settings, &w->state->mail_change));
	if (changes(w->state) > 0)
		lg_audit(v, LG_STR("state"), lg_print(cx->arena, "{\"items\":%zu,\"changed\":%zu}", w->state->n + w->state->nsources,
		    changes(w->state)));
	if (!w->dry_run)
		return LG_OK;
	w->rehearsed = true;		/* failing, nothing of this is kept */
	return lg_fail(cx, LG_E_CONFLICT, "dry run");
}

/* ---- policies ---------------------------------------------------------------------------------------------------------------- */

static lg_err
source_with(struct lg_ctx *cx, struct work *w, lg_str *ret, bool *same)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_policy_version pv;
	lg_str line = LG_STR(APPLIED_LINE);

	LG_TRY(lg_view_begin(cx, w->app->store, &v));
	if (w->who != NULL)
		LG_TRY(lg_caller_may(w->app, cx, v, w->who, "policy:activate", lg_tenant_entity(w->who->tenant)));
	LG_TRY(lg_policy_version_get(cx, v, w->tenant, 0, &pv));
	lg_str base = pv.source;
	const char *at = memmem(base.p, base.n, line.p, line.n);
	if (at != NULL)
		base = lg_str_sub(base, 0, (size_t)(at - base.p));
	else
		base = lg_cat(cx->arena, base, LG_STR("\n"));
	*ret = lg_cat(cx->arena, lg_cat(cx->arena, base, line), w->state->policies);
	*same = lg_str_eq(*ret, pv.source);
	return LG_OK;
}

static lg_err
may_activate(void *arg, struct lg_ctx *cx, struct lg_view *v)
{
	const struct work *w = arg;

	return w->who == NULL ? LG_OK : lg_caller_may(w->app, cx, v, w->who, "policy:activate", lg_tenant_entity(w->who->tenant));
}

static lg_err
put_policies(struct lg_ctx *cx, struct work *w)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;
	lg_str source;
	bool same;

	if (!w->state->has_policies)
		return LG_OK;
	LG_TRY(source_with(cx, w, &source, &same));
	w->state->policies_change = same ? LG_STS_UNCHANGED : LG_STS_CHANGED;
	if (same || w->dry_run)
		return LG_OK;
	lg_err e = lg_policy_activate_if(cx, w->app->point, w->tenant, source, "policy.apply",
	    &(struct lg_policy_terms){ may_activate, w, 0 }, &faults, &version);
	if (e == LG_E_INVALID && faults.n > 0)
		return lg_fail(cx, e, "policies: %.*s", LG_FMT(lg_policy_faults_text(cx->arena, &faults)));
	return e;
}

/* ---- the report ---------------------------------------------------------------------------------------------------------------- */

static const char *const words[] = {
	[LG_STS_UNCHANGED] = "unchanged", [LG_STS_CHANGED] = "changed", [LG_STS_CREATED] = "created",
};

static void
write_change(struct lg_jsonw *j, lg_str kind, lg_str name, enum lg_sts_change did, const lg_str *fields, size_t n)
{
	lg_jsonw_object(j);
	lg_jsonw_str_of(j, "kind", kind);
	lg_jsonw_str_of(j, "name", name);
	lg_jsonw_str_of(j, "change", lg_str_of(words[did]));
	lg_jsonw_name(j, LG_STR("fields"));
	lg_jsonw_array(j);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(j, fields[i]);
	lg_jsonw_array_end(j);
	lg_jsonw_object_end(j);
}

static void
write_changes(struct lg_jsonw *j, const struct lg_state *st, int64_t count[3])
{
	lg_jsonw_name(j, LG_STR("changes"));
	lg_jsonw_array(j);
	for (size_t i = 0; i < st->n; i++) {
		const struct lg_state_item *it = &st->item[i];
		write_change(j, lg_type_name(it->kind->type), it->name, it->change, it->changed, it->nchanged);
		count[it->change]++;
	}
	for (size_t i = 0; i < st->nsources; i++) {
		write_change(j, LG_STR("Source"), lg_sts_source_name(st->source[i].source), st->source[i].change, NULL, 0);
		count[st->source[i].change]++;
	}
	if (st->mail_settings != NULL) {
		write_change(j, LG_STR("Mail"), LG_STR("settings"), st->mail_change, NULL, 0);
		count[st->mail_change]++;
	}
	if (st->has_policies) {
		write_change(j, LG_STR("Policies"), LG_STR("applied"), st->policies_change, NULL, 0);
		count[st->policies_change]++;
	}
	lg_jsonw_array_end(j);
}

static void
write_credentials(struct lg_jsonw *j, const struct lg_state *st)
{
	lg_jsonw_name(j, LG_STR("credentials"));
	lg_jsonw_array(j);
	for (size_t i = 0; i < st->n; i++) {
		const struct lg_state_item *it = &st->item[i];
		if (it->secret.n == 0 || it->change != LG_STS_CREATED)
			continue;
		lg_jsonw_object(j);
		lg_jsonw_str_of(j, "kind", lg_type_name(it->kind->type));
		lg_jsonw_str_of(j, "name", it->name);
		lg_jsonw_str_of(j, "secret", it->secret);
		lg_jsonw_object_end(j);
	}
	lg_jsonw_array_end(j);
}

/* Before the change: a source's secret is sealed, and reading it asks for the key. */
static lg_err
read_sources(struct lg_ctx *cx, struct work *w)
{
	struct lg_state *st = w->state;
	struct lg_json js;

	if (st->sources.n == 0)
		return LG_OK;
	st->source = LG_NEWS(cx->arena, struct lg_state_source, LG_SOURCES);
	lg_json_init(&js, cx->arena, st->sources);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str one = lg_json_raw(&js);
		if (js.fault != NULL)
			break;
		if (st->nsources == LG_SOURCES)
			return lg_fail(cx, LG_E_LIMIT, "more than %d sources in one document", LG_SOURCES);
		lg_err e = lg_sts_source_read(cx, w->app->sts, w->tenant, one, &st->source[st->nsources].source);
		if (e != LG_OK)
			return lg_fail_in(cx, e, lg_print(cx->arena, "sources, item %zu", st->nsources + 1).p);
		st->nsources++;
	}
	return lg_json_end(cx, &js);
}

lg_err
lg_state_apply(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, const struct lg_caller *who, lg_str json,
    enum lg_state_mode mode, struct lg_buf *report)
{
	struct lg_state state;
	struct work w = { app, tenant, &state, who, mode == LG_STATE_REHEARSE, false };
	struct lg_jsonw j = lg_jsonw_of(report);
	int64_t count[3] = { 0 };

	LG_TRY(lg_state_read(cx, json, mode == LG_STATE_PATCH, &state));
	LG_TRY(read_sources(cx, &w));
	if (state.mail.n > 0)
		LG_TRY(lg_sts_mail_read(cx, app->sts, tenant, state.mail, &state.mail_settings));
	LG_TRY(make_secrets(cx, &w));
	lg_err e = lg_store_apply(cx, app->store, tenant, "state.apply", put_all, &w, NULL);
	if (e != LG_OK && !w.rehearsed)
		return e;
	LG_TRY(put_policies(cx, &w));
	lg_jsonw_object(&j);
	write_changes(&j, &state, count);
	lg_jsonw_int_of(&j, "created", count[LG_STS_CREATED]);
	lg_jsonw_int_of(&j, "changed", count[LG_STS_CHANGED]);
	lg_jsonw_int_of(&j, "unchanged", count[LG_STS_UNCHANGED]);
	write_credentials(&j, &state);
	lg_jsonw_object_end(&j);
	return lg_buf_status(cx, report);
}
