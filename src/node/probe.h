/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe: one kept connection to the local server, the questions asked over it, and fresh logins
 * beside it.
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
 * times, outcome, values; counters and the fields of operator and login are left alone, except that
 * a new connection counts as a fresh login. A kept
 * connection that has died is made anew in the same round where that takes no time. Returns 0, or
 * -ECANCELED with `facts` undefined.
 */
int probe_round(struct probe *probe, struct facts *facts);

/*
 * Asks something else over the kept connection, within settings.timeout. Without one, the outcome
 * is that of a server that cannot be reached; one that fails is dropped, unless the server is well
 * and only refuses the statement. 0 or -ECANCELED.
 */
int probe_ask(struct probe *probe, const char *sql, client_row on_row, void *context,
	      struct probe_result *result);

/* See client_descriptor(); -1 while there is no kept connection. */
int probe_descriptor(const struct probe *probe);

/*
 * A fresh login on the ordinary port and a clean quit, in steps, so that rounds go on meanwhile: a
 * server that is going down takes connections it never answers. Each returns true when the login is
 * over and `login` says how. It has settings.timeout.
 */
bool probe_login_begin(struct probe *probe, struct probe_result *login);
bool probe_login_go_on(struct probe *probe, short revents, struct probe_result *login);

/* What the login waits for, and until when; fd -1 and CLOCK_NEVER while none is under way. */
struct client_wait probe_login_wait(const struct probe *probe);
int64_t probe_login_deadline(const struct probe *probe);
bool probe_login_runs(const struct probe *probe);
void probe_login_abandon(struct probe *probe);

#endif
