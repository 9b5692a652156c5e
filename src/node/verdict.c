/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/verdict.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* wsrep_local_state as numbered by galera 26.4 and wsrep-API v26. */
enum {
	STATE_INITIALIZED = 0,
	STATE_JOINING = 1,
	STATE_DONOR = 2,
	STATE_JOINED = 3,
	STATE_SYNCED = 4
};

struct inputs {
	const struct facts *facts;
	const struct policy *policy;
	int64_t now;
};

static bool is_disabled(const struct inputs *in) {
	return order_mode(&in->facts->order, in->now) == MAINTENANCE_DISABLED;
}

static bool is_draining(const struct inputs *in) {
	return order_mode(&in->facts->order, in->now) == MAINTENANCE_DRAINING;
}

static bool is_starting(const struct inputs *in) {
	return in->facts->probe.outcome == PROBE_NEVER;
}

/* The first moment at which they are too old. */
static int64_t stale_from(const struct facts *facts, const struct policy *policy) {
	if (facts->probe.outcome == PROBE_NEVER)
		return CLOCK_NEVER;
	return facts->probed_at + policy->max_age + 1;
}

static bool is_stale(const struct inputs *in) {
	return in->now >= stale_from(in->facts, in->policy);
}

static bool probe_is(const struct inputs *in, enum probe_outcome outcome) {
	return in->facts->probe.outcome == outcome;
}

static bool is_unreachable(const struct inputs *in) {
	return probe_is(in, PROBE_UNREACHABLE);
}

static bool is_refused(const struct inputs *in) {
	return probe_is(in, PROBE_REFUSED);
}

static bool is_timed_out(const struct inputs *in) {
	return probe_is(in, PROBE_TIMEOUT);
}

static bool is_denied(const struct inputs *in) {
	return probe_is(in, PROBE_ACCESS_DENIED);
}

static bool is_crowded(const struct inputs *in) {
	if (probe_is(in, PROBE_TOO_MANY_CONNECTIONS))
		return true;
	return in->facts->login.outcome == PROBE_TOO_MANY_CONNECTIONS &&
	       in->policy->saturated != ADMISSION_AVAILABLE;
}

/* Whatever is not a known outcome counts here, so that nothing unknown gets any further. */
static bool is_protocol_error(const struct inputs *in) {
	return !probe_is(in, PROBE_OK) && !probe_is(in, PROBE_NOT_READY);
}

static bool is_login_failing(const struct inputs *in) {
	if (!probe_is(in, PROBE_OK))
		return false;
	switch (in->facts->login.outcome) {
	case PROBE_NEVER:
	case PROBE_OK:
	case PROBE_TOO_MANY_CONNECTIONS:
		return false;
	default:
		return true;
	}
}

static bool is_not_galera(const struct inputs *in) {
	const struct facts *facts = in->facts;

	if (probe_is(in, PROBE_NOT_READY))
		return false;
	if (fact_text(facts, FACT_WSREP_ON))
		return !fact_is_on(facts, FACT_WSREP_ON);
	return !fact_text(facts, FACT_LOCAL_STATE) && !fact_text(facts, FACT_CLUSTER_STATUS);
}

static bool is_non_primary(const struct inputs *in) {
	return !probe_is(in, PROBE_NOT_READY) &&
	       !fact_is(in->facts, FACT_CLUSTER_STATUS, "Primary");
}

static bool is_not_ready(const struct inputs *in) {
	return probe_is(in, PROBE_NOT_READY) || !fact_is_on(in->facts, FACT_READY) ||
	       !fact_is_on(in->facts, FACT_CONNECTED);
}

static bool is_in_maintenance(const struct inputs *in) {
	return fact_text(in->facts, FACT_PXC_MAINT_MODE) &&
	       !fact_is(in->facts, FACT_PXC_MAINT_MODE, "DISABLED");
}

static bool is_rejecting(const struct inputs *in) {
	const struct facts *facts = in->facts;

	if (fact_text(facts, FACT_REJECT_QUERIES) && !fact_is(facts, FACT_REJECT_QUERIES, "NONE"))
		return true;
	return fact_text(facts, FACT_OFFLINE_MODE) && !fact_is_off(facts, FACT_OFFLINE_MODE);
}

static bool state_is(const struct inputs *in, int state) {
	double value;

	return fact_number(in->facts, FACT_LOCAL_STATE, &value) && value == state;
}

static bool is_joining(const struct inputs *in) {
	return state_is(in, STATE_JOINING) || verdict_transfer_explains(in->facts);
}

static bool is_joined(const struct inputs *in) {
	return state_is(in, STATE_JOINED);
}

