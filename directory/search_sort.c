/*
 * search_sort.c: results in order (RFC 2891), and windows onto them (draft-ietf-ldapext-ldapv3-vlv-09).
 *
 * Matches are collected with their keys in a heap, then taken from it one by one: both parts go by slices, so that a large sort holds up
 * nobody.  What has been taken stays behind the heap, where a window finds it.  Nothing is kept between requests: a page or window of
 * the same list sorts it again.
 */
#include "directory/search.h"

struct item {
	uint64_t id;
	const lg_str *key;		/* p NULL: the entry has no such value, which is larger than all (RFC 2891 1.1) */
};

struct lg_sorted {
	struct item *item;		/* [0, left) is a heap, smallest first; behind it, backwards, what was taken */
	size_t n, size, left;
	size_t bytes;			/* of keys */
	bool sending;
	size_t next;			/* of those taken: the next to be sent */
	/* the window, counted from 0 */
	lg_str wanted;			/* the value it begins at, in the first key's form */
	bool placed;
	size_t target, to;
};

/* ---- order ---------------------------------------------------------------------------------------------------------------- */

static int
compare_key(const struct lg_sort_key *k, lg_str a, lg_str b)
{
	int c = a.p == NULL || b.p == NULL ? (a.p == NULL) - (b.p == NULL) : lg_str_cmp(a, b);

	return k->reverse ? -c : c;
}

static bool
is_before(const struct lg_sort *s, const struct item *a, const struct item *b)
{
	for (size_t i = 0; i < s->n; i++) {
		int c = compare_key(&s->key[i], a->key[i], b->key[i]);
		if (c != 0)
			return c < 0;
	}
	return a->id < b->id;
}

