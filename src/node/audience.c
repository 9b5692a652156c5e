/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/audience.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/text.h"

#define SLOTS 2048 /* a power of two */
#define NEIGHBOURS 8
#define CROWD 3 /* neighbours of one address */

#define BALANCER_ANSWERS 3
#define BALANCER_PERIOD (60 * NSEC_PER_SEC)
#define BALANCER_GRACE (2 * NSEC_PER_SEC)
#define BALANCER_GONE (10 * NSEC_PER_SEC)
#define BALANCER_ESTABLISHED (30 * NSEC_PER_SEC)

struct audience {
	pthread_mutex_t lock;
	int64_t created;
	uint64_t seed;
	size_t count_count;
	struct answer_count counts[ANSWER_COUNT_MAX];
	struct poller slots[SLOTS]; /* a slot with no answers is free */
};

/* Not waiting for the kernel's: a daemon that starts early in a boot would answer nobody. */
static uint64_t random_seed(void) {
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		return seed;
	return (uint64_t)clock_wall() * 0x9e3779b97f4a7c15u ^ (uint64_t)clock_now();
}

struct audience *audience_create(const uint64_t *seed) {
	struct audience *audience = calloc(1, sizeof(*audience));

	if (!audience)
		return NULL;
	pthread_mutex_init(&audience->lock, NULL);
	audience->created = clock_now();
	audience->seed = seed ? *seed : random_seed();
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

/* FNV-1a, from a secret instead of its usual basis */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length) {
	const unsigned char *byte = bytes;

	while (length-- > 0)
		hash = (hash ^ *byte++) * 1099511628211u;
	return hash;
}

/*
 * What stays the same in "UP 2/3; name=bck/srv2; node=lb1; weight=1/2; ..." (HAProxy 2.6).
 */
struct caller_name {
	const char *name, *node;
	size_t name_length, node_length;
};

static const char *find_part(const char *state, const char *key, size_t *length) {
	const char *part = strstr(state, key);

	*length = 0;
	if (!part)
		return "";
	part += strlen(key);
	*length = strcspn(part, ";");
	return part;
}

static struct caller_name name_of(const char *state) {
	struct caller_name it;

	it.name = find_part(state, "; name=", &it.name_length);
	it.node = find_part(state, "; node=", &it.node_length);
	return it;
}

static bool same_name(const struct caller_name *a, const struct caller_name *b) {
	return a->name_length == b->name_length && a->node_length == b->node_length &&
	       memcmp(a->name, b->name, a->name_length) == 0 &&
	       memcmp(a->node, b->node, a->node_length) == 0;
}

/* Who has given the answer, as it is looked for in the slots. */
struct key {
	const struct answer *answer;
	struct in6_addr address;
	struct caller_name name;
};

static uint64_t hash_key(const struct key *key, uint64_t seed) {
	uint64_t hash =
		hash_bytes(seed + (uint64_t)key->answer->kind, &key->address, sizeof(key->address));

	hash = hash_bytes(hash, key->name.name, key->name.name_length);
	hash = hash_bytes(hash, key->name.node, key->name.node_length);
	hash = hash_bytes(hash, key->answer->path, strlen(key->answer->path));
	return hash ^ hash >> 32; /* the lowest bits depend on the seed's lowest alone */
}

static bool is_poller(const struct poller *poller, const struct key *key) {
	struct caller_name name;

	if (poller->answers == 0 || poller->kind != key->answer->kind ||
	    memcmp(&poller->address, &key->address, sizeof(key->address)) != 0 ||
	    strcmp(poller->path, key->answer->path) != 0)
		return false;
	name = name_of(poller->state);
	return same_name(&name, &key->name);
}

static bool is_established(const struct poller *poller) {
	return poller->last - poller->began >= BALANCER_ESTABLISHED;
}

static bool is_regular(const struct poller *poller) {
	return poller->streak >= BALANCER_ANSWERS;
}

/* From when on somebody who has fallen silent must be taken for gone; one gap is no rhythm yet. */
static int64_t gone_from(const struct poller *poller) {
	int64_t patience = (is_regular(poller) ? 10 : 3) * poller->period;
	int64_t least =
		is_regular(poller) && is_established(poller) ? BALANCER_PERIOD : BALANCER_GONE;

	return poller->last + (patience > least ? patience : least);
}

