/* handlers.h: one handler of every kind, for tests of the server that carries them; a server with them for each test. */
#ifndef LG_TESTS_SERVER_HANDLERS_H
#define LG_TESTS_SERVER_HANDLERS_H

#include "tests/server/kit.h"

#define PLAIN (LG_SURFACE_HTTP | LG_SURFACE_UNIX)

extern const struct lg_route handlers[];	/* /hello, /echo, /slow, /pending, /hold, ... */
extern const size_t nhandlers;
extern int handlers_ended;			/* streams that were told of their end */
lg_err handler_slow(void *self, struct lg_http *ex);	/* 0.1 s on a worker */
int handlers_held(void);			/* requests of /hold that wait */
void handlers_release(void);			/* and are answered */

/* A server of the test's own, and the last answer. */
extern struct kit k;
extern char buf[4096];
void begin_with(enum lg_surface surface);	/* with options changed since kit_init */

/* A test with this server: kit_init before it, and begin_with(LG_SURFACE_HTTP) unless it changes options; kit_end after it. */
void handlers_begin(void);
void handlers_init(void);
void handlers_end(void);

#define H	"Host: x\r\n"
#define ASK(text) kit_ask(&k, text, sizeof(text) - 1, buf, sizeof buf)
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

#endif
