/* decide.c: see decide.h. */
#include "base/decide.h"

bool
lg_action_admits(lg_str action)
{
	static const lg_str news[] = { LG_STR("container:create"), LG_STR("container:start"), LG_STR("image:pull"), LG_STR("network:attach"),
		LG_STR("host:"), LG_STR("certificate:"), LG_STR("token:"), LG_STR("admin"), LG_STR("policy:") };

	for (size_t i = 0; i < LG_COUNT(news); i++)
		if (lg_str_starts(action, news[i]))
			return true;
	return false;
}
