/* tree_certificate.c: what is done to certificates: X.509 and SSH, whom their doings are told, other trust domains. */
#include "cli/tree.h"

#define FIND_OPTIONS { "subject", 0, "TYPE/NAME", "only theirs" }, { "serial", 0, "HEX", "only this one" }, \
	{ "name", 0, "NAME", "of the subject; NAME* for its beginning" }, { "spki", 0, "HEX", "SHA-256 of the SubjectPublicKeyInfo" }, \
	{ "profile", 0, "NAME", "only of this profile" }, { "state", 0, "NAME", "pending, issued or revoked" }, \
	{ "issuer", 0, "KID", "only by this issuing CA (or the SHA-256 of its certificate)" }, \
	{ "expiring", 0, "TIME", "those that end within 90s, 30m, 14d" }, { "expires-after", 0, "TIME", "those that end at this time or later (RFC 3339)" }, \
	{ "expires-before", 0, "TIME", "those that end before it" }
#define LIFE_OPTION { "life", 0, "TIME", "how long it shall live: 10m, 8h (as the profile says)" }
#define SSH_OPTIONS { "principal", 0, "NAME,...", "logins, or names of the host (one's own)" }, { "profile", 0, "NAME", "another than ssh-user or ssh-host" }, \
	LIFE_OPTION

const struct cli_command cli_certificate_verbs[] = {
	{ .name = "list", .help = "The inventory",
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
	      { "cert-out", 0, "FILE", "the certificate and its chain (PEM)" }, LIFE_OPTION),
	  .examples = EXAMPLES("lightgate certificate issue --profile service --client-id controller "
	      "--client-secret-file secret --key-out c.key --cert-out c.pem",
	      "lightgate certificate issue --profile user --csr me.csr --cert-out me.pem --life 10m",
	      "lightgate certificate issue --profile user --server-key RSA-2048 --key-out me.key --cert-out me.pem"), .run = cli_certificate_issue },
	{ .name = "prove", .args = "SERIAL", .help = "Check the proof that a certificate stands in the ledger of what was issued",
	  .text = "With --head the ledger's head is compared with the one kept there, and the new one is kept: it can only have grown.\n"
	      "With --witness the proof leads to the head that certificate witness has kept, which the keeper signed; --out keeps it, and with\n"
	      "--proof it is checked again without the service.",
	  .options = OPTIONS(FILE_OPTION, { "head", 0, "FILE", "keep the ledger's head there" }, { "witness", 0, "FILE", "by the signed head in it" },
	      { "out", 0, "FILE", "write the proof and its head there" }, { "proof", 0, "FILE", "check what --out wrote; asks nobody" }),
	  .examples = EXAMPLES("lightgate certificate prove 5f3a... -f node1.pem --head ledger.head",
	      "lightgate certificate prove 5f3a... -f node1.pem --witness ledger.json --out proof.json",
	      "lightgate certificate prove 5f3a... -f node1.pem --witness ledger.json --proof proof.json"), .run = cli_certificate_prove },
	{ .name = "revoke", .args = "[SERIAL]", .help = "Revoke a certificate, or all of a subject, a key or an issuer",
	  .options = OPTIONS({ "reason", 0, "NAME", "of RFC 5280: keyCompromise, superseded, ..." },
	      { "subject", 0, "TYPE/NAME", "all of theirs" }, { "spki", 0, "HEX", "all for the key with this SHA-256 (of the SubjectPublicKeyInfo)" },
	      { "issuer", 0, "KID", "all of this issuing key" }),
	  .examples = EXAMPLES("lightgate certificate revoke 5f3a... --reason keyCompromise",
	      "lightgate certificate revoke --subject Host/node1 --reason cessationOfOperation"), .run = cli_certificate_revoke },
	{ .name = NULL },
};

