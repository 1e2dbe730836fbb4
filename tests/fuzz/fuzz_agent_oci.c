/* fuzz_agent_oci.c: a config.json that is accepted has facts that are JSON, and its copy has the same ones. */
#include <stdlib.h>

#include "agent/oci.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lg_oci_own own = { .hook = { "/usr/bin/lightgate-runc", 23 }, .identities = { "/run/ids", 8 },
	.identity = { "/run/ids/c1", 11 }, .api = { "/run/api", 8 } };

static lg_str
facts_of(struct lg_ctx *cx, const struct lg_oci *oci)
{
	struct lg_buf b = LG_BUF(64u << 20);
	struct lg_json js;

	lg_oci_facts(oci, &b);
	lg_str text = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	lg_json_init(&js, cx->arena, text);
	lg_json_skip(&js);
	if (lg_json_end(cx, &js) != LG_OK)
		abort();
	return text;
}

static void
check_copy(struct lg_ctx *cx, lg_str text, const struct lg_oci *oci)
{
	const struct lg_oci_hook hook = { .path = own.hook, .socket = LG_STR("/run/agent.sock"), .start = LG_STR("s1"), .identity = own.identity,
		.api = own.api };
	struct lg_buf b = LG_BUF(64u << 20);
	struct lg_oci copy;

	if (lg_oci_rewrite(cx, text, LG_STR("/srv/bundle"), &hook, &b) != LG_OK)
		abort();
	if (memmem(b.p, b.n, "\"args\":[\"lightgate-runc\",\"hook\"]", 32) == NULL)
		abort();
	if (lg_oci_parse(cx, lg_buf_view(&b), LG_STR("/elsewhere"), &own, &copy) != LG_OK || !lg_str_eq(facts_of(cx, oci), facts_of(cx, &copy)))
		abort();
	lg_buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_ctx cx;
	struct lg_oci oci;
	lg_str text = { (const char *)data, size };

	if (size > LG_OCI_MAX)
		return 0;
	lg_ctx_init(&cx, lg_arena_new());
	if (lg_oci_parse(&cx, text, LG_STR("/srv/bundle"), &own, &oci) == LG_OK)
		check_copy(&cx, text, &oci);
	lg_arena_free(&cx.arena);
	return 0;
}
