/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager: readiness, watchdog and inherited sockets. The only user of libsystemd;
 * without it, or when not started by systemd, every function does nothing.
 */
#ifndef CLUSTERCHECKD_SERVE_SERVICE_H
#define CLUSTERCHECKD_SERVE_SERVICE_H

#include <stdint.h>

/* Sends log events with their fields to the journal, where standard error is one. */
void service_use_journal(void);

void service_ready(void);
void service_reloading(void);
void service_stopping(void);

/* The line that `systemctl status` shows. */
void service_status(const char *status);

/* Tells the watchdog that all is well. */
void service_alive(void);

/* Nanoseconds within which service_alive() is wanted; 0: no watchdog. */
int64_t service_watchdog(void);

/* Listening sockets inherited by socket activation: first descriptor in `first`, their number
 * returned. */
int service_sockets(int *first);

#endif
