/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The renderers against their golden files, and against each other.
 */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "golden.h"
#include "sample_report.h"
#include "view/agent.h"
#include "view/metrics.h"
#include "view/screen.h"
#include "view/status.h"

static int make_report(void **state) {
	*state = sample_report_create();
	return 0;
}

static int free_report(void **state) {
	report_destroy(*state);
	return 0;
}

static char *pretty(const char *json) {
	json_t *root = json_loads(json, 0, NULL);
	char *text;

	assert_non_null(root);
	text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	return text;
}

/* An operator's order, in words that try to break out of each view. */
static struct report *ordered(void **state) {
	struct report *report = *state;
	struct order *order = &report->snapshot.facts.order;

	*order = (struct order){
		.mode = MAINTENANCE_DRAINING,
		.origin = ORDER_GIVEN,
		.file = "/var/lib/clustercheckd/maintenance",
		.by = "o\"brien",
		.reason = "new \xff kernel | \"now\"",
		.since = report->wall - NSEC_PER_SEC,
		.until = report->wall + 60 * NSEC_PER_SEC,
		.ends = report->now + 60 * NSEC_PER_SEC,
	};
	return report;
}

static void an_order_is_in_every_view(void **state) {
	struct report *report = ordered(state);
	AUTO_FREE char *json = status_json(report, false);
	AUTO_FREE char *metrics = calloc(1, METRICS_SIZE);
	AUTO_FREE char *screen = NULL;
	struct text out;
	size_t size;
	FILE *stream = open_memstream(&screen, &size);
	json_t *root = json_loads(json, 0, NULL);

	text_init(&out, metrics, METRICS_SIZE);
	metrics_write(&out, report, "client");
	screen_print(json, false, stream);
	fclose(stream);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(root, "maintenance"), "reason")),
		"new ? kernel | \"now\"");
	json_decref(root);
	assert_non_null(strstr(metrics, "clustercheck_maintenance{mode=\"draining\"} 1\n"));
	assert_non_null(strstr(metrics, "clustercheck_maintenance_until_timestamp_seconds "));
	assert_non_null(strstr(screen, "ordered: draining by o\"brien since 2026-"));
	assert_non_null(strstr(screen, ": new ? kernel | \"now\" (given /var/lib/"));
}

static void status_is_golden(void **state) {
	AUTO_FREE char *json = status_json(*state, false);
	AUTO_FREE char *text = pretty(json);

	golden_compare("status.json", text);
}

static void metrics_are_golden(void **state) {
	AUTO_FREE char *storage = malloc(METRICS_SIZE);
	struct text text;

	text_init(&text, storage, METRICS_SIZE);
	metrics_write(&text, *state, "a \"client\"\\\n1.0");
	assert_false(text.truncated);
	golden_compare("metrics.txt", storage);
}

static void screen_is_golden(void **state) {
	AUTO_FREE char *json = status_json(*state, false);
	AUTO_FREE char *screen = NULL;
	size_t size;
	FILE *stream = open_memstream(&screen, &size);

	assert_int_equal(screen_print(json, false, stream), 0);
	fclose(stream);
	golden_compare("screen.txt", screen);
}

static void colour_only_on_demand(void **state) {
	AUTO_FREE char *json = status_json(*state, false);
	AUTO_FREE char *screen = NULL;
	size_t size;
	FILE *stream = open_memstream(&screen, &size);

	assert_int_equal(screen_print(json, true, stream), 0);
	fclose(stream);
	assert_non_null(strstr(screen, "\033["));
}

static void screen_refuses_what_is_no_status(void **state) {
	(void)state;
	assert_true(screen_print("", false, stderr) < 0);
	assert_true(screen_print("[]", false, stderr) < 0);
	assert_true(screen_print("{\"node\": 1}", false, stderr) < 0);
}

/* The history is bounded in a document unless all of it is asked for. */
static void history_is_bounded(void **state) {
	struct report *report = *state;
	struct change changes[ENDPOINT_MAX];
	AUTO_FREE char *bounded = NULL;
	AUTO_FREE char *whole = NULL;
	json_t *root;

	for (int64_t i = 0; i < 300; i++) {
		facts_set(&report->snapshot.facts, FACT_READY, i % 2 ? "ON" : "OFF");
		history_update(&report->history, &report->snapshot.endpoints,
			       &report->snapshot.facts, report->now, report->wall, changes);
	}
	bounded = status_json(report, false);
	assert_true(strlen(bounded) < 16 * 1024);
	whole = status_json(report, true);
	root = json_loads(whole, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "history")), HISTORY_SIZE);
	json_decref(root);
}

