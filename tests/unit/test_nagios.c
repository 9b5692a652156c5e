/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitoring plugin prints: states, the line, performance data, escaping, members.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "view/nagios.h"

#define OUTPUT_SIZE 8192

static struct facts facts;
static struct nagios_limits limits;
static struct nagios_subject subject;
static char output[OUTPUT_SIZE];

/* A Synced node of a cluster of three, and no limits. */
static int set_up(void **state) {
	(void)state;
	memset(&facts, 0, sizeof(facts));
	memset(&limits, 0, sizeof(limits));
	facts.probe.outcome = facts.login.outcome = PROBE_OK;
	facts.probed_at = 1;
	facts.took = 1250 * NSEC_PER_MSEC / 1000;
	facts.flavour = FLAVOUR_MARIADB;
	facts_set(&facts, FACT_NODE_NAME, "node1");
	facts_set(&facts, FACT_NODE_ADDRESS, "192.0.2.1");
	facts_set(&facts, FACT_LOCAL_STATE, "4");
	facts_set(&facts, FACT_LOCAL_STATE_COMMENT, "Synced");
	facts_set(&facts, FACT_CLUSTER_SIZE, "3");
	facts_set(&facts, FACT_LOCAL_RECV_QUEUE, "0");
	facts_set(&facts, FACT_READ_ONLY, "OFF");
	facts_set(&facts, FACT_INCOMING_ADDRESSES, "192.0.2.1:3306,192.0.2.2:3306,192.0.2.3:3306");
	facts.flow_control_known = true;
	subject = (struct nagios_subject){
		.facts = &facts, .reason = REASON_AVAILABLE, .missing = "", .source = "a test"};
	return 0;
}

static enum nagios_state write_all(int verbosity) {
	struct text out;

	text_init(&out, output, sizeof(output));
	return nagios_write(&out, &subject, &limits, verbosity);
}

static void expect(enum nagios_state state, const char *line) {
	enum nagios_state found = write_all(0);

	assert_string_equal(output, line);
	assert_int_equal(found, state);
}

static void expect_part(enum nagios_state state, const char *part) {
	enum nagios_state found = write_all(0);

	if (!strstr(output, part))
		fail_msg("no \"%s\" in: %s", part, output);
	assert_int_equal(found, state);
}

static void set_range(struct range *range, const char *text) {
	assert_int_equal(range_parse(range, text), 0);
}

/* --- the line ------------------------------------------------------------------------------- */

static void a_good_node(void **state) {
	(void)state;
	expect(NAGIOS_OK,
	       "GALERA OK - node1 is Synced, 3 members, receive queue 0, flow control 0% "
	       "| size=3;;;0; recv_queue=0;;;0; flow_control=0%;;;0;100 "
	       "probe_time=0.00125s;;;0;\n");
	limits.expected_size = 3;
	set_range(&limits.size.warning, "2:");
	set_range(&limits.size.critical, "1:");
	set_range(&limits.recv_queue.warning, "@100:200");
	set_range(&limits.flow_control.critical, "~:10");
	facts_set(&facts, FACT_LAST_COMMITTED, "9223372036854774784");
	facts.flow_control = 0.0123456;
	expect(NAGIOS_OK,
	       "GALERA OK - node1 is Synced, 3 of 3 members, receive queue 0, flow control 1.2% "
	       "| size=3;2:;1:;0; recv_queue=0;@100:200;;0; flow_control=1.23456%;;~:10;0;100 "
	       "last_committed=9223372036854774784c;;;0; probe_time=0.00125s;;;0;\n");
}

static void what_is_absent_is_left_out(void **state) {
	(void)state;
	facts.flow_control_known = false;
	facts_set(&facts, FACT_NODE_NAME, NULL);
	facts_set(&facts, FACT_LOCAL_RECV_QUEUE, NULL);
	facts_set(&facts, FACT_CLUSTER_SIZE, "1");
	expect(NAGIOS_OK, "GALERA OK - MariaDB is Synced, 1 member "
			  "| size=1;;;0; probe_time=0.00125s;;;0;\n");
}

static void a_server_without_galera(void **state) {
	(void)state;
	facts_set(&facts, FACT_CLUSTER_SIZE, "0"); /* what a MariaDB with wsrep_on=OFF shows */
	subject.reason = REASON_NOT_GALERA;
	set_range(&limits.size.critical, "1:");
	expect(NAGIOS_CRITICAL, "GALERA CRITICAL - not-galera: the server has no wsrep, or "
				"wsrep_on is OFF\n");
}

