/*
 * pwd_state.c: what is kept of an entry's password beside the entry.  The verifiers of the history stay the sealed blobs they were; the
 * row holds their ids.
 */
#include "directory/pwd.h"

#include "base/text.h"
#include "directory/directory.h"
#include "directory/secret.h"
#include "directory/tables.h"

enum { STATE_VERSION = 1, FLAG_RESET = 1, FLAG_STRANGERS = 2 };

/* ---- the row --------------------------------------------------------------------------------------------------------- */

static bool
decode(lg_str row, struct lg_pwd_state *ret)
{
	struct lg_rd rd = lg_rd_of(row);
	bool known = lg_rd_u8(&rd) == STATE_VERSION;
	unsigned flags = lg_rd_u8(&rd);
	struct lg_pwd_state s = { .reset = (flags & FLAG_RESET) != 0, .strangers = (flags & FLAG_STRANGERS) != 0 };

	s.changed = (int64_t)lg_rd_u64(&rd);
	s.locked = (int64_t)lg_rd_u64(&rd);
	s.ngrace = lg_rd_u8(&rd);
	s.nknown = lg_rd_u8(&rd);
	s.nhistory = lg_rd_u8(&rd);
	if (!known || s.ngrace > LG_PWD_GRACES || s.nknown > LG_PWD_KNOWN || s.nhistory > LG_PWD_HISTORY)
		return false;
	for (size_t i = 0; i < s.ngrace; i++)
		s.grace[i] = (int64_t)lg_rd_u64(&rd);
	for (size_t i = 0; i < s.nknown; i++)
		s.known[i] = lg_rd_u64(&rd);
	for (size_t i = 0; i < s.nhistory; i++) {
		s.history[i].time = (int64_t)lg_rd_u64(&rd);
		lg_str blob = lg_rd_bytes(&rd, sizeof s.history[i].blob.b);
		if (!rd.bad)
			memcpy(s.history[i].blob.b, blob.p, blob.n);
	}
	if (!lg_rd_done(&rd))
		return false;
	*ret = s;
	return true;
}

lg_err
lg_pwd_state_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, struct lg_pwd_state *ret)
{
	struct lg_dkey k = lg_key_id(tenant, id);
	lg_str row;
	lg_err e = lg_get(cx, v, &lg_table_password, lg_dkey_str(&k), &row);

	*ret = (struct lg_pwd_state){ 0 };
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	return decode(row, ret) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "what is kept of a password of tenant %u does not decode", tenant);
}

lg_err
lg_pwd_state_put(struct lg_ctx *cx, struct lg_edit *ed, uint64_t id, const struct lg_pwd_state *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_dkey k = lg_key_id(ed->tenant, id);

	lg_buf_byte(&b, STATE_VERSION);
	lg_buf_byte(&b, (char)((s->reset ? FLAG_RESET : 0) | (s->strangers ? FLAG_STRANGERS : 0)));
	lg_buf_u64(&b, (uint64_t)s->changed);
	lg_buf_u64(&b, (uint64_t)s->locked);
	lg_buf_byte(&b, (char)s->ngrace);
	lg_buf_byte(&b, (char)s->nknown);
	lg_buf_byte(&b, (char)s->nhistory);
	for (size_t i = 0; i < s->ngrace; i++)
		lg_buf_u64(&b, (uint64_t)s->grace[i]);
	for (size_t i = 0; i < s->nknown; i++)
		lg_buf_u64(&b, s->known[i]);
	for (size_t i = 0; i < s->nhistory; i++) {
		lg_buf_u64(&b, (uint64_t)s->history[i].time);
		lg_buf_bytes(&b, s->history[i].blob.b, sizeof s->history[i].blob.b);
	}
	return lg_put(cx, ed->v, &lg_table_password, lg_dkey_str(&k), lg_dup(cx->arena, lg_buf_view(&b)));
}

/* ---- changes ------------------------------------------------------------------------------------------------------------ */

static lg_err
drop_blob(struct lg_ctx *cx, struct lg_edit *ed, lg_uuid id)
{
	lg_err gone = lg_blob_del(cx, ed->v, ed->tenant, id);

	return gone == LG_E_NOT_FOUND ? LG_OK : gone;
}

/* Keeps the newest `most`. */
static lg_err
cut_history(struct lg_ctx *cx, struct lg_edit *ed, struct lg_pwd_state *s, size_t most)
{
	while (s->nhistory > most)
		LG_TRY(drop_blob(cx, ed, s->history[--s->nhistory].blob));
	return LG_OK;
}

