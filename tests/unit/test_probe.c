/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of a probe against a scripted library: what is asked in which order, what each failure
 * means, and when the kept connection stays.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/probe.h"
#include "scripted_mysql.h"

#define SET "SET SESSION wsrep_sync_wait=0"
#define VARIABLES "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version',"
#define STATUS "SHOW GLOBAL STATUS WHERE Variable_name IN ("
#define SELECT "SELECT @@global.wsrep_on,@@global.read_only"
#define REJECTING "SELECT @@global.wsrep_on,@@global.wsrep_reject_queries,@@global.read_only"

static const char *const variables[] = {"version", "10.11.19-MariaDB", "wsrep_on",
					"ON",	   "read_only",	       "OFF"};
static const char *const status[] = {"wsrep_local_state", "4", "wsrep_cluster_status", "Primary"};
static const char *const selected[] = {"ON", "OFF"};

#define CONNECT \
	{ "connect", "192.0.2.7:3306" }
#define ASK_VARIABLES \
	{ "query", VARIABLES, .columns = 2, .rows = 3, .values = variables }
#define ASK_STATUS \
	{ "query", STATUS, .columns = 2, .rows = 2, .values = status }
#define ASK_SELECT \
	{ "query", SELECT, .columns = 2, .rows = 1, .values = selected }
#define FIRST_ROUND CONNECT, {"query", SET}, ASK_VARIABLES, ASK_STATUS
#define NEXT_ROUND ASK_STATUS, ASK_SELECT

static struct mysql_settings settings;
static struct facts facts;

static int start(void **state) {
	settings = (struct mysql_settings){
		.host = "192.0.2.7", .port = 3306, .user = "checker", .timeout = 60 * NSEC_PER_SEC};
	memset(&facts, 0, sizeof(facts));
	*state = probe_create(&settings, -1);
	return *state ? 0 : -1;
}

static enum probe_outcome make_round(struct probe *probe) {
	assert_int_equal(probe_round(probe, &facts), 0);
	return facts.probe.outcome;
}

static void assert_text(enum fact_id id, const char *expected) {
	const char *text = fact_text(&facts, id);

	if (!expected)
		assert_null(text);
	else
		assert_string_equal(text ? text : "(absent)", expected);
}

static void assert_nothing_known(void) {
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		assert_text(id, NULL);
}

static void finish(struct probe *probe) {
	probe_destroy(probe);
	scripted_end();
}

static void the_kept_connection_stays(void **state) {
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, NEXT_ROUND, NEXT_ROUND, {"quit"});
	for (int i = 0; i < 3; i++) {
		assert_int_equal(make_round(probe), PROBE_OK);
		assert_text(FACT_WSREP_ON, "ON");
		assert_text(FACT_READ_ONLY, "OFF");
		assert_text(FACT_LOCAL_STATE, "4");
		assert_text(FACT_PXC_MAINT_MODE, NULL);
	}
	assert_int_equal(facts_logins(&facts), 1);
	assert_int_equal(facts_probes(&facts), 3);
	assert_true(probe_descriptor(probe) >= 0);
	finish(probe);
}

static void no_wsrep_is_no_failure(void **state) {
	struct probe *probe = *state;

	SCRIPT(CONNECT, {"query", SET, .error = 1193}, ASK_VARIABLES,
	       {"query", STATUS, .columns = 2}, {"quit"});
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_text(FACT_LOCAL_STATE, NULL);
	finish(probe);
}

static const struct scripted_step first_round[] = {FIRST_ROUND}, next_round[] = {NEXT_ROUND};

#define CALLS_OF_ROUNDS (ARRAY_SIZE(first_round) + ARRAY_SIZE(next_round))

static bool is_in_later_round(size_t call) {
	return call >= ARRAY_SIZE(first_round);
}

static size_t append_steps(struct scripted_step *steps, size_t count,
			   const struct scripted_step *more, size_t more_count) {
	memcpy(steps + count, more, more_count * sizeof(*more));
	return count + more_count;
}

