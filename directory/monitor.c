/*
 * monitor.c: cn=Monitor: what the service counts of itself, as entries of the names and classes that OpenLDAP's monitor uses, so that
 * what reads one reads the other.  The figures are the service's (lg_directory_ports.figures); nothing is counted here.
 */
#include <stddef.h>

#include "base/clock.h"
#include "base/text.h"
#include "directory/dn.h"
#include "directory/indexes.h"
#include "directory/search.h"

#define MONITOR		"cn=Monitor"

struct figure {
	lg_str dn;
	const char *class;
	uint16_t attr;			/* 0: a container */
	lg_str value;
};

struct board {
	struct lg_op *op;
	struct lg_view *v;
	struct lg_figures f;
	struct figure *list;
	size_t n, size;
};

static void
put(struct board *b, const char *class, uint16_t attr, lg_str rdns, lg_str value)
{
	if (b->n == b->size) {
		struct figure *list = LG_NEWS(b->op->arena, struct figure, b->size * 2 + 32);
		if (b->n > 0)
			memcpy(list, b->list, b->n * sizeof *list);
		b->list = list;
		b->size = b->size * 2 + 32;
	}
	b->list[b->n++] = (struct figure){ rdns.n == 0 ? LG_STR(MONITOR) : lg_print(b->op->arena, "%.*s," MONITOR, LG_FMT(rdns)), class, attr, value };
}

static void
put_number(struct board *b, const char *class, uint16_t attr, const char *rdns, uint64_t value)
{
	put(b, class, attr, lg_str_of(rdns), lg_print(b->op->arena, "%llu", (unsigned long long)value));
}

/* ---- what is counted ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *rdns;
	size_t at;			/* of struct lg_figures */
	bool operation;
} counters[] = {
	{ "cn=Current,cn=Connections", offsetof(struct lg_figures, connections), false },
	{ "cn=Total,cn=Connections", offsetof(struct lg_figures, counts.connections), false },
	{ "cn=Bind,cn=Operations", offsetof(struct lg_figures, counts.binds), true },
	{ "cn=Search,cn=Operations", offsetof(struct lg_figures, counts.searches), true },
	{ "cn=Compare,cn=Operations", offsetof(struct lg_figures, counts.compares), true },
	{ "cn=Add,cn=Operations", offsetof(struct lg_figures, counts.adds), true },
	{ "cn=Modify,cn=Operations", offsetof(struct lg_figures, counts.modifies), true },
	{ "cn=Delete,cn=Operations", offsetof(struct lg_figures, counts.deletes), true },
	{ "cn=Modrdn,cn=Operations", offsetof(struct lg_figures, counts.renames), true },
	{ "cn=Extended,cn=Operations", offsetof(struct lg_figures, counts.extended), true },
	{ "cn=Entries,cn=Statistics", offsetof(struct lg_figures, counts.entries), false },
	{ "cn=Refused,cn=Statistics", offsetof(struct lg_figures, counts.refused), false },
};

static const char *const containers[] = { "cn=Connections", "cn=Databases", "cn=Indexes", "cn=Operations", "cn=Statistics", "cn=Time" };

static void
put_counters(struct board *b)
{
	for (size_t i = 0; i < LG_COUNT(containers); i++)
		put(b, "monitorContainer", 0, lg_str_of(containers[i]), LG_NONE);
	for (size_t i = 0; i < LG_COUNT(counters); i++)
		put_number(b, counters[i].operation ? "monitorOperation" : "monitorCounterObject",
		    counters[i].operation ? LG_A_MONITOR_COMPLETED : LG_A_MONITOR_COUNTER, counters[i].rdns,
		    *(const uint64_t *)(const void *)((const char *)&b->f + counters[i].at));
}

static void
put_times(struct board *b)
{
	struct lg_arena *a = b->op->arena;
	int64_t now = lg_wall();

	put(b, "monitoredObject", LG_A_MONITOR_TIMESTAMP, LG_STR("cn=Start,cn=Time"), lg_time_generalized(a, b->f.started));
	put(b, "monitoredObject", LG_A_MONITOR_TIMESTAMP, LG_STR("cn=Current,cn=Time"), lg_time_generalized(a, now));
	put(b, "monitoredObject", LG_A_MONITOR_INFO, LG_STR("cn=Uptime,cn=Time"), lg_print(a, "%lld", (long long)(b->f.uptime / LG_SECOND)));
}

/* Those that are being built or removed: searches do not use them yet, or any more. */
static lg_err
put_indexes(struct board *b, const struct lg_tenant *t, uint64_t *pending)
{
	struct lg_ctx *cx = &b->op->cx;
	struct lg_index *list;
	size_t n;

	LG_TRY(lg_index_list(cx, b->v, t->id, &list, &n));
	for (size_t i = 0; i < n; i++) {
		if (list[i].state != LG_INDEX_BUILDING && list[i].state != LG_INDEX_DROPPED)
			continue;
		++*pending;
		put(b, "monitorCounterObject", LG_A_MONITOR_COUNTER, lg_print(cx->arena, "cn=%.*s %s of %.*s,cn=Indexes", LG_FMT(list[i].attribute),
		    list[i].kind, LG_FMT(lg_dn_escaped(cx->arena, t->name))), lg_print(cx->arena, "%llu", (unsigned long long)list[i].done));
	}
	return LG_OK;
}

