/* schema_own.c: definitions of tenants: their rows, the registry made from them, and changes. */
#include "directory/schema_own.h"

#include "directory/directory.h"
#include "directory/rule.h"
#include "directory/tables.h"

enum { ROW_KEY = 7 };			/* T u8 what u16 id */

static struct lg_dkey
row_key(uint32_t tenant, enum lg_definition what, unsigned id)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u8(&k, (uint8_t)what);
	lg_dkey_u16(&k, (uint16_t)id);
	return k;
}

/* ---- from rows to the registry ------------------------------------------------------------------------------------------ */

static lg_str
registered_text(enum lg_definition what, unsigned id)
{
	const struct lg_attr *at = what == LG_DEFINES_ATTRIBUTE ? lg_attr_of(id) : NULL;
	const struct lg_class *c = what == LG_DEFINES_CLASS ? lg_class_of(id) : NULL;

	return at != NULL ? lg_attr_text(at) : c != NULL ? lg_class_text(c) : LG_NONE;
}

static lg_err
register_one(struct lg_ctx *cx, enum lg_definition what, unsigned id, lg_str text)
{
	struct lg_attr at;
	struct lg_class c;

	if (what == LG_DEFINES_CLASS) {
		LG_TRY(lg_class_parse(cx, text, &c));
		lg_schema_register_class(&c, id, text);
		return LG_OK;
	}
	LG_TRY(lg_attr_parse(cx, text, &at));
	at.id = (uint16_t)id;
	lg_schema_register_attr(&at, text);
	return LG_OK;
}

struct wanted {
	bool attr[LG_ATTR_IDS], class[LG_CLASS_IDS];
};

static bool
decode_key(lg_str key, enum lg_definition *what, unsigned *id)
{
	if (key.n != ROW_KEY)
		return false;
	*what = (enum lg_definition)key.p[4];
	*id = (unsigned)lg_id_of(lg_str_sub(key, 5, 2));
	return *what == LG_DEFINES_ATTRIBUTE ? *id >= LG_ATTR_OWN && *id < LG_ATTR_IDS :
	    *what == LG_DEFINES_CLASS && *id >= LG_CLASS_OWN && *id < LG_CLASS_IDS;
}

/* One pass over all rows: registers what can be understood so far; how many were new. */
static lg_err
pass(struct lg_ctx *cx, struct lg_view *v, struct wanted *w, size_t *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	enum lg_definition what;
	lg_str key, text;
	unsigned id;

	*ret = 0;
	LG_TRY(lg_scan(cx, v, &lg_table_schema, LG_NONE, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &text)) {
		if (!decode_key(key, &what, &id))
			continue;
		(what == LG_DEFINES_ATTRIBUTE ? w->attr : w->class)[id] = true;
		if (!lg_str_eq(registered_text(what, id), text) && register_one(cx, what, id, text) == LG_OK)
			++*ret;
	}
	return LG_OK;
}

static void
drop_others(const struct wanted *w)
{
	for (unsigned id = LG_CLASS_OWN; id < LG_CLASS_IDS; id++)
		if (!w->class[id])
			lg_schema_unregister(LG_DEFINES_CLASS, id);
	for (unsigned id = LG_ATTR_OWN; id < LG_ATTR_IDS; id++)
		if (!w->attr[id])
			lg_schema_unregister(LG_DEFINES_ATTRIBUTE, id);
}

/* A row may need another that comes later (a tenant's superclass): passes are made until nothing is new. */
static lg_err
load(struct lg_ctx *cx, struct lg_view *v)
{
	struct wanted *w = LG_NEW(cx->arena, struct wanted);
	size_t n;

	do
		LG_TRY(pass(cx, v, w, &n));
	while (n > 0);
	drop_others(w);
	return LG_OK;
}

static void
committed(void *arg, struct lg_view *v, const struct lg_head *head, unsigned long domains)
{
	const struct lg_schema_rows_reader *reader = arg;
	LG_AUTO(lg_arena_free) struct lg_arena *a = NULL;
	struct lg_ctx cx;

	(void)head;
	if ((domains >> LG_DOMAIN_SCHEMA & 1) == 0)
		return;
	a = lg_arena_new();
	lg_ctx_init(&cx, a);
	(void)reader->load(&cx, v);		/* what cannot be read now is read at the next start */
}

lg_err
lg_schema_rows_follow(struct lg_ctx *cx, struct lg_store *st, struct lg_schema_rows_reader *reader)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	lg_store_turn(st);
	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(reader->load(cx, v));
	lg_view_end(&v);
	lg_store_turn(st);
	lg_store_on_commit(st, committed, reader);
	return LG_OK;
}

