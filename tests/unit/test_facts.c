/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts: the ledger, and how values of a server are read.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/facts.h"

static void numbers(void **state) {
	static const struct {
		const char *text;
		bool is_number;
		double number;
	} cases[] = {
		{"0", true, 0},
		{"4", true, 4},
		{"007", true, 7},
		{"4.0", true, 4},
		{"0.014", true, 0.014},
		{"1e3", true, 1000},
		{"1E3", true, 1000},
		{"1e+3", true, 1000},
		{"5e-3", true, 0.005},
		{"1.8446744073709552e+19", true, 18446744073709551616.0},
		{"18446744073709551615", true, 18446744073709551616.0},
		{NULL, false, 0},
		{"", false, 0},
		{" 4", false, 0},
		{"4 ", false, 0},
		{"4\n", false, 0},
		{"-1", false, 0},
		{"-0", false, 0},
		{"+4", false, 0},
		{"nan", false, 0},
		{"NAN", false, 0},
		{"inf", false, 0},
		{"infinity", false, 0},
		{"-inf", false, 0},
		{"0x10", false, 0},
		{"1e999", false, 0},
		{"1e", false, 0},
		{"1e+", false, 0},
		{"e3", false, 0},
		{".", false, 0},
		{"1.2.3", false, 0},
		{"1e3e3", false, 0},
		{"1-1", false, 0},
		{"1,000", false, 0},
		{"four", false, 0},
		{"4 nodes", false, 0},
		{"NULL", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct facts facts = {0};
		double number = -1;
		bool is_number;

		facts_set(&facts, FACT_CLUSTER_SIZE, cases[i].text);
		is_number = fact_number(&facts, FACT_CLUSTER_SIZE, &number);
		if (is_number != cases[i].is_number || (is_number && number != cases[i].number))
			fail_msg("\"%s\": %d, %g", cases[i].text ? cases[i].text : "absent",
				 is_number, number);
		if (!is_number)
			assert_true(number == -1); /* left alone */
	}
}

static void flags(void **state) {
	static const struct {
		const char *text;
		bool on, off;
	} cases[] = {
		{"ON", true, false},   {"on", true, false},	  {"1", true, false},
		{"YES", true, false},  {"TRUE", true, false},	  {"OFF", false, true},
		{"off", false, true},  {"0", false, true},	  {NULL, false, false},
		{"", false, false},    {"2", false, false},	  {"ON ", false, false},
		{" ON", false, false}, {"OFFLINE", false, false}, {"ONLY", false, false},
		{"00", false, false},  {"NO_LOCK", false, false}, {"-1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct facts facts = {0};

		facts_set(&facts, FACT_READY, cases[i].text);
		if (fact_is_on(&facts, FACT_READY) != cases[i].on ||
		    fact_is_off(&facts, FACT_READY) != cases[i].off)
			fail_msg("\"%s\"", cases[i].text ? cases[i].text : "absent");
	}
}

static void absent_and_empty_differ(void **state) {
	struct facts facts = {0};

	(void)state;
	assert_null(fact_text(&facts, FACT_READ_ONLY));
	assert_false(fact_is(&facts, FACT_READ_ONLY, ""));
	facts_set(&facts, FACT_READ_ONLY, "");
	assert_string_equal(fact_text(&facts, FACT_READ_ONLY), "");
	assert_true(fact_is(&facts, FACT_READ_ONLY, ""));
	facts_set(&facts, FACT_READ_ONLY, "ON");
	assert_true(fact_is(&facts, FACT_READ_ONLY, "on"));
	assert_false(fact_is(&facts, FACT_READ_ONLY, "O"));
	facts_set(&facts, FACT_READ_ONLY, NULL);
	assert_null(fact_text(&facts, FACT_READ_ONLY));
	assert_false(fact_is(&facts, FACT_READ_ONLY, ""));
	assert_false(fact_is(&facts, FACT_READ_ONLY, "ON"));
}

/* SELECT says 1 where SHOW says ON: a change of the question must not look like one of the node. */
static void flags_have_one_spelling(void **state) {
	struct facts facts = {0};

	(void)state;
	facts_set(&facts, FACT_READ_ONLY, "1");
	assert_string_equal(fact_text(&facts, FACT_READ_ONLY), "ON");
	facts_set(&facts, FACT_READ_ONLY, "0");
	assert_string_equal(fact_text(&facts, FACT_READ_ONLY), "OFF");
	facts_set(&facts, FACT_READ_ONLY, "NO_LOCK");
	assert_string_equal(fact_text(&facts, FACT_READ_ONLY), "NO_LOCK");
	facts_set(&facts, FACT_CLUSTER_SIZE, "1");
	assert_string_equal(fact_text(&facts, FACT_CLUSTER_SIZE), "1");
	facts_set(&facts, FACT_NODE_NAME, "0");
	assert_string_equal(fact_text(&facts, FACT_NODE_NAME), "0");
}

/* A value that had to be cut must not turn into one that is accepted. */
static void long_values_are_cut(void **state) {
	struct facts facts = {0};
	char value[2 * FACT_TEXT_SIZE];

	(void)state;
	memset(value, '0', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	facts_set(&facts, FACT_CLUSTER_NAME, value);
	assert_int_equal(strlen(fact_text(&facts, FACT_CLUSTER_NAME)), FACT_TEXT_SIZE - 1);
	memset(value, ' ', sizeof(value) - 1);
	memcpy(value, "ON", 2);
	facts_set(&facts, FACT_READY, value);
	assert_false(fact_is_on(&facts, FACT_READY));
}

static void every_fact_is_found_by_its_name(void **state) {
	enum fact_id found;

	(void)state;
	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		assert_non_null(fact_info(id)->name);
		assert_int_equal(fact_find(fact_info(id)->name, &found), 0);
		assert_int_equal(found, id);
	}
	assert_int_equal(fact_find("WSREP_Local_STATE", &found), 0);
	assert_int_equal(found, FACT_LOCAL_STATE);
	found = FACT_READY;
	assert_int_equal(fact_find("wsrep_local", &found), -ENOENT);
	assert_int_equal(fact_find("", &found), -ENOENT);
	assert_int_equal(found, FACT_READY);
}

/* What moves with traffic would otherwise fill the log. */
static void counters_are_no_news(void **state) {
	(void)state;
	assert_true(fact_info(FACT_LAST_COMMITTED)->volatile_value);
	assert_true(fact_info(FACT_LOCAL_RECV_QUEUE)->volatile_value);
	assert_true(fact_info(FACT_FLOW_CONTROL_PAUSED_NS)->volatile_value);
	assert_false(fact_info(FACT_LOCAL_STATE)->volatile_value);
	assert_false(fact_info(FACT_DESYNC_COUNT)->volatile_value);
	assert_false(fact_info(FACT_READ_ONLY)->volatile_value);
}

/* wsrep_on is a variable, wsrep_ready is a status value: asked for elsewhere, they are not found.
 */
static void facts_are_asked_for_where_they_are(void **state) {
	static const char *const variables[] = {
		"wsrep_on",	   "wsrep_reject_queries", "wsrep_sst_method",
		"read_only",	   "super_read_only",	   "offline_mode",
		"pxc_maint_mode",  "wsrep_cluster_name",   "wsrep_sst_donor_rejects_queries",
		"wsrep_node_name", "wsrep_node_address",
	};
	size_t count = 0;
	enum fact_id id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		assert_int_equal(fact_find(variables[i], &id), 0);
		assert_int_equal(fact_info(id)->source, FACT_VARIABLE);
	}
	for (id = 0; id < FACT_COUNT; id++)
		count += fact_info(id)->source == FACT_VARIABLE;
	assert_int_equal(count, ARRAY_SIZE(variables));
}

static void flavours(void **state) {
	static const struct {
		const char *version, *comment;
		bool has_pxc, has_wsrep;
		enum flavour expected;
		const char *name;
	} cases[] = {
		{"10.11.19-MariaDB-deb12", "Debian 12", false, true, FLAVOUR_MARIADB, "MariaDB"},
		{"11.4.2-mariadb", "", false, false, FLAVOUR_MARIADB, "MariaDB"},
		{"10.6.1", "mariadb.org binary distribution", false, true, FLAVOUR_MARIADB,
		 "MariaDB"},
		{"8.0.36-28.1", "Percona XtraDB Cluster (GPL), Release rel28", true, true,
		 FLAVOUR_PXC, "PXC"},
		{"8.0.36-28.1", "Percona XtraDB Cluster (GPL), Release rel28", false, false,
		 FLAVOUR_PXC, "PXC"},
		{"8.0.36-28.1", "built from source", true, true, FLAVOUR_PXC, "PXC"},
		{"8.0.35", "MySQL Community Server - GPL, wsrep_26.4.19", false, true,
		 FLAVOUR_CODERSHIP, "Codership"},
		{"9.7.0", "MySQL Community Server - GPL", false, false, FLAVOUR_MYSQL, "MySQL"},
		{"8.0.36-28", "Percona Server (GPL), Release 28", false, false, FLAVOUR_MYSQL,
		 "MySQL"},
		{"", "", false, false, FLAVOUR_UNKNOWN, "unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum flavour flavour = flavour_of(cases[i].version, cases[i].comment,
						  cases[i].has_pxc, cases[i].has_wsrep);

		assert_int_equal(flavour, cases[i].expected);
		assert_string_equal(flavour_name(flavour), cases[i].name);
	}
}

static void outcomes_have_names(void **state) {
	static const char *const names[PROBE_OUTCOME_COUNT] = {
		"never",
		"ok",
		"unreachable",
		"refused",
		"timeout",
		"access-denied",
		"too-many-connections",
		"protocol-error",
		"not-ready",
	};

	(void)state;
	for (int i = 0; i < PROBE_OUTCOME_COUNT; i++)
		assert_string_equal(probe_outcome_name((enum probe_outcome)i), names[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(flags),
		cmocka_unit_test(absent_and_empty_differ),
		cmocka_unit_test(flags_have_one_spelling),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(every_fact_is_found_by_its_name),
		cmocka_unit_test(counters_are_no_news),
		cmocka_unit_test(facts_are_asked_for_where_they_are),
		cmocka_unit_test(flavours),
		cmocka_unit_test(outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
