/*
 * stream.c: LDIF in and out of a store that is served, piece by piece.
 *
 * Each entry that comes in is an add of its own, decided by policy and on record like one over LDAP; a piece's adds are handed to the
 * writer together, so that they share its syncs.  What goes out is what the asker may read.
 */
#include <pthread.h>

#include "base/text.h"
#include "directory/directory.h"
#include "directory/dn.h"
#include "directory/entry.h"
#include "directory/find.h"
#include "directory/ldif.h"
#include "directory/ldif_map.h"
#include "directory/op_write.h"
#include "directory/pwd.h"
#include "directory/secret.h"

struct take {
	const struct lg_ldif_options *o;
	struct lg_directory *dir;
	bool last;
	struct lg_ldif_taken *ret;
	/* those that the writer has */
	pthread_mutex_t lock;
	pthread_cond_t done;
	size_t left;
};

/* One record on its way. */
struct taking {
	struct lg_job job;		/* first: the store gives it back */
	struct lg_ctx cx;		/* in the arena of all: the worker waits while the writer uses it */
	struct take *take;
	uint64_t line;
	lg_str dn;
	struct lg_values *values;
	size_t n;
	bool there, later;
	bool together;			/* one of those that name each other */
	lg_str normal;			/* then: of its DN */
	struct lg_entry made;
};

/* ---- on the writer's thread ------------------------------------------------------------------------------------------------ */

static bool
names_entries(const struct lg_attr *at)
{
	return at != NULL && (at->flags & (LG_AF_MEMBER | LG_AF_REFERENCE)) != 0;
}

/* Does a value name an entry that is not there? */
static lg_err
waits(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_values *values, bool *ret)
{
	struct lg_place place;
	struct lg_dn dn;

	for (size_t i = 0; names_entries(lg_attr_find(values->attribute)) && i < values->n && !*ret; i++) {
		if (!lg_dn_parse(cx->arena, values->v[i], &dn))
			continue;		/* the add says what is wrong with it */
		LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
		*ret = place.tenant == 0 || place.missing > 0;
	}
	return LG_OK;
}

static lg_err
look(struct lg_ctx *cx, struct lg_edit *ed, struct taking *t)
{
	struct lg_place place;
	struct lg_dn dn;

	t->there = t->later = false;
	if (!lg_dn_parse(cx->arena, t->dn, &dn))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid DN");
	LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
	t->there = place.tenant == ed->tenant && place.missing == 0;
	t->later = place.tenant == ed->tenant && place.missing > 1;
	for (size_t i = 0; i < t->n && !t->there && !t->later; i++)
		LG_TRY(waits(cx, ed, &t->values[i], &t->later));
	t->later = t->later && !t->take->last;
	return LG_OK;
}

static lg_err
add(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct taking *t = (struct taking *)job;
	struct lg_edit ed = lg_edit_of(t->take->dir, v, job->tenant);
	struct lg_entry made;

	LG_TRY(look(cx, &ed, t));
	if (t->there || t->later)
		return LG_OK;
	LG_TRY(lg_add_may(cx, &ed, t->dn, t->values, t->n, t->take->o->keep));
	lg_audit(v, t->dn, LG_STR("{\"import\":true}"));
	return lg_entry_add(cx, &ed, t->dn, t->values, t->n, &made);
}

static void
added(struct lg_note *note)
{
	struct take *k = ((struct taking *)(void *)note)->take;

	pthread_mutex_lock(&k->lock);
	if (--k->left == 0)
		pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
}

/* ---- reading a piece ---------------------------------------------------------------------------------------------------------- */

/* Some sentences name their line; it is told apart from them. */
static void
fault(struct lg_ctx *cx, struct take *k, uint64_t line, const char *why)
{
	lg_str text = lg_dup(cx->arena, lg_str_of(why)), head, rest;
	int64_t n;

	if (lg_str_starts(text, LG_STR("line ")) && lg_str_cut(lg_str_sub(text, 5, text.n), ':', &head, &rest) && lg_int_parse(head, &n) && n > 0) {
		line = (uint64_t)n;
		text = lg_str_trim(rest);
	}
	k->ret->fault[k->ret->nfaults++] = (struct lg_ldif_fault){ line, text };
}

