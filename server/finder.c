/* finder.c: searches on the policy engine, with the directory as the source of candidates. */
#include "server/finder.h"

#include "server/entities.h"
#include "server/point_internal.h"

struct candidate {
	struct lg_euid uid;
	lg_str name;
};

struct finding {
	struct lg_find *f;
	struct lg_ctx *cx;
	struct lg_entity_source *es;
	enum lg_entry_type type;
	struct candidate *v;		/* all that were listed, by name */
	size_t n, size;
	lg_str after;			/* name behind which the next page begins */
	bool more;			/* there are entries behind the listed ones */
	bool dry;			/* nothing is listed: only how the set would be searched is asked */
};

static struct lg_euid
wanted(const struct finding *fi)
{
	const struct lg_question *q = fi->f->question;

	return lg_euid_of(fi->f->subjects ? q->principal.type : q->resource.type, LG_NONE);
}

/* ---- candidates --------------------------------------------------------------------------------------------------- */

static void
grow(struct finding *fi, size_t more)
{
	if (fi->n + more <= fi->size)
		return;
	size_t size = fi->size == 0 ? 2 * more : 2 * fi->size;
	struct candidate *v = LG_NEWS(fi->cx->arena, struct candidate, size);

	if (fi->n > 0)
		memcpy(v, fi->v, fi->n * sizeof *v);
	fi->v = v;
	fi->size = size;
}

/* By name, behind the last one listed: the engine's own place is an id and says nothing of the order. */
static lg_err
page(void *self, struct lg_ctx *cx, lg_str type, lg_str after, const struct lg_euid *roots, size_t nroots, struct lg_euid *v, size_t n,
    size_t *ret)
{
	struct finding *fi = self;
	struct lg_entry *e = NULL;

	(void)type, (void)after, (void)roots, (void)nroots;
	*ret = 0;
	if (fi->dry || !fi->more)
		return LG_OK;
	LG_TRY(lg_entry_list(cx, fi->f->view, fi->f->question->tenant, fi->type, LG_NONE, fi->after, n, &e, ret, &fi->more));
	grow(fi, *ret);
	for (size_t i = 0; i < *ret; i++) {
		LG_TRY(lg_entity_source_know(fi->es, &e[i], &v[i]));
		fi->v[fi->n++] = (struct candidate){ v[i], e[i].name };
		fi->after = e[i].name;
	}
	return LG_OK;
}

/* ---- the engine ---------------------------------------------------------------------------------------------------- */

static lg_err
request(struct finding *fi, struct lg_request *rq)
{
	const struct lg_question *q = fi->f->question;

	*rq = (struct lg_request){
		.principal = fi->f->subjects ? wanted(fi) : lg_entity_uid(fi->cx->arena, &q->principal),
		.action = lg_euid_of(LG_STR("Action"), lg_str_of(q->action)),
		.resource = fi->f->subjects ? lg_entity_uid(fi->cx->arena, &q->resource) : wanted(fi),
	};
	LG_TRY(lg_point_context(fi->cx, fi->f->view, q, &rq->context));
	return fi->f->subjects ? lg_point_synthetic(fi->es, q, rq) : LG_OK;
}

static lg_err
search(struct finding *fi, const struct lg_policies *set, const struct lg_request *rq, struct lg_search_result *ret)
{
	struct lg_entities port = lg_entity_source_port(fi->es);
	struct lg_candidates from = { fi, page };
	struct lg_search s = { *rq, LG_NONE, fi->f->limit, LG_FIND_LOOK };

	return fi->f->subjects ? lg_search_subjects(fi->cx, set, &port, &from, &s, ret)
			       : lg_search_resources(fi->cx, set, &port, &from, &s, ret);
}

/* A set that permits by itself would have to be searched as well; then every entry is proposed. */
static lg_err
may_permit(struct finding *fi, const struct lg_policies *set, const struct lg_request *rq, bool *ret)
{
	struct lg_search_result found;

	fi->dry = true;
	lg_err e = search(fi, set, rq, &found);
	fi->dry = false;
	*ret = e == LG_OK && found.how != LG_SEARCH_NONE;
	return e;
}

