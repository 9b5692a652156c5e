/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a text is rendered, by a clock of the test's own.
 */
#include "unit.h"

#include <string.h>

#include "base/clock.h"
#include "serve/rendering.h"

/* How many of `requests`, one every `pause`, make a new text. */
static int rendered(struct rendering *rendering, int requests, int64_t begin, int64_t pause) {
	int count = 0;

	for (int i = 0; i < requests; i++)
		count += rendering_is_due(rendering, begin + i * pause);
	return count;
}

static void who_asks_now_and_then_gets_the_moments_text(void **state) {
	struct rendering rendering = {0};

	(void)state;
	assert_int_equal(rendered(&rendering, 100, NSEC_PER_SEC, 10 * NSEC_PER_MSEC), 100);
}

static void a_flood_gets_few(void **state) {
	struct rendering rendering = {0};
	int count = rendered(&rendering, 100000, NSEC_PER_SEC, NSEC_PER_SEC / 100000);

	(void)state;
	assert_true(count >= 20 && count <= 200);
}

static void after_a_flood_the_next_is_fresh(void **state) {
	struct rendering rendering = {0};

	(void)state;
	rendered(&rendering, 1000, NSEC_PER_SEC, 1000);
	assert_false(rendering_is_due(&rendering, NSEC_PER_SEC + 20 * NSEC_PER_MSEC));
	assert_true(rendering_is_due(&rendering, NSEC_PER_SEC + 60 * NSEC_PER_MSEC));
}

static void the_last_text_stays(void **state) {
	struct rendering rendering = {0};

	(void)state;
	rendering_set(&rendering, strdup("first"));
	rendering_set(&rendering, strdup("second"));
	assert_string_equal(rendering.text, "second");
	rendering_finish(&rendering);
	assert_null(rendering.text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_now_and_then_gets_the_moments_text),
		cmocka_unit_test(a_flood_gets_few),
		cmocka_unit_test(after_a_flood_the_next_is_fresh),
		cmocka_unit_test(the_last_text_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