/* The first that is a verifier already; otherwise the first in clear, if the policy takes it, hashed. */
static lg_err
store_password(struct lg_ctx *cx, struct take *k, struct taking *t, struct lg_values *values)
{
	const struct lg_hasher *hasher = k->dir->ports.hasher;
	struct lg_edit ed = lg_edit_of(k->dir, NULL, k->o->tenant);
	struct lg_secret clear;
	struct lg_pwd_policy p;
	struct lg_entry none = { .tenant = k->o->tenant };
	lg_str *stored = LG_NEW(cx->arena, lg_str);
	struct lg_dn dn;

	*stored = values->n > 0 ? values->v[0] : LG_NONE;
	for (size_t i = 0; i < values->n; i++)
		if (lg_verifier_like(values->v[i]) && lg_password_known(values->v[i])) {
			*values = (struct lg_values){ values->attribute, &values->v[i], 1 };
			return LG_OK;
		}
	*values = (struct lg_values){ values->attribute, stored, stored->n > 0 ? 1 : 0 };
	if (stored->n == 0)
		return LG_OK;
	clear = (struct lg_secret){ (uint8_t *)(uintptr_t)stored->p, stored->n };
	LG_TRY(lg_view_begin(cx, k->dir->store, &ed.v));
	lg_err e = lg_pwd_policy_get(cx, ed.v, &none, &p);
	if (e == LG_OK)
		e = lg_pwd_check_new(cx, &ed, &p, NULL, lg_dn_parse(cx->arena, t->dn, &dn) && dn.n > 0 ? dn.rdn[0].ava[0].value : LG_NONE, *stored, false);
	lg_view_end(&ed.v);
	lg_store_turn(k->dir->store);
	LG_TRY(e);
	k->ret->hashed++;
	return hasher->renew_wait(hasher->self, cx, NULL, 0, &clear, stored);
}

static bool
is_kept(const struct lg_attr *at)
{
	return at->id == LG_A_ENTRY_UUID || at->id == LG_A_CREATE_TIMESTAMP || at->id == LG_A_MODIFY_TIMESTAMP;
}

/* What a server writes about an entry begins anew here, unless it is asked to stay. */
static lg_err
take_values(struct lg_ctx *cx, struct take *k, struct taking *t, const struct lg_ldif_record *r)
{
	t->values = LG_NEWS(cx->arena, struct lg_values, r->n == 0 ? 1 : r->n);
	for (size_t i = 0; i < r->n; i++) {
		const struct lg_attr *at = lg_attr_find(r->values[i].attribute);
		struct lg_values *to = &t->values[t->n];
		lg_str *v;
		if (at != NULL && (at->flags & LG_AF_READONLY) != 0 && !(k->o->keep && is_kept(at)))
			continue;
		v = LG_NEWS(cx->arena, lg_str, r->values[i].n == 0 ? 1 : r->values[i].n);
		for (size_t j = 0; j < r->values[i].n; j++)
			v[j] = lg_dup(cx->arena, r->values[i].v[j]);
		*to = (struct lg_values){ lg_dup(cx->arena, r->values[i].attribute), v, r->values[i].n };
		if (at != NULL && (at->flags & LG_AF_SECRET) != 0)
			LG_TRY(store_password(cx, k, t, to));
		t->n++;
	}
	return LG_OK;
}