/* ---- putting it together --------------------------------------------------------------------------------------------- */

/* Where the search stopped among what was listed. */
static size_t
stopped_at(const struct finding *fi, const struct lg_search_result *found)
{
	size_t n = fi->n;

	while (found->more && n > 0 && !lg_str_eq(fi->v[n - 1].uid.id, found->after))
		n--;
	return n;
}

static bool
always(const struct finding *fi, const struct candidate *c)
{
	lg_uuid id;

	return !lg_uuid_is_nil(fi->f->always) && lg_uuid_parse(c->uid.id, &id) && lg_uuid_eq(id, fi->f->always);
}

/* Found and always proposed ones, in the order of the list. */
static void
propose(struct finding *fi, const struct lg_search_result *found, bool all, lg_str **names, size_t *n)
{
	size_t end = stopped_at(fi, found), next = 0;

	*names = LG_NEWS(fi->cx->arena, lg_str, end);
	*n = 0;
	for (size_t i = 0; i < end; i++) {
		bool is = next < found->n && lg_euid_eq(&found->v[next], &fi->v[i].uid);
		next += is;
		if (is || all || always(fi, &fi->v[i]))
			(*names)[(*n)++] = fi->v[i].name;
	}
	fi->f->looked = end;
	fi->f->more = fi->more || end < fi->n;
	if (end > 0)
		fi->f->after = fi->v[end - 1].name;
}

/* Every entry, as many as are wanted. */
static lg_err
list_all(struct finding *fi)
{
	struct lg_euid v[LG_SEARCH_PAGE];
	size_t n = 1;

	while (fi->n < fi->f->limit && n > 0) {
		size_t left = fi->f->limit - fi->n;
		LG_TRY(page(fi, fi->cx, LG_NONE, LG_NONE, NULL, 0, v, left < LG_SEARCH_PAGE ? left : LG_SEARCH_PAGE, &n));
	}
	return LG_OK;
}

/* Nothing was listed: the set permits nobody.  With the first page comes who is always proposed. */
static lg_err
list_always(struct finding *fi, lg_str **names, size_t *n)
{
	struct lg_entry e;

	if (lg_uuid_is_nil(fi->f->always) || fi->f->after.n > 0)
		return LG_OK;
	lg_err err = lg_entry_by_uuid(fi->cx, fi->f->view, fi->f->question->tenant, fi->f->always, &e);
	if (err != LG_OK || e.type != fi->type)
		return err == LG_E_NOT_FOUND ? LG_OK : err;
	*names = LG_NEW(fi->cx->arena, lg_str);
	(*names)[(*n)++] = fi->f->after = e.name;
	fi->f->looked = 1;
	return LG_OK;
}

static lg_err
find(struct finding *fi, const struct lg_policies *set, lg_str **names, size_t *n)
{
	struct lg_search_result found = { .n = 0 };
	struct lg_request rq;
	bool all;

	LG_TRY(request(fi, &rq));
	LG_TRY(may_permit(fi, fi->f->point->system, &rq, &all));
	if (all)
		LG_TRY(list_all(fi));
	else
		LG_TRY(search(fi, set, &rq, &found));
	if (found.how == LG_SEARCH_NONE && !all)
		return list_always(fi, names, n);
	propose(fi, &found, all, names, n);
	return LG_OK;
}

lg_err
lg_find_entries(struct lg_ctx *cx, struct lg_find *f, lg_str **names, size_t *n)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *set = lg_point_in_force(f->point, f->question->tenant);
	struct lg_entity_source es;
	struct finding fi = { .f = f, .cx = cx, .es = &es, .after = f->after, .more = true };

	*names = NULL;
	*n = f->looked = 0;
	f->more = false;
	if (set == NULL || !lg_type_parse(wanted(&fi).type, &fi.type))
		return LG_OK;
	lg_entity_source_init_many(&es, cx, f->view, f->question->tenant);
	return find(&fi, set, names, n);
}
