/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/status.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/document.h"
#include "view/json.h"

/* The largest number up to which every JSON reader counts exactly. */
#define EXACT_NUMBERS 9007199254740992.0

/* --- facts ---------------------------------------------------------------------------------- */

static json_t *value_json(const struct facts *facts, enum fact_id id) {
	double number;

	/* wsrep_local_index is 2^64-1 in no view: what not every reader can hold stays text. */
	if (fact_info(id)->kind == FACT_NUMBER && fact_number(facts, id, &number) &&
	    number < EXACT_NUMBERS)
		return number == trunc(number) ? json_integer((json_int_t)number)
					       : json_real(number);
	if (fact_info(id)->kind == FACT_FLAG && (fact_is_on(facts, id) || fact_is_off(facts, id)))
		return json_boolean(fact_is_on(facts, id));
	return json_text(fact_text(facts, id));
}

static void set_fact(json_t *object, const char *name, json_t *value, const char *unit) {
	json_t *fact = json_pack("{s:o}", "value", value);

	if (unit)
		json_object_set_new(fact, "unit", json_string(unit));
	json_object_set_new(object, name, fact);
}

static json_t *facts_json(const struct facts *facts) {
	json_t *object = json_object();

	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		if (fact_text(facts, id))
			set_fact(object, fact_info(id)->name, value_json(facts, id),
				 fact_info(id)->unit);
	if (facts->flow_control_known) {
		set_fact(object, "flow_control_paused", json_real(facts->flow_control), "share");
		set_fact(object, "flow_control_paused_10s", json_real(facts->flow_control_recent),
			 "share");
	}
	return object;
}

static void set_named(json_t *object, const char *name, const struct facts *facts,
		      enum fact_id id) {
	if (fact_text(facts, id))
		json_object_set_new(object, name, value_json(facts, id));
}

static json_t *members_json(const struct facts *facts) {
	const char *list = fact_text(facts, FACT_INCOMING_ADDRESSES);
	json_t *members = json_array();
	char member[128];

	while (list && *list) {
		size_t length = strcspn(list, ",");

		if (length < sizeof(member)) {
			memcpy(member, list, length);
			member[length] = '\0';
			json_array_append_new(members, json_text(member));
		}
		list += length + (list[length] == ',');
	}
	return members;
}

static json_t *node_json(const struct facts *facts) {
	json_t *node = json_pack("{s:s, s:o}", "flavour", flavour_name(facts->flavour),
				 "server_version", json_text(facts->server_version));
	double index;

	set_named(node, "name", facts, FACT_NODE_NAME);
	set_named(node, "address", facts, FACT_NODE_ADDRESS);
	set_named(node, "cluster_name", facts, FACT_CLUSTER_NAME);
	set_named(node, "cluster_uuid", facts, FACT_CLUSTER_STATE_UUID);
	/* 2^64-1 in no view (galera 26.4). */
	if (fact_number(facts, FACT_LOCAL_INDEX, &index) && index < EXACT_NUMBERS)
		set_named(node, "index", facts, FACT_LOCAL_INDEX);
	set_named(node, "size", facts, FACT_CLUSTER_SIZE);
	if (fact_text(facts, FACT_INCOMING_ADDRESSES))
		json_object_set_new(node, "members", members_json(facts));
	return node;
}

/* --- probe ---------------------------------------------------------------------------------- */

static json_t *probe_json(const struct facts *facts) {
	json_t *probe = json_result(&facts->probe);

	if (facts->probed_wall)
		json_object_set_new(probe, "time", json_stamp(facts->probed_wall));
	json_object_set_new(probe, "duration_ms", json_ms(facts->took));
	json_object_set_new(probe, "rounds", json_integer((json_int_t)facts_probes(facts)));
	json_object_set_new(probe, "logins", json_integer((json_int_t)facts_logins(facts)));
	json_object_set_new(probe, "login", json_result(&facts->login));
	return probe;
}

