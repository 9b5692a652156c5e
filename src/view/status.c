/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/status.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "view/stamp.h"

/* The largest number up to which every JSON reader counts exactly. */
#define EXACT_NUMBERS 9007199254740992.0

/* jansson takes UTF-8 only; what a server or a caller says may be anything. */
static json_t *text_json(const char *text) {
	char clean[FACT_TEXT_SIZE];
	size_t length = 0;
	json_t *value = json_string(text);

	if (value)
		return value;
	for (; *text && length < sizeof(clean) - 1; text++)
		clean[length++] = (unsigned char)*text < 0x80 ? *text : '?';
	clean[length] = '\0';
	return json_string(clean);
}

static json_t *stamp_json(int64_t wall) {
	char stamp[STAMP_SIZE];

	stamp_format(stamp, wall);
	return json_string(stamp);
}

static json_t *ms_json(int64_t nanoseconds) {
	return json_real((double)nanoseconds / NSEC_PER_MSEC);
}

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
	return text_json(fact_text(facts, id));
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
			json_array_append_new(members, text_json(member));
		}
		list += length + (list[length] == ',');
	}
	return members;
}

static json_t *node_json(const struct facts *facts) {
	json_t *node = json_pack("{s:s, s:o}", "flavour", flavour_name(facts->flavour),
				 "server_version", text_json(facts->server_version));
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

static json_t *result_json(const struct probe_result *result) {
	json_t *object = json_pack("{s:s}", "outcome", probe_outcome_name(result->outcome));

	if (result->code)
		json_object_set_new(object, "code", json_integer(result->code));
	if (result->error[0])
		json_object_set_new(object, "error", text_json(result->error));
	return object;
}

static json_t *probe_json(const struct facts *facts) {
	json_t *probe = result_json(&facts->probe);

	if (facts->probed_wall)
		json_object_set_new(probe, "time", stamp_json(facts->probed_wall));
	json_object_set_new(probe, "duration_ms", ms_json(facts->took));
	json_object_set_new(probe, "rounds", json_integer((json_int_t)facts_probes(facts)));
	json_object_set_new(probe, "logins", json_integer((json_int_t)facts_logins(facts)));
	json_object_set_new(probe, "login", result_json(&facts->login));
	return probe;
}

/* --- verdicts and changes ------------------------------------------------------------------- */

static json_t *verdict_json(const struct facts *facts, const struct policy *policy, int64_t now) {
	struct verdict judged = verdict(facts, policy, now);

	return json_pack("{s:b, s:i, s:s, s:s}", "available", judged.available, "http_status",
			 judged.http_status, "reason", reason_name(judged.reason), "help",
			 reason_help(judged.reason));
}

static json_t *endpoints_json(const struct report *report) {
	const struct snapshot *snapshot = &report->snapshot;
	json_t *object = json_object();

	for (size_t i = 0; i < snapshot->endpoints.count; i++) {
		const struct endpoint *endpoint = &snapshot->endpoints.items[i];
		const struct standing *standing = &report->history.standings[i];
		json_t *judged = verdict_json(&snapshot->facts, &endpoint->policy, report->now);

		json_object_set_new(judged, "since", stamp_json(standing->since_wall));
		json_object_set_new(object, endpoint->path, judged);
	}
	return object;
}

static json_t *change_json(const struct change *change) {
	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "time", stamp_json(change->wall),
			 "endpoint", change->path, "old", reason_name(change->from), "new",
			 reason_name(change->to), "reason", reason_name(change->to), "what",
			 text_json(change->what), "held_ms", ms_json(change->held));
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

static json_t *address_json(const struct in6_addr *address) {
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return json_string("unix");
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, address->s6_addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	return json_string(text);
}

/*
 * "UP 2/3; name=bck/srv2; node=lb1; weight=1/2": what HAProxy (2.6) sends with http-check
 * send-state becomes {"state": "UP 2/3", "name": "bck/srv2", ...}.
 */
static json_t *haproxy_json(const char *state) {
	char copy[POLLER_STATE_SIZE], *rest = copy, *part;
	json_t *object = json_object();

	text_copy(copy, sizeof(copy), state);
	while ((part = strsep(&rest, ";"))) {
		char *value;

		part += strspn(part, " ");
		value = strchr(part, '=');
		if (value)
			*value++ = '\0';
		if (part[0])
			json_object_set_new(object, value ? part : "state",
					    text_json(value ? value : part));
	}
	return object;
}

static json_t *poller_json(const struct poller *poller, int64_t now) {
	json_t *object = json_pack(
		"{s:o, s:s, s:s, s:I, s:o}", "address", address_json(&poller->address), "via",
		poller->kind == POLLER_AGENT ? "agent" : "http", "endpoint", poller->path,
		"answers", (json_int_t)poller->answers, "age_ms", ms_json(now - poller->last));

	if (poller->period)
		json_object_set_new(object, "period_ms", ms_json(poller->period));
	if (poller->status)
		json_object_set_new(object, "last_status", json_integer(poller->status));
	if (poller->state[0])
		json_object_set_new(object, "haproxy", haproxy_json(poller->state));
	return object;
}

static json_t *pollers_json(const struct report *report) {
	json_t *array = json_array();

	for (size_t i = 0; i < report->poller_count; i++)
		json_array_append_new(array, poller_json(&report->pollers[i], report->now));
	return array;
}

/* --- the documents -------------------------------------------------------------------------- */

char *status_json(const struct report *report, bool whole_history) {
	const struct facts *facts = &report->snapshot.facts;
	json_t *root = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:o}",
				 "schema", 1, "version", VERSION, "time", stamp_json(report->wall),
				 "node", node_json(facts), "endpoints", endpoints_json(report),
				 "probe", probe_json(facts), "facts", facts_json(facts),
				 "history_total", (json_int_t)report->history.total, "history",
				 history_json(&report->history, whole_history), "pollers_total",
				 (json_int_t)report->poller_total, "pollers", pollers_json(report));
	char *bytes;

	if (facts->probed_at)
		json_object_set_new(root, "age_ms", ms_json(report->now - facts->probed_at));
	bytes = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(root);
	return bytes;
}

char *status_verdict_json(const char *path, const struct facts *facts, const struct policy *policy,
			  int64_t now) {
	json_t *root = verdict_json(facts, policy, now);
	bool available = json_is_true(json_object_get(root, "available"));
	char *bytes;

	/* The command says 503 for every no, as the original does. */
	json_object_set_new(root, "http_status", json_integer(available ? 200 : 503));
	json_object_set_new(root, "endpoint", json_string(path));
	json_object_set_new(root, "node", node_json(facts));
	json_object_set_new(root, "probe", probe_json(facts));
	json_object_set_new(root, "facts", facts_json(facts));
	bytes = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(root);
	return bytes;
}