static void values_that_are_not_there(void **state) {
	(void)state;
	memset(facts.values, 0, sizeof(facts.values));
	facts.flow_control_known = false;
	subject.reason = REASON_NOT_READY;
	set_range(&limits.size.critical, "1:");
	expect(NAGIOS_CRITICAL,
	       "GALERA CRITICAL - not-ready: wsrep_ready or wsrep_connected is not ON; cluster "
	       "size is not known; MariaDB is in no known state | probe_time=0.00125s;;;0;\n");
}

static void without_an_answer_there_is_no_performance(void **state) {
	(void)state;
	memset(&facts, 0, sizeof(facts));
	facts.probe = (struct probe_result){PROBE_REFUSED, 2002, "Can't connect (111)"};
	subject.reason = REASON_REFUSED;
	set_range(&limits.size.critical, "1:");
	subject.missing = "192.0.2.2";
	expect(NAGIOS_CRITICAL, "GALERA CRITICAL - refused: Can't connect (111)\n");
}

static void a_state_transfer_is_told(void **state) {
	(void)state;
	memset(&facts, 0, sizeof(facts));
	subject.now = 100 * NSEC_PER_SEC;
	facts.probe = (struct probe_result){PROBE_UNREACHABLE, 2002, "Can't connect (2)"};
	facts.transfer = (struct transfer){.receiving = true,
					   .comment = "Receiving SST | \n",
					   .has_progress = true,
					   .progress = 0.42,
					   .written = 40 * NSEC_PER_SEC};
	subject.reason = REASON_JOINING;
	expect(NAGIOS_CRITICAL, "GALERA CRITICAL - joining: receiving state transfer, 42 % "
				"(Receiving SST \\x7c \\n), told 1 min 00 s ago\n");
}

/* A stale snapshot may say anything. */
static void old_facts_are_not_judged(void **state) {
	(void)state;
	subject.reason = REASON_STALE;
	limits.expected_size = 5;
	expect(NAGIOS_CRITICAL, "GALERA CRITICAL - stale: the last probe is older than max_age\n");
}

static void a_failed_login_tells_why(void **state) {
	(void)state;
	facts.login = (struct probe_result){PROBE_ACCESS_DENIED, 1045, "Access denied"};
	subject.reason = REASON_LOGIN_FAILING;
	expect_part(NAGIOS_CRITICAL, "GALERA CRITICAL - login-failing: Access denied; node1 is");
}

/* --- states --------------------------------------------------------------------------------- */

static void every_reason_has_its_state(void **state) {
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		enum nagios_state expected = NAGIOS_CRITICAL;
		char part[64];

		set_up(state);
		subject.reason = reason;
		if (reason == REASON_AVAILABLE)
			expected = NAGIOS_OK;
		if (reason == REASON_STARTING)
			expected = NAGIOS_UNKNOWN;
		if (reason == REASON_DISABLED || reason == REASON_DRAINING ||
		    reason == REASON_MAINTENANCE || reason == REASON_DONOR ||
		    reason == REASON_READ_ONLY)
			expected = NAGIOS_WARNING;
		snprintf(part, sizeof(part), " - %s: ", reason_name(reason));
		if (reason == REASON_AVAILABLE)
			assert_int_equal(write_all(0), NAGIOS_OK);
		else
			expect_part(expected, part);
	}
}

static void donor_counts_as_chosen(void **state) {
	static const enum nagios_state states[] = {NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL};

	(void)state;
	facts_set(&facts, FACT_LOCAL_STATE, "2");
	assert_int_equal(write_all(0), NAGIOS_OK); /* the policy lets it pass */
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		limits.donor = (struct nagios_choice){true, states[i]};
		subject.reason = REASON_AVAILABLE;
		assert_int_equal(write_all(0), states[i]);
		assert_true((strstr(output, "- donor: ") != NULL) == (states[i] != NAGIOS_OK));
		subject.reason = REASON_DONOR;
		expect_part(states[i], " - donor: the node is a donor");
	}
	facts_set(&facts, FACT_LOCAL_STATE, "4");
	subject.reason = REASON_AVAILABLE;
	assert_int_equal(write_all(0), NAGIOS_OK);
}

