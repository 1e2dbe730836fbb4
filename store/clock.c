/*
 * clock.c: record time.  It rises with every record, and within a boot it runs ahead of an anchor by no more than
 * CLOCK_BOOTTIME says plus five minutes, so that a wall clock set forward for a moment does not move the log into the
 * future for good.  Between boots only the wall clock is known: a jump over 30 days or a step back over five minutes is
 * shown as the clock's state, and certificates and tokens wait until the operator accepts it.
 */
#include "store/internal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"

enum { BOOT_ID = 36 };

static const int64_t slack = 5 * LG_MINUTE, jump = 30 * LG_DAY;

static int64_t
latest(const struct lg_anchor *a, int64_t boot)
{
	return a->wall + (boot - a->boot) + slack;
}

int64_t
lg_clock_next(const struct lg_anchor *a, int64_t wall, int64_t boot, int64_t last)
{
	int64_t t = wall < latest(a, boot) ? wall : latest(a, boot);

	return t > last ? t : last + 1;
}

enum lg_clock_state
lg_clock_judge(const struct lg_anchor *a, int64_t wall, int64_t boot, int64_t last)
{
	if (wall > latest(a, boot))
		return LG_CLOCK_AHEAD;
	return wall < last - slack ? LG_CLOCK_BACK : LG_CLOCK_FINE;
}

struct lg_anchor
lg_clock_start(int64_t wall, int64_t boot, int64_t last)
{
	bool jumped = last != 0 && wall > last + jump;

	return (struct lg_anchor){ jumped ? last : wall, boot };
}

static lg_err
boot_id(struct lg_ctx *cx, char ret[BOOT_ID])
{
	lg_str s;

	LG_TRY(lg_file_read(cx, "/proc/sys/kernel/random/boot_id", 64, &s));
	if (s.n < BOOT_ID)
		return lg_fail(cx, LG_E_IO, "boot_id has %zu octets", s.n);
	memcpy(ret, s.p, BOOT_ID);
	return LG_OK;
}

static lg_err
keep(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char id[BOOT_ID], struct lg_anchor a)
{
	char row[BOOT_ID + 16];

	memcpy(row, id, BOOT_ID);
	lg_be64(row + BOOT_ID, (uint64_t)a.wall);
	lg_be64(row + BOOT_ID + 8, (uint64_t)a.boot);
	pthread_mutex_lock(&st->lock);
	st->anchor = a;
	pthread_mutex_unlock(&st->lock);
	return lg_meta_put(cx, st, txn, "clock", (lg_str){ row, sizeof row });
}

lg_err
lg_clock_load(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	char id[BOOT_ID];
	lg_str row;

	LG_TRY(boot_id(cx, id));
	lg_err e = lg_meta_get(cx, st, txn, "clock", &row);
	if (e == LG_OK && lg_str_starts(row, (lg_str){ id, BOOT_ID })) {
		struct lg_rd r = lg_rd_of(lg_str_sub(row, BOOT_ID, row.n));
		st->anchor.wall = (int64_t)lg_rd_u64(&r);
		st->anchor.boot = (int64_t)lg_rd_u64(&r);
		return lg_rd_done(&r) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "the clock's row does not decode");
	}
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	return keep(cx, st, txn, id, lg_clock_start(lg_wall(), lg_boottime(), st->head.time));
}

enum lg_clock_state
lg_store_clock(struct lg_store *st)
{
	pthread_mutex_lock(&st->lock);
	enum lg_clock_state s = lg_clock_judge(&st->anchor, lg_wall(), lg_boottime(), st->head.time);
	pthread_mutex_unlock(&st->lock);
	return s;
}

lg_err
lg_store_clock_accept(struct lg_ctx *cx, struct lg_store *st)
{
	char id[BOOT_ID];
	MDB_txn *txn;

	LG_TRY(boot_id(cx, id));
	LG_TRY(lg_write_begin(cx, st, &txn));
	lg_err e = keep(cx, st, txn, id, (struct lg_anchor){ lg_wall(), lg_boottime() });
	if (e == LG_OK)
		return lg_write_commit(cx, st, txn, NULL, 0);
	lg_write_abort(st, txn);
	return e;
}
