/* control.h: what the parent and the server tell each other, over a SOCK_SEQPACKET pair: one packet, one message. */
#ifndef LG_SERVER_CONTROL_H
#define LG_SERVER_CONTROL_H

#include "lightgate/base.h"
#include "server/loop.h"

#define LG_CONTROL_TEXT		(96u << 10)	/* octets of a message */

enum lg_control {
	LG_CONTROL_READY = 'R',		/* server: the ready line; its listeners are open */
	LG_CONTROL_KEEPER = 'K',	/* parent: channels to a new keeper, one a loop */
	LG_CONTROL_OPERATOR = 'O',	/* parent: a socket on which the local operator's requests come (base/operator.h) */
	LG_CONTROL_RELOAD = 'H',	/* parent: the settings file's text */
	LG_CONTROL_END = 'T'		/* parent: drain and exit */
};

struct lg_control_message {
	char text[LG_CONTROL_TEXT + 1];	/* type, then text */
	size_t n;			/* of all; 0: the other side is gone */
	int fds[LG_LOOPS];
	size_t nfds;
};

bool lg_control_pair(int pair[2]);
bool lg_control_send(int fd, enum lg_control type, lg_str text, const int *fds, size_t nfds);
/* Waits for a message.  False on a fault; n = 0 at the end.  Descriptors are the caller's. */
bool lg_control_recv(int fd, struct lg_control_message *ret);

#endif
