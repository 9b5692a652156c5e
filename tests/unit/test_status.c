/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status: JSON that every reader can read, whatever a server says, and the screen made from it.
 */
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "view/screen.h"
#include "view/status.h"
#include "view/status_reader.h"

#define NOW (1000 * NSEC_PER_SEC)
#define WALL (INT64_C(1769903999) * NSEC_PER_SEC)

static struct report report;

static void add_endpoint(const char *path, uint64_t min_cluster_size) {
	struct endpoint *endpoint =
		&report.snapshot.endpoints.items[report.snapshot.endpoints.count++];

	text_copy(endpoint->path, sizeof(endpoint->path), path);
	endpoint->policy.max_age = 2 * NSEC_PER_SEC;
	endpoint->policy.read_only = ADMISSION_AVAILABLE;
	endpoint->policy.saturated = ADMISSION_AVAILABLE;
	endpoint->policy.min_cluster_size = min_cluster_size;
}

/* A healthy node, probed a quarter of a second ago; "/big" wants five members and has three. */
static int begin(void **state) {
	struct facts *facts = &report.snapshot.facts;
	struct change changes[ENDPOINT_MAX];

	(void)state;
	memset(&report, 0, sizeof(report));
	report.now = NOW;
	report.wall = WALL + NSEC_PER_SEC;
	report.snapshot.generation = 2;
	add_endpoint("/", 0);
	add_endpoint("/big", 5);
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	facts->probed_at = NOW - 250 * NSEC_PER_MSEC;
	facts->probed_wall = WALL;
	facts->took = 1500000;
	facts->totals.probes[PROBE_OK] = 40;
	facts->totals.probes[PROBE_TIMEOUT] = 2;
	facts->totals.logins[PROBE_OK] = 7;
	facts->flavour = FLAVOUR_MARIADB;
	strcpy(facts->server_version, "10.11.19-MariaDB");
	facts_set(facts, FACT_CLUSTER_STATUS, "Primary");
	facts_set(facts, FACT_READY, "ON");
	facts_set(facts, FACT_CONNECTED, "ON");
	facts_set(facts, FACT_LOCAL_STATE, "4");
	facts_set(facts, FACT_LOCAL_STATE_COMMENT, "Synced");
	facts_set(facts, FACT_CLUSTER_SIZE, "3");
	facts_set(facts, FACT_LOCAL_INDEX, "18446744073709551615");
	facts_set(facts, FACT_WSREP_ON, "ON");
	facts_set(facts, FACT_READ_ONLY, "OFF");
	facts_set(facts, FACT_SUPER_READ_ONLY, "garbage");
	facts_set(facts, FACT_NODE_NAME, "");
	facts->flow_control_known = true;
	facts->flow_control = 0.125;
	history_set_endpoints(&report.history, &report.snapshot.endpoints, NOW - NSEC_PER_SEC,
			      WALL);
	history_update(&report.history, &report.snapshot.endpoints, facts, NOW, WALL + NSEC_PER_SEC,
		       changes);
	return 0;
}

