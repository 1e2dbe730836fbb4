/* errors.c: LMDB's return codes as ours. */
#include "store/internal.h"

#include <errno.h>

static const struct {
	int rc;
	lg_err e;
} codes[] = {
	{ MDB_SUCCESS, LG_OK },
	{ MDB_NOTFOUND, LG_E_NOT_FOUND },
	{ MDB_KEYEXIST, LG_E_EXISTS },
	{ MDB_MAP_FULL, LG_E_FULL },
	{ ENOSPC, LG_E_FULL },
	{ EDQUOT, LG_E_FULL },
	{ EIO, LG_E_IO },	/* what LMDB 0.9 also reports for a full disk */
	{ EACCES, LG_E_IO },
	{ EROFS, LG_E_IO },
	{ ENOENT, LG_E_IO },
	{ ENOMEM, LG_E_IO },
	{ MDB_PANIC, LG_E_IO },
	{ MDB_CORRUPTED, LG_E_CORRUPT },
	{ MDB_PAGE_NOTFOUND, LG_E_CORRUPT },
	{ MDB_INVALID, LG_E_CORRUPT },
	{ MDB_VERSION_MISMATCH, LG_E_UNSUPPORTED },
	{ MDB_READERS_FULL, LG_E_BUSY },
	{ MDB_TXN_FULL, LG_E_LIMIT },
	{ MDB_BAD_VALSIZE, LG_E_LIMIT },
};

lg_err
lg_lmdb_err(int rc)
{
	for (size_t i = 0; i < LG_COUNT(codes); i++)
		if (codes[i].rc == rc)
			return codes[i].e;
	return LG_E_INTERNAL;
}

lg_err
lg_lmdb_fail(struct lg_ctx *cx, int rc, const char *what)
{
	if (rc == MDB_SUCCESS)
		return LG_OK;
	return lg_fail(cx, lg_lmdb_err(rc), "%s: %s", what, mdb_strerror(rc));
}
