/* lane.h: threads that own channels and answer what comes in on them. */
#ifndef LG_KEEPER_LANE_H
#define LG_KEEPER_LANE_H

#include <stdatomic.h>

#include "base/mailbox.h"
#include "base/pool.h"
#include "crypto/keeper/process.h"

#define LG_LANES_MAX	64
#define LG_CHANNELS_MAX	256

struct lg_lane;

struct lg_kchannel {
	int fd;				/* -1: closed */
	bool control;
	unsigned jobs;			/* on the slow lane; counted by the owner alone */
	uint32_t events;		/* what epoll watches */
	struct lg_lane *lane;
	struct lg_buf in, out;
	size_t sent;			/* of out */
	struct lg_crl_parts crl;
};

struct lg_lane {
	struct lg_kproc *kp;
	struct lg_pool *slow;
	int stop_fd;			/* eventfd, readable when all is to end */
	int epoll;
	pthread_t thread;
	struct lg_mailbox *done;
	struct lg_arena *arena;
	struct lg_buf scratch;
	struct lg_tally tally;
	struct lg_unsigned later;
	struct lg_kchannel *channel[LG_CHANNELS_MAX];
	size_t nchannels;
};

LG_CHECKED lg_err lg_lane_open(struct lg_ctx *cx, struct lg_lane *l, struct lg_kproc *kp, struct lg_pool *slow, int stop_fd);
LG_CHECKED lg_err lg_lane_add(struct lg_ctx *cx, struct lg_lane *l, struct lg_kchannel *ch, int fd, bool control);
void lg_lane_run(struct lg_lane *l);		/* until stop_fd is readable */
void lg_lane_close(struct lg_lane *l);		/* after the slow lane has ended */

#endif
