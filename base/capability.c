/* capability.c: see capability.h. */
#include "base/capability.h"

/* With one of these a process of the container's root user becomes the host's. */
static const lg_str dangerous[] = {
	LG_STR("CAP_SYS_ADMIN"), LG_STR("CAP_SYS_MODULE"), LG_STR("CAP_SYS_RAWIO"), LG_STR("CAP_SYS_PTRACE"), LG_STR("CAP_SYS_BOOT"),
	LG_STR("CAP_DAC_READ_SEARCH"), LG_STR("CAP_MAC_ADMIN"), LG_STR("CAP_MAC_OVERRIDE"), LG_STR("CAP_BPF"), LG_STR("CAP_PERFMON"),
	LG_STR("CAP_SYSLOG"), LG_STR("CAP_NET_ADMIN"), LG_STR("CAP_SYS_TIME"),
};

lg_str
lg_capability_name(struct lg_arena *a, lg_str name)
{
	char *p;

	name = lg_dup(a, name);
	p = (char *)(uintptr_t)name.p;
	for (size_t i = 0; i < name.n; i++)
		if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
	return lg_str_starts(name, LG_STR("CAP_")) ? name : lg_cat(a, LG_STR("CAP_"), name);
}

bool
lg_capability_owns_host(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(dangerous); i++)
		if (lg_str_eq(name, dangerous[i]))
			return true;
	return false;
}
