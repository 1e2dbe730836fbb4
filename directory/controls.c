/* controls.c: decoding of controls (RFC 4511 4.1.11), a row each. */
#include "directory/controls.h"

#include "directory/conn.h"
#include "directory/sync.h"

/* Readers give the code with which the operation is refused. */
static int
checked(const struct lg_ber *b)
{
	return b->bad || lg_ber_more(b) ? LG_LDAP_PROTOCOL_ERROR : LG_LDAP_SUCCESS;
}

/* ---- any operation --------------------------------------------------------------------------------------------------- */

/* RFC 3296, RFC 6171: there are neither referrals nor copies here, so every entry is managed as itself already. */
static int
read_nothing(struct lg_op *op, lg_str value, bool critical)
{
	(void)op, (void)value, (void)critical;
	return LG_LDAP_SUCCESS;
}

/* RFC 4370 3: it must be critical, for who ignores it would do more than was asked. */
static int
read_proxied(struct lg_op *op, lg_str value, bool critical)
{
	op->controls.proxied = true;
	op->controls.authzid = value;
	return critical ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

static int
read_assertion(struct lg_op *op, lg_str value, bool critical)
{
	(void)critical;
	op->controls.assertion = value;
	return value.n > 0 ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

/* ---- reads of what is changed ------------------------------------------------------------------------------------------ */

static int
read_selection(struct lg_ber *b, struct lg_selection *sel)
{
	size_t n = 0;

	for (; lg_ber_more(b) && n <= LG_LDAP_ATTRIBUTES; n++)
		lg_selection_add(sel, lg_ber_str(b, LG_BER_OCTETS));
	sel->user = sel->user || n == 0;
	return n > LG_LDAP_ATTRIBUTES ? LG_LDAP_ADMIN_LIMIT_EXCEEDED : checked(b);
}

static int
read_pre(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);

	(void)critical;
	op->controls.pre_read = true;
	return read_selection(&b, &op->controls.pre);
}

static int
read_post(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);

	(void)critical;
	op->controls.post_read = true;
	return read_selection(&b, &op->controls.post);
}

