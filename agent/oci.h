/*
 * oci.h: what a container would be able to do, from the config.json that the runtime uses (OCI runtime specification 1.0).
 *
 * The runtimes are written in Go, whose JSON decoder matches member names without case and takes the last of two.  A file
 * in which we would see something else than they do ("Mounts" beside "mounts") is refused.
 */
#ifndef LG_AGENT_OCI_H
#define LG_AGENT_OCI_H

#include "lightgate/crypto.h"

#define LG_OCI_MAX	(4u << 20)	/* octets of a config.json */
#define LG_OCI_LIST	512		/* mounts, devices, capabilities, arguments: of each */
#define LG_OCI_TICKET	"lightgate.ticket"
#define LG_OCI_WORKLOAD	"lightgate.workload"
#define LG_OCI_PROJECT	"lightgate.project"
#define LG_OCI_DIGEST	"lightgate.image-digest"
/* Where a container finds what we mount into it: its identity (svid.h), and the folder of the Workload API's socket. */
#define LG_OCI_IDENTITY	"/run/lightgate/identity"
#define LG_OCI_API	"/run/lightgate/api"
#define LG_OCI_API_SOCKET "workload.sock"

enum lg_namespace { LG_NS_PID, LG_NS_NETWORK, LG_NS_IPC, LG_NS_MOUNT, LG_NS_UTS, LG_NS_USER, LG_NS_CGROUP, LG_NS_TIME, LG_NS_TYPES };
extern const char *const lg_namespace_files[LG_NS_TYPES];	/* in /proc/PID/ns */

struct lg_oci_list {
	lg_str *v;
	size_t n;
};

/* context.container of the Cedar schema, member for member. */
struct lg_oci {
	bool privileged, host_network, host_pid, host_ipc, shared_namespace, sensitive_mount;
	lg_str user;				/* "uid:gid" */
	int64_t uid, gid;			/* the same, in the container's user namespace */
	struct lg_oci_list capabilities, devices, mounts, args;
	struct lg_oci_list networks;		/* of an engine's create, by name; config.json names none */
	bool networked;				/* somebody has said which */
	struct lg_oci_list hooks;		/* programs that the runtime runs as root on the host, ours apart: "path arg ..." */
	struct lg_oci_list bind_from, bind_to;	/* of bind mounts: absolute sources, and where they appear */
	lg_str ticket, workload, project, image, image_digest;	/* annotations: claims of whoever wrote the bundle */
	lg_str rootfs;				/* absolute */
	lg_sha256 digest;			/* of the text */
	unsigned joined;			/* namespaces that the configuration names by path: bits of enum lg_namespace */
	lg_sha256 sameness;			/* of what must not change between starts of one container */
};

/* What lg_oci_rewrite puts in is no fact about the container.  Paths are absolute. */
struct lg_oci_own {
	lg_str hook;				/* of our program */
	lg_str identities;			/* above all containers' folders; empty: there are none */
	lg_str identity;			/* this container's */
	lg_str api;				/* the folder of the socket; empty: there is none */
};
/* bundle: absolute, without an end slash; relative paths of the file count from it. */
LG_CHECKED lg_err lg_oci_parse(struct lg_ctx *cx, lg_str text, lg_str bundle, const struct lg_oci_own *own, struct lg_oci *ret);
/* What is to be run in a container that is there: the `process` alone (process.json of runc exec). */
LG_CHECKED lg_err lg_oci_parse_process(struct lg_ctx *cx, lg_str text, struct lg_oci *ret);
void lg_oci_facts(const struct lg_oci *oci, struct lg_buf *out);	/* as JSON, for /v1/admissions */

struct lg_oci_hook {
	lg_str path;				/* absolute */
	lg_str socket;				/* of the agent: goes into the hook's environment */
	lg_str start;				/* so does this: says which text the runtime has read, whatever the file says later */
	lg_str identity, api;			/* folders that are mounted, read-only; empty: not */
};
/*
 * The same configuration for a bundle elsewhere: relative paths made absolute, our hook first of those that run before
 * the container's process, and after the container has ended, our mounts last.  The text must have passed lg_oci_parse.
 */
LG_CHECKED lg_err lg_oci_rewrite(struct lg_ctx *cx, lg_str text, lg_str bundle, const struct lg_oci_hook *hook, struct lg_buf *out);

/* A host path that must not be seen from a container: resolved as far as it exists. */
bool lg_oci_path_sensitive(struct lg_ctx *cx, lg_str path, bool readonly);
/* Is one of them the other, above it or below it?  By name, and by what the links of the first lead to. */
bool lg_oci_paths_overlap(struct lg_ctx *cx, lg_str path, lg_str folder);

#endif
