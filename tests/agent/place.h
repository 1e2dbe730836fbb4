/* place.h: a host that follows a service which is played, with its stored bundle, on a clock that the test turns. */
#ifndef LG_TESTS_PLACE_H
#define LG_TESTS_PLACE_H

#include "agent/bundle.h"

#include <stdatomic.h>

#include "agent/identity.h"
#include "base/log.h"
#include "tests/client/bundle_world.h"
#include "tests/client/pem.h"
#include "tests/client/responder.h"

struct place {
	struct bundle_world w;
	struct responder *service;
	struct responder_route routes[3];
	struct lg_bundles *b;
	int changes;
};

static _Atomic int64_t test_clock;

static inline int64_t
read_clock(void)
{
	return test_clock;
}

static inline void
changed(void *arg, const struct lg_bundle *now)
{
	cr_assert_not_null(now);
	++*(int *)arg;
}

static inline void
serve(struct place *p, unsigned long version)
{
	lg_str body = bundle_body(&p->w);

	p->routes[0].body = lg_print(p->w.cx->arena, "%.*s\ns%lu\n%.*s",
	    LG_FMT(bundle_token(&p->w, body, &(struct bundle_token){ .version = version })), version, LG_FMT(body)).p;
}

static inline void
open_place(struct place *p)
{
	cr_assert_eq(lg_bundles_open(p->w.cx, test_folder(), read_clock, &p->b), LG_OK, "%s", p->w.cx->error);
	lg_bundles_listen(p->b, changed, &p->changes);
}

static inline void
place_init(struct place *p, struct lg_ctx *cx)
{
	struct lg_identity id = {
		.key = LG_STR(TEST_KEY), .certificate = LG_STR(TEST_CERT), .chain = LG_STR(TEST_ROOT), .root = LG_STR(TEST_ROOT),
		.host_id = LG_STR(HOST), .host_name = LG_STR("node1"), .issuer = LG_STR(ISSUER), .trust_domain = LG_STR("example.org"),
		.https = LG_STR("https://127.0.0.1:1"), .ticket_keys = LG_STR("{\"keys\":[]}"),
	};

	lg_log_open("test", LG_ERROR, false);
	memset(p, 0, sizeof *p);
	bundle_world_init(&p->w, cx);
	p->routes[0] = (struct responder_route){ "GET /v1/agent/bundle", 200, "", 0 };
	p->routes[1] = (struct responder_route){ "GET /v1/agent/keys", 200, "", 0 };
	p->service = responder_start(p->routes);
	p->routes[1].body = lg_print(cx->arena, "{\"issuer\":\"" ISSUER "\",\"host\":\"" HOST "\",\"stream\":\"%s\",\"bundle_keys\":%s}", p->service->url,
	    p->w.signer.jwks).p;
	id.mtls = lg_str_of(p->service->url);
	cr_assert_eq(lg_identity_save(cx, test_folder(), &id), LG_OK, "%s", cx->error);
	test_clock = 1000 * LG_SECOND;
	serve(p, 10);
	open_place(p);
}

static inline void
place_end(struct place *p)
{
	lg_bundles_close(&p->b);
	bundle_world_end(&p->w);
}

#endif
