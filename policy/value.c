/* value.c: equality, order, sets and records.  Sets and records are kept sorted, so that equality is one walk. */
#include "policy/value.h"

#include <stdlib.h>

#include "base/map.h"

struct lg_euid
lg_euid_of(lg_str type, lg_str id)
{
	return (struct lg_euid){ type, id, lg_hash(type) * UINT64_C(0x9e3779b97f4a7c15) ^ lg_hash(id) };
}

bool
lg_euid_eq(const struct lg_euid *a, const struct lg_euid *b)
{
	/* Copies of one uid share its text, which need not be looked at then: it is seldom in the cache. */
	return a == b || (a->hash == b->hash && ((a->id.p == b->id.p && a->type.p == b->type.p && a->id.n == b->id.n && a->type.n == b->type.n) ||
	    (lg_str_eq(a->id, b->id) && lg_str_eq(a->type, b->type))));
}

static int
euid_cmp(const struct lg_euid *a, const struct lg_euid *b)
{
	int c;

	if (a == b)
		return 0;
	c = lg_str_cmp(a->type, b->type);
	return c != 0 ? c : lg_str_cmp(a->id, b->id);
}

struct lg_euid
lg_euid_dup(struct lg_arena *a, const struct lg_euid *u)
{
	return (struct lg_euid){ lg_dup(a, u->type), lg_dup(a, u->id), u->hash };
}

bool
lg_type_is_action(lg_str type)
{
	return lg_str_eq(type, LG_STR("Action")) || lg_str_ends(type, LG_STR("::Action"));
}

struct lg_name
lg_name_of(lg_str text)
{
	return (struct lg_name){ text, (uint32_t)lg_hash(text), LG_NAME_FREE };
}

const char *
lg_kind_name(enum lg_kind k)
{
	static const char *const names[] = { "bool", "long", "string", "entity", "set", "record", "ipaddr", "decimal",
		"datetime", "duration" };

	return names[k];
}

/* ---- order ---------------------------------------------------------------------------------- */

static int
set_cmp(const struct lg_set *a, const struct lg_set *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint32_t i = 0; i < a->n; i++) {
		int c = lg_value_cmp(&a->v[i], &b->v[i]);

		if (c != 0)
			return c;
	}
	return 0;
}

static int
record_cmp(const struct lg_record *a, const struct lg_record *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint32_t i = 0; i < a->n; i++) {
		int c = lg_str_cmp(a->v[i].name.text, b->v[i].name.text);

		if (c == 0)
			c = lg_value_cmp(&a->v[i].value, &b->v[i].value);
		if (c != 0)
			return c;
	}
	return 0;
}

static int
ip_cmp(const struct lg_ip *a, const struct lg_ip *b)
{
	int c;

	if (a->v6 != b->v6)
		return a->v6 ? 1 : -1;
	c = memcmp(a->b, b->b, sizeof(a->b));
	return c != 0 ? c : (int)a->prefix - (int)b->prefix;
}

int
lg_value_cmp(const struct lg_value *a, const struct lg_value *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	switch (a->kind) {
	case LG_V_BOOL: return (int)a->u.b - (int)b->u.b;
	case LG_V_STRING: return lg_str_cmp(a->u.s, b->u.s);
	case LG_V_ENTITY: return euid_cmp(a->u.e.uid, b->u.e.uid);
	case LG_V_SET: return set_cmp(a->u.set, b->u.set);
	case LG_V_RECORD: return record_cmp(a->u.record, b->u.record);
	case LG_V_IP: return ip_cmp(a->u.ip, b->u.ip);
	case LG_V_LONG:
	case LG_V_DECIMAL:
	case LG_V_DATETIME:
	case LG_V_DURATION: break;
	}
	return a->u.i < b->u.i ? -1 : a->u.i > b->u.i;
}

bool
lg_value_eq(const struct lg_value *a, const struct lg_value *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == LG_V_STRING)
		return lg_str_eq(a->u.s, b->u.s);
	if (a->kind == LG_V_ENTITY)
		return lg_euid_eq(a->u.e.uid, b->u.e.uid);
	return lg_value_cmp(a, b) == 0;
}

/* ---- sets and records ----------------------------------------------------------------------- */

static int
value_order(const void *a, const void *b)
{
	return lg_value_cmp(a, b);
}

static int
field_order(const void *a, const void *b)
{
	return lg_str_cmp(((const struct lg_field *)a)->name.text, ((const struct lg_field *)b)->name.text);
}

lg_err
lg_value_set(struct lg_ctx *cx, struct lg_value *v, size_t n, struct lg_value *ret)
{
	struct lg_set *s;
	uint32_t kept = 0;

	if (n > LG_POLICY_SET_MAX)
		return lg_fail(cx, LG_E_LIMIT, "set of %zu elements, at most %d", n, LG_POLICY_SET_MAX);
	if (n > 1)
		qsort(v, n, sizeof(*v), value_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || lg_value_cmp(&v[kept - 1], &v[i]) != 0)
			v[kept++] = v[i];
	s = LG_NEW(cx->arena, struct lg_set);
	*s = (struct lg_set){ kept, v };
	*ret = (struct lg_value){ LG_V_SET, { .set = s } };
	return LG_OK;
}

