/* slice.c: a walk over the directory from what a host is concerned with to all that this leads to. */
#include "server/slice.h"

#include "base/json.h"
#include "base/map.h"
#include "server/admissions.h"

struct todo {
	struct todo *next;
	lg_uuid id;
	bool members;			/* of a group: whoever is in it, too */
};

struct walk {
	struct lg_ctx *cx;
	struct lg_view *v;
	struct lg_slice *s;
	struct lg_jsonw w;
	struct lg_map seen;		/* by the id's octets */
	struct lg_map claimed;		/* by name: who has it, of workloads without an entry */
	struct todo *first, **last;
	bool full;
};

/* ---- what is still to be looked at ------------------------------------------------------------------------------ */

static void
want(struct walk *k, lg_uuid id, bool members)
{
	lg_str key = { (const char *)id.b, sizeof id.b };
	struct todo *was = lg_map_get(&k->seen, key);

	if (was != NULL && (was->members || !members))
		return;
	struct todo *t = LG_NEW(k->cx->arena, struct todo);
	*t = (struct todo){ NULL, id, members };
	*lg_map_at(&k->seen, (lg_str){ (const char *)t->id.b, sizeof t->id.b }) = t;
	*k->last = t;
	k->last = &t->next;
}

static bool
was_written(const struct walk *k, const struct todo *t)
{
	/* looked at before for itself, now for its members */
	for (const struct todo *f = k->first; f != t; f = f->next)
		if (lg_uuid_eq(f->id, t->id))
			return true;
	return false;
}

/* ---- one row -------------------------------------------------------------------------------------------------------- */

static void
put_uid(struct lg_jsonw *w, lg_str type, lg_str id)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "id", id);
	lg_jsonw_object_end(w);
}

static void
put_entity(struct lg_jsonw *w, lg_str type, lg_uuid id)
{
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(id, text);
	put_uid(w, type, lg_str_of(text));
}

static void
put_value(struct walk *k, const struct lg_fact *f)
{
	struct lg_jsonw *w = &k->w;

	switch (f->type) {
	case LG_FACT_STR:
		lg_jsonw_str(w, f->s);
		break;
	case LG_FACT_INT:
		lg_jsonw_int(w, f->i);
		break;
	case LG_FACT_BOOL:
		lg_jsonw_bool(w, f->i != 0);
		break;
	case LG_FACT_SET:
		lg_jsonw_array(w);
		for (size_t i = 0; i < f->n; i++)
			lg_jsonw_str(w, f->set[i]);
		lg_jsonw_array_end(w);
		break;
	case LG_FACT_ENTITY:
		want(k, f->id, false);
		lg_jsonw_object(w);
		lg_jsonw_name(w, LG_STR("__entity"));
		put_entity(w, f->s, f->id);
		lg_jsonw_object_end(w);
		break;
	case LG_FACT_RECORD:
		lg_jsonw_object(w);
		for (size_t i = 0; i < f->n; i++) {
			lg_jsonw_name(w, lg_str_of(f->record[i].name));
			put_value(k, &f->record[i]);
		}
		lg_jsonw_object_end(w);
		break;
	}
}

static lg_err
put_attributes(struct walk *k, const struct lg_entry *e)
{
	static const char *const names[] = { "name", "enabled", "mail", "project", "image", "host", "labels", "digest", "signed" };
	struct lg_fact f;

	lg_jsonw_name(&k->w, LG_STR("attrs"));
	lg_jsonw_object(&k->w);
	for (size_t i = 0; i < LG_COUNT(names); i++) {
		/* a host learns of people only what is decided by */
		if (strcmp(names[i], "mail") == 0 && !k->s->mail)
			continue;
		lg_err err = lg_entry_fact(k->cx, k->v, e, lg_str_of(names[i]), &f);
		if (err == LG_E_NOT_FOUND)
			continue;
		LG_TRY(err);
		lg_jsonw_name(&k->w, lg_str_of(names[i]));
		put_value(k, &f);
	}
	lg_jsonw_object_end(&k->w);
	return LG_OK;
}

static lg_err
put_parents(struct walk *k, const struct lg_entry *e)
{
	struct lg_entity_id *parents = NULL;
	size_t n = 0;

	LG_TRY(lg_entry_parents(k->cx, k->v, e, &parents, &n));
	lg_jsonw_name(&k->w, LG_STR("parents"));
	lg_jsonw_array(&k->w);
	for (size_t i = 0; i < n; i++) {
		want(k, parents[i].id, false);
		put_entity(&k->w, parents[i].type, parents[i].id);
	}
	lg_jsonw_array_end(&k->w);
	return LG_OK;
}

