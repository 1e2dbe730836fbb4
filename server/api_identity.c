/*
 * api_identity.c: certificates and tokens of workloads, which their host's agent asks for while they run there.
 *
 * A host vouches for nobody by its word: there must be an admission on it that has not ended, and the workload must have an entry,
 * because names come from the directory.  The certificate is an X509-SVID, the token a JWT-SVID (SPIFFE).
 */
#include "server/api_identity.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "certs/names.h"
#include "server/admissions.h"
#include "server/api.h"
#include "server/point.h"

#define TOKEN_LIFE	((int64_t)LG_STS_ACCESS_LIFE * LG_SECOND)
#define AUDIENCE_MAX	512		/* octets of one */
#define FEDERATED_MAX (512u << 10)	/* octets of all bundles of other trust domains that one workload sees */

struct workload {
	struct lg_entity_id entity;
	lg_str spiffe;			/* its name there */
};

/* ---- which workload ------------------------------------------------------------------------------------------- */

static lg_err
name_it(struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *host, const struct lg_entry *e, struct workload *ret)
{
	struct lg_entry project;
	struct lg_spiffe id = { .domain = host->tenant->trust_domain, .type = LG_STR("Workload"), .name = e->name };

	if (lg_entry_reference(cx, v, e, LG_STR("lgProject"), 0, &project) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "workload %.*s has no project, so it has no name of its own", LG_FMT(e->name));
	id.project = project.name;
	ret->entity = (struct lg_entity_id){ LG_STR("Workload"), e->uuid, lg_dup(cx->arena, e->name) };
	return lg_spiffe_print(cx, &id, &ret->spiffe);
}

static lg_err
find(struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *host, lg_str container, struct workload *ret)
{
	struct lg_admission ad;
	struct lg_entry e;
	lg_err err = lg_admission_get(cx, v, host->tenant->id, host->entity.id, container, &ad);

	if (err == LG_E_NOT_FOUND || (err == LG_OK && ad.ended != 0))
		return lg_fail(cx, LG_E_DENIED, "the container has no admission on this host");
	LG_TRY(err);
	LG_TRY(lg_admission_names(cx, v, host->tenant->id, &ad));
	if (lg_uuid_is_nil(ad.entry))
		return lg_fail(cx, LG_E_NOT_FOUND, "workload %.*s has no entry, so it has no identity of its own", LG_FMT(ad.workload));
	LG_TRY(lg_entry_by_uuid(cx, v, host->tenant->id, ad.entry, &e));
	return name_it(cx, v, host, &e, ret);
}

static lg_err
find_now(struct lg_app *app, struct lg_ctx *cx, const struct lg_caller *host, lg_str container, struct workload *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	return find(cx, v, host, container, ret);
}

/* ---- what it believes in --------------------------------------------------------------------------------------- */

struct federation {
	struct lg_app *app;
	struct lg_ctx *cx;
	struct lg_view *view;
	const struct lg_caller *host;
	const struct workload *wl;
	struct lg_jsonw *w;
	size_t room;
	lg_err e;
};

/* Policy says which workload sees which other trust domain; asked for every one of them whenever an identity is given, so not recorded. */
static lg_err
may_see(struct federation *f, lg_str domain, bool *ret)
{
	struct lg_question *q = LG_NEW(f->cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };

	q->tenant = f->host->tenant->id;
	q->principal = f->wl->entity;
	q->action = "bundle:read";
	q->resource = (struct lg_entity_id){ .type = LG_STR("TrustDomain"), .name = domain };
	q->facts[q->nfacts++] = lg_fact_str("domain", domain);
	q->context[q->ncontext++] = lg_fact_str("subject_proof", LG_STR("admission"));
	LG_TRY(lg_point_ask(f->app->point, f->cx, f->view, q, &verdict));
	*ret = verdict.permit;
	return LG_OK;
}

