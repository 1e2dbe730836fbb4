/* tree.c: everything that can be said. */
#include "cli/cli.h"

#define EXAMPLES(...)	(const char *const[]){ __VA_ARGS__, NULL }
#define OPTIONS(...)	(const struct cli_option[]){ __VA_ARGS__, { NULL, 0, NULL, NULL } }
#define COMMANDS(...)	(const struct cli_command[]){ __VA_ARGS__, { .name = NULL } }

const struct cli_option cli_globals[] = {
	{ "url", 0, "URL", "the service: https://host:8443 (LIGHTGATE_URL)" },
	{ "socket", 0, "PATH", "its UNIX socket instead (LIGHTGATE_SOCKET)" },
	{ "ca", 0, "FILE", "PEM of the roots to trust (LIGHTGATE_CA)" },
	{ "dev", 0, "DIR", "a service started with --dev: its data directory (LIGHTGATE_DEV)" },
	{ "tenant", 0, "NAME", "another tenant than the default one" },
	{ "token-file", 0, "FILE", "use this access token" },
	{ "client-id", 0, "NAME", "act as this service ..." },
	{ "client-secret-file", 0, "FILE", "... with its secret" },
	{ "cert", 0, "FILE", "act with this client certificate (PEM, with its chain) ..." },
	{ "key", 0, "FILE", "... and its key (PEM)" },
	{ "output", 'o', "table|json", "how to print (table)" },
	{ "version", 0, NULL, "which version this is" },
	{ "help", 'h', NULL, "this text" },
	{ NULL, 0, NULL, NULL },
};

/* list, show and delete are the same for every noun. */
#define LIST(kind_, noun) { .name = "list", .help = "The " noun "s, by name", .kind = kind_, .run = cli_list, \
	.options = OPTIONS({ "prefix", 0, "TEXT", "only names that begin so" }), \
	.examples = EXAMPLES("lightgate " noun " list", "lightgate " noun " list --output json | jq '.items[].name'") }
#define SHOW(kind_, noun) { .name = "show", .args = "NAME", .help = "One " noun, .kind = kind_, .run = cli_show_entry, \
	.examples = EXAMPLES("lightgate " noun " show NAME") }
#define DELETE(kind_, noun) { .name = "delete", .args = "NAME", .help = "Remove a " noun, .kind = kind_, .run = cli_delete, \
	.examples = EXAMPLES("lightgate " noun " delete NAME") }
/* What most can be told when they are made is what can be changed of them. */
#define CREATE(kind_, noun, made, changed, ...) { .name = "create", .args = "NAME", .help = "A new " noun, .kind = kind_, .run = cli_create_entry, \
	.options = OPTIONS(__VA_ARGS__), .examples = EXAMPLES("lightgate " noun " create " made) }, \
	{ .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = kind_, .run = cli_change_entry, \
	.options = OPTIONS(__VA_ARGS__), .examples = EXAMPLES("lightgate " noun " change " changed) }
