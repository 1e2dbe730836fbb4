#include "server/config.h"

#include <stddef.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/ipnet.h"
#include "lightgate/keeper.h"
#include "server/listen.h"

#ifdef __SANITIZE_THREAD__			/* 1 TiB does not always fit between the ranges that it keeps */
#define MAP_SIZE "16 GiB"
#else
#define MAP_SIZE "1 TiB"
#endif

#define KEY(name, type, member, fallback, min, max, live, help) \
	{ name, LG_CONFIG_##type, offsetof(struct lg_settings, member), fallback, min, max, help, live }
#define TEXT(name, member, fallback, help)		KEY(name, STR, member, fallback, 0, 0, false, help)
#define COUNT(name, member, fallback, min, max, help)	KEY(name, INT, member, fallback, min, max, false, help)
#define TIME(name, member, fallback, min, max, help)	KEY(name, TIME, member, fallback, min, max, false, help)

const struct lg_config_key lg_settings_keys[] = {
	TEXT("data", data, "/var/lib/lightgate", "Folder below which everything is written."),
	TEXT("socket", socket, "/run/lightgate/lightgate.sock", "UNIX socket for local callers."),
	TEXT("host", host, "localhost", "Name under which clients reach this service."),
	TEXT("issuer", issuer, NULL, "Issuer of the default tenant's tokens; https:// and host when empty."),
	TEXT("tenant", tenant, "default", "Name of the default tenant, made at the first start."),
	TEXT("suffix", suffix, "dc=example,dc=org", "Its naming context in the directory."),
	TEXT("trust_domain", trust_domain, "example.org", "Its SPIFFE trust domain."),
	TEXT("admin", admin, "admin", "Name of its first administrator."),
	TEXT("users.server", server_user, "lightgate", "User of the server process, when started as root."),
	TEXT("users.keeper", keeper_user, "lightgate-keeper", "User of the keeper, when started as root."),
	TEXT("keeper.secret_file", secret_file, "/etc/lightgate/sealing-secret", "File with the secret that seals the keeper's keys."),
	TEXT("keeper.pkcs11.module", hsm_module, NULL, "PKCS#11 module of a token with keys; none when empty."),
	TEXT("keeper.pkcs11.pin_file", hsm_pin_file, NULL, "File with the PIN of the token's user."),
	TEXT("keeper.pkcs11.token", hsm_token, NULL, "Label of the token in which keys are made."),
	KEY("keeper.pkcs11.keys", LIST, hsm_keys, NULL, 0, 0, false, "Which keys are made there: root, issuer, token, ticket, ..."),
	TIME("keeper.pkcs11.hang", hsm_hang, "30s", LG_SECOND, LG_HOUR, "In one call of the module, before its process is started again."),
	KEY("keeper.pkcs11.paths", LIST, hsm_paths, NULL, 0, 0, false, "Files and folders that the module reads and writes."),

	TEXT("passwords.breached_file", breached_file, NULL, "Sorted SHA-1 sums of passwords nobody may take; none when empty."),
	KEY("passwords.renew", BOOL, renew_passwords, "true", 0, 0, false, "Old forms of verifiers give way to Argon2id at a sign-in."),

	COUNT("threads.loops", loops, "0", 0, 64, "Event loops; 0: one a core."),
	COUNT("threads.workers", workers, "64", 1, 256, "Threads for work that waits."),
	COUNT("threads.hashers", hashers, "0", 0, 256, "Threads for password hashes; 0: one a core."),

	TEXT("listen.https", listen_https, "0.0.0.0:8443", "OpenID Connect, AuthZEN, the admin API; no client certificates."),
	TEXT("listen.mtls", listen_mtls, "0.0.0.0:8444", "The same, client certificates required."),
	TEXT("listen.stream", listen_stream, "0.0.0.0:8445", "Watch streams of agents, client certificates required."),
	TEXT("listen.http", listen_http, "0.0.0.0:8080", "CRL, OCSP, CA certificates and trust bundles, without TLS."),
	TEXT("listen.ldap", listen_ldap, "0.0.0.0:1389", "LDAP with StartTLS."),
	TEXT("listen.ldaps", listen_ldaps, "0.0.0.0:1636", "LDAP over TLS."),
	TEXT("listen.ldapi", listen_ldapi, "/run/lightgate/ldapi", "LDAP at a UNIX socket; none when empty."),

	COUNT("limits.connections", connections, "20000", 16, 1000000, "Open connections in all."),
	COUNT("limits.per_address", per_address, "1000", 0, 1000000, "Open connections of one address; 0: no limit."),
	TIME("limits.request_time", request_time, "15s", LG_SECOND / 10, LG_HOUR, "For a whole request to arrive."),
	TIME("limits.idle_time", idle_time, "75s", LG_SECOND / 10, LG_DAY, "Between two requests of a connection."),
	TIME("limits.reply_time", reply_time, "60s", LG_SECOND / 10, LG_DAY, "For a client to take a whole reply."),
	TIME("limits.drain_time", drain_time, "10s", LG_SECOND / 10, LG_HOUR, "For what is running when the service is told to end."),

	KEY("store.map_size", SIZE, map_size, MAP_SIZE, 1 << 20, INT64_C(1) << 46, false, "Address space for the database; the file grows as used."),
	KEY("store.segment_buffer", SIZE, segment_buffer, "16 MiB", 1 << 16, INT64_C(1) << 32, false,
	    "Decision records that may wait to be written."),

	TIME("ceiling.token_life", token_life, "1h", LG_MINUTE, LG_DAY, "Longest life of a token, fixed at the tenant's creation."),
	TIME("ceiling.ticket_life", ticket_life, "2m", LG_SECOND, LG_HOUR, "Longest life of a ticket, likewise."),
	TIME("ceiling.leaf_life", leaf_life, "24h", LG_MINUTE, 398 * LG_DAY, "Longest life of a certificate, likewise."),
	KEY("ceiling.dns_suffixes", LIST, dns_suffixes, NULL, 0, 0, false, "What DNS names in certificates must end in."),
	KEY("ceiling.addresses", LIST, nets, NULL, 0, 0, false, "Ranges that addresses in certificates must lie in."),

	TIME("rotation.token_key", rotation_token, "30d", LG_SECOND, 3650 * LG_DAY, "A key signs tokens for so long."),
	TIME("rotation.ticket_key", rotation_ticket, "30d", LG_SECOND, 3650 * LG_DAY, "A key signs tickets for so long."),
	TIME("rotation.bundle_key", rotation_bundle, "90d", LG_SECOND, 3650 * LG_DAY, "A key signs hosts' bundles for so long."),
	TIME("rotation.audit_key", rotation_audit, "365d", LG_SECOND, 3650 * LG_DAY, "A key signs the heads of the logs for so long."),
	TIME("rotation.issuing_ca", rotation_issuer, "400d", LG_SECOND, 487 * LG_DAY, "An issuing CA signs for so long; it lives 731 days."),
	TIME("rotation.publish", rotation_publish, "1h", LG_SECOND, 30 * LG_DAY, "A key is published so long before it signs."),
	TIME("bundles.max_stale", max_stale, "60s", LG_SECOND, LG_HOUR, "A host that is cut off goes on with what it knows for so long."),
	TIME("certificates.keep", certificates_keep, "90d", 14 * LG_DAY, 3650 * LG_DAY, "Rows of the inventory stay so long after their certificate's end."),
	TEXT("acme.resolver", acme_resolver, NULL, "DNS server that finds who asks for a certificate; the host's when empty."),
	COUNT("acme.http_port", acme_http_port, "80", 1, 65535, "Where http-01 challenges are looked at."),
	COUNT("acme.alpn_port", acme_alpn_port, "443", 1, 65535, "Where tls-alpn-01 challenges are looked at."),
	TEXT("acme.open", acme_open, NULL, "Entry (\"Service/acme\") for which ACME accounts without a key order; empty: keys are needed."),
	TEXT("acme.caa", acme_caa, NULL, "Name of this authority in CAA records; host when empty; \"none\": they are not asked for."),
	COUNT("acme.limits.accounts_address", acme_accounts_address, "100", 0, 1000000, "New accounts of one address (IPv6: /64) in an hour; 0: no limit."),
	COUNT("acme.limits.orders_account", acme_orders_account, "300", 0, 1000000, "New orders of one account, likewise."),
	COUNT("acme.limits.orders_name", acme_orders_name, "50", 0, 1000000, "New orders for one name, of all accounts, likewise."),
	COUNT("acme.limits.failed_account", acme_failed_account, "60", 0, 1000000, "Failed challenges of one account, likewise."),
	COUNT("acme.limits.failed_name", acme_failed_name, "20", 0, 1000000, "Failed challenges of one account for one name, likewise."),
	KEY("acme.private", BOOL, acme_private, "false", 0, 0, false, "Look at private and loopback addresses too."),
	TEXT("outbound.ca_file", outbound_ca, NULL, "PEM: CAs of servers elsewhere that are believed beside the host's public ones."),
	KEY("outbound.private", BOOL, outbound_private, "false", 0, 0, false,
	    "Token issuers, directories, providers and mail servers that tenants name may have private and loopback addresses."),

	KEY("log.requests", BOOL, log_requests, "false", 0, 0, true, "A line for every request."),
	KEY("log.level", STR, log_level, "info", 0, 0, true, "debug, info, warn or error."),
};
const size_t lg_settings_count = LG_COUNT(lg_settings_keys);

/* What --dev means: everything below DATA, loopback, ports that are free. */
static lg_err
dev_defaults(struct lg_ctx *cx, struct lg_settings *s)
{
	static const char *const free_port[] = { "listen.https", "listen.mtls", "listen.stream", "listen.http", "listen.ldap",
		"listen.ldaps" };

	s->dev = true;
	for (size_t i = 0; i < LG_COUNT(free_port); i++)
		LG_TRY(lg_config_set(cx, lg_settings_keys, lg_settings_count, lg_str_of(free_port[i]), LG_STR("127.0.0.1:0"), s));
	s->socket = s->listen_ldapi = LG_NONE;
	s->secret_file = LG_NONE;
	s->host = LG_STR("127.0.0.1");
	s->acme_private = true;
	s->outbound_private = true;
	return LG_OK;
}

lg_err
lg_settings_read(struct lg_ctx *cx, bool dev, lg_str text, struct lg_settings *ret)
{
	LG_TRY(lg_config_defaults(cx, lg_settings_keys, lg_settings_count, ret));
	if (dev)
		LG_TRY(dev_defaults(cx, ret));
	return text.n == 0 ? LG_OK : lg_config_file(cx, lg_settings_keys, lg_settings_count, text, ret);
}

static lg_err
check_level(struct lg_ctx *cx, const struct lg_settings *s)
{
	return lg_settings_level(s) >= 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "log.level: \"%.*s\" is none", LG_FMT(s->log_level));
}

