/* op_cancel.c: cancel (RFC 3909): like abandon, but both operations are answered. */
#include "directory/conn.h"

static struct lg_op *
find(struct lg_op *op, int64_t id)
{
	for (struct lg_op *other = op->conn->ops; other != NULL; other = other->next)
		if (other->id == id && other != op)
			return other;
	return NULL;
}

void
lg_op_cancel(struct lg_op *op, lg_str value)
{
	struct lg_ber outer = lg_ber_of(value), b = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	int64_t id = lg_ber_int(&b, LG_BER_INTEGER);
	struct lg_op *other = find(op, id);

	if (b.bad || lg_ber_more(&b) || id <= 0 || id > INT32_MAX) {
		lg_op_code(op, LG_LDAP_PROTOCOL_ERROR, "malformed cancel request");
	} else if (other == NULL) {
		lg_op_code(op, LG_LDAP_NO_SUCH_OPERATION, "");
	} else if (other->waiting) {
		/* A write is with the store already: what it asks for happens. */
		lg_op_code(op, LG_LDAP_TOO_LATE, "");
	} else {
		lg_op_code(other, LG_LDAP_CANCELED, "");
		lg_op_end(other);
		lg_op_code(op, LG_LDAP_SUCCESS, "");
	}
}
