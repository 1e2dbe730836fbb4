/*
 * search_deref.c: the dereference control (draft-masarati-ldap-deref-00): with an entry come attributes of the entries that its DN-valued
 * attributes name.  Each of those is shown as a search for it would show it.
 */
#include "directory/search.h"

struct following {
	struct lg_op *op;
	struct lg_shown *from;
	const struct lg_deref *spec;
	struct lg_berw *w;
	size_t n;
};

static bool
follow(void *arg, lg_str dn)
{
	struct following *f = arg;
	struct lg_access *ac = f->from->ac;
	struct lg_entry e;
	struct lg_shown sh = { .ac = ac, .e = &e };

	if (f->n++ == LG_DEREF_VALUES)
		return true;
	if (lg_entry_by_dn(ac->cx, ac->v, dn, &e) != LG_OK || e.tenant != ac->tenant || lg_entry_dn(ac->cx, ac->v, &e, &sh.dn) != LG_OK ||
	    !lg_may(ac, LG_RIGHT_DISCLOSE, &e, sh.dn, NULL))
		return false;
	lg_berw_open(f->w, LG_BER_SEQUENCE);
	lg_berw_str(f->w, LG_BER_OCTETS, lg_attr_name(f->spec->attr));
	lg_berw_str(f->w, LG_BER_OCTETS, sh.dn);
	lg_berw_open(f->w, LG_BER_CONTEXT_SET(0));
	lg_shown_attributes(&sh, &f->spec->selection, f->w);
	lg_berw_close(f->w);
	lg_berw_close(f->w);
	return false;
}

void
lg_deref_put(struct lg_op *op, struct lg_shown *sh, struct lg_buf *out)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(LG_LDAP_PDU_BOUND);
	struct lg_berw w = lg_berw_of(&value), control = lg_berw_of(out);
	size_t empty;

	lg_berw_open(&w, LG_BER_SEQUENCE);
	empty = value.n;
	for (size_t i = 0; i < op->controls.nderef; i++) {
		struct following f = { op, sh, &op->controls.deref[i], &w, 0 };
		if (f.spec->attr != NULL && lg_may(sh->ac, LG_RIGHT_READ, sh->e, sh->dn, f.spec->attr))
			lg_shown_values(sh, f.spec->attr, follow, &f);
	}
	if (value.full || value.n == empty)
		return;
	lg_berw_close(&w);
	lg_berw_open(&control, LG_BER_SEQUENCE);
	lg_berw_str(&control, LG_BER_OCTETS, LG_STR(LG_CONTROL_DEREF));
	lg_berw_str(&control, LG_BER_OCTETS, lg_buf_view(&value));
	lg_berw_close(&control);
}
