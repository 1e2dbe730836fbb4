/*
 * txn.h: transactions (RFC 5805): a connection's updates are kept until its end request, and then done in one mutation, all or none.
 * What is kept is bounded; a transaction that goes beyond is aborted, with a notice.
 */
#ifndef LG_DIRECTORY_TXN_H
#define LG_DIRECTORY_TXN_H

#include "directory/op_write.h"

#define LG_TXN_UPDATES	256		/* of one transaction */
#define LG_TXN_BYTES	(1u << 20)	/* of their requests */

void lg_op_txn_start(struct lg_op *op, lg_str value);
void lg_op_txn_end(struct lg_op *op, lg_str value);
/* An update that names a transaction, ready for the store: is kept and answered, or refused. */
void lg_txn_take(struct lg_op *op, struct lg_write *w);
/* Ends a connection's transaction without doing it; notice: says so (RFC 5805 2.3). */
void lg_txn_abort(struct lg_ldap_conn *c, bool notice, int code);

#endif
