/* operated.c: the local operator's requests in the server: what needs the store.  On record under a principal of its own. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "server/app_own.h"
#include "server/bootstrap.h"
#include "server/operator.h"
#include "server/point.h"
#include "server/recover.h"
#include "server/tenants.h"

#define TENANT_NAME	63	/* octets: a label of its trust domain */
#define END_PAUSE	1000	/* microseconds */

struct work {
	struct lg_app *app;
	int fd;
};

struct operated {
	struct lg_ctx *cx;
	struct lg_app *app;
	const lg_str *word;		/* what follows the verb */
	struct lg_buf *out;
};

/* ---- tenants ---------------------------------------------------------------------------------------------- */

static lg_err
tenant_list(struct operated *od)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_jsonw w = lg_jsonw_of(od->out);
	struct lg_tenant *t;
	size_t n;

	LG_TRY(lg_view_begin(od->cx, od->app->store, &v));
	LG_TRY(lg_tenant_list(od->cx, v, &t, &n));
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++) {
		const struct lg_tenant_view *known = lg_tenants_get(od->app->tenants, t[i].id);
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "name", t[i].name);
		lg_jsonw_int_of(&w, "id", t[i].id);
		lg_jsonw_str_of(&w, "suffix", t[i].suffix);
		lg_jsonw_str_of(&w, "issuer", known == NULL ? LG_NONE : known->sts.issuer);
		lg_jsonw_str_of(&w, "trust_domain", known == NULL ? LG_NONE : known->trust_domain);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* Lower-case letters, digits and '-', with '.' where there may be several labels. */
static bool
labels(lg_str s, bool dots, size_t most)
{
	bool good = s.n > 0 && s.n <= most && s.p[0] != '-' && s.p[s.n - 1] != '-';

	for (size_t i = 0; good && i < s.n; i++)
		good = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
		    (dots && s.p[i] == '.' && i > 0 && i + 1 < s.n && s.p[i - 1] != '.');
	return good;
}

struct probe {
	struct lg_app *app;
	lg_str name, suffix;
	bool fits;
};

/* Made, and taken back with the change that fails. */
static lg_err
try_tenant(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct probe *p = arg;

	LG_TRY(lg_tenant_add(cx, p->app->directory, v, UINT32_MAX, p->name, p->suffix));
	p->fits = true;
	return lg_fail(cx, LG_E_CONFLICT, "it was only tried");
}

/* Before there are keys: what the store will not take must not leave any behind. */
static lg_err
tenant_check(struct operated *od)
{
	struct probe p = { .app = od->app, .name = od->word[0], .suffix = od->word[1] };
	lg_str domain = od->word[2];

	if (!labels(p.name, false, TENANT_NAME) || lg_str_eq(p.name, LG_STR("default")))
		return lg_fail(od->cx, LG_E_INVALID, "a tenant's name has 1 to %d of a-z, 0-9 and -, and is not \"default\"", TENANT_NAME);
	if (!labels(domain, true, 255))
		return lg_fail(od->cx, LG_E_INVALID, "\"%.*s\" is not a trust domain", LG_FMT(domain));
	lg_err e = lg_store_apply(od->cx, od->app->store, LG_DEFAULT_TENANT, "tenant.check", try_tenant, &p, NULL);
	return p.fits ? LG_OK : e;
}

static lg_err
read_id(struct operated *od, lg_str text, uint32_t *ret)
{
	int64_t n;

	if (!lg_int_parse(text, &n) || n < 1 || n > UINT32_MAX)
		return lg_fail(od->cx, LG_E_INVALID, "\"%.*s\" is no tenant's number", LG_FMT(text));
	*ret = (uint32_t)n;
	return LG_OK;
}

