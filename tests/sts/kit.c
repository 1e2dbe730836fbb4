#include "tests/sts/kit.h"

#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mailbox.h"
#include "base/pool.h"
#include "base/text.h"

struct kit kit;

/* ---- the directory ------------------------------------------------------------------------------------ */

static const struct {
	const char *id, *type, *name, *display, *mail, *verifier;
	bool enabled;
} entries[] = {
	{ ALICE_ID, "User", "alice", "Alice Example", "alice@example.org", "plain:alice-password", true },
	{ "b0b00000-0000-4000-8000-000000000002", "User", "bob", "", "", "plain:bob-password", false },
	{ "ca401000-0000-4000-8000-000000000003", "User", "carol", "", "", "plain:carol-password", true },
	{ "c0000000-0000-4000-8000-000000000010", "Client", "portal", "", "", NULL, true },
	{ "c0000000-0000-4000-8000-000000000011", "Client", "spa", "", "", NULL, true },
	{ "50000000-0000-4000-8000-000000000012", "Service", "worker", "", "", NULL, true },
	{ "50000000-0000-4000-8000-000000000013", "Service", "robot", "", "", NULL, true },
	{ "50000000-0000-4000-8000-000000000014", "Service", "bound", "", "", NULL, true },
};
static const lg_str groups[] = { { "staff", 5 }, { "shop-operators", 14 } };

/* What the directory answers lives as long as its snapshot: it is wiped at the end of every turn. */
static struct lg_arena *snapshot;

static void
turn_ends(void)
{
	lg_arena_reset(snapshot);
	lg_store_turn(kit.store);
}

static lg_str
shown(const char *s)
{
	return pthread_equal(pthread_self(), kit.thread) ? lg_dup(snapshot, lg_str_of(s)) : lg_str_of(s);
}

static bool
fill(size_t i, struct lg_sts_subject *ret)
{
	*ret = (struct lg_sts_subject){
		.type = shown(entries[i].type), .name = shown(entries[i].name), .display = shown(entries[i].display),
		.mail = shown(entries[i].mail), .enabled = entries[i].enabled,
	};
	if (i == 0 && kit.alice_disabled)
		ret->enabled = false;
	if (i == 0 && kit.alice_mail != NULL)
		ret->mail = shown(kit.alice_mail);
	return lg_uuid_parse(lg_str_of(entries[i].id), &ret->id);
}

static lg_err
by_login(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_sts_subject *ret)
{
	(void)self; (void)cx; (void)v; (void)tenant;
	for (size_t i = 0; i < LG_COUNT(entries); i++)
		if (lg_str_eq_fold(name, lg_str_of(entries[i].name)) && strcmp(entries[i].type, "User") == 0)
			return fill(i, ret) ? LG_OK : LG_E_INTERNAL;
	return LG_E_NOT_FOUND;
}

static size_t
index_of(lg_uuid id)
{
	for (size_t i = 0; i < LG_COUNT(entries); i++) {
		lg_uuid own;

		if (lg_uuid_parse(lg_str_of(entries[i].id), &own) && lg_uuid_eq(own, id))
			return i;
	}
	return LG_COUNT(entries);
}

static lg_err
by_id(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, bool want_groups,
    struct lg_sts_subject *ret)
{
	size_t i = index_of(id);

	(void)self; (void)cx; (void)v; (void)tenant;
	if (i == LG_COUNT(entries) || (kit.worker_gone && strcmp(entries[i].name, "worker") == 0) || !fill(i, ret))
		return LG_E_NOT_FOUND;
	if (want_groups && i == 0) {
		lg_str *names = LG_NEWS(snapshot, lg_str, LG_COUNT(groups));

		for (size_t g = 0; g < LG_COUNT(groups); g++)
			names[g] = lg_dup(snapshot, groups[g]);
		ret->groups = names;
		ret->ngroups = LG_COUNT(groups);
	}
	return LG_OK;
}

static lg_err
profile(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_sts_profile *ret)
{
	size_t i = index_of(id);

	(void)self; (void)cx; (void)v; (void)tenant;
	if (i == LG_COUNT(entries))
		return LG_E_NOT_FOUND;
	*ret = (struct lg_sts_profile){ .updated = 1700000000 * LG_SECOND };
	if (i == 0) {
		ret->given_name = shown("Alice");
		ret->family_name = shown("Example");
		ret->phone = shown("+1 555 0100");
		ret->street = shown("1 Main Street");
		ret->locality = shown("Springfield");
	}
	return LG_OK;
}

static lg_err
verifier(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *ret)
{
	size_t i = index_of(id);

	(void)self; (void)cx; (void)v; (void)tenant;
	if (i == LG_COUNT(entries) || entries[i].verifier == NULL)
		return LG_E_NOT_FOUND;
	*ret = shown(i == 0 && kit.alice_verifier[0] != '\0' ? kit.alice_verifier : entries[i].verifier);
	return LG_OK;
}

static lg_err
password_least(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, int64_t *least)
{
	(void)self; (void)cx; (void)tenant; (void)id;
	*least = 8;
	return LG_OK;
}

static lg_err
password_make(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, const struct lg_secret *password, lg_str *ret)
{
	(void)self; (void)tenant; (void)id;
	cr_assert_eq(cx->actor->kind, LG_ACTOR_ENTRY, "whose password it is");
	if (password->n < 8)
		return lg_fail(cx, LG_E_INVALID, "a password has at least 8 characters here");
	*ret = lg_print(cx->arena, "plain:%.*s", (int)password->n, (const char *)password->p);
	return LG_OK;
}

