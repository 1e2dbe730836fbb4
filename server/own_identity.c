/* own_identity.c: the certificate that our own listeners show, and the file with the roots behind it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "server/app_own.h"
#include "server/ldap_listener.h"
#include "server/tenants.h"

#define OWN_LIFE	(24 * LG_HOUR)		/* of the certificate */

/* ---- our own certificate ------------------------------------------------------------------------------------------ */

static lg_err
own_names(struct lg_ctx *cx, const struct lg_app *app, struct lg_cert_names *ret)
{
	static const char v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };

	(void)cx;
	*ret = (struct lg_cert_names){ .ndns = 0 };
	if (memchr(app->settings->host.p, '.', app->settings->host.n) != NULL || !app->settings->dev)
		if (!lg_str_eq(app->settings->host, LG_STR("127.0.0.1")))
			ret->dns[ret->ndns++] = app->settings->host;
	if (app->settings->dev) {
		ret->dns[ret->ndns++] = LG_STR("localhost");
		ret->ip[ret->nip++] = (lg_str){ v4, sizeof v4 };
		ret->ip[ret->nip++] = (lg_str){ v6, sizeof v6 };
	}
	return LG_OK;
}

bool
lg_own_identity_due(struct lg_ctx *cx, struct lg_app *app)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_row row;

	if (cx->now >= __atomic_load_n(&lg_own(app)->identity_until, __ATOMIC_ACQUIRE))
		return true;
	return lg_view_begin(cx, app->store, &v) == LG_OK &&
	    lg_cert_find(cx, v, LG_DEFAULT_TENANT, &lg_own(app)->identity, &row) == LG_OK && row.state == LG_CERT_REVOKED;
}

/* A key that exists in this process alone, and a day's certificate for it. */
lg_err
lg_own_identity_renew(struct lg_ctx *cx, struct lg_app *app)
{
	const struct lg_actor *was = cx->actor;
	int64_t most = lg_tenants_get(app->tenants, LG_DEFAULT_TENANT)->leaf_life;
	struct lg_cert_names names;
	struct lg_issued issued;
	struct lg_key *key = NULL;
	lg_str pem;

	LG_TRY(own_names(cx, app, &names));
	LG_TRY(lg_key_generate(cx, LG_KEY_P256, &key));
	cx->actor = &lg_system;
	lg_err e = lg_certs_issue_own(cx, app->certs, LG_DEFAULT_TENANT, lg_pubkey_spki(lg_key_public(key)), &names,
	    most < OWN_LIFE ? most : OWN_LIFE, &issued);
	cx->actor = was;
	if (e == LG_OK)
		e = lg_key_pem(cx, key, &pem);
	lg_key_free(&key);
	LG_TRY(e);
	lg_str chain = lg_cat(cx->arena, lg_pem(cx->arena, LG_STR("CERTIFICATE"), issued.cert),
	    lg_pem(cx->arena, LG_STR("CERTIFICATE"), issued.chain));
	LG_TRY(lg_http_identity_set(cx, app->http, chain, pem));
	if (app->ldap != NULL)
		LG_TRY(lg_ldap_listener_identity(cx, app->ldap, chain, pem));
	lg_own(app)->identity = issued.serial;
	__atomic_store_n(&lg_own(app)->identity_until, cx->now + (issued.expires - cx->now) * 2 / 3, __ATOMIC_RELEASE);
	return LG_OK;
}

lg_err
lg_own_roots_write(struct lg_ctx *cx, struct lg_app *app)
{
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, LG_DEFAULT_TENANT);
	struct lg_app_own *own = lg_own(app);

	lg_str roots = lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->root);

	for (size_t i = 0; i < t->nold_roots; i++)
		roots = lg_cat(cx->arena, roots, lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->old_roots[i]));
	snprintf(own->ca_file, sizeof own->ca_file, "%s/run/ca.pem", app->folders->data);
	return lg_file_update(cx, lg_print(cx->arena, "%s/ca.pem", app->folders->run).p, 0644, roots);
}
