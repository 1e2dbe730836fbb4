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

/* The first source that says yes; one that does not answer is no no. */
lg_err
sts_source_password(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str login, const struct lg_secret *password,
    struct lg_sts_subject *ret)
{
	lg_err e = lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong user name or password"), worst = e;
	struct lg_sts_person p;
	struct sts_source *s;
	size_t n;

	LG_TRY(list(cx, sts, tenant, &s, &n));
	lg_store_turn(sts->store);
	for (size_t i = 0; i < n; i++) {
		e = sts_ldap_check(cx, sts, tenant, &s[i], login, password, &p);
		if (e == LG_OK) {
			/* Right, but nobody here: to whoever tries passwords that is all the same. */
			e = sts_source_person(cx, sts, tenant, &s[i], &p, ret);
			return e == LG_E_DENIED ? LG_E_UNAUTHENTICATED : e;
		}
		worst = e == LG_E_UNAUTHENTICATED ? worst : e;
	}
	return worst == LG_E_UNAUTHENTICATED ? lg_fail(cx, worst, "wrong user name or password") : worst;
}
