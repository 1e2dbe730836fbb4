/*
 * step_up.c: somebody whom policy would permit, were they better known: they are told how well, and how lately (RFC 9470).
 *
 * Policy judges context.acr and context.auth_age of whoever brings a token.  When it denies, it is asked again as if they had just signed
 * in, and as if they had shown more; what would then be permitted is what the challenge asks for.
 */
#include "base/text.h"
#include "server/caller.h"
#include "server/point.h"

/* Challenges ask for no sign-in that is younger than needed; policy is asked by these steps. */
static const int64_t ages[] = { 86400, 28800, 14400, 7200, 3600, 1800, 900, 600, 300, 120, 60, 30, 0 };

struct step {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_view *view;
	const struct lg_question *asked;
	int64_t age;			/* of the sign-in, seconds */
	/* what would do */
	lg_str acr;			/* empty: what they have */
	int64_t max_age;		/* -1: any */
};

static struct lg_fact *
fact(struct lg_question *q, const char *name)
{
	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, name) == 0)
			return &q->context[i];
	return NULL;
}

/* Would policy permit it to somebody known so, who signed in so long ago? */
static bool
permitted(const struct step *s, const struct lg_sts_level *level, int64_t age)
{
	struct lg_ctx *cx = s->ex->cx;
	struct lg_question *q = LG_NEW(cx->arena, struct lg_question);
	struct lg_verdict verdict;

	*q = *s->asked;
	fact(q, "auth_age")->i = age;
	if (level != NULL) {
		struct lg_fact *amr = fact(q, "amr");

		fact(q, "acr")->s = level->acr;
		amr->set = lg_caller_words(cx, level->amr, LG_CLAIM_AMR, &amr->n);
	}
	return lg_point_ask(s->app->point, cx, s->view, q, &verdict) == LG_OK && verdict.permit;
}

static bool
would_do(struct step *s, const struct lg_sts_level *level)
{
	s->acr = level == NULL ? LG_NONE : level->acr;
	s->max_age = -1;
	if (level != NULL && permitted(s, level, s->age))
		return true;
	for (size_t i = 0; i < LG_COUNT(ages); i++)
		if (permitted(s, level, ages[i])) {
			s->max_age = ages[i];
			return true;
		}
	return false;
}

/* As little as will do: the same again, then more. */
static bool
find(struct step *s)
{
	lg_str acr = fact((struct lg_question *)s->asked, "acr")->s;
	bool above = false;

	if (would_do(s, NULL))
		return true;
	for (size_t i = 0; i < LG_STS_LEVELS; i++) {
		if (above && would_do(s, &lg_sts_levels[i]))
			return true;
		above |= lg_str_eq(lg_sts_levels[i].acr, acr);
	}
	return false;
}

static lg_str
sentence(const struct step *s, const char *action)
{
	lg_str text = lg_print(s->ex->cx->arena, "%s: policy wants a sign-in", action);

	if (s->acr.n > 0)
		text = lg_print(s->ex->cx->arena, "%.*s as %.*s", LG_FMT(text), LG_FMT(s->acr));
	if (s->max_age >= 0)
		text = lg_print(s->ex->cx->arena, "%.*s of the last %lld seconds", LG_FMT(text), (long long)s->max_age);
	return text;
}

static void
answer(const struct step *s, const char *action, bool dpop)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w;

	lg_buf_printf(&b, "%s error=\"insufficient_user_authentication\", error_description=\"a better sign-in is wanted\"", dpop ? "DPoP" : "Bearer");
	if (s->acr.n > 0)
		lg_buf_printf(&b, ", acr_values=\"%.*s\"", LG_FMT(s->acr));
	if (s->max_age >= 0)
		lg_buf_printf(&b, ", max_age=\"%lld\"", (long long)s->max_age);
	lg_http_header(s->ex, "WWW-Authenticate", lg_buf_view(&b));
	lg_problem_begin(s->ex, &w, 401, "insufficient_user_authentication", sentence(s, action));
	if (s->acr.n > 0)
		lg_jsonw_str_of(&w, "acr_values", s->acr);
	if (s->max_age >= 0)
		lg_jsonw_int_of(&w, "max_age", s->max_age);
	lg_jsonw_object_end(&w);
}

lg_err
lg_caller_may_better(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who, const char *action,
    struct lg_entity_id resource)
{
	struct step s = { .app = app, .ex = ex, .view = v };
	lg_err e = lg_caller_may(app, ex->cx, v, who, action, resource);
	struct lg_question q;

	if (e != LG_E_DENIED || !who->has_token || who->claims.acr.n == 0)
		return e;
	lg_caller_question(ex->cx, who, action, resource, &q);
	s.asked = &q;
	s.age = fact(&q, "auth_age")->i;
	if (find(&s))
		answer(&s, action, who->claims.cnf_jkt.n > 0);
	return e;
}
