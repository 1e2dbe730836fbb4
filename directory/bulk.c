/*
 * bulk.c: the entries of an LDIF, all at once, into a store that nobody serves.
 *
 * Every entry is checked against the schema as one that comes by LDAP.  What an ordinary add looks up in the indexes (its parent, whether
 * its name is free) is looked up in memory; members may come later than their groups and are put in at the end.
 */
#include <inttypes.h>

#include "base/text.h"
#include "directory/bulk_names.h"
#include "directory/directory.h"
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/events.h"
#include "directory/find.h"
#include "directory/ldif.h"
#include "directory/ldif_map.h"
#include "directory/secret.h"
#include "directory/tenant.h"

enum { CHUNK = 4000 };			/* entries of one mutation: each takes two ids */
#define PENDING_MAX	((size_t)4 << 30)	/* octets of members that wait for their entries */

struct bulk {
	struct lg_directory *dir;
	const struct lg_ldif_options *o;
	struct lg_load *load;
	struct lg_ldif ldif;
	struct lg_ldif_map map;
	struct lg_arena *arena;		/* of one record */
	struct lg_bulk_names dns, names;
	struct lg_dn suffix;
	lg_str suffix_text;
	uint64_t top;
	struct lg_buf pending;		/* group u64, line u64, DN str32 */
	struct lg_ldif_counts counts;
	bool ended;
	uint64_t settled;		/* the last entry that the rules of groups were asked of */
	bool more;
	/* of one mutation */
	struct lg_ctx *job;
	struct lg_ctx cx;		/* in the record's arena */
	struct lg_edit ed;
	uint64_t line;
};

/* What an entry is made of, before it is put together. */
struct parts {
	struct lg_draft d;
	const struct lg_dn *dn;
	lg_str verifier;
	lg_uuid *blob;			/* in the draft */
	struct lg_values member;	/* all of them */
	size_t room;
};

static lg_err
fault(struct bulk *b, const char *why)
{
	return lg_fail(&b->cx, LG_E_INVALID, "line %" PRIu64 ": %s", b->line, why);
}

/* Some errors are the record's; others (the disk is full) end the load. */
static bool
is_fault(lg_err e)
{
	return e == LG_E_INVALID || e == LG_E_NOT_FOUND || e == LG_E_EXISTS || e == LG_E_CONFLICT || e == LG_E_UNSUPPORTED;
}

static lg_err
pass_over(struct bulk *b, lg_err e)
{
	if (strncmp(b->cx.error, "line ", 5) != 0)
		lg_fail_in(&b->cx, e, lg_print(b->arena, "line %" PRIu64, b->line).p);
	if (!is_fault(e) || !b->o->carry_on)
		return lg_fail(b->job, e, "%s", b->cx.error);
	b->counts.faults++;
	b->o->fault(b->o->arg, b->cx.error);
	return LG_OK;
}

/* ---- names --------------------------------------------------------------------------------------------------------------------- */

