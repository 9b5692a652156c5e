/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threshold ranges: the table of the Monitoring Plugins Development Guidelines, and beyond.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/range.h"

static void ranges_alert(void **state) {
	static const struct {
		const char *written;
		double value;
		bool alerts;
	} cases[] = {
		/* the guidelines' own examples */
		{"10", -0.5, true},
		{"10", 0, false},
		{"10", 10, false},
		{"10", 10.1, true},
		{"10:", 9.9, true},
		{"10:", 10, false},
		{"10:", 1e18, false},
		{"~:10", -1e18, false},
		{"~:10", 10, false},
		{"~:10", 11, true},
		{"10:20", 9, true},
		{"10:20", 10, false},
		{"10:20", 20, false},
		{"10:20", 21, true},
		{"@10:20", 9, false},
		{"@10:20", 10, true},
		{"@10:20", 15, true},
		{"@10:20", 20, true},
		{"@10:20", 21, false},
		/* the rest of the syntax */
		{":10", -1, true},
		{":10", 10, false},
		{"~:", -1e300, false},
		{"@~:3", -7, true},
		{"@~:3", 4, false},
		{"@3", 0, true},
		{"@3", 4, false},
		{"@3:", 3, true},
		{"@3:", 2, false},
		{"0", 0, false},
		{"0", 1, true},
		{"-5:-2", -3, false},
		{"-5:-2", -1, true},
		{"0.5:1.5", 0.49, true},
		{"0.5:1.5", 1.5, false},
		{"3:3", 3, false},
		{"3:3", 4, true},
		{"+1:+2", 1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct range range;

		if (range_parse(&range, cases[i].written) != 0)
			fail_msg("%s is refused", cases[i].written);
		if (range_alerts(&range, cases[i].value) != cases[i].alerts)
			fail_msg("%s and %g: expected %d", cases[i].written, cases[i].value,
				 cases[i].alerts);
		assert_string_equal(range.text, cases[i].written);
		assert_true(range.is_set);
	}
}

static void ranges_refuse(void **state) {
	static const char *const cases[] = {
		"",
		" ",
		":",
		"@",
		"@:",
		"~",
		"~10",
		"~:~",
		"10:~",
		"20:10",
		"@2:1",
		"1:2:3",
		"a",
		"1a",
		"1:b",
		"0x10",
		"1e3",
		"inf",
		"nan",
		"~:nan",
		"1 ",
		" 1",
		"1: 2",
		"1,5",
		"--1",
		"1-2",
		"1.2.3",
		".",
		"-",
		"+",
		"@@1:2",
		"1@",
		"10|",
		"10;",
		"10%",
		"10:\n",
		"1:000000000000000000000000000000000000000000000000000000000000000000000000000002",
	};
	struct range range;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (range_parse(&range, cases[i]) != -EINVAL)
			fail_msg("\"%s\" is taken", cases[i]);
		assert_false(range.is_set);
		assert_string_equal(range.text, "");
	}
}

static void an_unset_range_never_alerts(void **state) {
	const struct range range = {0};

	(void)state;
	assert_false(range_alerts(&range, 0));
	assert_false(range_alerts(&range, -1));
	assert_false(range_alerts(&range, 1e300));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_alert),
		cmocka_unit_test(ranges_refuse),
		cmocka_unit_test(an_unset_range_never_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
