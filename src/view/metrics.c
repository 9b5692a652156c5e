/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static double seconds(int64_t nanoseconds) {
	return (double)nanoseconds / NSEC_PER_SEC;
}

static void family(struct text *out, const char *name, const char *type, const char *help) {
	text_format(out, "# HELP clustercheck_%s %s\n# TYPE clustercheck_%s %s\n", name, help, name,
		    type);
}

/* A label's value: backslash, quote and newline are escaped, as the format asks. */
static void label_value(struct text *out, const char *value) {
	text_append(out, "\"");
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			text_append(out, "\\");
		if (*value == '\n')
			text_append(out, "\\n");
		else
			text_append_bytes(out, value, 1);
	}
	text_append(out, "\"");
}

static void sample_start(struct text *out, const char *name) {
	text_format(out, "clustercheck_%s", name);
}

/* One label or, unless `value2` is NULL, two; then the number. */
static void labelled(struct text *out, const char *name, double value, const char *label1,
		     const char *value1, const char *label2, const char *value2) {
	sample_start(out, name);
	text_format(out, "{%s=", label1);
	label_value(out, value1);
	if (value2) {
		text_format(out, ",%s=", label2);
		label_value(out, value2);
	}
	text_format(out, "} %.15g\n", value);
}

static void gauge(struct text *out, const char *name, const char *help, double value) {
	family(out, name, "gauge", help);
	sample_start(out, name);
	text_format(out, " %.15g\n", value);
}

/* --- verdicts ------------------------------------------------------------------------------- */

static void write_verdicts(struct text *out, const struct report *report) {
	const struct endpoint_list *endpoints = &report->snapshot.endpoints;
	struct verdict judged[ENDPOINT_MAX];

	for (size_t i = 0; i < endpoints->count; i++)
		judged[i] =
			verdict(&report->snapshot.facts, &endpoints->items[i].policy, report->now);
	family(out, "available", "gauge", "Whether the node may take traffic under an endpoint.");
	for (size_t i = 0; i < endpoints->count; i++)
		labelled(out, "available", judged[i].available, "endpoint",
			 endpoints->items[i].path, NULL, NULL);
	family(out, "reason_info", "gauge", "The reason of an endpoint's present verdict.");
	for (size_t i = 0; i < endpoints->count; i++)
		labelled(out, "reason_info", 1, "endpoint", endpoints->items[i].path, "reason",
			 reason_name(judged[i].reason));
}

static void write_changes(struct text *out, const struct history *history) {
	family(out, "changes_total", "counter", "Changes of an endpoint's verdict, by new reason.");
	for (size_t i = 0; i < history->standing_count; i++)
		for (enum reason r = 0; r < REASON_COUNT; r++)
			if (history->standings[i].entered[r])
				labelled(out, "changes_total",
					 (double)history->standings[i].entered[r], "endpoint",
					 history->standings[i].path, "reason", reason_name(r));
}

static void write_spent(struct text *out, const struct history *history, int64_t now) {
	family(out, "state_seconds_total", "counter", "Time an endpoint spent with each reason.");
	for (size_t i = 0; i < history->standing_count; i++) {
		const struct standing *standing = &history->standings[i];

		for (enum reason r = 0; r < REASON_COUNT; r++) {
			int64_t spent = standing->spent[r];

			if (r == standing->reason)
				spent += now - standing->since;
			if (spent > 0)
				labelled(out, "state_seconds_total", seconds(spent), "endpoint",
					 standing->path, "reason", reason_name(r));
		}
	}
}

/* --- the probe ------------------------------------------------------------------------------ */

static void write_outcomes(struct text *out, const char *name, const char *help,
			   const uint64_t *counts) {
	family(out, name, "counter", help);
	for (enum probe_outcome outcome = PROBE_OK; outcome < PROBE_OUTCOME_COUNT; outcome++)
		labelled(out, name, (double)counts[outcome], "outcome", probe_outcome_name(outcome),
			 NULL, NULL);
}