lg_err
lg_settings_take_live(struct lg_ctx *cx, struct lg_settings *s, const struct lg_settings *fresh)
{
	LG_TRY(check_level(cx, fresh));
	s->log_requests = fresh->log_requests;
	s->log_level = fresh->log_level;
	return LG_OK;
}

static lg_err
check_address(struct lg_ctx *cx, const char *name, lg_str text)
{
	struct sockaddr_storage a;
	socklen_t n;

	if (text.n == 0)
		return LG_OK;
	return lg_address_parse(cx, text, &a, &n) == LG_OK ? LG_OK : lg_fail_in(cx, LG_E_INVALID, name);
}

static lg_err
check_path(struct lg_ctx *cx, const char *name, lg_str path)
{
	const size_t size = sizeof ((struct sockaddr_un *)0)->sun_path;

	return path.n < size ? LG_OK : lg_fail(cx, LG_E_INVALID, "%s: the path has more than %zu octets", name, size - 1);
}

/* Data keys are wrapped, not signed with; responders' keys exist so that the token is not needed. */
static lg_err
check_hsm(struct lg_ctx *cx, const struct lg_settings *s)
{
	if (s->hsm_module.n > 0 && (s->hsm_module.p[0] != '/' || s->hsm_pin_file.n == 0))
		return lg_fail(cx, LG_E_INVALID, "keeper.pkcs11: an absolute path of the module and a pin_file are wanted");
	if (s->hsm_paths.n > LG_HSM_PATHS)
		return lg_fail(cx, LG_E_INVALID, "keeper.pkcs11.paths: at most %d", LG_HSM_PATHS);
	for (size_t i = 0; i < s->hsm_keys.n; i++) {
		enum lg_purpose p = lg_purpose_parse(s->hsm_keys.v[i]);
		if (p == 0 || p == LG_PURPOSE_DATA || p == LG_PURPOSE_CRL || p == LG_PURPOSE_OCSP)
			return lg_fail(cx, LG_E_INVALID, "keeper.pkcs11.keys: \"%.*s\" is no kind of key for a token", LG_FMT(s->hsm_keys.v[i]));
	}
	if (s->hsm_keys.n > 0 && (s->hsm_module.n == 0 || s->hsm_token.n == 0))
		return lg_fail(cx, LG_E_INVALID, "keeper.pkcs11.keys: the module and the token's label are wanted");
	return LG_OK;
}

