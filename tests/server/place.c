/* place.c: see place.h. */
#include "tests/server/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "server/embedded.h"
#include "server/storage.h"

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	struct place *p = self;

	(void)cx, (void)tenant;
	*ret = &p->data_key;
	return LG_OK;
}

lg_str
place_defaults(void)
{
	return lg_embedded_get("conf/policies/tenant.cedar")->data;
}

static lg_err
first(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct place *p = arg;
	struct lg_edit ed = lg_edit_of(p->directory, v, PLACE_TENANT);
	struct lg_entry group, admin;

	LG_TRY(lg_tenant_add(cx, p->directory, v, PLACE_TENANT, LG_STR("default"), LG_STR("dc=example,dc=org")));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_GROUP, LG_STR("administrators"), NULL, 0, &group));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_USER, LG_STR("admin"), NULL, 0, &admin));
	LG_TRY(lg_member_add(cx, &ed, &group, &admin));
	LG_TRY(lg_entry_set_verifier(cx, &ed, &admin, LG_STR("{ARGON2}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo")));
	return lg_policy_first(cx, p->point, v, PLACE_TENANT, place_defaults());
}

static void
folders(struct place *p)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(p->dir, sizeof p->dir, "%s/lg-place.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert_not_null(mkdtemp(p->dir));
	snprintf(p->store_dir, sizeof p->store_dir, "%s/store", p->dir);
	snprintf(p->log_dir, sizeof p->log_dir, "%s/log", p->dir);
	snprintf(p->archive, sizeof p->archive, "%s/archive", p->dir);
	mkdir(p->log_dir, 0700);
	mkdir(p->archive, 0700);
}

void
place_point(struct place *p)
{
	place_ok(p, lg_point_new(&p->cx, p->store, lg_embedded_get("conf/lightgate.cedarschema")->data,
	    lg_embedded_get("conf/policies/system.cedar")->data, &p->point));
	lg_point_log(p->point, p->segments);
	lg_point_decider(p->point, &p->decider);
}

void
place_start(struct place *p)
{
	*p = (struct place){ .data_key = lg_secret_random(32) };
	lg_ctx_init(&p->cx, lg_arena_new());
	p->cx.actor = &lg_system;
	folders(p);
	p->settings.map_size = 64 << 20;
	p->signer = (struct lg_signer){ .self = p, .data_key = data_key };
	p->ports = (struct lg_directory_ports){ .decider = &p->decider, .hasher = &p->hasher, .signer = &p->signer, .self = p };
	place_ok(p, lg_storage_open(&p->cx, &p->settings, p->store_dir, p->archive, &p->store));
	place_ok(p, lg_segments_open(&p->cx, p->log_dir, 1u << 20, &p->segments));
	place_point(p);
	place_ok(p, lg_directory_open(&p->cx, p->store, &p->ports, &p->directory));
	place_ok(p, lg_store_apply(&p->cx, p->store, PLACE_TENANT, "tenant.create", first, p, NULL));
	place_ok(p, lg_point_load(&p->cx, p->point));
	lg_store_turn(p->store);
}

void
place_end(struct place *p)
{
	char command[300];

	lg_directory_close(&p->directory);
	lg_point_free(&p->point);
	lg_segments_close(&p->segments);
	lg_store_close(&p->store);
	lg_secret_free(&p->data_key);
	lg_arena_free(&p->cx.arena);
	snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
	cr_assert_eq(system(command), 0);
}

/* ---- changes -------------------------------------------------------------------------------------------------------- */

struct change {
	struct place *p;
	enum lg_entry_type type;
	lg_str name, attribute, value, group;
	struct lg_entry entry;
	bool yes;
};

static void
apply(struct change *c, lg_mutation *run)
{
	place_ok(c->p, lg_store_apply(&c->p->cx, c->p->store, PLACE_TENANT, "test", run, c, NULL));
	lg_store_turn(c->p->store);
}

static lg_err
make(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	struct lg_edit ed = lg_edit_of(c->p->directory, v, PLACE_TENANT);
	struct lg_values values = { c->attribute, &c->value, 1 };

	LG_TRY(lg_entry_create(cx, &ed, c->type, c->name, &values, c->attribute.n > 0 ? 1 : 0, &c->entry));
	return LG_OK;
}

