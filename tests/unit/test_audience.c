/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks: pollers by address and path, their period, and what happens when there are too many.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "audience_bench.h"
#include "base/clock.h"

static void callers_are_told_apart_by_address_and_path(void **state) {
	struct poller pollers[8];
	size_t total;

	note(*state, 1, "/", 200);
	note(*state, 1, "/rw", 503);
	note(*state, 2, "/", 200);
	note(*state, 1, "/", 503);
	assert_int_equal(audience_pollers(*state, pollers, 8, &total), 3);
	assert_int_equal(total, 3);
	assert_string_equal(pollers[0].path, "/");
	assert_int_equal(pollers[0].answers, 2);
	assert_int_equal(pollers[0].status, 503);
	assert_true(pollers[0].period >= 0);
	assert_true(IN6_IS_ADDR_V4MAPPED(&pollers[0].address));
}

static void newest_come_first_and_are_bounded(void **state) {
	struct poller pollers[3];
	size_t total;

	for (uint32_t i = 1; i <= 10; i++)
		note(*state, i, "/", 200);
	assert_int_equal(audience_pollers(*state, pollers, 3, &total), 3);
	assert_int_equal(total, 10);
	assert_true(pollers[0].last >= pollers[1].last && pollers[1].last >= pollers[2].last);
	assert_int_equal(pollers[0].address.s6_addr[15], 10);
	assert_int_equal(pollers[2].address.s6_addr[15], 8);
}

static void a_flood_of_callers_stays_bounded(void **state) {
	struct poller pollers[4];
	size_t total;

	for (uint32_t i = 1; i <= 100000; i++)
		note(*state, i, "/", 200);
	assert_int_equal(audience_pollers(*state, pollers, 4, &total), 4);
	assert_true(total <= 2048);
	/* who asked last is known */
	note(*state, 7, "/", 200);
	audience_pollers(*state, pollers, 4, &total);
	assert_int_equal(pollers[0].address.s6_addr[15], 7);
}

static void answers_are_counted_by_path_and_status(void **state) {
	struct answer_count counts[ANSWER_COUNT_MAX];
	size_t count;

	note(*state, 1, "/", 200);
	note(*state, 2, "/", 200);
	note(*state, 2, "/", 503);
	audience_note(*state, &(struct answer){.kind = POLLER_AGENT, .path = "/"});
	count = audience_counts(*state, counts);
	assert_int_equal(count, 3);
	assert_int_equal(counts[0].count, 2);
	assert_int_equal(counts[0].status, 200);
	assert_int_equal(counts[1].status, 503);
	assert_int_equal(counts[2].kind, POLLER_AGENT);
}

static void counts_are_bounded(void **state) {
	struct answer_count counts[ANSWER_COUNT_MAX];

	for (unsigned int status = 0; status < 1000; status++)
		note(*state, 1, "/", status);
	assert_int_equal(audience_counts(*state, counts), ANSWER_COUNT_MAX);
}

static void the_balancers_view_is_kept_and_cut(void **state) {
	struct sockaddr_in from = caller(1);
	struct poller poller;
	char state_text[1024];
	size_t total;

	memset(state_text, 'x', sizeof(state_text) - 1);
	state_text[sizeof(state_text) - 1] = '\0';
	audience_note(*state, &(struct answer){.kind = POLLER_HTTP,
					       .peer = (struct sockaddr *)&from,
					       .path = "/",
					       .status = 200,
					       .state = state_text});
	audience_pollers(*state, &poller, 1, &total);
	assert_int_equal(strlen(poller.state), POLLER_STATE_SIZE - 1);
	note(*state, 1, "/", 200);
	audience_pollers(*state, &poller, 1, &total);
	assert_string_equal(poller.state, "");
}

/* --- balancers ------------------------------------------------------------------------------ */

static size_t balancers(struct audience *audience, struct poller *list) {
	const struct message message = {.since = clock_now()};
	size_t total, count = audience_balancers(audience, &message, list, 8, &total);

	assert_int_equal(total, count);
	return count;
}

static void told_counts_answers_in_a_row_under_one_order(void **state) {
	struct poller list[8];

	tell(*state, 1, true, 1, NULL, 4);
	assert_int_equal(balancers(*state, list), 1);
	assert_int_equal(list[0].told, 4);
	tell(*state, 1, false, 1, NULL, 1);
	balancers(*state, list);
	assert_int_equal(list[0].told, 1);
	tell(*state, 1, false, 2, NULL, 2);
	balancers(*state, list);
	assert_int_equal(list[0].told, 2);
	assert_int_equal(list[0].epoch, 2);
}

/* What does not fit into the list has then been told at least as often. */
static void who_was_told_least_comes_first(void **state) {
	const struct message message = {.since = clock_now(), .epoch = 2, .available = false};
	struct poller list[3];
	size_t total;

	for (uint32_t i = 1; i <= 10; i++)
		tell(*state, i, false, 2, NULL, 3 + (int)i % 4);
	assert_int_equal(audience_balancers(*state, &message, list, 3, &total), 3);
	assert_int_equal(total, 10);
	assert_int_equal(poller_told(&list[0], &message), 3);
	assert_int_equal(poller_told(&list[1], &message), 3);
	assert_int_equal(poller_told(&list[2], &message), 4);
	/* told something else, or before the order */
	tell(*state, 7, true, 2, NULL, 9);
	tell(*state, 9, false, 1, NULL, 9);
	audience_balancers(*state, &message, list, 3, &total);
	assert_int_equal(list[0].address.s6_addr[15], 9);
	assert_int_equal(poller_told(&list[0], &message), 0);
	assert_int_equal(list[1].address.s6_addr[15], 7);
	assert_int_equal(poller_told(&list[1], &message), 0);
	assert_int_equal(poller_told(&list[2], &message), 3);
}

