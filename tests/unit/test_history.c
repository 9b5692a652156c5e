/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history: what counts as a change, how long a verdict held, and what the log says of it.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/history.h"

#define NOW (1000 * NSEC_PER_SEC)
#define WALL (INT64_C(1769903999) * NSEC_PER_SEC)

static struct history history;
static struct endpoint_list endpoints;
static struct facts facts;
static struct change changes[ENDPOINT_MAX];

static void add_endpoint(const char *path, enum donor_policy donor) {
	struct endpoint *endpoint = &endpoints.items[endpoints.count++];

	memset(endpoint, 0, sizeof(*endpoint));
	text_copy(endpoint->path, sizeof(endpoint->path), path);
	endpoint->policy.max_age = 1000000 * NSEC_PER_SEC;
	endpoint->policy.donor = donor;
	endpoint->policy.read_only = ADMISSION_AVAILABLE;
	endpoint->policy.saturated = ADMISSION_AVAILABLE;
}

/* A node that has just been found healthy, under "/" (no donors) and "/ro" (donors welcome). */
static int begin(void **state) {
	(void)state;
	memset(&history, 0, sizeof(history));
	memset(&endpoints, 0, sizeof(endpoints));
	memset(&facts, 0, sizeof(facts));
	memset(changes, 0, sizeof(changes));
	add_endpoint("/", DONOR_UNAVAILABLE);
	add_endpoint("/ro", DONOR_AVAILABLE);
	facts.probe.outcome = facts.login.outcome = PROBE_OK;
	facts.probed_at = NOW;
	facts_set(&facts, FACT_WSREP_ON, "ON");
	facts_set(&facts, FACT_CLUSTER_STATUS, "Primary");
	facts_set(&facts, FACT_READY, "ON");
	facts_set(&facts, FACT_CONNECTED, "ON");
	facts_set(&facts, FACT_LOCAL_STATE, "4");
	return 0;
}

static size_t update(int64_t after) {
	return history_update(&history, &endpoints, &facts, NOW + after, WALL + after, changes);
}

static void begin_history(void) {
	history_set_endpoints(&history, &endpoints, NOW, WALL);
	assert_int_equal(update(NSEC_PER_SEC), 2);
}

/* --- standings ------------------------------------------------------------------------------ */

static void endpoints_begin_at_starting(void **state) {
	(void)state;
	history_set_endpoints(&history, &endpoints, NOW, WALL);
	assert_int_equal(history.standing_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(history.standings[i].path, endpoints.items[i].path);
		assert_int_equal(history.standings[i].reason, REASON_STARTING);
		assert_true(history.standings[i].since == NOW);
		assert_true(history.standings[i].since_wall == WALL);
	}
	assert_int_equal(history.total, 0);
}

static void a_change_is_recorded_per_endpoint(void **state) {
	(void)state;
	begin_history();
	assert_int_equal(history.total, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(changes[i].path, endpoints.items[i].path);
		assert_int_equal(changes[i].from, REASON_STARTING);
		assert_int_equal(changes[i].to, REASON_AVAILABLE);
		assert_true(changes[i].held == NSEC_PER_SEC);
		assert_true(changes[i].wall == WALL + NSEC_PER_SEC);
		assert_string_equal(changes[i].what, "probe ok, login ok");
		assert_memory_equal(&history.changes[i], &changes[i], sizeof(changes[i]));
		assert_int_equal(history.standings[i].reason, REASON_AVAILABLE);
		assert_true(history.standings[i].since == NOW + NSEC_PER_SEC);
		assert_true(history.standings[i].since_wall == WALL + NSEC_PER_SEC);
	}
}

static void nothing_new_is_no_change(void **state) {
	(void)state;
	begin_history();
	assert_int_equal(update(2 * NSEC_PER_SEC), 0);
	facts_set(&facts, FACT_LAST_COMMITTED, "4711");
	facts_set(&facts, FACT_CLUSTER_SIZE, "3");
	assert_int_equal(update(3 * NSEC_PER_SEC), 0);
	assert_int_equal(history.total, 2);
	assert_true(history.standings[0].since == NOW + NSEC_PER_SEC);
}

