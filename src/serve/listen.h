/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening sockets. Each function returns a descriptor that the caller owns (non-blocking,
 * close-on-exec), or -errno.
 */
#ifndef CLUSTERCHECKD_SERVE_LISTEN_H
#define CLUSTERCHECKD_SERVE_LISTEN_H

#include "config/address.h"
#include "config/config.h"

/* A dual-stack address falls back to IPv4 on a host without IPv6. */
int listen_tcp(const struct listen_address *address);

/*
 * Mode 0660, and the settings' group. A socket left over from a crash is replaced; -EADDRINUSE when
 * a program answers on it.
 */
int listen_unix(const struct control_settings *settings);

/* Mode 0666: whoever reaches the directory may send. Otherwise as listen_unix(). */
int listen_datagrams(const char *path);

/* The canonical text of the address a socket is bound to, as struct listen_address has it. */
int listen_describe(int fd, char *text, size_t size);

#endif
