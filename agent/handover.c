/* handover.c: see handover.h. */
#include "agent/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define VARIABLE	"LIGHTGATE_HANDED"	/* "<our pid> <descriptor>" */

struct head {
	char name[LG_HANDOVER_NAME];
	uint64_t n;
};

static struct lg_buf going = LG_BUF(LG_HANDOVER_MAX);
static char *come;		/* what our predecessor left; of come_n octets */
static size_t come_n;
static bool looked;

void
lg_handover_put(const char *name, const void *part, size_t n)
{
	struct head h = { .n = n };

	snprintf(h.name, sizeof h.name, "%s", name);
	lg_buf_bytes(&going, &h, sizeof h);
	lg_buf_bytes(&going, part, n);
}

lg_err
lg_handover_send(struct lg_ctx *cx, int lowest_fd)
{
	char text[64];

	if (going.n == 0 || going.full)
		return LG_OK;
	int fd = memfd_create("lightgate-agent", 0);
	bool done = fd >= 0 && lg_write_all(fd, going.p, going.n);
	int high = done ? fcntl(fd, F_DUPFD, lowest_fd) : -1;
	if (fd >= 0)
		close(fd);
	if (high < 0)
		return lg_fail(cx, LG_E_IO, "what is remembered cannot be handed over: %s", strerror(errno));
	snprintf(text, sizeof text, "%d %d", (int)getpid(), high);
	setenv(VARIABLE, text, 1);
	return LG_OK;
}

/* Whoever is started by us inherits neither the file nor its number. */
static void
look(void)
{
	const char *text = getenv(VARIABLE);
	int pid = 0, fd = -1;
	struct stat st;

	looked = true;
	if (text == NULL || sscanf(text, "%d %d", &pid, &fd) != 2 || pid != getpid())
		return;
	unsetenv(VARIABLE);
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= LG_HANDOVER_MAX && (come = malloc((size_t)st.st_size)) != NULL &&
	    pread(fd, come, (size_t)st.st_size, 0) == st.st_size)
		come_n = (size_t)st.st_size;
	close(fd);
}

bool
lg_handover_take(const char *name, void *part, size_t n)
{
	struct head h;

	if (!looked)
		look();
	for (size_t at = 0; come_n - at >= sizeof h; at += h.n) {
		memcpy(&h, come + at, sizeof h);
		at += sizeof h;
		if (h.n > come_n - at)
			return false;
		if (strncmp(h.name, name, sizeof h.name) != 0 || h.n != n)
			continue;
		memcpy(part, come + at, n);
		explicit_bzero(come + at - sizeof h, sizeof h.name);
		return true;
	}
	return false;
}

void
lg_handover_end(void)
{
	looked = true;
	if (come != NULL) {
		explicit_bzero(come, come_n);
		free(come);
	}
	come = NULL;
	come_n = 0;
}