static void write_durations(struct text *out, const struct probe_totals *totals) {
	const char *name = "probe_duration_seconds";
	uint64_t below = 0;

	family(out, name, "histogram", "How long probes took.");
	for (size_t i = 0; i < PROBE_BUCKET_COUNT; i++) {
		below += totals->durations[i];
		text_format(out, "clustercheck_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			    seconds(probe_buckets[i]), below);
	}
	below += totals->durations[PROBE_BUCKET_COUNT];
	text_format(out, "clustercheck_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
	text_format(out, "clustercheck_%s_sum %.9g\nclustercheck_%s_count %" PRIu64 "\n", name,
		    seconds(totals->duration_sum), name, below);
}

/* --- callers -------------------------------------------------------------------------------- */

static void write_answers(struct text *out, const struct report *report) {
	char code[16];
	struct text text;

	family(out, "http_answers_total", "counter", "HTTP answers by path and status.");
	for (size_t i = 0; i < report->count_count; i++) {
		const struct answer_count *count = &report->counts[i];

		if (count->kind != POLLER_HTTP)
			continue;
		text_init(&text, code, sizeof(code));
		text_format(&text, "%u", count->status);
		labelled(out, "http_answers_total", (double)count->count, "endpoint", count->path,
			 "code", code);
	}
	family(out, "agent_answers_total", "counter", "Answers to HAProxy's agent-check.");
	for (size_t i = 0; i < report->count_count; i++)
		if (report->counts[i].kind == POLLER_AGENT)
			labelled(out, "agent_answers_total", (double)report->counts[i].count,
				 "endpoint", report->counts[i].path, NULL, NULL);
	gauge(out, "pollers", "Callers known, by address and path.", (double)report->poller_total);
}

/* --- galera --------------------------------------------------------------------------------- */

static void write_number(struct text *out, const struct facts *facts, enum fact_id id,
			 const char *name, const char *help) {
	double value;

	if (fact_number(facts, id, &value))
		gauge(out, name, help, value);
}

static void write_flag(struct text *out, const struct facts *facts, enum fact_id id,
		       const char *name, const char *help) {
	if (fact_text(facts, id))
		gauge(out, name, help, fact_is_on(facts, id));
}

static void write_galera(struct text *out, const struct facts *facts) {
	write_number(out, facts, FACT_LOCAL_STATE, "galera_local_state",
		     "wsrep_local_state: 1 joining, 2 donor or desynced, 3 joined, 4 synced.");
	if (fact_text(facts, FACT_CLUSTER_STATUS))
		gauge(out, "galera_primary", "Whether the node is in the primary component.",
		      fact_is(facts, FACT_CLUSTER_STATUS, "Primary"));
	write_flag(out, facts, FACT_READY, "galera_ready", "wsrep_ready.");
	write_flag(out, facts, FACT_CONNECTED, "galera_connected", "wsrep_connected.");
	write_number(out, facts, FACT_CLUSTER_SIZE, "galera_cluster_size",
		     "Members of the component.");
	write_number(out, facts, FACT_LOCAL_RECV_QUEUE, "galera_recv_queue",
		     "Write-sets waiting to be applied.");
	if (facts->flow_control_known)
		gauge(out, "galera_flow_control_paused_ratio",
		      "Share of the time between two probes that flow control paused replication.",
		      facts->flow_control);
	write_number(out, facts, FACT_DESYNC_COUNT, "galera_desync_operations",
		     "Operations that keep the node desynced.");
	write_number(out, facts, FACT_LAST_COMMITTED, "galera_last_committed",
		     "Sequence number of the last transaction committed.");
}

static void write_transfer(struct text *out, const struct transfer *transfer) {
	if (transfer->known)
		gauge(out, "state_transfer_receiving",
		      "Whether wsrep_status_file tells of a state transfer to this node.",
		      transfer->receiving);
	if (transfer->receiving && transfer->has_progress)
		gauge(out, "state_transfer_progress_ratio", "How much of it has been received.",
		      transfer->progress);
}

static void write_build(struct text *out, const char *client) {
	family(out, "build_info", "gauge", "Version of clustercheckd and its client library.");
	labelled(out, "build_info", 1, "version", VERSION, "client", client);
}

void metrics_write(struct text *out, const struct report *report, const char *client) {
	const struct facts *facts = &report->snapshot.facts;

	write_verdicts(out, report);
	write_changes(out, &report->history);
	write_spent(out, &report->history, report->now);
	if (facts->probed_at)
		gauge(out, "snapshot_age_seconds", "Age of the last probe.",
		      seconds(report->now - facts->probed_at));
	write_durations(out, &facts->totals);
	write_outcomes(out, "probes_total", "Probes by outcome.", facts->totals.probes);
	write_outcomes(out, "logins_total", "Logins by outcome.", facts->totals.logins);
	write_answers(out, report);
	family(out, "maintenance", "gauge", "Whether an operator has taken the node out.");
	labelled(out, "maintenance", order_mode(&facts->order, report->now) == MAINTENANCE_DISABLED,
		 "mode", "disabled", NULL, NULL);
	labelled(out, "maintenance", order_mode(&facts->order, report->now) == MAINTENANCE_DRAINING,
		 "mode", "draining", NULL, NULL);
	if (order_mode(&facts->order, report->now) != MAINTENANCE_NONE && facts->order.until)
		gauge(out, "maintenance_until_timestamp_seconds",
		      "When the operator's order ends by itself.", seconds(facts->order.until));
	write_galera(out, facts);
	write_transfer(out, &facts->transfer);
	write_build(out, client);
}
