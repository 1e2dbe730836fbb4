/* account.c: GET and POST /account: what is one's own, seen and ended: sessions, second factors, consents. */
#include "sts/account.h"
#include "sts/consent.h"

#include <stdlib.h>

#include "base/text.h"

#define SESSIONS	64	/* that are shown */

/* ---- the page ---------------------------------------------------------------------------------------------------------- */

static lg_str
id_text(struct lg_arena *a, lg_uuid id)
{
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(id, text);
	return lg_dup(a, lg_str_of(text));
}

struct word {
	const char *said, *known;
};

static const char *
find_word(const char *text, const struct word *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, words[i].said) != NULL)
			return words[i].known;
	return NULL;
}

/* What a browser says that it is is long; people know these words of it. */
static lg_str
agent_name(struct sts_rq *rq, lg_str agent)
{
	static const struct word browsers[] = {
		{ "Firefox", "Firefox" }, { "FxiOS", "Firefox" }, { "Edg", "Edge" }, { "OPR", "Opera" }, { "CriOS", "Chrome" },
		{ "Chrome", "Chrome" }, { "Safari", "Safari" }, { "curl", "curl" },
	};
	static const struct word systems[] = {
		{ "Android", "Android" }, { "iPhone", "iPhone" }, { "iPad", "iPad" }, { "Windows", "Windows" }, { "Mac OS X", "macOS" },
		{ "CrOS", "ChromeOS" }, { "Linux", "Linux" },
	};
	const char *text = lg_dup(rq->cx->arena, agent).p;
	const char *browser = find_word(text, browsers, LG_COUNT(browsers)), *system = find_word(text, systems, LG_COUNT(systems));

	if (browser == NULL)
		return sts_text(rq, "account.some-browser");
	return lg_print(rq->cx->arena, "%s%s%s", browser, system == NULL ? "" : ", ", system == NULL ? "" : system);
}

static int
newest_first(const void *x, const void *y)
{
	const struct sts_session *a = x, *b = y;

	return (a->began < b->began) - (a->began > b->began);
}

static lg_err
list_sessions(struct sts_account *ac, struct sts_rows *ret)
{
	struct sts_rq *rq = ac->rq;
	struct lg_arena *a = rq->cx->arena;
	struct sts_slot *s = LG_NEWS(a, struct sts_slot, 5 * SESSIONS);
	struct sts_session *live = LG_NEWS(a, struct sts_session, SESSIONS);
	lg_uuid *ids = LG_NEWS(a, lg_uuid, SESSIONS);
	size_t n, shown = 0;

	LG_TRY(sts_sessions_of(rq->cx, rq->view, rq->tenant_id, ac->subject.id, ids, SESSIONS, &n));
	for (size_t i = 0; i < n; i++)
		if (sts_session_live(rq->cx, rq->view, rq->tenant_id, ids[i], &live[shown]) == LG_OK)
			shown++;
	qsort(live, shown, sizeof *live, newest_first);
	for (size_t i = 0; i < shown; i++) {
		struct sts_slot *row = s + 5 * i;

		row[0] = (struct sts_slot){ .name = "id", .value = id_text(a, live[i].id) };
		row[1] = (struct sts_slot){ .name = "agent", .value = agent_name(rq, live[i].agent) };
		row[2] = (struct sts_slot){ .name = "address", .value = sts_address_host(live[i].address) };
		row[3] = (struct sts_slot){ .name = "since", .value = sts_minute(a, live[i].began) };
		row[4] = (struct sts_slot){ .name = "this", .value = lg_uuid_eq(live[i].id, ac->session.id) ? LG_STR("1") : LG_NONE };
	}
	*ret = (struct sts_rows){ s, 5, shown };
	return LG_OK;
}