/* Absent where there is no such file, and unless [notify] status_file= names it. */
static void set_transfer(json_t *root, const struct facts *facts, int64_t now) {
	const struct transfer *transfer = &facts->transfer;
	json_t *object;

	if (!transfer->known && !transfer->error[0])
		return;
	object = json_pack("{s:b}", "receiving", transfer->receiving);
	if (transfer->known) {
		json_object_set_new(object, "state", json_text(transfer->state));
		json_object_set_new(object, "comment", json_text(transfer->comment));
	}
	if (transfer->has_progress)
		json_object_set_new(object, "progress", json_real(transfer->progress));
	if (transfer->error[0])
		json_object_set_new(object, "error", json_text(transfer->error));
	json_object_set_new(object, "age_ms", json_ms(now - transfer->written));
	json_object_set_new(root, "transfer", object);
}

/* --- verdicts and changes ------------------------------------------------------------------- */

static json_t *endpoints_json(const struct report *report) {
	const struct snapshot *snapshot = &report->snapshot;
	json_t *object = json_object();

	for (size_t i = 0; i < snapshot->endpoints.count; i++) {
		const struct endpoint *endpoint = &snapshot->endpoints.items[i];
		const struct standing *standing = &report->history.standings[i];
		json_t *judged = json_verdict(&snapshot->facts, &endpoint->policy, report->now);

		json_object_set_new(judged, "since", json_stamp(standing->since_wall));
		json_object_set_new(object, endpoint->path, judged);
	}
	return object;
}

static json_t *change_json(const struct change *change) {
	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "time", json_stamp(change->wall),
			 "endpoint", change->path, "old", reason_name(change->from), "new",
			 reason_name(change->to), "reason", reason_name(change->to), "what",
			 json_text(change->what), "held_ms", json_ms(change->held));
}

static json_t *history_json(const struct history *history, bool whole) {
	const uint64_t shown = whole ? HISTORY_SIZE : STATUS_CHANGES;
	uint64_t first = history->total > shown ? history->total - shown : 0;
	json_t *array = json_array();

	for (uint64_t i = history->total; i-- > first;)
		json_array_append_new(array, change_json(&history->changes[i % HISTORY_SIZE]));
	return array;
}

/* --- pollers -------------------------------------------------------------------------------- */

static json_t *pollers_json(const struct report *report) {
	json_t *array = json_array();

	for (size_t i = 0; i < report->poller_count; i++)
		json_array_append_new(array, json_poller(&report->pollers[i], report->now));
	return array;
}

/* --- the documents -------------------------------------------------------------------------- */

char *status_json(const struct report *report, bool whole_history) {
	const struct facts *facts = &report->snapshot.facts;
	json_t *root;

	document_begin();
	root = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:o}", "schema",
			 1, "version", VERSION, "time", json_stamp(report->wall), "node",
			 node_json(facts), "endpoints", endpoints_json(report), "maintenance",
			 json_order(&facts->order, report->now), "probe", probe_json(facts),
			 "facts", facts_json(facts), "history_total",
			 (json_int_t)report->history.total, "history",
			 history_json(&report->history, whole_history), "pollers_total",
			 (json_int_t)report->poller_total, "pollers", pollers_json(report));
	if (facts->probed_at)
		json_object_set_new(root, "age_ms", json_ms(report->now - facts->probed_at));
	set_transfer(root, facts, report->now);
	return json_finish(root);
}

char *status_verdict_json(const char *path, const struct facts *facts, const struct policy *policy,
			  int64_t now) {
	bool available;
	json_t *root;

	document_begin();
	root = json_verdict(facts, policy, now);
	available = json_is_true(json_object_get(root, "available"));
	/* The command says 503 for every no, as the original does. */
	json_object_set_new(root, "http_status", json_integer(available ? 200 : 503));
	json_object_set_new(root, "endpoint", json_string(path));
	json_object_set_new(root, "maintenance", json_order(&facts->order, now));
	json_object_set_new(root, "node", node_json(facts));
	json_object_set_new(root, "probe", probe_json(facts));
	json_object_set_new(root, "facts", facts_json(facts));
	set_transfer(root, facts, now);
	return json_finish(root);
}
