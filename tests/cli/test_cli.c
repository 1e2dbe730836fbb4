/* test_cli.c: what people see: help, tables, sentences and exit codes; and what the service is asked. */
#include "tests/cli/cli_test.h"

#include <sys/stat.h>

#include "base/version.h"

/* A service and a folder for the session; the environment of whoever runs the tests does not matter. */
static struct responder *
set_up(const struct responder_route *routes)
{
	struct responder *s = responder_start(routes);

	setenv("LIGHTGATE_URL", s->url, 1);
	setenv("LIGHTGATE_CONFIG", test_folder(), 1);
	unsetenv("LIGHTGATE_SOCKET");
	unsetenv("LIGHTGATE_DEV");
	unsetenv("LIGHTGATE_CA");
	return s;
}

static const char *
line(const char *fmt, const char *a)
{
	static char text[1024];

	snprintf(text, sizeof text, fmt, a);
	return text;
}

#define END { NULL, 0, NULL, 0 }

/* ---- the tree ------------------------------------------------------------------------------------------------ */

static void
check_help(const struct cli_command *c, const char *path)
{
	char text[256];

	snprintf(text, sizeof text, "%s%s%s", path, path[0] != '\0' ? " " : "", c->name);
	if (c->verbatim)
		return;
	const struct run *r = run(line("%s --help", text));
	cr_assert_eq(r->code, CLI_YES, "%s: %s", text, r->err);
	cr_assert_not_null(strstr(r->out, "Examples:\n  "), "%s has no example", text);
	cr_assert_not_null(strstr(r->out, "Exit codes: 0 done or permitted, 1 the answer is no, 2 error."));
	cr_assert(strncmp(r->out, "Usage: ", 7) == 0 && strncmp(r->out + 7, text, strlen(text)) == 0, "%s: %s", text, r->out);
	cr_assert((c->sub != NULL) || c->run != NULL, "%s does nothing", text);
	for (const struct cli_command *s = c->sub; s != NULL && s->name != NULL; s++)
		check_help(s, text);
}

static size_t
count_options(const struct cli_option *o)
{
	size_t n = 0;

	for (; o != NULL && o[n].name != NULL; n++)
		;
	return n;
}

static void
check_room(const struct cli_command *c)
{
	cr_assert(count_options(c->options) + count_options(cli_globals) <= CLI_ARGS, "%s", c->name);
	for (const struct cli_command *s = c->sub; s != NULL && s->name != NULL; s++)
		check_room(s);
}

Test(tree, no_command_has_more_options_than_one_call_may_have)
{
	check_room(&cli_tree);
}

Test(tree, too_many_words_are_told_with_the_number)
{
	char text[256] = "lightgate policy test";

	for (size_t i = 0; i <= CLI_ARGS; i++)
		strcat(text, " f");
	const struct run *r = run(text);
	cr_assert_eq(r->code, CLI_ERROR);
	cr_assert_not_null(strstr(r->err, "more than 64 words after the command"), "%s", r->err);
}

Test(tree, every_level_has_help_and_an_example)
{
	check_help(&cli_tree, "");
}

Test(tree, help_of_one_command_is_this)
{
	cr_assert_str_eq(run("lightgate group add-member --help")->out,
	    "Usage: lightgate group add-member GROUP TYPE/NAME\n\n"
	    "Put a user, service, host or group into a group.\n\n"
	    "Examples:\n  lightgate group add-member shop-operators User/bob\n\n"
	    "Exit codes: 0 done or permitted, 1 the answer is no, 2 error.\n");
}

