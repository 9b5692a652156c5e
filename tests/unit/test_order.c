/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders as they stand in the maintenance file: what is written is read, and nothing else is.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/order.h"

#define WALL (INT64_C(1769903999) * NSEC_PER_SEC)

static int parse(struct order *order, const char *bytes, struct text *error) {
	return order_parse(order, bytes, strlen(bytes), error);
}

static void what_is_written_is_read(void **state) {
	static const struct order orders[] = {
		{.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN, .by = "alice", .since = WALL},
		{.mode = MAINTENANCE_DISABLED,
		 .origin = ORDER_GIVEN,
		 .by = "bj\xc3\xb8rn",
		 .reason = "new \"kernel\" \\ and more",
		 .since = WALL,
		 .until = WALL + NSEC_PER_SEC},
		{.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		AUTO_FREE char *bytes = order_format(&orders[i]);
		char storage[256];
		struct text error;
		struct order again;

		text_init(&error, storage, sizeof(storage));
		assert_non_null(bytes);
		assert_int_equal(parse(&again, bytes, &error), 0);
		assert_true(order_equals(&orders[i], &again));
	}
}

static void anything_else_is_refused(void **state) {
	static const char long_text[] = "{\"version\": 1, \"order\": \"drain\", \"by\": "
					"\"0123456789012345678901234567890123456789"
					"0123456789012345678901234567890123456789\"}";
	static const struct {
		const char *bytes, *expected;
	} cases[] = {
		{"", "no JSON"},
		{"{", "no JSON"},
		{"{\"version\": 1, \"order\": \"drain\"", "no JSON"},
		{"{\"version\": 1, \"order\": \"drain\"} x", "no JSON"},
		{"{\"version\": 1, \"version\": 1, \"order\": \"drain\"}", "no JSON"},
		{"{\"a\": \"\n\033[2J\"}", "no JSON"},
		{"[]", "an object"},
		{"{}", "\"version\""},
		{"{\"version\": 2, \"order\": \"drain\"}", "\"version\""},
		{"{\"version\": 1}", "\"order\""},
		{"{\"version\": 1, \"order\": \"enable\"}", "\"order\""},
		{"{\"version\": 1, \"order\": 1}", "\"order\""},
		{"{\"version\": 1, \"order\": \"drain\", \"bye\": \"x\"}", "an object of"},
		{"{\"version\": 1, \"order\": \"drain\", \"by\": 7}", "\"by\""},
		{"{\"version\": 1, \"order\": \"drain\", \"by\": \"a\\nb\"}", "\"by\""},
		{"{\"version\": 1, \"order\": \"drain\", \"reason\": \"\\u001b[2J\"}",
		 "\"reason\""},
		{"{\"version\": 1, \"order\": \"drain\", \"since\": \"now\"}", "\"since\""},
		{"{\"version\": 1, \"order\": \"drain\", \"until\": \"\"}", "\"until\""},
		{"{\"version\": 1, \"order\": \"drain\", \"until\": 7}", "\"until\""},
		{long_text, "\"by\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char storage[256];
		struct text error;
		struct order order;

		text_init(&error, storage, sizeof(storage));
		assert_int_equal(parse(&order, cases[i].bytes, &error), -EINVAL);
		if (!strstr(storage, cases[i].expected))
			fail_msg("%s: %s", cases[i].bytes, storage);
		assert_null(strpbrk(storage, "\n\033"));
	}
}

static void an_end_is_fixed_when_it_is_first_seen(void **state) {
	struct order order = {.mode = MAINTENANCE_DISABLED, .until = WALL + 10};

	(void)state;
	order_reckon(&order, 1000, WALL);
	assert_int_equal(order.ends, 1010);
	assert_int_equal(order_mode(&order, 1009), MAINTENANCE_DISABLED);
	assert_int_equal(order_mode(&order, 1010), MAINTENANCE_NONE);
	/* long past, also before the clock began: not "never" */
	order_reckon(&order, 5, WALL + 15);
	assert_int_equal(order_mode(&order, 5), MAINTENANCE_NONE);
	order_reckon(&order, 5, WALL + 1000);
	assert_int_equal(order_mode(&order, 5), MAINTENANCE_NONE);
	order.until = 0;
	order_reckon(&order, 5, WALL);
	assert_int_equal(order_mode(&order, INT64_MAX), MAINTENANCE_DISABLED);
}

static void descriptions(void **state) {
	static const struct {
		struct order order;
		const char *expected;
	} cases[] = {
		{{0}, ""},
		{{.mode = MAINTENANCE_DRAINING,
		  .origin = ORDER_GIVEN,
		  .by = "alice",
		  .since = WALL,
		  .ends = 1000 + 90 * NSEC_PER_SEC,
		  .reason = "new kernel"},
		 "draining since 2026-01-31T23:59:59.000Z by alice, for another 1 min 30 s: new "
		 "kernel"},
		{{.mode = MAINTENANCE_DISABLED, .origin = ORDER_GIVEN}, "disabled"},
		{{.mode = MAINTENANCE_DISABLED, .origin = ORDER_LEGACY, .file = "/x"},
		 "disabled while /x exists"},
		{{.mode = MAINTENANCE_DISABLED,
		  .origin = ORDER_DAMAGED,
		  .file = "/x",
		  .reason = "no JSON"},
		 "disabled because of a damaged file: /x: no JSON"},
		{{.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN, .ends = 1000}, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char storage[256];
		struct text out;

		text_init(&out, storage, sizeof(storage));
		order_describe(&cases[i].order, 1000, &out);
		assert_string_equal(storage, cases[i].expected);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(an_end_is_fixed_when_it_is_first_seen),
		cmocka_unit_test(descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
