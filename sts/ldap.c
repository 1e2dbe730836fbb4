/*
 * ldap.c: a directory elsewhere as identity source: somebody is looked for, then bound as.
 *
 * Every connection is encrypted before anything is said, to a server whose certificate is for the name that stands in the source.
 * libldap waits, so this runs on workers, and only on some of them at once.  What libldap connects to is looked at before it speaks.
 * libldap itself waits for ever in a TLS handshake and within an answer, so each read and write below TLS has the server's time as its end.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <ldap.h>

#include "sts/ldap.h"

#include "base/text.h"

#define VALUE_MAX	4096
#define PUBLIC_CAS	"/etc/ssl/certs/ca-certificates.crt"

struct session {
	struct lg_ctx *cx;
	struct lg_sts *sts;
	const struct sts_source *s;
	struct lg_secret secret;	/* of the source's own account */
	struct ldap_conncb watch;
	int64_t until;			/* lg_boottime: then this server had its time */
	bool refused;			/* an address that may not be spoken to */
	bool silent;			/* it did not answer as a server should */
	LDAP *ld;
};

static void
session_end(struct session *x)
{
	/* libldap 2.5 does not free this one with the rest. */
	if (x->ld != NULL) {
		(void)ldap_set_option(x->ld, LDAP_OPT_X_TLS_CACERT, NULL);
		(void)ldap_unbind_ext_s(x->ld, NULL, NULL);
	}
	x->ld = NULL;
	lg_secret_free(&x->secret);
}

lg_str
sts_ldap_filter(struct lg_arena *a, lg_str filter, lg_str login)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_WEB_URL + 4 * STS_LOGIN_MAX * 8);
	const char *at;

	while ((at = filter.n == 0 ? NULL : memmem(filter.p, filter.n, "{login}", 7)) != NULL) {
		lg_buf_bytes(&b, filter.p, (size_t)(at - filter.p));
		for (size_t i = 0; i < login.n; i++) {
			char c = login.p[i];

			if (c == '*' || c == '(' || c == ')' || c == '\\' || c == '\0')
				lg_buf_printf(&b, "\\%02x", (unsigned)(unsigned char)c);
			else
				lg_buf_byte(&b, c);
		}
		filter = lg_str_sub(filter, (size_t)(at - filter.p) + 7, filter.n);
	}
	lg_buf_str(&b, filter);
	return b.full ? LG_NONE : lg_dup(a, lg_buf_view(&b));
}

/* ---- the time of one server ------------------------------------------------------------------------------------------ */

static int
timed_setup(Sockbuf_IO_Desc *d, void *session)
{
	d->sbiod_pvt = session;
	return 0;
}

static int
timed_ctrl(Sockbuf_IO_Desc *d, int what, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(d, what, arg);
}

static bool
in_time(Sockbuf_IO_Desc *d, short event)
{
	const struct session *x = d->sbiod_pvt;
	struct pollfd p = { .fd = -1, .events = event };
	int64_t left = x->until - lg_boottime();

	(void)ber_sockbuf_ctrl(d->sbiod_sb, LBER_SB_OPT_GET_FD, &p.fd);
	if (left > 0 && poll(&p, 1, (int)(left / 1000) + 1) > 0)
		return true;
	errno = ETIMEDOUT;
	return false;
}

static ber_slen_t
timed_read(Sockbuf_IO_Desc *d, void *p, ber_len_t n)
{
	return in_time(d, POLLIN) ? LBER_SBIOD_READ_NEXT(d, p, n) : -1;
}

