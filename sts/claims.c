/*
 * claims.c: what can be said of a person (OpenID Connect Core 5.1), and what a request asks to be said (5.4, 5.5).
 *
 * A scope stands for claims; the `claims` parameter names them one by one, for the ID token or for userinfo.  Claims that are not
 * known, or of which the directory has nothing, are left out, essential ones too (5.5.1).  `sub` and `acr` are conditions: they are
 * met, or there is no answer.
 */
#include "sts/sts.h"

#include "base/text.h"

#define CLAIMS_MAX	4096	/* octets of the parameter */

/* ---- what there is --------------------------------------------------------------------------------------------- */

static void
put_address(struct lg_jsonw *w, lg_str name, const struct sts_said *s)
{
	const struct lg_sts_profile *p = &s->profile;
	const struct {
		const char *name;
		lg_str value;
	} parts[] = {
		{ "formatted", p->formatted }, { "street_address", p->street }, { "locality", p->locality }, { "region", p->region },
		{ "postal_code", p->postal_code }, { "country", p->country },
	};
	size_t n = 0;

	for (size_t i = 0; i < LG_COUNT(parts); i++)
		n += parts[i].value.n > 0;
	if (n == 0)
		return;
	lg_jsonw_name(w, name);
	lg_jsonw_object(w);
	for (size_t i = 0; i < LG_COUNT(parts); i++)
		if (parts[i].value.n > 0)
			lg_jsonw_str_of(w, parts[i].name, parts[i].value);
	lg_jsonw_object_end(w);
}

static void
put_groups(struct lg_jsonw *w, lg_str name, const struct sts_said *s)
{
	(void)name;
	sts_groups(w, &s->subject);
}

static void
put_verified(struct lg_jsonw *w, lg_str name, const struct sts_said *s)
{
	if (s->subject.mail.n == 0)
		return;
	lg_jsonw_name(w, name);
	lg_jsonw_bool(w, s->profile.mail_verified);
}

static void
put_updated(struct lg_jsonw *w, lg_str name, const struct sts_said *s)
{
	lg_jsonw_name(w, name);
	lg_jsonw_int(w, s->profile.updated / LG_SECOND);
}

#define TEXT(member) offsetof(struct sts_said, member), NULL

static const struct {
	lg_str name, scope;
	size_t text;		/* where it stands in struct sts_said; or */
	void (*put)(struct lg_jsonw *w, lg_str name, const struct sts_said *s);
} known[] = {
	{ LG_STR("name"), LG_STR("profile"), TEXT(subject.display) },
	{ LG_STR("preferred_username"), LG_STR("profile"), TEXT(subject.name) },
	{ LG_STR("given_name"), LG_STR("profile"), TEXT(profile.given_name) },
	{ LG_STR("family_name"), LG_STR("profile"), TEXT(profile.family_name) },
	{ LG_STR("website"), LG_STR("profile"), TEXT(profile.website) },
	{ LG_STR("locale"), LG_STR("profile"), TEXT(profile.locale) },
	{ LG_STR("updated_at"), LG_STR("profile"), 0, put_updated },
	{ LG_STR("email"), LG_STR("email"), TEXT(subject.mail) },
	{ LG_STR("email_verified"), LG_STR("email"), 0, put_verified },
	{ LG_STR("phone_number"), LG_STR("phone"), TEXT(profile.phone) },
	{ LG_STR("address"), LG_STR("address"), 0, put_address },
	{ LG_STR("groups"), LG_STR("groups"), 0, put_groups },
};

void
sts_claims_names(struct lg_jsonw *w)
{
	for (size_t i = 0; i < LG_COUNT(known); i++)
		lg_jsonw_str(w, known[i].name);
}

void
sts_claims_write(struct lg_jsonw *w, lg_str scope, lg_str names, const struct sts_said *s)
{
	for (size_t i = 0; i < LG_COUNT(known); i++) {
		const lg_str *text = (const lg_str *)(const void *)((const char *)s + known[i].text);

		if (!sts_scope_has(scope, known[i].scope) && !sts_scope_has(names, known[i].name))
			continue;
		if (known[i].put != NULL) {
			known[i].put(w, known[i].name, s);
		} else if (text->n > 0) {
			lg_jsonw_name(w, known[i].name);
			lg_jsonw_str(w, *text);
		}
	}
}

