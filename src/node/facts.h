/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts: what one probe of the node found, as plain values. No I/O, no clock, no allocation.
 *
 * The fact ledger names every status value and variable we ask a server for; the probe's queries,
 * the verdict, the log's "what changed" and every view are made from it.
 */
#ifndef CLUSTERCHECKD_NODE_FACTS_H
#define CLUSTERCHECKD_NODE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/order.h"
#include "node/transfer.h"

enum fact_id {
	FACT_CLUSTER_STATUS,
	FACT_READY,
	FACT_CONNECTED,
	FACT_LOCAL_STATE,
	FACT_LOCAL_STATE_COMMENT,
	FACT_CLUSTER_SIZE,
	FACT_LOCAL_INDEX,
	FACT_LOCAL_RECV_QUEUE,
	FACT_FLOW_CONTROL_PAUSED_NS,
	FACT_DESYNC_COUNT,
	FACT_LAST_COMMITTED,
	FACT_CLUSTER_STATE_UUID,
	FACT_INCOMING_ADDRESSES,
	FACT_WSREP_ON,
	FACT_REJECT_QUERIES,
	FACT_SST_METHOD,
	FACT_SST_DONOR_REJECTS_QUERIES,
	FACT_READ_ONLY,
	FACT_SUPER_READ_ONLY,
	FACT_OFFLINE_MODE,
	FACT_PXC_MAINT_MODE,
	FACT_CLUSTER_NAME,
	FACT_NODE_NAME,
	FACT_NODE_ADDRESS,
	FACT_COUNT
};

enum fact_source { FACT_STATUS, FACT_VARIABLE };

enum fact_kind { FACT_TEXT, FACT_FLAG, FACT_NUMBER };

struct fact_info {
	const char *name; /* the server's own */
	enum fact_source source;
	enum fact_kind kind;
	bool volatile_value; /* moves with traffic: a change of it alone is no news */
	const char *unit;    /* of a number, where it has one */
};

/* What became of a probe or of a fresh login. */
enum probe_outcome {
	PROBE_NEVER, /* not tried yet */
	PROBE_OK,
	PROBE_UNREACHABLE,
	PROBE_REFUSED,
	PROBE_TIMEOUT,
	PROBE_ACCESS_DENIED,
	PROBE_TOO_MANY_CONNECTIONS,
	PROBE_PROTOCOL_ERROR,
	PROBE_NOT_READY, /* error 1047: the server takes no statements at all */
	PROBE_OUTCOME_COUNT
};

/* Who made the server; found out at connect. */
enum flavour {
	FLAVOUR_UNKNOWN,
	FLAVOUR_MARIADB,
	FLAVOUR_PXC,
	FLAVOUR_CODERSHIP,
	FLAVOUR_MYSQL,
	FLAVOUR_COUNT
};

/*
 * Longer values are cut; no value that a verdict accepts comes near it. The longest there is,
 * wsrep_incoming_addresses, has room for two dozen members with IPv6 addresses.
 */
#define FACT_TEXT_SIZE 1024

/* Upper bounds of the probe duration histogram, in nanoseconds; the last bucket has none. */
#define PROBE_BUCKET_COUNT 12
extern const int64_t probe_buckets[PROBE_BUCKET_COUNT];

/* Since the start of the program. */
struct probe_totals {
	uint64_t probes[PROBE_OUTCOME_COUNT];
	uint64_t logins[PROBE_OUTCOME_COUNT];
	uint64_t durations[PROBE_BUCKET_COUNT + 1]; /* each bucket by itself */
	int64_t duration_sum;			    /* nanoseconds */
};

struct fact {
	bool present; /* the server has it; it may still be empty */
	char text[FACT_TEXT_SIZE];
};

struct probe_result {
	enum probe_outcome outcome;
	unsigned int code; /* the server's or the client library's error number, 0 if none */
	char error[256];   /* for people; never holds a secret; empty when ok */
};

#define SESSION_MAX 16

/* A session of an application's on the node. Never its statement: that may hold anything. */
struct session {
	uint64_t id;
	char user[64], host[96], command[32];
	uint64_t seconds;    /* in its present state */
	bool in_transaction; /* InnoDB has one open for it */
};

/* Who works on the node besides us and the server itself; looked at only while somebody asks. */
struct sessions {
	int64_t at;		    /* clock_now() when they were asked for; 0: never */
	struct probe_result result; /* whether the answer is one */
	unsigned int connected;	    /* all of them, those at rest too */
	unsigned int busy; /* running a statement or holding a transaction; the first are listed */
	struct session busiest[SESSION_MAX];
};

struct facts {
	int64_t probed_at;   /* clock_now() when the round began, 0 before the first */
	int64_t probed_wall; /* clock_wall() at the same moment */
	int64_t took;	     /* nanoseconds the round lasted */
	struct probe_result probe;
	struct probe_result login; /* of the last fresh login */
	struct probe_totals totals;
	enum flavour flavour;
	char server_version[64];
	struct sessions sessions;
	struct order order;	  /* what an operator wants, whatever the node says */
	struct transfer transfer; /* as the server's own file tells it */
	struct fact values[FACT_COUNT];
	/*
	 * Share of the time between two readings that replication was paused by flow control, 0 to
	 * 1; wsrep_flow_control_paused itself is an average since the last FLUSH STATUS
	 * (galera 26.4).
	 */
	bool flow_control_known;
	double flow_control;	    /* between the last two readings */
	double flow_control_recent; /* over the last ten seconds, as far as there are readings */
};

const struct fact_info *fact_info(enum fact_id id);

/* 0, or -ENOENT when `name` is not in the ledger; names compare without regard to case. */
int fact_find(const char *name, enum fact_id *id);

/* A NULL value counts as absent. */
void facts_set(struct facts *facts, enum fact_id id, const char *value);

/* The text, or NULL when the server does not have it. */
const char *fact_text(const struct facts *facts, enum fact_id id);

/* True when the value is there and equals `word`, without regard to case. */
bool fact_is(const struct facts *facts, enum fact_id id, const char *word);

/* ON, 1, YES and TRUE; OFF and 0. What is neither, or absent, is neither on nor off. */
bool fact_is_on(const struct facts *facts, enum fact_id id);
bool fact_is_off(const struct facts *facts, enum fact_id id);

/* False when absent or not entirely a finite, non-negative decimal number. */
bool fact_number(const struct facts *facts, enum fact_id id, double *number);

/* Counts a finished round or login. */
void facts_count_probe(struct facts *facts);
void facts_count_login(struct facts *facts, enum probe_outcome outcome);
uint64_t facts_probes(const struct facts *facts);
uint64_t facts_logins(const struct facts *facts);

/* From @@version and @@version_comment, and from whether the variables of PXC are there. */
enum flavour flavour_of(const char *version, const char *comment, bool has_pxc, bool has_wsrep);

const char *flavour_name(enum flavour flavour);
const char *probe_outcome_name(enum probe_outcome outcome);

#endif