static ber_slen_t
timed_write(Sockbuf_IO_Desc *d, void *p, ber_len_t n)
{
	return in_time(d, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(d, p, n) : -1;
}

static Sockbuf_IO timed = { .sbi_setup = timed_setup, .sbi_ctrl = timed_ctrl, .sbi_read = timed_read, .sbi_write = timed_write };

/* What is left of it, for what libldap waits for by itself; not nothing, which would mean for ever. */
static struct timeval
time_left(const struct session *x)
{
	int64_t left = x->until - lg_boottime();

	if (left < 1000)
		left = 1000;
	return (struct timeval){ .tv_sec = left / LG_SECOND, .tv_usec = left % LG_SECOND };
}

/* ---- connecting ------------------------------------------------------------------------------------------------------ */

static int
look_at_address(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *to, struct ldap_conncb *watch)
{
	struct session *x = watch->lc_arg;

	(void)ld; (void)server;
	x->refused = to == NULL || !x->sts->outside.may_reach(x->sts->outside.self, to);
	/* Between TCP, which comes below it, and TLS. */
	return x->refused || ber_sockbuf_add_io(sb, &timed, LBER_SBIOD_LEVEL_PROVIDER + 1, x) != 0 ? -1 : 0;
}

static void
forget_address(LDAP *ld, Sockbuf *sb, struct ldap_conncb *watch)
{
	(void)ld; (void)sb; (void)watch;
}

static bool
option(LDAP *ld, int which, const void *value)
{
	return ldap_set_option(ld, which, value) == LDAP_OPT_SUCCESS;
}

/* The one certificate of `ca`, as libldap wants it. */
static bool
trust(struct session *x)
{
	lg_str der, pem = x->s->ca, rest;
	struct berval ca;

	if (pem.n == 0)
		return option(x->ld, LDAP_OPT_X_TLS_CACERTFILE, PUBLIC_CAS);
	if (!lg_pem_parse(x->cx->arena, pem, LG_STR("CERTIFICATE"), &der, &rest))
		return false;
	ca = (struct berval){ der.n, (char *)(uintptr_t)der.p };
	/* Not those that the host's own ldap.conf names. */
	return option(x->ld, LDAP_OPT_X_TLS_CACERTFILE, NULL) && option(x->ld, LDAP_OPT_X_TLS_CACERTDIR, NULL)
	    && option(x->ld, LDAP_OPT_X_TLS_CACERT, &ca);
}

static bool
set_up(struct session *x)
{
	static const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, tls12 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;
	struct timeval wait = time_left(x);

	x->watch = (struct ldap_conncb){ look_at_address, forget_address, x };
	return option(x->ld, LDAP_OPT_PROTOCOL_VERSION, &version) && option(x->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF)
	    && option(x->ld, LDAP_OPT_NETWORK_TIMEOUT, &wait) && option(x->ld, LDAP_OPT_TIMEOUT, &wait)
	    && option(x->ld, LDAP_OPT_CONNECT_CB, &x->watch) && option(x->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand)
	    && option(x->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls12) && trust(x) && option(x->ld, LDAP_OPT_X_TLS_NEWCTX, &client);
}

static lg_err
failed(struct session *x, const char *what, int code)
{
	char *detail = NULL;
	lg_err e = LG_E_UNAVAILABLE;

	x->silent = true;
	(void)ldap_get_option(x->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
	if (x->refused)
		e = lg_fail(x->cx, LG_E_DENIED, "%s: an address that may not be spoken to", what);
	else if (lg_boottime() >= x->until)
		e = lg_fail(x->cx, e, "%s: no answer within %lld s", what, (long long)x->s->timeout);
	else
		e = lg_fail(x->cx, e, "%s: %s%s%.200s", what, ldap_err2string(code), detail == NULL || detail[0] == '\0' ? "" : ": ",
		    detail == NULL ? "" : detail);
	ldap_memfree(detail);
	return e;
}

static int
bind_as(struct session *x, const char *dn, const struct lg_secret *password)
{
	struct berval value = { password->n, (char *)password->p };
	struct timeval wait = time_left(x);

	(void)option(x->ld, LDAP_OPT_TIMEOUT, &wait);
	return ldap_sasl_bind_s(x->ld, dn, LDAP_SASL_SIMPLE, &value, NULL, NULL, NULL);
}

/* Reached, encrypted, and signed in as the source's own account. */
static lg_err
connect_to(struct session *x, lg_str url)
{
	const char *uri, *dn;
	int code;

	x->until = lg_boottime() + x->s->timeout * LG_SECOND;
	LG_TRY(lg_cstr(x->cx, url, &uri));
	LG_TRY(lg_cstr(x->cx, x->s->bind_dn, &dn));
	if (ldap_initialize(&x->ld, uri) != LDAP_SUCCESS || !set_up(x))
		return lg_fail(x->cx, LG_E_UNAVAILABLE, "%s: cannot be set up (is ca one certificate?)", uri);
	if (lg_str_starts(url, LG_STR("ldap://"))) {
		code = ldap_start_tls_s(x->ld, NULL, NULL);
		if (code != LDAP_SUCCESS)
			return failed(x, uri, code);
	}
	code = bind_as(x, dn, &x->secret);
	return code == LDAP_SUCCESS ? LG_OK : failed(x, uri, code);
}

/* ---- finding somebody ----------------------------------------------------------------------------------------------- */

/* A name of bytes (objectGUID) is written in hexadecimal. */
static lg_str
text_of(struct lg_arena *a, const struct berval *v)
{
	lg_str s = { v->bv_val, v->bv_len };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * VALUE_MAX);

	if (s.n == 0 || s.n > VALUE_MAX)
		return LG_NONE;
	if (lg_utf8_valid(s) && memchr(s.p, 0, s.n) == NULL)
		return lg_dup(a, s);
	for (size_t i = 0; i < s.n; i++)
		lg_buf_printf(&b, "%02x", (unsigned)(unsigned char)s.p[i]);
	return lg_dup(a, lg_buf_view(&b));
}

static lg_str
first_value(struct session *x, LDAPMessage *entry, lg_str attribute)
{
	struct berval **v = ldap_get_values_len(x->ld, entry, lg_dup(x->cx->arena, attribute).p);
	lg_str found = v == NULL || v[0] == NULL ? LG_NONE : text_of(x->cx->arena, v[0]);

	ldap_value_free_len(v);
	return found;
}

static void
read_groups(struct session *x, LDAPMessage *entry, struct lg_sts_person *ret)
{
	struct berval **v = ldap_get_values_len(x->ld, entry, lg_dup(x->cx->arena, x->s->groups_attribute).p);
	lg_str *ours = LG_NEWS(x->cx->arena, lg_str, STS_SOURCE_GROUPS), *all = LG_NEWS(x->cx->arena, lg_str, STS_SOURCE_GROUPS);
	size_t n = 0;

	for (size_t g = 0; g < x->s->ngroups; g++) {
		bool in = false;

		for (size_t i = 0; v != NULL && v[i] != NULL && !in; i++)
			in = lg_str_eq_fold((lg_str){ v[i]->bv_val, v[i]->bv_len }, x->s->group[g].name);
		if (in)
			ours[n++] = x->s->group[g].value;
		all[g] = x->s->group[g].value;
	}
	ldap_value_free_len(v);
	ret->groups = ours;
	ret->ngroups = n;
	ret->managed = all;
	ret->nmanaged = x->s->ngroups;
}

static lg_err
read_person(struct session *x, LDAPMessage *entry, struct lg_sts_person *ret)
{
	*ret = (struct lg_sts_person){ .source = x->s->name, .create = x->s->create, .link = x->s->link,
		.id = first_value(x, entry, x->s->id_attribute), .name = first_value(x, entry, x->s->name_attribute),
		.display = first_value(x, entry, x->s->display_attribute), .mail = first_value(x, entry, x->s->mail_attribute) };
	/* Whoever lets people write their own address here must not let it join accounts: `link` is off then. */
	ret->mail_verified = ret->mail.n > 0;
	if (ret->id.n == 0)
		return lg_fail(x->cx, LG_E_UNAVAILABLE, "somebody has no %.*s", LG_FMT(x->s->id_attribute));
	read_groups(x, entry, ret);
	return LG_OK;
}

/* One entry, and its name there. */
static lg_err
read_found(struct session *x, LDAPMessage *found, const char **dn, struct lg_sts_person *ret)
{
	LDAPMessage *entry = ldap_first_entry(x->ld, found);
	char *text;

	if (entry == NULL)
		return lg_fail(x->cx, LG_E_UNAUTHENTICATED, "nobody of that name");
	if (ldap_next_entry(x->ld, entry) != NULL)
		return lg_fail(x->cx, LG_E_UNAUTHENTICATED, "several of that name");
	text = ldap_get_dn(x->ld, entry);
	if (text == NULL || text[0] == '\0') {
		ldap_memfree(text);
		return lg_fail(x->cx, LG_E_UNAUTHENTICATED, "nobody can be bound as there");
	}
	*dn = lg_dup(x->cx->arena, lg_str_of(text)).p;
	ldap_memfree(text);
	return read_person(x, entry, ret);
}

static lg_err
find(struct session *x, lg_str login, const char **dn, struct lg_sts_person *ret)
{
	const struct sts_source *s = x->s;
	const lg_str names[] = { s->id_attribute, s->name_attribute, s->display_attribute, s->mail_attribute, s->groups_attribute };
	char *attributes[LG_COUNT(names) + 1] = { NULL };
	struct timeval wait = time_left(x);
	lg_str filter = sts_ldap_filter(x->cx->arena, s->filter, login);
	LDAPMessage *found = NULL;
	const char *base;
	lg_err e;

	LG_TRY(lg_cstr(x->cx, s->base, &base));
	for (size_t i = 0; i < LG_COUNT(names); i++)
		attributes[i] = (char *)(uintptr_t)lg_dup(x->cx->arena, names[i]).p;
	int code = ldap_search_ext_s(x->ld, base, LDAP_SCOPE_SUBTREE, lg_dup(x->cx->arena, filter).p, attributes, 0, NULL, NULL, &wait, 2, &found);
	if (code == LDAP_NO_SUCH_OBJECT)
		e = lg_fail(x->cx, LG_E_UNAUTHENTICATED, "nobody of that name");
	else if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED)
		e = failed(x, "search", code);
	else
		e = read_found(x, found, dn, ret);
	(void)ldap_msgfree(found);
	return e;
}

