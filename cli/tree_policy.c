/* tree_policy.c: what is done to policies. */
#include "cli/tree.h"

#define SCHEMA_OPTION { "schema", 0, "FILE", "the schema (the shipped one); none: without" }
#define SAMPLES_OPTION { "samples", 0, "N", "requests to make up for one policy" }
#define REQUEST_OPTIONS SCHEMA_OPTION, { "entities", 0, "FILE", "entities in Cedar's JSON" }, \
	{ "principal", 0, "UID", "User::\"alice\"" }, { "action", 0, "UID", "Action::\"connect\"" }, { "resource", 0, "UID", "Workload::\"web\"" }, \
	{ "context", 0, "JSON", "an object, or a file with one" }, { "request", 0, "FILE", "the four of them as JSON instead" }
#define REPLAY_OPTIONS { "since", 0, "TIME", "of records: a time, or how long ago: 24h, 7d" }, \
	{ "limit", 0, "N", "the newest N records (100000)" }, { "all", 0, NULL, "show what has drifted, too" }

const struct cli_command cli_policy_verbs[] = {
	{ .name = "list", .help = "The versions", .examples = EXAMPLES("lightgate policy list"), .run = cli_policy_list },
	{ .name = "show", .args = "[VERSION]", .help = "The text in force, or of a version",
	  .examples = EXAMPLES("lightgate policy show", "lightgate policy show 3 > old.cedar"), .run = cli_policy_show },
	{ .name = "validate", .args = "[FILE...]", .help = "Say what activation would say; or whether files are valid, without a service",
	  .text = "Files are checked against the schema by themselves: names are not resolved, nobody is asked.",
	  .options = OPTIONS(FILE_OPTION, SCHEMA_OPTION, { "permissive", 0, NULL, "of files: types may be mixed" },
	      { "level", 0, "N", "of files: entities that may be read one from another" }),
	  .examples = EXAMPLES("lightgate policy validate -f new.cedar", "lightgate policy validate a.cedar b.cedar"),
	  .run = cli_policy_validate },
	{ .name = "activate", .help = "Put a text in force",
	  .options = OPTIONS(FILE_OPTION, { "replay", 0, NULL, "first say which logged decisions would change, and stop if any would ..." },
	      { "accept", 0, NULL, "... unless this is given" }, REPLAY_OPTIONS),
	  .examples = EXAMPLES("lightgate policy activate -f new.cedar", "lightgate policy activate -f new.cedar --replay --since 7d"),
	  .run = cli_policy_activate },
	{ .name = "replay", .args = "CANDIDATE", .help = "Which logged decisions would change under a file or an old version? Exit 1 if any",
	  .text = "The questions are those of the decision log, with their context, claims and time.  Groups, projects and attributes\n"
	      "of entries are as they are now, under the candidate and under what is in force: what those two agree on and the log\n"
	      "does not has drifted, and is no doing of the candidate.",
	  .options = OPTIONS(REPLAY_OPTIONS),
	  .examples = EXAMPLES("lightgate policy replay new.cedar --since 24h", "lightgate policy replay 3 --limit 1000 -o json"),
	  .run = cli_policy_replay },
	{ .name = "rollback", .args = "VERSION", .help = "Put an old text in force again, as a new version",
	  .examples = EXAMPLES("lightgate policy rollback 3"), .run = cli_policy_rollback },
	{ .name = "format", .args = "FILE...", .help = "Policies laid out afresh, comments kept, without a service",
	  .options = OPTIONS({ "write", 'w', NULL, "into the files; says which changed" }),
	  .examples = EXAMPLES("lightgate policy format shop.cedar", "lightgate policy format -w a.cedar b.cedar"), .run = cli_policy_format },
	{ .name = "translate", .args = "FILE", .help = "Policies or a schema from text to JSON, or back, without a service",
	  .options = OPTIONS({ "kind", 0, "policies|schema", "what it is (by name and contents)" }),
	  .examples = EXAMPLES("lightgate policy translate shop.cedar > shop.json", "lightgate policy translate my.cedarschema"),
	  .run = cli_policy_translate },
	{ .name = "authorize", .args = "FILE...", .help = "Decide with the policies in files: exit 0 allow, 1 deny, 2 error",
	  .options = OPTIONS(REQUEST_OPTIONS, { "explain", 0, NULL, "which clause saw what" }),
	  .examples = EXAMPLES("lightgate policy authorize shop.cedar --entities shop.json --request question.json --explain"),
	  .run = cli_policy_authorize },
	{ .name = "evaluate", .args = "EXPRESSION", .help = "The value of a Cedar expression; exit 1 if it is false",
	  .options = OPTIONS(REQUEST_OPTIONS),
	  .examples = EXAMPLES("lightgate policy evaluate 'ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))'"), .run = cli_policy_evaluate },
	{ .name = "test", .args = "CASES FILE...", .help = "Cases with the answers they should have, and what they never tried",
	  .text = "CASES is an array of {\"name\", \"request\", \"entities\", \"decision\", \"reason\", \"num_errors\"}, as for cedar run-tests.\n"
	      "A case without entities has those of --entities.  Told are the policies that no case satisfied, and the clauses and\n"
	      "operands of && and || that were never true or never false.",
	  .options = OPTIONS(SCHEMA_OPTION, { "entities", 0, "FILE", "of cases that bring none" },
	      { "min-coverage", 0, "PERCENT", "exit 1 if fewer outcomes were seen" }),
	  .examples = EXAMPLES("lightgate policy test shop.tests.json shop.cedar", "lightgate policy test --min-coverage 90 shop.tests.json shop.cedar"), .run = cli_policy_test },
	{ .name = "corpus", .args = "FOLDER", .help = "Answer a folder of cedar-integration-tests and compare",
	  .examples = EXAMPLES("lightgate policy corpus build/corpus/corpus-tests"), .run = cli_policy_corpus },
	{ .name = "analyze", .args = "FILE...", .help = "Which policies do nothing, or everything; exit 1 if there are any",
	  .text = "Findings are proved.  With --samples there are also those that N requests, made up for each policy, did not refute.",
	  .options = OPTIONS(SCHEMA_OPTION, SAMPLES_OPTION), .examples = EXAMPLES("lightgate policy analyze shop.cedar"), .run = cli_policy_analyze },
	{ .name = "diff", .args = "OLD NEW", .help = "Does the new file allow what the old one does not? Exit 1 if so, with an example",
	  .options = OPTIONS(SCHEMA_OPTION, SAMPLES_OPTION), .examples = EXAMPLES("lightgate policy diff old.cedar new.cedar"), .run = cli_policy_diff },
	{ .name = NULL },
};
