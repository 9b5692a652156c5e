/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

struct publication {
	_Atomic uint64_t generation;
	pthread_mutex_t lock; /* guards what follows */
	struct snapshot current;
	struct history history;
};

struct publication *publication_create(const struct endpoint_list *endpoints) {
	struct publication *publication = calloc(1, sizeof(*publication));

	if (!publication)
		return NULL;
	pthread_mutex_init(&publication->lock, NULL);
	publication->current.endpoints = *endpoints;
	publication->current.generation = 1;
	publication->current.epoch_since = clock_now();
	atomic_init(&publication->generation, 1);
	history_set_endpoints(&publication->history, endpoints, clock_now(), clock_wall());
	return publication;
}

void publication_destroy(struct publication *publication) {
	if (!publication)
		return;
	pthread_mutex_destroy(&publication->lock);
	free(publication);
}

static size_t review(struct publication *publication, struct change *changes) {
	return history_update(&publication->history, &publication->current.endpoints,
			      &publication->current.facts, clock_now(), clock_wall(), changes);
}

/* The release pairs with the acquire of a reader, which then takes the lock and finds the new
 * facts. */
static void renew(struct publication *publication) {
	publication->current.generation++;
	atomic_store_explicit(&publication->generation, publication->current.generation,
			      memory_order_release);
}

size_t publication_publish(struct publication *publication, const struct facts *facts,
			   struct change *changes) {
	struct snapshot *current = &publication->current;
	struct order order;
	size_t count;

	pthread_mutex_lock(&publication->lock);
	order = current->facts.order;
	current->facts = *facts;
	current->facts.order = order;
	renew(publication);
	count = review(publication, changes);
	pthread_mutex_unlock(&publication->lock);
	return count;
}

size_t publication_set_order(struct publication *publication, const struct order *order,
			     struct change *changes) {
	struct snapshot *current = &publication->current;
	size_t count;

	pthread_mutex_lock(&publication->lock);
	current->facts.order = *order;
	current->epoch++;
	current->epoch_since = clock_now();
	renew(publication);
	count = review(publication, changes);
	pthread_mutex_unlock(&publication->lock);
	return count;
}

size_t publication_set_endpoints(struct publication *publication,
				 const struct endpoint_list *endpoints, struct change *changes) {
	size_t count;

	pthread_mutex_lock(&publication->lock);
	publication->current.endpoints = *endpoints;
	history_set_endpoints(&publication->history, endpoints, clock_now(), clock_wall());
	renew(publication);
	count = review(publication, changes);
	pthread_mutex_unlock(&publication->lock);
	return count;
}

size_t publication_review(struct publication *publication, struct change *changes) {
	size_t count;

	pthread_mutex_lock(&publication->lock);
	count = review(publication, changes);
	pthread_mutex_unlock(&publication->lock);
	return count;
}

uint64_t publication_generation(const struct publication *publication) {
	return atomic_load_explicit(&publication->generation, memory_order_acquire);
}

void publication_copy(struct publication *publication, struct snapshot *snapshot,
		      struct history *history) {
	pthread_mutex_lock(&publication->lock);
	*snapshot = publication->current;
	if (history)
		*history = publication->history;
	pthread_mutex_unlock(&publication->lock);
}
