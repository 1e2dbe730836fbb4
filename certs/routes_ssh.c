/* routes_ssh.c: SSH certificates for whoever signs in, and what sshd and ssh must know. */
#include "base/text.h"
#include "certs/profiles.h"
#include "certs/routes.h"
#include "certs/ssh.h"
#include "crypto/ssh.h"

struct wish {
	lg_str key, profile, principals[LG_SSH_PRINCIPALS];
	size_t nprincipals;
	int64_t life;			/* 0: the profile's */
};

static void
read_principals(struct lg_json *js, struct wish *w)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str name = lg_json_str(js);
		if (w->nprincipals == LG_SSH_PRINCIPALS)
			lg_json_fault(js, "too many principals");
		else
			w->principals[w->nprincipals++] = name;
	}
}

static lg_err
read_wish(struct lg_http *ex, struct wish *w)
{
	struct lg_json js;
	lg_str name;

	*w = (struct wish){ .life = 0 };
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("public_key")))
			w->key = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("profile")))
			w->profile = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("principals")))
			read_principals(&js, w);
		else if (lg_str_eq(name, LG_STR("life_seconds")))
			w->life = lg_profile_read_life(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (w->key.n == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "\"public_key\" is missing");
	return LG_OK;
}

lg_err
lg_route_ssh_issue(void *self, struct lg_http *ex)
{
	struct lg_certs_caller caller;
	struct lg_issued issued;
	struct lg_jsonw w;
	struct wish wish;
	lg_str blob, spki, line;

	LG_TRY(lg_routes_who(self, ex, &caller));
	LG_TRY(read_wish(ex, &wish));
	LG_TRY(lg_ssh_line_parse(ex->cx, wish.key, &blob));
	LG_TRY(lg_ssh_key_parse(ex->cx, blob, &spki));
	if (wish.profile.n == 0)
		wish.profile = lg_str_eq(caller.type, LG_STR("Host")) ? LG_STR("ssh-host") : LG_STR("ssh-user");
	struct lg_cert_request rq = { .tenant = ex->tenant, .profile = wish.profile,
		.asker = { .type = caller.type, .id = caller.id, .name = caller.name }, .proof = caller.proof, .entry = caller.id, .spki = spki,
		.ssh = true, .principals = wish.principals, .nprincipals = wish.nprincipals, .life = wish.life };
	LG_TRY(lg_certs_issue(ex->cx, self, &rq, &issued));
	line = lg_ssh_line(ex->cx->arena, issued.cert, caller.name);
	w = lg_routes_begin(ex);
	lg_jsonw_str_of(&w, "certificate", line);
	lg_jsonw_str_of(&w, "serial", lg_serial_text(ex->cx->arena, &issued.serial));
	lg_jsonw_time_of(&w, "expires", issued.expires);
	return lg_routes_end(ex, &w);
}

/* ---- what the others must know ------------------------------------------------------------------------------ */

/* All keys that may still have signed something valid, a line each: TrustedUserCAKeys, known_hosts after "@cert-authority *". */
static lg_err
answer_keys(struct lg_certs *c, struct lg_http *ex, bool host)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	const struct lg_ssh_ca *keys = host ? &ca->ssh_host : &ca->ssh_user;
	lg_http_type(ex, "text/plain; charset=utf-8");
	lg_http_header(ex, "Cache-Control", LG_STR("public, max-age=300"));
	for (size_t i = 0; i < keys->n; i++)
		lg_buf_str(&ex->out, lg_ssh_line(ex->cx->arena, keys->key[i].blob,
		    lg_print(ex->cx->arena, "%.*s-%s-ca", LG_FMT(ca->au.trust_domain), host ? "host" : "user")));
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
lg_route_ssh_user_ca(void *self, struct lg_http *ex)
{
	return answer_keys(self, ex, false);
}

lg_err
lg_route_ssh_host_ca(void *self, struct lg_http *ex)
{
	return answer_keys(self, ex, true);
}

lg_err
lg_route_ssh_krl(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	lg_str krl;

	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_ssh_krl(ex->cx, c, v, ex->tenant, &krl));
	lg_http_type(ex, "application/octet-stream");
	lg_http_header(ex, "Cache-Control", LG_STR("public, max-age=60"));
	lg_buf_str(&ex->out, krl);
	return lg_buf_status(ex->cx, &ex->out);
}