/* The last of the calls goes wrong: with this error, or it hangs where that is 0. */
static void script_up_to(size_t call, unsigned int error) {
	static struct scripted_step steps[CALLS_OF_ROUNDS + ARRAY_SIZE(first_round) + 2];
	size_t count = 0;

	count = append_steps(steps, count, first_round, ARRAY_SIZE(first_round));
	count = append_steps(steps, count, next_round, ARRAY_SIZE(next_round));
	steps[call].error = error;
	steps[call].message = "scripted to go wrong";
	steps[call].hangs = error == 0;
	count = call + 1;
	steps[count++] = (struct scripted_step){"drop"};
	count = append_steps(steps, count, first_round, ARRAY_SIZE(first_round));
	steps[count++] = (struct scripted_step){"quit"};
	scripted_begin(steps, count);
}

/* Each call of a first and of a later round fails in its turn; the round after that is good. */
static void each_call_fails(void **state) {
	for (size_t call = 0; call < CALLS_OF_ROUNDS; call++) {
		struct probe *probe = probe_create(&settings, -1);

		script_up_to(call, 1045);
		if (is_in_later_round(call))
			assert_int_equal(make_round(probe), PROBE_OK);
		assert_int_equal(make_round(probe), PROBE_ACCESS_DENIED);
		assert_int_equal(facts.probe.code, 1045);
		assert_nothing_known();
		assert_int_equal(probe_descriptor(probe), -1);
		assert_int_equal(make_round(probe), PROBE_OK);
		finish(probe);
	}
	probe_destroy(*state);
}

/* In a later round, too, it is not made anew: that is for a connection that was cut. */
static void each_call_hangs(void **state) {
	for (size_t call = 0; call < CALLS_OF_ROUNDS; call++) {
		struct probe *probe = probe_create(&settings, -1);

		script_up_to(call, 0);
		if (is_in_later_round(call))
			assert_int_equal(make_round(probe), PROBE_OK);
		settings.timeout = 20 * NSEC_PER_MSEC;
		probe_configure(probe, &settings);
		assert_int_equal(make_round(probe), PROBE_TIMEOUT);
		assert_nothing_known();
		assert_int_equal(probe_descriptor(probe), -1);
		settings.timeout = 60 * NSEC_PER_SEC;
		probe_configure(probe, &settings);
		assert_int_equal(make_round(probe), PROBE_OK);
		finish(probe);
	}
	probe_destroy(*state);
}

static void a_round_is_cancelled(void **state) {
	AUTO_CLOSE int cancel_fd = eventfd(1, 0);
	struct probe *probe = probe_create(&settings, cancel_fd);

	SCRIPT(CONNECT, {"query", SET, .hangs = true}, {"drop"});
	assert_int_equal(probe_round(probe, &facts), -ECANCELED);
	finish(probe);
	probe_destroy(*state);
}

/* --- reconnecting within a round -------------------------------------------------------------- */

static void a_lost_connection_is_made_anew(void **state) {
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, {"query", STATUS, .error = 2013}, {"drop"}, FIRST_ROUND,
	       {"query", STATUS, .columns = 2, .rows = 1, .values = status, .error = 2006},
	       {"drop"}, FIRST_ROUND, {"quit"});
	for (int i = 0; i < 3; i++)
		assert_int_equal(make_round(probe), PROBE_OK);
	assert_text(FACT_LOCAL_STATE, "4");
	assert_int_equal(facts_logins(&facts), 3);
	finish(probe);
}

static void a_variable_that_went_away_is_found_out(void **state) {
	static const char *const fewer[] = {"version", "8.0.36", "read_only", "ON"};
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, ASK_STATUS, {"query", SELECT, .error = 1193}, {"drop"}, CONNECT,
	       {"query", SET}, {"query", VARIABLES, .columns = 2, .rows = 2, .values = fewer},
	       ASK_STATUS, {"quit"});
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_text(FACT_WSREP_ON, NULL);
	assert_text(FACT_READ_ONLY, "ON");
	finish(probe);
}

