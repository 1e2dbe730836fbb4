/*
 * offline.h: policies, schemas, entities and requests from files, without a service.
 * Names stay as they are written: User::"alice" is resolved by nobody.
 */
#ifndef LG_CLI_OFFLINE_H
#define LG_CLI_OFFLINE_H

#include "cli/cli.h"
#include "lightgate/policy.h"

/* conf/lightgate.cedarschema, carried inside (scripts/embed). */
extern const char cli_shipped_schema[];
extern const size_t cli_shipped_schema_size;

/* Where there is no --schema the shipped one; *ret is NULL with --schema none.  Text or JSON, by its first character. */
LG_CHECKED lg_err cli_schema_open(struct cli *c, struct lg_schema **ret);
LG_CHECKED lg_err cli_schema_of(struct cli *c, lg_str name, lg_str text, struct lg_schema **ret);
/* One set from all files; ids are those of @id, or their place.  One file may be JSON.  LG_E_INVALID says every error. */
LG_CHECKED lg_err cli_policies_open(struct cli *c, const lg_str *files, size_t n, const struct lg_schema *schema,
    struct lg_policy_faults *faults, struct lg_policies **ret);
LG_CHECKED lg_err cli_policies_of(struct cli *c, lg_str name, lg_str text, const struct lg_schema *schema,
    struct lg_policy_faults *faults, struct lg_policies **ret);
/* Policies of a lone file have plain ids (policy0) and no source: the faults learn the file's name afterwards. */
void cli_name_faults(struct lg_policy_faults *faults, lg_str file);
/* cx->error with all faults of a text, cut where the sentence ends. */
lg_err cli_fail_faults(struct cli *c, lg_err e, const struct lg_policy_faults *faults);
void cli_print_faults(struct cli *c, const struct lg_policy_faults *faults);

bool cli_is_json(lg_str text);
/* Entities JSON; an empty text is no entities. */
LG_CHECKED lg_err cli_entities_of(struct cli *c, const struct lg_schema *schema, lg_str json, struct lg_entity_store **ret);
LG_CHECKED lg_err cli_entities_open(struct cli *c, const struct lg_schema *schema, struct lg_entity_store **ret);	/* --entities */

/* --request FILE, or --principal, --action, --resource and --context. */
LG_CHECKED lg_err cli_request_open(struct cli *c, const struct lg_schema *schema, struct lg_request *ret);

/* What one command works with. */
struct cli_files {
	struct lg_schema *schema;
	struct lg_policies *set;
	struct lg_entity_store *store;
};

LG_CHECKED lg_err cli_files_open(struct cli *c, const lg_str *files, size_t n, struct cli_files *f);	/* schema and policies */
void cli_files_close(struct cli_files *f);

/* Ids of policies as a list for people. */
lg_str cli_ids(struct cli *c, const struct lg_policies *set, const uint32_t *v, size_t n);

#endif
