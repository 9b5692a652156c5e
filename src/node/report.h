/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report: everything there is to show, copied at one moment, so that every view of it agrees.
 */
#ifndef CLUSTERCHECKD_NODE_REPORT_H
#define CLUSTERCHECKD_NODE_REPORT_H

#include "node/audience.h"
#include "node/snapshot.h"

#define REPORT_POLLERS 24

struct report {
	int64_t now;  /* clock_now() */
	int64_t wall; /* clock_wall() */
	struct snapshot snapshot;
	struct history history;
	size_t poller_count, poller_total; /* shown, and known */
	struct poller pollers[REPORT_POLLERS];
	size_t count_count;
	struct answer_count counts[ANSWER_COUNT_MAX];
};

/* Any thread. NULL when out of memory. */
struct report *report_create(struct publication *publication, struct audience *audience);
void report_destroy(struct report *report);

#endif
