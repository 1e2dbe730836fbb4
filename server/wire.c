/* wire.c: fills every component's ports. */
#include "server/wire.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/app_own.h"
#include "server/embedded.h"
#include "server/fetch.h"
#include "server/point.h"
#include "server/tenants.h"
#include "server/wire_sts.h"

/* ---- entries as the token service and the authority see them ----------------------------------------------- */

static lg_str
value_of(const struct lg_entry *e, const char *attribute)
{
	lg_str v = LG_NONE;

	(void)lg_entry_value(e, lg_str_of(attribute), 0, &v);
	return v;
}

static lg_err
group_names(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_sts_subject *ret)
{
	uint64_t *ids = NULL;
	size_t n = 0;

	LG_TRY(lg_entry_groups(cx, v, e, true, &ids, &n));
	lg_str *names = LG_NEWS(cx->arena, lg_str, n);
	for (size_t i = 0; i < n; i++) {
		struct lg_entry group;
		LG_TRY(lg_entry_by_id(cx, v, e->tenant, ids[i], &group));
		names[i] = group.name;
	}
	ret->groups = names;
	ret->ngroups = n;
	return LG_OK;
}

static void
subject_of(const struct lg_entry *e, struct lg_sts_subject *ret)
{
	*ret = (struct lg_sts_subject){
		.id = e->uuid, .type = lg_type_name(e->type), .name = e->name, .enabled = e->enabled,
		.display = value_of(e, "displayName"), .mail = value_of(e, "mail"),
	};
}

static lg_err
sts_tenant(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_sts_tenant *ret)
{
	struct lg_app *app = self;
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, tenant);

	if (t == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such tenant");
	*ret = t->sts;
	return LG_OK;
}

static lg_err
sts_by_login(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_sts_subject *ret)
{
	struct lg_entry e;

	(void)self;
	LG_TRY(lg_entry_by_login(cx, v, tenant, name, &e));
	subject_of(&e, ret);
	return LG_OK;
}

static lg_err
sts_by_id(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, bool groups, struct lg_sts_subject *ret)
{
	struct lg_entry e;

	(void)self;
	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	subject_of(&e, ret);
	return groups ? group_names(cx, v, &e, ret) : LG_OK;
}

/* RFC 4517 3.3.28: the lines of a postal address are parted by '$'. */
static lg_str
postal_address(struct lg_arena *a, lg_str value)
{
	lg_str copy = lg_dup(a, value);

	for (char *p = (char *)(uintptr_t)copy.p; copy.n > 0 && p < copy.p + copy.n; p++)
		if (*p == '$')
			*p = '\n';
	return copy;
}

static lg_err
sts_profile(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_sts_profile *ret)
{
	struct lg_entry e;

	(void)self;
	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	*ret = (struct lg_sts_profile){
		.given_name = value_of(&e, "givenName"), .family_name = value_of(&e, "sn"), .website = value_of(&e, "labeledURI"),
		.locale = value_of(&e, "preferredLanguage"), .phone = value_of(&e, "telephoneNumber"),
		.formatted = postal_address(cx->arena, value_of(&e, "postalAddress")), .street = value_of(&e, "street"),
		.locality = value_of(&e, "l"), .region = value_of(&e, "st"), .postal_code = value_of(&e, "postalCode"),
		.country = value_of(&e, "c"), .updated = e.modified,
		.mail_verified = lg_sts_mail_is_proved(cx, v, tenant, id, value_of(&e, "mail")),
	};
	return LG_OK;
}

static lg_err
sts_verifier(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *ret)
{
	struct lg_app *app = self;
	struct lg_entry e;

	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	return lg_entry_verifier(cx, app->directory, v, &e, ret);
}

static lg_err
sts_password_settle(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, lg_str address, lg_str verifier,
    const struct lg_secret *password, bool match, bool upgrade)
{
	struct lg_app *app = self;

	return lg_password_settle(cx, app->directory, tenant, id, address, verifier, password, match, upgrade);
}

static lg_err
sts_password_least(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, int64_t *least)
{
	struct lg_app *app = self;

	return lg_password_least(cx, app->directory, tenant, id, least);
}

static lg_err
sts_password_make(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, const struct lg_secret *password, lg_str *verifier)
{
	struct lg_app *app = self;

	return lg_password_make(cx, app->directory, tenant, id, password, true, verifier);
}

static lg_err
sts_password_set(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str verifier, bool link)
{
	return lg_wire_own_password(self, cx, v, tenant, id, verifier, link);
}