/* RFC 5805 2.1.2: it must be critical, for who ignores it would do at once what may never be wanted. */
static int
read_txn(struct lg_op *op, lg_str value, bool critical)
{
	op->controls.txn = value;
	return critical && value.n > 0 ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

static int
read_tree_delete(struct lg_op *op, lg_str value, bool critical)
{
	(void)critical;
	op->controls.tree_delete = true;
	return value.n == 0 ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

/* Draft 2: it must be critical, for who ignores it would refuse what is asked, or make it otherwise. */
static int
read_relax(struct lg_op *op, lg_str value, bool critical)
{
	op->controls.relax = true;
	return critical && value.n == 0 ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

/* ---- searches ------------------------------------------------------------------------------------------------------------- */

static int
read_paged(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_controls *c = &op->controls;

	(void)critical;
	c->paged = true;
	c->page_size = lg_ber_int(&b, LG_BER_INTEGER);
	c->cookie = lg_ber_str(&b, LG_BER_OCTETS);
	return c->page_size < 0 ? LG_LDAP_PROTOCOL_ERROR : checked(&b);
}

/* The rule that orders the attribute: the one that is named, or its own.  0, or why not. */
static int
bind_sort_key(lg_str name, lg_str rule_name, struct lg_sort_key *ret)
{
	const struct lg_rule *rule = rule_name.n == 0 ? NULL : lg_rule_find(rule_name);

	ret->attr = lg_attr_find(name);
	if (ret->attr == NULL)
		return LG_LDAP_NO_SUCH_ATTRIBUTE;
	if (rule_name.n == 0 && ret->attr->ordering != LG_R_NONE)
		rule = &lg_rules[ret->attr->ordering];
	if (rule == NULL || rule->kind != LG_RULE_ORDERING)
		return LG_LDAP_INAPPROPRIATE_MATCHING;
	ret->form = rule->form;
	return 0;
}

static int
read_sort(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_sort *s = LG_NEW(op->arena, struct lg_sort);
	int fault = 0;

	s->critical = critical;
	while (lg_ber_more(&b) && s->n < LG_SORT_KEYS) {
		struct lg_ber one = lg_ber_enter(&b, LG_BER_SEQUENCE);
		struct lg_sort_key *key = &s->key[s->n++];
		lg_str name = lg_ber_str(&one, LG_BER_OCTETS), rule = LG_NONE;
		if (lg_ber_peek(&one) == LG_BER_CONTEXT(0))
			rule = lg_ber_str(&one, LG_BER_CONTEXT(0));
		if (lg_ber_peek(&one) == LG_BER_CONTEXT(1))
			key->reverse = lg_ber_bool(&one, LG_BER_CONTEXT(1));
		if (checked(&one) != LG_LDAP_SUCCESS)
			return LG_LDAP_PROTOCOL_ERROR;
		fault = bind_sort_key(name, rule, key);
		s->fault = s->fault != 0 ? s->fault : fault;
	}
	op->controls.sort = s;
	if (lg_ber_more(&b))
		s->fault = LG_LDAP_UNWILLING;
	return b.bad || s->n == 0 ? LG_LDAP_PROTOCOL_ERROR : LG_LDAP_SUCCESS;
}

static int
read_vlv(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_vlv *v = LG_NEW(op->arena, struct lg_vlv);

	(void)critical;
	v->before = lg_ber_int(&b, LG_BER_INTEGER);
	v->after = lg_ber_int(&b, LG_BER_INTEGER);
	v->by_value = lg_ber_peek(&b) == LG_BER_CONTEXT(1);
	if (v->by_value) {
		v->value = lg_ber_str(&b, LG_BER_CONTEXT(1));
	} else {
		struct lg_ber at = lg_ber_enter(&b, LG_BER_CONTEXT_SET(0));
		v->offset = lg_ber_int(&at, LG_BER_INTEGER);
		v->count = lg_ber_int(&at, LG_BER_INTEGER);
		b.bad = b.bad || at.bad;
	}
	if (lg_ber_more(&b))
		lg_ber_str(&b, LG_BER_OCTETS);	/* a context: nothing is kept between requests */
	op->controls.vlv = v;
	return v->before < 0 || v->after < 0 || v->offset < 0 || v->count < 0 || v->before > INT32_MAX || v->after > INT32_MAX ||
	    v->offset > INT32_MAX || v->count > INT32_MAX ? LG_LDAP_PROTOCOL_ERROR : checked(&b);
}

/* RFC 3876 2: a sequence of simple terms; nothing combines them. */
static int
read_values(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_controls *c = &op->controls;
	size_t n = lg_ber_count(&b);

	(void)critical;
	if (n > LG_FILTER_TERMS)
		return LG_LDAP_ADMIN_LIMIT_EXCEEDED;
	c->values = LG_NEWS(op->arena, struct lg_filter *, n);
	for (c->nvalues = 0; c->nvalues < n; c->nvalues++) {
		struct lg_filter **f = &c->values[c->nvalues];
		if (lg_filter_read(&op->cx, &b, f) != LG_OK || (*f)->kind <= LG_FILTER_NOT || (*f)->dn_attributes)
			return LG_LDAP_PROTOCOL_ERROR;
	}
	return n == 0 ? LG_LDAP_PROTOCOL_ERROR : checked(&b);
}

static int
read_deref(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_controls *c = &op->controls;

	(void)critical;
	c->deref = LG_NEWS(op->arena, struct lg_deref, LG_DEREF_SPECS);
	while (lg_ber_more(&b)) {
		struct lg_ber one = lg_ber_enter(&b, LG_BER_SEQUENCE), list;
		struct lg_deref *d = &c->deref[c->nderef];
		if (c->nderef++ == LG_DEREF_SPECS)
			return LG_LDAP_ADMIN_LIMIT_EXCEEDED;
		d->attr = lg_attr_find(lg_ber_str(&one, LG_BER_OCTETS));
		list = lg_ber_enter(&one, LG_BER_SEQUENCE);
		int code = read_selection(&list, &d->selection);
		if (code != LG_LDAP_SUCCESS || checked(&one) != LG_LDAP_SUCCESS)
			return code != LG_LDAP_SUCCESS ? code : LG_LDAP_PROTOCOL_ERROR;
		if (d->attr != NULL && d->attr->syntax != LG_SYN_DN)
			return LG_LDAP_PROTOCOL_ERROR;
	}
	return c->nderef == 0 ? LG_LDAP_PROTOCOL_ERROR : checked(&b);
}

static int
read_subentries(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber b = lg_ber_of(value);

	(void)critical;
	op->controls.subentries = lg_ber_bool(&b, LG_BER_BOOLEAN);
	return checked(&b);
}

static int
read_password(struct lg_op *op, lg_str value, bool critical)
{
	(void)critical;
	op->controls.password_policy = true;
	return value.n == 0 ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
}

/* RFC 4533 2.2.  Whether a full reload is welcome does not matter: it is what an unknown cookie gets. */
static int
read_sync(struct lg_op *op, lg_str value, bool critical)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	struct lg_sync_request *sync = LG_NEW(op->arena, struct lg_sync_request);
	int64_t mode = lg_ber_int(&b, LG_BER_ENUMERATED);

	(void)critical;
	if (lg_ber_peek(&b) == LG_BER_OCTETS)
		sync->cookie = lg_ber_str(&b, LG_BER_OCTETS);
	if (lg_ber_peek(&b) == LG_BER_BOOLEAN)
		lg_ber_bool(&b, LG_BER_BOOLEAN);
	sync->persist = mode == 3;
	op->controls.sync = sync;
	return mode != 1 && mode != 3 ? LG_LDAP_PROTOCOL_ERROR : checked(&b);
}

/* ---- all of them -------------------------------------------------------------------------------------------------------------- */

#define SEARCH	"\x63"
#define ADD	"\x68"
#define MODIFY	"\x66"
#define DELETE	"\x4a"
#define RENAME	"\x6c"
#define COMPARE	"\x6e"
#define EXTENDED "\x77"
#define BIND	"\x60"

static const struct {
	lg_str oid;
	const char *requests;		/* tags of the operations it goes with */
	int (*read)(struct lg_op *op, lg_str value, bool critical);
} known[] = {
	{ LG_STR(LG_CONTROL_PAGED), SEARCH, read_paged },
	{ LG_STR(LG_CONTROL_SORT), SEARCH, read_sort },
	{ LG_STR(LG_CONTROL_VLV), SEARCH, read_vlv },
	{ LG_STR(LG_CONTROL_TREE_DELETE), DELETE, read_tree_delete },
	{ LG_STR(LG_CONTROL_VALUES), SEARCH, read_values },
	{ LG_STR(LG_CONTROL_ASSERTION), SEARCH COMPARE MODIFY DELETE RENAME, read_assertion },
	{ LG_STR(LG_CONTROL_PRE_READ), MODIFY DELETE RENAME, read_pre },
	{ LG_STR(LG_CONTROL_POST_READ), ADD MODIFY RENAME, read_post },
	{ LG_STR(LG_CONTROL_TXN), ADD MODIFY DELETE RENAME, read_txn },
	{ LG_STR(LG_CONTROL_NO_COPY), SEARCH COMPARE, read_nothing },
	{ LG_STR(LG_CONTROL_SUBENTRIES), SEARCH, read_subentries },
	{ LG_STR(LG_CONTROL_DEREF), SEARCH, read_deref },
	{ LG_STR(LG_CONTROL_SYNC), SEARCH, read_sync },
	{ LG_STR(LG_CONTROL_RELAX), ADD MODIFY, read_relax },
	{ LG_STR(LG_CONTROL_MANAGE), SEARCH COMPARE ADD MODIFY DELETE RENAME, read_nothing },
	{ LG_STR(LG_CONTROL_PASSWORD), BIND SEARCH COMPARE ADD MODIFY DELETE RENAME EXTENDED, read_password },
	{ LG_STR(LG_CONTROL_PROXIED), SEARCH COMPARE ADD MODIFY DELETE RENAME EXTENDED, read_proxied },
};

bool
lg_control_oid(size_t i, lg_str *ret)
{
	if (i < LG_COUNT(known))
		*ret = known[i].oid;
	return i < LG_COUNT(known);
}

static int
read_control(struct lg_op *op, lg_str oid, lg_str value, bool critical)
{
	for (size_t i = 0; i < LG_COUNT(known); i++)
		if (lg_str_eq(known[i].oid, oid) && strchr(known[i].requests, op->kind->request) != NULL)
			return known[i].read(op, value, critical);
	return critical ? LG_LDAP_UNAVAILABLE_CRITICAL_EXTENSION : LG_LDAP_SUCCESS;
}

int
lg_controls_decode(struct lg_op *op, lg_str controls)
{
	struct lg_ber b = lg_ber_of(controls);
	size_t n = 0;

	while (lg_ber_more(&b)) {
		struct lg_ber one = lg_ber_enter(&b, LG_BER_SEQUENCE);
		lg_str oid = lg_ber_str(&one, LG_BER_OCTETS), value = LG_NONE;
		bool critical = lg_ber_peek(&one) == LG_BER_BOOLEAN && lg_ber_bool(&one, LG_BER_BOOLEAN);
		if (lg_ber_more(&one))
			value = lg_ber_str(&one, LG_BER_OCTETS);
		if (one.bad)
			return LG_LDAP_PROTOCOL_ERROR;
		if (++n > LG_LDAP_CONTROLS)
			return LG_LDAP_ADMIN_LIMIT_EXCEEDED;
		int code = read_control(op, oid, value, critical);
		if (code != LG_LDAP_SUCCESS)
			return code;
	}
	return b.bad ? LG_LDAP_PROTOCOL_ERROR : LG_LDAP_SUCCESS;
}
