/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The visitor: a thread that logs in afresh beside the kept connection, and leaves again. It finds
 * out whether anybody else would get in and, when asked to, which sessions are on the node. No
 * round of the probe waits for it: a TLS handshake inside Connector/C 3.3, a slow
 * information_schema, an option file on a disk that hangs.
 */
#ifndef CLUSTERCHECKD_NODE_VISITOR_H
#define CLUSTERCHECKD_NODE_VISITOR_H

#include <stdbool.h>

#include "config/config.h"
#include "node/facts.h"

struct visit {
	bool with_census;
	struct probe_result login; /* of the fresh login on the ordinary port */
	struct sessions sessions;  /* with_census: as census.h has it */
};

struct visitor;

/*
 * `stop_fd`, the caller's until visitor_destroy(), ends whatever the visitor does once it is
 * readable. 0 or -errno.
 */
int visitor_create(struct visitor **visitor, int stop_fd);

/*
 * Once stop_fd is readable. False when the thread hangs in a call that cannot be interrupted: then
 * everything must stay as it is. NULL is fine.
 */
bool visitor_destroy(struct visitor *visitor);

/*
 * Sends it to the server, for settings.timeout at most as far as the client library lets itself be
 * bounded. False while it has not come back, or its last visit has not been taken.
 */
bool visitor_send(struct visitor *visitor, const struct mysql_settings *settings, bool with_census);

/* True when it is back, once for each visit. The descriptor is readable from then on. */
bool visitor_take(struct visitor *visitor, struct visit *visit);
int visitor_descriptor(const struct visitor *visitor);

/* A visit by the calling thread, which has called client_thread_init(). 0 or -ECANCELED. */
int visit_make(struct visit *visit, const struct mysql_settings *settings, int cancel_fd);

#endif