static lg_err
peer_entry(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, lg_str cert, struct lg_entry *ret)
{
	struct lg_certs_peer peer;

	LG_TRY(lg_certs_peer(cx, app->certs, v, cert, &peer));
	return lg_entry_by_uuid(cx, v, peer.tenant, peer.id, ret);
}

static lg_err
sts_peer(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str cert, struct lg_sts_subject *ret)
{
	struct lg_entry e;

	LG_TRY(peer_entry(self, cx, v, cert, &e));
	if (e.tenant != tenant)
		return lg_fail(cx, LG_E_DENIED, "the certificate belongs to another tenant");
	subject_of(&e, ret);
	return LG_OK;
}

static lg_err
sts_subject_at(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_pair *rdn, size_t n,
    struct lg_sts_subject *ret)
{
	struct lg_entry e;

	(void)self;
	LG_TRY(lg_wire_entry_at(cx, v, tenant, rdn, n, &e));
	subject_of(&e, ret);
	return LG_OK;
}

static lg_err
sts_person(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_person *p, lg_uuid known,
    struct lg_sts_subject *ret)
{
	struct lg_entry e;

	LG_TRY(lg_wire_person(self, cx, v, tenant, p, known, &e));
	subject_of(&e, ret);
	return LG_OK;
}

static lg_err
sts_client_may(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who)
{
	return lg_wire_client_may(self, cx, v, tenant, who);
}

static lg_err
sts_client_entry(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who, lg_str name, lg_uuid *ret)
{
	return lg_wire_client_entry(self, cx, v, tenant, who, name, ret);
}

static lg_err
sts_client_gone(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry)
{
	return lg_wire_client_gone(self, cx, v, tenant, entry);
}

static struct lg_mailbox *
sts_mailbox(void *self)
{
	(void)self;
	return lg_loop_mailbox(lg_loop_self());
}

static void
server_silent(void *self, lg_str source, lg_str url, lg_str why)
{
	(void)self;
	if (why.n > 0)
		lg_log(LG_WARN, "source %.*s: a server does not answer, the next one is asked: %.*s", LG_FMT(source), LG_FMT(why));
	else
		lg_log(LG_INFO, "source %.*s: %.*s answers again", LG_FMT(source), LG_FMT(url));
}

/* Those of web/, of what the daemon carries. */
static size_t
web_files(struct lg_arena *a, const struct lg_sts_file **ret)
{
	struct lg_sts_file *files = LG_NEWS(a, struct lg_sts_file, lg_embedded_count);
	size_t n = 0;

	for (size_t i = 0; i < lg_embedded_count; i++)
		if (strncmp(lg_embedded[i].name, "web/", 4) == 0)
			files[n++] = (struct lg_sts_file){ lg_embedded[i].name, lg_embedded[i].data };
	*ret = files;
	return n;
}

static lg_err
signin_question(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_question *ret)
{
	struct lg_app *app = self;

	return lg_sts_signin_question(cx, app->sts, tenant, ret);
}

lg_err
lg_wire_sts(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w)
{
	struct lg_sts_options o = {
		.store = app->store,
		.ports = {
			.self = app, .tenant = sts_tenant, .subject_by_login = sts_by_login, .subject_by_id = sts_by_id,
			.profile = sts_profile, .verifier = sts_verifier, .password_settle = sts_password_settle,
			.password_least = sts_password_least, .password_make = sts_password_make, .password_set = sts_password_set,
			.peer_entry = sts_peer, .subject_at = sts_subject_at, .person = sts_person, .client_may = sts_client_may, .client_entry = sts_client_entry, .client_gone = sts_client_gone, .mailbox = sts_mailbox,
			.server_silent = server_silent,
		},
		.decider = w->decider, .signer = app->signer, .hasher = app->hasher, .outside = lg_fetch_web(app->arena, app->settings), .mailer = lg_fetch_mailer(app->arena, app->settings),
		.workers = app->workers,
	};
	size_t n;

	o.nfiles = web_files(app->arena, &o.files);
	LG_TRY(lg_sts_new(cx, &o, &app->sts));
	lg_point_signin(app->point, signin_question, app);
	const struct lg_route *routes = lg_sts_routes(&n);
	return lg_http_routes_add(cx, app->http, routes, n, app->sts);
}

/* ---- directory ----------------------------------------------------------------------------------------------------- */

static lg_err
directory_certificate(void *self, struct lg_ctx *cx, struct lg_view *v, lg_str der, struct lg_entry *ret)
{
	return peer_entry(self, cx, v, der, ret);
}

