/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prober: a thread that probes the server every interval, sends a visitor there every
 * login_interval, and publishes what both find. Its functions may be called from any thread; none
 * of them waits for the server, except that destroying waits for the thread, which a stop
 * interrupts.
 */
#ifndef CLUSTERCHECKD_NODE_PROBER_H
#define CLUSTERCHECKD_NODE_PROBER_H

#include <stdbool.h>

#include "config/config.h"
#include "node/snapshot.h"
#include "node/steward.h"

struct plan;
struct prober;

/*
 * Starts the thread. Publication and steward, which it has look at its files in each round, stay
 * the caller's and must outlive it. 0 or -errno.
 */
int prober_create(struct prober **prober, const struct config *config,
		  struct publication *publication, struct steward *steward);

/*
 * Stops and joins the thread and its visitor's. Where one hangs for a second in a call of the
 * client library that cannot be interrupted (resolving a name), it is left as it is, with all that
 * it uses: false. NULL is fine.
 */
bool prober_destroy(struct prober *prober);

/* A plan that applies from the next round on, which starts now; the prober takes it over. */
void prober_configure(struct prober *prober, struct plan *plan);

/* Makes the next round start now, but at most one per 10 ms. */
void prober_wake(struct prober *prober);

/*
 * Has each round of the next three seconds, the first of them at once, also look at who else works
 * on the node (see census.h).
 */
void prober_want_census(struct prober *prober);

/* True while the thread moves: false means it has hung for longer than any round may take. */
bool prober_moves(const struct prober *prober);

#endif
