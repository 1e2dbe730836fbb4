/* parent_keeper.c: the keeper as the parent's child: its start, its channels, the default tenant's keys. */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ipnet.h"
#include "base/log.h"
#include "crypto/confine.h"
#include "server/parent.h"
#include "server/tenants.h"

struct ends {
	int control[2];			/* [0] ours, [1] the keeper's */
	int channel[LG_LOOPS][2];	/* [0] the server's */
	int secret[2];			/* pipe */
	int hsm[LG_LOOPS];		/* the keeper's, to the token's process; -1: there is none */
};

static lg_err
make_ends(struct lg_parent *p, struct ends *e)
{
	bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, e->control) == 0 && pipe2(e->secret, O_CLOEXEC) == 0;

	for (size_t i = 0; ok && i < p->nloops; i++)
		ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, e->channel[i]) == 0;
	LG_TRY(lg_parent_hsm_channels(p, e->hsm));
	return ok ? LG_OK : lg_fail(&p->cx, LG_E_IO, "the keeper's channels: %s", strerror(errno));
}

/* In the child. */
static _Noreturn void
child(struct lg_parent *p, struct ends *e)
{
	int channels[LG_LOOPS], keep[2 * LG_LOOPS + 2];
	struct lg_keeper_options o = { .dir = "keeper", .control = e->control[1], .channels = channels, .nchannels = p->nloops,
		.secret_fd = e->secret[0], .confine = true, .hsm = e->hsm, .nhsm = e->hsm[0] < 0 ? 0 : p->nloops,
		.hsm_token = p->settings.hsm_token, .hsm_purposes = lg_settings_hsm_purposes(&p->settings) };

	prctl(PR_SET_NAME, "lg-keeper");
	for (size_t i = 0; i < p->nloops; i++)
		keep[i] = channels[i] = e->channel[i][1];
	keep[p->nloops] = e->control[1];
	keep[p->nloops + 1] = e->secret[0];
	memcpy(keep + p->nloops + 2, e->hsm, p->nloops * sizeof keep[0]);
	lg_confine_close_others(keep, 2 * p->nloops + 2);
	if (p->users.own && lg_confine_drop(&p->cx, p->users.keeper_uid, p->users.keeper_gid) != LG_OK) {
		lg_log(LG_ERROR, "keeper: %s", p->cx.error);
		_exit(1);
	}
	_exit(lg_keeper_main(&o));
}

void
lg_parent_channels_close(struct lg_parent *p)
{
	for (size_t i = 0; i < LG_LOOPS; i++) {
		if (p->channels[i] >= 0)
			close(p->channels[i]);
		p->channels[i] = -1;
	}
}

lg_err
lg_parent_keeper_start(struct lg_parent *p)
{
	struct ends e;

	LG_TRY(make_ends(p, &e));
	p->keeper.pid = fork();
	if (p->keeper.pid < 0) {
		p->keeper.pid = 0;
		return lg_fail(&p->cx, LG_E_UNAVAILABLE, "fork: %s", strerror(errno));
	}
	if (p->keeper.pid == 0)
		child(p, &e);
	p->keeper.began = lg_boottime();
	close(e.control[1]);
	close(e.secret[0]);
	if (!lg_write_all(e.secret[1], p->secret.p, p->secret.n))
		lg_log(LG_WARN, "the keeper did not take its secret");
	close(e.secret[1]);
	lg_parent_channels_close(p);
	for (size_t i = 0; i < p->nloops; i++) {
		close(e.channel[i][1]);
		p->channels[i] = e.channel[i][0];
		if (e.hsm[i] >= 0)
			close(e.hsm[i]);
	}
	p->keeper_control = lg_keeper_new(e.control[0]);
	if (lg_parent_hsm_start(p) != LG_OK) {
		lg_log(LG_ERROR, "%s", p->cx.error);	/* everything but what needs the token goes on */
		p->hsm.again = lg_boottime() + LG_BACKOFF_LAST;
	}
	return LG_OK;
}

void
lg_parent_keeper_stop(struct lg_parent *p)
{
	lg_parent_operator_stop(p);	/* it holds the channel too */
	lg_keeper_free(&p->keeper_control);
}

/* ---- the default tenant's keys ------------------------------------------------------------------------- */

static lg_err
tenant_exists(struct lg_parent *p, bool *ret)
{
	struct lg_keeper_told t = { .keeper = p->keeper_control, .cx = &p->cx };
	struct lg_keeper_key *keys;
	lg_str reply;
	size_t n;

	*ret = false;
	LG_TRY(lg_keeper_await(&t, lg_keeper_keys(t.keeper, lg_keeper_told, &t), &reply));
	LG_TRY(lg_keeper_keys_parse(&p->cx, reply, &keys, &n));
	for (size_t i = 0; i < n; i++)
		*ret |= keys[i].tenant == LG_DEFAULT_TENANT;
	return LG_OK;
}

static struct lg_ceiling
ceiling(struct lg_parent *p)
{
	const struct lg_settings *s = &p->settings;
	struct lg_endpoints at;
	struct lg_ceiling c = { .trust_domain = s->trust_domain, .loopback = s->dev, .token_life = s->token_life,
		.ticket_life = s->ticket_life, .leaf_life = s->leaf_life };

	lg_doors_endpoints(p->arena, s, p->doors, &at);
	c.issuer = at.issuer;
	if (!s->dev)
		c.dns_suffixes[c.ndns++] = s->host;
	for (size_t i = 0; i < s->dns_suffixes.n && c.ndns < LG_COUNT(c.dns_suffixes); i++)
		c.dns_suffixes[c.ndns++] = s->dns_suffixes.v[i];
	for (size_t i = 0; i < s->nets.n && c.nnets < LG_COUNT(c.nets); i++)
		c.nnets += lg_ipnet_parse(p->arena, s->nets.v[i], &c.nets[c.nnets]);	/* lg_settings_check has read them */
	return c;
}

lg_err
lg_parent_tenant(struct lg_parent *p)
{
	struct lg_keeper_told t = { .keeper = p->keeper_control, .cx = &p->cx };
	struct lg_ceiling c = ceiling(p);
	lg_str kid;
	bool exists;

	LG_TRY(tenant_exists(p, &exists));
	if (exists)
		return LG_OK;
	return lg_keeper_await(&t, lg_keeper_create_tenant(t.keeper, LG_DEFAULT_TENANT, p->settings.tenant, &c, lg_keeper_told, &t), &kid);
}