/* Alice's alone. */
static lg_err
password_set(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str new, bool link)
{
	char text[LG_UUID_TEXT + 1];

	(void)self;
	cr_assert(lg_view_writable(v) && index_of(id) == 0);
	if (kit.deny)
		return lg_fail(cx, LG_E_DENIED, "attribute:write: no policy permits");
	(void)snprintf(kit.alice_verifier, sizeof kit.alice_verifier, "%.*s", LG_FMT(new));
	kit.by_link = link;
	lg_uuid_text(id, text);
	LG_TRY(lg_sts_revoke(cx, v, tenant, LG_REVOKED_SUBJECT, lg_str_of(text), lg_view_time(v)));
	return lg_sts_password_notice(cx, v, tenant, id);
}

/* The mail server takes it, unless kit.mail_error says otherwise. */
static lg_err
mail_send(void *self, struct lg_ctx *cx, const struct lg_mail_server *to, const struct lg_mail_message *m)
{
	(void)self;
	kit.mail_attempts++;
	(void)snprintf(kit.mail_server, sizeof kit.mail_server, "%.*s:%u %d %.*s %.*s", LG_FMT(to->host), to->port, (int)to->security,
	    LG_FMT(to->username), (int)to->password->n, (const char *)to->password->p);
	if (kit.mail_error != LG_OK)
		return lg_fail(cx, kit.mail_error, "the mail server says no");
	cr_assert_lt(kit.nmails, LG_COUNT(kit.mail));
	kit.mail[kit.nmails++] = lg_dup(kit.arena, lg_print(cx->arena, "%.*s>%.*s\n%.*s", LG_FMT(m->from), LG_FMT(m->to), LG_FMT(m->text)));
	return LG_OK;
}

/* A "certificate" is the text "cert:<entryUUID>". */
static lg_err
peer_entry(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str cert, struct lg_sts_subject *ret)
{
	lg_uuid id;

	if (!lg_str_starts(cert, LG_STR("cert:")) || !lg_uuid_parse(lg_str_sub(cert, 5, cert.n), &id))
		return LG_E_NOT_FOUND;
	return by_id(self, cx, v, tenant, id, false, ret);
}

static lg_err
tenant_port(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_sts_tenant *ret)
{
	(void)self;
	if (tenant != TENANT && tenant != TENANT + 1)
		return lg_fail(cx, LG_E_NOT_FOUND, "no such tenant");
	*ret = (struct lg_sts_tenant){
		.issuer = tenant == TENANT ? LG_STR(ISSUER) : LG_STR(ISSUER "/t/two"),
		.mtls = tenant == TENANT ? LG_STR(ISSUER ":8444") : LG_STR(ISSUER ":8444/t/two"),
		.keys = kit.keys, .keys_revision = kit.keys_revision, .algs = 1u << LG_ALG_ES256 | (kit.no_rs256 ? 0 : 1u << LG_ALG_RS256),
	};
	return LG_OK;
}

/* "cn=robot,ou=services": by its first value. */
static lg_err
subject_at(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_pair *rdn, size_t n, struct lg_sts_subject *ret)
{
	(void)self; (void)cx; (void)v; (void)tenant;
	for (size_t i = 0; n > 0 && i < LG_COUNT(entries); i++)
		if (lg_str_eq(rdn[0].value, lg_str_of(entries[i].name)))
			return fill(i, ret) ? LG_OK : LG_E_INTERNAL;
	return LG_E_NOT_FOUND;
}

/* Whoever is called "up-alice" there is alice here. */
static lg_err
person(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_person *p, lg_uuid known, struct lg_sts_subject *ret)
{
	(void)self; (void)v; (void)tenant;
	kit.person = *p;
	kit.person.name = lg_dup(kit.arena, p->name);
	kit.person.mail = lg_dup(kit.arena, p->mail);
	kit.person.display = lg_dup(kit.arena, p->display);
	kit.person_known = !lg_uuid_is_nil(known);
	if (!lg_str_eq(p->id, LG_STR("up-alice")))
		return lg_fail(cx, LG_E_DENIED, "nobody here");
	return fill(0, ret) ? LG_OK : LG_E_INTERNAL;
}

/* Others' web servers, on threads of the service's own. */
static lg_err
web_ask(void *self, struct lg_ctx *cx, const struct lg_web_request *rq, struct lg_web_reply *ret)
{
	(void)self;
	atomic_fetch_add(&kit.asked, 1);
	if (rq->body.n > 0)
		(void)snprintf(kit.web_post, sizeof kit.web_post, "%.*s", LG_FMT(rq->body));
	for (size_t i = 0; i < kit.nweb && !atomic_load(&kit.web_fails); i++)
		if (lg_str_eq(rq->url, lg_str_of(kit.web[i].url))) {
			*ret = (struct lg_web_reply){ .status = 200, .body = lg_dup(cx->arena, lg_str_of(kit.web[i].body)),
				.max_age = kit.web[i].max_age };
			return LG_OK;
		}
	return lg_fail(cx, LG_E_UNAVAILABLE, "nobody there");
}

void
kit_web(const char *url, const char *body, int64_t max_age)
{
	size_t i = 0;

	while (i < kit.nweb && strcmp(kit.web[i].url, url) != 0)
		i++;
	cr_assert(i < LG_COUNT(kit.web));
	kit.nweb = i == kit.nweb ? i + 1 : kit.nweb;
	kit.web[i].url = url;
	kit.web[i].body = body;
	kit.web[i].max_age = max_age;
}

