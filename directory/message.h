/* message.h: the LDAPMessage around every operation (RFC 4511 4.1.1), and the table of operations. */
#ifndef LG_DIRECTORY_MESSAGE_H
#define LG_DIRECTORY_MESSAGE_H

#include "directory/conn.h"

struct lg_message {
	int32_t id;
	int tag;
	lg_str body;
	lg_str controls;
};
bool lg_message_decode(lg_str pdu, struct lg_message *ret);
const struct lg_op_kind *lg_op_kind_of(int tag);	/* NULL if unknown */

#endif
