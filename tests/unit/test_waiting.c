/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for an order: who counts as told, and what is said of those who do not.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "view/waiting.h"

static char lines[4096];

static enum waiting_state judge(struct waiting *waiting, int64_t now, const char *json) {
	struct text what;

	text_init(&what, lines, sizeof(lines));
	return waiting_judge(waiting, json, now, &what);
}

static void expect_line(const char *expected) {
	if (!strstr(lines, expected))
		fail_msg("no \"%s\" in: %s", expected, lines);
}

/* A document with one balancer and, unless it is empty, what else there is. */
static const char *document(const char *mode, int told, bool available, const char *sessions) {
	static char json[1024];

	snprintf(json, sizeof(json),
		 "{\"maintenance\":{\"mode\":\"%s\",\"origin\":\"given\",\"by\":\"bob\"},"
		 "\"uptime_ms\":60000,\"age_ms\":50,\"endpoints\":{\"/"
		 "\":{\"available\":%s,\"http_status\":503,"
		 "\"reason\":\"donor\",\"help\":\"x\"},\"/rw\":{\"available\":false,"
		 "\"http_status\":503,\"reason\":\"read-only\",\"help\":\"x\"}},"
		 "\"balancers_total\":1,\"balancers\":[{\"address\":\"10.0.0.5\",\"via\":\"http\","
		 "\"endpoint\":\"/\",\"told\":%d,\"available\":%s,\"age_ms\":40,"
		 "\"haproxy\":{\"name\":\"rw/n1\",\"state\":\"UP\"}}]%s%s}",
		 mode, available ? "true" : "false", told, available ? "true" : "false",
		 sessions[0] ? ",\"sessions\":" : "", sessions);
	return json;
}

static void a_drain_is_over_when_everybody_was_told(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 3};

	(void)state;
	assert_int_equal(judge(&waiting, 1, document("draining", 2, false, "")), WAITING_GOES_ON);
	expect_line("10.0.0.5 http /: told 2 of 3, sees rw/n1 as UP, asked 40 ms ago\n");
	assert_int_equal(judge(&waiting, 2, document("draining", 3, false, "")), WAITING_DONE);
	expect_line("1 balancer told 3 times");
	/* told, but that it may send */
	assert_int_equal(judge(&waiting, 3, document("draining", 9, true, "")), WAITING_GOES_ON);
}

static void an_enable_is_over_when_the_node_is_available_again(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_NONE, .polls = 1, .begin = NSEC_PER_SEC};
	const int64_t before = NSEC_PER_SEC + 40 * NSEC_PER_MSEC;
	const int64_t later = NSEC_PER_SEC + 60 * NSEC_PER_MSEC;

	(void)state;
	/* probed 50 ms ago, ordered 40 ms ago */
	assert_int_equal(judge(&waiting, before, document("none", 5, true, "")), WAITING_GOES_ON);
	expect_line("the node is probed again\n");
	assert_int_equal(judge(&waiting, later, document("none", 5, false, "")), WAITING_GOES_ON);
	expect_line("/ is 503 donor: x\n");
	/* /rw is not available, and nobody asks for it */
	assert_int_equal(judge(&waiting, later, document("none", 5, true, "")), WAITING_DONE);
}

static void another_order_ends_the_wait(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 1};

	(void)state;
	assert_int_equal(judge(&waiting, 1, document("none", 9, true, "")), WAITING_IN_VAIN);
	expect_line("enabled by another order");
	assert_int_equal(judge(&waiting, 1, document("disabled", 9, false, "")), WAITING_IN_VAIN);
	expect_line("disabled by another order (given bob)");
}

