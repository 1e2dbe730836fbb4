/* config.h: lightgate.conf, one table of settings (config.c) read by the file, the flags, --check and --help. */
#ifndef LG_SERVER_CONFIG_H
#define LG_SERVER_CONFIG_H

#include "base/config.h"
#include "lightgate/base.h"

#define LG_CONFIG_FILE_MAX	(1u << 20)

#define LG_HSM_PATHS 16

struct lg_settings {
	/* the service */
	lg_str data;			/* DATA */
	lg_str socket;			/* UNIX socket's path */
	lg_str host;			/* the name in the issuer and in our own certificates */
	lg_str issuer;			/* of the default tenant; empty: https://host:port */
	lg_str tenant, suffix, trust_domain;	/* the default tenant, made at the first start */
	lg_str admin;			/* its first administrator's name */
	lg_str server_user, keeper_user;
	lg_str secret_file;		/* the sealing secret; only --dev keeps it below DATA */
	lg_str hsm_module, hsm_pin_file, hsm_token;	/* module empty: no keys in PKCS#11 tokens */
	int64_t hsm_hang;
	struct lg_config_list hsm_keys, hsm_paths;	/* purposes whose keys are made in hsm_token; what the module writes */
	lg_str breached_file;		/* SHA-1 sums of known passwords; empty: none */
	bool renew_passwords;		/* old forms of verifiers give way to Argon2id */
	int64_t loops, workers, hashers;	/* 0: one a core; workers: threads */
	/* listeners: "address:port", empty: not offered */
	lg_str listen_https, listen_mtls, listen_stream, listen_http, listen_ldap, listen_ldaps, listen_ldapi;
	/* limits */
	int64_t connections, per_address, request_time, idle_time, reply_time, drain_time;
	/* store and log */
	int64_t map_size, segment_buffer;
	/* tokens and certificates: the ceilings given to the keeper at the tenant's creation */
	int64_t token_life, ticket_life, leaf_life;
	struct lg_config_list dns_suffixes, nets;
	/* keys: after how long they stop signing, and how long their successors are known before */
	int64_t rotation_token, rotation_ticket, rotation_bundle, rotation_audit, rotation_issuer, rotation_publish;
	int64_t max_stale;		/* how long a host that is cut off goes on with what it knows */
	/* how ACME looks at servers that want a certificate */
	int64_t certificates_keep;
	lg_str acme_resolver;		/* "address:port"; empty: the first of /etc/resolv.conf */
	int64_t acme_http_port, acme_alpn_port;
	lg_str acme_open;		/* "Type/name" */
	lg_str acme_caa;		/* empty: host; "none" */
	int64_t acme_accounts_address, acme_orders_account, acme_orders_name, acme_failed_account, acme_failed_name;
	bool acme_private;
	lg_str outbound_ca;			/* a file; empty: none */
	bool outbound_private;			/* addresses of what tenants name: issuers, directories, providers */
	bool log_requests;
	lg_str log_level;
	/* flags only */
	bool dev, weak_isolation;
};

extern const struct lg_config_key lg_settings_keys[];
extern const size_t lg_settings_count;

/* Defaults, those of --dev if it is wanted, then the file's text (may be empty); flags follow by lg_config_set. */
LG_CHECKED lg_err lg_settings_read(struct lg_ctx *cx, bool dev, lg_str text, struct lg_settings *ret);
/* What the table cannot say: addresses that parse, paths that fit, values that go together. */
LG_CHECKED lg_err lg_settings_check(struct lg_ctx *cx, const struct lg_settings *s);
/* Of hsm_keys: bit 1 << enum lg_purpose.  lg_settings_check has read them. */
uint32_t lg_settings_hsm_purposes(const struct lg_settings *s);
int lg_settings_level(const struct lg_settings *s);	/* log.level as enum lg_level, -1 if it is none */
/* Takes over the settings whose key is marked live; none if one of them will not do. */
LG_CHECKED lg_err lg_settings_take_live(struct lg_ctx *cx, struct lg_settings *s, const struct lg_settings *fresh);
/* One line per key: name, default, help. */
void lg_settings_help(struct lg_buf *out);

#endif
