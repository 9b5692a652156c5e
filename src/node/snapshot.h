/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The publication: the one place where the prober thread hands its findings to everybody else, and
 * the only lock of the program (apart from those inside libraries). It is never held across I/O.
 *
 * Any thread may call anything here. By design the prober publishes, the main thread sets endpoints
 * and reviews, and servers ask for the generation per request and copy only when it has changed.
 */
#ifndef CLUSTERCHECKD_NODE_SNAPSHOT_H
#define CLUSTERCHECKD_NODE_SNAPSHOT_H

#include <stdint.h>

#include "config/policy.h"
#include "node/facts.h"
#include "node/history.h"

struct publication;

struct snapshot {
	uint64_t generation;
	uint64_t epoch;	     /* grows with every order: answers given under one belong together */
	int64_t epoch_since; /* clock_now() when it grew */
	struct facts facts;
	struct endpoint_list endpoints;
};

/* Facts are "never probed", every endpoint is `starting`. NULL when out of memory. */
struct publication *publication_create(const struct endpoint_list *endpoints);
void publication_destroy(struct publication *publication);

/*
 * Each makes a new generation and fills `changes` (of ENDPOINT_MAX) with the endpoints whose
 * verdict has changed by it; returns how many. What is published of the node leaves the order as
 * it is, and an order leaves the node's facts: neither can bring back an old one of the other.
 */
size_t publication_publish(struct publication *publication, const struct facts *facts,
			   struct change *changes);
size_t publication_set_order(struct publication *publication, const struct order *order,
			     struct change *changes);
size_t publication_set_endpoints(struct publication *publication,
				 const struct endpoint_list *endpoints, struct change *changes);

/* Finds the changes that time alone has made (`stale`). No new generation. */
size_t publication_review(struct publication *publication, struct change *changes);

/* Changes with every publication; costs one atomic load. */
uint64_t publication_generation(const struct publication *publication);

/* A snapshot, and where it is not NULL the history that belongs to it. */
void publication_copy(struct publication *publication, struct snapshot *snapshot,
		      struct history *history);

#endif
