/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging in: from settings to a client. Errors and threads are as in client.h.
 */
#ifndef CLUSTERCHECKD_NODE_CLIENT_LOGIN_H
#define CLUSTERCHECKD_NODE_CLIENT_LOGIN_H

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
 * As client_log_in() on the ordinary port, whose outcome is `login`; and where all connections are
 * taken there, through settings.extra_port if that is set. So `*client` may be there although
 * `login` is PROBE_TOO_MANY_CONNECTIONS.
 */
int client_log_in_past_crowd(struct client **client, const struct mysql_settings *settings,
			     const struct client_limit *limit, struct probe_result *login);

#endif