/* LG_E_NOT_FOUND: not wanted here. */
static lg_err
take_record(struct lg_ctx *cx, struct take *k, struct lg_ldif_record *r, struct taking *t)
{
	struct lg_ldif_map map = { .origin = k->o->origin };
	bool skip = false;

	*t = (struct taking){ .take = k, .line = r->line };
	if (r->kind != LG_LDIF_ENTRY && r->kind != LG_LDIF_ADD)
		return lg_fail(cx, LG_E_INVALID, "an import takes entries, no changes");
	LG_TRY(lg_ldif_map(cx, &map, r, &skip));
	if (skip)
		return LG_E_NOT_FOUND;
	t->dn = lg_dup(cx->arena, r->dn);
	return take_values(cx, k, t, r);
}

static lg_err
take_all(struct lg_ctx *cx, struct take *k, struct lg_ldif *ldif, struct taking *t, size_t *n)
{
	struct lg_ldif_record r = { .line = 1 };
	lg_err e;

	while ((e = lg_ldif_next(cx, ldif, &r)) != LG_E_NOT_FOUND) {
		if (e != LG_OK && e != LG_E_INVALID)
			return e;
		if (*n + k->ret->nfaults == LG_LDIF_TAKE)
			return lg_fail(cx, LG_E_LIMIT, "more than %d entries at once", LG_LDIF_TAKE);
		if (e == LG_OK)
			e = take_record(cx, k, &r, &t[*n]);
		if (e == LG_E_BUSY || e == LG_E_UNAVAILABLE)
			return e;
		if (e == LG_OK)
			t[(*n)++].job.cx = NULL;
		else if (e != LG_E_NOT_FOUND)
			fault(cx, k, r.line, cx->error);
	}
	return LG_OK;
}

/* ---- groups that are members of each other: in one change, or none of them ---------------------------------------------------------- */

struct ring {
	struct take *take;
	struct taking *t;
	size_t n, found;
};

static bool
is_among(const struct ring *r, lg_str normal)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->t[i].together && lg_str_eq(r->t[i].normal, normal))
			return true;
	return false;
}

/* May the record come if all that it names among the others does?  *names: it does name what is not there. */
static bool
may_join(struct lg_ctx *cx, const struct ring *r, struct lg_edit *ed, const struct taking *t, bool *names)
{
	struct lg_place place;
	struct lg_dn dn;

	for (size_t i = 0; i < t->n; i++) {
		const struct lg_attr *at = lg_attr_find(t->values[i].attribute);
		for (size_t k = 0; names_entries(at) && k < t->values[i].n; k++) {
			if (!lg_dn_parse(cx->arena, t->values[i].v[k], &dn) || lg_dn_resolve(cx, ed->v, &dn, &place) != LG_OK)
				return false;
			if (place.tenant == ed->tenant && place.missing == 0)
				continue;
			if ((at->flags & LG_AF_MEMBER) == 0 || !is_among(r, lg_dn_normal(cx->arena, &dn)))
				return false;
			*names = true;
		}
	}
	return true;
}

/* The records that name nothing but each other and what is there. */
static lg_err
find_ring(struct lg_ctx *cx, struct ring *r, struct lg_edit *ed)
{
	bool changed = true, names = false;
	struct lg_place place;
	struct lg_dn dn;

	r->found = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct taking *t = &r->t[i];
		t->together = lg_dn_parse(cx->arena, t->dn, &dn);
		if (!t->together)
			continue;
		LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
		t->together = place.tenant == ed->tenant && place.missing == 1;
		t->normal = lg_dn_normal(cx->arena, &dn);
	}
	while (changed) {
		changed = false;
		for (size_t i = 0; i < r->n; i++)
			if (r->t[i].together && !may_join(cx, r, ed, &r->t[i], &names)) {
				r->t[i].together = false;
				changed = true;
			}
	}
	for (size_t i = 0; i < r->n && names; i++)
		r->found += r->t[i].together;
	return LG_OK;
}

