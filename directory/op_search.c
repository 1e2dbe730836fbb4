/*
 * op_search.c: search (RFC 4511 4.5) in slices.
 *
 * A slice ends after 1 ms or 256 KiB and keeps the last id, never a snapshot: the next one looks at entries, filter and rights as they are then.
 */
#include "directory/search.h"

#include <stdlib.h>

#include "base/clock.h"
#include "directory/entry.h"
#include "directory/find.h"
#include "directory/sync.h"

enum { CLOCK_EVERY = 16, LARGE_REQUEST = 1024 };	/* candidates between looks at the clock; not for large filters */

/* The first attribute the filter speaks of. */
static lg_str
attribute_of(const struct lg_filter *f)
{
	while (f->kind <= LG_FILTER_NOT && f->n > 0)
		f = f->child[0];
	return f->kind > LG_FILTER_NOT && f->attr != NULL ? lg_attr_name(f->attr) : LG_NONE;
}

static void
tell_unindexed(struct lg_op *op)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;
	const struct lg_search *s = op->state;

	if (s->unindexed && s->looked >= LG_UNINDEXED_TELL && ports->unindexed != NULL)
		ports->unindexed(ports->self, &op->actor, s->base, attribute_of(s->filter), s->looked);
}

void
lg_search_finish(struct lg_op *op, int code, bool more)
{
	tell_unindexed(op);
	op->slice = NULL;
	if (op->controls.paged)
		lg_page_reply(op, more);
	lg_sorted_reply(op, code);
	lg_op_code(op, code, "");
}

/* ---- one candidate -------------------------------------------------------------------------------------------------------- */

static lg_err
look_at_parent(struct lg_ctx *slice, struct lg_view *v, struct lg_search *s, uint64_t parent)
{
	if (s->parent == parent && s->parent_dn.p != NULL)
		return LG_OK;
	s->parent = parent;
	LG_TRY(lg_entry_is_under(slice, v, s->tenant, parent, s->base_id, &s->parent_under));
	for (size_t i = 0; i < s->nvertices && !s->parent_under; i++)
		LG_TRY(lg_entry_is_under(slice, v, s->tenant, parent, s->vertex[i], &s->parent_under));
	return s->parent_under ? lg_dn_of_id(slice, v, s->tenant, parent, &s->parent_dn) : LG_OK;
}

/* Within the scope?  Gives the DN too.  Siblings come in a row, so their parent is looked at once a slice. */
static lg_err
in_scope(struct lg_ctx *slice, struct lg_ctx *cx, struct lg_view *v, struct lg_search *s, const struct lg_entry *e, bool *in, lg_str *dn)
{
	lg_str to;

	*in = false;
	if (e->id == s->base_id) {
		*in = s->scope == LG_SCOPE_BASE || s->scope == LG_SCOPE_SUBTREE;
		return *in ? lg_entry_dn(cx, v, e, dn) : LG_OK;
	}
	if (s->into_aliases && lg_alias_of(e, &to))
		return LG_OK;
	for (size_t i = 0; i < s->nvertices; i++)
		if (s->vertex[i] == e->id) {
			*in = true;
			return lg_entry_dn(cx, v, e, dn);
		}
	if (s->scope == LG_SCOPE_BASE || (s->scope == LG_SCOPE_ONE && e->parent != s->base_id) || e->parent == 0)
		return LG_OK;
	LG_TRY(look_at_parent(slice, v, s, e->parent));
	*in = s->parent_under;
	if (*in)
		*dn = lg_dn_below(cx->arena, e->rdn, s->parent_dn);
	return LG_OK;
}

static bool
matches(struct lg_shown *sh, const struct lg_search *s)
{
	struct lg_filter_port port = lg_shown_port(sh);

	return (sh->e == NULL || lg_may(sh->ac, LG_RIGHT_DISCLOSE, sh->e, sh->dn, NULL)) && lg_filter_match(s->filter, &port) == LG_TRUE;
}

lg_err
lg_search_wants(struct lg_op *op, struct lg_search_slice *sl, struct lg_shown *sh, bool *ret)
{
	struct lg_search *s = op->state;

	LG_TRY(in_scope(&sl->cx, &sl->one, sl->v, s, sh->e, ret, &sh->dn));
	*ret = *ret && matches(sh, s);
	return LG_OK;
}

