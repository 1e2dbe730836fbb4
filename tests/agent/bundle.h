/* bundle.h: a configuration as `runc spec` writes it, and one change to it. */
#ifndef LG_TESTS_BUNDLE_H
#define LG_TESTS_BUNDLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUNDLE_SPEC \
	"{\"ociVersion\":\"1.0.2-dev\"," \
	"\"process\":{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"/bin/echo\",\"hello\"],\"env\":[\"PATH=/bin\"],\"cwd\":\"/\"," \
	"\"capabilities\":{\"bounding\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"]}," \
	"\"noNewPrivileges\":true}," \
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"runc\"," \
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}," \
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\",\"mode=755\"]}," \
	"{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"nosuid\",\"ro\"]}," \
	"{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"relatime\",\"ro\"]}]," \
	"\"linux\":{\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}," \
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"}]," \
	"\"maskedPaths\":[\"/proc/kcore\"]," \
	"\"readonlyPaths\":[\"/proc/bus\",\"/proc/sys\",\"/proc/sysrq-trigger\"]}," \
	"\"annotations\":{\"lightgate.workload\":\"web\"}}"

/* The spec with the first `from` replaced by `to`; lives until the next call. */
static inline const char *
bundle_with(const char *from, const char *to)
{
	static char text[16384];
	const char *at = strstr(BUNDLE_SPEC, from);

	if (at == NULL)
		abort();
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - BUNDLE_SPEC), BUNDLE_SPEC, to, at + strlen(from));
	return text;
}

#endif
