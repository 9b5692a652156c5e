/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments as text: always UTC, whatever the time zone.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stamp.h"

static void stamps(void **state) {
	static const struct {
		int64_t wall;
		const char *expected;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999999, "1970-01-01T00:00:00.000Z"},
		{NSEC_PER_MSEC, "1970-01-01T00:00:00.001Z"},
		{NSEC_PER_SEC - 1, "1970-01-01T00:00:00.999Z"},
		{NSEC_PER_SEC, "1970-01-01T00:00:01.000Z"},
		{INT64_C(951782399) * NSEC_PER_SEC + 50 * NSEC_PER_MSEC,
		 "2000-02-28T23:59:59.050Z"},
		{INT64_C(951782400) * NSEC_PER_SEC, "2000-02-29T00:00:00.000Z"},
		{INT64_C(1769903999) * NSEC_PER_SEC + 123456789, "2026-01-31T23:59:59.123Z"},
		{INT64_C(4102444800) * NSEC_PER_SEC, "2100-01-01T00:00:00.000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char stamp[STAMP_SIZE];

		stamp_format(stamp, cases[i].wall);
		assert_string_equal(stamp, cases[i].expected);
	}
}

static void the_time_zone_has_no_part_in_it(void **state) {
	char stamp[STAMP_SIZE];

	(void)state;
	setenv("TZ", "NPT-5:45", 1);
	tzset();
	stamp_format(stamp, INT64_C(1769903999) * NSEC_PER_SEC);
	assert_string_equal(stamp, "2026-01-31T23:59:59.000Z");
}

static void what_is_written_is_read(void **state) {
	static const int64_t walls[] = {0, NSEC_PER_MSEC, INT64_C(1769903999) * NSEC_PER_SEC,
					INT64_C(4102444800) * NSEC_PER_SEC + 999 * NSEC_PER_MSEC};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(walls); i++) {
		char stamp[STAMP_SIZE];
		int64_t wall = -1;

		stamp_format(stamp, walls[i]);
		assert_int_equal(stamp_parse(stamp, &wall), 0);
		assert_int_equal(wall, walls[i]);
	}
}

static void anything_else_is_refused(void **state) {
	static const char *const stamps[] = {
		"",
		"now",
		"2026-01-31T23:59:59Z",
		"2026-01-31 23:59:59.123Z",
		"2026-02-30T00:00:00.000Z",
		"2026-13-01T00:00:00.000Z",
		"2026-01-31T24:00:00.000Z",
		"2026-01-31T23:59:59.123",
		"2026-01-31T23:59:59.123Z ",
		"2026-1-31T23:59:59.123Z",
		"2026-01-31T23:59:59.-12Z",
		"1969-12-31T23:59:59.999Z",
		"9999-01-01T00:00:00.000Z",
	};
	int64_t wall;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++)
		assert_int_equal(stamp_parse(stamps[i], &wall), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps),
		cmocka_unit_test(the_time_zone_has_no_part_in_it),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
