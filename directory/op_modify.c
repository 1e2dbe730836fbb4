/* op_modify.c: modify (RFC 4511 4.6), modify DN (4.9). */
#include "directory/find.h"
#include "directory/op_write.h"
#include "directory/schema_own.h"

/* ---- modify ---------------------------------------------------------------------------------------------------------- */

static lg_err
edit_modify(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	struct lg_access ac;
	struct lg_entry e;
	lg_str dn;

	LG_TRY(lg_write_find(cx, ed, w->dn, &ac, &e, &dn));
	if (w->op->controls.relax)
		LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_RELAX, &e, dn, NULL));
	ed->relax = w->op->controls.relax;
	for (size_t i = 0; i < w->n; i++) {
		const struct lg_attr *at = lg_attr_find(w->mods[i].values.attribute);
		/* An unknown one is refused by the edit; that it is unknown is no secret. */
		if (at != NULL)
			LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_WRITE, &e, dn, at));
	}
	LG_TRY(lg_write_before(cx, ed, w, &ac, &e, dn));
	LG_TRY(lg_old_still(cx, ed, w, &e));
	LG_TRY(lg_entry_modify(cx, ed, &e, w->mods, w->n, NULL));
	return lg_write_after(cx, ed, w, &e);
}

bool
lg_op_changes_password(struct lg_op *op)
{
	struct lg_ber body = lg_ber_of(op->body), list;

	(void)lg_ber_str(&body, LG_BER_OCTETS);
	list = lg_ber_enter(&body, LG_BER_SEQUENCE);
	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE), attribute;
		(void)lg_ber_int(&one, LG_BER_ENUMERATED);
		attribute = lg_ber_enter(&one, LG_BER_SEQUENCE);
		const struct lg_attr *at = lg_attr_find(lg_ber_str(&attribute, LG_BER_OCTETS));
		if (attribute.bad || at == NULL || at->id != LG_A_USER_PASSWORD)
			return false;
	}
	return !body.bad && !list.bad;
}

/* ---- the schema: definitions are added and deleted, never replaced --------------------------------------------------------- */

static lg_err
edit_definitions(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_modification *mod)
{
	const struct lg_attr *at = lg_attr_find(mod->values.attribute);
	enum lg_definition what = at != NULL && at->id == LG_A_ATTRIBUTE_TYPES ? LG_DEFINES_ATTRIBUTE : LG_DEFINES_CLASS;

	if (at == NULL || (at->id != LG_A_ATTRIBUTE_TYPES && at->id != LG_A_OBJECT_CLASSES))
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "of the schema, attributeTypes and objectClasses can be changed");
	if ((mod->kind != LG_MODIFY_ADD && mod->kind != LG_MODIFY_DELETE) || mod->values.n == 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "definitions are added and deleted one by one");
	for (size_t i = 0; i < mod->values.n; i++)
		LG_TRY(mod->kind == LG_MODIFY_ADD ? lg_schema_add(cx, ed, what, mod->values.v[i]) : lg_schema_del(cx, ed, what, mod->values.v[i]));
	return LG_OK;
}

/* The right is that of writing the attribute at the tenant's suffix: the schema holds for all below it. */
static lg_err
edit_schema(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	struct lg_access ac;
	struct lg_entry e;
	lg_str dn;

	LG_TRY(lg_write_find(cx, ed, w->dn, &ac, &e, &dn));
	for (size_t i = 0; i < w->n; i++) {
		const struct lg_attr *at = lg_attr_find(w->mods[i].values.attribute);
		LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_WRITE, &e, dn, at != NULL ? at : lg_attr_of(LG_A_ATTRIBUTE_TYPES)));
		LG_TRY(edit_definitions(cx, ed, &w->mods[i]));
	}
	return LG_OK;
}

