/* tree_entries.c: what is done to entries: people, groups, services, hosts and what else the directory knows; the rules for passwords. */
#include "cli/tree.h"

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
#define SEND_OPTION { "send", 0, NULL, "mail it to them instead of showing it (lightgate mail)" }
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
	{ "certificate-uri", 0, "URI", "of the certificate that it shows for tls_client_auth, if that is not its own" }, \
	{ "certificate-subject", 0, "DN", "... or its subject" }, { "certificate-dns", 0, "NAME", "... or a DNS name" }, \
	{ "certificate-ip", 0, "IP", "... or an address" }, { "certificate-email", 0, "MAIL", "... or a mail address" }, \
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

const struct cli_command cli_user_verbs[] = {
	LIST("users", "user"), SHOW("users", "user"), DELETE("users", "user"),
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
	  .examples = EXAMPLES("lightgate user ssh-keys bob") },
	{ .name = NULL },
};

const struct cli_command cli_group_verbs[] = {
	LIST("groups", "group"), SHOW("groups", "group"), DELETE("groups", "group"),
	{ .name = "create", .args = "NAME", .help = "A new group", .kind = "groups", .run = cli_create_entry,
	  .options = OPTIONS(GROUP_OPTIONS), .examples = EXAMPLES("lightgate group create staff --description 'All of us' --members User/alice,User/bob") },
	{ .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = "groups", .run = cli_change_entry,
	  .options = OPTIONS(GROUP_OPTIONS), .examples = EXAMPLES("lightgate group change staff --gid-number 30001") },
	{ .name = "rename", .args = "NAME NEW", .help = "Another name for the same group", .kind = "groups", .run = cli_rename,
	  .examples = EXAMPLES("lightgate group rename staff people") },
	{ .name = "add-member", .args = "GROUP TYPE/NAME", .help = "Put a user, service, host or group into a group",
	  .examples = EXAMPLES("lightgate group add-member shop-operators User/bob"), .run = cli_add_member },
	{ .name = "remove-member", .args = "GROUP TYPE/NAME", .help = "Take a member out of a group",
	  .examples = EXAMPLES("lightgate group remove-member shop-operators User/bob"), .run = cli_remove_member },
	{ .name = NULL },
};

const struct cli_command cli_service_verbs[] = {
	LIST("services", "service"), SHOW("services", "service"), DELETE("services", "service"),
	CREATE("services", "service", "deployer --project shop", "deployer --enabled no", PROJECT_OPTION, GROUPS_OPTION, ADDRESS_OPTIONS, ENABLED_OPTION),
	{ .name = NULL },
};

const struct cli_command cli_host_verbs[] = {
	LIST("hosts", "host"), SHOW("hosts", "host"), DELETE("hosts", "host"),
	CREATE("hosts", "host", "node1 --dns node1.example.org", "node1 --ranges 10.1.0.0/16", GROUPS_OPTION, ADDRESS_OPTIONS,
	      { "ranges", 0, "CIDR,...", "addresses that its containers get" }, ENABLED_OPTION),
	{ .name = "create-join-token", .args = "NAME", .help = "Let a machine become this host",
	  .text = "The token works once, within its life.  Carry it as a file: lightgate-agent join --token-file FILE.",
	  .options = OPTIONS({ "out", 0, "FILE", "write it there (mode 0600)" }, { "life", 0, "TIME", "90s, 30m; at most 1h (1h)" }),
	  .examples = EXAMPLES("lightgate host create-join-token node1 --out node1.join"), .run = cli_create_join_token },
	{ .name = NULL },
};

const struct cli_command cli_project_verbs[] = {
	LIST("projects", "project"), SHOW("projects", "project"), DELETE("projects", "project"),
	CREATE("projects", "project", "shop --description 'The shop'", "shop --description 'The old shop'", { "description", 0, "TEXT", "a note" }),
	{ .name = NULL },
};

const struct cli_command cli_workload_verbs[] = {
	LIST("workloads", "workload"), SHOW("workloads", "workload"), DELETE("workloads", "workload"),
	CREATE("workloads", "workload", "web --project shop --image busybox", "web --host node1", PROJECT_OPTION, { "image", 0, "NAME", "that it runs" },
	      { "host", 0, "NAME", "on which it runs" }, { "labels", 0, "TEXT,...", "labels" }, ADDRESS_OPTIONS),
	{ .name = NULL },
};

const struct cli_command cli_image_verbs[] = {
	LIST("images", "image"), SHOW("images", "image"), DELETE("images", "image"),
	CREATE("images", "image", "busybox --projects shop", "busybox --signed yes", PROJECTS_OPTION, { "digest", 0, "sha256:HEX", "of its manifest" },
	      { "signed", 0, "yes|no", "somebody vouches for it" }),
	{ .name = NULL },
};

const struct cli_command cli_network_verbs[] = {
	LIST("networks", "network"), SHOW("networks", "network"), DELETE("networks", "network"),
	CREATE("networks", "network", "front --projects shop", "front --projects shop,bank", PROJECTS_OPTION),
	{ .name = NULL },
};

const struct cli_command cli_client_verbs[] = {
	LIST("clients", "client"), SHOW("clients", "client"), DELETE("clients", "client"),
	{ .name = "create", .args = "NAME", .help = "A new client; a secret, if it needs one, is made and shown once", .kind = "clients",
	  .run = cli_create_entry, .options = OPTIONS(CLIENT_OPTIONS),
	  .examples = EXAMPLES("lightgate client create portal --redirect-uris https://portal.example.org/cb",
	        "lightgate client create bank --fapi2 yes --auth private_key_jwt --jwks-uri https://bank.example/jwks "
	        "--redirect-uris https://bank.example/cb") },
	{ .name = "change", .args = "NAME", .help = "Change what is said; the rest stays", .kind = "clients", .run = cli_change_entry,
	  .options = OPTIONS(CLIENT_OPTIONS),
	  .examples = EXAMPLES("lightgate client change portal --id-token-alg RS256", "lightgate client change portal --enabled no") },
	{ .name = "new-secret", .args = "NAME", .help = "Another secret, shown once; the old one is good no more", .kind = "clients",
	  .run = cli_new_secret, .examples = EXAMPLES("lightgate client new-secret portal") },
	{ .name = NULL },
};

const struct cli_command cli_password_policy_verbs[] = {
	{ .name = "show", .help = "The rules in force", .examples = EXAMPLES("lightgate password-policy show"), .run = cli_show_password_policy },
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
	      "lightgate password-policy set --lockout yes --lockout-failures 10 --lockout-duration 15m") },
	{ .name = NULL },
};