static void only_the_endpoint_concerned_changes(void **state) {
	(void)state;
	begin_history();
	facts_set(&facts, FACT_LOCAL_STATE, "2");
	assert_int_equal(update(13 * NSEC_PER_SEC), 1);
	assert_string_equal(changes[0].path, "/");
	assert_int_equal(changes[0].from, REASON_AVAILABLE);
	assert_int_equal(changes[0].to, REASON_DONOR);
	assert_true(changes[0].held == 12 * NSEC_PER_SEC);
	assert_string_equal(changes[0].what, "wsrep_local_state 4→2");
	assert_int_equal(history.standings[1].reason, REASON_AVAILABLE);
	assert_true(history.standings[1].since == NOW + NSEC_PER_SEC);
	assert_int_equal(history.total, 3);
}

/* What changed without a change of verdict is not told again with the next one. */
static void what_is_counted_from_the_last_update(void **state) {
	(void)state;
	begin_history();
	facts_set(&facts, FACT_CLUSTER_SIZE, "3");
	assert_int_equal(update(2 * NSEC_PER_SEC), 0);
	facts_set(&facts, FACT_READY, "OFF");
	assert_int_equal(update(3 * NSEC_PER_SEC), 2);
	assert_string_equal(changes[0].what, "wsrep_ready ON→OFF");
	assert_string_equal(changes[1].what, "wsrep_ready ON→OFF");
}

static void time_alone_makes_a_change(void **state) {
	(void)state;
	endpoints.items[1].policy.max_age = 2 * NSEC_PER_SEC;
	begin_history();
	assert_int_equal(update(2 * NSEC_PER_SEC), 0);
	assert_int_equal(update(2 * NSEC_PER_SEC + 1), 1);
	assert_string_equal(changes[0].path, "/ro");
	assert_int_equal(changes[0].to, REASON_STALE);
	assert_string_equal(changes[0].what, "");
}

static void a_new_policy_makes_a_change(void **state) {
	(void)state;
	begin_history();
	endpoints.items[0].policy.min_cluster_size = 3;
	assert_int_equal(update(2 * NSEC_PER_SEC), 1);
	assert_int_equal(changes[0].to, REASON_SMALL_CLUSTER);
}

/* --- another set of endpoints --------------------------------------------------------------- */

static void known_endpoints_keep_their_standing(void **state) {
	(void)state;
	begin_history();
	/* one goes, one comes, one moves to another place */
	endpoints.count = 0;
	add_endpoint("/new", DONOR_AVAILABLE);
	add_endpoint("/ro", DONOR_AVAILABLE);
	history_set_endpoints(&history, &endpoints, NOW + 9 * NSEC_PER_SEC,
			      WALL + 9 * NSEC_PER_SEC);
	assert_int_equal(history.standing_count, 2);
	assert_string_equal(history.standings[0].path, "/new");
	assert_int_equal(history.standings[0].reason, REASON_STARTING);
	assert_true(history.standings[0].since == NOW + 9 * NSEC_PER_SEC);
	assert_string_equal(history.standings[1].path, "/ro");
	assert_int_equal(history.standings[1].reason, REASON_AVAILABLE);
	assert_true(history.standings[1].since == NOW + NSEC_PER_SEC);
	assert_int_equal(history.total, 2); /* the past stays */
	assert_int_equal(update(10 * NSEC_PER_SEC), 1);
	assert_string_equal(changes[0].path, "/new");
	/* and back in the other order */
	endpoints.count = 0;
	add_endpoint("/ro", DONOR_AVAILABLE);
	add_endpoint("/new", DONOR_AVAILABLE);
	history_set_endpoints(&history, &endpoints, NOW + 11 * NSEC_PER_SEC, WALL);
	assert_true(history.standings[0].since == NOW + NSEC_PER_SEC);
	assert_true(history.standings[1].since == NOW + 10 * NSEC_PER_SEC);
	assert_int_equal(update(11 * NSEC_PER_SEC), 0);
}

static void all_endpoints_may_change_at_once(void **state) {
	(void)state;
	endpoints.count = 0;
	for (int i = 0; i < ENDPOINT_MAX; i++) {
		char path[16];

		snprintf(path, sizeof(path), "/e%d", i);
		add_endpoint(path, DONOR_AVAILABLE);
	}
	history_set_endpoints(&history, &endpoints, NOW, WALL);
	assert_int_equal(update(NSEC_PER_SEC), ENDPOINT_MAX);
	assert_string_equal(changes[ENDPOINT_MAX - 1].path, "/e15");
}