const char *
kit_jwks(const struct lg_key *k, const char *kid, const char *more)
{
	struct lg_buf b = LG_BUF(8192);
	lg_str jwk;

	lg_pubkey_jwk(lg_key_public(k), lg_str_of(kid), LG_ALG_ES256, &b);
	jwk = lg_dup(kit.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return kit_fmt("{\"keys\":[{%s%.*s]}", more, LG_FMT(lg_str_sub(jwk, 1, jwk.n)));
}

/* Whoever registers gets the entry of "spare", as long as kit.may_register says so. */
static lg_err
client_may(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who)
{
	(void)self; (void)v; (void)tenant;
	if (!kit.may_register && !(kit.alice_may_register && lg_str_eq(who->name, LG_STR("alice"))))
		return lg_fail(cx, LG_E_DENIED, "no policy permits");
	return LG_OK;
}

static lg_err
client_entry(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who, lg_str name, lg_uuid *ret)
{
	cr_assert(lg_view_writable(v) && lg_str_starts(name, LG_STR("r-")) && name.n == 24);
	LG_TRY(client_may(self, cx, v, tenant, who));
	return lg_uuid_parse(LG_STR(SPARE_ID), ret) ? LG_OK : LG_E_INTERNAL;
}

static lg_err
client_gone(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry)
{
	lg_uuid spare;

	(void)self; (void)cx; (void)tenant;
	cr_assert(lg_view_writable(v) && lg_uuid_parse(LG_STR(SPARE_ID), &spare) && lg_uuid_eq(entry, spare));
	kit.clients_gone++;
	return LG_OK;
}

static struct lg_mailbox *
mailbox(void *self)
{
	(void)self;
	return kit.mailbox;
}

/* ---- signer, hasher, decider ----------------------------------------------------------------------------- */

struct asked {
	struct asked *next;
	struct lg_ctx cx;
	lg_str token;
	lg_keeper_done *done;
	void *arg;
};
static struct asked *first_asked, **last_asked = &first_asked;

static lg_str
sign_now(struct lg_ctx *cx, const struct lg_token_request *rq)
{
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_jsonw w = lg_jsonw_of(&b);
	bool rs = rq->alg == LG_ALG_RS256, answer = lg_str_eq(rq->typ, LG_STR("token-introspection+jwt"));
	lg_str token = LG_NONE;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "iss", rq->tenant == TENANT ? LG_STR(ISSUER) : LG_STR(ISSUER "/t/two"));
	if (!answer)
		lg_jsonw_str_of(&w, "sub", rq->subject);
	lg_jsonw_name(&w, LG_STR("aud"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < rq->naudience; i++)
		lg_jsonw_str(&w, rq->audience[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_int_of(&w, "iat", rq->issued / LG_SECOND);
	if (!answer)
		lg_jsonw_int_of(&w, "exp", (rq->issued + rq->life) / LG_SECOND);
	lg_jsonw_str_of(&w, "jti", rq->jti.n > 0 ? rq->jti : lg_token_new(cx->arena));
	if (rq->extra.n > 0) {
		lg_buf_byte(&b, ',');
		lg_buf_str(&b, rq->extra);
	}
	lg_jsonw_object_end(&w);
	cr_assert_eq(lg_jws_sign(cx, rs ? kit.rsa : kit.key, rs ? LG_ALG_RS256 : LG_ALG_ES256, kit_c(rq->typ),
	    rs ? LG_STR("rsa") : LG_STR("ec"), lg_buf_view(&b), &token), LG_OK, "%s", cx->error);
	lg_buf_free(&b);
	kit.signed_tokens++;
	return token;
}

static lg_err
token_async(void *self, const struct lg_token_request *rq, lg_keeper_done *done, void *arg)
{
	struct asked *a = LG_NEW(kit.arena, struct asked);

	(void)self;
	lg_ctx_init(&a->cx, kit.arena);
	*a = (struct asked){ .cx = a->cx, .done = done, .arg = arg };
	a->token = kit.signer_error == LG_OK ? sign_now(&a->cx, rq) : LG_STR("the keeper is gone");
	*last_asked = a;
	last_asked = &a->next;
	return LG_OK;
}

static lg_err
token_wait(void *self, struct lg_ctx *cx, const struct lg_token_request *rq, lg_str *ret)
{
	(void)self;
	*ret = lg_dup(cx->arena, sign_now(&kit.cx, rq));
	return LG_OK;
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	(void)self; (void)cx; (void)tenant;
	*ret = &kit.data_key;
	return LG_OK;
}

static lg_err
verify_wait(void *self, struct lg_ctx *cx, lg_str stored, const struct lg_secret *password, bool *match, bool *upgrade)
{
	lg_str given = { (const char *)password->p, password->n };

	(void)self; (void)cx;
	kit.hashes++;
	kit.wasted_hashes += stored.n == 0;
	*match = stored.n > 6 && lg_str_eq(lg_str_sub(stored, 6, stored.n), given);
	*upgrade = false;
	return LG_OK;
}

static void
note_fact(struct lg_buf *b, const struct lg_fact *f)
{
	lg_buf_printf(b, "%s=%.*s", f->name, LG_FMT(f->s));
	if (f->type == LG_FACT_INT)
		lg_buf_printf(b, "%lld", (long long)f->i);
	for (size_t i = 0; f->type == LG_FACT_SET && i < f->n; i++)
		lg_buf_printf(b, "%s%.*s", i > 0 ? "," : "", LG_FMT(f->set[i]));
	lg_buf_byte(b, ';');
}

static void
note_question(const struct lg_actor *actor, const struct lg_question *q)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(sizeof kit.question - 1);

	lg_buf_printf(&b, "principal=%.*s;resource=%.*s;", LG_FMT(q->principal.name), LG_FMT(q->resource.name));
	for (size_t i = 0; i < q->nfacts; i++)
		note_fact(&b, &q->facts[i]);
	for (size_t i = 0; i < q->ncontext; i++)
		note_fact(&b, &q->context[i]);
	lg_buf_printf(&b, "address=%.*s;", LG_FMT(actor->address));
	(void)snprintf(kit.question, sizeof kit.question, "%.*s", LG_FMT(lg_buf_view(&b)));
}

/* The policy "nobody below kit.policy_acr, and nobody who signed in longer than kit.policy_age seconds ago". */
static bool
is_well_known(const struct lg_question *q)
{
	bool acr = kit.policy_acr == NULL, age = kit.policy_age == 0;

	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, "acr") == 0)
			acr |= kit.policy_acr != NULL && sts_acr_level(q->context[i].s) >= sts_acr_level(lg_str_of(kit.policy_acr));
		else if (strcmp(q->context[i].name, "auth_age") == 0)
			age |= q->context[i].i <= kit.policy_age;
	return acr && age;
}

