/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes the prober look at once: datagrams of `clustercheckctl notify`, and changes of the
 * server's status file. Neither is believed. For the main thread alone.
 */
#ifndef CLUSTERCHECKD_SERVE_NOTIFY_H
#define CLUSTERCHECKD_SERVE_NOTIFY_H

#include <poll.h>
#include <stddef.h>

#include "base/text.h"
#include "config/config.h"
#include "node/prober.h"

#define NOTIFY_DESCRIPTORS 2

struct notify;

/*
 * Opens what `config` asks for. The socket of a predecessor (NULL: none) is shared where it is the
 * same one. 0, or -errno with a line in `error`; the predecessor is as it was.
 */
int notify_create(struct notify **notify, const struct config *config, struct prober *prober,
		  const struct notify *predecessor, struct text *error);

/* Removes the socket's file, if it is still its own and no successor has it. NULL is fine. */
void notify_destroy(struct notify *notify);

/* Destroys the predecessor, whose socket's file is now the successor's. */
void notify_succeed(struct notify *successor, struct notify *predecessor);

/* What to poll(2) for before notify_take(); some descriptors may be -1. */
void notify_poll(const struct notify *notify, struct pollfd *fds);

/* Takes what has come; wakes the prober when there is something to look at. */
void notify_take(struct notify *notify);

#endif
