/* op_compare.c: compare (RFC 4511 4.10) and abandon (4.11). */
#include "directory/conn.h"
#include "directory/edit.h"
#include "directory/shown.h"

static bool
is_equal(void *arg, lg_str normal)
{
	const lg_str *wanted = arg;

	return lg_str_eq(normal, *wanted);
}

/* What the assertion is worth by itself: 17, 21 and 18 come before the entry is looked at. */
static bool
assertion_fits(struct lg_op *op, lg_str dn, const struct lg_values *asserted, lg_str *normal)
{
	const struct lg_attr *at = lg_attr_find(asserted->attribute);
	struct lg_edit ed = { 0 };
	struct lg_dn parsed;
	lg_err e = lg_values_check(&op->cx, &ed, asserted, LG_MODIFY_DELETE);

	if (e == LG_OK && lg_attr_form(at) == LG_FORM_NONE)
		e = lg_refuse(&op->cx, &ed, LG_LDAP_INAPPROPRIATE_MATCHING, "the attribute has no equality rule");
	else if (e == LG_OK && !lg_normal(op->arena, lg_attr_form(at), asserted->v[0], normal))
		e = lg_refuse(&op->cx, &ed, LG_LDAP_INVALID_SYNTAX, "the value does not fit the attribute");
	if (e != LG_OK && !lg_dn_parse(op->arena, dn, &parsed))
		e = lg_refuse(&op->cx, &ed, LG_LDAP_INVALID_DN, "invalid DN");
	if (e != LG_OK)
		lg_op_error(op, e, &ed);
	return e == LG_OK;
}

static void
compare(struct lg_op *op, struct lg_shown *sh, const struct lg_attr *at, lg_str value, lg_str normal)
{
	struct lg_filter_port port = lg_shown_port(sh);

	if (!lg_may(sh->ac, LG_RIGHT_COMPARE, sh->e, sh->dn, at))
		lg_op_code(op, LG_LDAP_INSUFFICIENT_ACCESS, "");
	else if (!port.present(sh, at))
		lg_op_code(op, LG_LDAP_NO_SUCH_ATTRIBUTE, "");
	else if (at->id == LG_A_MEMBER || at->id == LG_A_MEMBER_OF)
		lg_op_code(op, port.linked(sh, at, value, false) ? LG_LDAP_COMPARE_TRUE : LG_LDAP_COMPARE_FALSE, "");
	else
		lg_op_code(op, port.any(sh, at, lg_attr_form(at), is_equal, &normal) ? LG_LDAP_COMPARE_TRUE : LG_LDAP_COMPARE_FALSE, "");
}

void
lg_op_compare(struct lg_op *op, struct lg_ber *body)
{
	lg_str dn = lg_ber_str(body, LG_BER_OCTETS);
	struct lg_ber ava = lg_ber_enter(body, LG_BER_SEQUENCE);
	lg_str type = lg_ber_str(&ava, LG_BER_OCTETS), value = lg_ber_str(&ava, LG_BER_OCTETS);
	const struct lg_attr *at = lg_attr_find(type);
	struct lg_access ac;
	struct lg_entry e;
	struct lg_shown sh = { .ac = &ac, .e = &e };
	struct lg_view *v;
	lg_str normal;

	if (body->bad || ava.bad) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed compare request");
		return;
	}
	if (!assertion_fits(op, dn, &(struct lg_values){ type, &value, 1 }, &normal) || !lg_op_view(op, &v))
		return;
	if (lg_op_find(op, v, dn, &ac, &e, &sh.dn))
		compare(op, &sh, at, value, normal);
	lg_view_end(&v);
}

/* Its own content is the message's number, without a tag.  What waits for the store will be done all the same, unanswered. */
void
lg_op_abandon(struct lg_op *op, struct lg_ber *body)
{
	int64_t id = 0;

	op->done = true;
	if (body->bad || op->body.n == 0 || op->body.n > 4)
		return;
	for (size_t i = 0; i < op->body.n; i++)
		id = id << 8 | (unsigned char)op->body.p[i];
	for (struct lg_op *other = op->conn->ops; other != NULL; other = other->next) {
		if (other->id != id || other == op || other->kind->run == lg_op_bind)
			continue;
		other->abandoned = true;
		if (!other->waiting) {
			lg_op_end(other);
			return;
		}
	}
}
