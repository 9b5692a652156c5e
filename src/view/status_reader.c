/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/status_reader.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/stamp.h"
#include "base/text.h"

static const char *member(const json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void read_value(struct facts *facts, enum fact_id id, const json_t *value) {
	char digits[32];

	if (json_is_boolean(value)) {
		facts_set(facts, id, json_is_true(value) ? "ON" : "OFF");
	} else if (json_is_integer(value)) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		facts_set(facts, id, digits);
	} else if (json_is_real(value)) {
		/* Exactly, so that it is judged as it was there. */
		snprintf(digits, sizeof(digits), "%.17g", json_real_value(value));
		facts_set(facts, id, digits);
	} else {
		facts_set(facts, id, json_string_value(value));
	}
}

static void read_values(struct facts *facts, const json_t *object) {
	const json_t *flow =
		json_object_get(json_object_get(object, "flow_control_paused"), "value");

	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		read_value(facts, id,
			   json_object_get(json_object_get(object, fact_info(id)->name), "value"));
	facts->flow_control_known = json_is_number(flow);
	facts->flow_control = json_number_value(flow);
}

static int read_result(struct probe_result *result, const json_t *object) {
	const char *outcome = member(object, "outcome");

	result->code = (unsigned int)json_integer_value(json_object_get(object, "code"));
	text_copy(result->error, sizeof(result->error), member(object, "error"));
	for (int i = 0; i < PROBE_OUTCOME_COUNT; i++) {
		if (strcmp(probe_outcome_name((enum probe_outcome)i), outcome) == 0) {
			result->outcome = (enum probe_outcome)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void read_node(struct facts *facts, const json_t *node) {
	text_copy(facts->server_version, sizeof(facts->server_version),
		  member(node, "server_version"));
	for (int i = 0; i < FLAVOUR_COUNT; i++)
		if (strcmp(flavour_name((enum flavour)i), member(node, "flavour")) == 0)
			facts->flavour = (enum flavour)i;
}

static void read_transfer(struct transfer *transfer, const json_t *object, int64_t now) {
	const json_t *progress = json_object_get(object, "progress");
	const json_t *age = json_object_get(object, "age_ms");

	transfer->known = member(object, "state")[0] != '\0';
	transfer->receiving = transfer->known && json_is_true(json_object_get(object, "receiving"));
	transfer->has_progress = json_is_number(progress);
	transfer->progress = json_number_value(progress);
	transfer->written = now - clock_from_ms(json_number_value(age));
	text_copy(transfer->state, sizeof(transfer->state), member(object, "state"));
	text_copy(transfer->comment, sizeof(transfer->comment), member(object, "comment"));
	text_copy(transfer->error, sizeof(transfer->error), member(object, "error"));
}

static int64_t read_wall(const json_t *object, const char *name) {
	int64_t wall;

	return stamp_parse(member(object, name), &wall) == 0 ? wall : 0;
}

static int read_mode(struct order *order, const char *name) {
	for (int i = 0; i <= MAINTENANCE_DISABLED; i++) {
		if (strcmp(maintenance_name((enum maintenance)i), name) == 0) {
			order->mode = (enum maintenance)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_order(struct order *order, const json_t *object, int64_t now) {
	const json_t *left = json_object_get(object, "left_ms");

	for (int i = 0; i <= ORDER_DAMAGED; i++)
		if (strcmp(order_origin_name((enum order_origin)i), member(object, "origin")) == 0)
			order->origin = (enum order_origin)i;
	text_copy(order->file, sizeof(order->file), member(object, "file"));
	text_copy(order->by, sizeof(order->by), member(object, "by"));
	text_copy(order->reason, sizeof(order->reason), member(object, "reason"));
	order->since = read_wall(object, "since");
	order->until = read_wall(object, "until");
	if (left)
		order->ends = now + clock_from_ms(json_number_value(left));
	return read_mode(order, member(object, "mode"));
}

static int read_root(const json_t *root, int64_t now, struct facts *facts) {
	const json_t *probe = json_object_get(root, "probe");
	const json_t *age = json_object_get(root, "age_ms");

	if (!json_is_object(json_object_get(root, "endpoints")) ||
	    read_result(&facts->probe, probe) < 0 ||
	    read_result(&facts->login, json_object_get(probe, "login")) < 0 ||
	    read_order(&facts->order, json_object_get(root, "maintenance"), now) < 0)
		return -EINVAL;
	if (json_is_number(age))
		facts->probed_at = now - clock_from_ms(json_number_value(age));
	facts->took = clock_from_ms(json_number_value(json_object_get(probe, "duration_ms")));
	read_transfer(&facts->transfer, json_object_get(root, "transfer"), now);
	read_node(facts, json_object_get(root, "node"));
	read_values(facts, json_object_get(root, "facts"));
	return 0;
}

int status_read_facts(const char *json, int64_t now, struct facts *facts) {
	json_t *root = json_loads(json, 0, NULL);
	int r;

	memset(facts, 0, sizeof(*facts));
	r = read_root(root, now, facts);
	json_decref(root);
	return r;
}

int status_read_reason(const char *json, const char *path, enum reason *reason) {
	json_t *root = json_loads(json, 0, NULL);
	const json_t *judged = json_object_get(json_object_get(root, "endpoints"), path);
	int r = reason_find(member(judged, "reason"), reason);

	json_decref(root);
	return r;
}
