/* source_person.c: people whom an identity source vouches for: found again by what the source calls them, or made known. */
#include "sts/source.h"

#include "sts/ldap.h"

#define LINK_VERSION	1

struct known {
	struct lg_sts *sts;
	uint32_t tenant;
	lg_uuid source;
	const struct lg_sts_person *p;
	struct lg_sts_subject *subject;
};

static lg_str
link_key(struct lg_arena *a, const struct known *k)
{
	lg_sha256 h = lg_sha256_of(k->p->id);

	return sts_key(a, k->tenant, lg_cat(a, sts_uuid_str(&k->source), lg_sha256_str(&h)));
}

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
	struct known *k = arg;
	struct lg_sts_ports *p = &k->sts->ports;
	lg_str row, key = link_key(cx->arena, k);
	lg_err e = lg_get(cx, v, &sts_links, key, &row);
	struct lg_rd rd = lg_rd_of(e == LG_OK ? row : LG_NONE);
	lg_uuid id = { { 0 } };

	if (e == LG_OK && lg_rd_u8(&rd) == LINK_VERSION)
		id = lg_rd_uuid(&rd);
	else if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(p->person(p->self, cx, v, k->tenant, k->p, id, k->subject));
	sts_subject_keep(cx->arena, k->subject);
	/* Who comes back as they were changes nothing: a sign-in is no change of the directory. */
	if (lg_uuid_eq(id, k->subject->id))
		return LG_OK;
	lg_buf_byte(&b, LINK_VERSION);
	lg_buf_uuid(&b, k->subject->id);
	return lg_put(cx, v, &sts_links, key, lg_buf_view(&b));
}

lg_err
sts_source_person(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, const struct lg_sts_person *p,
    struct lg_sts_subject *ret)
{
	struct known k = { .sts = sts, .tenant = tenant, .source = s->id, .p = p, .subject = ret };
	lg_err e = lg_store_apply(cx, sts->store, tenant, "source.person", run, &k, NULL);

	return e == LG_E_EXISTS ? lg_fail(cx, LG_E_DENIED, "source %.*s: an entry of that name is there already", LG_FMT(s->name)) : e;
}

static lg_err
list(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, struct sts_source **ret, size_t *n)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, sts->store, &v));
	return sts_source_list(cx, v, tenant, STS_SOURCE_LDAP, ret, n);
}

/* Of one source; LG_E_UNAUTHENTICATED also for who is right there and nobody here: to whoever tries passwords that is all the same. */
static lg_err
try_source(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, const struct sts_ldap_try *t,
    struct lg_sts_subject *ret)
{
	struct lg_sts_person p;
	lg_err e;

	LG_TRY(sts_ldap_check(cx, sts, tenant, s, t, &p));
	e = sts_source_person(cx, sts, tenant, s, &p, ret);
	return e == LG_E_DENIED ? LG_E_UNAUTHENTICATED : e;
}

/*
 * The first source that says yes; one that does not answer is no no.  Those are asked first whose servers answered lately, so that nobody of
 * another source waits for a silent one.
 */
lg_err
sts_source_password(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str login, const struct lg_secret *password,
    struct lg_sts_subject *ret)
{
	struct sts_ldap_try t = { .login = login, .password = password, .began = lg_boottime() };
	lg_err e, worst = LG_E_UNAUTHENTICATED;
	struct sts_source *s;
	size_t n, open;

	LG_TRY(list(cx, sts, tenant, &s, &n));
	lg_store_turn(sts->store);
	for (int round = 0; round < 2 && n > 0; round++, n = open) {
		worst = LG_E_UNAUTHENTICATED;
		t.silent_too = round > 0;
		open = 0;
		for (size_t i = 0; i < n; i++) {
			e = try_source(cx, sts, tenant, &s[i], &t, ret);
			if (e == LG_E_UNAUTHENTICATED)
				continue;
			if (e != LG_E_UNAVAILABLE && e != LG_E_DENIED)
				return e;
			worst = e;
			s[open++] = s[i];
		}
	}
	if (worst == LG_E_UNAUTHENTICATED)
		return lg_fail(cx, worst, "wrong user name or password");
	/* Which server it is is told to the operator: whoever tries a name is nobody yet. */
	return lg_fail(cx, LG_E_UNAVAILABLE, "a directory that may know this name does not answer");
}
