/* oci_read.h: private to the reading of config.json: the reader's state, and its steps. */
#ifndef LG_AGENT_OCI_READ_H
#define LG_AGENT_OCI_READ_H

#include "agent/oci.h"
#include "base/json.h"


struct lg_oci_reading {
	struct lg_ctx *cx;
	struct lg_json js;
	struct lg_oci *oci;
	lg_str bundle;
	const struct lg_oci_own *own;
	unsigned namespaces;		/* bits: types that are the container's own or joined */
	bool has_proc, sys_readonly;	/* /proc is mounted; readonlyPaths guards it */
	bool user_namespace, maps_root;	/* maps_root: the host's */
};

/*
 * The next member whose name is one of `known` (ends at NULL): its index; others are passed over; -1 at the end.
 * A name that Go would take for a known one faults.
 */
int lg_oci_member(struct lg_oci_reading *r, const char *const *known);
/* null is what is absent: these pass over it, and are false then. */
bool lg_oci_absent(struct lg_oci_reading *r);		/* true if it was null */
bool lg_oci_object(struct lg_oci_reading *r);
bool lg_oci_array(struct lg_oci_reading *r);

bool lg_oci_has(const struct lg_oci_list *l, lg_str s);
void lg_oci_add(struct lg_oci_reading *r, struct lg_oci_list *l, lg_str s);	/* faults when full */
void lg_oci_strings(struct lg_oci_reading *r, struct lg_oci_list *l, bool once);	/* an array; once: without repeats */

void lg_oci_read_hooks(struct lg_oci_reading *r);
void lg_oci_read_linux(struct lg_oci_reading *r);	/* namespaces, devices, what is read-only */

#endif
