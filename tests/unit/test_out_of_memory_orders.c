/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation on the way of an order fails in turn: from the caller's bytes into the file and
 * to who is told, and from the file to the publication. It is taken whole or refused, and what
 * stood before stands as long as nothing else is known.
 *
 * What the commands want of the prober is left out: it has no part in it.
 */
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/commands.h"
#include "shortage.h"

/* Longer than the parser's first buffer, which has to grow for them. */
#define SECOND_REASON "the second one, which may not come through"

void __wrap_prober_wake(struct prober *prober);
void __wrap_prober_want_census(struct prober *prober);

void __wrap_prober_wake(struct prober *prober) {
	(void)prober;
}

void __wrap_prober_want_census(struct prober *prober) {
	(void)prober;
}

/* --- the commands' other side --------------------------------------------------------------- */

static void format_wish(void *context) {
	const struct wish wish = {.mode = MAINTENANCE_DISABLED,
				  .by = "operator-of-the-night-shift",
				  .reason = SECOND_REASON};
	static const char expected[] =
		"{\"mode\":\"disabled\",\"by\":\"operator-of-the-night-shift\","
		"\"reason\":\"" SECOND_REASON "\",\"for_ms\":0,\"own_only\":false}";
	AUTO_FREE char *bytes = NULL;

	(void)context;
	shortage_begin();
	bytes = wish_format(&wish);
	shortage_end();
	assert_true(bytes || shortage_failures() > 0);
	if (bytes)
		assert_string_equal(bytes, expected);
}

static void a_wish_is_formatted_whole(void **state) {
	(void)state;
	assert_true(shortage_walk(format_wish, NULL, false) >= 10);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wish_is_formatted_whole),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