#define NOUN(kind_, noun, help_, ...) { .name = noun, .help = help_, \
	.examples = EXAMPLES("lightgate " noun " list", "lightgate " noun " show NAME"), \
	.sub = COMMANDS(LIST(kind_, noun), SHOW(kind_, noun), DELETE(kind_, noun), ##__VA_ARGS__) }

#define SEND_OPTION { "send", 0, NULL, "mail it to them instead of showing it (lightgate mail)" }
#define AUDIT_OPTIONS { "actor", 0, "TYPE/NAME", "only theirs" }, { "operation", 0, "NAME", "only what begins so" }, \
	{ "target", 0, "TYPE/NAME|ID", "only on this, or on the container of this id" }, { "host", 0, "NAME", "only what that host asked, or was asked about" }, \
	{ "limit", 0, "N", "how many" }
#define SCHEMA_OPTION { "schema", 0, "FILE", "the schema (the shipped one); none: without" }
#define SAMPLES_OPTION { "samples", 0, "N", "requests to make up for one policy" }
#define REQUEST_OPTIONS SCHEMA_OPTION, { "entities", 0, "FILE", "entities in Cedar's JSON" }, \
	{ "principal", 0, "UID", "User::\"alice\"" }, { "action", 0, "UID", "Action::\"connect\"" }, { "resource", 0, "UID", "Workload::\"web\"" }, \
	{ "context", 0, "JSON", "an object, or a file with one" }, { "request", 0, "FILE", "the four of them as JSON instead" }
#define FILE_OPTION { "file", 'f', "FILE", "the file; - is standard input" }

#define CONNECTION_OPTIONS { "port", 0, "N", "of a connection" }, { "protocol", 0, "tcp|udp", "of a connection" }
#define LIMIT_OPTION { "limit", 0, "N", "at most so many" }
#define REPLAY_OPTIONS { "since", 0, "TIME", "of records: a time, or how long ago: 24h, 7d" }, \
	{ "limit", 0, "N", "the newest N records (100000)" }, { "all", 0, NULL, "show what has drifted, too" }

#define PERSON_OPTIONS { "mail", 0, "ADDRESS", "their mail address, also for signing in" }, { "display", 0, "TEXT", "the name to show" }, \
	{ "given-name", 0, "TEXT", "first name" }, { "surname", 0, "TEXT", "family name" }, { "description", 0, "TEXT", "a note" }, \
	{ "groups", 0, "NAME,...", "groups to join" }, { "uid-number", 0, "N", "of an account on UNIX hosts" }, \
	{ "gid-number", 0, "N", "its group (the uid number)" }, { "home", 0, "PATH", "its home (/home/NAME)" }, \
	{ "shell", 0, "PATH", "its shell" }, { "ssh-keys", 0, "FILE", "public keys, a line each; - is standard input" }
#define GROUP_OPTIONS { "description", 0, "TEXT", "a note" }, { "gid-number", 0, "N", "of a group on UNIX hosts" }, \
	{ "groups", 0, "NAME,...", "groups that hold it" }, { "members", 0, "TYPE/NAME,...", "to add" }

#define CLIENT_OPTIONS { "type", 0, "public|confidential|service", "what it gets unless the rest says otherwise (confidential)" }, \
	{ "display", 0, "TEXT", "the name that people see" }, { "redirect-uris", 0, "URI,...", "where codes go" }, \
	{ "logout-uris", 0, "URI,...", "where people go after signing out" }, { "scopes", 0, "NAME,...", "that it may have" }, \
	{ "audiences", 0, "URI,...", "resources it may name" }, { "grants", 0, "NAME,...", "authorization_code, refresh_token, ..." }, \
	{ "auth", 0, "NAME", "client_secret, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none" }, \
	{ "jwks", 0, "FILE", "its public keys (JWKS)" }, { "jwks-uri", 0, "URL", "or where it publishes them" }, \
	{ "id-token-alg", 0, "ALG", "ES256, RS256, PS256 or EdDSA" }, { "access-token-alg", 0, "ALG", "likewise (ES256)" }, \
	{ "userinfo-alg", 0, "ALG", "signed userinfo; '' for JSON" }, { "introspection-alg", 0, "ALG", "of signed introspection (ES256)" }, \
	{ "introspect", 0, "yes|no", "may introspect all tokens" }, { "access-life", 0, "TIME", "of access tokens, at most 1h (5m)" }, \
	{ "dpop", 0, "yes|no", "tokens are bound to a DPoP key" }, { "certificate-bound", 0, "yes|no", "tokens are bound to its certificate" }, \
	{ "par", 0, "yes|no", "it has to push its requests" }, { "signed-requests", 0, "yes|no", "it has to sign its requests" }, \
	{ "request-object-alg", 0, "ALG", "with this alone" }, { "request-uris", 0, "URL,...", "where its request objects are" }, \
	{ "max-age", 0, "TIME", "a sign-in counts for so long" }, { "acr-values", 0, "ACR,...", "how well people should be known" }, \
	{ "backchannel-logout-uri", 0, "URL", "told when a session ends" }, { "frontchannel-logout-uri", 0, "URL", "opened when one signs out" }, \
	{ "frontchannel-session", 0, "yes|no", "... with iss and sid" }, { "client-uri", 0, "URL", "its home page" }, \
	{ "logo-uri", 0, "URL", "its picture" }, { "policy-uri", 0, "URL", "what it does with data" }, { "tos-uri", 0, "URL", "its terms" }, \
	{ "contacts", 0, "TEXT,...", "who answers for it" }, { "fapi2", 0, "yes|no", "hold it to the FAPI 2.0 Security Profile" }, { "consent", 0, "yes|no", "ask people before it gets anything of theirs" }, \
	{ "enabled", 0, "yes|no", "no: it gets nothing" }

#define ADDRESS_OPTIONS { "dns", 0, "NAME,...", "names of it that certificates may have" }, { "addresses", 0, "IP,...", "addresses of it, likewise" }
#define ENABLED_OPTION { "enabled", 0, "yes|no", "no: it can neither sign in nor act" }
#define PROJECT_OPTION { "project", 0, "NAME", "to which it belongs" }
#define PROJECTS_OPTION { "projects", 0, "NAME,...", "to which it belongs" }
#define GROUPS_OPTION { "groups", 0, "NAME,...", "groups to join" }

#define DATA_OPTION { "data", 0, "DIR", "the service's data folder (--dev, or /var/lib/lightgate)" }
#define CONSTRAINED_OPTION { "constrained", 0, NULL, "with name constraints: the ceiling's DNS suffixes and addresses" }
#define CA_KEY_OPTIONS { "key", 0, "URI", "the key in a PKCS#11 token (RFC 7512); made there when there is none of that name" }, \
	{ "type", 0, "NAME", "of a key that is made: P-256 (the default), P-384, RSA-2048, RSA-3072 or RSA-4096" }
#define FIND_OPTIONS { "subject", 0, "TYPE/NAME", "only theirs" }, { "serial", 0, "HEX", "only this one" }, \
	{ "name", 0, "NAME", "of the subject; NAME* for its beginning" }, { "spki", 0, "HEX", "SHA-256 of the SubjectPublicKeyInfo" }, \
	{ "profile", 0, "NAME", "only of this profile" }, { "state", 0, "NAME", "pending, issued or revoked" }, \
	{ "issuer", 0, "KID", "only by this issuing CA (or the SHA-256 of its certificate)" }, \
	{ "expiring", 0, "TIME", "those that end within 90s, 30m, 14d" }, { "expires-after", 0, "TIME", "those that end at this time or later (RFC 3339)" }, \
	{ "expires-before", 0, "TIME", "those that end before it" }
#define SSH_OPTIONS { "principal", 0, "NAME,...", "logins, or names of the host (one's own)" }, { "profile", 0, "NAME", "another than ssh-user or ssh-host" }
#define HERE "Asked on the service's own machine, by root or the service's owner; needs no login."

static const struct cli_command nouns[] = {
	{ .name = "login", .help = "Sign in and keep the token",
	  .text = "The token is kept in LIGHTGATE_CONFIG (~/.config/lightgate), readable by you alone, with the service's address.\n"
	      "With --dev and without --user you become the administrator named in dev.json.",
	  .options = OPTIONS({ "user", 'u', "NAME", "who you are" }, { "password-file", 0, "FILE", "first line is the password; - is standard input" },
	      { "code", 0, "CODE", "of your authenticator app, or a recovery code, if you have a second step" }),
	  .examples = EXAMPLES("lightgate login --url https://id.example.org:8443 --ca root.pem --user alice", "lightgate --dev ./data login"),
	  .run = cli_login },
	{ .name = "logout", .help = "Forget the token", .examples = EXAMPLES("lightgate logout"), .run = cli_logout },
	{ .name = "whoami", .help = "As whom the service knows you", .examples = EXAMPLES("lightgate whoami"), .run = cli_whoami },
	{ .name = "apply", .help = "Make the directory and policies match a file",
	  .text = "Entries that the file does not name are left alone.  Secrets of new users, services and clients are told once:\n"
	      "on the output, or in the file named by --credentials (JSON, mode 0600).",
	  .options = OPTIONS(FILE_OPTION, { "dry-run", 0, NULL, "say what would change" },
	      { "credentials", 0, "FILE", "write new secrets there" }),
	  .examples = EXAMPLES("lightgate apply -f state.yaml --dry-run", "lightgate apply -f state.yaml --credentials secrets.json"),
	  .run = cli_apply },
	{ .name = "check", .args = "ACTION TYPE/NAME", .help = "Ask for a decision: exit 0 permit, 1 deny, 2 error",
	  .text = "Without --as or --subject-token-file the question is about you.  With a permit of container:create and --host\n"
	      "comes a ticket, which the host's agent redeems once.",
	  .options = OPTIONS({ "as", 0, "TYPE/NAME", "who would act" },
	      { "subject-token-file", 0, "FILE", "who would act, proved by their token for you" },
	      { "project", 0, "NAME", "of a workload that does not exist yet" }, { "image", 0, "NAME", "it would run" },
	      { "host", 0, "NAME", "it would run on" }, CONNECTION_OPTIONS,
	      { "ticket-out", 0, "FILE", "write the ticket there; - is the output" }),
	  .examples = EXAMPLES("lightgate check container:create Workload/web --as User/alice --host node1 --image busybox",
	      "lightgate check connect Workload/db --as Workload/web --port 5432 --protocol tcp"),
	  .run = cli_check },
	{ .name = "kube-token", .help = "A token for a Kubernetes cluster, as kubectl's exec plugins print it",
	  .text = "The first time you sign in in a browser; then the token is kept in LIGHTGATE_CONFIG and renewed.\n"
	      "With --client-id a service gets one for itself.",
	  .options = OPTIONS({ "cluster", 0, "NAME", "the cluster's service in the directory" },
	      { "client", 0, "NAME", "the OAuth client to sign in with (kubectl)" },
	      { "no-sign-in", 0, NULL, "fail where somebody would have to sign in: for scripts" }),
	  .examples = EXAMPLES("lightgate kube-token --cluster prod", "lightgate kube-token --cluster prod --client-id ci --client-secret-file ci.secret"),
	  .run = cli_kube_token },
	{ .name = "who-can", .args = "ACTION TYPE/NAME", .help = "Everybody who may do it to this; exit 1 if nobody may",
	  .text = "As policies, groups and projects are now, for those whom you may ask about.",
	  .options = OPTIONS({ "type", 0, "NAME", "only User, Service, Host or Workload" }, CONNECTION_OPTIONS, LIMIT_OPTION),
	  .examples = EXAMPLES("lightgate who-can container:exec Workload/db", "lightgate who-can connect Workload/db --type Workload --port 5432 --protocol tcp"),
	  .run = cli_who_can },
	{ .name = "what-can", .args = "TYPE/NAME", .help = "Everything that may be done to this, by you or --as another; exit 1 if nothing may",
	  .options = OPTIONS({ "as", 0, "TYPE/NAME", "who would act" }, CONNECTION_OPTIONS, LIMIT_OPTION),
	  .examples = EXAMPLES("lightgate what-can Workload/db --as User/alice"), .run = cli_what_can },
	{ .name = "where-can", .args = "ACTION TYPE", .help = "All to which you, or --as another, may do it; exit 1 if there is none",
	  .options = OPTIONS({ "as", 0, "TYPE/NAME", "who would act" }, CONNECTION_OPTIONS, LIMIT_OPTION),
	  .examples = EXAMPLES("lightgate where-can container:logs Workload --as User/alice", "lightgate where-can connect Workload --as Workload/web --port 5432"),
	  .run = cli_where_can },
	NOUN("users", "user", "People",
	  { .name = "create", .args = "NAME", .help = "A new person; a password is made and shown once", .kind = "users", .run = cli_create_entry,
	    .text = "With --uid-number it is an account on UNIX hosts too.",
	    .options = OPTIONS(PERSON_OPTIONS),
	    .examples = EXAMPLES("lightgate user create bob --mail bob@example.org --display 'Bob Jones' --groups staff",
	        "lightgate user create bob --uid-number 20001 --shell /bin/bash --ssh-keys bob.pub") },
	  { .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = "users", .run = cli_change_entry,
	    .text = "An empty value takes an attribute away.  Groups that are named are joined; see group remove-member.",
	    .options = OPTIONS(PERSON_OPTIONS),
	    .examples = EXAMPLES("lightgate user change bob --mail b.jones@example.org", "lightgate user change bob --description ''") },
	  { .name = "rename", .args = "NAME NEW", .help = "Another name for the same person", .kind = "users", .run = cli_rename,
	    .examples = EXAMPLES("lightgate user rename bob robert") },
	  { .name = "disable", .args = "NAME", .help = "End all sessions and let nobody sign in as them", .kind = "users", .run = cli_disable,
	    .examples = EXAMPLES("lightgate user disable bob") },
	  { .name = "enable", .args = "NAME", .help = "Undo disable", .kind = "users", .run = cli_enable,
	    .examples = EXAMPLES("lightgate user enable bob") },
	  { .name = "lock", .args = "NAME", .help = "No sign-in by password until unlock; sessions go on", .kind = "users", .run = cli_lock,
	    .examples = EXAMPLES("lightgate user lock bob") },
	  { .name = "unlock", .args = "NAME", .help = "Undo a lock, by hand or after failed attempts", .kind = "users", .run = cli_unlock,
	    .examples = EXAMPLES("lightgate user unlock bob") },
	  { .name = "set-password", .args = "NAME", .help = "Set a password, or have a new one made and shown",
	    .options = OPTIONS({ "password-file", 0, "FILE", "first line is the new password; - is standard input" },
	        { "generate", 0, NULL, "let the service make one and show it" }),
	    .examples = EXAMPLES("lightgate user set-password alice --generate"), .run = cli_set_password },
	  { .name = "change-password", .args = "NAME", .help = "Your own, with the old one; needs no login", .run = cli_change_password,
	    .text = "Also when the old one has expired or was given to you to be changed.",
	    .options = OPTIONS({ "old-password-file", 0, "FILE", "first line is the old password; - is standard input" },
	        { "password-file", 0, "FILE", "first line is the new one" }),
	    .examples = EXAMPLES("lightgate user change-password alice") },
	  { .name = "expire-password", .args = "NAME", .help = "The next sign-in must change it", .kind = "users", .run = cli_expire_password,
	    .examples = EXAMPLES("lightgate user expire-password bob") },
	  { .name = "invite", .args = "NAME", .help = "A link with which a new person sets their first password", .kind = "users", .run = cli_invite,
	    .text = "Makes the person, without a password, if there is none of that name.  Whoever has the link is them: it is good once, for a\n"
		"week (invite_life of lightgate mail), and not any more when the password has changed.",
	    .options = OPTIONS(SEND_OPTION, PERSON_OPTIONS),
	    .examples = EXAMPLES("lightgate user invite bob --mail bob@example.org --display 'Bob Jones' --send", "lightgate user invite bob") },
	  { .name = "reset-link", .args = "NAME", .help = "A link with which they set a new password", .kind = "users", .run = cli_reset_link,
	    .text = "The password they have stays good until then.  Whoever has the link is them.",
	    .options = OPTIONS(SEND_OPTION),
	    .examples = EXAMPLES("lightgate user reset-link bob --send", "lightgate user reset-link bob --output json | jq -r .link") },
	  { .name = "factors", .args = "NAME", .help = "Their second factors: authenticator app, passkeys, recovery codes", .kind = "users",
	    .run = cli_factors, .examples = EXAMPLES("lightgate user factors bob", "lightgate user factors bob --output json") },
	  { .name = "remove-factor", .args = "NAME ID", .help = "Take one away: totp, recovery, or a passkey by its id", .kind = "users",
	    .text = "For somebody who has lost it.  Recovery codes go with the last factor that they stand in for.", .run = cli_remove_factor,
	    .examples = EXAMPLES("lightgate user remove-factor bob totp") },
	  { .name = "sessions", .args = "NAME", .help = "Where they are signed in", .kind = "users", .run = cli_sessions,
	    .examples = EXAMPLES("lightgate user sessions bob") },
	  { .name = "end-sessions", .args = "NAME", .help = "Sign them out everywhere, or one session by --id", .kind = "users", .run = cli_end_sessions,
	    .options = OPTIONS({ "id", 0, "ID", "only this one (lightgate user sessions)" }),
	    .text = "Everywhere: every token and refresh token of theirs ends too.",
	    .examples = EXAMPLES("lightgate user end-sessions bob") },
	  { .name = "ssh-keys", .args = "NAME", .help = "Their SSH keys, a line each: for AuthorizedKeysCommand", .kind = "users", .run = cli_ssh_keys,
	    .text = "None for an account that is disabled or locked.",
	    .examples = EXAMPLES("lightgate user ssh-keys bob") }),
	NOUN("groups", "group", "Groups and their members",
	  { .name = "create", .args = "NAME", .help = "A new group", .kind = "groups", .run = cli_create_entry,
	    .options = OPTIONS(GROUP_OPTIONS), .examples = EXAMPLES("lightgate group create staff --description 'All of us' --members User/alice,User/bob") },
	  { .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = "groups", .run = cli_change_entry,
	    .options = OPTIONS(GROUP_OPTIONS), .examples = EXAMPLES("lightgate group change staff --gid-number 30001") },
	  { .name = "rename", .args = "NAME NEW", .help = "Another name for the same group", .kind = "groups", .run = cli_rename,
	    .examples = EXAMPLES("lightgate group rename staff people") },
	  { .name = "add-member", .args = "GROUP TYPE/NAME", .help = "Put a user, service, host or group into a group",
	    .examples = EXAMPLES("lightgate group add-member shop-operators User/bob"), .run = cli_add_member },
	  { .name = "remove-member", .args = "GROUP TYPE/NAME", .help = "Take a member out of a group",
	    .examples = EXAMPLES("lightgate group remove-member shop-operators User/bob"), .run = cli_remove_member }),
	{ .name = "import", .args = "FILE", .help = "Entries of an LDIF file into the running service",
	  .text = "Each is an add that policy decides and the audit log keeps; entries that are there are left as they are.  An import that was\n"
		  "ended goes on where it was (FILE.progress).  \"lightgate tool import\" is faster, with the service stopped, and keeps entryUUIDs and times by itself.",
	  .options = OPTIONS({ "from", 0, "ORIGIN", "openldap (the default), ad or lightgate" }, { "continue", 0, NULL, "a fault costs its record, not the import" },
		{ "keep", 0, NULL, "entryUUIDs and times as the file has them, which policy must permit (entry:relax)" }),
	  .examples = EXAMPLES("lightgate import people.ldif", "lightgate import --from ad --continue ad.ldif"), .run = cli_import },
	{ .name = "export", .args = "FILE", .help = "The entries that you may read, as LDIF",
	  .text = "Parents come first; passwords never leave this way.  An export that was ended goes on where it was (FILE.partial).",
	  .options = OPTIONS({ "base", 0, "DN", "this entry and those below it (the whole tenant)" }),
	  .examples = EXAMPLES("lightgate export all.ldif", "lightgate export --base ou=groups,dc=example,dc=org -"), .run = cli_export },
	{ .name = "index", .help = "Which attributes of the directory are indexed",
	  .text = "Beside those that always are.  Ordering is equality: one index serves =, >= and <=.",
	  .examples = EXAMPLES("lightgate index list", "lightgate index create employeeNumber equality"),
	  .sub = COMMANDS({ .name = "list", .help = "The indexes and how far they are", .examples = EXAMPLES("lightgate index list"), .run = cli_index_list },
	      { .name = "create", .args = "ATTRIBUTE KIND", .help = "Build one while the service runs", .run = cli_index_create,
		.text = "KIND is equality, ordering, presence or substring.", .examples = EXAMPLES("lightgate index create description substring") },
	      { .name = "delete", .args = "ATTRIBUTE KIND", .help = "Stop using one, and remove it", .run = cli_index_delete,
		.examples = EXAMPLES("lightgate index delete description substring") }) },
	{ .name = "mail", .help = "How mail is sent to people: links for new passwords, notices",
	  .text = "One mail server a tenant, by SMTP with STARTTLS or TLS.",
	  .examples = EXAMPLES("lightgate mail set -f mail.yaml", "lightgate mail test you@example.org"),
	  .sub = COMMANDS({ .name = "show", .help = "The settings, without the password", .examples = EXAMPLES("lightgate mail show"), .run = cli_mail_show },
	      { .name = "set", .help = "Make or replace them", .run = cli_mail_set,
		.text = "The document is all of it: what it does not say is not so.  A password that it does not say stays, for the same server and user.",
		.options = OPTIONS({ "file", 'f', "FILE", "YAML or JSON; - is standard input" }),
		.examples = EXAMPLES("lightgate mail set -f mail.yaml") },
	      { .name = "test", .args = "ADDRESS", .help = "Send a message now, and say what the server said; exit 1 if it was not taken", .run = cli_mail_test,
		.examples = EXAMPLES("lightgate mail test you@example.org") },
	      { .name = "delete", .help = "Send no more mail", .examples = EXAMPLES("lightgate mail delete"), .run = cli_mail_delete }) },
	{ .name = "source", .help = "Others whose word about who somebody is counts",
	  .text = "Issuers of tokens for workloads, directories elsewhere, providers that people sign in with.",
	  .examples = EXAMPLES("lightgate source list", "lightgate source set -f cluster.yaml"),
	  .sub = COMMANDS({ .name = "list", .help = "The sources", .examples = EXAMPLES("lightgate source list"), .run = cli_source_list },
	      { .name = "show", .args = "NAME", .help = "One of them, without its secret", .examples = EXAMPLES("lightgate source show cluster"),
		.run = cli_source_show },
	      { .name = "set", .help = "Make or replace one", .run = cli_source_set,
		.text = "The document names the source and is all of it: what it does not say is not so.  A secret that it does not say stays.\n"
		    "Tokens that were given for its word end when the issuer or where its keys come from change, or when it is disabled.",
		.options = OPTIONS({ "file", 'f', "FILE", "the document, YAML or JSON; - is standard input" }),
		.examples = EXAMPLES("lightgate source set -f cluster.yaml") },
	      { .name = "test", .args = "NAME", .help = "Ask it for its keys, or knock", .examples = EXAMPLES("lightgate source test cluster"),
		.run = cli_source_test },
	      { .name = "delete", .args = "NAME", .help = "Believe it no longer", .examples = EXAMPLES("lightgate source delete cluster"),
		.run = cli_source_delete }) },
	{ .name = "password-policy", .help = "The rules for passwords",
	  .examples = EXAMPLES("lightgate password-policy show", "lightgate password-policy set --min-length 12 --history 5"),
	  .sub = COMMANDS({ .name = "show", .help = "The rules in force", .examples = EXAMPLES("lightgate password-policy show"), .run = cli_show_password_policy },
	      { .name = "set", .help = "Change rules; the others stay", .run = cli_set_password_policy,
		.text = "Without a lockout guessing is slowed down all the same.  A lockout that strangers cause holds for addresses from which\n"
		    "the owner has not signed in before.",
		.options = OPTIONS({ "min-length", 0, "N", "characters at least" }, { "max-length", 0, "N", "characters at most (0: no limit)" },
		    { "check-quality", 0, "N", "0: not; 1: no names, no known passwords; 2: and no verifiers from outside" },
		    { "history", 0, "N", "earlier passwords that are refused, at most 24" }, { "min-age", 0, "TIME", "before the next change" },
		    { "max-age", 0, "TIME", "then it expires (0: never)" }, { "expire-warning", 0, "TIME", "say so that long before" },
		    { "grace-logins", 0, "N", "sign-ins after it has expired" }, { "lockout", 0, "yes|no", "lock after failures" },
		    { "lockout-failures", 0, "N", "how many" }, { "lockout-duration", 0, "TIME", "0: until it is unlocked" },
		    { "lockout-window", 0, "TIME", "in which they are counted (0: since the last success)" },
		    { "must-change", 0, "yes|no", "a password set by others" }, { "allow-user-change", 0, "yes|no", "users change their own" },
		    { "require-old-password", 0, "yes|no", "for it" }),
		.examples = EXAMPLES("lightgate password-policy set --min-length 12 --history 5",
		    "lightgate password-policy set --lockout yes --lockout-failures 10 --lockout-duration 15m") }) },
	NOUN("services", "service", "Service accounts: controllers, jobs",
	  CREATE("services", "service", "deployer --project shop", "deployer --enabled no", PROJECT_OPTION, GROUPS_OPTION, ADDRESS_OPTIONS, ENABLED_OPTION)),
	NOUN("hosts", "host", "Hosts that run containers",
	  CREATE("hosts", "host", "node1 --dns node1.example.org", "node1 --ranges 10.1.0.0/16", GROUPS_OPTION, ADDRESS_OPTIONS,
	      { "ranges", 0, "CIDR,...", "addresses that its containers get" }, ENABLED_OPTION),
	  { .name = "create-join-token", .args = "NAME", .help = "Let a machine become this host",
	    .text = "The token works once, within its life.  Carry it as a file: lightgate-agent join --token-file FILE.",
	    .options = OPTIONS({ "out", 0, "FILE", "write it there (mode 0600)" }, { "life", 0, "TIME", "90s, 30m; at most 1h (1h)" }),
	    .examples = EXAMPLES("lightgate host create-join-token node1 --out node1.join"), .run = cli_create_join_token }),
	NOUN("projects", "project", "Projects: what workloads, images and networks belong to",
	  CREATE("projects", "project", "shop --description 'The shop'", "shop --description 'The old shop'", { "description", 0, "TEXT", "a note" })),
	NOUN("workloads", "workload", "Containers and virtual machines by name",
	  CREATE("workloads", "workload", "web --project shop --image busybox", "web --host node1", PROJECT_OPTION, { "image", 0, "NAME", "that it runs" },
	      { "host", 0, "NAME", "on which it runs" }, { "labels", 0, "TEXT,...", "labels" }, ADDRESS_OPTIONS)),
	NOUN("images", "image", "Images",
	  CREATE("images", "image", "busybox --projects shop", "busybox --signed yes", PROJECTS_OPTION, { "digest", 0, "sha256:HEX", "of its manifest" },
	      { "signed", 0, "yes|no", "somebody vouches for it" })),
	NOUN("networks", "network", "Networks", CREATE("networks", "network", "front --projects shop", "front --projects shop,bank", PROJECTS_OPTION)),
	NOUN("clients", "client", "OpenID Connect clients",
	  { .name = "create", .args = "NAME", .help = "A new client; a secret, if it needs one, is made and shown once", .kind = "clients",
	    .run = cli_create_entry, .options = OPTIONS(CLIENT_OPTIONS),
	    .examples = EXAMPLES("lightgate client create portal --redirect-uris https://portal.example.org/cb",
	        "lightgate client create bank --fapi2 yes --auth private_key_jwt --jwks-uri https://bank.example/jwks "
	        "--redirect-uris https://bank.example/cb") },
	  { .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = "clients", .run = cli_change_entry,
	    .options = OPTIONS(CLIENT_OPTIONS),
	    .examples = EXAMPLES("lightgate client change portal --id-token-alg RS256", "lightgate client change portal --enabled no") },
	  { .name = "new-secret", .args = "NAME", .help = "Another secret, shown once; the old one is good no more", .kind = "clients",
	    .run = cli_new_secret, .examples = EXAMPLES("lightgate client new-secret portal") }),
	{ .name = "policy", .help = "Policy sets: versions, activation",
	  .examples = EXAMPLES("lightgate policy list", "lightgate policy activate -f shop.cedar"),
	  .sub = COMMANDS({ .name = "list", .help = "The versions", .examples = EXAMPLES("lightgate policy list"), .run = cli_policy_list },
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
		.options = OPTIONS(SCHEMA_OPTION, SAMPLES_OPTION), .examples = EXAMPLES("lightgate policy diff old.cedar new.cedar"), .run = cli_policy_diff }) },
	{ .name = "certificate", .help = "Certificates: yours, and the inventory",
	  .examples = EXAMPLES("lightgate certificate list --subject Host/node1"),
	  .sub = COMMANDS({ .name = "list", .help = "The inventory",
		.options = OPTIONS(FIND_OPTIONS),
		.examples = EXAMPLES("lightgate certificate list --subject Host/node1", "lightgate certificate list --expiring 14d"),
		.run = cli_certificate_list },
	      { .name = "export", .help = "The inventory for other programs, a certificate a line (or as PEM)",
		.options = OPTIONS({ "format", 0, "csv|json|pem", "which (json)" }, FIND_OPTIONS),
		.examples = EXAMPLES("lightgate certificate export --format csv --state revoked > revoked.csv"), .run = cli_certificate_export },
	      { .name = "purge", .help = "Remove rows of certificates that ended so long ago, sooner than the settings would",
		.text = "Fourteen days are the least: so long a host may join again by its old certificate.  The ledger keeps what was issued and revoked.",
		.options = OPTIONS({ "expired", 0, "TIME", "how long ago: 30d (needed)" }), .examples = EXAMPLES("lightgate certificate purge --expired 30d"),
		.run = cli_certificate_purge },
	      { .name = "witness", .args = "FILE", .help = "Keep the ledger's head as the keeper signed it, and check that the ledger only grew since the last time",
		.text = "For whoever does not trust the service, without rights and from time to time: the first head and the keeper's key are believed, later\n"
		    "ones only when that key signed them and they go on from the one in FILE.",
		.examples = EXAMPLES("lightgate certificate witness ledger.json"), .run = cli_certificate_witness },
	      { .name = "issue", .help = "A certificate for whoever signs in, with a new key or for a request",
		.text = "The key is made on this machine.  With --csr the key is whose the request proves; with --server-key the service makes it, hands "
		    "it out once and keeps nothing.",
		.options = OPTIONS({ "profile", 0, "NAME", "user, service, host or workload" }, { "csr", 0, "FILE", "a certificate request (PEM)" },
		    { "server-key", 0, "KIND", "P-256, P-384, Ed25519 or RSA-2048" }, { "key-out", 0, "FILE", "the new key (PEM, mode 0600)" },
		    { "cert-out", 0, "FILE", "the certificate and its chain (PEM)" }),
		.examples = EXAMPLES("lightgate certificate issue --profile service --client-id controller "
		    "--client-secret-file secret --key-out c.key --cert-out c.pem",
		    "lightgate certificate issue --profile user --csr me.csr --cert-out me.pem",
		    "lightgate certificate issue --profile user --server-key RSA-2048 --key-out me.key --cert-out me.pem"), .run = cli_certificate_issue },
	      { .name = "prove", .args = "SERIAL", .help = "Check the proof that a certificate stands in the ledger of what was issued",
		.text = "With --head the ledger's head is compared with the one kept there, and the new one is kept: it can only have grown.\n"
		    "With --witness the proof leads to the head that certificate witness has kept, which the keeper signed; --out keeps it, and with\n"
		    "--proof it is checked again without the service.",
		.options = OPTIONS(FILE_OPTION, { "head", 0, "FILE", "keep the ledger's head there" }, { "witness", 0, "FILE", "by the signed head in it" },
		    { "out", 0, "FILE", "write the proof and its head there" }, { "proof", 0, "FILE", "check what --out wrote; asks nobody" }),
		.examples = EXAMPLES("lightgate certificate prove 5f3a... -f node1.pem --head ledger.json",
		    "lightgate certificate prove 5f3a... -f node1.pem --witness ledger.json --out proof.json",
		    "lightgate certificate prove 5f3a... -f node1.pem --witness ledger.json --proof proof.json"), .run = cli_certificate_prove },
	      { .name = "revoke", .args = "[SERIAL]", .help = "Revoke a certificate, or all of a subject, a key or an issuer",
		.options = OPTIONS({ "reason", 0, "NAME", "of RFC 5280: keyCompromise, superseded, ..." },
		    { "subject", 0, "TYPE/NAME", "all of theirs" }, { "spki", 0, "HEX", "all for the key with this SHA-256 (of the SubjectPublicKeyInfo)" },
		    { "issuer", 0, "KID", "all of this issuing key" }),
		.examples = EXAMPLES("lightgate certificate revoke 5f3a... --reason keyCompromise",
		    "lightgate certificate revoke --subject Host/node1 --reason cessationOfOperation"), .run = cli_certificate_revoke }) },
	{ .name = "ssh", .help = "SSH certificates for people and hosts",
	  .examples = EXAMPLES("lightgate ssh login", "ssh -i ~/.ssh/lightgate alice@node1.example.org"),
	  .sub = COMMANDS({ .name = "login", .help = "A new key and a certificate for it, for whoever signs in",
		.text = "Writes FILE, FILE.pub and FILE-cert.pub; FILE is ~/.ssh/lightgate unless --out says otherwise.",
		.options = OPTIONS({ "out", 0, "FILE", "the new key (mode 0600)" }, SSH_OPTIONS),
		.examples = EXAMPLES("lightgate ssh login", "lightgate ssh login --principal deploy --out deploy"), .run = cli_ssh_login },
	      { .name = "sign", .args = "FILE", .help = "A certificate for a key that is there: of a person, or (with --cert) of a host",
		.options = OPTIONS({ "out", 0, "FILE", "the certificate (FILE-cert.pub)" }, SSH_OPTIONS),
		.examples = EXAMPLES("lightgate ssh sign ~/.ssh/id_ed25519.pub",
		    "lightgate ssh sign /etc/ssh/ssh_host_ecdsa_key.pub --cert host.pem --key host.key"), .run = cli_ssh_sign },
	      { .name = "trust", .help = "The authorities: lines for TrustedUserCAKeys, or for known_hosts",
		.options = OPTIONS({ "hosts", 0, "PATTERN", "lines for known_hosts, for hosts of this pattern" }),
		.examples = EXAMPLES("lightgate ssh trust > /etc/ssh/lightgate_user_ca", "lightgate ssh trust --hosts '*.example.org' >> ~/.ssh/known_hosts"),
		.run = cli_ssh_trust },
	      { .name = "krl", .help = "What is revoked, for RevokedKeys of sshd", .options = OPTIONS({ "out", 0, "FILE", "where" }),
		.examples = EXAMPLES("lightgate ssh krl --out /etc/ssh/lightgate_krl"), .run = cli_ssh_krl }) },
	{ .name = "webhook", .help = "Web servers that are told of certificates: issued, revoked, about to expire",
	  .examples = EXAMPLES("lightgate webhook list", "lightgate webhook set siem https://siem.example.org/lightgate --before 8h"),
	  .sub = COMMANDS({ .name = "list", .help = "The webhooks, what waits for them and why", .examples = EXAMPLES("lightgate webhook list"),
		.run = cli_webhook_list },
	      { .name = "set", .args = "NAME URL", .help = "Add a webhook, or change one; the secret of its signatures is shown once",
		.text = "A webhook that is added is told what happens from now on.  Deliveries are repeated until the server takes them (2xx).",
		.options = OPTIONS({ "events", 0, "NAME,...", "some of issued, revoked and expiring (issued and revoked)" },
		    { "before", 0, "TIME", "tell of a certificate's end so long before: 8h, 30d" },
		    { "hook-ca", 0, "FILE", "CAs behind the server's certificate (PEM), instead of public ones" }),
		.examples = EXAMPLES("lightgate webhook set siem https://siem.example.org/lightgate --events revoked"), .run = cli_webhook_set },
	      { .name = "test", .args = "NAME", .help = "Send it an event of its own, now", .examples = EXAMPLES("lightgate webhook test siem"),
		.run = cli_webhook_test },
	      { .name = "delete", .args = "NAME", .help = "Tell it nothing more", .examples = EXAMPLES("lightgate webhook delete siem"),
		.run = cli_webhook_delete }) },
	{ .name = "federation", .help = "Other trust domains, whose certificates workloads believe by those domains' bundles",
	  .examples = EXAMPLES("lightgate federation list", "lightgate federation set example.net --endpoint https://ca.example.net/bundle"),
	  .sub = COMMANDS({ .name = "list", .help = "The trust domains that are known", .examples = EXAMPLES("lightgate federation list"),
		.run = cli_federation_list },
	      { .name = "show", .args = "DOMAIN", .help = "One of them, with its bundle", .examples = EXAMPLES("lightgate federation show example.net"),
		.run = cli_federation_show },
	      { .name = "set", .args = "DOMAIN", .help = "Add a trust domain, or change where its bundle comes from",
		.text = "Without --endpoint the bundle is set by hand.  With it the bundle is fetched there, and again whenever it says: believed by\n"
		    "public CAs or --endpoint-ca (https_web), or, with --endpoint-id, by the bundle of the domain that is known (https_spiffe).",
		.options = OPTIONS({ "endpoint", 0, "URL", "bundle endpoint" }, { "endpoint-id", 0, "ID", "SPIFFE ID that the endpoint shows" },
		    { "endpoint-ca", 0, "FILE", "CAs behind the endpoint's certificate (PEM), instead of public ones" },
		    { "bundle", 0, "FILE", "the bundle (JSON)" }),
		.examples = EXAMPLES("lightgate federation set example.net --bundle bundle.json",
		    "lightgate federation set example.net --endpoint https://ca.example.net/bundle",
		    "lightgate federation set example.net --endpoint https://ca.example.net/bundle --endpoint-id spiffe://example.net/ca --bundle bundle.json"),
		.run = cli_federation_set },
	      { .name = "refresh", .args = "DOMAIN", .help = "Fetch its bundle now", .examples = EXAMPLES("lightgate federation refresh example.net"),
		.run = cli_federation_refresh },
	      { .name = "delete", .args = "DOMAIN", .help = "Forget a trust domain", .examples = EXAMPLES("lightgate federation delete example.net"),
		.run = cli_federation_delete },
	      { .name = "verify", .args = "FILE", .help = "Say whose certificate it is (PEM, the leaf first), by the bundle of its own trust domain",
		.examples = EXAMPLES("lightgate federation verify peer.pem"), .run = cli_federation_verify }) },
	{ .name = "profile", .help = "Profiles: what each kind of certificate allows",
	  .examples = EXAMPLES("lightgate profile list", "lightgate profile show host -o json"),
	  .sub = COMMANDS({ .name = "list", .help = "The profiles, built in and added", .examples = EXAMPLES("lightgate profile list"), .run = cli_profile_list },
	      { .name = "show", .args = "NAME", .help = "One profile", .examples = EXAMPLES("lightgate profile show host"), .run = cli_profile_show },
	      { .name = "set", .args = "NAME", .help = "Add a profile, or change members of one",
		.text = "The file has members as `profile show -o json` prints them; those it does not have stay as they are.\n"
		    "Policy decides who gets certificates of the profile: resource.profile in certificate:issue.",
		.options = OPTIONS(FILE_OPTION), .examples = EXAMPLES("lightgate profile set short -f short.yaml"), .run = cli_profile_set },
	      { .name = "delete", .args = "NAME", .help = "Remove an added profile, or undo changes of one that is built in",
		.examples = EXAMPLES("lightgate profile delete short"), .run = cli_profile_delete }) },
	{ .name = "audit", .help = "What changed and what was decided: list, unless another command follows", .options = OPTIONS(AUDIT_OPTIONS),
	  .examples = EXAMPLES("lightgate audit --limit 20", "lightgate audit verify"), .run = cli_audit_list,
	  .sub = COMMANDS({ .name = "list", .help = "Changes and door decisions, by time", .options = OPTIONS(AUDIT_OPTIONS),
		.examples = EXAMPLES("lightgate audit list --operation container:start --limit 20", "lightgate audit list --host node1 --target Workload/web"), .run = cli_audit_list },
	      { .name = "verify", .help = "Walk both chains and compare them with the keeper's marks; exit 1 if one does not match",
		.examples = EXAMPLES("lightgate audit verify"), .run = cli_audit_verify }) },
	{ .name = "backup", .help = "Stream an encrypted backup into a file",
	  .text = "It is sealed under the recovery key, which the service does not keep.  lightgate tool restore opens it.",
	  .options = OPTIONS({ "out", 0, "FILE", "where (mode 0600)" }, { "key-file", 0, "FILE", "the recovery key; made if it is not there" }),
	  .examples = EXAMPLES("lightgate backup --out lightgate.backup --key-file recovery.key"),
	  .run = cli_backup },
	{ .name = "tenant", .help = "Tenants: directories with keys, names and policies of their own", .text = HERE,
	  .examples = EXAMPLES("lightgate tenant create two --suffix dc=two,dc=org", "lightgate tenant list"),
	  .sub = COMMANDS({ .name = "list", .help = "The tenants", .options = OPTIONS(DATA_OPTION),
		.examples = EXAMPLES("lightgate tenant list"), .run = cli_tenant_list },
	      { .name = "create", .args = "NAME", .help = "A tenant with its keys, policies and first administrator",
		.text = "The administrator's password is shown this once.  " HERE,
		.options = OPTIONS(DATA_OPTION, { "suffix", 0, "DN", "its naming context in the directory" },
		    { "trust-domain", 0, "NAME", "of its SPIFFE names (NAME below the service's)" },
		    { "dns-suffix", 0, "NAME,...", "what DNS names in its certificates end in (none)" }),
		.examples = EXAMPLES("lightgate tenant create two --suffix dc=two,dc=org --dns-suffix two.example.org"),
		.run = cli_tenant_create }) },
	{ .name = "keeper", .help = "Long-term keys: what there is, what they may sign, their successors", .text = HERE,
	  .examples = EXAMPLES("lightgate keeper list", "lightgate keeper reconcile"),
	  .sub = COMMANDS({ .name = "list", .help = "Keys and ceilings", .options = OPTIONS(DATA_OPTION),
		.examples = EXAMPLES("lightgate keeper list"), .run = cli_keeper_list },
	      { .name = "ceiling", .args = "TENANT", .help = "Widen or narrow what a tenant's keys may sign",
		.text = "A life under an hour for tokens ends signing in at /v1.  " HERE,
		.options = OPTIONS(DATA_OPTION, { "token-life", 0, "TIME", "longest life of tokens, at most 1h" },
		    { "ticket-life", 0, "TIME", "of tickets, at most 2m" }, { "leaf-life", 0, "TIME", "of certificates, at most 90d" },
		    { "dns-suffix", 0, "NAME,...", "all that DNS names in certificates may end in" },
		    { "address", 0, "RANGE,...", "all ranges that addresses in certificates may lie in: 10.0.0.0/8" }),
		.examples = EXAMPLES("lightgate keeper ceiling two --leaf-life 12h --dns-suffix two.example.org"), .run = cli_keeper_ceiling },
	      { .name = "rotate", .args = "TENANT token|ticket|issuer|ssh-user|ssh-host", .help = "Make a key's successor: published first, used later",
		.options = OPTIONS(DATA_OPTION, { "now", 0, NULL, "use it at once, though verifiers may not know it yet" }),
		.examples = EXAMPLES("lightgate keeper rotate default token"), .run = cli_keeper_rotate },
	      { .name = "reconcile", .help = "Certificates that were signed and are not in the inventory; exit 1 if there are any",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate keeper reconcile"), .run = cli_keeper_reconcile }) },
	{ .name = "ca", .help = "Issuing CAs: under a root elsewhere, forward and back", .text = HERE,
	  .examples = EXAMPLES("lightgate ca csr default --out issuing.csr", "lightgate ca import default -f chain.pem"),
	  .sub = COMMANDS({ .name = "csr", .args = "TENANT", .help = "A new issuing CA's request, for a root that is kept elsewhere",
		.options = OPTIONS(DATA_OPTION, CA_KEY_OPTIONS, { "out", 0, "FILE", "write it there (the output)" }),
		.examples = EXAMPLES("lightgate ca csr default --out issuing.csr"), .run = cli_ca_csr },
	      { .name = "create", .args = "TENANT", .help = "A new issuing CA by the tenant's own root, or a new root; its key in a file or a token",
		.text = "An issuing CA is published, and signs after rotation.publish, or when it is activated.  A root is in force at once, for the "
		    "issuing CAs that come; the one before stays believed.",
		.options = OPTIONS(DATA_OPTION, CA_KEY_OPTIONS, { "root", 0, NULL, "a root" }, CONSTRAINED_OPTION),
		.examples = EXAMPLES("lightgate ca create default --key 'pkcs11:token=ca;object=issuing' --type P-384"), .run = cli_ca_create },
	      { .name = "import", .args = "TENANT", .help = "The certificate for that request, and the root after it when that is new",
		.text = "Both are published at once; the CA signs after rotation.publish, or when it is activated.  The root before stays believed.",
		.options = OPTIONS(DATA_OPTION, FILE_OPTION), .examples = EXAMPLES("lightgate ca import default -f chain.pem"), .run = cli_ca_import },
	      { .name = "rotate", .args = "TENANT", .help = "Make the issuing CA's successor by the tenant's own root; published first, used later",
		.options = OPTIONS(DATA_OPTION, CONSTRAINED_OPTION),
		.examples = EXAMPLES("lightgate ca rotate default --constrained"), .run = cli_ca_rotate },
	      { .name = "activate", .args = "TENANT KID", .help = "Sign with this issuing CA from now on: the next one, or one before",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate ca activate default 5qdb..."), .run = cli_ca_activate },
	      { .name = "cancel", .args = "TENANT KID", .help = "Forget an issuing CA that has not signed yet",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate ca cancel default 5qdb..."), .run = cli_ca_cancel },
	      { .name = "distrust", .args = "TENANT KID", .help = "Believe nothing any more that a retired issuing CA signed",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate ca distrust default 5qdb..."), .run = cli_ca_distrust },
	      { .name = "trust", .args = "TENANT KID", .help = "Believe it again", .options = OPTIONS(DATA_OPTION),
		.examples = EXAMPLES("lightgate ca trust default 5qdb..."), .run = cli_ca_trust },
	      { .name = "ocsp", .args = "TENANT auto|direct|delegated", .help = "Who signs OCSP answers: the CA, or a short-lived key that it certifies",
		.text = "auto: a CA whose key is in a token delegates, others answer themselves.",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate ca ocsp default delegated"), .run = cli_ca_ocsp }) },
	{ .name = "recover", .help = "Let administrators in again while the service runs; on record", .text = HERE,
	  .examples = EXAMPLES("lightgate recover password admin", "lightgate recover rollback 1"),
	  .sub = COMMANDS({ .name = "password", .args = "NAME", .help = "A new password for an administrator, shown once; enables the account",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover password admin"), .run = cli_recover_password },
	      { .name = "unlock", .args = "NAME", .help = "Forget an administrator's failed attempts; enables the account",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover unlock admin"), .run = cli_recover_unlock },
	      { .name = "rollback", .args = "VERSION", .help = "Put an old policy text in force as a new version",
		.options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover rollback 1 --tenant two"), .run = cli_recover_rollback }) },
	{ .name = "doctor", .help = "What ends and nobody renewed, what is not answered; of a running service",
	  .text = "Says what is wrong and ends with 1 if anything is.  The data directory is looked at by lightgate tool doctor.",
	  .examples = EXAMPLES("lightgate doctor"), .run = cli_doctor },
	{ .name = "tool", .help = "What needs the data directory itself: restore, recover, doctor (runs lightgated tool)",
	  .examples = EXAMPLES("lightgate tool --help"), .verbatim = true, .run = cli_tool },
	{ .name = "completion", .args = "SHELL", .help = "Completion for bash or zsh",
	  .examples = EXAMPLES("source <(lightgate completion bash)", "source <(lightgate completion zsh)"), .run = cli_completion },
	{ .name = NULL },
};

const struct cli_command cli_tree = {
	.name = "lightgate", .help = "Lightgate: who may do what to which container", .sub = nouns,
	.text = "The service is found by --url, --socket or --dev, their environment variables, or the last login.",
	.examples = EXAMPLES("lightgate --dev ./data login", "lightgate apply -f conf/demo.yaml",
	    "lightgate check container:create Workload/web --as User/alice"),
};