static void
list_passkeys(struct sts_account *ac, struct sts_rows *ret)
{
	struct lg_arena *a = ac->rq->cx->arena;
	struct sts_slot *s = LG_NEWS(a, struct sts_slot, 4 * STS_FACTORS);
	size_t n = 0;

	for (size_t i = 0; i < ac->set.n; i++) {
		const struct sts_factor *f = &ac->set.v[i];

		if (f->kind != STS_FACTOR_PASSKEY)
			continue;
		s[4 * n] = (struct sts_slot){ .name = "id", .value = id_text(a, f->id) };
		s[4 * n + 1] = (struct sts_slot){ .name = "key", .value = f->name };
		s[4 * n + 2] = (struct sts_slot){ .name = "since", .value = sts_minute(a, f->created) };
		s[4 * n + 3] = (struct sts_slot){ .name = "used", .value = f->used == 0 ? LG_NONE : sts_minute(a, f->used) };
		n++;
	}
	*ret = (struct sts_rows){ s, 4, n };
}

/* What was done just now, as the address says; it names one of a few messages and nothing else. */
static lg_str
what_was_done(struct sts_account *ac)
{
	static const char *const deeds[] = { "end-session", "end-others", "remove-factor", "withdraw", "password" };
	lg_str said = lg_form_get(&ac->rq->form, "done");

	for (size_t i = 0; i < LG_COUNT(deeds); i++)
		if (lg_str_eq(said, lg_str_of(deeds[i])))
			return sts_text(ac->rq, lg_print(ac->rq->cx->arena, "done.%s", deeds[i]).p);
	return LG_NONE;
}

static lg_err
show(struct sts_account *ac, int status, const char *problem)
{
	struct sts_rows sessions = { NULL, 0, 0 }, passkeys, consents = { NULL, 0, 0 };
	struct sts_rq *rq = ac->rq;
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = list_sessions(ac, &sessions);
	if (e == LG_OK)
		e = sts_consent_list(rq, ac->subject.id, &consents);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	LG_TRY(e);
	list_passkeys(ac, &passkeys);
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = ac->csrf }, { .name = "problem", .value = sts_text(rq, problem) },
		{ .name = "done", .value = problem == NULL ? what_was_done(ac) : LG_NONE }, { .name = "name", .value = ac->subject.name }, { .name = "display", .value = ac->subject.display },
		{ .name = "mail", .value = ac->subject.mail },
		{ .name = "password", .value = ac->password ? LG_STR("1") : LG_NONE },
		{ .name = "totp", .value = ac->set.totp ? LG_STR("1") : LG_NONE },
		{ .name = "second", .value = sts_factor_set_second(&ac->set) ? LG_STR("1") : LG_NONE },
		{ .name = "codes", .value = lg_print(rq->cx->arena, "%zu", ac->set.codes) },
		{ .name = "others", .value = sessions.n > 1 ? LG_STR("1") : LG_NONE },
		{ .name = "sessions", .rows = &sessions }, { .name = "passkeys", .rows = &passkeys },
		{ .name = "consents", .rows = &consents }, { .name = "allowed", .value = consents.n > 0 ? LG_STR("1") : LG_NONE },
	};
	return sts_page(rq, status, "account", slots, LG_COUNT(slots), LG_NONE);
}

/* ---- what is ended -------------------------------------------------------------------------------------------------------- */

struct ending {
	struct sts_account *ac;
	lg_uuid id;
	lg_str client;
};

static void
audit(struct lg_view *v, const struct ending *en)
{
	lg_audit(v, sts_subject_called(en->ac->rq->cx->arena, &en->ac->subject), LG_NONE);
}

/* One's own alone: the id comes from a form. */
static lg_err
end_session(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ending *en = arg;
	struct sts_session s;

	audit(v, en);
	LG_TRY(sts_session_get(cx, v, en->ac->rq->tenant_id, en->id, &s));
	if (!lg_uuid_eq(s.subject, en->ac->subject.id))
		return lg_fail(cx, LG_E_NOT_FOUND, "no such session");
	return sts_session_end(cx, v, en->ac->rq->tenant_id, en->id);
}

