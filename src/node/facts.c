/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/facts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static const struct fact_info ledger[FACT_COUNT] = {
	[FACT_CLUSTER_STATUS] = {"wsrep_cluster_status", FACT_STATUS, FACT_TEXT},
	[FACT_READY] = {"wsrep_ready", FACT_STATUS, FACT_FLAG},
	[FACT_CONNECTED] = {"wsrep_connected", FACT_STATUS, FACT_FLAG},
	[FACT_LOCAL_STATE] = {"wsrep_local_state", FACT_STATUS, FACT_NUMBER},
	[FACT_LOCAL_STATE_COMMENT] = {"wsrep_local_state_comment", FACT_STATUS, FACT_TEXT},
	[FACT_CLUSTER_SIZE] = {"wsrep_cluster_size", FACT_STATUS, FACT_NUMBER, .unit = "members"},
	[FACT_LOCAL_INDEX] = {"wsrep_local_index", FACT_STATUS, FACT_NUMBER},
	[FACT_LOCAL_RECV_QUEUE] = {"wsrep_local_recv_queue", FACT_STATUS, FACT_NUMBER,
				   .volatile_value = true, .unit = "write-sets"},
	[FACT_FLOW_CONTROL_PAUSED_NS] = {"wsrep_flow_control_paused_ns", FACT_STATUS, FACT_NUMBER,
					 .volatile_value = true, .unit = "ns"},
	[FACT_DESYNC_COUNT] = {"wsrep_desync_count", FACT_STATUS, FACT_NUMBER, .unit = "times"},
	[FACT_LAST_COMMITTED] = {"wsrep_last_committed", FACT_STATUS, FACT_NUMBER,
				 .volatile_value = true, .unit = "seqno"},
	[FACT_CLUSTER_STATE_UUID] = {"wsrep_cluster_state_uuid", FACT_STATUS, FACT_TEXT},
	[FACT_INCOMING_ADDRESSES] = {"wsrep_incoming_addresses", FACT_STATUS, FACT_TEXT},
	[FACT_WSREP_ON] = {"wsrep_on", FACT_VARIABLE, FACT_FLAG},
	[FACT_REJECT_QUERIES] = {"wsrep_reject_queries", FACT_VARIABLE, FACT_TEXT},
	[FACT_SST_METHOD] = {"wsrep_sst_method", FACT_VARIABLE, FACT_TEXT},
	[FACT_SST_DONOR_REJECTS_QUERIES] = {"wsrep_sst_donor_rejects_queries", FACT_VARIABLE,
					    FACT_FLAG},
	[FACT_READ_ONLY] = {"read_only", FACT_VARIABLE, FACT_FLAG},
	[FACT_SUPER_READ_ONLY] = {"super_read_only", FACT_VARIABLE, FACT_FLAG},
	[FACT_OFFLINE_MODE] = {"offline_mode", FACT_VARIABLE, FACT_FLAG},
	[FACT_PXC_MAINT_MODE] = {"pxc_maint_mode", FACT_VARIABLE, FACT_TEXT},
	[FACT_CLUSTER_NAME] = {"wsrep_cluster_name", FACT_VARIABLE, FACT_TEXT},
	[FACT_NODE_NAME] = {"wsrep_node_name", FACT_VARIABLE, FACT_TEXT},
	[FACT_NODE_ADDRESS] = {"wsrep_node_address", FACT_VARIABLE, FACT_TEXT},
};

const int64_t probe_buckets[PROBE_BUCKET_COUNT] = {
	250 * NSEC_PER_MSEC / 1000,  500 * NSEC_PER_MSEC / 1000, NSEC_PER_MSEC,
	2500 * NSEC_PER_MSEC / 1000, 5 * NSEC_PER_MSEC,		 10 * NSEC_PER_MSEC,
	25 * NSEC_PER_MSEC,	     50 * NSEC_PER_MSEC,	 100 * NSEC_PER_MSEC,
	250 * NSEC_PER_MSEC,	     500 * NSEC_PER_MSEC,	 NSEC_PER_SEC,
};

static const char *const outcome_names[PROBE_OUTCOME_COUNT] = {
	[PROBE_NEVER] = "never",
	[PROBE_OK] = "ok",
	[PROBE_UNREACHABLE] = "unreachable",
	[PROBE_REFUSED] = "refused",
	[PROBE_TIMEOUT] = "timeout",
	[PROBE_ACCESS_DENIED] = "access-denied",
	[PROBE_TOO_MANY_CONNECTIONS] = "too-many-connections",
	[PROBE_PROTOCOL_ERROR] = "protocol-error",
	[PROBE_NOT_READY] = "not-ready",
};

