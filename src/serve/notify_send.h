/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "clustercheckctl notify": what Galera runs as its wsrep_notify_cmd, and waits for.
 */
#ifndef CLUSTERCHECKD_SERVE_NOTIFY_SEND_H
#define CLUSTERCHECKD_SERVE_NOTIFY_SEND_H

/*
 * Sends one datagram to the daemon, without waiting for anything and without reading a file: the
 * server's account may read no configuration of ours. `arguments` are the words after "notify", up
 * to NULL; a socket that they name wins over `path`, which may be NULL for the default. A daemon
 * that is away finds out by itself when it comes, so that is told on a terminal only and is no
 * failure: the server would log an error at each change.
 */
void notify_send(char *const *arguments, const char *path);

#endif
