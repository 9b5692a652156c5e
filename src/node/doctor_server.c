/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/client.h"
#include "node/client_error.h"
#include "node/client_login.h"
#include "node/doctor.h"
#include "node/verdict.h"

/* wsrep_sync_wait, bit 1: SELECT, SHOW and BEGIN wait for the applier. */
#define SYNC_WAIT_READ 1

#define NEARLY_FULL 0.9 /* of max_connections */
#define RETRY_MS 10

/* --- what the probe found ------------------------------------------------------------------- */

const char *doctor_remedy(const struct probe_result *result) {
	switch (result->outcome) {
	case PROBE_UNREACHABLE:
		return "does the server run (its service, its error log), or receive a state "
		       "transfer? "
		       "Then [mysql] socket must be what SELECT @@socket says";
	case PROBE_REFUSED:
		return "start the server, or correct [mysql] socket, host and port";
	case PROBE_TIMEOUT:
		return "find out what the server waits for; [mysql] timeout may be too short";
	case PROBE_ACCESS_DENIED:
		/* Without an error number it was our own file that failed; its error says how. */
		if (result->code == 0)
			return "mend the file that is named";
		return "clustercheckctl grants prints the account; its password must be ours";
	case PROBE_TOO_MANY_CONNECTIONS:
		if (client_error_is_of_account(result->code))
			return "take away the limit that it names (ALTER USER ... WITH "
			       "MAX_USER_CONNECTIONS 0): the daemon needs two sessions at once";
		return "see who holds them (SHOW PROCESSLIST), then raise max_connections; on "
		       "MariaDB "
		       "set extra_port there and in [mysql]";
	case PROBE_NOT_READY:
		return "the node takes no statements now: its error log tells why";
	default:
		return "make sure that this is a MySQL or MariaDB server; look at its error log";
	}
}

static void judge_outcome(const struct facts *facts, struct findings *findings) {
	const struct probe_result *login = &facts->login;

	if (facts->probe.outcome != PROBE_OK)
		finding_remedy(finding_add(findings, FINDING_PROBLEM, "the probe failed: %s: %s",
					   probe_outcome_name(facts->probe.outcome),
					   facts->probe.error),
			       "%s", doctor_remedy(&facts->probe));
	else
		finding_add(findings, FINDING_OK,
			    "%s %s answered a login and all questions in "
			    "%.1f ms",
			    flavour_name(facts->flavour), facts->server_version,
			    (double)facts->took / NSEC_PER_MSEC);
	if (login->outcome != PROBE_OK && login->outcome != PROBE_NEVER &&
	    facts->probe.outcome == PROBE_OK)
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "a fresh login failed: %s: %s",
					   probe_outcome_name(login->outcome), login->error),
			       "%s", doctor_remedy(login));
}

static void judge_verdicts(const struct config *config, const struct facts *facts,
			   struct findings *findings) {
	const struct endpoint *endpoints = config->endpoints.items;
	char paths[REASON_COUNT][256];
	struct text texts[REASON_COUNT];
	int64_t now = clock_now();

	for (int i = 0; i < REASON_COUNT; i++)
		text_init(&texts[i], paths[i], sizeof(paths[i]));
	for (size_t i = 0; i < config->endpoints.count; i++) {
		struct verdict judged = verdict(facts, &endpoints[i].policy, now);
		struct text *text = &texts[judged.reason];

		text_format(text, "%s%s", text->length ? " " : "", endpoints[i].path);
	}
	for (int i = 0; i < REASON_AVAILABLE; i++)
		if (texts[i].length > 0)
			finding_remedy(finding_add(findings, FINDING_WARNING,
						   "%s not available: %s: %s", paths[i],
						   reason_name((enum reason)i),
						   reason_help((enum reason)i)),
				       "clustercheckctl explain %.*s", (int)strcspn(paths[i], " "),
				       paths[i]);
	if (texts[REASON_AVAILABLE].length > 0)
		finding_add(findings, FINDING_OK, "%s available", paths[REASON_AVAILABLE]);
}

static void judge_donor(const struct config *config, const struct facts *facts,
			struct findings *findings) {
	const char *method = fact_text(facts, FACT_SST_METHOD);

	for (size_t i = 0; method && i < config->endpoints.count; i++) {
		const struct endpoint *endpoint = &config->endpoints.items[i];

		if (endpoint->policy.donor == DONOR_AVAILABLE && verdict_sst_blocks(facts))
			finding_remedy(finding_add(findings, FINDING_WARNING,
						   "%s has donor=available, but "
						   "wsrep_sst_method=%s blocks the donor",
						   endpoint->path, method),
				       "donor=auto, or wsrep_sst_method=mariabackup or "
				       "xtrabackup-v2");
	}
}

