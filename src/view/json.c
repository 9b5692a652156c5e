/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/json.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/document.h"
#include "base/stamp.h"
#include "base/text.h"

json_t *json_text(const char *text) {
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

json_t *json_stamp(int64_t wall) {
	char stamp[STAMP_SIZE];

	stamp_format(stamp, wall);
	return json_string(stamp);
}

json_t *json_ms(int64_t nanoseconds) {
	return json_real((double)nanoseconds / NSEC_PER_MSEC);
}

/* --- probe and verdict ---------------------------------------------------------------------- */

json_t *json_result(const struct probe_result *result) {
	json_t *object = json_pack("{s:s}", "outcome", probe_outcome_name(result->outcome));

	if (result->code)
		json_object_set_new(object, "code", json_integer(result->code));
	if (result->error[0])
		json_object_set_new(object, "error", json_text(result->error));
	return object;
}

json_t *json_verdict(const struct facts *facts, const struct policy *policy, int64_t now) {
	struct verdict judged = verdict(facts, policy, now);

	return json_pack("{s:b, s:i, s:s, s:s}", "available", judged.available, "http_status",
			 judged.http_status, "reason", reason_name(judged.reason), "help",
			 reason_help(judged.reason));
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
					    json_text(value ? value : part));
	}
	return object;
}

json_t *json_poller(const struct poller *poller, int64_t now) {
	json_t *object = json_pack(
		"{s:o, s:s, s:s, s:I, s:o}", "address", address_json(&poller->address), "via",
		poller->kind == POLLER_AGENT ? "agent" : "http", "endpoint", poller->path,
		"answers", (json_int_t)poller->answers, "age_ms", json_ms(now - poller->last));

	if (poller->period)
		json_object_set_new(object, "period_ms", json_ms(poller->period));
	if (poller->status)
		json_object_set_new(object, "last_status", json_integer(poller->status));
	if (poller->state[0])
		json_object_set_new(object, "haproxy", haproxy_json(poller->state));
	return object;
}

/* --- orders --------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *name, const char *text) {
	if (text[0])
		json_object_set_new(object, name, json_text(text));
}

json_t *json_order(const struct order *order, int64_t now) {
	enum maintenance mode = order_mode(order, now);
	json_t *object = json_pack("{s:s}", "mode", maintenance_name(mode));

	if (mode == MAINTENANCE_NONE)
		return object;
	json_object_set_new(object, "origin", json_string(order_origin_name(order->origin)));
	set_text(object, "file", order->file);
	set_text(object, "by", order->by);
	set_text(object, "reason", order->reason);
	if (order->since)
		json_object_set_new(object, "since", json_stamp(order->since));
	if (order->until)
		json_object_set_new(object, "until", json_stamp(order->until));
	if (order->ends)
		json_object_set_new(object, "left_ms", json_ms(order->ends - now));
	return object;
}

char *json_finish(json_t *root) {
	return document_dump(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
}
