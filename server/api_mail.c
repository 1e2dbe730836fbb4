/* api_mail.c: /v1/mail: how a tenant sends mail to its people; what the document means is the token service's business. */
#include "lightgate/store.h"
#include "server/api.h"

struct change {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct sts_mail_settings *mail;	/* NULL: it is deleted */
	enum lg_sts_change did;
};

lg_err
lg_api_mail(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	struct lg_jsonw w = lg_api_json(ex);
	return lg_sts_mail_write(ex->cx, v, ex->tenant, &w);
}

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;

	LG_TRY(lg_caller_may(c->app, cx, v, &c->who, "admin:write", lg_tenant_entity(c->who.tenant)));
	lg_audit(v, LG_STR("Mail"), LG_NONE);
	if (c->mail == NULL)
		return lg_sts_mail_del(cx, v, c->ex->tenant);
	return lg_sts_mail_put(cx, v, c->ex->tenant, c->mail, &c->did);
}

/* PUT /v1/mail: the whole document. */
lg_err
lg_api_put_mail(void *self, struct lg_http *ex)
{
	struct change c = { .app = self, .ex = ex };

	LG_TRY(lg_api_may_write(c.app, ex, &c.who));
	LG_TRY(lg_sts_mail_read(ex->cx, c.app->sts, ex->tenant, ex->body, &c.mail));
	LG_TRY(lg_store_apply(ex->cx, c.app->store, ex->tenant, "mail.put", put, &c, NULL));
	ex->status = c.did == LG_STS_CREATED ? 201 : 200;
	return lg_api_mail(self, ex);
}

lg_err
lg_api_del_mail(void *self, struct lg_http *ex)
{
	struct change c = { .app = self, .ex = ex };

	LG_TRY(lg_api_may_write(c.app, ex, &c.who));
	LG_TRY(lg_store_apply(ex->cx, c.app->store, ex->tenant, "mail.delete", put, &c, NULL));
	ex->status = 204;
	return LG_OK;
}

/* POST /v1/mail {"to": ADDRESS}: does it get through?  The mail server's word is in the answer. */
lg_err
lg_api_try_mail(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	lg_str name, to = LG_NONE;
	struct lg_json js;
	lg_err e;

	LG_TRY(lg_api_may_write(app, ex, &who));
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("to")))
			to = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	e = lg_sts_mail_try(ex->cx, app->sts, ex->tenant, to);
	if (e == LG_E_INVALID || e == LG_E_NOT_FOUND)
		return e;
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "sent", e == LG_OK);
	if (e != LG_OK)
		lg_jsonw_str_of(&w, "why", lg_str_of(ex->cx->error));
	lg_jsonw_object_end(&w);
	return LG_OK;
}
