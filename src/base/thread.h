/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that take no signals: those are the main thread's.
 */
#ifndef CLUSTERCHECKD_BASE_THREAD_H
#define CLUSTERCHECKD_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/* False when it still runs after so many nanoseconds. */
bool thread_join_within(pthread_t thread, int64_t patience);

/*
 * Gives the calling thread a table of descriptors of its own with none in it but the standard ones,
 * the log's and the `kept`. For who uses the MySQL client library: Connector/C 3.3 closes its
 * socket twice when a non-blocking connect fails at once (a Unix socket that does not exist), and
 * in between the number may belong to another thread; libmicrohttpd then finds its sockets gone and
 * aborts the program.
 */
void thread_separate_descriptors(const int *kept, size_t count);

#endif