struct lg_entry
place_make(struct place *p, enum lg_entry_type type, const char *name, const char *attribute, const char *value)
{
	struct change c = { .p = p, .type = type, .name = lg_str_of(name), .attribute = lg_str_of(attribute), .value = lg_str_of(value) };

	apply(&c, make);
	return (struct lg_entry){ .uuid = c.entry.uuid, .type = type, .id = c.entry.id, .tenant = PLACE_TENANT, .name = c.name };
}

static lg_err
remove_entry(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	struct lg_edit ed = lg_edit_of(c->p->directory, v, PLACE_TENANT);

	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, c->type, c->name, &c->entry));
	return lg_entry_delete(cx, &ed, &c->entry);
}

void
place_remove(struct place *p, enum lg_entry_type type, const char *name)
{
	struct change c = { .p = p, .type = type, .name = lg_str_of(name) };

	apply(&c, remove_entry);
}

static lg_err
join(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	struct lg_edit ed = lg_edit_of(c->p->directory, v, PLACE_TENANT);
	struct lg_entry group;

	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, LG_TYPE_GROUP, c->group, &group));
	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, c->type, c->name, &c->entry));
	return lg_member_add(cx, &ed, &group, &c->entry);
}

void
place_join(struct place *p, const char *group, enum lg_entry_type type, const char *name)
{
	struct change c = { .p = p, .type = type, .name = lg_str_of(name), .group = lg_str_of(group) };

	apply(&c, join);
}

static lg_err
enable(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	struct lg_edit ed = lg_edit_of(c->p->directory, v, PLACE_TENANT);
	lg_str value = c->yes ? LG_STR("TRUE") : LG_STR("FALSE");
	struct lg_modification mod = { LG_MODIFY_REPLACE, { LG_STR("lgEnabled"), &value, 1 } };

	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, c->type, c->name, &c->entry));
	return lg_entry_modify(cx, &ed, &c->entry, &mod, 1, NULL);
}

void
place_enable(struct place *p, enum lg_entry_type type, const char *name, bool yes)
{
	struct change c = { .p = p, .type = type, .name = lg_str_of(name), .yes = yes };

	apply(&c, enable);
}

/* ---- policies and questions ----------------------------------------------------------------------------------------- */

lg_err
place_activate(struct place *p, const char *more, uint64_t *version)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t unused;

	lg_err e = lg_policy_activate(&p->cx, p->point, PLACE_TENANT, lg_cat(p->cx.arena, place_defaults(), lg_str_of(more)),
	    "policy.activate", &faults, version == NULL ? &unused : version);
	lg_store_turn(p->store);
	return e;
}

static struct lg_entity_id
entity(struct place *p, struct lg_view *v, enum lg_entry_type type, const char *name)
{
	struct lg_entry e;
	struct lg_tenant t;

	if (type == LG_TYPE_TENANT) {
		place_ok(p, lg_tenant_get(&p->cx, v, PLACE_TENANT, &t));
		return (struct lg_entity_id){ LG_STR("Tenant"), t.uuid, LG_NONE };
	}
	place_ok(p, lg_entry_by_name(&p->cx, v, PLACE_TENANT, type, lg_str_of(name), &e));
	return lg_entry_entity(&e);
}

struct lg_verdict
place_ask(struct place *p, enum lg_entry_type who, const char *name, const char *action, enum lg_entry_type what, const char *on,
    const struct lg_fact *context)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = action };
	struct lg_view *v = NULL;
	struct lg_verdict ret;

	place_ok(p, lg_view_begin(&p->cx, p->store, &v));
	q.principal = entity(p, v, who, name);
	q.resource = entity(p, v, what, on);
	while (context != NULL && context->name != NULL)
		q.context[q.ncontext++] = *context++;
	place_ok(p, lg_point_ask(p->point, &p->cx, v, &q, &ret));
	lg_view_end(&v);
	lg_store_turn(p->store);
	return ret;
}