/* --- the ring ------------------------------------------------------------------------------- */

static void the_last_256_changes_are_kept(void **state) {
	const int count = HISTORY_SIZE + 10;

	(void)state;
	endpoints.count = 1;
	history_set_endpoints(&history, &endpoints, NOW, WALL);
	for (int i = 0; i < count; i++) {
		facts_set(&facts, FACT_LOCAL_STATE, i % 2 ? "2" : "4");
		assert_int_equal(update(i), 1);
	}
	assert_int_equal(history.total, count);
	for (int i = count - HISTORY_SIZE; i < count; i++) {
		const struct change *change = &history.changes[i % HISTORY_SIZE];

		assert_true(change->wall == WALL + i);
		assert_int_equal(change->to, i % 2 ? REASON_DONOR : REASON_AVAILABLE);
	}
}

/* --- what changed --------------------------------------------------------------------------- */

static void expect_difference(const struct facts *before, const struct facts *after,
			      const char *expected) {
	char storage[512];
	struct text out;

	text_init(&out, storage, sizeof(storage));
	facts_difference(before, after, &out);
	assert_string_equal(storage, expected);
}

static void differences_of_values(void **state) {
	struct facts after = facts;

	(void)state;
	expect_difference(&facts, &after, "");
	facts_set(&after, FACT_LOCAL_STATE, "2");
	facts_set(&after, FACT_READY, "OFF");
	expect_difference(&facts, &after, "wsrep_ready ON→OFF, wsrep_local_state 4→2");
	after = facts;
	facts_set(&after, FACT_READ_ONLY, "ON");
	expect_difference(&facts, &after, "read_only absent→ON");
	expect_difference(&after, &facts, "read_only ON→absent");
	after = facts;
	facts_set(&after, FACT_CLUSTER_STATUS, "");
	expect_difference(&facts, &after, "wsrep_cluster_status Primary→");
}

/* A verdict that only traffic has changed (a limit passed) names it; beside other news it does not.
 */
static void traffic_is_news_only_by_itself(void **state) {
	struct facts after = facts;

	(void)state;
	facts_set(&after, FACT_LOCAL_RECV_QUEUE, "2");
	expect_difference(&facts, &after, "wsrep_local_recv_queue absent→2");
	facts_set(&after, FACT_READY, "OFF");
	expect_difference(&facts, &after, "wsrep_ready ON→OFF");
}

static void counters_and_times_are_no_difference(void **state) {
	struct facts after = facts;

	(void)state;
	after.probed_at++;
	facts_count_probe(&after);
	after.took = 7;
	after.flow_control_known = true;
	after.flow_control = 0.9;
	expect_difference(&facts, &after, "");
}

static void differences_of_outcomes(void **state) {
	struct facts gone = facts, denied, after = facts;
	struct facts never = {0};

	(void)state;
	gone.probe = (struct probe_result){PROBE_TIMEOUT, 0, "no answer within 1 s"};
	facts_set(&gone, FACT_LOCAL_STATE, NULL);
	/* that all values are gone with it needs no telling */
	expect_difference(&facts, &gone, "probe ok→timeout: no answer within 1 s");
	expect_difference(&gone, &facts, "probe timeout→ok");
	expect_difference(&never, &gone, "probe timeout: no answer within 1 s");
	expect_difference(&gone, &gone, "");
	denied = gone;
	denied.probe = (struct probe_result){PROBE_ACCESS_DENIED, 1045, "Access denied"};
	expect_difference(&gone, &denied, "probe timeout→access-denied: Access denied");
	gone = denied;
	gone.probe.code = 1698;
	expect_difference(&denied, &gone, "probe access-denied: Access denied");
	after.login = (struct probe_result){PROBE_TOO_MANY_CONNECTIONS, 1040, "Too many"};
	expect_difference(&facts, &after, "login ok→too-many-connections: Too many");
	/* where nothing answers, that a login fails too is no news */
	denied = facts;
	denied.probe = denied.login = (struct probe_result){PROBE_REFUSED, 2002, "refused"};
	expect_difference(&facts, &denied, "probe ok→refused: refused");
}

static void differences_of_maintenance(void **state) {
	struct facts after = facts;

	(void)state;
	after.order.mode = MAINTENANCE_DISABLED;
	expect_difference(&facts, &after, "maintenance none→disabled");
	expect_difference(&after, &facts, "maintenance disabled→none");
	facts_set(&after, FACT_READY, "OFF");
	after.order.mode = MAINTENANCE_DRAINING;
	expect_difference(&facts, &after, "maintenance none→draining, wsrep_ready ON→OFF");
}