uint32_t
lg_settings_hsm_purposes(const struct lg_settings *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < s->hsm_keys.n; i++)
		bits |= 1u << lg_purpose_parse(s->hsm_keys.v[i]);
	return bits;
}

lg_err
lg_settings_check(struct lg_ctx *cx, const struct lg_settings *s)
{
	LG_TRY(check_address(cx, "listen.https", s->listen_https));
	LG_TRY(check_address(cx, "listen.mtls", s->listen_mtls));
	LG_TRY(check_address(cx, "listen.stream", s->listen_stream));
	LG_TRY(check_address(cx, "listen.http", s->listen_http));
	LG_TRY(check_address(cx, "listen.ldap", s->listen_ldap));
	LG_TRY(check_address(cx, "listen.ldaps", s->listen_ldaps));
	LG_TRY(check_address(cx, "acme.resolver", s->acme_resolver));
	if (s->data.n == 0 || s->data.p[0] != '/')
		return lg_fail(cx, LG_E_INVALID, "data: an absolute path is wanted");
	LG_TRY(check_path(cx, "socket", s->socket));
	LG_TRY(check_path(cx, "listen.ldapi", s->listen_ldapi));
	if (s->issuer.n > 0 && !lg_str_starts(s->issuer, LG_STR("https://")))
		return lg_fail(cx, LG_E_INVALID, "issuer: an https URL is wanted");
	for (size_t i = 0; i < s->nets.n; i++) {
		lg_str net;
		if (!lg_ipnet_parse(cx->arena, s->nets.v[i], &net))
			return lg_fail(cx, LG_E_INVALID, "ceiling.addresses: \"%.*s\" is no range such as 10.0.0.0/8", LG_FMT(s->nets.v[i]));
	}
	/* Verifiers keep the JWKS for five minutes. */
	if (!s->dev && s->rotation_publish < 10 * LG_MINUTE)
		return lg_fail(cx, LG_E_INVALID, "rotation.publish: 10m at least");
	if (s->rotation_token <= s->rotation_publish || s->rotation_ticket <= s->rotation_publish ||
	    s->rotation_bundle <= s->rotation_publish || s->rotation_audit <= s->rotation_publish || s->rotation_issuer <= s->rotation_publish)
		return lg_fail(cx, LG_E_INVALID, "rotation: a key signs longer than its successor is published before");
	LG_TRY(check_hsm(cx, s));
	if (s->host.n == 0 || s->tenant.n == 0 || s->suffix.n == 0 || s->trust_domain.n == 0 || s->admin.n == 0)
		return lg_fail(cx, LG_E_INVALID, "host, tenant, suffix, trust_domain and admin cannot be empty");
	return check_level(cx, s);
}

int
lg_settings_level(const struct lg_settings *s)
{
	static const lg_str names[] = { LG_STR("debug"), LG_STR("info"), LG_STR("warn"), LG_STR("error") };

	for (size_t i = 0; i < LG_COUNT(names); i++)
		if (lg_str_eq(names[i], s->log_level))
			return (int)i;
	return -1;
}

void
lg_settings_help(struct lg_buf *out)
{
	for (size_t i = 0; i < lg_settings_count; i++) {
		const struct lg_config_key *k = &lg_settings_keys[i];

		lg_buf_printf(out, "  --%-22s %s%s%s%s\n", k->name, k->help, k->fallback == NULL ? "" : " [",
		    k->fallback == NULL ? "" : k->fallback, k->fallback == NULL ? "" : "]");
	}
}
