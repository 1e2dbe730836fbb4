/*
 * machine.h: what a virtual machine would be able to do, from the domain XML that libvirt gives its hooks.  machine.c alone knows expat.
 *
 * The facts are a container's (struct lg_oci), so that the same policies judge both: what belongs to the host (passed devices, block devices,
 * sensitive files, options for the emulator) makes it privileged or a sensitive mount.  What is not known leans towards that.
 */
#ifndef LG_AGENT_MACHINE_H
#define LG_AGENT_MACHINE_H

#include "agent/oci.h"

#define LG_MACHINE_DEPTH		64
#define LG_MACHINE_ELEMENTS	20000
#define LG_MACHINE_NAMESPACE	"https://lightgate/domain/1"	/* <lightgate:workload name= ticket= image-digest=/> below <metadata> */

/* id: the domain's uuid.  A document type, with its entities, is refused.  The workload is the one of the metadata, else the domain's name. */
LG_CHECKED lg_err lg_machine_parse(struct lg_ctx *cx, lg_str xml, lg_str *id, struct lg_oci *ret);

#endif
