/* bundle_read.c: a bundle's body, member by member, each within its limit. */
#include "client/bundle_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/ipnet.h"
#include "base/text.h"

#define CHUNKS_MAX	1024

lg_str
lg_bundle_key(char *room, size_t size, lg_str a, lg_str b)
{
	if (a.n + 1 + b.n > size)
		return LG_NONE;
	memcpy(room, a.p == NULL ? "" : a.p, a.n);
	room[a.n] = '/';
	memcpy(room + a.n + 1, b.p == NULL ? "" : b.p, b.n);
	return (lg_str){ room, a.n + 1 + b.n };
}

static lg_str
key_of(struct lg_bundle_reading *r, lg_str a, lg_str b)
{
	return lg_print(r->cx->arena, "%.*s/%.*s", LG_FMT(a), LG_FMT(b));
}

void
lg_bundle_reading_fail(struct lg_bundle_reading *r, struct lg_json *js, lg_err e)
{
	if (r->e == LG_OK)
		r->e = e;
	lg_json_fault(js, "not what it must be");
}

/* ---- small objects: a table of the members that are strings --------------------------------------------------------- */

struct member {
	const char *name;
	lg_str *to;
};

static void
read_strings(struct lg_json *js, const struct member *m, size_t n)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		size_t i = 0;
		while (i < n && !lg_str_eq(name, lg_str_of(m[i].name)))
			i++;
		if (i < n)
			*m[i].to = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

static void
read_tenant(struct lg_bundle_reading *r, struct lg_json *js)
{
	struct lg_bundle_body *b = r->b;
	const struct member m[] = { { "id", &b->tenant_id }, { "name", &b->tenant }, { "issuer", &b->issuer },
		{ "trust_domain", &b->trust_domain } };

	read_strings(js, m, LG_COUNT(m));
}

static void
read_host(struct lg_bundle_reading *r, struct lg_json *js)
{
	const struct member m[] = { { "id", &r->b->host_id }, { "name", &r->b->host } };

	read_strings(js, m, LG_COUNT(m));
}

/* ---- policies -------------------------------------------------------------------------------------------------------------- */

static void
read_names(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str type = LG_NONE, name = LG_NONE, *id = LG_NEW(r->cx->arena, lg_str);
		const struct member m[] = { { "type", &type }, { "name", &name }, { "id", id } };
		read_strings(js, m, LG_COUNT(m));
		*lg_map_at(&r->b->names, key_of(r, type, name)) = id;
	}
}

static void
read_policies(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("version")))
			r->b->policy_version = (uint64_t)lg_json_int(js);
		else if (lg_str_eq(name, LG_STR("schema")))
			r->schema = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("system")))
			r->system = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("tenant")))
			r->tenant = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("names")))
			read_names(r, js);
		else
			lg_json_skip(js);
	}
}

lg_err
lg_bundle_resolve(void *self, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret)
{
	const struct lg_bundle_body *b = self;
	char room[1024];

	*ret = *uid;
	if (lg_str_eq(uid->type, LG_STR("Action")) || lg_str_eq(uid->type, LG_STR("Anonymous")))
		return LG_OK;
	const lg_str *id = lg_map_get(&b->names, lg_bundle_key(room, sizeof room, uid->type, uid->id));
	if (id == NULL)
		return lg_fail(cx, LG_E_INVALID, "%.*s \"%.*s\" is not among the names", LG_FMT(uid->type), LG_FMT(uid->id));
	*ret = lg_euid_of(uid->type, *id);
	return LG_OK;
}

static lg_err
compile(struct lg_bundle_reading *r)
{
	struct lg_policy_source system = { LG_STR("system"), r->system }, tenant = { LG_STR("policies"), r->tenant };
	struct lg_policy_options o = { .ids_from_annotation = true };
	struct lg_policy_faults faults = { 0 };
	struct lg_bundle_body *b = r->b;

	LG_TRY(lg_schema_parse(r->cx, LG_STR("schema"), r->schema, &faults, &b->schema));
	o.schema = b->schema;
	LG_TRY(lg_policies_parse(r->cx, &system, 1, &o, &faults, &b->system));
	o.resolve = lg_bundle_resolve;
	o.self = b;
	return lg_policies_parse(r->cx, &tenant, 1, &o, &faults, &b->policies);
}