static const struct {
	const char *line, *says;
} mistakes[] = {
	{ "lightgate nonsense", "unknown command \"nonsense\"; see lightgate --help" },
	{ "lightgate user", "lightgate user what? See lightgate user --help" },
	{ "lightgate user frob", "unknown command \"frob\"; see lightgate user --help" },
	{ "lightgate user show", "usage: lightgate user show NAME" },
	{ "lightgate user show a b", "usage: lightgate user show NAME" },
	{ "lightgate user list --frob", "unknown option --frob; see lightgate user list --help" },
	{ "lightgate user list -x", "unknown option -x" },
	{ "lightgate user show -Vg8tY", "unknown option -Vg8tY; a name that begins with - is put behind --: -- -Vg8tY" },
	{ "lightgate user list --prefix", "--prefix needs a value: TEXT" },
	{ "lightgate user list --prefix a --prefix b", "--prefix is given twice" },
	{ "lightgate apply --dry-run=1", "--dry-run takes no value" },
	{ "lightgate apply", "which document? lightgate apply -f FILE" },
	{ "lightgate check container:create web", "\"web\" is not of the form Type/name" },
	{ "lightgate check a Workload/web --as User/a --subject-token-file f", "--as and --subject-token-file both say who" },
	{ "lightgate host create-join-token n --life 2h", "--life is 1s to 1h, not \"2h\"" },
	{ "lightgate host create-join-token n --life 1d", "--life is 1s to 1h, not \"1d\"" },
	{ "lightgate certificate issue --profile host", "--key-out is missing" },
	{ "lightgate certificate issue --profile host --csr x", "--cert-out is missing" },
	{ "lightgate certificate issue --profile host --csr x --cert-out y --server-key P-256", "without --server-key" },
	{ "lightgate policy show x", "\"x\" is not a version" },
	{ "lightgate usr list", "unknown command \"usr\": did you mean user? See lightgate --help" },
	{ "lightgate user list --outpt json", "unknown option --outpt: did you mean --output? See" },
	{ "lightgate user list -o yaml", "--output is table or json, not \"yaml\"" },
	{ "lightgate completion fish", "bash and zsh, not for fish" },
	{ "lightgate login", "who are you? lightgate login --user NAME" },
	{ "lightgate whoami --cert c", "--cert and --key belong together" },
	{ "lightgate whoami --dev /nonexistent", "is lightgated --dev --data /nonexistent running?" },
	{ "lightgate backup", "where to? lightgate backup --out FILE" },
	{ "lightgate backup --out /nonexistent/b", "under which key?" },
};

Test(tree, mistakes_get_a_sentence_and_exit_two)
{
	static const struct responder_route routes[] = { END };

	set_up(routes);
	for (size_t i = 0; i < LG_COUNT(mistakes); i++) {
		const struct run *r = run(mistakes[i].line);
		cr_assert_eq(r->code, CLI_ERROR, "%s", mistakes[i].line);
		cr_assert_not_null(strstr(r->err, mistakes[i].says), "%s: %s", mistakes[i].line, r->err);
		cr_assert_str_eq(r->out, "", "%s", mistakes[i].line);
	}
}

Test(tree, without_a_service_it_says_how_to_name_one)
{
	unsetenv("LIGHTGATE_URL");
	unsetenv("LIGHTGATE_SOCKET");
	unsetenv("LIGHTGATE_DEV");
	setenv("LIGHTGATE_CONFIG", test_folder(), 1);
	cr_assert_not_null(strstr(run("lightgate whoami")->err, "Give --url, --socket or --dev, or sign in"));
	cr_assert_not_null(strstr(run("lightgate whoami --url https://127.0.0.1:1")->err, "cannot reach https://127.0.0.1:1"));
}

Test(tree, completion_knows_every_command)
{
	const char *out = run("lightgate completion bash")->out;

	cr_assert_not_null(strstr(out, "\" group\") words=\"list show delete create change rename add-member remove-member \""));
	cr_assert_not_null(strstr(out, "\" check\") words=\"--as --subject-token-file "));
	cr_assert_not_null(strstr(out, "complete -o default -F _lightgate lightgate\n"));
	out = run("lightgate completion zsh")->out;
	cr_assert_not_null(strstr(out, "\" keeper\") commands=( 'list:Keys and ceilings' "));
	cr_assert_not_null(strstr(out, "the service'\\''s data folder"));
	cr_assert_not_null(strstr(out, "compdef _lightgate lightgate\n"));
}

Test(tree, the_version_is_told_without_a_service)
{
	const struct run *r = run("lightgate --version");

	cr_assert_eq(r->code, CLI_YES);
	cr_assert_str_eq(r->out, "lightgate " LG_VERSION "\n");
}

/* ---- signing in ------------------------------------------------------------------------------------------------- */

#define LOGIN { "POST /v1/login", 200, "{\"access_token\":\"a.t.k\",\"expires_in\":3600,\"token_type\":\"Bearer\"," \
	"\"subject\":{\"type\":\"User\",\"name\":\"alice\"}}", 0 }

