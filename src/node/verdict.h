/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict: may this node take traffic, and if not, why not.
 *
 * A pure function of facts, policy and time: no I/O, no clock, no globals, nothing allocated, any
 * thread. It is the only place that decides. The rules stand in verdict.c in the order in which
 * they apply; their truth table is tests/unit/verdict.table.
 */
#ifndef CLUSTERCHECKD_NODE_VERDICT_H
#define CLUSTERCHECKD_NODE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy.h"
#include "node/facts.h"

/* In the order of the rules; each "not available" has exactly one. */
enum reason {
	REASON_DISABLED,
	REASON_DRAINING,
	REASON_STARTING,
	REASON_STALE,
	REASON_UNREACHABLE,
	REASON_REFUSED,
	REASON_TIMEOUT,
	REASON_ACCESS_DENIED,
	REASON_TOO_MANY_CONNECTIONS,
	REASON_PROTOCOL_ERROR,
	REASON_LOGIN_FAILING,
	REASON_NOT_GALERA,
	REASON_NON_PRIMARY,
	REASON_NOT_READY,
	REASON_MAINTENANCE,
	REASON_REJECTING,
	REASON_JOINING,
	REASON_JOINED,
	REASON_DONOR,
	REASON_INITIALIZED,
	REASON_ERROR,
	REASON_READ_ONLY,
	REASON_SMALL_CLUSTER,
	REASON_RECV_QUEUE,
	REASON_FLOW_CONTROL,
	REASON_AVAILABLE,
	REASON_COUNT
};

/* Which of its dialect's four sentences an answer uses. */
enum sentence { SENTENCE_SYNCED, SENTENCE_NOT_SYNCED, SENTENCE_READ_ONLY, SENTENCE_DISABLED };

struct verdict {
	enum reason reason;
	bool available;
	int http_status; /* 200, 503, or 404 for "finish what runs, send nothing new" */
	enum sentence sentence;
};

/* `now` is clock_now() of the moment of the answer, not of the probe. */
struct verdict verdict(const struct facts *facts, const struct policy *policy, int64_t now);

/*
 * The first moment after `now` at which time alone may change the verdict: the facts become stale,
 * or an order ends. CLOCK_NEVER when there is none.
 */
int64_t verdict_expires(const struct facts *facts, const struct policy *policy, int64_t now);

/* Whether the server accepts no connection because it is receiving a state transfer. */
bool verdict_transfer_explains(const struct facts *facts);

/* Whether the rule of `reason` applies by itself, whatever stands before it: for explanations. */
bool verdict_rule_applies(enum reason reason, const struct facts *facts,
			  const struct policy *policy, int64_t now);

/* True unless the node's state transfer method is known to let a donor go on serving. */
bool verdict_sst_blocks(const struct facts *facts);

const char *reason_name(enum reason reason);

/* 0, or -ENOENT when no reason has this name. */
int reason_find(const char *name, enum reason *reason);

/* One sentence for people: what the reason means. */
const char *reason_help(enum reason reason);

#endif