/* Rows stand in arrays of bounded length, as the reader's are. */
static bool
row_begin(struct walk *k)
{
	if (k->s->n == LG_SLICE_ENTITIES || k->w.out->n > LG_SLICE_BYTES) {
		k->s->whole = false;
		k->full = true;
		return false;
	}
	if (k->s->n % LG_SLICE_CHUNK == 0) {
		if (k->s->n > 0)
			lg_jsonw_array_end(&k->w);
		lg_jsonw_array(&k->w);
	}
	k->s->n++;
	lg_jsonw_object(&k->w);
	lg_jsonw_name(&k->w, LG_STR("uid"));
	return true;
}

static lg_err
put_entry(struct walk *k, const struct lg_entry *e)
{
	if (!row_begin(k))
		return LG_OK;
	put_entity(&k->w, lg_type_name(e->type), e->uuid);
	LG_TRY(put_attributes(k, e));
	LG_TRY(put_parents(k, e));
	lg_jsonw_object_end(&k->w);
	return LG_OK;
}

/* ---- members of groups that policies name ---------------------------------------------------------------------------- */

static lg_err
want_members(struct walk *k, const struct lg_entry *group)
{
	struct lg_entry *page = NULL;
	size_t n = 0;
	uint64_t after = 0;

	do {
		LG_TRY(lg_group_members(k->cx, k->v, group, after, LG_LIST_MAX, &page, &n));
		for (size_t i = 0; i < n; i++) {
			want(k, page[i].uuid, page[i].type == LG_TYPE_GROUP);
			after = page[i].id;
		}
	} while (n == LG_LIST_MAX);
	return LG_OK;
}

