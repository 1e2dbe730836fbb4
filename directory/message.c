/* message.c: decoding what is common to all requests. */
#include "directory/message.h"

bool
lg_message_decode(lg_str pdu, struct lg_message *ret)
{
	struct lg_ber outer = lg_ber_of(pdu), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	int64_t id = lg_ber_int(&b, LG_BER_INTEGER);

	*ret = (struct lg_message){ .id = (int32_t)id };
	ret->body = lg_ber_any(&b, &ret->tag);
	if (lg_ber_peek(&b) == LG_BER_CONTEXT_SET(0))
		ret->controls = lg_ber_str(&b, LG_BER_CONTEXT_SET(0));
	/* What follows is a later version's: ignored (RFC 4511 4.1.1).  ID 0 is ours for notices. */
	return !b.bad && id > 0 && id <= INT32_MAX;
}

/* ---- operations -------------------------------------------------------------------------------------------------------- */

static uint64_t *count_bind(struct lg_ldap_counts *c) { return &c->binds; }
static uint64_t *count_search(struct lg_ldap_counts *c) { return &c->searches; }
static uint64_t *count_write(struct lg_ldap_counts *c) { return &c->writes; }
static uint64_t *count_compare(struct lg_ldap_counts *c) { return &c->compares; }
static uint64_t *count_extended(struct lg_ldap_counts *c) { return &c->extended; }

static const struct lg_op_kind kinds[] = {
	{ 0x60, 0x61, "bind", count_bind, lg_op_bind },
	{ 0x42, 0, "unbind", NULL, lg_op_unbind },
	{ 0x63, 0x65, "search", count_search, lg_op_search },
	{ 0x66, 0x67, "modify", count_write, lg_op_modify },
	{ 0x68, 0x69, "add", count_write, lg_op_add },
	{ 0x4a, 0x6b, "delete", count_write, lg_op_delete },
	{ 0x6c, 0x6d, "rename", count_write, lg_op_rename },
	{ 0x6e, 0x6f, "compare", count_compare, lg_op_compare },
	{ 0x50, 0, "abandon", NULL, lg_op_abandon },
	{ 0x77, 0x78, "extended", count_extended, lg_op_extended },
};

const struct lg_op_kind *
lg_op_kind_of(int tag)
{
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (kinds[i].request == tag)
			return &kinds[i];
	return NULL;
}

/* ---- controls ------------------------------------------------------------------------------------------------------------- */

static bool
read_paged(struct lg_controls *c, lg_str value)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);

	c->paged = true;
	c->page_size = lg_ber_int(&b, LG_BER_INTEGER);
	c->cookie = lg_ber_str(&b, LG_BER_OCTETS);
	return !b.bad && c->page_size >= 0;
}

/* RFC 3296: there are no referrals here, so every entry is managed as such already. */
static bool
read_manage(struct lg_controls *c, lg_str value)
{
	(void)c, (void)value;
	return true;
}

static bool
read_assertion(struct lg_controls *c, lg_str value)
{
	c->assertion = value;		/* the filter is read where there is an arena for it */
	return value.n > 0;
}

static bool
read_selection(lg_str value, struct lg_selection *sel)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	size_t n = 0;

	for (; lg_ber_more(&b) && n <= LG_LDAP_ATTRIBUTES; n++)
		lg_selection_add(sel, lg_ber_str(&b, LG_BER_OCTETS));
	sel->user = sel->user || n == 0;
	return !b.bad && n <= LG_LDAP_ATTRIBUTES;
}

static bool
read_pre(struct lg_controls *c, lg_str value)
{
	c->pre_read = true;
	return read_selection(value, &c->pre);
}

static bool
read_post(struct lg_controls *c, lg_str value)
{
	c->post_read = true;
	return read_selection(value, &c->post);
}

static const struct {
	lg_str oid;
	const char *requests;		/* tags of the operations it goes with; NULL: any */
	bool (*read)(struct lg_controls *, lg_str);
} known[] = {
	{ LG_STR(LG_CONTROL_PAGED), "\x63", read_paged },
	{ LG_STR("2.16.840.1.113730.3.4.2"), NULL, read_manage },
	{ LG_STR(LG_CONTROL_ASSERTION), "\x63\x6e\x66\x4a\x6c", read_assertion },
	{ LG_STR(LG_CONTROL_PRE_READ), "\x66\x4a\x6c", read_pre },
	{ LG_STR(LG_CONTROL_POST_READ), "\x68\x66\x6c", read_post },
};

static int
read_control(lg_str oid, lg_str value, bool critical, int request, struct lg_controls *ret)
{
	for (size_t i = 0; i < LG_COUNT(known); i++)
		if (lg_str_eq(known[i].oid, oid) && (known[i].requests == NULL || strchr(known[i].requests, request) != NULL))
			return known[i].read(ret, value) ? LG_LDAP_SUCCESS : LG_LDAP_PROTOCOL_ERROR;
	return critical ? LG_LDAP_UNAVAILABLE_CRITICAL_EXTENSION : LG_LDAP_SUCCESS;
}

int
lg_controls_decode(lg_str controls, int request, struct lg_controls *ret)
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
		int code = read_control(oid, value, critical, request, ret);
		if (code != LG_LDAP_SUCCESS)
			return code;
	}
	return b.bad ? LG_LDAP_PROTOCOL_ERROR : LG_LDAP_SUCCESS;
}