static json_t *parse(char *bytes) {
	json_error_t error;
	json_t *root;

	assert_non_null(bytes);
	/* jansson itself refuses what is no UTF-8, and here also a name that stands twice */
	root = json_loads(bytes, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s in %s", error.text, bytes);
	free(bytes);
	return root;
}

static json_t *status(void) {
	return parse(status_json(&report, false));
}

static json_t *at(json_t *object, const char *name) {
	json_t *value = json_object_get(object, name);

	if (!value)
		fail_msg("%s is missing", name);
	return value;
}

static void expect_text(json_t *object, const char *name, const char *expected) {
	assert_true(json_is_string(at(object, name)));
	assert_string_equal(json_string_value(at(object, name)), expected);
}

static void expect_integer(json_t *object, const char *name, json_int_t expected) {
	assert_true(json_is_integer(at(object, name)));
	assert_true(json_integer_value(at(object, name)) == expected);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void the_verdicts(void **state) {
	json_t *root = status();
	json_t *first = at(at(root, "endpoints"), "/");
	json_t *second = at(at(root, "endpoints"), "/big");

	(void)state;
	expect_integer(root, "schema", 1);
	expect_text(root, "version", VERSION);
	assert_int_equal(json_object_size(at(root, "endpoints")), 2);
	assert_true(json_is_true(at(first, "available")));
	expect_integer(first, "http_status", 200);
	expect_text(first, "reason", "available");
	expect_text(first, "since", "2026-02-01T00:00:00.000Z");
	assert_true(json_is_false(at(second, "available")));
	expect_integer(second, "http_status", 503);
	expect_text(second, "reason", "small-cluster");
	json_decref(root);
}

static void the_probe(void **state) {
	json_t *root = status();
	json_t *probe = at(root, "probe");

	(void)state;
	expect_text(probe, "outcome", "ok");
	expect_text(probe, "time", "2026-01-31T23:59:59.000Z");
	assert_true(json_real_value(at(probe, "duration_ms")) == 1.5);
	expect_integer(probe, "rounds", 42);
	expect_integer(probe, "logins", 7);
	expect_text(at(probe, "login"), "outcome", "ok");
	assert_true(json_real_value(at(root, "age_ms")) == 250);
	expect_text(at(root, "node"), "flavour", "MariaDB");
	expect_text(at(root, "node"), "server_version", "10.11.19-MariaDB");
	json_decref(root);
}

static void the_facts(void **state) {
	json_t *root = status();
	json_t *facts = at(root, "facts");

	(void)state;
	expect_integer(at(facts, "wsrep_local_state"), "value", 4);
	expect_integer(at(facts, "wsrep_cluster_size"), "value", 3);
	expect_text(at(facts, "wsrep_cluster_status"), "value", "Primary");
	/* more than the integers of JSON readers hold */
	expect_text(at(facts, "wsrep_local_index"), "value", "18446744073709551615");
	assert_true(json_is_true(at(at(facts, "wsrep_ready"), "value")));
	assert_true(json_is_false(at(at(facts, "read_only"), "value")));
	/* what is neither on nor off stays what it is */
	expect_text(at(facts, "super_read_only"), "value", "garbage");
	expect_text(at(facts, "wsrep_node_name"), "value", "");
	assert_true(json_real_value(at(at(facts, "flow_control_paused"), "value")) == 0.125);
	expect_text(at(facts, "wsrep_cluster_size"), "unit", "members");
	assert_null(json_object_get(at(facts, "wsrep_ready"), "unit"));
	assert_null(json_object_get(facts, "pxc_maint_mode"));
	assert_null(json_object_get(facts, "wsrep_local_recv_queue"));
	json_decref(root);
}

static void the_history(void **state) {
	json_t *root = status();
	json_t *changes = at(root, "history");

	(void)state;
	assert_int_equal(json_array_size(changes), 2);
	/* the newest first */
	expect_text(json_array_get(changes, 0), "endpoint", "/big");
	expect_text(json_array_get(changes, 0), "new", "small-cluster");
	expect_text(json_array_get(changes, 1), "endpoint", "/");
	expect_text(json_array_get(changes, 1), "old", "starting");
	expect_text(json_array_get(changes, 1), "new", "available");
	expect_text(json_array_get(changes, 1), "time", "2026-02-01T00:00:00.000Z");
	expect_text(json_array_get(changes, 1), "what", "probe ok, login ok");
	assert_true(json_real_value(at(json_array_get(changes, 1), "held_ms")) == 1000);
	json_decref(root);
}

static void a_long_history_is_bounded(void **state) {
	struct change changes[ENDPOINT_MAX];
	json_t *root;

	(void)state;
	for (int i = 0; i < 2 * HISTORY_SIZE + 3; i++) {
		facts_set(&report.snapshot.facts, FACT_READY, i % 2 ? "ON" : "OFF");
		history_update(&report.history, &report.snapshot.endpoints, &report.snapshot.facts,
			       NOW + i, WALL + i, changes);
	}
	root = status();
	assert_true(json_array_size(at(root, "history")) <= HISTORY_SIZE);
	expect_text(json_array_get(at(root, "history"), 0), "new", "not-ready");
	json_decref(root);
}

static void nothing_known_yet(void **state) {
	json_t *root;

	(void)state;
	memset(&report.snapshot.facts, 0, sizeof(report.snapshot.facts));
	root = status();
	expect_text(at(at(root, "endpoints"), "/"), "reason", "starting");
	assert_null(json_object_get(root, "age_ms"));
	assert_null(json_object_get(at(root, "probe"), "time"));
	expect_text(at(root, "probe"), "outcome", "never");
	assert_int_equal(json_object_size(at(root, "facts")), 0);
	json_decref(root);
}

/* Age is the reader's: the same snapshot, asked later, says stale. */
static void stale_facts_say_so(void **state) {
	json_t *root;

	(void)state;
	report.now = NOW + 2 * NSEC_PER_SEC;
	root = status();
	expect_text(at(at(root, "endpoints"), "/"), "reason", "stale");
	assert_true(json_real_value(at(root, "age_ms")) == 2250);
	json_decref(root);
}

static void failures_have_code_and_error(void **state) {
	json_t *root;

	(void)state;
	report.snapshot.facts.probe =
		(struct probe_result){PROBE_ACCESS_DENIED, 1045, "Access denied for user"};
	root = status();
	expect_text(at(root, "probe"), "outcome", "access-denied");
	expect_integer(at(root, "probe"), "code", 1045);
	expect_text(at(root, "probe"), "error", "Access denied for user");
	json_decref(root);
}

/* --- hostile servers ------------------------------------------------------------------------ */

static void hostile_strings(void **state) {
	static const struct {
		const char *said, *shown; /* NULL: as it was said */
	} cases[] = {
		{"\"", NULL},
		{"\",\"available\":true,\"x\":\"", NULL},
		{"\\", NULL},
		{"\\u0000", NULL},
		{"a\nb\r\nc\td", NULL},
		{"\x01\x1b[31m\x7f", NULL},
		{"</script>", NULL},
		{"%s%n%d", NULL},
		{"Zürich→", NULL},
		{"\xf0\x9f\x98\x80", NULL},
		{"\xff", "?"},
		{"a\x80z", "a?z"},
		{"Z\xfcrich", "Z?rich"},
		{"\xc3", "?"},
		{"\xc0\xaf", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xf5\x80\x80\x80", "????"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *shown = cases[i].shown ? cases[i].shown : cases[i].said;
		json_t *root;

		facts_set(&report.snapshot.facts, FACT_NODE_NAME, cases[i].said);
		text_copy(report.snapshot.facts.server_version,
			  sizeof(report.snapshot.facts.server_version), cases[i].said);
		text_copy(report.snapshot.facts.probe.error,
			  sizeof(report.snapshot.facts.probe.error), cases[i].said);
		text_copy(report.history.changes[1].what, sizeof(report.history.changes[1].what),
			  cases[i].said);
		root = status();
		expect_text(at(at(root, "facts"), "wsrep_node_name"), "value", shown);
		expect_text(at(root, "node"), "name", shown);
		expect_text(at(root, "node"), "server_version", shown);
		expect_text(at(root, "probe"), "error", shown);
		expect_text(json_array_get(at(root, "history"), 0), "what", shown);
		json_decref(root);
	}
}

/* A value of 127 bytes that was cut in the middle of a character. */
static void values_may_be_cut_anywhere(void **state) {
	char said[2 * FACT_TEXT_SIZE] = "";

	(void)state;
	while (strlen(said) < FACT_TEXT_SIZE + 3)
		strcat(said, "\xe2\x86\x92");
	for (size_t skip = 0; skip < 3; skip++) {
		json_t *root;

		facts_set(&report.snapshot.facts, FACT_NODE_NAME, said + skip);
		assert_int_equal(strlen(fact_text(&report.snapshot.facts, FACT_NODE_NAME)),
				 FACT_TEXT_SIZE - 1);
		root = status();
		assert_int_equal(
			json_string_length(at(at(at(root, "facts"), "wsrep_node_name"), "value")),
			FACT_TEXT_SIZE - 1);
		json_decref(root);
	}
}

/* --- the one-shot command ------------------------------------------------------------------- */

static void one_verdict_on_one_line(void **state) {
	char *bytes = status_verdict_json("/big", &report.snapshot.facts,
					  &report.snapshot.endpoints.items[1].policy, NOW);
	json_t *root;

	(void)state;
	assert_non_null(bytes);
	assert_null(strchr(bytes, '\n'));
	root = parse(bytes);
	expect_text(root, "endpoint", "/big");
	expect_text(root, "reason", "small-cluster");
	assert_true(json_is_false(at(root, "available")));
	expect_integer(root, "http_status", 503);
	expect_integer(at(at(root, "facts"), "wsrep_cluster_size"), "value", 3);
	expect_text(at(root, "probe"), "outcome", "ok");
	json_decref(root);
}

/* The 404s are the daemon's alone. */
static void one_verdict_knows_no_404(void **state) {
	json_t *root;

	(void)state;
	facts_set(&report.snapshot.facts, FACT_PXC_MAINT_MODE, "MAINTENANCE");
	root = parse(status_verdict_json("/", &report.snapshot.facts,
					 &report.snapshot.endpoints.items[0].policy, NOW));
	expect_text(root, "reason", "maintenance");
	expect_integer(root, "http_status", 503);
	json_decref(root);
	root = status();
	expect_integer(at(at(root, "endpoints"), "/"), "http_status", 404);
	json_decref(root);
}

/* --- the screen ----------------------------------------------------------------------------- */

static char *print(const char *json, int *result) {
	char *bytes = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&bytes, &size);

	assert_non_null(stream);
	*result = screen_print(json, false, stream);
	fclose(stream);
	return bytes;
}

static char *print_status(void) {
	char *json = status_json(&report, false);
	char *bytes;
	int r;

	assert_non_null(json);
	bytes = print(json, &r);
	free(json);
	assert_int_equal(r, 0);
	return bytes;
}

static void the_screen_shows_errors(void **state) {
	AUTO_FREE char *bytes = NULL;

	(void)state;
	report.snapshot.facts.probe =
		(struct probe_result){PROBE_REFUSED, 2002, "Can't connect (111)"};
	bytes = print_status();
	assert_non_null(strstr(bytes, "probe refused 250 ms ago"));
	assert_non_null(strstr(bytes, "\n  probe: Can't connect (111)\n"));
}

static void the_screen_of_a_server_that_was_never_reached(void **state) {
	AUTO_FREE char *bytes = NULL;

	(void)state;
	memset(&report.snapshot.facts, 0, sizeof(report.snapshot.facts));
	bytes = print_status();
	assert_memory_equal(bytes, "a server that has told nothing of itself yet\n", 45);
}

/* Root reads this on a terminal; what a server says must not steer it, nor fake a line. */
static void the_screen_is_not_steered_by_a_server(void **state) {
	AUTO_FREE char *bytes = NULL;

	(void)state;
	facts_set(&report.snapshot.facts, FACT_NODE_NAME, "a\x1b[2J\rb\nc\xc2\x9b");
	strcpy(report.snapshot.facts.probe.error, "d\x1b]0;title\x07");
	bytes = print_status();
	assert_null(strpbrk(bytes, "\x1b\r\x07"));
	assert_null(strstr(bytes, "\nc"));
	assert_null(strstr(bytes, "\xc2\x9b"));
}

/* A value with a fraction is read back as it was: garbage must not turn into absence. */
static void fractions_survive_the_way_through_json(void **state) {
	static struct report shown = {.snapshot.endpoints = {.count = 1, .items[0].path = "/"}};
	struct facts *facts = &shown.snapshot.facts;
	struct facts again;
	double number;
	AUTO_FREE char *json = NULL;

	(void)state;
	facts_set(facts, FACT_LOCAL_STATE, ".3");
	facts_set(facts, FACT_FLOW_CONTROL_PAUSED_NS, "1.5e9");
	json = status_json(&shown, false);
	assert_int_equal(status_read_facts(json, 0, &again), 0);
	assert_true(fact_number(&again, FACT_LOCAL_STATE, &number) && number == 0.3);
	assert_true(fact_number(&again, FACT_FLOW_CONTROL_PAUSED_NS, &number) && number == 1.5e9);
}

static void other_json_is_refused(void **state) {
	static const char *const cases[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		"4",
		"\"x\"",
		"Not found.\r\n",
		"{\"node\":{}}",
		"{\"probe\":{}}",
		"{\"node\":1,\"probe\":2}",
		"{\"node\":{},\"probe\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r;
		AUTO_FREE char *bytes = print(cases[i], &r);

		assert_int_equal(r, -EINVAL);
		assert_string_equal(bytes, "");
	}
}

/* Another version's status may lack what ours has, or have it in another type. */
static void strange_members_do_no_harm(void **state) {
	static const char *const cases[] = {
		"{\"node\":{},\"probe\":{}}",
		"{\"node\":{},\"probe\":{},\"endpoints\":{\"/\":{}},\"facts\":{},\"history\":[]}",
		"{\"node\":{},\"probe\":{},\"endpoints\":[],\"facts\":[],\"history\":{}}",
		"{\"node\":{},\"probe\":{},\"endpoints\":{\"/\":7},\"history\":[1,null]}",
		"{\"node\":{\"flavour\":1},\"probe\":{\"outcome\":null},\"age_ms\":\"x\"}",
		"{\"node\":{},\"probe\":{},\"facts\":{\"a\":null,\"b\":[],\"c\":{}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r;
		AUTO_FREE char *bytes = print(cases[i], &r);

		assert_int_equal(r, 0);
		assert_null(strstr(bytes, "(null)"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_verdicts, begin),
		cmocka_unit_test_setup(the_probe, begin),
		cmocka_unit_test_setup(the_facts, begin),
		cmocka_unit_test_setup(the_history, begin),
		cmocka_unit_test_setup(a_long_history_is_bounded, begin),
		cmocka_unit_test_setup(nothing_known_yet, begin),
		cmocka_unit_test_setup(stale_facts_say_so, begin),
		cmocka_unit_test_setup(failures_have_code_and_error, begin),
		cmocka_unit_test_setup(hostile_strings, begin),
		cmocka_unit_test_setup(values_may_be_cut_anywhere, begin),
		cmocka_unit_test_setup(one_verdict_on_one_line, begin),
		cmocka_unit_test_setup(one_verdict_knows_no_404, begin),
		cmocka_unit_test_setup(the_screen_shows_errors, begin),
		cmocka_unit_test_setup(the_screen_of_a_server_that_was_never_reached, begin),
		cmocka_unit_test_setup(the_screen_is_not_steered_by_a_server, begin),
		cmocka_unit_test(fractions_survive_the_way_through_json),
		cmocka_unit_test_setup(other_json_is_refused, begin),
		cmocka_unit_test_setup(strange_members_do_no_harm, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
