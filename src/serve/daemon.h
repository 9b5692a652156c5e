/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: prober, publication and HTTP server put together, and the main thread's loop over
 * signals and time. SIGTERM and SIGINT stop it, SIGHUP reloads the configuration.
 */
#ifndef CLUSTERCHECKD_SERVE_DAEMON_H
#define CLUSTERCHECKD_SERVE_DAEMON_H

#include <stdbool.h>

#include "base/text.h"
#include "config/config.h"

struct daemon;

/*
 * Blocks the signals it handles; call it before other threads exist. `config` was loaded from
 * `sources`, which are read again at a reload and must outlive the daemon. 0, or -errno with a line
 * in `error`; there may be something to destroy in either case.
 */
int daemon_create(struct daemon **daemon, const struct config *config,
		  const struct config_sources *sources, struct text *error);

/*
 * False when the prober hangs in a call that cannot be interrupted: it goes on with what is left of
 * the daemon, and only _exit(2) ends it. NULL is fine.
 */
bool daemon_destroy(struct daemon *daemon);

/* Serves until a signal says stop. 0 or -errno. */
int daemon_run(struct daemon *daemon);

#endif
