/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP exchange over a connected socket that xinetd or systemd (Accept=yes) handed us. Every
 * step is bounded in bytes and time, and the connection ends without a reset: the request is read
 * before the answer, and the caller's end is awaited after it.
 */
#ifndef CLUSTERCHECKD_SERVE_INETD_H
#define CLUSTERCHECKD_SERVE_INETD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True for a connected network socket, and for a Unix socket somebody listened on. The socket pairs
 * that sshd and others use as standard input are none.
 */
bool inetd_is_socket(int fd);

/* Reads the request up to its empty line; a caller who says nothing is not waited for. True for
 * HEAD. */
bool inetd_read_request(int fd);

/* Sends the answer, says that it is complete, and waits for the caller to close. */
void inetd_send_answer(int fd, const char *bytes, size_t length);

#endif