/* ---- a name and a password ----------------------------------------------------------------------------------------------- */

/* RFC 4513 5.1.2: a bind with a name and no password succeeds and proves nothing. */
static lg_err
prove(struct session *x, const char *dn, const struct lg_secret *password)
{
	int code = password->n == 0 ? LDAP_INVALID_CREDENTIALS : bind_as(x, dn, password);

	if (code == LDAP_SUCCESS)
		return LG_OK;
	if (code == LDAP_SERVER_DOWN || code == LDAP_TIMEOUT || code == LDAP_CONNECT_ERROR || code == LDAP_UNAVAILABLE || code == LDAP_BUSY)
		return failed(x, "bind", code);
	return lg_fail(x->cx, LG_E_UNAUTHENTICATED, "wrong user name or password");
}

static lg_err
ask(struct session *x, uint32_t tenant, lg_str url, const struct sts_ldap_try *t, struct lg_sts_person *ret)
{
	const char *dn = NULL;

	LG_TRY(sts_source_secret(x->cx, x->sts, tenant, x->s, &x->secret));
	LG_TRY(connect_to(x, url));
	LG_TRY(find(x, t->login, &dn, ret));
	return prove(x, dn, t->password);
}

/* The operator is told when a server falls silent and when it answers again, not each time. */
static lg_err
ask_one(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, lg_str url, const struct sts_ldap_try *t,
    struct lg_sts_person *ret)
{
	LG_AUTO(session_end) struct session x = { .cx = cx, .sts = sts, .s = s };
	lg_err e = ask(&x, tenant, url, t, ret);