/* ---- entities and admissions -------------------------------------------------------------------------------------------------------- */

static void
read_chunks(struct lg_bundle_reading *r, struct lg_json *js)
{
	r->chunk = LG_NEWS(r->cx->arena, lg_str, CHUNKS_MAX);
	lg_json_array(js);
	while (lg_json_item(js)) {
		if (r->nchunks == CHUNKS_MAX) {
			lg_bundle_reading_fail(r, js, LG_E_LIMIT);
			return;
		}
		r->chunk[r->nchunks++] = lg_json_raw(js);
	}
}

static void
read_admissions(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		struct lg_bundle_admission *ad = LG_NEW(r->cx->arena, struct lg_bundle_admission);
		lg_str name;
		lg_json_object(js);
		while (lg_json_member(js, &name)) {
			const struct member m[] = { { "type", &ad->requester_type }, { "id", &ad->requester } };
			if (lg_str_eq(name, LG_STR("container")))
				ad->container = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("workload")))
				ad->workload = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("project")))
				ad->project = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("image")))
				ad->image = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("requester")))
				read_strings(js, m, LG_COUNT(m));
			else
				lg_json_skip(js);
		}
		*lg_map_at(&r->b->admissions, ad->container) = ad;
	}
}

/* ---- where workloads are ------------------------------------------------------------------------------------------ */

static void
read_delegated(struct lg_bundle_reading *r, struct lg_json *js)
{
	struct lg_bundle_body *b = r->b;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str text = lg_json_str(js);
		if (b->ndelegated == LG_BUNDLE_RANGES) {
			lg_bundle_reading_fail(r, js, LG_E_LIMIT);
			return;
		}
		if (!lg_ipnet_parse(r->cx->arena, text, &b->delegated[b->ndelegated++])) {
			lg_json_fault(js, "not a range of addresses");
			return;
		}
	}
}

static void
add_address(struct lg_bundle_reading *r, lg_str octets, lg_str workload, size_t *size)
{
	struct lg_bundle_body *b = r->b;

	if (b->naddress == *size) {
		*size = 2 * *size + 64;
		struct lg_bundle_address *v = LG_NEWS(r->cx->arena, struct lg_bundle_address, *size);
		if (b->naddress > 0)
			memcpy(v, b->address, b->naddress * sizeof *v);
		b->address = v;
	}
	b->address[b->naddress++] = (struct lg_bundle_address){ octets, workload };
}

static void
read_addresses(struct lg_bundle_reading *r, struct lg_json *js)
{
	size_t size = 0;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str text = LG_NONE, workload = LG_NONE, octets;
		const struct member m[] = { { "address", &text }, { "workload", &workload } };
		read_strings(js, m, LG_COUNT(m));
		if (r->b->naddress == LG_BUNDLE_ADDRESSES) {
			lg_bundle_reading_fail(r, js, LG_E_LIMIT);
			return;
		}
		if (!lg_ip_octets_parse(r->cx->arena, text, &octets)) {
			lg_json_fault(js, "not an address");
			return;
		}
		add_address(r, octets, workload, &size);
	}
}

/* In large pages where the kernel has them: with small ones a look would cost two more, at the page table. */
static void
make_table(size_t entities, struct lg_known_table *t)
{
	const size_t page = 2u << 20;
	size_t size = 64;

	while (size * 3 < entities * 4)
		size *= 2;
	size_t bytes = size * sizeof(struct lg_known), whole = (bytes + page - 1) / page * page;
	void *p = aligned_alloc(bytes < page ? sizeof(struct lg_known) : page, bytes < page ? bytes : whole);
	if (p == NULL)
		abort();
	if (bytes >= page)
		(void)madvise(p, whole, MADV_HUGEPAGE);
	memset(p, 0, bytes);
	*t = (struct lg_known_table){ p, size };
}

