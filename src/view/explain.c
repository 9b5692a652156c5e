/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/explain.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/option.h"
#include "view/status_reader.h"

/* What a rule may look at besides the server's own values. */
enum look {
	LOOK_MAINTENANCE = 1 << 0,
	LOOK_PROBE = 1 << 1,
	LOOK_LOGIN = 1 << 2,
	LOOK_AGE = 1 << 3,
	LOOK_FLOW_CONTROL = 1 << 4,
	LOOK_SATURATED = 1 << 5,
	LOOK_DONOR = 1 << 6,
	LOOK_READ_ONLY = 1 << 7,
	LOOK_MIN_CLUSTER_SIZE = 1 << 8,
	LOOK_MAX_RECV_QUEUE = 1 << 9,
	LOOK_MAX_FLOW_CONTROL = 1 << 10,
	LOOK_TRANSFER = 1 << 11, /* told only where there is one: it puts the rule out of force */
};

#define FACTS(...)                                    \
	.facts = (const enum fact_id[]){__VA_ARGS__}, \
	.fact_count = sizeof((enum fact_id[]){__VA_ARGS__}) / sizeof(enum fact_id)

/* test_explain.c turns every value that a rule does not name here, and the rule must not care. */
static const struct evidence {
	unsigned int looks;
	const enum fact_id *facts;
	size_t fact_count;
} evidence[REASON_COUNT] = {
	[REASON_DISABLED] = {LOOK_MAINTENANCE},
	[REASON_DRAINING] = {LOOK_MAINTENANCE},
	[REASON_STARTING] = {LOOK_PROBE},
	[REASON_STALE] = {LOOK_PROBE | LOOK_AGE},
	[REASON_UNREACHABLE] = {LOOK_TRANSFER | LOOK_PROBE},
	[REASON_REFUSED] = {LOOK_TRANSFER | LOOK_PROBE},
	[REASON_TIMEOUT] = {LOOK_TRANSFER | LOOK_PROBE},
	[REASON_ACCESS_DENIED] = {LOOK_TRANSFER | LOOK_PROBE},
	[REASON_TOO_MANY_CONNECTIONS] = {LOOK_TRANSFER | LOOK_PROBE | LOOK_LOGIN | LOOK_SATURATED},
	[REASON_PROTOCOL_ERROR] = {LOOK_TRANSFER | LOOK_PROBE},
	[REASON_LOGIN_FAILING] = {LOOK_TRANSFER | LOOK_PROBE | LOOK_LOGIN},
	[REASON_NOT_GALERA] = {LOOK_TRANSFER | LOOK_PROBE,
			       FACTS(FACT_WSREP_ON, FACT_LOCAL_STATE, FACT_CLUSTER_STATUS)},
	[REASON_NON_PRIMARY] = {LOOK_TRANSFER | LOOK_PROBE, FACTS(FACT_CLUSTER_STATUS)},
	[REASON_NOT_READY] = {LOOK_TRANSFER | LOOK_PROBE, FACTS(FACT_READY, FACT_CONNECTED)},
	[REASON_MAINTENANCE] = {LOOK_TRANSFER, FACTS(FACT_PXC_MAINT_MODE)},
	[REASON_REJECTING] = {LOOK_TRANSFER, FACTS(FACT_REJECT_QUERIES, FACT_OFFLINE_MODE)},
	[REASON_JOINING] = {LOOK_TRANSFER, FACTS(FACT_LOCAL_STATE)},
	[REASON_JOINED] = {0, FACTS(FACT_LOCAL_STATE)},
	[REASON_DONOR] = {LOOK_DONOR, FACTS(FACT_LOCAL_STATE, FACT_SST_METHOD,
					    FACT_SST_DONOR_REJECTS_QUERIES, FACT_CLUSTER_SIZE)},
	[REASON_INITIALIZED] = {0, FACTS(FACT_LOCAL_STATE)},
	[REASON_ERROR] = {0, FACTS(FACT_LOCAL_STATE, FACT_LOCAL_STATE_COMMENT)},
	[REASON_READ_ONLY] = {LOOK_READ_ONLY, FACTS(FACT_READ_ONLY, FACT_SUPER_READ_ONLY)},
	[REASON_SMALL_CLUSTER] = {LOOK_MIN_CLUSTER_SIZE, FACTS(FACT_CLUSTER_SIZE)},
	[REASON_RECV_QUEUE] = {LOOK_MAX_RECV_QUEUE, FACTS(FACT_LOCAL_RECV_QUEUE)},
	[REASON_FLOW_CONTROL] = {LOOK_FLOW_CONTROL | LOOK_MAX_FLOW_CONTROL},
};

/* --- the values ----------------------------------------------------------------------------- */

static void separate(struct text *out) {
	if (out->length > 0)
		text_append(out, ", ");
}

static void add_result(struct text *out, const char *name, const struct probe_result *result) {
	separate(out);
	text_format(out, "%s %s", name, probe_outcome_name(result->outcome));
	if (result->error[0])
		text_format(out, " (%s)", result->error);
}

static void add_word(struct text *out, const char *key, unsigned int value) {
	separate(out);
	text_format(out, "policy %s=%s", key,
		    option_at((size_t)option_find("policy", key))->words[value]);
}

static void add_age(struct text *out, const struct facts *facts, const struct policy *policy,
		    int64_t now) {
	separate(out);
	text_append(out, "age ");
	if (facts->probe.outcome == PROBE_NEVER)
		text_append(out, "-");
	else
		text_append_duration(out, now - facts->probed_at);
	text_append(out, ", max_age=");
	text_append_duration(out, policy->max_age);
}

