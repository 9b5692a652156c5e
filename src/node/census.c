/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

/*
 * A session at rest inside a transaction shows as Sleep: only InnoDB knows of it. One that is about
 * to log in ("unauthenticated user") has been let through by a balancer, and counts. Both tables
 * are in MariaDB 10.3 to 12, PXC 8 and MySQL 9, and INNODB_TRX asks for PROCESS in all of them.
 */
#define SESSIONS                                                                                \
	"FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX t "      \
	"ON t.trx_mysql_thread_id=p.ID "                                                        \
	"WHERE p.USER NOT IN ('system user','event_scheduler',"                                 \
	"SUBSTRING_INDEX(USER(),'@',1)) AND p.COMMAND NOT IN ('Daemon','Binlog Dump','Killed'," \
	"'Binlog Dump GTID')"
#define IS_BUSY "(p.COMMAND<>'Sleep' OR t.trx_id IS NOT NULL)"
#define STRING(token) #token
#define DIGITS(token) STRING(token)

static void take_counts(void *context, unsigned int columns, const char *const *values) {
	struct sessions *sessions = context;

	if (columns != 2 || !values[0])
		return;
	sessions->connected = (unsigned int)strtoul(values[0], NULL, 10);
	/* The sum of no rows is NULL. */
	sessions->busy = values[1] ? (unsigned int)strtoul(values[1], NULL, 10) : 0;
}

struct list {
	struct sessions *sessions;
	size_t count;
};

static const char *or_empty(const char *value) {
	return value ? value : "";
}

static void take_session(void *context, unsigned int columns, const char *const *values) {
	struct list *list = context;
	struct session *session;

	if (columns != 6 || list->count == SESSION_MAX)
		return;
	session = &list->sessions->busiest[list->count++];
	session->id = strtoull(or_empty(values[0]), NULL, 10);
	text_copy(session->user, sizeof(session->user), or_empty(values[1]));
	text_copy(session->host, sizeof(session->host), or_empty(values[2]));
	text_copy(session->command, sizeof(session->command), or_empty(values[3]));
	session->seconds = strtoull(or_empty(values[4]), NULL, 10);
	session->in_transaction = strcmp(or_empty(values[5]), "1") == 0;
}

int census_take(struct client *client, const struct client_limit *limit,
		struct sessions *sessions) {
	static const char counts[] = "SELECT COUNT(*),SUM" IS_BUSY " " SESSIONS;
	static const char busiest[] =
		"SELECT p.ID,p.USER,p.HOST,p.COMMAND,p.TIME,t.trx_id IS NOT NULL " SESSIONS
		" AND " IS_BUSY " ORDER BY p.TIME DESC LIMIT " DIGITS(SESSION_MAX);
	struct list list = {.sessions = sessions};
	int r;

	*sessions = (struct sessions){.at = clock_now()};
	r = client_ask(client, counts, limit, take_counts, sessions, &sessions->result);
	if (r < 0 || sessions->result.outcome != PROBE_OK)
		return r;
	return client_ask(client, busiest, limit, take_session, &list, &sessions->result);
}
