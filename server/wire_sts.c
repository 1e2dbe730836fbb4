/* wire_sts.c: entries for those whom identity sources vouch for: found by a name, or made and kept up to date. */
#include "server/wire_sts.h"

#include "lightgate/directory.h"
#include "lightgate/store.h"
#include "server/app_own.h"
#include "server/point.h"
#include "server/tenants.h"

/* ---- workloads: by a name that a rule made ---------------------------------------------------------------------- */

lg_err
lg_wire_entry_at(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_pair *rdn, size_t n, struct lg_entry *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_DN_MAX);
	struct lg_tenant t;

	LG_TRY(lg_tenant_get(cx, v, tenant, &t));
	for (size_t i = 0; i < n; i++) {
		lg_buf_str(&b, rdn[i].name);
		lg_buf_byte(&b, '=');
		lg_buf_str(&b, lg_dn_escaped(cx->arena, rdn[i].value));
		lg_buf_byte(&b, ',');
	}
	lg_buf_str(&b, t.suffix);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_entry_by_dn(cx, v, lg_buf_view(&b), ret));
	return ret->tenant == tenant ? LG_OK : LG_E_NOT_FOUND;
}

/* ---- people -------------------------------------------------------------------------------------------------------- */

struct person {
	struct lg_app *app;
	struct lg_edit ed;
	const struct lg_sts_person *p;
	struct lg_entry e;
	const char *did;		/* for the audit; NULL: nothing was changed */
};

static bool
name_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.'
		    || s.p[i] == '_' || s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= 64;
}

/* The mail address if it was verified and nobody else signs in by it. */
static lg_str
mail_of(struct lg_ctx *cx, struct person *w)
{
	struct lg_entry other;

	if (!w->p->mail_verified || w->p->mail.n == 0 || lg_entry_by_login(cx, w->ed.v, w->ed.tenant, w->p->mail, &other) == LG_OK)
		return LG_NONE;
	return w->p->mail;
}

static lg_err
create(struct lg_ctx *cx, struct person *w)
{
	lg_str name, rest, mail = mail_of(cx, w), source = w->p->source;
	struct lg_values values[3];
	struct lg_entry other;
	size_t n = 0;

	if (!w->p->create)
		return lg_fail(cx, LG_E_DENIED, "source %.*s makes no entries: whoever signs in must be here already", LG_FMT(source));
	(void)lg_str_cut(w->p->name, '@', &name, &rest);
	if (lg_entry_by_name(cx, w->ed.v, w->ed.tenant, LG_TYPE_USER, name, &other) == LG_OK)
		name = lg_print(cx->arena, "%.*s-%.*s", LG_FMT(name), LG_FMT(source));
	if (!name_valid(name))
		return lg_fail(cx, LG_E_DENIED, "source %.*s gives no name that an entry can have", LG_FMT(source));
	values[n++] = (struct lg_values){ LG_STR("lgSource"), &source, 1 };
	if (w->p->display.n > 0)
		values[n++] = (struct lg_values){ LG_STR("displayName"), &w->p->display, 1 };
	if (mail.n > 0)
		values[n++] = (struct lg_values){ LG_STR("mail"), &mail, 1 };
	w->did = "created";
	LG_TRY(lg_entry_create(cx, &w->ed, LG_TYPE_USER, name, values, n, &w->e));
	return mail.n == 0 ? LG_OK : lg_sts_mail_proved(cx, w->ed.v, w->ed.tenant, w->e.uuid, mail);
}

/* An entry that has this address already may be theirs: only policy can say so. */
static lg_err
link_by_mail(struct lg_ctx *cx, struct person *w)
{
	const struct lg_tenant_view *t = lg_tenants_get(w->app->tenants, w->ed.tenant);
	struct lg_question q = { .tenant = w->ed.tenant, .action = "account:link", .ncontext = 3,
		.context = { lg_fact_str("subject_proof", LG_STR("federated")), lg_fact_str("identity_source", w->p->source) } };
	struct lg_verdict verdict;

	if (!w->p->link || !w->p->mail_verified || w->p->mail.n == 0)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_entry_by_login(cx, w->ed.v, w->ed.tenant, w->p->mail, &w->e));
	if (w->e.type != LG_TYPE_USER || t == NULL)
		return LG_E_NOT_FOUND;
	/* The other side proved it; whether our entry did is for policy to look at. */
	q.context[2] = lg_fact_bool("mail_proved", lg_sts_mail_is_proved(cx, w->ed.v, w->ed.tenant, w->e.uuid, w->p->mail));
	q.principal = lg_entry_entity(&w->e);
	q.resource = lg_tenant_entity(t);
	LG_TRY(lg_point_ask(w->app->point, cx, w->ed.v, &q, &verdict));
	if (!verdict.permit)
		return lg_fail(cx, LG_E_DENIED, "account:link: %.*s", LG_FMT(verdict.reason));
	w->did = "linked";
	return LG_OK;
}

static void
note_changed(struct person *w, bool changed)
{
	if (changed && w->did == NULL)
		w->did = "changed";
}

/* Only what the source itself made follows it. */
static lg_err
refresh(struct lg_ctx *cx, struct person *w)
{
	struct lg_modification mod = { LG_MODIFY_REPLACE, { LG_STR("displayName"), &w->p->display, 1 } };
	lg_str made_by;
	bool changed;

	if (!lg_entry_value(&w->e, LG_STR("lgSource"), 0, &made_by) || !lg_str_eq(made_by, w->p->source) || w->p->display.n == 0)
		return LG_OK;
	LG_TRY(lg_entry_modify(cx, &w->ed, &w->e, &mod, 1, &changed));
	note_changed(w, changed);
	return LG_OK;
}