lg_err
lg_schema_follow(struct lg_ctx *cx, struct lg_store *st)
{
	static struct lg_schema_rows_reader reader = { load };

	return lg_schema_rows_follow(cx, st, &reader);
}

bool
lg_attr_usable(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_attr *at)
{
	struct lg_dkey k = row_key(tenant, LG_DEFINES_ATTRIBUTE, at->id);

	return at->id < LG_ATTR_OWN || lg_exists(cx, v, &lg_table_schema, lg_dkey_str(&k));
}

bool
lg_class_usable(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_class *c)
{
	struct lg_dkey k = row_key(tenant, LG_DEFINES_CLASS, lg_class_number(c));

	return lg_class_number(c) < LG_CLASS_OWN || lg_exists(cx, v, &lg_table_schema, lg_dkey_str(&k));
}

/* ---- adding ------------------------------------------------------------------------------------------------------------------ */

/* How many tenants have it, and whether that is one of them. */
static lg_err
count_users(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_definition what, unsigned id, size_t *n, bool *own)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	enum lg_definition w;
	lg_str key, text;
	unsigned i;

	*n = 0;
	*own = false;
	LG_TRY(lg_scan(cx, v, &lg_table_schema, LG_NONE, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &text))
		if (decode_key(key, &w, &i) && w == what && i == id) {
			++*n;
			*own = *own || lg_id_of(lg_str_sub(key, 0, 4)) == tenant;
		}
	return LG_OK;
}

/* What bears one of the names already: its id, or 0. */
static unsigned
bearer(enum lg_definition what, const char *oid, const char *names)
{
	lg_str word = lg_str_of(oid);

	do {
		const struct lg_attr *at = what == LG_DEFINES_ATTRIBUTE ? lg_attr_find(word) : NULL;
		const struct lg_class *c = what == LG_DEFINES_CLASS ? lg_class_find(word) : NULL;
		if (at != NULL)
			return at->id;
		if (c != NULL)
			return lg_class_number(c) == 0 ? LG_CLASS_IDS : lg_class_number(c);
	} while (lg_word_next(&names, &word));
	return 0;
}

static unsigned
first_own(enum lg_definition what)
{
	return what == LG_DEFINES_ATTRIBUTE ? LG_ATTR_OWN : LG_CLASS_OWN;
}

static unsigned
free_id(enum lg_definition what)
{
	unsigned end = what == LG_DEFINES_ATTRIBUTE ? LG_ATTR_IDS : LG_CLASS_IDS;

	for (unsigned id = first_own(what); id < end; id++)
		if (what == LG_DEFINES_ATTRIBUTE ? lg_attr_of(id) == NULL : lg_class_of(id) == NULL)
			return id;
	return 0;
}

static lg_err
parse(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, lg_str text, const char **oid, const char **names)
{
	struct lg_attr at = { .oid = "" };
	struct lg_class c = { .oid = "" };
	lg_err e = what == LG_DEFINES_ATTRIBUTE ? lg_attr_parse(cx, text, &at) : lg_class_parse(cx, text, &c);

	if (e == LG_OK) {
		*oid = what == LG_DEFINES_ATTRIBUTE ? at.oid : c.oid;
		*names = what == LG_DEFINES_ATTRIBUTE ? at.names : c.names;
		return LG_OK;
	}
	ed->result = e == LG_E_LIMIT ? LG_LDAP_ADMIN_LIMIT_EXCEEDED : LG_LDAP_INVALID_SYNTAX;
	return e;
}

static lg_err
put(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, unsigned id, lg_str text)
{
	struct lg_dkey k = row_key(ed->tenant, what, id);
	uint64_t rows;

	LG_TRY(lg_table_count(cx, ed->v, &lg_table_schema, &rows));
	if (rows >= LG_OWN_DEFINITIONS)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "there are %d definitions already", LG_OWN_DEFINITIONS);
	LG_TRY(lg_put(cx, ed->v, &lg_table_schema, lg_dkey_str(&k), text));
	/* At once, so that the next definition of the same change can name it.  Until the commit nobody may use it; if there is none,
	 * the next load drops it. */
	return register_one(cx, what, id, text);
}

