/*
 * constraints.c: a name must lie in a permitted subtree of its kind, if there are any, and in no excluded one.
 *
 * Kinds that we never issue (mail addresses, other names) cannot be violated by what we issue; a kind that is unknown is refused.
 */
#include "certs/constraints.h"

#include "base/ipnet.h"
#include "certs/names.h"

enum kind { KIND_MAIL = 1, KIND_DNS = 2, KIND_DIRECTORY = 4, KIND_URI = 6, KIND_IP = 7 };	/* as GeneralName is tagged */

/* "" is every name; what begins with a dot, only names below it. */
static bool
dns_in(lg_str base, lg_str name)
{
	if (base.n == 0)
		return true;
	if (base.p[0] == '.')
		return name.n > base.n && lg_str_eq_fold(lg_str_sub(name, name.n - base.n, base.n), base);
	return lg_str_eq_fold(name, base) || (name.n > base.n + 1 && name.p[name.n - base.n - 1] == '.' &&
	    lg_str_eq_fold(lg_str_sub(name, name.n - base.n, base.n), base));
}

/* The host of the URI: all of it, or, when the constraint begins with a dot, names below. */
static bool
uri_in(lg_str base, lg_str uri)
{
	lg_str scheme, rest, host, path;

	if (!lg_str_cut(uri, ':', &scheme, &rest) || !lg_str_starts(rest, LG_STR("//")))
		return false;
	lg_str_cut(lg_str_sub(rest, 2, rest.n), '/', &host, &path);
	lg_str_cut(host, ':', &host, &path);
	return base.n > 0 && base.p[0] == '.' ? dns_in(base, host) : lg_str_eq_fold(base, host);
}

/* RDNs from the first on, octet by octet. */
static bool
directory_in(lg_str base, lg_str subject)
{
	struct lg_der b = lg_der_of(base), s = lg_der_of(subject);
	lg_str all = lg_der_take(&b, LG_DER_SEQUENCE), of = lg_der_take(&s, LG_DER_SEQUENCE);

	return !b.bad && !s.bad && lg_str_starts(of, all);
}

static bool
in(enum kind kind, lg_str base, lg_str name)
{
	switch (kind) {
	case KIND_DNS:
		return dns_in(base, name);
	case KIND_URI:
		return uri_in(base, name);
	case KIND_IP:
		return lg_ipnet_has(base, name);
	case KIND_DIRECTORY:
		return directory_in(base, name);
	case KIND_MAIL:
		break;
	}
	return false;
}

struct subtree {
	enum kind kind;
	lg_str base;
};

struct subtrees {
	struct subtree v[LG_SUBTREES];
	size_t n;
};

/* GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }; the last two must be absent. */
static void
read_one(struct lg_der *list, struct subtrees *ret)
{
	struct lg_der one = lg_der_enter(list, LG_DER_SEQUENCE);
	struct lg_der_item item;
	struct subtree s = { .kind = KIND_MAIL };

	if (!lg_der_next(&one, &item) || ret->n == LG_SUBTREES) {
		lg_der_fault(list);
		return;
	}
	s.kind = (enum kind)(item.tag & 0x1f);
	s.base = item.body;
	if (s.kind != KIND_MAIL && s.kind != KIND_DNS && s.kind != KIND_DIRECTORY && s.kind != KIND_URI && s.kind != KIND_IP)
		lg_der_fault(list);
	if (s.kind == KIND_IP && s.base.n != 8 && s.base.n != 32)
		lg_der_fault(list);
	ret->v[ret->n++] = s;
	lg_der_leave(list, &one);
}

static void
read_list(struct lg_der *d, uint8_t tag, struct subtrees *ret)
{
	if (lg_der_peek(d) != tag)
		return;
	struct lg_der list = lg_der_enter(d, tag);
	while (lg_der_more(&list))
		read_one(&list, ret);
	lg_der_leave(d, &list);
}

struct constraints {
	struct subtrees permitted, excluded;
};

static lg_err
judge(struct lg_ctx *cx, const struct constraints *nc, enum kind kind, lg_str name)
{
	bool any = false, permitted = false;

	for (size_t i = 0; i < nc->permitted.n; i++)
		if (nc->permitted.v[i].kind == kind) {
			any = true;
			permitted = permitted || in(kind, nc->permitted.v[i].base, name);
		}
	if (any && !permitted)
		return lg_fail(cx, LG_E_DENIED, "a name that the CA's name constraints do not permit (RFC 5280 4.2.1.10)");
	for (size_t i = 0; i < nc->excluded.n; i++)
		if (nc->excluded.v[i].kind == kind && in(kind, nc->excluded.v[i].base, name))
			return lg_fail(cx, LG_E_DENIED, "a name that the CA's name constraints exclude (RFC 5280 4.2.1.10)");
	return LG_OK;
}

static lg_err
judge_all(struct lg_ctx *cx, const struct constraints *nc, enum kind kind, const lg_str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		LG_TRY(judge(cx, nc, kind, v[i]));
	return LG_OK;
}

lg_err
lg_x509_names_permitted(struct lg_ctx *cx, const struct lg_x509 *ca, lg_str subject, const struct lg_cert_names *names)
{
	struct constraints *nc;

	if (!lg_x509_has(&ca->exts, LG_EXT_NAME_CONSTRAINTS))
		return LG_OK;
	nc = LG_NEW(cx->arena, struct constraints);
	struct lg_der d = lg_der_of(ca->exts.value[LG_EXT_NAME_CONSTRAINTS]), s = lg_der_enter(&d, LG_DER_SEQUENCE);
	read_list(&s, LG_DER_EXPLICIT(0), &nc->permitted);
	read_list(&s, LG_DER_EXPLICIT(1), &nc->excluded);
	lg_der_leave(&d, &s);
	LG_TRY(lg_der_end(cx, &d, "name constraints"));
	if (subject.n > 2)			/* an empty one is no name */
		LG_TRY(judge(cx, nc, KIND_DIRECTORY, subject));
	LG_TRY(judge_all(cx, nc, KIND_URI, names->uri, names->nuri));
	LG_TRY(judge_all(cx, nc, KIND_DNS, names->dns, names->ndns));
	return judge_all(cx, nc, KIND_IP, names->ip, names->nip);
}