static lg_err
ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	(void)self; (void)cx;
	cr_assert(v != NULL);
	if (strcmp(q->action, "token:impersonate") == 0) {
		*ret = (struct lg_verdict){ .permit = kit.impersonation, .reason = LG_STR("no policy permits") };
		return LG_OK;
	}
	cr_assert_str_eq(q->action, "token:issue");
	if (!q->record) {		/* would it, hypothetically? */
		*ret = (struct lg_verdict){ .permit = is_well_known(q) };
		return LG_OK;
	}
	kit.decisions++;
	note_question(cx->actor, q);
	kit.question_proof = kit.question_source = LG_NONE;
	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, "subject_proof") == 0)
			kit.question_proof = lg_dup(kit.arena, q->context[i].s);
		else if (strcmp(q->context[i].name, "identity_source") == 0)
			kit.question_source = lg_dup(kit.arena, q->context[i].s);
	*ret = (struct lg_verdict){ .permit = !kit.deny && is_well_known(q), .reason = LG_STR("by \"test\"") };
	return LG_OK;
}

static void
refused(void *self, struct lg_ctx *cx, const struct lg_question *q, lg_str why)
{
	(void)self;
	cr_assert(cx->actor->address.n > 0, "from where");
	kit.refusals++;
	note_question(cx->actor, q);
	kit.refused = lg_dup(kit.arena, q->principal.name);
	kit.refused_why = lg_dup(kit.arena, why);
}

/* ---- the world ----------------------------------------------------------------------------------------------- */

/* The files of web/, as the daemon carries them. */
static void
web_files(struct lg_sts_options *o)
{
	struct lg_sts_file *files = LG_NEWS(kit.arena, struct lg_sts_file, 64);
	glob_t g;

	cr_assert_eq(glob("web/*", 0, NULL, &g), 0);
	cr_assert(g.gl_pathc > 0 && g.gl_pathc <= 64);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		files[i].name = kit_fmt("%s", g.gl_pathv[i]);
		cr_assert_eq(lg_file_read(&kit.cx, files[i].name, 1u << 18, &files[i].text), LG_OK, "%s", kit.cx.error);
	}
	o->files = files;
	o->nfiles = g.gl_pathc;
	globfree(&g);
}

struct put_client {
	struct lg_sts_client client;
	const lg_sha256 *secret;
	enum lg_sts_change change;
};

static lg_err
put_client(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct put_client *p = arg;

	return lg_sts_client_put(cx, v, kit.tenant, &p->client, p->secret, &p->change);
}

lg_err
kit_try(lg_mutation *run, void *arg)
{
	lg_err e = lg_store_apply(&kit.cx, kit.store, kit.tenant, "test", run, arg, NULL);

	turn_ends();
	return e;
}

void
kit_apply(lg_mutation *run, void *arg)
{
	cr_assert_eq(kit_try(run, arg), LG_OK, "%s", kit.cx.error);
}

struct copies {
	const struct lg_table *t;
	uint64_t have, want;
};

static lg_err
add_copies(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	struct copies *f = arg;
	lg_str key, row;

	LG_TRY(lg_table_count(cx, v, f->t, &f->have));
	LG_TRY(lg_scan(cx, v, f->t, LG_NONE, LG_NONE, &c));
	cr_assert(lg_cursor_next(&c, &key, &row));
	row = lg_dup(cx->arena, row);
	for (int i = 0; i < LG_MUTATION_ROWS / 2 && f->have < f->want; i++)
		LG_TRY(lg_put(cx, v, f->t, sts_key(cx->arena, UINT32_MAX, lg_print(cx->arena, "%llu", (unsigned long long)f->have++)), row));
	return LG_OK;
}

void
kit_fill(const struct lg_table *t, uint64_t n)
{
	struct copies f = { .t = t, .want = n };

	do
		kit_apply(add_copies, &f);
	while (f.have < n);
}

void
kit_client(const char *json, const char *secret, const char *entry)
{
	struct put_client p = { .secret = NULL };
	lg_sha256 h = lg_sha256_of(lg_str_of(secret));

	cr_assert_eq(lg_sts_client_read(&kit.cx, lg_str_of(json), NULL, &p.client), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_uuid_parse(lg_str_of(entry), &p.client.entry));
	p.secret = secret == NULL ? NULL : &h;
	kit_apply(put_client, &p);
}

static lg_err
put_source(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	enum lg_sts_change did;

	return lg_sts_source_put(cx, v, kit.tenant, arg, &did);
}

void
kit_source(const char *json)
{
	struct sts_source *s;

	cr_assert_eq(lg_sts_source_read(&kit.cx, kit.sts, kit.tenant, lg_str_of(json), &s), LG_OK, "%s", kit.cx.error);
	kit_apply(put_source, s);
}

static lg_err
put_mail(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	enum lg_sts_change did;

	return lg_sts_mail_put(cx, v, kit.tenant, arg, &did);
}

lg_err
kit_mail(const char *json)
{
	struct sts_mail_settings *s;

	LG_TRY(lg_sts_mail_read(&kit.cx, kit.sts, kit.tenant, lg_str_of(json), &s));
	return kit_try(put_mail, s);
}

