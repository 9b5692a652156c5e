/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging in: from settings to a client. Errors and threads are as in client.h.
 */
#ifndef CLUSTERCHECKD_NODE_CLIENT_LOGIN_H
#define CLUSTERCHECKD_NODE_CLIENT_LOGIN_H

#include <stdbool.h>

#include "config/config.h"
#include "node/client.h"
#include "node/facts.h"

/*
 * Reads password and option files, connects and logs in; over TCP to `extra_port` where that is not
 * 0. `*client` is the caller's when the outcome is PROBE_OK, and NULL otherwise.
 */
int client_log_in(struct client **client, const struct mysql_settings *settings,
		  unsigned int extra_port, const struct client_limit *limit,
		  struct probe_result *result);

/*
 * A login in its steps, for those who have something else to wait for meanwhile: begin, then go on
 * whenever the wait is over, until the outcome is there; then take the client, or abandon it at any
 * time. NULL, with the outcome, when it cannot even begin. The limit is for what a library waits
 * for inside a step (Connector/C 3.3: the TLS handshake); the caller keeps to it between them.
 */
struct client_login;
struct client_login *client_login_begin(const struct mysql_settings *settings,
					unsigned int extra_port, const struct client_limit *limit,
					struct probe_result *result);
struct client_wait client_login_wait(const struct client_login *login);

/* True when it is over and `result` says how. The first call takes no events (0). */
bool client_login_go_on(struct client_login *login, short revents, struct probe_result *result);

/* Ends the login; the client is the caller's, or NULL where it has failed. */
struct client *client_login_take(struct client_login *login);
void client_login_abandon(struct client_login *login); /* NULL is fine */

#endif
