/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stanza for HAProxy, made from the configuration: one frontend and backend for writers and one
 * for readers, checked at /rw and /ro.
 */
#ifndef CLUSTERCHECKD_VIEW_HAPROXY_H
#define CLUSTERCHECKD_VIEW_HAPROXY_H

#include <stdio.h>

#include "config/config.h"

/*
 * `members` is wsrep_incoming_addresses, or NULL. What in it is no address and port is left out;
 * where nothing is left, placeholders stand in its stead.
 */
void haproxy_print(const struct config *config, const char *members, FILE *stream);

#endif
