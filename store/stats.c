/* stats.c: figures for the operator: how large the file has become, and whether a reader holds it back. */
#include <inttypes.h>
#include <stdio.h>

#include "store/internal.h"

/* A line of mdb_reader_list: "pid thread txnid", or "-" in the last place of a slot that holds no snapshot. */
static int
read_slot(const char *line, void *arg)
{
	uint64_t *oldest = arg, at;
	long pid;
	char thread[24], txn[24];

	if (sscanf(line, "%ld %23s %23s", &pid, thread, txn) == 3 && sscanf(txn, "%" SCNu64, &at) == 1 && at < *oldest)
		*oldest = at;
	return 0;
}

lg_err
lg_store_stats(struct lg_ctx *cx, struct lg_store *st, struct lg_store_stats *ret)
{
	uint64_t oldest = UINT64_MAX;
	MDB_envinfo info;
	MDB_stat s;

	LG_TRY(lg_lmdb_fail(cx, mdb_env_info(st->env, &info), "LMDB"));
	LG_TRY(lg_lmdb_fail(cx, mdb_env_stat(st->env, &s), "LMDB"));
	int rc = mdb_reader_list(st->env, read_slot, &oldest);
	if (rc < 0)
		return lg_lmdb_fail(cx, rc, "the readers of LMDB");
	*ret = (struct lg_store_stats){ .used = (uint64_t)(info.me_last_pgno + 1) * s.ms_psize, .size = info.me_mapsize,
		.behind = oldest < info.me_last_txnid ? info.me_last_txnid - oldest : 0 };
	return LG_OK;
}
