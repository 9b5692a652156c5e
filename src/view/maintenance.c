/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/maintenance.h"

#include "base/clock.h"
#include "base/document.h"
#include "view/json.h"

static json_t *endpoints_json(const struct snapshot *snapshot, int64_t now) {
	json_t *object = json_object();

	for (size_t i = 0; i < snapshot->endpoints.count; i++) {
		const struct endpoint *endpoint = &snapshot->endpoints.items[i];

		json_object_set_new(object, endpoint->path,
				    json_verdict(&snapshot->facts, &endpoint->policy, now));
	}
	return object;
}

/* What was told before the order does not count. */
static json_t *balancer_json(const struct poller *poller, uint64_t epoch, int64_t now) {
	json_t *object = json_poller(poller, now);
	uint64_t told = poller->epoch == epoch ? poller->told : 0;

	json_object_set_new(object, "told", json_integer((json_int_t)told));
	json_object_set_new(object, "available", json_boolean(poller->available));
	return object;
}

/* None of them all was told less often. */
static json_int_t told_at_least(const struct maintenance_report *report) {
	return report->balancer_count == 0
		       ? 0
		       : (json_int_t)poller_told(&report->balancers[0], &report->message);
}

static json_t *balancers_json(const struct maintenance_report *report) {
	json_t *array = json_array();

	for (size_t i = 0; i < report->balancer_count; i++)
		json_array_append_new(array, balancer_json(&report->balancers[i],
							   report->snapshot.epoch, report->now));
	return array;
}

static json_t *session_json(const struct session *session) {
	return json_pack("{s:I, s:o, s:o, s:o, s:I, s:b}", "id", (json_int_t)session->id, "user",
			 json_text(session->user), "host", json_text(session->host), "command",
			 json_text(session->command), "seconds", (json_int_t)session->seconds,
			 "in_transaction", session->in_transaction);
}

static json_t *sessions_json(const struct sessions *sessions, int64_t now) {
	json_t *object = json_result(&sessions->result);
	json_t *busiest = json_array();

	if (sessions->result.outcome != PROBE_OK) {
		json_decref(busiest);
		return object;
	}
	for (size_t i = 0; i < sessions->busy && i < SESSION_MAX; i++)
		if (sessions->busiest[i].id)
			json_array_append_new(busiest, session_json(&sessions->busiest[i]));
	json_object_set_new(object, "age_ms", json_ms(now - sessions->at));
	json_object_set_new(object, "connected", json_integer(sessions->connected));
	json_object_set_new(object, "busy", json_integer(sessions->busy));
	json_object_set_new(object, "busiest", busiest);
	return object;
}

char *maintenance_json(const struct maintenance_report *report) {
	const struct snapshot *snapshot = &report->snapshot;
	int64_t now = report->now;

	document_begin();
	return json_finish(json_pack(
		"{s:i, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "schema", 1,
		"version", VERSION, "maintenance", json_order(&snapshot->facts.order, now), "epoch",
		(json_int_t)snapshot->epoch, "epoch_age_ms", json_ms(now - snapshot->epoch_since),
		"uptime_ms", json_ms(now - report->started), "age_ms",
		json_ms(now - snapshot->facts.probed_at), "endpoints",
		endpoints_json(snapshot, now), "balancers_total",
		(json_int_t)report->balancer_total, "balancers_told", told_at_least(report),
		"balancers", balancers_json(report), "sessions",
		sessions_json(&snapshot->facts.sessions, now)));
}

char *maintenance_order_json(const struct order *order, int64_t now) {
	document_begin();
	return json_finish(json_pack("{s:i, s:s, s:o}", "schema", 1, "version", VERSION,
				     "maintenance", json_order(order, now)));
}
