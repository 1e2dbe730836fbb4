/*
 * image.h: is the container of the image that its ticket was given for?
 *
 * Asked of the engine's own files, which a container's author cannot write: Docker keeps each container's image id, and which digests
 * of registries an id goes by.  Elsewhere the annotation lightgate.image-digest is all there is.
 */
#ifndef LG_AGENT_IMAGE_H
#define LG_AGENT_IMAGE_H

#include "agent/oci.h"

/* digest: of the ticket, "sha256:..."; empty: any image will do.  home: lg_running_home.  LG_E_DENIED: another image, or nothing says which. */
LG_CHECKED lg_err lg_image_check(struct lg_ctx *cx, const struct lg_oci *oci, lg_str home, lg_str digest);

#endif
