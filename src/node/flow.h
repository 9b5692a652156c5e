/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the time replication was paused by flow control, from readings of
 * wsrep_flow_control_paused_ns (wsrep_flow_control_paused itself is an average since the last FLUSH
 * STATUS, galera 26.4). Pure; zero-initialised it is empty.
 */
#ifndef CLUSTERCHECKD_NODE_FLOW_H
#define CLUSTERCHECKD_NODE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A reading every tenth of a second at most, for ten seconds. */
#define FLOW_READINGS 101

struct flow_reading {
	int64_t at; /* clock_now() */
	double ns;  /* the counter */
};

struct flow_window {
	bool known;    /* there were two readings to compare */
	double last;   /* share of the time between the last two readings, 0 to 1 */
	double recent; /* share of the last ten seconds, or since the first reading */
	size_t count;  /* readings so far; the last FLOW_READINGS are kept */
	struct flow_reading readings[FLOW_READINGS];
};

void flow_window_reset(struct flow_window *window);

/* Readings closer than a tenth of a second are passed over: their share would jump. */
void flow_window_add(struct flow_window *window, double ns, int64_t now);

#endif
