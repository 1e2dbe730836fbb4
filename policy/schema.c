/* schema.c: making, sharing and asking a schema. */
#include "policy/schema_decl.h"

static struct lg_schema *
schema_new(void)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_schema *s = LG_NEW(a, struct lg_schema);

	s->arena = a;
	atomic_init(&s->refs, 1);
	lg_map_init(&s->entities, a);
	return s;
}

struct lg_schema *
lg_schema_ref(const struct lg_schema *schema)
{
	/* The counter is the one part that is not frozen. */
	struct lg_schema *s = (struct lg_schema *)(uintptr_t)schema;

	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
lg_schema_unref(struct lg_schema **schema)
{
	struct lg_schema *s = *schema;
	struct lg_arena *a;

	*schema = NULL;
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	a = s->arena;			/* the schema lies in it */
	lg_arena_free(&a);
}

static lg_err
make(struct lg_ctx *cx, lg_str name, lg_str text, void (*read)(struct lg_decls *d), struct lg_policy_faults *faults,
    struct lg_schema **ret)
{
	struct lg_schema *s = schema_new();
	struct lg_decls d;
	lg_err e;

	lg_decls_init(&d, cx, s->arena, name, text, faults);
	read(&d);
	e = lg_fault_status(cx, faults);
	if (e == LG_OK)
		e = lg_schema_resolve(&d, s);
	if (e != LG_OK) {
		lg_schema_unref(&s);
		return e;
	}
	*ret = s;
	return LG_OK;
}

lg_err
lg_schema_parse(struct lg_ctx *cx, lg_str name, lg_str text, struct lg_policy_faults *faults, struct lg_schema **ret)
{
	return make(cx, name, text, lg_schema_read, faults, ret);
}

lg_err
lg_schema_parse_json(
    struct lg_ctx *cx, lg_str name, lg_str json, struct lg_policy_faults *faults, struct lg_schema **ret)
{
	return make(cx, name, json, lg_schema_read_json, faults, ret);
}

static lg_err
translate(struct lg_ctx *cx, lg_str from, void (*read)(struct lg_decls *d),
    void (*write)(const struct lg_decls *d, struct lg_buf *out), lg_str *ret)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_buf out = LG_BUF(LG_POLICY_SOURCE_MAX);
	struct lg_decls d;
	lg_err e;

	lg_decls_init(&d, cx, cx->arena, LG_STR("schema"), from, &faults);
	read(&d);
	LG_TRY(lg_fault_status(cx, &faults));
	write(&d, &out);
	e = lg_buf_status(cx, &out);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return e;
}

lg_err
lg_schema_text_json(struct lg_ctx *cx, lg_str text, lg_str *ret)
{
	return translate(cx, text, lg_schema_read, lg_schema_write_json, ret);
}

lg_err
lg_schema_json_text(struct lg_ctx *cx, lg_str json, lg_str *ret)
{
	return translate(cx, json, lg_schema_read_json, lg_schema_print, ret);
}

const struct lg_schema_entity *
lg_schema_entity_find(const struct lg_schema *s, lg_str type)
{
	return lg_map_get(&s->entities, type);
}

const struct lg_schema_action *
lg_schema_action_find(const struct lg_schema *s, const struct lg_euid *uid)
{
	uint32_t i = (uint32_t)uid->hash & (s->action_slots - 1);

	while (s->action_slot[i] != NULL && !lg_euid_eq(&s->action_slot[i]->uid, uid))
		i = (i + 1) & (s->action_slots - 1);
	return s->action_slot[i];
}

bool
lg_schema_action_within(const struct lg_schema_action *a, const struct lg_euid *above)
{
	for (uint32_t i = 0; i < a->nancestors; i++)
		if (lg_euid_eq(a->ancestors[i], above))
			return true;
	return false;
}

bool
lg_schema_type_within(const struct lg_schema_entity *low, lg_str high)
{
	for (uint32_t i = 0; i < low->nparents; i++)
		if (lg_str_eq(low->parents[i]->type, high))
			return true;
	return false;
}

static bool
names(const lg_str *v, size_t n, lg_str type)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(v[i], type))
			return true;
	return false;
}

size_t
lg_schema_actions(const struct lg_schema *s, lg_str principal_type, lg_str resource_type, struct lg_arena *a,
    const struct lg_euid **ret)
{
	struct lg_euid *v = LG_NEWS(a, struct lg_euid, s->nactions);
	size_t n = 0;

	for (uint32_t i = 0; i < s->nactions; i++) {
		const struct lg_schema_action *act = s->action[i];
		if (names(act->principals, act->nprincipals, principal_type) && names(act->resources, act->nresources, resource_type))
			v[n++] = act->uid;
	}
	*ret = v;
	return n;
}
