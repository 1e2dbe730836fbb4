/*
 * op_scram.c: SCRAM-SHA-256 (RFC 5802, RFC 7677): the password never comes, and with -PLUS neither side can be somebody between.
 *
 * Who has no SCRAM verifier, or does not exist, is asked like everybody else, with a salt that stays the same for the name; the proof
 * then fits nothing.
 */
#include "base/text.h"
#include "directory/directory.h"
#include "directory/sasl.h"
#include "directory/secret.h"

/* ---- the client's first message ------------------------------------------------------------------------------------------- */

struct first {
	lg_str flag;			/* "n", "y" or "p=<type>" */
	lg_str authzid;
	lg_str gs2;			/* "p=tls-exporter,," */
	lg_str bare;			/* "n=user,r=nonce" */
	lg_str name, nonce;
};

/* saslname: "=2C" and "=3D" stand for ',' and '='. */
static bool
decode_name(struct lg_arena *a, lg_str s, lg_str *ret)
{
	char *p = lg_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		lg_str code = lg_str_sub(s, i, 3);
		bool escaped = s.p[i] == '=';
		if (escaped && !lg_str_eq(code, LG_STR("=2C")) && !lg_str_eq(code, LG_STR("=3D")))
			return false;
		p[n++] = !escaped ? s.p[i] : code.p[2] == 'C' ? ',' : '=';
		i += escaped ? 2 : 0;
	}
	*ret = (lg_str){ p, n };
	return n > 0 && n <= LG_DN_MAX;
}

static bool
is_printable(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0;
}

static bool
parse_first(struct lg_arena *a, lg_str message, struct first *ret)
{
	lg_str rest = message, name, nonce;

	if (!lg_str_cut(rest, ',', &ret->flag, &rest) || !lg_str_cut(rest, ',', &ret->authzid, &rest))
		return false;
	ret->gs2 = lg_str_sub(message, 0, message.n - rest.n);
	ret->bare = rest;
	lg_str_cut(rest, ',', &name, &rest);
	lg_str_cut(rest, ',', &nonce, &rest);		/* extensions behind it are ignored; "m=" in front of the name is refused */
	ret->nonce = lg_str_sub(nonce, 2, nonce.n);
	return lg_str_starts(name, LG_STR("n=")) && lg_str_starts(nonce, LG_STR("r=")) && is_printable(ret->nonce) && ret->nonce.n <= 256 &&
	    decode_name(a, lg_str_sub(name, 2, name.n), &ret->name) && (ret->authzid.n == 0 || lg_str_starts(ret->authzid, LG_STR("a=")));
}

/* The data of the binding the client names (RFC 5802 6).  "y": it thinks we had none, but we said that we have: somebody is between. */
static bool
find_binding(struct lg_op *op, const struct lg_mechanism *m, lg_str flag, lg_str *ret)
{
	const struct lg_ldap_peer *p = &op->conn->peer;
	bool have = p->has_exporter || p->nend_point > 0;

	*ret = LG_NONE;
	if (!m->bound && (lg_str_eq(flag, LG_STR("n")) || (lg_str_eq(flag, LG_STR("y")) && !have)))
		return true;
	/* Cyrus SASL says the mechanism's name without -PLUS even when it binds: what it binds to is checked all the same. */
	if (lg_str_eq(flag, LG_STR("p=tls-exporter")) && p->has_exporter)
		*ret = (lg_str){ (const char *)p->exporter, sizeof p->exporter };
	else if (lg_str_eq(flag, LG_STR("p=tls-server-end-point")))
		*ret = (lg_str){ (const char *)p->end_point, p->nend_point };
	else if (lg_str_eq(flag, LG_STR("p=ldap")) && p->nend_point > 0)	/* what libldap calls it to Cyrus SASL */
		*ret = lg_cat(op->arena, LG_STR("tls-server-end-point:"), (lg_str){ (const char *)p->end_point, p->nend_point });
	return ret->n > 0;
}

/* ---- keys --------------------------------------------------------------------------------------------------------------------- */

/* For nobody: a salt that depends on the name alone, and keys that no password has. */
static void
make_up(struct lg_op *op, lg_str name, struct lg_scram *ret)
{
	const struct lg_signer *signer = op->ldap->o.dir->ports.signer;
	const struct lg_secret *key;
	lg_sha256 salt = lg_sha256_of(name);

	if (signer->data_key(signer->self, &op->cx, op->ldap->o.tenant, &key) == LG_OK)
		salt = lg_hmac_sha256(key, lg_cat(op->arena, LG_STR("lightgate scram salt "), name));
	*ret = (struct lg_scram){ .iterations = LG_SCRAM_ITERATIONS, .salt = lg_dup(op->arena, lg_str_sub(lg_sha256_str(&salt), 0, 16)) };
	lg_random(ret->stored, sizeof ret->stored);
	lg_random(ret->server, sizeof ret->server);
}

