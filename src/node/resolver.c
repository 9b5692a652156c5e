/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "config/config.h"

#define ADDRESS_MAX 4
#define LOOKUP_INTERVAL (5 * NSEC_PER_SEC)

struct lookup {
	unsigned int number; /* which of the names asked for so far */
	char name[CONFIG_TEXT_SIZE];
	char addresses[ADDRESS_MAX][RESOLVER_ADDRESS_SIZE];
	size_t count;
	int error; /* of getaddrinfo(3) */
};

/* A lookup under way when the process ends, or when the name changes, is left to itself. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool busy;
	int64_t begun;
	size_t next; /* the address to use */
	struct lookup found;
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static bool is_numeric(const char *name) {
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
	struct addrinfo *list = NULL;
	bool numeric = getaddrinfo(name, NULL, &hints, &list) == 0;

	if (list)
		freeaddrinfo(list);
	return numeric;
}

static void look_up(struct lookup *lookup) {
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	lookup->error = getaddrinfo(lookup->name, NULL, &hints, &list);
	for (const struct addrinfo *one = list; one && lookup->count < ADDRESS_MAX;
	     one = one->ai_next)
		if (getnameinfo(one->ai_addr, one->ai_addrlen, lookup->addresses[lookup->count],
				RESOLVER_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) == 0)
			lookup->count++;
	if (list)
		freeaddrinfo(list);
}

static void publish(const struct lookup *lookup) {
	pthread_mutex_lock(&resolver.lock);
	if (lookup->number == resolver.found.number) {
		resolver.busy = false;
		if (lookup->count > 0)
			resolver.found = *lookup;
		resolver.found.error = lookup->error;
		pthread_cond_broadcast(&resolver.done);
	}
	pthread_mutex_unlock(&resolver.lock);
}

static void *run(void *context) {
	struct lookup lookup = {0};

	(void)context;
	pthread_mutex_lock(&resolver.lock);
	lookup.number = resolver.found.number;
	text_copy(lookup.name, sizeof(lookup.name), resolver.found.name);
	pthread_mutex_unlock(&resolver.lock);
	look_up(&lookup);
	publish(&lookup);
	return NULL;
}

static void begin_when_due(void) {
	int64_t now = clock_now();
	pthread_t thread;

	if (resolver.busy ||
	    (resolver.begun && now - resolver.begun < LOOKUP_INTERVAL && resolver.found.count > 0))
		return;
	resolver.begun = now;
	resolver.busy = thread_start(&thread, run, NULL) == 0;
	if (resolver.busy)
		pthread_detach(thread);
}

static void take_name(const char *name) {
	if (strcmp(resolver.found.name, name) == 0)
		return;
	resolver.found = (struct lookup){.number = resolver.found.number + 1};
	text_copy(resolver.found.name, sizeof(resolver.found.name), name);
	resolver.begun = 0;
	resolver.busy = false; /* the lookup that runs is of no use any more */
}

static void wait_until(unsigned int number, int64_t deadline) {
	int64_t until = clock_read(CLOCK_MONOTONIC) + deadline - clock_now();
	const struct timespec time = {.tv_sec = until / NSEC_PER_SEC,
				      .tv_nsec = until % NSEC_PER_SEC};

	while (resolver.found.number == number && resolver.busy && resolver.found.count == 0 &&
	       pthread_cond_clockwait(&resolver.done, &resolver.lock, CLOCK_MONOTONIC, &time) == 0)
		;
}

bool resolver_find(const char *name, int64_t deadline, char *address, struct text *error) {
	const struct lookup *found = &resolver.found;
	bool known;

	if (is_numeric(name))
		return text_copy(address, RESOLVER_ADDRESS_SIZE, name);
	pthread_mutex_lock(&resolver.lock);
	take_name(name);
	begin_when_due();
	if (found->count == 0 && deadline > clock_now())
		wait_until(found->number, deadline);
	known = found->count > 0 && strcmp(found->name, name) == 0;
	if (known)
		text_copy(address, RESOLVER_ADDRESS_SIZE,
			  found->addresses[resolver.next % found->count]);
	else
		text_format(error, "%s: %s", name,
			    found->error && strcmp(found->name, name) == 0
				    ? gai_strerror(found->error)
				    : "not looked up in time");
	pthread_mutex_unlock(&resolver.lock);
	return known;
}

void resolver_pass_over(const char *address) {
	pthread_mutex_lock(&resolver.lock);
	for (size_t i = 0; i < resolver.found.count; i++)
		if (strcmp(resolver.found.addresses[i], address) == 0)
			resolver.next = i + 1;
	pthread_mutex_unlock(&resolver.lock);
}