/* In force before it is in the snapshot that requests are held to: nobody sees half a tenant. */
static lg_err
tenant_create(struct operated *od)
{
	struct lg_jsonw w = lg_jsonw_of(od->out);
	struct lg_new_tenant t = { .name = od->word[1], .suffix = od->word[2], .admin = od->app->settings->admin };
	lg_str password;

	LG_TRY(read_id(od, od->word[0], &t.id));
	LG_TRY(lg_tenant_make(od->cx, od->app, &t, &password));
	LG_TRY(lg_point_load(od->cx, od->app->point));
	LG_TRY(lg_tenants_renew(od->cx, od->app));
	const struct lg_tenant_view *view = lg_tenants_get(od->app->tenants, t.id);
	if (view == NULL)
		return lg_fail(od->cx, LG_E_INTERNAL, "the new tenant is not there");
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", t.name);
	lg_jsonw_int_of(&w, "id", t.id);
	lg_jsonw_str_of(&w, "suffix", t.suffix);
	lg_jsonw_str_of(&w, "issuer", view->sts.issuer);
	lg_jsonw_str_of(&w, "trust_domain", view->trust_domain);
	lg_jsonw_str_of(&w, "username", t.admin);
	lg_jsonw_str_of(&w, "password", password);
	lg_jsonw_str_of(&w, "root", lg_pem(od->cx->arena, LG_STR("CERTIFICATE"), view->root));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ---- the keeper ------------------------------------------------------------------------------------------- */

static lg_err
keeper_changed(struct operated *od)
{
	uint32_t tenant = 0;

	if (!lg_str_eq(od->word[0], LG_STR("0")))
		LG_TRY(read_id(od, od->word[0], &tenant));
	if (!lg_str_starts(od->word[1], LG_STR("keeper.")))
		return lg_fail(od->cx, LG_E_INVALID, "\"%.*s\" is nothing of the keeper's", LG_FMT(od->word[1]));
	LG_TRY(lg_tenants_note(od->cx, od->app, tenant, od->word[1].p, od->word[2]));
	/* Another issuing CA, or another root: the listeners' own certificate follows at the next round. */
	__atomic_store_n(&lg_own(od->app)->identity_until, 0, __ATOMIC_RELEASE);
	return lg_tenants_renew(od->cx, od->app);
}

/* Before the keeper takes it: what the server would not believe must not come to be the tenant's. */
static lg_err
ca_check(struct operated *od)
{
	const struct lg_tenant_view *t;
	struct lg_authority au = { .nissuers = 1 };
	uint32_t tenant = 0;

	LG_TRY(read_id(od, od->word[0], &tenant));
	t = lg_tenants_get(od->app->tenants, tenant);
	if (t == NULL)
		return lg_fail(od->cx, LG_E_NOT_FOUND, "there is no such tenant");
	au.trust_domain = t->trust_domain;
	au.leaf_life = t->leaf_life;
	au.root = t->root;
	if (!lg_pem_parse(od->cx->arena, od->word[1], LG_STR("CERTIFICATE"), &au.issuers[0], NULL) ||
	    (od->word[2].n > 0 && !lg_pem_parse(od->cx->arena, od->word[2], LG_STR("CERTIFICATE"), &au.root, NULL)))
		return lg_fail(od->cx, LG_E_INVALID, "not a certificate in PEM");
	return lg_certs_trust_check(od->cx, od->app->certs, &au);
}

struct inventory {
	uint32_t tenant;
	struct lg_buf *out;
};

static bool
one_certificate(void *arg, const struct lg_cert_row *row)
{
	static const lg_sha256 none;
	struct inventory *in = arg;

	if (memcmp(row->sha256.b, none.b, sizeof none.b) == 0)
		return true;		/* pending */
	lg_buf_u32(in->out, in->tenant);
	lg_buf_str(in->out, lg_sha256_str(&row->sha256));
	return !in->out->full;
}

/* Of all tenants: u32 tenant, SHA-256 of the certificate. */
static lg_err
certificates(struct operated *od)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_tenant *t;
	size_t n;

	LG_TRY(lg_view_begin(od->cx, od->app->store, &v));
	LG_TRY(lg_tenant_list(od->cx, v, &t, &n));
	for (size_t i = 0; i < n; i++) {
		struct inventory in = { t[i].id, od->out };
		LG_TRY(lg_cert_list(od->cx, v, t[i].id, NULL, one_certificate, &in));
	}
	return LG_OK;
}

/* ---- recover ---------------------------------------------------------------------------------------------- */