static void
find_keys(struct lg_op *op, struct lg_view *v, lg_str name, lg_str dn, struct lg_scram *ret)
{
	struct lg_entry e;

	if (lg_entry_by_dn(&op->cx, v, dn, &e) != LG_OK || lg_entry_scram(&op->cx, op->ldap->o.dir, v, &e, ret) != LG_OK)
		make_up(op, name, ret);
}

/* ---- the two steps -------------------------------------------------------------------------------------------------------------- */

static void
begin(struct lg_op *op, const struct lg_mechanism *m, const struct first *f, lg_str binding, lg_str dn, const struct lg_scram *keys)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_sasl *s = LG_NEW(arena, struct lg_sasl);

	*s = (struct lg_sasl){ .arena = arena, .mechanism = m, .gs2 = lg_dup(arena, f->gs2), .binding = lg_dup(arena, binding),
		.client_first = lg_dup(arena, f->bare), .dn = lg_dup(arena, dn), .keys = *keys };
	s->keys.salt = lg_dup(arena, keys->salt);
	s->nonce = lg_print(arena, "%.*s%.*s", LG_FMT(f->nonce), LG_FMT(lg_token_new(arena)));
	s->server_first = lg_print(arena, "r=%.*s,s=%.*s,i=%u", LG_FMT(s->nonce), LG_FMT(lg_base64(arena, s->keys.salt)), s->keys.iterations);
	op->conn->sasl = s;
	lg_sasl_continue(op, s->server_first);
}

static void
first_step(struct lg_op *op, const struct lg_mechanism *m, lg_str message)
{
	struct first f = { .flag = LG_NONE };
	struct lg_scram keys;
	struct lg_view *v;
	lg_str binding, dn;

	if (!parse_first(op->arena, message, &f)) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed SCRAM message");
		return;
	}
	if (!find_binding(op, m, f.flag, &binding)) {
		lg_bind_refuse(op);
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	dn = lg_sasl_dn(op, v, f.name);
	find_keys(op, v, f.name, dn, &keys);
	if (f.authzid.n > 0 && !lg_str_eq(f.authzid, lg_cat(op->arena, LG_STR("a=u:"), f.name)))
		lg_bind_refuse(op);
	lg_view_end(&v);
	if (!op->done)
		begin(op, m, &f, binding, dn, &keys);
}

/* "c=<gs2 header and binding>,r=<nonce>[,...],p=<proof>" */
static bool
parse_final(struct lg_op *op, const struct lg_sasl *s, lg_str message, lg_str *without_proof, lg_str *proof)
{
	lg_str binding, nonce, rest, decoded, wanted = lg_cat(op->arena, s->gs2, s->binding);
	size_t at = message.n;

	while (at > 0 && message.p[at - 1] != ',')
		at--;
	if (at == 0 || !lg_str_starts(lg_str_sub(message, at, message.n), LG_STR("p=")))
		return false;
	*without_proof = lg_str_sub(message, 0, at - 1);
	lg_str_cut(*without_proof, ',', &binding, &rest);
	lg_str_cut(rest, ',', &nonce, &rest);
	return lg_str_starts(binding, LG_STR("c=")) && lg_base64_parse(op->arena, lg_str_sub(binding, 2, binding.n), &decoded) &&
	    lg_str_eq(decoded, wanted) && lg_str_starts(nonce, LG_STR("r=")) && lg_str_eq(lg_str_sub(nonce, 2, nonce.n), s->nonce) &&
	    lg_base64_parse(op->arena, lg_str_sub(message, at + 2, message.n), proof);
}

static void
last_step(struct lg_op *op, struct lg_sasl *s, lg_str message)
{
	lg_str without_proof, proof, all, credentials = LG_NONE, dn = lg_dup(op->arena, s->dn);
	lg_sha256 signature;
	bool match = parse_final(op, s, message, &without_proof, &proof);

	if (match) {
		all = lg_print(op->arena, "%.*s,%.*s,%.*s", LG_FMT(s->client_first), LG_FMT(s->server_first), LG_FMT(without_proof));
		match = lg_scram_verify(&s->keys, all, proof, &signature);
	}
	if (match)
		credentials = lg_print(op->arena, "v=%.*s", LG_FMT(lg_base64(op->arena, lg_sha256_str(&signature))));
	lg_sasl_drop(op->conn);
	lg_bind_checked(op, dn, match, credentials);
}

void
lg_sasl_scram(struct lg_op *op, const struct lg_mechanism *m, lg_str credentials, struct lg_sasl *sasl)
{
	if (sasl != NULL) {
		last_step(op, sasl, credentials);
		return;
	}
	lg_sasl_drop(op->conn);
	if (credentials.n == 0)
		lg_sasl_continue(op, LG_STR(""));	/* RFC 4422 5: the client speaks first; asked to, it does */
	else
		first_step(op, m, credentials);
}
