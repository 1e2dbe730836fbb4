#include "server/doors.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "server/listen.h"

static const struct {
	const char *member;		/* of the ready line */
	size_t setting;
	const char *scheme;		/* NULL: a UNIX socket, shown as its path */
	bool local;			/* a UNIX socket */
} table[LG_DOORS] = {
	[LG_DOOR_HTTPS] = { "https", offsetof(struct lg_settings, listen_https), "https", false },
	[LG_DOOR_MTLS] = { "https_mtls", offsetof(struct lg_settings, listen_mtls), "https", false },
	[LG_DOOR_STREAM] = { "https_stream", offsetof(struct lg_settings, listen_stream), "https", false },
	[LG_DOOR_HTTP] = { "http", offsetof(struct lg_settings, listen_http), "http", false },
	[LG_DOOR_LDAP] = { "ldap", offsetof(struct lg_settings, listen_ldap), "ldap", false },
	[LG_DOOR_LDAPS] = { "ldaps", offsetof(struct lg_settings, listen_ldaps), "ldaps", false },
	[LG_DOOR_LDAPI] = { "ldapi", offsetof(struct lg_settings, listen_ldapi), "ldapi", true },
	[LG_DOOR_UNIX] = { "socket", offsetof(struct lg_settings, socket), NULL, true },
};

static lg_str *
setting(const struct lg_settings *s, size_t door)
{
	return (lg_str *)(void *)((uintptr_t)s + table[door].setting);
}

/* As libldap takes it: ldapi://%2Frun%2Flightgate%2Fldapi */
static lg_str
local_url(struct lg_ctx *cx, const char *scheme, lg_str path)
{
	lg_str url = lg_print(cx->arena, "%s://", scheme), name;

	while (lg_str_cut(path, '/', &name, &path))
		url = lg_print(cx->arena, "%.*s%.*s%%2F", LG_FMT(url), LG_FMT(name));
	return lg_cat(cx->arena, url, name);
}

static lg_err
bind_one(struct lg_ctx *cx, const struct lg_settings *s, size_t i, struct lg_door *d)
{
	lg_str at = *setting(s, i);
	unsigned port;

	if (at.n == 0)
		return LG_OK;
	if (table[i].local) {
		LG_TRY(lg_bind_unix(cx, at, &d->fd));
		d->url = table[i].scheme == NULL ? at : local_url(cx, table[i].scheme, at);
		return LG_OK;
	}
	LG_TRY(lg_bind_tcp(cx, at, &d->fd, &port));
	d->url = lg_print(cx->arena, "%s://%.*s:%u", table[i].scheme, LG_FMT(s->host), port);
	return LG_OK;
}

lg_err
lg_doors_bind(struct lg_ctx *cx, const struct lg_settings *s, struct lg_door doors[LG_DOORS])
{
	for (size_t i = 0; i < LG_DOORS; i++)
		doors[i] = (struct lg_door){ -1, LG_NONE };
	for (size_t i = 0; i < LG_DOORS; i++) {
		lg_err e = bind_one(cx, s, i, &doors[i]);

		if (e != LG_OK) {
			lg_doors_close(doors);
			return e;
		}
	}
	return LG_OK;
}

lg_err
lg_doors_listen(struct lg_ctx *cx, const struct lg_door doors[LG_DOORS])
{
	for (size_t i = 0; i < LG_DOORS; i++)
		if (doors[i].fd >= 0 && listen(doors[i].fd, LG_LISTEN_BACKLOG) != 0)
			return lg_fail(cx, LG_E_IO, "cannot listen at %.*s: %s", LG_FMT(doors[i].url), strerror(errno));
	return LG_OK;
}

void
lg_doors_close(struct lg_door doors[LG_DOORS])
{
	for (size_t i = 0; i < LG_DOORS; i++) {
		if (doors[i].fd >= 0)
			close(doors[i].fd);
		doors[i].fd = -1;
	}
}

/* "127.0.0.1:0" becomes "127.0.0.1:43215" if the line says "https://127.0.0.1:43215". */
static void
restore_one(struct lg_ctx *cx, lg_str url, lg_str *at)
{
	size_t colon = url.n;

	while (colon > 0 && url.p[colon - 1] != ':')
		colon--;
	if (colon > 0 && lg_str_ends(*at, LG_STR(":0")))
		*at = lg_cat(cx->arena, lg_str_sub(*at, 0, at->n - 1), lg_str_sub(url, colon, url.n));
}

lg_err
lg_doors_restore(struct lg_ctx *cx, lg_str line, struct lg_settings *s)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, line);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < LG_DOORS && (table[i].local || !lg_str_eq(name, lg_str_of(table[i].member))))
			i++;
		if (i < LG_DOORS)
			restore_one(cx, lg_json_str(&js), setting(s, i));
		else
			lg_json_skip(&js);
	}
	return lg_json_end(cx, &js);
}

void
lg_doors_tell(const struct lg_door doors[LG_DOORS], struct lg_jsonw *w)
{
	for (size_t i = 0; i < LG_DOORS; i++)
		if (doors[i].fd >= 0)
			lg_jsonw_str_of(w, table[i].member, doors[i].url);
}

void
lg_doors_endpoints(struct lg_arena *a, const struct lg_settings *s, const struct lg_door doors[LG_DOORS], struct lg_endpoints *ret)
{
	lg_str https = doors[LG_DOOR_HTTPS].url;

	/* RFC 3986 6.2.3: the default port is left out, and an issuer is compared letter by letter. */
	if (lg_str_ends(https, LG_STR(":443")))
		https = lg_str_sub(https, 0, https.n - 4);
	*ret = (struct lg_endpoints){
		.issuer = s->issuer.n > 0 ? s->issuer : https.n > 0 ? https : lg_cat(a, LG_STR("https://"), s->host),
		.mtls = doors[LG_DOOR_MTLS].url,
		.stream = doors[LG_DOOR_STREAM].url,
		.http = doors[LG_DOOR_HTTP].url,
		.ldap = doors[LG_DOOR_LDAP].url,
		.ldaps = doors[LG_DOOR_LDAPS].url,
		.socket = doors[LG_DOOR_UNIX].url,
	};
}
