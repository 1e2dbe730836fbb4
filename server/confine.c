/* confine.c: what the server gives up before its first thread. */
#include "crypto/confine.h"

#include "base/peer.h"
#include "server/process.h"

lg_err
lg_server_confine(struct lg_ctx *cx, const struct lg_settings *s, const struct lg_users *u)
{
	struct lg_confine_path paths[] = {
		{ "store", LG_CONFINE_READ | LG_CONFINE_WRITE },
		{ "log", LG_CONFINE_READ | LG_CONFINE_WRITE },
		{ "archive", LG_CONFINE_READ | LG_CONFINE_WRITE },
		{ "run", LG_CONFINE_READ | LG_CONFINE_WRITE },
		/* what libraries read: resolver, time zone, public CAs */
		{ "/etc/resolv.conf", LG_CONFINE_READ },
		{ "/etc/hosts", LG_CONFINE_READ },
		{ "/etc/nsswitch.conf", LG_CONFINE_READ },
		{ "/etc/host.conf", LG_CONFINE_READ },
		{ "/etc/gai.conf", LG_CONFINE_READ },
		{ "/etc/localtime", LG_CONFINE_READ },
		{ "/etc/ssl", LG_CONFINE_READ },
		{ "/etc/gnutls", LG_CONFINE_READ },
		{ "/usr/share/ca-certificates", LG_CONFINE_READ },
		{ "/usr/share/zoneinfo", LG_CONFINE_READ },
		{ "/dev/urandom", LG_CONFINE_READ },
		{ "/sys/devices/system/cpu", LG_CONFINE_READ },
		/* whether a peer of the socket is in a container */
		{ "/proc/self/fdinfo", LG_CONFINE_READ },
		/* the store tells one boot from the next */
		{ "/proc/sys/kernel/random/boot_id", LG_CONFINE_READ },
		{ "/dev/null", LG_CONFINE_READ | LG_CONFINE_WRITE },
		/* files that the settings name, if they do */
		{ "/dev/null", LG_CONFINE_READ },
		{ "/dev/null", LG_CONFINE_READ },
	};
	const lg_str named[] = { s->breached_file, s->outbound_ca };
	lg_err e;

	for (size_t i = 0; i < LG_COUNT(named); i++)
		if (named[i].n > 0)
			LG_TRY(lg_cstr(cx, named[i], &paths[LG_COUNT(paths) - 1 - i].path));

	if (u->own)
		LG_TRY(lg_confine_drop(cx, u->server_uid, u->server_gid));
	LG_TRY(lg_confine_no_dumps(cx));
	lg_peer_prepare();
	e = lg_confine_paths(cx, paths, LG_COUNT(paths));
	/* With a user of its own the modes of DATA still keep it out of the keeper's folder. */
	if (e == LG_E_UNSUPPORTED && (u->own || s->weak_isolation))
		e = LG_OK;
	LG_TRY(e);
	return lg_confine_calls_server(cx);
}
