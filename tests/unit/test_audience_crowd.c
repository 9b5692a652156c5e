/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More callers than there is room for: who has to go, and whom nobody can push out.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "audience_bench.h"
#include "base/clock.h"

/* Anyone may send what HAProxy sends. */
static void made_up_names_push_out_nobody_else(void **state) {
	struct poller list[2048];
	size_t total, others = 0;
	char name[64];

	for (uint32_t i = 2; i < 100; i++)
		tell(*state, i, true, 1, NULL, 1);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "UP; name=bck/%d; node=lb1", i);
		tell(*state, 1, true, 1, name, 1);
	}
	audience_pollers(*state, list, 2048, &total);
	for (size_t i = 0; i < total; i++)
		others += list[i].address.s6_addr[15] != 1;
	assert_int_equal(others, 98);
}

/* Who is still there of more callers than there is room for shows who stood beside whom. */
static void who_stands_beside_whom_depends_on_the_seed(void **state) {
	static struct poller lists[2][2048];
	size_t total, same = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 2; seed++) {
		struct audience *audience = audience_create(&seed);

		assert_non_null(audience);
		for (uint32_t i = 1; i <= 5000; i++)
			note(audience, i, "/", 200);
		audience_pollers(audience, lists[seed], 2048, &total);
		audience_destroy(audience);
		assert_true(total > 1000);
	}
	for (size_t i = 0; i < 1000; i++)
		same += memcmp(&lists[0][i].address, &lists[1][i].address,
			       sizeof(lists[0][i].address)) == 0;
	assert_true(same <= 500);
}

#define STRANGER 1
#define BALANCER 2
#define HOUSE 2048

static void call_by_name(struct audience *audience, int number) {
	char name[64];

	snprintf(name, sizeof(name), "UP; name=bck/%d; node=lb1", number);
	tell(audience, STRANGER, true, 1, name, 1);
}

/* Asks under those names again that are still known; half a minute later they are established. */
static void settle(struct audience *audience) {
	static struct poller list[HOUSE];
	size_t total;

	pass(31);
	audience_pollers(audience, list, HOUSE, &total);
	for (size_t i = 0; i < total; i++)
		if (list[i].address.s6_addr[15] == STRANGER)
			tell(audience, STRANGER, true, 1, list[i].state, 1);
}

static void fill_the_house(struct audience *audience) {
	for (int i = 0; i < 10 * HOUSE; i++)
		call_by_name(audience, i);
	settle(audience);
}

static bool is_known(struct audience *audience, uint32_t number) {
	static struct poller list[HOUSE];
	size_t total;

	audience_pollers(audience, list, HOUSE, &total);
	for (size_t i = 0; i < total; i++)
		if (list[i].address.s6_addr[15] == number)
			return true;
	return false;
}

/* It asks less often than they do, and is the one not heard of for longest. */
static void patient_names_push_out_no_balancer(void **state) {
	tell(*state, BALANCER, true, 1, NULL, 3);
	pass(31);
	tell(*state, BALANCER, true, 1, NULL, 3);
	fill_the_house(*state);
	for (int i = 0; i < HOUSE; i++)
		call_by_name(*state, -i);
	assert_true(is_known(*state, BALANCER));
	/* nor do they where others come */
	for (uint32_t i = 3; i < 100; i++)
		note(*state, i, "/", 200);
	assert_true(is_known(*state, BALANCER));
}

static void patient_names_let_a_balancer_settle(void **state) {
	struct message message;
	struct poller list[8];
	size_t total;

	fill_the_house(*state);
	for (int second = 0; second < 40; second++) {
		tell(*state, BALANCER, false, 1, NULL, 1);
		for (int i = 0; i < HOUSE; i++)
			call_by_name(*state, -i - second * HOUSE);
		assert_true(is_known(*state, BALANCER));
		pass(1);
	}
	tell(*state, BALANCER, false, 1, NULL, 1);
	message = (struct message){.since = clock_now()};
	audience_balancers(*state, &message, list, 8, &total);
	assert_int_equal(list[0].address.s6_addr[15], BALANCER);
	assert_int_equal(list[0].told, 41);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_up_names_push_out_nobody_else, create,
						destroy),
		cmocka_unit_test(who_stands_beside_whom_depends_on_the_seed),
		cmocka_unit_test_setup_teardown(patient_names_push_out_no_balancer, create,
						destroy),
		cmocka_unit_test_setup_teardown(patient_names_let_a_balancer_settle, create,
						destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
