#include "server/embedded.h"

const struct lg_embedded *
lg_embedded_get(const char *name)
{
	for (size_t i = 0; i < lg_embedded_count; i++)
		if (strcmp(lg_embedded[i].name, name) == 0)
			return &lg_embedded[i];
	return NULL;
}