/* All of them, however many more than are shown: who had the password may have opened them. */
static lg_err
end_others(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ending *en = arg;
	uint32_t tenant = en->ac->rq->tenant_id;
	lg_uuid *ids = LG_NEWS(cx->arena, lg_uuid, SESSIONS);
	size_t n;

	audit(v, en);
	do {
		LG_TRY(sts_sessions_of(cx, v, tenant, en->ac->subject.id, ids, SESSIONS, &n));
		for (size_t i = 0; i < n; i++)
			if (!lg_uuid_eq(ids[i], en->ac->session.id))
				LG_TRY(sts_session_end(cx, v, tenant, ids[i]));
	} while (n == SESSIONS);
	return LG_OK;
}

static lg_err
remove_factor(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ending *en = arg;

	audit(v, en);
	/* An application has no id, and there is one. */
	return sts_factor_remove(cx, v, en->ac->rq->tenant_id, en->ac->subject.id,
	    lg_uuid_is_nil(en->id) ? STS_FACTOR_TOTP : STS_FACTOR_PASSKEY, en->id);
}

static lg_err
withdraw(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ending *en = arg;

	audit(v, en);
	return sts_consent_withdraw(cx, v, en->ac->rq->tenant_id, en->ac->subject.id, en->client);
}

static const struct {
	lg_str action;
	const char *operation;
	lg_mutation *run;
	bool proven;			/* changes how one signs in */
} actions[] = {
	{ LG_STR("end-session"), "session.end", end_session, false },
	{ LG_STR("end-others"), "session.end", end_others, false },
	{ LG_STR("remove-factor"), "factor.remove", remove_factor, true },
	{ LG_STR("withdraw"), "consent.withdraw", withdraw, false },
};

static lg_err
act(struct sts_account *ac, size_t i)
{
	struct ending en = { .ac = ac, .client = lg_form_get(&ac->rq->form, "client") };
	lg_str id = lg_form_get(&ac->rq->form, "id");
	lg_err e;

	if (id.n > 0 && !lg_uuid_parse(id, &en.id))
		return show(ac, 422, "problem.gone");
	e = lg_store_apply(ac->rq->cx, ac->rq->sts->store, ac->rq->tenant_id, actions[i].operation, actions[i].run, &en, NULL);
	if (e == LG_E_NOT_FOUND)
		return show(ac, 422, "problem.gone");
	LG_TRY(e);
	return sts_to_page(ac->rq, lg_cat(ac->rq->cx->arena, LG_STR("/account?done="), actions[i].action));
}

static lg_err
account(struct sts_account *ac)
{
	lg_str action = lg_form_get(&ac->rq->form, "action");

	if (!lg_str_eq(ac->rq->ex->method, LG_STR("POST")))
		return show(ac, 200, NULL);
	if (!sts_account_form_ok(ac))
		return show(ac, 403, "problem.old-page");
	for (size_t i = 0; i < LG_COUNT(actions); i++)
		if (lg_str_eq(actions[i].action, action))
			return act(ac, i);
	return show(ac, 422, "problem.gone");
}

static bool
wants_proof(struct lg_http *ex)
{
	struct lg_form form;

	if (lg_form_parse(ex->cx, ex->body, &form) != LG_OK)
		return false;
	for (size_t i = 0; i < LG_COUNT(actions); i++)
		if (actions[i].proven && lg_str_eq(actions[i].action, lg_form_get(&form, "action")))
			return true;
	return false;
}

/* Whoever types the service's name alone. */
lg_err
sts_http_home(void *self, struct lg_http *ex)
{
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(self, ex, &rq));
	return sts_to_page(rq, LG_STR("/account"));
}

lg_err
sts_http_account(void *self, struct lg_http *ex)
{
	return sts_account_run(self, ex, "/account", wants_proof(ex) ? STS_ACCOUNT_PROVEN : STS_ACCOUNT_SEEN, account);
}
