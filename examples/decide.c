/*
 * A program that decides by itself: policies, a schema and entities in, permits and denials with reasons out.
 *
 *	cc decide.c $(pkg-config --cflags --libs liblightgate-policy) -o decide
 *	./decide alice write plan
 *
 * Exit 0 permits, 1 denies, 2 is a mistake.
 */
#include <lightgate/policy.h>

#include <stdio.h>
#include <stdlib.h>

static const char schema_text[] =
    "entity Team;\n"
    "entity User in [Team];\n"
    "entity Document { owner: User, public: Bool };\n"
    "action read, write appliesTo { principal: User, resource: Document };\n";

static const char policies_text[] =
    "@id(\"owners\")\n"
    "permit (principal, action, resource) when { resource.owner == principal };\n"
    "@id(\"readers\")\n"
    "permit (principal in Team::\"staff\", action == Action::\"read\", resource) when { resource.public };\n";

static const char entities_json[] =
    "[{\"uid\": {\"type\": \"User\", \"id\": \"alice\"}, \"attrs\": {}, \"parents\": [{\"type\": \"Team\", \"id\": \"staff\"}]},\n"
    " {\"uid\": {\"type\": \"User\", \"id\": \"bob\"}, \"attrs\": {}, \"parents\": [{\"type\": \"Team\", \"id\": \"staff\"}]},\n"
    " {\"uid\": {\"type\": \"Team\", \"id\": \"staff\"}, \"attrs\": {}, \"parents\": []},\n"
    " {\"uid\": {\"type\": \"Document\", \"id\": \"plan\"}, \"attrs\": {\"owner\": {\"type\": \"User\", \"id\": \"alice\"}, \"public\": true},\n"
    "  \"parents\": []}]";

/* Everything that lives as long as the program. */
struct engine {
	struct lg_schema *schema;
	struct lg_policies *policies;
	struct lg_entity_store *entities;
};

/* A set is published by one pointer once it is whole; threads that decide by the old one keep a reference of their own. */
static lg_err
engine_open(struct lg_ctx *cx, struct engine *en)
{
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policy_source text = { LG_STR("decide"), lg_str_of(policies_text) };
	struct lg_policy_options options = { .ids_from_annotation = true };

	LG_TRY(lg_schema_parse(cx, LG_STR("schema"), lg_str_of(schema_text), &faults, &en->schema));
	options.schema = en->schema;
	LG_TRY(lg_policies_parse(cx, &text, 1, &options, &faults, &en->policies));
	LG_TRY(lg_policies_validate(cx, en->policies, en->schema, LG_STRICT, &faults));
	en->entities = lg_entity_store_new();
	LG_TRY(lg_entity_store_json(cx, en->entities, en->schema, lg_str_of(entities_json)));
	return lg_entity_store_finish(cx, en->entities);
}

/* One policy more: the new set shares all others with the old one. */
static lg_err
engine_add(struct lg_ctx *cx, struct engine *en, const char *policy)
{
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policy_source text = { LG_STR("added"), lg_str_of(policy) };
	struct lg_policy_change change = { .add = &text, .nadd = 1 };
	struct lg_policy_options options = { .ids_from_annotation = true };
	struct lg_policies *next = NULL;

	LG_TRY(lg_policies_change(cx, en->policies, &change, &options, &faults, &next));
	lg_err e = lg_policies_validate_change(cx, next, en->policies, en->schema, LG_STRICT, &faults);
	if (e != LG_OK) {
		lg_policies_unref(&next);
		return e;
	}
	lg_policies_unref(&en->policies);
	en->policies = next;
	return LG_OK;
}

static void
engine_close(struct engine *en)
{
	lg_policies_unref(&en->policies);
	lg_entity_store_free(&en->entities);
	lg_schema_unref(&en->schema);
}

static lg_err
decide(struct lg_ctx *cx, const struct engine *en, char **argv, bool *allow)
{
	struct lg_entities port = lg_entity_store_port(en->entities);
	struct lg_request rq = {
		.principal = lg_euid_of(LG_STR("User"), lg_str_of(argv[1])),
		.action = lg_euid_of(LG_STR("Action"), lg_str_of(argv[2])),
		.resource = lg_euid_of(LG_STR("Document"), lg_str_of(argv[3])),
	};
	struct lg_answer answer;
	lg_str why;

	LG_TRY(lg_request_validate(cx, en->schema, &rq));
	lg_authorize(cx, en->policies, &port, &rq, &answer);
	LG_TRY(lg_policy_explain(cx, en->policies, &port, &rq, &why));
	printf("%.*s", LG_FMT(why));
	*allow = answer.allow;
	return LG_OK;
}

int
main(int argc, char **argv)
{
	struct lg_arena *arena = lg_arena_new();
	struct engine en = { NULL, NULL, NULL };
	struct lg_ctx cx;
	bool allow = false;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: decide USER ACTION DOCUMENT [POLICY]\n");
		return 2;
	}
	lg_ctx_init(&cx, arena);
	lg_err e = engine_open(&cx, &en);
	if (e == LG_OK && argc == 5)
		e = engine_add(&cx, &en, argv[4]);
	if (e == LG_OK)
		e = decide(&cx, &en, argv, &allow);
	if (e != LG_OK)
		fprintf(stderr, "decide: %s\n", cx.error);
	engine_close(&en);
	lg_arena_free(&arena);
	return e != LG_OK ? 2 : allow ? 0 : 1;
}