const struct cli_command cli_ssh_verbs[] = {
	{ .name = "login", .help = "A new key and a certificate for it, for whoever signs in",
	  .text = "Writes FILE, FILE.pub and FILE-cert.pub; FILE is ~/.ssh/lightgate unless --out says otherwise.",
	  .options = OPTIONS({ "out", 0, "FILE", "the new key (mode 0600)" }, SSH_OPTIONS),
	  .examples = EXAMPLES("lightgate ssh login", "lightgate ssh login --principal deploy --out deploy --life 15m"), .run = cli_ssh_login },
	{ .name = "sign", .args = "FILE", .help = "A certificate for a key that is there: of a person, or (with --cert) of a host",
	  .options = OPTIONS({ "out", 0, "FILE", "the certificate (FILE-cert.pub)" }, SSH_OPTIONS),
	  .examples = EXAMPLES("lightgate ssh sign ~/.ssh/id_ed25519.pub",
	      "lightgate ssh sign /etc/ssh/ssh_host_ecdsa_key.pub --cert host.pem --key host.key"), .run = cli_ssh_sign },
	{ .name = "trust", .help = "The authorities: lines for TrustedUserCAKeys, or for known_hosts",
	  .options = OPTIONS({ "hosts", 0, "PATTERN", "lines for known_hosts, for hosts of this pattern" }),
	  .examples = EXAMPLES("lightgate ssh trust > /etc/ssh/lightgate_user_ca", "lightgate ssh trust --hosts '*.example.org' >> ~/.ssh/known_hosts"),
	  .run = cli_ssh_trust },
	{ .name = "krl", .help = "What is revoked, for RevokedKeys of sshd", .options = OPTIONS({ "out", 0, "FILE", "where" }),
	  .examples = EXAMPLES("lightgate ssh krl --out /etc/ssh/lightgate_krl"), .run = cli_ssh_krl },
	{ .name = NULL },
};

const struct cli_command cli_webhook_verbs[] = {
	{ .name = "list", .help = "The webhooks, what waits for them and why", .examples = EXAMPLES("lightgate webhook list"),
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
	  .run = cli_webhook_delete },
	{ .name = NULL },
};

const struct cli_command cli_federation_verbs[] = {
	{ .name = "list", .help = "The trust domains that are known", .examples = EXAMPLES("lightgate federation list"),
	  .run = cli_federation_list },
	{ .name = "show", .args = "DOMAIN", .help = "One of them, with its bundle", .examples = EXAMPLES("lightgate federation show example.net"),
	  .run = cli_federation_show },
	{ .name = "set", .args = "DOMAIN", .help = "Add a trust domain, or change where its bundle comes from",
	  .text = "Without --endpoint the bundle is set by hand.  With it the bundle is fetched there, and again whenever it says: believed by\n"
	      "public CAs or --endpoint-ca (https_web), or, with --endpoint-id, by the bundle that is known of that ID's domain (https_spiffe).\n"
	      "Another installation of this service is spiffe://DOMAIN/lightgate.",
	  .options = OPTIONS({ "endpoint", 0, "URL", "bundle endpoint" }, { "endpoint-id", 0, "ID", "SPIFFE ID that the endpoint shows" },
	      { "endpoint-ca", 0, "FILE", "CAs behind the endpoint's certificate (PEM), instead of public ones" },
	      { "bundle", 0, "FILE", "the bundle (JSON)" }),
	  .examples = EXAMPLES("lightgate federation set example.net --bundle bundle.json",
	      "lightgate federation set example.net --endpoint https://ca.example.net/bundle",
	      "lightgate federation set example.net --endpoint https://ca.example.net/bundle --endpoint-id spiffe://example.net/lightgate --bundle bundle.json"),
	  .run = cli_federation_set },
	{ .name = "refresh", .args = "DOMAIN", .help = "Fetch its bundle now", .examples = EXAMPLES("lightgate federation refresh example.net"),
	  .run = cli_federation_refresh },
	{ .name = "delete", .args = "DOMAIN", .help = "Forget a trust domain", .examples = EXAMPLES("lightgate federation delete example.net"),
	  .run = cli_federation_delete },
	{ .name = "verify", .args = "FILE", .help = "Say whose certificate it is (PEM, the leaf first), by the bundle of its own trust domain",
	  .examples = EXAMPLES("lightgate federation verify peer.pem"), .run = cli_federation_verify },
	{ .name = NULL },
};

const struct cli_command cli_profile_verbs[] = {
	{ .name = "list", .help = "The profiles, built in and added", .examples = EXAMPLES("lightgate profile list"), .run = cli_profile_list },
	{ .name = "show", .args = "NAME", .help = "One profile", .examples = EXAMPLES("lightgate profile show host"), .run = cli_profile_show },
	{ .name = "set", .args = "NAME", .help = "Add a profile, or change members of one",
	  .text = "The file has members as `profile show -o json` prints them; those it does not have stay as they are.\n"
	      "Policy decides who gets certificates of the profile: resource.profile in certificate:issue.",
	  .options = OPTIONS(FILE_OPTION), .examples = EXAMPLES("lightgate profile set short -f short.yaml"), .run = cli_profile_set },
	{ .name = "delete", .args = "NAME", .help = "Remove an added profile, or undo changes of one that is built in",
	  .examples = EXAMPLES("lightgate profile delete short"), .run = cli_profile_delete },
	{ .name = NULL },
};