static lg_err
visit(struct walk *k, const struct todo *t)
{
	struct lg_entry e;
	lg_err err = lg_entry_by_uuid(k->cx, k->v, k->s->tenant, t->id, &e);

	if (err == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(err);
	if (e.type == LG_TYPE_CONTAINER)
		return LG_OK;
	if (t->members && e.type == LG_TYPE_GROUP)
		LG_TRY(want_members(k, &e));
	return t->members && was_written(k, t) ? LG_OK : put_entry(k, &e);
}

/* ---- where it begins ----------------------------------------------------------------------------------------------------- */

static void
want_named(struct walk *k)
{
	lg_uuid id;

	for (size_t i = 0; i < k->s->nnamed; i++)
		if (lg_uuid_parse(k->s->named[i].id, &id))
			want(k, id, lg_str_eq(k->s->named[i].type, LG_STR("Group")));
}

/* Any workload of the tenant may be at the other end of a connection. */
static lg_err
want_all(struct walk *k, enum lg_entry_type type, bool (*wanted)(struct walk *k, const struct lg_entry *e))
{
	struct lg_entry *page = NULL;
	lg_str after = LG_NONE;
	bool more = true;
	size_t n = 0;

	while (more) {
		LG_TRY(lg_entry_list(k->cx, k->v, k->s->tenant, type, LG_NONE, after, LG_LIST_MAX, &page, &n, &more));
		for (size_t i = 0; i < n; i++)
			if (wanted == NULL || wanted(k, &page[i]))
				want(k, page[i].uuid, false);
		if (n > 0)
			after = page[n - 1].name;
	}
	return LG_OK;
}

/* Controllers act for their project: those of projects that this host has to do with. */
static bool
is_of_known_project(struct walk *k, const struct lg_entry *e)
{
	struct lg_entry project;

	return lg_entry_reference(k->cx, k->v, e, LG_STR("lgProject"), 0, &project) == LG_OK &&
	    lg_map_get(&k->seen, (lg_str){ (const char *)project.uuid.b, sizeof project.uuid.b }) != NULL;
}

/* ---- what runs there ------------------------------------------------------------------------------------------------------- */

/* The oldest of those that run under a name without an entry: the name is theirs who had it first. */
static bool
claimed_first(void *arg, const struct lg_admission *ad)
{
	struct walk *k = arg;

	if (ad->ended != 0 || !lg_uuid_is_nil(ad->entry))
		return true;
	void **slot = lg_map_at(&k->claimed, lg_dup(k->cx->arena, ad->workload));
	struct lg_admission *first = *slot;
	if (first == NULL)
		*slot = first = LG_NEW(k->cx->arena, struct lg_admission);
	if (first->time == 0 || ad->time < first->time)
		*first = (struct lg_admission){ .parent = ad->parent, .time = ad->time };
	return true;
}

/* Whose a container is under the names of now; nobody's where what it was admitted for is gone, or the name is another's. */
static lg_err
whose(struct walk *k, struct lg_admission *ad, bool *known)
{
	lg_err e = lg_admission_names(k->cx, k->v, k->s->tenant, ad);

	if (e == LG_OK && lg_uuid_is_nil(ad->entry)) {
		const struct lg_admission *first = lg_map_get(&k->claimed, ad->workload);
		if (!lg_uuid_eq(first->parent, ad->parent))
			e = LG_E_DENIED;
	}
	*known = e == LG_OK;
	if (e == LG_E_DENIED)
		ad->workload = lg_admission_nobody(k->cx->arena, ad);
	return e == LG_E_DENIED ? LG_OK : e;
}

static lg_err
admission_row(struct walk *k, const struct lg_admission *ad)
{
	struct lg_jsonw w = lg_jsonw_of(&k->s->admissions);

	w.comma = k->s->nadmissions++ > 0;
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "container", ad->container);
	lg_jsonw_str_of(&w, "workload", ad->workload);
	lg_jsonw_str_of(&w, "project", ad->project);
	lg_jsonw_str_of(&w, "image", ad->image);
	lg_jsonw_name(&w, LG_STR("requester"));
	put_entity(&w, ad->requester_type, ad->requester);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* A container whose workload has no entry is what its admission says. */
static lg_err
put_claimed(struct walk *k, const struct lg_admission *ad)
{
	struct lg_fact claim[] = { lg_fact_str("host", k->s->host.name), lg_fact_str("image", ad->image) };
	struct lg_fact claimed = { .name = "claimed", .type = LG_FACT_RECORD, .record = claim, .n = ad->image.n > 0 ? 2 : 1 };
	struct lg_entry project;
	struct lg_tenant tenant;

	bool in = ad->project.n > 0 &&
	    lg_entry_by_name(k->cx, k->v, k->s->tenant, LG_TYPE_PROJECT, ad->project, &project) == LG_OK;
	if ((!in && ad->project.n > 0) || !row_begin(k))
		return LG_OK;
	LG_TRY(lg_tenant_get(k->cx, k->v, k->s->tenant, &tenant));
	put_uid(&k->w, LG_STR("Workload"), ad->workload);
	lg_jsonw_name(&k->w, LG_STR("attrs"));
	lg_jsonw_object(&k->w);
	lg_jsonw_str_of(&k->w, "name", ad->workload);
	lg_jsonw_name(&k->w, LG_STR("claimed"));
	put_value(k, &claimed);
	if (in) {
		lg_jsonw_name(&k->w, LG_STR("project"));
		put_value(k, &(struct lg_fact){ .type = LG_FACT_ENTITY, .s = LG_STR("Project"), .id = project.uuid });
	}
	lg_jsonw_object_end(&k->w);
	lg_jsonw_name(&k->w, LG_STR("parents"));
	lg_jsonw_array(&k->w);
	put_entity(&k->w, in ? LG_STR("Project") : LG_STR("Tenant"), in ? project.uuid : tenant.uuid);
	lg_jsonw_array_end(&k->w);
	lg_jsonw_object_end(&k->w);
	want(k, in ? project.uuid : tenant.uuid, false);
	return LG_OK;
}

static bool
admission(void *arg, const struct lg_admission *kept)
{
	struct walk *k = arg;
	struct lg_admission now = *kept, *ad = &now;
	struct lg_entry image;
	bool known;

	if (ad->ended != 0)
		return true;
	if (whose(k, ad, &known) != LG_OK)
		return false;
	want(k, ad->requester, false);
	if (ad->image.n > 0 && lg_entry_by_name(k->cx, k->v, k->s->tenant, LG_TYPE_IMAGE, ad->image, &image) == LG_OK)
		want(k, image.uuid, false);
	if (admission_row(k, ad) != LG_OK)
		return false;
	lg_str key = lg_cat(k->cx->arena, LG_STR("claimed "), ad->workload);
	if (!known || !lg_uuid_is_nil(ad->entry) || lg_map_get(&k->seen, key) != NULL)
		return true;
	*lg_map_at(&k->seen, key) = k;		/* several containers of one workload are one entity */
	return put_claimed(k, ad) == LG_OK;
}

lg_err
lg_slice_write(struct lg_ctx *cx, struct lg_view *v, struct lg_slice *s, struct lg_buf *out)
{
	struct walk k = { .cx = cx, .v = v, .s = s, .w = lg_jsonw_of(out) };

	k.last = &k.first;
	lg_map_init(&k.seen, cx->arena);
	lg_map_init(&k.claimed, cx->arena);
	s->whole = true;
	lg_jsonw_array(&k.w);
	want(&k, s->host.uuid, false);
	LG_TRY(lg_admissions_each(cx, v, s->tenant, s->host.uuid, claimed_first, &k));
	LG_TRY(lg_admissions_each(cx, v, s->tenant, s->host.uuid, admission, &k));
	want_named(&k);
	LG_TRY(want_all(&k, LG_TYPE_WORKLOAD, NULL));
	for (const struct todo *t = k.first; t != NULL && !k.full; t = t->next) {
		LG_TRY(visit(&k, t));
		if (t->next == NULL)	/* all projects are known now */
			LG_TRY(want_all(&k, LG_TYPE_SERVICE, is_of_known_project));
	}
	if (s->n > 0)
		lg_jsonw_array_end(&k.w);
	lg_jsonw_array_end(&k.w);
	return lg_buf_status(cx, out);
}
