/* doctor.c: what a running service would complain about: authorities and certificates that end, servers elsewhere that do not answer. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define CA_BEFORE (60 * LG_DAY)

struct findings {
	struct cli *c;
	unsigned bad;			/* in all */
	unsigned here;			/* of this check */
};

static void
found(struct findings *f, const char *what, lg_str who, lg_str why)
{
	f->bad++;
	f->here++;
	cli_line(f->c, "BAD  %s %.*s: %.*s", what, LG_FMT(who), LG_FMT(why));
}

static bool
ends_within(struct cli *c, lg_str item, int64_t within)
{
	int64_t at;

	return lg_time_parse(lg_api_member(c->cx, item, "expires"), &at) && at < c->cx->now + within;
}

static void
authority(struct findings *f, lg_str item)
{
	lg_str ends = lg_api_member(f->c->cx, item, "expires");

	if (ends_within(f->c, item, CA_BEFORE))
		found(f, "authority", lg_api_member(f->c->cx, item, "authority"), lg_print(f->c->cx->arena, "it ends %.*s", LG_FMT(ends)));
}

static void
unrenewed(struct findings *f, lg_str item)
{
	struct lg_ctx *cx = f->c->cx;
	lg_str subject = cli_text(f->c, lg_api_raw(cx, item, "subject")), ends = lg_api_member(cx, item, "expires");

	found(f, "certificate", lg_api_member(cx, item, "serial"), lg_print(cx->arena, "%.*s %.*s ends %.*s and nobody renewed it",
	    LG_FMT(lg_api_member(cx, item, "profile")), LG_FMT(subject), LG_FMT(ends)));
}

static void
webhook(struct findings *f, lg_str item)
{
	lg_str error = lg_api_member(f->c->cx, item, "error");

	if (error.n > 0)
		found(f, "webhook", lg_api_member(f->c->cx, item, "name"), error);
}

static void
domain(struct findings *f, lg_str item)
{
	lg_str error = lg_api_member(f->c->cx, item, "error");

	if (error.n > 0)
		found(f, "trust domain", lg_api_member(f->c->cx, item, "trust_domain"), error);
}

static const struct {
	const char *what, *path, *list;
	void (*look)(struct findings *f, lg_str item);
} checks[] = {
	{ "roots and issuing CAs end later than in 60 days", "/v1/certificates/ending", "authorities", authority },
	{ "certificates are renewed in time", "/v1/certificates/ending", "items", unrenewed },
	{ "webhooks are answered", "/v1/webhooks", "items", webhook },
	{ "bundles of other trust domains are fetched", "/v1/federation", "items", domain },
};

static lg_err
check(struct findings *f, size_t i)
{
	struct lg_ctx *cx = f->c->cx;
	struct lg_reply answer;
	struct lg_json js;

	LG_TRY(cli_call(f->c, "GET", lg_str_of(checks[i].path), LG_NONE, &answer));
	f->here = 0;
	lg_json_init(&js, cx->arena, lg_api_raw(cx, answer.body, checks[i].list));
	lg_json_array(&js);
	while (lg_json_item(&js))
		checks[i].look(f, lg_json_raw(&js));
	LG_TRY(lg_json_end(cx, &js));
	if (f->here == 0)
		cli_line(f->c, "ok   %s", checks[i].what);
	return LG_OK;
}

lg_err
cli_doctor(struct cli *c)
{
	struct findings f = { .c = c };

	for (size_t i = 0; i < LG_COUNT(checks); i++)
		LG_TRY(check(&f, i));
	return f.bad == 0 ? LG_OK : lg_fail(c->cx, LG_E_CONFLICT, "%u findings", f.bad);
}