/*
 * Who asks under ever new names must not push out a balancer: rather what they have brought. Of an
 * address that has several among the neighbours those go first, however long they have been asking
 * and whoever comes: else who has patience could crowd a balancer out, or never let it settle.
 */
enum worth {
	WORTH_FREE,
	WORTH_OF_A_CROWD,
	WORTH_OF_THE_SAME_ADDRESS,
	WORTH_NEW,
	WORTH_ESTABLISHED_OF_THE_SAME_ADDRESS,
	WORTH_ESTABLISHED
};

static bool is_of(const struct poller *poller, const struct in6_addr *address) {
	return poller->answers > 0 && memcmp(&poller->address, address, sizeof(*address)) == 0;
}

static bool is_of_a_crowd(const struct poller *poller, struct poller *const *neighbours) {
	size_t count = 0;

	for (size_t i = 0; i < NEIGHBOURS; i++)
		count += is_of(neighbours[i], &poller->address);
	return count >= CROWD;
}

static enum worth worth_of(const struct poller *poller, struct poller *const *neighbours,
			   const struct key *key) {
	bool same_address = is_of(poller, &key->address);

	if (poller->answers == 0)
		return WORTH_FREE;
	if (is_of_a_crowd(poller, neighbours))
		return WORTH_OF_A_CROWD;
	if (is_established(poller))
		return same_address ? WORTH_ESTABLISHED_OF_THE_SAME_ADDRESS : WORTH_ESTABLISHED;
	return same_address ? WORTH_OF_THE_SAME_ADDRESS : WORTH_NEW;
}

static struct poller *least_worth(struct poller *const *neighbours, const struct key *key) {
	struct poller *least = neighbours[0];
	enum worth lowest = worth_of(least, neighbours, key);

	for (size_t i = 1; i < NEIGHBOURS; i++) {
		enum worth worth = worth_of(neighbours[i], neighbours, key);

		if (worth < lowest || (worth == lowest && neighbours[i]->last < least->last)) {
			least = neighbours[i];
			lowest = worth;
		}
	}
	return least;
}

/* The poller's slot, a free one, or that of the neighbour who is worth least. */
static struct poller *find_slot(struct audience *audience, const struct key *key) {
	uint64_t hash = hash_key(key, audience->seed);
	struct poller *neighbours[NEIGHBOURS], *slot;

	for (size_t i = 0; i < NEIGHBOURS; i++) {
		neighbours[i] = &audience->slots[(hash + i) % SLOTS];
		if (is_poller(neighbours[i], key))
			return neighbours[i];
	}
	slot = least_worth(neighbours, key);
	memset(slot, 0, sizeof(*slot));
	slot->kind = key->answer->kind;
	slot->address = key->address;
	text_copy(slot->path, sizeof(slot->path), key->answer->path);
	return slot;
}

static void count_answer(struct audience *audience, const struct answer *answer) {
	struct answer_count *count = audience->counts;
	struct answer_count *end = count + audience->count_count;

	while (count < end && (count->status != answer->status || count->kind != answer->kind ||
			       strcmp(count->path, answer->path) != 0))
		count++;
	if (count == audience->counts + ANSWER_COUNT_MAX)
		return;
	if (count == end) {
		*count = (struct answer_count){.kind = answer->kind, .status = answer->status};
		text_copy(count->path, sizeof(count->path), answer->path);
		audience->count_count++;
	}
	count->count++;
}

/* One who comes back after having been gone begins a rhythm of its own. */
static void take_rhythm(struct poller *poller, int64_t now) {
	if (poller->streak > 1 && now > gone_from(poller))
		poller->streak = 0;
	if (poller->streak == 0) {
		poller->period = 0;
		poller->began = now;
	} else if (poller->streak == 1) {
		poller->period = now - poller->last;
	} else {
		poller->period += (now - poller->last - poller->period) / 4;
	}
	poller->streak++;
	poller->answers++;
	poller->last = now;
}

static void take_answer(struct poller *poller, const struct answer *answer) {
	bool again = poller->is_verdict && answer->is_verdict && poller->epoch == answer->epoch &&
		     poller->available == answer->available;

	poller->told = again ? poller->told + 1 : answer->is_verdict;
	poller->is_verdict = answer->is_verdict;
	poller->available = answer->available;
	poller->epoch = answer->epoch;
	poller->status = answer->status;
}

