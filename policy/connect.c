/*
 * connect.c: connections as rows of verdicts.  The set is reduced in three steps, so that each pair costs only what depends
 * on it: for the types, for a source, for a destination.  What is left is decided once between any two ports that some
 * policy compares with: all ports there are answered alike.
 */
#include <stdlib.h>

#include "policy/partial.h"

#define PORT_LAST 65535
#define EVERY_PROTOCOL(c) ((uint8_t)((1u << (c)->nprotocols) - 1))

struct compiling {
	struct lg_ctx *cx;
	const struct lg_entities *entities;
	const struct lg_connect *ask;
	struct lg_ctx at_source, at_pair;	/* arenas emptied for the next */
	struct lg_partial_request rq;
	lg_str *unknown;
	struct lg_name port, protocol;
	uint32_t *first;			/* first ports of the ranges of a pair */
	uint32_t nfirst;
	bool told_by_port;			/* nothing but comparisons was seen of the port */
	struct lg_connect_row *rows;
	size_t size;
	struct lg_connect_table *ret;
};

/* ---- where verdicts can change --------------------------------------------------------------- */

static bool
is_context(const struct lg_expr *x)
{
	return x->op == X_VAR && x->var == VAR_CONTEXT;
}

static bool
is_port(const struct compiling *c, const struct lg_expr *x)
{
	return x->op == X_GET && is_context(x->a) && lg_str_eq(x->name->text, c->port.text);
}

static void
add_first(struct compiling *c, int64_t port)
{
	if (port <= 0 || port > PORT_LAST)
		return;
	if (c->nfirst == LG_CONNECT_POINTS_MAX * 2)
		c->told_by_port = false;
	else
		c->first[c->nfirst++] = (uint32_t)port;
}

static void
add_point(struct compiling *c, const struct lg_value *v)
{
	if (v->kind != LG_V_LONG || v->u.i < -1 || v->u.i > PORT_LAST)
		return;
	add_first(c, v->u.i);
	add_first(c, v->u.i + 1);
}

/* `port op constant`, either way round, or `constants.contains(port)`. */
static bool
is_comparison(struct compiling *c, const struct lg_expr *x)
{
	switch (x->op) {
	case X_EQ:
	case X_NE:
	case X_LT:
	case X_LE:
	case X_GT:
	case X_GE:
		if (is_port(c, x->a) && x->b->constant != NULL) {
			add_point(c, x->b->constant);
			return true;
		}
		if (!is_port(c, x->b) || x->a->constant == NULL)
			return false;
		add_point(c, x->a->constant);
		return true;
	case X_CONTAINS:
		if (!is_port(c, x->b) || x->a->constant == NULL || x->a->constant->kind != LG_V_SET)
			return false;
		for (uint32_t i = 0; i < x->a->constant->u.set->n; i++)
			add_point(c, &x->a->constant->u.set->v[i]);
		return true;
	default: return false;
	}
}

static void find_points(struct compiling *c, const struct lg_expr *x);

static void
find_in_parts(struct compiling *c, const struct lg_expr *x)
{
	switch (x->op) {
	case X_LIT:
	case X_SLOT: break;
	case X_VAR: c->told_by_port = c->told_by_port && x->var != VAR_CONTEXT; break;
	case X_AND:
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			find_points(c, x->list[i]);
		break;
	case X_IF:
		find_points(c, x->a);
		find_points(c, x->b);
		find_points(c, x->c);
		break;
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
	case X_LIKE:
	case X_HAS:
	case X_GET: find_points(c, x->a); break;
	case X_IS:
		find_points(c, x->a);
		if (x->in != NULL)
			find_points(c, x->in);
		break;
	default:
		find_points(c, x->a);
		find_points(c, x->b);
	}
}

static void
find_points(struct compiling *c, const struct lg_expr *x)
{
	if (x->constant != NULL || !c->told_by_port || is_comparison(c, x))
		return;
	if (is_port(c, x))
		c->told_by_port = false;
	else if ((x->op != X_GET && x->op != X_HAS) || !is_context(x->a))
		find_in_parts(c, x);
}