static lg_err
put_databases(struct board *b)
{
	struct lg_ctx *cx = &b->op->cx;
	struct lg_tenant *list;
	uint64_t entries, pending = 0;
	size_t n;

	LG_TRY(lg_tenant_list(cx, b->v, &list, &n));
	LG_TRY(lg_table_count(cx, b->v, &lg_table_entry, &entries));
	for (size_t i = 0; i < n; i++) {
		put(b, "monitoredObject", LG_A_NAMING_CONTEXTS, lg_print(cx->arena, "cn=%.*s,cn=Databases", LG_FMT(lg_dn_escaped(cx->arena, list[i].name))),
		    list[i].suffix);
		LG_TRY(put_indexes(b, &list[i], &pending));
	}
	put_number(b, "monitorCounterObject", LG_A_MONITOR_COUNTER, "cn=Stored,cn=Databases", entries);
	put_number(b, "monitorCounterObject", LG_A_MONITOR_COUNTER, "cn=Pending,cn=Indexes", pending);
	return LG_OK;
}

/* ---- as entries --------------------------------------------------------------------------------------------------------------- */

static bool
values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg)
{
	const struct figure *f = sh->arg;
	struct lg_dn dn;

	if (at->id == LG_A_OBJECT_CLASS)
		return each(arg, LG_STR("top")) || each(arg, LG_STR("monitor")) || each(arg, lg_str_of(f->class));
	if (at->id == LG_A_CN)
		return lg_dn_parse(sh->ac->cx->arena, f->dn, &dn) && each(arg, dn.rdn[0].ava[0].value);
	if (at->id == LG_A_ENTRY_DN)
		return each(arg, f->dn);
	return f->attr != 0 && at->id == f->attr && each(arg, f->value);
}

/* How many RDNs dn has in front of base; -1: it is not at or below it. */
static int
levels_below(lg_str dn, lg_str base)
{
	lg_str head, rest = dn;
	int n = 0;

	for (; rest.n > base.n; n++)
		if (!lg_str_cut(rest, ',', &head, &rest))
			return -1;
	return lg_str_eq_fold(rest, base) ? n : -1;
}

static bool
in_scope(enum lg_scope scope, int levels)
{
	switch (scope) {
	case LG_SCOPE_BASE:
		return levels == 0;
	case LG_SCOPE_ONE:
		return levels == 1;
	case LG_SCOPE_SUBTREE:
		return levels >= 0;
	case LG_SCOPE_CHILDREN:
		return levels > 0;
	}
	return false;
}

/* Sends what matches; false: there is no such base. */
static bool
send(struct board *b, struct lg_access *ac, lg_str base)
{
	struct lg_search *s = b->op->state;
	bool there = false;

	for (size_t i = 0; i < b->n; i++) {
		struct lg_shown sh = { .ac = ac, .dn = b->list[i].dn, .made = values, .arg = &b->list[i] };
		struct lg_filter_port port = lg_shown_port(&sh);
		int levels = levels_below(sh.dn, base);
		there = there || levels == 0;
		if (in_scope(s->scope, levels) && lg_filter_match(s->filter, &port) == LG_TRUE)
			lg_search_send(b->op, &sh);
	}
	return there;
}

bool
lg_search_monitor(struct lg_op *op, struct lg_view *v)
{
	const struct lg_directory_ports *ports = &op->ldap->o.dir->ports;
	struct lg_access ac = lg_access_of(op->ldap->o.dir, &op->cx, v, op->ldap->o.tenant, NULL);
	struct lg_search *s = op->state;
	struct board b = { .op = op, .v = v };
	struct lg_dn base;
	lg_str top;
	lg_err e;

	if (ports->figures == NULL || !lg_dn_parse(op->arena, s->base, &base) || base.n == 0)
		return false;
	struct lg_dn last = lg_dn_above(&base, base.n - 1);
	top = lg_dn_text(op->arena, &last);
	if (!lg_str_eq_fold(top, LG_STR(MONITOR)) || !lg_may_monitor(&ac))
		return false;
	ports->figures(ports->self, &b.f);
	put(&b, "monitorServer", LG_A_MONITOR_INFO, LG_NONE, LG_STR("Lightgate"));
	put_counters(&b);
	put_times(&b);
	e = put_databases(&b);
	if (e != LG_OK)
		lg_op_error(op, e, NULL);
	else if (!send(&b, &ac, lg_dn_text(op->arena, &base)))
		lg_op_code(op, LG_LDAP_NO_SUCH_OBJECT, "");
	else
		lg_search_finish(op, LG_LDAP_SUCCESS, false);
	return true;
}
