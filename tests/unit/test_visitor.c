/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Visits against a scripted library: what is asked, how long at most, and the way to the thread and
 * back.
 */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/visitor.h"
#include "scripted_mysql.h"

#define COUNTS "SELECT COUNT(*),SUM"
#define BUSIEST "SELECT p.ID,p.USER,p.HOST,p.COMMAND,p.TIME"

static const char *const counts[] = {"3", "1"};
static const char *const busiest[] = {"87", "shop", "app1:4711", "Query", "2", "1"};

#define CONNECT \
	{ "connect", "192.0.2.7:3306" }
#define ASK_COUNTS \
	{ "query", COUNTS, .columns = 2, .rows = 1, .values = counts }
#define ASK_BUSIEST \
	{ "query", BUSIEST, .columns = 6, .rows = 1, .values = busiest }

static struct mysql_settings settings;

static int start(void **state) {
	(void)state;
	settings = (struct mysql_settings){
		.host = "192.0.2.7", .port = 3306, .user = "checker", .timeout = 60 * NSEC_PER_SEC};
	return 0;
}

static struct visit make(bool with_census) {
	struct visit visit = {.with_census = with_census};

	assert_int_equal(visit_make(&visit, &settings, -1), 0);
	scripted_end();
	return visit;
}

static void in_and_out(void **state) {
	(void)state;
	SCRIPT({"connect", "192.0.2.7:3306", .waits = 2}, {"quit"});
	assert_int_equal(make(false).login.outcome, PROBE_OK);
	SCRIPT({"connect", .error = 1040}, {"drop"});
	assert_int_equal(make(false).login.outcome, PROBE_TOO_MANY_CONNECTIONS);
}

static void a_login_that_hangs(void **state) {
	(void)state;
	settings.timeout = 20 * NSEC_PER_MSEC;
	SCRIPT({"connect", .hangs = true}, {"drop"});
	assert_int_equal(make(false).login.outcome, PROBE_TIMEOUT);
}

static void with_a_census(void **state) {
	struct visit visit;

	(void)state;
	SCRIPT(CONNECT, ASK_COUNTS, ASK_BUSIEST, {"quit"});
	visit = make(true);
	assert_int_equal(visit.login.outcome, PROBE_OK);
	assert_int_equal(visit.sessions.result.outcome, PROBE_OK);
	assert_int_equal(visit.sessions.connected, 3);
	assert_int_equal(visit.sessions.busy, 1);
	assert_int_equal(visit.sessions.busiest[0].id, 87);
	assert_string_equal(visit.sessions.busiest[0].user, "shop");
	assert_true(visit.sessions.busiest[0].in_transaction);
}

/* Login and census together have one timeout. */
static void a_census_that_fails(void **state) {
	struct visit visit;

	(void)state;
	SCRIPT(CONNECT, {"query", COUNTS, .error = 1227}, {"drop"});
	visit = make(true);
	assert_int_equal(visit.login.outcome, PROBE_OK);
	assert_int_equal(visit.sessions.result.code, 1227);
	SCRIPT({"connect", .error = 1045}, {"drop"});
	assert_int_equal(make(true).sessions.result.outcome, PROBE_ACCESS_DENIED);
	settings.timeout = 20 * NSEC_PER_MSEC;
	SCRIPT(CONNECT, ASK_COUNTS, {"query", BUSIEST, .hangs = true}, {"drop"});
	visit = make(true);
	assert_int_equal(visit.login.outcome, PROBE_OK);
	assert_int_equal(visit.sessions.result.outcome, PROBE_TIMEOUT);
}

/* Whom a crowd keeps out is still told of, over the extra port. */
static void a_census_beside_a_crowd(void **state) {
	struct visit visit;

	(void)state;
	settings.extra_port = 3307;
	SCRIPT({"connect", "192.0.2.7:3306", .error = 1040}, {"drop"},
	       {"connect", "192.0.2.7:3307"}, ASK_COUNTS, ASK_BUSIEST, {"quit"});
	visit = make(true);
	assert_int_equal(visit.login.outcome, PROBE_TOO_MANY_CONNECTIONS);
	assert_int_equal(visit.sessions.connected, 3);
	SCRIPT({"connect", "192.0.2.7:3306", .error = 1040}, {"drop"});
	assert_int_equal(make(false).login.outcome, PROBE_TOO_MANY_CONNECTIONS);
}

static void a_visit_is_cancelled(void **state) {
	AUTO_CLOSE int cancel_fd = eventfd(1, 0);
	struct visit visit = {.with_census = true};

	(void)state;
	SCRIPT({"connect", .hangs = true}, {"drop"});
	assert_int_equal(visit_make(&visit, &settings, cancel_fd), -ECANCELED);
	scripted_end();
	SCRIPT(CONNECT, {"query", COUNTS, .hangs = true}, {"drop"});
	assert_int_equal(visit_make(&visit, &settings, cancel_fd), -ECANCELED);
	scripted_end();
}

/* --- the thread ------------------------------------------------------------------------------- */

static void await(struct visitor *visitor, struct visit *visit) {
	struct pollfd back = {.fd = visitor_descriptor(visitor), .events = POLLIN};

	assert_int_equal(poll(&back, 1, 10000), 1);
	assert_true(visitor_take(visitor, visit));
}

static void there_and_back(void **state) {
	AUTO_CLOSE int stop_fd = eventfd(0, 0);
	struct visitor *visitor;
	struct visit visit;

	(void)state;
	assert_int_equal(visitor_create(&visitor, stop_fd), 0);
	assert_false(visitor_take(visitor, &visit));
	SCRIPT({"connect", "192.0.2.7:3306"}, {"quit"}, CONNECT, ASK_COUNTS, ASK_BUSIEST, {"quit"});
	assert_true(visitor_send(visitor, &settings, false));
	assert_false(visitor_send(visitor, &settings, true)); /* it is away, or not heard yet */
	await(visitor, &visit);
	assert_int_equal(visit.login.outcome, PROBE_OK);
	assert_false(visit.with_census);
	assert_false(visitor_take(visitor, &visit));
	assert_true(visitor_send(visitor, &settings, true));
	await(visitor, &visit);
	assert_int_equal(visit.sessions.connected, 3);
	scripted_end();
	assert_int_equal(eventfd_write(stop_fd, 1), 0);
	assert_true(visitor_destroy(visitor));
}

static void stopped_on_its_way(void **state) {
	AUTO_CLOSE int stop_fd = eventfd(0, 0);
	struct visitor *visitor;

	(void)state;
	assert_int_equal(visitor_create(&visitor, stop_fd), 0);
	SCRIPT({"connect", .hangs = true}, {"drop"});
	assert_true(visitor_send(visitor, &settings, false));
	assert_int_equal(eventfd_write(stop_fd, 1), 0);
	assert_true(visitor_destroy(visitor));
	assert_true(visitor_destroy(NULL));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_and_out, start),
		cmocka_unit_test_setup(a_login_that_hangs, start),
		cmocka_unit_test_setup(with_a_census, start),
		cmocka_unit_test_setup(a_census_that_fails, start),
		cmocka_unit_test_setup(a_census_beside_a_crowd, start),
		cmocka_unit_test_setup(a_visit_is_cancelled, start),
		cmocka_unit_test_setup(there_and_back, start),
		cmocka_unit_test_setup(stopped_on_its_way, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