void audience_note(struct audience *audience, const struct answer *answer) {
	struct key key = {.answer = answer, .address = address_of(answer->peer)};
	char state[POLLER_STATE_SIZE];
	int64_t now = clock_now();
	struct poller *poller;

	/* Cut as it will be kept, or a long name would never be recognised. */
	text_copy(state, sizeof(state), answer->state ? answer->state : "");
	key.name = name_of(state);

	pthread_mutex_lock(&audience->lock);
	count_answer(audience, answer);
	poller = find_slot(audience, &key);
	take_rhythm(poller, now);
	take_answer(poller, answer);
	memcpy(poller->state, state, sizeof(state));
	pthread_mutex_unlock(&audience->lock);
}

/* --- lists of them -------------------------------------------------------------------------- */

/* Which pollers are wanted; everybody where there is no message. */
struct wanted {
	const struct message *message;
	int64_t now, created;
};

uint64_t poller_told(const struct poller *poller, const struct message *message) {
	if (!message || poller->epoch != message->epoch || poller->available != message->available)
		return 0;
	return poller->told;
}

static bool comes_before(const struct poller *a, const struct poller *b,
			 const struct message *message) {
	uint64_t told_a = poller_told(a, message), told_b = poller_told(b, message);

	return told_a != told_b ? told_a < told_b : a->last > b->last;
}

/* Inserts into a sorted list that holds at most `max`. */
static size_t insert(const struct poller **list, size_t count, size_t max,
		     const struct poller *poller, const struct message *message) {
	size_t i = count < max ? count : max - 1;

	if (count == max && !comes_before(poller, list[i], message))
		return count;
	count = i + 1;
	for (; i > 0 && comes_before(poller, list[i - 1], message); i--)
		list[i] = list[i - 1];
	list[i] = poller;
	return count;
}

/* Who came in the first minute may have asked the daemon before this one for days. */
static bool may_be_older(const struct poller *poller, const struct wanted *wanted) {
	return poller->began - wanted->created < BALANCER_PERIOD;
}

static bool is_balancer(const struct poller *poller, const struct wanted *wanted) {
	return poller->is_verdict && !IN6_IS_ADDR_UNSPECIFIED(&poller->address) &&
	       poller->period <= BALANCER_PERIOD &&
	       (is_regular(poller) || may_be_older(poller, wanted));
}

static bool was_asking(const struct poller *poller, int64_t since) {
	if (is_established(poller) || !is_regular(poller))
		return gone_from(poller) >= since;
	return poller->last + 3 * poller->period + BALANCER_GRACE >= since;
}

static bool is_wanted(const struct poller *poller, const struct wanted *wanted) {
	if (poller->answers == 0)
		return false;
	if (!wanted->message)
		return true;
	return is_balancer(poller, wanted) && was_asking(poller, wanted->message->since) &&
	       gone_from(poller) >= wanted->now;
}

static size_t copy_wanted(struct audience *audience, const struct wanted *wanted,
			  struct poller *pollers, size_t max, size_t *total) {
	const struct poller **list = calloc(max, sizeof(const struct poller *));
	size_t count = 0;

	*total = 0;
	pthread_mutex_lock(&audience->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		if (!is_wanted(&audience->slots[i], wanted))
			continue;
		/* Who cannot be listed for want of memory is there all the same. */
		if (list)
			count = insert(list, count, max, &audience->slots[i], wanted->message);
		++*total;
	}
	for (size_t i = 0; i < count; i++)
		pollers[i] = *list[i];
	pthread_mutex_unlock(&audience->lock);
	free(list);
	return count;
}

size_t audience_pollers(struct audience *audience, struct poller *pollers, size_t max,
			size_t *total) {
	const struct wanted everybody = {0};

	return copy_wanted(audience, &everybody, pollers, max, total);
}

size_t audience_balancers(struct audience *audience, const struct message *message,
			  struct poller *pollers, size_t max, size_t *total) {
	const struct wanted balancers = {
		.message = message, .now = clock_now(), .created = audience->created};

	return copy_wanted(audience, &balancers, pollers, max, total);
}

size_t audience_counts(struct audience *audience, struct answer_count *counts) {
	size_t count;

	pthread_mutex_lock(&audience->lock);
	count = audience->count_count;
	memcpy(counts, audience->counts, count * sizeof(counts[0]));
	pthread_mutex_unlock(&audience->lock);
	return count;
}
