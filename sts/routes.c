/* routes.c: what the token service answers, and where: loops for what is short, workers for people's pages. */
#include "sts/consent.h"

#define FORM	(32u << 10)

static const struct lg_route routes[] = {
	{ "GET", "/.well-known/openid-configuration", LG_SURFACE_API, LG_ON_LOOP, 0, sts_http_discovery },
	{ "GET", "/.well-known/oauth-authorization-server", LG_SURFACE_API, LG_ON_LOOP, 0, sts_http_discovery },
	{ "GET", "/oauth2/jwks", LG_SURFACE_API, LG_ON_LOOP, 0, sts_http_jwks },
	{ "POST", "/oauth2/token", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_token },
	{ "POST", "/oauth2/par", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_par },
	{ "POST", "/oauth2/device_authorization", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_device_authorization },
	{ "POST", "/oauth2/register", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_register },
	{ "GET", "/oauth2/register/*", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_registration },
	{ "PUT", "/oauth2/register/*", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_registration },
	{ "DELETE", "/oauth2/register/*", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_registration },
	{ "GET", "/device", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_device },
	{ "POST", "/device", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_device },
	{ "GET", "/oauth2/userinfo", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_userinfo },
	{ "POST", "/oauth2/userinfo", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_userinfo },
	{ "POST", "/oauth2/introspect", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_introspect },
	{ "POST", "/oauth2/revoke", LG_SURFACE_API, LG_ON_LOOP, FORM, sts_http_revoke },
	{ "GET", "/oauth2/authorize", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_authorize },
	{ "POST", "/oauth2/authorize", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_authorize },
	{ "GET", "/login", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_login_get },
	{ "POST", "/login", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_login_post },
	{ "GET", "/login/with", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_upstream },
	{ "GET", "/login/callback", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_upstream_back },
	{ "POST", "/oauth2/consent", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_consent },
	{ "POST", "/login/step", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_login_step },
	{ "POST", "/login/passkey", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_login_passkey },
	{ "POST", "/login/change", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_login_change },
	{ "GET", "/login/forgot", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_forgot },
	{ "POST", "/login/forgot", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_forgot },
	{ "GET", "/login/link", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_link },
	{ "POST", "/login/link", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_link },
	{ "GET", "/", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_home },
	{ "GET", "/account", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account },
	{ "POST", "/account", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account },
	{ "GET", "/account/totp", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_totp },
	{ "POST", "/account/totp", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_totp },
	{ "GET", "/account/passkey", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_passkey },
	{ "POST", "/account/passkey", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_passkey },
	{ "GET", "/account/password", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_password },
	{ "POST", "/account/password", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_password },
	{ "POST", "/account/codes", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_account_codes },
	{ "GET", "/logout", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_logout },
	{ "POST", "/logout", LG_SURFACE_API, LG_ON_WORKER, FORM, sts_http_logout },
};

const struct lg_route *
lg_sts_routes(size_t *n)
{
	*n = LG_COUNT(routes);
	return routes;
}