static void
submit_schema(struct lg_op *op, struct lg_write *w)
{
	struct lg_tenant t;
	struct lg_view *v;
	lg_err e;

	if (op->actor.kind != LG_ACTOR_ENTRY) {
		lg_op_code(op, LG_LDAP_STRONGER_AUTH_REQUIRED, "only authenticated users change the schema");
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	e = lg_tenant_get(&op->cx, v, op->actor.tenant, &t);
	if (e == LG_OK)
		w->dn = lg_dup(op->arena, t.suffix);
	lg_view_end(&v);
	w->edit = edit_schema;
	if (e == LG_OK)
		lg_write_submit(op, w, "schema.modify", NULL);
	else
		lg_op_error(op, e, NULL);
}

/* ---- modify ------------------------------------------------------------------------------------------------------------------ */

void
lg_op_modify(struct lg_op *op, struct lg_ber *body)
{
	lg_str dn = lg_ber_str(body, LG_BER_OCTETS), *password = NULL;
	struct lg_ber list = lg_ber_enter(body, LG_BER_SEQUENCE);
	struct lg_write *w = lg_write_new(op, dn, edit_modify);

	w->mods = LG_NEWS(op->arena, struct lg_modification, lg_ber_count(&list));
	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE), attribute;
		struct lg_modification *mod = &w->mods[w->n++];
		int64_t kind = lg_ber_int(&one, LG_BER_ENUMERATED);
		attribute = lg_ber_enter(&one, LG_BER_SEQUENCE);
		mod->kind = (enum lg_modify)kind;
		if (one.bad || kind < 0 || kind > LG_MODIFY_INCREMENT || !lg_write_values(op, &attribute, &mod->values))
			list.bad = true;
		else if (kind == LG_MODIFY_DELETE ? !lg_write_old(op, w, &mod->values) : !lg_write_password(op, &mod->values, dn, &password))
			return;
	}
	if (body->bad || list.bad)
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed modify request");
	else if (lg_is_subschema(dn))
		submit_schema(op, w);
	else
		lg_write_submit(op, w, "entry.modify", password);
}

/* ---- modify DN ------------------------------------------------------------------------------------------------------------- */

static lg_err
edit_rename(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	struct lg_access ac, to;
	struct lg_entry e, superior;
	struct lg_rdn rdn;
	lg_str dn, above;

	LG_TRY(lg_write_find(cx, ed, w->dn, &ac, &e, &dn));
	LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_RENAME, &e, dn, NULL));
	if (!lg_rdn_parse(cx->arena, w->rdn, &rdn))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid new RDN");
	if (w->has_superior) {
		lg_err found = lg_write_find(cx, ed, w->superior, &to, &superior, &above);
		if (found != LG_OK) {
			ed->matched = LG_NONE;		/* it would be of another name than the request's entry */
			return found;
		}
		LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_ADD, &e, lg_dn_below(cx->arena, lg_rdn_text(cx->arena, &rdn), above), NULL));
	}
	LG_TRY(lg_write_before(cx, ed, w, &ac, &e, dn));
	LG_TRY(lg_entry_rename(cx, ed, &e, w->rdn, w->delete_old, w->has_superior ? &superior : NULL));
	return lg_write_after(cx, ed, w, &e);
}

void
lg_op_rename(struct lg_op *op, struct lg_ber *body)
{
	struct lg_write *w = lg_write_new(op, lg_ber_str(body, LG_BER_OCTETS), edit_rename);
	struct lg_dn superior;
	struct lg_rdn rdn;

	w->rdn = lg_ber_str(body, LG_BER_OCTETS);
	w->delete_old = lg_ber_bool(body, LG_BER_BOOLEAN);
	w->has_superior = lg_ber_peek(body) == LG_BER_CONTEXT(0);
	if (w->has_superior)
		w->superior = lg_ber_str(body, LG_BER_CONTEXT(0));
	if (body->bad)
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed modify DN request");
	else if (!lg_rdn_parse(op->arena, w->rdn, &rdn) || !lg_rdn_known(&rdn))
		lg_op_code(op, LG_LDAP_INVALID_DN, "invalid new RDN");
	else if (w->has_superior && !lg_dn_parse(op->arena, w->superior, &superior))
		lg_op_code(op, LG_LDAP_INVALID_DN, "invalid new superior DN");
	else
		lg_write_submit(op, w, "entry.rename", NULL);
}
