/* thread.h: threads of our own: the program's signals are not theirs, and what they keep for themselves goes when they end. */
#ifndef LG_BASE_THREAD_H
#define LG_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A thread that takes no signals but those of its own faults: a program's signals are for whoever waits for them.  stack_size 0 is
 * the system's.  False if it cannot be started. */
bool lg_thread_start(pthread_t *ret, size_t stack_size, void *(*run)(void *arg), void *arg);

/* Zeroed memory of the calling thread, freed when it ends: for what a _Thread_local pointer remembers.  NULL without memory. */
void *lg_thread_alloc(size_t n);

#endif