/* Whoever knew the old password is signed out; of what is deleted nothing goes on speaking. */
static lg_err
credential_ended(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool deleted)
{
	char id[LG_UUID_TEXT + 1];
	size_t certificates;

	(void)self;
	lg_uuid_text(e->uuid, id);
	LG_TRY(lg_sts_revoke(cx, v, e->tenant, LG_REVOKED_SUBJECT, lg_str_of(id), lg_view_time(v)));
	if (!deleted)
		return e->enabled && e->type == LG_TYPE_USER ? lg_sts_password_notice(cx, v, e->tenant, e->uuid) : LG_OK;
	LG_TRY(lg_sts_forget(cx, v, e->tenant, e->uuid));
	LG_TRY(lg_certs_revoke_entry(cx, v, e->tenant, e->uuid, LG_REVOKED_CESSATION, &certificates));
	if (e->type != LG_TYPE_CLIENT && e->type != LG_TYPE_SERVICE)
		return LG_OK;
	lg_err gone = lg_sts_client_del(cx, v, e->tenant, e->name);
	return gone == LG_E_NOT_FOUND ? LG_OK : gone;
}

static lg_err
rights_taken(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	struct lg_app *app = self;

	return lg_point_lockout(cx, app->point, v, tenant);
}

static lg_err
attempt_may(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account)
{
	struct lg_app *app = self;

	return lg_sts_attempt_may(cx, app->sts, tenant, address, account);
}

static void
attempt_done(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account, bool good)
{
	struct lg_app *app = self;

	lg_sts_attempt_done(cx, app->sts, tenant, address, account, good);
}

static bool
password_breached(void *self, lg_str password)
{
	struct lg_app *app = self;

	return lg_breached_has(app->breached, password);
}

/* At most one line a second. */
static void
unindexed(void *self, const struct lg_actor *who, lg_str base, lg_str attribute, uint64_t looked)
{
	static int64_t next;
	int64_t now = lg_boottime(), at = __atomic_load_n(&next, __ATOMIC_ACQUIRE);

	(void)self;
	if (now < at || !__atomic_compare_exchange_n(&next, &at, now + LG_SECOND, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	lg_log(LG_WARN, "unindexed search: %llu entries below \"%.*s\" were looked at for \"%.*s\", asked by \"%.*s\"; see lightgate index create",
	    (unsigned long long)looked, LG_FMT(lg_str_sub(base, 0, 200)), LG_FMT(attribute), LG_FMT(lg_str_sub(who->name, 0, 100)));
}

lg_err
lg_wire_directory(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w)
{
	const char *list;

	LG_TRY(lg_cstr(cx, app->settings->breached_file, &list));
	if (list[0] != '\0')
		LG_TRY(lg_breached_open(cx, list, &app->breached));
	w->directory = (struct lg_directory_ports){ .decider = &w->decider, .hasher = &app->hasher, .signer = &app->signer, .self = app,
		.certificate_entry = directory_certificate, .credential_ended = credential_ended,
		.attempt_may = attempt_may, .attempt_done = attempt_done, .rights_taken = rights_taken, .password_breached = password_breached, .unindexed = unindexed,
		.figures = lg_ldap_figures };
	w->started = lg_wall();
	w->since = lg_boottime();
	return lg_directory_open(cx, app->store, &w->directory, &app->directory);
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------------ */

/* Path and certificate each name a tenant, whatever the request is about. */
static lg_err
same_tenant(struct lg_app *app, struct lg_ctx *cx, lg_str cert, uint32_t tenant)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_peer found;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	LG_TRY(lg_certs_peer(cx, app->certs, v, cert, &found));
	return found.tenant == tenant ? LG_OK : lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate belongs to another tenant");
}

static lg_err
http_tenant(void *self, struct lg_ctx *cx, const struct lg_peer *peer, lg_str name, uint32_t *tenant)
{
	struct lg_app *app = self;
	const struct lg_tenant_view *t = lg_tenants_by_path(app->tenants, name);

	if (t == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such tenant");
	if (peer->cert.n > 0)
		LG_TRY(same_tenant(app, cx, peer->cert, t->id));
	*tenant = t->id;
	return LG_OK;
}

lg_err
lg_wire_verify(void *self, struct lg_ctx *cx, const lg_str *chain, size_t n)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_certs_peer peer;

	if (n == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "no certificate was shown");
	LG_TRY(lg_view_begin(cx, app->store, &v));
	return lg_certs_peer(cx, app->certs, v, chain[0], &peer);
}

void
lg_wire_http(struct lg_app *app)
{
	lg_http_tenants_set(app->http, &(struct lg_http_tenants){ app, http_tenant });
	lg_http_verifier_set(app->http, &(struct lg_http_verifier){ app, lg_wire_verify });
}