static void read_only_counts_as_chosen(void **state) {
	(void)state;
	facts_set(&facts, FACT_READ_ONLY, "ON");
	assert_int_equal(write_all(0), NAGIOS_OK);
	limits.read_only = (struct nagios_choice){true, NAGIOS_CRITICAL};
	expect_part(NAGIOS_CRITICAL, " - read-only: ");
	facts_set(&facts, FACT_READ_ONLY, "OFF");
	assert_int_equal(write_all(0), NAGIOS_OK);
	facts_set(&facts, FACT_SUPER_READ_ONLY, "ON");
	expect_part(NAGIOS_CRITICAL, " - read-only: ");
	limits.read_only.state = NAGIOS_OK;
	subject.reason = REASON_READ_ONLY;
	expect_part(NAGIOS_OK, "GALERA OK - read-only: ");
}

static void thresholds(void **state) {
	(void)state;
	set_range(&limits.size.warning, "3:4");
	set_range(&limits.size.critical, "2:");
	facts_set(&facts, FACT_CLUSTER_SIZE, "2");
	expect_part(NAGIOS_WARNING, "- small-cluster: cluster size 2 (warning: 3:4); node1 is");
	facts_set(&facts, FACT_CLUSTER_SIZE, "1");
	expect_part(NAGIOS_CRITICAL, "- small-cluster: cluster size 1 (critical: 2:); node1 is");
	facts_set(&facts, FACT_CLUSTER_SIZE, "5");
	expect_part(NAGIOS_WARNING, "- cluster size 5 (warning: 3:4); node1 is");
	facts_set(&facts, FACT_CLUSTER_SIZE, "3");
	set_range(&limits.recv_queue.warning, "10");
	set_range(&limits.flow_control.critical, "5");
	facts_set(&facts, FACT_LOCAL_RECV_QUEUE, "11");
	expect_part(NAGIOS_WARNING, "- recv-queue: receive queue 11 (warning: 10); node1");
	facts.flow_control = 0.0625;
	expect_part(NAGIOS_CRITICAL, "- recv-queue: receive queue 11 (warning: 10); "
				     "flow-control: flow control 6.25% (critical: 5); node1");
	facts.flow_control_known = false;
	facts_set(&facts, FACT_LOCAL_RECV_QUEUE, "0");
	expect_part(NAGIOS_UNKNOWN, "GALERA UNKNOWN - flow control is not known; node1");
	limits.expected_size = 4; /* a warning is worse than not knowing */
	expect_part(NAGIOS_WARNING, "small-cluster: 3 of 4 members");
}

/* --- members -------------------------------------------------------------------------------- */

static void members_are_found(void **state) {
	static const struct {
		const char *peer;
		bool is_there;
	} cases[] = {
		{"192.0.2.1", true},
		{"192.0.2.3:3306", true},
		{"192.0.2.3:3307", false},
		{"192.0.2.30", false},
		{"192.0.2", false},
		{"2001:db8::2", true},
		{"[2001:db8::2]", false},
		{"2001:DB8:0::2", true},
		{"[2001:db8::2]:3306", true},
		{"db4.example", true},
		{"DB4.Example", true},
		{"db4", false},
		{"node1", true},
		{"node2", false},
		{"10.0.0.9", true},
		{"", false},
		{":3306", false},
		{"3306", false},
	};

	(void)state;
	facts_set(&facts, FACT_NODE_ADDRESS, "10.0.0.9");
	facts_set(&facts, FACT_INCOMING_ADDRESSES,
		  "192.0.2.1:3306,192.0.2.3:3306,[2001:db8::2]:3306,db4.example:3306,");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (nagios_has_member(&facts, cases[i].peer) != cases[i].is_there)
			fail_msg("\"%s\": expected %d", cases[i].peer, cases[i].is_there);
}

static void nobody_is_a_member_of_nothing(void **state) {
	(void)state;
	memset(facts.values, 0, sizeof(facts.values));
	assert_false(nagios_has_member(&facts, "192.0.2.1"));
	assert_false(nagios_has_member(&facts, ""));
}

