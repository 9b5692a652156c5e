/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The share of time lost to flow control, from readings of a counter.
 */
#include "unit.h"

#include "base/clock.h"
#include "node/flow.h"

#define AT(seconds) ((int64_t)(1000 + (seconds)) * NSEC_PER_SEC)
#define PAUSED(seconds) ((seconds)*1e9)

static void one_reading_tells_nothing(void **state) {
	struct flow_window window = {0};

	(void)state;
	flow_window_add(&window, PAUSED(5), AT(0));
	assert_false(window.known);
}

static void two_readings_make_a_share(void **state) {
	struct flow_window window = {0};

	(void)state;
	flow_window_add(&window, PAUSED(5), AT(0));
	flow_window_add(&window, PAUSED(5.25), AT(1));
	assert_true(window.known);
	assert_float_equal(window.last, 0.25, 1e-6);
	flow_window_add(&window, PAUSED(5.25), AT(2));
	assert_float_equal(window.last, 0, 1e-6);
	assert_float_equal(window.recent, 0.125, 1e-6);
}

static void a_share_is_never_more_than_all(void **state) {
	struct flow_window window = {0};

	(void)state;
	flow_window_add(&window, 0, AT(0));
	flow_window_add(&window, PAUSED(3), AT(1));
	assert_float_equal(window.last, 1, 0);
	assert_float_equal(window.recent, 1, 0);
}

static void readings_too_close_are_passed_over(void **state) {
	struct flow_window window = {0};

	(void)state;
	flow_window_add(&window, 0, AT(0));
	flow_window_add(&window, PAUSED(0.05), AT(0) + 50 * NSEC_PER_MSEC);
	assert_false(window.known);
	flow_window_add(&window, PAUSED(0.05), AT(0) + 100 * NSEC_PER_MSEC);
	assert_float_equal(window.last, 0.5, 1e-6);
}

/* FLUSH STATUS */
static void a_reset_counter_keeps_the_last_share(void **state) {
	struct flow_window window = {0};

	(void)state;
	flow_window_add(&window, PAUSED(5), AT(0));
	flow_window_add(&window, PAUSED(5.5), AT(1));
	flow_window_add(&window, 0, AT(2));
	assert_true(window.known);
	assert_float_equal(window.last, 0.5, 1e-6);
	flow_window_add(&window, PAUSED(0.1), AT(3));
	assert_float_equal(window.last, 0.1, 1e-6);
	assert_float_equal(window.recent, 0.1, 1e-6);
}

static void only_ten_seconds_count(void **state) {
	struct flow_window window = {0};
	double paused = 0;

	(void)state;
	for (int second = 0; second <= 30; second++) {
		flow_window_add(&window, PAUSED(paused), AT(second));
		paused += second < 20 ? 1 : 0;
	}
	assert_float_equal(window.recent, 0, 1e-6);
}

static void many_close_readings_fill_the_window(void **state) {
	struct flow_window window = {0};

	(void)state;
	for (int i = 0; i < 5 * FLOW_READINGS; i++)
		flow_window_add(&window, i * 50e6, AT(0) + i * 100 * NSEC_PER_MSEC);
	assert_float_equal(window.last, 0.5, 1e-6);
	assert_float_equal(window.recent, 0.5, 1e-6);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_reading_tells_nothing),
		cmocka_unit_test(two_readings_make_a_share),
		cmocka_unit_test(a_share_is_never_more_than_all),
		cmocka_unit_test(readings_too_close_are_passed_over),
		cmocka_unit_test(a_reset_counter_keeps_the_last_share),
		cmocka_unit_test(only_ten_seconds_count),
		cmocka_unit_test(many_close_readings_fill_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