static lg_err
add_without_members(struct lg_ctx *cx, struct lg_edit *ed, struct taking *t)
{
	struct lg_values *values = LG_NEWS(cx->arena, struct lg_values, t->n);
	size_t n = 0;

	LG_TRY(lg_add_may(cx, ed, t->dn, t->values, t->n, t->take->o->keep));
	for (size_t i = 0; i < t->n; i++) {
		const struct lg_attr *at = lg_attr_find(t->values[i].attribute);
		if (at == NULL || (at->flags & LG_AF_MEMBER) == 0)
			values[n++] = t->values[i];
		else
			ed->members_follow = true;
	}
	lg_err e = lg_entry_add(cx, ed, t->dn, values, n, &t->made);
	ed->members_follow = false;
	return e;
}

static lg_err
add_their_members(struct lg_ctx *cx, struct lg_edit *ed, const struct taking *t)
{
	struct lg_entry member;

	for (size_t i = 0; i < t->n; i++) {
		const struct lg_attr *at = lg_attr_find(t->values[i].attribute);
		for (size_t k = 0; at != NULL && (at->flags & LG_AF_MEMBER) != 0 && k < t->values[i].n; k++) {
			LG_TRY(lg_value_entry(cx, ed, at, t->values[i].v[k], &member));
			LG_TRY(lg_member_put(cx, ed, &t->made, &member));
		}
	}
	return LG_OK;
}

static lg_err
add_ring(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ring *r = arg;
	struct lg_edit ed = lg_edit_of(r->take->dir, v, r->take->o->tenant);
	lg_str first = LG_NONE;

	LG_TRY(find_ring(cx, r, &ed));
	for (size_t i = 0; i < r->n && r->found > 0; i++)
		if (r->t[i].together) {
			first = first.n == 0 ? r->t[i].dn : first;
			LG_TRY(add_without_members(cx, &ed, &r->t[i]));
		}
	for (size_t i = 0; i < r->n && r->found > 0; i++)
		if (r->t[i].together)
			LG_TRY(add_their_members(cx, &ed, &r->t[i]));
	if (r->found > 0)
		lg_audit(v, first, lg_print(cx->arena, "{\"import\":true,\"entries\":%zu}", r->found));
	return LG_OK;
}

/* Those that came are moved to the end; the others are added one by one, which says what is wrong with them. */
static size_t
take_ring(struct lg_ctx *cx, struct take *k, struct taking *t, size_t n)
{
	struct ring r = { .take = k, .t = t, .n = n };
	struct lg_ctx one = *cx;

	if (lg_store_apply(&one, k->dir->store, k->o->tenant, "entry.add", add_ring, &r, NULL) != LG_OK || r.found == 0)
		return n;
	k->ret->entries += r.found;
	for (size_t i = 0; i < n;) {
		struct taking done = t[i];
		if (!done.together) {
			i++;
			continue;
		}
		t[i] = t[--n];
		t[n] = done;
	}
	return n;
}

/* ---- handing it over ------------------------------------------------------------------------------------------------------------ */

static lg_err
submit(struct lg_ctx *cx, struct take *k, struct taking *t)
{
	t->cx = *cx;
	t->job = (struct lg_job){ .note.run = added, .run = add, .cx = &t->cx, .tenant = k->o->tenant, .operation = "entry.add" };
	pthread_mutex_lock(&k->lock);
	k->left++;
	pthread_mutex_unlock(&k->lock);
	lg_err e = lg_store_submit(k->dir->store, &t->job);
	if (e != LG_OK) {		/* no reply follows */
		pthread_mutex_lock(&k->lock);
		k->left--;
		pthread_mutex_unlock(&k->lock);
	}
	return e;
}

static void
tell(struct lg_ctx *cx, struct take *k, const struct taking *t)
{
	struct lg_ldif_taken *ret = k->ret;

	if (t->job.result != LG_OK)
		fault(cx, k, t->line, t->cx.error);
	else if (t->there)
		ret->there++;
	else if (t->later)
		ret->later[ret->nlater++] = t->line;
	else
		ret->entries++;
}

