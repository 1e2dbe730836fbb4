/* op_add.c: add (RFC 4511 4.7). */
#include "directory/op_write.h"
#include "directory/find.h"

/* What the entry will be, as far as rights are concerned. */
static struct lg_entry
entry_to_be(const struct lg_edit *ed, const struct lg_values *values, size_t n)
{
	struct lg_entry e = { .tenant = ed->tenant };

	for (size_t i = 0; i < n; i++) {
		const struct lg_attr *at = lg_attr_find(values[i].attribute);
		for (size_t k = 0; at != NULL && at->id == LG_A_OBJECT_CLASS && k < values[i].n; k++) {
			const struct lg_class *c = lg_class_find(values[i].v[k]);
			if (c != NULL && lg_class_structural(c) && lg_class_type(c) != LG_TYPE_CONTAINER)
				e.type = lg_class_type(c);
		}
	}
	return e;
}

lg_err
lg_add_may(struct lg_ctx *cx, struct lg_edit *ed, lg_str text, const struct lg_values *values, size_t n, bool relax)
{
	struct lg_access ac = lg_access_of(ed->dir, cx, ed->v, ed->tenant, NULL);
	struct lg_entry e = entry_to_be(ed, values, n);
	struct lg_dn parsed;
	lg_str dn;

	if (!lg_dn_parse(cx->arena, text, &parsed))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid DN");
	dn = lg_dn_text(cx->arena, &parsed);
	LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_ADD, &e, dn, NULL));
	if (relax && !lg_may(&ac, LG_RIGHT_RELAX, &e, dn, NULL))
		return lg_refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, "the rules are not relaxed for you");
	ed->relax = relax;
	for (size_t i = 0; i < n; i++) {
		const struct lg_attr *at = lg_attr_find(values[i].attribute);
		/* Of what class it is, is what the right to add was asked for. */
		if (at != NULL && at->id != LG_A_OBJECT_CLASS && !lg_may(&ac, LG_RIGHT_WRITE, &e, dn, at))
			return lg_refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, "insufficient access rights");
	}
	return LG_OK;
}

static lg_err
edit(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	struct lg_entry made;

	LG_TRY(lg_add_may(cx, ed, w->dn, w->values, w->n, w->op->controls.relax));
	LG_TRY(lg_entry_add(cx, ed, w->dn, w->values, w->n, &made));
	return lg_write_after(cx, ed, w, &made);
}

void
lg_op_add(struct lg_op *op, struct lg_ber *body)
{
	lg_str dn = lg_ber_str(body, LG_BER_OCTETS), *password = NULL;
	struct lg_ber list = lg_ber_enter(body, LG_BER_SEQUENCE);
	struct lg_write *w = lg_write_new(op, dn, edit);

	w->values = LG_NEWS(op->arena, struct lg_values, lg_ber_count(&list));
	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE);
		struct lg_values *values = &w->values[w->n++];
		if (!lg_write_values(op, &one, values))
			list.bad = true;
		else if (!lg_write_password(op, values, dn, &password))
			return;
	}
	if (body->bad || list.bad || w->n == 0)
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed add request");
	else
		lg_write_submit(op, w, "entry.add", password);
}
