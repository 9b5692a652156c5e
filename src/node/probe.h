/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe: one kept connection to the local server, and the questions asked over it.
 *
 * One thread at a time may use a probe; it must have called client_thread_init().
 */
#ifndef CLUSTERCHECKD_NODE_PROBE_H
#define CLUSTERCHECKD_NODE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "node/client.h"
#include "node/facts.h"

struct probe;

/*
 * `cancel_fd` (-1: none) ends whatever operation runs once it is readable. Password and option
 * files are read at each login, so that a rotated password needs no reload. NULL when out of
 * memory.
 */
struct probe *probe_create(const struct mysql_settings *settings, int cancel_fd);

/* Closes the kept connection, politely where that takes no time. NULL is fine. */
void probe_destroy(struct probe *probe);

/* Takes over new settings; the kept connection survives unless they concern it. */
void probe_configure(struct probe *probe, const struct mysql_settings *settings);

/*
 * One round within settings.timeout: connects if need be, asks for every fact, and fills `facts`:
 * times, outcome, values, counts of rounds. Order and login are left alone, except that a new
 * connection counts as a fresh login. A kept connection that has died is made anew in the same
 * round where that takes no time. Returns 0, or -ECANCELED with `facts` undefined.
 */
int probe_round(struct probe *probe, struct facts *facts);

/* See client_descriptor(); -1 while there is no kept connection. */
int probe_descriptor(const struct probe *probe);

#endif
