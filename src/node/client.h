/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client connection, as client_login.h makes it: asking, leaving. client.c is the only user of
 * the MySQL client library, whose non-blocking calls give every operation one deadline and let it
 * be cancelled at any moment.
 *
 * What a server does is an outcome, reported in a probe_result; a negative return is -ECANCELED and
 * nothing else. One thread at a time may use a client; it must have called client_thread_init().
 */
#ifndef CLUSTERCHECKD_NODE_CLIENT_H
#define CLUSTERCHECKD_NODE_CLIENT_H

#include <stdint.h>

#include "node/facts.h"

struct client;

/* How long an operation may take (clock_now()), and what ends it before: -1, or readable means
 * stop. */
struct client_limit {
	int64_t deadline;
	int cancel_fd;
};

/* What poll(2) is to wait for. */
struct client_wait {
	int fd; /* -1: nothing yet */
	short events;
	int slice_ms; /* go on after this time even without an event; -1: no need to */
};

/* Once per process, before threads exist, and at its end; then in each thread that has a client. */
int client_library_init(void);
void client_library_finish(void);
void client_thread_init(void);
void client_thread_finish(void);

/* Name and version of the library, such as "MariaDB Connector/C 3.3.20"; static, any thread. */
const char *client_library_version(void);

/* Called per row; a value is NULL where SQL says NULL. */
typedef void (*client_row)(void *context, unsigned int columns, const char *const *values);

/*
 * Sends one statement and walks its rows as they come; `on_row` is NULL for a statement that has
 * none. Unless the outcome is PROBE_OK, forget the rows and drop the client.
 */
int client_ask(struct client *client, const char *sql, const struct client_limit *limit,
	       client_row on_row, void *context, struct probe_result *result);

/*
 * The connection's descriptor, for poll(2) alone: while nothing is asked, whatever happens there
 * means that the server has ended the connection. -1 for NULL.
 */
int client_descriptor(struct client *client);

/* Says goodbye to a healthy server. NULL is fine. */
void client_quit(struct client *client);

/* Cuts the connection, whatever state it is in; never blocks. NULL is fine. */
void client_drop(struct client *client);

#endif