	if (sts_silent_told(sts->silent, tenant, url, x.silent) && sts->ports.server_silent != NULL)
		sts->ports.server_silent(sts->ports.self, s->name, url, x.silent ? lg_str_of(cx->error) : LG_NONE);
	return e;
}

/* The next server only when one does not answer as it should: a wrong password is wrong everywhere. */
static lg_err
ask_each(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, const struct sts_ldap_try *t,
    struct lg_sts_person *ret)
{
	lg_err e = lg_fail(cx, LG_E_UNAVAILABLE, "source %.*s: no server answers", LG_FMT(s->name));

	for (size_t i = 0; i < s->urls.n && (e == LG_E_UNAVAILABLE || e == LG_E_DENIED); i++)
		if (sts_silent_ask(sts->silent, tenant, s->urls.v[i], t->silent_too ? t->began : 0))
			e = ask_one(cx, sts, tenant, s, s->urls.v[i], t, ret);
	return e;
}

lg_err
sts_ldap_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, const struct sts_ldap_try *t,
    struct lg_sts_person *ret)
{
	lg_err e;

	if (__atomic_add_fetch(&sts->ldap_waiting, 1, __ATOMIC_ACQ_REL) > STS_LDAP_AT_ONCE)
		e = lg_fail(cx, LG_E_BUSY, "too many sign-ins wait for source %.*s", LG_FMT(s->name));
	else
		e = ask_each(cx, sts, tenant, s, t, ret);
	(void)__atomic_sub_fetch(&sts->ldap_waiting, 1, __ATOMIC_ACQ_REL);
	return e;
}

lg_err
sts_ldap_knock(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, struct lg_jsonw *w)
{
	lg_jsonw_name(w, LG_STR("servers"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < s->urls.n; i++) {
		LG_AUTO(session_end) struct session x = { .cx = cx, .sts = sts, .s = s };
		lg_err e;

		LG_TRY(sts_source_secret(cx, sts, tenant, s, &x.secret));
		e = connect_to(&x, s->urls.v[i]);
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "url", s->urls.v[i]);
		lg_jsonw_bool_of(w, "answers", e == LG_OK);
		if (e != LG_OK)
			lg_jsonw_str_of(w, "fault", lg_str_of(cx->error));
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}