static void add_limit(struct text *out, const char *key, double limit) {
	separate(out);
	text_format(out, "policy %s=%g%s", key, limit, limit > 0 ? "" : " (no limit)");
}

static void add_order(struct text *out, const struct order *order, int64_t now) {
	separate(out);
	text_append(out, "ordered: ");
	if (order_mode(order, now) == MAINTENANCE_NONE)
		text_append(out, "nothing");
	order_describe(order, now, out);
}

static void add_fact(struct text *out, const struct facts *facts, enum fact_id id) {
	const char *value = fact_text(facts, id);

	separate(out);
	text_format(out, "%s=%s", fact_info(id)->name, value ? value : "-");
}

static void add_transfer(struct text *out, const struct facts *facts, int64_t now) {
	if (!verdict_transfer_explains(facts))
		return;
	separate(out);
	transfer_describe(&facts->transfer, now, out);
}

static void add_limits(struct text *out, unsigned int looks, const struct facts *facts,
		       const struct policy *policy) {
	if (looks & LOOK_FLOW_CONTROL) {
		separate(out);
		if (facts->flow_control_known)
			text_format(out, "flow_control_paused=%.3g", facts->flow_control);
		else
			text_append(out, "flow_control_paused=-");
	}
	if (looks & LOOK_MIN_CLUSTER_SIZE)
		add_limit(out, "min_cluster_size", (double)policy->min_cluster_size);
	if (looks & LOOK_MAX_RECV_QUEUE)
		add_limit(out, "max_recv_queue", (double)policy->max_recv_queue);
	if (looks & LOOK_MAX_FLOW_CONTROL)
		add_limit(out, "max_flow_control", policy->max_flow_control);
}

void explain_values(enum reason reason, const struct facts *facts, const struct policy *policy,
		    int64_t now, struct text *out) {
	const struct evidence *looked = &evidence[reason];

	if (looked->looks & LOOK_MAINTENANCE)
		add_order(out, &facts->order, now);
	if (looked->looks & LOOK_PROBE)
		add_result(out, "probe", &facts->probe);
	if (looked->looks & LOOK_LOGIN)
		add_result(out, "fresh login", &facts->login);
	if (looked->looks & LOOK_TRANSFER)
		add_transfer(out, facts, now);
	if (looked->looks & LOOK_AGE)
		add_age(out, facts, policy, now);
	for (size_t i = 0; i < looked->fact_count; i++)
		add_fact(out, facts, looked->facts[i]);
	if (looked->looks & LOOK_SATURATED)
		add_word(out, "saturated", policy->saturated);
	if (looked->looks & LOOK_DONOR)
		add_word(out, "donor", policy->donor);
	if (looked->looks & LOOK_READ_ONLY)
		add_word(out, "read_only", policy->read_only);
	add_limits(out, looked->looks, facts, policy);
	/* A server may say anything. */
	text_flatten(out, 0, '?');
}

/* --- the table ------------------------------------------------------------------------------ */

static const char *colour_of(bool colour, const struct verdict *judged) {
	if (!colour)
		return "";
	return judged->available ? "\033[1;32m" : "\033[1;31m";
}

static void print_rule(enum reason reason, const struct verdict *judged, const char *values,
		       bool colour, FILE *stream) {
	bool decides = reason == judged->reason;
	const char *word = decides ? "decides" : reason < judged->reason ? "passed" : "not reached";

	fprintf(stream, "%s%s %-21s %-*s%s%s\n", decides ? colour_of(colour, judged) : "",
		decides ? ">" : " ", reason_name(reason), values[0] ? 13 : 0, word, values,
		decides && colour ? "\033[0m" : "");
}

void explain_print(const char *path, const struct facts *facts, const struct policy *policy,
		   int64_t now, bool colour, FILE *stream) {
	struct verdict judged = verdict(facts, policy, now);
	char storage[1024];
	struct text values;

	for (int i = 0; i < REASON_COUNT; i++) {
		text_init(&values, storage, sizeof(storage));
		explain_values((enum reason)i, facts, policy, now, &values);
		print_rule((enum reason)i, &judged, storage, colour, stream);
	}
	fprintf(stream, "\n%s: %d %s: %s\n", path, judged.http_status, reason_name(judged.reason),
		reason_help(judged.reason));
}

/* --- what stands around it ------------------------------------------------------------------ */

void explain_print_source(const char *socket, int daemon_error, const struct facts *facts,
			  int64_t now, FILE *stream) {
	char storage[64];
	struct text age;

	text_init(&age, storage, sizeof(storage));
	if (facts->probed_at) {
		text_append(&age, ", which probed ");
		text_append_duration(&age, now - facts->probed_at);
		text_append(&age, " ago");
	}
	if (daemon_error == 0)
		fprintf(stream, "asked the daemon on %s%s\n\n", socket, storage);
	else if (!socket[0])
		fputs("[control] socket is empty: probed the server just now\n\n", stream);
	else
		fprintf(stream, "no daemon answers on %s (%s): probed the server just now\n\n",
			socket, strerror(-daemon_error));
}

void explain_print_difference(const char *status, const struct endpoint *endpoint,
			      const struct facts *facts, int64_t now, FILE *stream) {
	struct verdict ours = verdict(facts, &endpoint->policy, now);
	enum reason told;

	if (status_read_reason(status, endpoint->path, &told) < 0)
		fprintf(stream,
			"The daemon has no endpoint %s: reload it, or name its configuration with "
			"--config.\n",
			endpoint->path);
	else if (told != ours.reason)
		fprintf(stream,
			"The daemon itself says %s: its configuration is another; reload it, or "
			"name its own with --config.\n",
			reason_name(told));
}