static lg_err
remember(struct lg_ctx *cx, struct lg_edit *ed, struct lg_pwd_state *s, size_t most, lg_uuid blob)
{
	if (most == 0) {
		LG_TRY(cut_history(cx, ed, s, 0));
		return drop_blob(cx, ed, blob);
	}
	LG_TRY(cut_history(cx, ed, s, most - 1));
	memmove(&s->history[1], &s->history[0], s->nhistory * sizeof s->history[0]);
	s->history[0].time = s->changed;
	s->history[0].blob = blob;
	s->nhistory++;
	return LG_OK;
}

lg_err
lg_pwd_changed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str old, bool has)
{
	bool owner = cx->actor->kind == LG_ACTOR_ENTRY && lg_uuid_eq(cx->actor->id, e->uuid);
	struct lg_pwd_policy p;
	struct lg_pwd_state s;
	lg_uuid blob;

	if (ed->rehash)
		return old.n == 0 ? LG_OK : lg_blob_id(old, &blob) != LG_OK ? LG_OK : drop_blob(cx, ed, blob);
	LG_TRY(lg_pwd_policy_get(cx, ed->v, e, &p));
	LG_TRY(lg_pwd_state_get(cx, ed->v, e->tenant, e->id, &s));
	if (old.n > 0 && lg_blob_id(old, &blob) == LG_OK)
		LG_TRY(remember(cx, ed, &s, has ? (size_t)p.in_history : 0, blob));
	s.changed = has ? lg_view_time(ed->v) : 0;
	s.locked = 0;
	s.strangers = false;
	s.ngrace = 0;
	s.reset = has && !owner && p.must_change;
	return lg_pwd_state_put(cx, ed, e->id, &s);
}

lg_err
lg_pwd_forget(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	struct lg_pwd_state s;

	LG_TRY(lg_pwd_state_get(cx, ed->v, e->tenant, e->id, &s));
	LG_TRY(cut_history(cx, ed, &s, 0));
	lg_err gone = lg_del(cx, ed->v, &lg_table_password, lg_dkey_str(&k));
	return gone == LG_E_NOT_FOUND ? LG_OK : gone;
}

/* "000001010000Z": only an administrator unlocks it (draft 5.3.3). */
static bool
locked_since(lg_str text, int64_t *ret)
{
	if (lg_str_starts(text, LG_STR("00000101"))) {
		*ret = LG_PWD_FOREVER;
		return true;
	}
	return lg_time_generalized_parse(text, ret) && *ret > LG_PWD_FOREVER;
}

lg_err
lg_pwd_modify(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_attr *at, const struct lg_modification *mod,
    bool *changed)
{
	bool set = mod->kind != LG_MODIFY_DELETE && mod->values.n == 1, lock = at->id == LG_A_PWD_LOCKED;
	struct lg_pwd_state s;
	int64_t since = 0;

	if (mod->kind == LG_MODIFY_INCREMENT || (mod->kind != LG_MODIFY_DELETE && mod->values.n > 1) || (mod->kind == LG_MODIFY_ADD && !set))
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s has one value", LG_FMT(lg_attr_name(at)));
	if (set && lock && !locked_since(mod->values.v[0], &since))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value is no time", LG_FMT(lg_attr_name(at)));
	if (set && !lock && !lg_syntaxes[LG_SYN_BOOLEAN].check(cx->arena, mod->values.v[0]))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value is no Boolean", LG_FMT(lg_attr_name(at)));
	LG_TRY(lg_pwd_state_get(cx, ed->v, e->tenant, e->id, &s));
	if (mod->kind == LG_MODIFY_DELETE && !(lock ? s.locked != 0 : s.reset))
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "%.*s: no such attribute", LG_FMT(lg_attr_name(at)));
	if (lock) {
		s.locked = since;
		s.strangers = false;
	} else {
		s.reset = set && lg_str_eq(mod->values.v[0], LG_STR("TRUE"));
	}
	if (lock && since == 0)
		lg_pwd_uncount(ed->dir->counts, e->tenant, e->id, 0);
	*changed = true;
	return lg_pwd_state_put(cx, ed, e->id, &s);
}

/* ---- what a new one must not be ---------------------------------------------------------------------------------------------- */

lg_err
lg_pwd_used(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_pwd_policy *p, const struct lg_entry *e,
    lg_str ret[LG_HASH_USED], size_t *n)
{
	struct lg_pwd_state s;

	*n = 0;
	if (p->in_history == 0)
		return LG_OK;
	LG_TRY(lg_pwd_state_get(cx, v, e->tenant, e->id, &s));
	if (lg_entry_verifier(cx, dir, v, e, &ret[*n]) == LG_OK)
		++*n;
	for (size_t i = 0; i < s.nhistory && i < (size_t)p->in_history; i++)
		if (lg_secret_open(cx, dir, v, e, s.history[i].blob, &ret[*n]) == LG_OK)
			++*n;
	return LG_OK;
}
