/* ldif_map.c: OpenLDAP's and Active Directory's entries as ours (see ldif_map.h). */
#include "directory/ldif_map.h"

#include "base/text.h"
#include "directory/schema.h"

bool
lg_ldif_origin_parse(lg_str name, enum lg_ldif_origin *ret)
{
	static const lg_str names[] = { [LG_LDIF_AS_IS] = LG_STR("lightgate"), [LG_LDIF_OPENLDAP] = LG_STR("openldap"), [LG_LDIF_AD] = LG_STR("ad") };

	for (size_t i = 0; i < LG_COUNT(names); i++)
		if (lg_str_eq_fold(name, names[i])) {
			*ret = (enum lg_ldif_origin)i;
			return true;
		}
	return false;
}

/* ---- attributes ---------------------------------------------------------------------------------------------------------- */

/* objectGUID: the first three fields of the UUID are little-endian (MS-DTYP 2.3.4). */
static bool
from_guid(struct lg_ctx *cx, lg_str v, lg_str *ret)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	char *text = lg_alloc(cx->arena, LG_UUID_TEXT + 1);
	lg_uuid u;

	if (v.n != sizeof u.b)
		return false;
	for (size_t i = 0; i < sizeof u.b; i++)
		u.b[i] = (uint8_t)v.p[order[i]];
	lg_uuid_text(u, text);
	*ret = (lg_str){ text, LG_UUID_TEXT };
	return true;
}

/* "20260101120000.0Z" without its fraction. */
static bool
from_time(struct lg_ctx *cx, lg_str v, lg_str *ret)
{
	lg_str whole, rest;

	*ret = lg_str_cut(v, '.', &whole, &rest) ? lg_cat(cx->arena, whole, LG_STR("Z")) : v;
	return true;
}

/* userAccountControl, bit 2: the account is disabled. */
static bool
from_control(struct lg_ctx *cx, lg_str v, lg_str *ret)
{
	int64_t bits;

	(void)cx;
	if (!lg_int_parse(v, &bits))
		return false;
	*ret = (bits & 2) != 0 ? LG_STR("FALSE") : LG_STR("TRUE");
	return true;
}

static const struct attribute {
	lg_str from;
	const char *to;			/* NULL: left out */
	bool (*value)(struct lg_ctx *cx, lg_str v, lg_str *ret);
} ad_attributes[] = {
	{ LG_STR("sAMAccountName"), "uid", NULL },
	{ LG_STR("objectGUID"), "entryUUID", from_guid },
	{ LG_STR("whenCreated"), "createTimestamp", from_time },
	{ LG_STR("whenChanged"), "modifyTimestamp", from_time },
	{ LG_STR("userAccountControl"), "lgEnabled", from_control },
	{ LG_STR("department"), "departmentNumber", NULL },
	{ LG_STR("company"), "o", NULL },
	{ LG_STR("employeeID"), "employeeNumber", NULL },
	{ LG_STR("streetAddress"), "street", NULL },
	{ LG_STR("wWWHomePage"), "labeledURI", NULL },
	{ LG_STR("thumbnailPhoto"), "jpegPhoto", NULL },
	{ LG_STR("unixHomeDirectory"), "homeDirectory", NULL },
	{ LG_STR("distinguishedName"), NULL, NULL },	/* the entry's own DN */
	{ LG_STR("name"), NULL, NULL },			/* the RDN's value; a supertype here */
	{ LG_STR("unicodePwd"), NULL, NULL },
	{ LG_STR("userPassword"), NULL, NULL },		/* never a verifier there */
	{ LG_STR("memberOf"), NULL, NULL },
};

static const struct attribute openldap_attributes[] = {
	{ LG_STR("contextCSN"), NULL, NULL },
	{ LG_STR("pwdChangedTime"), NULL, NULL },
	{ LG_STR("pwdHistory"), NULL, NULL },
	{ LG_STR("pwdFailureTime"), NULL, NULL },
	{ LG_STR("pwdAccountLockedTime"), NULL, NULL },
	{ LG_STR("pwdPolicySubentry"), NULL, NULL },
	{ LG_STR("pwdReset"), NULL, NULL },
	{ LG_STR("pwdGraceUseTime"), NULL, NULL },
	{ LG_STR("authTimestamp"), NULL, NULL },
	{ LG_STR("pwdLastSuccess"), NULL, NULL },
	{ LG_STR("memberOf"), NULL, NULL },
};

/* ---- classes --------------------------------------------------------------------------------------------------------------- */

/* The first row whose class the entry has says what it is here. */
static const struct class {
	lg_str has;
	const char *becomes;		/* separated by blanks; NULL: the entry is left out */
	enum lg_entry_type type;
} ad_classes[] = {
	{ LG_STR("computer"), "lgHost", LG_TYPE_HOST },
	{ LG_STR("inetOrgPerson"), "inetOrgPerson lgAccount", LG_TYPE_USER },
	{ LG_STR("user"), "inetOrgPerson lgAccount", LG_TYPE_USER },
	{ LG_STR("contact"), "inetOrgPerson", LG_TYPE_USER },
	{ LG_STR("group"), "lgGroup", LG_TYPE_GROUP },
	{ LG_STR("organizationalUnit"), "organizationalUnit", LG_TYPE_CONTAINER },
	{ LG_STR("container"), "container", LG_TYPE_CONTAINER },
	{ LG_STR("builtinDomain"), "container", LG_TYPE_CONTAINER },
	{ LG_STR("domainDNS"), "domain", LG_TYPE_CONTAINER },
	{ LG_STR("top"), NULL, LG_TYPE_CONTAINER },
};

