/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/status.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "view/stamp.h"

/* jansson takes UTF-8 only; what a server says may be anything. */
static json_t *text_json(const char *text) {
	char clean[512];
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

	if (wall == 0)
		return json_null();
	stamp_format(stamp, wall);
	return json_string(stamp);
}

static json_t *ms_json(int64_t nanoseconds) {
	return json_real((double)nanoseconds / NSEC_PER_MSEC);
}

static json_t *fact_json(const struct facts *facts, enum fact_id id) {
	const char *text = fact_text(facts, id);
	double number;

	/* What an integer of JSON readers cannot hold (wsrep_local_index 2^64-1) stays text. */
	if (fact_info(id)->kind == FACT_NUMBER && fact_number(facts, id, &number) &&
	    number < 9007199254740992.0)
		return json_integer((json_int_t)number);
	if (fact_info(id)->kind == FACT_FLAG && (fact_is_on(facts, id) || fact_is_off(facts, id)))
		return json_boolean(fact_is_on(facts, id));
	return text_json(text);
}

static json_t *facts_json(const struct facts *facts) {
	json_t *object = json_object();

	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		if (fact_text(facts, id))
			json_object_set_new(object, fact_info(id)->name, fact_json(facts, id));
	if (facts->flow_control_known)
		json_object_set_new(object, "flow_control_share", json_real(facts->flow_control));
	return object;
}

static json_t *result_json(const struct probe_result *result) {
	json_t *object = json_pack("{s:s}", "outcome", probe_outcome_name(result->outcome));

	if (result->code)
		json_object_set_new(object, "code", json_integer(result->code));
	if (result->error[0])
		json_object_set_new(object, "error", text_json(result->error));
	return object;
}

static json_t *verdict_json(const struct facts *facts, const struct policy *policy, int64_t now) {
	struct verdict judged = verdict(facts, policy, now);

	return json_pack("{s:b, s:i, s:s, s:s}", "available", judged.available, "http_status",
			 judged.http_status, "reason", reason_name(judged.reason), "help",
			 reason_help(judged.reason));
}

static const struct standing *standing_of(const struct history *history, const char *path) {
	for (size_t i = 0; history && i < history->standing_count; i++)
		if (strcmp(history->standings[i].path, path) == 0)
			return &history->standings[i];
	return NULL;
}

static json_t *endpoints_json(const struct snapshot *snapshot, const struct history *history,
			      int64_t now) {
	json_t *object = json_object();

	for (size_t i = 0; i < snapshot->endpoints.count; i++) {
		const struct endpoint *endpoint = &snapshot->endpoints.items[i];
		const struct standing *standing = standing_of(history, endpoint->path);
		json_t *judged = verdict_json(&snapshot->facts, &endpoint->policy, now);

		if (standing)
			json_object_set_new(judged, "since", stamp_json(standing->since_wall));
		json_object_set_new(object, endpoint->path, judged);
	}
	return object;
}

static json_t *history_json(const struct history *history) {
	const uint64_t shown = 16;
	json_t *array = json_array();
	uint64_t first = history->total > shown ? history->total - shown : 0;

	for (uint64_t i = history->total; i-- > first;) {
		const struct change *change = &history->changes[i % HISTORY_SIZE];

		json_array_append_new(
			array,
			json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "time",
				  stamp_json(change->wall), "endpoint", change->path, "from",
				  reason_name(change->from), "to", reason_name(change->to), "what",
				  text_json(change->what), "held_ms", ms_json(change->held)));
	}
	return array;
}

static json_t *probe_json(const struct facts *facts) {
	json_t *probe = result_json(&facts->probe);

	json_object_set_new(probe, "time", stamp_json(facts->probed_wall));
	json_object_set_new(probe, "duration_ms", ms_json(facts->took));
	json_object_set_new(probe, "rounds", json_integer((json_int_t)facts->probes));
	json_object_set_new(probe, "logins", json_integer((json_int_t)facts->logins));
	json_object_set_new(probe, "login", result_json(&facts->login));
	return probe;
}

char *status_json(const struct snapshot *snapshot, const struct history *history, int64_t now) {
	const struct facts *facts = &snapshot->facts;
	json_t *root = json_object();
	char *bytes;

	json_object_set_new(root, "schema", json_integer(1));
	json_object_set_new(root, "version", json_string(VERSION));
	json_object_set_new(root, "node",
			    json_pack("{s:s, s:o}", "flavour", flavour_name(facts->flavour),
				      "server_version", text_json(facts->server_version)));
	json_object_set_new(root, "endpoints", endpoints_json(snapshot, history, now));
	json_object_set_new(root, "age_ms",
			    facts->probed_at ? ms_json(now - facts->probed_at) : json_null());
	json_object_set_new(root, "probe", probe_json(facts));
	json_object_set_new(root, "facts", facts_json(facts));
	if (history)
		json_object_set_new(root, "history", history_json(history));
	bytes = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
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
	json_object_set_new(root, "probe", probe_json(facts));
	json_object_set_new(root, "facts", facts_json(facts));
	bytes = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(root);
	return bytes;
}

static const char *member(const json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void print_endpoints(const json_t *endpoints, FILE *stream) {
	const char *path;
	json_t *judged;

	json_object_foreach ((json_t *)endpoints, path, judged)
		fprintf(stream,
			"%-12s %3" JSON_INTEGER_FORMAT " %-21s since %s\n"
			"%-12s     %s\n",
			path, json_integer_value(json_object_get(judged, "http_status")),
			member(judged, "reason"), member(judged, "since"), "",
			member(judged, "help"));
}

static void print_facts(const json_t *facts, FILE *stream) {
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)facts, name, value) {
		if (json_is_boolean(value))
			fprintf(stream, "  %-32s %s\n", name, json_is_true(value) ? "ON" : "OFF");
		else if (json_is_integer(value))
			fprintf(stream, "  %-32s %" JSON_INTEGER_FORMAT "\n", name,
				json_integer_value(value));
		else if (json_is_real(value))
			fprintf(stream, "  %-32s %.3f\n", name, json_real_value(value));
		else
			fprintf(stream, "  %-32s %s\n", name, json_string_value(value));
	}
}

static void print_history(const json_t *history, FILE *stream) {
	json_t *change;
	size_t i;

	json_array_foreach ((json_t *)history, i, change) {
		fprintf(stream, "  %s  %s: %s → %s", member(change, "time"),
			member(change, "endpoint"), member(change, "from"), member(change, "to"));
		if (member(change, "what")[0])
			fprintf(stream, " (%s)", member(change, "what"));
		fputc('\n', stream);
	}
}

int status_print(const char *json, FILE *stream) {
	json_t *root = json_loads(json, 0, NULL);
	const json_t *node = json_object_get(root, "node");
	const json_t *probe = json_object_get(root, "probe");

	if (!json_is_object(node) || !json_is_object(probe)) {
		json_decref(root);
		return -EINVAL;
	}
	print_endpoints(json_object_get(root, "endpoints"), stream);
	fprintf(stream, "\nprobe %s, %.0f ms ago, took %.1f ms; %s %s\n", member(probe, "outcome"),
		json_number_value(json_object_get(root, "age_ms")),
		json_number_value(json_object_get(probe, "duration_ms")), member(node, "flavour"),
		member(node, "server_version"));
	if (member(probe, "error")[0])
		fprintf(stream, "  %s\n", member(probe, "error"));
	print_facts(json_object_get(root, "facts"), stream);
	fputs("\nlast changes\n", stream);
	print_history(json_object_get(root, "history"), stream);
	json_decref(root);
	return 0;
}
