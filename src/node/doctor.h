/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The examinations that need files, processes and the server: each adds what it found. Those of
 * sockets are in serve/doctor.h.
 */
#ifndef CLUSTERCHECKD_NODE_DOCTOR_H
#define CLUSTERCHECKD_NODE_DOCTOR_H

#include <stdbool.h>

#include "base/text.h"
#include "config/config.h"
#include "node/facts.h"
#include "node/finding.h"

/* Owner and mode of the configuration and of what it names; durations that do not fit together. */
void doctor_files(const struct config *config, struct findings *findings);
void doctor_timing(const struct config *config, struct findings *findings);

/* What is ordered, and the files that disable the node by existing. */
void doctor_orders(const struct config *config, struct findings *findings);

/* Passwords that everyone can read in the process list, or will as soon as xinetd is asked. */
void doctor_arguments(struct findings *findings);

/* True when these are the arguments of a clustercheck or clustercheckd and hold a password. */
bool arguments_show_password(const char *const *words, size_t count);

/* What to do about a login or probe that failed. */
const char *doctor_remedy(const struct probe_result *result);

/* What the server shows: `facts` is of a probe with the same configuration. */
void doctor_server(const struct config *config, const struct facts *facts,
		   struct findings *findings);

/* What only a session of our own shows, after a probe that got in: privileges, limits, settings. */
void doctor_session(const struct config *config, struct findings *findings);

/*
 * Of one row of SHOW GRANTS: appends the privileges that the daemon has no use for, and where,
 * separated by ", ". Nothing of the row's password hash.
 */
void grants_excess(const char *row, struct text *out);

#endif
