/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/audience.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define SLOTS 2048 /* a power of two */
#define NEIGHBOURS 8

struct audience {
	pthread_mutex_t lock;
	size_t known;
	size_t count_count;
	struct answer_count counts[ANSWER_COUNT_MAX];
	struct poller slots[SLOTS]; /* a slot with no answers is free */
};

struct audience *audience_create(void) {
	struct audience *audience = calloc(1, sizeof(*audience));

	if (audience)
		pthread_mutex_init(&audience->lock, NULL);
	return audience;
}

void audience_destroy(struct audience *audience) {
	if (!audience)
		return;
	pthread_mutex_destroy(&audience->lock);
	free(audience);
}

static struct in6_addr address_of(const struct sockaddr *peer) {
	struct in6_addr address = IN6ADDR_ANY_INIT;

	if (peer && peer->sa_family == AF_INET6) {
		address = ((const struct sockaddr_in6 *)peer)->sin6_addr;
	} else if (peer && peer->sa_family == AF_INET) {
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
		memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	}
	return address;
}

/* FNV-1a */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t length) {
	const unsigned char *byte = bytes;

	while (length-- > 0)
		hash = (hash ^ *byte++) * 16777619u;
	return hash;
}

static bool is_poller(const struct poller *poller, enum poller_kind kind,
		      const struct in6_addr *address, const char *path) {
	return poller->answers > 0 && poller->kind == kind &&
	       memcmp(&poller->address, address, sizeof(*address)) == 0 &&
	       strcmp(poller->path, path) == 0;
}

/* The poller's slot, a free one, or that of the neighbour who has been silent longest. */
static struct poller *find_slot(struct audience *audience, enum poller_kind kind,
				const struct in6_addr *address, const char *path) {
	uint32_t hash = hash_bytes(2166136261u + (uint32_t)kind, address, sizeof(*address));
	struct poller *best = NULL;

	hash = hash_bytes(hash, path, strlen(path));
	for (uint32_t i = 0; i < NEIGHBOURS; i++) {
		struct poller *slot = &audience->slots[(hash + i) % SLOTS];

		if (is_poller(slot, kind, address, path))
			return slot;
		if (!best || slot->last < best->last)
			best = slot;
	}
	if (best->answers == 0)
		audience->known++;
	memset(best, 0, sizeof(*best));
	best->kind = kind;
	best->address = *address;
	text_copy(best->path, sizeof(best->path), path);
	return best;
}

static void count_answer(struct audience *audience, enum poller_kind kind, const char *path,
			 unsigned int status) {
	struct answer_count *count = audience->counts;
	struct answer_count *end = count + audience->count_count;

	while (count < end &&
	       (count->status != status || count->kind != kind || strcmp(count->path, path) != 0))
		count++;
	if (count == audience->counts + ANSWER_COUNT_MAX)
		return;
	if (count == end) {
		*count = (struct answer_count){.kind = kind, .status = status};
		text_copy(count->path, sizeof(count->path), path);
		audience->count_count++;
	}
	count->count++;
}

void audience_note(struct audience *audience, enum poller_kind kind, const struct sockaddr *peer,
		   const char *path, unsigned int status, const char *state) {
	struct in6_addr address = address_of(peer);
	int64_t now = clock_now();
	struct poller *poller;

	pthread_mutex_lock(&audience->lock);
	count_answer(audience, kind, path, status);
	poller = find_slot(audience, kind, &address, path);
	if (poller->answers == 1)
		poller->period = now - poller->last;
	else if (poller->answers > 1)
		poller->period += (now - poller->last - poller->period) / 4;
	poller->answers++;
	poller->last = now;
	poller->status = status;
	text_copy(poller->state, sizeof(poller->state), state ? state : "");
	pthread_mutex_unlock(&audience->lock);
}

/* Inserts into a list that is sorted by `last`, newest first, and holds at most `max`. */
static size_t insert(const struct poller **list, size_t count, size_t max,
		     const struct poller *poller) {
	size_t i = count;

	if (count == max && poller->last <= list[max - 1]->last)
		return count;
	if (count < max)
		count++;
	else
		i = max - 1;
	for (; i > 0 && list[i - 1]->last < poller->last; i--)
		list[i] = list[i - 1];
	list[i] = poller;
	return count;
}

size_t audience_pollers(struct audience *audience, struct poller *pollers, size_t max,
			size_t *total) {
	const struct poller **list = calloc(max, sizeof(const struct poller *));
	size_t count = 0;

	if (!list) {
		*total = 0;
		return 0;
	}
	pthread_mutex_lock(&audience->lock);
	for (size_t i = 0; i < SLOTS; i++)
		if (audience->slots[i].answers > 0)
			count = insert(list, count, max, &audience->slots[i]);
	for (size_t i = 0; i < count; i++)
		pollers[i] = *list[i];
	*total = audience->known;
	pthread_mutex_unlock(&audience->lock);
	free(list);
	return count;
}

size_t audience_counts(struct audience *audience, struct answer_count *counts) {
	size_t count;

	pthread_mutex_lock(&audience->lock);
	count = audience->count_count;
	memcpy(counts, audience->counts, count * sizeof(counts[0]));
	pthread_mutex_unlock(&audience->lock);
	return count;
}
