/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample_report.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define WALL (INT64_C(1767225600) * NSEC_PER_SEC) /* 2026-01-01T00:00:00Z */
#define START (1000 * NSEC_PER_SEC)		  /* of clock_now() */

static void set_healthy(struct facts *facts, int64_t at) {
	static const struct {
		enum fact_id id;
		const char *value;
	} values[] = {
		{FACT_CLUSTER_STATUS, "Primary"},
		{FACT_READY, "ON"},
		{FACT_CONNECTED, "ON"},
		{FACT_LOCAL_STATE, "4"},
		{FACT_LOCAL_STATE_COMMENT, "Synced"},
		{FACT_CLUSTER_SIZE, "3"},
		{FACT_LOCAL_INDEX, "18446744073709551615"},
		{FACT_LOCAL_RECV_QUEUE, "7"},
		{FACT_FLOW_CONTROL_PAUSED_NS, "1.5e9"},
		{FACT_DESYNC_COUNT, "0"},
		{FACT_LAST_COMMITTED, "123456789"},
		{FACT_INCOMING_ADDRESSES, "10.0.0.1:3306,10.0.0.2:3306,"},
		{FACT_WSREP_ON, "1"},
		{FACT_REJECT_QUERIES, "NONE"},
		{FACT_SST_METHOD, "rsync"},
		{FACT_READ_ONLY, "0"},
		{FACT_CLUSTER_NAME, "sm\xc3\xb8rrebr\xc3\xb8"
				    "d"},
		{FACT_NODE_NAME, "a \"quoted\"\nname\\ \xff\xfe"},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		facts_set(facts, values[i].id, values[i].value);
	facts->flavour = FLAVOUR_MARIADB;
	text_copy(facts->server_version, sizeof(facts->server_version), "10.11.19-MariaDB");
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	facts->probed_at = at;
	facts->probed_wall = WALL + at - START;
	facts->took = 300 * NSEC_PER_MSEC / 1000;
	facts->transfer = (struct transfer){.known = true,
					    .state = "DONOR",
					    .comment = "Donating SST \xc3\xa4",
					    .has_progress = true,
					    .progress = 0.42,
					    .written = at - 12 * NSEC_PER_SEC};
	facts->flow_control_known = true;
	facts->flow_control = 0.25;
	facts->flow_control_recent = 0.125;
	facts_count_probe(facts);
	facts_count_login(facts, PROBE_OK);
}

static void update(struct report *report, int64_t at) {
	struct change changes[ENDPOINT_MAX];

	history_update(&report->history, &report->snapshot.endpoints, &report->snapshot.facts, at,
		       WALL + at - START, changes);
}

static void add_pollers(struct report *report) {
	struct poller *balancer = &report->pollers[0];
	struct poller *agent = &report->pollers[1];

	inet_pton(AF_INET6, "::ffff:10.0.0.8", &balancer->address);
	text_copy(balancer->path, sizeof(balancer->path), "/rw");
	text_copy(balancer->state, sizeof(balancer->state),
		  "UP 2/3; name=bck/\"srv2\"; node=lb1; weight=1/2; scur=13/22; qcur=0");
	balancer->answers = 42;
	balancer->period = NSEC_PER_SEC;
	balancer->status = 503;
	balancer->last = report->now - 150 * NSEC_PER_MSEC;
	inet_pton(AF_INET6, "2001:db8::7", &agent->address);
	agent->kind = POLLER_AGENT;
	text_copy(agent->path, sizeof(agent->path), "/");
	agent->answers = 1;
	agent->last = report->now - 2 * NSEC_PER_SEC;
	report->poller_count = report->poller_total = 2;
	report->counts[0] = (struct answer_count){.path = "/rw", .status = 503, .count = 40};
	report->counts[1] = (struct answer_count){.path = "/rw", .status = 200, .count = 2};
	report->counts[2] = (struct answer_count){.path = "/", .kind = POLLER_AGENT, .count = 1};
	report->count_count = 3;
}

struct report *sample_report_create(void) {
	struct report *report = calloc(1, sizeof(*report));
	struct facts *facts = &report->snapshot.facts;
	struct endpoint_list *endpoints = &report->snapshot.endpoints;

	endpoints->count = 2;
	text_copy(endpoints->items[0].path, ENDPOINT_PATH_SIZE, "/");
	text_copy(endpoints->items[1].path, ENDPOINT_PATH_SIZE, "/rw");
	endpoints->items[0].policy.max_age = endpoints->items[1].policy.max_age = 2 * NSEC_PER_SEC;
	endpoints->items[0].policy.donor = DONOR_AVAILABLE;
	history_set_endpoints(&report->history, endpoints, START, WALL);
	set_healthy(facts, START + NSEC_PER_SEC);
	update(report, START + NSEC_PER_SEC);
	set_healthy(facts, START + 61 * NSEC_PER_SEC);
	facts_set(facts, FACT_LOCAL_STATE, "2");
	facts_set(facts, FACT_LOCAL_STATE_COMMENT, "Donor/Desynced");
	facts_set(facts, FACT_DESYNC_COUNT, "1");
	update(report, START + 61 * NSEC_PER_SEC);
	report->now = START + 61 * NSEC_PER_SEC + 250 * NSEC_PER_MSEC;
	report->wall = WALL + report->now - START;
	add_pollers(report);
	return report;
}
