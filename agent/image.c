/* image.c: see image.h. */
#include "agent/image.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "client/api.h"

#define CONFIG_MAX	(4u << 20)	/* octets of Docker's files */

/* <root>/containers/<id>: what Docker keeps of a container. */
static lg_str
docker_image(struct lg_ctx *cx, lg_str home)
{
	const char *path = lg_print(cx->arena, "%.*s/config.v2.json", LG_FMT(home)).p;
	struct stat st;
	lg_str text;

	/* a folder that somebody else can write to says what they like */
	if (stat(path, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || lg_file_read(cx, path, CONFIG_MAX, &text) != LG_OK)
		return LG_NONE;
	return lg_api_member(cx, text, "Image");
}

/* {"Repositories":{"busybox":{"busybox:1":"sha256:<id>","busybox@sha256:<digest>":"sha256:<id>"}}} */
static bool
names_image(struct lg_ctx *cx, lg_str json, lg_str digest, lg_str image)
{
	lg_str at = lg_cat(cx->arena, LG_STR("@"), digest), repository, reference;
	struct lg_json js;
	bool found = false;

	lg_json_init(&js, cx->arena, lg_api_raw(cx, json, "Repositories"));
	lg_json_object(&js);
	while (lg_json_member(&js, &repository)) {
		lg_json_object(&js);
		while (lg_json_member(&js, &reference)) {
			lg_str id = lg_json_str(&js);
			found = found || (lg_str_ends(reference, at) && lg_str_eq(id, image));
		}
	}
	return lg_json_end(cx, &js) == LG_OK && found;
}

static bool
goes_by(struct lg_ctx *cx, lg_str home, lg_str digest, lg_str image)
{
	bool found = false;
	lg_str text;
	glob_t g;

	if (glob(lg_print(cx->arena, "%.*s/../../image/*/repositories.json", LG_FMT(home)).p, GLOB_NOSORT, NULL, &g) != 0)
		return false;
	for (size_t i = 0; i < g.gl_pathc && !found; i++)
		found = lg_file_read(cx, g.gl_pathv[i], CONFIG_MAX, &text) == LG_OK && names_image(cx, text, digest, image);
	globfree(&g);
	return found;
}

lg_err
lg_image_check(struct lg_ctx *cx, const struct lg_oci *oci, lg_str home, lg_str digest)
{
	if (digest.n == 0)
		return LG_OK;
	/* what lies in the container's own root is the image's word, not the engine's */
	lg_str image = lg_str_starts(home, oci->rootfs) ? LG_NONE : docker_image(cx, home);
	if (image.n == 0)
		image = oci->image_digest;
	if (image.n == 0)
		return lg_fail(cx, LG_E_DENIED, "the ticket is for image %.*s, and nothing says of which image the container is "
		    "(annotation " LG_OCI_DIGEST ")", LG_FMT(digest));
	if (lg_str_eq(image, digest) || goes_by(cx, home, digest, image))
		return LG_OK;
	return lg_fail(cx, LG_E_DENIED, "the ticket is for image %.*s, the container is of %.*s", LG_FMT(digest), LG_FMT(image));
}