static void judge_wsrep(const struct facts *facts, struct findings *findings) {
	const char *reject = fact_text(facts, FACT_REJECT_QUERIES);

	if (reject && !fact_is(facts, FACT_REJECT_QUERIES, "NONE"))
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "wsrep_reject_queries=%s: applications get error 1047",
					   reject),
			       "SET GLOBAL wsrep_reject_queries=NONE");
	if (fact_is_on(facts, FACT_SST_DONOR_REJECTS_QUERIES))
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "wsrep_sst_donor_rejects_queries=ON: as a donor this "
					   "node serves nobody, whatever donor= says"),
			       "SET GLOBAL wsrep_sst_donor_rejects_queries=OFF, and in my.cnf");
}

/* --- what takes a session of our own -------------------------------------------------------- */

enum { SYNC_WAIT, MAX_CONNECTIONS, EXTRA_PORT, THREADS_CONNECTED, VALUE_COUNT };

static const char *const value_names[VALUE_COUNT] = {
	[SYNC_WAIT] = "wsrep_sync_wait",
	[MAX_CONNECTIONS] = "max_connections",
	[EXTRA_PORT] = "extra_port",
	[THREADS_CONNECTED] = "Threads_connected",
};

struct examination {
	struct client *client;
	bool broken; /* the connection, not just a statement */
	struct client_limit limit;
	struct findings *findings;
	bool is_set[VALUE_COUNT];
	long long values[VALUE_COUNT];
	char excess_storage[200];
	struct text excess;
};

/* Error numbers of the client libraries, rather than of a server that refuses a statement. */
static bool is_broken(const struct probe_result *result) {
	return result->outcome != PROBE_OK &&
	       (result->code == 0 || (result->code >= 2000 && result->code < 3000));
}

static bool ask(struct examination *exam, const char *sql, client_row on_row) {
	struct probe_result result;

	if (exam->broken)
		return false;
	client_ask(exam->client, sql, &exam->limit, on_row, exam, &result);
	exam->broken = is_broken(&result);
	return result.outcome == PROBE_OK;
}

static void take_value(void *context, unsigned int columns, const char *const *values) {
	struct examination *exam = context;

	for (size_t i = 0; columns == 2 && values[0] && values[1] && i < VALUE_COUNT; i++) {
		if (strcasecmp(values[0], value_names[i]) == 0) {
			exam->is_set[i] = true;
			exam->values[i] = strtoll(values[1], NULL, 10);
		}
	}
}

static void judge_connections(const struct examination *exam) {
	long long used = exam->values[THREADS_CONNECTED];
	long long max = exam->values[MAX_CONNECTIONS];

	if (!exam->is_set[THREADS_CONNECTED] || !exam->is_set[MAX_CONNECTIONS])
		return;
	if ((double)used < NEARLY_FULL * (double)max)
		finding_add(exam->findings, FINDING_OK, "%lld of %lld connections are taken", used,
			    max);
	else
		finding_remedy(finding_add(exam->findings, FINDING_WARNING,
					   "%lld of %lld connections are taken", used, max),
			       "raise max_connections, or find out who keeps them");
}

static void judge_extra_port(const struct examination *exam, const struct config *config) {
	long long offered = exam->is_set[EXTRA_PORT] ? exam->values[EXTRA_PORT] : 0;
	long long configured = (long long)config->mysql.extra_port;

	if (offered && !configured)
		finding_remedy(finding_add(exam->findings, FINDING_NOTE,
					   "the server has extra_port=%lld, which is not made use "
					   "of when all connections are taken",
					   offered),
			       "[mysql] extra_port=%lld", offered);
	else if (configured && configured != offered)
		finding_remedy(finding_add(exam->findings, FINDING_WARNING,
					   "[mysql] extra_port=%lld, but the server has %lld",
					   configured, offered),
			       "make them the same; the server's takes a restart");
}

static void judge_sync_wait(const struct examination *exam) {
	if (exam->is_set[SYNC_WAIT] && exam->values[SYNC_WAIT] & SYNC_WAIT_READ)
		finding_remedy(finding_add(exam->findings, FINDING_WARNING,
					   "wsrep_sync_wait=%lld globally: every SELECT and SHOW "
					   "of others waits for replication (ours do not)",
					   exam->values[SYNC_WAIT]),
			       "SET GLOBAL wsrep_sync_wait=0, and per session where it is needed");
}

