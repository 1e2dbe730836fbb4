/* api_password_policy.c: GET and PATCH /v1/password-policy: the tenant's rules for passwords, which are an entry of its directory. */
#include "server/api.h"

#include "base/text.h"
#include "lightgate/store.h"

#define POLICY_RDN "cn=password-policy"

enum as { SECONDS, COUNT, FLAG };

static const struct {
	const char *name, *attribute;
	enum as as;
} rules[] = {
	{ "min_length", "pwdMinLength", COUNT },
	{ "max_length", "pwdMaxLength", COUNT },
	{ "check_quality", "pwdCheckQuality", COUNT },
	{ "history", "pwdInHistory", COUNT },
	{ "min_age", "pwdMinAge", SECONDS },
	{ "max_age", "pwdMaxAge", SECONDS },
	{ "expire_warning", "pwdExpireWarning", SECONDS },
	{ "grace_logins", "pwdGraceAuthNLimit", COUNT },
	{ "lockout", "pwdLockout", FLAG },
	{ "lockout_failures", "pwdMaxFailure", COUNT },
	{ "lockout_duration", "pwdLockoutDuration", SECONDS },
	{ "lockout_window", "pwdFailureCountInterval", SECONDS },
	{ "must_change", "pwdMustChange", FLAG },
	{ "allow_user_change", "pwdAllowUserChange", FLAG },
	{ "require_old_password", "pwdSafeModify", FLAG },
};

static lg_err
policy_dn(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str *ret)
{
	struct lg_tenant t;

	LG_TRY(lg_tenant_get(cx, v, tenant, &t));
	*ret = lg_print(cx->arena, POLICY_RDN ",%.*s", LG_FMT(t.suffix));
	return LG_OK;
}

static lg_err
find_policy(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_entry *ret)
{
	lg_str dn;

	LG_TRY(policy_dn(cx, v, tenant, &dn));
	return lg_entry_by_dn(cx, v, dn, ret);
}

lg_err
lg_api_password_policy(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;
	struct lg_entry e;
	lg_str value;
	int64_t n;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	lg_err found = find_policy(ex->cx, v, ex->tenant, &e);
	if (found != LG_OK && found != LG_E_NOT_FOUND)
		return found;
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "defined", found == LG_OK);
	for (size_t i = 0; i < LG_COUNT(rules); i++) {
		bool there = found == LG_OK && lg_entry_value(&e, lg_str_of(rules[i].attribute), 0, &value);
		if (rules[i].as == FLAG)
			lg_jsonw_bool_of(&w, rules[i].name, there ? lg_str_eq(value, LG_STR("TRUE")) : lg_str_eq(lg_str_of(rules[i].name), LG_STR("allow_user_change")));
		else
			lg_jsonw_int_of(&w, rules[i].name, there && lg_int_parse(value, &n) ? n :
			    lg_str_eq(lg_str_of(rules[i].name), LG_STR("check_quality")));
	}
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ---- changing ------------------------------------------------------------------------------------------------------- */

struct change {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_modification mod[LG_COUNT(rules)];
	lg_str value[LG_COUNT(rules)];
	size_t n;
};

static void
read_rule(struct lg_json *js, struct change *c, lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(rules); i++) {
		if (!lg_str_eq(name, lg_str_of(rules[i].name)) || c->n == LG_COUNT(rules))
			continue;
		lg_str *v = &c->value[c->n];
		if (rules[i].as == FLAG) {
			*v = lg_json_bool(js) ? LG_STR("TRUE") : LG_STR("FALSE");
		} else {
			int64_t n = lg_json_int(js);
			if (n < 0 || n > INT32_MAX)
				lg_json_fault(js, "a rule is a number from 0 on");
			*v = lg_print(js->arena, "%lld", (long long)n);
		}
		c->mod[c->n++] = (struct lg_modification){ LG_MODIFY_REPLACE, { lg_str_of(rules[i].attribute), v, 1 } };
		return;
	}
	lg_json_fault(js, "there is no such rule");
}

static lg_err
make_policy(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e)
{
	static const lg_str classes[] = { LG_STR("lgPasswordPolicy"), LG_STR("pwdPolicy") }, attribute = LG_STR("userPassword");
	const struct lg_values values[] = { { LG_STR("objectClass"), classes, 2 }, { LG_STR("pwdAttribute"), &attribute, 1 },
		{ LG_STR("cn"), &(lg_str){ "password-policy", 15 }, 1 } };
	lg_str dn;

	LG_TRY(policy_dn(cx, ed->v, ed->tenant, &dn));
	return lg_entry_add(cx, ed, dn, values, LG_COUNT(values), e);
}

static lg_err
change_policy(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	struct lg_edit ed = lg_edit_of(c->app->directory, v, c->ex->tenant);
	struct lg_entry e;

	LG_TRY(lg_caller_may(c->app, cx, v, &c->who, "admin:write", lg_tenant_entity(c->who.tenant)));
	lg_audit(v, LG_STR("PasswordPolicy"), LG_NONE);
	lg_err found = find_policy(cx, v, c->ex->tenant, &e);
	if (found == LG_E_NOT_FOUND)
		LG_TRY(make_policy(cx, &ed, &e));
	else
		LG_TRY(found);
	return lg_entry_modify(cx, &ed, &e, c->mod, c->n, NULL);
}

lg_err
lg_api_patch_password_policy(void *self, struct lg_http *ex)
{
	struct change c = { .app = self, .ex = ex };
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_rule(&js, &c, name);
	LG_TRY(lg_json_end(ex->cx, &js));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, c.app->store, &v));
		LG_TRY(lg_caller_admin(c.app, ex, v, "admin:write", &c.who));
	}
	LG_TRY(lg_store_apply(ex->cx, c.app->store, ex->tenant, "password-policy.change", change_policy, &c, NULL));
	return lg_api_password_policy(self, ex);
}
