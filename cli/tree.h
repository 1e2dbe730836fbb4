/* tree.h: the parts of the tree of commands, and how they are written down. */
#ifndef LG_CLI_TREE_H
#define LG_CLI_TREE_H

#include "cli/cli.h"

#define EXAMPLES(...)	(const char *const[]){ __VA_ARGS__, NULL }
#define OPTIONS(...)	(const struct cli_option[]){ __VA_ARGS__, { NULL, 0, NULL, NULL } }
#define FILE_OPTION { "file", 'f', "FILE", "the file; - is standard input" }
#define HERE "Asked on the service's own machine, by root or the service's owner; needs no login."

/* What follows a noun; ends with a row without a name. */
extern const struct cli_command cli_user_verbs[], cli_group_verbs[], cli_service_verbs[], cli_host_verbs[], cli_project_verbs[],
    cli_workload_verbs[], cli_image_verbs[], cli_network_verbs[], cli_client_verbs[], cli_password_policy_verbs[],
    cli_policy_verbs[], cli_certificate_verbs[], cli_ssh_verbs[], cli_webhook_verbs[], cli_federation_verbs[],
    cli_profile_verbs[], cli_tenant_verbs[], cli_keeper_verbs[], cli_ca_verbs[], cli_recover_verbs[];

#endif
