/* controls.h: controls of requests, decoded: what a client asks beyond the operation.  The table of them is what the root DSE shows. */
#ifndef LG_DIRECTORY_CONTROLS_H
#define LG_DIRECTORY_CONTROLS_H

#include "directory/shown.h"

#define LG_SORT_KEYS	8		/* of one request */
#define LG_DEREF_SPECS	8

#define LG_CONTROL_PAGED	"1.2.840.113556.1.4.319"		/* RFC 2696 */
#define LG_CONTROL_SORT		"1.2.840.113556.1.4.473"		/* RFC 2891 */
#define LG_CONTROL_SORTED	"1.2.840.113556.1.4.474"
#define LG_CONTROL_VLV		"2.16.840.1.113730.3.4.9"		/* draft-ietf-ldapext-ldapv3-vlv-09 */
#define LG_CONTROL_VLV_DONE	"2.16.840.1.113730.3.4.10"
#define LG_CONTROL_TREE_DELETE	"1.2.840.113556.1.4.805"		/* draft-armijo-ldap-treedelete-02 */
#define LG_CONTROL_VALUES	"1.2.826.0.1.3344810.2.3"		/* RFC 3876 */
#define LG_CONTROL_ASSERTION	"1.3.6.1.1.12"				/* RFC 4528 */
#define LG_CONTROL_PRE_READ	"1.3.6.1.1.13.1"			/* RFC 4527 */
#define LG_CONTROL_POST_READ	"1.3.6.1.1.13.2"
#define LG_CONTROL_TXN		"1.3.6.1.1.21.2"			/* RFC 5805 */
#define LG_CONTROL_NO_COPY	"1.3.6.1.1.22"				/* RFC 6171 */
#define LG_CONTROL_SUBENTRIES	"1.3.6.1.4.1.4203.1.10.1"		/* RFC 3672 */
#define LG_CONTROL_DEREF	"1.3.6.1.4.1.4203.666.5.16"		/* draft-masarati-ldap-deref-00 */
#define LG_CONTROL_RELAX	"1.3.6.1.4.1.4203.666.5.12"		/* draft-zeilenga-ldap-relax-03 */
#define LG_CONTROL_MANAGE	"2.16.840.1.113730.3.4.2"		/* RFC 3296 */
#define LG_CONTROL_PROXIED	"2.16.840.1.113730.3.4.18"		/* RFC 4370 */
#define LG_CONTROL_PASSWORD	"1.3.6.1.4.1.42.2.27.8.5.1"		/* draft-behera-ldap-password-policy-11 */

struct lg_sort_key {
	const struct lg_attr *attr;
	enum lg_form form;		/* of the ordering rule: its byte order is the rule's */
	bool reverse;
};

struct lg_sort {
	bool critical;
	int fault;			/* why it cannot be done (RFC 2891 1.2); 0: it can */
	struct lg_sort_key key[LG_SORT_KEYS];
	size_t n;
};

struct lg_vlv {
	int64_t before, after;
	bool by_value;
	int64_t offset, count;		/* of the target, as the client sees the list */
	lg_str value;
};

struct lg_deref {
	const struct lg_attr *attr;	/* NULL: unknown, nothing is found */
	struct lg_selection selection;
};

struct lg_sync_request {
	bool persist;
	lg_str cookie;
};

struct lg_controls {
	bool paged;
	int64_t page_size;
	lg_str cookie;
	lg_str assertion;		/* a filter, encoded; empty: none */
	bool pre_read, post_read;
	struct lg_selection pre, post;
	struct lg_sort *sort;		/* this and the following: NULL when not asked for */
	struct lg_vlv *vlv;
	struct lg_filter **values;	/* simple terms: a value is returned if one of them is true of it */
	size_t nvalues;
	struct lg_deref *deref;
	size_t nderef;
	struct lg_sync_request *sync;	/* NULL: not asked for */
	bool tree_delete;
	bool relax;
	bool subentries;		/* only those are wanted: there are none */
	lg_str txn;			/* the transaction it belongs to; empty: none */
	bool proxied;
	bool password_policy;		/* the answer may say what the policy thinks */
	lg_str authzid;
};

struct lg_op;
/* Into op->controls: LDAP_SUCCESS, or the code with which the operation is refused. */
int lg_controls_decode(struct lg_op *op, lg_str controls);
/* The i-th supported control; false behind the last. */
bool lg_control_oid(size_t i, lg_str *ret);

#endif
