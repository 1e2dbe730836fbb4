/*
 * room.c: blocks of the file ahead of what is used.  The log only grows, and a commit that makes the file longer, or is the first to write to
 * a block, waits for the file system's journal too: about as long again as for its own pages.  So zeros go ahead, many batches'
 * worth at a time; the next sync takes them along.
 */
#include <errno.h>
#include <unistd.h>

#include "store/internal.h"

#define AHEAD	((size_t)1 << 20)

/* A disk without room leaves it to the commits to say so. */
static void
put_zeros(struct lg_store *st, size_t from, size_t to)
{
	static char zeros[AHEAD];
	mdb_filehandle_t fd;
	ssize_t n = 0;

	if (mdb_env_get_fd(st->env, &fd) != 0)
		return;
	for (; from < to && (n >= 0 || errno == EINTR); from += n > 0 ? (size_t)n : 0)
		n = pwrite(fd, zeros, to - from, (off_t)from);
}

/* With the lock nobody else's pages are on their way to behind the last one that is known. */
static void
look_ahead(struct lg_store *st)
{
	MDB_envinfo info;
	MDB_stat s;

	if (mdb_env_info(st->env, &info) != 0 || mdb_env_stat(st->env, &s) != 0)
		return;
	size_t used = (info.me_last_pgno + 1) * s.ms_psize;
	size_t from = st->room > used ? st->room : used, to = used + AHEAD < info.me_mapsize ? used + AHEAD : info.me_mapsize;

	if (st->room >= used + AHEAD / 2 || from >= to)
		return;
	put_zeros(st, from, to);
	st->room = to;
}

void
lg_room_ahead(struct lg_store *st)
{
	if (st->nosync || pthread_mutex_trylock(&st->write) != 0)
		return;
	look_ahead(st);
	pthread_mutex_unlock(&st->write);
}
