/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks: pollers by address and path, their period, and what happens when there are too many.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "node/audience.h"

static struct sockaddr_in caller(uint32_t number) {
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x0a000000u + number)};
}

static void note(struct audience *audience, uint32_t number, const char *path,
		 unsigned int status) {
	struct sockaddr_in from = caller(number);

	audience_note(audience, POLLER_HTTP, (struct sockaddr *)&from, path, status, NULL);
}

static int create(void **state) {
	*state = audience_create();
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
	audience_note(*state, POLLER_AGENT, NULL, "/", 0, NULL);
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
	audience_note(*state, POLLER_HTTP, (struct sockaddr *)&from, "/", 200, state_text);
	audience_pollers(*state, &poller, 1, &total);
	assert_int_equal(strlen(poller.state), POLLER_STATE_SIZE - 1);
	note(*state, 1, "/", 200);
	audience_pollers(*state, &poller, 1, &total);
	assert_string_equal(poller.state, "");
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