static void
keep(struct lg_arena *a, struct sts_said *s)
{
	lg_str *texts[] = {
		&s->profile.given_name, &s->profile.family_name, &s->profile.website, &s->profile.locale, &s->profile.phone,
		&s->profile.formatted, &s->profile.street, &s->profile.locality, &s->profile.region, &s->profile.postal_code,
		&s->profile.country,
	};

	sts_subject_keep(a, &s->subject);
	for (size_t i = 0; i < LG_COUNT(texts); i++)
		*texts[i] = lg_dup(a, *texts[i]);
}

static bool
wants_profile(lg_str scope, lg_str names)
{
	return names.n > 0 || sts_scope_has(scope, LG_STR("profile")) || sts_scope_has(scope, LG_STR("email"))
	    || sts_scope_has(scope, LG_STR("phone")) || sts_scope_has(scope, LG_STR("address"));
}

static bool
wants_groups(lg_str scope, lg_str names)
{
	return sts_scope_has(scope, LG_STR("groups")) || sts_scope_has(names, LG_STR("groups"));
}

/* What is said beside the subject itself. */
static lg_err
complete(struct sts_rq *rq, lg_str scope, lg_str names, struct sts_said *ret)
{
	struct lg_sts_ports *p = &rq->sts->ports;

	ret->profile = (struct lg_sts_profile){ .updated = 0 };
	if (wants_profile(scope, names))
		LG_TRY(p->profile(p->self, rq->cx, rq->view, rq->tenant_id, ret->subject.id, &ret->profile));
	/* Everybody has a name to be called by. */
	if (ret->subject.display.n == 0)
		ret->subject.display = ret->subject.name;
	keep(rq->cx->arena, ret);
	return LG_OK;
}

lg_err
sts_claims_read(struct sts_rq *rq, lg_uuid id, lg_str scope, lg_str names, struct sts_said *ret)
{
	struct lg_sts_ports *p = &rq->sts->ports;

	LG_TRY(p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, wants_groups(scope, names), &ret->subject));
	return complete(rq, scope, names, ret);
}

lg_err
sts_claims_of(struct sts_rq *rq, const struct lg_sts_subject *s, lg_str scope, lg_str names, struct sts_said *ret)
{
	if (wants_groups(scope, names))
		return sts_claims_read(rq, s->id, scope, names, ret);
	ret->subject = *s;
	return complete(rq, scope, names, ret);
}

/* ---- what is asked for (5.5) --------------------------------------------------------------------------------------- */

/* One claim of the parameter: null, or an object. */
struct asked {
	bool essential;
	lg_str values;		/* separated by blanks; those with one in them cannot be met anyway */
};

static void
add_word(struct lg_arena *a, lg_str *list, lg_str word)
{
	*list = list->n == 0 ? lg_dup(a, word) : lg_print(a, "%.*s %.*s", LG_FMT(*list), LG_FMT(word));
}

/* Numbers and the like are values of claims that are no conditions here. */
static void
read_value(struct lg_json *js, struct lg_arena *a, struct asked *ret)
{
	if (lg_json_peek(js) == LG_JSON_STRING)
		add_word(a, &ret->values, lg_json_str(js));
	else
		lg_json_skip(js);
}

static void
read_asked(struct lg_json *js, struct lg_arena *a, struct asked *ret)
{
	lg_str name;

	*ret = (struct asked){ .essential = false };
	if (lg_json_peek(js) == LG_JSON_NULL) {
		lg_json_null(js);
		return;
	}
	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("essential"))) {
			ret->essential = lg_json_bool(js);
		} else if (lg_str_eq(name, LG_STR("value"))) {
			read_value(js, a, ret);
		} else if (lg_str_eq(name, LG_STR("values"))) {
			lg_json_array(js);
			while (lg_json_item(js))
				read_value(js, a, ret);
		} else {
			lg_json_skip(js);
		}
	}
}

