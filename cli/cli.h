/*
 * cli.h: one run of `lightgate`: the command tree, what was said on the command line, and where the answer goes.
 * tree.c is the table of everything that can be said; each noun has a file of its own.
 */
#ifndef LG_CLI_CLI_H
#define LG_CLI_CLI_H

#include <stdio.h>

#include "client/api.h"
#include "lightgate/crypto.h"

#define CLI_ARGS	64		/* words after the command, and options of one call */
#define CLI_DEPTH	3		/* lightgate noun verb */
#define CLI_FILE_MAX	(16u << 20)	/* octets of a state, policy or token file */
#define CLI_PAGES	10000		/* pages of one list */

enum cli_exit { CLI_YES = 0, CLI_NO = 1, CLI_ERROR = 2 };

struct cli;

struct cli_option {
	const char *name;		/* "user", given as --user */
	char letter;			/* 'f' for -f, or 0 */
	const char *value;		/* what the value is called in help; NULL: a switch */
	const char *help;
};

/* Options, examples and sub-commands end with an empty row. */
struct cli_command {
	const char *name;
	const char *args;		/* "GROUP TYPE/NAME": upper case words; '[' opens the optional ones; "FILE...": one or more */
	const char *help;
	const char *text;		/* more, under the first line of --help; may be NULL */
	const char *const *examples;
	const struct cli_option *options;
	const struct cli_command *sub;
	lg_err (*run)(struct cli *c);	/* beside sub-commands: what the noun alone does */
	const char *kind;		/* for verbs shared by nouns: "users" */
	bool verbatim;			/* everything after it is taken as it stands */
};

extern const struct cli_command cli_tree;
extern const struct cli_option cli_globals[];

struct cli_value {
	const struct cli_option *option;
	lg_str value;
};

/* Where the service is and as whom; filled from flags, environment, dev.json and the last login, in this order. */
struct cli_session {
	struct lg_endpoint at;
	lg_str ca_file;
	lg_str mtls;			/* URL of the listener that takes client certificates */
	lg_str token;
	lg_str dev;			/* text of dev.json; empty without --dev */
	struct lg_link *link;
};

struct cli {
	struct lg_ctx *cx;
	const struct cli_command *path[CLI_DEPTH];
	size_t depth;			/* path[depth - 1] is the command */
	struct cli_value values[CLI_ARGS];
	size_t nvalues;
	lg_str args[CLI_ARGS];
	size_t nargs;
	char **verbatim;		/* what follows a verbatim command */
	FILE *out, *err;
	struct cli_session session;
	enum cli_exit answer;		/* CLI_NO when the command was carried out and says no */
};

/* Runs one command line.  Nothing but out and err is written to, no exit. */
enum cli_exit cli_run(int argc, char **argv, FILE *out, FILE *err);

/* ---- what was said ------------------------------------------------------------------------------ */

/* Of an option: "90s", "30m", "24h", "30d", or seconds. */
LG_CHECKED lg_err cli_seconds(struct cli *c, const char *option, int64_t *ret);
lg_str cli_value(const struct cli *c, const char *name);	/* empty if not given */
bool cli_given(const struct cli *c, const char *name);
void cli_help(const struct cli *c, FILE *to);
LG_CHECKED lg_err cli_completion(struct cli *c);
/* "User/alice" into its halves. */
LG_CHECKED lg_err cli_split_name(struct cli *c, lg_str text, lg_str *type, lg_str *name);

/* ---- the service ----------------------------------------------------------------------------------- */

LG_CHECKED lg_err cli_session_open(struct cli *c);		/* where; no token yet */
void cli_session_close(struct cli *c);
LG_CHECKED lg_err cli_session_save(struct cli *c, lg_str token, int64_t expires_in, lg_str subject);
LG_CHECKED lg_err cli_session_forget(struct cli *c, bool *was_there);
/* As whom: --cert, --client-id, --token-file, the last login, the developer's administrator; audience is "/v1" or "/access/v1". */
LG_CHECKED lg_err cli_sign_in(struct cli *c, const char *audience);
/* The sign-in itself, for `login` and for --dev. */
LG_CHECKED lg_err cli_password_token(struct cli *c, lg_str user, lg_str password, struct lg_reply *ret);
lg_str cli_dev_secret(struct cli *c, lg_str name);		/* what dev.json knows of a user or service; empty if nothing */

/* --client-id: an access token of the service's own, for a resource; the token endpoint's answer. */
LG_CHECKED lg_err cli_service_token(struct cli *c, lg_str resource, struct lg_reply *ret);
LG_CHECKED lg_err cli_config_folder(struct cli *c, lg_str *ret);	/* where the last login is kept; made */

/* Opens the session, signs in for /v1 and calls. */
LG_CHECKED lg_err cli_call(struct cli *c, const char *method, lg_str path, lg_str body, struct lg_reply *ret);