/* The child, loaded or there before; 0: none. */
static lg_err
find_child(struct bulk *b, uint64_t parent, const struct lg_rdn *rdn, uint64_t *ret)
{
	struct lg_dkey k = lg_key_dn(b->o->tenant, parent, rdn->normal);

	*ret = lg_bulk_names_find(&b->dns, &k);
	if (*ret != 0)
		return LG_OK;
	lg_err e = lg_child_find(&b->cx, b->ed.v, b->o->tenant, parent, rdn->normal, ret);
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

static bool
below_suffix(const struct bulk *b, const struct lg_dn *dn)
{
	if (dn->n < b->suffix.n)
		return false;
	for (size_t i = 1; i <= b->suffix.n; i++)
		if (!lg_str_eq(dn->rdn[dn->n - i].normal, b->suffix.rdn[b->suffix.n - i].normal))
			return false;
	return true;
}

/* How far down the DN is there: *missing RDNs are not.  *id 0: it is of another suffix. */
static lg_err
resolve(struct bulk *b, const struct lg_dn *dn, uint64_t *id, size_t *missing)
{
	uint64_t child;

	*id = 0;
	*missing = dn->n;
	if (!below_suffix(b, dn))
		return LG_OK;
	*id = b->top;
	for (*missing = dn->n - b->suffix.n; *missing > 0; --*missing) {
		LG_TRY(find_child(b, *id, &dn->rdn[*missing - 1], &child));
		if (child == 0)
			return LG_OK;
		*id = child;
	}
	return LG_OK;
}

/* ---- values ----------------------------------------------------------------------------------------------------------------------- */

static void
add_members(struct bulk *b, struct parts *p, const struct lg_values *values)
{
	lg_str *v = (lg_str *)(uintptr_t)p->member.v;

	if (p->member.n + values->n > p->room) {
		p->room = (p->member.n + values->n) * 2;
		v = LG_NEWS(b->arena, lg_str, p->room);
		if (p->member.n > 0)
			memcpy(v, p->member.v, p->member.n * sizeof *v);
	}
	if (values->n > 0)
		memcpy(v + p->member.n, values->v, values->n * sizeof *v);
	p->member = (struct lg_values){ values->attribute, v, p->member.n + values->n };
	p->d.has_members |= values->n > 0;
}

/* What servers write about an entry is kept where it means something here. */
static void
take_operational(struct parts *p, const struct lg_attr *at, lg_str v)
{
	if (at->id == LG_A_ENTRY_UUID)
		lg_uuid_parse(v, &p->d.e.uuid);
	else if (at->id == LG_A_CREATE_TIMESTAMP)
		lg_time_generalized_parse(v, &p->d.e.created);
	else if (at->id == LG_A_MODIFY_TIMESTAMP)
		lg_time_generalized_parse(v, &p->d.e.modified);
}

static lg_err
take_reference(struct bulk *b, struct parts *p, const struct lg_attr *at, lg_str v)
{
	struct lg_dn dn;
	size_t missing;
	uint64_t id;

	if (!lg_dn_parse(b->arena, v, &dn))
		return fault(b, "a reference is no DN");
	LG_TRY(resolve(b, &dn, &id, &missing));
	if (id == 0 || missing > 0)
		return fault(b, "a reference to an entry that is not there yet: put that one before it");
	lg_draft_put(&b->cx, &p->d, at, lg_id_str(b->arena, id));
	return LG_OK;
}

/* The first one that is a verifier; one in clear is hashed. */
static lg_err
take_password(struct bulk *b, struct parts *p, const struct lg_values *values)
{
	for (size_t i = 0; i < values->n && p->verifier.n == 0; i++)
		if (lg_verifier_like(values->v[i]))
			p->verifier = values->v[i];
	if (p->verifier.n > 0 || values->n == 0 || values->v[0].n == 0)
		return LG_OK;
	if (b->o->hash == NULL)
		return fault(b, "a password in clear");
	b->counts.hashed++;
	return b->o->hash(b->o->arg, &b->cx, values->v[0], &p->verifier);
}

static lg_err
take_values(struct bulk *b, struct parts *p, const struct lg_values *values)
{
	const struct lg_attr *at = lg_attr_find(values->attribute);
	lg_str stored;

	if (at == NULL)
		return lg_fail(&b->cx, LG_E_INVALID, "line %" PRIu64 ": %.*s: attribute type undefined", b->line,
		    LG_FMT(lg_str_sub(values->attribute, 0, 100)));
	if ((at->flags & LG_AF_READONLY) != 0) {
		if (values->n > 0)
			take_operational(p, at, values->v[0]);
		return LG_OK;
	}
	if ((at->flags & LG_AF_MEMBER) != 0) {
		add_members(b, p, values);
		return LG_OK;
	}
	if ((at->flags & LG_AF_SECRET) != 0)
		return take_password(b, p, values);
	for (size_t i = 0; i < values->n; i++) {
		if ((at->flags & LG_AF_REFERENCE) != 0) {
			LG_TRY(take_reference(b, p, at, values->v[i]));
			continue;
		}
		LG_TRY(lg_value_store(&b->cx, &b->ed, &p->d.e, at, values->v[i], &stored));
		lg_draft_put(&b->cx, &p->d, at, stored);
	}
	return LG_OK;
}

/* ---- an entry ------------------------------------------------------------------------------------------------------------------------ */

/* The only index rows that an entry may share with no other, beside its DN. */
static lg_err
claim_names(struct bulk *b, const struct lg_entry *e)
{
	struct lg_dkey k = lg_key_uuid(e->tenant, e->uuid);
	struct lg_entry other;
	lg_str normal;

	if (!lg_bulk_names_add(&b->names, &k, e->id) || lg_entry_by_uuid(&b->cx, b->ed.v, e->tenant, e->uuid, &other) == LG_OK)
		return fault(b, "another entry has its entryUUID");
	if (e->name.n == 0 || !lg_normal(b->arena, LG_FORM_CASE_IGNORE, e->name, &normal))
		return LG_OK;
	k = lg_key_name(e->tenant, e->type, normal);
	if (lg_bulk_names_add(&b->names, &k, e->id) && lg_entry_by_name(&b->cx, b->ed.v, e->tenant, e->type, e->name, &other) != LG_OK)
		return LG_OK;
	return lg_fail(&b->cx, LG_E_EXISTS, "line %" PRIu64 ": there is a %.*s named '%.*s' already", b->line, LG_FMT(lg_type_name(e->type)),
	    LG_FMT(lg_str_sub(e->name, 0, 200)));
}

/* Room for the blob's id, which is drawn when nothing can be wrong with the entry any more. */
static void
expect_password(struct bulk *b, struct parts *p)
{
	if (p->verifier.n == 0)
		return;
	p->blob = LG_NEW(b->arena, lg_uuid);
	lg_draft_put(&b->cx, &p->d, lg_attr_of(LG_A_USER_PASSWORD), (lg_str){ (const char *)p->blob->b, sizeof p->blob->b });
}

static lg_err
seal_password(struct bulk *b, struct parts *p)
{
	lg_str sealed;

	if (p->verifier.n == 0)
		return LG_OK;
	LG_TRY(lg_secret_sealed(&b->cx, &b->ed, &p->d.e, p->verifier, &sealed));
	return lg_load_blob(&b->cx, b->load, b->o->tenant, sealed, p->blob);
}

static lg_err
write_entry(struct bulk *b, struct parts *p)
{
	struct lg_entry *e = &p->d.e;
	struct lg_dkey k = lg_key_id(e->tenant, e->id);

	LG_TRY(lg_draft_body(&b->cx, &b->ed, &p->d, &e->body));
	if (e->created == 0)
		e->created = lg_view_time(b->ed.v);
	if (e->modified < e->created)
		e->modified = e->created;
	e->stamp = lg_view_new_id(b->ed.v);
	return lg_load_put(&b->cx, b->load, b->ed.v, &lg_table_entry, lg_dkey_str(&k), lg_entry_encode(b->arena, e), true);
}

static lg_err
put_member(struct bulk *b, uint64_t group, uint64_t member)
{
	struct lg_dkey k = lg_key_pair(b->o->tenant, group, member);

	if (group == member)
		return fault(b, "a group cannot hold itself");
	b->counts.members++;
	return lg_load_put(&b->cx, b->load, b->ed.v, &lg_table_member, lg_dkey_str(&k), LG_NONE, false);
}

/* Now, or when its entry has come. */
static lg_err
take_member(struct bulk *b, uint64_t group, lg_str text, bool last)
{
	struct lg_dn dn;
	size_t missing;
	uint64_t id;

	if (!lg_dn_parse(b->arena, text, &dn) || dn.n == 0)
		return fault(b, "a member is no DN");
	LG_TRY(resolve(b, &dn, &id, &missing));
	if (id != 0 && missing == 0)
		return put_member(b, group, id);
	if (last)
		return lg_fail(&b->cx, LG_E_INVALID, "line %" PRIu64 ": member: there is no entry '%.*s'", b->line, LG_FMT(lg_str_sub(text, 0, 200)));
	lg_buf_u64(&b->pending, group);
	lg_buf_u64(&b->pending, b->line);
	lg_buf_str32(&b->pending, text);
	return b->pending.full ? lg_fail(&b->cx, LG_E_LIMIT, "too many members come before their entries") : LG_OK;
}

static lg_err
take_members(struct bulk *b, const struct parts *p)
{
	for (size_t i = 0; i < p->member.n; i++) {
		lg_err e = take_member(b, p->d.e.id, p->member.v[i], false);
		if (e != LG_OK)
			LG_TRY(pass_over(b, e));
	}
	return LG_OK;
}

static lg_err
make_entry(struct bulk *b, const struct lg_ldif_record *r, const struct lg_dn *dn, uint64_t parent)
{
	struct parts p = { .d = { .rdn = dn->rdn[0] }, .dn = dn };

	p.d.e = (struct lg_entry){ .tenant = b->o->tenant, .id = lg_view_new_id(b->ed.v), .parent = parent,
		.rdn = lg_rdn_text(b->arena, &dn->rdn[0]), .rdn_normal = dn->rdn[0].normal };
	for (size_t i = 0; i < r->n; i++)
		LG_TRY(take_values(b, &p, &r->values[i]));
	if (lg_uuid_is_nil(p.d.e.uuid))
		p.d.e.uuid = lg_uuid_new();
	lg_draft_name(&b->cx, &p.d, &p.d.rdn);
	expect_password(b, &p);
	LG_TRY(lg_draft_check(&b->cx, &b->ed, &p.d));
	LG_TRY(claim_names(b, &p.d.e));
	LG_TRY(seal_password(b, &p));
	struct lg_dkey k = lg_key_dn(b->o->tenant, parent, dn->rdn[0].normal);
	lg_bulk_names_add(&b->dns, &k, p.d.e.id);
	LG_TRY(write_entry(b, &p));
	b->counts.entries++;
	return take_members(b, &p);
}

static lg_err
load_record(struct bulk *b, struct lg_ldif_record *r)
{
	struct lg_dn dn;
	size_t missing;
	uint64_t id;
	bool skip = false;

	b->line = r->line;
	if (r->kind != LG_LDIF_ENTRY && r->kind != LG_LDIF_ADD)
		return fault(b, "a bulk load takes entries, no changes");
	LG_TRY(lg_ldif_map(&b->cx, &b->map, r, &skip));
	if (skip)
		return LG_OK;
	if (!lg_dn_parse(b->arena, r->dn, &dn) || dn.n == 0 || !lg_rdn_known(&dn.rdn[0]))
		return fault(b, "invalid DN");
	LG_TRY(resolve(b, &dn, &id, &missing));
	if (id == 0)
		return lg_fail(&b->cx, LG_E_INVALID, "line %" PRIu64 ": the entry is not below %.*s", b->line, LG_FMT(b->suffix_text));
	if (missing > 1)
		return fault(b, "the entry above it is missing");
	if (missing == 1)
		return make_entry(b, r, &dn, id);
	b->counts.there++;
	return LG_OK;
}

/* ---- mutations ------------------------------------------------------------------------------------------------------------------------- */

/* On record; and whoever follows the log must begin anew, since it holds no effects of this. */
static lg_err
close_chunk(struct bulk *b, struct lg_ctx *cx)
{
	lg_sha256 digest;
	uint64_t rows;

	lg_load_tell(b->load, &rows, &digest);
	lg_audit(b->ed.v, b->suffix_text, lg_print(cx->arena, "{\"entries\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"sha256\":\"%.*s\"}",
	    b->counts.entries, rows, LG_FMT(lg_hex(cx->arena, lg_sha256_str(&digest)))));
	return lg_event_reload(cx, &b->ed);
}

static void
begin_chunk(struct bulk *b, struct lg_ctx *cx, struct lg_view *v)
{
	b->job = cx;
	b->cx = *cx;
	b->cx.arena = b->arena;
	b->ed = lg_edit_of(b->dir, v, b->o->tenant);
}

static lg_err
load_chunk(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct bulk *b = arg;
	struct lg_ldif_record r;

	begin_chunk(b, cx, v);
	for (size_t i = 0; i < CHUNK; i++) {
		lg_arena_reset(b->arena);
		b->cx.error[0] = '\0';
		lg_err e = lg_ldif_next(&b->cx, &b->ldif, &r);
		b->ended = e == LG_E_NOT_FOUND;
		if (b->ended)
			break;
		if (e == LG_OK)
			e = load_record(b, &r);
		if (e != LG_OK)
			LG_TRY(pass_over(b, e));
		b->counts.records++;
	}
	return close_chunk(b, cx);
}

/* Members whose entries came after their group. */
static lg_err
load_pending(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct bulk *b = arg;
	struct lg_rd rd = lg_rd_of(lg_buf_view(&b->pending));

	begin_chunk(b, cx, v);
	while (rd.p < rd.end) {
		uint64_t group = lg_rd_u64(&rd);
		lg_arena_reset(b->arena);
		b->line = lg_rd_u64(&rd);
		b->cx.error[0] = '\0';
		lg_err e = take_member(b, group, lg_rd_str32(&rd), true);
		if (e != LG_OK)
			LG_TRY(pass_over(b, e));
	}
	return close_chunk(b, cx);
}

/* Once all entries and their indexes are there. */
static lg_err
load_rules(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct bulk *b = arg;

	b->ed = lg_edit_of(b->dir, v, b->o->tenant);
	return lg_dynamic_step(cx, &b->ed, &b->settled, &b->more);
}

/* ---- the load ---------------------------------------------------------------------------------------------------------------------------- */

static lg_err
find_suffix(struct lg_ctx *cx, struct bulk *b, struct lg_arena *keep)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_tenant_row row;

	LG_TRY(lg_view_begin(cx, b->dir->store, &v));
	LG_TRY(lg_tenant_row(cx, v, b->o->tenant, &row));
	b->top = row.entry;
	b->suffix_text = lg_dup(keep, row.suffix);
	return lg_dn_parse(keep, b->suffix_text, &b->suffix) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "the tenant's suffix is no DN");
}