/* A limit per hour, or on sessions at once, starves a daemon that asks twice a second. */
static void judge_limits(struct examination *exam, const char *row) {
	static const struct {
		const char *name;
		long enough;
	} limits[] = {
		{"MAX_QUERIES_PER_HOUR", 100000},
		{"MAX_CONNECTIONS_PER_HOUR", 10000},
		{"MAX_USER_CONNECTIONS", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const char *at = strstr(row, limits[i].name);
		long limit = at ? atol(at + strlen(limits[i].name)) : 0;

		if (limit > 0 && limit < limits[i].enough)
			finding_remedy(finding_add(exam->findings, FINDING_PROBLEM,
						   "the account is limited by %s %ld",
						   limits[i].name, limit),
				       "ALTER USER ... WITH %s 0", limits[i].name);
	}
}

static void take_grant(void *context, unsigned int columns, const char *const *values) {
	struct examination *exam = context;

	if (columns != 1 || !values[0])
		return;
	grants_excess(values[0], &exam->excess);
	judge_limits(exam, values[0]);
}

static void judge_grants(struct examination *exam) {
	text_init(&exam->excess, exam->excess_storage, sizeof(exam->excess_storage));
	if (!ask(exam, "SHOW GRANTS", take_grant))
		finding_add(exam->findings, FINDING_NOTE, "the account's privileges are not shown");
	else if (exam->excess.length > 0)
		finding_remedy(finding_add(exam->findings, FINDING_WARNING,
					   "the account may do more than it needs: %s%s",
					   exam->excess_storage,
					   exam->excess.truncated ? "..." : ""),
			       "REVOKE it, or an account of its own: clustercheckctl grants");
	else
		finding_add(exam->findings, FINDING_OK,
			    "the account may not do more than it needs");
}

/* Asked, rather than read from the grants: it may come with a role, or with ALL PRIVILEGES. */
static void judge_process_privilege(struct examination *exam) {
	if (!ask(exam, "SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1", NULL) &&
	    !exam->broken)
		finding_remedy(finding_add(exam->findings, FINDING_NOTE,
					   "the account lacks PROCESS: drain --wait cannot tell "
					   "what --idle and --no-sessions wait for"),
			       "GRANT PROCESS ON *.* to it: clustercheckctl grants");
}

static void examine(struct examination *exam, const struct config *config) {
	/* Or our own questions would wait. A server without wsrep refuses this: harmless. */
	ask(exam, "SET SESSION wsrep_sync_wait=0", NULL);
	ask(exam,
	    "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
	    "('wsrep_sync_wait','max_connections','extra_port')",
	    take_value);
	ask(exam, "SHOW GLOBAL STATUS LIKE 'Threads_connected'", take_value);
	judge_grants(exam);
	judge_process_privilege(exam);
	judge_sync_wait(exam);
	judge_connections(exam);
	judge_extra_port(exam, config);
}

/* The server may still count the session of the probe, which has just ended. */
static void log_in(struct examination *exam, const struct mysql_settings *settings,
		   struct probe_result *result) {
	int64_t patience = clock_now() + settings->timeout;

	do {
		exam->limit.deadline = clock_now() + settings->timeout;
		client_log_in_past_crowd(&exam->client, settings, &exam->limit, result);
		if (exam->client || result->outcome != PROBE_TOO_MANY_CONNECTIONS)
			return;
		poll(NULL, 0, RETRY_MS);
	} while (clock_now() < patience);
}

void doctor_session(const struct config *config, struct findings *findings) {
	struct examination exam = {.limit.cancel_fd = -1, .findings = findings};
	struct probe_result result;

	log_in(&exam, &config->mysql, &result);
	if (exam.client)
		examine(&exam, config);
	else
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "a second login failed: %s: %s",
					   probe_outcome_name(result.outcome), result.error),
			       "%s", doctor_remedy(&result));
	if (exam.broken)
		client_drop(exam.client);
	else
		client_quit(exam.client);
}

void doctor_server(const struct config *config, const struct facts *facts,
		   struct findings *findings) {
	judge_outcome(facts, findings);
	if (facts->probe.outcome != PROBE_OK)
		return;
	judge_verdicts(config, facts, findings);
	judge_wsrep(facts, findings);
	judge_donor(config, facts, findings);
}
