/* open.c: a handle from settings and environment. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "client/handle.h"

#define DEADLINE_MS	2000

void
lg_handle_tell(const struct lg_ctx *cx, char *why, size_t size)
{
	if (why != NULL && size > 0)
		snprintf(why, size, "%s", cx->error);
}

/* A program that runs with more rights than its caller does not let the caller say whom to believe. */
static const char *
given(const char *setting, const char *variable)
{
	const char *v = setting != NULL ? setting : secure_getenv(variable);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

/* A copy that lives as long as the handle; NULL stays NULL. */
static const char *
keep(struct lg_ctx *cx, const char *s)
{
	return s == NULL ? NULL : lg_dup(cx->arena, lg_str_of(s)).p;
}

static lg_err
read_pem(struct lg_ctx *cx, const char *path, lg_str *ret)
{
	return path == NULL ? LG_OK : lg_file_read(cx, path, LG_HANDLE_PEM, ret);
}

static lg_err
fill(struct lg_ctx *cx, const struct lightgate_settings *s, struct lightgate *lg)
{
	const char *url = given(s->url, "LIGHTGATE_URL"), *mtls = given(s->mtls_url, "LIGHTGATE_MTLS_URL");
	const char *socket = given(s->socket, "LIGHTGATE_SOCKET"), *issuer = given(s->issuer, "LIGHTGATE_ISSUER");

	if (url == NULL && socket == NULL)
		return lg_fail(cx, LG_E_INVALID, "which service? Set url or socket, LIGHTGATE_URL or LIGHTGATE_SOCKET");
	lg->cert_file = keep(cx, given(s->cert_file, "LIGHTGATE_CERT"));
	lg->key_file = keep(cx, given(s->key_file, "LIGHTGATE_KEY"));
	lg->token_file = keep(cx, given(s->token_file, "LIGHTGATE_TOKEN_FILE"));
	if ((lg->cert_file == NULL) != (lg->key_file == NULL))
		return lg_fail(cx, LG_E_INVALID, "a certificate and its key belong together");
	struct lg_endpoint at = { .socket = lg_dup(cx->arena, lg_str_of(socket)) };
	bool by_certificate = lg->cert_file != NULL && mtls != NULL;
	LG_TRY(read_pem(cx, socket != NULL && !by_certificate ? NULL : given(s->ca_file, "LIGHTGATE_CA"), &at.ca));
	LG_TRY(lg_servers_parse(cx, lg_str_of(socket != NULL ? "http://localhost" : url), &at, &lg->public));
	lg->own = lg->public;
	if (by_certificate) {
		at.socket = LG_NONE;
		LG_TRY(lg_servers_parse(cx, lg_str_of(mtls), &at, &lg->own));
	}
	lg->state = keep(cx, given(s->state, "LIGHTGATE_STATE"));
	if (lg->state != NULL && (lg->cert_file == NULL || mtls == NULL))
		return lg_fail(cx, LG_E_INVALID, "state needs a host's certificate and mtls_url: only hosts are given bundles");
	lg->audience = lg_dup(cx->arena, lg_str_of(given(s->audience, "LIGHTGATE_AUDIENCE")));
	lg->issuer = lg_dup(cx->arena, issuer != NULL ? lg_str_of(issuer) : url == NULL ? LG_NONE : lg->public.at[0].url);
	lg->deadline = (int64_t)(s->deadline_ms > 0 ? s->deadline_ms : DEADLINE_MS) * 1000;
	return LG_OK;
}

/* Settings of a program that was built when the structure was smaller. */
static struct lightgate_settings
widen(const struct lightgate_settings *settings)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;

	if (settings != NULL)
		memcpy(&s, settings, settings->size < sizeof s ? settings->size : sizeof s);
	return s;
}

lightgate *
lightgate_open(const struct lightgate_settings *settings, char *why, size_t size)
{
	struct lightgate_settings s = widen(settings);
	struct lg_arena *a = lg_arena_new();
	struct lightgate *lg = LG_NEW(a, struct lightgate);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg->arena = a;
	lg->spare = lg_spare_new();
	pthread_rwlock_init(&lg->links, NULL);
	pthread_mutex_init(&lg->lock, NULL);
	if (fill(&cx, &s, lg) == LG_OK && lg_servers_open(&cx, &lg->public, LG_NONE, LG_NONE) == LG_OK &&
	    (lg->state == NULL || lg_handle_follow(&cx, lg) == LG_OK))
		return lg;
	lg_handle_tell(&cx, why, size);
	lightgate_close(lg);
	return NULL;
}

void
lightgate_close(lightgate *lg)
{
	if (lg == NULL || !lg_spare_is_ours(lg->spare))
		return;
	lg_follow_close(&lg->follow);
	lg_servers_close(&lg->public);
	lg_servers_close(&lg->own);
	lg_keyset_unref(&lg->keys);
	lg_spare_unref(lg->spare);
	free(lg->proofs);
	pthread_rwlock_destroy(&lg->links);
	pthread_mutex_destroy(&lg->lock);
	struct lg_arena *a = lg->arena;
	lg_arena_free(&a);
}
