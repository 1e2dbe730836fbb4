/*
 * libvirt_main.c: `lightgate-libvirt-hook`: /etc/libvirt/hooks/qemu (libvirt.org, hooks.html).  libc only.
 *
 * libvirt calls it with the machine's name, the operation, "begin" or "end", and an extra argument, and gives the domain's XML on standard
 * input.  It passes both on to the agent; anything but a permit ends with 1, and libvirt starts nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/ask.h"

#define QUESTION_MAX	(1 << 20)

static int
fail(const char *why)
{
	fprintf(stderr, "lightgate: denied: %s\n", why);
	return 1;
}

int
main(int argc, char **argv)
{
	static char question[QUESTION_MAX];
	char answer[LG_ASK_ANSWER];
	ssize_t more;

	if (argc < 4) {
		fprintf(stderr, "usage: lightgate-libvirt-hook MACHINE OPERATION begin|end|- [-] <DOMAIN-XML; as /etc/libvirt/hooks/qemu\n");
		return 2;
	}
	if (strlen(argv[2]) + strlen(argv[3]) > 64 || strchr(argv[2], '\n') != NULL || strchr(argv[3], '\n') != NULL)
		return fail("an operation that is not known");
	size_t n = (size_t)snprintf(question, sizeof question, "machine\n%s %s\n", argv[2], argv[3]);
	while (n < sizeof question && (more = read(STDIN_FILENO, question + n, sizeof question - n)) > 0)
		n += (size_t)more;
	if (n == sizeof question)
		return fail("the domain's XML is too large");
	return lg_ask_agent(question, n, answer) ? 0 : fail(answer);
}