/* A server that goes down takes connections and is silent: not for a whole timeout. */
static void a_reconnect_is_short(void **state) {
	struct probe *probe = *state;
	int64_t begin;

	SCRIPT(FIRST_ROUND, {"query", STATUS, .error = 2013}, {"drop"}, {"connect", .hangs = true},
	       {"drop"});
	assert_int_equal(make_round(probe), PROBE_OK);
	begin = clock_now();
	assert_int_equal(make_round(probe), PROBE_TIMEOUT);
	assert_true(clock_now() - begin < settings.timeout / 10);
	finish(probe);
}

static void one_reconnect_a_round(void **state) {
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, {"query", STATUS, .error = 2013}, {"drop"}, CONNECT,
	       {"query", SET, .error = 2013}, {"drop"}, {"connect", .error = 2013}, {"drop"});
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_int_equal(make_round(probe), PROBE_REFUSED);
	assert_int_equal(make_round(probe), PROBE_REFUSED); /* nothing kept: no second try */
	finish(probe);
}

/* --- the other port --------------------------------------------------------------------------- */

static void extra_port_is_for_crowds(void **state) {
	struct probe *probe;

	settings.extra_port = 3307;
	probe_configure(*state, &settings);
	probe = *state;
	SCRIPT({"connect", "192.0.2.7:3306", .error = 1040}, {"drop"},
	       {"connect", "192.0.2.7:3307"}, {"query", SET}, ASK_VARIABLES, ASK_STATUS, NEXT_ROUND,
	       {"quit"});
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_int_equal(facts.login.outcome, PROBE_TOO_MANY_CONNECTIONS);
	assert_int_equal(make_round(probe), PROBE_OK);
	finish(probe);
}

static void extra_port_is_of_no_use(void **state) {
	struct probe *probe = *state;

	settings.extra_port = 3307;
	probe_configure(probe, &settings);
	SCRIPT({"connect", "192.0.2.7:3306", .error = 1040}, {"drop"},
	       {"connect", "192.0.2.7:3307", .error = 2003, .message = "(111)"}, {"drop"},
	       {"connect", "192.0.2.7:3306", .error = 1045}, {"drop"});
	assert_int_equal(make_round(probe), PROBE_TOO_MANY_CONNECTIONS);
	assert_int_equal(make_round(probe), PROBE_ACCESS_DENIED); /* no crowd, no second try */
	finish(probe);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void a_value_may_be_null(void **state) {
	static const char *const nothing[] = {NULL, "OFF"};
	static const char *const unknown[] = {"wsrep_local_state", NULL, "wsrep_cluster_status",
					      "Primary"};
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, {"query", STATUS, .columns = 2, .rows = 2, .values = unknown},
	       {"query", SELECT, .columns = 2, .rows = 1, .values = nothing}, {"quit"});
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_int_equal(make_round(probe), PROBE_OK);
	assert_text(FACT_LOCAL_STATE, "");
	assert_text(FACT_WSREP_ON, "");
	finish(probe);
}

/* Absent would mean "does not apply", and the variable would not be asked for again. */
static void a_variable_without_a_value_is_there(void **state) {
	static const char *const values[] = {
		"version", "8.0.36", "wsrep_on", "ON", "read_only", "OFF", "wsrep_reject_queries",
		NULL};
	static const char *const null[] = {"ON", NULL, "OFF"};
	struct probe *probe = *state;

	SCRIPT(CONNECT, {"query", SET},
	       {"query", VARIABLES, .columns = 2, .rows = 4, .values = values}, ASK_STATUS,
	       ASK_STATUS, {"query", REJECTING, .columns = 3, .rows = 1, .values = null}, {"quit"});
	for (int i = 0; i < 2; i++) {
		assert_int_equal(make_round(probe), PROBE_OK);
		assert_text(FACT_REJECT_QUERIES, "");
	}
	finish(probe);
}