static bool
put_foreign(void *arg, lg_str domain, lg_str bundle)
{
	struct federation *f = arg;
	bool sees = false;

	f->e = may_see(f, domain, &sees);
	if (!sees)
		return f->e == LG_OK;
	if (bundle.n > f->room) {
		lg_log(LG_WARN, "%.*s is not told of trust domain %.*s: bundles of more than %u octets", LG_FMT(f->wl->spiffe), LG_FMT(domain),
		    FEDERATED_MAX);
		return true;
	}
	f->room -= bundle.n;
	lg_jsonw_name(f->w, domain);
	lg_jsonw_raw(f->w, bundle);
	return true;
}

/* Other trust domains that policy lets the workload see, each with its bundle. */
static lg_err
put_federated(struct lg_app *app, struct lg_http *ex, struct lg_jsonw *w, const struct lg_caller *host, const struct workload *wl)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct federation f = { .app = app, .cx = ex->cx, .host = host, .wl = wl, .w = w, .room = FEDERATED_MAX };

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	f.view = v;
	lg_jsonw_name(w, LG_STR("federated"));
	lg_jsonw_object(w);
	LG_TRY(lg_certs_domains(ex->cx, v, host->tenant->id, put_foreign, &f));
	lg_jsonw_object_end(w);
	return f.e;
}

/* The tenant's roots, the newest first, the keys behind its tokens, and other trust domains. */
static lg_err
put_trust(struct lg_app *app, struct lg_http *ex, struct lg_jsonw *w, const struct lg_caller *host, const struct workload *wl)
{
	const struct lg_tenant_view *t = host->tenant;
	lg_str roots = lg_pem(ex->cx->arena, LG_STR("CERTIFICATE"), t->root);

	for (size_t i = 0; i < t->nold_roots; i++)
		roots = lg_cat(ex->cx->arena, roots, lg_pem(ex->cx->arena, LG_STR("CERTIFICATE"), t->old_roots[i]));
	lg_jsonw_str_of(w, "roots", roots);
	lg_jsonw_name(w, LG_STR("token_keys"));
	lg_keyset_jwks(t->sts.keys, w->out);
	w->comma = true;
	return put_federated(app, ex, w, host, wl);
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

struct wanted {
	lg_str csr;			/* PEM */
	struct lg_token_request token;
};

static void
read_audience(struct lg_json *js, struct lg_token_request *rq)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str a = lg_json_str(js);
		if (rq->naudience == LG_AUDIENCES || a.n == 0 || a.n > AUDIENCE_MAX)
			lg_json_fault(js, "an audience that is empty or too long, or too many of them");
		else
			rq->audience[rq->naudience++] = a;
	}
}

static lg_err
read_wanted(struct lg_http *ex, const struct lg_caller *host, bool csr, struct wanted *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct wanted){ .token = {
		.tenant = host->tenant->id, .purpose = LG_PURPOSE_TOKEN, .typ = LG_STR("JWT"), .issued = ex->cx->now,
		.life = TOKEN_LIFE < host->tenant->token_life ? TOKEN_LIFE : host->tenant->token_life,
	} };
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (csr && lg_str_eq(name, LG_STR("csr")))
			ret->csr = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("audience")))
			read_audience(&js, &ret->token);
		else
			lg_json_unknown(&js, name);
	}
	return lg_json_end(ex->cx, &js);
}

/* ---- token ----------------------------------------------------------------------------------------------------------- */

