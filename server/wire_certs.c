/* wire_certs.c: fills the ports of the certificate authority. */
#include "server/wire.h"

#include "base/ipnet.h"
#include "server/app_own.h"
#include "server/caller.h"
#include "server/fetch.h"
#include "server/heads.h"
#include "server/tenants.h"

/* A value that is no address is nobody's: an entry can be written by any LDAP client. */
static void
names_of(struct lg_ctx *cx, const struct lg_entry *e, struct lg_cert_subject *ret)
{
	lg_str *dns = LG_NEWS(cx->arena, lg_str, LG_CERT_NAMES + 1), *ip = LG_NEWS(cx->arena, lg_str, LG_CERT_NAMES + 1), value;

	/* One more than there is room for: the authority refuses rather than leave one out. */
	while (ret->ndns <= LG_CERT_NAMES && lg_entry_value(e, LG_STR("associatedDomain"), ret->ndns, &value))
		dns[ret->ndns++] = value;
	for (size_t i = 0; ret->nip <= LG_CERT_NAMES && lg_entry_value(e, LG_STR("ipHostNumber"), i, &value); i++)
		ret->nip += lg_ip_octets_parse(cx->arena, value, &ip[ret->nip]);
	ret->dns = dns;
	ret->ip = ip;
}

static lg_err
certified(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_cert_subject *ret)
{
	struct lg_entry project;

	*ret = (struct lg_cert_subject){ .id = e->uuid, .type = lg_type_name(e->type), .name = e->name, .enabled = e->enabled };
	names_of(cx, e, ret);
	if (e->type != LG_TYPE_WORKLOAD)
		return LG_OK;
	LG_TRY(lg_entry_reference(cx, v, e, LG_STR("lgProject"), 0, &project));
	ret->project = project.name;
	return LG_OK;
}

static lg_err
cert_by_name(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str type, lg_str name, struct lg_cert_subject *ret)
{
	enum lg_entry_type t;
	struct lg_entry e;

	(void)self;
	if (!lg_type_parse(type, &t))
		return LG_E_NOT_FOUND;
	LG_TRY(lg_entry_by_name(cx, v, tenant, t, name, &e));
	return certified(cx, v, &e, ret);
}

static lg_err
cert_by_id(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_cert_subject *ret)
{
	struct lg_entry e;

	(void)self;
	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	return certified(cx, v, &e, ret);
}

static lg_err
cert_caller(void *self, struct lg_http *ex, const char *audience, struct lg_certs_caller *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_find(app, ex, v, audience, &who));
	/* The authority's routes act on the caller's own entry, however it was proved. */
	*ret = (struct lg_certs_caller){ who.entity.id, who.entity.type, who.entity.name, "self" };
	return LG_OK;
}

static struct lg_mailbox *
cert_mailbox(void *self, struct lg_http *ex)
{
	(void)self;
	return lg_loop_mailbox(lg_http_loop(ex));
}

static lg_err
cert_between(void *self, struct lg_ctx *cx, struct lg_between *b)
{
	struct lg_app *app = self;

	LG_TRY(lg_clock_believed(&lg_own(app)->guard, cx));
	return lg_keeper_between(app->keeper, app->store, cx, b);
}

static lg_err
cert_by_secret(void *self, struct lg_http *ex, lg_str name, lg_str secret, struct lg_certs_caller *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_by_secret(app, ex, v, name, secret, &who));
	*ret = (struct lg_certs_caller){ who.entity.id, who.entity.type, who.entity.name, "self" };
	return LG_OK;
}

static lg_err
cert_ticket_keys(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_app *app = self;
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, tenant);

	if (t == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such tenant");
	lg_keyset_jwks(t->tickets, &b);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* The name in CAA records (RFC 8659 4.2): the host, unless the settings say otherwise. */
static lg_str
caa_identity(const struct lg_settings *s)
{
	if (lg_str_eq(s->acme_caa, LG_STR("none")))
		return LG_NONE;
	return s->acme_caa.n > 0 ? s->acme_caa : s->host;
}

/* ---- heads of ledgers */

struct ledger_ask {
	uint32_t tenant;
	uint64_t size;
	const lg_sha256 *root;
	lg_str path;
};

static lg_err
ask_ledger_mark(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_ledger_mark(k, ((const struct ledger_ask *)arg)->tenant, done, done_arg);
}

static lg_err
cert_ledger_mark(void *self, struct lg_ctx *cx, uint32_t tenant, uint64_t *size)
{
	struct ledger_ask ask = { .tenant = tenant };
	struct lg_app *app = self;
	struct lg_rd r;
	lg_str reply;

	LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_ledger_mark, &ask, &reply));
	r = lg_rd_of(reply);
	*size = lg_rd_u64(&r);
	return lg_rd_done(&r) ? LG_OK : lg_fail(cx, LG_E_INTERNAL, "the keeper's mark of a ledger does not decode");
}

static lg_err
ask_ledger(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct ledger_ask *a = arg;

	return lg_keeper_ledger(k, a->tenant, a->size, a->root, a->path, done, done_arg);
}

static lg_err
cert_ledger_sign(void *self, struct lg_ctx *cx, uint32_t tenant, uint64_t size, const lg_sha256 *root, lg_str path, lg_str *head)
{
	struct ledger_ask ask = { tenant, size, root, path };
	struct lg_app *app = self;

	return lg_keeper_link_wait(app->keeper, cx, ask_ledger, &ask, head);
}

static lg_err
cert_ledger_keys(void *self, struct lg_ctx *cx, lg_str *jwks)
{
	return lg_heads_keys(cx, self, jwks);
}

static void
acme_limits(const struct lg_settings *s, unsigned ret[LG_ACME_LIMITS])
{
	ret[LG_ACME_ACCOUNTS_ADDRESS] = (unsigned)s->acme_accounts_address;
	ret[LG_ACME_ORDERS_ACCOUNT] = (unsigned)s->acme_orders_account;
	ret[LG_ACME_ORDERS_NAME] = (unsigned)s->acme_orders_name;
	ret[LG_ACME_FAILED_ACCOUNT] = (unsigned)s->acme_failed_account;
	ret[LG_ACME_FAILED_NAME] = (unsigned)s->acme_failed_name;
}

lg_err
lg_wire_certs(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w)
{
	lg_str https = LG_STR("https://");
	lg_str address = lg_str_starts(app->at->issuer, https) ? lg_str_sub(app->at->issuer, https.n, SIZE_MAX) : app->at->issuer;
	struct lg_certs_ports ports = {
		.store = app->store, .subjects = { app, cert_by_name, cert_by_id }, .decider = w->decider, .signer = app->signer,
		.net = lg_fetch_net(app->arena, app->settings), .callers = app, .authenticate = cert_caller, .by_secret = cert_by_secret, .between = cert_between, .mailbox = cert_mailbox, .ticket_keys = cert_ticket_keys, .mtls_url = app->at->mtls, .join_address = address,
		.acme_entry = app->settings->acme_open, .caa_identity = caa_identity(app->settings),
	};

	acme_limits(app->settings, ports.acme_limits);
	ports.web = lg_fetch_web(app->arena, app->settings);
	ports.ledger_mark = cert_ledger_mark;
	ports.ledger_sign = cert_ledger_sign;
	ports.ledger_keys = cert_ledger_keys;
	LG_TRY(lg_certs_new(cx, &ports, &app->certs));
	LG_TRY(lg_tenants_trust(cx, app));
	return lg_http_routes_add(cx, app->http, lg_certs_routes, lg_certs_nroutes, app->certs);
}