static lg_err
recover(struct operated *od, const char *verb)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_jsonw w = lg_jsonw_of(od->out);
	struct lg_recover rc = { .verb = verb, .argument = od->word[1] };
	struct lg_tenant t;
	lg_str text;

	LG_TRY(lg_view_begin(od->cx, od->app->store, &v));
	lg_err e = od->word[0].n == 0 ? lg_tenant_get(od->cx, v, LG_DEFAULT_TENANT, &t) : lg_tenant_by_name(od->cx, v, od->word[0], &t);
	if (e != LG_OK)
		return lg_fail(od->cx, LG_E_NOT_FOUND, "there is no tenant %.*s", LG_FMT(od->word[0]));
	rc.tenant = t.id;
	lg_view_end(&v);
	lg_store_turn(od->app->store);
	LG_TRY(lg_recover(od->cx, od->app, &rc, &text));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "result", text);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

static lg_err
recover_password(struct operated *od)
{
	return recover(od, "password");
}

static lg_err
recover_rollback(struct operated *od)
{
	return recover(od, "rollback");
}

static lg_err
recover_unlock(struct operated *od)
{
	return recover(od, "unlock");
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	size_t words;			/* after it */
	lg_err (*run)(struct operated *od);
} verbs[] = {
	{ "tenant-list", 0, tenant_list },
	{ "tenant-check", 3, tenant_check },
	{ "tenant-create", 3, tenant_create },
	{ "keeper-changed", 3, keeper_changed },
	{ "ca-check", 3, ca_check },
	{ "certificates", 0, certificates },
	{ "recover-password", 2, recover_password },
	{ "recover-rollback", 2, recover_rollback },
	{ "recover-unlock", 2, recover_unlock },
};

/* The first word says who asks, the second what. */
static lg_err
carry_out(struct lg_ctx *cx, struct lg_app *app, const struct lg_operator_words *w, struct lg_buf *out)
{
	struct operated od = { cx, app, w->word + 2, out };

	for (size_t i = 0; w->n >= 2 && i < LG_COUNT(verbs); i++)
		if (lg_str_eq(w->word[1], lg_str_of(verbs[i].word)) && w->n == 2 + verbs[i].words) {
			struct lg_actor actor = { .kind = LG_ACTOR_RECOVER, .type = LG_STR("Recover"), .name = LG_STR("recover"),
				.address = w->word[0] };
			cx->actor = &actor;
			lg_err e = verbs[i].run(&od);
			cx->actor = &lg_system;
			LG_TRY(e);
			return lg_buf_status(cx, out);
		}
	return lg_fail(cx, LG_E_INVALID, "no such request");
}

static bool
serve_one(struct work *wk)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf out = LG_BUF(LG_OPERATOR_REPLY);
	struct lg_arena *arena = lg_arena_new();
	struct lg_operator_words w;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	bool heard = lg_operator_hear(&cx, wk->fd, &w) == LG_OK;
	if (heard) {
		cx.now = lg_wall();
		lg_err e = carry_out(&cx, wk->app, &w, &out);
		lg_store_turn(wk->app->store);
		lg_operator_reply(&cx, wk->fd, e, lg_buf_view(&out));
	}
	lg_arena_free(&arena);
	return heard;
}

static void
serve(void *arg)
{
	struct work *wk = arg;

	while (serve_one(wk))
		;
	close(wk->fd);
	__atomic_sub_fetch(&lg_own(wk->app)->operated, 1, __ATOMIC_ACQ_REL);
	free(wk);
}

void
lg_operated(struct lg_app *app, int fd)
{
	struct work *wk = calloc(1, sizeof *wk);

	if (wk == NULL)
		abort();
	*wk = (struct work){ app, fd };
	lg_operator_patience(fd, LG_OPERATOR_WORK);
	__atomic_add_fetch(&lg_own(app)->operated, 1, __ATOMIC_ACQ_REL);
	if (lg_pool_submit(app->workers, serve, wk) == LG_OK)
		return;
	lg_log(LG_WARN, "too busy for an operator's request");
	__atomic_sub_fetch(&lg_own(app)->operated, 1, __ATOMIC_ACQ_REL);
	close(fd);
	free(wk);
}

void
lg_operated_end(struct lg_app *app)
{
	while (__atomic_load_n(&lg_own(app)->operated, __ATOMIC_ACQUIRE) > 0)
		usleep(END_PAUSE);
}