void
lg_search_send(struct lg_op *op, struct lg_shown *sh)
{
	LG_AUTO(lg_buf_free) struct lg_buf controls = LG_BUF(LG_LDAP_PDU_BOUND);
	struct lg_search *s = op->state;

	sh->only = op->controls.values;
	sh->nonly = op->controls.nvalues;
	if (op->controls.nderef > 0 && sh->e != NULL)
		lg_deref_put(op, sh, &controls);
	lg_shown_write(sh, &s->selection, op->id, lg_buf_view(&controls), &op->conn->out);
	s->sent++;
	s->on_page++;
	op->ldap->counts.entries++;
}

bool
lg_search_at_limit(struct lg_op *op)
{
	struct lg_search *s = op->state;

	/* What is left after this one is not looked at: limits are only reached by a further match. */
	if (op->controls.paged && s->on_page >= op->controls.page_size) {
		lg_search_finish(op, LG_LDAP_SUCCESS, true);
		return true;
	}
	if (s->size > 0 && s->sent >= s->size) {
		lg_search_finish(op, LG_LDAP_SIZE_LIMIT_EXCEEDED, false);
		return true;
	}
	return false;
}

/* ---- slices ------------------------------------------------------------------------------------------------------------------- */

bool
lg_search_slice_over(struct lg_op *op, const struct lg_search_slice *sl, size_t n)
{
	bool look = n % CLOCK_EVERY == 0 || op->body.n > LARGE_REQUEST;

	return op->conn->out.n - sl->out_from >= LG_LDAP_SLICE_BYTES || op->conn->out.n >= LG_LDAP_UNSENT ||
	    (look && lg_monotonic_ns() > sl->end);
}

bool
lg_search_late(struct lg_op *op)
{
	const struct lg_search *s = op->state;

	if (s->deadline == 0 || lg_monotonic_ns() <= s->deadline)
		return false;
	lg_search_finish(op, LG_LDAP_TIME_LIMIT_EXCEEDED, false);
	return true;
}

/* True when the search has ended, or begins anew. */
static bool
candidate(struct lg_op *op, struct lg_search_slice *sl, const struct lg_entry *e, uint64_t id, lg_err *ret)
{
	struct lg_search *s = op->state;
	struct lg_shown sh = { .ac = &sl->ac, .e = e };
	bool wanted;

	lg_arena_reset(op->ldap->entry);
	if (s->unindexed && ++s->looked > LG_UNINDEXED_MAX) {
		lg_search_finish(op, LG_LDAP_ADMIN_LIMIT_EXCEEDED, false);
		return true;
	}
	*ret = lg_search_wants(op, sl, &sh, &wanted);
	if (*ret == LG_OK && wanted && s->sorted != NULL) {
		if (lg_sorted_add(op, &sh) == LG_E_LIMIT) {
			lg_sorted_give_up(op);
			return true;
		}
	} else if (*ret == LG_OK && wanted) {
		if (lg_search_at_limit(op))
			return true;
		if (s->sync != NULL)
			lg_sync_match(op, &sh);
		else
			lg_search_send(op, &sh);
	}
	s->walked = id;
	if (s->sorted == NULL)
		s->last = id;
	return *ret != LG_OK;
}

static lg_err
walk(struct lg_op *op, struct lg_search_slice *sl)
{
	LG_AUTO(lg_walk_end) struct lg_walk w = { 0 };
	struct lg_search *s = op->state;
	struct lg_entry e;
	uint64_t id;
	bool found;
	lg_err err = lg_walk_begin(&op->cx, sl->v, &s->plan, s->walked, &w);

	for (size_t n = 1; err == LG_OK && !lg_search_slice_over(op, sl, n); n++) {
		err = lg_walk_next(&op->cx, &w, &id, &found, &e);
		if (err == LG_OK && found && candidate(op, sl, &e, id, &err))
			return err;
	}
	return err;
}

