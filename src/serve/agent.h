/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server for HAProxy's agent-check: one thread, one line per connection, sent on accepting it.
 * What a caller sends (agent-send) is read and ignored; one that neither reads nor closes holds up
 * nobody and is dropped after a second.
 */
#ifndef CLUSTERCHECKD_SERVE_AGENT_H
#define CLUSTERCHECKD_SERVE_AGENT_H

#include "base/text.h"
#include "config/config.h"
#include "serve/stage.h"

struct agent;

/*
 * Listens as configured, and starts the thread; `*agent` is NULL where nothing is configured. With
 * a running predecessor, addresses they share go on without a gap: destroy it afterwards. 0, or
 * -errno with a line in `error`.
 */
int agent_create(struct agent **agent, const struct stage *stage, const struct config *config,
		 const struct agent *predecessor, struct text *error);

/* NULL is fine. */
void agent_destroy(struct agent *agent);

#endif
