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
static uint64_t *count_add(struct lg_ldap_counts *c) { return &c->adds; }
static uint64_t *count_modify(struct lg_ldap_counts *c) { return &c->modifies; }
static uint64_t *count_delete(struct lg_ldap_counts *c) { return &c->deletes; }
static uint64_t *count_rename(struct lg_ldap_counts *c) { return &c->renames; }
static uint64_t *count_compare(struct lg_ldap_counts *c) { return &c->compares; }
static uint64_t *count_extended(struct lg_ldap_counts *c) { return &c->extended; }

static const struct lg_op_kind kinds[] = {
	{ 0x60, 0x61, "bind", count_bind, lg_op_bind },
	{ 0x42, 0, "unbind", NULL, lg_op_unbind },
	{ 0x63, 0x65, "search", count_search, lg_op_search },
	{ 0x66, 0x67, "modify", count_modify, lg_op_modify },
	{ 0x68, 0x69, "add", count_add, lg_op_add },
	{ 0x4a, 0x6b, "delete", count_delete, lg_op_delete },
	{ 0x6c, 0x6d, "rename", count_rename, lg_op_rename },
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
