/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The questions: the statements that bring the facts, and the taking of their rows. Each goes over
 * a client that stays the caller's, and fills values and facts->probe alone: 0, or -ECANCELED with
 * `facts` undefined. An answer of another shape than asked for is a protocol error.
 */
#ifndef CLUSTERCHECKD_NODE_QUESTIONS_H
#define CLUSTERCHECKD_NODE_QUESTIONS_H

#include "node/client.h"
#include "node/facts.h"

/*
 * ER_UNKNOWN_SYSTEM_VARIABLE, in MySQL and MariaDB alike. The code of a result when a variable has
 * gone since discovery.
 */
#define QUESTIONS_UNKNOWN_VARIABLE 1193

/* What discovery has found out about the server. Plain values; zeroed before the first. */
struct questions {
	enum flavour flavour;
	char server_version[64];
	char select[1024]; /* the variables this server has */
	enum fact_id selected[FACT_COUNT];
	unsigned int selected_count;
};

/*
 * After connecting: sets the session up, and finds out who made the server and which variables it
 * has, with their values. One that it has not "does not apply", and is not asked for again.
 */
int questions_discover(struct questions *questions, struct client *client,
		       const struct client_limit *limit, struct facts *facts);

int questions_ask_status(struct client *client, const struct client_limit *limit,
			 struct facts *facts);

/* The variables that discovery found. */
int questions_ask_variables(struct questions *questions, struct client *client,
			    const struct client_limit *limit, struct facts *facts);

#endif