static void
make_clients(void)
{
	kit_client("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\",\"https://app.example/cb?x=1\"],"
	    "\"post_logout_redirect_uris\":[\"https://app.example/bye\"],\"audiences\":[\"https://api.example\"]}",
	    PORTAL_SECRET, "c0000000-0000-4000-8000-000000000010");
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\",\"http://127.0.0.1/cb\"],"
	    "\"id_token_alg\":\"RS256\"}", NULL, "c0000000-0000-4000-8000-000000000011");
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"scopes\":[\"read\",\"write\"],\"introspect\":true}",
	    WORKER_SECRET, "50000000-0000-4000-8000-000000000012");
	kit_client(kit_fmt("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks\":%s}", kit_jwks(kit.client_key, "k1", "")), NULL,
	    "50000000-0000-4000-8000-000000000013");
	kit_client("{\"name\":\"bound\",\"type\":\"service\",\"auth\":\"tls_client_auth\"}", NULL,
	    "50000000-0000-4000-8000-000000000014");
}

/* Making one takes a hundred times as long as most tests. */
static const char rsa_pem[] = "-----BEGIN PRIVATE KEY-----\n"
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCmSl/TiLUseoohfiOQcqlp9a6mfMFOA9Xa1m6ty/0hQi5C73cJmIT6De6lLO\n"
	"XEgtXceNg3V4JZmNiDGxniOsrvUkAG+tHw4tUHf4HQvl+MzyLsYHPn66DSNStPf/HD8bQ7AdBKXCwXa+ExrUOLFkieuRowOaLUcwaB1lYgvaDx\n"
	"YVJizIisAwsByJORbwlQJGej20xbRdz/R2aRwjHtmjVi+4XHpsZae32vpIAl9ijW3quwHZzRTexVUiRzK7sVG+9clk9qVsJhl1eSJWOxpi3Qrd\n"
	"D3PzNE5kpNlQmXLXUk3BgQOPxzho/MRrY2HYwYCUnE/bVAD4Qkqj+nMO2oN6qDAgMBAAECggEARqcRAepyt7w01jgm2ietjWSiWQBmjUQZ58n1\n"
	"6ofiO/BHgY8G75/K2Ad1Xt6tnQnN3cfGbfUTYAgN7d5k5/b85CP5Kj4FVyi5RF9Lg6pvJH+Zof71IBPAF7AZf8Snrw4R+oQxwHZbEXR3kMjCCu\n"
	"Vj43RYCSdj5IoeuKmdnHmVWRjF/zTWLZwPEQSRTf2/C4H8meHCTKmdrpXr6aOczkQA5a//3gU18KF8ga2/VHMdX70ZpxyWZU56r/6AkfP0AytO\n"
	"vTvLPQZUreaibQiHznyXmcvhAvjftFHKjX6v1o/WckMgG/Lw3/jQg8j2dJmXNJFAiZl85QZpLzO1S3dCmOwnOQKBgQDZGZnXGkKl7eWoG1dkyM\n"
	"QFj6rz/zoH1fWIFrHzyzlkqX4EzLo1T/qLrh1wtCq+x5PyQBJPvHF985LphscJ4N2GrYUHivCgHUUUKogPTXYJ+3aiwuolzpE9qPJIvdtCIKgy\n"
	"MUE401VIL0s+jgqM+rBGpFdthZBQJakU+ea3EVpNpQKBgQDEFiMwfoHAaF8DmVTfa/EqUemR6vIKgG8qO2kIKK17A5oebqLL2IEQR4t7gYxwUB\n"
	"XIfGOe7Nw16NHhDOEVf2Ghis/HtqNIwkzo1xR7bYjQGhAp+gbKBjgUv9Z+IKiMAtGDHsWh25+u2oCi/Z8jgIaTUt2V0x/HfF8c8vR9eLFvBwKB\n"
	"gD4fLj8323Rhg4K7+CD1temld5SEJtXRKoX7gIYzU8PzIAU9k9bngNjxRKlYVJbswu/h15uLX6pbxWEfWNsBxkHgax2Ca2JVncusc+x1DN7EXu\n"
	"kp/xg8aKENM+8OrKvabmaWY4RgLJoQNma6/Ffk8AX2xrGnM2lLrXs8GwGtbHqlAoGAfHI0SR2wyWU0D/urMtS1zQ8JdrMug925L4tfAG+Ykj7Z\n"
	"/EBpD4hLeQJ/EpZIhCs/d+sB6qYWqBwnv3XGEDe0xapsbiqKfK3b09ZUyHTe5Hv2ED3/Ow4xX3HU9l1RuvI698V61lulf3prM4ZVDloOjseDnA\n"
	"fO3nMfhibnZg5IRdcCgYEAqT9RQs7NntCdbGZdkihCApB5xC/Cb8n3I7+RgEpGTc7GajVR5j71diS9vKBoawN49S7dd5LVudOIzXfvBOmCuTIq\n"
	"5hv4l72k8t5wfbb74sj9kWhSBAUEUV1HtYaFZjC6AAwIS8yAPW6KauEIRsB4ocW5PbKRcrBz0frBzCeUpks=\n"
	"-----END PRIVATE KEY-----\n";