/* Two of one type and name cannot be told apart: neither is found by it. */
static void
add_known(struct lg_known_table *t, const struct lg_euid *uid, const char *type, lg_str name)
{
	uint64_t hash = lg_known_hash(uid->type, name);
	struct lg_known *k = lg_known_at(t, hash, uid->type, name);

	if (k->uid != NULL) {
		k->type = NULL;
		return;
	}
	*k = (struct lg_known){ .hash = hash, .uid = uid, .type = type, .n = (uint32_t)name.n };
	if (name.n <= LG_KNOWN_START)
		memcpy(k->start, name.p, name.n);
	else
		memcpy(k->start, &name.p, sizeof name.p);
}

static const char *
type_of(struct lg_bundle_reading *r, lg_str type)
{
	void **kept = lg_map_at(&r->types, type);

	if (*kept == NULL)
		*kept = (void *)(uintptr_t)lg_dup(r->cx->arena, type).p;
	return *kept;
}

static bool
index_entity(void *arg, const struct lg_euid *uid, const struct lg_record *attrs)
{
	struct lg_name name_attr = lg_name_of(LG_STR("name"));
	const struct lg_value *name = lg_record_get(attrs, &name_attr);
	struct lg_bundle_reading *r = arg;
	const char *type = type_of(r, uid->type);

	add_known(&r->b->by_id, uid, type, uid->id);
	if (name != NULL && name->kind == LG_V_STRING)
		add_known(&r->b->by_name, uid, type, name->u.s);
	return true;
}

/* Beyond what is there nothing is held: what is not found is unknown. */
static lg_err
fill_store(struct lg_bundle_reading *r)
{
	struct lg_bundle_body *b = r->b;
	struct lg_arena *outer = r->cx->arena, *work = lg_arena_new();
	lg_err e = LG_OK;

	b->entities = lg_entity_store_new();
	lg_entity_store_holds(b->entities, LG_NONE);
	r->cx->arena = work;			/* the store copies; what the reading itself takes goes at once */
	for (size_t i = 0; i < r->nchunks && e == LG_OK; i++) {
		e = lg_entity_store_json(r->cx, b->entities, b->schema, r->chunk[i]);
		lg_arena_reset(work);
	}
	if (e == LG_OK)
		e = lg_entity_store_finish(r->cx, b->entities);
	r->cx->arena = outer;
	lg_arena_free(&work);
	LG_TRY(e);
	make_table(lg_entity_store_count(b->entities), &b->by_id);
	make_table(lg_entity_store_count(b->entities), &b->by_name);
	lg_entity_store_each(b->entities, index_entity, r);
	return LG_OK;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*read)(struct lg_bundle_reading *r, struct lg_json *js);
} parts[] = {
	{ "tenant", read_tenant }, { "host", read_host }, { "policies", read_policies }, { "trust", lg_bundle_read_trust },
	{ "revoked", lg_bundle_read_revoked }, { "entities", read_chunks }, { "admissions", read_admissions },
	{ "delegated", read_delegated }, { "addresses", read_addresses },
};

static void
read_member(struct lg_bundle_reading *r, struct lg_json *js, lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(parts); i++)
		if (lg_str_eq(name, lg_str_of(parts[i].name))) {
			parts[i].read(r, js);
			return;
		}
	if (lg_str_eq(name, LG_STR("format")))
		r->format = lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("max_stale")))
		r->b->max_stale = lg_json_int(js);
	else if (lg_str_eq(name, LG_STR("whole")))
		r->b->whole = lg_json_bool(js);
	else
		lg_json_skip(js);
}

static lg_err
check_whole(struct lg_bundle_reading *r)
{
	struct lg_bundle_body *b = r->b;

	if (r->format != 1)
		return lg_fail(r->cx, LG_E_UNSUPPORTED, "bundle format %lld is not known here", (long long)r->format);
	if (b->host_id.n == 0 || b->issuer.n == 0 || b->trust_domain.n == 0 || r->schema.n == 0 || r->system.n == 0 || b->nissuers == 0 ||
	    b->token_keys == NULL || b->ticket_keys == NULL || r->chunk == NULL)
		return lg_fail(r->cx, LG_E_INVALID, "the bundle lacks a part");
	if (b->max_stale < 1 || b->max_stale > LG_BUNDLE_STALE_MAX)
		return lg_fail(r->cx, LG_E_INVALID, "max_stale must be 1 to %d seconds", LG_BUNDLE_STALE_MAX);
	b->max_stale *= LG_SECOND;
	return LG_OK;
}

