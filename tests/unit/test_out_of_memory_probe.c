/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation of a probe fails in turn, with a scripted client library: the round or the login
 * fails and says so, asks nothing by half, and the next one is good.
 */
#include "unit.h"

#include <mysql.h>
#include <string.h>

#include "base/clock.h"
#include "config/policy.h"
#include "node/probe.h"
#include "node/verdict.h"
#include "node/visitor.h"
#include "scripted_mysql.h"
#include "shortage.h"

static const char *const variables[] = {"version", "10.11.19-MariaDB", "wsrep_on",
					"ON",	   "read_only",	       "OFF"};
static const char *const status[] = {"wsrep_local_state",    "4",	"wsrep_ready",	   "ON",
				     "wsrep_cluster_status", "Primary", "wsrep_connected", "ON"};
static const char *const selected[] = {"ON", "OFF"};

#define ROUND_THAT_CONNECTS                                                               \
	{"connect"}, {"query", "SET"},                                                    \
		{"query", "SHOW GLOBAL V", .columns = 2, .rows = 3, .values = variables}, \
		ASK_STATUS
#define ASK_STATUS \
	{ "query", "SHOW GLOBAL S", .columns = 2, .rows = 4, .values = status }
#define LATER_ROUND                                                            \
	ASK_STATUS, {                                                          \
		"query", "SELECT", .columns = 2, .rows = 1, .values = selected \
	}
#define LOGIN                      \
	{"connect", .waits = 1}, { \
		"quit"             \
	}

MYSQL *STDCALL __real_mysql_init(MYSQL *mysql);
MYSQL *STDCALL __wrap_mysql_init(MYSQL *mysql);

MYSQL *STDCALL __wrap_mysql_init(MYSQL *mysql) {
	return shortage_strikes() ? NULL : __real_mysql_init(mysql);
}

static const struct mysql_settings settings = {
	.host = "192.0.2.7", .port = 3306, .user = "checker", .timeout = 60 * NSEC_PER_SEC};
static const struct policy policy = {.max_age = NSEC_PER_SEC};
static struct facts facts;

static struct verdict judge(void) {
	return verdict(&facts, &policy, clock_now());
}

static void assert_out_of_memory(const struct probe_result *result) {
	assert_true(shortage_failures() > 0);
	assert_int_equal(result->outcome, PROBE_PROTOCOL_ERROR);
	assert_string_equal(result->error, "out of memory");
}

/* Asks again until it is good: at once, when nothing fails any more. */
static void make_good_round(struct probe *probe) {
	assert_int_equal(probe_round(probe, &facts), 0);
	if (facts.probe.outcome != PROBE_OK) {
		assert_out_of_memory(&facts.probe);
		assert_false(judge().available);
		assert_null(fact_text(&facts, FACT_LOCAL_STATE));
		shortage_end();
		assert_int_equal(probe_round(probe, &facts), 0);
	}
	assert_int_equal(facts.probe.outcome, PROBE_OK);
	assert_string_equal(fact_text(&facts, FACT_LOCAL_STATE), "4");
	assert_true(judge().available);
}

static struct probe_result log_in(void) {
	struct visit visit = {0};

	assert_int_equal(visit_make(&visit, &settings, -1), 0);
	return visit.login;
}

static void make_good_login(void) {
	struct probe_result login = log_in();

	if (login.outcome != PROBE_OK) {
		assert_out_of_memory(&login);
		shortage_end();
		login = log_in();
	}
	assert_int_equal(login.outcome, PROBE_OK);
}

static void probe_along(void *context) {
	struct probe *probe;

	(void)context;
	SCRIPT(ROUND_THAT_CONNECTS, LOGIN, LATER_ROUND, LOGIN, LATER_ROUND, {"quit"});
	shortage_begin();
	probe = probe_create(&settings, -1);
	if (!probe) {
		shortage_end();
		probe = probe_create(&settings, -1);
	}
	memset(&facts, 0, sizeof(facts));
	for (int i = 0; i < 2; i++) {
		make_good_round(probe);
		make_good_login();
	}
	make_good_round(probe);
	probe_destroy(probe);
	scripted_end();
}

static void each_allocation_of_a_probe(void **state) {
	(void)state;
	assert_int_equal(shortage_walk(probe_along, NULL, false), 1 + 3 + 3 + 3);
	assert_int_equal(shortage_walk(probe_along, NULL, true), 1 + 3 + 3 + 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_of_a_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
