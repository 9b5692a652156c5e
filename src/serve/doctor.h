/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The examinations of sockets: the daemon behind its control socket, who polls it, and who holds
 * the addresses it listens on; and the whole examination in its order.
 */
#ifndef CLUSTERCHECKD_SERVE_DOCTOR_H
#define CLUSTERCHECKD_SERVE_DOCTOR_H

#include "config/config.h"
#include "node/finding.h"
#include "serve/inquiry.h"

/* `inquiry` is of the daemon at `socket`, or tells why there is none. */
void doctor_daemon(const struct config *config, const char *socket, const struct inquiry *inquiry,
		   struct findings *findings);

void doctor_ports(const struct config *config, bool daemon_answers, struct findings *findings);

/* All of it. The caller has called client_library_init(). */
void doctor_examine(const struct config *config, const char *socket, struct findings *findings);

#endif
