/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetching one document from a running daemon: an HTTP/1.0 request without TLS, over TCP or over
 * its Unix socket, bounded in time and size.
 */
#ifndef CLUSTERCHECKD_SERVE_FETCH_H
#define CLUSTERCHECKD_SERVE_FETCH_H

#include <stdint.h>

/*
 * 0 and the body (the caller frees it) for a 200; -ETIMEDOUT once the deadline (clock_now()) has
 * passed, -EPROTO for any other answer, and otherwise what connecting failed with: -ENOENT or
 * -ECONNREFUSED when no daemon is there.
 */
int fetch_unix(const char *socket_path, const char *path, int64_t deadline, char **body);

/* POSTs a command in JSON. 0 with the answer's status and body, whatever they are, or as above. */
int fetch_command(const char *socket_path, const char *path, const char *command, int64_t deadline,
		  unsigned int *status, char **body);

/*
 * Tries each address of the host, each for its share of the time. Looking up a name is the one step
 * the deadline does not bound; -EADDRNOTAVAIL when there is no such name.
 */
int fetch_tcp(const char *host, const char *port, const char *path, int64_t deadline, char **body);

#endif