/* State transfer methods that let the donor go on serving. */
static bool sst_does_not_block(const struct facts *facts) {
	static const char *const methods[] = {"mariabackup", "xtrabackup", "xtrabackup-v2",
					      "clone"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (fact_is(facts, FACT_SST_METHOD, methods[i]))
			return true;
	return false;
}

static bool is_donor(const struct inputs *in) {
	const struct facts *facts = in->facts;
	double size;

	if (!state_is(in, STATE_DONOR))
		return false;
	if (fact_text(facts, FACT_SST_DONOR_REJECTS_QUERIES) &&
	    !fact_is_off(facts, FACT_SST_DONOR_REJECTS_QUERIES))
		return true;
	switch (in->policy->donor) {
	case DONOR_AVAILABLE:
		return false;
	case DONOR_AUTO:
		/* In a cluster of two the other one is the joiner: nobody else can serve. */
		if (fact_number(facts, FACT_CLUSTER_SIZE, &size) && size == 2)
			return false;
		return !sst_does_not_block(facts);
	case DONOR_UNAVAILABLE:
		break;
	}
	return true;
}

static bool is_initialized(const struct inputs *in) {
	return state_is(in, STATE_INITIALIZED);
}

/* Any state but Synced, or a donor that the rules above let pass: unknown, absent, garbage. */
static bool is_in_error(const struct inputs *in) {
	return !state_is(in, STATE_SYNCED) && !state_is(in, STATE_DONOR);
}

/* MariaDB from 12 on has other words than ON and OFF here: whatever is not off is read-only. */
static bool is_read_only(const struct inputs *in) {
	const struct facts *facts = in->facts;

	if (in->policy->read_only == ADMISSION_AVAILABLE)
		return false;
	return (fact_text(facts, FACT_READ_ONLY) && !fact_is_off(facts, FACT_READ_ONLY)) ||
	       (fact_text(facts, FACT_SUPER_READ_ONLY) &&
		!fact_is_off(facts, FACT_SUPER_READ_ONLY));
}

static bool is_small_cluster(const struct inputs *in) {
	double size;

	if (in->policy->min_cluster_size == 0)
		return false;
	return !fact_number(in->facts, FACT_CLUSTER_SIZE, &size) ||
	       size < (double)in->policy->min_cluster_size;
}

static bool is_queueing(const struct inputs *in) {
	double length;

	if (in->policy->max_recv_queue == 0)
		return false;
	return !fact_number(in->facts, FACT_LOCAL_RECV_QUEUE, &length) ||
	       length > (double)in->policy->max_recv_queue;
}

static bool is_flow_controlled(const struct inputs *in) {
	if (in->policy->max_flow_control <= 0)
		return false;
	return !in->facts->flow_control_known ||
	       in->facts->flow_control > in->policy->max_flow_control;
}

static bool is_available(const struct inputs *in) {
	(void)in;
	return true;
}

struct rule {
	const char *name;
	bool (*applies)(const struct inputs *in);
	int http_status;
	enum sentence sentence;
	const char *help;
};

/* The first rule that applies decides. */
static const struct rule rules[REASON_COUNT] = {
	[REASON_DISABLED] = {"disabled", is_disabled, 503, SENTENCE_DISABLED, "taken out by hand"},
	[REASON_DRAINING] = {"draining", is_draining, 404, SENTENCE_DISABLED,
			     "draining by hand: finish what runs, send nothing new"},
	[REASON_STARTING] = {"starting", is_starting, 503, SENTENCE_NOT_SYNCED,
			     "the server has not been probed yet"},
	[REASON_STALE] = {"stale", is_stale, 503, SENTENCE_NOT_SYNCED,
			  "the last probe is older than max_age"},
	[REASON_UNREACHABLE] = {"unreachable", is_unreachable, 503, SENTENCE_NOT_SYNCED,
				"no connection to the server could be made"},
	[REASON_REFUSED] = {"refused", is_refused, 503, SENTENCE_NOT_SYNCED,
			    "nothing listens, or the server turned the connection away"},
	[REASON_TIMEOUT] = {"timeout", is_timed_out, 503, SENTENCE_NOT_SYNCED,
			    "the server did not answer within the timeout"},
	[REASON_ACCESS_DENIED] = {"access-denied", is_denied, 503, SENTENCE_NOT_SYNCED,
				  "the server did not accept the account"},
	[REASON_TOO_MANY_CONNECTIONS] = {"too-many-connections", is_crowded, 503,
					 SENTENCE_NOT_SYNCED, "the server has no connection left"},
	[REASON_PROTOCOL_ERROR] = {"protocol-error", is_protocol_error, 503, SENTENCE_NOT_SYNCED,
				   "the server's answer was not understood"},
	[REASON_LOGIN_FAILING] = {"login-failing", is_login_failing, 503, SENTENCE_NOT_SYNCED,
				  "the kept connection works but fresh logins do not"},
	[REASON_NOT_GALERA] = {"not-galera", is_not_galera, 503, SENTENCE_NOT_SYNCED,
			       "the server has no wsrep, or wsrep_on is OFF"},
	[REASON_NON_PRIMARY] = {"non-primary", is_non_primary, 503, SENTENCE_NOT_SYNCED,
				"the node is not in the primary component"},
	[REASON_NOT_READY] = {"not-ready", is_not_ready, 503, SENTENCE_NOT_SYNCED,
			      "wsrep_ready or wsrep_connected is not ON"},
	[REASON_MAINTENANCE] = {"maintenance", is_in_maintenance, 404, SENTENCE_NOT_SYNCED,
				"pxc_maint_mode is set: finish what runs, send nothing new"},
	[REASON_REJECTING] = {"rejecting", is_rejecting, 503, SENTENCE_NOT_SYNCED,
			      "wsrep_reject_queries or offline_mode refuses applications"},
	[REASON_JOINING] = {"joining", is_joining, 503, SENTENCE_NOT_SYNCED,
			    "the node is receiving a state transfer"},
	[REASON_JOINED] = {"joined", is_joined, 503, SENTENCE_NOT_SYNCED,
			   "the node is catching up after a state transfer"},
	[REASON_DONOR] = {"donor", is_donor, 503, SENTENCE_NOT_SYNCED,
			  "the node is a donor or desynced"},
	[REASON_INITIALIZED] = {"initialized", is_initialized, 503, SENTENCE_NOT_SYNCED,
				"the node has not joined the cluster"},
	[REASON_ERROR] = {"error", is_in_error, 503, SENTENCE_NOT_SYNCED,
			  "wsrep_local_state is no state of a working node"},
	[REASON_READ_ONLY] = {"read-only", is_read_only, 503, SENTENCE_READ_ONLY,
			      "read_only or super_read_only is on"},
	[REASON_SMALL_CLUSTER] = {"small-cluster", is_small_cluster, 503, SENTENCE_NOT_SYNCED,
				  "the cluster has fewer members than min_cluster_size"},
	[REASON_RECV_QUEUE] = {"recv-queue", is_queueing, 503, SENTENCE_NOT_SYNCED,
			       "the receive queue is longer than max_recv_queue"},
	[REASON_FLOW_CONTROL] = {"flow-control", is_flow_controlled, 503, SENTENCE_NOT_SYNCED,
				 "flow control pauses more than max_flow_control of the time"},
	[REASON_AVAILABLE] = {"available", is_available, 200, SENTENCE_SYNCED,
			      "the node may take traffic"},
};

bool verdict_transfer_explains(const struct facts *facts) {
	switch (facts->probe.outcome) {
	case PROBE_UNREACHABLE:
	case PROBE_REFUSED:
	case PROBE_TIMEOUT:
		return facts->transfer.receiving;
	default:
		return false;
	}
}

/* What a state transfer explains is no news: the rules on what the server said are passed over. */
static bool applies(enum reason reason, const struct inputs *in) {
	if (reason >= REASON_UNREACHABLE && reason < REASON_JOINING &&
	    verdict_transfer_explains(in->facts))
		return false;
	return rules[reason].applies(in);
}

struct verdict verdict(const struct facts *facts, const struct policy *policy, int64_t now) {
	const struct inputs in = {.facts = facts, .policy = policy, .now = now};
	enum reason reason = REASON_DISABLED;

	while (reason < REASON_AVAILABLE && !applies(reason, &in))
		reason++;
	return (struct verdict){
		.reason = reason,
		.available = reason == REASON_AVAILABLE,
		.http_status = rules[reason].http_status,
		.sentence = rules[reason].sentence,
	};
}

bool verdict_rule_applies(enum reason reason, const struct facts *facts,
			  const struct policy *policy, int64_t now) {
	const struct inputs in = {.facts = facts, .policy = policy, .now = now};

	return applies(reason, &in);
}

bool verdict_sst_blocks(const struct facts *facts) {
	return !sst_does_not_block(facts);
}

int64_t verdict_expires(const struct facts *facts, const struct policy *policy, int64_t now) {
	int64_t stale = stale_from(facts, policy);
	int64_t expires = stale > now ? stale : CLOCK_NEVER;

	return facts->order.ends > now && facts->order.ends < expires ? facts->order.ends : expires;
}

const char *reason_name(enum reason reason) {
	return rules[reason].name;
}

const char *reason_help(enum reason reason) {
	return rules[reason].help;
}

int reason_find(const char *name, enum reason *reason) {
	for (int i = 0; i < REASON_COUNT; i++) {
		if (strcmp(rules[i].name, name) == 0) {
			*reason = (enum reason)i;
			return 0;
		}
	}
	return -ENOENT;
}