static void
make_words(struct lg_bundle_body *b)
{
	static const lg_str words[LG_WORDS] = {
		[LG_WORD_ASKER] = LG_STR("asker"), [LG_WORD_CLIENT] = LG_STR("client"), [LG_WORD_CONTAINER] = LG_STR("container"),
		[LG_WORD_HOST] = LG_STR("host"), [LG_WORD_IMAGE] = LG_STR("image"), [LG_WORD_IMAGE_NAME] = LG_STR("image_name"),
		[LG_WORD_NOW] = LG_STR("now"), [LG_WORD_PORT] = LG_STR("port"), [LG_WORD_PROTOCOL] = LG_STR("protocol"),
		[LG_WORD_REVISION] = LG_STR("revision"), [LG_WORD_SCOPES] = LG_STR("scopes"), [LG_WORD_PROOF] = LG_STR("subject_proof"),
	};

	for (size_t i = 0; i < LG_WORDS; i++)
		b->word[i] = lg_name_of(words[i]);
}

static lg_err
make_asker(struct lg_bundle_reading *r)
{
	struct lg_field *f = LG_NEWS(r->cx->arena, struct lg_field, 3);
	struct lg_value v;

	f[0] = (struct lg_field){ lg_name_of(LG_STR("type")), lg_value_string(LG_STR("Host")) };
	f[1] = (struct lg_field){ lg_name_of(LG_STR("id")), lg_value_string(r->b->host_id) };
	f[2] = (struct lg_field){ lg_name_of(LG_STR("name")), lg_value_string(r->b->host) };
	LG_TRY(lg_value_record(r->cx, f, 3, &v));
	r->b->asker = v.u.record;
	return LG_OK;
}

static lg_err
read_all(struct lg_bundle_reading *r, lg_str text)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, r->cx->arena, text);
	js.nul = true;
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(r, &js, name);
	lg_err e = lg_json_end(r->cx, &js);
	if (e != LG_OK)
		return lg_fail_in(r->cx, r->e != LG_OK ? r->e : e, "the bundle");
	LG_TRY(check_whole(r));
	LG_TRY(compile(r));
	LG_TRY(fill_store(r));
	make_words(r->b);
	return make_asker(r);
}

lg_err
lg_bundle_body_read(struct lg_ctx *cx, lg_str text, struct lg_bundle_body **ret)
{
	struct lg_arena *a = lg_arena_new(), *outer = cx->arena;
	struct lg_bundle_body *b = LG_NEW(a, struct lg_bundle_body);
	struct lg_bundle_reading r = { .cx = cx, .b = b };

	atomic_init(&b->refs, 1);
	b->arena = a;
	lg_map_init(&b->names, a);
	lg_map_init(&r.types, a);
	lg_map_init(&b->certificates, a);
	lg_map_init(&b->tokens, a);
	lg_map_init(&b->admissions, a);
	cx->arena = a;			/* strings are slices of the text or of this */
	lg_err e = read_all(&r, lg_dup(a, text));
	cx->arena = outer;
	if (e != LG_OK)
		lg_bundle_body_unref(&b);
	else
		*ret = b;
	return e;
}

void
lg_bundle_body_unref(struct lg_bundle_body **b)
{
	struct lg_bundle_body *own = *b;

	*b = NULL;
	if (own == NULL || atomic_fetch_sub(&own->refs, 1) != 1)
		return;
	for (size_t i = 0; i < LG_BUNDLE_ISSUERS; i++)
		lg_pubkey_unref(&own->issuer_key[i]);
	lg_keyset_unref(&own->token_keys);
	lg_keyset_unref(&own->ticket_keys);
	lg_policies_unref(&own->policies);
	lg_policies_unref(&own->system);
	lg_schema_unref(&own->schema);
	lg_entity_store_free(&own->entities);
	free(own->by_id.slot);
	free(own->by_name.slot);
	struct lg_arena *a = own->arena;
	lg_arena_free(&a);
}