static const struct lg_values *
find(const struct lg_ldif_record *r, lg_str name)
{
	for (size_t i = 0; i < r->n; i++)
		if (lg_str_eq_fold(r->values[i].attribute, name))
			return &r->values[i];
	return NULL;
}

static bool
has_class(const struct lg_ldif_record *r, lg_str class)
{
	const struct lg_values *classes = find(r, LG_STR("objectClass"));

	for (size_t i = 0; classes != NULL && i < classes->n; i++)
		if (lg_str_eq_fold(classes->v[i], class))
			return true;
	return false;
}

static const struct class *
class_of(const struct lg_ldif_record *r)
{
	for (size_t i = 0; i < LG_COUNT(ad_classes); i++)
		if (has_class(r, ad_classes[i].has))
			return &ad_classes[i];
	return NULL;
}

static lg_str *
words(struct lg_ctx *cx, const char *list, size_t *n)
{
	lg_str *v = LG_NEWS(cx->arena, lg_str, 8);

	for (*n = 0; *n < 7 && lg_word_next(&list, &v[*n]); ++*n)
		;
	return v;
}

/* ---- records ------------------------------------------------------------------------------------------------------------------ */

static const struct attribute *
attribute_in(const struct attribute *list, size_t n, lg_str name)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq_fold(list[i].from, name))
			return &list[i];
	return NULL;
}

static bool
map_values(struct lg_ctx *cx, const struct attribute *m, struct lg_values *values)
{
	lg_str *v = LG_NEWS(cx->arena, lg_str, values->n);

	values->attribute = lg_str_of(m->to);
	for (size_t i = 0; m->value != NULL && i < values->n; i++)
		if (!m->value(cx, values->v[i], &v[i]))
			return false;
	if (m->value != NULL)
		values->v = v;
	return true;
}

/* Keeps what `wanted` (NULL: everything) says has a place in the new entry.  What is unknown and kept is told as a fault. */
static void
sift(struct lg_ctx *cx, struct lg_ldif_record *r, const struct attribute *list, size_t nlist,
    bool (*wanted)(const void *arg, const struct lg_attr *at), const void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct lg_values values = r->values[i];
		const struct attribute *m = attribute_in(list, nlist, values.attribute);
		if (m != NULL && (m->to == NULL || !map_values(cx, m, &values)))
			continue;
		if (wanted == NULL || wanted(arg, lg_attr_find(values.attribute)))
			r->values[n++] = values;
	}
	r->n = n;
}

static bool
allowed_by(const void *arg, const struct lg_attr *at)
{
	const struct class *c = arg;
	const char *list = c->becomes;
	lg_str name;

	if (at == NULL)
		return false;
	if ((at->flags & LG_AF_READONLY) != 0 || at->id == LG_A_OBJECT_CLASS)
		return true;
	while (lg_word_next(&list, &name)) {
		const struct lg_class *class = lg_class_find(name);
		if (class != NULL && lg_attr_in(lg_class_may(class), at->id))
			return true;
	}
	return false;
}

static lg_str
own_name(struct lg_ctx *cx, const struct lg_ldif_record *r)
{
	const struct lg_values *cn = find(r, LG_STR("cn"));

	return cn != NULL && cn->n > 0 ? cn->v[0] : lg_dup(cx->arena, LG_STR("unnamed"));
}

/* Accounts of UNIX have another class there; people need a surname here. */
static void
complete(struct lg_ctx *cx, struct lg_ldif_record *r, const struct class *c, bool posix)
{
	struct lg_values *all = LG_NEWS(cx->arena, struct lg_values, r->n + 2);
	size_t n;

	if (r->n > 0)
		memcpy(all, r->values, r->n * sizeof *all);
	r->values = all;
	for (size_t i = 0; i < r->n; i++)
		if (lg_str_eq_fold(all[i].attribute, LG_STR("objectClass"))) {
			lg_str *v = words(cx, c->becomes, &n);
			if (posix)
				v[n++] = LG_STR("posixAccount");
			all[i] = (struct lg_values){ LG_STR("objectClass"), v, n };
		}
	if (c->type == LG_TYPE_USER && find(r, LG_STR("sn")) == NULL) {
		lg_str *v = LG_NEWS(cx->arena, lg_str, 1);
		*v = own_name(cx, r);
		all[r->n++] = (struct lg_values){ LG_STR("sn"), v, 1 };
	}
}

static void
map_ad(struct lg_ctx *cx, struct lg_ldif_record *r, bool *skip)
{
	static const struct class posix_user = { { "posix", 5 }, "inetOrgPerson lgAccount posixAccount", LG_TYPE_USER };
	const struct class *c = class_of(r);
	bool posix = c != NULL && c->type == LG_TYPE_USER && find(r, LG_STR("uidNumber")) != NULL && find(r, LG_STR("gidNumber")) != NULL &&
	    find(r, LG_STR("unixHomeDirectory")) != NULL;

	*skip = c == NULL || c->becomes == NULL;
	if (*skip)
		return;
	sift(cx, r, ad_attributes, LG_COUNT(ad_attributes), allowed_by, posix ? &posix_user : c);
	complete(cx, r, c, posix);
}

lg_err
lg_ldif_map(struct lg_ctx *cx, const struct lg_ldif_map *map, struct lg_ldif_record *r, bool *skip)
{
	*skip = false;
	if (map->origin == LG_LDIF_AD)
		map_ad(cx, r, skip);
	else if (map->origin == LG_LDIF_OPENLDAP)
		sift(cx, r, openldap_attributes, LG_COUNT(openldap_attributes), NULL, NULL);
	return LG_OK;
}