/* Who writes the same record again and again writes it in order. */
static bool
in_order(const struct lg_field *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (field_order(&v[i - 1], &v[i]) > 0)
			return false;
	return true;
}

lg_err
lg_value_record(struct lg_ctx *cx, struct lg_field *v, size_t n, struct lg_value *ret)
{
	struct lg_record *r;

	if (n > LG_POLICY_SET_MAX)
		return lg_fail(cx, LG_E_LIMIT, "record of %zu attributes, at most %d", n, LG_POLICY_SET_MAX);
	if (!in_order(v, n))
		qsort(v, n, sizeof(*v), field_order);
	for (size_t i = 1; i < n; i++)
		if (lg_str_eq(v[i - 1].name.text, v[i].name.text))
			return lg_fail(
			    cx, LG_E_INVALID, "attribute `%.*s` stands twice in one record", LG_FMT(v[i].name.text));
	r = LG_NEW(cx->arena, struct lg_record);
	*r = (struct lg_record){ (uint32_t)n, v };
	*ret = (struct lg_value){ LG_V_RECORD, { .record = r } };
	return LG_OK;
}

const struct lg_value *
lg_record_get(const struct lg_record *r, const struct lg_name *name)
{
	uint32_t lo = 0, hi = r->n;

	if (r->n <= 16) {		/* hashes side by side beat halving with comparisons of text */
		for (uint32_t i = 0; i < r->n; i++)
			if (r->v[i].name.hash == name->hash && lg_str_eq(r->v[i].name.text, name->text))
				return &r->v[i].value;
		return NULL;
	}
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = lg_str_cmp(r->v[mid].name.text, name->text);

		if (c == 0)
			return &r->v[mid].value;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

bool
lg_set_has(const struct lg_set *s, const struct lg_value *v)
{
	uint32_t lo = 0, hi = s->n;

	if (s->n <= 4) {
		for (uint32_t i = 0; i < s->n; i++)
			if (lg_value_eq(&s->v[i], v))
				return true;
		return false;
	}
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = lg_value_cmp(&s->v[mid], v);

		if (c == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool
lg_set_has_all(const struct lg_set *s, const struct lg_set *of)
{
	if (of->n > s->n)
		return false;
	for (uint32_t i = 0; i < of->n; i++)
		if (!lg_set_has(s, &of->v[i]))
			return false;
	return true;
}

bool
lg_set_has_any(const struct lg_set *s, const struct lg_set *of)
{
	for (uint32_t i = 0; i < of->n; i++)
		if (lg_set_has(s, &of->v[i]))
			return true;
	return false;
}

/* ---- copies --------------------------------------------------------------------------------- */

static const struct lg_set *
set_copy(struct lg_arena *a, const struct lg_set *s)
{
	struct lg_value *v = LG_NEWS(a, struct lg_value, s->n);
	struct lg_set *r = LG_NEW(a, struct lg_set);

	for (uint32_t i = 0; i < s->n; i++)
		v[i] = lg_value_copy(a, &s->v[i]);
	*r = (struct lg_set){ s->n, v };
	return r;
}

static const struct lg_record *
record_copy(struct lg_arena *a, const struct lg_record *s)
{
	struct lg_field *v = LG_NEWS(a, struct lg_field, s->n);
	struct lg_record *r = LG_NEW(a, struct lg_record);

	for (uint32_t i = 0; i < s->n; i++)
		v[i] = (struct lg_field){ { lg_dup(a, s->v[i].name.text), s->v[i].name.hash, s->v[i].name.id },
			lg_value_copy(a, &s->v[i].value) };
	*r = (struct lg_record){ s->n, v };
	return r;
}

struct lg_value
lg_value_copy(struct lg_arena *a, const struct lg_value *v)
{
	struct lg_value r = *v;
	struct lg_euid *uid;
	struct lg_ip *ip;

	switch (v->kind) {
	case LG_V_STRING:
		r.u.s = lg_dup(a, v->u.s);
		break;
	case LG_V_ENTITY:
		uid = LG_NEW(a, struct lg_euid);
		*uid = lg_euid_dup(a, v->u.e.uid);
		r = lg_value_entity(uid);
		break;
	case LG_V_SET:
		r.u.set = set_copy(a, v->u.set);
		break;
	case LG_V_RECORD:
		r.u.record = record_copy(a, v->u.record);
		break;
	case LG_V_IP:
		ip = LG_NEW(a, struct lg_ip);
		*ip = *v->u.ip;
		r.u.ip = ip;
		break;
	default:
		break;
	}
	return r;
}
