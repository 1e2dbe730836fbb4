/* world.c: see world.h. */
#include "tests/directory/world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mailbox.h"

_Thread_local struct lg_view *world_view;

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static lg_str
fact(const struct lg_fact *f, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].name, name) == 0)
			return f[i].s;
	return LG_STR("");
}

static bool
fits(const char *rule, lg_str value)
{
	return rule == NULL || lg_str_eq_fold(lg_str_of(rule), value);
}

static lg_err
ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	struct world *w = self;

	(void)cx, (void)v;
	w->asked++;
	*ret = (struct lg_verdict){ .permit = true, .stable = !w->unstable, .general = !w->particular };
	for (size_t i = 0; i < w->ndeny; i++) {
		const struct denial *d = &w->deny[i];
		if (fits(d->action, lg_str_of(q->action)) && fits(d->class, fact(q->facts, q->nfacts, "class")) &&
		    fits(d->dn, fact(q->facts, q->nfacts, "dn")) && fits(d->attribute, fact(q->context, q->ncontext, "attribute")))
			ret->permit = false;
		if (d->dn != NULL)
			ret->general = false;
	}
	return LG_OK;
}

static lg_err
credential_ended(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool deleted)
{
	struct world *w = self;

	(void)cx, (void)v, (void)e;
	w->ended++;
	w->deleted += deleted;
	return LG_OK;
}

static lg_err
attempt_may(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account)
{
	struct world *w = self;

	(void)tenant;
	(void)account;
	cr_assert_gt(address.n, 0);
	return w->refuse_attempts ? lg_fail(cx, LG_E_LIMIT, "wait") : LG_OK;
}

static void
attempt_done(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str address, lg_str account, bool good)
{
	struct world *w = self;

	(void)cx, (void)tenant, (void)address, (void)account;
	w->right += good;
	w->wrong += !good;
}

static lg_err
rights_taken(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	struct world *w = self;

	(void)v, (void)tenant;
	w->taken++;
	return w->refuse_taking ? lg_fail(cx, LG_E_CONFLICT, "nobody would be left") : LG_OK;
}

static void
unindexed(void *self, const struct lg_actor *who, lg_str base, lg_str attribute, uint64_t looked)
{
	struct world *w = self;

	(void)who, (void)base;
	w->unindexed = looked;
	w->unindexed_by = lg_dup(w->arena, attribute);
}

static void
figures(void *self, struct lg_figures *ret)
{
	const struct world *w = self;

	*ret = w->figures;
}

static bool
breached(void *self, lg_str password)
{
	(void)self;
	return lg_str_eq(password, LG_STR("correcthorse"));
}

static uint64_t
revision(void *self, uint32_t tenant)
{
	const struct world *w = self;

	(void)tenant;
	return w->policy;
}

static struct pending_hash *
wait_hash(struct world *w)
{
	cr_assert_lt(w->nhash, LG_COUNT(w->hash));
	w->hash[w->nhash] = (struct pending_hash){ 0 };
	return &w->hash[w->nhash++];
}

static lg_err
verify(void *self, lg_str stored, const struct lg_secret *password, lg_hash_done *done, void *arg)
{
	struct world *w = self;
	struct pending_hash *h;
	lg_str given = { (const char *)password->p, password->n };

	if (w->busy)
		return LG_E_BUSY;
	w->wasted += stored.n == 0;
	h = wait_hash(w);
	h->done = done;
	h->arg = arg;
	h->upgrade = lg_str_starts(stored, LG_STR("{OLDER}"));
	h->match = stored.n > 7 && lg_str_eq(lg_str_sub(stored, 7, stored.n), given);
	return LG_OK;
}

static lg_err
renew(void *self, const lg_str *used, size_t n, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	struct world *w = self;
	struct pending_hash *h;

	if (w->busy)
		return LG_E_BUSY;
	h = wait_hash(w);
	h->made = made;
	h->arg = arg;
	snprintf(h->stored, sizeof h->stored, "{PLAIN}%.*s", (int)password->n, (const char *)password->p);
	for (size_t i = 0; i < n; i++)
		h->used = h->used || lg_str_eq(used[i], lg_str_of(h->stored));
	if (w->scram) {
		lg_str scram;
		LG_TRY(lg_scram_make(&w->cx, password, LG_STR("0123456789abcdef"), LG_SCRAM_ITERATIONS, &scram));
		snprintf(h->stored + strlen(h->stored), sizeof h->stored - strlen(h->stored), "\n%.*s", LG_FMT(scram));
	}
	return LG_OK;
}

