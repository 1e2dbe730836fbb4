/* ask.c: see ask.h. */
#include "agent/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_DEFAULT	"/run/lightgate-agent/agent.sock"
#define PATIENCE_MS	1900		/* the agent answers within 1.5 s or not at all */

static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static int
dial(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000, .tv_usec = PATIENCE_MS % 1000 * 1000 };
	const char *path = getenv("LIGHTGATE_AGENT_SOCKET");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (path == NULL || path[0] == '\0')
		path = SOCKET_DEFAULT;
	if (fd < 0 || strlen(path) >= sizeof at.sun_path)
		return -1;
	strcpy(at.sun_path, path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
	    connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
lg_ask_agent(const char *question, size_t n, char answer[LG_ASK_ANSWER])
{
	int fd = dial();
	size_t got = 0;
	ssize_t more = -1;

	if (fd < 0) {
		snprintf(answer, LG_ASK_ANSWER, "lightgate-agent is not running: %s", strerror(errno));
		return false;
	}
	if (send_all(fd, question, n) && shutdown(fd, SHUT_WR) == 0)
		while (got < LG_ASK_ANSWER - 1 && (more = read(fd, answer + got, LG_ASK_ANSWER - 1 - got)) > 0)
			got += (size_t)more;
	close(fd);
	answer[got] = '\0';
	/* Only a whole answer counts: cut off in the middle it might say something else. */
	bool permit = more == 0 && strncmp(answer, "permit\n", 7) == 0;
	char *text = strchr(answer, '\n');
	if (more != 0 || text == NULL)
		snprintf(answer, LG_ASK_ANSWER, "lightgate-agent did not answer in time");
	else
		memmove(answer, text + 1, strlen(text + 1) + 1);
	return permit;
}
