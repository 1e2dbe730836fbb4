/*
 * secret.c: password verifiers.  The entry keeps the id of a blob; the blob is sealed under the tenant's data key with tenant, entry and
 * attribute as associated data, so that it opens nowhere else.
 */
#include "directory/secret.h"

#include "directory/directory.h"
#include "directory/edit.h"
#include "directory/pwd.h"
#include "directory/tenant.h"

/* "1/<entryUUID>/userPassword": made for every bind, so by hand. */
static lg_str
associated(struct lg_arena *a, const struct lg_entry *e)
{
	static const char attribute[] = "/userPassword";
	char text[10 + 1 + LG_UUID_TEXT + 1], *p = text + 10;

	*p = '/';
	for (uint32_t n = e->tenant; n > 0 || p == text + 10; n /= 10)
		*--p = (char)('0' + n % 10);
	lg_uuid_text(e->uuid, text + 11);
	return lg_cat(a, (lg_str){ p, (size_t)(text + 11 + LG_UUID_TEXT - p) }, LG_STR(attribute));
}

bool
lg_verifier_like(lg_str s)
{
	lg_str scheme, rest;

	return lg_str_starts(s, LG_STR("{")) && lg_str_cut(s, '}', &scheme, &rest) && scheme.n > 1 && rest.n > 0;
}

lg_err
lg_blob_id(lg_str stored, lg_uuid *ret)
{
	if (stored.n != sizeof ret->b)
		return LG_E_CORRUPT;
	memcpy(ret->b, stored.p, sizeof ret->b);
	return LG_OK;
}

lg_err
lg_secret_sealed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str verifier, lg_str *ret)
{
	const struct lg_signer *signer = ed->dir->ports.signer;
	const struct lg_secret *key;

	if (!lg_scram_wanted(cx, ed->v, e->tenant))
		lg_str_cut(verifier, '\n', &verifier, &(lg_str){ NULL, 0 });
	if (!lg_verifier_like(verifier) || verifier.n > LG_VERIFIER_MAX)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "userPassword: no verifier of a known form");
	LG_TRY(signer->data_key(signer->self, cx, e->tenant, &key));
	return lg_seal(cx, key, associated(cx->arena, e), verifier, ret);
}

lg_err
lg_secret_seal(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str verifier, lg_str *ret)
{
	lg_uuid id;
	lg_str sealed;

	LG_TRY(lg_secret_sealed(cx, ed, e, verifier, &sealed));
	LG_TRY(lg_blob_put(cx, ed->v, e->tenant, sealed, &id));
	*ret = lg_dup(cx->arena, (lg_str){ (const char *)id.b, sizeof id.b });
	return LG_OK;
}

lg_err
lg_secret_drop(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool deleted)
{
	const struct lg_directory_ports *ports = &ed->dir->ports;
	lg_str stored;
	lg_uuid id;

	if (ports->credential_ended != NULL && !ed->rehash)
		LG_TRY(ports->credential_ended(ports->self, cx, ed->v, e, deleted));
	if (!deleted)
		return LG_OK;		/* lg_pwd_changed keeps it or lets it go */
	LG_TRY(lg_pwd_forget(cx, ed, e));
	if (!lg_entry_first(e, LG_A_USER_PASSWORD, &stored))
		return LG_OK;
	LG_TRY(lg_blob_id(stored, &id));
	lg_err gone = lg_blob_del(cx, ed->v, e->tenant, id);
	return gone == LG_E_NOT_FOUND ? LG_OK : gone;
}

bool
lg_entry_has_verifier(const struct lg_entry *e)
{
	lg_str stored;

	return lg_entry_first(e, LG_A_USER_PASSWORD, &stored);
}

static lg_err
open_all(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, lg_uuid blob, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { 0 };
	const struct lg_signer *signer = dir->ports.signer;
	const struct lg_secret *key;
	lg_str sealed;

	LG_TRY(lg_blob_get(cx, v, e->tenant, blob, &sealed));
	LG_TRY(signer->data_key(signer->self, cx, e->tenant, &key));
	LG_TRY(lg_unseal(cx, key, associated(cx->arena, e), sealed, &plain));
	*ret = lg_dup(cx->arena, (lg_str){ (const char *)plain.p, plain.n });
	return LG_OK;
}

lg_err
lg_secret_open(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, lg_uuid blob, lg_str *ret)
{
	lg_str all, scram;

	LG_TRY(open_all(cx, dir, v, e, blob, &all));
	lg_str_cut(all, '\n', ret, &scram);
	return LG_OK;
}

bool
lg_scram_wanted(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	struct lg_tenant_row t;
	struct lg_entry top;
	lg_str value;

	return lg_tenant_row(cx, v, tenant, &t) == LG_OK && lg_entry_by_id(cx, v, tenant, t.entry, &top) == LG_OK &&
	    lg_entry_first(&top, LG_A_LG_SCRAM, &value) && lg_str_eq(value, LG_STR("TRUE"));
}

lg_err
lg_entry_scram(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, struct lg_scram *ret)
{
	lg_str stored, all, verifier, scram;
	lg_uuid id;

	if (!lg_scram_wanted(cx, v, e->tenant) || !lg_entry_first(e, LG_A_USER_PASSWORD, &stored))
		return LG_E_NOT_FOUND;
	LG_TRY(lg_blob_id(stored, &id));
	LG_TRY(open_all(cx, dir, v, e, id, &all));
	return lg_str_cut(all, '\n', &verifier, &scram) && lg_scram_parse(cx->arena, scram, ret) ? LG_OK : LG_E_NOT_FOUND;
}

lg_err
lg_entry_verifier(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, lg_str *ret)
{
	lg_str stored;
	lg_uuid id;

	if (!lg_entry_first(e, LG_A_USER_PASSWORD, &stored))
		return LG_E_NOT_FOUND;
	LG_TRY(lg_blob_id(stored, &id));
	return lg_secret_open(cx, dir, v, e, id, ret);
}

lg_err
lg_entry_set_verifier(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, lg_str verifier)
{
	struct lg_modification mod = { LG_MODIFY_REPLACE, { LG_STR("userPassword"), &verifier, verifier.n > 0 ? 1 : 0 } };

	return lg_entry_modify(cx, ed, e, &mod, 1, NULL);
}