static int
by_port(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The ranges between which verdicts can change; false when the port is more than compared. */
static bool
find_ranges(struct compiling *c, const struct lg_partial *p)
{
	uint32_t kept = 0;

	c->nfirst = 0;
	c->told_by_port = true;
	c->first[c->nfirst++] = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (p->v[i].x != NULL)
			find_points(c, p->v[i].x);
	qsort(c->first, c->nfirst, sizeof(*c->first), by_port);
	for (uint32_t i = 0; i < c->nfirst; i++)
		if (i == 0 || c->first[kept - 1] != c->first[i])
			c->first[kept++] = c->first[i];
	c->nfirst = kept;
	return c->told_by_port;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static lg_err
add_row(struct compiling *c, struct lg_connect_row row)
{
	if (row.protocols == 0)
		return LG_OK;
	if (c->ret->n == LG_CONNECT_ROWS_MAX)
		return lg_fail(c->cx, LG_E_LIMIT, "connections: more than %d rows", LG_CONNECT_ROWS_MAX);
	if (c->ret->n == c->size) {
		struct lg_connect_row *v =
		    LG_NEWS(c->cx->arena, struct lg_connect_row, c->size = c->size == 0 ? 64 : c->size * 2);

		if (c->ret->n > 0)
			memcpy(v, c->rows, c->ret->n * sizeof(*v));
		c->rows = v;
		c->ret->v = v;
	}
	c->rows[c->ret->n++] = row;
	return LG_OK;
}

/* The verdict with everything bound that a row can say. */
static lg_err
verdict_at(struct compiling *c, const struct lg_partial *p, uint32_t port, lg_str protocol, enum lg_partial_verdict *ret)
{
	static const struct lg_record nothing = { 0, NULL };
	const struct lg_record *known = p->rq.context == NULL ? &nothing : p->rq.context;
	struct lg_field *v = LG_NEWS(c->at_pair.arena, struct lg_field, known->n + 2);
	struct lg_partial_request rq = p->rq;
	struct lg_value r;

	if (known->n > 0)
		memcpy(v, known->v, known->n * sizeof(*v));
	v[known->n] = (struct lg_field){ c->port, lg_value_long(port) };
	v[known->n + 1] = (struct lg_field){ c->protocol, lg_value_string(protocol) };
	LG_TRY(lg_value_record(&c->at_pair, v, known->n + 2, &r));
	rq.context = r.u.record;
	rq.nunknown -= 2;		/* port and protocol stand last */
	*ret = lg_partial_verdict(lg_partial_reduce(&c->at_pair, p, c->entities, &rq));
	return LG_OK;
}

struct masks {
	uint8_t permit, ask;
};

static lg_err
masks_at(struct compiling *c, const struct lg_partial *p, uint32_t port, struct masks *ret)
{
	*ret = (struct masks){ 0, 0 };
	for (size_t i = 0; i < c->ask->nprotocols; i++) {
		enum lg_partial_verdict v;

		LG_TRY(verdict_at(c, p, port, c->ask->protocols[i], &v));
		if (v == LG_PARTIAL_ALLOW)
			ret->permit |= (uint8_t)(1u << i);
		else if (v == LG_PARTIAL_OPEN)
			ret->ask |= (uint8_t)(1u << i);
	}
	return LG_OK;
}

static lg_err
add_rows(struct compiling *c, struct lg_connect_row row, uint32_t first, uint32_t last, struct masks m)
{
	row.first = (uint16_t)first;
	row.last = (uint16_t)last;
	row.protocols = m.permit;
	LG_TRY(add_row(c, row));
	row.ask = true;
	row.protocols = m.ask;
	return add_row(c, row);
}

static lg_err
rows_by_port(struct compiling *c, const struct lg_partial *p, struct lg_connect_row row)
{
	struct masks run, next;
	uint32_t first = 0;
	bool ask;

	LG_TRY(masks_at(c, p, 0, &run));
	ask = run.ask != 0;
	for (uint32_t i = 1; i < c->nfirst; i++) {
		LG_TRY(masks_at(c, p, c->first[i], &next));
		ask = ask || next.ask != 0;
		if (next.permit == run.permit && next.ask == run.ask)
			continue;
		LG_TRY(add_rows(c, row, first, c->first[i] - 1, run));
		first = c->first[i];
		run = next;
	}
	if (ask)
		c->ret->asked++;
	else
		c->ret->by_port++;
	return add_rows(c, row, first, PORT_LAST, run);
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static lg_err
compile_pair(struct compiling *c, const struct lg_partial *from, struct lg_connect_row row)
{
	struct lg_partial_request rq = from->rq;
	const struct lg_partial *p;
	enum lg_partial_verdict v;

	row.first = 0;
	row.last = PORT_LAST;
	row.protocols = EVERY_PROTOCOL(c->ask);
	rq.resource = c->ask->destinations[row.destination];
	p = lg_partial_reduce(&c->at_pair, from, c->entities, &rq);
	v = lg_partial_verdict(p);
	if (v == LG_PARTIAL_OPEN && find_ranges(c, p))
		return rows_by_port(c, p, row);
	if (v == LG_PARTIAL_OPEN) {
		c->ret->asked++;
		row.ask = true;
		return add_row(c, row);
	}
	c->ret->constant++;
	return v == LG_PARTIAL_ALLOW ? add_row(c, row) : LG_OK;
}

/* The reduction for one type of sources and of destinations; each is made once. */
struct typed {
	lg_str source, destination;
	struct lg_partial *p;
	const struct lg_partial *here;		/* the same for the source at hand */
	struct typed *next;
};

static lg_err
typed_of(struct compiling *c, const struct lg_policies *set, lg_str source, lg_str destination, struct typed **all,
    struct typed **ret)
{
	struct lg_partial_request rq = c->rq;
	struct typed *t;

	for (t = *all; t != NULL; t = t->next)
		if (lg_str_eq(t->source, source) && lg_str_eq(t->destination, destination)) {
			*ret = t;
			return LG_OK;
		}
	t = LG_NEW(c->cx->arena, struct typed);
	*t = (struct typed){ source, destination, NULL, NULL, *all };
	rq.principal = lg_euid_any(source);
	rq.resource = lg_euid_any(destination);
	LG_TRY(lg_partial_new(c->cx, set, c->entities, &rq, &t->p));
	*all = *ret = t;
	return LG_OK;
}

static lg_err
compile_source(struct compiling *c, const struct lg_policies *set, uint32_t source, struct typed **all)
{
	const struct lg_euid *from = &c->ask->sources[source];
	struct typed *t;

	for (t = *all; t != NULL; t = t->next)
		t->here = NULL;
	for (uint32_t i = 0; i < c->ask->ndestinations; i++) {
		LG_TRY(typed_of(c, set, from->type, c->ask->destinations[i].type, all, &t));
		if (t->here == NULL) {
			struct lg_partial_request rq = t->p->rq;

			rq.principal = *from;
			t->here = lg_partial_reduce(&c->at_source, t->p, c->entities, &rq);
		}
		LG_TRY(compile_pair(c, t->here, (struct lg_connect_row){ .source = source, .destination = i }));
		lg_arena_reset(c->at_pair.arena);
	}
	lg_arena_reset(c->at_source.arena);
	return LG_OK;
}

static lg_err
check_question(struct lg_ctx *cx, const struct lg_connect *q)
{
	if (q->nprotocols == 0 || q->nprotocols > LG_CONNECT_PROTOCOLS)
		return lg_fail(cx, LG_E_INVALID, "connections: between 1 and %d protocols", LG_CONNECT_PROTOCOLS);
	if (q->port.n == 0 || q->protocol.n == 0)
		return lg_fail(cx, LG_E_INVALID, "connections: the attributes of port and protocol have no names");
	for (uint32_t i = 0; q->context != NULL && i < q->context->n; i++)
		if (lg_str_eq(q->context->v[i].name.text, q->port) || lg_str_eq(q->context->v[i].name.text, q->protocol))
			return lg_fail(cx, LG_E_INVALID, "connections: port and protocol are what is asked for");
	if (q->ndestinations > 0 && q->nsources > LG_CONNECT_PAIRS_MAX / q->ndestinations)
		return lg_fail(cx, LG_E_LIMIT, "connections: %zu sources and %zu destinations are more than %d pairs", q->nsources,
		    q->ndestinations, LG_CONNECT_PAIRS_MAX);
	return LG_OK;
}

static void
set_request(struct compiling *c)
{
	const struct lg_connect *q = c->ask;

	c->unknown = LG_NEWS(c->cx->arena, lg_str, q->nunknown + 2);
	if (q->nunknown > 0)
		memcpy(c->unknown, q->unknown, q->nunknown * sizeof(*c->unknown));
	c->unknown[q->nunknown] = q->port;
	c->unknown[q->nunknown + 1] = q->protocol;
	c->rq = (struct lg_partial_request){ .action = q->action, .context = q->context, .unknown = c->unknown,
		.nunknown = q->nunknown + 2 };
	c->port = lg_name_of(q->port);
	c->protocol = lg_name_of(q->protocol);
	c->first = LG_NEWS(c->cx->arena, uint32_t, LG_CONNECT_POINTS_MAX * 2);
}

lg_err
lg_connect_compile(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_connect *connect, struct lg_connect_table *ret)
{
	struct compiling c = { .cx = cx, .entities = entities, .ask = connect, .ret = ret };
	struct lg_arena *source = lg_arena_new(), *pair = lg_arena_new();
	struct typed *all = NULL;
	lg_err e = check_question(cx, connect);

	*ret = (struct lg_connect_table){ 0 };
	lg_ctx_init(&c.at_source, source);
	lg_ctx_init(&c.at_pair, pair);
	set_request(&c);
	for (uint32_t i = 0; i < connect->nsources && e == LG_OK; i++)
		e = compile_source(&c, set, i, &all);
	lg_arena_free(&source);
	lg_arena_free(&pair);
	return e;
}