static void missing_members_are_named(void **state) {
	char list[FACT_TEXT_SIZE + 44];

	(void)state;
	subject.missing = "192.0.2.4, db5";
	expect_part(NAGIOS_WARNING, "GALERA WARNING - missing 192.0.2.4, db5; node1 is Synced");
	memset(list, '1', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	facts_set(&facts, FACT_INCOMING_ADDRESSES, list);
	expect_part(NAGIOS_UNKNOWN, "cannot tell whether 192.0.2.4, db5 is missing");
}

/* --- bytes ---------------------------------------------------------------------------------- */

static void hostile_names_stay_one_line(void **state) {
	(void)state;
	facts_set(&facts, FACT_NODE_NAME, "a|b\nc\033[2J\x7f'\"<\xc3\xa9");
	expect_part(NAGIOS_OK, "GALERA OK - a\\x7cb\\nc\\x1b[2J\\x7f'\"<\xc3\xa9 is Synced");
	assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
	assert_ptr_equal(strchr(output, '|'), strrchr(output, '|'));
	write_all(3);
	assert_ptr_equal(strchr(output, '|'), strrchr(output, '|'));
}

static void numbers_have_no_exponent(void **state) {
	(void)state;
	facts_set(&facts, FACT_LOCAL_RECV_QUEUE, "1e+20");
	facts.flow_control = 1e-9;
	expect_part(NAGIOS_OK, "recv_queue=100000000000000000000;;;0; flow_control=0%;");
}

static void long_texts_are_cut_whole(void **state) {
	char missing[6000];

	(void)state;
	memset(missing, '\n', sizeof(missing) - 1);
	missing[sizeof(missing) - 1] = '\0';
	subject.missing = missing;
	assert_int_equal(write_all(3), NAGIOS_WARNING);
	assert_true(strlen(output) < OUTPUT_SIZE);
}

static void long_output(void **state) {
	(void)state;
	write_all(0);
	assert_null(strstr(output, "wsrep_local_state: 4"));
	write_all(1);
	assert_non_null(strstr(output, "\nwsrep_local_state: 4\n"));
	assert_non_null(strstr(output, "\nwsrep_node_name: node1\n"));
	assert_null(strstr(output, "\nasked: "));
	subject.document = "{\"a\":\n1|2}";
	write_all(2);
	assert_non_null(strstr(output, "\nasked: a test\nreason: available\nflavour: MariaDB\n"));
	assert_non_null(strstr(output, "\nprobe: ok\nlogin: ok\n"));
	assert_null(strstr(output, "document"));
	write_all(3);
	assert_non_null(strstr(output, "\ndocument: {\"a\":\\n1\\x7c2}\n"));
}

static void a_line_without_a_node(void **state) {
	struct text out;

	(void)state;
	text_init(&out, output, sizeof(output));
	nagios_write_line(&out, NAGIOS_UNKNOWN, "no such | file\n");
	assert_string_equal(output, "GALERA UNKNOWN - no such \\x7c file\\n\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_node, set_up),
		cmocka_unit_test_setup(what_is_absent_is_left_out, set_up),
		cmocka_unit_test_setup(a_server_without_galera, set_up),
		cmocka_unit_test_setup(values_that_are_not_there, set_up),
		cmocka_unit_test_setup(without_an_answer_there_is_no_performance, set_up),
		cmocka_unit_test_setup(a_state_transfer_is_told, set_up),
		cmocka_unit_test_setup(old_facts_are_not_judged, set_up),
		cmocka_unit_test_setup(a_failed_login_tells_why, set_up),
		cmocka_unit_test_setup(every_reason_has_its_state, set_up),
		cmocka_unit_test_setup(donor_counts_as_chosen, set_up),
		cmocka_unit_test_setup(read_only_counts_as_chosen, set_up),
		cmocka_unit_test_setup(thresholds, set_up),
		cmocka_unit_test_setup(members_are_found, set_up),
		cmocka_unit_test_setup(nobody_is_a_member_of_nothing, set_up),
		cmocka_unit_test_setup(missing_members_are_named, set_up),
		cmocka_unit_test_setup(hostile_names_stay_one_line, set_up),
		cmocka_unit_test_setup(numbers_have_no_exponent, set_up),
		cmocka_unit_test_setup(long_texts_are_cut_whole, set_up),
		cmocka_unit_test_setup(long_output, set_up),
		cmocka_unit_test_setup(a_line_without_a_node, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