static const char *reason_in_status(json_t *root, const char *path) {
	json_t *endpoints = json_object_get(root, "endpoints");

	return json_string_value(json_object_get(json_object_get(endpoints, path), "reason"));
}

/* Whatever is wrong, every view says it with the same code. */
static void views_agree(void **state) {
	struct report *report = *state;
	AUTO_FREE char *storage = malloc(METRICS_SIZE);

	/* A second time while a state transfer is told of. */
	for (int i = PROBE_OK; i < 2 * PROBE_OUTCOME_COUNT; i++) {
		const struct policy *policy = &report->snapshot.endpoints.items[1].policy;
		AUTO_FREE char *json = NULL;
		char series[128], line[AGENT_LINE_SIZE], expected[AGENT_LINE_SIZE];
		struct text metrics, agent;
		const char *reason;
		json_t *root;

		report->snapshot.facts.probe.outcome =
			(enum probe_outcome)(i % PROBE_OUTCOME_COUNT);
		report->snapshot.facts.transfer.receiving = i >= PROBE_OUTCOME_COUNT;
		reason = reason_name(verdict(&report->snapshot.facts, policy, report->now).reason);
		json = status_json(report, false);
		root = json_loads(json, 0, NULL);
		assert_string_equal(reason_in_status(root, "/rw"), reason);
		json_decref(root);
		text_init(&metrics, storage, METRICS_SIZE);
		metrics_write(&metrics, report, "client");
		snprintf(series, sizeof(series),
			 "clustercheck_reason_info{endpoint=\"/rw\",reason=\"%s\"} 1\n", reason);
		assert_non_null(strstr(storage, series));
		text_init(&agent, line, sizeof(line));
		agent_line(&agent, &report->snapshot.facts, policy, &report->history.standings[1],
			   report->now);
		snprintf(expected, sizeof(expected), "down #%s\n", reason);
		assert_string_equal(line, expected);
	}
}

static void a_state_transfer_is_shown(void **state) {
	struct report *report = *state;
	struct facts *facts = &report->snapshot.facts;
	AUTO_FREE char *storage = malloc(METRICS_SIZE);
	AUTO_FREE char *json = NULL;
	AUTO_FREE char *screen = NULL;
	char line[AGENT_LINE_SIZE];
	struct text text;
	size_t size;
	FILE *stream;

	facts->probe.outcome = PROBE_REFUSED;
	facts->transfer.receiving = true;
	text_copy(facts->transfer.comment, sizeof(facts->transfer.comment), "Receiving \033[2J");
	json = status_json(report, false);
	stream = open_memstream(&screen, &size);
	assert_int_equal(screen_print(json, false, stream), 0);
	fclose(stream);
	assert_non_null(strstr(screen, "\nstatus file: receiving state transfer, 42 % "
				       "(Receiving ?[2J), told 12.2 s ago\n"));
	text_init(&text, storage, METRICS_SIZE);
	metrics_write(&text, report, "client");
	assert_non_null(strstr(storage, "\nclustercheck_state_transfer_receiving 1\n"));
	assert_non_null(strstr(storage, "\nclustercheck_state_transfer_progress_ratio 0.42\n"));
	text_init(&text, line, sizeof(line));
	agent_line(&text, facts, &report->snapshot.endpoints.items[0].policy,
		   &report->history.standings[0], report->now);
	assert_string_equal(line, "down #joining\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_order_is_in_every_view, make_report,
						free_report),
		cmocka_unit_test_setup_teardown(status_is_golden, make_report, free_report),
		cmocka_unit_test_setup_teardown(metrics_are_golden, make_report, free_report),
		cmocka_unit_test_setup_teardown(screen_is_golden, make_report, free_report),
		cmocka_unit_test_setup_teardown(colour_only_on_demand, make_report, free_report),
		cmocka_unit_test(screen_refuses_what_is_no_status),
		cmocka_unit_test_setup_teardown(history_is_bounded, make_report, free_report),
		cmocka_unit_test_setup_teardown(views_agree, make_report, free_report),
		cmocka_unit_test_setup_teardown(a_state_transfer_is_shown, make_report,
						free_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