static void
make_keys(void)
{
	struct lg_keyset_key keys[2] = {
		{ .kid = LG_STR("ec"), .alg = LG_ALG_ES256 }, { .kid = LG_STR("rsa"), .alg = LG_ALG_RS256 },
	};

	cr_assert_eq(lg_key_generate(&kit.cx, LG_KEY_P256, &kit.key), LG_OK);
	cr_assert_eq(lg_key_generate(&kit.cx, LG_KEY_P256, &kit.client_key), LG_OK);
	cr_assert_eq(lg_key_from_pem(&kit.cx, lg_str_of(rsa_pem), &kit.rsa), LG_OK, "%s", kit.cx.error);
	keys[0].key = lg_key_public(kit.key);
	keys[1].key = lg_key_public(kit.rsa);
	kit.keys = lg_keyset_new(keys, 2);
	kit.keys_revision = 1;
	kit.data_key = lg_secret_random(32);
}

static void
open_store(void)
{
	const char *tmp = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	struct lg_store_options o = { .tables = lg_sts_tables, .ntables = lg_sts_table_count, .nosync = true,
		.map_size = 64u << 20, .node = LG_STR("test") };
	char store[300], archive[300];

	(void)snprintf(kit.dir, sizeof kit.dir, "%s/sts.XXXXXX", tmp);
	cr_assert(mkdtemp(kit.dir) != NULL);
	(void)snprintf(store, sizeof store, "%s/store", kit.dir);
	(void)snprintf(archive, sizeof archive, "%s/archive", kit.dir);
	cr_assert_eq(lg_dir_make(&kit.cx, store, 0700), LG_OK);
	cr_assert_eq(lg_dir_make(&kit.cx, archive, 0700), LG_OK);
	o.dir = store;
	o.archive = archive;
	cr_assert_eq(lg_store_open(&kit.cx, &o, &kit.store), LG_OK, "%s", kit.cx.error);
}

void
kit_start(void)
{
	struct lg_sts_options o = {
		.ports = { .tenant = tenant_port, .subject_by_login = by_login, .subject_by_id = by_id, .profile = profile, .verifier = verifier,
		    .password_least = password_least, .password_make = password_make, .password_set = password_set, .peer_entry = peer_entry, .subject_at = subject_at, .person = person, .client_may = client_may, .client_entry = client_entry, .client_gone = client_gone, .mailbox = mailbox },
		.decider = { .ask = ask, .refused = refused },
		.signer = { .token = token_async, .token_wait = token_wait, .data_key = data_key },
		.hasher = { .verify_wait = verify_wait },
		.outside = { .ask = web_ask },
		.mailer = { .send = mail_send },
	};

	kit.arena = lg_arena_new();
	snapshot = lg_arena_new();
	lg_ctx_init(&kit.cx, kit.arena);
	kit.address = "10.0.0.7:4711";
	kit.tenant = TENANT;
	kit.thread = pthread_self();
	open_store();
	cr_assert_eq(lg_mailbox_new(&kit.cx, &kit.mailbox), LG_OK);
	make_keys();
	o.store = kit.store;
	cr_assert_eq(lg_pool_new(&kit.cx, 2, 16, 0, 0, &kit.workers), LG_OK);
	o.workers = kit.workers;
	web_files(&o);
	/* As if it ran for a minute. */
	kit.cx.now -= LG_MINUTE;
	cr_assert_eq(lg_sts_new(&kit.cx, &o, &kit.sts), LG_OK, "%s", kit.cx.error);
	kit.cx.now += LG_MINUTE;
	make_clients();
}

void
kit_end(void)
{
	lg_pool_free(&kit.workers);
	lg_store_close(&kit.store);
	lg_sts_free(&kit.sts);
	lg_mailbox_free(&kit.mailbox);
	lg_keyset_unref(&kit.keys);
	lg_key_free(&kit.key);
	lg_key_free(&kit.rsa);
	lg_key_free(&kit.client_key);
	lg_secret_free(&kit.data_key);
	lg_arena_free(&snapshot);
	lg_arena_free(&kit.arena);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

#define HEADERS 8

struct exchange {
	struct lg_http ex;
	struct lg_ctx cx;
	struct lg_peer peer;
	struct lg_actor actor;
	struct lg_pair header[HEADERS];
	size_t nheader;
	bool done;
	lg_err result;
};

static lg_str
header_of(const struct lg_http *ex, const char *name)
{
	const struct exchange *x = ex->server;

	for (size_t i = 0; i < x->nheader; i++)
		if (lg_str_eq_fold(x->header[i].name, lg_str_of(name)))
			return x->header[i].value;
	return LG_STR("");
}

static void
answered(struct lg_http *ex, lg_err e)
{
	cr_assert_eq(e, LG_OK);
	((struct exchange *)ex->server)->done = true;
}

static struct exchange *
new_exchange(const char *method, const char *path, lg_str query, lg_str body)
{
	struct exchange *x = LG_NEW(kit.arena, struct exchange);

	lg_ctx_init(&x->cx, kit.arena);
	x->cx.now += kit.shift;
	x->peer = (struct lg_peer){ .surface = LG_SURFACE_HTTPS, .cert = kit.peer_cert, .shown = kit.peer_shown, .uid = -1, .gid = -1, .pid = -1 };
	(void)snprintf(x->peer.address, sizeof x->peer.address, "%s", kit.address);
	x->actor = (struct lg_actor){ .kind = LG_ACTOR_ANONYMOUS, .tenant = kit.tenant };
	x->cx.actor = &x->actor;
	x->ex = (struct lg_http){
		.cx = &x->cx, .peer = &x->peer, .tenant = kit.tenant, .method = lg_str_of(method), .path = lg_str_of(path),
		.query = query, .body = body, .header = header_of, .done = answered, .out = LG_BUF(LG_HTTP_RESPONSE_MAX), .server = x,
	};
	return x;
}

static void
add_header(struct exchange *x, const char *name, const char *value)
{
	cr_assert(x->nheader < HEADERS);
	x->header[x->nheader++] = (struct lg_pair){ lg_str_of(name), lg_str_of(value) };
}

static bool
path_is(struct lg_http *ex, lg_str route)
{
	if (!lg_str_ends(route, LG_STR("*")))
		return lg_str_eq(ex->path, route);
	route.n--;
	if (!lg_str_starts(ex->path, route))
		return false;
	ex->tail = lg_str_sub(ex->path, route.n, ex->path.n);
	return true;
}

static void
begin(struct exchange *x)
{
	size_t n;
	const struct lg_route *r = lg_sts_routes(&n);

	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(x->ex.method, lg_str_of(r[i].method)) && path_is(&x->ex, lg_str_of(r[i].path))) {
			x->result = r[i].run(kit.sts, &x->ex);
			x->done = x->result != LG_PENDING;
			turn_ends();
			return;
		}
	cr_assert_fail("no route %.*s", LG_FMT(x->ex.path));
}