/* ---- files ------------------------------------------------------------------------------------------- */

LG_CHECKED lg_err cli_read_file(struct cli *c, lg_str path, lg_str *ret);	/* "-" is stdin */
/* The YAML or JSON document of -f as JSON; verb: "apply", for the sentence. */
LG_CHECKED lg_err cli_read_document(struct cli *c, const char *verb, lg_str *ret);
LG_CHECKED lg_err cli_read_secret(struct cli *c, lg_str path, lg_str *ret);	/* its first line */
LG_CHECKED lg_err cli_mail_document(struct cli *c, lg_str *json);	/* its password_file becomes the password that is in it */
LG_CHECKED lg_err cli_write_secret(struct cli *c, lg_str path, lg_str text);	/* 0600; "-" is the output */
LG_CHECKED lg_err cli_ask_password(struct cli *c, const char *prompt, lg_str *ret);	/* from the terminal, without echo */

/* ---- output ------------------------------------------------------------------------------------------- */

bool cli_wants_json(const struct cli *c);
void cli_print(struct cli *c, lg_str text);	/* for people: control characters replaced */
void cli_line(struct cli *c, const char *fmt, ...) LG_PRINTF(2, 3);	/* for people: nothing with --output json */
void cli_json(struct cli *c, lg_str json);	/* as it is, and a line end */

struct cli_column {
	const char *title;
	const char *member;		/* of each item */
	const char *absent;		/* what its absence means; NULL: "-"; "": where no item has it there is no column */
};
/* suggest.c: what may have been meant by a word that is none; NULL: nothing like it. */
const char *cli_meant_command(const struct cli_command *in, lg_str typed);
const char *cli_meant_option(const struct cli_command *in, lg_str typed);

/* The items of "items" (or of the member named) as a table, or the answer as JSON.  Columns end with an empty row. */
LG_CHECKED lg_err cli_table(struct cli *c, lg_str json, const char *member, const struct cli_column *columns);
/* One object, a member a line. */
LG_CHECKED lg_err cli_show(struct cli *c, lg_str json);
/* /v1/COLLECTION/NAME; its items as a table; the one that the first argument names. */
lg_str cli_path(struct cli *c, const char *collection, lg_str name);
LG_CHECKED lg_err cli_items(struct cli *c, const char *collection, const struct cli_column *columns);
LG_CHECKED lg_err cli_item(struct cli *c, const char *collection);
lg_str cli_text(struct cli *c, lg_str json);	/* a value for people: lists with commas, {"type","name"} as type/name */

/* Tells what activation of a text would change among the decisions that were logged, and which version is in force meanwhile.
 * *go_on: nothing would change, or --accept was given. */
LG_CHECKED lg_err cli_replay_first(struct cli *c, lg_str source, int64_t *replaces, bool *go_on);

/* ---- questions (AuthZEN) ------------------------------------------------------------------------------- */

struct lg_jsonw;
/* "member":{"type":..,"id":..  The caller ends the object. */
void cli_put_entity(struct lg_jsonw *w, const char *member, lg_str type, lg_str id);
/* Who is meant: --as, the service that signs in, or whoever does. */
LG_CHECKED lg_err cli_put_life(struct cli *c, struct lg_jsonw *w);	/* "life_seconds", when there is --life */
LG_CHECKED lg_err cli_put_subject(struct cli *c, struct lg_jsonw *w);
LG_CHECKED lg_err cli_put_context(struct cli *c, struct lg_jsonw *w);	/* --port, --protocol */

/* ---- commands -------------------------------------------------------------------------------------------- */

