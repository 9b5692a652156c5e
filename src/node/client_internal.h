/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client library's part in a login, and waiting within a limit: what client.c does for
 * client_login.c, and for nobody else.
 */
#ifndef CLUSTERCHECKD_NODE_CLIENT_INTERNAL_H
#define CLUSTERCHECKD_NODE_CLIENT_INTERNAL_H

#include <stdbool.h>

#include "config/config.h"
#include "node/client.h"
#include "node/facts.h"

/* Where to connect and as whom; NULL: nothing is set. The texts must outlive the attempt. */
struct client_attempt {
	const char *host, *socket, *user, *password;
	unsigned int port;
	struct client_limit limit; /* for what the library waits for within a step */
	int waited;		   /* what that came to: 0, -ETIMEDOUT, -ECANCELED */
	bool begun;
};

/* A client that is not connected yet, for client_drop(); NULL when out of memory. */
struct client *client_create(const struct mysql_settings *settings);

/*
 * A step of connecting: true when it is over and `result` says how, else go on after the wait. The
 * first step takes no events (0).
 */
bool client_connect(struct client *client, struct client_attempt *attempt, short revents,
		    struct probe_result *result);
struct client_wait client_connect_wait(struct client *client);

/* Ends an attempt that is not over, without waiting. */
void client_abandon(struct client *client, struct client_attempt *attempt);

bool client_is_encrypted(struct client *client);

/* Wipes the library's copies of the password, once no step will need them. */
void client_forget_password(struct client *client);

void client_fail(struct probe_result *result, enum probe_outcome outcome, unsigned int code,
		 const char *message);

/*
 * Waits for an operation in progress: 0 with poll's revents, which are 0 only after a slice;
 * otherwise the operation must be given up and the connection dropped.
 */
int client_go_on(const struct client_limit *limit, struct client_wait wait, short *revents);

/*
 * Says in `result` what came of giving up for that reason, and returns 0; or -ECANCELED as it is.
 * `doing` completes "no answer in time while".
 */
int client_give_up(struct probe_result *result, int r, const char *doing);

#endif