static void
run(struct lg_op *op, struct lg_search_slice *sl)
{
	struct lg_search *s = op->state;
	lg_err e = lg_sorted_sending(s->sorted) ? LG_OK : walk(op, sl);

	if (!op->done && s->sorted != NULL && (e == LG_E_NOT_FOUND || lg_sorted_sending(s->sorted)))
		e = lg_sorted_send(op, sl);
	if (op->done)
		return;
	if (e == LG_E_NOT_FOUND && s->sync != NULL)
		lg_sync_refreshed(op);
	else if (e == LG_E_NOT_FOUND)
		lg_search_finish(op, LG_LDAP_SUCCESS, false);
	else if (e != LG_OK)
		lg_op_error(op, e, NULL);
	else
		lg_search_late(op);
}

void
lg_search_in_slice(struct lg_op *op, void (*fn)(struct lg_op *, struct lg_search_slice *))
{
	struct lg_ldap *l = op->ldap;
	struct lg_search *s = op->state;
	struct lg_search_slice sl = { .cx = op->cx, .one = op->cx, .end = lg_monotonic_ns() + LG_LDAP_SLICE_NS, .out_from = op->conn->out.n };

	if (!lg_op_view(op, &sl.v))
		return;
	lg_arena_reset(l->slice);
	lg_arena_reset(l->entry);
	sl.cx.arena = l->slice;
	sl.one.arena = l->entry;
	s->parent_dn = LG_NONE;
	s->parent = 0;
	sl.ac = lg_access_of(l->o.dir, &sl.one, sl.v, s->tenant, l->memo);
	fn(op, &sl);
	lg_view_end(&sl.v);
}

static void
run_slice(struct lg_op *op)
{
	lg_search_in_slice(op, run);
}

/* ---- the request ------------------------------------------------------------------------------------------------------------------ */

static bool
read_attributes(struct lg_ber *b, struct lg_search *s, size_t *n)
{
	struct lg_ber list = lg_ber_enter(b, LG_BER_SEQUENCE);
	bool none = false;

	for (*n = 0; lg_ber_more(&list) && *n <= LG_LDAP_ATTRIBUTES; ++*n) {
		lg_str name = lg_ber_str(&list, LG_BER_OCTETS);
		none = none || lg_str_eq(name, LG_STR("1.1"));
		lg_selection_add(&s->selection, name);
	}
	/* RFC 4511 4.5.1.8: "1.1" beside others is ignored; alone it means none. */
	s->selection.user = s->selection.user || (*n == 0 && !none);
	return !list.bad;
}

static int64_t
lower_limit(int64_t asked, uint32_t ours)
{
	return ours == 0 || (asked > 0 && asked < ours) ? asked : ours;
}

/* Answers and gives false when the request is not to be carried out. */
static bool
read_request(struct lg_op *op, struct lg_ber *b, struct lg_search *s)
{
	int64_t scope, deref;
	size_t n = 0;
	lg_err e;

	s->base = lg_ber_str(b, LG_BER_OCTETS);
	scope = lg_ber_int(b, LG_BER_ENUMERATED);
	deref = lg_ber_int(b, LG_BER_ENUMERATED);
	s->size = lg_ber_int(b, LG_BER_INTEGER);
	s->time = lg_ber_int(b, LG_BER_INTEGER);
	s->selection.types_only = lg_ber_bool(b, LG_BER_BOOLEAN);
	s->scope = (enum lg_scope)scope;
	if (b->bad || scope < 0 || scope > LG_SCOPE_CHILDREN || deref < 0 || deref > 3 || s->size < 0 || s->size > INT32_MAX || s->time < 0 ||
	    s->time > INT32_MAX) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed search request");
		return false;
	}
	e = lg_filter_read(&op->cx, b, &s->filter);
	if (e != LG_OK || !read_attributes(b, s, &n) || n > LG_LDAP_ATTRIBUTES) {
		bool limit = e == LG_E_LIMIT || n > LG_LDAP_ATTRIBUTES;
		lg_op_code(op, limit ? LG_LDAP_ADMIN_LIMIT_EXCEEDED : LG_LDAP_PROTOCOL_ERROR, limit ? "the request is too complex" : "malformed search request");
		return false;
	}
	s->into_aliases = (deref & 1) != 0 && scope != LG_SCOPE_BASE;
	s->from_alias = (deref & 2) != 0;
	s->asked_time = s->time;
	s->size = lower_limit(s->size, op->ldap->o.size_limit);
	s->time = lower_limit(s->time, op->ldap->o.time_limit);
	if (s->time > 0)
		s->deadline = lg_monotonic_ns() + s->time * 1000000000;
	return true;
}