Test(login, the_token_is_kept_for_this_service_alone)
{
	static const struct responder_route routes[] = {
		LOGIN, { "GET /v1/whoami", 200, "{\"type\":\"User\",\"id\":\"i\",\"name\":\"alice\",\"tenant\":\"default\"}", 0 }, END,
	};
	struct responder *s = set_up(routes), *other = responder_start(routes);
	struct stat st;

	const struct run *r = run(line("lightgate login --user alice --password-file %s", test_write(test_folder(), "pw", "secret\nrest")));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_str_eq(r->out, "signed in as alice for 60 minutes\n");
	cr_assert(responder_was_asked(s, "{\"username\":\"alice\",\"password\":\"secret\"}"));
	cr_assert_eq(stat(line("%s/session.json", test_folder()), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_str_eq(run("lightgate whoami")->out, "type          User\nid            i\nname          alice\ntenant        default\n");
	cr_assert(responder_was_asked(s, "Authorization: Bearer a.t.k\r\n"));
	/* without a word about where, the last login's service is meant */
	unsetenv("LIGHTGATE_URL");
	cr_assert_eq(run("lightgate whoami")->code, CLI_YES);
	run(line("lightgate whoami --url %s", other->url));
	cr_assert_not(responder_was_asked(other, "a.t.k"));
	cr_assert_str_eq(run("lightgate logout")->out, "signed out\n");
	cr_assert_str_eq(run("lightgate logout")->out, "nobody was signed in\n");
}

Test(login, a_wrong_password_is_said_and_nothing_kept)
{
	static const struct responder_route routes[] = {
		{ "POST /v1/login", 401, "{\"code\":\"unauthenticated\",\"detail\":\"wrong name or password\"}", 0 }, END,
	};
	set_up(routes);
	const struct run *r = run(line("lightgate login --user alice --password-file %s", test_write(test_folder(), "pw", "x")));

	cr_assert_eq(r->code, CLI_ERROR);
	cr_assert_str_eq(r->err, "lightgate: wrong name or password\n");
	cr_assert_str_eq(run("lightgate logout")->out, "nobody was signed in\n");
}

Test(login, a_developers_administrator_needs_no_word)
{
	static const struct responder_route routes[] = { LOGIN, { "GET /v1/whoami", 200, "{\"name\":\"admin\"}", 0 }, END };
	struct responder *s = set_up(routes);
	char dev[512];

	snprintf(dev, sizeof dev, "{\"https\":\"%s\",\"admin\":{\"username\":\"admin\",\"password\":\"pw\"},"
	    "\"credentials\":[{\"kind\":\"User\",\"name\":\"bob\",\"secret\":\"bobs\"}]}", s->url);
	test_write(test_folder(), "dev.json", dev);
	unsetenv("LIGHTGATE_URL");
	setenv("LIGHTGATE_DEV", test_folder(), 1);
	cr_assert_str_eq(run("lightgate whoami")->out, "name          admin\n");
	cr_assert(responder_was_asked(s, "{\"username\":\"admin\",\"password\":\"pw\"}"));
	cr_assert_eq(run("lightgate login --user bob")->code, CLI_YES);
	cr_assert(responder_was_asked(s, "{\"username\":\"bob\",\"password\":\"bobs\"}"));
}

Test(login, a_service_gets_a_token_for_what_it_calls)
{
	static const struct responder_route routes[] = {
		{ "GET /.well-known/openid-configuration", 200, "{\"issuer\":\"https://id.example.org\"}", 0 },
		{ "POST /oauth2/token", 200, "{\"access_token\":\"s.v.c\"}", 0 }, { "GET /v1/whoami", 200, "{\"name\":\"c\"}", 0 }, END,
	};
	struct responder *s = set_up(routes);
	const struct run *r = run(line("lightgate whoami --client-id my~c --client-secret-file %s", test_write(test_folder(), "s", "x:y\n")));

	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert(responder_was_asked(s, "Authorization: Basic bXklMjBjOnglM0F5\r\n"));
	cr_assert(responder_was_asked(s, "grant_type=client_credentials&resource=https%3A%2F%2Fid.example.org%2Fv1"));
	cr_assert(responder_was_asked(s, "Authorization: Bearer s.v.c\r\n"));
}

/* ---- apply ---------------------------------------------------------------------------------------------------------- */

#define STATE "projects: [{name: shop}]\nusers:\n  - name: alice\n    enabled: true\n    groups: [ops]\npolicies: |\n  permit (a, \"b\", c);\n"

Test(apply, yaml_becomes_json_and_changes_a_table)
{
	static const struct responder_route routes[] = {
		{ "POST /v1/apply", 200, "{\"changes\":[{\"kind\":\"User\",\"name\":\"alice\",\"change\":\"created\",\"fields\":[]},"
		    "{\"kind\":\"Project\",\"name\":\"shop\",\"change\":\"unchanged\"},"
		    "{\"kind\":\"Group\",\"name\":\"ops\",\"change\":\"changed\",\"fields\":[\"display\",\"members\"]}],"
		    "\"created\":1,\"changed\":1,\"unchanged\":1,\"credentials\":[{\"kind\":\"User\",\"name\":\"alice\",\"secret\":\"s3\"}]}", 0 }, END,
	};
	struct responder *s = set_up(routes);
	const char *file = test_write(test_folder(), "state.yaml", STATE);
	const struct run *r = run(line("lightgate apply -f %s", file));

	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_str_eq(r->out, "KIND   NAME   CHANGE   FIELDS\nUser   alice  created  -\nGroup  ops    changed  display, members\n"
	    "1 created, 1 changed, 1 unchanged\n\nNew secrets, shown this once:\nKIND  NAME   SECRET\nUser  alice  s3\n");
	cr_assert(responder_was_asked(s, "\r\n\r\n{\"projects\":[{\"name\":\"shop\"}],\"users\":[{\"name\":\"alice\",\"enabled\":true,\"groups\":[\"ops\"]}],"
	    "\"policies\":\"permit (a, \\\"b\\\", c);\\n\"}"));
	r = run(line("lightgate apply --dry-run -f %s", file));
	cr_assert(responder_was_asked(s, "POST /v1/apply?dry_run=true "));
	cr_assert_not_null(strstr(r->out, "would be: 1 created"));
}

Test(apply, secrets_go_into_a_file_of_ones_own)
{
	static const struct responder_route routes[] = {
		{ "POST /v1/apply", 200, "{\"changes\":[],\"created\":0,\"changed\":1,\"unchanged\":0,"
		    "\"credentials\":[{\"kind\":\"User\",\"name\":\"alice\",\"secret\":\"s3\"}]}", 0 }, END,
	};
	char text[128], out[300];
	struct stat st;

	set_up(routes);
	snprintf(out, sizeof out, "%s/secrets", test_folder());
	const char *file = test_write(test_folder(), "state.yaml", STATE);
	char command[1024];
	snprintf(command, sizeof command, "lightgate apply -f %s --credentials %s", file, out);
	const struct run *r = run(command);
	cr_assert_null(strstr(r->out, "s3"));
	cr_assert_eq(stat(out, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	FILE *f = fopen(out, "r");
	cr_assert_not_null(fgets(text, sizeof text, f));
	fclose(f);
	cr_assert_str_eq(text, "[{\"kind\":\"User\",\"name\":\"alice\",\"secret\":\"s3\"}]\n");
}

Test(apply, nothing_changed_is_said)
{
	static const struct responder_route routes[] = {
		{ "POST /v1/apply", 200, "{\"changes\":[],\"created\":0,\"changed\":0,\"unchanged\":13}", 0 }, END,
	};
	set_up(routes);
	cr_assert_str_eq(run(line("lightgate apply -f %s", test_write(test_folder(), "s", STATE)))->out,
	    "nothing changed: all 13 entries are as the file says\n");
}

Test(apply, a_mistake_in_the_file_is_told_with_its_line)
{
	static const struct responder_route routes[] = { END };
	struct responder *s = set_up(routes);
	const struct run *r = run(line("lightgate apply -f %s", test_write(test_folder(), "s", "users: []\nusers: []\n")));

	cr_assert_eq(r->code, CLI_ERROR);
	cr_assert_not_null(strstr(r->err, "line 2"), "%s", r->err);
	cr_assert_eq(s->requests, 0);
}

/* ---- check -------------------------------------------------------------------------------------------------------------- */

#define PERMIT "{\"decision\":true,\"context\":{\"id\":\"d1\",\"policy\":\"ops\",\"reason\":\"permitted by ops\",\"ticket\":\"t.i.c\"}}"

Test(check, a_permit_is_zero_and_brings_the_ticket)
{
	static const struct responder_route routes[] = { { "POST /access/v1/evaluation", 200, PERMIT, 0 }, END };
	struct responder *s = set_up(routes);
	const struct run *r = run("lightgate check container:create Workload/web --as User/alice --project shop --image busybox --host node1 "
	    "--port 80 --protocol tcp --ticket-out -");

	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_str_eq(r->out, "permit  container:create on Workload/web\n  reason    permitted by ops\n  policy    ops\n  decision  d1\nt.i.c\n");
	cr_assert(responder_was_asked(s, "{\"subject\":{\"type\":\"User\",\"id\":\"alice\"},\"action\":{\"name\":\"container:create\"},"
	    "\"resource\":{\"type\":\"Workload\",\"id\":\"web\",\"properties\":{\"project\":\"shop\",\"image\":\"busybox\",\"host\":\"node1\"}},"
	    "\"context\":{\"port\":80,\"protocol\":\"tcp\"}}"));
}

Test(check, a_deny_is_one_and_an_error_is_two)
{
	static const struct responder_route deny[] = {
		{ "POST", 200, "{\"decision\":false,\"context\":{\"id\":\"d1\",\"reason\":\"no policy permits it\"}}", 0 }, END,
	};
	static const struct responder_route error[] = {
		{ "POST", 403, "{\"code\":\"denied\",\"detail\":\"User bob may not ask about this\"}", 0 }, END,
	};
	set_up(deny);
	const struct run *r = run("lightgate check connect Workload/db --as Workload/web");
	cr_assert_eq(r->code, CLI_NO);
	cr_assert_str_eq(r->out, "deny  connect on Workload/db\n  reason    no policy permits it\n  decision  d1\n");
	set_up(error);
	r = run("lightgate check connect Workload/db --as Workload/web");
	cr_assert_eq(r->code, CLI_ERROR);
	cr_assert_str_eq(r->err, "lightgate: User bob may not ask about this\n");
}

Test(check, without_a_word_it_is_about_oneself_and_a_token_proves_somebody)
{
	static const struct responder_route routes[] = {
		{ "POST /access/v1/evaluation", 200, PERMIT, 0 }, { "GET /v1/whoami", 200, "{\"type\":\"User\",\"id\":\"u1\"}", 0 }, END,
	};
	struct responder *s = set_up(routes);

	run("lightgate check container:create Workload/web");
	cr_assert(responder_was_asked(s, "{\"subject\":{\"type\":\"User\",\"id\":\"u1\"}"));
	run(line("lightgate check container:create Workload/web --subject-token-file %s", test_write(test_folder(), "t", "to.k.en\n")));
	cr_assert(responder_was_asked(s, "Lightgate-Subject-Token: to.k.en\r\n"));
	cr_assert(responder_was_asked(s, "{\"subject\":{\"type\":\"User\",\"id\":\"\"}"));
}

Test(check, json_is_the_services_own)
{
	static const struct responder_route routes[] = { { "POST", 200, PERMIT, 0 }, END };

	set_up(routes);
	cr_assert_str_eq(run("lightgate check a Workload/web --as User/a -o json")->out, PERMIT "\n");
}

/* ---- lists ---------------------------------------------------------------------------------------------------------------- */

Test(lists, pages_become_one_table)
{
	static const struct responder_route routes[] = {
		{ "GET /v1/users?limit=200&after=b ", 200, "{\"items\":[{\"name\":\"c\",\"display\":\"[x\",\"enabled\":false}]}", 0 },
		{ "GET /v1/users?limit=200 ", 200, "{\"items\":[{\"name\":\"\xc3\xa4nne\",\"display\":\"\xc3\x84nne \\u001b[31mred\",\"groups\":[\"g\",\"h\"]},"
		    "{\"name\":\"b\",\"mail\":\"b@x\"}],\"next\":\"b\"}", 0 }, END,
	};
	set_up(routes);
	const struct run *r = run("lightgate user list");
	cr_assert_str_eq(r->out,
	    "NAME  DISPLAY        MAIL  GROUPS  ENABLED\n"
	    "\xc3\xa4nne  \xc3\x84nne ?[31mred  -     g, h    true\n"
	    "b     -              b@x   -       true\n"
	    "c     [x             -     -       false\n", "%s%s", r->out, r->err);
}

Test(lists, members_names_and_objects_are_put_into_paths_safely)
{
	static const struct responder_route routes[] = { { "PUT ", 204, "", 0 }, { "DELETE ", 204, "", 0 }, END };
	struct responder *s = set_up(routes);

	cr_assert_str_eq(run("lightgate group add-member a/b User/c~d")->out, "User/c d is a member of a/b\n");
	cr_assert(responder_was_asked(s, "PUT /v1/groups/a%2Fb/members/User/c%20d HTTP/1.1\r\n"));
	cr_assert_str_eq(run("lightgate user delete ..")->out, ".. is deleted\n");
}

Test(lists, audit_lists_by_itself_and_verify_says_no_with_one)
{
	static const struct responder_route routes[] = {
		{ "GET /v1/audit/verify", 200, "{\"changes\":{\"epoch\":1,\"seq\":7,\"hash\":\"00112233445566778899\",\"ok\":true},"
		    "\"decisions\":{\"epoch\":1,\"seq\":9,\"hash\":\"ff\",\"ok\":false}}", 0 },
		{ "GET /v1/audit?limit=2&operation=a%3Ab ", 200, "{\"items\":[{\"log\":\"changes\",\"time\":\"t\",\"actor\":{\"type\":\"User\",\"name\":\"admin\"},"
		    "\"operation\":\"a:b\",\"target\":{\"type\":\"\",\"name\":\"x\"},\"result\":\"permit\",\"detail\":{\"n\":1}}]}", 0 }, END,
	};
	set_up(routes);
	cr_assert_str_eq(run("lightgate audit --limit 2 --operation a:b")->out,
	    "TIME  ACTOR       OPERATION  TARGET  RESULT  POLICY  ASKED BY\nt     User/admin  a:b        x       permit  -       -\n");
	const struct run *r = run("lightgate audit verify");
	cr_assert_eq(r->code, CLI_NO);
	cr_assert_str_eq(r->out, "changes    intact  epoch 1, 7 records, head 0011223344556677\n"
	    "decisions  DOES NOT MATCH  epoch 1, 9 records, head ff\n");
}

Test(lists, a_join_token_is_printed_bare_or_kept_in_a_file)
{
	static const struct responder_route routes[] = { { "POST /v1/hosts/node1/join-tokens", 200, "{\"token\":\"lgj1.a.b.c\",\"expires\":\"e\"}", 0 }, END };
	struct responder *s = set_up(routes);

	cr_assert_str_eq(run("lightgate host create-join-token node1 --life 30m")->out, "lgj1.a.b.c\n");
	cr_assert(responder_was_asked(s, "{\"life_seconds\":1800}"));
	const struct run *r = run(line("lightgate host create-join-token node1 --out %s/j", test_folder()));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_null(strstr(r->out, "lgj1"));
}

Test(lists, a_backup_that_fails_leaves_no_file)
{
	static const struct responder_route bad[] = { { "GET /v1/backup", 403, "{\"detail\":\"not you\"}", 0 }, END };
	static const struct responder_route good[] = { { "GET /v1/backup", 200, "sealed", 0 }, END };
	char path[300], command[1024];

	snprintf(path, sizeof path, "%s/backup", test_folder());
	snprintf(command, sizeof command, "lightgate backup --out %s --key-file %s/key", path, test_folder());
	set_up(bad);
	cr_assert_eq(run(command)->code, CLI_ERROR);
	cr_assert_neq(access(path, F_OK), 0);
	cr_assert_neq(access(line("%s.partial", path), F_OK), 0);
	struct responder *s = set_up(good);
	const struct run *r = run(command);
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_eq(access(path, F_OK), 0);
	/* the key that the first run made is used by the second, in the form that the service wants */
	const char *key = strstr(s->asked, "Lightgate-Recovery-Key: ");
	cr_assert_not_null(key);
	cr_assert_eq(strcspn(key + 24, "\r"), 43);
	cr_assert_null(strstr(r->out, "the recovery key is new"));
}

Test(lists, what_is_no_list_is_an_error_not_an_empty_table)
{
	static const struct responder_route routes[] = { { "GET ", 200, "{}", 0 }, END };

	set_up(routes);
	const struct run *r = run("lightgate user list");
	cr_assert_eq(r->code, CLI_ERROR);
	cr_assert_not_null(strstr(r->err, "no list"), "%s", r->err);
}