static lg_err
hash(void *self, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	return renew(self, NULL, 0, password, made, arg);
}

void
world_hash(struct world *w)
{
	for (size_t i = 0; i < w->nhash; i++) {	/* those that come meanwhile too */
		struct pending_hash h = w->hash[i];
		if (h.done != NULL)
			h.done(h.arg, LG_OK, h.match, h.upgrade);
		else
			h.made(h.arg, h.used ? LG_E_EXISTS : LG_OK, lg_str_of(h.stored));
	}
	w->nhash = 0;
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	struct world *w = self;

	(void)cx, (void)tenant;
	*ret = &w->key;
	return LG_OK;
}

static lg_err
certificate_entry(void *self, struct lg_ctx *cx, struct lg_view *v, lg_str der, struct lg_entry *ret)
{
	struct world *w = self;

	(void)der;
	return lg_entry_by_uuid(cx, v, 1, w->cert_entry, ret);
}

/* ---- start and end -------------------------------------------------------------------------------------------------- */

void
world_start(struct world *w)
{
	const char *tmp = getenv("TMPDIR");
	struct lg_store_options o = { .tables = lg_directory_tables, .ntables = lg_directory_ntables, .node = LG_STR("test"), .nosync = true };

	*w = (struct world){ .arena = lg_arena_new() };
	lg_ctx_init(&w->cx, w->arena);
	w->cx.actor = &lg_system;
	snprintf(w->dir, sizeof w->dir, "%s/world.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert_not_null(mkdtemp(w->dir));
	snprintf(w->store_dir, sizeof w->store_dir, "%s/store", w->dir);
	snprintf(w->archive, sizeof w->archive, "%s/archive", w->dir);
	cr_assert_eq(mkdir(w->store_dir, 0700) | mkdir(w->archive, 0700), 0);
	o.dir = w->store_dir;
	o.archive = w->archive;
	o.map_size = (size_t)1 << 30;
	assert_ok(w, lg_store_open(&w->cx, &o, &w->store));
	assert_ok(w, lg_mailbox_new(&w->cx, &w->mailbox));
	w->key = lg_secret_random(32);
	w->decider = (struct lg_decider){ .self = w, .ask = ask, .revision = revision };
	w->hasher = (struct lg_hasher){ .self = w, .verify = verify, .hash = hash, .renew = renew };
	w->signer = (struct lg_signer){ .self = w, .data_key = data_key };
	w->ports = (struct lg_directory_ports){ &w->decider, &w->hasher, &w->signer, w, certificate_entry, credential_ended,
		attempt_may, attempt_done, rights_taken, breached, unindexed, figures };
	assert_ok(w, lg_directory_open(&w->cx, w->store, &w->ports, &w->dirp));
	assert_ok(w, world_tenant(w, 1, "default", SUFFIX));
}

void
world_end(struct world *w)
{
	char command[300];

	world_unview(w);
	lg_directory_close(&w->dirp);
	lg_store_close(&w->store);
	lg_mailbox_free(&w->mailbox);
	lg_secret_free(&w->key);
	lg_arena_free(&w->arena);
	snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
	cr_assert_eq(system(command), 0);
}

void
world_unview(struct world *w)
{
	lg_view_end(&world_view);
	lg_store_turn(w->store);
}

static struct lg_view *
view(struct world *w)
{
	if (world_view == NULL)
		assert_ok(w, lg_view_begin(&w->cx, w->store, &world_view));
	return world_view;
}

void
world_drain(struct world *w)
{
	struct pollfd p = { .fd = lg_mailbox_fd(w->mailbox), .events = POLLIN };

	world_unview(w);
	world_hash(w);
	while (poll(&p, 1, 100) > 0)
		lg_mailbox_drain(w->mailbox);
}

/* ---- edits ------------------------------------------------------------------------------------------------------------- */

enum what { ADD, MODIFY, DELETE, RENAME, PASSWORD, CREATE, MEMBER, TENANT };

struct change {
	struct world *w;
	enum what what;
	lg_str dn, other, text;
	bool flag;
	enum lg_entry_type type;
	uint32_t id;
	struct lg_values values[64];
	struct lg_modification mods[64];
	size_t n;
	struct lg_edit ed;
	struct lg_entry made;
};

static lg_err
rename_entry(struct lg_ctx *cx, struct lg_edit *ed, struct change *c, struct lg_entry *e)
{
	struct lg_entry superior;

	if (c->other.n > 0)
		LG_TRY(lg_entry_by_dn(cx, ed->v, c->other, &superior));
	return lg_entry_rename(cx, ed, e, c->text, c->flag, c->other.n > 0 ? &superior : NULL);
}

static lg_err
on_entry(struct lg_ctx *cx, struct lg_edit *ed, struct change *c)
{
	struct lg_entry e, other;

	LG_TRY(lg_entry_by_dn(cx, ed->v, c->dn, &e));
	switch (c->what) {
	case MODIFY:
		return lg_entry_modify(cx, ed, &e, c->mods, c->n, &c->flag);
	case DELETE:
		return lg_entry_delete(cx, ed, &e);
	case RENAME:
		return rename_entry(cx, ed, c, &e);
	case PASSWORD:
		return lg_entry_set_verifier(cx, ed, &e, c->text);
	default:
		LG_TRY(lg_entry_by_dn(cx, ed->v, c->other, &other));
		return (c->flag ? lg_member_add : lg_member_del)(cx, ed, &e, &other);
	}
}

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	lg_err e;

	c->ed = lg_edit_of(c->w->dirp, v, 1);
	if (c->what == ADD)
		e = lg_entry_add(cx, &c->ed, c->dn, c->values, c->n, &c->made);
	else if (c->what == CREATE)
		e = lg_entry_create(cx, &c->ed, c->type, c->dn, c->values, c->n, &c->made);
	else if (c->what == TENANT)
		e = lg_tenant_add(cx, c->w->dirp, v, c->id, c->dn, c->other);
	else
		e = on_entry(cx, &c->ed, c);
	return e;
}

