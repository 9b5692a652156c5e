/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: prober, publication and HTTP server put together, and the main thread's loop over
 * signals and time. SIGTERM and SIGINT stop it, SIGHUP reloads the configuration.
 */
#ifndef CLUSTERCHECKD_SERVE_DAEMON_H
#define CLUSTERCHECKD_SERVE_DAEMON_H

#include "base/text.h"
#include "config/config.h"

struct daemon;

/*
 * Blocks the signals it handles; call it before other threads exist. `config` was loaded from
 * `sources`, which are read again at a reload and must outlive the daemon. 0, or -errno with a line
 * in `error` that has been logged.
 */
int daemon_create(struct daemon **daemon, const struct config *config,
		  const struct config_sources *sources, struct text *error);

/*
 * Where the prober hangs in a call that cannot be interrupted, this ends the process, with
 * `status`. NULL is fine.
 */
void daemon_destroy(struct daemon *daemon, int status);

/* Serves until a signal says stop. 0 or -errno. */
int daemon_run(struct daemon *daemon);

#endif
