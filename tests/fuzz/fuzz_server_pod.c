/* fuzz_server_pod.c: whatever an API server sends as a pod: what is accepted has a name and every fact. */
#include <stdlib.h>

#include "server/kubernetes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_kube_pod pod;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_kube_pod_read(&cx, (lg_str){ (const char *)data, size }, &pod) == LG_OK &&
	    (pod.workload.n == 0 || pod.nimages > LG_KUBE_CONTAINERS || pod.facts.n != 12))
		abort();
	lg_arena_free(&cx.arena);
	return 0;
}