static const char *const flavour_names[FLAVOUR_COUNT] = {
	[FLAVOUR_UNKNOWN] = "unknown",	   [FLAVOUR_MARIADB] = "MariaDB", [FLAVOUR_PXC] = "PXC",
	[FLAVOUR_CODERSHIP] = "Codership", [FLAVOUR_MYSQL] = "MySQL",
};

const struct fact_info *fact_info(enum fact_id id) {
	return &ledger[id];
}

int fact_find(const char *name, enum fact_id *id) {
	for (size_t i = 0; i < FACT_COUNT; i++) {
		if (strcasecmp(ledger[i].name, name) == 0) {
			*id = (enum fact_id)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* SELECT @@global.x says 1 where SHOW VARIABLES says ON: one spelling, or they would look changed.
 */
static const char *spell_flag(const char *value) {
	if (strcmp(value, "1") == 0)
		return "ON";
	return strcmp(value, "0") == 0 ? "OFF" : value;
}

void facts_set(struct facts *facts, enum fact_id id, const char *value) {
	struct fact *fact = &facts->values[id];

	if (value && ledger[id].kind == FACT_FLAG)
		value = spell_flag(value);
	fact->present = value != NULL;
	text_copy(fact->text, sizeof(fact->text), value ? value : "");
}

const char *fact_text(const struct facts *facts, enum fact_id id) {
	return facts->values[id].present ? facts->values[id].text : NULL;
}

bool fact_is(const struct facts *facts, enum fact_id id, const char *word) {
	return facts->values[id].present && strcasecmp(facts->values[id].text, word) == 0;
}

static bool fact_is_any(const struct facts *facts, enum fact_id id, const char *const *words,
			size_t count) {
	for (size_t i = 0; i < count; i++)
		if (fact_is(facts, id, words[i]))
			return true;
	return false;
}

bool fact_is_on(const struct facts *facts, enum fact_id id) {
	static const char *const words[] = {"ON", "1", "YES", "TRUE"};

	return fact_is_any(facts, id, words, ARRAY_SIZE(words));
}

bool fact_is_off(const struct facts *facts, enum fact_id id) {
	static const char *const words[] = {"OFF", "0"};

	return fact_is_any(facts, id, words, ARRAY_SIZE(words));
}

bool fact_number(const struct facts *facts, enum fact_id id, double *number) {
	const char *text = fact_text(facts, id);
	char *end;
	double value;

	/* strtod alone would also take blanks, signs, "inf", "nan" and hexadecimal. */
	if (!text || text[0] == '\0' || text[strspn(text, "0123456789.eE+-")] != '\0' ||
	    text[0] == '+' || text[0] == '-')
		return false;
	value = strtod(text, &end);
	if (*end != '\0' || !isfinite(value))
		return false;
	*number = value;
	return true;
}

void facts_count_probe(struct facts *facts) {
	struct probe_totals *totals = &facts->totals;
	size_t bucket = 0;

	while (bucket < PROBE_BUCKET_COUNT && facts->took > probe_buckets[bucket])
		bucket++;
	totals->durations[bucket]++;
	totals->duration_sum += facts->took;
	totals->probes[facts->probe.outcome]++;
}

void facts_count_login(struct facts *facts, enum probe_outcome outcome) {
	facts->totals.logins[outcome]++;
}

static uint64_t sum(const uint64_t *counts, size_t count) {
	uint64_t total = 0;

	while (count > 0)
		total += counts[--count];
	return total;
}

uint64_t facts_probes(const struct facts *facts) {
	return sum(facts->totals.probes, PROBE_OUTCOME_COUNT);
}

uint64_t facts_logins(const struct facts *facts) {
	return sum(facts->totals.logins, PROBE_OUTCOME_COUNT);
}

enum flavour flavour_of(const char *version, const char *comment, bool has_pxc, bool has_wsrep) {
	if (strcasestr(version, "mariadb") || strcasestr(comment, "mariadb"))
		return FLAVOUR_MARIADB;
	if (has_pxc || strcasestr(comment, "percona xtradb cluster"))
		return FLAVOUR_PXC;
	if (has_wsrep)
		return FLAVOUR_CODERSHIP;
	return version[0] ? FLAVOUR_MYSQL : FLAVOUR_UNKNOWN;
}

const char *flavour_name(enum flavour flavour) {
	return flavour_names[flavour];
}

const char *probe_outcome_name(enum probe_outcome outcome) {
	return outcome_names[outcome];
}
