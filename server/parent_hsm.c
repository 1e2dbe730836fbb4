/*
 * parent_hsm.c: the process with the PKCS#11 module as the parent's child.  Its channels to the keeper outlive it: the next one
 * takes them over, and the keeper is told in between.  It ends by itself when the keeper does.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/confine.h"
#include "crypto/hsm/hsm.h"
#include "server/parent.h"

#define PIN_MAX 1024

static void
close_ends(struct lg_parent *p)
{
	for (size_t i = 0; i < LG_LOOPS; i++) {
		if (p->hsm_ends[i] >= 0)
			close(p->hsm_ends[i]);
		p->hsm_ends[i] = -1;
	}
}

lg_err
lg_parent_hsm_channels(struct lg_parent *p, int *keeper_ends)
{
	int pair[2];

	close_ends(p);
	for (size_t i = 0; i < p->nloops; i++)
		keeper_ends[i] = -1;
	for (size_t i = 0; p->settings.hsm_module.n > 0 && i < p->nloops; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
			return lg_fail(&p->cx, LG_E_IO, "the token's channels: %s", strerror(errno));
		keeper_ends[i] = pair[0];
		p->hsm_ends[i] = pair[1];
	}
	return LG_OK;
}

/* Without one the process starts all the same, and says so to whoever asks. */
static struct lg_secret
read_pin(struct lg_parent *p)
{
	struct lg_secret pin = { NULL, 0 };
	const char *path;
	lg_str text;

	if (lg_cstr(&p->cx, p->settings.hsm_pin_file, &path) != LG_OK || lg_file_read(&p->cx, path, PIN_MAX, &text) != LG_OK) {
		lg_log(LG_ERROR, "the token's PIN: %s", p->cx.error);
		return pin;
	}
	pin = lg_secret_copy(lg_str_trim(text));
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	return pin;
}

/* In the child. */
static _Noreturn void
child(struct lg_parent *p, struct lg_secret pin)
{
	const char *paths[LG_HSM_PATHS];
	struct lg_hsm_options o = { .pin = pin, .paths = paths, .channels = p->hsm_ends, .nchannels = p->nloops, .hang = p->settings.hsm_hang,
		.confine = true };

	prctl(PR_SET_NAME, "lg-token");
	lg_secret_free(&p->secret);		/* fork copied it; it is not for a vendor's module */
	lg_confine_close_others(p->hsm_ends, p->nloops);
	lg_err e = lg_cstr(&p->cx, p->settings.hsm_module, &o.module);
	for (; e == LG_OK && o.npaths < p->settings.hsm_paths.n; o.npaths++)
		e = lg_cstr(&p->cx, p->settings.hsm_paths.v[o.npaths], &paths[o.npaths]);
	if (e == LG_OK && p->users.own)
		e = lg_confine_drop(&p->cx, p->users.keeper_uid, p->users.keeper_gid);
	if (e != LG_OK) {
		lg_log(LG_ERROR, "token: %s", p->cx.error);
		_exit(1);
	}
	_exit(lg_hsm_main(&o));
}

lg_err
lg_parent_hsm_start(struct lg_parent *p)
{
	p->hsm.again = 0;
	if (p->hsm_ends[0] < 0)
		return LG_OK;
	LG_AUTO(lg_secret_free) struct lg_secret pin = read_pin(p);
	p->hsm.pid = fork();
	if (p->hsm.pid < 0) {
		p->hsm.pid = 0;
		return lg_fail(&p->cx, LG_E_UNAVAILABLE, "fork: %s", strerror(errno));
	}
	if (p->hsm.pid == 0)
		child(p, pin);
	p->hsm.began = lg_boottime();
	return LG_OK;
}

void
lg_parent_hsm_reload(struct lg_parent *p)
{
	if (p->hsm.pid == 0)
		return;
	p->hsm_reload = true;
	kill(p->hsm.pid, SIGKILL);	/* it holds nothing but sessions, which the token ends */
}

void
lg_parent_hsm_ended(struct lg_parent *p)
{
	const char ended[5] = { 0 };	/* u32 LG_HSM_ENDED, u8 */

	for (size_t i = 0; i < p->nloops; i++)
		if (p->hsm_ends[i] >= 0)
			(void)send(p->hsm_ends[i], ended, sizeof ended, MSG_NOSIGNAL | MSG_DONTWAIT);
}
