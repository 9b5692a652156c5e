/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wishes on their way through the control socket: what is sent is understood, nothing else is.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/commands.h"

static void what_is_sent_is_understood(void **state) {
	const struct wish wish = {.mode = MAINTENANCE_DRAINING,
				  .by = "alice",
				  .reason = "\"why\"",
				  .duration = 90 * NSEC_PER_SEC,
				  .own_only = true};
	AUTO_FREE char *json = wish_format(&wish);
	char storage[256];
	struct text error;
	struct wish again;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	assert_non_null(json);
	assert_int_equal(wish_parse(&again, json, &error), 0);
	assert_int_equal(again.mode, wish.mode);
	assert_string_equal(again.by, wish.by);
	assert_string_equal(again.reason, wish.reason);
	assert_true(again.duration == wish.duration);
	assert_true(again.own_only);
}

static void anything_else_is_refused(void **state) {
	static const char *const wishes[] = {
		"",
		"[]",
		"{}",
		"{\"mode\":\"draining\"}",
		"{\"mode\":\"drain\",\"by\":\"a\",\"reason\":\"\",\"for_ms\":0,\"own_only\":false}",
		"{\"mode\":\"draining\",\"by\":\"\",\"reason\":\"\",\"for_ms\":0,\"own_only\":"
		"false}",
		"{\"mode\":\"draining\",\"by\":\"a\\n\",\"reason\":\"\",\"for_ms\":0,"
		"\"own_only\":false}",
		"{\"mode\":\"draining\",\"by\":\"a\",\"reason\":\"\\u007f\",\"for_ms\":0,"
		"\"own_only\":false}",
		"{\"mode\":\"draining\",\"by\":\"a\",\"reason\":\"\",\"for_ms\":-1,"
		"\"own_only\":false}",
		"{\"mode\":\"draining\",\"by\":\"a\",\"reason\":\"\",\"for_ms\":"
		"9223372036854775807,"
		"\"own_only\":false}",
		"{\"mode\":\"draining\",\"by\":\"a\",\"reason\":\"\",\"for_ms\":0,"
		"\"own_only\":false,\"more\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		char storage[256];
		struct text error;
		struct wish wish;

		text_init(&error, storage, sizeof(storage));
		if (wish_parse(&wish, wishes[i], &error) != -EINVAL)
			fail_msg("understood: %s", wishes[i]);
		assert_non_null(strstr(storage, "expected"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_is_understood),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