/* Conditions of the request: who it is about, and how well they have to be known. */
struct conditions {
	lg_str sub, acr_essential, acr_values;
};

static void
read_group(struct lg_json *js, struct lg_arena *a, lg_str *names, struct conditions *cond)
{
	struct asked one;
	lg_str name;

	if (lg_json_peek(js) == LG_JSON_NULL) {
		lg_json_null(js);
		return;
	}
	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		read_asked(js, a, &one);
		if (lg_str_eq(name, LG_STR("sub")))
			cond->sub = one.values;
		else if (lg_str_eq(name, LG_STR("acr")) && one.values.n > 0)
			*(one.essential ? &cond->acr_essential : &cond->acr_values) = one.values;
		for (size_t i = 0; i < LG_COUNT(known); i++)
			if (lg_str_eq(name, known[i].name))
				add_word(a, names, name);
	}
}

static lg_err
apply(struct sts_rq *rq, const struct conditions *cond, struct sts_authorize *az)
{
	lg_uuid sub;

	if (cond->acr_essential.n > 0)
		az->acr_essential = cond->acr_essential;
	if (cond->acr_values.n > 0)
		az->acr_values = cond->acr_values;
	if (az->acr_essential.n > 0 && sts_acr_least(az->acr_essential) == 0)
		return sts_refuse(rq, STS_UNMET_AUTHENTICATION, "none of the values of acr is one of this issuer");
	if (cond->sub.n == 0)
		return LG_OK;
	if (!lg_uuid_parse(cond->sub, &sub) || (!lg_uuid_is_nil(az->hinted) && !lg_uuid_eq(az->hinted, sub)))
		return sts_refuse(rq, STS_LOGIN_REQUIRED, "nobody can be signed in as the request wants it");
	az->hinted = sub;
	return LG_OK;
}

lg_err
sts_claims_request(struct sts_rq *rq, lg_str json, struct sts_authorize *az)
{
	struct lg_arena *a = rq->cx->arena;
	struct conditions cond = { .sub = LG_NONE };
	struct lg_json js;
	lg_str name;

	if (json.n == 0)
		return LG_OK;
	if (json.n > CLAIMS_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "claims is longer than %d octets", CLAIMS_MAX);
	lg_json_init(&js, a, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("userinfo")))
			read_group(&js, a, &az->wanted.userinfo, &cond);
		else if (lg_str_eq(name, LG_STR("id_token")))
			read_group(&js, a, &az->wanted.id_token, &cond);
		else
			lg_json_skip(&js);
	}
	if (lg_json_end(rq->cx, &js) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "claims is not the object of OpenID Connect Core 5.5");
	return apply(rq, &cond, az);
}

/* ---- carried in access tokens, since userinfo has nothing else to go by ---------------------------------------------- */

#define CARRIED "userinfo_claims"

void
sts_claims_carry(struct lg_jsonw *w, lg_str names)
{
	lg_str one;

	if (names.n == 0)
		return;
	lg_jsonw_name(w, LG_STR(CARRIED));
	lg_jsonw_array(w);
	while (names.n > 0) {
		(void)lg_str_cut(names, ' ', &one, &names);
		lg_jsonw_str(w, one);
	}
	lg_jsonw_array_end(w);
}

lg_str
sts_claims_carried(struct lg_arena *a, lg_str payload)
{
	lg_str name, names = LG_NONE;
	struct lg_json js;

	if (payload.n == 0 || memmem(payload.p, payload.n, "\"" CARRIED "\"", sizeof CARRIED + 1) == NULL)
		return LG_NONE;
	lg_json_init(&js, a, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, LG_STR(CARRIED))) {
			lg_json_skip(&js);
			continue;
		}
		lg_json_array(&js);
		while (lg_json_item(&js))
			add_word(a, &names, lg_json_str(&js));
	}
	return names;
}