lg_err cli_login(struct cli *c);
lg_err cli_logout(struct cli *c);
lg_err cli_whoami(struct cli *c);
lg_err cli_apply(struct cli *c);
lg_err cli_import(struct cli *c);
lg_err cli_export(struct cli *c);
lg_err cli_list(struct cli *c);
lg_err cli_show_entry(struct cli *c);
lg_err cli_delete(struct cli *c);
lg_err cli_add_member(struct cli *c);
lg_err cli_remove_member(struct cli *c);
lg_err cli_set_password(struct cli *c);
lg_err cli_create_entry(struct cli *c);
lg_err cli_new_secret(struct cli *c);
lg_err cli_change_entry(struct cli *c);
lg_err cli_enable(struct cli *c);
lg_err cli_disable(struct cli *c);
lg_err cli_rename(struct cli *c);
lg_err cli_lock(struct cli *c);
lg_err cli_unlock(struct cli *c);
lg_err cli_ssh_keys(struct cli *c);
lg_err cli_change_password(struct cli *c);
lg_err cli_expire_password(struct cli *c);
lg_err cli_show_password_policy(struct cli *c);
lg_err cli_set_password_policy(struct cli *c);
lg_err cli_invite(struct cli *c);
lg_err cli_reset_link(struct cli *c);
lg_err cli_factors(struct cli *c);
lg_err cli_remove_factor(struct cli *c);
lg_err cli_sessions(struct cli *c);
lg_err cli_end_sessions(struct cli *c);
lg_err cli_mail_show(struct cli *c);
lg_err cli_mail_set(struct cli *c);
lg_err cli_mail_test(struct cli *c);
lg_err cli_mail_delete(struct cli *c);
lg_err cli_source_list(struct cli *c);
lg_err cli_source_show(struct cli *c);
lg_err cli_source_set(struct cli *c);
lg_err cli_source_test(struct cli *c);
lg_err cli_source_delete(struct cli *c);
lg_err cli_index_list(struct cli *c);
lg_err cli_index_create(struct cli *c);
lg_err cli_index_delete(struct cli *c);
lg_err cli_create_join_token(struct cli *c);
lg_err cli_kube_token(struct cli *c);
lg_err cli_check(struct cli *c);
lg_err cli_who_can(struct cli *c);
lg_err cli_what_can(struct cli *c);
lg_err cli_where_can(struct cli *c);
lg_err cli_tenant_list(struct cli *c);
lg_err cli_tenant_create(struct cli *c);
lg_err cli_keeper_list(struct cli *c);
lg_err cli_keeper_ceiling(struct cli *c);
lg_err cli_keeper_rotate(struct cli *c);
lg_err cli_keeper_reconcile(struct cli *c);
lg_err cli_recover_password(struct cli *c);
lg_err cli_recover_unlock(struct cli *c);
lg_err cli_recover_rollback(struct cli *c);
lg_err cli_policy_list(struct cli *c);
lg_err cli_policy_show(struct cli *c);
lg_err cli_policy_activate(struct cli *c);
lg_err cli_policy_validate(struct cli *c);
lg_err cli_policy_rollback(struct cli *c);
lg_err cli_policy_replay(struct cli *c);
lg_err cli_policy_validate_files(struct cli *c);
lg_err cli_policy_format(struct cli *c);
lg_err cli_policy_translate(struct cli *c);
lg_err cli_policy_authorize(struct cli *c);
lg_err cli_policy_evaluate(struct cli *c);
lg_err cli_policy_test(struct cli *c);
lg_err cli_policy_corpus(struct cli *c);
lg_err cli_policy_analyze(struct cli *c);
lg_err cli_policy_diff(struct cli *c);
lg_err cli_certificate_list(struct cli *c);
lg_err cli_doctor(struct cli *c);
struct lg_operator_words;
/* Asks the local operator's socket; the answer is JSON. */
LG_CHECKED lg_err cli_operator(struct cli *c, const struct lg_operator_words *w, lg_str *answer);
lg_err cli_ca_create(struct cli *c);
lg_err cli_ca_csr(struct cli *c);
lg_err cli_ca_ocsp(struct cli *c);
lg_err cli_ca_import(struct cli *c);
lg_err cli_ca_rotate(struct cli *c);
lg_err cli_ca_activate(struct cli *c);
lg_err cli_ca_cancel(struct cli *c);
lg_err cli_ca_distrust(struct cli *c);
lg_err cli_ca_trust(struct cli *c);
lg_err cli_certificate_prove(struct cli *c);
lg_err cli_certificate_export(struct cli *c);
lg_err cli_certificate_purge(struct cli *c);
lg_err cli_certificate_witness(struct cli *c);
lg_err cli_certificate_issue(struct cli *c);
lg_err cli_certificate_revoke(struct cli *c);
lg_err cli_federation_list(struct cli *c);
lg_err cli_federation_show(struct cli *c);
lg_err cli_federation_set(struct cli *c);
lg_err cli_federation_refresh(struct cli *c);
lg_err cli_federation_delete(struct cli *c);
lg_err cli_federation_verify(struct cli *c);
lg_err cli_webhook_list(struct cli *c);
lg_err cli_webhook_set(struct cli *c);
lg_err cli_webhook_test(struct cli *c);
lg_err cli_webhook_delete(struct cli *c);
lg_err cli_profile_list(struct cli *c);
lg_err cli_profile_show(struct cli *c);
lg_err cli_profile_set(struct cli *c);
lg_err cli_profile_delete(struct cli *c);
lg_err cli_ssh_sign(struct cli *c);
lg_err cli_ssh_login(struct cli *c);
lg_err cli_ssh_trust(struct cli *c);
lg_err cli_ssh_krl(struct cli *c);
lg_err cli_audit_list(struct cli *c);
lg_err cli_audit_verify(struct cli *c);
lg_err cli_backup(struct cli *c);
lg_err cli_tool(struct cli *c);

#endif
