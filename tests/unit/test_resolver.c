/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: what needs no lookup, and that a lookup is waited for only as long as said. Names that are
 * found or lost are integration tests, which have a hosts file of their own.
 */
#include "unit.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "node/resolver.h"

/* In place of the C library's, which it asks: one name takes as long as the test likes. */
static pthread_mutex_t slow_name = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int slow_lookups; /* begun so far */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **list) {
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (hints->ai_flags & AI_NUMERICHOST)
		return real(name, service, hints, list);
	if (strcmp(name, "slow.invalid") == 0) {
		slow_lookups++;
		pthread_mutex_lock(&slow_name);
		pthread_mutex_unlock(&slow_name);
		return real("127.0.0.8", service, hints, list);
	}
	return real(strcmp(name, "quick.invalid") == 0 ? "127.0.0.9" : name, service, hints, list);
}

static bool find(const char *name, int64_t deadline, char *address, char *message, size_t size) {
	struct text error;

	text_init(&error, message, size);
	return resolver_find(name, deadline, address, &error);
}

static void numbers_are_themselves(void **state) {
	static const char *const numbers[] = {"127.0.0.1", "10.1.2.3", "::1", "2001:db8::7"};
	char address[RESOLVER_ADDRESS_SIZE], message[128];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_true(find(numbers[i], 0, address, message, sizeof(message)));
		assert_string_equal(address, numbers[i]);
	}
}

static void without_a_deadline_there_is_no_wait(void **state) {
	char address[RESOLVER_ADDRESS_SIZE], message[128];

	(void)state;
	assert_false(find("one.invalid", 0, address, message, sizeof(message)));
	assert_string_equal(message, "one.invalid: not looked up in time");
}

static void the_wait_ends_at_the_deadline(void **state) {
	int64_t begin = clock_now();
	char address[RESOLVER_ADDRESS_SIZE], message[128];

	(void)state;
	assert_false(find("another.invalid", begin + 200 * NSEC_PER_MSEC, address, message,
			  sizeof(message)));
	assert_true(clock_now() - begin <= 5 * NSEC_PER_SEC);
	assert_memory_equal(message, "another.invalid: ", 17);
}

static unsigned long threads(void) {
	struct stat status;

	assert_int_equal(stat("/proc/self/task", &status), 0);
	return status.st_nlink - 2;
}

/* As after a reload: a lookup that hangs is of no use any more, and none waits for it. */
static void another_name_waits_for_no_lookup(void **state) {
	char address[RESOLVER_ADDRESS_SIZE], message[128];
	unsigned long before = threads();

	(void)state;
	pthread_mutex_lock(&slow_name);
	assert_false(find("slow.invalid", clock_now() + 50 * NSEC_PER_MSEC, address, message,
			  sizeof(message)));
	assert_true(find("quick.invalid", clock_now() + 20 * NSEC_PER_SEC, address, message,
			 sizeof(message)));
	assert_string_equal(address, "127.0.0.9");
	/* nor is what it finds taken for the name's */
	pthread_mutex_unlock(&slow_name);
	while (threads() > before)
		sched_yield();
	assert_true(find("quick.invalid", 0, address, message, sizeof(message)));
	assert_string_equal(address, "127.0.0.9");
}

static void *find_slow(void *found) {
	char address[RESOLVER_ADDRESS_SIZE], message[128];

	*(bool *)found = find("slow.invalid", clock_now() + 20 * NSEC_PER_SEC, address, message,
			      sizeof(message));
	assert_string_equal(message, "slow.invalid: not looked up in time");
	return NULL;
}

/* Two threads around a reload: the one that waits does not get the other's address. */
static void another_name_ends_the_wait(void **state) {
	char address[RESOLVER_ADDRESS_SIZE], message[128];
	int64_t begin = clock_now();
	int lookups = slow_lookups;
	bool found = true;
	pthread_t waiting;

	(void)state;
	pthread_mutex_lock(&slow_name);
	assert_int_equal(pthread_create(&waiting, NULL, find_slow, &found), 0);
	while (slow_lookups == lookups)
		sched_yield();
	assert_true(find("quick.invalid", clock_now() + 20 * NSEC_PER_SEC, address, message,
			 sizeof(message)));
	assert_string_equal(address, "127.0.0.9");
	assert_int_equal(pthread_join(waiting, NULL), 0);
	assert_false(found);
	assert_true(clock_now() - begin < 10 * NSEC_PER_SEC);
	pthread_mutex_unlock(&slow_name);
}

static void an_address_that_nobody_knows_is_passed_over(void **state) {
	(void)state;
	resolver_pass_over("192.0.2.1");
	resolver_pass_over("");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_themselves),
		cmocka_unit_test(without_a_deadline_there_is_no_wait),
		cmocka_unit_test(the_wait_ends_at_the_deadline),
		cmocka_unit_test(another_name_waits_for_no_lookup),
		cmocka_unit_test(another_name_ends_the_wait),
		cmocka_unit_test(an_address_that_nobody_knows_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