/* A turn of the loop: what the signer and the store have to say. */
static void
turn(void)
{
	struct pollfd p = { .fd = lg_mailbox_fd(kit.mailbox), .events = POLLIN };
	struct asked *a = first_asked;

	first_asked = NULL;
	last_asked = &first_asked;
	for (; a != NULL; a = a->next)
		a->done(a->arg, kit.signer_error, a->token);
	if (first_asked == NULL && poll(&p, 1, 10) > 0)
		(void)lg_mailbox_drain(kit.mailbox);
	turn_ends();
}

static struct answer
finish(struct exchange *x)
{
	for (int i = 0; !x->done && i < 1000; i++)
		turn();
	cr_assert(x->done, "the request was never answered");
	struct answer a = {
		.status = x->ex.status == 0 ? 200 : x->ex.status, .body = lg_dup(kit.arena, lg_buf_view(&x->ex.out)),
		.ex = &x->ex, .result = x->result == LG_PENDING ? LG_OK : x->result,
	};
	lg_buf_free(&x->ex.out);
	return a;
}

struct answer
kit_send(const char *method, const char *path, lg_str query, lg_str body, ...)
{
	struct exchange *x = new_exchange(method, path, query, body);
	const char *name;
	va_list ap;

	va_start(ap, body);
	while ((name = va_arg(ap, const char *)) != NULL)
		add_header(x, name, va_arg(ap, const char *));
	va_end(ap);
	begin(x);
	return finish(x);
}

struct answer
kit_get(const char *path, const char *query, const char *cookie)
{
	return kit_send("GET", path, lg_str_of(query), LG_NONE, "Cookie", cookie == NULL ? "" : cookie, NULL);
}

struct answer
kit_post(const char *path, const char *body, const char *authorization)
{
	return kit_send("POST", path, LG_NONE, lg_str_of(body), "Content-Type", "application/x-www-form-urlencoded",
	    "Authorization", authorization == NULL ? "" : authorization, NULL);
}

void
kit_post_two(const char *path, const char *body, struct answer ret[2])
{
	struct exchange *x[2];

	for (size_t i = 0; i < 2; i++) {
		x[i] = new_exchange("POST", path, LG_NONE, lg_str_of(body));
		add_header(x[i], "Content-Type", "application/x-www-form-urlencoded");
		begin(x[i]);
	}
	for (size_t i = 0; i < 2; i++)
		ret[i] = finish(x[i]);
}

/* ---- reading answers ----------------------------------------------------------------------------------------------- */

const char *
kit_c(lg_str s)
{
	return lg_dup(kit.arena, s).p;
}

const char *
kit_fmt(const char *fmt, ...)
{
	va_list ap;
	lg_str s;

	va_start(ap, fmt);
	s = lg_vprint(kit.arena, fmt, ap);
	va_end(ap);
	return kit_c(s);
}

const char *
kit_header(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->ex->nheaders; i++)
		if (lg_str_eq_fold(a->ex->headers[i].name, lg_str_of(name)))
			return kit_c(a->ex->headers[i].value);
	return "";
}

lg_str
kit_member(lg_str json, const char *want)
{
	lg_str name, found = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, kit.arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, lg_str_of(want)))
			lg_json_skip(&js);
		else if (lg_json_peek(&js) == LG_JSON_STRING)
			found = lg_json_str(&js);
		else
			found = lg_json_raw(&js);
	}
	cr_assert_eq(lg_json_end(&kit.cx, &js), LG_OK, "%s in %.*s", kit.cx.error, LG_FMT(json));
	return found;
}

lg_str
kit_parameter(const char *url, const char *name)
{
	const char *query = strchr(url, '?');
	struct lg_form f;

	if (query == NULL)
		return LG_NONE;
	cr_assert_eq(lg_form_parse(&kit.cx, lg_str_of(query + 1), &f), LG_OK, "%s", kit.cx.error);
	return lg_form_get(&f, name);
}