static lg_err
add_all(struct lg_ctx *cx, struct take *k, struct taking *t, size_t n)
{
	lg_err e = LG_OK;
	size_t sent = 0;

	lg_store_turn(k->dir->store);
	if (k->last)
		n = take_ring(cx, k, t, n);
	while (sent < n && (e = submit(cx, k, &t[sent])) == LG_OK)
		sent++;
	pthread_mutex_lock(&k->lock);
	while (k->left > 0)
		pthread_cond_wait(&k->done, &k->lock);
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; i < sent; i++)
		tell(cx, k, &t[i]);
	return e;
}

lg_err
lg_ldif_take(struct lg_ctx *cx, struct lg_directory *dir, const struct lg_ldif_options *o, bool last, struct lg_ldif_taken *ret)
{
	struct take k = { .o = o, .dir = dir, .last = last, .ret = ret };
	struct taking *t = LG_NEWS(cx->arena, struct taking, LG_LDIF_TAKE);
	struct lg_ldif ldif = lg_ldif_of(o->read, o->arg);
	size_t n = 0;

	*ret = (struct lg_ldif_taken){ .fault = LG_NEWS(cx->arena, struct lg_ldif_fault, LG_LDIF_TAKE), .later = LG_NEWS(cx->arena, uint64_t, LG_LDIF_TAKE) };
	pthread_mutex_init(&k.lock, NULL);
	pthread_cond_init(&k.done, NULL);
	lg_err e = take_all(cx, &k, &ldif, t, &n);
	if (e == LG_OK)
		e = add_all(cx, &k, t, n);
	lg_ldif_end(&ldif);
	pthread_cond_destroy(&k.done);
	pthread_mutex_destroy(&k.lock);
	return e;
}

/* ---- out ------------------------------------------------------------------------------------------------------------------------- */

static lg_err
find_top(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str base, struct lg_entry *ret)
{
	struct lg_tenant t;
	lg_err e;

	if (base.n == 0) {
		LG_TRY(lg_tenant_get(cx, v, tenant, &t));
		return lg_entry_by_uuid(cx, v, tenant, t.uuid, ret);
	}
	e = lg_entry_by_dn(cx, v, base, ret);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && ret->tenant != tenant))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no entry '%.*s'", LG_FMT(lg_str_sub(base, 0, 200)));
	return e;
}

static lg_err
put_page(struct lg_ctx *cx, struct lg_access *ac, const struct lg_entry *top, struct lg_entry *e, struct lg_buf *out)
{
	size_t n = 0;
	lg_str dn;

	while (n++ < LG_LDIF_PAGE && out->n < LG_LDIF_PAGE_BYTES) {
		LG_TRY(lg_tree_next(cx, ac->v, top, e));
		LG_TRY(lg_entry_dn(cx, ac->v, e, &dn));
		if (lg_may(ac, LG_RIGHT_DISCLOSE, e, dn, NULL))
			LG_TRY(lg_ldif_entry_for(cx, ac, e, dn, out));
	}
	return LG_OK;
}

lg_err
lg_ldif_page(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, uint32_t tenant, lg_str base, lg_uuid *at, struct lg_buf *out)
{
	struct lg_memo *memo = lg_memo_new();
	struct lg_access ac = lg_access_of(dir, cx, v, tenant, memo);
	struct lg_entry top, e = { .id = 0 };
	bool within = true;
	lg_err err = find_top(cx, v, tenant, base, &top);

	if (err == LG_OK && !lg_uuid_is_nil(*at)) {
		err = lg_entry_by_uuid(cx, v, tenant, *at, &e);
		if (err == LG_OK)
			err = lg_entry_is_under(cx, v, tenant, e.id, top.id, &within);
		if (err == LG_E_NOT_FOUND || !within)
			err = lg_fail(cx, LG_E_CONFLICT, "the entry that the page before ended with is gone: begin again");
	}
	if (err == LG_OK)
		err = put_page(cx, &ac, &top, &e, out);
	lg_memo_free(&memo);
	*at = err == LG_OK ? e.uuid : (lg_uuid){ { 0 } };
	return err == LG_E_NOT_FOUND && e.id != 0 ? LG_OK : err;
}