static lg_err
apply(struct world *w, struct change *c)
{
	c->w = w;
	world_unview(w);
	return lg_store_apply(&w->cx, w->store, 1, "test", run, c, NULL);
}

static int
result(struct world *w, struct change *c)
{
	lg_err e = apply(w, c);

	if (e == LG_OK)
		return 0;
	return c->ed.result != 0 ? c->ed.result : e == LG_E_NOT_FOUND ? 32 : 80;
}

/* "a: x\na: y\nb: z": values of one attribute in a row are one lg_values. */
static size_t
parse_values(struct world *w, lg_str text, struct lg_values *ret)
{
	lg_str line, name, value, *v = NULL;
	size_t n = 0;
	bool more = text.n > 0;

	while (more) {
		more = lg_str_cut(text, '\n', &line, &text);
		lg_str_cut(line, ':', &name, &value);
		if (name.n == 0)
			continue;
		if (n == 0 || !lg_str_eq(ret[n - 1].attribute, name)) {
			v = LG_NEWS(w->arena, lg_str, 64);
			ret[n++] = (struct lg_values){ name, v, 0 };
		}
		v[ret[n - 1].n++] = lg_str_trim(value);
	}
	return n;
}

int
world_add(struct world *w, const char *dn, const char *ldif)
{
	struct change c = { .what = ADD, .dn = lg_str_of(dn) };

	c.n = parse_values(w, lg_str_of(ldif), c.values);
	return result(w, &c);
}

lg_err
world_create(struct world *w, enum lg_entry_type type, const char *name, const char *ldif, struct lg_entry *ret)
{
	struct change c = { .what = CREATE, .dn = lg_str_of(name), .type = type };

	c.n = parse_values(w, lg_str_of(ldif), c.values);
	LG_TRY(apply(w, &c));
	return lg_entry_by_uuid(&w->cx, view(w), 1, c.made.uuid, ret);
}

