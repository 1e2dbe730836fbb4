/* fuzz_agent_packet.c: the headers of a packet are read within it, whatever it says of itself. */
#include <stdlib.h>
#include <sys/socket.h>

#include "agent/gate/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_queue_packet p;

	if (lg_queue_parse(data, size, &p) && ((p.from.family != AF_INET && p.from.family != AF_INET6) || p.from.family != p.to.family))
		abort();
	return 0;
}
