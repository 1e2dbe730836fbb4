/* indexing.h: indexes are built by a worker of their own, one at a time. */
#ifndef LG_SERVER_INDEXING_H
#define LG_SERVER_INDEXING_H

#include "server/app.h"

/* Begins with what is to be built, if nothing is being built yet; also what an earlier process left. */
void lg_indexing_start(struct lg_app *app);

#endif