lg_err
lg_schema_add(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, lg_str text)
{
	const char *oid = "", *names = "";
	size_t users;
	unsigned id;
	bool own;

	LG_TRY(parse(cx, ed, what, text, &oid, &names));
	while ((id = bearer(what, oid, names)) != 0) {
		LG_TRY(count_users(cx, ed->v, ed->tenant, what, id, &users, &own));
		if (own || id < first_own(what) || id >= LG_ATTR_IDS)
			return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "'%s' or its OID is taken", names);
		if (users > 0 && !lg_str_eq(registered_text(what, id), text))
			return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "'%s' or its OID means something else in this service", names);
		if (users > 0 || lg_str_eq(registered_text(what, id), text))
			return put(cx, ed, what, id, text);
		lg_schema_unregister(what, id);		/* left by a change that was undone */
	}
	id = free_id(what);
	if (id == 0)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "there is no room for another definition");
	return put(cx, ed, what, id, text);
}

/* ---- removing ------------------------------------------------------------------------------------------------------------------ */

/* "( 1.2.3 ..." or "1.2.3" or a name. */
static lg_str
named_by(lg_str text)
{
	lg_str word = lg_str_trim(text);

	if (lg_str_starts(word, LG_STR("(")))
		word = lg_str_trim(lg_str_sub(word, 1, word.n));
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == ' ')
			return lg_str_sub(word, 0, i);
	return word;
}

/* Does a tenant still have it?  What was removed by the same change is registered until the commit. */
static bool
is_there(struct lg_ctx *cx, struct lg_view *v, enum lg_definition what, unsigned id)
{
	size_t users = 1;
	bool own;

	return count_users(cx, v, 0, what, id, &users, &own) != LG_OK || users > 0;
}

static lg_err
attr_needed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, bool *ret)
{
	*ret = true;
	for (unsigned i = LG_CLASS_OWN; i < LG_CLASS_IDS; i++) {
		const struct lg_class *c = lg_class_of(i);
		if (c != NULL && lg_attr_in(lg_class_may(c), at->id) && is_there(cx, ed->v, LG_DEFINES_CLASS, i))
			return LG_OK;
	}
	for (unsigned i = LG_ATTR_OWN; i < LG_ATTR_IDS; i++)
		if (lg_attr_of(i) != NULL && lg_attr_of(i)->sup == at->id && is_there(cx, ed->v, LG_DEFINES_ATTRIBUTE, i))
			return LG_OK;
	return lg_rule_asks(cx, ed->v, ed->tenant, at, ret);
}

/* Entries can only have what a class of theirs allows, so that no entry is looked at for an attribute type. */
static lg_err
class_needed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_class *c, bool *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor cur = { 0 };
	lg_str normal, key, value;
	struct lg_dkey k;

	*ret = true;
	for (unsigned i = LG_CLASS_OWN; i < LG_CLASS_IDS; i++)
		if (lg_class_of(i) != NULL && lg_class_sup(lg_class_of(i)) == c && is_there(cx, ed->v, LG_DEFINES_CLASS, i))
			return LG_OK;
	if (!lg_normal(cx->arena, LG_FORM_OID, lg_class_name(c), &normal))
		return LG_OK;
	k = lg_key_equal(ed->tenant, LG_A_OBJECT_CLASS, normal);
	LG_TRY(lg_scan(cx, ed->v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &cur));
	*ret = lg_cursor_next(&cur, &key, &value);
	return LG_OK;
}

lg_err
lg_schema_del(struct lg_ctx *cx, struct lg_edit *ed, enum lg_definition what, lg_str text)
{
	lg_str name = named_by(text);
	const struct lg_attr *at = what == LG_DEFINES_ATTRIBUTE ? lg_attr_find(name) : NULL;
	const struct lg_class *c = what == LG_DEFINES_CLASS ? lg_class_find(name) : NULL;
	unsigned id = at != NULL ? at->id : c != NULL ? lg_class_number(c) : 0;
	bool needed = false, own;
	size_t users;

	if (at == NULL && c == NULL)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "there is no definition '%.*s'", LG_FMT(lg_str_sub(name, 0, 100)));
	if (id < first_own(what))
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "'%.*s' is part of the service", LG_FMT(name));
	LG_TRY(count_users(cx, ed->v, ed->tenant, what, id, &users, &own));
	if (!own)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "there is no definition '%.*s'", LG_FMT(lg_str_sub(name, 0, 100)));
	if (at != NULL)
		LG_TRY(attr_needed(cx, ed, at, &needed));
	else
		LG_TRY(class_needed(cx, ed, c, &needed));
	if (needed)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "'%.*s' is in use: by entries, by rules of groups, or by other definitions", LG_FMT(name));
	struct lg_dkey k = row_key(ed->tenant, what, id);
	LG_TRY(lg_del(cx, ed->v, &lg_table_schema, lg_dkey_str(&k)));
	return LG_OK;
}
