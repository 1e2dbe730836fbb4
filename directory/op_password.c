/*
 * op_password.c: Password Modify (RFC 3062): whose, the old password if given is verified, the new one is hashed, the verifier stored.
 * Each step is a callback on the loop; nothing is held open between them.
 */
#include "directory/find.h"
#include "directory/op_write.h"

enum { GENERATED = 20 };		/* characters of 64: 120 bits */

struct change {
	lg_str identity, old, new;
	lg_str dn;			/* of the entry; empty: there is none */
	bool has_old;
};

static lg_err
edit(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	const struct lg_attr *at = lg_attr_of(LG_A_USER_PASSWORD);
	struct lg_access ac;
	struct lg_entry e;
	lg_str dn;

	LG_TRY(lg_write_find(cx, ed, w->dn, &ac, &e, &dn));
	LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_WRITE, &e, dn, at));
	LG_TRY(lg_old_still(cx, ed, w, &e));
	return lg_entry_set_verifier(cx, ed, &e, w->values[0].v[0]);
}

static void
submit(struct lg_op *op, struct change *ch, lg_str dn, lg_str verified)
{
	struct lg_write *w = lg_write_new(op, dn, edit);
	lg_str *value = LG_NEW(op->arena, lg_str);

	w->verified = verified;
	*value = ch->new;
	if (ch->new.n == 0) {
		lg_str token = lg_token_new(op->arena);
		w->generated = *value = lg_str_sub(token, 0, GENERATED);
	}
	w->values = LG_NEW(op->arena, struct lg_values);
	w->values[0] = (struct lg_values){ LG_STR("userPassword"), value, 1 };
	w->n = 1;
	lg_write_submit(op, w, "entry.password", value);
}

static void
old_was_right(struct lg_op *op, lg_str verifier)
{
	struct change *ch = op->state;

	submit(op, ch, ch->dn, verifier);
}

/* Whose password: a DN, "dn:...", "u:name", or the caller's own. */
static lg_err
find_target(struct lg_op *op, struct lg_view *v, lg_str identity, struct lg_entry *ret)
{
	if (identity.n == 0)
		return lg_entry_by_uuid(&op->cx, v, op->actor.tenant, op->actor.id, ret);
	return lg_authzid_entry(&op->cx, v, op->actor.tenant, identity, ret);
}

static bool
read_request(lg_str value, struct change *ch)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);

	if (value.p == NULL)		/* RFC 3062 2: all fields may be absent */
		return true;
	if (lg_ber_peek(&b) == LG_BER_CONTEXT(0))
		ch->identity = lg_ber_str(&b, LG_BER_CONTEXT(0));
	ch->has_old = lg_ber_peek(&b) == LG_BER_CONTEXT(1);
	if (ch->has_old)
		ch->old = lg_ber_str(&b, LG_BER_CONTEXT(1));
	if (lg_ber_peek(&b) == LG_BER_CONTEXT(2)) {
		ch->new = lg_ber_str(&b, LG_BER_CONTEXT(2));
		if (ch->new.n == 0)
			return false;
	}
	return !b.bad && !lg_ber_more(&b);
}

void
lg_op_password(struct lg_op *op, lg_str value)
{
	struct change *ch = LG_NEW(op->arena, struct change);
	struct lg_view *v;
	struct lg_entry e;
	lg_err err;

	if (!lg_op_confidential(op)) {
		lg_op_code(op, LG_LDAP_CONFIDENTIALITY_REQUIRED, "TLS confidentiality required");
		return;
	}
	if (!read_request(value, ch) || ch->new.n > LG_PASSWORD_MAX || ch->old.n > LG_PASSWORD_MAX) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed password modify request");
		return;
	}
	if (op->actor.kind != LG_ACTOR_ENTRY) {
		lg_op_code(op, LG_LDAP_STRONGER_AUTH_REQUIRED, "only authenticated users may change passwords");
		return;
	}
	if (!lg_op_view(op, &v))
		return;
	err = find_target(op, v, ch->identity, &e);
	if (err == LG_OK)
		err = lg_entry_dn(&op->cx, v, &e, &ch->dn);
	lg_view_end(&v);
	op->state = ch;
	if (err != LG_OK && err != LG_E_NOT_FOUND && err != LG_E_INVALID)
		lg_op_error(op, err, NULL);
	else if (ch->has_old)
		lg_op_verify_old(op, ch->dn, ch->old, old_was_right);
	else if (err != LG_OK)
		lg_op_code(op, LG_LDAP_NO_SUCH_OBJECT, "");
	else
		submit(op, ch, ch->dn, LG_NONE);
}
