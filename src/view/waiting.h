/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for an order to be understood: reads the document of maintenance.h and tells whether
 * everybody concerned has got the message, and if not, who has not. Pure.
 */
#ifndef CLUSTERCHECKD_VIEW_WAITING_H
#define CLUSTERCHECKD_VIEW_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "node/order.h"

/*
 * A daemon that has just started does not know yet who polls: before this age of its nobody is
 * believed to be told. Three checks of a balancer that has HAProxy's default interval, 2 s, fit in.
 */
#define WAITING_SETTLED (5 * NSEC_PER_SEC)

/* What is waited for. */
struct waiting {
	enum maintenance mode; /* that was ordered */
	uint64_t polls;	       /* answers in a row that each balancer is to have got */
	bool idle;	       /* nobody runs a statement or holds a transaction */
	bool no_sessions;      /* nobody is connected */
	int64_t begin;	       /* clock_now(): the node must have been probed since */
	int64_t told_at; /* kept between calls: clock_now() when all had been told; 0: not yet */
};

enum waiting_state {
	WAITING_DONE,
	WAITING_GOES_ON,
	WAITING_IN_VAIN, /* another order stands now */
};

/*
 * `what` receives what was reached or what is lacking, a line per balancer or session; without
 * control characters. WAITING_GOES_ON for a document that cannot be read.
 */
enum waiting_state waiting_judge(struct waiting *waiting, const char *json, int64_t now,
				 struct text *what);

#endif
