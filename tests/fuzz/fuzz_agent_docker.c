/* fuzz_agent_docker.c: the first octet says what a request to the engine is read as; facts that come out are JSON. */
#include <stdlib.h>

#include "agent/docker_body.h"
#include "agent/docker_route.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_facts(struct lg_ctx *cx, const struct lg_oci *oci)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 20);
	struct lg_json js;

	lg_oci_facts(oci, &b);
	lg_json_init(&js, cx->arena, lg_buf_view(&b));
	lg_json_skip(&js);
	if (lg_json_end(cx, &js) != LG_OK)
		abort();
}

static void
check_route(struct lg_ctx *cx, lg_str text)
{
	struct lg_docker_match m;
	lg_str method, uri;

	(void)lg_str_cut(text, ' ', &method, &uri);
	if (lg_docker_match(cx, method, uri, &m) == LG_OK && (m.route == NULL || memmem(uri.p, uri.n - m.query.n, "//", 2) != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lg_err (*const readers[])(struct lg_ctx *, lg_str, struct lg_docker_body *) = { lg_docker_read_create, lg_docker_read_exec,
		lg_docker_read_volume, lg_docker_read_network };
	struct lg_docker_body body;
	struct lg_ctx cx;

	if (size < 2)
		return 0;
	lg_str text = { (const char *)data + 1, size - 1 };
	lg_ctx_init(&cx, lg_arena_new());
	if (*data % 5 == 4)
		check_route(&cx, text);
	else if (readers[*data % 5](&cx, text, &body) == LG_OK)
		check_facts(&cx, &body.facts);
	lg_arena_free(&cx.arena);
	return 0;
}