static lg_err
decide(struct lg_app *app, struct lg_ctx *cx, const struct lg_caller *host, lg_str container, const struct lg_token_request *rq,
    struct workload *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_question *q = LG_NEW(cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };
	struct lg_decider d;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	LG_TRY(find(cx, v, host, container, ret));
	q->tenant = host->tenant->id;
	q->principal = ret->entity;
	q->action = "token:issue";
	q->resource = (struct lg_entity_id){ .type = LG_STR("Token"), .name = ret->entity.name };
	q->facts[q->nfacts++] = lg_fact_set("audience", rq->audience, rq->naudience);
	q->facts[q->nfacts++] = lg_fact_set("scopes", NULL, 0);
	q->facts[q->nfacts++] = lg_fact_str("client", ret->entity.name);
	q->context[q->ncontext++] = lg_fact_str("subject_proof", LG_STR("admission"));
	q->record = true;
	lg_point_decider(app->point, &d);
	LG_TRY(d.ask(d.self, cx, v, q, &verdict));
	return verdict.permit ? LG_OK : lg_fail(cx, LG_E_DENIED, "token:issue: %.*s", LG_FMT(verdict.reason));
}

static lg_err
make_token(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container, struct lg_token_request *rq,
    struct workload *wl, lg_str *ret)
{
	if (rq->naudience == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "\"audience\" must say whom the token is for");
	LG_TRY(decide(app, ex->cx, host, container, rq, wl));
	rq->subject = wl->spiffe;
	LG_TRY(app->signer.token_wait(app->signer.self, ex->cx, rq, ret));
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	return LG_OK;
}

static void
put_token(struct lg_jsonw *w, lg_str token, const struct lg_token_request *rq)
{
	lg_jsonw_str_of(w, "token", token);
	lg_jsonw_time_of(w, "expires", rq->issued + rq->life);
}

lg_err
lg_api_workload_token(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container)
{
	struct workload wl;
	struct wanted want;
	lg_str token;

	LG_TRY(read_wanted(ex, host, false, &want));
	LG_TRY(make_token(app, ex, host, container, &want.token, &wl, &token));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "spiffe_id", wl.spiffe);
	put_token(&w, token, &want.token);
	LG_TRY(put_trust(app, ex, &w, host, &wl));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ---- certificate --------------------------------------------------------------------------------------------------- */

static lg_err
certify(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container, lg_str pem, struct workload *wl,
    struct lg_issued *ret)
{
	struct lg_cert_request rq = { .tenant = host->tenant->id, .profile = LG_STR("workload"), .proof = "admission" };
	struct lg_csr csr;
	lg_str der;

	if (!lg_pem_parse(ex->cx->arena, pem, LG_STR("CERTIFICATE REQUEST"), &der, NULL))
		return lg_fail(ex->cx, LG_E_INVALID, "\"csr\" must be a certificate request, PEM");
	LG_TRY(lg_csr_parse(ex->cx, der, &csr));
	LG_TRY(find_now(app, ex->cx, host, container, wl));
	rq.asker = wl->entity;
	rq.entry = wl->entity.id;
	rq.spki = csr.spki;
	return lg_certs_issue(ex->cx, app->certs, &rq, ret);
}

/* The token is an addition: one that policy does not give is left out, and whoever asks for it alone hears why. */
lg_err
lg_api_workload_certificate(struct lg_app *app, struct lg_http *ex, const struct lg_caller *host, lg_str container)
{
	struct lg_issued issued;
	struct workload wl;
	struct wanted want;
	lg_str token;

	LG_TRY(read_wanted(ex, host, true, &want));
	LG_TRY(certify(app, ex, host, container, want.csr, &wl, &issued));
	bool both = want.token.naudience > 0 && make_token(app, ex, host, container, &want.token, &wl, &token) == LG_OK;
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "spiffe_id", wl.spiffe);
	lg_jsonw_str_of(&w, "certificate", lg_pem(ex->cx->arena, LG_STR("CERTIFICATE"), issued.cert));
	lg_jsonw_str_of(&w, "chain", lg_pem(ex->cx->arena, LG_STR("CERTIFICATE"), issued.chain));
	if (both)
		put_token(&w, token, &want.token);
	LG_TRY(put_trust(app, ex, &w, host, &wl));
	lg_jsonw_object_end(&w);
	return LG_OK;
}
