/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time in nanoseconds, and deadlines.
 *
 * Ages and deadlines use the monotonic clock alone, so a stepped wall clock changes no verdict.
 * The wall clock is for people: it is shown, never compared.
 */
#ifndef CLUSTERCHECKD_BASE_CLOCK_H
#define CLUSTERCHECKD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)

/* A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

static inline int64_t clock_read(clockid_t id) {
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* CLOCK_BOOTTIME goes on while the host is suspended: after a resume every snapshot is old. */
static inline int64_t clock_now(void) {
	return clock_read(CLOCK_BOOTTIME);
}

/* UTC since the epoch, for display. */
static inline int64_t clock_wall(void) {
	return clock_read(CLOCK_REALTIME);
}

/* Milliseconds until the deadline, rounded up; 0 once it has passed, at most one day: what poll(2)
 * wants. */
static inline int clock_left_ms(int64_t deadline, int64_t now) {
	const int64_t day = INT64_C(24) * 3600 * 1000;
	int64_t left;

	if (deadline <= now)
		return 0;
	left = (deadline - now - 1) / NSEC_PER_MSEC + 1;
	return (int)(left < day ? left : day);
}

/* Milliseconds as somebody else's document has them, in nanoseconds: from none to a century. */
static inline int64_t clock_from_ms(double ms) {
	const double century = 36525.0 * 24 * 3600 * 1000;

	if (!(ms > 0))
		return 0;
	return (int64_t)((ms < century ? ms : century) * NSEC_PER_MSEC);
}

#endif
