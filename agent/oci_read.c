/* oci_read.c: see oci_read.h. */
#include "agent/oci_read.h"

/* ---- member names ------------------------------------------------------------------------------------- */

/* Go's folding goes beyond ASCII (U+017F is an s), so names beyond ASCII fault too. */
int
lg_oci_member(struct lg_oci_reading *r, const char *const *known)
{
	lg_str name;

	while (lg_json_member(&r->js, &name)) {
		for (size_t i = 0; i < name.n; i++)
			if ((unsigned char)name.p[i] >= 0x80)
				lg_json_fault(&r->js, "a member name beyond ASCII");
		for (int i = 0; known[i] != NULL; i++) {
			if (lg_str_eq(name, lg_str_of(known[i])))
				return i;
			if (lg_str_eq_fold(name, lg_str_of(known[i])))
				lg_json_fault(&r->js, "a member name in other letters than the specification's");
		}
		lg_json_skip(&r->js);
	}
	return -1;
}

bool
lg_oci_absent(struct lg_oci_reading *r)
{
	if (lg_json_peek(&r->js) != LG_JSON_NULL)
		return false;
	lg_json_null(&r->js);
	return true;
}

bool
lg_oci_object(struct lg_oci_reading *r)
{
	if (lg_oci_absent(r))
		return false;
	lg_json_object(&r->js);
	return true;
}

bool
lg_oci_array(struct lg_oci_reading *r)
{
	if (lg_oci_absent(r))
		return false;
	lg_json_array(&r->js);
	return true;
}

/* ---- lists ------------------------------------------------------------------------------------------------ */

bool
lg_oci_has(const struct lg_oci_list *l, lg_str s)
{
	for (size_t i = 0; i < l->n; i++)
		if (lg_str_eq(l->v[i], s))
			return true;
	return false;
}

void
lg_oci_add(struct lg_oci_reading *r, struct lg_oci_list *l, lg_str s)
{
	if (l->v == NULL)
		l->v = LG_NEWS(r->cx->arena, lg_str, LG_OCI_LIST);
	if (l->n == LG_OCI_LIST)
		lg_json_fault(&r->js, "more items than are taken here");
	else
		l->v[l->n++] = s;
}

void
lg_oci_strings(struct lg_oci_reading *r, struct lg_oci_list *l, bool once)
{
	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		lg_str s = lg_json_str(&r->js);
		if (!once || !lg_oci_has(l, s))
			lg_oci_add(r, l, s);
	}
}