static void who_asks_seldom_or_for_something_else_is_no_balancer(void **state) {
	struct sockaddr_in from = caller(2);
	struct answer status = {.kind = POLLER_HTTP,
				.peer = (struct sockaddr *)&from,
				.path = "/status",
				.status = 200};
	struct answer on_control = verdict_for(NULL, true, 1, NULL);
	struct poller list[8];

	pass(60);
	tell(*state, 1, true, 1, NULL, 2);
	for (int i = 0; i < 5; i++) {
		audience_note(*state, &status);
		audience_note(*state, &on_control);
	}
	assert_int_equal(balancers(*state, list), 0);
	tell(*state, 1, true, 1, NULL, 1);
	assert_int_equal(balancers(*state, list), 1);
}

static void who_was_silent_before_the_order_is_no_balancer(void **state) {
	const struct message message = {.since = clock_now() + 3 * NSEC_PER_SEC};
	struct poller list[8];
	size_t total;

	tell(*state, 1, true, 1, NULL, 5);
	assert_int_equal(audience_balancers(*state, &message, list, 8, &total), 0);
	assert_int_equal(balancers(*state, list), 1);
}

/* Of an earlier daemon's balancers, those that ask every some seconds have hardly asked this one.
 */
static void in_the_first_minute_one_question_is_enough(void **state) {
	struct message message;
	struct poller list[8];
	size_t total;

	pass(59);
	tell(*state, 1, true, 1, NULL, 1);
	assert_int_equal(balancers(*state, list), 1);
	pass(9);
	assert_int_equal(balancers(*state, list), 1);
	tell(*state, 2, true, 1, NULL, 1);
	assert_int_equal(balancers(*state, list), 1);
	assert_int_equal(list[0].address.s6_addr[15], 1);
	pass(2);
	message = (struct message){.since = clock_now() - 10 * NSEC_PER_SEC};
	assert_int_equal(audience_balancers(*state, &message, list, 8, &total), 0);
}

/* An operator who looked twice is no balancer for minutes. */
static void one_gap_is_no_rhythm(void **state) {
	struct poller list[8];

	tell(*state, 1, true, 1, NULL, 1);
	pass(25);
	tell(*state, 1, true, 1, NULL, 1);
	pass(75);
	assert_int_equal(balancers(*state, list), 1);
	pass(1);
	assert_int_equal(balancers(*state, list), 0);
}

/* HAProxy's downinter, or one that is reloaded. */
static void who_has_asked_for_half_a_minute_may_be_silent_for_a_minute(void **state) {
	struct poller list[8];

	for (int i = 0; i < 31; i++) {
		tell(*state, 1, true, 1, NULL, 1);
		tell(*state, 2, true, 1, NULL, i >= 20);
		pass(1);
	}
	pass(12);
	assert_int_equal(balancers(*state, list), 1);
	assert_int_equal(list[0].address.s6_addr[15], 1);
	pass(46);
	assert_int_equal(balancers(*state, list), 1);
	pass(2);
	assert_int_equal(balancers(*state, list), 0);
}

/* "; scur=" and the like change all the time. */
static void two_backends_of_one_host_are_two(void **state) {
	struct poller list[8];

	for (int i = 0; i < 3; i++) {
		tell(*state, 1, true, 1, "UP 2/3; name=a/n1; node=lb1; weight=1/2; scur=1", 1);
		tell(*state, 1, true, 1, "UP 3/3; name=b/n1; node=lb1; weight=1/2; scur=2", 1);
		tell(*state, 1, true, 1, "UP; name=a/n1; node=lb2", 1);
	}
	assert_int_equal(balancers(*state, list), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(list[i].told, 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(callers_are_told_apart_by_address_and_path, create,
						destroy),
		cmocka_unit_test_setup_teardown(newest_come_first_and_are_bounded, create, destroy),
		cmocka_unit_test_setup_teardown(a_flood_of_callers_stays_bounded, create, destroy),
		cmocka_unit_test_setup_teardown(answers_are_counted_by_path_and_status, create,
						destroy),
		cmocka_unit_test_setup_teardown(counts_are_bounded, create, destroy),
		cmocka_unit_test_setup_teardown(the_balancers_view_is_kept_and_cut, create,
						destroy),
		cmocka_unit_test_setup_teardown(who_was_told_least_comes_first, create, destroy),
		cmocka_unit_test_setup_teardown(told_counts_answers_in_a_row_under_one_order,
						create, destroy),
		cmocka_unit_test_setup_teardown(
			who_asks_seldom_or_for_something_else_is_no_balancer, create, destroy),
		cmocka_unit_test_setup_teardown(who_was_silent_before_the_order_is_no_balancer,
						create, destroy),
		cmocka_unit_test_setup_teardown(in_the_first_minute_one_question_is_enough, create,
						destroy),
		cmocka_unit_test_setup_teardown(one_gap_is_no_rhythm, create, destroy),
		cmocka_unit_test_setup_teardown(
			who_has_asked_for_half_a_minute_may_be_silent_for_a_minute, create,
			destroy),
		cmocka_unit_test_setup_teardown(two_backends_of_one_host_are_two, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
