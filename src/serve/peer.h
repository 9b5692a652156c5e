/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is on the other end of a Unix socket, by what the kernel noted when they connected. A second
 * lock besides the socket file's mode, which someone may widen by accident.
 */
#ifndef CLUSTERCHECKD_SERVE_PEER_H
#define CLUSTERCHECKD_SERVE_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#define PEER_NO_GROUP ((gid_t)-1)

/* True for root, for this process's own user, and for members of `group`. */
bool peer_is_allowed(int fd, gid_t group);

#endif
