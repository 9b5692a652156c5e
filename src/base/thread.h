/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that take no signals: those are the main thread's.
 */
#ifndef CLUSTERCHECKD_BASE_THREAD_H
#define CLUSTERCHECKD_BASE_THREAD_H

#include <pthread.h>

/* 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