static lg_err
progress(void *arg, uint64_t rows)
{
	struct bulk *b = arg;

	(void)rows;
	if (b->o->progress != NULL)
		b->o->progress(b->o->arg, &b->counts);
	return LG_OK;
}

static lg_err
load(struct lg_ctx *cx, struct bulk *b)
{
	LG_TRY(find_suffix(cx, b, cx->arena));
	LG_TRY(lg_load_new(cx, b->dir->store, &b->load));
	while (!b->ended) {
		LG_TRY(lg_store_apply(cx, b->dir->store, b->o->tenant, "directory.load", load_chunk, b, NULL));
		LG_TRY(progress(b, 0));
	}
	if (b->pending.n > 0)
		LG_TRY(lg_store_apply(cx, b->dir->store, b->o->tenant, "directory.load", load_pending, b, NULL));
	LG_TRY(lg_load_end(cx, b->load, progress, b));
	for (b->more = true; b->more;)
		LG_TRY(lg_store_apply(cx, b->dir->store, b->o->tenant, "directory.load", load_rules, b, NULL));
	return LG_OK;
}

lg_err
lg_bulk_load(struct lg_ctx *cx, struct lg_directory *dir, const struct lg_ldif_options *o, struct lg_ldif_counts *ret)
{
	struct bulk b = { .dir = dir, .o = o, .arena = lg_arena_new(), .dns = lg_bulk_names_new(), .names = lg_bulk_names_new(),
		.pending = LG_BUF(PENDING_MAX) };

	b.ldif = lg_ldif_of(o->read, o->arg);
	b.ldif.url = o->url;
	b.map = (struct lg_ldif_map){ .origin = o->origin };
	lg_err e = load(cx, &b);
	*ret = b.counts;
	lg_load_free(&b.load);
	lg_ldif_end(&b.ldif);
	lg_bulk_names_free(&b.dns);
	lg_bulk_names_free(&b.names);
	lg_buf_free(&b.pending);
	lg_arena_free(&b.arena);
	return e;
}