static void
swap(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

static void
push(struct lg_sorted *st, const struct lg_sort *s, struct item it)
{
	size_t i = st->n++;

	st->item[i] = it;
	for (; i > 0 && is_before(s, &st->item[i], &st->item[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&st->item[i], &st->item[(i - 1) / 2]);
	st->left = st->n;
}

static void
pop(struct lg_sorted *st, const struct lg_sort *s)
{
	size_t i = 0;

	swap(&st->item[0], &st->item[--st->left]);
	for (;;) {
		size_t least = i;
		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < st->left; c++)
			if (is_before(s, &st->item[c], &st->item[least]))
				least = c;
		if (least == i)
			return;
		swap(&st->item[i], &st->item[least]);
		i = least;
	}
}

static size_t
taken(const struct lg_sorted *st)
{
	return st->n - st->left;
}

static const struct item *
at(const struct lg_sorted *st, size_t i)
{
	return &st->item[st->n - 1 - i];
}

/* ---- collecting ------------------------------------------------------------------------------------------------------------- */

bool
lg_sorted_begin(struct lg_op *op)
{
	struct lg_search *s = op->state;
	const struct lg_sort *sort = op->controls.sort;

	if (op->controls.vlv != NULL && (sort == NULL || op->controls.paged)) {
		s->sorted = LG_NEW(op->arena, struct lg_sorted);
		lg_search_finish(op, sort == NULL ? LG_LDAP_SORT_CONTROL_MISSING : LG_LDAP_UNWILLING, false);
		return false;
	}
	if (sort == NULL || (sort->fault != 0 && !sort->critical && op->controls.vlv == NULL))
		return true;		/* unsorted; the answer says why */
	s->sorted = LG_NEW(op->arena, struct lg_sorted);
	if (sort->fault == 0)
		return true;
	lg_search_finish(op, LG_LDAP_UNAVAILABLE_CRITICAL_EXTENSION, false);
	return false;
}

struct least {
	struct lg_ctx *cx;
	enum lg_form form;
	lg_str normal;
};

static bool
is_least(void *arg, lg_str value)
{
	struct least *l = arg;
	lg_str normal;

	if (lg_normal(l->cx->arena, l->form, value, &normal) && (l->normal.p == NULL || lg_str_cmp(normal, l->normal) < 0))
		l->normal = normal.p == NULL ? LG_STR("") : normal;
	return false;
}

/* Of several values the least counts (RFC 2891 2.2); what may not be searched is not there. */
static lg_str
key_of(struct lg_op *op, struct lg_shown *sh, const struct lg_sort_key *k)
{
	struct least l = { sh->ac->cx, k->form, LG_NONE };

	if (lg_may(sh->ac, LG_RIGHT_SEARCH, sh->e, sh->dn, k->attr))
		lg_shown_values(sh, k->attr, is_least, &l);
	return l.normal.p == NULL ? LG_NONE : lg_dup(op->arena, l.normal);
}

static void
grow(struct lg_op *op, struct lg_sorted *st)
{
	size_t size = st->size == 0 ? 64 : st->size * 2;
	struct item *list = LG_NEWS(op->arena, struct item, size);

	if (st->n > 0)
		memcpy(list, st->item, st->n * sizeof *list);
	st->item = list;
	st->size = size;
}

lg_err
lg_sorted_add(struct lg_op *op, struct lg_shown *sh)
{
	struct lg_search *s = op->state;
	struct lg_sorted *st = s->sorted;
	const struct lg_sort *sort = op->controls.sort;
	lg_str *key = LG_NEWS(op->arena, lg_str, sort->n);

	if (st->n == LG_SORT_ENTRIES || st->bytes > LG_SORT_BYTES)
		return lg_fail(&op->cx, LG_E_LIMIT, "too many entries to be sorted");
	for (size_t i = 0; i < sort->n; i++) {
		key[i] = key_of(op, sh, &sort->key[i]);
		st->bytes += key[i].n + sizeof *key;
	}
	if (st->n == st->size)
		grow(op, st);
	push(st, sort, (struct item){ sh->e->id, key });
	return LG_OK;
}

void
lg_sorted_give_up(struct lg_op *op)
{
	struct lg_search *s = op->state;

	op->controls.sort->fault = LG_LDAP_ADMIN_LIMIT_EXCEEDED;
	if (op->controls.sort->critical || op->controls.vlv != NULL) {
		lg_search_finish(op, LG_LDAP_UNAVAILABLE_CRITICAL_EXTENSION, false);
		return;
	}
	if (s->last > 0) {		/* earlier pages came sorted: which entries those were is not known */
		lg_search_finish(op, LG_LDAP_ADMIN_LIMIT_EXCEEDED, false);
		return;
	}
	s->sorted = NULL;
	s->walked = s->looked = 0;
}

/* ---- windows -------------------------------------------------------------------------------------------------------------------- */

/* The client's offset within the count it knows, scaled to the list as it is (4.2 of the draft). */
static bool
place_by_offset(struct lg_sorted *st, const struct lg_vlv *v)
{
	size_t n = st->n, target = (size_t)v->offset;

	if (v->offset == 0 || (v->count == 0 && target > n && n > 0))
		return false;
	if (v->count > 0 && v->offset >= v->count)
		target = n;
	else if (v->count > 1 && target > 1)
		target = 1 + (size_t)((double)(v->offset - 1) * (double)(n > 0 ? n - 1 : 0) / (double)(v->count - 1));
	st->target = n == 0 ? 0 : target - 1;
	st->placed = true;
	return true;
}

/* The first that is not before the value; it is known when enough have been taken. */
static bool
place_by_value(struct lg_op *op, struct lg_sorted *st)
{
	const struct lg_sort_key *k = &op->controls.sort->key[0];

	if (st->wanted.p == NULL && !lg_normal(op->arena, k->form, op->controls.vlv->value, &st->wanted))
		return false;
	st->target = taken(st);
	st->placed = st->left == 0 || compare_key(k, st->item[0].key[0], st->wanted) >= 0;
	return true;
}

static void
set_window(struct lg_sorted *st, const struct lg_vlv *v)
{
	size_t before = (size_t)v->before, after = (size_t)v->after;

	st->next = st->target > before ? st->target - before : 0;
	st->to = st->n - st->target > after ? st->target + after + 1 : st->n;
}

/* 0, or the code that ends it. */
static int
place(struct lg_op *op, struct lg_sorted *st)
{
	const struct lg_vlv *v = op->controls.vlv;

	if (st->placed)
		return 0;
	if (v->by_value && !place_by_value(op, st))
		return LG_LDAP_INVALID_SYNTAX;
	if (!v->by_value && !place_by_offset(st, v))
		return LG_LDAP_OFFSET_RANGE_ERROR;
	if (st->placed)
		set_window(st, v);
	return 0;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------------------ */

/* Each is looked at again: it may have changed, or the right to see it. */
static lg_err
send_one(struct lg_op *op, struct lg_search_slice *sl, uint64_t id)
{
	struct lg_entry e;
	struct lg_shown sh = { .ac = &sl->ac, .e = &e };
	struct lg_search *s = op->state;
	lg_err found;
	bool wanted;

	lg_arena_reset(op->ldap->entry);
	found = lg_entry_by_id(&sl->one, sl->v, s->tenant, id, &e);
	if (found == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(found);
	LG_TRY(lg_search_wants(op, sl, &sh, &wanted));
	if (wanted && !lg_search_at_limit(op))
		lg_search_send(op, &sh);
	return LG_OK;
}

/* One step towards the end; true when it is reached, or the search is answered. */
static bool
step(struct lg_op *op, struct lg_search_slice *sl, lg_err *ret)
{
	struct lg_search *s = op->state;
	struct lg_sorted *st = s->sorted;
	int code = op->controls.vlv == NULL ? 0 : place(op, st);

	if (code != 0) {
		lg_search_finish(op, code, false);
		return true;
	}
	if (op->controls.vlv == NULL)
		st->to = st->n;
	else if (st->placed && st->next >= st->to)
		return true;
	if ((op->controls.vlv != NULL && !st->placed) || (st->next >= taken(st) && st->left > 0)) {
		pop(st, op->controls.sort);
		return false;
	}
	if (st->next >= st->to)
		return true;
	/* What earlier pages brought is passed over. */
	if (op->controls.vlv != NULL || st->next >= s->last)
		*ret = send_one(op, sl, at(st, st->next)->id);
	if (!op->done)
		st->next++;
	if (!op->done && op->controls.vlv == NULL && st->next > s->last)
		s->last = st->next;
	return op->done || *ret != LG_OK;
}

bool
lg_sorted_sending(const struct lg_sorted *st)
{
	return st != NULL && st->sending;
}

lg_err
lg_sorted_send(struct lg_op *op, struct lg_search_slice *sl)
{
	struct lg_search *s = op->state;
	lg_err e = LG_OK;

	s->sorted->sending = true;
	for (size_t n = 1; !lg_search_slice_over(op, sl, n); n++)
		if (step(op, sl, &e)) {
			if (!op->done && e == LG_OK)
				lg_search_finish(op, LG_LDAP_SUCCESS, false);
			return e;
		}
	return LG_OK;
}

/* ---- answers --------------------------------------------------------------------------------------------------------------------------- */

static void
reply_sorted(struct lg_op *op)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_ENUMERATED, op->controls.sort->fault);
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_SORTED, lg_buf_view(&value));
}

static void
reply_window(struct lg_op *op, const struct lg_sorted *st, int code)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, st == NULL || !st->placed ? 0 : (int64_t)(st->n == 0 ? 0 : st->target + 1));
	lg_berw_int(&w, LG_BER_INTEGER, st == NULL ? 0 : (int64_t)st->n);
	lg_berw_int(&w, LG_BER_ENUMERATED, code);
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_VLV_DONE, lg_buf_view(&value));
}

void
lg_sorted_reply(struct lg_op *op, int code)
{
	const struct lg_search *s = op->state;

	if (op->controls.sort != NULL)
		reply_sorted(op);
	if (op->controls.vlv != NULL)
		reply_window(op, s->sorted, code);
}
