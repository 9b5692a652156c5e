/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The document that planned work goes by: what is ordered, which balancers have been told how
 * often, and who still works on the node. clustercheckd(8) describes it.
 */
#ifndef CLUSTERCHECKD_VIEW_MAINTENANCE_H
#define CLUSTERCHECKD_VIEW_MAINTENANCE_H

#include <stdint.h>

#include "node/audience.h"
#include "node/snapshot.h"

#define MAINTENANCE_BALANCERS 64

struct maintenance_report {
	int64_t now;	 /* clock_now() */
	int64_t started; /* clock_now() when the daemon began to listen */
	struct snapshot snapshot;
	struct message message;		       /* to the balancers */
	size_t balancer_count, balancer_total; /* listed (told least first), and known */
	struct poller balancers[MAINTENANCE_BALANCERS];
};

/* The caller frees it; NULL when out of memory. */
char *maintenance_json(const struct maintenance_report *report);

/* The part of it that is known where no daemon runs: what is ordered. Likewise. */
char *maintenance_order_json(const struct order *order, int64_t now);

#endif
