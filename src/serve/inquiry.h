/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inquiry: the node's facts for an operator's command, from the running daemon or, where none
 * answers, by probing the server with the same configuration. The caller has called
 * client_library_init().
 */
#ifndef CLUSTERCHECKD_SERVE_INQUIRY_H
#define CLUSTERCHECKD_SERVE_INQUIRY_H

#include "config/config.h"
#include "node/facts.h"

struct inquiry {
	int64_t now; /* clock_now() that the facts are to be judged at */
	struct facts facts;
	char *status;	  /* what the daemon answered; NULL: the server was probed */
	int daemon_error; /* why there is no daemon's answer: -errno; 0 when there is one */
};

/* `socket` may be empty: no daemon is asked then. Never fails: a failed probe is a fact. */
void inquire(struct inquiry *inquiry, const struct config *config, const char *socket);

/* One round without the daemon, two where an endpoint limits flow control. */
void inquiry_probe(const struct config *config, struct facts *facts);

void inquiry_finish(struct inquiry *inquiry);

#endif