/* The root DSE and the subschema: one entry each, readable by all (RFC 4512 5.1). */
static bool
search_made_up(struct lg_op *op, struct lg_view *v, struct lg_search *s)
{
	bool root = s->base.n == 0 && s->scope == LG_SCOPE_BASE;
	/* Whose definitions are shown: the caller's tenant's. */
	uint32_t tenant = op->actor.kind == LG_ACTOR_ENTRY ? op->actor.tenant : op->ldap->o.tenant;
	struct lg_access ac = lg_access_of(op->ldap->o.dir, &op->cx, v, tenant, NULL);
	struct lg_shown sh = { .ac = &ac, .dn = root ? LG_STR("") : LG_STR(LG_SUBSCHEMA_DN), .made = root ? lg_root_values : lg_subschema_values };

	if (!root && !lg_is_subschema(s->base))
		return false;
	if ((s->scope == LG_SCOPE_BASE || s->scope == LG_SCOPE_SUBTREE) && matches(&sh, s)) {
		/* RFC 4512 4.4: of the subschema only what is asked for by name, or by "+". */
		lg_search_send(op, &sh);
	}
	lg_search_finish(op, LG_LDAP_SUCCESS, false);
	return true;
}

/* (objectClass=*), (&): whoever asks for everything is not missing an index. */
static bool
wants_all(const struct lg_filter *f)
{
	return (f->kind == LG_FILTER_AND && f->n == 0) || (f->kind == LG_FILTER_PRESENT && f->attr != NULL && f->attr->id == LG_A_OBJECT_CLASS);
}

static void
start(struct lg_op *op, struct lg_view *v, struct lg_search *s)
{
	struct lg_access ac;
	struct lg_entry base;
	lg_str dn;
	lg_err e;

	if (search_made_up(op, v, s) || lg_search_monitor(op, v))
		return;
	if ((s->from_alias && !lg_alias_base(op, v, &s->base)) || !lg_op_find(op, v, s->base, &ac, &base, &dn))
		return;
	s->tenant = base.tenant;
	s->base_id = base.id;
	/* RFC 2696 3: a page of no entries gives the cookie back.  RFC 3672 3: there are no subentries here. */
	if ((op->controls.paged && op->controls.page_size == 0) || op->controls.subentries) {
		lg_search_finish(op, LG_LDAP_SUCCESS, false);
		return;
	}
	e = s->into_aliases ? lg_alias_vertices(op, v) : LG_OK;
	if (e != LG_OK) {
		lg_op_error(op, e, NULL);
		return;
	}
	if (!lg_sorted_begin(op) || (op->controls.sync != NULL && !lg_sync_begin(op, v)))
		return;
	if (s->sorted == NULL)
		s->walked = s->last;
	e = lg_plan_make(&op->cx, v, s->filter, s->nvertices > 0 ? LG_SCOPE_SUBTREE : s->scope, &base, &s->plan);
	s->unindexed = s->plan.source == LG_SOURCE_ALL && !wants_all(s->filter);
	if (e != LG_OK)
		lg_op_error(op, e, NULL);
	else
		op->slice = s->sync != NULL && lg_sync_by_events(s->sync) ? lg_sync_slice : run_slice;
}

void
lg_op_search(struct lg_op *op, struct lg_ber *body)
{
	struct lg_search *s = LG_NEW(op->arena, struct lg_search);
	struct lg_view *v;

	op->state = s;
	if (!read_request(op, body, s))
		return;
	if (op->controls.sync != NULL && s->into_aliases) {	/* RFC 4533 3.1: what is in the content would not be said by a DN */
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "content synchronisation does not go into aliases");
		return;
	}
	if (op->controls.paged && !lg_page_resume(op)) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "the paged results cookie is invalid or old");
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	start(op, v, s);
	if (!op->done)
		op->slice(op);
	lg_view_end(&v);
}