static lg_str
percent(lg_str s)
{
	struct lg_buf b = LG_BUF(1u << 16);
	lg_str out;

	lg_buf_percent(&b, s);
	out = lg_dup(kit.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return out;
}

const char *
kit_basic(const char *id, const char *secret)
{
	lg_str plain = lg_print(kit.arena, "%.*s:%.*s", LG_FMT(percent(lg_str_of(id))), LG_FMT(percent(lg_str_of(secret))));

	return kit_fmt("Basic %.*s", LG_FMT(lg_base64(kit.arena, plain)));
}

lg_str
kit_payload(lg_str token)
{
	lg_str header, rest, payload, signature, json;

	cr_assert(lg_str_cut(token, '.', &header, &rest) && lg_str_cut(rest, '.', &payload, &signature));
	cr_assert(lg_base64url_parse(kit.arena, payload, &json));
	return json;
}

lg_str
kit_token(const char *typ, const char *claims)
{
	lg_str token = LG_NONE;

	cr_assert_eq(lg_jws_sign(&kit.cx, kit.key, LG_ALG_ES256, typ, LG_STR("ec"), lg_str_of(claims), &token), LG_OK);
	return token;
}

lg_str
kit_claims(const char *more)
{
	long long now = (long long)(kit.cx.now / LG_SECOND);

	return lg_print(kit.arena, "{%s\"iss\":\"" ISSUER "\",\"sub\":\"" ALICE_ID "\",\"aud\":\"" ISSUER "/v1\",\"iat\":%lld,"
	    "\"exp\":%lld,\"jti\":\"%.*s\"}", more, now, now + 300, LG_FMT(lg_token_new(kit.arena)));
}

/* ---- flows ----------------------------------------------------------------------------------------------------------- */

const char *
kit_authorize_query(const char *client, const char *more)
{
	return kit_fmt("response_type=code&client_id=%s&redirect_uri=%s&scope=openid%%20profile%%20email%%20groups&state=s%%201"
	    "&nonce=n1&code_challenge=" CHALLENGE "&code_challenge_method=S256%s", client,
	    kit_c(percent(LG_STR(REDIRECT))), more);
}

static const char *
input_of(lg_str html, const char *name)
{
	const char *at = strstr(kit_c(html), kit_fmt("name=\"%s\" value=\"", name));

	cr_assert(at != NULL, "no field %s in %.*s", name, LG_FMT(html));
	at = strstr(at, "value=\"") + 7;
	return kit_fmt("%.*s", (int)strcspn(at, "\""), at);
}

static const char *
cookie_of(const struct answer *a, const char *what)
{
	for (size_t i = 0; i < a->ex->nheaders; i++) {
		lg_str v = a->ex->headers[i].value;

		if (lg_str_eq(a->ex->headers[i].name, LG_STR("Set-Cookie"))
		    && lg_str_starts(v, lg_str_of(kit_fmt("__Host-lg-%s-", what))))
			return kit_fmt("%.*s", (int)strcspn(kit_c(v), ";"), v.p);
	}
	cr_assert_fail("no cookie %s", what);
	return "";
}

const char *
kit_sign_in(void)
{
	struct answer page_ = kit_get("/login", "", NULL);
	const char *login = cookie_of(&page_, "login");
	struct answer a = kit_send("POST", "/login", LG_NONE,
	    lg_str_of(kit_fmt("username=alice&password=alice-password&request=&csrf=%s", input_of(page_.body, "csrf"))),
	    "Content-Type", "application/x-www-form-urlencoded", "Cookie", login, NULL);

	assert_status(a, 200);
	return cookie_of(&a, "session");
}

struct answer
kit_allow(const struct answer *page, const char *query, const char *cookie)
{
	return kit_send("POST", "/oauth2/consent", LG_NONE, lg_str_of(kit_fmt("csrf=%s&request=%.*s&answer=allow",
	    input_of(page->body, "csrf"), LG_FMT(percent(lg_str_of(query))))), "Content-Type", "application/x-www-form-urlencoded",
	    "Cookie", cookie, NULL);
}

lg_str
kit_code(const char *client, const char *more, const char *cookie)
{
	struct answer a = kit_get("/oauth2/authorize", kit_authorize_query(client, more), cookie);
	lg_str code;

	assert_status(a, 303);
	code = kit_parameter(kit_header(&a, "Location"), "code");
	cr_assert_eq(code.n, LG_TOKEN_TEXT, "%s", kit_header(&a, "Location"));
	return code;
}

static const char *
credentials(const char *client)
{
	return strcmp(client, "portal") == 0 ? kit_basic("portal", PORTAL_SECRET) : NULL;
}

struct answer
kit_redeem(const char *client, lg_str code)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=%s&client_id=%s"
	    "&code_verifier=" VERIFIER, LG_FMT(code), kit_c(percent(LG_STR(REDIRECT))), client), credentials(client));
}

struct answer
kit_refresh(const char *client, lg_str token, const char *more)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=refresh_token&refresh_token=%.*s&client_id=%s%s", LG_FMT(token),
	    client, more), credentials(client));
}

lg_err
kit_check(lg_str token, const char *audience, struct lg_sts_bearer *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx *cx = LG_NEW(kit.arena, struct lg_ctx);
	lg_err e;

	turn_ends();
	lg_ctx_init(cx, kit.arena);
	cx->now += kit.shift;
	cr_assert_eq(lg_view_begin(cx, kit.store, &v), LG_OK);
	e = lg_sts_token_check(cx, kit.sts, v, kit.tenant, token, lg_str_of(audience), kit.peer_cert, ret);
	(void)snprintf(kit.cx.error, sizeof kit.cx.error, "%s", cx->error);
	return e;
}

/* ---- pages ------------------------------------------------------------------------------------------------------------ */

const char *
kit_field(lg_str html, const char *name)
{
	const char *at = strstr(kit_c(html), kit_fmt("name=\"%s\"", name));

	cr_assert(at != NULL, "no field %s in %.*s", name, LG_FMT(html));
	at = strstr(at, "value=\"") + 7;
	return kit_fmt("%.*s", (int)strcspn(at, "\""), at);
}

const char *
kit_set_cookie(const struct answer *a, const char *what)
{
	for (size_t i = 0; i < a->ex->nheaders; i++)
		if (lg_str_eq(a->ex->headers[i].name, LG_STR("Set-Cookie"))
		    && strstr(kit_c(a->ex->headers[i].value), what) != NULL)
			return kit_c(a->ex->headers[i].value);
	return "";
}

const char *
kit_percent(const char *s)
{
	struct lg_buf b = LG_BUF(1u << 16);
	const char *out;

	lg_buf_percent(&b, lg_str_of(s));
	out = kit_c(lg_buf_view(&b));
	lg_buf_free(&b);
	return out;
}