static void sessions_are_looked_at_after_the_balancers_were_told(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 3, .idle = true};
	const char *const quiet = "{\"outcome\":\"ok\",\"age_ms\":10,\"connected\":4,\"busy\":0}";
	const char *const busy =
		"{\"outcome\":\"ok\",\"age_ms\":0,\"connected\":4,\"busy\":1,\"busiest\":[{\"id\":"
		"7,"
		"\"user\":\"shop\\u001b\",\"host\":\"10.0.0.9:1\",\"command\":\"Sleep\","
		"\"seconds\":3,\"in_transaction\":true}]}";
	const int64_t begin = NSEC_PER_SEC;

	(void)state;
	assert_int_equal(judge(&waiting, begin, document("draining", 3, false, "")),
			 WAITING_GOES_ON);
	expect_line("sessions are not known: not looked at yet");
	/* looked at 10 ms ago, told 5 ms ago */
	assert_int_equal(
		judge(&waiting, begin + 5 * NSEC_PER_MSEC, document("draining", 3, false, quiet)),
		WAITING_GOES_ON);
	assert_int_equal(
		judge(&waiting, begin + 20 * NSEC_PER_MSEC, document("draining", 3, false, busy)),
		WAITING_GOES_ON);
	expect_line("session 7 of shop? at 10.0.0.9:1: Sleep for 3 s, in a transaction\n");
	assert_int_equal(
		judge(&waiting, begin + 20 * NSEC_PER_MSEC, document("draining", 3, false, quiet)),
		WAITING_DONE);
	waiting.no_sessions = true;
	assert_int_equal(
		judge(&waiting, begin + 20 * NSEC_PER_MSEC, document("draining", 3, false, quiet)),
		WAITING_GOES_ON);
	expect_line("4 sessions are connected");
}

static void sessions_that_cannot_be_seen_are_not_over(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 1, .idle = true};

	(void)state;
	assert_int_equal(judge(&waiting, NSEC_PER_SEC,
			       document("draining", 3, false,
					"{\"outcome\":\"access-denied\",\"error\":\"PROCESS\"}")),
			 WAITING_GOES_ON);
	expect_line("sessions are not known: PROCESS");
}

static void whoever_is_unknown_is_not_told(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 1};

	(void)state;
	/* a daemon that has just started does not know who polls */
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":4999,"
			       "\"balancers\":[],\"balancers_total\":0}"),
			 WAITING_GOES_ON);
	expect_line("just started");
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
			       "\"balancers\":[],\"balancers_total\":0}"),
			 WAITING_DONE);
	expect_line("nobody polls");
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
			       "\"balancers\":[],\"balancers_total\":2}"),
			 WAITING_GOES_ON);
	expect_line("2 more balancers");
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
			       "\"balancers\":[{\"told\":1,\"available\":false}],"
			       "\"balancers_total\":3,\"balancers_told\":0}"),
			 WAITING_GOES_ON);
	expect_line("2 more balancers");
	assert_int_equal(judge(&waiting, 1, "rubbish"), WAITING_GOES_ON);
	expect_line("not understood");
}

/* The daemon lists those that were told least. */
static void more_than_can_be_listed_are_told_when_those_are(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 2};

	(void)state;
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
			       "\"balancers\":[{\"told\":1,\"available\":false}],"
			       "\"balancers_total\":100,\"balancers_told\":1}"),
			 WAITING_GOES_ON);
	expect_line("99 more balancers");
	assert_int_equal(judge(&waiting, 1,
			       "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
			       "\"balancers\":[{\"told\":2,\"available\":false}],"
			       "\"balancers_total\":100,\"balancers_told\":2}"),
			 WAITING_DONE);
	expect_line("100 balancers told 2 times");
}

/* CSI as one character, which terminals of UTF-8 may honour (ECMA-48, C1). */
static void a_balancer_does_not_steer_the_terminal(void **state) {
	struct waiting waiting = {.mode = MAINTENANCE_DRAINING, .polls = 1};

	(void)state;
	judge(&waiting, 1,
	      "{\"maintenance\":{\"mode\":\"draining\"},\"uptime_ms\":5000,"
	      "\"balancers\":[{\"told\":0,\"available\":false,"
	      "\"haproxy\":{\"name\":\"a\xc2\x9b\",\"state\":\"\xc3\xa4\\u001b[2J\"}}],"
	      "\"balancers_total\":1,\"balancers_told\":0}");
	expect_line("sees a?? as \xc3\xa4?[2J");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drain_is_over_when_everybody_was_told),
		cmocka_unit_test(an_enable_is_over_when_the_node_is_available_again),
		cmocka_unit_test(another_order_ends_the_wait),
		cmocka_unit_test(sessions_are_looked_at_after_the_balancers_were_told),
		cmocka_unit_test(sessions_that_cannot_be_seen_are_not_over),
		cmocka_unit_test(whoever_is_unknown_is_not_told),
		cmocka_unit_test(more_than_can_be_listed_are_told_when_those_are),
		cmocka_unit_test(a_balancer_does_not_steer_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
