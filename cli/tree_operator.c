/* tree_operator.c: what is asked on the service's own machine: tenants, long-term keys, issuing CAs, ways back in. */
#include "cli/tree.h"

#define DATA_OPTION { "data", 0, "DIR", "the service's data folder (--dev, or /var/lib/lightgate)" }
#define CONSTRAINED_OPTION { "constrained", 0, NULL, "with name constraints: the ceiling's DNS suffixes and addresses" }
#define CA_KEY_OPTIONS { "key", 0, "URI", "the key in a PKCS#11 token (RFC 7512); made there when there is none of that name" }, \
	{ "type", 0, "NAME", "of a key that is made: P-256 (the default), P-384, RSA-2048, RSA-3072 or RSA-4096" }

const struct cli_command cli_tenant_verbs[] = {
	{ .name = "list", .help = "The tenants", .options = OPTIONS(DATA_OPTION),
	  .examples = EXAMPLES("lightgate tenant list"), .run = cli_tenant_list },
	{ .name = "create", .args = "NAME", .help = "A tenant with its keys, policies and first administrator",
	  .text = "The administrator's password is shown this once.  " HERE,
	  .options = OPTIONS(DATA_OPTION, { "suffix", 0, "DN", "its naming context in the directory" },
	      { "trust-domain", 0, "NAME", "of its SPIFFE names (NAME below the service's)" },
	      { "dns-suffix", 0, "NAME,...", "what DNS names in its certificates end in (none)" }),
	  .examples = EXAMPLES("lightgate tenant create two --suffix dc=two,dc=org --dns-suffix two.example.org"),
	  .run = cli_tenant_create },
	{ .name = NULL },
};

const struct cli_command cli_keeper_verbs[] = {
	{ .name = "list", .help = "Keys and ceilings", .options = OPTIONS(DATA_OPTION),
	  .examples = EXAMPLES("lightgate keeper list"), .run = cli_keeper_list },
	{ .name = "ceiling", .args = "TENANT", .help = "Widen or narrow what a tenant's keys may sign",
	  .text = "A life under an hour for tokens ends signing in at /v1.  " HERE,
	  .options = OPTIONS(DATA_OPTION, { "token-life", 0, "TIME", "longest life of tokens, at most 1h" },
	      { "ticket-life", 0, "TIME", "of tickets, at most 2m" }, { "leaf-life", 0, "TIME", "of certificates, at most 90d" },
	      { "dns-suffix", 0, "NAME,...", "all that DNS names in certificates may end in" },
	      { "address", 0, "RANGE,...", "all ranges that addresses in certificates may lie in: 10.0.0.0/8" }),
	  .examples = EXAMPLES("lightgate keeper ceiling two --leaf-life 12h --dns-suffix two.example.org"), .run = cli_keeper_ceiling },
	{ .name = "rotate", .args = "TENANT token|ticket|bundle|issuer|ssh-user|ssh-host|audit", .help = "Make a key's successor: published first, used later (audit: - is the tenant)",
	  .options = OPTIONS(DATA_OPTION, { "now", 0, NULL, "use it at once, though verifiers may not know it yet" }),
	  .examples = EXAMPLES("lightgate keeper rotate default token", "lightgate keeper rotate - audit"), .run = cli_keeper_rotate },
	{ .name = "reconcile", .help = "Certificates that were signed and are not in the inventory; exit 1 if there are any",
	  .options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate keeper reconcile"), .run = cli_keeper_reconcile },
	{ .name = NULL },
};

const struct cli_command cli_ca_verbs[] = {
	{ .name = "csr", .args = "TENANT", .help = "A new issuing CA's request, for a root that is kept elsewhere",
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
	  .options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate ca ocsp default delegated"), .run = cli_ca_ocsp },
	{ .name = NULL },
};

const struct cli_command cli_recover_verbs[] = {
	{ .name = "password", .args = "NAME", .help = "A new password for an administrator, shown once; enables the account",
	  .options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover password admin"), .run = cli_recover_password },
	{ .name = "unlock", .args = "NAME", .help = "Forget an administrator's failed attempts; enables the account",
	  .options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover unlock admin"), .run = cli_recover_unlock },
	{ .name = "rollback", .args = "VERSION", .help = "Put an old policy text in force as a new version",
	  .options = OPTIONS(DATA_OPTION), .examples = EXAMPLES("lightgate recover rollback 1 --tenant two"), .run = cli_recover_rollback },
	{ .name = NULL },
};
