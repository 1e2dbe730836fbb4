/* http.h: the routes as a server would call them. */
#ifndef LG_TESTS_CERTS_HTTP_H
#define LG_TESTS_CERTS_HTTP_H

#include "tests/certs/world.h"

struct answer {
	lg_err e;
	int status;
	lg_str body;
	const char *type;
};
/* In tenant A, from nowhere; the caller is w->caller. */
struct answer world_call(struct world *w, const char *method, const char *path, const char *query, lg_str body);

#endif
