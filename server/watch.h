/* watch.h: hosts that wait to hear that their bundle may have changed: GET /v1/watch on the stream surface. */
#ifndef LG_SERVER_WATCH_H
#define LG_SERVER_WATCH_H

#include "server/app.h"

#define LG_WATCHERS	LG_HTTP_STREAMS	/* of one loop; beyond, 503 */
#define LG_WATCH_LINE	12288		/* octets of a line, at most: a state, heirs of an audit key and two heads */
#define LG_WATCH_BEAT	(15 * INT64_C(1000000))	/* microseconds between lines when nothing changes, at most */
#define LG_WATCH_PAUSE	(50 * INT64_C(1000))	/* between two rounds: what changes meanwhile is told at once */

struct lg_watches;

/* Before the routes are used.  Store and loops must live longer than the last commit and the last exchange. */
struct lg_watches *lg_watches_new(struct lg_app *app);
/* When the store is closed and no exchange is live; the loops still turn.  Safe on NULL. */
void lg_watches_free(struct lg_watches **ws);

extern const struct lg_route lg_watch_routes[];	/* self = struct lg_app * */
extern const size_t lg_watch_nroutes;

#endif
