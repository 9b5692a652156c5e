/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The census: which sessions besides ours are on the node, and which of them are at work. This is
 * what the account has PROCESS for; without it the result says access-denied.
 */
#ifndef CLUSTERCHECKD_NODE_CENSUS_H
#define CLUSTERCHECKD_NODE_CENSUS_H

#include "node/client.h"
#include "node/facts.h"

/*
 * Ours are the sessions of the client's own account; those of the server (appliers, the event
 * scheduler) and replicas that read the binary log are left out too. A failure is a result, and no
 * matter of the verdict; drop the client then. 0 or -ECANCELED.
 */
int census_take(struct client *client, const struct client_limit *limit, struct sessions *sessions);

#endif