static bool
listed(const lg_str *v, size_t n, lg_str one)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(v[i], one))
			return true;
	return false;
}

static lg_err
set_groups(struct lg_ctx *cx, struct person *w)
{
	for (size_t i = 0; i < w->p->nmanaged; i++) {
		struct lg_entry group;
		lg_err e = lg_entry_by_name(cx, w->ed.v, w->ed.tenant, LG_TYPE_GROUP, w->p->managed[i], &group);

		if (e == LG_OK && listed(w->p->groups, w->p->ngroups, w->p->managed[i]))
			e = lg_member_add(cx, &w->ed, &group, &w->e);
		else if (e == LG_OK)
			e = lg_member_del(cx, &w->ed, &group, &w->e);
		if (e != LG_OK && e != LG_E_NOT_FOUND && e != LG_E_EXISTS)
			return e;
		note_changed(w, e == LG_OK);
	}
	return LG_OK;
}

lg_err
lg_wire_person(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_person *p, lg_uuid known,
    struct lg_entry *ret)
{
	struct person w = { .app = app, .ed = lg_edit_of(app->directory, v, tenant), .p = p };
	lg_err e = lg_uuid_is_nil(known) ? LG_E_NOT_FOUND : lg_entry_by_uuid(cx, v, tenant, known, &w.e);

	if (e == LG_E_NOT_FOUND)
		e = link_by_mail(cx, &w);
	if (e == LG_E_NOT_FOUND)
		e = create(cx, &w);
	LG_TRY(e);
	if (!w.e.enabled)
		return lg_fail(cx, LG_E_DENIED, "the account is disabled");
	LG_TRY(refresh(cx, &w));
	LG_TRY(set_groups(cx, &w));
	if (w.did != NULL)
		lg_audit(v, lg_cat(cx->arena, LG_STR("User/"), w.e.name), lg_print(cx->arena, "{\"source\":\"%.*s\",\"%s\":true}",
		    LG_FMT(p->source), w.did));
	*ret = w.e;
	return LG_OK;
}

/* ---- their own passwords ------------------------------------------------------------------------------------------------- */

/* Policy has the same say as over LDAP; whoever came by a link shows it (amr "link"). */
static lg_err
may_set_own(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool link)
{
	const lg_str amr = LG_STR("link");
	struct lg_question q = { .tenant = e->tenant, .principal = lg_entry_entity(e), .action = "attribute:write",
		.resource.type = LG_STR("Entry"), .nfacts = 3, .ncontext = link ? 3 : 2,
		.context = { lg_fact_str("subject_proof", LG_STR("self")), lg_fact_str("attribute", LG_STR("userPassword")),
		    lg_fact_set("amr", &amr, 1) } };
	struct lg_verdict verdict;
	char owner[LG_UUID_TEXT + 1];

	LG_TRY(lg_entry_dn(cx, v, e, &q.resource.name));
	lg_uuid_text(e->uuid, owner);
	q.facts[0] = lg_fact_str("dn", q.resource.name);
	q.facts[1] = lg_fact_str("class", lg_type_name(e->type));
	q.facts[2] = lg_fact_str("owner", lg_str_of(owner));
	LG_TRY(lg_point_ask(app->point, cx, v, &q, &verdict));
	return verdict.permit ? LG_OK : lg_fail(cx, LG_E_DENIED, "attribute:write: %.*s", LG_FMT(verdict.reason));
}

lg_err
lg_wire_own_password(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str verifier, bool link)
{
	struct lg_edit ed = lg_edit_of(app->directory, v, tenant);
	struct lg_password_facts facts;
	struct lg_entry e;

	LG_TRY(lg_entry_by_uuid(cx, v, tenant, id, &e));
	/* Who proved an old one that another directory keeps must not get one beside it here, which would outlive that. */
	if (!link && !lg_entry_has_verifier(&e))
		return lg_fail(cx, LG_E_DENIED, "the password is kept elsewhere: change it there");
	LG_TRY(may_set_own(app, cx, v, &e, link));
	LG_TRY(lg_password_facts(cx, v, &e, &facts));
	/* A new password ends a lock: of wrong passwords with good reason, of an administrator's it must not. */
	if (facts.by_hand)
		return lg_fail(cx, LG_E_DENIED, "the account is locked by an administrator");
	return lg_entry_set_verifier(cx, &ed, &e, verifier);
}

/* ---- clients that register themselves ----------------------------------------------------------------------------------- */

lg_err
lg_wire_client_may(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who)
{
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, tenant);
	struct lg_question q = { .tenant = tenant, .principal = { who->type, who->id, who->name }, .action = "client:register",
		.record = true, .ncontext = 1, .context = { lg_fact_str("subject_proof", LG_STR("self")) } };
	struct lg_verdict verdict;

	if (t == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such tenant");
	q.resource = lg_tenant_entity(t);
	LG_TRY(lg_point_ask(app->point, cx, v, &q, &verdict));
	return verdict.permit ? LG_OK : lg_fail(cx, LG_E_DENIED, "client:register: %.*s", LG_FMT(verdict.reason));
}

lg_err
lg_wire_client_entry(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who, lg_str name,
    lg_uuid *ret)
{
	struct lg_edit ed = lg_edit_of(app->directory, v, tenant);
	struct lg_entry e;

	LG_TRY(lg_wire_client_may(app, cx, v, tenant, who));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_CLIENT, name, NULL, 0, &e));
	*ret = e.uuid;
	return LG_OK;
}

lg_err
lg_wire_client_gone(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry)
{
	struct lg_edit ed = lg_edit_of(app->directory, v, tenant);
	struct lg_entry e;
	lg_err err = lg_entry_by_uuid(cx, v, tenant, entry, &e);

	if (err == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(err);
	return lg_entry_delete(cx, &ed, &e);
}
