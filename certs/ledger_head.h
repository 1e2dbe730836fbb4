/*
 * ledger_head.h: the ledger's head as the keeper signed it, for whoever watches the ledger: anybody, without rights.
 * A head is kept for LG_LEDGER_HEAD_AGE, because each one that is new is a write of the keeper's.
 */
#ifndef LG_CERTS_LEDGER_HEAD_H
#define LG_CERTS_LEDGER_HEAD_H

#include "certs/ledger.h"
#include "certs/trust.h"

#define LG_LEDGER_HEAD		1024			/* octets of a head */
#define LG_LEDGER_HEAD_AGE	(INT64_C(60) * 1000000)
#define LG_LEDGER_HEADS		64			/* tenants whose head is kept; others' are signed again */

struct lg_ledger_heads;

struct lg_ledger_heads *lg_ledger_heads_new(void);
void lg_ledger_heads_free(struct lg_ledger_heads **h);	/* safe on NULL */
/* The keeper's text, in cx's arena, at most LG_LEDGER_HEAD_AGE old.  On a worker, without a view.  LG_E_CONFLICT: the ledger is not what it was. */
LG_CHECKED lg_err lg_ledger_head_get(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str *ret);

#endif
