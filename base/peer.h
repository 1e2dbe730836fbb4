/*
 * peer.h: the process at the other end of a UNIX socket, pinned: its number cannot come to mean another process while it is looked at.
 */
#ifndef LG_BASE_PEER_H
#define LG_BASE_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A pidfd of the peer, to be closed; -1 when it is gone already.  pid: from SO_PEERCRED, for kernels before 6.5, where a process
 * that ended right after it connected may be mistaken for one that has its number now.
 */
int lg_peer_pin(int socket, pid_t pid);
bool lg_peer_lives(int pidfd);		/* what was read about its number until now was about it */
/* Is it in our pid namespace itself, not in one below, as containers are? */
bool lg_peer_is_local(int pidfd);
/* Who connected.  uid -1: it is not local, where a number says nothing; all -1: it is not known. */
struct lg_peer_who {
	int64_t uid, gid, pid;
};
struct lg_peer_who lg_peer_who(int socket);
/* Opens what lg_peer_is_local reads, which a confined process cannot reach later.  Needed by those only. */
void lg_peer_prepare(void);

#endif
