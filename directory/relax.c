/* relax.c: what is made here otherwise, as who brings entries from elsewhere says it was (draft-zeilenga-ldap-relax-03). */
#include "base/text.h"
#include "directory/directory.h"
#include "directory/edit.h"
#include "directory/entry.h"
#include "directory/events.h"
#include "directory/pwd.h"
#include "directory/secret.h"

bool
lg_is_relaxed(const struct lg_attr *at)
{
	static const uint16_t relaxed[] = { LG_A_ENTRY_UUID, LG_A_CREATE_TIMESTAMP, LG_A_CREATORS_NAME, LG_A_MODIFY_TIMESTAMP, LG_A_MODIFIERS_NAME,
		LG_A_STRUCTURAL_OBJECT_CLASS };

	for (size_t i = 0; at != NULL && i < LG_COUNT(relaxed); i++)
		if (relaxed[i] == at->id)
			return true;
	return false;
}

static bool
take_time(const struct lg_edit *ed, lg_str v, int64_t *ret)
{
	return lg_time_generalized_parse(v, ret) && *ret > 0 && *ret <= lg_view_time(ed->v);
}

lg_err
lg_relaxed_take(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, lg_str v)
{
	struct lg_entry other;
	bool good = true;

	switch (at->id) {
	case LG_A_ENTRY_UUID:
		good = lg_uuid_parse(v, &d->e.uuid) && !lg_uuid_is_nil(d->e.uuid);
		if (good && lg_entry_by_uuid(cx, ed->v, ed->tenant, d->e.uuid, &other) == LG_OK && other.id != d->e.id)
			return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "entryUUID: it is another entry's");
		break;
	case LG_A_CREATE_TIMESTAMP:
		good = take_time(ed, v, &d->e.created);
		break;
	case LG_A_MODIFY_TIMESTAMP:
		good = take_time(ed, v, &d->modified);
		break;
	case LG_A_CREATORS_NAME:
		LG_TRY(lg_value_entry(cx, ed, at, v, &other));
		d->e.creator = other.uuid;
		break;
	case LG_A_MODIFIERS_NAME:
		LG_TRY(lg_value_entry(cx, ed, at, v, &other));
		d->modifier = other.uuid;
		break;
	default:
		d->claimed = v;
	}
	return good ? LG_OK : lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: not a value it could have", LG_FMT(lg_attr_name(at)));
}

lg_err
lg_relaxed_modify(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, const struct lg_modification *mod)
{
	if (mod->kind != LG_MODIFY_REPLACE || mod->values.n != 1)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: has one value, which is replaced by another", LG_FMT(lg_attr_name(at)));
	return lg_relaxed_take(cx, ed, d, at, mod->values.v[0]);
}

lg_err
lg_relaxed_check(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d)
{
	if (d->claimed.n > 0 && lg_class_find(d->claimed) != d->structural)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "structuralObjectClass: the entry is a %s", d->structural->names);
	if (d->modified != 0 && d->modified < d->e.created)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "modifyTimestamp: it was made later");
	return LG_OK;
}

/* Verifiers are sealed for an identity: they would open for the new one no more. */
static lg_err
change_identity(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct lg_pwd_state s;

	LG_TRY(lg_pwd_state_get(cx, ed->v, e->tenant, e->id, &s));
	if (lg_entry_has_verifier(e) || s.nhistory > 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "entryUUID: who has or had a password keeps it");
	return lg_event_gone(cx, ed, e, true);
}

lg_err
lg_relaxed_before(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d, const struct lg_entry *e)
{
	bool other = !lg_uuid_eq(d->e.uuid, e->uuid);

	LG_TRY(lg_relaxed_check(cx, ed, d));
	if (other)
		LG_TRY(change_identity(cx, ed, e));
	/* What was obtained as somebody, or something, else ends. */
	return other || d->e.type != e->type ? lg_secret_drop(cx, ed, e, false) : LG_OK;
}
