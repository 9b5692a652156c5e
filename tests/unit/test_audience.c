/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks: pollers by address and path, their period, and what happens when there are too many.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "node/audience.h"

/* All clocks of this program go by it. */
static time_t seconds_now = 1000000;

int clock_gettime(clockid_t clock, struct timespec *time) {
	static long calls; /* no two are at the same time */

	(void)clock;
	*time = (struct timespec){.tv_sec = seconds_now, .tv_nsec = ++calls};
	return 0;
}

static void pass(time_t seconds) {
	seconds_now += seconds;
}

static struct sockaddr_in caller(uint32_t number) {
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x0a000000u + number)};
}

static void note(struct audience *audience, uint32_t number, const char *path,
		 unsigned int status) {
	struct sockaddr_in from = caller(number);

	audience_note(audience, &(struct answer){.kind = POLLER_HTTP,
						 .peer = (struct sockaddr *)&from,
						 .path = path,
						 .status = status});
}

static int create(void **state) {
	const uint64_t seed = 1;

	*state = audience_create(&seed);
	return *state ? 0 : -1;
}

static int destroy(void **state) {
	audience_destroy(*state);
	return 0;
}

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

static struct answer verdict_for(const struct sockaddr_in *from, bool available, uint64_t epoch,
				 const char *state) {
	return (struct answer){.kind = POLLER_HTTP,
			       .peer = (const struct sockaddr *)from,
			       .path = "/rw",
			       .state = state,
			       .status = available ? 200 : 404,
			       .is_verdict = true,
			       .available = available,
			       .epoch = epoch};
}

static void tell(struct audience *audience, uint32_t number, bool available, uint64_t epoch,
		 const char *state, int times) {
	struct sockaddr_in from = caller(number);
	struct answer answer = verdict_for(&from, available, epoch, state);

	while (times-- > 0)
		audience_note(audience, &answer);
}

static size_t balancers(struct audience *audience, struct poller *list) {
	size_t total, count = audience_balancers(audience, clock_now(), list, 8, &total);

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
	struct poller list[8];
	size_t total;

	tell(*state, 1, true, 1, NULL, 5);
	assert_int_equal(
		audience_balancers(*state, clock_now() + 3 * NSEC_PER_SEC, list, 8, &total), 0);
	assert_int_equal(balancers(*state, list), 1);
}

/* Of an earlier daemon's balancers, those that ask every some seconds have hardly asked this one.
 */
static void in_the_first_minute_one_question_is_enough(void **state) {
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
	assert_int_equal(
		audience_balancers(*state, clock_now() - 10 * NSEC_PER_SEC, list, 8, &total), 0);
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
	audience_balancers(*state, clock_now(), list, 8, &total);
	assert_int_equal(list[0].address.s6_addr[15], BALANCER);
	assert_int_equal(list[0].told, 41);
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
		cmocka_unit_test_setup_teardown(made_up_names_push_out_nobody_else, create,
						destroy),
		cmocka_unit_test(who_stands_beside_whom_depends_on_the_seed),
		cmocka_unit_test_setup_teardown(patient_names_push_out_no_balancer, create,
						destroy),
		cmocka_unit_test_setup_teardown(patient_names_let_a_balancer_settle, create,
						destroy),
		cmocka_unit_test_setup_teardown(two_backends_of_one_host_are_two, create, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