int
world_modify(struct world *w, const char *dn, const char *ldif)
{
	static const struct { const char *name; enum lg_modify kind; } kinds[] = {
		{ "add", LG_MODIFY_ADD }, { "delete", LG_MODIFY_DELETE }, { "replace", LG_MODIFY_REPLACE }, { "increment", LG_MODIFY_INCREMENT },
	};
	struct change c = { .what = MODIFY, .dn = lg_str_of(dn) };
	lg_str text = lg_str_of(ldif), line, name, value;
	bool more = true, head = true;

	while (more) {
		more = lg_str_cut(text, '\n', &line, &text);
		if (lg_str_eq(line, LG_STR("-"))) {
			head = true;
			continue;
		}
		lg_str_cut(line, ':', &name, &value);
		if (head) {
			struct lg_modification *m = &c.mods[c.n++];
			for (size_t i = 0; i < LG_COUNT(kinds); i++)
				if (lg_str_eq(name, lg_str_of(kinds[i].name)))
					m->kind = kinds[i].kind;
			m->values = (struct lg_values){ lg_str_trim(value), LG_NEWS(w->arena, lg_str, 64), 0 };
			head = false;
		} else if (name.n > 0) {
			struct lg_values *v = &c.mods[c.n - 1].values;
			((lg_str *)(uintptr_t)v->v)[v->n++] = lg_str_trim(value);
		}
	}
	return result(w, &c);
}

int
world_delete(struct world *w, const char *dn)
{
	struct change c = { .what = DELETE, .dn = lg_str_of(dn) };

	return result(w, &c);
}

int
world_rename(struct world *w, const char *dn, const char *rdn, bool delete_old, const char *superior)
{
	struct change c = { .what = RENAME, .dn = lg_str_of(dn), .text = lg_str_of(rdn), .flag = delete_old, .other = lg_str_of(superior) };

	return result(w, &c);
}

lg_err
world_password(struct world *w, const char *dn, const char *password)
{
	struct change c = { .what = PASSWORD, .dn = lg_str_of(dn), .text = lg_print(w->arena, "{PLAIN}%s", password) };

	return apply(w, &c);
}

lg_err
world_scram(struct world *w, const char *dn, const char *password)
{
	struct lg_secret p = { (uint8_t *)(uintptr_t)password, strlen(password) };
	struct change c = { .what = PASSWORD, .dn = lg_str_of(dn) };
	lg_str scram;

	LG_TRY(lg_scram_make(&w->cx, &p, LG_STR("0123456789abcdef"), LG_SCRAM_ITERATIONS, &scram));
	c.text = lg_print(w->arena, "{PLAIN}%s\n%.*s", password, LG_FMT(scram));
	return apply(w, &c);
}

lg_err
world_member(struct world *w, const char *group, const char *member, bool add)
{
	struct change c = { .what = MEMBER, .dn = lg_str_of(group), .other = lg_str_of(member), .flag = add };

	return apply(w, &c);
}

lg_err
world_tenant(struct world *w, uint32_t id, const char *name, const char *suffix)
{
	struct change c = { .what = TENANT, .id = id, .dn = lg_str_of(name), .other = lg_str_of(suffix) };

	return apply(w, &c);
}

void
world_people(struct world *w)
{
	struct lg_entry e;

	assert_ok(w, world_create(w, LG_TYPE_USER, "alice", "sn: Smith\ncn: Alice Smith\nmail: alice@example.org", &e));
	assert_ok(w, world_create(w, LG_TYPE_USER, "bob", "sn: Jones\ncn: Bob Jones\ntelephoneNumber: +1 23-45", &e));
	assert_ok(w, world_password(w, "uid=alice,ou=people," SUFFIX, "secret"));
	assert_ok(w, world_password(w, "uid=bob,ou=people," SUFFIX, "secret"));
	assert_ok(w, world_create(w, LG_TYPE_GROUP, "admins", "member: uid=bob,ou=people," SUFFIX, &e));
	assert_ok(w, world_create(w, LG_TYPE_GROUP, "staff", "member: uid=alice,ou=people," SUFFIX "\nmember: cn=admins,ou=groups," SUFFIX, &e));
}

/* ---- looking ---------------------------------------------------------------------------------------------------------------- */

struct lg_entry
world_entry(struct world *w, const char *dn)
{
	struct lg_entry e;

	assert_ok(w, lg_entry_by_dn(&w->cx, view(w), lg_str_of(dn), &e));
	return e;
}

bool
world_has(struct world *w, const char *dn)
{
	struct lg_entry e;

	return lg_entry_by_dn(&w->cx, view(w), lg_str_of(dn), &e) == LG_OK;
}

const char *
world_value(struct world *w, const char *dn, const char *attribute)
{
	struct lg_entry e = world_entry(w, dn);
	lg_str v;

	return lg_entry_value(&e, lg_str_of(attribute), 0, &v) ? lg_dup(w->arena, v).p : "";
}
