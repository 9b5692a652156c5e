/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server that answers with whatever it likes, behind a client that hands its rows to the probe.
 * The input: a row per line, its values separated by tabs, \N for NULL; an empty line ends a
 * result, and a line "!NUMBER" makes it an error of the server's.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/client_error.h"
#include "node/client_login.h"
#include "node/probe.h"
#include "node/verdict.h"
#include "view/explain.h"
#include "view/status.h"
#include "view/status_reader.h"

#define MALFORMED 2027 /* the client library's error for what it does not expect */

static char *script; /* what the server has not said yet */

/* --- the client ----------------------------------------------------------------------------- */

static void answer(struct probe_result *result, unsigned int code) {
	*result = (struct probe_result){.outcome = client_error_outcome(code, ""), .code = code};
}

int client_log_in_past_crowd(struct client **client, const struct mysql_settings *settings,
			     const struct client_limit *limit, struct probe_result *login) {
	(void)settings;
	(void)limit;
	answer(login, 0);
	*client = (struct client *)&script;
	return 0;
}

static void hand_over(char *row, client_row on_row, void *context) {
	const char *values[32];
	unsigned int columns = 0;

	while (row && columns < ARRAY_SIZE(values)) {
		char *value = strsep(&row, "\t");

		values[columns++] = strcmp(value, "\\N") == 0 ? NULL : value;
	}
	on_row(context, columns, values);
}

int client_ask(struct client *client, const char *sql, const struct client_limit *limit,
	       client_row on_row, void *context, struct probe_result *result) {
	unsigned int code;
	char *row;

	(void)client;
	(void)sql;
	(void)limit;
	answer(result, 0);
	while ((row = strsep(&script, "\n")) && row[0]) {
		if (row[0] == '!' || !on_row) {
			code = (unsigned int)atoi(row + 1);
			answer(result, code ? code : MALFORMED);
			break;
		}
		hand_over(row, on_row, context);
	}
	return 0;
}

int client_descriptor(struct client *client) {
	(void)client;
	return -1;
}

void client_quit(struct client *client) {
	(void)client;
}

void client_drop(struct client *client) {
	(void)client;
}

/* --- what holds ----------------------------------------------------------------------------- */

/* Under a policy that admits whatever a policy can. */
static enum reason judge(const struct facts *facts) {
	static const struct policy lax = {
		.max_age = 2 * NSEC_PER_SEC,
		.donor = DONOR_AVAILABLE,
		.read_only = ADMISSION_AVAILABLE,
		.saturated = ADMISSION_AVAILABLE,
	};

	return verdict(facts, &lax, facts->probed_at).reason;
}

static void require_sound(const struct facts *facts) {
	double state;

	require(facts->probe.outcome == PROBE_OK);
	require(fact_is(facts, FACT_CLUSTER_STATUS, "Primary"));
	require(fact_is_on(facts, FACT_READY) && fact_is_on(facts, FACT_CONNECTED));
	require(fact_number(facts, FACT_LOCAL_STATE, &state) && (state == 4 || state == 2));
	require(!fact_text(facts, FACT_WSREP_ON) || fact_is_on(facts, FACT_WSREP_ON));
	require(!fact_text(facts, FACT_OFFLINE_MODE) || fact_is_off(facts, FACT_OFFLINE_MODE));
}

static void require_shown(const struct facts *facts) {
	static const struct policy policy = {.max_age = 2 * NSEC_PER_SEC};
	static struct report report = {.snapshot.endpoints = {.count = 1, .items[0].path = "/"}};
	static struct facts again;
	AUTO_FREE char *json = NULL;
	char storage[1024];
	struct text line;

	report.now = facts->probed_at;
	report.snapshot.facts = *facts;
	json = status_json(&report, false);
	require(json && status_read_facts(json, facts->probed_at, &again) == 0);
	again.probed_at = facts->probed_at;
	require(judge(&again) == judge(facts));
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		text_init(&line, storage, sizeof(storage));
		explain_values((enum reason)reason, facts, &policy, facts->probed_at, &line);
		require(!strpbrk(storage, "\r\n\033"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct mysql_settings settings = {.timeout = NSEC_PER_SEC};
	AUTO_FREE char *text = fuzz_string(data, size);
	struct probe *probe = probe_create(&settings, -1);
	static struct facts facts;

	require(probe);
	memset(&facts, 0, sizeof(facts));
	script = text;
	for (int round = 0; round < 2; round++) {
		require(probe_round(probe, &facts) == 0);
		if (judge(&facts) == REASON_AVAILABLE)
			require_sound(&facts);
		require_shown(&facts);
	}
	probe_destroy(probe);
	return 0;
}