static void an_answer_that_makes_no_sense(void **state) {
	static const char *const twice[] = {"wsrep_ready", "ON", "WSREP_READY", "OFF"};
	static const char *const unset[] = {"wsrep_ready", NULL, "wsrep_ready", "ON"};
	static const char *const unnamed[] = {NULL, "4"};
	static const char *const bare[] = {"version", "8.0.36"};
	static const struct scripted_step answers[] = {
		{"query", STATUS, .columns = 3, .rows = 1},
		{"query", STATUS, .columns = 1, .rows = 1},
		{"query", STATUS, .columns = 2, .rows = 2, .values = twice},
		{"query", STATUS, .columns = 2, .rows = 2, .values = unset},
		{"query", STATUS, .columns = 2, .rows = 1, .values = unnamed},
		{"query", VARIABLES, .columns = 2, .rows = 1, .values = bare},
		{"query", VARIABLES, .columns = 2, .rows = 1, .values = unnamed},
		{"query", VARIABLES, .columns = 3, .rows = 1},
		{"query", VARIABLES, .columns = 2},
		{"query", SET, .columns = 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct scripted_step steps[8];
		size_t count = 0;

		while (strcmp(first_round[count].expected, answers[i].expected) != 0) {
			steps[count] = first_round[count];
			count++;
		}
		steps[count++] = answers[i];
		steps[count++] = (struct scripted_step){"drop"};
		scripted_begin(steps, count);
		assert_int_equal(make_round(*state), PROBE_PROTOCOL_ERROR);
		assert_true(facts.probe.error[0]);
		assert_nothing_known();
		scripted_end();
	}
	probe_destroy(*state);
}

static void a_selection_of_another_size(void **state) {
	static const struct scripted_step answers[] = {
		{"query", SELECT, .columns = 3, .rows = 1},
		{"query", SELECT, .columns = 2, .rows = 2},
		{"query", SELECT, .columns = 2},
		{"query", SELECT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct scripted_step steps[] = {
			FIRST_ROUND, ASK_STATUS, answers[i], {"drop"}};

		scripted_begin(steps, ARRAY_SIZE(steps));
		assert_int_equal(make_round(*state), PROBE_OK);
		assert_int_equal(make_round(*state), PROBE_PROTOCOL_ERROR);
		scripted_end();
	}
	probe_destroy(*state);
}

/* --- settings -----------------------------------------------------------------------------------
 */

static void settings_that_concern_the_connection(void **state) {
	struct probe *probe = *state;

	SCRIPT(FIRST_ROUND, NEXT_ROUND, {"drop"}, {"connect", "192.0.2.7:3308", .error = 1045},
	       {"drop"});
	assert_int_equal(make_round(probe), PROBE_OK);
	settings.timeout /= 2;
	settings.extra_port = 3307;
	probe_configure(probe, &settings);
	assert_int_equal(make_round(probe), PROBE_OK);
	settings.port = 3308;
	probe_configure(probe, &settings);
	assert_int_equal(probe_descriptor(probe), -1);
	assert_int_equal(make_round(probe), PROBE_ACCESS_DENIED);
	finish(probe);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_kept_connection_stays, start),
		cmocka_unit_test_setup(no_wsrep_is_no_failure, start),
		cmocka_unit_test_setup(each_call_fails, start),
		cmocka_unit_test_setup(each_call_hangs, start),
		cmocka_unit_test_setup(a_round_is_cancelled, start),
		cmocka_unit_test_setup(a_lost_connection_is_made_anew, start),
		cmocka_unit_test_setup(a_variable_that_went_away_is_found_out, start),
		cmocka_unit_test_setup(a_reconnect_is_short, start),
		cmocka_unit_test_setup(one_reconnect_a_round, start),
		cmocka_unit_test_setup(extra_port_is_for_crowds, start),
		cmocka_unit_test_setup(extra_port_is_of_no_use, start),
		cmocka_unit_test_setup(a_value_may_be_null, start),
		cmocka_unit_test_setup(a_variable_without_a_value_is_there, start),
		cmocka_unit_test_setup(an_answer_that_makes_no_sense, start),
		cmocka_unit_test_setup(a_selection_of_another_size, start),
		cmocka_unit_test_setup(settings_that_concern_the_connection, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