static void differences_of_a_state_transfer(void **state) {
	struct facts receiving = facts, begun = facts;

	(void)state;
	receiving.probe = (struct probe_result){PROBE_UNREACHABLE, 2002, "no socket"};
	receiving.transfer = (struct transfer){
		.receiving = true, .known = true, .state = "JOINING", .comment = "Receiving SST"};
	expect_difference(&facts, &receiving,
			  "probe ok→unreachable: no socket, state transfer begun (status file: "
			  "Receiving SST)");
	begun = receiving;
	begun.transfer.has_progress = true;
	begun.transfer.progress = 0.42;
	expect_difference(&receiving, &begun, "");
	begun.transfer.receiving = false;
	expect_difference(&receiving, &begun,
			  "state transfer over (status file: JOINING, left over)");
	expect_difference(&begun, &receiving, "state transfer begun (status file: Receiving SST)");
	text_copy(begun.transfer.state, sizeof(begun.transfer.state), "SYNCED");
	expect_difference(&receiving, &begun, "state transfer over (status file: SYNCED)");
	begun.transfer = (struct transfer){0};
	expect_difference(&receiving, &begun, "state transfer over (status file: absent)");
}

/* Many long values must neither overflow nor get lost without a trace. */
static void long_differences_are_cut(void **state) {
	char value[FACT_TEXT_SIZE];

	(void)state;
	begin_history();
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		facts_set(&facts, id, value);
	assert_int_equal(update(2 * NSEC_PER_SEC), 2);
	assert_true(strlen(changes[0].what) > sizeof(changes[0].what) - 8);
	assert_ptr_equal(strstr(changes[0].what, "wsrep_cluster_status Primary→xxx"),
			 changes[0].what);
}

/* --- the line ------------------------------------------------------------------------------- */

static void changes_as_a_line(void **state) {
	static const struct {
		struct change change;
		const char *expected;
	} cases[] = {
		{{"/", REASON_AVAILABLE, REASON_DONOR, 0, 12000 * NSEC_PER_SEC,
		  "wsrep_local_state 4→2"},
		 "/: available → donor (wsrep_local_state 4→2), was available for 3 h 20 min"},
		{{"/ro", REASON_STARTING, REASON_UNREACHABLE, 0, 12 * NSEC_PER_MSEC, ""},
		 "/ro: starting → unreachable, was starting for 12 ms"},
		{{"/x", REASON_STALE, REASON_AVAILABLE, 0, 2 * NSEC_PER_SEC, "probe timeout→ok"},
		 "/x: stale → available (probe timeout→ok), was stale for 2.0 s"},
	};
	char storage[512];
	struct text out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_init(&out, storage, sizeof(storage));
		change_describe(&cases[i].change, &out);
		assert_string_equal(storage, cases[i].expected);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(endpoints_begin_at_starting, begin),
		cmocka_unit_test_setup(a_change_is_recorded_per_endpoint, begin),
		cmocka_unit_test_setup(nothing_new_is_no_change, begin),
		cmocka_unit_test_setup(only_the_endpoint_concerned_changes, begin),
		cmocka_unit_test_setup(what_is_counted_from_the_last_update, begin),
		cmocka_unit_test_setup(time_alone_makes_a_change, begin),
		cmocka_unit_test_setup(a_new_policy_makes_a_change, begin),
		cmocka_unit_test_setup(known_endpoints_keep_their_standing, begin),
		cmocka_unit_test_setup(all_endpoints_may_change_at_once, begin),
		cmocka_unit_test_setup(the_last_256_changes_are_kept, begin),
		cmocka_unit_test_setup(differences_of_values, begin),
		cmocka_unit_test_setup(traffic_is_news_only_by_itself, begin),
		cmocka_unit_test_setup(counters_and_times_are_no_difference, begin),
		cmocka_unit_test_setup(differences_of_outcomes, begin),
		cmocka_unit_test_setup(differences_of_maintenance, begin),
		cmocka_unit_test_setup(differences_of_a_state_transfer, begin),
		cmocka_unit_test_setup(long_differences_are_cut, begin),
		cmocka_unit_test_setup(changes_as_a_line, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
